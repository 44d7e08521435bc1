package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/query"
)

// Evidence is what the last scan of a repository's default branch looked at, or of the branch that a search names.
type Evidence struct {
	Repository ID       `json:"repository"`
	Name       string   `json:"name"`
	SHA        string   `json:"sha" doc:"commit that was scanned; empty when none was"`
	ScannedAt  Millis   `json:"scannedAt"`
	Problem    string   `json:"problem" doc:"why the last fetch or scan failed; empty when it did not"`
	Files      int      `json:"files" doc:"read and understood"`
	Skipped    int      `json:"skipped" doc:"files in no language that is understood"`
	Problems   int      `json:"problems" doc:"what could not be read or resolved"`
	Resources  int      `json:"resources"`
	Judged     []string `json:"-"` // ids of the rules that gave at least one verdict on what the search is about, sorted; shared, not to be changed
}

// evidenceFacts is what the coverage of a commit says. Other things in it are not for here.
type evidenceFacts struct {
	Coverage finding.Coverage
	Judged   []string
	Grounds  []finding.Ground
	Problems []struct{}
}

// evidenceCache holds what was read from blobs, by hash. The zero is ready for use.
type evidenceCache struct {
	mu    sync.Mutex
	facts map[string]*evidenceFacts
	owned map[string]map[ID][]string // rules by owners of files, see judgedByOwner
	ids   map[string]string          // each rule's id once
}

// maxEvidence is the most blobs whose facts are held; beyond it all of them go.
const maxEvidence = 20_000

