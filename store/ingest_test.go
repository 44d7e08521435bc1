package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// estate is a repository with branches to ingest into.
type estate struct {
	*store.Store
	t                        testing.TB
	organisation, repository store.ID
	branches                 map[string]store.ID
}

// newEstate makes a repository whose default branch is main.
func newEstate(t testing.TB, s *store.Store, branches ...string) *estate {
	t.Helper()
	e := &estate{Store: s, t: t, organisation: s.NewID(), repository: s.NewID(), branches: map[string]store.ID{}}
	if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.NewRaw("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, 'a', 0, ?)", e.organisation, tx.Now).Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewRaw("INSERT INTO repository (id, organisation, name, address, created_at) VALUES (?, ?, ?, '', ?)", e.repository, e.organisation, e.repository.String(), tx.Now).Exec(ctx); err != nil {
			return err
		}
		for _, name := range append([]string{"main"}, branches...) {
			e.branches[name] = s.NewID()
			if _, err := tx.NewRaw("INSERT INTO branch (id, repository, name, head, is_default, head_at) VALUES (?, ?, ?, 'h', ?, ?)", e.branches[name], e.repository, name, map[bool]int{true: 1}[name == "main"], tx.Now).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *estate) ingest(branch string, results ...store.Result) store.Counts {
	e.t.Helper()
	var counts store.Counts
	if err := e.Write(context.Background(), entry(), func(ctx context.Context, tx *store.Tx) (err error) {
		counts, err = tx.Ingest(ctx, store.Ingest{Repository: e.repository, Branch: e.branches[branch], Results: results})
		return err
	}); err != nil {
		e.t.Fatal(err)
	}
	return counts
}

// at is a commit at an hour of a day some time ago.
func commitAt(n int) store.CommitInfo {
	parent := ""
	if n > 1 {
		parent = fmt.Sprintf("%040d", n-1)
	}
	return store.CommitInfo{SHA: fmt.Sprintf("%040d", n), Parent: parent, Author: "Ada", Email: "ada@example.org", Subject: fmt.Sprint("change ", n),
		At: store.MillisOf(time.Date(2026, 3, 1, n, 0, 0, 0, time.UTC))}
}

// issue is a finding by its name; its block is its twin.
func issue(name, block string, change ...func(*store.Found)) store.Found {
	f := store.Found{Fingerprint: name, Twin: block, Rule: "aws-s3-public-acl", Outcome: "fail", Severity: 4, Category: "storage", Provider: "aws", Dialect: "terraform",
		Type: "aws_s3_bucket", Address: "aws_s3_bucket." + name, Attribute: "acl", Unit: ".", File: "main.tf", Line: 3, Message: "public"}
	for _, c := range change {
		c(&f)
	}
	if f.Detail == nil {
		f.Detail = fmt.Appendf(nil, `{"name":%q,"file":%q,"line":%d,"suppressed":%v,"outcome":%q}`, name, f.File, f.Line, f.Suppressed, f.Outcome)
	}
	return f
}

func line(n int) func(*store.Found)       { return func(f *store.Found) { f.Line = n } }
func suppressed(f *store.Found)           { f.Suppressed, f.Comment = true, "known" }
func undecided(f *store.Found)            { f.Outcome = "undecided" }
func file(name string) func(*store.Found) { return func(f *store.Found) { f.File = name } }

func full(n int, found ...store.Found) store.Result {
	return store.Result{Commit: commitAt(n), Full: true, Found: found, Coverage: []byte(`{}`)}
}

// leave is a result that settings leave everything out of.
func leave(n int, full bool, names ...string) store.Result {
	r := store.Result{Commit: commitAt(n), Full: full, Left: map[string]string{}}
	for _, name := range names {
		r.Left[name] = "The settings leave main.tf out of the scan."
	}
	return r
}

// state is what the tests look at: each finding by its id's order, as "fingerprint status [reason]".
func (e *estate) state() []string {
	e.t.Helper()
	var rows []struct {
		Fingerprint, Status, MuteReason string
		OnDefault                       bool
	}
	if err := e.DB.NewRaw("SELECT fingerprint, status, mute_reason, on_default FROM finding WHERE repository = ? ORDER BY fingerprint", e.repository).Scan(context.Background(), &rows); err != nil {
		e.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		text := r.Fingerprint + " " + r.Status
		if r.MuteReason != "" {
			text += " " + r.MuteReason
		}
		if !r.OnDefault {
			text += " elsewhere"
		}
		out = append(out, text)
	}
	return out
}

func (e *estate) mute(name string) {
	e.t.Helper()
	if err := e.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw("UPDATE finding SET status = 'muted', mute_reason = 'false-positive' WHERE repository = ? AND fingerprint = ?", e.repository, name).Exec(ctx)
		return err
	}); err != nil {
		e.t.Fatal(err)
	}
}

