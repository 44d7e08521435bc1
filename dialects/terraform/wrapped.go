package terraform

import (
	"fmt"
	"path"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Path is a path into a value.
type Path = value.Path

// Written is an expression in a file of a wrapping language, and where in its value what was asked for lies.
type Written struct {
	Name    string // for people: inputs.acl in live/prod/terragrunt.hcl
	Range   source.Range
	Expr    hclsyntax.Expression // nil when only the place is known
	Context *hcl.EvalContext
	Rest    Path
}

// Input is what a wrapping language gives to a variable of the root.
type Input struct {
	Name    string
	Range   source.Range                 // of the entry
	Value   func() cty.Value             // evaluates it
	Written func(p Path) (Written, bool) // where the value at p, inside of it, is written
}

// Backend is where the state is kept, written by a wrapping language.
type Backend struct {
	Type    string // s3
	Block   *hclsyntax.Block
	Config  hclsyntax.Expression // the settings
	Context *hcl.EvalContext
	Value   cty.Value // of Config
}

// Root is a root module as a wrapping language runs it.
type Root struct {
	Dir       string                              // of the module
	Beside    string                              // whose files lie among the module's, in place of those with the same names; "" for none
	Generated []Generated                         // files that are written into the module
	Inputs    func(variable string) (Input, bool) // what is given to the variables; weaker than files of variables
	VarFiles  []string                            // named files of variables, weakest first
	Arguments map[string]string                   // of -var, stronger than files
	Backend   *Backend                            // nil: the module's own counts
	Calls     []resource.Call                     // what leads to the root
}

// Generated is a file of the language that is written into a module before it runs.
type Generated struct {
	Name   string // main.tf
	Text   string
	At     source.Range // what stands for it in the tree
	Source *source.File // set when the text stands like this in the file of At, from At.Start on: places in it are places there
	Keep   bool         // a file that is there already stays
}

// Open gathers the root module. It may consist of nothing but what the wrapping language writes: whether there is a module
// in the directory, HasModule tells.
func (r *Run) Open(root Root) {
	u := r.u
	var f *folder
	if root.Dir != "" {
		u.dirs[root.Dir] = true
		f = u.load(root.Dir)
	}
	settings := r.Settings(root.Beside)
	r.of = unit{workspace: settings.Workspace, wrap: &root}
	if f == nil {
		f = newFolder(root.Dir, nil, nil)
	}
	if beside := root.Beside; beside != "" && beside != root.Dir {
		u.dirs[beside] = true
		if more := u.load(beside); more != nil {
			f = laidOver(f, more)
		}
	}
	if len(root.Generated) > 0 {
		f = r.generate(f, root.Generated)
	}
	r.of.root = f
	for _, file := range root.VarFiles {
		p, problem := u.variablesFile(file)
		if problem != nil {
			r.of.missing = append(r.of.missing, *problem)
			continue
		}
		r.of.set = append(r.of.set, p)
	}
	u.root, u.selected, u.called, u.backend = f.module(), settings.Workspace, root.Calls, root.Backend
	u.reads(f)
	u.given = u.inputs(&r.of)
	r.root = u.rootScope()
}

// variablesFile returns a named file of variables.
func (u *evaluation) variablesFile(file string) (*parsed, *source.Problem) {
	if f := u.fileAt(file); f != nil {
		return f, nil
	}
	f, problem := u.workspace.Read(file)
	if problem != nil {
		u.files[file] = true
		return nil, problem
	}
	return u.open(f), nil
}

// wrappedAuto returns the files of variables that are read without being named, the unit's own after the module's: they are
// copied over it. Those of a directory that was not opened are read now.
func (u *evaluation) wrappedAuto(root *Root) []*parsed {
	var out []*parsed
	for i, dir := range []string{root.Dir, root.Beside} {
		if dir == "" || i > 0 && dir == root.Dir {
			continue
		}
		known := u.autoFiles(dir)
		if known == nil && u.folderAt(dir) == nil {
			names, _ := readDir(u.workspace.FS, dir)
			for _, name := range names {
				if file := path.Join(dir, name); isTfvars(file) && isAuto(file) {
					if f, problem := u.variablesFile(file); problem == nil {
						known = append(known, f)
					}
				}
			}
			known = inOrder(known)
		}
		out = append(out, known...)
	}
	return out
}

// laidOver lays the files of one directory over those of another.
func laidOver(under, over *folder) *folder {
	files := slices.DeleteFunc(slices.Clone(under.files), func(f *parsed) bool {
		return slices.ContainsFunc(over.files, func(o *parsed) bool { return path.Base(o.path) == path.Base(f.path) })
	})
	return newFolder(under.dir, append(files, over.files...), slices.Concat(under.unread, over.unread))
}

// generate adds files that are written into a module.
func (r *Run) generate(f *folder, files []Generated) *folder {
	out := slices.Clone(f.files)
	for _, g := range files {
		r.u.files[path.Join(f.dir, g.Name)] = true
		at := slices.IndexFunc(out, func(p *parsed) bool { return path.Base(p.path) == g.Name })
		if !isConfig(g.Name) || at >= 0 && g.Keep {
			continue
		}
		p := r.u.generated(f.dir, g)
		if at >= 0 {
			out[at] = p
		} else {
			out = append(out, p)
		}
	}
	return newFolder(f.dir, out, f.unread)
}

// generated parses a file that is in no tree. Its constructs lie where the wrapping language writes it.
func (e *estate) generated(dir string, g Generated) *parsed {
	p := &parsed{path: path.Join(dir, g.Name), file: &source.File{Path: path.Join(dir, g.Name), Bytes: []byte(g.Text)}}
	var refused *refusal
	p.outline, refused = scanFile(p.file.Bytes, e.limits.Nesting)
	start, name := hcl.InitialPos, p.path
	if g.Source != nil {
		at := g.Source.Position(g.At.Start)
		start, name = hcl.Pos{Byte: g.At.Start, Line: at.Line, Column: 1}, g.At.File
	}
	spot := hcl.Range{Filename: g.At.File, Start: hcl.Pos{Byte: g.At.Start}, End: hcl.Pos{Byte: g.At.Start}}
	p.read = func() (*hclsyntax.Body, []source.Problem) {
		body := &hclsyntax.Body{}
		if refused != nil {
			return body, []source.Problem{{Kind: source.Limit, Range: g.At, Message: "the generated file " + g.Name + " was not read: " + refused.message}}
		}
		tree, diags := hclsyntax.ParseConfig(p.file.Bytes, name, start)
		if tree != nil {
			body = tree.Body.(*hclsyntax.Body)
		}
		var problems []source.Problem
		for _, d := range diags {
			if d.Severity == hcl.DiagError {
				problem := problemOf(source.Invalid, d, p.path)
				problem.Message = "the generated file " + g.Name + ": " + problem.Message
				if g.Source == nil {
					problem.Range = g.At
				}
				problems = append(problems, problem)
			}
		}
		if g.Source == nil {
			relocate(body, spot)
		}
		rewriteBody(body)
		return body, problems
	}
	if refused == nil && !p.outline.sure {
		p.outline = outlineOf(p.tree())
	}
	return p
}

// Unit evaluates the root that was opened, or makes the unit of what was noted so far when there is none.
func (r *Run) Unit(name dialect.UnitName) *dialect.Unit {
	u := r.u
	x := &explainer{}
	if r.root == nil {
		slices.SortFunc(u.problems, compareProblems)
		return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, u.missing), Problems: u.problems, Explainer: x,
			Reads: dialect.Reads{Files: sortedNames(u.files), Dirs: sortedNames(u.dirs), Env: sortedNames(u.env)}}
	}
	r.of.name = name
	return u.orchestrate(u.ctx, u.finish(&r.of, r.root, x), u.root.dir)
}

