package terragrunt

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/value"
)

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// stepName returns the name of step i of a traversal.
func stepName(t hcl.Traversal, i int) (string, bool) {
	if i >= len(t) {
		return "", false
	}
	switch step := t[i].(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString(), true
		}
	}
	return "", false
}

// Resolve returns what a reference names: local.x, include.root.locals.x, dependency.vpc.outputs.id, values.x,
// feature.x.value.
func (c *config) Resolve(t hcl.Traversal) (cty.Value, hcl.Diagnostics) {
	root := t.RootName()
	name, ok := stepName(t, 1)
	at := t.SourceRange()
	absent := func(format string, args ...any) (cty.Value, hcl.Diagnostics) {
		return cty.DynamicVal, terraform.Absent(at, "Reference to something undeclared", format, args...)
	}
	switch root {
	case "local":
		if !ok {
			return c.field("locals"), nil
		}
		if c.locals[name] == nil {
			return absent("this file declares no local value %q", name)
		}
		return terraform.Onward(t[2:], c.local(name))
	case "include":
		return c.resolveInclude(t)
	case "dependency":
		if !ok {
			return c.field("dependency"), nil
		}
		owner, _ := c.dependency(name)
		if owner == nil {
			return absent("there is no dependency %q", name)
		}
		switch third, _ := stepName(t, 2); {
		case third != "outputs":
			return cty.DynamicVal, nil
		case len(t) == 3:
			return owner.outputs(name), nil
		default:
			if output, ok := stepName(t, 3); ok {
				v, diags := owner.output(name, output, at)
				if diags.HasErrors() {
					return v, diags
				}
				return terraform.Onward(t[4:], v)
			}
			return terraform.Onward(t[3:], owner.outputs(name))
		}
	case "values":
		from := c.given()
		if from.expr == nil {
			if c.run.unit.file != c.file && c.run.unit.stack == nil {
				return cty.DynamicVal, nil
			}
			return absent("nothing gives values to this unit")
		}
		return terraform.Onward(t[1:], from.owner.run.Value(from.expr, from.owner.ctx))
	case "feature":
		for _, l := range c.around() {
			if b := l.block("feature", name); ok && b != nil {
				return terraform.Onward(t[2:], l.blockValue(b))
			}
		}
		return absent("there is no feature %q", name)
	case "unit", "stack":
		v := c.field(root)
		if v == cty.NilVal {
			return absent("there is no %s", root)
		}
		return terraform.Onward(t[1:], v)
	}
	return absent("Terragrunt knows no %q", root)
}

// around returns the configs whose blocks a config sees: its own, what it includes and who includes it.
func (c *config) around() []*config {
	out := []*config{c}
	top := c
	if c.child != nil {
		top = c.child
		out = append(out, top)
	}
	for _, i := range top.includes {
		if i.config != nil && i.config != c {
			out = append(out, i.config)
		}
	}
	return out
}

// exposed returns the config that include.x names, and how many steps of the reference do so.
func (c *config) exposed(t hcl.Traversal) (i *include, steps int) {
	all := c.including()
	if name, ok := stepName(t, 1); ok {
		for _, i := range all {
			if i.label == name && name != "" {
				return i, 2
			}
		}
	}
	for _, i := range all {
		if i.label == "" {
			return i, 1
		}
	}
	return nil, 0
}

func (c *config) resolveInclude(t hcl.Traversal) (cty.Value, hcl.Diagnostics) {
	i, n := c.exposed(t)
	at := t.SourceRange()
	switch {
	case i == nil:
		return cty.DynamicVal, terraform.Absent(at, "Reference to something undeclared", "there is no such include")
	case !i.exposed:
		return cty.DynamicVal, terraform.Absent(at, "Reference to something undeclared", "what is included is not exposed: expose = true makes it visible")
	case i.config == nil:
		return cty.DynamicVal, nil
	}
	field, ok := stepName(t, n)
	if !ok {
		return i.config.object(), nil
	}
	if local, ok := stepName(t, n+1); ok && field == "locals" {
		if i.config.locals[local] == nil {
			return cty.DynamicVal, terraform.Absent(at, "Reference to something undeclared", "%s declares no local value %q", i.config.file, local)
		}
		return terraform.Onward(t[n+2:], i.config.local(local))
	}
	v := i.config.field(field)
	if v == cty.NilVal {
		return cty.DynamicVal, terraform.Absent(at, "Reference to something undeclared", "%s says nothing of %q", i.config.file, field)
	}
	return terraform.Onward(t[n+1:], v)
}

// given returns the values of the unit or stack that c belongs to.
func (c *config) given() given {
	if c.values == nil {
		return given{}
	}
	return c.values()
}

func pathOf(t hcl.Traversal) value.Path {
	var p value.Path
	for i, step := range t {
		if name, ok := stepName(t, i); ok {
			p = append(p, value.Step{Name: name})
		} else if s, ok := step.(hcl.TraverseIndex); ok && s.Key.Type() == cty.Number && s.Key.IsKnown() && !s.Key.IsNull() {
			if n, acc := s.Key.AsBigFloat().Int64(); acc == 0 && n >= 0 {
				p = append(p, value.Step{Index: int(n)})
			}
		}
	}
	return p
}

