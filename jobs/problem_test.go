package jobs_test

import (
	"context"
	"path/filepath"
	"testing"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/store"
)

// TestSettingsWithMistakes holds that settings which do not count are a problem of the repository until they are mended.
func TestSettingsWithMistakes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		q, err := jobs.NewQueue(context.Background(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := newGitRepo(t)
		r.commit(map[string]string{"a.tf": "bad one\n"})
		organisation, repository := connect(t, s, q, r.dir)
		o := options(t, s, r.dir)
		first := true
		o.Child = func(ctx context.Context, r jobs.Request, take func(jobs.CommitResult) error) error {
			return lineChild(0)(ctx, r, func(c jobs.CommitResult) error {
				if first {
					c.Mistakes, first = []string{".plumbline.yaml:2:1: no key rulez"}, false
				}
				return take(c)
			})
		}
		work(t, o)
		problem := "SELECT problem FROM repository WHERE id = ?"
		eventually(t, s, "The settings in the newest commit of main do not count, because of a mistake in them: .plumbline.yaml:2:1: no key rulez", problem, repository)
		r.commit(map[string]string{"b.tf": "good\n"})
		ask(t, s, q, jobs.Job{What: jobs.Fetch, Organisation: organisation, Repository: repository})
		eventually(t, s, "", problem, repository)
	})
}

// TestLastingProblem holds that a fetch which somebody has to mend first is tried once.
func TestLastingProblem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		q, err := jobs.NewQueue(context.Background(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := newGitRepo(t)
		_, repository := connect(t, s, q, filepath.Join(r.dir, "elsewhere"))
		work(t, options(t, s, r.dir))
		eventually(t, s, "discarded 1", "SELECT CAST(state AS text) || ' ' || CAST(attempt AS text) FROM river_job WHERE kind = 'fetch' AND args ->> 'repository' = ?", repository.String())
	})
}
