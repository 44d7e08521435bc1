package terraform

import (
	"path/filepath"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"

	"plumbline.dev/plumbline/dialects/terraform/function"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// scope is an instance of a module: where the references of its expressions are resolved. Everything in it is evaluated on
// demand and once.
type scope struct {
	unit    *evaluation
	module  *module
	parent  *scope           // nil for the root
	caller  *hclsyntax.Block // the module block; nil for the root
	at      *instance        // of the call: its key and context; nil for the root
	address string           // module.web["a"]; empty for the root
	calls   []resource.Call  // that led here
	maybe   bool             // nobody knows whether it exists
	depth   int
	ctx     *hcl.EvalContext

	variables map[string]*cell
	locals    map[string]*cell
	outputs   map[string]*cell
	groups    map[string]*group       // of resources
	children  map[string]*moduleGroup // of module calls
	providers map[string]*provider    // by local name: aws.west; filled on demand
	names     Names                   // of a file of a wrapping language, which is no module; nil for modules
}

// scopeVariable is where an evaluation context keeps its scope. No expression can spell it.
const scopeVariable = "\x00scope"

var scopeType = cty.Capsule("scope", reflect.TypeFor[scope]())

func (s *scope) init(rooted, pure map[string]ctyfunction.Function) {
	s.variables, s.locals, s.outputs = map[string]*cell{}, map[string]*cell{}, map[string]*cell{}
	s.groups, s.children, s.providers = map[string]*group{}, map[string]*moduleGroup{}, map[string]*provider{}
	outer := &hcl.EvalContext{Functions: pure} // HCL looks from the inside out
	s.ctx = outer.NewChild()
	s.ctx.Functions, s.ctx.Variables = rooted, map[string]cty.Value{scopeVariable: cty.CapsuleVal(scopeType, s)}
}

func (u *evaluation) rootScope() *scope {
	s := &scope{unit: u, module: u.root, calls: u.called}
	s.init(u.functions(u.root.dir))
	return s
}

// functions returns the functions of the language for whom relative paths begin in dir: those that read files, and the others.
func (u *evaluation) functions(dir string) (rooted, pure map[string]ctyfunction.Function) {
	o := function.Options{
		FS:         u.workspace.FS,
		Read:       u.readText,
		Root:       dir,
		Anchor:     u.anchor,
		ValueBytes: u.limits.ValueBytes,
		Seen:       func(p string) { u.files[p] = true },
		Listed:     func(p string) { u.dirs[p] = true },
		Charge:     u.charge,
	}
	if u.pure == nil {
		u.pure = function.Pure(o)
	}
	return function.Rooted(o, u.pure), u.pure
}

func (u *evaluation) readText(path string) ([]byte, error) {
	u.files[path] = true
	f, p := u.workspace.Read(path)
	if p != nil {
		return nil, &readError{*p}
	}
	return f.Bytes, nil
}

type readError struct{ problem source.Problem }

func (e *readError) Error() string { return e.problem.Message }

// within returns the address of something in this scope.
func (s *scope) within(local string) string {
	if s.address == "" {
		return local
	}
	return s.address + "." + local
}

func cellIn(m map[string]*cell, name string) *cell {
	c := m[name]
	if c == nil {
		c = &cell{}
		m[name] = c
	}
	return c
}

// resolve returns what a reference names.
func (s *scope) resolve(t hcl.Traversal) (cty.Value, hcl.Diagnostics) {
	if s.names != nil {
		return s.names.Resolve(t)
	}
	root := t.RootName()
	name, named := attrName(t, 1)
	switch root {
	case "var", "local", "path", "terraform", "tofu", "module", "data", "ephemeral":
		if !named {
			return cty.DynamicVal, hcl.Diagnostics{failure(t.SourceRange(), "Invalid reference", "%q must be followed by a name", root)}
		}
	case "each", "count", "self":
		return cty.DynamicVal, hcl.Diagnostics{failure(t.SourceRange(), "Invalid reference",
			"%q has no meaning here: only blocks with for_each or count know it", root)}
	}
	switch root {
	case "var":
		if s.module.variables[name] == nil {
			return s.undeclared(t, "input variable", name, sortedNames(s.module.variables))
		}
		return onward(t[2:], s.variable(name))
	case "local":
		if s.module.locals[name] == nil {
			return s.undeclared(t, "local value", name, sortedNames(s.module.locals))
		}
		return onward(t[2:], s.local(name))
	case "path":
		return onward(t[2:], s.path(name))
	case "terraform", "tofu":
		return onward(t[2:], s.terraform(name))
	case "module":
		return s.moduleValue(t, name)
	case "data", "ephemeral":
		third, ok := attrName(t, 2)
		if !ok {
			return cty.DynamicVal, hcl.Diagnostics{failure(t.SourceRange(), "Invalid reference", "%q must be followed by a type and a name", root)}
		}
		return s.resourceValue(t, root+"."+name+"."+third, 3)
	}
	if !named {
		return cty.DynamicVal, hcl.Diagnostics{failure(t.SourceRange(), "Invalid reference",
			"%q is no value: a reference to a resource needs its type and its name", root)}
	}
	return s.resourceValue(t, root+"."+name, 2)
}

// attrName returns the name of step i of a traversal.
func attrName(t hcl.Traversal, i int) (string, bool) {
	if i >= len(t) {
		return "", false
	}
	switch step := t[i].(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex: // module.a["b"] for module.a.b
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString(), true
		}
	}
	return "", false
}

