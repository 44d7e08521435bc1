package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"plumbline.dev/plumbline/query"
)

// Rules of this file, what a team may claim: a rule gave a verdict for it only where that was about something in a file that the team owns.
// Ownership is that of now, as for findings; where a scan did not say which files it judged, nothing is claimed for a team.

// narrowed tells which parts of repositories a search is about, by their owners.
type narrowed struct {
	owners owners
	key    string        // of the owners
	fits   func(ID) bool // whether what a team owns counts; 0 is nobody
}

// narrow returns nil when a search is about whole repositories.
func (s *Store) narrow(ctx context.Context, f FindingSearch) (*narrowed, error) {
	var terms []*query.Term
	if f.Query != nil {
		for i := range f.Query.Terms {
			if f.Query.Terms[i].Key == "team" {
				terms = append(terms, &f.Query.Terms[i])
			}
		}
	}
	if f.Scope.All && len(terms) == 0 {
		return nil, nil
	}
	n := &narrowed{}
	if err := s.DB.NewRaw("SELECT team, coalesce(repository, 0) AS repository, path FROM ownership WHERE organisation = ? ORDER BY position, id", f.Scope.Organisation).Scan(ctx, &n.owners); err != nil {
		return nil, fmt.Errorf("read who owns what: %w", err)
	}
	sum := sha256.New()
	for _, o := range n.owners {
		fmt.Fprintf(sum, "%d %d %q\n", o.Team, o.Repository, o.Path)
	}
	n.key = string(sum.Sum(nil))
	var teams []struct {
		ID   ID
		Name string
	}
	if err := s.DB.NewRaw("SELECT id, name FROM team WHERE organisation = ?", f.Scope.Organisation).Scan(ctx, &teams); err != nil {
		return nil, fmt.Errorf("read the names of teams: %w", err)
	}
	names := make(map[ID]string, len(teams))
	for _, t := range teams {
		names[t.ID] = t.Name
	}
	n.fits = func(team ID) bool {
		if !f.Scope.All && (team == 0 || !slices.Contains(f.Scope.Teams, int64(team))) {
			return false
		}
		for _, t := range terms {
			if t.Not == slices.ContainsFunc(t.Values, func(v query.Value) bool {
				return team == 0 && v.Text == "none" || team != 0 && v.Match(names[team])
			}) {
				return false
			}
		}
		return true
	}
	return n, nil
}

// judged returns the rules that gave verdicts in the parts of a repository that count, sorted.
func (s *Store) judgedFor(n *narrowed, repository ID, hash string, facts *evidenceFacts) []string {
	var out []string
	for team, rules := range s.judgedByOwner(n, repository, hash, facts) {
		if n.fits(team) {
			out = append(out, rules...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// judgedByOwner sorts the rules that gave verdicts by the owners of the files.
func (s *Store) judgedByOwner(n *narrowed, repository ID, hash string, facts *evidenceFacts) map[ID][]string {
	key := fmt.Sprintf("%s %d %s", hash, repository, n.key)
	cache := &s.columns.evidence
	cache.mu.Lock()
	out, known := cache.owned[key]
	cache.mu.Unlock()
	if known {
		return out
	}
	marks := make(map[ID][]bool)
	for _, g := range facts.Grounds {
		owners := make(map[ID]struct{})
		for _, file := range g.Files {
			owners[n.owners.of(repository, file)] = struct{}{}
		}
		for team := range owners {
			if marks[team] == nil {
				marks[team] = make([]bool, len(facts.Judged))
			}
			for _, r := range g.Rules {
				if r >= 0 && r < len(facts.Judged) {
					marks[team][r] = true
				}
			}
		}
	}
	out = make(map[ID][]string, len(marks))
	for team, list := range marks {
		for i, there := range list {
			if there {
				out[team] = append(out[team], facts.Judged[i])
			}
		}
	}
	cache.mu.Lock()
	defer cache.mu.Unlock()
	if len(cache.owned) >= maxEvidence || cache.owned == nil {
		cache.owned = make(map[string]map[ID][]string)
	}
	cache.owned[key] = out
	return out
}
