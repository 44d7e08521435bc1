package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/notify"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/store"
)

// receiver is a webhook's end: it keeps what arrives, and answers as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []arrival
	answer func(n int) int // status for the n-th request, from 0
}

type arrival struct {
	ID        string
	Path      string
	Signature string
	Stamp     string
	Body      []byte
	Payload   struct {
		Title, Channel, Repository, Commit string
		Happenings                         []struct {
			Happening, Text, Query, URL string
			Count                       int
			Severities                  map[string]int
			Findings                    []struct{ ID, Title, Address, File string }
		}
	}
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{answer: func(int) int { return 204 }}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		a := arrival{ID: q.Header.Get("Webhook-Id"), Path: q.URL.Path, Signature: q.Header.Get("Webhook-Signature"), Stamp: q.Header.Get("Webhook-Timestamp"), Body: body}
		_ = json.Unmarshal(body, &a.Payload)
		r.mu.Lock()
		n := len(r.got)
		r.got = append(r.got, a)
		r.mu.Unlock()
		w.WriteHeader(r.answer(n))
	}))
	t.Cleanup(r.Close)
	return r
}

// titles are what arrived at a path, in the order of arrival.
func (r *receiver) titles(path string) (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.got {
		if a.Path == path {
			out = append(out, a.Payload.Title)
		}
	}
	return out
}

// wait waits until so many messages have arrived at a path, and returns them.
func (r *receiver) wait(t testing.TB, path string, n int) (out []arrival) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		r.mu.Lock()
		out = slices.DeleteFunc(slices.Clone(r.got), func(a arrival) bool { return a.Path != path })
		r.mu.Unlock()
		if len(out) >= n {
			return out
		}
	}
	t.Fatalf("%s got %d messages, want %d", path, len(out), n)
	return nil
}

// telling are options of a process that sends: addresses of channels are kept as they are, so that tests can read them.
func telling(t testing.TB, s *store.Store, dir string, r *receiver) jobs.Options {
	t.Helper()
	o := options(t, s, dir)
	u, _ := url.Parse(r.URL)
	hosts, err := outbound.Parse([]string{u.Host}, "--outbound-hosts")
	if err != nil {
		t.Fatal(err)
	}
	o.Send = notify.NewSender(notify.Sender{Hosts: hosts, Base: "https://plumbline.example.org"})
	o.OpenChannel = func(c *store.Channel) (string, string, error) { return string(c.Target), string(c.Secret), nil }
	return o
}

// secret signs the webhooks of tests.
var secret = notify.NewSecret()

