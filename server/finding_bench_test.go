package server_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/store"
)

// benchQueries are what people ask an explorer for: nothing, one facet, several, ranges, globs, words, negations.
var benchQueries = []string{
	"", "status:open", "severity:critical", "severity:>=high status:open", "severity:high,critical -status:fixed", "status:muted", "status:fixed", "verdict:undecided", "has:fix",
	"has:fix severity:critical status:open", "repo:payments/*", "repo:payments/repo-0", "repo:platform/repo-1 status:open", "repo:web/*,data/* severity:high", "team:team-0", "team:none",
	"team:team-1 status:open", "rule:aws-s3-*", "rule:aws-s3-public-0", "-rule:aws-* status:open", "rule:kubernetes-root-1 severity:medium", "category:encryption", "category:network,logging status:open",
	"provider:aws", "provider:azurerm status:open", "-provider:aws", "type:aws_s3_bucket", "type:aws_s3_bucket,aws_instance severity:high", "dialect:terraform", "dialect:kubernetes,helm status:open",
	"file:modules", "file:modules/**", "file:live/prod severity:>=high", "file:*_1.tf", "unit:services/api/deploy", "address:*.aws_instance.*", "address:module.vpc.*", "assignee:me", "assignee:none severity:critical",
	"has:assignee status:open", "reason:false-positive", "reason:risk-accepted,no-fix", "is:new", "is:expiring", "age:>30d status:open", "age:<7d", "first-seen:>=2026-10-01", "first-seen:<2026-01-01 status:open",
	"fixed:>=2026-11-01", "bucket", "open internet", "aws_s3_bucket.logs", "\"through attribute 3\"", "main_1.tf severity:high", "nothing-has-this", "author:\"Author 1*\"", "introduced:>=2026-11-01 status:open",
	"status:open severity:critical provider:aws category:access-control has:fix team:team-0", "-status:fixed -severity:info -provider:docker",
}

// findingServer is a server over a database, used by a person of an organisation.
func findingServer(db *store.Store, organisation, person store.ID, role access.Role) *server.Server {
	return server.New(server.Options{Store: db, Log: slog.New(slog.DiscardHandler), Authenticate: func(*http.Request) (access.Subject, error) {
		return access.Subject{Kind: "person", ID: int64(person), Name: "person-1@example.org", Organisation: int64(organisation), Role: role}, nil
	}})
}

// benchSizes are the findings of three organisations: PLUMBLINE_BENCH=1 asks for a million together, which takes minutes.
func benchSizes() []int {
	if os.Getenv("PLUMBLINE_BENCH") == "" {
		return []int{14_000, 4_000, 2_000}
	}
	return []int{700_000, 200_000, 100_000}
}

// TestFindingSpeed measures lists, facets and side panels with twenty clients that ask without a pause, while findings change, and the
// export of everything. With PLUMBLINE_BENCH=1 it holds the promises for a million findings; without, it only shows that all of it works.
func TestFindingSpeed(t *testing.T) {
	big := os.Getenv("PLUMBLINE_BENCH") != ""
	detail, err := os.ReadFile("testdata/detail.json")
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		sizes := benchSizes()
		start := time.Now()
		made := storetest.Fill(t, db, storetest.Crowd{Organisations: sizes, Detail: detail})
		t.Logf("%v findings made in %v", sizes, time.Since(start))
		before := heap()
		start = time.Now()
		if err := db.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		bytes := 0
		for _, o := range made.Organisations {
			_, n, err := db.Columns(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			bytes += n
		}
		t.Logf("columns: built in %v, %d MB by their own count, heap grew by %d MB", took, bytes>>20, (heap()-before)>>20)
		var handlers []http.Handler
		for _, o := range made.Organisations {
			handlers = append(handlers, findingServer(db, o, 1001, access.Administrator).Handler)
		}
		for _, h := range handlers { // the rules are read when they are first asked for
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/findings/facets", nil))
		}
		for _, c := range []struct {
			name   string
			change time.Duration // how often a finding of each organisation changes; 0 is never
			pause  time.Duration // of a client between requests
		}{{"at rest", 0, 0}, {"one change a second", time.Second, 0}, {"ten changes a second, clients who read for a second", 100 * time.Millisecond, time.Second}} {
			length := 300 * time.Millisecond
			if big {
				length = 20 * time.Second
			}
			busy := processor()
			took := hammer(t, db, made, handlers, c.change, c.pause, length)
			requests := 0
			for _, list := range took {
				requests += len(list)
			}
			t.Logf("%s: %d requests, %v of processor time each, the clients' own and without the database server's", c.name, requests, (processor()-busy)/time.Duration(requests))
			for _, kind := range []string{"list", "facets", "panel"} {
				list := took[kind]
				slices.Sort(list)
				if len(list) == 0 {
					t.Fatalf("no %s was asked for", kind)
				}
				p95 := list[len(list)*95/100]
				t.Logf("%s, %s: %d requests, p50 %v, p95 %v, p99 %v, longest %v", c.name, kind, len(list), list[len(list)/2], p95, list[len(list)*99/100], list[len(list)-1])
				if big && p95 > 100*time.Millisecond {
					t.Errorf("%s, %s: p95 is %v, more than 100 ms", c.name, kind, p95)
				}
			}
		}
		exportAll(t, handlers[0], sizes[0], big)
	})
}

