// Package azure evaluates Azure's templates: JSON ("arm") and Bicep ("bicep"), as a deployment would, without a subscription.
//
// A template is found (recognise.go), read (template.go), and evaluated lazily: parameters, variables and outputs when an
// expression asks for them (scope.go), expressions (expression.go, call.go) over the template functions (function.go and
// what stands beside it), resources by instance of their loops (instance.go), nested deployments as modules (nested.go).
// Both languages come to the same neutral form, resources in Azure's words, which package translate carries to Terraform's
// (deployment.go).
//
// The language: https://learn.microsoft.com/azure/azure-resource-manager/templates/syntax
package azure

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
)

// New returns the dialect of JSON templates. The schema gives the words that rules are written in.
func New(s *schema.Set) dialect.Dialect { return arm{set: s, table: translate.New(s, "arm")} }

type arm struct {
	set   *schema.Set
	table *translate.Table
}

// Name returns "arm".
func (arm) Name() string { return "arm" }

// Claims takes templates and files of parameters.
func (arm) Claims(file string, content func() []byte) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".json", ".jsonc", ".template", ".azrm":
		return recognise(file, content()) != foreign
	}
	return false
}

// estate is the opened files. Its fields are written by Open and With and only read afterwards, but for what mu guards.
type estate struct {
	set       *schema.Set
	table     *translate.Table
	workspace *dialect.Workspace
	limits    dialect.Limits
	files     map[string]*armFile // templates and files of parameters that were given
	named     map[int]*armFile    // given with --var-file, by place in workspace.Vars
	units     []armUnit

	mu    sync.Mutex
	found map[string]*armFile // templates that were not among the files; nil for one that cannot be read
}

// armFile is one file, parsed when somebody asks.
type armFile struct {
	path string
	form form
	file *source.File
	read func() *armText

	links    func() []string // what its templateLinks may mean, relative to it; of templates
	compiled func() bool     // it says that it was compiled from Bicep
}

// armText is what there is in a file.
type armText struct {
	document *document.Document
	root     *document.Node // nil when there is none
	template *template      // of templates
	problems []source.Problem
}

// armUnit is a template with a set of parameters.
type armUnit struct {
	name    dialect.UnitName
	sets    []string         // files of parameters, weakest first
	missing []source.Problem // of those that cannot be read
}

// Open reads the files and finds the units: templates that no other one links to, each with every set of parameters. Files are
// parsed when a unit is evaluated, but for those that the question who links to whom needs.
func (a arm) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &estate{set: a.set, table: a.table, workspace: w, limits: w.Limits.Defaults(), files: make(map[string]*armFile, len(paths)),
		named: map[int]*armFile{}, found: map[string]*armFile{}}
	files, problems := w.ReadAll(ctx, paths)
	for _, f := range files {
		e.files[f.Path] = e.open(f)
	}
	for i := range w.Vars {
		if w.Vars[i].File != nil {
			e.named[i] = e.open(w.Vars[i].File)
		}
	}
	e.setUnits()
	return e, append(problems, e.unused()...)
}

func (e *estate) open(f *source.File) *armFile {
	out := &armFile{path: f.Path, form: recognise(f.Path, f.Bytes), file: f}
	limits := e.limits
	out.read = sync.OnceValue(func() *armText {
		t := &armText{}
		t.document, t.problems = document.Parse(f, limits)
		if t.document != nil && len(t.document.Roots) > 0 && t.document.Roots[0].Kind == document.Mapping {
			t.root = t.document.Roots[0]
		}
		if t.root != nil && out.form != parameterForm {
			t.template = newTemplate(f, t.root)
			var blocks []source.Range
			for _, d := range t.template.resources {
				blocks = append(blocks, d.whole)
			}
			t.document.Frame(blocks)
		}
		return t
	})
	out.links = sync.OnceValue(func() []string {
		if out.form != templateForm || !bytes.Contains(f.Bytes, []byte("templateLink")) {
			return nil
		}
		return linksOf(out)
	})
	out.compiled = sync.OnceValue(func() bool {
		return bytes.Contains(f.Bytes, []byte(`"_generator"`)) &&
			strings.EqualFold(textAt(get(get(out.read().root, "metadata"), "_generator"), "name"), "bicep")
	})
	return out
}

// templateIn returns what is in a file of the tree, whether it was given or not; nil when it cannot be read.
func (e *estate) templateIn(p string) *armText {
	f := e.files[p]
	if f == nil {
		e.mu.Lock()
		known := false
		if f, known = e.found[p]; !known {
			if content, problem := e.workspace.Read(p); problem == nil && fs.ValidPath(p) {
				f = e.open(content)
			}
			e.found[p] = f
		}
		e.mu.Unlock()
	}
	if f == nil {
		return nil
	}
	return f.read()
}

// setUnits finds the units among the files.
func (e *estate) setUnits() {
	e.units = nil
	linked := e.linked()
	templates := map[string]bool{}
	for p, f := range e.files {
		if f.form == templateForm && !linked[p] && !e.compiled(f) {
			templates[p] = true
		}
	}
	sets := e.parameterFiles(templates)
	for _, p := range slices.Sorted(maps.Keys(templates)) {
		e.units = append(e.units, e.variants(p, sets[p])...)
	}
}

// compiled reports whether a template was compiled from the Bicep file beside it, which is what is judged then.
func (e *estate) compiled(f *armFile) bool {
	beside := strings.TrimSuffix(f.path, path.Ext(f.path)) + ".bicep"
	info, err := fs.Stat(e.workspace.FS, beside)
	return err == nil && !info.IsDir() && f.compiled()
}

