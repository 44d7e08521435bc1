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
	Decided        int `json:"decided" doc:"fails that somebody dealt with: muted by a person for whatever reason, or fixed. rule:R verdict:fail -status:open -reason:code,rule-off"`
	FalsePositives int `json:"falsePositives" doc:"those of them that were called false positives. rule:R verdict:fail -status:open reason:false-positive"`
}

// RuleTallies counts by rule what a scope sees.
func (s *Store) RuleTallies(ctx context.Context, scope access.Scope) (map[string]RuleTally, error) {
	seen, args := seenFindings(scope)
	query := "SELECT f.rule, f.status, f.mute_reason, f.outcome, count(*) FROM finding f WHERE f.organisation = ? AND f.on_default = 1 AND " + seen
	args = append([]any{scope.Organisation}, args...)
	if scope.Repository != 0 {
		query, args = query+" AND f.repository = ?", append(args, scope.Repository)
	}
	rows, err := s.DB.QueryContext(ctx, query+" GROUP BY f.rule, f.status, f.mute_reason, f.outcome", args...)
	if err != nil {
		return nil, fmt.Errorf("count findings by rule: %w", err)
	}
	defer rows.Close()
	out := make(map[string]RuleTally)
	for rows.Next() {
		var rule, status, reason, outcome string
		var n int
		if err := rows.Scan(&rule, &status, &reason, &outcome, &n); err != nil {
			return nil, fmt.Errorf("count findings by rule: %w", err)
		}
		t := out[rule]
		switch {
		case status == "muted":
			t.Muted += n
		case status == "fixed":
			t.Fixed += n
		case outcome == "undecided":
			t.Undecided += n
		default:
			t.Open += n
		}
		if outcome == "fail" && status != "open" && reason != "code" && reason != RuleOff {
			t.Decided += n
			if reason == "false-positive" {
				t.FalsePositives += n
			}
		}
		out[rule] = t
	}
	return out, rows.Err()
}

// HasRule tells whether findings that a scope sees are of a rule.
func (s *Store) HasRule(ctx context.Context, scope access.Scope, rule string) (bool, error) {
	seen, args := seenFindings(scope)
	query := "SELECT count(*) FROM (SELECT 1 FROM finding f WHERE f.organisation = ? AND f.on_default IN (0, 1) AND f.rule = ? AND " + seen
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
