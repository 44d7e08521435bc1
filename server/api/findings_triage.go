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
		Query   *string      `json:"query,omitempty" maxLength:"8192" doc:"all findings that fit; or ids. Empty text is every finding of default branches. More than 20,000 are changed one after the other, see change of the answer"`
		Reason  string       `json:"reason" enum:"false-positive,risk-accepted,pending-fix,no-fix,duplicate,other" doc:"why"`
		Comment string       `json:"comment,omitempty" maxLength:"4000" doc:"for those who ask later"`
		Until   store.Millis `json:"until,omitempty" doc:"when the mute ends; absent when it does not"`
	}
}

type restoreInput struct {
	Body struct {
		IDs     []store.ID `json:"ids,omitempty" maxItems:"20000" doc:"the findings; or query"`
		Query   *string    `json:"query,omitempty" maxLength:"8192" doc:"all findings that fit; or ids. More than 20,000 are changed one after the other, see change of the answer"`
		Comment string     `json:"comment,omitempty" maxLength:"4000" doc:"for those who ask later"`
	}
}

type assignInput struct {
	Body struct {
		IDs      []store.ID `json:"ids,omitempty" maxItems:"20000" doc:"the findings; or query"`
		Query    *string    `json:"query,omitempty" maxLength:"8192" doc:"all findings that fit; or ids. More than 20,000 are changed one after the other, see change of the answer"`
		Assignee store.ID   `json:"assignee,omitempty" doc:"id of a person of the organisation; absent for nobody"`
		Comment  string     `json:"comment,omitempty" maxLength:"4000" doc:"for those who ask later"`
	}
}

type undoInput struct {
	Body struct {
		Undo string `json:"undo" minLength:"1" maxLength:"100" doc:"of the answer to a change"`
	}
}

type triagedOutput struct {
	Status int
	Body   *store.Triaged
}

type commentInput struct {
	ID   Ref `path:"id" doc:"id of the finding"`
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"4000" doc:"plain text"`
	}
}

type commentOutput struct{ Body findingEvent }

func (s *Service) findingTriage(api huma.API) {
	add(s, api, operation{id: "mute-findings", method: http.MethodPost, path: "/api/findings/mute", tag: "findings",
		summary: "Mute findings with a reason", needs: access.FindingTriage, later: true}, s.muteFindings)
	add(s, api, operation{id: "restore-findings", method: http.MethodPost, path: "/api/findings/restore", tag: "findings",
		summary: "End mutes of findings", needs: access.FindingTriage, later: true}, s.restoreFindings)
	add(s, api, operation{id: "assign-findings", method: http.MethodPost, path: "/api/findings/assign", tag: "findings",
		summary: "Assign findings to somebody, or to nobody", needs: access.FindingTriage, later: true}, s.assignFindings)
	add(s, api, operation{id: "undo-findings", method: http.MethodPost, path: "/api/findings/undo", tag: "findings",
		summary: "Take a change of findings back, in as far as nobody changed them since", needs: access.FindingTriage}, s.undoFindings)
	add(s, api, operation{id: "get-finding-change", method: http.MethodGet, path: "/api/changes/{id}", tag: "findings",
		summary: "How far a change of many findings is", needs: access.FindingTriage}, s.findingChange)
	add(s, api, operation{id: "undo-finding-change", method: http.MethodPost, path: "/api/changes/{id}/undo", tag: "findings", status: http.StatusAccepted,
		summary: "Take a change of many findings back, in as far as nobody changed them since", needs: access.FindingTriage}, s.undoFindingChange)
	add(s, api, operation{id: "comment-finding", method: http.MethodPost, path: "/api/findings/{id}/comments", tag: "findings", status: http.StatusCreated,
		summary: "Write a comment into the timeline of a finding", needs: access.FindingTriage}, s.commentFinding)
}

// triage decides about the findings of a body.
func (s *Service) triage(ctx context.Context, call *Call, action string, ids []store.ID, query *string, d store.Decision) (*triagedOutput, error) {
	if (len(ids) > 0) == (query != nil) {
		return nil, store.Refuse(store.Invalid, "say which findings: either ids or query")
	}
	selection, object := store.Selection{Scope: call.Scope, IDs: ids, Later: s.later(call)}, "findings"
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
	if err != nil {
		return nil, err
	}
	if out.Change != 0 {
		return &triagedOutput{http.StatusAccepted, out}, nil
	}
	return &triagedOutput{http.StatusOK, out}, nil
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
	return &triagedOutput{http.StatusOK, out}, err
}

type changeInput struct {
	ID Ref `path:"id" doc:"id of the change"`
}

type changeOutput struct{ Body *store.Change }

// later queues what is too much for one answer; nil when nobody would work on it.
func (s *Service) later(call *Call) func(context.Context, *store.Tx, store.ID) error {
	if s.Queue == nil {
		return nil
	}
	return func(ctx context.Context, tx *store.Tx, change store.ID) error {
		return s.Queue.ChangeFindings(ctx, tx, store.ID(call.Scope.Organisation), change)
	}
}

func (s *Service) findingChange(ctx context.Context, call *Call, in *changeInput) (*changeOutput, error) {
	c, err := s.Store.FindingChange(ctx, call.Scope, in.ID.ID, call.Actor())
	return &changeOutput{c}, err
}

func (s *Service) undoFindingChange(ctx context.Context, call *Call, in *changeInput) (*changeOutput, error) {
	later := s.later(call)
	if later == nil {
		return nil, store.Refuse(store.NotFound, "There is no such change, or not any more.")
	}
	if err := s.Store.UndoChange(ctx, call.Entry("finding.undo", "change:"+in.ID.String(), nil), store.ID(call.Scope.Organisation), in.ID.ID, later); err != nil {
		return nil, err
	}
	return s.findingChange(ctx, call, in)
}

func (s *Service) commentFinding(ctx context.Context, call *Call, in *commentInput) (*commentOutput, error) {
	event, err := s.Store.CommentFinding(ctx, call.Entry("finding.comment", fmt.Sprint("finding:", in.ID.ID), nil), call.Scope, in.ID.ID, call.Subject.Name, in.Body.Text)
	if err != nil {
		return nil, err
	}
	out := &commentOutput{findingEvent{FindingEvent: *event}}
	return out, json.Unmarshal([]byte(event.Data), &out.Body.Data)
}
