package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/store"
)

type findingInput struct {
	ID Ref `path:"id" doc:"id of the finding"`
}

// findingDetail is all that is known about a finding. Every text is as the repository has it, markup of whatever kind included.
type findingDetail struct {
	store.FindingRow
	Why         string              `json:"why" doc:"why the rule matters, Markdown of the rule's page; empty for rules that the catalogue does not have"`
	Controls    []findingControl    `json:"controls" doc:"requirements of frameworks that the rule serves"`
	Aliases     []string            `json:"aliases" doc:"names of the rule in other scanners"`
	Native      string              `json:"native,omitempty" doc:"the type of the resource in the words of the dialect, where they are others"`
	Maybe       bool                `json:"maybe,omitempty" doc:"whether the resource exists depends on something unknown"`
	Variants    []string            `json:"variants" doc:"sets of inputs under which it fails; empty when there is but one"`
	Place       *findingPlace       `json:"place,omitempty" doc:"of what decided"`
	Declared    *findingPlace       `json:"declared,omitempty" doc:"of the whole resource"`
	Secret      bool                `json:"secret,omitempty" doc:"it is about a secret: no code is shown"`
	Excerpt     *findingExcerpt     `json:"excerpt,omitempty"`
	Code        []findingExcerpt    `json:"code" doc:"the lines of module calls and of the way that values took, where they are elsewhere"`
	Calls       []findingPlace      `json:"calls" doc:"module calls that led to it, outermost first"`
	Related     []findingPlace      `json:"related" doc:"other attributes that took part"`
	Evidence    []findingEvidence   `json:"evidence" doc:"the values that the rule saw"`
	Waits       []findingWait       `json:"waits" doc:"of undecided ones: the inputs that would decide"`
	Fixes       []findingFix        `json:"fixes" doc:"proved changes of code"`
	Suppression *findingSuppression `json:"suppression,omitempty" doc:"in the code"`
	Presence    []store.Presence    `json:"presence" doc:"branches that have or had it, the default one first; at most 200"`
	Kept        bool                `json:"kept" doc:"false: the details are not kept any more; scan the repository again"`
}

type findingControl struct {
	Framework string `json:"framework"`
	Name      string `json:"name" doc:"of the framework"`
	Control   string `json:"control"`
	Title     string `json:"title" doc:"of the control, in our own short words"`
}

