package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

type teamOutput struct{ Body store.Team }

type addTeamInput struct {
	Body struct {
		Name string `json:"name" maxLength:"200"`
	}
}

type renameTeamInput struct {
	ID   Ref `path:"id"`
	Body struct {
		Name string `json:"name" maxLength:"200"`
	}
}

type listMembersInput struct {
	One
	Paging
}

// OneMember is the ids in the path of somebody in a team.
type OneMember struct {
	ID     Ref `path:"id"`
	Person Ref `path:"person"`
}

type setMemberInput struct {
	OneMember
	Body struct {
		Role access.Role `json:"role" enum:"viewer,triager,maintainer,administrator" doc:"in what the team owns"`
	}
}

type ownerBody struct {
	Team       store.ID `json:"team"`
	Repository store.ID `json:"repository,omitempty" doc:"absent for every repository"`
	Path       string   `json:"path,omitempty" maxLength:"1000" doc:"glob: * and ? within a folder, ** across; what matches a folder is everything in it. Empty is everything"`
	Position   int64    `json:"position,omitempty" minimum:"0" maximum:"1000000000" doc:"lines are read in the order of their positions; absent for the end"`
}

type addOwnerInput struct{ Body ownerBody }

type changeOwnerInput struct {
	ID   Ref `path:"id"`
	Body ownerBody
}

type ownerOutput struct{ Body store.Owner }

type ownershipOutput struct {
	Body struct {
		Items []store.Owner `json:"items"`
		Next  string        `json:"next" doc:"empty: there are 5,000 lines at most, and all of them are here"`
	}
}

func (s *Service) teams(api huma.API) {
	add(s, api, operation{id: "list-teams", method: http.MethodGet, path: "/api/teams", tag: "teams", summary: "Teams of the organisation, or one's own", needs: access.TeamRead},
		func(ctx context.Context, call *Call, in *Paging) (*page[store.Team], error) {
			items, err := s.Store.Teams(ctx, call.Scope, in.Cursor.ID, in.Limit)
			return pageOf(items, in.Limit, func(t store.Team) store.ID { return t.ID }), err
		})
	add(s, api, operation{id: "get-team", method: http.MethodGet, path: "/api/teams/{id}", tag: "teams", summary: "One team", needs: access.TeamRead},
		func(ctx context.Context, call *Call, in *One) (*teamOutput, error) {
			return s.team(ctx, call, in.ID.ID)
		})
	add(s, api, operation{id: "add-team", method: http.MethodPost, path: "/api/teams", tag: "teams", status: http.StatusCreated, summary: "Make a team", needs: access.PeopleWrite, whole: true},
		func(ctx context.Context, call *Call, in *addTeamInput) (*teamOutput, error) {
			name, err := store.Name(in.Body.Name)
			if err != nil {
				return nil, err
			}
			id := s.Store.NewID()
			if err := s.Store.Write(ctx, call.Entry("team.create", teamObject(id, name), nil), func(ctx context.Context, tx *store.Tx) error {
				return tx.AddTeam(ctx, call.Scope, id, name)
			}); err != nil {
				return nil, err
			}
			return s.team(ctx, call, id)
		})
	add(s, api, operation{id: "rename-team", method: http.MethodPatch, path: "/api/teams/{id}", tag: "teams", summary: "Give a team another name", needs: access.PeopleWrite},
		func(ctx context.Context, call *Call, in *renameTeamInput) (*teamOutput, error) {
			name, err := store.Name(in.Body.Name)
			if err != nil {
				return nil, err
			}
			if err := s.Store.Write(ctx, call.Entry("team.rename", teamObject(in.ID.ID, name), nil), func(ctx context.Context, tx *store.Tx) error {
				return tx.RenameTeam(ctx, call.Scope, in.ID.ID, name)
			}); err != nil {
				return nil, err
			}
			return s.team(ctx, call, in.ID.ID)
		})
	add(s, api, operation{id: "remove-team", method: http.MethodDelete, path: "/api/teams/{id}", tag: "teams",
		summary: "Remove a team; what it owned goes to the next line of the ownership", needs: access.PeopleWrite, whole: true},
		func(ctx context.Context, call *Call, in *One) (*struct{}, error) {
			return nil, s.ownership(ctx, call.Entry("team.remove", teamObject(in.ID.ID, ""), nil), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.RemoveTeam(ctx, call.Scope, in.ID.ID)
				return err
			})
		})
	s.members(api)
	s.owners(api)
}

