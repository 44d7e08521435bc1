package terraform

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform/function"
	"plumbline.dev/plumbline/source"
)

// convert gives a value the type of the variable, optional attributes filled in.
func (v *variable) convert(value cty.Value) (cty.Value, error) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	return convertTo(value, v.typ)
}

// input is a value given to a root variable from outside.
type input struct {
	name  string // dev.tfvars, --var, TF_VAR_region
	expr  hclsyntax.Expression
	rng   source.Range // the entry; zero when it is not in a file
	text  string       // of the command line and the environment, where there is no expression
	plain bool         // text counts
	given bool         // it is in no file of the tree

	wrapped *Input // of a language that wraps this one; nil for what Terraform reads itself
}

// folders beside a root module in which files of variables are looked for.
var inputFolders = map[string]bool{"env": true, "envs": true, "environment": true, "environments": true, "vars": true, "tfvars": true, "config": true}

func isTfvars(p string) bool { return strings.Contains(extension(p), "tfvars") }

// isAuto reports whether a file of variables is read without being named.
func isAuto(p string) bool {
	base := path.Base(p)
	return base == "terraform.tfvars" || base == "terraform.tfvars.json" ||
		strings.HasSuffix(base, ".auto.tfvars") || strings.HasSuffix(base, ".auto.tfvars.json")
}

// autoFiles returns the files of variables that are always read in a directory, weakest first.
func (e *estate) autoFiles(dir string) []*parsed {
	var files []*parsed
	for _, f := range e.varsIn(dir) {
		if isAuto(f.path) {
			files = append(files, f)
		}
	}
	return inOrder(files)
}

// inOrder sorts the files of variables that are always read, weakest first.
func inOrder(files []*parsed) []*parsed {
	rank := func(p string) int {
		return slices.Index([]string{"terraform.tfvars", "terraform.tfvars.json"}, path.Base(p))
	}
	slices.SortStableFunc(files, func(a, b *parsed) int {
		x, y := rank(a.path), rank(b.path)
		switch {
		case x >= 0 && y >= 0:
			return x - y
		case x >= 0:
			return -1
		case y >= 0:
			return 1
		}
		return strings.Compare(a.path, b.path)
	})
	return files
}

// inputSets returns a root with each of the sets of inputs under which it is evaluated: those of the settings, or the files of
// variables that lie beside it, each with what is always read. Without any, or when the caller named files of variables,
// which stand in for the sets, it is one set without a name. Single variables of the caller hold on top of every set. The
// root is evaluated without a set too when nothing that it needs would be missing.
func (e *estate) inputSets(root *folder) []unit {
	var inputs dialect.Inputs
	if e.workspace.Inputs != nil {
		inputs = e.workspace.Inputs(root.dir)
	}
	var units []unit
	add := func(name string, set ...*parsed) *unit {
		units = append(units, unit{name: dialect.UnitName{Dir: root.dir, Variant: name}, root: root, set: set, workspace: inputs.Workspace})
		return &units[len(units)-1]
	}
	if len(e.named) > 0 {
		add("")
		return units
	}
	for _, set := range inputs.Sets {
		u := add(set.Name)
		for _, file := range set.Files {
			if f, problem := e.setFile(file); problem == nil {
				u.set = append(u.set, f)
			} else {
				u.missing = append(u.missing, *problem)
			}
		}
	}
	if len(inputs.Sets) > 0 {
		return units
	}
	found := e.variants(root)
	for _, name := range sortedNames(found) {
		add(name, found[name])
	}
	if len(found) == 0 || e.complete(root) {
		add("")
	}
	return units
}

// setFile returns a file of variables that the settings name.
func (e *estate) setFile(file string) (*parsed, *source.Problem) {
	if f := e.fileAt(file); f != nil {
		return f, nil
	}
	if f := e.sets[file]; f != nil {
		return f, nil
	}
	if !fs.ValidPath(file) {
		return nil, &source.Problem{Kind: source.Unreadable, Range: source.Range{File: file}, Message: "the file of variables lies outside of the tree"}
	}
	content, problem := e.workspace.Read(file)
	if problem != nil {
		return nil, problem
	}
	f := e.open(content)
	e.sets[file] = f
	return f, nil
}

// variants returns the files of variables beside a root that are not read anyway, by the names of their sets.
func (e *estate) variants(root *folder) map[string]*parsed {
	found := map[string]*parsed{}
	variables := root.variables()
	add := func(f *parsed, folder string) {
		if isAuto(f.path) || !slices.ContainsFunc(f.outline.names, func(n string) bool { _, ok := variables[n]; return ok }) {
			return
		}
		name := strings.TrimSuffix(path.Base(f.path), extension(f.path))
		if folder != "" && found[name] != nil {
			name = folder + "/" + name
		}
		if found[name] != nil {
			name = path.Base(f.path)
		}
		found[name] = f
	}
	for _, f := range e.varsIn(root.dir) {
		add(f, "")
	}
	for _, name := range sortedNames(inputFolders) {
		if dir := path.Join(root.dir, name); e.folderAt(dir) == nil {
			for _, f := range e.varsIn(dir) {
				add(f, name)
			}
		}
	}
	return found
}

// Inputs lists the variables of all roots, sorted.
func (e *estate) Inputs() []string {
	names := map[string]bool{}
	for i := range e.units {
		for name := range e.units[i].root.variables() {
			names[name] = true
		}
	}
	return sortedNames(names)
}