// Behind returns the expression that a reference stands for.
func (c *config) Behind(t hcl.Traversal) (terraform.Written, bool) {
	switch t.RootName() {
	case "local":
		return c.behind(append(value.Path{{Name: "locals"}}, pathOf(t[1:])...))
	case "include":
		if i, n := c.exposed(t); i != nil && i.config != nil {
			return i.config.behind(pathOf(t[n:]))
		}
	case "values":
		from := c.given()
		if from.expr == nil {
			return terraform.Written{}, false
		}
		w, ok := lookup(from.owner, from.expr, pathOf(t[1:]))
		w.Name = "values in " + from.owner.file
		if name, named := stepName(t, 1); named {
			w.Name = "values." + name + " in " + from.owner.file
		}
		return w, ok
	case "dependency":
		name, _ := stepName(t, 1)
		output, ok := stepName(t, 3)
		if owner, b := c.dependency(name); ok && b != nil {
			return terraform.Written{Name: "dependency." + name + ".outputs." + output + " in " + owner.file, Range: terraform.Place(b.DefRange())}, true
		}
	case "feature":
		name, _ := stepName(t, 1)
		for _, l := range c.around() {
			if b := l.block("feature", name); name != "" && b != nil && b.Body.Attributes["default"] != nil {
				a := b.Body.Attributes["default"]
				return terraform.Written{Name: "feature." + name, Range: terraform.Place(a.SrcRange), Expr: a.Expr, Context: l.ctx,
					Rest: pathOf(t[min(3, len(t)):])}, true
			}
		}
	}
	return terraform.Written{}, false
}

// behind returns the expression that a path into the fields of a config stands for.
func (c *config) behind(p value.Path) (terraform.Written, bool) {
	if len(p) < 2 || p[1].Name == "" {
		return terraform.Written{}, false
	}
	switch p[0].Name {
	case "locals":
		a := c.locals[p[1].Name]
		if a == nil {
			return terraform.Written{}, false
		}
		return terraform.Written{Name: "local." + p[1].Name, Range: terraform.Place(a.SrcRange), Expr: a.Expr, Context: c.ctx, Rest: p[2:]}, true
	case "inputs":
		in, state := c.input(p[1].Name)
		if state == absent {
			return terraform.Written{}, false
		}
		return in.written(p[2:])
	}
	return terraform.Written{}, false
}

// Through returns the expression behind what read_terragrunt_config reads.
func (c *config) Through(call *hclsyntax.FunctionCallExpr, ctx *hcl.EvalContext, p value.Path) (terraform.Written, bool) {
	if call.Name != "read_terragrunt_config" || len(call.Args) == 0 {
		return terraform.Written{}, false
	}
	v, _ := call.Args[0].Value(ctx)
	if v, _ = v.Unmark(); !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return terraform.Written{}, false
	}
	file, ok := c.run.resolve(c.dir, v.AsString())
	if !ok {
		return terraform.Written{}, false
	}
	read := c.run.read[file]
	if read == nil {
		return terraform.Written{}, false
	}
	return read.behind(p)
}

// Unknown tells what an unknown reference waits for.
func (c *config) Unknown(t hcl.Traversal) (dialect.Wait, bool) {
	if t.RootName() != "dependency" {
		return dialect.Wait{}, false
	}
	name, _ := stepName(t, 1)
	_, b := c.dependency(name)
	if b == nil {
		return dialect.Wait{}, false
	}
	wait := dialect.Wait{Name: "dependency." + name + ".outputs", Kind: "computed", Range: terraform.Place(b.DefRange())}
	if output, ok := stepName(t, 3); ok {
		wait.Name += "." + output
	}
	return wait, true
}

// outside are the functions whose answers are not in the tree.
var outside = map[string]bool{"run_cmd": true, "get_env": true, "sops_decrypt_file": true, "get_aws_account_id": true,
	"get_aws_account_alias": true, "get_aws_caller_identity_arn": true, "get_aws_caller_identity_user_id": true, "get_platform": true,
	"get_terraform_command": true, "get_terraform_cli_args": true, "get_working_dir": true}

// Waits tells what the unknown result of a function waits for.
func (c *config) Waits(call *hclsyntax.FunctionCallExpr, ctx *hcl.EvalContext) (dialect.Wait, bool) {
	if !outside[call.Name] {
		return dialect.Wait{}, false
	}
	wait := dialect.Wait{Name: call.Name + "()", Kind: "function", Range: terraform.Place(call.NameRange)}
	if v, diags := call.Value(ctx); !diags.HasErrors() {
		if v, _ = v.UnmarkDeep(); v.IsWhollyKnown() {
			return dialect.Wait{}, false
		}
	}
	if call.Name == "get_env" && len(call.Args) > 0 {
		if v, diags := call.Args[0].Value(ctx); !diags.HasErrors() {
			if v, _ = v.Unmark(); v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
				wait.Name = "get_env(\"" + v.AsString() + "\")"
			}
		}
	}
	return wait, true
}
