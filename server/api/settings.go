package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

type organisationOutput struct{ Body store.Organisation }

type changeOrganisationInput struct {
	Body struct {
		Name      string           `json:"name,omitempty" maxLength:"200" doc:"another one; empty keeps it"`
		Retention *store.Retention `json:"retention,omitempty" doc:"for how long it keeps what is over; without it nothing changes"`
	}
}

type providerBody struct {
	Name        string                `json:"name" maxLength:"200" doc:"on the button"`
	Issuer      string                `json:"issuer" maxLength:"500" doc:"https://login.example.org, as the provider itself writes it"`
	Client      string                `json:"client" maxLength:"500" doc:"id of the client that is registered there, with <this server>/signin/callback as its redirect address"`
	Secret      string                `json:"secret,omitempty" maxLength:"4000" writeOnly:"true" doc:"of the client; it is sealed and never given out again. Without one the one that is kept stays"`
	Scopes      string                `json:"scopes,omitempty" maxLength:"500" doc:"besides openid, profile and email; separated by spaces"`
	GroupsClaim string                `json:"groupsClaim,omitempty" maxLength:"200" doc:"claim of the identity token that has the groups; without one groups decide nothing"`
	Role        access.Role           `json:"role,omitempty" enum:",viewer,triager,maintainer,administrator" doc:"of people who come for the first time; empty refuses them unless a group lets them in"`
	Groups      []store.ProviderGroup `json:"groups,omitempty" maxItems:"500" doc:"what groups give, with every sign-in"`
}

type addProviderInput struct{ Body providerBody }

type changeProviderInput struct {
	ID   Ref `path:"id"`
	Body providerBody
}

type providerOutput struct{ Body store.Provider }

// settings is what an organisation decides for all of itself.
func (s *Service) settings(api huma.API) {
	add(s, api, operation{id: "get-organisation", method: http.MethodGet, path: "/api/organisation", tag: "settings", summary: "The organisation that one works in", needs: access.RuleRead},
		func(ctx context.Context, call *Call, _ *struct{}) (*organisationOutput, error) {
			o, err := s.Store.Organisation(ctx, store.ID(call.Scope.Organisation))
			return &organisationOutput{o}, err
		})
	add(s, api, operation{id: "change-organisation", method: http.MethodPatch, path: "/api/organisation", tag: "settings", summary: "Give the organisation another name, or say for how long it keeps what is over", needs: access.SettingsWrite, whole: true}, s.changeOrganisation)
	add(s, api, operation{id: "list-providers", method: http.MethodGet, path: "/api/providers", tag: "settings", summary: "Providers of OpenID Connect, without their secrets", needs: access.SettingsWrite, whole: true},
		func(ctx context.Context, call *Call, _ *struct{}) (*page[store.Provider], error) {
			items, err := s.Store.Providers(ctx, store.ID(call.Scope.Organisation))
			return pageOf(items, 0, nil), err
		})
	add(s, api, operation{id: "add-provider", method: http.MethodPost, path: "/api/providers", tag: "settings", status: http.StatusCreated, summary: "Let people sign in through a provider", needs: access.SettingsWrite, whole: true},
		func(ctx context.Context, call *Call, in *addProviderInput) (*providerOutput, error) {
			return s.setProvider(ctx, call, 0, in.Body)
		})
	add(s, api, operation{id: "change-provider", method: http.MethodPut, path: "/api/providers/{id}", tag: "settings", summary: "Change a provider", needs: access.SettingsWrite, whole: true},
		func(ctx context.Context, call *Call, in *changeProviderInput) (*providerOutput, error) {
			return s.setProvider(ctx, call, in.ID.ID, in.Body)
		})
	add(s, api, operation{id: "remove-provider", method: http.MethodDelete, path: "/api/providers/{id}", tag: "settings", summary: "Remove a provider, and what its groups gave", needs: access.SettingsWrite, whole: true},
		func(ctx context.Context, call *Call, in *One) (*struct{}, error) {
			return nil, s.Store.Write(ctx, call.Entry("provider.remove", "provider:"+in.ID.String(), nil), func(ctx context.Context, tx *store.Tx) error {
				return tx.RemoveProvider(ctx, store.ID(call.Scope.Organisation), in.ID.ID)
			})
		})
}

