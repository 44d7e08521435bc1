package api

import (
	"context"
	"math/bits"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/query"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/store"
)

// Rules of this file, what is said of a control. The first that applies:
//   - no-rule: no rule of the catalogue serves it. Nothing is claimed.
//   - fail: a rule that serves it has an open fail.
//   - undecided: one has an open finding that needs an input to be decided.
//   - accepted: all that fails is muted, or suppressed in the code: each is an exception with a reason.
//   - pass: at least one of its rules gave a verdict in a repository that was scanned, and none fails.
//   - uncovered: none of its rules had anything to judge. It is not a pass.
//
// Evidence and findings are of the same files: for a team, those that it owns. A verdict counts where the rule is about what it judged.
//
// The score of a framework is pass ÷ (pass + accepted + undecided + fail). Accepted is no pass. A benchmark of a managed cluster has none
// where no such cluster is: manifests that may run in any cluster say nothing of it.

// The statuses of controls.
const (
	controlFail      = "fail"
	controlUndecided = "undecided"
	controlAccepted  = "accepted"
	controlPass      = "pass"
	controlUncovered = "uncovered"
	controlNoRule    = "no-rule"
)

// controlCounts is how many controls have each status.
type controlCounts struct {
	Pass      int `json:"pass"`
	Accepted  int `json:"accepted" doc:"all that fails is muted or suppressed"`
	Undecided int `json:"undecided"`
	Fail      int `json:"fail"`
	Uncovered int `json:"uncovered" doc:"rules serve it, and none had anything to judge"`
	NoRule    int `json:"noRule" doc:"no rule serves it"`
}

// count counts a control.
func (c *controlCounts) count(status string) {
	switch status {
	case controlPass:
		c.Pass++
	case controlAccepted:
		c.Accepted++
	case controlUndecided:
		c.Undecided++
	case controlFail:
		c.Fail++
	case controlUncovered:
		c.Uncovered++
	default:
		c.NoRule++
	}
}

// judged is how many controls something was judged for.
func (c *controlCounts) judged() int { return c.Pass + c.Accepted + c.Undecided + c.Fail }

// frameworkStanding is a framework with what is said of its controls.
type frameworkStanding struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Version  string        `json:"version"`
	Source   string        `json:"source" doc:"address of its publisher, whose text is the binding one"`
	Controls controlCounts `json:"controls"`
	Judged   int           `json:"judged" doc:"controls that something was judged for: pass + accepted + undecided + fail"`
	Total    int           `json:"total"`
	Absent   bool          `json:"absent" doc:"nothing that the framework is about was judged, as a cluster of that kind: then it has no score"`
	Score    *float64      `json:"score" doc:"pass ÷ judged, from 0 to 1; null when nothing was judged, or absent"`
	Query    string        `json:"query" doc:"lists its open fails"`
}

// controlStanding is what is said of a control.
type controlStanding struct {
	ID        string         `json:"id"`
	Title     string         `json:"title" doc:"our own short wording"`
	Status    string         `json:"status" enum:"fail,undecided,accepted,pass,uncovered,no-rule"`
	Fails     store.Numbered `json:"fails" doc:"open fails"`
	Undecided store.Numbered `json:"undecided"`
	Accepted  store.Numbered `json:"accepted" doc:"exceptions: muted or suppressed fails"`
	Rules     []ruleStanding `json:"rules" doc:"those that serve it"`
	Judged    int            `json:"judged" doc:"in how many repositories any of them gave a verdict"`
}

// ruleStanding is what a rule says for a control.
type ruleStanding struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Severity  string `json:"severity"`
	Fails     int    `json:"fails"`
	Undecided int    `json:"undecided"`
	Accepted  int    `json:"accepted"`
	Judged    int    `json:"judged" doc:"in how many repositories it gave a verdict"`
	Off       bool   `json:"off" doc:"switched off for the organisation"`
}

// scopeOfEvidence is what a statement about compliance rests on.
type scopeOfEvidence struct {
	Query        string           `json:"query"`
	Repositories int              `json:"repositories"`
	Scanned      int              `json:"scanned"`
	Oldest       store.Millis     `json:"oldest" doc:"the scan that is longest ago, of those that count; empty when there is none"`
	Newest       store.Millis     `json:"newest"`
	Evidence     []store.Evidence `json:"evidence,omitempty" doc:"by repository; not in lists of frameworks"`
}

