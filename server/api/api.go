// Package api is the operations of the server: one file per noun, from whose types the OpenAPI document is generated.
//
// An operation says which permission it needs; add refuses everybody else before the operation runs. Within an operation,
// call.Scope is where the subject has that permission: every read and write of the store takes it, and what is outside is not
// found. What changes something goes through store.Store.Write with an entry from call.Entry.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

// Service is what the operations work with.
type Service struct {
	Store  *store.Store
	Log    *slog.Logger
	Now    func() time.Time
	SignIn *signin.Service
	Audit  *store.AuditLog // nil: the log is neither proved nor exported

	Repositories Repositories
	Queue        *jobs.Queue // of the work behind it; nil: nobody works
	Channels     Channels

	catalogue catalogue
	hub       hub
	rulebook  rulebook
}

// Register adds every operation to the API.
func (s *Service) Register(api huma.API) {
	s.session(api)
	s.repositories(api)
	s.events(api)
	s.jobOperations(api)
	s.findings(api)
	s.overview(api)
	s.compliance(api)
	s.resources(api)
	s.graph(api)
	s.ruleOperations(api)
	s.signIn(api)
	s.people(api)
	s.teams(api)
	s.tokens(api)
	s.settings(api)
	s.channels(api)
	s.auditLog(api)
}

// Config is how the API presents itself.
func Config() huma.Config {
	huma.DefaultArrayNullable = false         // an empty list is [], and clients need not ask for null; huma has no other place for it
	c := huma.DefaultConfig("Plumbline", "1") // the version of the API, not of the program
	c.Info.Description = "Findings in infrastructure code through their life. Times are RFC 3339 in UTC; ids are opaque; lists are paged by `cursor`; errors are problem details (RFC 9457)."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "/api/openapi", "", ""
	c.CreateHooks = nil
	c.RejectUnknownQueryParameters = true
	c.Transformers = append(c.Transformers, withoutValues)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: "__Host-plumbline"},
		"token":   {Type: "http", Scheme: "bearer"},
	}
	c.Security = []map[string][]string{{"session": {}}, {"token": {}}}
	c.Tags = []*huma.Tag{{Name: "session", Description: "Who is signed in, and how."}, {Name: "people", Description: "People of the organisation."}, {Name: "teams", Description: "Teams, who is in them and what they own."}, {Name: "tokens", Description: "What programs sign in with."}, {Name: "settings", Description: "The organisation, and where its people sign in."}, {Name: "audit", Description: "The log of everything that was changed."}, {Name: "channels", Description: "Where people are told of what happens."}, {Name: "findings", Description: "What rules found, and what people decided about it."}, {Name: "overview", Description: "How findings stand and where they go."}, {Name: "resources", Description: "What the code declares, after expansion."}, {Name: "compliance", Description: "Frameworks, their controls, and what is said of them."}, {Name: "jobs", Description: "Work that is queued, runs or failed."}, {Name: "rules", Description: "What is judged, and what people decided about it."},
		{Name: "events", Description: "What changes, as it changes."},
		{Name: "repositories", Description: "Repositories with their branches, commits and settings, and results of scans elsewhere."}}
	return c
}

// withoutValues keeps what was sent in a body out of the error about it: bodies hold secrets, and errors are shown and logged.
func withoutValues(_ huma.Context, _ string, v any) (any, error) {
	if m, ok := v.(*huma.ErrorModel); ok {
		for _, e := range m.Errors {
			if strings.HasPrefix(e.Location, "body") {
				e.Value = nil
			}
		}
	}
	return v, nil
}

// Public is the need of an operation that anybody may call, signed in or not.
const Public access.Permission = "public"

// operation describes one operation.
type operation struct {
	id      string // list-findings
	method  string
	path    string
	tag     string // the noun
	summary string
	needs   access.Permission
	whole   bool  // needs it in all of the organisation: a role in teams, or a token bound to a repository, is not enough
	person  bool  // only for people who are signed in: no token does it
	status  int   // on success; 0 means 200, or 204 without a body
	later   bool  // it may answer 202 with the same body: what was asked for is being done
	body    int64 // most bytes of the request's body; 0 means 1 MiB

	streams  []string      // media types of what streams; nil when the body is a type
	patience time.Duration // how long the request may take to come, and the operation to end; 0 means 30 s. What streams ends by itself
}

// Call is one call of an operation by somebody who may call it.
type Call struct {
	Subject access.Subject
	Scope   access.Scope // where the subject has the permission that the operation needs
	Address string       // of the client
	Request string       // id of the request
	Token   bool         // a token came with the request; of a Subject that is nobody it is not a good one
}

// Actor is the subject in the words of the audit log.
func (c *Call) Actor() string {
	if c.Subject.Kind == "" {
		return "nobody"
	}
	return c.Subject.Kind + ":" + store.ID(c.Subject.ID).String() + " " + c.Subject.Name
}

// Entry returns the audit record of a change that this call makes.
func (c *Call) Entry(action, object string, data any) store.Entry {
	return store.Entry{Organisation: store.ID(c.Subject.Organisation), Actor: c.Actor(), Action: action, Object: object, Data: data,
		Address: c.Address, Request: c.Request}
}

type callKey struct{}

// WithCall returns a context in which operations are called by somebody; the server does this for each request.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallOf returns who calls; one who may do nothing when nobody said.
func CallOf(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{}
}

// Ref is an id in a path or a query.
type Ref struct{ store.ID }