type findingPlace struct {
	Text   string `json:"text,omitempty" doc:"what is there: module.web, var.acl"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	End    int    `json:"end" doc:"last line"`
}

type findingExcerpt struct {
	Text  string   `json:"text,omitempty" doc:"what it is about"`
	File  string   `json:"file"`
	First int      `json:"first" doc:"number of the first line"`
	Lines []string `json:"lines"`
	From  int      `json:"from" doc:"first line of what is marked"`
	To    int      `json:"to" doc:"last line of what is marked"`
}

type findingEvidence struct {
	Path  string         `json:"path"`
	Value string         `json:"value" doc:"JSON, or (sensitive), (unknown), (not set)"`
	From  []findingPlace `json:"from" doc:"the way from where it is used to where it was written"`
}

type findingWait struct {
	Name  string        `json:"name"`
	Kind  string        `json:"kind" doc:"variable, data, computed, module, function"`
	Place *findingPlace `json:"place,omitempty"`
}

type findingFix struct {
	Title   string   `json:"title"`
	Caution string   `json:"caution,omitempty" doc:"what it may break that works today"`
	Shared  []string `json:"shared" doc:"addresses of other resources that change too"`
	Files   []string `json:"files" doc:"that it edits"`
	Diff    string   `json:"diff" doc:"unified; empty when it is not to be shown"`
	Applies bool     `json:"applies" doc:"diff is a patch that git apply takes; else something in it is hidden or cut, and plumbline fix makes the change"`
	Gates   []string `json:"gates" doc:"what it went through to be proved"`
}

type findingSuppression struct {
	Kind   string        `json:"kind" doc:"inline, settings or baseline"`
	Reason string        `json:"reason"`
	Until  store.Millis  `json:"until,omitempty"`
	Place  *findingPlace `json:"place,omitempty"`
}

type findingDetailOutput struct{ Body *findingDetail }

type findingEventsInput struct {
	ID     Ref `path:"id" doc:"id of the finding"`
	Cursor Ref `query:"cursor" doc:"next of the page before"`
	Limit  int `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"most items of a page"`
}

type findingEventsOutput struct {
	Body struct {
		Items []findingEvent `json:"items" doc:"the newest first"`
		Next  string         `json:"next" doc:"cursor of the next page; empty on the last one"`
	}
}

type findingEvent struct {
	store.FindingEvent
	Data map[string]any `json:"data" doc:"by kind: reason, comment and until of a mute, the text of a comment, names before and after"`
}

type findingRawOutput struct {
	Body map[string]any
}

func (s *Service) findingDetails(api huma.API) {
	add(s, api, operation{id: "get-finding", method: http.MethodGet, path: "/api/findings/{id}", tag: "findings",
		summary: "A finding with why, code, evidence and fixes", needs: access.FindingRead}, s.getFinding)
	add(s, api, operation{id: "list-finding-events", method: http.MethodGet, path: "/api/findings/{id}/events", tag: "findings",
		summary: "What happened to a finding", needs: access.FindingRead}, s.listFindingEvents)
	add(s, api, operation{id: "get-finding-raw", method: http.MethodGet, path: "/api/findings/{id}/raw", tag: "findings",
		summary: "What the scanner said of a finding, as it said it", needs: access.FindingRead}, s.getFindingRaw)
}

func (s *Service) getFinding(ctx context.Context, call *Call, in *findingInput) (*findingDetailOutput, error) {
	book, err := s.rulebookOf()
	if err != nil {
		return nil, err
	}
	found, err := s.Store.Finding(ctx, call.Scope, in.ID.ID, book)
	if err != nil {
		return nil, err
	}
	out := &findingDetail{FindingRow: found.FindingRow, Presence: found.Presence, Controls: []findingControl{}, Aliases: []string{}, Variants: []string{},
		Code: []findingExcerpt{}, Calls: []findingPlace{}, Related: []findingPlace{}, Evidence: []findingEvidence{}, Waits: []findingWait{}, Fixes: []findingFix{}}
	if err := s.explain(out); err != nil {
		return nil, err
	}
	var detail jobs.Finding
	if found.Detail != nil && json.Unmarshal(found.Detail, &detail) == nil {
		out.Kept = true
		out.fill(&detail)
	}
	return &findingDetailOutput{out}, nil
}

// explain adds what the catalogue says about the rule.
func (s *Service) explain(out *findingDetail) error {
	r, err := s.catalogue.rule(out.Rule)
	if r == nil || err != nil {
		return err
	}
	out.Why, out.Aliases = r.Why, append(out.Aliases, r.Aliases...)
	for _, f := range rules.Frameworks() {
		for _, id := range r.Controls[f.ID] {
			control, _ := f.Control(id)
			out.Controls = append(out.Controls, findingControl{f.ID, f.Name, id, control.Title})
		}
	}
	return nil
}

// fill adds what the scanner said. Of a finding about a secret nothing is shown that quotes code.
func (d *findingDetail) fill(f *jobs.Finding) {
	d.Native, d.Maybe, d.Secret = f.Resource.Native, f.Resource.Maybe, f.Secret
	d.Variants = append(d.Variants, f.Resource.Variants...)
	d.Place, d.Declared = placeOf(f.Location), placeOf(f.Resource.Range)
	for _, w := range f.Waits {
		d.Waits = append(d.Waits, findingWait{w.Name, w.Kind, placeOf(w.Location)})
	}
	d.Calls = placesOf(f.Resource.Calls)
	d.Related = placesOf(f.Related)
	for _, e := range f.Evidence {
		d.Evidence = append(d.Evidence, findingEvidence{e.Path, e.Value, placesOf(e.From)})
	}
	for i, fix := range f.Fixes {
		item := findingFix{Title: fix.Title, Caution: fix.Caution, Shared: append([]string{}, fix.Shared...), Files: []string{}, Gates: []string{}}
		for _, e := range fix.Edits {
			if n := len(item.Files); n == 0 || item.Files[n-1] != e.Location.File {
				item.Files = append(item.Files, e.Location.File)
			}
		}
		if i < len(f.Proved) {
			item.Gates = append(item.Gates, f.Proved[i].Gates...)
			if !f.Secret {
				item.Diff, item.Applies = f.Proved[i].Diff, f.Proved[i].Applies
			}
		}
		d.Fixes = append(d.Fixes, item)
	}
	if u := f.Suppression; u != nil {
		d.Suppression = &findingSuppression{string(u.Kind), u.Reason, store.MillisOf(u.Until), placeOf(u.Location)}
	}
	if f.Secret {
		return
	}
	if f.Excerpt != nil {
		e := excerptOf("", *f.Excerpt)
		d.Excerpt = &e
	}
	for _, w := range f.Why {
		d.Code = append(d.Code, excerptOf(w.Text, w.Excerpt))
	}
}

func excerptOf(text string, e jobs.Excerpt) findingExcerpt {
	return findingExcerpt{text, e.File, e.First, append([]string{}, e.Lines...), e.Mark[0], e.Mark[1]}
}

// placeOf is a location for people, nil when there is none.
func placeOf(l finding.Location) *findingPlace {
	if l.File == "" {
		return nil
	}
	return &findingPlace{File: l.File, Line: l.From.Line, Column: l.From.Column, End: l.To.Line}
}

func placesOf(list []finding.Related) []findingPlace {
	out := []findingPlace{}
	for _, r := range list {
		if p := placeOf(r.Location); p != nil {
			p.Text = r.Text
			out = append(out, *p)
		}
	}
	return out
}

func (s *Service) listFindingEvents(ctx context.Context, call *Call, in *findingEventsInput) (*findingEventsOutput, error) {
	list, next, err := s.Store.FindingEvents(ctx, call.Scope, in.ID.ID, in.Cursor.ID, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &findingEventsOutput{}
	out.Body.Items = make([]findingEvent, 0, len(list))
	for _, e := range list {
		item := findingEvent{FindingEvent: e, Data: map[string]any{}}
		if e.Data != "" && json.Unmarshal([]byte(e.Data), &item.Data) != nil {
			item.Data = map[string]any{}
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	if next != 0 {
		out.Body.Next = next.String()
	}
	return out, nil
}

func (s *Service) getFindingRaw(ctx context.Context, call *Call, in *findingInput) (*findingRawOutput, error) {
	found, err := s.Store.Finding(ctx, call.Scope, in.ID.ID, nil)
	if err != nil {
		return nil, err
	}
	if found.Detail == nil {
		return nil, store.Refuse(store.NotFound, "the details are not kept any more: scan the repository again")
	}
	out := &findingRawOutput{}
	if err := json.Unmarshal(found.Detail, &out.Body); err != nil {
		return nil, err
	}
	if secret, _ := out.Body["Secret"].(bool); secret {
		for _, quotes := range []string{"Excerpt", "Why", "Proved", "Fixes"} {
			delete(out.Body, quotes)
		}
	}
	return out, nil
}
