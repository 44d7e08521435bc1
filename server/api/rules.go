package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/store"
	"plumbline.dev/plumbline/value"
)

// RuleItem is a rule in a list. It is exported because what is embedded in a page must be.
type RuleItem struct {
	ID         string          `json:"id"`
	Title      string          `json:"title"`
	Severity   string          `json:"severity" doc:"the rule's own: critical, high, medium, low or info; empty for a rule that only repositories have"`
	Effective  string          `json:"effective" doc:"what the organisation made of it; the rule's own when it made nothing"`
	Off        bool            `json:"off" doc:"switched off for the organisation"`
	Settings   int             `json:"settings" doc:"how many decisions there are about it, of the organisation, of teams and of repositories"`
	Category   string          `json:"category"`
	Provider   string          `json:"provider" doc:"aws, kubernetes, pipelines …; repository for a rule that only repositories have"`
	Fix        bool            `json:"fix" doc:"whether it can propose fixes"`
	Frameworks []string        `json:"frameworks"`
	Tally      store.RuleTally `json:"tally"`
}

// ruleFacet is a value that rules of a list have, with how many have it when the list is not narrowed by this facet.
type ruleFacet struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

type listRulesInput struct {
	Q         string `query:"q" maxLength:"200" doc:"words of ids, titles, resource types and aliases; all must be there"`
	Provider  string `query:"provider" maxLength:"100" doc:"aws, kubernetes …"`
	Category  string `query:"category" maxLength:"100" doc:"what the rule is about"`
	Severity  string `query:"severity" enum:"critical,high,medium,low,info," doc:"the effective one"`
	Framework string `query:"framework" maxLength:"100" doc:"id of a framework that it serves"`
	State     string `query:"state" enum:"open,changed,off," doc:"open: with open findings; changed: somebody decided about it; off: switched off somewhere"`
	Sort      string `query:"sort" enum:"id,open,severity,false-positives," doc:"id is the usual"`
	Cursor    string `query:"cursor" maxLength:"200" doc:"next of the page before"`
	Limit     int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"most items of a page"`
}

type listRulesOutput struct {
	Body struct {
		Items  []RuleItem             `json:"items"`
		Next   string                 `json:"next" doc:"cursor of the next page; empty on the last one"`
		Total  int                    `json:"total"`
		Facets map[string][]ruleFacet `json:"facets" doc:"provider, category, severity, framework"`
	}
}

func (s *Service) ruleOperations(api huma.API) {
	add(s, api, operation{id: "list-rules", method: http.MethodGet, path: "/api/rules", tag: "rules",
		summary: "The rules, with what they find and what was decided about them", needs: access.RuleRead}, s.listRules)
	add(s, api, operation{id: "get-rule", method: http.MethodGet, path: "/api/rules/{rule}", tag: "rules",
		summary: "The page of a rule", needs: access.RuleRead}, s.getRule)
	add(s, api, operation{id: "list-rule-places", method: http.MethodGet, path: "/api/rules/places", tag: "rules",
		summary: "Where the caller may decide about rules", needs: access.RuleWrite}, s.rulePlaces)
	add(s, api, operation{id: "preview-rule-setting", method: http.MethodPost, path: "/api/rules/{rule}/preview", tag: "rules",
		summary: "What a decision about a rule would change; nothing is changed", needs: access.RuleWrite}, s.previewRule)
	add(s, api, operation{id: "set-rule", method: http.MethodPut, path: "/api/rules/{rule}/settings", tag: "rules",
		summary: "Switch a rule on or off, or weigh it anew, for the organisation, a team or a repository", needs: access.RuleWrite}, s.setRule)
}

// items returns every rule as a scope sees it: those of the catalogue, and those of repositories' own pages that have findings.
func (s *Service) items(ctx context.Context, scope access.Scope) ([]RuleItem, error) {
	all, err := s.catalogue.load()
	if err != nil {
		return nil, err
	}
	tallies, err := s.Store.RuleTallies(ctx, findingScope(ctx, scope))
	if err != nil {
		return nil, err
	}
	settings, err := s.visibleSettings(ctx, scope)
	if err != nil {
		return nil, err
	}
	items := make([]RuleItem, 0, len(all))
	for _, r := range all {
		items = append(items, itemOf(r, tallies[r.ID], settings))
	}
	for id, tally := range tallies {
		if _, known := slices.BinarySearchFunc(all, id, func(r *rule.Rule, id string) int { return strings.Compare(r.ID, id) }); known {
			continue
		}
		items = append(items, itemOf(&rule.Rule{ID: id, Title: id, Path: "repository/"}, tally, settings))
	}
	return items, nil
}

// findingScope is the scope in which the caller reads findings, which counts are of: somebody may read rules in more places.
func findingScope(ctx context.Context, scope access.Scope) access.Scope {
	if found := CallOf(ctx).Subject.Scope(access.FindingRead); found.Somewhere() {
		return found
	}
	return access.Scope{Organisation: scope.Organisation, Teams: []int64{-1}} // rules without numbers
}

func itemOf(r *rule.Rule, tally store.RuleTally, settings store.RuleSettings) RuleItem {
	item := RuleItem{ID: r.ID, Title: r.Title, Severity: severityText(r.Severity), Effective: severityText(r.Severity), Category: string(r.Category), Provider: providerOf(r),
		Fix: len(r.Fix) > 0, Frameworks: orEmpty(slices.Sorted(maps.Keys(r.Controls))), Tally: tally, Settings: len(settings[r.ID])}
	for _, set := range settings[r.ID] {
		if set.Team == 0 && set.Repository == 0 {
			item.Off = set.Off
			if set.Severity != 0 {
				item.Effective = finding.Severity(set.Severity).String()
			}
		}
	}
	return item
}

// severityText is the word for a severity, "" for none.
func severityText(s finding.Severity) string {
	if s == 0 {
		return ""
	}
	return s.String()
}

// visibleSettings are the settings of the organisation, of the caller's teams and of the repositories that the scope sees.
func (s *Service) visibleSettings(ctx context.Context, scope access.Scope) (store.RuleSettings, error) {
	settings, err := s.Store.RuleSettings(ctx, store.ID(scope.Organisation))
	if err != nil || scope.All && scope.Repository == 0 {
		return settings, err
	}
	places, err := s.Store.RulePlaces(ctx, scope)
	if err != nil {
		return nil, err
	}
	for id, list := range settings {
		settings[id] = slices.DeleteFunc(list, func(r store.RuleSetting) bool {
			return r.Team != 0 && places.Teams[r.Team] == "" || r.Repository != 0 && places.Repositories[r.Repository] == ""
		})
	}
	return settings, nil
}

func (s *Service) listRules(ctx context.Context, call *Call, in *listRulesInput) (*listRulesOutput, error) {
	items, err := s.items(ctx, call.Scope)
	if err != nil {
		return nil, err
	}
	settings, err := s.visibleSettings(ctx, call.Scope)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(strings.ToLower(in.Q))
	out := &listRulesOutput{}
	out.Body.Items = []RuleItem{}
	counts := map[string]map[string]int{"provider": {}, "category": {}, "severity": {}, "framework": {}}
	for _, item := range items {
		if !s.mentions(item, words) || !inState(item, settings[item.ID], in.State) {
			continue
		}
		facets := []struct {
			name, want string
			has        []string
		}{{"provider", in.Provider, []string{item.Provider}}, {"category", in.Category, []string{item.Category}},
			{"severity", in.Severity, []string{item.Effective}}, {"framework", in.Framework, item.Frameworks}}
		misses, missed := 0, ""
		for _, f := range facets {
			if f.want != "" && !slices.Contains(f.has, f.want) {
				misses, missed = misses+1, f.name
			}
		}
		for _, f := range facets {
			if misses == 0 || misses == 1 && missed == f.name {
				for _, v := range f.has {
					counts[f.name][v]++
				}
			}
		}
		if misses == 0 {
			out.Body.Items = append(out.Body.Items, item)
		}
	}
	out.Body.Total = len(out.Body.Items)
	out.Body.Facets = make(map[string][]ruleFacet)
	for name, values := range counts {
		list := []ruleFacet{}
		for v, n := range values {
			if v != "" {
				list = append(list, ruleFacet{v, n})
			}
		}
		slices.SortFunc(list, func(a, b ruleFacet) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value)) })
		out.Body.Facets[name] = list
	}
	sortRules(out.Body.Items, in.Sort)
	if in.Cursor != "" {
		at := slices.IndexFunc(out.Body.Items, func(i RuleItem) bool { return i.ID == in.Cursor })
		if at < 0 {
			return nil, store.Refuse(store.Conflict, "The list changed: read it again from the beginning.")
		}
		out.Body.Items = out.Body.Items[at+1:]
	}
	if len(out.Body.Items) > in.Limit {
		out.Body.Items = out.Body.Items[:in.Limit]
		out.Body.Next = out.Body.Items[in.Limit-1].ID
	}
	return out, nil
}

func inState(item RuleItem, settings []store.RuleSetting, state string) bool {
	switch state {
	case "open":
		return item.Tally.Open > 0
	case "changed":
		return len(settings) > 0
	case "off":
		return slices.ContainsFunc(settings, func(r store.RuleSetting) bool { return r.Off })
	}
	return true
}

func sortRules(items []RuleItem, by string) {
	slices.SortFunc(items, func(a, b RuleItem) int {
		n := 0
		switch by {
		case "open":
			n = cmp.Compare(b.Tally.Open, a.Tally.Open)
		case "severity":
			n = cmp.Compare(severityRank(b.Effective), severityRank(a.Effective))
		case "false-positives": // by the share; of equal shares the one with more behind it
			n = cmp.Or(cmp.Compare(b.Tally.FalsePositives*max(a.Tally.Decided, 1), a.Tally.FalsePositives*max(b.Tally.Decided, 1)), cmp.Compare(b.Tally.Decided, a.Tally.Decided))
		}
		return cmp.Or(n, cmp.Compare(a.ID, b.ID))
	})
}

func severityRank(name string) finding.Severity {
	var s finding.Severity
	if s.UnmarshalText([]byte(name)) != nil {
		return 0
	}
	return s
}

// mentions tells whether every word is somewhere in a rule's names.
func (s *Service) mentions(item RuleItem, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := item.ID + "\n" + item.Title
	if r := s.catalogue.rules.Rule(item.ID); r != nil {
		text += "\n" + strings.Join(r.On, "\n") + "\n" + strings.Join(r.Aliases, "\n")
	}
	text = strings.ToLower(text)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// rulePage is everything about a rule.
type rulePage struct {
	RuleItem
	Message  string            `json:"message" doc:"what is wrong where it does not hold"`
	Why      string            `json:"why" doc:"Markdown"`
	Types    []string          `json:"types" doc:"resource types that it judges; a * at the end stands for any ending"`
	Require  []ruleClause      `json:"require" doc:"what must hold"`
	Fixes    []string          `json:"fixes" doc:"what its fix does, in Terraform's words"`
	Caution  string            `json:"caution" doc:"what the fix may break"`
	Examples []ruleExample     `json:"examples"`
	Controls []ruleControl     `json:"controls"`
	Aliases  []string          `json:"aliases" doc:"the same rule in other scanners"`
	Since    string            `json:"since" doc:"first version of Plumbline that has it"`
	Decided  []ruleSettingView `json:"decided" doc:"decisions about it, the most specific first"`
	Queries  map[string]string `json:"queries" doc:"what lists the findings behind each number of tally"`
}

type ruleClause struct {
	Type string `json:"type" doc:"empty when it is for all types"`
	Text string `json:"text" doc:"an expression"`
}

type ruleExample struct {
	Section string     `json:"section" doc:"Flagged, Fixed, Not flagged or Undecided"`
	Dialect string     `json:"dialect"`
	Files   []ruleFile `json:"files"`
}

type ruleFile struct {
	Name string `json:"name" doc:"may be empty"`
	Text string `json:"text"`
}

type ruleControl struct {
	Framework string `json:"framework"`
	Name      string `json:"name" doc:"of the framework"`
	Control   string `json:"control"`
	Title     string `json:"title"`
}

// ruleSettingView is a setting with the names of its place.
type ruleSettingView struct {
	store.RuleSetting
	Severity       string `json:"severity" doc:"empty for the rule's own"`
	TeamName       string `json:"teamName"`
	RepositoryName string `json:"repositoryName"`
}

type getRuleInput struct {
	Rule string `path:"rule" maxLength:"200" doc:"id, or the id of the same rule in another scanner"`
}

type getRuleOutput struct{ Body rulePage }

// isRuleID tells whether a text is written as ids of rules are, so that it can stand in a query as it is.
func isRuleID(id string) bool {
	odd := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-", c)
	}
	return id != "" && len(id) <= 200 && !strings.ContainsRune("._-", rune(id[0])) && !strings.ContainsFunc(id, odd)
}

// known returns a rule of the catalogue, or one without a page that repositories' findings name; a Fault when there is neither.
func (s *Service) known(ctx context.Context, scope access.Scope, id string) (*rule.Rule, error) {
	r, err := s.catalogue.rule(id)
	if err != nil || r != nil {
		return r, err
	}
	if isRuleID(id) {
		has, err := s.Store.HasRule(ctx, findingScope(ctx, scope), id)
		if err != nil {
			return nil, err
		}
		if has {
			return &rule.Rule{ID: id, Title: id, Path: "repository/"}, nil
		}
	}
	ids := make([]string, 0, len(s.catalogue.all))
	for _, r := range s.catalogue.all {
		ids = append(ids, r.ID)
	}
	if near := config.Nearest(id, ids); near != "" {
		return nil, store.Refuse(store.NotFound, "There is no such rule. Did you mean %s?", near)
	}
	return nil, store.Refuse(store.NotFound, "There is no such rule.")
}

func (s *Service) getRule(ctx context.Context, call *Call, in *getRuleInput) (*getRuleOutput, error) {
	r, err := s.known(ctx, call.Scope, in.Rule)
	if err != nil {
		return nil, err
	}
	tallies, err := s.Store.RuleTallies(ctx, findingScope(ctx, call.Scope))
	if err != nil {
		return nil, err
	}
	settings, err := s.visibleSettings(ctx, call.Scope)
	if err != nil {
		return nil, err
	}
	places, err := s.Store.RulePlaces(ctx, call.Scope)
	if err != nil {
		return nil, err
	}
	p := rulePage{RuleItem: itemOf(r, tallies[r.ID], settings), Message: r.Message, Why: r.Why, Types: orEmpty(r.On), Caution: r.Caution, Aliases: orEmpty(r.Aliases), Since: r.Since,
		Require: []ruleClause{}, Fixes: []string{}, Examples: []ruleExample{}, Controls: []ruleControl{}, Decided: []ruleSettingView{}, Queries: tallyQueries(r.ID)}
	if len(r.Clauses) == 0 && r.Require != "" {
		p.Require = append(p.Require, ruleClause{Text: r.Require})
	}
	for _, typ := range slices.Sorted(maps.Keys(r.Clauses)) {
		p.Require = append(p.Require, ruleClause{typ, r.Clauses[typ].Text})
	}
	for _, c := range r.Fix {
		p.Fixes = append(p.Fixes, wish(c))
	}
	for _, e := range r.Examples {
		x := ruleExample{string(e.Section), e.Dialect, []ruleFile{}}
		for _, f := range e.Files {
			x.Files = append(x.Files, ruleFile{f.Name, f.Shown()})
		}
		p.Examples = append(p.Examples, x)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Controls)) {
		if f := rules.FrameworkOf(id); f != nil {
			for _, c := range r.Controls[id] {
				p.Controls = append(p.Controls, ruleControl{id, f.Name, c, rules.ControlTitle(id, c)})
			}
		}
	}
	for _, set := range settings[r.ID] {
		p.Decided = append(p.Decided, ruleSettingView{set, severityText(finding.Severity(set.Severity)), places.Teams[set.Team], places.Repositories[set.Repository]})
	}
	return &getRuleOutput{p}, nil
}

// tallyQueries says which query lists what each number of store.RuleTally counts.
func tallyQueries(id string) map[string]string {
	return map[string]string{
		"open":           "rule:" + id + " status:open verdict:fail",
		"undecided":      "rule:" + id + " status:open verdict:undecided",
		"muted":          "rule:" + id + " status:muted",
		"fixed":          "rule:" + id + " status:fixed",
		"decided":        "rule:" + id + " verdict:fail -status:open -reason:code,excluded,rule-off",
		"falsePositives": "rule:" + id + " verdict:fail -status:open reason:false-positive",
	}
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// wish says what a change of a fix does.
func wish(c resource.Change) string {
	switch c.Op {
	case resource.Set:
		return "set " + c.Path.String() + " to " + value.Show(&c.Value)
	case resource.Create:
		return "create " + c.New.Type
	}
	return string(c.Op) + " " + c.Path.String()
}

// named is something with a name.
type named struct {
	ID   store.ID `json:"id"`
	Name string   `json:"name"`
}

type rulePlacesOutput struct {
	Body struct {
		Organisation bool    `json:"organisation" doc:"whether for all of it"`
		Teams        []named `json:"teams"`
		Repositories []named `json:"repositories"`
	}
}

func (s *Service) rulePlaces(ctx context.Context, call *Call, _ *struct{}) (*rulePlacesOutput, error) {
	places, err := s.Store.RulePlaces(ctx, call.Scope)
	if err != nil {
		return nil, err
	}
	list := func(names map[store.ID]string) []named {
		all := make([]named, 0, len(names))
		for id, name := range names {
			all = append(all, named{id, name})
		}
		slices.SortFunc(all, func(a, b named) int { return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
		return all
	}
	out := &rulePlacesOutput{}
	out.Body.Teams, out.Body.Repositories = []named{}, []named{}
	out.Body.Organisation = call.Scope.All && call.Scope.Repository == 0
	if call.Scope.Repository == 0 {
		out.Body.Teams = list(places.Teams)
	}
	if call.Scope.All {
		out.Body.Repositories = list(places.Repositories)
	}
	return out, nil
}

type ruleChangeBody struct {
	Team       store.ID `json:"team,omitempty" doc:"a team; with neither team nor repository it is for the organisation"`
	Repository store.ID `json:"repository,omitempty"`
	Off        bool     `json:"off,omitempty" doc:"mutes its findings with the reason rule-off, until it is on again"`
	Severity   string   `json:"severity,omitempty" enum:"critical,high,medium,low,info," doc:"empty for the rule's own"`
	Inherit    bool     `json:"inherit,omitempty" doc:"take the decision of this place away, so that the less specific one counts"`
	Reason     string   `json:"reason,omitempty" maxLength:"2000" doc:"why; needed to set, not to preview"`
}

type ruleChangeInput struct {
	Rule string `path:"rule" maxLength:"200"`
	Body ruleChangeBody
}

type previewRuleOutput struct{ Body *store.RulePreview }

type setRuleOutput struct {
	Body struct {
		Changed int `json:"changed" doc:"how many findings changed"`
	}
}

func (s *Service) change(ctx context.Context, call *Call, in *ruleChangeInput) (store.RuleChange, error) {
	r, err := s.known(ctx, call.Scope, in.Rule)
	if err != nil {
		return store.RuleChange{}, err
	}
	b := in.Body
	return store.RuleChange{Rule: r.ID, Team: b.Team, Repository: b.Repository, Off: b.Off, Severity: int64(severityRank(b.Severity)), Inherit: b.Inherit, Reason: b.Reason, By: call.Subject.Name}, nil
}

func (s *Service) previewRule(ctx context.Context, call *Call, in *ruleChangeInput) (*previewRuleOutput, error) {
	c, err := s.change(ctx, call, in)
	if err != nil {
		return nil, err
	}
	preview, err := s.Store.PreviewRule(ctx, call.Scope, c)
	return &previewRuleOutput{preview}, err
}

func (s *Service) setRule(ctx context.Context, call *Call, in *ruleChangeInput) (*setRuleOutput, error) {
	c, err := s.change(ctx, call, in)
	if err != nil {
		return nil, err
	}
	out := &setRuleOutput{}
	err = s.Store.Write(ctx, call.Entry("rule.set", "rule:"+c.Rule, in.Body), func(ctx context.Context, tx *store.Tx) (err error) {
		out.Body.Changed, err = tx.SetRule(ctx, call.Scope, c)
		return err
	})
	return out, err
}
