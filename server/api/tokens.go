package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

type listTokensInput struct {
	Paging
	Whose string `query:"whose" enum:"own,all" default:"own" doc:"all needs the permission token:write"`
}

type addTokenInput struct {
	Body struct {
		Name        string              `json:"name" maxLength:"200"`
		Permissions []access.Permission `json:"permissions" minItems:"1" maxItems:"50" doc:"no more than one has oneself"`
		ExpiresAt   store.Millis        `json:"expiresAt" doc:"within a year"`
		Repository  store.ID            `json:"repository,omitempty" doc:"the only one that it works in"`
		Machine     bool                `json:"machine,omitempty" doc:"belongs to nobody and outlives who made it; needs the permission token:write"`
	}
}

type addTokenOutput struct {
	Body struct {
		Token string      `json:"token" doc:"shown only here"`
		Item  store.Token `json:"item"`
	}
}

type addTrustInput struct {
	Body struct {
		Repository store.ID          `json:"repository"`
		Issuer     string            `json:"issuer" maxLength:"500" doc:"https://token.actions.githubusercontent.com, https://gitlab.com, …"`
		Claims     map[string]string `json:"claims" minProperties:"1" maxProperties:"20" doc:"claims that the identity token must have, with exactly these texts; one of repository_id, project_id or sub is among them"`
	}
}

type trustOutput struct{ Body trust }

type trust struct {
	store.Trust
	Audience string `json:"audience" doc:"for whom the pipeline has its identity token made"`
}

func (s *Service) tokens(api huma.API) {
	add(s, api, operation{id: "list-tokens", method: http.MethodGet, path: "/api/tokens", tag: "tokens", summary: "Tokens, without their secret", needs: access.TokenOwn, person: true},
		func(ctx context.Context, call *Call, in *listTokensInput) (*page[store.Token], error) {
			person := store.ID(call.Subject.ID)
			if in.Whose == "all" {
				if !call.Subject.Scope(access.TokenWrite).Whole() {
					return nil, store.Refuse(store.Forbidden, "Tokens of others need the permission %s.", access.TokenWrite)
				}
				person = 0
			}
			items, err := s.Store.Tokens(ctx, store.ID(call.Scope.Organisation), person, in.Cursor.ID, in.Limit)
			return pageOf(items, in.Limit, func(t store.Token) store.ID { return t.ID }), err
		})
	add(s, api, operation{id: "add-token", method: http.MethodPost, path: "/api/tokens", tag: "tokens", status: http.StatusCreated,
		summary: "Make a token; the answer shows it once", needs: access.TokenOwn, person: true}, s.addToken)
	add(s, api, operation{id: "revoke-token", method: http.MethodDelete, path: "/api/tokens/{id}", tag: "tokens", summary: "End a token at once", needs: access.TokenOwn, person: true},
		func(ctx context.Context, call *Call, in *One) (*struct{}, error) {
			person := store.ID(call.Subject.ID)
			if call.Subject.Scope(access.TokenWrite).Whole() {
				person = 0
			}
			return nil, s.Store.Write(ctx, call.Entry("token.revoke", "token:"+in.ID.String(), nil), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.RevokeToken(ctx, store.ID(call.Scope.Organisation), person, in.ID.ID)
				return err
			})
		})
	s.trusts(api)
}