// linked returns the templates that others deploy. Of templates that deploy each other in a circle that no other leads to, the
// first is not among them.
func (e *estate) linked() map[string]bool {
	links := map[string][]string{}
	for p, f := range e.files {
		for _, to := range f.links() {
			if to = path.Join(path.Dir(p), to); to != p && e.files[to] != nil && !slices.Contains(links[p], to) {
				links[p] = append(links[p], to)
			}
		}
	}
	out := map[string]bool{}
	for _, to := range links {
		for _, p := range to {
			out[p] = true
		}
	}
	reached := map[string]bool{}
	reach := func(p string) {
		for todo := []string{p}; len(todo) > 0; {
			p, todo = todo[len(todo)-1], todo[:len(todo)-1]
			if !reached[p] {
				reached[p] = true
				todo = append(todo, links[p]...)
			}
		}
	}
	for p := range links {
		if !out[p] {
			reach(p)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(links)) {
		if !reached[p] {
			delete(out, p)
			reach(p)
		}
	}
	return out
}

// linksOf finds what the templateLinks of a template may mean, without evaluating it: their texts and the texts in their
// expressions.
func linksOf(f *armFile) []string {
	var out []string
	var texts func(e *expression)
	texts = func(e *expression) {
		if e.kind == literal && strings.HasSuffix(strings.ToLower(e.value.Text), ".json") {
			out = append(out, linkCandidates(&e.value)...)
		}
		for _, a := range e.args {
			texts(a)
		}
	}
	var walk func(n *document.Node)
	walk = func(n *document.Node) {
		for _, item := range n.Items {
			walk(item)
		}
		for i := range n.Members {
			m := &n.Members[i]
			if !strings.EqualFold(m.Key.Text, "templateLink") {
				walk(m.Value)
				continue
			}
			for _, name := range [...]string{"relativePath", "uri"} {
				s := textAt(m.Value, name)
				if !isExpression(s) {
					plain := text(plainText(s))
					out = append(out, linkCandidates(&plain)...)
				} else if e, err := parseExpression(s[1:len(s)-1], 250); err == nil {
					texts(e)
				}
			}
		}
	}
	if root := f.read().root; root != nil {
		walk(root)
	}
	return out
}

// Units lists the templates with their sets of parameters.
func (e *estate) Units() []dialect.UnitName {
	names := make([]dialect.UnitName, len(e.units))
	for i := range e.units {
		names[i] = e.units[i].name
	}
	return names
}

// Evaluate evaluates one unit. A name that Units does not list gives an empty unit with a problem.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	i := slices.IndexFunc(e.units, func(u armUnit) bool { return u.name == name })
	if i < 0 || e.files[name.Dir] == nil {
		return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, nil), Explainer: &explainer{}, Problems: []source.Problem{{
			Kind: source.Bug, Range: source.Range{File: name.Dir}, Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)}}}
	}
	return e.evaluate(ctx, &e.units[i])
}

func (e *estate) evaluate(ctx context.Context, of *armUnit) *dialect.Unit {
	f := e.files[of.name.Dir]
	u := &evaluation{
		estate: e, ctx: ctx, limits: e.limits, functions: functions{limits: e.limits},
		parsed: map[*document.Node]*expression{}, templates: map[*document.Node]*template{}, at: map[string]*instance{}, asked: map[*document.Node]bool{},
		seen: map[source.Problem]bool{}, limited: map[string]bool{}, files: map[string]bool{f.path: true},
	}
	t := f.read()
	for _, p := range t.problems {
		u.problem(p.Kind, p.Range, p.Message)
	}
	for _, p := range of.missing {
		u.problem(p.Kind, p.Range, p.Message)
	}
	out := &dialect.Unit{Name: of.name, Graph: resource.NewGraph(nil, nil), Explainer: &explainer{}}
	if t.template != nil {
		u.root = &scope{unit: u, template: t.template, memo: map[string]*evaluated{}}
		u.root.given = u.inputs(of)
		d := &deployment{dialect: "arm", table: e.table, first: func(r source.Range) source.Range { return e.firstLine(r) }}
		u.collect(u.root, d)
		out.Graph = d.graph()
		out.Explainer = &explainer{unit: u, graph: out.Graph}
	}
	for p := range u.files {
		out.Reads.Files = append(out.Reads.Files, p)
	}
	slices.Sort(out.Reads.Files)
	slices.SortStableFunc(u.problems, func(a, b source.Problem) int {
		return cmp.Or(strings.Compare(a.Range.File, b.Range.File), a.Range.Start-b.Range.Start)
	})
	out.Problems = slices.Clone(u.problems)
	return out
}

// firstLine returns the first line of a range.
func (e *estate) firstLine(r source.Range) source.Range {
	f := e.files[r.File]
	if f == nil {
		e.mu.Lock()
		f = e.found[r.File]
		e.mu.Unlock()
	}
	if f == nil || r.End > len(f.file.Bytes) {
		return r
	}
	if i := strings.IndexAny(f.file.Text(r), "\r\n"); i >= 0 {
		r.End = r.Start + i
	}
	return r
}

// With parses the changed files; everything else is shared with e.
func (e *estate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := &estate{set: e.set, table: e.table, workspace: e.workspace.With(changed), limits: e.limits, files: maps.Clone(e.files), named: maps.Clone(e.named), units: e.units}
	e.mu.Lock()
	n.found = maps.Clone(e.found)
	e.mu.Unlock()
	var problems []source.Problem
	for _, f := range changed {
		delete(n.found, f.Path)
		was := e.files[f.Path]
		if was == nil {
			continue
		}
		now := n.open(f)
		n.files[f.Path] = now
		before := map[string]bool{}
		for _, p := range was.read().problems {
			before[p.Message] = true
		}
		for _, p := range now.read().problems {
			if !before[p.Message] {
				problems = append(problems, p)
			}
		}
	}
	n.setUnits()
	return n, problems
}
