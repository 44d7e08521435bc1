package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

// Paging is how a list is asked for. It is exported because huma looks into embedded structs that are.
type Paging struct {
	Cursor Ref `query:"cursor" doc:"where the page before ended"`
	Limit  int `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"most items of a page"`
}

// page is a list on its way out.
type page[T any] struct {
	Body struct {
		Items []T    `json:"items"`
		Next  string `json:"next" doc:"cursor of the next page; empty on the last one"`
	}
}

// pageOf makes a page of a list that was asked for with a limit.
func pageOf[T any](items []T, limit int, id func(T) store.ID) *page[T] {
	out := &page[T]{}
	out.Body.Items = items
	if out.Body.Items == nil {
		out.Body.Items = []T{}
	}
	if limit > 0 && len(items) == limit {
		out.Body.Next = id(items[limit-1]).String()
	}
	return out
}

// One is the id in the path of one thing.
type One struct {
	ID Ref `path:"id"`
}

type listPeopleInput struct {
	Paging
	Q string `query:"q" maxLength:"200" doc:"part of the name or address"`
}

type personOutput struct{ Body store.Person }

type invitePersonInput struct {
	Body struct {
		Email string      `json:"email" maxLength:"254"`
		Name  string      `json:"name,omitempty" maxLength:"200" doc:"without one it is the address"`
		Role  access.Role `json:"role,omitempty" enum:",viewer,triager,maintainer,administrator" doc:"in all of the organisation; empty for a role in teams only"`
	}
}

type inviteOutput struct {
	Body struct {
		Person store.Person `json:"person"`
		Link   string       `json:"link" doc:"path of the one-time link, valid for three days and shown only here; empty when the person already signs in to another organisation of this server"`
	}
}

type changePersonInput struct {
	ID   Ref `path:"id"`
	Body struct {
		Name     *string      `json:"name,omitempty" maxLength:"200"`
		Email    *string      `json:"email,omitempty" maxLength:"254"`
		Role     *access.Role `json:"role,omitempty" enum:",viewer,triager,maintainer,administrator"`
		Disabled *bool        `json:"disabled,omitempty" doc:"ends sessions, links and tokens at once"`
	}
}

type linkOutput struct {
	Body struct {
		Link string `json:"link" doc:"path of the one-time link, valid for three days and shown only here"`
	}
}

func (s *Service) people(api huma.API) {
	add(s, api, operation{id: "list-people", method: http.MethodGet, path: "/api/people", tag: "people", summary: "People of the organisation, or of one's teams", needs: access.TeamRead},
		func(ctx context.Context, call *Call, in *listPeopleInput) (*page[store.Person], error) {
			scope := call.Scope
			if call.Subject.Scope(access.PeopleWrite).Somewhere() { // who puts people into a team has to find them
				scope.All = true
			}
			items, err := s.Store.People(ctx, scope, store.PersonQuery{Text: in.Q, Cursor: in.Cursor.ID, Limit: in.Limit})
			return pageOf(items, in.Limit, func(p store.Person) store.ID { return p.ID }), err
		})
	add(s, api, operation{id: "get-person", method: http.MethodGet, path: "/api/people/{id}", tag: "people", summary: "Somebody", needs: access.TeamRead},
		func(ctx context.Context, call *Call, in *One) (*personOutput, error) {
			p, err := s.Store.Person(ctx, call.Scope, in.ID.ID)
			if err != nil {
				return nil, err
			}
			return &personOutput{*p}, nil
		})
	add(s, api, operation{id: "invite-person", method: http.MethodPost, path: "/api/people", tag: "people", status: http.StatusCreated,
		summary: "Invite somebody: the answer has the link to hand on", needs: access.PeopleWrite, whole: true}, s.invitePerson)
	add(s, api, operation{id: "change-person", method: http.MethodPatch, path: "/api/people/{id}", tag: "people",
		summary: "Change somebody's name, address or role, disable or enable them", needs: access.PeopleWrite, whole: true}, s.changePerson)
	add(s, api, operation{id: "remove-person", method: http.MethodDelete, path: "/api/people/{id}", tag: "people",
		summary: "Take somebody out of the organisation", needs: access.PeopleWrite, whole: true},
		func(ctx context.Context, call *Call, in *One) (*struct{}, error) {
			if err := notOneself(call, in.ID.ID); err != nil {
				return nil, err
			}
			return nil, s.Store.Write(ctx, call.Entry("person.remove", personObject(in.ID.ID, nil), nil), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.RemovePerson(ctx, call.Scope, in.ID.ID)
				return err
			})
		})
	add(s, api, operation{id: "link-person", method: http.MethodPost, path: "/api/people/{id}/link", tag: "people", status: http.StatusCreated,
		summary: "A one-time link by which somebody signs in, instead of those before", needs: access.PeopleWrite, whole: true}, s.linkPerson)
	add(s, api, operation{id: "end-person-sessions", method: http.MethodDelete, path: "/api/people/{id}/sessions", tag: "people",
		summary: "Sign somebody out everywhere", needs: access.PeopleWrite, whole: true},
		func(ctx context.Context, call *Call, in *One) (*struct{}, error) {
			return nil, s.ofPerson(ctx, call, in.ID.ID, "person.sessions.end", func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.EndSessions(ctx, store.ID(call.Scope.Organisation), in.ID.ID, 0, "")
				return err
			})
		})
	add(s, api, operation{id: "remove-person-methods", method: http.MethodDelete, path: "/api/people/{id}/methods", tag: "people",
		summary: "Remove somebody's passkeys, password and codes, when they have lost them", needs: access.PeopleWrite, whole: true},
		func(ctx context.Context, call *Call, in *One) (*struct{}, error) {
			return nil, s.ofPerson(ctx, call, in.ID.ID, "person.methods.remove", func(ctx context.Context, tx *store.Tx) error {
				if err := tx.OnlyHere(ctx, call.Scope, in.ID.ID); err != nil {
					return err
				}
				return tx.RemoveMethods(ctx, in.ID.ID)
			})
		})
}

