package ruletest

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/source"
)

// fileNames are the names of examples whose fence names none.
var fileNames = map[string]string{
	"ansible":             "playbook.yaml",
	"arm":                 "template.json",
	"azure-pipelines":     "azure-pipelines.yml",
	"bicep":               "main.bicep",
	"bitbucket-pipelines": "bitbucket-pipelines.yml",
	"circleci":            ".circleci/config.yml",
	"cloudformation":      "template.yaml",
	"compose":             "compose.yaml",
	"crossplane":          "manifest.yaml",
	"dependabot":          ".github/dependabot.yml",
	"dockerfile":          "Dockerfile",
	"github-actions":      ".github/workflows/ci.yaml",
	"gitlab-ci":           ".gitlab-ci.yml",
	"kubernetes":          "manifest.yaml",
	"pulumi":              "Pulumi.yaml",
	"serverless":          "serverless.yml",
	"terraform":           "main.tf",
	"terragrunt":          "terragrunt.hcl",
}

// mark is the comment at the end of a line that a finding is expected on.
var mark = regexp.MustCompile(`[ \t]*(?:#|//)[ \t]*want(?:[ \t]+(\d+))?[ \t]*$`)

// example is an example of a page made ready.
type example struct {
	rule.Example
	tree fstest.MapFS
	want map[spot]int // findings by place
}

// spot is a line of a file.
type spot struct {
	file string
	line int
}

// examples runs every example of the page.
func (t *tester) examples(ctx context.Context, page []byte) error {
	catalogue, err := rule.Load(t.Schema, fstest.MapFS{path.Base(t.page): &fstest.MapFile{Data: page}})
	if err != nil {
		t.fail(0, "%v", err)
		return nil
	}
	t.failed = make(map[string]bool)
	flagged := make(map[string][]example) // by dialect
	for _, x := range t.rule.Examples {
		line := x.Files[0].Line
		if !slices.ContainsFunc(t.Dialects, func(d dialect.Dialect) bool { return d.Name() == x.Dialect }) {
			t.fail(line-1, "there is no dialect %q", x.Dialect)
			continue
		}
		ready := t.ready(x)
		options := scan.Options{FS: ready.tree, Dialects: t.Dialects, Rules: catalogue, Fixes: t.Fixes && x.Section == rule.Flagged}
		run, err := scan.Run(ctx, options)
		if err != nil {
			return fmt.Errorf("scan the example on line %d of %s: %w", line, t.page, err)
		}
		t.judge(ready, run.Report)
		var mended fstest.MapFS
		if options.Fixes {
			mended = t.mend(ready, run.Report)
		}
		if hasTwin(ready) {
			if err := t.twin(ctx, ready, options, run.Report, mended); err != nil {
				return err
			}
		}
		switch x.Section {
		case rule.Flagged:
			if t.Fixes {
				ready.tree = mended
			}
			flagged[x.Dialect] = append(flagged[x.Dialect], ready)
		case rule.Fixed:
			if len(flagged[x.Dialect]) == 0 {
				t.fail(line, "there are more examples under %s than under %s", rule.Fixed, rule.Flagged)
				continue
			}
			if t.Fixes {
				t.compare(ready, flagged[x.Dialect][0])
			}
			flagged[x.Dialect] = flagged[x.Dialect][1:]
		}
	}
	t.coverage()
	return nil
}

// ready makes the tree of an example and takes the marks out of it.
func (t *tester) ready(x rule.Example) example {
	e := example{Example: x, tree: fstest.MapFS{}, want: map[spot]int{}}
	for i := range e.Files {
		f := &e.Files[i]
		if f.Name == "" {
			f.Name = cmp.Or(fileNames[x.Dialect], "main."+x.Dialect)
		}
		if !fs.ValidPath(f.Name) {
			t.fail(f.Line-1, "%q is not a path inside the example", f.Name)
			continue
		}
		lines := strings.Split(f.Text, "\n")
		for n, line := range lines {
			m := mark.FindStringSubmatchIndex(line)
			if m == nil {
				continue
			}
			count := 1
			if m[2] >= 0 {
				count, _ = strconv.Atoi(line[m[2]:m[3]]) // digits only; too many of them make 0, which no example has
			}
			e.want[spot{f.Name, n + 1}] = count
			lines[n] = line[:m[0]]
		}
		e.tree[f.Name] = &fstest.MapFile{Data: []byte(strings.Join(lines, "\n"))}
	}
	return e
}