// ground is what controls are judged on.
type ground struct {
	search    store.FindingSearch
	evidence  []store.Evidence
	standings map[string]store.RuleStanding
	judged    map[string][]uint64 // by rule: a bit for each repository of the evidence in which it gave a verdict
	settings  store.RuleSettings
	byControl map[string][]*rule.Rule // by framework/control
}

// ground reads what controls are judged on. Only keys that the evidence knows too may be in the query when strict.
func (s *Service) ground(ctx context.Context, call *Call, text string, strict bool) (*ground, error) {
	search, err := s.searchOf(call, text)
	if err != nil {
		return nil, err
	}
	kept := &query.Query{}
	for _, t := range search.Query.Terms {
		switch {
		case t.Key == "repo" || t.Key == "team" || t.Key == "branch" && !t.Not:
			kept.Terms = append(kept.Terms, t)
		case strict:
			return nil, store.Refuse(store.Invalid, "Compliance is about repositories: only repo:, team: and branch: narrow it, not %s.", t.String())
		}
	}
	search.Query = kept
	g := &ground{search: search, judged: make(map[string][]uint64)}
	if g.evidence, err = s.Store.Evidence(ctx, search); err != nil {
		return nil, err
	}
	for i, e := range g.evidence {
		for _, id := range e.Judged {
			if g.judged[id] == nil {
				g.judged[id] = make([]uint64, (len(g.evidence)+63)/64)
			}
			g.judged[id][i>>6] |= 1 << (i & 63)
		}
	}
	if g.standings, err = s.Store.RuleStandings(ctx, search); err != nil {
		return nil, err
	}
	if g.settings, err = s.visibleSettings(ctx, call.Scope); err != nil {
		return nil, err
	}
	if _, err = s.catalogue.load(); err != nil {
		return nil, err
	}
	g.byControl = s.catalogue.serve
	return g, nil
}

// with is the query of the ground with more terms.
func (g *ground) with(terms ...query.Term) string {
	q := query.Query{Terms: append(slices.Clone(g.search.Query.Terms), terms...)}
	return q.String()
}

// where is in how many repositories at least one of the rules gave a verdict.
func (g *ground) where(serving ...*rule.Rule) int {
	n := 0
	for i := range (len(g.evidence) + 63) / 64 {
		word := uint64(0)
		for _, r := range serving {
			if marks := g.judged[r.ID]; marks != nil {
				word |= marks[i]
			}
		}
		n += bits.OnesCount64(word)
	}
	return n
}

// control says what holds of a control.
func (g *ground) control(framework string, c rules.Control) controlStanding {
	key := framework + "/" + c.ID
	query := func(status, verdict string) string {
		return g.with(query.Exactly("control", key), query.Exactly("status", status), query.Exactly("verdict", verdict))
	}
	out := controlStanding{ID: c.ID, Title: c.Title, Rules: []ruleStanding{}, Status: controlNoRule,
		Fails: store.Numbered{Query: query("open", "fail")}, Undecided: store.Numbered{Query: query("open", "undecided")}, Accepted: store.Numbered{Query: query("muted", "fail")}}
	serving := g.byControl[key]
	for _, r := range serving {
		n := g.standings[r.ID]
		st := ruleStanding{ID: r.ID, Title: r.Title, Severity: r.Severity.String(), Fails: n.Fails, Undecided: n.Undecided, Accepted: n.Accepted, Judged: g.where(r)}
		if set := g.settings.Of(r.ID, 0, 0); set != nil {
			st.Off = set.Off
		}
		out.Rules = append(out.Rules, st)
		out.Fails.Count += n.Fails
		out.Undecided.Count += n.Undecided
		out.Accepted.Count += n.Accepted
	}
	out.Judged = g.where(serving...)
	switch {
	case len(serving) == 0:
	case out.Fails.Count > 0:
		out.Status = controlFail
	case out.Undecided.Count > 0:
		out.Status = controlUndecided
	case out.Accepted.Count > 0:
		out.Status = controlAccepted
	case out.Judged > 0:
		out.Status = controlPass
	default:
		out.Status = controlUncovered
	}
	return out
}

