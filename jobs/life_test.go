package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/kubernetes"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/store"
)

// declared is a resource of a generated estate. key stays when it is renamed or moved.
type declared struct {
	key   int
	kind  string // bucket, group, database, pod
	name  string
	value string // something that only this one has, mostly
}

// text is the declaration, written in one of several manners.
func (d declared) text(manner int) string {
	pad, gap := "  ", ""
	if manner&1 != 0 {
		pad, gap = "      ", "   "
	}
	lead := strings.Repeat("\n", manner>>1&3)
	if manner&8 != 0 {
		lead += "# a remark\n"
	}
	switch d.kind {
	case "bucket":
		return fmt.Sprintf("%sresource \"aws_s3_bucket\" %q {\n%sbucket%s = %q\n%sacl = \"public-read\"\n}\n", lead, d.name, pad, gap, d.value, pad)
	case "group":
		return fmt.Sprintf("%sresource \"aws_security_group\" %q {\n%sdescription = %q\n%singress {\n%s%sfrom_port%s = 22\n%s%sto_port = 22\n%s%sprotocol = \"tcp\"\n%s%scidr_blocks = [\"0.0.0.0/0\"]\n%s}\n}\n",
			lead, d.name, pad, d.value, pad, pad, pad, gap, pad, pad, pad, pad, pad, pad, pad)
	case "database":
		return fmt.Sprintf("%sresource \"aws_db_instance\" %q {\n%sidentifier = %q\n%sengine = \"postgres\"\n%spublicly_accessible%s = true\n}\n", lead, d.name, pad, d.value, pad, pad, gap)
	}
	pad = pad[:2]
	return fmt.Sprintf("%s---\napiVersion: v1\nkind: Pod\nmetadata:\n%sname: %s\n%slabels: {app: %s}\nspec:\n%shostNetwork: %strue\n%scontainers:\n%s- name: a\n%s  image: nginx:latest\n%s  securityContext: {privileged: true}\n",
		lead, pad, d.name, pad, d.value, pad, gap, pad, pad, pad, pad)
}

func (d declared) ending() string {
	if d.kind == "pod" {
		return ".yaml"
	}
	return ".tf"
}

// land is a generated estate: files with their declarations in order.
type land struct {
	files  map[string][]declared
	manner map[int]int
	next   int
}

func (l *land) tree() fstest.MapFS {
	out := fstest.MapFS{}
	for name, list := range l.files {
		var b strings.Builder
		for _, d := range list {
			b.WriteString(d.text(l.manner[d.key]))
		}
		out[name] = &fstest.MapFile{Data: []byte(b.String())}
	}
	return out
}

func (l *land) names() []string { return slices.Sorted(maps.Keys(l.files)) }

// draw generates an estate.
func draw(t *rapid.T) *land {
	l := &land{files: map[string][]declared{}, manner: map[int]int{}}
	for i := range rapid.IntRange(2, 4).Draw(t, "files") {
		kinds, ending := []string{"bucket", "group", "database"}, ".tf"
		if i == 0 {
			kinds, ending = []string{"pod"}, ".yaml"
		}
		name := fmt.Sprintf("f%d%s", i, ending)
		for range rapid.IntRange(2, 5).Draw(t, "resources") {
			l.next++
			value := fmt.Sprintf("value-%d", l.next)
			if rapid.IntRange(0, 49).Draw(t, "alike") == 0 {
				value = "alike"
			}
			l.files[name] = append(l.files[name], declared{l.next, rapid.SampledFrom(kinds).Draw(t, "kind"), fmt.Sprintf("r%d", l.next), value})
		}
	}
	return l
}

// change changes the estate in one manner, which it returns.
func (l *land) change(t *rapid.T) string {
	name := rapid.SampledFrom(l.names()).Draw(t, "file")
	i := rapid.IntRange(0, len(l.files[name])-1).Draw(t, "resource")
	d := l.files[name][i]
	switch what := rapid.SampledFrom([]string{"lines", "file", "block", "rename"}).Draw(t, "change"); what {
	case "lines":
		for _, d := range l.files[name] {
			l.manner[d.key] = rapid.IntRange(0, 15).Draw(t, "manner")
		}
		return what
	case "file":
		l.next++
		l.files[fmt.Sprintf("g%d%s", l.next, d.ending())] = l.files[name]
		delete(l.files, name)
		return what
	case "block":
		var others []string
		for _, o := range l.names() {
			if o != name && strings.HasSuffix(o, d.ending()) {
				others = append(others, o)
			}
		}
		if len(others) == 0 || len(l.files[name]) == 1 {
			return "file"
		}
		to := rapid.SampledFrom(others).Draw(t, "to")
		l.files[name] = slices.Delete(slices.Clone(l.files[name]), i, i+1)
		l.files[to] = append(slices.Clone(l.files[to]), d)
		return "file"
	default:
		l.next++
		list := slices.Clone(l.files[name])
		list[i].name = fmt.Sprintf("n%d", l.next)
		l.files[name] = list
		return what
	}
}

