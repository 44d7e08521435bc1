package terragrunt

import (
	"fmt"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/source"
)

// Outputs of another unit are what its module's outputs evaluate to, where they do; what a provider makes of them stays
// unknown. Mock outputs are no truth: they stand in where nothing was applied yet.

const (
	maxChain  = 32  // units that depend on each other
	maxOthers = 250 // units whose outputs one unit asks for, through others too
)

// dependency returns a dependency block and in whose file it stands: with a deep merge those that include each other see
// each other's.
func (c *config) dependency(name string) (*config, *hclsyntax.Block) {
	if name == "" {
		return nil, nil
	}
	for _, l := range c.around() {
		if b := l.block("dependency", name); b != nil {
			return l, b
		}
	}
	return nil, nil
}

// outputs returns all outputs of a dependency as one object.
func (c *config) outputs(name string) cty.Value {
	owner, b := c.dependency(name)
	if b == nil {
		return cty.DynamicVal
	}
	if owner.skips(b) {
		return owner.mock(b)
	}
	other := owner.other(b)
	if other == nil || !other.complete {
		return cty.DynamicVal
	}
	values := map[string]cty.Value{}
	for _, output := range other.Outputs() {
		v, _ := owner.output(name, output, b.DefRange())
		values[output] = v
	}
	return cty.ObjectVal(values)
}

// skips reports whether Terragrunt does not ask for the outputs of a dependency at all.
func (c *config) skips(b *hclsyntax.Block) bool { return c.flag(b, "skip_outputs") }

func (c *config) mock(b *hclsyntax.Block) cty.Value {
	a := b.Body.Attributes["mock_outputs"]
	if a == nil {
		return cty.DynamicVal
	}
	return c.attribute(a, "the mock outputs of dependency."+label(b))
}

// output evaluates one output of a dependency that c declares.
func (c *config) output(name, output string, at hcl.Range) (cty.Value, hcl.Diagnostics) {
	b := c.block("dependency", name)
	if b == nil {
		return cty.DynamicVal, nil
	}
	if a := b.Body.Attributes["enabled"]; a != nil && !c.flag(b, "enabled") {
		return cty.DynamicVal, nil
	}
	if c.skips(b) {
		mock, _ := c.mock(b).Unmark()
		if isMap(mock) && mock.Type().IsObjectType() && mock.Type().HasAttribute(output) {
			return mock.GetAttr(output), nil
		}
		return cty.DynamicVal, nil
	}
	other := c.other(b)
	if other == nil {
		return cty.DynamicVal, nil
	}
	missing := false
	v := c.run.Demand(c.cell("\x00output."+name+"."+output), "dependency."+name+".outputs."+output, at, func() cty.Value {
		defer c.run.Join(other.Run)
		v, ok := other.Output(output)
		if !ok {
			missing = other.complete
			return cty.DynamicVal
		}
		return terraform.Foreign(v)
	})
	if missing {
		return cty.DynamicVal, terraform.Absent(at, "Reference to something undeclared", "the unit %s has no output %q", other.unit.dir, output)
	}
	return v, nil
}

// other returns the opened unit that a dependency is on; nil when it is not at hand.
func (c *config) other(b *hclsyntax.Block) *run {
	r := c.run
	a := b.Body.Attributes["config_path"]
	text, ok := c.text(b, "config_path")
	if !ok || text == "" || a == nil {
		return nil
	}
	where := terraform.Place(a.SrcRange)
	dir, ok := place(c.dir, text)
	if !ok {
		r.Problem(source.Unresolved, where, "dependency."+label(b)+": the unit lies outside of the tree that is scanned")
		return nil
	}
	if strings.HasSuffix(dir, ".hcl") {
		dir = path.Dir(dir)
	}
	depth := 0
	for up := r; up != nil; up = up.parent {
		depth++
		if up.unit.dir == dir {
			r.top().Problem(source.Invalid, where, "the units "+dir+" and "+r.unit.dir+" depend on each other, directly or through other units")
			return nil
		}
	}
	if other, ok := r.top().others[dir]; ok {
		return other
	}
	if depth > maxChain || len(r.top().others) >= maxOthers {
		r.top().Problem(source.Limit, source.Range{File: r.top().unit.file}, fmt.Sprintf(
			"the unit depends on more than %d other units, or on %d behind each other; the outputs of the rest are taken as unknown", maxOthers, maxChain))
		return nil
	}
	u, ok := r.estate.unitIn(dir)
	if !ok {
		if file := path.Join(r.estate.real(dir), unitFile); !r.exists(file) {
			r.Problem(source.Unresolved, where, "dependency."+label(b)+": there is no unit in "+dir)
			r.top().others[dir] = nil
			return nil
		} else {
			u = unit{dir: dir, file: file}
		}
	}
	other := r.estate.nested(r, u)
	r.top().others[dir] = other
	other.open()
	r.Join(other.Run)
	return other
}

func (r *run) exists(file string) bool {
	dir, ok := r.Exists(file)
	return ok && !dir
}

// top returns the run that everything belongs to.
func (r *run) top() *run {
	for r.parent != nil {
		r = r.parent
	}
	return r
}
