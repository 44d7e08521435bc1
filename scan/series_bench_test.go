package scan_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/ansible"
	"plumbline.dev/plumbline/dialects/azure"
	"plumbline.dev/plumbline/dialects/cloudformation"
	"plumbline.dev/plumbline/dialects/crossplane"
	"plumbline.dev/plumbline/dialects/docker/compose"
	"plumbline.dev/plumbline/dialects/docker/dockerfile"
	"plumbline.dev/plumbline/dialects/helm"
	"plumbline.dev/plumbline/dialects/kubernetes"
	"plumbline.dev/plumbline/dialects/kustomize"
	azurepipelines "plumbline.dev/plumbline/dialects/pipelines/azure"
	"plumbline.dev/plumbline/dialects/pipelines/bitbucket"
	"plumbline.dev/plumbline/dialects/pipelines/circleci"
	"plumbline.dev/plumbline/dialects/pipelines/dependabot"
	"plumbline.dev/plumbline/dialects/pipelines/github"
	"plumbline.dev/plumbline/dialects/pipelines/gitlab"
	"plumbline.dev/plumbline/dialects/pulumi"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/dialects/terragrunt"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// everyDialect is the list of the command line.
func everyDialect(s *schema.Set) []dialect.Dialect {
	return []dialect.Dialect{
		terraform.New(s), terragrunt.New(s), pulumi.New(s), crossplane.New(s),
		github.New(s), gitlab.New(s), azurepipelines.New(s), circleci.New(s), bitbucket.New(s), dependabot.New(s),
		cloudformation.NewServerless(s), cloudformation.New(s), compose.New(s), dockerfile.New(s), ansible.New(s), azure.New(s), azure.NewBicep(s),
		helm.New(s), kustomize.New(s), kubernetes.New(s),
	}
}

// everything is what the program scans with.
func everything(t testing.TB) scan.Options {
	t.Helper()
	set := schema.Load()
	catalogue := rule.NewCatalogue(set)
	if err := catalogue.AddPrepared(rules.Pages(), rules.Prepared()); err != nil {
		t.Fatal(err)
	}
	return scan.Options{Dialects: everyDialect(set), Rules: catalogue}
}

// gitRun runs git on a repository.
func gitRun(t testing.TB, dir string, in []byte, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"--git-dir=" + dir}, args...)...)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// history is a bare repository that is written commit by commit.
type history struct {
	t    testing.TB
	dir  string
	in   bytes.Buffer
	made int
}

func newHistory(t testing.TB) *history {
	h := &history{t: t, dir: filepath.Join(t.TempDir(), "history.git")}
	gitRun(t, h.dir, nil, "init", "--quiet", "--bare", "--template=", h.dir)
	return h
}

// commit adds a commit: the files that are not nil are written, the others removed. A name that ends in @ is a symbolic link.
func (h *history) commit(files map[string][]byte) {
	h.made++
	fmt.Fprintf(&h.in, "commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata 1\nx\n", 1700000000+h.made)
	for name, text := range files {
		if text == nil {
			fmt.Fprintf(&h.in, "D %q\n", name)
			continue
		}
		mode := "100644"
		if link, ok := strings.CutSuffix(name, "@"); ok {
			mode, name = "120000", link
		}
		fmt.Fprintf(&h.in, "M %s inline %q\ndata %d\n%s\n", mode, name, len(text), text)
	}
}

// commits writes the history and returns the commits, the oldest first.
func (h *history) commits() []string {
	h.t.Helper()
	gitRun(h.t, h.dir, h.in.Bytes(), "fast-import", "--quiet")
	return strings.Fields(gitRun(h.t, h.dir, nil, "rev-list", "--reverse", "refs/heads/main"))
}

// BenchmarkSeries scans whole histories with every rule and dialect, and reports commits a second after the first one: our own
// history where the benchmark runs in a clone, and histories of small edits that are made of the estates of PLUMBLINE_CORPUS.
func BenchmarkSeries(b *testing.B) {
	type past struct {
		name, dir string
		commits   []string
	}
	var all []past
	if own, err := exec.Command("git", "rev-parse", "--absolute-git-dir").Output(); err == nil {
		dir := strings.TrimSpace(string(own))
		all = append(all, past{"own", dir, strings.Fields(gitRun(b, dir, nil, "rev-list", "--reverse", "HEAD"))})
	}
	if corpus := os.Getenv("PLUMBLINE_CORPUS"); corpus != "" {
		entries, err := os.ReadDir(corpus)
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() {
				h := newHistory(b)
				synthesise(b, h, os.DirFS(filepath.Join(corpus, e.Name())), 500)
				all = append(all, past{e.Name(), h.dir, h.commits()})
			}
		}
	}
	for _, p := range all {
		b.Run(p.name, func(b *testing.B) {
			for b.Loop() {
				o := everything(b)
				objects, err := source.OpenGitObjects(context.Background(), p.dir, 0)
				if err != nil {
					b.Fatal(err)
				}
				series := scan.NewSeries(o)
				var first, start time.Time
				first = time.Now()
				findings := 0
				used := cpu(b)
				for i, c := range p.commits {
					if i == 1 {
						start, used = time.Now(), cpu(b)
					}
					tree, err := objects.Tree(c)
					if err != nil {
						b.Fatal(err)
					}
					result, err := series.Scan(context.Background(), tree, scan.Ask{})
					if err != nil {
						b.Log(c, err)
						continue
					}
					findings = len(result.Report.Findings)
				}
				n := float64(len(p.commits) - 1)
				b.ReportMetric(n/time.Since(start).Seconds(), "commits/s")
				b.ReportMetric(float64(cpu(b)-used)/1e6/n, "cpu-ms/commit")
				b.ReportMetric(start.Sub(first).Seconds()*1000, "first-ms")
				b.ReportMetric(float64(findings), "findings")
				objects.Close()
			}
		})
	}
}
