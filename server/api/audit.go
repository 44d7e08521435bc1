package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/audit"
	"plumbline.dev/plumbline/store"
)

type auditRecord struct {
	Sequence int64           `json:"sequence" doc:"place in the log, from 0 without a gap"`
	Time     store.Millis    `json:"time"`
	Actor    auditParty      `json:"actor"`
	Action   string          `json:"action" doc:"noun and verb: finding.mute"`
	Object   auditParty      `json:"object"`
	Data     json.RawMessage `json:"data" doc:"more about it, an object; never a secret"`
	Address  string          `json:"address" doc:"of the client; empty when nobody asked"`
	Request  string          `json:"request" doc:"the request, as in the server's log; empty when there was none"`
}

type auditParty struct {
	Kind string `json:"kind" doc:"of an actor: person, token, forge, system or nobody, who was not signed in"`
	ID   string `json:"id"`
	Name string `json:"name" doc:"as people knew it at that time"`
}

type listAuditInput struct {
	Actor  string       `query:"actor" maxLength:"100" doc:"kind:id, or a kind"`
	Action string       `query:"action" maxLength:"100" doc:"one action, or with a dot at its end all of a noun: finding."`
	Object string       `query:"object" maxLength:"100" doc:"kind:id, or a kind"`
	From   store.Millis `query:"from" doc:"this time and later"`
	Until  store.Millis `query:"until" doc:"before this time"`
	Cursor string       `query:"cursor" maxLength:"20" doc:"next of the page before"`
	Limit  int          `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"records of a page"`
}

type listAuditOutput struct {
	Body struct {
		Items []auditRecord `json:"items" doc:"the newest first"`
		Next  string        `json:"next" doc:"cursor of the next page; empty on the last one"`
	}
}

type auditStateOutput struct {
	Body struct {
		Key        string         `json:"key" doc:"public key of the log: write it down, exports are verified with it"`
		Size       int64          `json:"size" doc:"records"`
		Checkpoint string         `json:"checkpoint" doc:"signed note over the log as it is; keep it outside of the server"`
		Witnesses  []auditWitness `json:"witnesses"`
	}
}

type auditWitness struct {
	Name    string       `json:"name"`
	Size    int64        `json:"size" doc:"records that it had seen"`
	At      store.Millis `json:"at" doc:"when it was last asked"`
	Problem string       `json:"problem" doc:"why it did not cosign then; empty when it did"`
}

type auditProofOutput struct {
	Body struct {
		Record     string   `json:"record" doc:"the text that is hashed"`
		Checkpoint string   `json:"checkpoint" doc:"signed note"`
		Hashes     []string `json:"hashes" doc:"audit path of RFC 6962, base64"`
	}
}

func (s *Service) auditLog(api huma.API) {
	add(s, api, operation{id: "list-audit-records", method: http.MethodGet, path: "/api/audit", tag: "audit", summary: "Who did what, the newest first", needs: access.AuditRead, whole: true}, s.listAudit)
	add(s, api, operation{id: "get-audit-log", method: http.MethodGet, path: "/api/audit/log", tag: "audit", summary: "The key, the size and a signed checkpoint of the log", needs: access.AuditRead, whole: true}, s.getAuditLog)
	add(s, api, operation{id: "prove-audit-record", method: http.MethodGet, path: "/api/audit/{sequence}/proof", tag: "audit", summary: "Proof that a record is in the log", needs: access.AuditRead, whole: true}, s.proveAudit)
	add(s, api, operation{id: "export-audit-log", method: http.MethodPost, path: "/api/audit/export", tag: "audit", summary: "The log as a file that `plumbline audit verify` proves offline", needs: access.AuditRead, whole: true, streams: []string{"application/jsonl"}}, s.exportAudit)
}