// Evidence returns the evidence of every repository that a search is about, by name: those of its scope, narrowed by the terms repo:, team:
// and branch: of its query. Of terms about other things it knows nothing. Where several branches fit, that of the newest scan counts.
func (s *Store) Evidence(ctx context.Context, f FindingSearch) ([]Evidence, error) {
	seen, args := seenRepositories(f.Scope)
	type repository struct {
		ID            ID
		Name          string
		Problem       string
		DefaultBranch string
		Branch        string
		SHA           string
		ScannedAt     Millis
		Coverage      string
		Problems      int
	}
	var list []repository
	on := "b.is_default = 1"
	if f.branched() {
		on = "1 = 1"
	}
	err := s.DB.NewRaw("SELECT r.id, r.name, r.problem, r.default_branch, coalesce(b.name, '') AS branch, coalesce(c.sha, '') AS sha, coalesce(c.scanned_at, 0) AS scanned_at, coalesce(c.coverage, '') AS coverage, coalesce(c.problems, 0) AS problems FROM repository r "+
		"LEFT JOIN branch b ON b.repository = r.id AND "+on+" AND b.removed_at = 0 LEFT JOIN commit_result c ON c.repository = r.id AND c.sha = b.scanned AND b.scanned <> '' WHERE "+seen+" ORDER BY r.name, c.scanned_at DESC", args...).Scan(ctx, &list)
	if err != nil {
		return nil, fmt.Errorf("read what was scanned: %w", err)
	}
	owned, err := s.ownedBy(ctx, f)
	if err != nil {
		return nil, err
	}
	part, err := s.narrow(ctx, f)
	if err != nil {
		return nil, err
	}
	out := make([]Evidence, 0, len(list))
	for _, r := range list {
		if !f.about(r.Name) || owned != nil && !owned[r.ID] {
			continue
		}
		if f.branched() {
			if !f.onBranch(r.Branch) {
				r.SHA, r.ScannedAt, r.Coverage, r.Problems = "", 0, "", 0
			}
			if n := len(out); n > 0 && out[n-1].Repository == r.ID {
				if out[n-1].SHA != "" || r.SHA == "" {
					continue
				}
				out = out[:n-1]
			}
		}
		if r.SHA == "" && r.DefaultBranch == "" && !f.branched() { // results are only uploaded, for whatever branch
			var newest []repository
			if err := s.DB.NewRaw("SELECT sha, scanned_at, coverage, problems FROM commit_result WHERE repository = ? ORDER BY scanned_at DESC LIMIT 1", r.ID).Scan(ctx, &newest); err != nil {
				return nil, fmt.Errorf("read what was scanned: %w", err)
			}
			if len(newest) > 0 {
				r.SHA, r.ScannedAt, r.Coverage, r.Problems = newest[0].SHA, newest[0].ScannedAt, newest[0].Coverage, newest[0].Problems
			}
		}
		e := Evidence{Repository: r.ID, Name: r.Name, SHA: r.SHA, ScannedAt: r.ScannedAt, Problem: r.Problem, Problems: r.Problems}
		if r.Coverage != "" {
			facts, err := s.evidenceOf(ctx, r.Coverage)
			if err != nil {
				return nil, err
			}
			e.Files, e.Skipped, e.Resources, e.Judged = facts.Coverage.Files, facts.Coverage.Skipped, facts.Coverage.Resources, facts.Judged
			if part != nil {
				e.Judged = s.judgedFor(part, r.ID, r.Coverage, facts)
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// about tells whether the repo: terms of the query fit a repository.
func (f FindingSearch) about(name string) bool {
	if f.Query == nil {
		return true
	}
	for i := range f.Query.Terms {
		t := &f.Query.Terms[i]
		if t.Key == "repo" && slices.ContainsFunc(t.Values, func(v query.Value) bool { return v.Match(name) }) == t.Not {
			return false
		}
	}
	return true
}

// branched tells whether the query names branches.
func (f FindingSearch) branched() bool {
	return f.Query != nil && slices.ContainsFunc(f.Query.Terms, func(t query.Term) bool { return t.Key == "branch" && !t.Not })
}

// onBranch tells whether every branch: term of the query means a branch.
func (f FindingSearch) onBranch(name string) bool {
	return !slices.ContainsFunc(f.Query.Terms, func(t query.Term) bool {
		return t.Key == "branch" && !t.Not && !slices.ContainsFunc(t.Values, func(v query.Value) bool { return v.Match(name) })
	})
}

// ownedBy returns the repositories of which the teams that the query asks for own a part; nil when it asks for none.
func (s *Store) ownedBy(ctx context.Context, f FindingSearch) (map[ID]bool, error) {
	if f.Query == nil || !f.Query.Has("team") {
		return nil, nil
	}
	var teams []struct {
		ID   ID
		Name string
	}
	if err := s.DB.NewRaw("SELECT id, name FROM team WHERE organisation = ?", f.Scope.Organisation).Scan(ctx, &teams); err != nil {
		return nil, fmt.Errorf("read the names of teams: %w", err)
	}
	asked := []ID{0}
	narrowed := false
	for i := range f.Query.Terms {
		t := &f.Query.Terms[i]
		if t.Key != "team" || t.Not || slices.ContainsFunc(t.Values, func(v query.Value) bool { return v.Text == "none" }) {
			continue // what nobody, or everybody but some, owns may lie anywhere
		}
		narrowed = true
		for _, team := range teams {
			if slices.ContainsFunc(t.Values, func(v query.Value) bool { return v.Match(team.Name) }) {
				asked = append(asked, team.ID)
			}
		}
	}
	if !narrowed {
		return nil, nil
	}
	var ids []ID
	if err := s.DB.NewRaw("SELECT DISTINCT r.id FROM repository r JOIN ownership o ON o.organisation = r.organisation AND (o.repository IS NULL OR o.repository = r.id) WHERE r.organisation = ? AND o.team IN (?)",
		f.Scope.Organisation, bun.List(asked)).Scan(ctx, &ids); err != nil {
		return nil, fmt.Errorf("read what teams own: %w", err)
	}
	out := make(map[ID]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out, nil
}

// evidenceOf reads the facts of a blob, or remembers them.
func (s *Store) evidenceOf(ctx context.Context, hash string) (*evidenceFacts, error) {
	s.columns.evidence.mu.Lock()
	facts := s.columns.evidence.facts[hash]
	s.columns.evidence.mu.Unlock()
	if facts != nil {
		return facts, nil
	}
	text, err := s.Blob(ctx, hash)
	if err != nil {
		return nil, err
	}
	facts = &evidenceFacts{}
	if err := json.Unmarshal(text, facts); err != nil {
		return nil, fmt.Errorf("read what a scan covered: %w", err)
	}
	if facts.Grounds == nil { // else they point into it, and it is sorted
		slices.Sort(facts.Judged)
	}
	s.columns.evidence.mu.Lock()
	defer s.columns.evidence.mu.Unlock()
	if len(s.columns.evidence.facts) >= maxEvidence || s.columns.evidence.facts == nil {
		s.columns.evidence.facts, s.columns.evidence.ids = make(map[string]*evidenceFacts), make(map[string]string)
	}
	for i, id := range facts.Judged {
		if same, ok := s.columns.evidence.ids[id]; ok {
			facts.Judged[i] = same
		} else {
			s.columns.evidence.ids[id] = id
		}
	}
	s.columns.evidence.facts[hash] = facts
	return facts, nil
}

// RuleStanding counts the findings of a rule that fit a search.
type RuleStanding struct {
	Fails     int // open
	Undecided int // open
	Accepted  int // muted fails
}

// RuleStandings counts by rule. The map is shared and must not be changed.
func (s *Store) RuleStandings(ctx context.Context, f FindingSearch) (map[string]RuleStanding, error) {
	e, done, err := s.open(ctx, f)
	if err != nil {
		return nil, err
	}
	defer done()
	rows, err := e.matched(ctx, "")
	if err != nil {
		return nil, err
	}
	return cached(&e.c.cache, e.question("standings", e.Query.String()), func(m map[string]RuleStanding) int { return 100 * len(m) }, func() (map[string]RuleStanding, error) {
		all := make([]RuleStanding, len(e.c.dicts[colRule].ends))
		rows.each(func(row int) {
			r := &all[e.c.codes[colRule][row]]
			switch undecided, status := e.c.flags[row]&flagUndecided != 0, e.view.code(row); {
			case undecided && status == codeOpen:
				r.Undecided++
			case !undecided && status == codeOpen:
				r.Fails++
			case !undecided && status == codeMuted:
				r.Accepted++
			}
		})
		out := make(map[string]RuleStanding)
		for code, r := range all {
			if r != (RuleStanding{}) {
				out[e.textOf(colRule, uint32(code))] = r
			}
		}
		return out, nil
	})
}

// OrganisationName returns the name of an organisation.
func (s *Store) OrganisationName(ctx context.Context, id ID) (name string, err error) {
	if err := s.DB.NewRaw("SELECT name FROM organisation WHERE id = ?", id).Scan(ctx, &name); err != nil {
		return "", fmt.Errorf("read the name of the organisation: %w", err)
	}
	return name, nil
}