// complete reports whether every variable of a root has a value without a set of inputs.
func (e *estate) complete(root *folder) bool {
	given := map[string]bool{}
	for _, f := range e.autoFiles(root.dir) {
		for _, name := range f.outline.names {
			given[name] = true
		}
	}
	for _, v := range e.workspace.Vars {
		given[v.Name] = true // the callers' files do not come here: they stand in for sets
	}
	for name, fallback := range root.variables() {
		if fallback || given[name] {
			continue
		}
		if e.workspace.Env == nil {
			return false
		}
		if _, ok := e.workspace.Env("TF_VAR_" + name); !ok {
			return false
		}
	}
	return true
}

// inputs gathers what is given to the variables of a root, the strongest last.
func (u *evaluation) inputs(of *unit) map[string]input {
	out := map[string]input{}
	dir := of.root.dir
	for _, name := range sortedNames(u.root.variables) {
		if of.wrap != nil && of.wrap.Inputs != nil {
			if in, ok := of.wrap.Inputs(name); ok {
				out[name] = input{name: in.Name, wrapped: &in}
			}
		}
		key := "TF_VAR_" + name
		u.env[key] = true
		if u.workspace.Env != nil {
			if text, ok := u.workspace.Env(key); ok {
				out[name] = input{name: key, text: text, plain: true, given: true}
			}
		}
	}
	file := func(f *parsed, outside bool) {
		for _, p := range f.mistakes() {
			u.problem(p.Kind, p.Range, p.Message)
		}
		for name, a := range f.tree().Attributes {
			out[name] = input{name: path.Base(f.path), expr: a.Expr, rng: place(a.SrcRange), given: outside}
		}
	}
	auto := u.autoFiles(dir)
	if of.wrap != nil {
		auto = u.wrappedAuto(of.wrap)
	}
	for _, f := range auto {
		u.files[f.path] = true
		file(f, false)
	}
	u.files[path.Join(dir, "terraform.tfvars")] = true
	u.files[path.Join(dir, "terraform.tfvars.json")] = true
	for _, f := range of.set {
		u.files[f.path] = true
		file(f, false)
	}
	for _, p := range of.missing {
		u.problem(p.Kind, p.Range, p.Message)
		if fs.ValidPath(p.Range.File) {
			u.files[p.Range.File] = true
		}
	}
	if of.wrap != nil {
		for name, text := range of.wrap.Arguments {
			out[name] = input{name: "-var", text: text, plain: true}
		}
	}
	for i := range u.workspace.Vars {
		v := &u.workspace.Vars[i]
		if v.File == nil {
			out[v.Name] = input{name: "--var", text: v.Value, plain: true, given: true}
			continue
		}
		f := u.named[i] // given and not read: it may lie anywhere
		_, err := fs.Stat(u.workspace.FS, f.path)
		file(f, err != nil)
	}
	return out
}

// fromInput evaluates what was given to a root variable.
func (u *evaluation) fromInput(v *variable, in input) (cty.Value, bool) {
	value, ok := u.convertInput(v, in)
	if ok && in.given {
		value = value.Mark(given{})
	}
	return value, ok
}

func (u *evaluation) convertInput(v *variable, in input) (cty.Value, bool) {
	if in.wrapped != nil {
		value := in.wrapped.Value()
		converted, err := v.convert(value)
		if err != nil {
			u.problem(source.Invalid, in.wrapped.Range, "the value of variable \""+v.name+"\" does not have its type: "+err.Error())
			_, marks := value.UnmarkDeep()
			return cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep()).WithMarks(marks), true
		}
		return converted, true
	}
	expr := in.expr
	subject := in.rng
	if in.plain {
		subject = place(v.block.DefRange())
		if v.literal {
			converted, err := v.convert(cty.StringVal(in.text))
			return u.checked(v, converted, err, subject)
		}
		if r := refuse([]byte(in.text), u.limits.Nesting, false); r != nil {
			u.problem(source.Limit, subject, "the value of "+in.name+" was not read: "+r.message)
			return cty.NilVal, false
		}
		parsed, diags := hclsyntax.ParseExpression([]byte(in.text), in.name, hcl.InitialPos)
		if diags.HasErrors() {
			u.problem(source.Invalid, subject, "the value given to variable \""+v.name+"\" by "+in.name+" cannot be read")
			return cty.NilVal, false
		}
		expr = parsed
	}
	value, diags := expr.Value(nil)
	u.report(diags)
	converted, err := v.convert(value)
	return u.checked(v, converted, err, subject)
}

func (u *evaluation) checked(v *variable, value cty.Value, err error, subject source.Range) (cty.Value, bool) {
	if err != nil {
		u.problem(source.Invalid, subject, "the value of variable \""+v.name+"\" does not have its type: "+err.Error())
		return cty.NilVal, false
	}
	return value, true
}

// finish applies what holds for the value of a variable wherever it comes from.
func (v *variable) finish(value cty.Value) cty.Value {
	if !v.nullable {
		switch plain, _ := value.Unmark(); {
		case plain.IsNull() && v.fallback != cty.NilVal:
			value = v.fallback
		case !plain.IsKnown() && plain.Type() != cty.DynamicPseudoType:
			_, marks := value.Unmark()
			value = plain.RefineNotNull().WithMarks(marks)
		}
	}
	if v.sensitive {
		value = value.Mark(function.SensitiveMark)
	}
	return value
}