// Contain runs f; what goes wrong inside of the program, or a budget that ends, stays inside.
func (r *Run) Contain(name string, where hcl.Range, f func()) {
	r.u.contain(name, where, func() cty.Value { f(); return cty.True })
}

// Outputs lists the outputs of the root that was opened, sorted.
func (r *Run) Outputs() []string {
	if r.root == nil {
		return nil
	}
	return sortedNames(r.u.root.outputs)
}

// Output evaluates an output of the root that was opened, if it has it.
func (r *Run) Output(name string) (cty.Value, bool) {
	if r.root == nil || r.u.root.outputs[name] == nil {
		return cty.NilVal, false
	}
	return r.root.output(name), true
}

// wrappedBackend makes the resource of a backend that a wrapping language writes.
func (u *evaluation) wrappedBackend(s *scope) *resource.Resource {
	typ := "backend." + u.backend.Type
	var attributes []schema.Attribute
	if known := u.set.Resource(typ); known != nil {
		attributes = known.Attributes
	}
	builder := &builder{}
	body := builder.value(u.backend.Value, shape{attributes: attributes}, u.backend.Config)
	if body.Kind != value.Object {
		body = value.Value{Kind: value.Object, Open: true}
	}
	body.Fields = slices.DeleteFunc(body.Fields, func(f value.Field) bool { return f.Value.Kind == value.Null })
	r := u.base(s, u.backend.Block)
	r.Address, r.Type, r.Name, r.Body, r.Refs = typ, typ, u.backend.Type, body, builder.refs
	r.Body.Range = r.Range
	r.Handle = &handle{scope: s, block: u.backend.Block, ctx: u.backend.Context, schema: attributes, config: u.backend.Config}
	return r
}

