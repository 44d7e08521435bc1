package terragrunt

import (
	"path"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"

	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/source"
)

// config is a file of Terragrunt as it is read for one unit: what it says may differ from unit to unit, as paths are found
// from the unit on.
type config struct {
	run    *run
	file   string // in the tree
	dir    string // get_terragrunt_dir(): of the unit for what it includes, of the file itself for one that is read
	body   *hclsyntax.Body
	ctx    *hcl.EvalContext
	child  *config      // who includes it; nil
	values func() given // what a stack gives to it

	locals   map[string]*hclsyntax.Attribute
	cells    map[string]*terraform.Cell
	includes []*include // once they were looked for
	included bool
	whole    cty.Value // as those see it that read it; NilVal until then
}

// given is what values are in a unit or stack.
type given struct {
	expr  hclsyntax.Expression // nil when there are none
	owner *config              // in whose file the expression stands
}

// include is an include block.
type include struct {
	label    string
	block    *hclsyntax.Block
	config   *config // nil when it is not at hand
	strategy string  // no_merge, shallow, deep
	exposed  bool
}

// newConfig makes a config of a file; nil when the file cannot be read.
func (r *run) newConfig(file, dir string, child *config) *config {
	body := r.Text(file)
	if body == nil {
		return nil
	}
	c := &config{run: r, file: file, dir: dir, body: body, child: child, locals: map[string]*hclsyntax.Attribute{}, cells: map[string]*terraform.Cell{}}
	for _, b := range body.Blocks {
		if b.Type == "locals" {
			for name, a := range b.Body.Attributes {
				c.locals[name] = a
			}
		}
	}
	c.ctx = r.Scope(c, path.Dir(file), c.functions())
	return c
}

// functions are those of Terragrunt, as c sees them.
func (c *config) functions() map[string]ctyfunction.Function { return functionsOf(c) }

// block returns the first block of a type with a label; label "" is any.
func (c *config) block(typ, label string) *hclsyntax.Block {
	for _, b := range c.body.Blocks {
		if b.Type == typ && (label == "" || len(b.Labels) > 0 && b.Labels[0] == label) {
			return b
		}
	}
	return nil
}

// cell returns the memory of a name.
func (c *config) cell(name string) *terraform.Cell {
	if c.cells[name] == nil {
		c.cells[name] = &terraform.Cell{}
	}
	return c.cells[name]
}

// attribute evaluates an attribute of a block once.
func (c *config) attribute(a *hclsyntax.Attribute, name string) cty.Value {
	return c.run.Demand(c.cell(name), name, a.SrcRange, func() cty.Value { return c.run.Value(a.Expr, c.ctx) })
}

// text evaluates an attribute that must be a string. It reports false for one that is not written, unknown or no string.
func (c *config) text(b *hclsyntax.Block, name string) (string, bool) {
	if b == nil || b.Body.Attributes[name] == nil {
		return "", false
	}
	v, _ := c.run.Value(b.Body.Attributes[name].Expr, c.ctx).UnmarkDeep()
	if !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

// flag evaluates an attribute that must be a bool.
func (c *config) flag(b *hclsyntax.Block, name string) bool {
	if b == nil || b.Body.Attributes[name] == nil {
		return false
	}
	v, _ := c.run.Value(b.Body.Attributes[name].Expr, c.ctx).UnmarkDeep()
	return v.IsKnown() && !v.IsNull() && v.Type() == cty.Bool && v.True()
}

// texts evaluates an attribute that must be a list of strings, and leaves out what is not known.
func (c *config) texts(b *hclsyntax.Block, name string) []string {
	if b == nil || b.Body.Attributes[name] == nil {
		return nil
	}
	v, _ := c.run.Value(b.Body.Attributes[name].Expr, c.ctx).UnmarkDeep()
	return textsOf(v)
}

func textsOf(v cty.Value) []string {
	if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
		return nil
	}
	var out []string
	for it := v.ElementIterator(); it.Next(); {
		if _, item := it.Element(); item.IsKnown() && !item.IsNull() && item.Type() == cty.String {
			out = append(out, item.AsString())
		}
	}
	return out
}

