package terragrunt

import (
	"fmt"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/source"
)

// files returns what is written into the module before it runs: one file for each label, the strongest config's.
func (r *run) files(c *config) []terraform.Generated {
	var out []terraform.Generated
	seen := map[string]bool{}
	for _, l := range c.chain() {
		for _, b := range l.body.Blocks {
			if b.Type != "generate" || seen[label(b)] {
				continue
			}
			seen[label(b)] = true
			if g, ok := r.generated(l.config, b); ok {
				out = append(out, g)
			}
		}
		if a := l.body.Attributes["generate"]; a != nil {
			out = append(out, r.generatedMap(l.config, a, seen)...)
		}
	}
	return out
}

// generated reads a generate block.
func (r *run) generated(c *config, b *hclsyntax.Block) (terraform.Generated, bool) {
	a := b.Body.Attributes["contents"]
	name, ok := c.text(b, "path")
	if a == nil || !ok || c.flag(b, "disable") {
		return terraform.Generated{}, false
	}
	how, _ := c.text(b, "if_exists")
	g := terraform.Generated{Name: path.Base(name), At: terraform.Place(a.Expr.Range()), Keep: how == "skip"}
	text, whole := c.contents(a.Expr)
	if text == "" && !whole {
		r.Problem(source.Unresolved, terraform.Place(a.SrcRange), "what is written into "+name+" is not known")
		return terraform.Generated{}, false
	}
	g.Text = text
	if f := r.File(c.file); f != nil {
		if at, ok := heredoc(f, a.Expr); ok && at.End-at.Start == len(text) {
			g.At, g.Source = at, f
		}
	}
	return g, true
}

// generatedMap reads the attribute generate, a map of what blocks say.
func (r *run) generatedMap(c *config, a *hclsyntax.Attribute, seen map[string]bool) []terraform.Generated {
	v, _ := c.attribute(a, "generate").UnmarkDeep()
	if !isMap(v) {
		return nil
	}
	var out []terraform.Generated
	for it := v.ElementIterator(); it.Next(); {
		k, item := it.Element()
		if seen[k.AsString()] || !isMap(item) {
			continue
		}
		seen[k.AsString()] = true
		fields := item.AsValueMap()
		text := func(name string) string {
			f, ok := fields[name]
			if !ok || !f.IsKnown() || f.IsNull() || f.Type() != cty.String {
				return ""
			}
			return f.AsString()
		}
		if name := text("path"); name != "" && text("contents") != "" {
			out = append(out, terraform.Generated{Name: path.Base(name), Text: text("contents"), At: terraform.Place(a.Expr.Range()), Keep: text("if_exists") == "skip"})
		}
	}
	return out
}

// hole stands for a part of a generated text that is not known: a name in the language that has no value anywhere.
const hole = "terraform.unknown"

// contents evaluates the text of a file. Parts that are not known are replaced by an expression whose value is unknown, so
// that the rest can be read. It reports whether all of it is known.
func (c *config) contents(e hclsyntax.Expression) (string, bool) {
	if v, _ := c.run.Value(e, c.ctx).UnmarkDeep(); v.IsKnown() {
		if v.IsNull() || v.Type() != cty.String {
			return "", true
		}
		return v.AsString(), true
	}
	parts, ok := terraform.PartsOf(e)
	if !ok {
		return "", false
	}
	var out strings.Builder
	for _, part := range parts {
		v, _ := c.run.Value(part, c.ctx).UnmarkDeep()
		if s, err := convert.Convert(v, cty.String); err == nil && s.IsKnown() && !s.IsNull() {
			out.WriteString(s.AsString())
			continue
		}
		line := out.String()
		line = line[strings.LastIndexByte(line, '\n')+1:]
		if strings.Count(line, `"`)%2 == 1 {
			fmt.Fprintf(&out, "${%s}", hole)
		} else {
			out.WriteString(hole)
		}
	}
	return out.String(), false
}

// heredoc finds the text of a heredoc that stands in the file as it is: with nothing to evaluate, and no indentation that is
// taken off.
func heredoc(f *source.File, e hclsyntax.Expression) (source.Range, bool) {
	parts, ok := terraform.PartsOf(e)
	if !ok || len(parts) == 0 {
		return source.Range{}, false
	}
	var text strings.Builder
	for _, part := range parts {
		l, ok := part.(*hclsyntax.LiteralValueExpr)
		if !ok || l.Val.IsNull() || l.Val.Type() != cty.String {
			return source.Range{}, false
		}
		text.WriteString(l.Val.AsString())
	}
	at := source.Range{File: f.Path, Start: parts[0].Range().Start.Byte}
	at.End = at.Start + text.Len()
	if at.Start <= 0 || at.Start == at.End || at.End > len(f.Bytes) || string(f.Bytes[at.Start:at.End]) != text.String() || f.Bytes[at.Start-1] != '\n' {
		return source.Range{}, false
	}
	return at, true
}

// backend returns where the state is kept, when the configs say it.
func (r *run) backend(c *config) *terraform.Backend {
	for _, l := range c.chain() {
		if b := l.block("remote_state", ""); b != nil {
			return l.backendOf(b)
		}
		if a := l.body.Attributes["remote_state"]; a != nil {
			return l.backendIn(a)
		}
	}
	return nil
}

func (c *config) backendOf(b *hclsyntax.Block) *terraform.Backend {
	kind, ok := c.text(b, "backend")
	a := b.Body.Attributes["config"]
	if !ok || kind == "" || a == nil {
		return nil
	}
	return &terraform.Backend{Type: kind, Block: b, Config: a.Expr, Context: c.ctx, Value: c.attribute(a, "remote_state.config")}
}

// backendIn reads remote_state where it is an attribute.
func (c *config) backendIn(a *hclsyntax.Attribute) *terraform.Backend {
	kind, state := find(c, a.Expr, "backend")
	settings, also := find(c, a.Expr, "config")
	if state != present || also != present {
		return nil
	}
	v, _ := kind.value().UnmarkDeep()
	if !v.IsKnown() || v.IsNull() || v.Type() != cty.String || v.AsString() == "" {
		return nil
	}
	end := a.SrcRange
	end.Start = end.End
	b := &hclsyntax.Block{Type: "remote_state", Body: &hclsyntax.Body{}, TypeRange: a.NameRange, OpenBraceRange: a.EqualsRange, CloseBraceRange: end}
	return &terraform.Backend{Type: v.AsString(), Block: b, Config: settings.expr, Context: c.ctx, Value: settings.value()}
}
