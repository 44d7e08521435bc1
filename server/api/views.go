package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

type viewsOutput struct {
	Body struct {
		Items []store.View `json:"items"`
		Next  string       `json:"next" doc:"always empty: there are never more than one page"`
	}
}

type viewBody struct {
	Name     string `json:"name" minLength:"1" maxLength:"200" doc:"unique among one's own"`
	Query    string `json:"query" maxLength:"8192" doc:"in the query language"`
	Shared   bool   `json:"shared,omitempty" doc:"everybody in the organisation sees it"`
	Settings string `json:"settings,omitempty" maxLength:"16384" doc:"JSON of the interface: columns, sorting, grouping"`
}

type addViewInput struct{ Body viewBody }

type changeViewInput struct {
	ID   Ref `path:"id" doc:"id of the view"`
	Body viewBody
}

type removeViewInput struct {
	ID Ref `path:"id" doc:"id of the view"`
}

type viewOutput struct{ Body *store.View }

func (s *Service) views(api huma.API) {
	add(s, api, operation{id: "list-views", method: http.MethodGet, path: "/api/views", tag: "findings",
		summary: "One's own saved searches, and those that others share", needs: access.FindingRead}, s.listViews)
	add(s, api, operation{id: "add-view", method: http.MethodPost, path: "/api/views", tag: "findings", status: http.StatusCreated,
		summary: "Save a search", needs: access.ViewWrite, person: true}, s.addView)
	add(s, api, operation{id: "change-view", method: http.MethodPut, path: "/api/views/{id}", tag: "findings",
		summary: "Change a saved search of one's own", needs: access.ViewWrite, person: true}, s.changeView)
	add(s, api, operation{id: "remove-view", method: http.MethodDelete, path: "/api/views/{id}", tag: "findings",
		summary: "Remove a saved search of one's own", needs: access.ViewWrite, person: true}, s.removeView)
}

// viewer is the person whose views a caller has; 0 for others than people, who have none of their own.
func viewer(call *Call) store.ID {
	if call.Subject.Kind != "person" {
		return 0
	}
	return store.ID(call.Subject.ID)
}

func (s *Service) listViews(ctx context.Context, call *Call, _ *struct{}) (*viewsOutput, error) {
	out := &viewsOutput{}
	var err error
	out.Body.Items, err = s.Store.Views(ctx, store.ID(call.Scope.Organisation), viewer(call))
	return out, err
}

func (s *Service) saveView(ctx context.Context, call *Call, action string, id store.ID, b viewBody) (*viewOutput, error) {
	person := viewer(call)
	if person == 0 {
		return nil, store.Refuse(store.Forbidden, "views belong to people: sign in to save one")
	}
	out := &viewOutput{}
	err := s.Store.Write(ctx, call.Entry(action, "view "+b.Name, b), func(ctx context.Context, tx *store.Tx) error {
		var err error
		out.Body, err = tx.SaveView(ctx, store.ID(call.Scope.Organisation), person, store.View{ID: id, Name: b.Name, Query: b.Query, Shared: b.Shared, Settings: b.Settings})
		return err
	})
	return out, err
}

func (s *Service) addView(ctx context.Context, call *Call, in *addViewInput) (*viewOutput, error) {
	return s.saveView(ctx, call, "view.add", 0, in.Body)
}

func (s *Service) changeView(ctx context.Context, call *Call, in *changeViewInput) (*viewOutput, error) {
	if in.ID.ID == 0 {
		return nil, store.Refuse(store.NotFound, "there is no such view, or it is somebody else's")
	}
	return s.saveView(ctx, call, "view.change", in.ID.ID, in.Body)
}

func (s *Service) removeView(ctx context.Context, call *Call, in *removeViewInput) (*struct{}, error) {
	return nil, s.Store.Write(ctx, call.Entry("view.remove", "view:"+in.ID.String(), nil), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.RemoveView(ctx, store.ID(call.Scope.Organisation), viewer(call), in.ID.ID)
		return err
	})
}
