package jobs_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/notify"
	"plumbline.dev/plumbline/store"
)

// bell is an estate whose mutes end, which is the simplest thing to tell of.
type bell struct {
	*storetest.Estate
	t testing.TB
	q *jobs.Queue
	r *receiver
}

func newBell(t testing.TB, s *store.Store) *bell {
	t.Helper()
	q, err := jobs.NewQueue(context.Background(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &bell{storetest.NewEstate(t, s), t, q, newReceiver(t)}
}

func (b *bell) channel(c store.Channel) store.ID {
	return channel(b.t, b.Store, b.r, b.Organisation, c)
}

// ring lets the mute of a new finding end.
func (b *bell) ring() {
	b.t.Helper()
	id := b.Add(b.t, storetest.Row{Status: "muted", Reason: "false-positive"})
	b.Do(b.t, "UPDATE finding SET mute_until = ?, revision = (SELECT revision FROM organisation WHERE id = ?) WHERE id = ?", store.MillisOf(b.Store.Now())-1, b.Organisation, id)
	if _, err := b.Store.ExpireMutes(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

// tell queues Tell jobs, as many at once as are asked for.
func (b *bell) tell(n int) {
	b.t.Helper()
	if err := b.Store.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		for range n {
			if _, err := b.q.Insert(ctx, tx, jobs.Job{What: jobs.Tell, Organisation: b.Organisation}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.t.Fatal(err)
	}
}

// hurry does not wait until what failed is tried again.
func (b *bell) hurry() {
	b.t.Helper()
	eventually(b.t, b.Store, "1", "SELECT CAST(count(*) AS text) FROM river_job WHERE kind = 'deliver' AND state IN ('retryable', 'scheduled')")
	now := "strftime('%Y-%m-%d %H:%M:%f', 'now')"
	if b.Store.Engine == store.PostgreSQL {
		now = "now()"
	}
	b.Do(b.t, "UPDATE river_job SET state = 'available', scheduled_at = "+now+" WHERE kind = 'deliver' AND state IN ('retryable', 'scheduled')")
}

func (b *bell) is(channel store.ID, want string) {
	b.t.Helper()
	eventually(b.t, b.Store, want, deliveries, channel)
}

// TestDeliver holds that a message arrives once and as it was, whatever happens on the way.
func TestDeliver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := newBell(t, s)
		hung := make(chan bool, 1)
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the client is gone
			hung <- true
			<-r.Context().Done()
		})
		plain := b.r.Config.Handler
		first := true
		b.r.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if first {
				first = false
				slow.ServeHTTP(w, r)
				return
			}
			plain.ServeHTTP(w, r)
		})
		b.r.answer = func(n int) int { return []int{500, 204, 204}[min(n, 2)] }
		id := b.channel(store.Channel{Name: "c", Shown: "/c"})
		b.ring()
		b.tell(5) // at once: one of them tells
		stop := work(t, telling(t, s, t.TempDir(), b.r))
		<-hung
		stop() // in the middle of it
		b.is(id, "1 waiting 0")
		work(t, telling(t, s, t.TempDir(), b.r))
		b.r.wait(t, "/c", 1)
		b.hurry()
		got := b.r.wait(t, "/c", 2)
		b.is(id, "1 sent 204")
		if got[0].ID != got[1].ID || !bytes.Equal(got[0].Body, got[1].Body) {
			t.Errorf("it came as %s and %s:\n%s\n%s", got[0].ID, got[1].ID, got[0].Body, got[1].Body)
		}
		if p := got[1].Payload; p.Title != strings.TrimSpace(p.Title) || len(p.Happenings) != 1 || p.Happenings[0].Happening != "mute-ended" || p.Happenings[0].Count != 1 {
			t.Errorf("it says %+v", p)
		}
		b.tell(3)
		eventually(t, s, "0", "SELECT CAST(count(*) AS text) FROM river_job WHERE kind IN ('tell', 'deliver') AND state NOT IN ('completed', 'cancelled', 'discarded')")
		var list []struct{ Action string }
		if err := s.DB.NewRaw("SELECT action FROM audit_record WHERE action LIKE 'channel.%' ORDER BY sequence").Scan(context.Background(), &list); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]struct{ Action string }{{"channel.deliver"}}, list); diff != "" || len(b.r.titles("/c")) != 2 {
			t.Errorf("%d requests, and the audit log says %s", len(b.r.titles("/c")), diff)
		}
	})
}