// wrappedBackend lowers changes of the settings of such a backend.
func (l *lowering) wrappedBackend(h *handle, changes []resource.Change) error {
	for _, c := range changes {
		if !writtenOut(h.config) {
			return fmt.Errorf("%s:%d: the settings of the backend are made by an expression", h.config.Range().Filename, h.config.Range().Start.Line)
		}
		if err := l.assign(h.config, c); err != nil {
			return err
		}
	}
	return nil
}

// through follows an expression that reads from another file of the wrapping language.
func (t *tracer) through(e hclsyntax.Expression, ctx *hcl.EvalContext, rest Path) (Written, bool) {
	c, ok := e.(*call)
	if !ok {
		return Written{}, false
	}
	s := scopeOf(ctx)
	if s == nil || s.names == nil {
		return Written{}, false
	}
	w, ok := s.names.Through(c.FunctionCallExpr, ctx, rest)
	if !ok || w.Expr == nil || t.depth > maxTrace || len(t.trace) >= maxTrace {
		return Written{}, false
	}
	t.trace = append(t.trace, dialect.Step{Name: w.Name, Range: w.Range})
	return w, true
}

// wrapped goes from a reference in a file of the wrapping language to the expression behind it.
func (t *tracer) wrapped(n Names, ref *reference) (hclsyntax.Expression, *hcl.EvalContext, value.Path, bool) {
	w, ok := n.Behind(ref.Traversal)
	if !ok || len(t.trace) >= maxTrace {
		return nil, nil, nil, false
	}
	t.trace = append(t.trace, dialect.Step{Name: w.Name, Range: w.Range})
	return w.Expr, w.Context, w.Rest, w.Expr != nil
}

// wrappedWait notes what an unknown reference in a file of the wrapping language waits for.
func (t *tracer) wrappedWait(s *scope, ref *reference) {
	if w, ok := s.names.Unknown(ref.Traversal); ok {
		if _, again := t.waits[w.Name]; !again {
			t.waits[w.Name] = w
		}
		return
	}
	if w, ok := s.names.Behind(ref.Traversal); ok && w.Expr != nil {
		key := visit{s, fmt.Sprint(w.Range)}
		if !t.visited[key] {
			t.visited[key] = true
			t.gather(w.Expr, w.Context)
		}
	}
}
