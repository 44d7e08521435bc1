package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

var everything = access.Scope{Organisation: 1, All: true}

// ada is who decides in these tests.
func ada(action string) store.Entry {
	return store.Entry{Organisation: 1, Actor: "person:1 ada", Action: action, Object: "findings"}
}

// statusOf reads what a finding is.
func lifeOf(t interface{ Fatal(...any) }, s *store.Store, id store.ID) (status store.Status, reason store.Reason, assignee store.ID) {
	if err := s.DB.NewRaw("SELECT status, mute_reason, assignee FROM finding WHERE id = ?", id).Scan(context.Background(), &status, &reason, &assignee); err != nil {
		t.Fatal(err)
	}
	return status, reason, assignee
}

// members makes the people of a crowd members of its organisation.
func members(t testing.TB, s *store.Store, made storetest.Made) {
	t.Helper()
	if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		for _, p := range made.People {
			if _, err := tx.NewRaw("INSERT INTO membership (person, organisation, role, joined_at) VALUES (?, 1, 'viewer', 1)", p).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestTriage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return now }
		made := storetest.Fill(t, s, storetest.Crowd{Organisations: []int{900, 50}, Now: now})
		members(t, s, made)
		open, _, err := s.FindingIDs(t.Context(), ask(t, 1, "status:open"), 1000)
		if err != nil {
			t.Fatal(err)
		}
		fixed, _, err := s.FindingIDs(t.Context(), ask(t, 1, "status:fixed -has:mute"), 1000)
		if err != nil {
			t.Fatal(err)
		}
		mute := store.Decision{Happening: store.Mute, Reason: store.FalsePositive, Comment: "not ours", By: "ada", Until: store.MillisOf(now.Add(time.Hour))}
		for _, c := range []struct {
			name string
			sel  store.Selection
			d    store.Decision
			kind store.FaultKind
		}{
			{"nothing", store.Selection{Scope: everything}, mute, store.Conflict},
			{"a fixed one", store.Selection{Scope: everything, IDs: fixed[:1]}, mute, store.Conflict},
			{"only fixed ones", store.Selection{Scope: everything, IDs: fixed[:3]}, mute, store.Conflict},
			{"a foreign one", store.Selection{Scope: everything, IDs: []store.ID{made.First[1]}}, mute, store.NotFound},
			{"one of another team", store.Selection{Scope: access.Scope{Organisation: 1, Teams: []int64{1}}, IDs: open[:1]}, mute, store.NotFound},
			{"an end that is over", store.Selection{Scope: everything, IDs: open[:1]}, store.Decision{Happening: store.Mute, Reason: store.NoFix, Until: 1}, store.Invalid},
			{"an end far away", store.Selection{Scope: everything, IDs: open[:1]}, store.Decision{Happening: store.Mute, Reason: store.NoFix, Until: 1 << 50}, store.Invalid},
			{"no reason", store.Selection{Scope: everything, IDs: open[:1]}, store.Decision{Happening: store.Mute, Reason: "code"}, store.Invalid},
			{"an open one", store.Selection{Scope: everything, IDs: open[:1]}, store.Decision{Happening: store.Restore}, store.Conflict},
			{"a stranger", store.Selection{Scope: everything, IDs: open[:1]}, store.Decision{Assign: true, Assignee: 99}, store.Invalid},
			{"a book", store.Selection{Scope: everything, IDs: open[:1]}, store.Decision{Happening: store.Mute, Reason: store.NoFix, Comment: string(make([]byte, store.MaxComment+1))}, store.Invalid},
		} {
			if _, err := s.Triage(t.Context(), ada("finding.mute"), c.sel, c.d); faultKind(err) != c.kind {
				t.Errorf("%s: %v, want %s", c.name, err, c.kind)
			}
		}
		records := audited(t, s)
		if records != 0 {
			t.Errorf("%d refused decisions are in the audit log", records)
		}

		// Ids: what makes no sense is left out, the rest happens.
		out, err := s.Triage(t.Context(), ada("finding.mute"), store.Selection{Scope: everything, IDs: append(slices.Clone(open[:5]), fixed[0], made.First[1])}, mute)
		if err != nil || out.Changed != 5 || out.Skipped != 2 || out.Undo == "" {
			t.Fatalf("%+v %v", out, err)
		}
		n, err := s.CountFindings(t.Context(), ask(t, 1, "reason:false-positive has:expiry is:expiring status:muted id:"+open[0].String()))
		if err != nil || n != 1 {
			t.Errorf("a muted finding is not found: %d %v", n, err)
		}
		events, _, err := s.FindingEvents(t.Context(), everything, open[0], 0, 10)
		if err != nil || len(events) != 1 || events[0].Kind != "muted" || events[0].Actor != "ada" || events[0].Data != `{"comment":"not ours","reason":"false-positive","until":"2026-11-22T13:00:00.000Z"}` {
			t.Errorf("%+v %v", events, err)
		}
		// One is changed by somebody else; it is not undone, the others are.
		if _, err := s.Triage(t.Context(), ada("finding.assign"), store.Selection{Scope: everything, IDs: open[:1]}, store.Decision{Assign: true, Assignee: 1002, By: "ada"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.UndoTriage(t.Context(), store.Entry{Organisation: 1, Actor: "person:2 eve", Action: "finding.undo"}, everything, out.Undo, "eve"); faultKind(err) != store.NotFound {
			t.Errorf("somebody else undoes: %v", err)
		}
		undone, err := s.UndoTriage(t.Context(), ada("finding.undo"), everything, out.Undo, "ada")
		if err != nil || undone.Changed != 4 || undone.Skipped != 1 {
			t.Errorf("%+v %v", undone, err)
		}
		if status, reason, assignee := lifeOf(t, s, open[0]); status != store.StatusMuted || reason != store.FalsePositive || assignee != 1002 {
			t.Errorf("what was changed since is undone: %s %s %d", status, reason, assignee)
		}
		if status, reason, _ := lifeOf(t, s, open[1]); status != store.StatusOpen || reason != "" {
			t.Errorf("what is undone is %s %s", status, reason)
		}
		if _, err := s.UndoTriage(t.Context(), ada("finding.undo"), everything, out.Undo, "ada"); faultKind(err) != store.NotFound {
			t.Errorf("undone twice: %v", err)
		}

		// Everything that fits, then the end of its time.
		search := ask(t, 1, "severity:critical status:open")
		total, err := s.CountFindings(t.Context(), search)
		if err != nil {
			t.Fatal(err)
		}
		out, err = s.Triage(t.Context(), ada("finding.mute"), store.Selection{Scope: everything, Search: &search}, mute)
		if err != nil || out.Changed != total || total == 0 {
			t.Fatalf("%+v of %d: %v", out, total, err)
		}
		now = now.Add(11 * time.Minute)
		if _, err := s.UndoTriage(t.Context(), ada("finding.undo"), everything, out.Undo, "ada"); faultKind(err) != store.NotFound {
			t.Errorf("undone after eleven minutes: %v", err)
		}
		if n, err := s.ExpireMutes(t.Context()); n != 0 || err != nil {
			t.Errorf("%d mutes ended too early: %v", n, err)
		}
		now = now.Add(time.Hour)
		ended, err := s.ExpireMutes(t.Context())
		if err != nil || ended < total {
			t.Errorf("%d mutes ended, want %d and more: %v", ended, total, err)
		}
		if n, err := s.CountFindings(t.Context(), search); err != nil || n != total {
			t.Errorf("%d are open again, want %d: %v", n, total, err)
		}
		if again, err := s.ExpireMutes(t.Context()); again != 0 || err != nil {
			t.Errorf("%d end again: %v", again, err)
		}
	})
}

