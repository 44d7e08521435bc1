package terraform

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform/function"
	"plumbline.dev/plumbline/source"
)

// convert gives a value the type of the variable, optional attributes filled in.
func (v *variable) convert(value cty.Value) (cty.Value, error) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	return convert.Convert(value, v.typ)
}

// input is a value given to a root variable from outside.
type input struct {
	name  string // dev.tfvars, --var, TF_VAR_region
	expr  hclsyntax.Expression
	rng   source.Range // the entry; zero when it is not in a file
	text  string       // of the command line and the environment, where there is no expression
	plain bool         // text counts
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
	for _, f := range e.tfvars[dir] {
		if isAuto(f.path) {
			files = append(files, f)
		}
	}
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

// variants returns the sets of inputs under which a root is evaluated, by name. When the caller gave inputs, or there are
// no files but the automatic ones, it is one set without a name.
func (e *estate) variants(root *module) map[string]*parsed {
	found := map[string]*parsed{}
	if len(e.workspace.Vars) == 0 {
		add := func(f *parsed, folder string) {
			if isAuto(f.path) || !slices.ContainsFunc(sortedNames(f.body.Attributes), func(n string) bool { return root.variables[n] != nil }) {
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
		for _, f := range e.tfvars[root.dir] {
			add(f, "")
		}
		for _, dir := range sortedNames(e.tfvars) {
			if path.Dir(dir) == root.dir && dir != "." && inputFolders[path.Base(dir)] && e.modules[dir] == nil {
				for _, f := range e.tfvars[dir] {
					add(f, path.Base(dir))
				}
			}
		}
	}
	if len(found) == 0 {
		found[""] = nil
	}
	return found
}

// inputs gathers what is given to the variables of a root, the strongest last.
func (u *evaluation) inputs(root *module, variant *parsed) map[string]input {
	out := map[string]input{}
	if u.workspace.Env != nil {
		for _, name := range sortedNames(root.variables) {
			key := "TF_VAR_" + name
			u.env[key] = true
			if text, ok := u.workspace.Env(key); ok {
				out[name] = input{name: key, text: text, plain: true}
			}
		}
	}
	file := func(f *parsed) {
		u.files[f.path] = true
		for name, a := range f.body.Attributes {
			out[name] = input{name: path.Base(f.path), expr: a.Expr, rng: place(a.SrcRange)}
		}
	}
	for _, f := range u.autoFiles(root.dir) {
		file(f)
	}
	u.files[path.Join(root.dir, "terraform.tfvars")] = true
	u.files[path.Join(root.dir, "terraform.tfvars.json")] = true
	if variant != nil {
		file(variant)
	}
	for i := range u.workspace.Vars {
		v := &u.workspace.Vars[i]
		if v.File == nil {
			out[v.Name] = input{name: "--var", text: v.Value, plain: true}
			continue
		}
		f := u.named[i]
		u.problems = append(u.problems, f.problems...)
		file(f)
	}
	return out
}

// fromInput evaluates what was given to a root variable.
func (u *evaluation) fromInput(v *variable, in input) (cty.Value, bool) {
	expr := in.expr
	subject := in.rng
	if in.plain {
		subject = place(v.block.DefRange())
		if v.literal {
			converted, err := v.convert(cty.StringVal(in.text))
			return u.checked(v, converted, err, subject)
		}
		if _, deep := tooDeep([]byte(in.text), u.limits.Nesting, false); deep {
			u.problem(source.Limit, subject, "the value of "+in.name+" nests too deep")
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

// parseNamed parses the files given with --var-file.
func (e *estate) parseNamed(vars []dialect.Var) map[int]*parsed {
	out := map[int]*parsed{}
	for i := range vars {
		if vars[i].File != nil {
			out[i] = e.parseFile(vars[i].File)
		}
	}
	return out
}