func personObject(id store.ID, p *store.Person) string {
	if p == nil {
		return "person:" + id.String()
	}
	return "person:" + id.String() + " " + p.Email
}

// notOneself keeps people from changing their own rights.
func notOneself(call *Call, id store.ID) error {
	if call.Subject.Kind == "person" && store.ID(call.Subject.ID) == id {
		return store.Refuse(store.Forbidden, "Your own role and access are for another administrator to change.")
	}
	return nil
}

// ofPerson writes something about somebody of the scope.
func (s *Service) ofPerson(ctx context.Context, call *Call, id store.ID, action string, do func(context.Context, *store.Tx) error) error {
	p, err := s.Store.Person(ctx, call.Scope, id)
	if err != nil {
		return err
	}
	return s.Store.Write(ctx, call.Entry(action, personObject(id, p), nil), do)
}

func (s *Service) invitePerson(ctx context.Context, call *Call, in *invitePersonInput) (*inviteOutput, error) {
	b := &in.Body
	email, err := store.Email(b.Email)
	if err != nil {
		return nil, err
	}
	if b.Name == "" {
		b.Name = email
	}
	name, err := store.Name(b.Name)
	if err != nil {
		return nil, err
	}
	organisation := store.ID(call.Scope.Organisation)
	var id store.ID
	elsewhere := false
	err = s.Store.Write(ctx, call.Entry("person.invite", "person "+email, map[string]any{"role": b.Role}), func(ctx context.Context, tx *store.Tx) error {
		person, added, err := tx.Join(ctx, organisation, email, name, b.Role)
		if err != nil {
			return err
		}
		if !added {
			return store.Refuse(store.Conflict, "%s is in the organisation already.", email)
		}
		id, elsewhere = person, tx.OnlyHere(ctx, call.Scope, person) != nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &inviteOutput{}
	if !elsewhere {
		if out.Body.Link, err = s.SignIn.Link(ctx, call.Entry("person.link", personObject(id, nil)+" "+email, nil), organisation, id); err != nil {
			return nil, err
		}
	}
	p, err := s.Store.Person(ctx, call.Scope, id)
	if err != nil {
		return nil, err
	}
	out.Body.Person = *p
	return out, nil
}

func (s *Service) changePerson(ctx context.Context, call *Call, in *changePersonInput) (*personOutput, error) {
	b := &in.Body
	c := store.PersonChange{Role: b.Role, Disabled: b.Disabled}
	data := map[string]any{}
	if b.Role != nil || b.Disabled != nil {
		if err := notOneself(call, in.ID.ID); err != nil {
			return nil, err
		}
	}
	if b.Role != nil {
		data["role"] = *b.Role
	}
	if b.Disabled != nil {
		data["disabled"] = *b.Disabled
	}
	if b.Name != nil {
		name, err := store.Name(*b.Name)
		if err != nil {
			return nil, err
		}
		c.Name, data["name"] = &name, name
	}
	if b.Email != nil {
		email, err := store.Email(*b.Email)
		if err != nil {
			return nil, err
		}
		c.Email, data["email"] = &email, email
	}
	before, err := s.Store.Person(ctx, call.Scope, in.ID.ID)
	if err != nil {
		return nil, err
	}
	out := &personOutput{}
	err = s.Store.Write(ctx, call.Entry("person.change", personObject(in.ID.ID, before), data), func(ctx context.Context, tx *store.Tx) error {
		p, err := tx.ChangePerson(ctx, call.Scope, in.ID.ID, c)
		if err == nil {
			out.Body = *p
		}
		return err
	})
	return out, err
}

func (s *Service) linkPerson(ctx context.Context, call *Call, in *One) (*linkOutput, error) {
	p, err := s.Store.Person(ctx, call.Scope, in.ID.ID)
	if err != nil {
		return nil, err
	}
	if p.DisabledAt != 0 {
		return nil, store.Refuse(store.Conflict, "%s is disabled: a link would not sign them in.", p.Email)
	}
	if err := s.Store.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.OnlyHere(ctx, call.Scope, p.ID) }); err != nil {
		return nil, err
	}
	out := &linkOutput{}
	out.Body.Link, err = s.SignIn.Link(ctx, call.Entry("person.link", personObject(p.ID, p), nil), store.ID(call.Scope.Organisation), p.ID)
	return out, err
}
