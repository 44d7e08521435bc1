package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/store"
)

// The selection of findings is in every body: ids or query, and exactly one of them.

type muteInput struct {
	Body struct {
		IDs     []store.ID   `json:"ids,omitempty" maxItems:"20000" doc:"the findings; or query"`
		Query   *string      `json:"query,omitempty" maxLength:"8192" doc:"all findings that fit, at most 20,000; or ids. Empty text is every finding of default branches"`
		Reason  string       `json:"reason" enum:"false-positive,risk-accepted,pending-fix,no-fix,duplicate,other" doc:"why"`
		Comment string       `json:"comment,omitempty" maxLength:"4000" doc:"for those who ask later"`
		Until   store.Millis `json:"until,omitempty" doc:"when the mute ends; absent when it does not"`
	}
}

type restoreInput struct {
	Body struct {
		IDs     []store.ID `json:"ids,omitempty" maxItems:"20000" doc:"the findings; or query"`
		Query   *string    `json:"query,omitempty" maxLength:"8192" doc:"all findings that fit, at most 20,000; or ids"`
		Comment string     `json:"comment,omitempty" maxLength:"4000" doc:"for those who ask later"`
	}
}

type assignInput struct {
	Body struct {
		IDs      []store.ID `json:"ids,omitempty" maxItems:"20000" doc:"the findings; or query"`
		Query    *string    `json:"query,omitempty" maxLength:"8192" doc:"all findings that fit, at most 20,000; or ids"`
		Assignee store.ID   `json:"assignee,omitempty" doc:"id of a person of the organisation; absent for nobody"`
		Comment  string     `json:"comment,omitempty" maxLength:"4000" doc:"for those who ask later"`
	}
}

type undoInput struct {
	Body struct {
		Undo string `json:"undo" minLength:"1" maxLength:"100" doc:"of the answer to a change"`
	}
}

type triagedOutput struct{ Body *store.Triaged }

type commentInput struct {
	ID   Ref `path:"id" doc:"id of the finding"`
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"4000" doc:"plain text"`
	}
}

type commentOutput struct{ Body findingEvent }

func (s *Service) findingTriage(api huma.API) {
	add(s, api, operation{id: "mute-findings", method: http.MethodPost, path: "/api/findings/mute", tag: "findings",
		summary: "Mute findings with a reason", needs: access.FindingTriage}, s.muteFindings)
	add(s, api, operation{id: "restore-findings", method: http.MethodPost, path: "/api/findings/restore", tag: "findings",
		summary: "End mutes of findings", needs: access.FindingTriage}, s.restoreFindings)
	add(s, api, operation{id: "assign-findings", method: http.MethodPost, path: "/api/findings/assign", tag: "findings",
		summary: "Assign findings to somebody, or to nobody", needs: access.FindingTriage}, s.assignFindings)
	add(s, api, operation{id: "undo-findings", method: http.MethodPost, path: "/api/findings/undo", tag: "findings",
		summary: "Take a change of findings back, in as far as nobody changed them since", needs: access.FindingTriage}, s.undoFindings)
	add(s, api, operation{id: "comment-finding", method: http.MethodPost, path: "/api/findings/{id}/comments", tag: "findings", status: http.StatusCreated,
		summary: "Write a comment into the timeline of a finding", needs: access.FindingTriage}, s.commentFinding)
}

// triage decides about the findings of a body.
func (s *Service) triage(ctx context.Context, call *Call, action string, ids []store.ID, query *string, d store.Decision) (*triagedOutput, error) {
	if (len(ids) > 0) == (query != nil) {
		return nil, store.Refuse(store.Invalid, "say which findings: either ids or query")
	}
	selection, object := store.Selection{Scope: call.Scope, IDs: ids}, "findings"
	if query != nil {
		search, err := s.searchOf(call, *query)
		if err != nil {
			return nil, err
		}
		selection.Search = &search
	} else if len(ids) == 1 {
		object = "finding:" + ids[0].String()
	}
	d.By = call.Subject.Name
	out, err := s.Store.Triage(ctx, call.Entry(action, object, nil), selection, d)
	return &triagedOutput{out}, err
}

func (s *Service) muteFindings(ctx context.Context, call *Call, in *muteInput) (*triagedOutput, error) {
	b := &in.Body
	return s.triage(ctx, call, "finding.mute", b.IDs, b.Query, store.Decision{Happening: store.Mute, Reason: store.Reason(b.Reason), Comment: b.Comment, Until: b.Until})
}

func (s *Service) restoreFindings(ctx context.Context, call *Call, in *restoreInput) (*triagedOutput, error) {
	b := &in.Body
	return s.triage(ctx, call, "finding.restore", b.IDs, b.Query, store.Decision{Happening: store.Restore, Comment: b.Comment})
}

func (s *Service) assignFindings(ctx context.Context, call *Call, in *assignInput) (*triagedOutput, error) {
	b := &in.Body
	return s.triage(ctx, call, "finding.assign", b.IDs, b.Query, store.Decision{Assign: true, Assignee: b.Assignee, Comment: b.Comment})
}

func (s *Service) undoFindings(ctx context.Context, call *Call, in *undoInput) (*triagedOutput, error) {
	out, err := s.Store.UndoTriage(ctx, call.Entry("finding.undo", "findings", nil), call.Scope, in.Body.Undo, call.Subject.Name)
	return &triagedOutput{out}, err
}

func (s *Service) commentFinding(ctx context.Context, call *Call, in *commentInput) (*commentOutput, error) {
	event, err := s.Store.CommentFinding(ctx, call.Entry("finding.comment", fmt.Sprint("finding:", in.ID.ID), nil), call.Scope, in.ID.ID, call.Subject.Name, in.Body.Text)
	if err != nil {
		return nil, err
	}
	out := &commentOutput{findingEvent{FindingEvent: *event}}
	return out, json.Unmarshal([]byte(event.Data), &out.Body.Data)
}