// notAtHand marks a diagnostic about something that is named and not there: a gap, while the rest of the text holds.
type notAtHand struct{}

func (s *scope) undeclared(t hcl.Traversal, what, name string, known []string) (cty.Value, hcl.Diagnostics) {
	hint := ""
	for _, k := range known {
		if strings.EqualFold(strings.ReplaceAll(k, "_", ""), strings.ReplaceAll(name, "_", "")) {
			hint = "; is " + k + " meant?"
		}
	}
	d := failure(t.SourceRange(), "Reference to something undeclared", "this module declares no %s %q%s", what, name, hint)
	d.Extra = notAtHand{}
	return cty.DynamicVal, hcl.Diagnostics{d}
}

func (s *scope) local(name string) cty.Value {
	a := s.module.locals[name]
	return s.unit.demand(cellIn(s.locals, name), s.within("local."+name), a.SrcRange, func() cty.Value {
		return s.unit.evaluate(a.Expr, s.ctx)
	})
}

func (s *scope) variable(name string) cty.Value {
	v := s.module.variables[name]
	return s.unit.demand(cellIn(s.variables, name), s.within("var."+name), v.block.DefRange(), func() cty.Value {
		value, given := s.given(v)
		switch {
		case !given && v.fallback != cty.NilVal:
			value = v.fallback
		case !given:
			value = cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
		}
		return v.finish(value)
	})
}

// given returns the value that the caller gave to a variable, converted.
func (s *scope) given(v *variable) (cty.Value, bool) {
	u := s.unit
	if s.parent == nil {
		in, ok := u.given[v.name]
		if !ok {
			return cty.NilVal, false
		}
		return u.fromInput(v, in)
	}
	a := s.caller.Body.Attributes[v.name]
	if a == nil {
		return cty.NilVal, false
	}
	value := u.evaluate(a.Expr, s.at.ctx)
	converted, err := v.convert(value)
	if err != nil {
		u.problem(source.Invalid, place(a.Expr.Range()), "the value of variable \""+v.name+"\" does not have its type: "+err.Error())
		_, marks := value.UnmarkDeep()
		return cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep()).WithMarks(marks), true
	}
	return converted, true
}

func (s *scope) output(name string) cty.Value {
	b := s.module.outputs[name]
	a := b.Body.Attributes["value"]
	return s.unit.demand(cellIn(s.outputs, name), s.within("output."+name), b.DefRange(), func() cty.Value {
		if a == nil {
			return cty.DynamicVal
		}
		v := s.unit.evaluate(a.Expr, s.ctx)
		if literalBool(b, "sensitive", false) {
			v = v.Mark(function.SensitiveMark)
		}
		return v
	})
}

func (s *scope) path(name string) cty.Value {
	switch name {
	case "module":
		rel, err := filepath.Rel(filepath.FromSlash(s.unit.root.dir), filepath.FromSlash(s.module.dir))
		if err != nil {
			return cty.UnknownVal(cty.String)
		}
		return cty.StringVal(filepath.ToSlash(rel))
	case "root":
		return cty.StringVal(".")
	}
	return cty.UnknownVal(cty.String).RefineNotNull()
}

func (s *scope) terraform(name string) cty.Value {
	if name != "workspace" {
		return cty.DynamicVal
	}
	if s.unit.selected != "" {
		return cty.StringVal(s.unit.selected)
	}
	s.unit.env["TF_WORKSPACE"] = true
	if s.unit.workspace.Env != nil {
		if w, ok := s.unit.workspace.Env("TF_WORKSPACE"); ok && w != "" {
			return cty.StringVal(w)
		}
	}
	return cty.StringVal("default")
}

// certain reports whether what t names is there and cannot fail to be later: a variable, an attribute of an instance that
// is known to exist.
func (s *scope) certain(t hcl.Traversal) bool {
	if s.names != nil {
		return false
	}
	prefix := 2
	switch t.RootName() {
	case "var", "local":
		return len(t) == 2
	case "path", "terraform", "tofu", "module", "ephemeral":
		return false
	case "data":
		prefix = 3
	}
	var words []string
	for i := range min(prefix, len(t)) {
		if i == 0 {
			words = append(words, t.RootName())
		} else if n, ok := attrName(t, i); ok {
			words = append(words, n)
		}
	}
	g := s.group(strings.Join(words, "."))
	if g == nil || g.open {
		return false
	}
	if g.keyed {
		prefix++
	}
	return len(t) == prefix+1
}
