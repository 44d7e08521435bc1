package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/store"
)

type overviewInput struct {
	Q    string `query:"q" maxLength:"8192" doc:"what it is about, in the query language of findings; empty is everything on default branches"`
	From string `query:"from" maxLength:"10" doc:"first day, 2026-08-25 in UTC; empty is 89 days before the last one"`
	To   string `query:"to" maxLength:"10" doc:"last day; empty is today"`
}

// overviewCoverage is what scans looked at, and what they could not.
type overviewCoverage struct {
	Repositories int          `json:"repositories" doc:"those that the query's repo: and team: terms fit"`
	Scanned      int          `json:"scanned" doc:"those whose default branch was scanned"`
	Failing      []failing    `json:"failing" doc:"repositories whose last fetch or scan failed, at most 10"`
	Files        int          `json:"files" doc:"read and understood"`
	Skipped      int          `json:"skipped" doc:"in no language that is understood"`
	Problems     int          `json:"problems" doc:"what could not be read or resolved"`
	Resources    int          `json:"resources"`
	Oldest       store.Millis `json:"oldest" doc:"when the repository was scanned that was scanned longest ago"`
}

// failing is a repository that could not be fetched or scanned.
type failing struct {
	ID      store.ID `json:"id"`
	Name    string   `json:"name"`
	Problem string   `json:"problem"`
}

type overviewBody struct {
	*store.Overview
	Coverage   overviewCoverage    `json:"coverage"`
	Compliance []frameworkStanding `json:"compliance" doc:"frameworks that have a score; of the query only repo:, team: and branch: count"`
}

type overviewOutput struct{ Body overviewBody }

func (s *Service) overview(api huma.API) {
	add(s, api, operation{id: "get-overview", method: http.MethodGet, path: "/api/overview", tag: "overview",
		summary: "How findings stand and where they go; each number with the query that lists what it counts", needs: access.FindingRead}, s.getOverview)
}

func (s *Service) getOverview(ctx context.Context, call *Call, in *overviewInput) (*overviewOutput, error) {
	search, err := s.searchOf(call, in.Q)
	if err != nil {
		return nil, err
	}
	span, err := spanOf(in.From, in.To, s.Now())
	if err != nil {
		return nil, err
	}
	out := &overviewOutput{}
	b := &out.Body
	if b.Overview, err = s.Store.Overview(ctx, search, span); err != nil {
		return nil, err
	}
	g, err := s.ground(ctx, call, in.Q, false)
	if err != nil {
		return nil, err
	}
	b.Compliance = []frameworkStanding{}
	for i := range rules.Frameworks() {
		if f, _ := g.framework(&rules.Frameworks()[i]); f.Score != nil {
			b.Compliance = append(b.Compliance, f)
		}
	}
	scope := g.scope()
	b.Coverage = overviewCoverage{Repositories: scope.Repositories, Scanned: scope.Scanned, Oldest: scope.Oldest, Failing: []failing{}}
	for _, e := range g.evidence {
		b.Coverage.Files += e.Files
		b.Coverage.Skipped += e.Skipped
		b.Coverage.Problems += e.Problems
		b.Coverage.Resources += e.Resources
		if e.Problem != "" && len(b.Coverage.Failing) < 10 {
			b.Coverage.Failing = append(b.Coverage.Failing, failing{e.Repository, e.Name, e.Problem})
		}
	}
	return out, nil
}

// spanOf reads the days of an overview.
func spanOf(from, to string, now time.Time) (store.OverviewSpan, error) {
	out := store.OverviewSpan{To: now.UTC()}
	for _, d := range []struct {
		name, text string
		into       *time.Time
	}{{"to", to, &out.To}, {"from", from, &out.From}} {
		if d.text == "" {
			continue
		}
		day, err := time.Parse(time.DateOnly, d.text)
		if err != nil {
			return out, store.Refuse(store.Invalid, "%s: %q is not a day: write 2026-01-31.", d.name, d.text)
		}
		*d.into = day
	}
	if from == "" {
		out.From = out.To.AddDate(0, 0, -89)
	}
	return out, nil
}