func (s *Service) members(api huma.API) {
	add(s, api, operation{id: "list-members", method: http.MethodGet, path: "/api/teams/{id}/members", tag: "teams", summary: "Who is in a team", needs: access.TeamRead},
		func(ctx context.Context, call *Call, in *listMembersInput) (*page[store.Member], error) {
			items, err := s.Store.Members(ctx, call.Scope, in.ID.ID, in.Cursor.ID, in.Limit)
			return pageOf(items, in.Limit, func(m store.Member) store.ID { return m.Person }), err
		})
	add(s, api, operation{id: "set-member", method: http.MethodPut, path: "/api/teams/{id}/members/{person}", tag: "teams",
		summary: "Put somebody of the organisation into a team, or give them another role there", needs: access.PeopleWrite},
		func(ctx context.Context, call *Call, in *setMemberInput) (*struct{}, error) {
			if _, err := s.Store.Team(ctx, call.Scope, in.ID.ID); err != nil { // what is foreign is not there, whoever is meant
				return nil, err
			}
			if err := raisesOneself(call, in.Person.ID); err != nil {
				return nil, err
			}
			return nil, s.Store.Write(ctx, call.Entry("team.member.set", teamObject(in.ID.ID, ""), map[string]any{"person": in.Person.ID, "role": in.Body.Role}),
				func(ctx context.Context, tx *store.Tx) error {
					return tx.SetMember(ctx, call.Scope, in.ID.ID, in.Person.ID, in.Body.Role)
				})
		})
	add(s, api, operation{id: "remove-member", method: http.MethodDelete, path: "/api/teams/{id}/members/{person}", tag: "teams", summary: "Take somebody out of a team", needs: access.PeopleWrite},
		func(ctx context.Context, call *Call, in *OneMember) (*struct{}, error) {
			return nil, s.Store.Write(ctx, call.Entry("team.member.remove", teamObject(in.ID.ID, ""), map[string]any{"person": in.Person.ID}),
				func(ctx context.Context, tx *store.Tx) error {
					return tx.RemoveMember(ctx, call.Scope, in.ID.ID, in.Person.ID)
				})
		})
}

// raisesOneself refuses the administrator of teams only who would give themselves another role.
func raisesOneself(call *Call, person store.ID) error {
	if call.Scope.All {
		return nil
	}
	return notOneself(call, person)
}

func (s *Service) owners(api huma.API) {
	add(s, api, operation{id: "list-ownership", method: http.MethodGet, path: "/api/ownership", tag: "teams", summary: "Which team owns what: the first line that speaks of a file decides", needs: access.TeamRead},
		func(ctx context.Context, call *Call, _ *struct{}) (*ownershipOutput, error) {
			out := &ownershipOutput{}
			var err error
			if out.Body.Items, err = s.Store.Ownership(ctx, call.Scope); out.Body.Items == nil {
				out.Body.Items = []store.Owner{}
			}
			return out, err
		})
	add(s, api, operation{id: "add-owner", method: http.MethodPost, path: "/api/ownership", tag: "teams", status: http.StatusCreated,
		summary: "Let a team own a repository, or part of it", needs: access.PeopleWrite, whole: true},
		func(ctx context.Context, call *Call, in *addOwnerInput) (*ownerOutput, error) {
			return s.setOwner(ctx, call, 0, in.Body)
		})
	add(s, api, operation{id: "change-owner", method: http.MethodPut, path: "/api/ownership/{id}", tag: "teams",
		summary: "Change a line of the ownership", needs: access.PeopleWrite, whole: true},
		func(ctx context.Context, call *Call, in *changeOwnerInput) (*ownerOutput, error) {
			return s.setOwner(ctx, call, in.ID.ID, in.Body)
		})
	add(s, api, operation{id: "remove-owner", method: http.MethodDelete, path: "/api/ownership/{id}", tag: "teams", summary: "Remove a line of the ownership", needs: access.PeopleWrite, whole: true},
		func(ctx context.Context, call *Call, in *One) (*struct{}, error) {
			return nil, s.ownership(ctx, call.Entry("ownership.remove", "ownership:"+in.ID.String(), nil), func(ctx context.Context, tx *store.Tx) error {
				return tx.RemoveOwner(ctx, call.Scope, in.ID.ID)
			})
		})
}

func (s *Service) team(ctx context.Context, call *Call, id store.ID) (*teamOutput, error) {
	t, err := s.Store.Team(ctx, call.Scope, id)
	if err != nil {
		return nil, err
	}
	return &teamOutput{*t}, nil
}

func teamObject(id store.ID, name string) string {
	if name == "" {
		return "team:" + id.String()
	}
	return "team:" + id.String() + " " + name
}

// setOwner writes a line of the ownership; id is 0 for a new one.
func (s *Service) setOwner(ctx context.Context, call *Call, id store.ID, b ownerBody) (*ownerOutput, error) {
	o := store.Owner{ID: id, Team: b.Team, Repository: b.Repository, Path: b.Path, Position: b.Position}
	if id == 0 {
		o.ID = s.Store.NewID()
	}
	out := &ownerOutput{}
	data := map[string]any{"team": b.Team, "repository": b.Repository, "path": b.Path}
	err := s.ownership(ctx, call.Entry("ownership.set", "ownership:"+o.ID.String(), data), func(ctx context.Context, tx *store.Tx) error {
		if id != 0 {
			before, err := tx.Owner(ctx, call.Scope, id)
			if err != nil {
				return err
			}
			if o.Position == 0 {
				o.Position = before.Position
			}
		}
		if err := tx.SetOwner(ctx, call.Scope, o); err != nil {
			return err
		}
		now, err := tx.Owner(ctx, call.Scope, o.ID)
		if err == nil {
			out.Body = *now
		}
		return err
	})
	return out, err
}

// ownership writes who owns what, and begins to look up the owners of findings.
func (s *Service) ownership(ctx context.Context, entry store.Entry, do func(context.Context, *store.Tx) error) error {
	if err := s.Store.Write(ctx, entry, do); err != nil {
		return err
	}
	// The first few at once, so that small estates see it with the answer; Maintain goes on with the others.
	if _, err := s.Store.Reassign(ctx, 1000); err != nil {
		s.Log.WarnContext(ctx, "looking up the owners of findings goes on later", "error", err)
	}
	return nil
}
