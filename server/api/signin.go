package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

type linkInput struct {
	Body struct {
		Ticket string `json:"ticket" minLength:"1" maxLength:"200" doc:"what the link has after ?ticket="`
	}
}

type passwordInput struct {
	Body struct {
		Email    string `json:"email" minLength:"1" maxLength:"254"`
		Password string `json:"password" minLength:"1" maxLength:"4000" writeOnly:"true"`
		Code     string `json:"code" minLength:"1" maxLength:"40" writeOnly:"true" doc:"of the app, or a recovery code"`
	}
}

type ceremonyOutput struct {
	Body struct {
		Options any `json:"options" doc:"for navigator.credentials, as PublicKeyCredential.parse…FromJSON reads them"`
	}
}

type passkeyInput struct {
	Body struct {
		Credential map[string]any `json:"credential" doc:"the browser's answer, as PublicKeyCredential.toJSON gives it"`
	}
}

type addPasskeyInput struct {
	Body struct {
		Name       string         `json:"name" maxLength:"200"`
		Credential map[string]any `json:"credential" doc:"the browser's answer, as PublicKeyCredential.toJSON gives it"`
	}
}

type methodsOutput struct {
	Body struct {
		Passwords bool             `json:"passwords" doc:"whether the server keeps passwords"`
		Providers []providerButton `json:"providers"`
	}
}

type providerButton struct {
	ID   store.ID `json:"id"`
	Name string   `json:"name"`
}

type accountOutput struct {
	Body struct {
		Person        store.Person         `json:"person"`
		Organisation  store.Organisation   `json:"organisation"`
		Organisations []store.Organisation `json:"organisations" doc:"all that one is in"`
		Passkeys      []store.Passkey      `json:"passkeys"`
		Password      bool                 `json:"password" doc:"whether there is a password with an app of codes"`
		RecoveryCodes int                  `json:"recoveryCodes" doc:"how many are left"`
	}
}

type sessionItem struct {
	store.Session
	Current bool `json:"current" doc:"whether it is the one of this request"`
}

type setPasswordInput struct {
	Body struct {
		Password string `json:"password" maxLength:"4000" writeOnly:"true" doc:"at least 12 characters"`
		Code     string `json:"code" maxLength:"20" writeOnly:"true" doc:"that the app shows now"`
	}
}

type recoveryOutput struct {
	Body struct {
		RecoveryCodes []string `json:"recoveryCodes" doc:"each works once instead of a code of the app; shown only here"`
	}
}

type appOutput struct{ Body signin.App }

type switchInput struct {
	Body struct {
		Organisation store.ID `json:"organisation"`
	}
}

