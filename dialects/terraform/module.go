package terraform

import (
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/source"
)

// module is the configuration of one directory: the blocks of its files, overrides merged, by what they declare. It is
// never changed once it was made, and read by several goroutines.
type module struct {
	dir       string
	files     []*parsed // in the order in which the language reads them
	variables map[string]*variable
	locals    map[string]*hclsyntax.Attribute
	outputs   map[string]*hclsyntax.Block
	resources map[string]*declaration // aws_instance.web and data.aws_ami.this
	calls     map[string]*hclsyntax.Block
	providers map[string]*hclsyntax.Block // aws and aws.west
	backend   *hclsyntax.Block
	problems  []source.Problem // of the files and of their merging
}

// declaration is a resource, data or ephemeral block.
type declaration struct {
	key   string // aws_instance.web
	mode  string // resource, data, ephemeral
	typ   string // aws_instance, data.aws_ami
	name  string
	block *hclsyntax.Block
}

// variable is an input variable with its type.
type variable struct {
	name      string
	block     *hclsyntax.Block
	typ       cty.Type // constraint; optional attributes included
	defaults  *typeexpr.Defaults
	literal   bool // text from the command line and the environment is taken as it is
	nullable  bool
	sensitive bool
	fallback  cty.Value // converted default; NilVal when there is none
}

// isOverride reports whether a file is merged over the others instead of standing beside them.
func isOverride(p string) bool {
	base := strings.TrimSuffix(path.Base(p), extension(p))
	return base == "override" || strings.HasSuffix(base, "_override")
}

// newModule gathers the declarations of the files of one directory, which are in the order of the language.
func newModule(dir string, files []*parsed) *module {
	m := &module{
		dir: dir, variables: map[string]*variable{}, locals: map[string]*hclsyntax.Attribute{}, outputs: map[string]*hclsyntax.Block{},
		resources: map[string]*declaration{}, calls: map[string]*hclsyntax.Block{}, providers: map[string]*hclsyntax.Block{},
	}
	m.files = files
	variables := map[string]*hclsyntax.Block{}
	for _, f := range m.files {
		override := isOverride(f.path)
		m.problems = append(m.problems, f.mistakes()...)
		for _, b := range f.tree().Blocks {
			m.declare(b, variables, override)
		}
	}
	for _, name := range sortedNames(variables) {
		m.variables[name] = m.variable(name, variables[name])
	}
	return m
}

func (m *module) invalid(r hcl.Range, message string) {
	m.problems = append(m.problems, source.Problem{Kind: source.Invalid, Range: place(r), Message: message})
}

// labels says how many labels the blocks that declare something have.
var labels = map[string]int{"resource": 2, "data": 2, "ephemeral": 2, "variable": 1, "output": 1, "module": 1, "provider": 1}

func (m *module) declare(b *hclsyntax.Block, variables map[string]*hclsyntax.Block, override bool) {
	if len(b.Labels) < labels[b.Type] {
		m.invalid(b.DefRange(), "the block \""+b.Type+"\" lacks a name")
		return
	}
	for i := range labels[b.Type] {
		if !hclsyntax.ValidIdentifier(b.Labels[i]) {
			m.invalid(b.DefRange(), "the block \""+b.Type+"\" has a name that is none: letters, digits, - and _ make names, and a letter or _ begins them")
			return
		}
	}
	switch b.Type {
	case "resource", "data", "ephemeral":
		d := &declaration{mode: b.Type, typ: b.Labels[0], name: b.Labels[1], block: b}
		if b.Type != "resource" {
			d.typ = b.Type + "." + d.typ
		}
		d.key = d.typ + "." + d.name
		if old := m.resources[d.key]; old != nil {
			d.block = m.again(old.block, b, override)
		}
		m.resources[d.key] = d
	case "variable":
		variables[b.Labels[0]] = m.again(variables[b.Labels[0]], b, override)
	case "output":
		m.outputs[b.Labels[0]] = m.again(m.outputs[b.Labels[0]], b, override)
	case "module":
		m.calls[b.Labels[0]] = m.again(m.calls[b.Labels[0]], b, override)
	case "provider":
		key := b.Labels[0]
		if a := b.Body.Attributes["alias"]; a != nil {
			if alias, ok := wordOf(a.Expr); ok {
				key += "." + alias
			}
		}
		m.providers[key] = m.again(m.providers[key], b, override)
	case "locals":
		for _, name := range sortedNames(b.Body.Attributes) {
			if old := m.locals[name]; old != nil && !override {
				m.invalid(b.Body.Attributes[name].NameRange, "the local value \""+name+"\" is declared twice")
				continue
			}
			m.locals[name] = b.Body.Attributes[name]
		}
	case "terraform":
		for _, inner := range b.Body.Blocks {
			if inner.Type == "backend" && len(inner.Labels) == 1 {
				m.backend = inner
			}
		}
	}
}

