package terraform

import (
	"context"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform/function"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// A language may wrap this one: it says which root modules there are, what is given to their variables and which files are
// written beside theirs, in files of HCL with names and functions of its own. Terragrunt does. Its expressions are evaluated
// by the nodes that evaluate ours (expression.go), within the same budgets, and a value is traced and edited from a module
// through them to where it was written (wrapped.go). What such a language needs is exported here and nowhere else.

// Host is an opened estate as a wrapping language sees it.
type Host struct {
	e       *estate
	base    *Host           // of one that With made: who has everything that was not changed
	changed map[string]bool // paths that base does not count for
	texts   sync.Map        // path to *parsed: files of the wrapping language
}

// NewHost opens the files of Terraform. Take says which of its roots are run by the wrapping language.
func NewHost(ctx context.Context, s *schema.Set, w *dialect.Workspace, paths []string) (*Host, []source.Problem) {
	e, problems := New(s).Open(ctx, w, paths)
	return &Host{e: e.(*estate)}, problems
}

// Estate is Terraform's own part: the roots that were not taken, and the plans.
func (h *Host) Estate() dialect.Estate { return h.e }

// Take leaves roots to the wrapping language: they and what they call are no units of Terraform. It is called once, before
// anything is evaluated.
func (h *Host) Take(dirs map[string]bool) {
	h.e.taken = dirs
	h.e.setUnits()
	for _, f := range h.e.allFolders() {
		f.users.Store(0)
	}
	for i := range h.e.units {
		for _, f := range h.e.led(h.e.units[i].root) {
			f.users.Add(1)
		}
	}
}

// Lead says that one more unit of the wrapping language will evaluate a module; Leave that it did. Behind the last one the
// trees of its files are let go.
func (h *Host) Lead(dir string) {
	if f := h.e.folderAt(dir); f != nil {
		for _, f := range h.e.led(f) {
			f.users.Add(1)
		}
	}
}

// Leave is what follows on Lead.
func (h *Host) Leave(dir string) {
	if f := h.e.folderAt(dir); f != nil && h.e.opened == nil {
		for _, f := range h.e.led(f) {
			f.leave()
		}
	}
}

// With is the host as it would be if some files had other content.
func (h *Host) With(ctx context.Context, changed []*source.File) (*Host, []source.Problem) {
	e, problems := h.e.With(ctx, changed)
	n := &Host{e: e.(*estate), base: h, changed: map[string]bool{}}
	if h.base != nil {
		n.base = h.base
		maps.Copy(n.changed, h.changed)
	}
	for _, f := range changed {
		n.changed[f.Path] = true
	}
	return n, problems
}

// HasModule reports whether there is configuration of Terraform in a directory.
func (h *Host) HasModule(dir string) bool { return h.e.load(dir) != nil }

// Variables lists the variables of the module in a directory.
func (h *Host) Variables(dir string) []string {
	f := h.e.load(dir)
	if f == nil {
		return nil
	}
	return sortedNames(f.variables())
}

// Text returns the content of a file of the wrapping language, which is parsed once, and what is wrong with it; nil when it
// cannot be read.
func (h *Host) Text(file string) (*hclsyntax.Body, []source.Problem) {
	p, problem := h.text(file)
	if problem != nil {
		return nil, []source.Problem{*problem}
	}
	return p.parse()
}

func (h *Host) text(file string) (*parsed, *source.Problem) {
	if h.base != nil && !h.changed[file] {
		return h.base.text(file)
	}
	if p, ok := h.texts.Load(file); ok {
		return p.(*parsed), nil
	}
	f, problem := h.e.workspace.Read(file)
	if problem != nil {
		return nil, problem
	}
	p, _ := h.texts.LoadOrStore(file, h.e.open(f))
	return p.(*parsed), nil
}

// Comments returns the comments of a file of either language.
func (h *Host) Comments(file string) []dialect.Comment {
	if h.e.fileAt(file) == nil && h.e.loadedAt(file) == nil {
		for at := h; at != nil; at = at.base {
			if p, ok := at.texts.Load(file); ok {
				return p.(*parsed).comments()
			}
			if at.changed[file] {
				break
			}
		}
	}
	return h.e.Comments(file)
}

// Run is the evaluation of one unit of a wrapping language. It belongs to one goroutine.
type Run struct {
	Host *Host
	u    *evaluation
	of   unit
	root *scope
}

// Start begins the evaluation of a unit; file is where the unit is written. Anchor stands for the root of the tree in paths
// that functions make and take.
func (h *Host) Start(ctx context.Context, file, anchor string) *Run {
	return &Run{Host: h, u: &evaluation{
		estate: h.e, ctx: ctx, root: &module{dir: path.Dir(file), files: []*parsed{{path: file}}}, anchor: anchor,
		seen: map[source.Problem]bool{}, limited: map[string]bool{},
		files: map[string]bool{}, dirs: map[string]bool{}, env: map[string]bool{},
	}}
}

// Nested begins the evaluation of another unit whose outputs r asks for. They share one budget.
func (r *Run) Nested(file string) *Run {
	n := r.Host.Start(r.u.ctx, file, r.u.anchor)
	n.u.files, n.u.dirs, n.u.env = r.u.files, r.u.dirs, r.u.env
	n.u.steps, n.u.text, n.u.depth = r.u.steps, r.u.text, r.u.depth+1
	return n
}

// Join charges r for what a nested evaluation has done by now, and Nested work for what r has.
func (r *Run) Join(n *Run) {
	r.u.steps, r.u.text = max(r.u.steps, n.u.steps), max(r.u.text, n.u.text)
	n.u.steps, n.u.text = r.u.steps, r.u.text
}

// Charge counts work; see evaluation.charge.
func (r *Run) Charge(steps int) { r.u.charge(steps) }

// Context is the context of the evaluation.
func (r *Run) Context() context.Context { return r.u.ctx }

// Problem notes a problem.
func (r *Run) Problem(kind source.ProblemKind, at source.Range, message string) {
	r.u.problem(kind, at, message)
}

// Saw notes that the evaluation looked at a file, existing or not.
func (r *Run) Saw(file string) { r.u.files[file] = true }

// Env looks up a variable of the environment.
func (r *Run) Env(name string) (string, bool) {
	r.u.env[name] = true
	if r.u.workspace.Env == nil {
		return "", false
	}
	return r.u.workspace.Env(name)
}

// Exists reports whether a path of the tree is there, and whether it is a directory.
func (r *Run) Exists(name string) (dir, ok bool) {
	if !fs.ValidPath(name) {
		return false, false
	}
	r.u.files[name] = true
	info, err := fs.Stat(r.u.workspace.FS, name)
	return err == nil && info.IsDir(), err == nil
}

// Text returns the content of a file of the wrapping language, and reports what is wrong with it; nil when it cannot be read.
func (r *Run) Text(file string) *hclsyntax.Body {
	r.u.files[file] = true
	body, problems := r.Host.Text(file)
	for _, p := range problems {
		r.u.problem(p.Kind, p.Range, p.Message)
	}
	return body
}

// Names is what the names in a file of a wrapping language stand for.
type Names interface {
	// Resolve returns the value of a reference.
	Resolve(t hcl.Traversal) (cty.Value, hcl.Diagnostics)

	// Behind returns the expression that a reference stands for.
	Behind(t hcl.Traversal) (Written, bool)

	// Through returns the expression behind what a function reads from another file, along the path.
	Through(call *hclsyntax.FunctionCallExpr, ctx *hcl.EvalContext, p Path) (Written, bool)

	// Unknown tells what an unknown reference waits for.
	Unknown(t hcl.Traversal) (dialect.Wait, bool)

	// Waits tells what the unknown result of a function waits for.
	Waits(call *hclsyntax.FunctionCallExpr, ctx *hcl.EvalContext) (dialect.Wait, bool)
}

// Scope makes the context in which the expressions of a file evaluate; relative paths begin in dir. More are functions of
// the wrapping language.
func (r *Run) Scope(n Names, dir string, more map[string]ctyfunction.Function) *hcl.EvalContext {
	s := &scope{unit: r.u, module: r.u.root, names: n}
	rooted, pure := r.u.functions(dir)
	maps.Copy(rooted, more)
	s.init(rooted, pure)
	return s.ctx
}

// Value evaluates an expression and reports what is wrong with it. The value is usable whatever happened.
func (r *Run) Value(e hclsyntax.Expression, ctx *hcl.EvalContext) cty.Value {
	return r.u.evaluate(e, ctx)
}

// Cell is a value that is evaluated when it is first asked for.
type Cell struct{ c cell }

// Demand returns the value of a cell; see evaluation.demand.
func (r *Run) Demand(c *Cell, name string, where hcl.Range, evaluate func() cty.Value) cty.Value {
	return r.u.demand(&c.c, name, where, evaluate)
}

// Onward follows the steps behind a name into its value.
func Onward(steps hcl.Traversal, v cty.Value) (cty.Value, hcl.Diagnostics) { return onward(steps, v) }

// Place is the range of HCL as everybody else writes it.
func Place(r hcl.Range) source.Range { return place(r) }

// Absent says that what a reference names is not there: a gap, while the rest of the text holds.
func Absent(at hcl.Range, summary, format string, args ...any) hcl.Diagnostics {
	d := failure(at, summary, format, args...)
	d.Extra = notAtHand{}
	return hcl.Diagnostics{d}
}

// GivenMark marks a value that who runs the program gives: it stands in no file of the tree.
func GivenMark(v cty.Value) cty.Value { return v.Mark(given{}) }

// SensitiveMark marks a value that is never to be printed.
func SensitiveMark(v cty.Value) cty.Value { return v.Mark(function.SensitiveMark) }

// Foreign takes the references to resources off a value of another unit. What they left unknown is not in the code of this
// one.
func Foreign(v cty.Value) cty.Value {
	plain, paths := v.UnmarkDeepWithPaths()
	kept := paths[:0]
	for _, p := range paths {
		marks := cty.ValueMarks{}
		for m := range p.Marks {
			if _, outside := m.(given); outside || m == function.SensitiveMark {
				marks[m] = struct{}{}
			}
		}
		if len(marks) > 0 {
			kept = append(kept, cty.PathValueMarks{Path: p.Path, Marks: marks})
		}
	}
	plain, _ = cty.Transform(plain, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if v.IsKnown() {
			return v, nil
		}
		return v.Mark(given{}), nil
	})
	if len(kept) == 0 {
		return plain
	}
	unmarked, more := plain.UnmarkDeepWithPaths()
	return unmarked.MarkWithPaths(slices.Concat(more, kept))
}