// signIn is the ways to become somebody.
func (s *Service) signIn(api huma.API) {
	add(s, api, operation{id: "list-signin-methods", method: http.MethodGet, path: "/api/session/methods", tag: "session", summary: "Ways to sign in", needs: Public},
		func(ctx context.Context, _ *Call, _ *struct{}) (*methodsOutput, error) {
			out := &methodsOutput{}
			out.Body.Passwords, out.Body.Providers = s.SignIn.Seal != nil, []providerButton{}
			list, err := s.Store.Providers(ctx, 0)
			for _, p := range list {
				out.Body.Providers = append(out.Body.Providers, providerButton{p.ID, p.Name})
			}
			return out, err
		})
	add(s, api, operation{id: "redeem-link", method: http.MethodPost, path: "/api/session/link", tag: "session", summary: "Sign in by a one-time link", needs: Public, body: 4 << 10},
		func(ctx context.Context, call *Call, in *linkInput) (*struct{}, error) {
			return nil, s.SignIn.RedeemLink(ctx, in.Body.Ticket, call.Request)
		})
	add(s, api, operation{id: "enter-password", method: http.MethodPost, path: "/api/session/password", tag: "session",
		summary: "Sign in by a password and the code of an app", needs: Public, body: 16 << 10},
		func(ctx context.Context, call *Call, in *passwordInput) (*struct{}, error) {
			return nil, s.SignIn.Password(ctx, in.Body.Email, in.Body.Password, in.Body.Code, call.Request)
		})
	add(s, api, operation{id: "begin-passkey", method: http.MethodPost, path: "/api/session/passkey/begin", tag: "session", summary: "Begin to sign in by a passkey", needs: Public, body: 4 << 10},
		func(ctx context.Context, _ *Call, _ *struct{}) (*ceremonyOutput, error) {
			options, err := s.SignIn.BeginPasskey(ctx)
			if err != nil {
				return nil, err
			}
			out := &ceremonyOutput{}
			out.Body.Options = options.Response
			return out, nil
		})
	add(s, api, operation{id: "enter-passkey", method: http.MethodPost, path: "/api/session/passkey", tag: "session", summary: "Sign in by a passkey", needs: Public, body: 64 << 10},
		func(ctx context.Context, call *Call, in *passkeyInput) (*struct{}, error) {
			text, err := json.Marshal(in.Body.Credential)
			if err != nil {
				return nil, err
			}
			return nil, s.SignIn.Passkey(ctx, text, call.Request)
		})
	add(s, api, operation{id: "end-session", method: http.MethodDelete, path: "/api/session", tag: "session", summary: "Sign out of this browser", needs: Public},
		func(ctx context.Context, call *Call, _ *struct{}) (*struct{}, error) {
			return nil, s.SignIn.End(ctx, call.Entry("session.end", "session", nil))
		})
	add(s, api, operation{id: "switch-organisation", method: http.MethodPut, path: "/api/session", tag: "session", summary: "Go on in another organisation that one is in", needs: access.SelfWrite, person: true},
		func(ctx context.Context, call *Call, in *switchInput) (*struct{}, error) {
			return nil, s.SignIn.Switch(ctx, call.Entry("session.switch", "organisation:"+in.Body.Organisation.String(), nil), in.Body.Organisation)
		})
	s.ownSessions(api)
	s.account(api)
}

// self is the caller, who is a person.
func self(call *Call) store.ID { return store.ID(call.Subject.ID) }

func (s *Service) ownSessions(api huma.API) {
	add(s, api, operation{id: "list-sessions", method: http.MethodGet, path: "/api/sessions", tag: "session", summary: "Where one is signed in", needs: access.SelfWrite, person: true},
		func(ctx context.Context, call *Call, _ *struct{}) (*page[sessionItem], error) {
			list, err := s.Store.Sessions(ctx, store.ID(call.Scope.Organisation), self(call))
			current := s.SignIn.Current(ctx)
			items := make([]sessionItem, len(list))
			for i, v := range list {
				items[i] = sessionItem{v, current != nil && current.ID == v.ID}
			}
			return pageOf(items, 0, nil), err
		})
	end := func(ctx context.Context, call *Call, id store.ID) (*struct{}, error) {
		but := ""
		if current := s.SignIn.Current(ctx); current != nil && id == 0 {
			but = current.Hash
		}
		return nil, s.Store.Write(ctx, call.Entry("session.end", "session:"+id.String(), nil), func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.EndSessions(ctx, store.ID(call.Scope.Organisation), self(call), id, but)
			if err == nil && n == 0 && id != 0 {
				err = store.Refuse(store.NotFound, "There is no such session.")
			}
			return err
		})
	}
	add(s, api, operation{id: "end-other-sessions", method: http.MethodDelete, path: "/api/sessions", tag: "session", summary: "Sign out everywhere else", needs: access.SelfWrite, person: true},
		func(ctx context.Context, call *Call, _ *struct{}) (*struct{}, error) { return end(ctx, call, 0) })
	add(s, api, operation{id: "end-one-session", method: http.MethodDelete, path: "/api/sessions/{id}", tag: "session", summary: "Sign out somewhere", needs: access.SelfWrite, person: true},
		func(ctx context.Context, call *Call, in *One) (*struct{}, error) { return end(ctx, call, in.ID.ID) })
}