// audited counts what the audit log says about findings.
func audited(t testing.TB, s *store.Store) (n int) {
	t.Helper()
	if err := s.DB.NewRaw("SELECT count(*) FROM audit_record WHERE action LIKE 'finding.%'").Scan(context.Background(), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTriage_trend holds that the trend of a default branch counts what people decide.
func TestTriage_trend(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		made := storetest.Fill(t, s, storetest.Crowd{Organisations: []int{300}})
		if err := s.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for _, r := range made.Repositories[0] {
				if err := tx.SnapshotTrend(ctx, 1, r); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		search := ask(t, 1, "status:open severity:>=medium")
		if _, err := s.Triage(t.Context(), ada("finding.mute"), store.Selection{Scope: everything, Search: &search}, store.Decision{Happening: store.Mute, Reason: store.Duplicate, By: "ada"}); err != nil {
			t.Fatal(err)
		}
		for status, column := range map[string]string{"open": "open", "muted": "muted"} {
			want, err := s.CountFindings(t.Context(), ask(t, 1, "verdict:fail status:"+status))
			if err != nil {
				t.Fatal(err)
			}
			var got int
			if err := s.DB.NewRaw("SELECT coalesce(sum("+column+"), 0) FROM trend").Scan(t.Context(), &got); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("the trend has %d %s, there are %d", got, status, want)
			}
		}
	})
}

