package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

type sessionOutput struct {
	Body struct {
		Kind         string              `json:"kind" doc:"person, token or forge"`
		ID           store.ID            `json:"id"`
		Name         string              `json:"name"`
		Organisation store.ID            `json:"organisation"`
		Role         string              `json:"role" doc:"in all of the organisation; empty when only in teams"`
		Permissions  []access.Permission `json:"permissions" doc:"what the caller may do somewhere, for interfaces to show what makes sense"`
	}
}

func (s *Service) session(api huma.API) {
	add(s, api, operation{id: "get-session", method: http.MethodGet, path: "/api/session", tag: "session",
		summary: "Who is signed in, and what they may do", needs: access.RuleRead},
		func(_ context.Context, call *Call, _ *struct{}) (*sessionOutput, error) {
			out := &sessionOutput{}
			b, who := &out.Body, call.Subject
			b.Kind, b.ID, b.Name, b.Organisation, b.Role = who.Kind, store.ID(who.ID), who.Name, store.ID(who.Organisation), string(who.Role)
			b.Permissions = []access.Permission{}
			for _, p := range access.Permissions() {
				if who.Scope(p).Somewhere() {
					b.Permissions = append(b.Permissions, p)
				}
			}
			return out, nil
		})
}
