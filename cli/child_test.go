//go:build linux && (amd64 || arm64)

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/jobs"
)

// TestChildProcess is not a test: it is the child of the others, in this same binary.
func TestChildProcess(t *testing.T) {
	what := os.Getenv("PLUMBLINE_TEST_CHILD")
	if what == "" {
		t.Skip("only as a child")
	}
	if what != "scan" {
		fmt.Fprintln(os.Stdout, probe(what))
		os.Exit(0)
	}
	os.Exit(Main(context.Background(), []string{jobs.ChildCommand}, Process()))
}

// childOf is a child in this binary.
func childOf(what string) jobs.ChildOptions {
	return jobs.ChildOptions{Args: []string{"-test.run=^TestChildProcess$"}, Env: []string{"PLUMBLINE_TEST_CHILD=" + what}}
}

// hostile is a bare repository whose commits hold what a test says.
type hostile struct {
	t       *testing.T
	dir     string
	in      bytes.Buffer
	commits []string
}

func newHostile(t *testing.T) *hostile {
	h := &hostile{t: t, dir: filepath.Join(t.TempDir(), "repository.git")}
	h.git("init", "--quiet", "--bare", "--template=", h.dir)
	return h
}

func (h *hostile) git(args ...string) string {
	h.t.Helper()
	cmd := exec.Command("git", append([]string{"--git-dir=" + h.dir}, args...)...)
	cmd.Stdin = &h.in
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit makes a commit on top of the last one; a name that ends in @ is a symbolic link, an empty text removes.
func (h *hostile) commit(files map[string]string) string {
	h.t.Helper()
	fmt.Fprintf(&h.in, "commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata 1\nx\n", 1700000000+len(h.commits))
	if len(h.commits) > 0 {
		fmt.Fprintf(&h.in, "from %s\n", h.commits[len(h.commits)-1])
	}
	for name, text := range files {
		if text == "" {
			fmt.Fprintf(&h.in, "D %q\n", name)
			continue
		}
		mode := "100644"
		if link, ok := strings.CutSuffix(name, "@"); ok {
			mode, name = "120000", link
		}
		fmt.Fprintf(&h.in, "M %s inline %q\ndata %d\n%s\n", mode, name, len(text), text)
	}
	h.git("fast-import", "--quiet")
	id := h.git("rev-parse", "refs/heads/main")
	h.commits = append(h.commits, id)
	return id
}

// scan scans all commits in a child.
func (h *hostile) scan(change func(*jobs.Request)) ([]jobs.CommitResult, []string, error) {
	h.t.Helper()
	q := jobs.Request{GitDir: h.dir}
	for _, id := range h.commits {
		q.Commits = append(q.Commits, jobs.RequestCommit{ID: id})
	}
	if change != nil {
		change(&q)
	}
	var all []jobs.CommitResult
	var held []string
	o := childOf("scan")
	o.Confined = func(how []string) { held = how }
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := jobs.RunChild(ctx, o, q, func(r jobs.CommitResult) error {
		all = append(all, r)
		return nil
	})
	return all, held, err
}

const (
	publicBucket  = "resource \"aws_s3_bucket_acl\" \"a\" {\n  bucket = \"x\"\n  acl    = \"public-read\"\n}\n"
	privateBucket = "resource \"aws_s3_bucket_acl\" \"a\" {\n  bucket = \"x\"\n  acl    = \"private\"\n}\n"
)

func rulesOf(found []jobs.Finding) (ids []string) {
	for _, f := range found {
		ids = append(ids, f.Rule)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func TestChild(t *testing.T) {
	h := newHostile(t)
	h.commit(map[string]string{"main.tf": publicBucket})
	h.commit(map[string]string{"main.tf": "\n\n" + publicBucket})
	h.commit(map[string]string{"README.md": "nothing"})
	h.commit(map[string]string{"main.tf": privateBucket})
	h.commit(map[string]string{"main.tf": publicBucket, "db.tf": "resource \"aws_db_instance\" \"d\" {\n  password = \"hunter2hunter2\"\n  publicly_accessible = true\n  tags = {\n    token = \"hunter2hunter2\"\n  }\n}\n"})
	all, held, err := h.scan(func(q *jobs.Request) {
		q.Commits[0].Fixes = true
		q.Commits[4].Full, q.Commits[4].Snapshot = true, true
		q.Rules = []jobs.RuleSwitch{{Rule: "aws-s3-public-acl", Severity: finding.Critical}}
	})
	if err != nil || len(all) != 5 {
		t.Fatalf("%d results, %v", len(all), err)
	}
	for _, want := range []string{"limits", "seccomp"} {
		if !slices.Contains(held, want) {
			t.Errorf("held by %v, without %s", held, want)
		}
	}
	first := all[0]
	i := slices.IndexFunc(first.Found, func(f jobs.Finding) bool { return f.Rule == "aws-s3-public-acl" })
	if !first.Full || i < 0 {
		t.Fatalf("the first result: %+v", first)
	}
	f := first.Found[i]
	want := &jobs.Excerpt{File: "main.tf", First: 1, Lines: strings.Split(strings.TrimSuffix(publicBucket, "\n"), "\n"), Mark: [2]int{3, 3}}
	want.Lines = append(want.Lines, "")[:len(f.Excerpt.Lines)]
	if diff := cmp.Diff(want, f.Excerpt); diff != "" {
		t.Error(diff)
	}
	if f.Severity != finding.Critical || len(f.Proved) != 1 || !strings.Contains(f.Proved[0].Diff, "-  acl    = \"public-read\"\n+  acl    = \"private\"\n") || len(f.Proved[0].Gates) != 5 {
		t.Errorf("severity %s, proof %+v", f.Severity, f.Proved)
	}
	if moved := all[1]; moved.Full || len(moved.Gone) > 0 || len(moved.Found) != len(first.Found) || moved.Total != first.Total {
		t.Errorf("lines moved: %d found, %d gone, %d in all", len(moved.Found), len(moved.Gone), moved.Total)
	}
	if same := all[2]; len(same.Found)+len(same.Gone) > 0 || same.Total != first.Total {
		t.Errorf("nothing changed: %+v", same)
	}
	if fixed := all[3]; !slices.Contains(fixed.Gone, f.ID) || fixed.Open["critical"] != 0 || all[2].Open["critical"] != 1 {
		t.Errorf("fixed: %+v, open before %v", fixed, all[2].Open)
	}
	last := all[4]
	if !last.Full || len(last.Found) != last.Total || last.Snapshot == nil || len(last.Snapshot.Resources) != 2 {
		t.Fatalf("the last result: full %v, %d of %d, %+v", last.Full, len(last.Found), last.Total, last.Snapshot)
	}
	db := last.Snapshot.Resources[slices.IndexFunc(last.Snapshot.Resources, func(r jobs.Resource) bool { return r.Type == "aws_db_instance" })]
	if db.Exposed != "publicly_accessible is true" || len(db.Tags) != 1 || db.Line != 1 {
		t.Errorf("%+v", db)
	}
	if text := fmt.Sprintf("%+v", all); strings.Contains(text, "hunter2") {
		at := strings.Index(text, "hunter2")
		t.Errorf("a secret is in the results: %s", text[max(0, at-300):at+20])
	}
}

// TestChild_deltas puts the deltas together again and holds them to scans of their own.
func TestChild_deltas(t *testing.T) {
	h := newHostile(t)
	for i := range 6 {
		h.commit(map[string]string{"main.tf": strings.Repeat("\n", i%3) + []string{publicBucket, privateBucket}[i/2%2], fmt.Sprintf("more%d.tf", i%2): strings.ReplaceAll(publicBucket, `"a"`, fmt.Sprintf(`"b%d"`, i))})
	}
	deltas, _, err := h.scan(nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, _, err := h.scan(func(q *jobs.Request) {
		for i := range q.Commits {
			q.Commits[i].Full = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	state := make(map[string]jobs.Finding)
	for i, d := range deltas {
		for _, f := range d.Found {
			state[f.ID] = f
		}
		for _, id := range d.Gone {
			delete(state, id)
		}
		want := make(map[string]jobs.Finding)
		for _, f := range whole[i].Found {
			want[f.ID] = f
		}
		if diff := cmp.Diff(want, state, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("commit %d (-whole +delta):\n%s", i, diff)
		}
	}
}

// TestChild_settings merges the server's settings below the repository's.
func TestChild_settings(t *testing.T) {
	h := newHostile(t)
	h.commit(map[string]string{"main.tf": publicBucket})
	h.commit(map[string]string{".plumbline.yaml": "rules: {aws-s3-public-acl: high}\n"})
	h.commit(map[string]string{".plumbline.yaml": "rules: [broken\n"})
	has := func(r jobs.CommitResult) bool { return slices.Contains(rulesOf(r.Found), "aws-s3-public-acl") }
	full := func(q *jobs.Request) {
		q.Settings = "rules: {aws-s3-public-acl: off}\n"
		for i := range q.Commits {
			q.Commits[i].Full = true
		}
	}
	all, _, err := h.scan(full)
	if err != nil {
		t.Fatal(err)
	}
	if has(all[0]) || !has(all[1]) || has(all[2]) || len(all[2].Mistakes) == 0 || len(all[2].Problems) == 0 || all[2].Problems[0].Location.File != ".plumbline.yaml" || len(all[1].Problems) > 0 || all[1].Coverage.Skipped != 0 || len(all[1].Mistakes) > 0 || !slices.Equal(all[1].Settings, []string{".plumbline.yaml"}) {
		t.Errorf("found %v %v %v, mistakes %v", has(all[0]), has(all[1]), has(all[2]), all[2].Mistakes)
	}
	all, _, err = h.scan(func(q *jobs.Request) {
		full(q)
		q.Rules = []jobs.RuleSwitch{{Rule: "aws-s3-*", Off: true}}
	})
	if err != nil || len(all) != 3 || has(all[1]) {
		t.Errorf("a rule that the server turned off: %d results, %v", len(all), err)
	}
}

func TestChild_hostile(t *testing.T) {
	many := make(map[string]string)
	for i := range 3000 {
		many[fmt.Sprintf("d%d/f%d", i%50, i)] = "x"
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  string // in a problem or the failure
	}{
		"deep parentheses":   {map[string]string{"x.tf": "a = " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000)}, "nest"},
		"deep lists":         {map[string]string{"x.yaml": "kind: Pod\napiVersion: v1\na: " + strings.Repeat("[", 200_000)}, "nest"},
		"comprehension":      {map[string]string{"x.tf": "locals {\n  a = [for a in range(1000): [for b in range(1000): [for c in range(1000): a+b+c]]]\n}\nresource \"aws_s3_bucket_acl\" \"a\" {\n  acl = length(local.a) > 3 ? \"private\" : \"public-read\"\n}\n"}, ""},
		"links":              {map[string]string{"x.tf@": "/etc/passwd", "d@": "../../../../etc", "loop.tf@": "loop.tf", "p.tf@": "/proc/self/environ"}, "symbolic link"},
		"a huge file":        {map[string]string{"x.tf": strings.Repeat("# x\n", 2<<20)}, "more than the limit"},
		"too many files":     {many, "more than 2000 files"},
		"laughs":             {map[string]string{"x.yaml": "apiVersion: v1\nkind: Pod\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"}, "alias"},
		"a chart with loops": {map[string]string{"Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n", "templates/a.yaml": "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}{{ .Files.Get \"/etc/passwd\" }}"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHostile(t)
			h.commit(map[string]string{"ok/main.tf": publicBucket})
			h.commit(c.files)
			all, _, err := h.scan(func(q *jobs.Request) {
				q.Limits.Files, q.Limits.PerCommit, q.Limits.FileBytes = 2000, 10*time.Second, 5<<20
			})
			if err != nil || len(all) != 2 {
				t.Fatalf("%d results, %v", len(all), err)
			}
			said := all[1].Failure
			for _, p := range all[1].Problems {
				said += "\n" + p.Message
			}
			if !strings.Contains(said, c.want) {
				t.Errorf("it says %q", said)
			}
			if text := fmt.Sprintf("%+v", all); strings.Contains(text, "root:") {
				t.Error("/etc/passwd was read")
			}
		})
	}
}

func TestChild_limits(t *testing.T) {
	h := newHostile(t)
	h.commit(map[string]string{"main.tf": publicBucket})
	h.commit(map[string]string{"main.tf": privateBucket})
	limited := func(err error) string {
		e, ok := errors.AsType[*jobs.ChildError](err)
		if !ok {
			return fmt.Sprintf("%v", err)
		}
		return e.Limit
	}
	for limit, change := range map[string]func(*jobs.Request){
		"time":   func(q *jobs.Request) { q.Limits.Wall = time.Millisecond },
		"output": func(q *jobs.Request) { q.Limits.Line = 1000 },
	} {
		if _, _, err := h.scan(change); limited(err) != limit {
			t.Errorf("%s: %v", limit, err)
		}
	}
	// The kernel's limits are tried on a child that does nothing but use things up.
	for what, limit := range map[string]string{"memory": "memory", "processor": "processor time"} {
		q := jobs.Request{GitDir: h.dir, Commits: []jobs.RequestCommit{{ID: h.commits[0]}}, Limits: jobs.ChildLimits{CPU: time.Second}}
		err := jobs.RunChild(context.Background(), childOf(what), q, func(jobs.CommitResult) error { return nil })
		if e, ok := errors.AsType[*jobs.ChildError](err); limited(err) != limit || !ok || e.Commit != h.commits[0] {
			t.Errorf("%s: %v", what, err)
		}
	}
	stop := errors.New("stop")
	q := jobs.Request{GitDir: h.dir, Commits: []jobs.RequestCommit{{ID: h.commits[0]}, {ID: h.commits[1]}}}
	n := 0
	err := jobs.RunChild(context.Background(), childOf("scan"), q, func(jobs.CommitResult) error { n++; return stop })
	if !errors.Is(err, stop) || n != 1 {
		t.Errorf("an error of the receiver: %v after %d", err, n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = jobs.RunChild(ctx, childOf("scan"), q, func(jobs.CommitResult) error { cancel(); return nil })
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ends: %v", err)
	}
	q.Commits = []jobs.RequestCommit{{ID: strings.Repeat("1", 40)}, {ID: h.commits[0]}, {ID: "--output=x"}}
	var failures []bool
	if err := jobs.RunChild(context.Background(), childOf("scan"), q, func(r jobs.CommitResult) error { failures = append(failures, r.Failure != ""); return nil }); err != nil {
		t.Error(err)
	}
	if !slices.Equal(failures, []bool{true, false, true}) {
		t.Errorf("commits that there are not: %v", failures)
	}
	q.GitDir = filepath.Join(t.TempDir(), "nowhere")
	if err := jobs.RunChild(context.Background(), childOf("scan"), q, func(r jobs.CommitResult) error {
		if r.Failure == "" {
			t.Errorf("%+v", r)
		}
		return nil
	}); err == nil {
		t.Log("a repository that there is not fails commit by commit")
	}
}