// TestPause holds that a channel stops that leads nowhere.
func TestPause(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	b := newBell(t, s)
	b.r.answer = func(n int) int { return []int{500, 410}[min(n, 1)] }
	deaf, other := b.channel(store.Channel{Name: "deaf", Shown: "/deaf"}), b.channel(store.Channel{Name: "other", Shown: "/other", Filter: "severity:critical"})
	b.Do(t, "UPDATE channel SET failing_at = ? WHERE id = ?", store.MillisOf(s.Now())-4*b.Day, deaf)
	work(t, telling(t, s, t.TempDir(), b.r))
	b.ring()
	b.tell(1)
	b.is(deaf, "1 failed 500")
	const state = "SELECT state || ' ' || reason FROM channel WHERE id = ?"
	eventually(t, s, "paused", "SELECT state FROM channel WHERE id = ?", deaf)
	c, err := s.Channel(context.Background(), (&store.Channel{Organisation: b.Organisation}).ScopeOf(), deaf)
	if err != nil || !strings.Contains(c.Reason, "Nothing has arrived since") || !strings.Contains(c.Reason, "It answered with 500") {
		t.Errorf("it is paused because %q (%v)", c.Reason, err)
	}
	b.ring() // nothing more is tried
	b.tell(1)
	eventually(t, s, "0", "SELECT CAST(count(*) AS text) FROM happening WHERE planned_at = 0")
	gone := b.channel(store.Channel{Name: "gone", Shown: "/gone"})
	b.ring()
	b.tell(1)
	b.is(gone, "1 failed 410")
	eventually(t, s, "paused The receiver was removed: it answered with 410.", state, gone)
	b.is(deaf, "1 failed 500")
	b.is(other, "0 - 0")
	if got := b.r.titles("/deaf"); len(got) != 1 {
		t.Errorf("a paused channel got %q", got)
	}
}

// TestDaily holds that a daily channel is told once, of everything.
func TestDaily(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := newBell(t, s)
		id := b.channel(store.Channel{Name: "daily", Shown: "/daily", Rhythm: store.Daily, Hour: 7})
		network := b.channel(store.Channel{Name: "network", Shown: "/network", Rhythm: store.Daily, Hour: 7, Team: b.Network})
		work(t, telling(t, s, t.TempDir(), b.r))
		for range 3 {
			b.ring()
		}
		b.tell(1)
		eventually(t, s, "6", "SELECT CAST(count(*) AS text) FROM channel_happening")
		b.is(id, "0 - 0")
		b.Do(t, "UPDATE channel SET next_at = ?", store.MillisOf(s.Now())-1000)
		b.tell(4)
		got := b.r.wait(t, "/daily", 1)[0]
		if want := s.Now().UTC().Format("2 January") + ": 3 mutes have ended"; !strings.HasSuffix(got.Payload.Title, want) {
			t.Errorf("the day is %q, want %q", got.Payload.Title, want)
		}
		eventually(t, s, "0", "SELECT CAST(count(*) AS text) FROM river_job WHERE kind IN ('tell', 'deliver') AND state NOT IN ('completed', 'cancelled', 'discarded')")
		b.is(id, "1 sent 204")
		b.is(network, "0 - 0") // nothing of it was theirs
		eventually(t, s, "0", "SELECT CAST(count(*) AS text) FROM channel_happening")
		var next store.Millis
		if err := s.DB.NewRaw("SELECT next_at FROM channel WHERE id = ?", id).Scan(context.Background(), &next); err != nil || next.Time().Hour() != 7 || next <= store.MillisOf(s.Now()) {
			t.Errorf("the next one is at %v (%v)", next.Time(), err)
		}
	})
}

// TestWarnMutes holds that the end of a mute is told of before, once.
func TestWarnMutes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := newBell(t, s)
		b.channel(store.Channel{Name: "c", Shown: "/c", Happenings: []notify.Happening{notify.MuteEnding}})
		soon, late := b.Add(t, storetest.Row{Status: "muted", Reason: "risk-accepted"}), b.Add(t, storetest.Row{Status: "muted", Reason: "risk-accepted"})
		now := store.MillisOf(s.Now())
		b.Do(t, "UPDATE finding SET mute_until = ? WHERE id = ?", now+3*b.Day, soon)
		b.Do(t, "UPDATE finding SET mute_until = ? WHERE id = ?", now+30*b.Day, late)
		for range 2 {
			if err := s.WarnMutes(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		work(t, telling(t, s, t.TempDir(), b.r)) // its first task tells
		got := b.r.wait(t, "/c", 1)[0].Payload
		if !strings.HasSuffix(got.Title, ": 1 mute ends soon") || got.Happenings[0].Query != "id:"+soon.String() {
			t.Errorf("it says %+v", got)
		}
		// The next day: that one is known.
		b.Do(t, "UPDATE happening SET at = at - ?", b.Day)
		if err := s.WarnMutes(context.Background()); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := s.DB.NewRaw("SELECT count(*) FROM happening").Scan(context.Background(), &n); err != nil || n != 1 {
			t.Errorf("%d warnings (%v), want 1", n, err)
		}
		time.Sleep(50 * time.Millisecond)
		if got := b.r.titles("/c"); len(got) != 1 {
			t.Errorf("it was told %q", got)
		}
	})
}
