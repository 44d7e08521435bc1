package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// Rules of this file, how scans become findings:
//   - A branch carries the results of its line of first parents, oldest first. What a result has is detected on the branch. What
//     it does not have any more is fixed there, but only when the scan covered it: a finding whose file could not be read
//     (Result.Covers says so) stays as it was, and one that settings leave out (Result.Left) is muted for that: it is not fixed.
//   - A finding is one row of its repository, whatever branches have it. It is recognised by its fingerprint: by what the branch
//     called it before, then by any name it ever had in the repository; and else by its twin, as finding.Pair does, among those that
//     leave the branch in the same commit. So moved and renamed blocks keep id, mute and age. A finding renamed on one branch
//     keeps its name elsewhere: the other names are in finding_alias.
//   - The row says what the default branch has as soon as that branch has or had the finding (on_default). Before that, it is
//     detected while any branch has it.
//   - A mute outlives the fix, so that what comes back is muted still. One exception: what was muted while it was undecided
//     and turns out to fail is open again, because nobody decided about that.
//   - Times of findings are those of the commits that brought and fixed them, never later than now; what the first scan of a
//     branch finds is seen now. last_seen_at is written with other changes only: an open finding was seen by the last scan.
//   - A result that says what is known already changes no row.

// Ingest is what scans found on one branch.
type Ingest struct {
	Repository ID
	Branch     ID
	Scan       ID     // 0 for none
	Actor      string // for the timeline; "" for the program
	Results    []Result
}

// Result is what the scan of one commit found.
type Result struct {
	Commit   CommitInfo
	Side     bool              // the commit is not on the branch's line of first parents: only its own row is written
	Aside    bool              // the branch's line is told by others: neither the commit's row nor the branch's newest commit is written
	Maker    string            // whose findings it is about, see MakerOf: those of others are not missed; "" for our own
	Full     bool              // Found is everything; else what is new or changed against the result before on the line
	Found    []Found           // one per Fingerprint
	Gone     []string          // fingerprints; none when Full
	Left     map[string]string // fingerprints that settings leave out, with a sentence why: with Full all, else what is so since the result before
	Covers   func(Absent) bool // what of the rest counts as looked at; nil is all
	Fails    int               // counts of all that the commit has: fails that are not suppressed
	Waiting  int               // undecided ones
	Excused  int               // suppressed fails
	Trouble  int               // problems
	Delta    *CommitDelta      // against the first parent; nil: what Ingest sees
	Coverage []byte            // JSON: coverage, problems, hygiene and judged rules; nil keeps none
}

// CommitInfo is a commit as git has it.
type CommitInfo struct {
	SHA     string
	Parent  string // first parent, "" for none
	Author  string
	Email   string
	Subject string
	At      Millis // of the committer
}

// CommitDelta is what a commit changed: fingerprints of fails that nothing in the code suppresses. Undecided ones are never added to them.
type CommitDelta struct {
	Added []string `json:"added"`
	Gone  []string `json:"gone"`
}

// Found is a finding of a scan.
type Found struct {
	Fingerprint string
	Twin        string
	Spot        string // see finding.Spot
	Rule        string
	Outcome     string // fail, undecided
	Severity    int    // the rule's own, 1 info … 5 critical
	Category    string
	Provider    string
	Dialect     string
	Type        string
	Address     string
	Attribute   string
	Unit        string
	File        string
	Line        int
	Message     string
	HasFix      bool
	Suppressed  bool   // by the code
	Comment     string // the reason that the code gives
	Detail      []byte // JSON
}

// counts tells whether it is a fail that nothing in the code suppresses.
func (f *Found) counts() bool { return f.Outcome != "undecided" && !f.Suppressed }

// Absent is a finding that a result does not have any more.
type Absent struct {
	Fingerprint string
	Rule        string
	File        string
	Unit        string
}

// Counts is what an Ingest did to findings of the branch.
type Counts struct {
	New      int // never seen in the repository before
	Still    int // as before, or with other details
	Gone     int
	Reopened int
	Moved    int // recognised under another name
	Kept     int // not there, but not covered either
	Excluded int // not there, because settings leave it out now
}

// held is a finding on the branch while results are taken in.
type held struct {
	Finding     ID
	State       string // open, fixed, excluded
	Fingerprint string
	Twin        string
	Detail      string // reference
	File        string
	Line        int
	SinceSHA    string `bun:"since_sha"`
	SinceAt     Millis
	FixedSHA    string `bun:"fixed_sha"`
	FixedAt     Millis

	seen  int // number of the last result that has it
	added bool
	dirty bool
}

// lifeEvent is an event to write.
type lifeEvent struct {
	finding ID
	at      Millis
	kind    string
	sha     string
	data    string
}