// account is how oneself signs in.
func (s *Service) account(api huma.API) {
	add(s, api, operation{id: "get-account", method: http.MethodGet, path: "/api/account", tag: "session", summary: "Oneself, and how one signs in", needs: access.SelfWrite, person: true},
		func(ctx context.Context, call *Call, _ *struct{}) (*accountOutput, error) {
			return s.accountOf(ctx, call)
		})
	add(s, api, operation{id: "begin-registration", method: http.MethodPost, path: "/api/account/passkeys/begin", tag: "session", summary: "Begin to add a passkey", needs: access.SelfWrite, person: true, body: 4 << 10},
		func(ctx context.Context, call *Call, _ *struct{}) (*ceremonyOutput, error) {
			options, err := s.SignIn.BeginRegistration(ctx, self(call), call.Subject.Name, call.Subject.Name)
			if err != nil {
				return nil, err
			}
			out := &ceremonyOutput{}
			out.Body.Options = options.Response
			return out, nil
		})
	add(s, api, operation{id: "add-passkey", method: http.MethodPost, path: "/api/account/passkeys", tag: "session", summary: "Add a passkey", needs: access.SelfWrite, person: true, body: 64 << 10, status: http.StatusNoContent},
		func(ctx context.Context, call *Call, in *addPasskeyInput) (*struct{}, error) {
			name, err := store.Name(in.Body.Name)
			if err != nil {
				return nil, err
			}
			text, err := json.Marshal(in.Body.Credential)
			if err != nil {
				return nil, err
			}
			return nil, s.SignIn.Register(ctx, call.Entry("account.passkey.add", "passkey "+name, nil), self(call), name, text)
		})
	add(s, api, operation{id: "remove-passkey", method: http.MethodDelete, path: "/api/account/passkeys/{id}", tag: "session", summary: "Remove a passkey", needs: access.SelfWrite, person: true},
		func(ctx context.Context, call *Call, in *One) (*struct{}, error) {
			return nil, s.SignIn.Forget(ctx, call.Entry("account.passkey.remove", "passkey:"+in.ID.String(), nil), self(call), func(ctx context.Context, tx *store.Tx) error {
				return tx.RemovePasskey(ctx, self(call), in.ID.ID)
			})
		})
	add(s, api, operation{id: "begin-app", method: http.MethodPost, path: "/api/account/app", tag: "session", summary: "Begin to add an app of codes", needs: access.SelfWrite, person: true, body: 4 << 10},
		func(ctx context.Context, call *Call, _ *struct{}) (*appOutput, error) {
			app, err := s.SignIn.BeginApp(ctx, self(call), call.Subject.Name)
			if err != nil {
				return nil, err
			}
			return &appOutput{*app}, nil
		})
	add(s, api, operation{id: "set-password", method: http.MethodPut, path: "/api/account/password", tag: "session", summary: "Set a password together with an app of codes", needs: access.SelfWrite, person: true, body: 16 << 10},
		func(ctx context.Context, call *Call, in *setPasswordInput) (*recoveryOutput, error) {
			out := &recoveryOutput{}
			var err error
			out.Body.RecoveryCodes, err = s.SignIn.SetPassword(ctx, call.Entry("account.password.set", "password", nil), self(call), in.Body.Password, in.Body.Code)
			return out, err
		})
	add(s, api, operation{id: "remove-password", method: http.MethodDelete, path: "/api/account/password", tag: "session", summary: "Remove one's password, app and recovery codes", needs: access.SelfWrite, person: true},
		func(ctx context.Context, call *Call, _ *struct{}) (*struct{}, error) {
			return nil, s.SignIn.Forget(ctx, call.Entry("account.password.remove", "password", nil), self(call), func(ctx context.Context, tx *store.Tx) error {
				return tx.RemovePassword(ctx, self(call))
			})
		})
}

func (s *Service) accountOf(ctx context.Context, call *Call) (*accountOutput, error) {
	out := &accountOutput{}
	b, organisation := &out.Body, store.ID(call.Scope.Organisation)
	p, err := s.Store.Person(ctx, access.Scope{Organisation: call.Scope.Organisation, All: true}, self(call))
	if err != nil {
		return nil, err
	}
	b.Person = *p
	if b.Organisation, err = s.Store.Organisation(ctx, organisation); err != nil {
		return nil, err
	}
	if b.Organisations, err = s.Store.Organisations(ctx, self(call)); err != nil {
		return nil, err
	}
	if b.Passkeys, err = s.Store.Passkeys(ctx, self(call)); err != nil {
		return nil, err
	}
	if b.Passkeys == nil {
		b.Passkeys = []store.Passkey{}
	}
	password, err := s.Store.Password(ctx, self(call))
	if err != nil {
		return nil, err
	}
	b.Password = password != nil
	b.RecoveryCodes, err = s.Store.RecoveryCodes(ctx, self(call))
	return out, err
}