// model is what a finding should be.
type model struct {
	life     store.Life
	until    time.Time
	assignee store.ID
}

// TestTriage_machine drives a few findings through random decisions, scans and times, next to a model of two facts each.
func TestTriage_machine(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return now }
		made := storetest.Fill(t, s, storetest.Crowd{Organisations: []int{30}, Now: now})
		members(t, s, made)
		ids := []store.ID{made.First[0], made.First[0] + 1, made.First[0] + 2}
		rapid.Check(t, func(t *rapid.T) {
			models := make([]model, len(ids))
			for i, id := range ids {
				models[i].life.Detected = true
				if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.NewRaw("UPDATE finding SET status = 'open', mute_reason = '', mute_until = 0, assignee = 0 WHERE id = ?", id).Exec(ctx)
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			pick := func() []int {
				return rapid.SliceOfNDistinct(rapid.IntRange(0, len(ids)-1), 1, len(ids), rapid.ID[int]).Draw(t, "findings")
			}
			decide := func(d store.Decision) {
				which := pick()
				var some []store.ID
				changed := 0
				for _, i := range which {
					some = append(some, ids[i])
					m := &models[i]
					was := *m
					if d.Happening != "" {
						life, _, err := store.Next(m.life, d.Happening, d.Reason)
						if err != nil {
							continue
						}
						m.life, m.until = life, d.Until.Time()
					}
					if d.Assign {
						m.assignee = d.Assignee
					}
					if d.Happening != "" || was != *m {
						changed++
					}
				}
				out, err := s.Triage(context.Background(), ada("finding.change"), store.Selection{Scope: everything, IDs: some}, d)
				if (err == nil) != (changed > 0) || err == nil && out.Changed != changed {
					t.Fatalf("%+v changes %+v (%v), want %d", d, out, err, changed)
				}
			}
			scan := func(h store.Happening) {
				for _, i := range pick() {
					m := &models[i]
					life, _, err := store.Next(m.life, h, "")
					if err != nil {
						t.Fatal(err)
					}
					m.life = life
					if life.Mute == "" || life.Mute == store.InCode {
						m.until = time.Time{}
					}
					if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
						_, err := tx.NewRaw("UPDATE finding SET status = ?, mute_reason = ?, mute_until = ? WHERE id = ?", life.Status(), life.Mute, store.MillisOf(m.until), ids[i]).Exec(ctx)
						return err
					}); err != nil {
						t.Fatal(err)
					}
				}
			}
			t.Repeat(map[string]func(*rapid.T){
				"mute": func(t *rapid.T) {
					d := store.Decision{Happening: store.Mute, Reason: rapid.SampledFrom(store.Reasons).Draw(t, "reason"), Comment: fmt.Sprint(now.UnixNano()), By: "ada"}
					if rapid.Bool().Draw(t, "ends") {
						d.Until = store.MillisOf(now.Add(time.Duration(rapid.IntRange(1, 48).Draw(t, "hours")) * time.Hour))
					}
					decide(d)
				},
				"restore": func(*rapid.T) { decide(store.Decision{Happening: store.Restore, By: "ada"}) },
				"assign": func(t *rapid.T) {
					decide(store.Decision{Assign: true, Assignee: rapid.SampledFrom([]store.ID{0, 1001, 1002}).Draw(t, "who"), By: "ada"})
				},
				"detect": func(*rapid.T) { scan(store.Detect) },
				"excuse": func(*rapid.T) { scan(store.Excuse) },
				"lose":   func(*rapid.T) { scan(store.Lose) },
				"time": func(t *rapid.T) {
					now = now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "hours")) * time.Hour)
					for i := range models {
						m := &models[i]
						if !m.until.IsZero() && !m.until.After(now) {
							life, _, err := store.Next(m.life, store.Expire, "")
							if err != nil {
								t.Fatal(err)
							}
							m.life, m.until = life, time.Time{}
						}
					}
					if _, err := s.ExpireMutes(context.Background()); err != nil {
						t.Fatal(err)
					}
				},
				"": func(t *rapid.T) {
					now = now.Add(time.Second) // so that two decisions are never the same
					for i, id := range ids {
						status, reason, assignee := lifeOf(t, s, id)
						got := model{store.LifeOf(status, reason), models[i].until, assignee}
						if diff := cmp.Diff(models[i], got, cmp.AllowUnexported(model{})); diff != "" {
							t.Fatal(diff)
						}
					}
				},
			})
		})
	})
}