func (s *Service) changeOrganisation(ctx context.Context, call *Call, in *changeOrganisationInput) (*organisationOutput, error) {
	id := store.ID(call.Scope.Organisation)
	before, err := s.Store.Organisation(ctx, id)
	if err != nil {
		return nil, err
	}
	name := before.Name
	if in.Body.Name != "" {
		if name, err = store.Name(in.Body.Name); err != nil {
			return nil, err
		}
	}
	var changes []store.Entry
	if in.Body.Name != "" {
		changes = append(changes, call.Entry("organisation.rename", "organisation:"+id.String()+" "+name, nil))
	}
	if in.Body.Retention != nil {
		changes = append(changes, call.Entry("organisation.retention", "organisation:"+id.String()+" "+name, map[string]any{"before": before.Retention, "after": in.Body.Retention}))
	}
	if len(changes) == 0 {
		return nil, store.Refuse(store.Invalid, "Say what to change: name, retention.")
	}
	if err := s.Store.Write(ctx, changes[len(changes)-1], func(ctx context.Context, tx *store.Tx) error {
		for _, c := range changes[:len(changes)-1] {
			tx.Record(c)
		}
		if in.Body.Retention != nil {
			if err := tx.SetRetention(ctx, id, *in.Body.Retention); err != nil {
				return err
			}
		}
		return tx.Rename(ctx, id, name)
	}); err != nil {
		return nil, err
	}
	o, err := s.Store.Organisation(ctx, id)
	return &organisationOutput{o}, err
}

// setProvider writes a provider; id is 0 for a new one.
func (s *Service) setProvider(ctx context.Context, call *Call, id store.ID, b providerBody) (*providerOutput, error) {
	organisation := store.ID(call.Scope.Organisation)
	p := store.Provider{ID: id, Organisation: organisation, Issuer: b.Issuer, Client: strings.TrimSpace(b.Client), Scopes: b.Scopes, GroupsClaim: b.GroupsClaim, Role: b.Role, Groups: b.Groups}
	if id != 0 {
		before, err := s.Store.Provider(ctx, organisation, id)
		if err != nil {
			return nil, err
		}
		if b.Secret == "" && before.Issuer != b.Issuer {
			return nil, store.Refuse(store.Invalid, "Another issuer must not get the secret of the one before: give its own.")
		}
	} else {
		p.ID = s.Store.NewID()
		if b.Secret == "" {
			return nil, store.Refuse(store.Invalid, "A new provider needs the secret of the client that is registered there.")
		}
	}
	var err error
	if p.Name, err = store.Name(b.Name); err != nil {
		return nil, err
	}
	if p.Client == "" {
		return nil, store.Refuse(store.Invalid, "A provider needs the id of the client that is registered there.")
	}
	if err := s.SignIn.CheckIssuer(b.Issuer); err != nil {
		return nil, err
	}
	if b.Secret != "" {
		if s.SignIn.Seal == nil {
			return nil, store.Refuse(store.Conflict, "This server has no master key, so it keeps no secrets.")
		}
		if p.Secret, err = s.SignIn.Seal.Seal([]byte(b.Secret), signin.SecretPlace(p.ID)); err != nil {
			return nil, err
		}
	}
	data := map[string]any{"name": p.Name, "issuer": p.Issuer, "client": p.Client, "role": p.Role, "groupsClaim": p.GroupsClaim, "groups": p.Groups, "newSecret": b.Secret != ""}
	if err := s.Store.Write(ctx, call.Entry("provider.set", "provider:"+p.ID.String()+" "+p.Name, data), func(ctx context.Context, tx *store.Tx) error {
		return tx.SetProvider(ctx, p)
	}); err != nil {
		return nil, err
	}
	out, err := s.Store.Provider(ctx, organisation, p.ID)
	if err != nil {
		return nil, err
	}
	return &providerOutput{*out}, nil
}