// spot is a finding by what does not change when its resource is renamed or moved.
type spot struct {
	key             int
	rule, attribute string
}

// TestLife holds that findings of real scans keep their rows when lines move and files are renamed, and nearly always when blocks are
// renamed or move: what is lost otherwise is mutes, age and tickets.
func TestLife(t *testing.T) {
	set := schema.Load()
	catalogue := rule.NewCatalogue(set)
	if err := catalogue.AddPrepared(rules.Pages(), rules.Prepared()); err != nil {
		t.Fatal(err)
	}
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	kept, lost := map[string]int{}, map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		l := draw(t)
		w := &watch{t: t, store: s, options: scan.Options{Dialects: []dialect.Dialect{terraform.New(set), kubernetes.New(set)}, Rules: catalogue}}
		w.begin()
		before := w.look(l)
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			what := l.change(t)
			after := w.look(l)
			if len(after) != len(before) {
				t.Fatalf("%s: %d findings became %d", what, len(before), len(after))
			}
			for at, id := range before {
				if after[at] == id {
					kept[what]++
				} else {
					lost[what]++
				}
			}
			before = after
		}
	})
	for what, least := range map[string]float64{"lines": 1, "file": 0.99, "rename": 0.95} {
		share := float64(kept[what]) / float64(kept[what]+lost[what])
		t.Logf("%s: %d of %d findings kept (%.2f %%)", what, kept[what], kept[what]+lost[what], 100*share)
		if kept[what] == 0 || share < least {
			t.Errorf("%s: %.2f %% are less than %.0f %%", what, 100*share, 100*least)
		}
	}
}

// watch ingests scans of an estate into a repository of its own.
type watch struct {
	t                                *rapid.T
	store                            *store.Store
	options                          scan.Options
	organisation, repository, branch store.ID
	n                                int
}

func (w *watch) begin() {
	w.organisation, w.repository, w.branch = w.store.NewID(), w.store.NewID(), w.store.NewID()
	if err := w.store.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		for _, q := range []struct {
			text string
			args []any
		}{
			{"INSERT INTO organisation (id, name, revision, created_at) VALUES (?, ?, 0, 1)", []any{w.organisation, w.organisation.String()}},
			{"INSERT INTO repository (id, organisation, name, address, created_at) VALUES (?, ?, 'a', '', 1)", []any{w.repository, w.organisation}},
			{"INSERT INTO branch (id, repository, name, head, is_default, head_at) VALUES (?, ?, 'main', 'h', 1, 1)", []any{w.branch, w.repository}},
		} {
			if _, err := tx.NewRaw(q.text, q.args...).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
}

// look scans the estate, takes the result in, and returns the rows of the findings.
func (w *watch) look(l *land) map[spot]store.ID {
	w.t.Helper()
	w.n++
	o := w.options
	o.FS = l.tree()
	run, err := scan.Run(context.Background(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	result := store.Result{Commit: store.CommitInfo{SHA: fmt.Sprintf("%040d", w.n), Parent: fmt.Sprintf("%040d", w.n-1), At: store.Millis(w.n)}, Full: true}
	for _, f := range append(run.Report.Findings, run.Report.Undecided...) {
		one, err := foundOf(&Finding{Finding: f})
		if err != nil {
			w.t.Fatal(err)
		}
		result.Found = append(result.Found, *one)
	}
	if err := w.store.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Ingest(ctx, store.Ingest{Repository: w.repository, Branch: w.branch, Results: []store.Result{result}})
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	keys := map[string]int{}
	for _, list := range l.files {
		for _, d := range list {
			keys[d.name] = d.key
		}
	}
	var rows []struct {
		ID                       store.ID
		Rule, Attribute, Address string
	}
	if err := w.store.DB.NewRaw("SELECT id, rule, attribute, address FROM finding WHERE repository = ? AND status <> 'fixed'", w.repository).Scan(context.Background(), &rows); err != nil {
		w.t.Fatal(err)
	}
	if len(rows) != len(result.Found) {
		w.t.Fatalf("%d findings are open, the scan has %d", len(rows), len(result.Found))
	}
	out := map[spot]store.ID{}
	for _, r := range rows {
		key, ok := 0, false
		for _, word := range strings.FieldsFunc(r.Address, func(c rune) bool { return strings.ContainsRune("./ \"[]", c) }) {
			if k, is := keys[word]; is {
				key, ok = k, true
			}
		}
		if !ok {
			w.t.Fatalf("nobody declares %s", r.Address)
		}
		at := spot{key, r.Rule, r.Attribute}
		if out[at] != 0 {
			w.t.Fatalf("two findings of %s at %s of %s", r.Rule, r.Attribute, r.Address)
		}
		out[at] = r.ID
	}
	return out
}