// judge compares what a scan of the example found with what its section says.
func (t *tester) judge(e example, r *finding.Report) {
	first := e.Files[0].Line
	for _, p := range r.Problems {
		if p.Kind == source.Unresolved && e.Section == rule.Undecided {
			continue
		}
		t.fail(e.line(p.Location), "the example has a problem: %s", p.Message)
	}
	verdicts := r.Coverage.Verdicts
	if len(verdicts) == 0 && len(r.Problems) == 0 {
		t.fail(first, "the example has no resource that the rule judges")
		return
	}
	for _, f := range slices.Concat(r.Findings, r.Undecided) {
		if _, about := slices.BinarySearch(r.Judged, f.Rule); !about {
			t.fail(e.line(f.Location), "%s is %s, but the page says that the rule is not about it", f.Resource.Address, f.Outcome)
		}
	}
	switch e.Section {
	case rule.Flagged:
		t.places(e, r.Findings)
		for _, f := range r.Findings {
			t.failed[t.rule.RequireOf(f.Resource.Type)] = true
		}
		t.none(e, r.Undecided, "is undecided")
	case rule.Undecided:
		t.none(e, r.Findings, "is flagged")
		if len(r.Undecided) == 0 {
			t.fail(first, "nothing in the example is undecided")
		} else if len(e.want) > 0 {
			t.places(e, r.Undecided)
		}
	default:
		t.none(e, r.Findings, "is flagged")
		t.none(e, r.Undecided, "is undecided")
		for at := range e.want {
			t.fail(e.line(at.location()), "a finding is wanted in an example that must have none")
		}
		if len(r.Findings)+len(r.Undecided)+len(r.Problems) == 0 && verdicts[finding.Pass.String()]+verdicts[finding.Idle] == 0 {
			t.fail(first, "nothing in the example passes")
		}
	}
}

func (t *tester) none(e example, findings []finding.Finding, what string) {
	for _, f := range findings {
		wait := ""
		for _, w := range f.Waits {
			wait += fmt.Sprintf(" (waits for %s)", w.Name)
		}
		t.fail(e.line(f.Location), "%s %s under %s%s", f.Resource.Address, what, e.Section, wait)
	}
}

// places compares the lines of the findings with the marks.
func (t *tester) places(e example, findings []finding.Finding) {
	if len(e.want) == 0 {
		if first := e.Files[0]; path.Ext(first.Name) != ".json" {
			t.fail(first.Line, "nothing is marked: write # want at the end of the line of each finding")
		} else if len(findings) != 1 {
			t.fail(first.Line, "the example has %d findings, and must have one", len(findings))
		}
		return
	}
	got := make(map[spot]int)
	for _, f := range findings {
		at := spot{f.Location.File, f.Location.From.Line}
		if got[at]++; e.want[at] == 0 {
			t.fail(e.line(f.Location), "unexpected finding on %s, for %s", f.Resource.Address, cmp.Or(f.Path, "the resource as a whole"))
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(e.want), func(a, b spot) int {
		return cmp.Or(strings.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	}) {
		if n := got[at]; n == 0 {
			t.fail(e.line(at.location()), "nothing is flagged here")
		} else if n != e.want[at] {
			t.fail(e.line(at.location()), "%d findings here, want %d", n, e.want[at])
		}
	}
}

func (s spot) location() finding.Location {
	return finding.Location{Range: source.Range{File: s.file}, From: source.Position{Line: s.line}}
}

// line is the line of the page that shows a place of the example.
func (e example) line(at finding.Location) int {
	for _, f := range e.Files {
		if f.Name == at.File {
			return f.Line + max(at.From.Line, 1) - 1
		}
	}
	return e.Files[0].Line
}

// coverage reports expressions that no flagged example fails: nobody has seen that they can.
func (t *tester) coverage() {
	for _, typ := range t.rule.On {
		if expression := t.rule.RequireOf(typ); !t.failed[expression] {
			t.failed[expression] = true
			t.fail(t.rule.Line, "no example under %s is flagged by the expression for %s", rule.Flagged, typ)
		}
	}
}