// channel adds a channel that leads to a path of the receiver.
func channel(t testing.TB, s *store.Store, r *receiver, organisation store.ID, c store.Channel) store.ID {
	t.Helper()
	c.ID, c.Kind, c.State, c.Target, c.Secret, c.CreatedBy = s.NewID(), notify.Webhook, "active", []byte(r.URL+c.Shown), []byte(secret), "test"
	if c.Happenings == nil {
		c.Happenings = notify.Happenings
	}
	if c.Rhythm == "" {
		c.Rhythm = store.PerScan
	}
	err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.SetChannel(ctx, access.Scope{Organisation: int64(organisation), All: true}, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

const deliveries = "SELECT count(*) || ' ' || coalesce(min(state), '-') || ' ' || coalesce(max(status), 0) FROM delivery WHERE channel = ?"

// TestTell scans a repository through its life, and holds what channels are told of it.
func TestTell(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		q, err := jobs.NewQueue(context.Background(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		git := newGitRepo(t)
		var many strings.Builder
		for i := range 30 {
			fmt.Fprintf(&many, "bad b%d\n", i)
		}
		git.commit(map[string]string{"a.tf": many.String()})
		r := newReceiver(t)
		organisation, repository := connect(t, s, q, git.dir)
		network, platform := s.NewID(), s.NewID()
		do := func(query string, args ...any) {
			t.Helper()
			if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.NewRaw(query, args...).Exec(ctx)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		do("INSERT INTO team (id, organisation, name, created_at) VALUES (?, ?, 'network', 1), (?, ?, 'platform', 1)", network, organisation, platform, organisation)
		do("INSERT INTO ownership (id, organisation, team, repository, path, position) VALUES (?, ?, ?, NULL, 'net.tf', 1)", s.NewID(), organisation, network)
		channel(t, s, r, organisation, store.Channel{Name: "all", Shown: "/all"})
		channel(t, s, r, organisation, store.Channel{Name: "severe", Shown: "/severe", Filter: "severity:critical"})
		channel(t, s, r, organisation, store.Channel{Name: "fixes", Shown: "/fixes", Happenings: []notify.Happening{notify.Fixed}})
		channel(t, s, r, organisation, store.Channel{Name: "topic", Shown: "/topic", Filter: "branch:topic"})
		channel(t, s, r, organisation, store.Channel{Name: "network", Shown: "/network", Team: network})
		channel(t, s, r, organisation, store.Channel{Name: "platform", Shown: "/platform", Team: platform})
		paused := channel(t, s, r, organisation, store.Channel{Name: "paused", Shown: "/paused"})
		do("UPDATE channel SET state = 'paused' WHERE id = ?", paused)
		work(t, telling(t, s, git.dir, r))
		fetch := func() {
			t.Helper()
			ask(t, s, q, jobs.Job{What: jobs.Fetch, Organisation: organisation, Repository: repository})
		}

		// The first scan is one line, however many findings there are.
		first := r.wait(t, "/all", 1)[0]
		if got, want := first.Payload.Title, "infra: scanned for the first time, 30 open"; got != want {
			t.Errorf("the first scan is told as %q, want %q", got, want)
		}
		if g := first.Payload.Happenings[0]; len(g.Findings) != 0 || g.Count != 30 || g.Query != "status:open repo:infra" {
			t.Errorf("the first scan: %+v", g)
		}

		// One message for a scan of several commits: the worst ten, and the address of exactly these.
		git.commit(map[string]string{"net.tf": "bad n1\nbad n2\n"})
		git.commit(map[string]string{"a.tf": strings.Replace(many.String(), "bad b7\n", "", 1)})
		var more strings.Builder
		for i := range 12 {
			fmt.Fprintf(&more, "bad c%d\n", i)
		}
		last := git.commit(map[string]string{"c.tf": more.String()})
		fetch()
		second := r.wait(t, "/all", 2)[1]
		if got, want := second.Payload.Title, "infra: 14 new, 1 fixed"; got != want {
			t.Errorf("the second scan is told as %q, want %q", got, want)
		}
		if second.Payload.Commit != last {
			t.Errorf("the commit is %s, want %s", second.Payload.Commit, last)
		}
		g := second.Payload.Happenings[0]
		if len(g.Findings) != notify.MaxItems || g.Count != 14 || len(strings.Split(strings.TrimPrefix(g.Query, "id:"), ",")) != 14 || !strings.HasPrefix(g.URL, "https://plumbline.example.org/findings?q=id%3A") {
			t.Errorf("new findings: %+v", g)
		}
		if diff := cmp.Diff(map[string]int{"high": 14}, g.Severities); diff != "" {
			t.Error(diff)
		}
		at := second.stamp(t)
		if want, err := notify.Sign(secret, second.ID, at, second.Body); err != nil || want != second.Signature {
			t.Errorf("the signature is %s, want %s (%v)", second.Signature, want, err)
		}
		r.wait(t, "/fixes", 1)
		net := r.wait(t, "/network", 1)[0]
		if got, want := net.Payload.Title, "infra: 2 new"; got != want {
			t.Errorf("the team is told %q, want %q", got, want)
		}
		for _, f := range net.Payload.Happenings[0].Findings {
			if f.File != "net.tf" {
				t.Errorf("the team is told of %+v, which is not theirs", f)
			}
		}

		// What is on a branch is told of to who asks for branches.
		git.git("checkout", "-q", "-b", "topic")
		git.commit(map[string]string{"d.tf": "bad d1\n"})
		fetch()
		r.wait(t, "/topic", 1)
		git.commit(map[string]string{"d.tf": "bad d1\nbad d2\n"})
		fetch()
		if got := r.wait(t, "/topic", 2)[1].Payload.Title; got != "infra (topic): 1 new" {
			t.Errorf("the branch is told as %q", got)
		}

		// What comes back, and what is wrong with the repository.
		git.git("checkout", "-q", "main")
		git.commit(map[string]string{"a.tf": many.String()})
		fetch()
		if got := r.wait(t, "/all", 3)[2].Payload.Title; got != "infra: 1 open again" {
			t.Errorf("what comes back is told as %q", got)
		}
		for range 6 {
			git.commit(map[string]string{"z.tf": "bad killer\n"}) // its child always dies
		}
		fetch()
		failed := r.wait(t, "/all", 4)[3]
		if got := failed.Payload.Happenings[len(failed.Payload.Happenings)-1]; got.Happening != "scan-failed" || !strings.Contains(got.Text, "could not be scanned") && !strings.Contains(got.Text, "memory") {
			t.Errorf("a failed scan is told as %+v", failed.Payload)
		}
		r.wait(t, "/network", 2) // the repository is theirs in part
		if diff := cmp.Diff([]string{"infra: scanned for the first time, 30 open", "infra: 14 new, 1 fixed", "infra: 1 open again", failed.Payload.Title}, r.titles("/all")); diff != "" {
			t.Error(diff)
		}
		for path, want := range map[string]int{"/severe": 1, "/platform": 0, "/paused": 0, "/fixes": 1} {
			if got := r.titles(path); len(got) != want && !(path == "/severe" && len(got) == 1 && strings.Contains(got[0], "failed")) {
				t.Errorf("%s got %q, want %d", path, got, want)
			}
		}
	})
}

// stamp is the time in the header.
func (a arrival) stamp(t testing.TB) time.Time {
	t.Helper()
	var at int64
	if _, err := fmt.Sscan(a.Stamp, &at); err != nil {
		t.Fatalf("the timestamp %q: %v", a.Stamp, err)
	}
	return time.Unix(at, 0)
}
