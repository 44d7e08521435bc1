package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
)

// RuleTally counts the findings of a rule on default branches. Each number is the total of a query, which is said beside it.
type RuleTally struct {
	Open           int `json:"open" doc:"rule:R status:open verdict:fail"`
	Undecided      int `json:"undecided" doc:"rule:R status:open verdict:undecided"`
	Muted          int `json:"muted" doc:"rule:R status:muted"`
	Fixed          int `json:"fixed" doc:"rule:R status:fixed"`
	Decided        int `json:"decided" doc:"fails that somebody dealt with: muted by a person for whatever reason, or fixed. rule:R verdict:fail -status:open -reason:code,excluded,rule-off"`
	FalsePositives int `json:"falsePositives" doc:"those of them that were called false positives. rule:R verdict:fail -status:open reason:false-positive"`
}

// RuleTallies counts by rule what a scope sees. The map is shared and must not be changed.
func (s *Store) RuleTallies(ctx context.Context, scope access.Scope) (map[string]RuleTally, error) {
	e, done, err := s.open(ctx, FindingSearch{Scope: scope})
	if err != nil {
		return nil, err
	}
	defer done()
	return cached(&e.c.cache, e.question("tallies", ""), func(m map[string]RuleTally) int { return 120 * len(m) }, func() (map[string]RuleTally, error) { return e.tallies(), nil })
}

func (e *search) tallies() map[string]RuleTally {
	nobodys := e.c.dicts[colReason].match(func(reason string) bool {
		return reason == string(InCode) || reason == string(Excluded) || reason == RuleOff
	})
	wrong := e.c.dicts[colReason].match(func(reason string) bool { return reason == string(FalsePositive) })
	all := make([]RuleTally, len(e.c.dicts[colRule].ends))
	e.all.each(func(row int) {
		t := &all[e.c.codes[colRule][row]]
		undecided := e.c.flags[row]&flagUndecided != 0
		status := e.view.code(row)
		switch {
		case status == codeMuted:
			t.Muted++
		case status == codeFixed:
			t.Fixed++
		case undecided:
			t.Undecided++
		default:
			t.Open++
		}
		if reason := e.c.codes[colReason][row]; !undecided && status != codeOpen && !nobodys[reason] {
			t.Decided++
			if wrong[reason] {
				t.FalsePositives++
			}
		}
	})
	out := make(map[string]RuleTally)
	for code, t := range all {
		if t != (RuleTally{}) {
			out[e.textOf(colRule, uint32(code))] = t
		}
	}
	return out
}

// HasRule tells whether findings that a scope sees are of a rule.
func (s *Store) HasRule(ctx context.Context, scope access.Scope, rule string) (bool, error) {
	seen, args := seenFindings(scope)
	query := "SELECT count(*) FROM (SELECT 1 FROM finding f WHERE f.organisation = ? AND f.rule = ? AND " + seen
	args = append([]any{scope.Organisation, rule}, args...)
	if scope.Repository != 0 {
		query, args = query+" AND f.repository = ?", append(args, scope.Repository)
	}
	var n int
	if err := s.DB.NewRaw(query+" LIMIT 1) AS x", args...).Scan(ctx, &n); err != nil {
		return false, fmt.Errorf("look for findings of a rule: %w", err)
	}
	return n > 0, nil
}

// RulePlaces are the names of the places that a scope may see rules set for, by id.
type RulePlaces struct {
	Teams        map[ID]string
	Repositories map[ID]string
}

// RulePlaces returns the teams and repositories of a scope.
func (s *Store) RulePlaces(ctx context.Context, scope access.Scope) (*RulePlaces, error) {
	out := &RulePlaces{make(map[ID]string), make(map[ID]string)}
	query, args := "SELECT id, name FROM team WHERE organisation = ?", []any{scope.Organisation}
	if !scope.All {
		query, args = query+" AND id IN (?)", append(args, bun.List(scope.Teams))
	}
	if err := s.names(ctx, out.Teams, query, args); err != nil {
		return nil, fmt.Errorf("read the names of teams: %w", err)
	}
	seen, args := seenRepositories(scope)
	if err := s.names(ctx, out.Repositories, "SELECT r.id, r.name FROM repository r WHERE "+seen, args); err != nil {
		return nil, fmt.Errorf("read the names of repositories: %w", err)
	}
	return out, nil
}

// names reads ids with their names.
func (s *Store) names(ctx context.Context, into map[ID]string, query string, args []any) error {
	rows, err := s.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		into[id] = name
	}
	return rows.Err()
}
