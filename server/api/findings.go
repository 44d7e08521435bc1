package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"unicode/utf16"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/query"
	"plumbline.dev/plumbline/store"
)

type listFindingsInput struct {
	Q      string `query:"q" maxLength:"8192" doc:"what findings are asked for, in the query language: severity:high,critical repo:payments -status:fixed words. Empty asks for all of the default branches"`
	Sort   string `query:"sort" maxLength:"20" doc:"severity (worst first, then last seen), first-seen, last-seen, fixed (newest first), rule, file or repo; - in front turns it round. severity is the usual"`
	Cursor string `query:"cursor" maxLength:"8192" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"most items of a page"`
}

type listFindingsOutput struct{ Body *store.FindingPage }

type facetsInput struct {
	Q     string   `query:"q" maxLength:"8192" doc:"what findings are asked for, in the query language: severity:high,critical repo:payments -status:fixed words. Empty asks for all of the default branches"`
	Facet []string `query:"facet" maxItems:"20" doc:"which keys to count, separated by commas; all that can be when empty"`
	Limit int      `query:"limit" minimum:"1" maximum:"1000" default:"25" doc:"most values of a key"`
}

type facetsOutput struct {
	Body struct {
		Items []store.Facet `json:"items"`
		Total int           `json:"total" doc:"how many findings fit"`
	}
}

type groupsInput struct {
	Q      string `query:"q" maxLength:"8192" doc:"what findings are asked for, in the query language: severity:high,critical repo:payments -status:fixed words. Empty asks for all of the default branches"`
	By     string `query:"by" required:"true" maxLength:"20" doc:"rule, repo, team, file, resource, severity, category, type, provider or assignee"`
	Cursor string `query:"cursor" maxLength:"8192" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"5" maximum:"500" default:"50" doc:"most items of a page"`
}

type groupsOutput struct{ Body *store.FindingGroups }

type suggestInput struct {
	Q  string `query:"q" maxLength:"8192" doc:"the query as far as it is written"`
	At int    `query:"at" minimum:"-1" default:"-1" doc:"where the caret stands, in UTF-16 units as JavaScript counts; -1 is the end"`
}

type querySuggestion struct {
	Text string `json:"text" doc:"in place of start to end"`
	Doc  string `json:"doc" doc:"what it means, or for people; may be empty"`
}

type suggestOutput struct {
	Body struct {
		Start   int               `json:"start" doc:"in UTF-16 units"`
		End     int               `json:"end"`
		Key     string            `json:"key" doc:"the key whose value is written; empty when it is a key or a word"`
		Items   []querySuggestion `json:"items"`
		Mistake *queryMistake     `json:"mistake,omitempty" doc:"what is wrong with the query as it is"`
	}
}

// queryMistake is a query.Mistake with its place as interfaces count.
type queryMistake struct {
	Start   int    `json:"start" doc:"in UTF-16 units"`
	End     int    `json:"end"`
	Message string `json:"message"`
}

type queryKeysOutput struct {
	Body struct {
		Items []queryKey `json:"items"`
	}
}

type queryKey struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
	Values  []string `json:"values" doc:"all there are, or those with a meaning of their own"`
	Doc     string   `json:"doc"`
	Example string   `json:"example"`
}

func (s *Service) findings(api huma.API) {
	add(s, api, operation{id: "list-findings", method: http.MethodGet, path: "/api/findings", tag: "findings",
		summary: "Findings that fit a query", needs: access.FindingRead}, s.listFindings)
	add(s, api, operation{id: "list-finding-facets", method: http.MethodGet, path: "/api/findings/facets", tag: "findings",
		summary: "How many findings have each value of a key, were the query without terms of that key", needs: access.FindingRead}, s.listFacets)
	add(s, api, operation{id: "list-finding-groups", method: http.MethodGet, path: "/api/findings/groups", tag: "findings",
		summary: "Findings that fit a query, counted by what they have in common", needs: access.FindingRead}, s.listGroups)
	add(s, api, operation{id: "suggest-query", method: http.MethodGet, path: "/api/findings/suggest", tag: "findings",
		summary: "How a half-written query can go on", needs: access.FindingRead}, s.suggestQuery)
	add(s, api, operation{id: "list-query-keys", method: http.MethodGet, path: "/api/findings/keys", tag: "findings",
		summary: "The keys of the query language", needs: access.FindingRead}, s.listQueryKeys)
	s.findingDetails(api)
	s.findingTriage(api)
	s.exports(api)
	s.views(api)
}

// rulebook is what findings are searched by of the catalogue. The zero is ready for use.
type rulebook struct {
	once sync.Once
	book store.Rulebook
	err  error
}

