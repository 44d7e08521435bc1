package terraform

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/dialects/terraform/edit"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// atOrigin lowers a change of a value that is nothing but a reference to an edit of the place where the value is written:
// a local, the argument of a module call, an entry of a tfvars file, the default of a variable. It reports false when the
// value is written, or made by an expression, in the resource itself.
func (l *lowering) atOrigin(h *handle, c resource.Change) (bool, error) {
	if c.Op == resource.Add {
		return false, nil
	}
	var e hclsyntax.Expression
	var ctx *hcl.EvalContext
	var rest value.Path
	for n := len(c.Path); n > 0 && e == nil; n-- { // a key that is wished may not be in its map yet
		if e, ctx, rest = h.expression(c.Path[:n]); e != nil {
			rest = append(rest[:len(rest):len(rest)], c.Path[n:]...)
		}
	}
	if e == nil || l.forEach(h, e) {
		return false, nil
	}
	start := e
	t := &tracer{unit: l.unit, visited: map[visit]bool{}}
	branched := false
	for range maxTrace {
		e, rest = inner(e, rest)
		if branch := l.branch(e, ctx, c); branch != nil {
			e, branched = branch, true
			continue
		}
		if w, ok := t.through(e, ctx, rest); ok {
			e, ctx, rest = w.Expr, w.Context, w.Rest
			continue
		}
		ref, ok := e.(*reference)
		if !ok {
			break
		}
		next, nextCtx, steps, ok := t.step(ref, ctx)
		if !ok {
			break
		}
		e, ctx, rest = next, nextCtx, append(steps, rest...)
	}
	if n := len(t.trace); n > 0 && t.trace[n-1].Range.IsZero() {
		return false, fmt.Errorf("the value is given from outside of the tree, by %s", t.trace[n-1].Name)
	}
	for _, given := range l.unit.named {
		if given.path == e.Range().Filename { // it may lie anywhere, and is not part of what is proved
			return false, fmt.Errorf("the value is given by --var-file %s", given.path)
		}
	}
	if len(t.trace) == 0 && !branched {
		return l.overridden(h, start, rest, c)
	}
	if !writtenOut(e) || c.Op == resource.Remove && len(rest) == 0 {
		return false, nil // what makes the value is an expression: it is replaced where it is used
	}
	return true, l.assign(e, resource.Change{Op: c.Op, Path: rest, Value: c.Value})
}

// branch returns the branch that a conditional takes, so that the other one keeps its value for other instances and inputs;
// nil when that is not known, or when both branches would then say the same.
func (l *lowering) branch(e hclsyntax.Expression, ctx *hcl.EvalContext, c resource.Change) hclsyntax.Expression {
	x, ok := e.(*conditional)
	if !ok || c.Op != resource.Set {
		return nil
	}
	v, _ := l.unit.evaluate(x.Condition, ctx).Unmark()
	if v.IsNull() || !v.IsKnown() || v.Type() != cty.Bool {
		return nil
	}
	taken, other := x.TrueResult, x.FalseResult
	if v.False() {
		taken, other = other, taken
	}
	if writtenOut(other) {
		plain, diags := other.Value(nil)
		if converted := plainValue(plain); !diags.HasErrors() && same(&converted, &c.Value) {
			return nil
		}
	}
	return taken
}

// forEach reports whether an expression is not the value's own but that of the dynamic block that makes it.
func (l *lowering) forEach(h *handle, e hclsyntax.Expression) bool {
	found := false
	hclsyntax.VisitAll(h.block.Body, func(n hclsyntax.Node) hcl.Diagnostics {
		if b, ok := n.(*hclsyntax.Block); ok && b.Type == "dynamic" {
			if a := b.Body.Attributes["for_each"]; a != nil && a.Expr == e {
				found = true
			}
		}
		return nil
	})
	return found
}

// overridden lowers a change of a value that an override file gives: there, not in the block that it overrides.
func (l *lowering) overridden(h *handle, e hclsyntax.Expression, rest value.Path, c resource.Change) (bool, error) {
	if e.Range().Filename == h.block.TypeRange.Filename || c.Op == resource.Remove {
		return false, nil
	}
	return true, l.assign(e, resource.Change{Op: c.Op, Path: rest, Value: c.Value})
}

// writtenOut reports whether an expression says its value itself.
func writtenOut(e hclsyntax.Expression) bool {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr, *hclsyntax.ObjectConsExpr, *hclsyntax.TupleConsExpr:
		return true
	case *hclsyntax.TemplateExpr:
		return e.IsStringLiteral()
	case *hclsyntax.ParenthesesExpr:
		return writtenOut(e.Expression)
	}
	return false
}

// assign edits an expression where it stands.
func (l *lowering) assign(e hclsyntax.Expression, c resource.Change) error {
	r := e.Range()
	if inJSONForm(r) {
		return l.jsonAssign(e, c)
	}
	f, body, err := l.file(r.Filename)
	if err != nil {
		return err
	}
	plain := expressionAt(body, r)
	if plain == nil {
		return fmt.Errorf("%s:%d: the value is not there any more", r.Filename, r.Start.Line)
	}
	edits, err := edit.Assign(edit.Target{File: f}, plain, []resource.Change{c})
	if err != nil {
		return err
	}
	return l.join(edits)
}

// expressionAt returns the outermost expression with exactly that range.
func expressionAt(body *hclsyntax.Body, r hcl.Range) hclsyntax.Expression {
	var found hclsyntax.Expression
	hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		if e, ok := n.(hclsyntax.Expression); ok && found == nil {
			if at := e.Range(); at.Start.Byte == r.Start.Byte && at.End.Byte == r.End.Byte {
				found = e
			}
		}
		return nil
	})
	return found
}