// hammer lets twenty clients ask for a while.
func hammer(t *testing.T, db *store.Store, made storetest.Made, handlers []http.Handler, change, pause, length time.Duration) map[string][]time.Duration {
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var mu sync.Mutex
	took := map[string][]time.Duration{}
	var clients sync.WaitGroup
	var n atomic.Int64
	if change > 0 {
		clients.Go(func() {
			for tick := time.NewTicker(change); ; {
				select {
				case <-ctx.Done():
					tick.Stop()
					return
				case <-tick.C:
				}
				for i, o := range made.Organisations {
					err := db.Quiet(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						var revision int64
						if err := tx.NewRaw("UPDATE organisation SET revision = revision + 1 WHERE id = ? RETURNING revision", o).Scan(ctx, &revision); err != nil {
							return err
						}
						_, err := tx.NewRaw("UPDATE finding SET severity = 6 - severity, revision = ? WHERE id = ?", revision, made.First[i]+store.ID(n.Add(1)%1000)).Exec(ctx)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for client := range 20 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(uint64(client), 7))
			mine := map[string][]time.Duration{}
			if pause > 0 {
				time.Sleep(time.Duration(random.Int64N(int64(pause))))
			}
			for ctx.Err() == nil {
				o := []int{0, 0, 0, 0, 1, 1, 2}[random.IntN(7)]
				q := url.QueryEscape(benchQueries[random.IntN(len(benchQueries))])
				kind, address := "list", "/api/findings?q="+q
				switch random.IntN(4) {
				case 0:
					address += "&sort=" + []string{"first-seen", "rule", "file", "repo", "-severity"}[random.IntN(5)]
				case 1:
					kind, address = "facets", "/api/findings/facets?q="+q
				case 2:
					kind, address = "panel", "/api/findings/"+(made.First[o]+store.ID(random.IntN(benchSizes()[o]))).String()
				}
				w := httptest.NewRecorder()
				start := time.Now()
				handlers[o].ServeHTTP(w, httptest.NewRequest("GET", address, nil))
				mine[kind] = append(mine[kind], time.Since(start))
				if w.Code != 200 {
					t.Errorf("%s: %d %s", address, w.Code, w.Body)
					return
				}
				if pause > 0 {
					time.Sleep(pause)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for kind, list := range mine {
				took[kind] = append(took[kind], list...)
			}
		})
	}
	clients.Wait()
	return took
}

// exportAll takes everything of an organisation out in every format, and watches the memory meanwhile.
func exportAll(t *testing.T, handler http.Handler, size int, big bool) {
	for _, format := range []string{"csv", "json", "sarif"} {
		before := heap()
		w := &countingWriter{header: http.Header{}, before: before}
		start := time.Now()
		handler.ServeHTTP(w, httptest.NewRequest("GET", "/api/findings/export?q=branch:*&format="+format, nil))
		t.Logf("export of %d as %s: %d MB in %v, heap grew by %d MB at most", size, format, w.bytes>>20, time.Since(start), w.most>>20)
		if w.lines < size {
			t.Errorf("%s has %d lines, want %d and some", format, w.lines, size)
		}
		if big && w.most > 64<<20 {
			t.Errorf("export as %s grew by %d MB, more than 64", format, w.most>>20)
		}
	}
}

// countingWriter counts what is written and looks at the heap now and then.
type countingWriter struct {
	header       http.Header
	bytes, lines int
	seen         int
	before, most int64
}

func (w *countingWriter) Header() http.Header { return w.header }
func (w *countingWriter) WriteHeader(int)     {}
func (w *countingWriter) Write(p []byte) (int, error) {
	w.bytes += len(p)
	w.lines += bytes.Count(p, []byte("\n"))
	if w.bytes-w.seen > 32<<20 {
		w.seen = w.bytes
		w.most = max(w.most, heap()-w.before)
	}
	return len(p), nil
}

// processor is how long processors worked for this process. On a machine with other work it says more than a clock.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// heap is how much is in use after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
