package terraform

import (
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// render evaluates a template with nothing but the variables given and the functions. What is wrong with it is not
// reported: whoever asks has another answer to fall back on.
func (s *scope) render(name, text string, vars map[string]cty.Value) (cty.Value, bool) {
	if _, deep := tooDeep([]byte(text), s.unit.limits.Nesting, true); deep {
		return cty.NilVal, false
	}
	parsed, diags := hclsyntax.ParseTemplate([]byte(text), name, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.NilVal, false
	}
	inside := make(map[string]cty.Value, len(vars)+1)
	for k, v := range vars {
		inside[k] = v
	}
	inside[scopeVariable] = s.ctx.Variables[scopeVariable]
	ctx := s.ctx.Parent().NewChild()
	ctx.Functions, ctx.Variables = s.ctx.Functions, inside
	v, diags := rewrite(parsed).Value(ctx)
	return v, !diags.HasErrors()
}

// keepTemplate marks the unknown result of templatefile with the JSON document that the file makes.
func (e *call) keepTemplate(s *scope, v cty.Value, ctx *hcl.EvalContext) cty.Value {
	args := e.values(ctx)
	if len(args) != 2 {
		return v
	}
	name, _ := args[0].Unmark()
	vars, _ := args[1].Unmark()
	if name.Type() != cty.String || !name.IsKnown() || name.IsNull() || !vars.IsKnown() || vars.IsNull() ||
		!vars.Type().IsObjectType() && !vars.Type().IsMapType() {
		return v
	}
	file := path.Join(s.unit.root.dir, name.AsString())
	if path.IsAbs(name.AsString()) || file == ".." || strings.HasPrefix(file, "../") {
		return v
	}
	content, err := s.unit.readText(file)
	if err != nil {
		return v
	}
	rendered, ok := s.render(file, string(content), vars.AsValueMap())
	if !ok {
		return v
	}
	_, marks := rendered.Unmark()
	if doc := documentOf(marks); doc != nil {
		return dropShape(v).Mark(decoded{doc})
	}
	return v
}

// templateFile answers for the data source template_file, which renders without asking anyone.
func (i *instance) templateFile() (cty.Value, bool) {
	attributes := i.decl.block.Body.Attributes
	if attributes["template"] == nil {
		return cty.NilVal, false
	}
	text, marks := i.wrote(attributes["template"]).Unmark()
	text, err := convert.Convert(text, cty.String)
	if err != nil || !text.IsKnown() || text.IsNull() {
		return cty.NilVal, false
	}
	vars := map[string]cty.Value{}
	if attributes["vars"] != nil {
		given, more := i.wrote(attributes["vars"]).Unmark()
		marks = mergeMarks(marks, more)
		given, err := convert.Convert(given, cty.Map(cty.String))
		if err != nil || !given.IsKnown() {
			return cty.NilVal, false
		}
		if !given.IsNull() {
			vars = given.AsValueMap()
		}
	}
	v, ok := i.scope.render(i.address, text.AsString(), vars)
	if !ok {
		return cty.NilVal, false
	}
	return v.WithMarks(marks), true
}