// again merges a block that is declared a second time. Only override files may do so; otherwise the first one counts.
func (m *module) again(old, b *hclsyntax.Block, override bool) *hclsyntax.Block {
	switch {
	case old == nil:
		return b
	case !override:
		m.invalid(b.DefRange(), strings.Join(append([]string{b.Type}, b.Labels...), " ")+" is declared twice in this directory")
		return old
	}
	merged, body := *old, *old.Body
	merged.Body = &body
	body.Attributes = make(hclsyntax.Attributes, len(old.Body.Attributes))
	for name, a := range old.Body.Attributes {
		body.Attributes[name] = a
	}
	for name, a := range b.Body.Attributes {
		body.Attributes[name] = a
	}
	body.Blocks = nil
	for _, o := range old.Body.Blocks {
		if !slices.ContainsFunc(b.Body.Blocks, func(n *hclsyntax.Block) bool { return blockName(n) == blockName(o) && n.Type != "lifecycle" }) {
			body.Blocks = append(body.Blocks, o)
		}
	}
	body.Blocks = append(body.Blocks, b.Body.Blocks...)
	return &merged
}

// blockName returns the name that a nested block has after expansion.
func blockName(b *hclsyntax.Block) string {
	if b.Type == "dynamic" && len(b.Labels) == 1 {
		return b.Labels[0]
	}
	return b.Type
}

// wordOf reads a reference or a literal string as the words joined by dots: aws.west.
func wordOf(e hclsyntax.Expression) (string, bool) {
	if s, ok := literalText(e); ok {
		return s, true
	}
	t, diags := hcl.AbsTraversalForExpr(e)
	if diags.HasErrors() {
		return "", false
	}
	words := []string{t.RootName()}
	for _, step := range t[1:] {
		a, ok := step.(hcl.TraverseAttr)
		if !ok {
			return "", false
		}
		words = append(words, a.Name)
	}
	return strings.Join(words, "."), true
}

// literalBool reads an attribute that must be a literal bool.
func literalBool(b *hclsyntax.Block, name string, otherwise bool) bool {
	a := b.Body.Attributes[name]
	if a == nil {
		return otherwise
	}
	v, _ := a.Expr.Value(nil)
	switch {
	case !v.IsKnown() || v.IsNull():
	case v.Type() == cty.Bool:
		return v.True()
	case v.Type() == cty.String && (v.AsString() == "true" || v.AsString() == "false"):
		return v.AsString() == "true"
	}
	return otherwise
}

func (m *module) variable(name string, b *hclsyntax.Block) *variable {
	v := &variable{name: name, block: b, typ: cty.DynamicPseudoType, literal: true,
		nullable: literalBool(b, "nullable", true), sensitive: literalBool(b, "sensitive", false)}
	if a := b.Body.Attributes["type"]; a != nil {
		v.setType(m, a.Expr)
	}
	if a := b.Body.Attributes["default"]; a != nil {
		value, diags := a.Expr.Value(nil)
		for _, d := range diags {
			if d.Severity == hcl.DiagError {
				m.problems = append(m.problems, problemOf(source.Invalid, d, m.dir))
			}
		}
		converted, err := v.convert(value)
		switch {
		case err != nil:
			m.invalid(a.Expr.Range(), "the default of variable \""+name+"\" does not have its type: "+err.Error())
			converted = cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
		case converted.IsNull() && !v.nullable:
			m.invalid(a.Expr.Range(), "the default of variable \""+name+"\" must not be null")
			converted = cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
		}
		v.fallback = converted
	}
	return v
}

func (v *variable) setType(m *module, e hclsyntax.Expression) {
	if text, ok := literalText(e); ok { // as in JSON, and in files from before 0.12
		switch text {
		case "list":
			text = "list(any)"
		case "map":
			text = "map(any)"
		}
		parsed, diags := hclsyntax.ParseExpression([]byte(text), e.Range().Filename, hcl.Pos{Byte: e.Range().Start.Byte + 1, Line: 1, Column: 1})
		if diags.HasErrors() {
			m.invalid(e.Range(), "the type of the variable cannot be read")
			return
		}
		e = rewrite(parsed)
	}
	switch hcl.ExprAsKeyword(e) {
	case "list":
		v.typ, v.literal = cty.List(cty.DynamicPseudoType), false
		return
	case "map":
		v.typ, v.literal = cty.Map(cty.DynamicPseudoType), false
		return
	}
	t, defaults, diags := typeexpr.TypeConstraintWithDefaults(e)
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			m.problems = append(m.problems, problemOf(source.Invalid, d, m.dir))
		}
	}
	if !diags.HasErrors() {
		v.typ, v.defaults, v.literal = t, defaults, t.IsPrimitiveType()
	}
}