func TestComment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		made := storetest.Fill(t, s, storetest.Crowd{Organisations: []int{20, 20}})
		for range 3 {
			if _, err := s.CommentFinding(t.Context(), ada("finding.comment"), everything, made.First[0], "ada", " <b>why</b> "); err != nil {
				t.Fatal(err)
			}
		}
		list, next, err := s.FindingEvents(t.Context(), everything, made.First[0], 0, 2)
		if err != nil || len(list) != 2 || next == 0 || list[0].Data != `{"comment":"\u003cb\u003ewhy\u003c/b\u003e"}` {
			t.Errorf("%+v %v %v", list, next, err)
		}
		rest, next, err := s.FindingEvents(t.Context(), everything, made.First[0], next, 2)
		if err != nil || len(rest) != 1 || next != 0 || rest[0].ID >= list[1].ID {
			t.Errorf("%+v %v %v", rest, next, err)
		}
		for _, text := range []string{"", " \n", "\xff"} {
			if _, err := s.CommentFinding(t.Context(), ada("finding.comment"), everything, made.First[0], "ada", text); faultKind(err) != store.Invalid {
				t.Errorf("%q is taken: %v", text, err)
			}
		}
		if _, err := s.CommentFinding(t.Context(), ada("finding.comment"), everything, made.First[1], "ada", "x"); faultKind(err) != store.NotFound {
			t.Errorf("a foreign finding: %v", err)
		}
	})
}

func TestViews(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Fill(t, s, storetest.Crowd{Organisations: []int{5, 5}})
		save := func(organisation, person store.ID, v store.View) (out *store.View, err error) {
			err = s.Write(t.Context(), ada("view.save"), func(ctx context.Context, tx *store.Tx) error {
				out, err = tx.SaveView(ctx, organisation, person, v)
				return err
			})
			return out, err
		}
		mine, err := save(1, 7, store.View{Name: " Mine ", Query: "severity:HIGH  x", Settings: `{"sort":"rule"}`})
		if err != nil || mine.Name != "Mine" || mine.Query != "severity:high x" {
			t.Fatalf("%+v %v", mine, err)
		}
		shared, err := save(1, 8, store.View{Name: "Shared", Shared: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name string
			v    store.View
			kind store.FaultKind
		}{
			{"the same name", store.View{Name: "Mine"}, store.Conflict},
			{"no name", store.View{Name: " "}, store.Invalid},
			{"a query that is none", store.View{Name: "x", Query: "severty:x"}, store.Invalid},
			{"settings that are none", store.View{Name: "x", Settings: "{"}, store.Invalid},
			{"somebody else's", store.View{ID: shared.ID, Name: "x"}, store.NotFound},
		} {
			if _, err := save(1, 7, c.v); faultKind(err) != c.kind {
				t.Errorf("%s: %v, want %s", c.name, err, c.kind)
			}
		}
		names := func(organisation, person store.ID) (out []string) {
			list, err := s.Views(t.Context(), organisation, person)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range list {
				out = append(out, fmt.Sprint(v.Name, v.Own))
			}
			return out
		}
		if d := cmp.Diff([]string{"Minetrue", "Sharedfalse"}, names(1, 7)); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"Sharedtrue"}, names(1, 8)); d != "" {
			t.Error(d)
		}
		if got := names(2, 7); got != nil {
			t.Errorf("another organisation sees %v", got)
		}
		remove := func(organisation, person, id store.ID) error {
			return s.Write(t.Context(), ada("view.remove"), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.RemoveView(ctx, organisation, person, id)
				return err
			})
		}
		if err := remove(1, 7, shared.ID); faultKind(err) != store.NotFound {
			t.Errorf("somebody else's is removed: %v", err)
		}
		if err := remove(1, 7, mine.ID); err != nil || len(names(1, 7)) != 1 {
			t.Errorf("%v %v", err, names(1, 7))
		}
	})
}
