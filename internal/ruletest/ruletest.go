// Package ruletest runs rule pages as tests: what a page shows as flagged must be flagged, at the lines it says; what it shows
// as not flagged must be judged and pass; what it shows as undecided must stay undecided; and its fixed text must be what the
// fix writes.
//
// The line of a finding is marked by a comment at its end: # want (or // want; a number behind it says how many findings).
// The marks are taken out before the example is scanned, so that line and column numbers stay and fixes see clean text. JSON
// has no comments: an example in it must have one finding, anywhere.
//
// The same code tests the catalogue (rules/rules_test.go) and users' pages (plumbline test). It returns its results as data.
package ruletest

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/schema"
)

// Options is what pages are run with.
type Options struct {
	Schema   *schema.Set
	Dialects []dialect.Dialect
	Control  func(framework, id string) bool // whether a control exists; nil means every one does
	Fixes    bool                            // compare the text under Fixed with what the fix writes
}

// Result is something wrong with a page.
type Result struct {
	Page    string // path in the tree of pages
	Line    int    // from 1; 0 when it is about the page as a whole
	Message string
}

func (r Result) String() string {
	if r.Line == 0 {
		return fmt.Sprintf("%s: %s", r.Page, r.Message)
	}
	return fmt.Sprintf("%s:%d: %s", r.Page, r.Line, r.Message)
}

// Names lists the pages of a tree, sorted: every Markdown file except README.md.
func Names(pages fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(pages, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Ext(name) == ".md" && !strings.EqualFold(d.Name(), "README.md") {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// Run tests every page of a tree and what must hold between them. The error is about the tree or ctx; what is wrong with the
// pages is in the results, sorted by page and line.
func Run(ctx context.Context, pages fs.FS, o Options) ([]Result, error) {
	names, err := Names(pages)
	if err != nil {
		return nil, err
	}
	results, err := Between(pages)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		more, err := Page(ctx, pages, name, o)
		if err != nil {
			return nil, err
		}
		results = append(results, more...)
	}
	return tidy(results), nil
}

// Between tests what must hold between the pages of a tree: ids are unique, also among the aliases of other rules. Another
// scanner's id may be the alias of several rules, because that scanner may check at once what we tell apart.
func Between(pages fs.FS) ([]Result, error) {
	names, err := Names(pages)
	if err != nil {
		return nil, err
	}
	var results []Result
	ids := make(map[string]string)
	parsed := make(map[string]*rule.Rule)
	for _, name := range names {
		text, err := fs.ReadFile(pages, name)
		if err != nil {
			return nil, err
		}
		r, _ := rule.Parse(name, text)
		parsed[name] = r
		if other, known := ids[r.ID]; known && r.ID != "" {
			results = append(results, Result{Page: name, Message: fmt.Sprintf("the id %s is already the one of %s", r.ID, other)})
			continue
		}
		ids[r.ID] = name
	}
	for _, name := range names {
		for _, alias := range parsed[name].Aliases {
			if other, known := ids[strings.ToLower(alias)]; known {
				results = append(results, Result{Page: name, Message: fmt.Sprintf("the alias %s is the id of %s", alias, other)})
			}
		}
	}
	return results, nil
}

// Page tests one page.
func Page(ctx context.Context, pages fs.FS, name string, o Options) ([]Result, error) {
	text, err := fs.ReadFile(pages, name)
	if err != nil {
		return nil, err
	}
	r, problems := rule.Parse(name, text)
	t := &tester{Options: o, page: name, rule: r}
	for _, p := range problems {
		t.fail(p.Line, "%s", p.Message)
	}
	if len(problems) > 0 {
		return t.results, nil
	}
	t.manners()
	programs, problems := rule.Compile(r, o.Schema)
	for _, p := range problems {
		t.fail(p.Line, "%s", p.Message)
	}
	if len(problems) > 0 {
		return t.results, nil
	}
	for _, p := range programs {
		t.extremes(p)
	}
	if err := t.examples(ctx, text); err != nil {
		return nil, err
	}
	return tidy(t.results), nil
}

// tidy sorts results by page, line and message and drops repetitions: two types may say the same of one page.
func tidy(results []Result) []Result {
	slices.SortFunc(results, func(a, b Result) int {
		return cmp.Or(strings.Compare(a.Page, b.Page), cmp.Compare(a.Line, b.Line), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(results)
}

// tester tests one page.
type tester struct {
	Options
	page    string
	rule    *rule.Rule
	failed  map[string]bool // expressions that an example under Flagged failed by
	results []Result
}

func (t *tester) fail(line int, format string, args ...any) {
	t.results = append(t.results, Result{Page: t.page, Line: line, Message: fmt.Sprintf(format, args...)})
}