// ingest is one run of Ingest.
type ingest struct {
	*Tx
	Ingest
	organisation ID
	branch       string
	isDefault    bool
	scanned      string
	counts       Counts

	last    string           // the commit before on the line
	held    map[string]*held // by what the branch calls them; open ones, and fixed ones that no other has the name of
	holds   map[ID]*held
	rows    map[ID]*row
	rules   RuleSettings
	owners  owners
	events  []lifeEvent
	primary map[string]ID // rows by the names that are theirs, as far as this run asked
	named   map[string]ID // rows that this run makes or renames, by name
	aliases map[string]ID // to write
	renamed []*row        // in the order in which they got other names
	blobs   []blob
	commits []commitRow
	trend   map[trendKey]*trendChange
	number  int
}

type commitRow struct {
	result *Result
	delta  CommitDelta
}

// Ingest takes in what scans found on a branch. The same results again change nothing. Transactions that ingest for one
// organisation wait for each other.
func (tx *Tx) Ingest(ctx context.Context, in Ingest) (Counts, error) {
	g := &ingest{Tx: tx, Ingest: in, rows: map[ID]*row{}, named: map[string]ID{}, primary: map[string]ID{}, aliases: map[string]ID{}, trend: map[trendKey]*trendChange{}}
	if err := g.open(ctx); err != nil {
		return Counts{}, err
	}
	for i := range in.Results {
		g.number++
		if err := g.take(ctx, &in.Results[i]); err != nil {
			return Counts{}, fmt.Errorf("take in commit %.12s: %w", in.Results[i].Commit.SHA, err)
		}
	}
	return g.counts, g.save(ctx)
}

// open reads where the branch stands.
func (g *ingest) open(ctx context.Context) error {
	var b struct {
		Organisation ID
		Name         string
		IsDefault    bool
		Scanned      string
	}
	err := g.NewRaw("SELECT r.organisation, b.name, b.is_default, b.scanned FROM branch b JOIN repository r ON r.id = b.repository WHERE b.id = ? AND r.id = ? AND r.state <> 'removed'",
		g.Branch, g.Repository).Scan(ctx, &b)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Refuse(NotFound, "the branch is not there any more")
	case err != nil:
		return fmt.Errorf("read the branch: %w", err)
	}
	g.organisation, g.branch, g.isDefault, g.scanned = b.Organisation, b.Name, b.IsDefault, b.Scanned
	g.last = b.Scanned
	if g.PGX != nil { // a lock that makes no new version of the row: what changes nothing is to change nothing
		if _, err := g.PGX.Exec(ctx, "SELECT 1 FROM organisation WHERE id = $1 FOR NO KEY UPDATE", int64(g.organisation)); err != nil {
			return fmt.Errorf("wait for the findings of the organisation: %w", err)
		}
	}
	g.held, g.holds = map[string]*held{}, map[ID]*held{}
	rows, err := g.QueryContext(ctx, "SELECT finding, state, fingerprint, twin, detail, file, line, since_sha, since_at, fixed_sha, fixed_at FROM presence WHERE branch = ?", g.Branch)
	if err != nil {
		return fmt.Errorf("read the findings of the branch: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		h := &held{}
		if err := rows.Scan(&h.Finding, &h.State, &h.Fingerprint, &h.Twin, &h.Detail, &h.File, &h.Line, &h.SinceSHA, &h.SinceAt, &h.FixedSHA, &h.FixedAt); err != nil {
			return fmt.Errorf("read the findings of the branch: %w", err)
		}
		g.hold(h)
	}
	return rows.Err()
}

func (g *ingest) hold(h *held) {
	g.holds[h.Finding] = h
	if other := g.held[h.Fingerprint]; other == nil || other.State == "fixed" {
		g.held[h.Fingerprint] = h
	}
}

// at is the time that a result speaks of.
func (g *ingest) at(r *Result) Millis {
	if r.Full && g.scanned == "" && g.number == 1 || r.Commit.At <= 0 || r.Commit.At > g.Now {
		return g.Now
	}
	return r.Commit.At
}

// take brings the branch to what a result says.
func (g *ingest) take(ctx context.Context, r *Result) error {
	if r.Side {
		g.commits = append(g.commits, commitRow{r, deltaOf(r)})
		return nil
	}
	var delta CommitDelta
	var news []int        // of r.Found: not on the branch by this name
	var changed []arrival // on the branch
	for i := range r.Found {
		f := &r.Found[i]
		h := g.held[f.Fingerprint]
		if h == nil {
			news = append(news, i)
			continue
		}
		h.seen = g.number
		if h.State == "open" && sameText(h.Detail, digest(f.Detail, 8)) {
			g.counts.Still++
			continue
		}
		changed = append(changed, arrival{f, h, h.Finding})
	}
	gone, out, err := g.missing(ctx, r)
	if err != nil {
		return err
	}
	arrived, gone, err := g.recognise(ctx, r, news, gone)
	if err != nil {
		return err
	}
	if err := g.load(ctx, append(slices.Clone(changed), arrived...), gone); err != nil {
		return err
	}
	for _, a := range changed {
		if a.held.State == "fixed" && a.found.counts() {
			delta.Added = append(delta.Added, a.found.Fingerprint)
		}
	}
	for _, a := range arrived {
		if !a.found.counts() {
			continue
		}
		delta.Added = append(delta.Added, a.found.Fingerprint)
		if a.held != nil && a.held.State == "open" {
			delta.Gone = append(delta.Gone, a.held.Fingerprint)
		}
	}
	for _, h := range gone {
		if row := g.rows[h.Finding]; h.State == "open" && (row == nil || row.Outcome != "undecided" && row.MuteReason != InCode) {
			delta.Gone = append(delta.Gone, h.Fingerprint)
		}
	}
	if err := g.arrive(r, append(changed, arrived...)); err != nil {
		return err
	}
	if err := g.exclude(ctx, r, out); err != nil {
		return err
	}
	if err := g.leave(ctx, r, gone); err != nil {
		return err
	}
	if r.Delta != nil {
		delta = *r.Delta
	}
	g.commits = append(g.commits, commitRow{r, delta})
	g.last = r.Commit.SHA
	return nil
}