// LocalDir returns the directory that a source names relative to dir, and whether it is a local one.
func LocalDir(dir, src string) (string, bool) { return localDir(dir, src) }

// Fetch asks for a module that is not in the tree. Without anyone to fetch it the directory is empty.
func (r *Run) Fetch(m dialect.ModuleSource) (string, *source.Problem) {
	if r.u.workspace.Modules == nil {
		return "", nil
	}
	return r.u.workspace.Modules(r.u.ctx, m)
}

// Missing notes that the unit's module is not at hand.
func (r *Run) Missing(m resource.Missing) { r.u.missing = append(r.u.missing, m) }

// Settings is what the user's settings say of the unit in a directory.
func (r *Run) Settings(dir string) dialect.Inputs {
	if r.u.workspace.Inputs == nil {
		return dialect.Inputs{}
	}
	return r.u.workspace.Inputs(dir)
}

// CallOf returns the call that an expression is.
func CallOf(e hclsyntax.Expression) (*hclsyntax.FunctionCallExpr, bool) {
	c, ok := e.(*call)
	if !ok {
		return nil, false
	}
	return c.FunctionCallExpr, true
}

// PartsOf returns the parts of a template, literal ones among them.
func PartsOf(e hclsyntax.Expression) ([]hclsyntax.Expression, bool) {
	switch e := e.(type) {
	case *template:
		return e.Parts, true
	case *hclsyntax.TemplateExpr:
		return e.Parts, true
	}
	return nil, false
}

// KeyOf returns the literal key of an item of an object.
func KeyOf(e hclsyntax.Expression) (string, bool) { return literalKey(e) }

// File returns a file of the tree; nil when it cannot be read.
func (r *Run) File(file string) *source.File {
	r.u.files[file] = true
	f, problem := r.u.workspace.Read(file)
	if problem != nil {
		return nil
	}
	return f
}

// Noted returns the problems so far.
func (r *Run) Noted() []source.Problem { return r.u.problems }

// CommentsIn returns the comments of a text of this language that stands inside a file of the wrapping one.
func (h *Host) CommentsIn(file *source.File, at source.Range) []dialect.Comment {
	blank := make([]byte, len(file.Bytes)) // so that places stay what they are
	for i, c := range file.Bytes {
		switch {
		case at.Start <= i && i < at.End, c == '\n', c == '\r':
			blank[i] = c
		default:
			blank[i] = ' '
		}
	}
	return h.e.open(&source.File{Path: file.Path, Bytes: blank}).comments()
}

// Read reads a file of the tree.
func (h *Host) Read(file string) (*source.File, *source.Problem) { return h.e.workspace.Read(file) }