// framework says what holds of a framework, and of each of its controls.
func (g *ground) framework(f *rules.Framework) (frameworkStanding, []controlStanding) {
	out := frameworkStanding{ID: f.ID, Name: f.Name, Version: f.Version, Source: f.Source, Total: len(f.Controls),
		Query: g.with(query.Exactly("framework", f.ID), query.Exactly("status", "open"), query.Exactly("verdict", "fail"))}
	controls := make([]controlStanding, 0, len(f.Controls))
	for _, c := range f.Controls {
		st := g.control(f.ID, c)
		out.Controls.count(st.Status)
		controls = append(controls, st)
	}
	out.Absent = len(f.Subject) > 0 && g.where(g.about(f)...) == 0
	if out.Judged = out.Controls.judged(); out.Judged > 0 && !out.Absent {
		score := float64(out.Controls.Pass) / float64(out.Judged)
		out.Score = &score
	}
	return out, controls
}

// about returns the rules of a framework that are on what it is about.
func (g *ground) about(f *rules.Framework) (out []*rule.Rule) {
	for _, c := range f.Controls {
		for _, r := range g.byControl[f.ID+"/"+c.ID] {
			if slices.ContainsFunc(r.On, func(typ string) bool { return slices.Contains(f.Subject, typ) }) {
				out = append(out, r)
			}
		}
	}
	return out
}

// scope says what the ground rests on.
func (g *ground) scope() scopeOfEvidence {
	out := scopeOfEvidence{Query: g.search.Query.String(), Repositories: len(g.evidence), Evidence: g.evidence}
	for _, e := range g.evidence {
		if e.SHA == "" {
			continue
		}
		out.Scanned++
		if out.Oldest == 0 || e.ScannedAt < out.Oldest {
			out.Oldest = e.ScannedAt
		}
		out.Newest = max(out.Newest, e.ScannedAt)
	}
	return out
}

func (s *Service) compliance(api huma.API) {
	add(s, api, operation{id: "list-frameworks", method: http.MethodGet, path: "/api/compliance", tag: "compliance",
		summary: "The compliance frameworks, and how far their controls are met", needs: access.FindingRead}, s.listFrameworks)
	add(s, api, operation{id: "get-framework", method: http.MethodGet, path: "/api/compliance/{framework}", tag: "compliance",
		summary: "The controls of a framework with the rules that serve them and what these said", needs: access.FindingRead}, s.getFramework)
	add(s, api, operation{id: "get-control", method: http.MethodGet, path: "/api/compliance/{framework}/controls/{control}", tag: "compliance",
		summary: "A control with its evidence by repository and its exceptions", needs: access.FindingRead}, s.getControl)
	s.complianceReport(api)
}

type listFrameworksInput struct {
	Q string `query:"q" maxLength:"2000" doc:"what it is about: only terms repo:, team: and branch:, because what was judged is known by repository. Empty is everything that the caller sees"`
}

type listFrameworksOutput struct {
	Body struct {
		Items []frameworkStanding `json:"items"`
		Scope scopeOfEvidence     `json:"scope"`
	}
}

func (s *Service) listFrameworks(ctx context.Context, call *Call, in *listFrameworksInput) (*listFrameworksOutput, error) {
	g, err := s.ground(ctx, call, in.Q, true)
	if err != nil {
		return nil, err
	}
	out := &listFrameworksOutput{}
	out.Body.Items = []frameworkStanding{}
	for i := range rules.Frameworks() {
		f, _ := g.framework(&rules.Frameworks()[i])
		out.Body.Items = append(out.Body.Items, f)
	}
	out.Body.Scope = g.scope()
	out.Body.Scope.Evidence = nil
	return out, nil
}

type frameworkInput struct {
	Q         string `query:"q" maxLength:"2000" doc:"what it is about: only terms repo:, team: and branch:, because what was judged is known by repository. Empty is everything that the caller sees"`
	Framework string `path:"framework" maxLength:"100"`
}

type frameworkAnswer struct {
	Framework frameworkStanding `json:"framework"`
	Controls  []controlStanding `json:"controls"`
	Scope     scopeOfEvidence   `json:"scope"`
}