func deltaOf(r *Result) CommitDelta {
	if r.Delta != nil {
		return *r.Delta
	}
	return CommitDelta{}
}

// arrival is a finding of a result that is new on the branch or not as it was.
type arrival struct {
	found *Found
	held  *held // what the branch has of it; nil for nothing
	id    ID    // of its row; 0 when there is none yet
}

// missing lists what the branch has and the result has not, without what the scan did not cover; and apart from that what settings
// leave out and did not before.
func (g *ingest) missing(ctx context.Context, r *Result) (list, out []*held, err error) {
	miss := func(h *held) {
		_, left := r.Left[h.Fingerprint]
		switch {
		case h.State == "fixed" || h.seen == g.number || MakerOf(h.Fingerprint) != r.Maker:
		case !left:
			list = append(list, h)
		case h.State == "open":
			out = append(out, h)
		}
	}
	if r.Full {
		for _, h := range g.held {
			miss(h)
		}
	} else {
		for _, name := range r.Gone {
			if h := g.held[name]; h != nil {
				miss(h)
			}
		}
		for name := range r.Left {
			if h := g.held[name]; h != nil {
				miss(h)
			}
		}
	}
	byID := func(a, b *held) int { return cmp.Compare(a.Finding, b.Finding) }
	slices.SortFunc(list, byID)
	slices.SortFunc(out, byID)
	if r.Covers == nil || len(list) == 0 {
		return list, out, nil
	}
	if err := g.load(ctx, nil, list); err != nil {
		return nil, nil, err
	}
	list = slices.DeleteFunc(list, func(h *held) bool {
		f := g.rows[h.Finding]
		if r.Covers(Absent{h.Fingerprint, f.Rule, h.File, f.Unit}) {
			return false
		}
		g.counts.Kept++
		return true
	})
	return list, out, nil
}

// save writes everything that changed.
func (g *ingest) save(ctx context.Context) error {
	changed := len(g.aliases) > 0
	for _, f := range g.rows {
		changed = changed || f.dirty || f.added
	}
	for _, h := range g.holds {
		changed = changed || h.dirty
	}
	var revision int64
	if changed {
		if err := g.NewRaw("UPDATE organisation SET revision = revision + 1 WHERE id = ? RETURNING revision", g.organisation).Scan(ctx, &revision); err != nil {
			return fmt.Errorf("count a change of findings: %w", err)
		}
	}
	return errors.Join(firstError(
		func() error { return g.saveBlobs(ctx, g.blobs) },
		func() error { return g.saveRows(ctx, revision) },
		func() error { return g.saveAliases(ctx) },
		func() error { return g.savePresence(ctx, revision) },
		func() error { return g.saveEvents(ctx) },
		func() error { return g.saveHappening(ctx) },
		func() error { return g.saveCommits(ctx) },
		func() error { return g.saveTrend(ctx) },
		func() error { return g.saveBranch(ctx, changed) },
	))
}

// firstError runs steps until one fails.
func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (g *ingest) saveEvents(ctx context.Context) error {
	rows := make([][]any, len(g.events))
	for i, e := range g.events {
		rows[i] = []any{g.Store.NewID(), e.finding, e.at, e.kind, g.Actor, g.branch, e.sha, e.data}
	}
	return g.insert(ctx, "event", []string{"id", "finding", "at", "kind", "actor", "branch", "sha", "data"}, rows)
}

// saveBranch notes the newest commit of the branch's line, and tells those who look.
func (g *ingest) saveBranch(ctx context.Context, changed bool) error {
	for i := len(g.Results) - 1; i >= 0; i-- {
		r := &g.Results[i]
		if r.Side || r.Aside || r.Commit.SHA == "" {
			continue
		}
		if r.Commit.SHA != g.scanned {
			if _, err := g.NewRaw("UPDATE branch SET scanned = ? WHERE id = ?", r.Commit.SHA, g.Branch).Exec(ctx); err != nil {
				return fmt.Errorf("note the scanned commit: %w", err)
			}
		}
		break
	}
	if !changed {
		return nil
	}
	return g.Notify(ctx, Notice{Organisation: g.organisation, Repository: g.Repository, Kind: "findings"}, map[string]any{"branch": g.Branch})
}
