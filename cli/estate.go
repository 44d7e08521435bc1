package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"plumbline.dev/plumbline/config"
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
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/internal/ruletest"
	"plumbline.dev/plumbline/modules"
	"plumbline.dev/plumbline/report"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// estateFlags are the flags of every command that reads an estate.
type estateFlags struct {
	vars       varFlags
	exclude    list
	jobs       int
	rules      list
	frameworks list
	severity   string
	noCache    bool
	source     string
	modules    moduleFlags
	anyPages   bool // go on with mistakes in the users' rule pages
}

func (f *estateFlags) declare(c *call) {
	c.set.Var(varFlag{&f.vars, false}, "var", "set an input variable, as `NAME=VALUE`, on top of every set of inputs; repeatable, in order with --var-file")
	c.set.Var(varFlag{&f.vars, true}, "var-file", "read input variables from `FILE`, in place of the sets of inputs beside the code; repeatable")
	c.set.Var(&f.exclude, "exclude", "leave out paths that match `GLOB`; repeatable")
	c.set.StringVar(&f.source, "source", "", "the root module that plans and states were made from is in `DIR` (without it, where the plan lies)")
	c.set.IntVar(&f.jobs, "jobs", 0, "evaluate at most `N` units at once (default one per processor)")
	c.set.BoolVar(&f.noCache, "no-cache", false, "neither read nor write the cache")
	f.modules.declare(c)
}

func (f *estateFlags) declareRules(c *call) {
	c.set.Var((*names)(&f.rules), "rule", "judge only the rule with this `ID`, alias or glob; repeatable, or several with commas")
	c.set.Var((*names)(&f.frameworks), "framework", "judge only rules that serve a control of this `FRAMEWORK`, and report by control; repeatable")
	c.set.StringVar(&f.severity, "severity", "", "judge only rules of this `SEVERITY` and above")
}

// varFlags collects --var and --var-file in the order given.
type varFlags []varArg

type varArg struct {
	text string
	file bool
}

type varFlag struct {
	all  *varFlags
	file bool
}

func (f varFlag) String() string { return "" }

// Set adds one argument.
func (f varFlag) Set(s string) error {
	if !f.file && !strings.Contains(s, "=") {
		return errors.New("write NAME=VALUE")
	}
	*f.all = append(*f.all, varArg{s, f.file})
	return nil
}

// estate is an opened tree with everything that the command line and the settings say about it.
type estate struct {
	tree    *tree
	config  *config.Config
	schema  *schema.Set
	options scan.Options
	fetcher *modules.Fetcher // nil when modules are not fetched
}

// Close releases the tree.
func (e *estate) Close() error { return e.tree.Close() }

// dialects lists the dialects in the order in which they may claim a file.
func dialects(s *schema.Set) []dialect.Dialect {
	return []dialect.Dialect{
		terraform.New(s), terragrunt.New(s), pulumi.New(s), crossplane.New(s),
		github.New(s), gitlab.New(s), azurepipelines.New(s), circleci.New(s), bitbucket.New(s), dependabot.New(s),
		cloudformation.NewServerless(s), cloudformation.New(s), compose.New(s), dockerfile.New(s), ansible.New(s), azure.New(s), azure.NewBicep(s),
		helm.New(s), kustomize.New(s), kubernetes.New(s),
	}
}

// openEstate opens the tree, reads the settings and the rules, and checks names.
func (c *call) openEstate(_ context.Context, f *estateFlags, paths []string) (*estate, error) {
	if f.jobs < 0 {
		return nil, usage("--jobs: %d is not a number of units", f.jobs)
	}
	t, err := c.openTree(paths)
	if err != nil {
		return nil, err
	}
	e, err := c.estateOf(t, f)
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return e, nil
}