// needsExtension is where the OpenAPI document says which permission an operation needs.
const needsExtension = "x-permission"

// limitExtension is where it says who is left out although they have the permission: whole (it is needed in all of the
// organisation), person (no token does it).
const limitExtension = "x-limit"

// add registers an operation.
func add[I, O any](s *Service, api huma.API, op operation, do func(ctx context.Context, call *Call, in *I) (*O, error)) {
	if op.patience == 0 {
		op.patience = 30 * time.Second
	}
	o := huma.Operation{OperationID: op.id, Method: op.method, Path: op.path, Summary: op.summary, Tags: []string{op.tag},
		DefaultStatus: op.status, MaxBodyBytes: op.body, BodyReadTimeout: op.patience, Extensions: map[string]any{needsExtension: string(op.needs)},
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError}}
	// What goes wrong before an operation is reached (headers, size, outages) is told in the same form.
	o.Responses = map[string]*huma.Response{"default": {Description: "Any other refusal", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: &huma.Schema{Ref: "#/components/schemas/ErrorModel"}}}}}
	_, streams := any((*O)(nil)).(*huma.StreamResponse)
	if streams {
		content := map[string]*huma.MediaType{}
		for _, media := range op.streams {
			content[media] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
			if strings.HasSuffix(media, "json") {
				content[media].Schema = &huma.Schema{}
			}
		}
		o.Responses["200"] = &huma.Response{Description: http.StatusText(http.StatusOK), Content: content}
	}
	if op.whole {
		o.Extensions[limitExtension] = "whole"
	}
	if op.person {
		o.Extensions[limitExtension] = "person"
	}
	if op.needs == Public {
		o.Security = []map[string][]string{}
	}
	// Before anything of the request is read: strangers learn nothing of what an operation takes, and none of their bodies are kept.
	o.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) {
		if status, text := op.refuses(CallOf(ctx.Context())); status != 0 {
			if err := huma.WriteErr(api, ctx, status, text); err != nil {
				s.Log.DebugContext(ctx.Context(), "a refusal was not sent", "error", err)
			}
			return
		}
		next(ctx)
	}}
	huma.Register(api, o, func(ctx context.Context, in *I) (*O, error) {
		call := *CallOf(ctx)
		if op.needs != Public {
			call.Scope = call.Subject.Scope(op.needs)
		}
		if !streams {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, op.patience)
			defer cancel()
		}
		out, err := do(ctx, &call, in)
		return out, s.status(ctx, &call, err)
	})
	if op.later {
		responses := api.OpenAPI().Paths[op.path].Post.Responses
		accepted := *responses["200"]
		accepted.Description = http.StatusText(http.StatusAccepted)
		responses["202"] = &accepted
	}
}

// refuses tells why a caller may not call the operation at all; 0 when they may.
func (op *operation) refuses(call *Call) (status int, why string) {
	if op.needs == Public {
		return 0, ""
	}
	scope := call.Subject.Scope(op.needs)
	switch {
	case call.Subject.Kind == "" && call.Token:
		return http.StatusUnauthorized, "The token of this request is not known, or it has ended or was revoked: make a new one, or sign in."
	case call.Subject.Kind == "":
		return http.StatusUnauthorized, "Nobody is signed in: sign in, or send a token as Authorization: Bearer."
	case !scope.Somewhere():
		return http.StatusForbidden, "You are not allowed to do this here: it needs the permission " + string(op.needs) + "."
	case op.whole && !scope.Whole():
		return http.StatusForbidden, "You are not allowed to do this here: it needs the permission " + string(op.needs) + " in all of the organisation."
	case op.person && call.Subject.Kind != "person":
		return http.StatusForbidden, "This is for people who are signed in, not for tokens."
	}
	return 0, ""
}

// ClientGone is the status of an answer that nobody waits for any more: whoever asked has gone. No client sees it; it keeps the
// metrics from saying that the server failed.
const ClientGone = 499

// statuses turns the kinds of faults into HTTP.
var statuses = map[store.FaultKind]int{
	store.Invalid: http.StatusUnprocessableEntity, store.Forbidden: http.StatusForbidden, store.NotFound: http.StatusNotFound,
	store.Conflict: http.StatusConflict, store.Limited: http.StatusTooManyRequests,
}

// status makes the answer to an error: a fault is told as it is, anything else is logged and told by the id of the request.
func (s *Service) status(ctx context.Context, call *Call, err error) error {
	if err == nil {
		return nil
	}
	if fault, ok := errors.AsType[*store.Fault](err); ok {
		return huma.NewError(statuses[fault.Kind], fault.Text)
	}
	if known, ok := errors.AsType[huma.StatusError](err); ok {
		return known
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return huma.NewError(ClientGone, "The request was given up.")
	}
	if ctx.Err() != nil {
		return huma.NewError(http.StatusServiceUnavailable, "The request took too long or was given up.")
	}
	s.Log.ErrorContext(ctx, "operation failed", "request", call.Request, "error", err)
	switch store.OutageOf(err) {
	case store.Full:
		return huma.NewError(http.StatusInsufficientStorage, "The disk of the server is full: nothing was changed. Who runs it has to make room; then try again.")
	case store.Gone:
		return huma.NewError(http.StatusServiceUnavailable, "The server cannot reach its database, or something else that it needs, at the moment. Try again soon.")
	}
	return huma.Error500InternalServerError("Something went wrong here, not in your request. The log of the server has it as " + call.Request + ".")
}