// rules returns what findings are searched by of the catalogue.
func (s *Service) rulebookOf() (store.Rulebook, error) {
	s.rulebook.once.Do(func() {
		all, err := s.catalogue.load()
		if err != nil {
			s.rulebook.err = err
			return
		}
		s.rulebook.book = make(store.Rulebook, len(all))
		for _, r := range all {
			s.rulebook.book[r.ID] = store.RuleFacts{Title: r.Title, Controls: r.Controls}
		}
	})
	return s.rulebook.book, s.rulebook.err
}

// searchOf reads a query for the caller, in the scope of the operation.
func (s *Service) searchOf(call *Call, text string) (store.FindingSearch, error) {
	out := store.FindingSearch{Scope: call.Scope}
	q, err := query.Parse(text)
	if err != nil {
		m := mistakeOf(text, err)
		return out, huma.Error422UnprocessableEntity(m.Message, &huma.ErrorDetail{Message: m.Message, Location: fmt.Sprintf("query.q[%d:%d]", m.Start, m.End), Value: text})
	}
	out.Query = q
	if call.Subject.Kind == "person" {
		out.Me = store.ID(call.Subject.ID)
	}
	out.Rules, err = s.rulebookOf()
	return out, err
}

// mistakeOf is what is wrong with a query.
func mistakeOf(text string, err error) *queryMistake {
	m, ok := errors.AsType[*query.Mistake](err)
	if !ok {
		return &queryMistake{Message: err.Error()}
	}
	return &queryMistake{utf16Len(text[:m.Start]), utf16Len(text[:m.End]), m.Text}
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// utf16At is the place of a UTF-16 unit in bytes.
func utf16At(s string, units int) int {
	for i, r := range s {
		if units <= 0 {
			return i
		}
		units -= max(utf16.RuneLen(r), 1)
	}
	return len(s)
}

func (s *Service) listFindings(ctx context.Context, call *Call, in *listFindingsInput) (*listFindingsOutput, error) {
	search, err := s.searchOf(call, in.Q)
	if err != nil {
		return nil, err
	}
	page, err := s.Store.Findings(ctx, search, store.PageOf{Sort: in.Sort, Cursor: in.Cursor, Limit: in.Limit})
	return &listFindingsOutput{page}, err
}

func (s *Service) listFacets(ctx context.Context, call *Call, in *facetsInput) (*facetsOutput, error) {
	search, err := s.searchOf(call, in.Q)
	if err != nil {
		return nil, err
	}
	keys := in.Facet
	if len(keys) == 0 {
		keys = store.FacetKeys
	}
	out := &facetsOutput{}
	if out.Body.Items, err = s.Store.Facets(ctx, search, keys, in.Limit); err != nil {
		return nil, err
	}
	out.Body.Total, err = s.Store.CountFindings(ctx, search)
	return out, err
}

func (s *Service) listGroups(ctx context.Context, call *Call, in *groupsInput) (*groupsOutput, error) {
	search, err := s.searchOf(call, in.Q)
	if err != nil {
		return nil, err
	}
	groups, err := s.Store.Groups(ctx, search, in.By, store.PageOf{Cursor: in.Cursor, Limit: in.Limit})
	return &groupsOutput{groups}, err
}

// mostSuggestions is how many suggestions are made at once.
const mostSuggestions = 20

func (s *Service) suggestQuery(ctx context.Context, call *Call, in *suggestInput) (*suggestOutput, error) {
	at := len(in.Q)
	if in.At >= 0 {
		at = utf16At(in.Q, in.At)
	}
	c := query.Suggest(in.Q, at)
	out := &suggestOutput{}
	out.Body.Start, out.Body.End, out.Body.Key, out.Body.Items = utf16Len(in.Q[:c.Start]), utf16Len(in.Q[:c.End]), c.Key, []querySuggestion{}
	if _, err := query.Parse(in.Q); err != nil {
		out.Body.Mistake = mistakeOf(in.Q, err)
	}
	for _, i := range c.Suggestions {
		out.Body.Items = append(out.Body.Items, querySuggestion{i.Text, i.Doc})
	}
	if !c.Open {
		return out, nil
	}
	search, err := s.searchOf(call, "")
	if err != nil {
		return nil, err
	}
	names, err := s.Store.FindingNames(ctx, search, c.Key, c.Prefix, mostSuggestions)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		doc := ""
		if c.Key == "rule" {
			doc = search.Rules[name].Title
		}
		out.Body.Items = append(out.Body.Items, querySuggestion{query.Quote(name), doc})
	}
	return out, nil
}

func (s *Service) listQueryKeys(context.Context, *Call, *struct{}) (*queryKeysOutput, error) {
	out := &queryKeysOutput{}
	for _, k := range query.Keys() {
		out.Body.Items = append(out.Body.Items, queryKey{k.Name, append([]string{}, k.Aliases...), append([]string{}, k.Values...), k.Doc, k.Example})
	}
	return out, nil
}