// kinds are the events of all findings, in order.
func (e *estate) kinds() []string {
	e.t.Helper()
	var out []string
	if err := e.DB.NewRaw("SELECT f.fingerprint || ' ' || e.kind FROM event e JOIN finding f ON f.id = e.finding WHERE f.repository = ? ORDER BY e.id", e.repository).Scan(context.Background(), &out); err != nil {
		e.t.Fatal(err)
	}
	return out
}

type step struct {
	branch string
	do     func(e *estate) // instead of results
	give   []store.Result
	counts store.Counts
	state  []string
}

func TestIngest(t *testing.T) {
	a, b := issue("a", "block a"), issue("b", "block b")
	blind := func(store.Absent) bool { return false }
	tests := map[string]struct {
		steps []step
		kinds []string
	}{
		"through its life": {[]step{
			{give: []store.Result{full(1, a)}, counts: store.Counts{New: 1}, state: []string{"a open"}},
			{give: []store.Result{full(1, a)}, counts: store.Counts{Still: 1}, state: []string{"a open"}},
			{give: []store.Result{{Commit: commitAt(2), Found: []store.Found{b}}}, counts: store.Counts{New: 1}, state: []string{"a open", "b open"}},
			{give: []store.Result{{Commit: commitAt(3), Gone: []string{"a"}}}, counts: store.Counts{Gone: 1}, state: []string{"a fixed", "b open"}},
			{give: []store.Result{{Commit: commitAt(4), Found: []store.Found{a}}}, counts: store.Counts{Reopened: 1}, state: []string{"a open", "b open"}},
		}, []string{"a opened", "b opened", "a fixed", "a reopened"}},
		"many commits at once": {[]step{
			{give: []store.Result{full(1, a), {Commit: commitAt(2), Found: []store.Found{b}}, {Commit: commitAt(3), Gone: []string{"a"}}, {Commit: commitAt(4), Found: []store.Found{a}, Gone: []string{"b"}}},
				counts: store.Counts{New: 2, Gone: 2, Reopened: 1}, state: []string{"a open", "b fixed"}},
		}, []string{"a opened", "b opened", "a fixed", "a reopened", "b fixed"}},
		"what moves is the same": {[]step{
			{give: []store.Result{full(1, a)}, counts: store.Counts{New: 1}},
			{do: func(e *estate) { e.mute("a") }},
			{give: []store.Result{full(2, issue("c", "block a", file("other.tf")))}, counts: store.Counts{Moved: 1}, state: []string{"c muted false-positive"}},
			{give: []store.Result{full(3, a)}, counts: store.Counts{Moved: 1}, state: []string{"a muted false-positive"}},
		}, []string{"a opened", "a moved", "a moved"}},
		"ambiguous is not the same": {[]step{
			{give: []store.Result{full(1, issue("a", "same"), issue("b", "same"))}, counts: store.Counts{New: 2}},
			{give: []store.Result{full(2, issue("c", "same"))}, counts: store.Counts{New: 1, Gone: 2}, state: []string{"a fixed", "b fixed", "c open"}},
		}, []string{"a opened", "b opened", "c opened", "a fixed", "b fixed"}},
		"equal blocks stay as many": {[]step{
			{give: []store.Result{full(1, issue("a", "same"), issue("b", "same"), issue("c", "same"))}, counts: store.Counts{New: 3}},
			{give: []store.Result{full(2, issue("a", "same", line(9)), issue("b", "same", line(19)), issue("c", "same", line(29)))}, counts: store.Counts{Still: 3}, state: []string{"a open", "b open", "c open"}},
		}, []string{"a opened", "b opened", "c opened"}},
		"a mute outlives the fix": {[]step{
			{give: []store.Result{full(1, a)}, counts: store.Counts{New: 1}},
			{do: func(e *estate) { e.mute("a") }},
			{give: []store.Result{full(2)}, counts: store.Counts{Gone: 1}, state: []string{"a fixed false-positive"}},
			{give: []store.Result{full(3, a)}, counts: store.Counts{Reopened: 1}, state: []string{"a muted false-positive"}},
		}, []string{"a opened", "a fixed", "a reopened"}},
		"what was undecided and fails was not decided about": {[]step{
			{give: []store.Result{full(1, issue("a", "x", undecided))}, counts: store.Counts{New: 1}},
			{do: func(e *estate) { e.mute("a") }},
			{give: []store.Result{full(2, issue("a", "x"))}, counts: store.Counts{Still: 1}, state: []string{"a open"}},
		}, []string{"a opened", "a restored"}},
		"suppressed in code": {[]step{
			{give: []store.Result{full(1, issue("a", "x", suppressed))}, counts: store.Counts{New: 1}, state: []string{"a muted code"}},
			{give: []store.Result{full(2, issue("a", "x"))}, counts: store.Counts{Still: 1}, state: []string{"a open"}},
			{give: []store.Result{full(3, issue("a", "x", suppressed))}, counts: store.Counts{Still: 1}, state: []string{"a muted code"}},
			{give: []store.Result{full(4)}, counts: store.Counts{Gone: 1}, state: []string{"a fixed"}},
		}, []string{"a opened", "a restored", "a muted", "a fixed"}},
		"what was not covered is not fixed": {[]step{
			{give: []store.Result{full(1, a, b)}, counts: store.Counts{New: 2}},
			{give: []store.Result{{Commit: commitAt(2), Full: true, Covers: func(x store.Absent) bool { return x.Fingerprint != "a" }}}, counts: store.Counts{Gone: 1, Kept: 1}, state: []string{"a open", "b fixed"}},
			{give: []store.Result{{Commit: commitAt(3), Full: true, Found: []store.Found{issue("c", "block a")}, Covers: blind}}, counts: store.Counts{New: 1, Kept: 1}, state: []string{"a open", "b fixed", "c open"}},
		}, []string{"a opened", "b opened", "b fixed", "c opened"}},
		"what settings leave out is not fixed": {[]step{
			{give: []store.Result{full(1, a, b)}, counts: store.Counts{New: 2}},
			{do: func(e *estate) { e.mute("b") }},
			{give: []store.Result{leave(2, true, "a", "b")}, counts: store.Counts{Excluded: 2}, state: []string{"a muted excluded", "b muted false-positive"}},
			{give: []store.Result{leave(2, true, "a", "b")}, counts: store.Counts{}, state: []string{"a muted excluded", "b muted false-positive"}},
			{give: []store.Result{{Commit: commitAt(3), Found: []store.Found{a}, Gone: []string{"b"}}}, counts: store.Counts{Still: 1, Gone: 1}, state: []string{"a open", "b fixed false-positive"}},
			{give: []store.Result{leave(4, false, "a")}, counts: store.Counts{Excluded: 1}, state: []string{"a muted excluded", "b fixed false-positive"}},
			{give: []store.Result{{Commit: commitAt(5), Gone: []string{"a"}}}, counts: store.Counts{Gone: 1}, state: []string{"a fixed", "b fixed false-positive"}},
		}, []string{"a opened", "b opened", "a muted", "a restored", "b fixed", "a muted", "a fixed"}},
		"what settings leave out on another branch": {[]step{
			{give: []store.Result{full(1, a)}, counts: store.Counts{New: 1}},
			{branch: "topic", give: []store.Result{full(1, a, b)}, counts: store.Counts{New: 1, Still: 1}},
			{branch: "topic", give: []store.Result{leave(2, true, "a", "b")}, counts: store.Counts{Excluded: 2}, state: []string{"a open", "b muted excluded elsewhere"}},
			{branch: "topic", give: []store.Result{full(3, b)}, counts: store.Counts{Gone: 1, Still: 1}, state: []string{"a open", "b open elsewhere"}},
		}, []string{"a opened", "b opened", "b muted", "b restored"}},
		"another branch": {[]step{
			{give: []store.Result{full(1, a)}, counts: store.Counts{New: 1}},
			{branch: "topic", give: []store.Result{full(2, a, b)}, counts: store.Counts{New: 1, Still: 1}, state: []string{"a open", "b open elsewhere"}},
			{branch: "topic", give: []store.Result{full(3, b)}, counts: store.Counts{Gone: 1, Still: 1}, state: []string{"a open", "b open elsewhere"}},
			{branch: "next", give: []store.Result{full(3, b)}, counts: store.Counts{Still: 1}},
			{branch: "topic", give: []store.Result{full(4)}, counts: store.Counts{Gone: 1}, state: []string{"a open", "b open elsewhere"}},
			{branch: "next", give: []store.Result{full(4)}, counts: store.Counts{Gone: 1}, state: []string{"a open", "b fixed elsewhere"}},
			{give: []store.Result{full(5, b)}, counts: store.Counts{Gone: 1, Still: 1}, state: []string{"a fixed", "b open"}},
		}, []string{"a opened", "b opened", "b fixed", "b reopened", "b opened", "a fixed"}},
		"renamed on one branch": {[]step{
			{give: []store.Result{full(1, a)}, counts: store.Counts{New: 1}},
			{branch: "topic", give: []store.Result{full(1, a)}, counts: store.Counts{Still: 1}},
			{branch: "topic", give: []store.Result{full(2, issue("c", "block a"))}, counts: store.Counts{Moved: 1}, state: []string{"a open"}},
			{give: []store.Result{full(1, a)}, counts: store.Counts{Still: 1}, state: []string{"a open"}},
			{give: []store.Result{full(2, issue("c", "block a"))}, counts: store.Counts{Moved: 1}, state: []string{"c open"}},
			{branch: "next", give: []store.Result{full(1, a)}, counts: store.Counts{Still: 1}, state: []string{"c open"}},
			{give: []store.Result{full(3, issue("c", "block a"), issue("a", "another"))}, counts: store.Counts{New: 1, Still: 1}},
		}, nil},
		"names go round": {[]step{
			{give: []store.Result{full(1, issue("a", "1"), issue("b", "2"))}, counts: store.Counts{New: 2}},
			{give: []store.Result{full(2, issue("c", "1"), issue("b", "2")), full(3, issue("c", "1"), issue("a", "2")), full(4, issue("b", "1"), issue("a", "2"))},
				counts: store.Counts{Moved: 3, Still: 3}, state: []string{"a open", "b open"}},
		}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				e := newEstate(t, s, "topic", "next")
				for i, step := range test.steps {
					if step.do != nil {
						step.do(e)
						continue
					}
					if step.branch == "" {
						step.branch = "main"
					}
					if diff := cmp.Diff(step.counts, e.ingest(step.branch, step.give...)); diff != "" {
						t.Errorf("step %d: counts (-want +got)\n%s", i, diff)
					}
					if step.state == nil {
						continue
					}
					if diff := cmp.Diff(step.state, e.state()); diff != "" {
						t.Errorf("step %d: findings (-want +got)\n%s", i, diff)
					}
				}
				if diff := cmp.Diff(test.kinds, e.kinds()); diff != "" && test.kinds != nil {
					t.Errorf("events (-want +got)\n%s", diff)
				}
			})
		})
	}
}