func (s *Service) listAudit(ctx context.Context, call *Call, in *listAuditInput) (*listAuditOutput, error) {
	f := store.AuditFilter{Actor: in.Actor, Action: in.Action, Object: in.Object, From: in.From, Until: in.Until, Limit: in.Limit + 1}
	if f.Limit > 500 {
		f.Limit = 500
	}
	if in.Cursor != "" {
		before, err := strconv.ParseInt(in.Cursor, 10, 64)
		if err != nil || before < 0 {
			return nil, store.Refuse(store.Invalid, "The cursor is not one of this list: begin again without it.")
		}
		if f.Before = before; before == 0 { // nothing is before the first record
			out := &listAuditOutput{}
			out.Body.Items = []auditRecord{}
			return out, nil
		}
	}
	records, err := s.Store.AuditRecords(ctx, call.Scope, f)
	if err != nil {
		return nil, err
	}
	out := &listAuditOutput{}
	out.Body.Items = []auditRecord{}
	if len(records) == f.Limit {
		records = records[:f.Limit-1]
		out.Body.Next = strconv.FormatInt(records[len(records)-1].Sequence, 10)
	}
	for _, r := range records {
		out.Body.Items = append(out.Body.Items, auditRecord{r.Sequence, store.MillisOf(r.Time), auditParty(r.Actor), r.Action, auditParty(r.Object), r.Data, r.Address, r.Request})
	}
	return out, nil
}

func (s *Service) getAuditLog(ctx context.Context, _ *Call, _ *struct{}) (*auditStateOutput, error) {
	if err := s.auditReady(); err != nil {
		return nil, err
	}
	signed, err := s.Audit.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	out := &auditStateOutput{}
	out.Body.Key, out.Body.Checkpoint, out.Body.Witnesses = s.Audit.Public, string(signed), []auditWitness{}
	c, err := audit.OpenCheckpoint(signed, s.Audit.Public, nil)
	if err != nil {
		return nil, err
	}
	out.Body.Size = c.Size
	states, err := s.Store.Witnesses(ctx)
	for _, w := range states {
		out.Body.Witnesses = append(out.Body.Witnesses, auditWitness(w))
	}
	return out, err
}

func (s *Service) proveAudit(ctx context.Context, call *Call, in *struct {
	Sequence int64 `path:"sequence" minimum:"0" doc:"place in the log"`
}) (*auditProofOutput, error) {
	if err := s.auditReady(); err != nil {
		return nil, err
	}
	p, err := s.Audit.Prove(ctx, call.Scope, in.Sequence)
	if err != nil {
		return nil, err
	}
	out := &auditProofOutput{}
	out.Body.Record, out.Body.Checkpoint, out.Body.Hashes = p.Record, p.Checkpoint, []string{}
	for _, h := range p.Hashes {
		out.Body.Hashes = append(out.Body.Hashes, h.String())
	}
	return out, nil
}

// exportAudit streams the log of the organisation. It is a POST because it writes: that the log was exported is recorded, in the
// export, too.
func (s *Service) exportAudit(ctx context.Context, call *Call, _ *struct{}) (*huma.StreamResponse, error) {
	if err := s.auditReady(); err != nil {
		return nil, err
	}
	if err := s.Store.Write(ctx, call.Entry("audit.export", "audit", nil), func(context.Context, *store.Tx) error { return nil }); err != nil {
		return nil, err
	}
	organisation := store.ID(call.Scope.Organisation)
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", "application/jsonl")
		hctx.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="audit-%s.jsonl"`, s.Now().UTC().Format("2006-01-02")))
		out := bufio.NewWriterSize(hctx.BodyWriter(), 64<<10)
		// An export that breaks off lacks its signed end, so that nobody takes it for whole.
		if err := errors.Join(s.Audit.Export(hctx.Context(), out, organisation), out.Flush()); err != nil && hctx.Context().Err() == nil {
			s.Log.ErrorContext(hctx.Context(), "export the audit log", "request", call.Request, "error", err)
		}
	}}, nil
}

// auditReady errs on servers without a log.
func (s *Service) auditReady() error {
	if s.Audit == nil {
		return store.Refuse(store.Conflict, "This server was started without the key of its audit log.")
	}
	return nil
}
