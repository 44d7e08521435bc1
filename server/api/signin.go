package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

type linkInput struct {
	Body struct {
		Ticket string `json:"ticket" minLength:"1" maxLength:"200" doc:"what the link has after ?ticket="`
	}
}

// signIn is the ways to become somebody.
func (s *Service) signIn(api huma.API) {
	add(s, api, operation{id: "redeem-link", method: http.MethodPost, path: "/api/session/link", tag: "session",
		summary: "Sign in by a one-time link", needs: Public, body: 4 << 10},
		func(ctx context.Context, call *Call, in *linkInput) (*struct{}, error) {
			return nil, s.SignIn.RedeemLink(ctx, in.Body.Ticket, call.Request)
		})
	add(s, api, operation{id: "end-session", method: http.MethodDelete, path: "/api/session", tag: "session",
		summary: "Sign out of this browser", needs: Public},
		func(ctx context.Context, call *Call, _ *struct{}) (*struct{}, error) {
			return nil, s.SignIn.End(ctx, call.Entry("session.end", "session", nil))
		})
}