// including returns what the config includes, in order. What is included may include nothing itself.
func (c *config) including() []*include {
	if c.included {
		return c.includes
	}
	c.included = true
	r := c.run
	for _, b := range c.body.Blocks {
		if b.Type != "include" {
			continue
		}
		at := terraform.Place(b.DefRange())
		if c.child != nil {
			r.Problem(source.Invalid, at, "this file is included by "+c.child.file+" and includes another one: only one level is possible")
			break
		}
		i := &include{block: b, strategy: "shallow", exposed: c.flag(b, "expose")}
		if len(b.Labels) > 0 {
			i.label = b.Labels[0]
		}
		if slices.ContainsFunc(c.includes, func(o *include) bool { return o.label == i.label }) {
			r.Problem(source.Invalid, at, "there are two include blocks with this label")
			continue
		}
		if s, ok := c.text(b, "merge_strategy"); ok {
			switch s {
			case "no_merge", "shallow", "deep":
				i.strategy = s
			case "deep_map_only":
				i.strategy = "deep"
			default:
				r.Problem(source.Invalid, terraform.Place(b.Body.Attributes["merge_strategy"].SrcRange), "merge_strategy is no_merge, shallow or deep")
			}
		}
		c.includes = append(c.includes, i) // before its path: a path that asks for what is included asks for nothing
		a := b.Body.Attributes["path"]
		if a == nil {
			r.Problem(source.Invalid, at, "include has no path")
			continue
		}
		text, ok := c.text(b, "path")
		if !ok {
			if v, _ := r.Value(a.Expr, c.ctx).UnmarkDeep(); v.IsKnown() {
				r.Problem(source.Invalid, terraform.Place(a.SrcRange), "the path of include must be a string")
			} else {
				r.Problem(source.Unresolved, terraform.Place(a.SrcRange), "the path of include is not known; what it includes was not read")
			}
			continue
		}
		file, ok := r.resolve(c.dir, text)
		if !ok {
			r.Problem(source.Unresolved, terraform.Place(a.SrcRange), "the path of include leaves the tree that is scanned")
			continue
		}
		if dir, there := r.Exists(file); !there || dir {
			r.Problem(source.Unresolved, terraform.Place(a.SrcRange), "include: there is no file "+file)
			continue
		}
		if file == c.file {
			r.Problem(source.Invalid, terraform.Place(a.SrcRange), "the file includes itself")
			continue
		}
		if i.config = r.newConfig(file, c.dir, c); i.config != nil {
			i.config.values = c.values
			r.met[file] = true
			i.config.including()
		}
	}
	return c.includes
}

// chain returns the configs that are merged, the strongest first: the unit's own, then what it includes in order.
func (c *config) chain() []link {
	out := []link{{config: c}}
	for _, i := range c.including() {
		if i.config != nil && i.strategy != "no_merge" {
			out = append(out, link{config: i.config, deep: i.strategy == "deep"})
		}
	}
	return out
}

// link is a config of a chain.
type link struct {
	*config
	deep bool // what is stronger is merged into it and does not replace it
}

// fields lists what a config says, as others see it that read it.
func (c *config) fields() []string {
	switch path.Base(c.file) {
	case valuesFile:
		return nil
	case stackFile:
		return []string{"local", "locals", "unit", "stack"}
	}
	return []string{"locals", "inputs", "terraform", "remote_state", "generate", "dependency", "dependencies", "feature", "iam_role",
		"prevent_destroy", "skip", "download_dir", "terragrunt_version_constraint", "terraform_version_constraint"}
}

// object returns the whole config as others see it that read it.
func (c *config) object() cty.Value {
	values := map[string]cty.Value{}
	if path.Base(c.file) == valuesFile {
		for _, name := range sortedNames(c.body.Attributes) {
			values[name] = c.attribute(c.body.Attributes[name], name)
		}
		return cty.ObjectVal(values)
	}
	for _, name := range c.fields() {
		if v := c.field(name); v != cty.NilVal {
			values[name] = v
		}
	}
	return cty.ObjectVal(values)
}

// field returns one of the fields; NilVal when the config does not say it.
func (c *config) field(name string) cty.Value {
	r := c.run
	switch name {
	case "locals", "local":
		if name == "local" && path.Base(c.file) == stackFile {
			return cty.NilVal
		}
		values := map[string]cty.Value{}
		for _, local := range sortedNames(c.locals) {
			values[local] = c.local(local)
		}
		return cty.ObjectVal(values)
	case "inputs":
		return r.Demand(c.cell("\x00inputs"), "inputs of "+c.file, hcl.Range{Filename: c.file}, c.allInputs)
	case "dependency":
		values := map[string]cty.Value{}
		for _, b := range c.body.Blocks {
			if b.Type == "dependency" && len(b.Labels) == 1 {
				values[b.Labels[0]] = cty.ObjectVal(map[string]cty.Value{"outputs": c.outputs(b.Labels[0])})
			}
		}
		if len(values) == 0 {
			return cty.NilVal
		}
		return cty.ObjectVal(values)
	case "terraform", "remote_state", "generate", "dependencies", "feature", "unit", "stack":
		return c.blocks(name)
	}
	if a := c.body.Attributes[name]; a != nil {
		return c.attribute(a, name)
	}
	return cty.NilVal
}

// blocks returns the attributes of the blocks of a type, by label where they have one.
func (c *config) blocks(typ string) cty.Value {
	if a := c.body.Attributes[typ]; a != nil {
		return c.attribute(a, typ)
	}
	labelled := map[string]cty.Value{}
	for _, b := range c.body.Blocks {
		if b.Type != typ {
			continue
		}
		v := c.blockValue(b)
		if len(b.Labels) == 0 {
			return v
		}
		labelled[b.Labels[0]] = v
	}
	if len(labelled) == 0 {
		return cty.NilVal
	}
	return cty.ObjectVal(labelled)
}

func (c *config) blockValue(b *hclsyntax.Block) cty.Value {
	values := map[string]cty.Value{}
	for _, name := range sortedNames(b.Body.Attributes) {
		values[name] = c.attribute(b.Body.Attributes[name], b.Type+"."+label(b)+"."+name)
	}
	if b.Type == "feature" {
		if v, ok := values["default"]; ok {
			values["value"] = v
		}
	}
	return cty.ObjectVal(values)
}

func label(b *hclsyntax.Block) string {
	if len(b.Labels) == 0 {
		return ""
	}
	return b.Labels[0]
}

// local returns a local value.
func (c *config) local(name string) cty.Value {
	return c.attribute(c.locals[name], "local."+name)
}
