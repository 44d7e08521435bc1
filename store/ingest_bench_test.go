package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// many makes n findings with details of some 2.5 KB each, as real ones have.
func many(n, edition int) []store.Found {
	out := make([]store.Found, n)
	for i := range out {
		name := fmt.Sprintf("1-%020x", i*7919)
		out[i] = issue(name, fmt.Sprintf("1-%020x", i*104729), line(i), file(fmt.Sprintf("modules/m%d/main.tf", i%300)), func(f *store.Found) {
			f.Rule, f.Address = fmt.Sprintf("aws-rule-%d", i%200), fmt.Sprintf("module.m%d.aws_s3_bucket.b[%d]", i%300, i)
			f.Detail = fmt.Appendf(nil, `{"ID":%q,"edition":%d,"text":%q}`, name, edition, strings.Repeat(fmt.Sprintf("resource \"aws_s3_bucket\" \"b%d\" { acl = \"public-read\" } # %x ", i, i*i), 35))
		})
	}
	return out
}

// BenchmarkIngest5000 is how long the transaction takes that takes in a scan of 5,000 findings.
func BenchmarkIngest5000(b *testing.B) {
	for _, engine := range []store.Engine{store.SQLite, store.PostgreSQL} {
		s := storetest.Open(b, storetest.Address(b, engine))
		first, second := many(5000, 1), many(5000, 2)
		one := append([]store.Found{}, first...)
		one[77] = second[77]
		b.Run(string(engine)+"/new", func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				e := newEstate(b, s)
				b.StartTimer()
				e.ingest("main", full(1, first...))
			}
		})
		e := newEstate(b, s)
		e.ingest("main", full(1, first...))
		b.Run(string(engine)+"/unchanged", func(b *testing.B) {
			for range b.N {
				e.ingest("main", full(1, first...))
			}
		})
		b.Run(string(engine)+"/one-changed", func(b *testing.B) {
			for i := range b.N {
				if i%2 == 0 {
					e.ingest("main", full(1, one...))
				} else {
					e.ingest("main", full(1, first...))
				}
			}
		})
		b.Run(string(engine)+"/all-changed", func(b *testing.B) {
			for i := range b.N {
				if i%2 == 0 {
					e.ingest("main", full(1, second...))
				} else {
					e.ingest("main", full(1, first...))
				}
			}
		})
	}
}

// TestIngestTwice holds that what is known already changes no row, not even to the same values.
func TestIngestTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := newEstate(t, s)
		list := many(300, 1)
		e.ingest("main", full(1, list...))
		version := func() string {
			if s.Engine == store.PostgreSQL { // xmin is the transaction that wrote a version of a row
				var text string
				if err := s.DB.NewRaw(`SELECT concat((SELECT max(xmin::text::bigint) FROM finding), ' ', (SELECT max(xmin::text::bigint) FROM presence), ' ', (SELECT max(xmin::text::bigint) FROM branch), ' ',
(SELECT max(xmin::text::bigint) FROM organisation), ' ', (SELECT max(xmin::text::bigint) FROM repository), ' ', (SELECT max(xmin::text::bigint) FROM commit_result), ' ', (SELECT max(xmin::text::bigint) FROM trend), ' ',
(SELECT count(*) FROM event), ' ', (SELECT count(*) FROM blob))`).Scan(context.Background(), &text); err != nil {
					t.Fatal(err)
				}
				return text
			}
			var n int64
			if err := s.Queue.QueryRow("SELECT total_changes()").Scan(&n); err != nil { // of the one connection that writes
				t.Fatal(err)
			}
			return fmt.Sprint(n)
		}
		again := func() {
			if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Ingest(ctx, store.Ingest{Repository: e.repository, Branch: e.branches["main"], Results: []store.Result{full(1, list...)}})
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		before := version()
		again()
		if after := version(); after != before {
			t.Errorf("rows changed: %s before, %s after", before, after)
		}
		list[5] = many(300, 2)[5]
		again()
		if after := version(); after == before {
			t.Error("a change is not seen by this test")
		}
	})
}