func (c *call) estateOf(t *tree, f *estateFlags) (*estate, error) {
	e := &estate{tree: t, schema: schema.Load()}
	fsys := t.FS()
	start := t.Paths[0]
	if info, err := fs.Stat(fsys, start); err == nil && !info.IsDir() {
		start = path.Dir(start)
	}
	var mistakes config.Errors
	var err error
	if e.config, err = config.Load(fsys, start); err != nil {
		var ok bool
		if mistakes, ok = errors.AsType[config.Errors](err); !ok {
			return nil, err
		}
	}
	catalogue := rule.NewCatalogue(e.schema)
	if err := catalogue.AddPrepared(rules.Pages(), rules.Prepared()); err != nil {
		return nil, &failed{code: Failure, text: err.Error()}
	}
	var pages []fs.FS // the users'
	for _, dir := range e.config.Run.RulePages {
		if info, err := fs.Stat(fsys, dir); err != nil || !info.IsDir() {
			return nil, &failed{Usage, fmt.Sprintf("rule-pages in the settings (%s) names %s, and there is no such folder", strings.Join(e.config.Files(), ", "), dir), "plumbline new rule ID --dir " + dir + " writes a first page there"}
		}
		sub, err := fs.Sub(fsys, dir)
		if err != nil {
			return nil, fmt.Errorf("open the rule pages in %s: %w", dir, err)
		}
		if err := catalogue.Add(sub); err != nil {
			return nil, &failed{code: Usage, text: err.Error()}
		}
		pages = append(pages, sub)
	}
	if more, ok := errors.AsType[config.Errors](e.config.Check(known(catalogue))); ok {
		mistakes = append(mistakes, more...)
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	if !f.anyPages {
		if err := e.checkPages(pages); err != nil {
			return nil, err
		}
	}
	only, err := e.only(catalogue, f)
	if err != nil {
		return nil, err
	}
	vars, err := c.vars(f.vars)
	if err != nil {
		return nil, err
	}
	exclude := make([]config.Glob, 0, len(f.exclude))
	for _, pattern := range f.exclude {
		if t.above != "" { // a pattern is written from where the user stands
			pattern = strings.TrimPrefix(strings.TrimPrefix(pattern, "./"), t.above+"/")
		}
		g, err := config.NewGlob(t.base, pattern)
		if err != nil {
			return nil, usage("--exclude %s: %v", pattern, err)
		}
		exclude = append(exclude, g)
	}
	e.options = scan.Options{
		FS: fsys, Dirs: t.Paths, Dialects: dialects(e.schema), Rules: catalogue, Config: e.config, Only: only, Vars: vars,
		Exclude: func(p string) bool {
			return slices.ContainsFunc(exclude, func(g config.Glob) bool { return g.Match(p) })
		},
		Known: known(catalogue), Env: c.Lookup, Jobs: f.jobs, Version: version,
		Decide: scan.Decisions{Today: c.Now},
	}
	if f.source != "" {
		if e.options.Source, err = c.sourceDir(t, f.source); err != nil {
			return nil, err
		}
	}
	if err := c.openModules(e, &f.modules); err != nil {
		return nil, err
	}
	e.options.Cache = c.openCache(e, f, pages)
	for _, id := range f.frameworks {
		framework := scan.Framework{ID: id}
		for _, control := range rules.FrameworkOf(id).Controls {
			framework.Controls = append(framework.Controls, scan.Control{ID: control.ID, Title: control.Title})
		}
		e.options.Controls = append(e.options.Controls, framework)
	}
	return e, nil
}

// sourceDir returns the directory of --source as a path of the tree.
func (c *call) sourceDir(t *tree, dir string) (string, error) {
	p := dir
	if !filepath.IsAbs(p) {
		p = filepath.Join(c.Dir, p)
	}
	p, err := filepath.EvalSymlinks(p)
	if err != nil {
		return "", usage("--source %s cannot be read: %v", dir, unwrapPath(err))
	}
	if info, err := os.Stat(p); err != nil || !info.IsDir() {
		return "", usage("--source %s is not a directory", dir)
	}
	if !inside(t.Dir, p) {
		return "", &failed{Usage, fmt.Sprintf("--source %s is not below %s, which is scanned", dir, t.Dir), "copy the plan into the repository of its source, or run the scan from the directory that holds both"}
	}
	return t.path(p), nil
}

// checkPages compiles the users' own pages, so that a mistake in one is said before anything is scanned.
func (e *estate) checkPages(pages []fs.FS) error {
	if len(pages) == 0 {
		return nil
	}
	own, err := rule.Load(e.schema, pages...)
	if err != nil {
		return &failed{code: Usage, text: err.Error()}
	}
	var lines []string
	for _, p := range own.Check() {
		lines = append(lines, ruletest.Result{Page: p.Path, Line: p.Line, Message: p.Message}.String())
	}
	if len(lines) == 0 {
		return nil
	}
	return &failed{Usage, "rule pages have mistakes\n" + strings.Join(lines, "\n"), "plumbline test runs the pages"}
}

// known answers which names settings may use.
func known(catalogue *rule.Catalogue) config.Known {
	return config.Known{
		Rule: func(name string) (bool, string) { return knownRule(catalogue, name) },
		Framework: func(name string) (bool, string) {
			ids := frameworkIDs()
			return slices.Contains(ids, name), config.Nearest(name, ids)
		},
		Format: func(name string) (bool, string) {
			_, ok := report.Lookup(name)
			return ok, config.Nearest(name, strings.Split(formatNames(), ", "))
		},
	}
}

func frameworkIDs() []string {
	var ids []string
	for _, f := range rules.Frameworks() {
		ids = append(ids, f.ID)
	}
	return ids
}

func knownRule(catalogue *rule.Catalogue, name string) (bool, string) {
	all := catalogue.All()
	ids := make([]string, 0, len(all))
	for _, r := range all {
		if config.MatchRule(name, r.ID, r.Aliases...) {
			return true, ""
		}
		ids = append(ids, r.ID)
	}
	return false, config.Nearest(name, ids)
}

// only is the choice of rules that the command line makes; nil is every rule.
func (e *estate) only(catalogue *rule.Catalogue, f *estateFlags) (func(*rule.Rule) bool, error) {
	var least finding.Severity
	if f.severity != "" {
		if err := least.UnmarshalText([]byte(f.severity)); err != nil {
			return nil, usage("--severity: %v", err)
		}
	}
	for _, name := range f.rules {
		if ok, near := knownRule(catalogue, name); !ok {
			return nil, &failed{Usage, fmt.Sprintf("--rule: there is no rule %q", name), didYouMean(near)}
		}
	}
	for _, id := range f.frameworks {
		if ids := frameworkIDs(); !slices.Contains(ids, id) {
			return nil, &failed{Usage, fmt.Sprintf("--framework: there is no framework %q: use %s", id, strings.Join(ids, ", ")), didYouMean(config.Nearest(id, ids))}
		}
	}
	if least == 0 && len(f.rules) == 0 && len(f.frameworks) == 0 {
		return nil, nil
	}
	return func(r *rule.Rule) bool {
		matches := func(name string) bool { return config.MatchRule(name, r.ID, r.Aliases...) }
		serves := func(id string) bool { return len(r.Controls[id]) > 0 }
		return r.Severity >= least &&
			(len(f.rules) == 0 || slices.ContainsFunc(f.rules, matches)) &&
			(len(f.frameworks) == 0 || slices.ContainsFunc(f.frameworks, serves))
	}, nil
}

func didYouMean(near string) string {
	if near == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", near)
}

// vars reads the files of --var-file, which may lie anywhere: the user named them.
func (c *call) vars(args varFlags) ([]dialect.Var, error) {
	var vars []dialect.Var
	for _, a := range args {
		if !a.file {
			name, text, _ := strings.Cut(a.text, "=")
			vars = append(vars, dialect.Var{Name: strings.TrimSpace(name), Value: text})
			continue
		}
		p := a.text
		if !filepath.IsAbs(p) {
			p = filepath.Join(c.Dir, p)
		}
		content, err := os.ReadFile(p)
		if err != nil {
			return nil, usage("--var-file %s: %v", a.text, unwrapPath(err))
		}
		vars = append(vars, dialect.Var{File: &source.File{Path: filepath.ToSlash(a.text), Bytes: content}})
	}
	return vars, nil
}