type getFrameworkOutput struct{ Body *frameworkAnswer }

func (s *Service) getFramework(ctx context.Context, call *Call, in *frameworkInput) (*getFrameworkOutput, error) {
	_, answer, err := s.frameworkOf(ctx, call, in.Framework, in.Q)
	return &getFrameworkOutput{answer}, err
}

func (s *Service) frameworkOf(ctx context.Context, call *Call, id, text string) (*ground, *frameworkAnswer, error) {
	f := rules.FrameworkOf(id)
	if f == nil {
		return nil, nil, store.Refuse(store.NotFound, "There is no such framework.")
	}
	g, err := s.ground(ctx, call, text, true)
	if err != nil {
		return nil, nil, err
	}
	out := &frameworkAnswer{Scope: g.scope()}
	out.Framework, out.Controls = g.framework(f)
	return g, out, nil
}

type controlInput struct {
	Q         string `query:"q" maxLength:"2000" doc:"what it is about: only terms repo:, team: and branch:, because what was judged is known by repository. Empty is everything that the caller sees"`
	Framework string `path:"framework" maxLength:"100"`
	Control   string `path:"control" maxLength:"100"`
}

// controlEvidence is a repository in which rules of a control gave verdicts, or should have.
type controlEvidence struct {
	Repository store.ID     `json:"repository"`
	Name       string       `json:"name"`
	SHA        string       `json:"sha" doc:"commit that was scanned; empty when none was"`
	ScannedAt  store.Millis `json:"scannedAt"`
	Judged     []string     `json:"judged" doc:"rules of the control that gave a verdict there"`
	Problems   int          `json:"problems" doc:"what could not be read or resolved there"`
}

type getControlOutput struct {
	Body struct {
		Control    controlStanding    `json:"control"`
		Evidence   []controlEvidence  `json:"evidence" doc:"repositories where its rules gave verdicts first"`
		Exceptions []store.FindingRow `json:"exceptions" doc:"muted and suppressed fails, at most 200; accepted.query lists all"`
	}
}

func (s *Service) getControl(ctx context.Context, call *Call, in *controlInput) (*getControlOutput, error) {
	f := rules.FrameworkOf(in.Framework)
	if f == nil {
		return nil, store.Refuse(store.NotFound, "There is no such framework.")
	}
	c, ok := f.Control(in.Control)
	if !ok {
		return nil, store.Refuse(store.NotFound, "%s has no control %s.", f.Name, in.Control)
	}
	g, err := s.ground(ctx, call, in.Q, true)
	if err != nil {
		return nil, err
	}
	out := &getControlOutput{}
	out.Body.Control = g.control(f.ID, c)
	out.Body.Evidence = []controlEvidence{}
	for _, e := range g.evidence {
		judged := []string{}
		for _, r := range out.Body.Control.Rules {
			if _, found := slices.BinarySearch(e.Judged, r.ID); found {
				judged = append(judged, r.ID)
			}
		}
		out.Body.Evidence = append(out.Body.Evidence, controlEvidence{e.Repository, e.Name, e.SHA, e.ScannedAt, judged, e.Problems})
	}
	slices.SortStableFunc(out.Body.Evidence, func(a, b controlEvidence) int { return min(len(b.Judged), 1) - min(len(a.Judged), 1) })
	out.Body.Exceptions, _, err = s.exceptions(ctx, g, out.Body.Control.Accepted.Query, 200)
	return out, err
}

// exceptions lists what a query of accepted findings lists, at most so many, and says how many there are.
func (s *Service) exceptions(ctx context.Context, g *ground, text string, limit int) ([]store.FindingRow, int, error) {
	q, err := query.Parse(text)
	if err != nil {
		return nil, 0, err
	}
	search := g.search
	search.Query = q
	list, total := []store.FindingRow{}, 0
	for cursor := ""; len(list) < limit; {
		page, err := s.Store.Findings(ctx, search, store.PageOf{Sort: "rule", Cursor: cursor, Limit: min(500, limit-len(list))})
		if err != nil {
			return nil, 0, err
		}
		list, total = append(list, page.Items...), page.Total
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return list, total, nil
}
