package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

type listResourcesInput struct {
	Q          string `query:"q" maxLength:"200" doc:"part of an address"`
	Type       string `query:"type" maxLength:"200" doc:"resource type, in Terraform's words"`
	Provider   string `query:"provider" maxLength:"200" doc:"aws, kubernetes …"`
	Dialect    string `query:"dialect" maxLength:"100" doc:"language of the code"`
	Repository string `query:"repository" maxLength:"20" doc:"id"`
	Tag        string `query:"tag" maxLength:"600" doc:"an effective tag: Key, or Key=value"`
	Without    string `query:"without" maxLength:"300" doc:"key of a tag that is not there, among types that have tags"`
	Untagged   bool   `query:"untagged" doc:"no tag at all, among types that have tags"`
	Exposed    bool   `query:"exposed" doc:"those that the internet can reach, as far as the code says"`
	Cursor     string `query:"cursor" maxLength:"1000" doc:"next of the page before"`
	Limit      int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"most items of a page"`
}

// query is what is asked of the store.
func (in *listResourcesInput) query() (store.ResourceQuery, error) {
	out := store.ResourceQuery{Text: in.Q, Type: in.Type, Provider: in.Provider, Dialect: in.Dialect, Tag: in.Tag, Without: in.Without, Untagged: in.Untagged, Exposed: in.Exposed, Cursor: in.Cursor, Limit: in.Limit}
	if in.Repository != "" {
		if err := out.Repository.UnmarshalText([]byte(in.Repository)); err != nil {
			return out, store.Refuse(store.Invalid, "repository: %q is not an id.", in.Repository)
		}
	}
	return out, nil
}

type listResourcesOutput struct {
	Body struct {
		Items []store.Resource `json:"items"`
		Next  string           `json:"next" doc:"cursor of the next page; empty on the last one"`
	}
}

type resourceFacetsOutput struct{ Body *store.ResourceFacets }

type getResourceInput struct {
	ID Ref `path:"id" doc:"of the resource"`
}

type getResourceOutput struct {
	Body struct {
		store.Resource
		Tier string `json:"tier" enum:"network,compute,data,identity,other"`
	}
}

func (s *Service) resources(api huma.API) {
	add(s, api, operation{id: "list-resources", method: http.MethodGet, path: "/api/resources", tag: "resources",
		summary: "What default branches declare, after expansion, with effective tags", needs: access.FindingRead},
		func(ctx context.Context, call *Call, in *listResourcesInput) (*listResourcesOutput, error) {
			q, err := in.query()
			if err != nil {
				return nil, err
			}
			out := &listResourcesOutput{}
			out.Body.Items, out.Body.Next, err = s.Store.Resources(ctx, call.Scope, q)
			return out, err
		})
	add(s, api, operation{id: "list-resource-facets", method: http.MethodGet, path: "/api/resources/facets", tag: "resources",
		summary: "How many resources fit, by type, provider, language, repository and key of tags", needs: access.FindingRead},
		func(ctx context.Context, call *Call, in *listResourcesInput) (*resourceFacetsOutput, error) {
			q, err := in.query()
			if err != nil {
				return nil, err
			}
			facets, err := s.Store.ResourceFacets(ctx, call.Scope, q)
			return &resourceFacetsOutput{facets}, err
		})
	add(s, api, operation{id: "get-resource", method: http.MethodGet, path: "/api/resources/{id}", tag: "resources",
		summary: "A resource with its effective tags and where they come from", needs: access.FindingRead},
		func(ctx context.Context, call *Call, in *getResourceInput) (*getResourceOutput, error) {
			r, err := s.Store.Resource(ctx, call.Scope, in.ID.ID)
			if err != nil {
				return nil, err
			}
			out := &getResourceOutput{}
			out.Body.Resource, out.Body.Tier = *r, tierOf(r.Type)
			return out, nil
		})
}