func (s *Service) addToken(ctx context.Context, call *Call, in *addTokenInput) (*addTokenOutput, error) {
	b := &in.Body
	name, err := store.Name(b.Name)
	if err != nil {
		return nil, err
	}
	now := store.MillisOf(s.Now())
	if b.ExpiresAt <= now || b.ExpiresAt > now+store.Millis((366*24*time.Hour).Milliseconds()) {
		return nil, store.Refuse(store.Invalid, "A token expires between now and a year from now.")
	}
	slices.Sort(b.Permissions)
	b.Permissions = slices.Compact(b.Permissions)
	for _, p := range b.Permissions {
		switch {
		case !p.Grantable():
			return nil, store.Refuse(store.Invalid, "%.50q is not a permission that a token can have.", string(p))
		case b.Repository != 0 && !p.Bindable():
			return nil, store.Refuse(store.Invalid, "%s means nothing in a single repository.", p)
		case !call.Subject.Scope(p).Somewhere():
			return nil, store.Refuse(store.Forbidden, "You do not have the permission %s yourself.", p)
		}
	}
	t := store.Token{ID: s.Store.NewID(), Organisation: store.ID(call.Scope.Organisation), Name: name, Person: store.ID(call.Subject.ID), Permissions: b.Permissions,
		Repository: b.Repository, CreatedBy: call.Subject.Name, ExpiresAt: b.ExpiresAt}
	if b.Machine {
		if !call.Subject.Scope(access.TokenWrite).Whole() {
			return nil, store.Refuse(store.Forbidden, "Tokens of machines need the permission %s.", access.TokenWrite)
		}
		t.Person, t.Role = 0, call.Subject.Role
	} else if b.Repository != 0 { // seen or not found
		if _, err := s.Store.Repository(ctx, call.Subject.Scope(access.RepositoryRead), b.Repository); err != nil {
			return nil, err
		}
	}
	out := &addTokenOutput{}
	out.Body.Token, t.Hint = signin.NewToken()
	t.Hash = signin.Hash(out.Body.Token)
	data := map[string]any{"permissions": t.Permissions, "expires": t.ExpiresAt, "repository": t.Repository, "machine": b.Machine}
	err = s.Store.Write(ctx, call.Entry("token.create", "token:"+t.ID.String()+" "+t.Name, data), func(ctx context.Context, tx *store.Tx) error { return tx.AddToken(ctx, t) })
	if err != nil {
		return nil, err
	}
	t.CreatedAt = now
	if !b.Machine {
		t.Owner = call.Subject.Name
	}
	out.Body.Item = t
	return out, nil
}

func (s *Service) trusts(api huma.API) {
	add(s, api, operation{id: "list-trusts", method: http.MethodGet, path: "/api/trusts", tag: "tokens", summary: "Pipelines that may upload results without a token of ours", needs: access.TokenWrite, whole: true},
		func(ctx context.Context, call *Call, in *Paging) (*page[trust], error) {
			list, err := s.Store.Trusts(ctx, store.ID(call.Scope.Organisation), in.Cursor.ID, in.Limit)
			items := make([]trust, len(list))
			for i, t := range list {
				items[i] = trust{t, s.SignIn.Audience(ctx, t.Repository)}
			}
			return pageOf(items, in.Limit, func(t trust) store.ID { return t.ID }), err
		})
	add(s, api, operation{id: "add-trust", method: http.MethodPost, path: "/api/trusts", tag: "tokens", status: http.StatusCreated,
		summary: "Let pipelines of a code host upload the results of one repository", needs: access.TokenWrite, whole: true}, s.addTrust)
	add(s, api, operation{id: "remove-trust", method: http.MethodDelete, path: "/api/trusts/{id}", tag: "tokens", summary: "No longer trust pipelines", needs: access.TokenWrite, whole: true},
		func(ctx context.Context, call *Call, in *One) (*struct{}, error) {
			return nil, s.Store.Write(ctx, call.Entry("trust.remove", "trust:"+in.ID.String(), nil), func(ctx context.Context, tx *store.Tx) error {
				return tx.RemoveTrust(ctx, store.ID(call.Scope.Organisation), in.ID.ID)
			})
		})
}

func (s *Service) addTrust(ctx context.Context, call *Call, in *addTrustInput) (*trustOutput, error) {
	b := &in.Body
	if err := s.SignIn.CheckIssuer(b.Issuer); err != nil {
		return nil, err
	}
	named := false
	for name, text := range b.Claims {
		if text == "" || len(text) > 500 || len(name) > 100 {
			return nil, store.Refuse(store.Invalid, "The claim %.100s has to have a text of at most 500 characters.", name)
		}
		named = named || slices.Contains([]string{"repository_id", "project_id", "sub"}, name)
	}
	if !named {
		return nil, store.Refuse(store.Invalid, "Name the repository by an id that nobody else can get: repository_id (GitHub), project_id (GitLab), or sub.")
	}
	t := store.Trust{ID: s.Store.NewID(), Organisation: store.ID(call.Scope.Organisation), Repository: b.Repository, Issuer: b.Issuer, Claims: b.Claims,
		CreatedBy: call.Subject.Name, CreatedAt: store.MillisOf(s.Now())}
	data := map[string]any{"repository": t.Repository, "issuer": t.Issuer, "claims": t.Claims}
	err := s.Store.Write(ctx, call.Entry("trust.create", "trust:"+t.ID.String(), data), func(ctx context.Context, tx *store.Tx) error { return tx.AddTrust(ctx, t) })
	if err != nil {
		return nil, err
	}
	return &trustOutput{trust{t, s.SignIn.Audience(ctx, t.Repository)}}, nil
}
