package edit

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// expression lowers wishes about the value of an expression, deepest first: an object or list that is written out is
// changed where it differs; anything else can only be replaced as a whole.
func (e *editor) expression(expr hclsyntax.Expression, wishes []wish) error {
	if len(wishes) == 0 {
		return nil
	}
	if i := slices.IndexFunc(wishes, func(w wish) bool { return len(w.path) == 0 }); i >= 0 {
		if len(wishes) > 1 {
			v, err := built(wishes)
			if err != nil {
				return e.refuse(expr.Range(), "%v", err)
			}
			return e.whole(expr, v)
		}
		return e.whole(expr, wishes[i].value)
	}
	switch x := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return e.expression(x.Expression, wishes)
	case *hclsyntax.ObjectConsExpr:
		return e.object(x, wishes)
	case *hclsyntax.TupleConsExpr:
		return e.tuple(x, wishes)
	case *hclsyntax.FunctionCallExpr:
		if x.Name == "merge" && len(x.Args) > 0 && !x.ExpandFinal {
			if last, ok := x.Args[len(x.Args)-1].(*hclsyntax.ObjectConsExpr); ok && !removes(wishes) {
				return e.object(last, wishes)
			}
		}
	}
	if removes(wishes) || wishes[0].path[0].Name == "" {
		return e.refuse(expr.Range(), "the value is made by an expression, and a part of it cannot be changed alone")
	}
	return e.overlay(expr, wishes)
}

func removes(wishes []wish) bool {
	return slices.ContainsFunc(wishes, func(w wish) bool { return w.op == resource.Remove })
}

// overlay puts keys over a map that an expression makes: merge(expression, { key = value }).
func (e *editor) overlay(expr hclsyntax.Expression, wishes []wish) error {
	for _, w := range wishes {
		if len(w.path) > 1 {
			return e.refuse(expr.Range(), "the value is made by an expression, and a part of it cannot be changed alone")
		}
	}
	var texts []string
	for _, w := range wishes {
		text, err := e.expr(w.value, e.indentAt(expr.Range().Start.Byte))
		if err != nil {
			return err
		}
		texts = append(texts, key(w.path[0].Name, false)+" = "+text)
	}
	r := expr.Range()
	e.insertAt(r.Start.Byte, "merge(")
	e.insertAt(r.End.Byte, ", { "+strings.Join(texts, ", ")+" })")
	return nil
}

// whole replaces an expression by a value, unless it already is that literal.
func (e *editor) whole(expr hclsyntax.Expression, v value.Value) error {
	if name := e.iterated(expr); name != "" {
		return e.refuse(expr.Range(), "the value depends on each element of the dynamic block, through %s", name)
	}
	if literal, diags := expr.Value(nil); !diags.HasErrors() && same(literal, &v) {
		return nil
	}
	r := expr.Range()
	text, err := e.expr(v, e.indentAt(r.Start.Byte))
	if err != nil {
		return err
	}
	e.replace(r.Start.Byte, r.End.Byte, text)
	return nil
}

// iterated returns the iterator of a surrounding dynamic block that the expression uses, or "".
func (e *editor) iterated(expr hclsyntax.Expression) string {
	for _, v := range expr.Variables() {
		if slices.Contains(e.iterators, v.RootName()) {
			return v.RootName()
		}
	}
	return ""
}

// same reports whether a literal is the wished value. Text with references never is.
func same(l cty.Value, v *value.Value) bool {
	if !l.IsWhollyKnown() {
		return false
	}
	if l.IsNull() {
		return v.Kind == value.Null
	}
	t := l.Type()
	switch v.Kind {
	case value.Bool:
		return t == cty.Bool && l.True() == v.Bool
	case value.Number:
		return t == cty.Number && l.RawEquals(number(v))
	case value.String:
		return t == cty.String && l.AsString() == v.Text && !hasReference(v.Text)
	case value.List:
		if !t.IsTupleType() && !t.IsListType() || l.LengthInt() != len(v.Items) {
			return false
		}
		for i, item := range l.AsValueSlice() {
			if !same(item, &v.Items[i]) {
				return false
			}
		}
		return true
	case value.Object:
		if !t.IsObjectType() && !t.IsMapType() || l.LengthInt() != len(v.Fields) {
			return false
		}
		members := l.AsValueMap()
		for i := range v.Fields {
			if m, ok := members[v.Fields[i].Name]; !ok || !same(m, &v.Fields[i].Value) {
				return false
			}
		}
		return true
	}
	return false
}

func number(v *value.Value) cty.Value {
	n, err := cty.ParseNumberVal(v.Digits())
	if err != nil {
		return cty.NumberFloatVal(v.Number)
	}
	return n
}

// object lowers wishes on the members of an object that is written out.
func (e *editor) object(x *hclsyntax.ObjectConsExpr, wishes []wish) error {
	var fresh []wish
	removed := make(map[int]bool)
	for _, g := range groups(wishes) {
		if g.step.Name == "" {
			return e.refuse(x.Range(), "an object has no elements")
		}
		at := -1
		for i, item := range x.Items {
			if key, known := keyOf(item.KeyExpr); !known {
				return e.refuse(item.KeyExpr.Range(), "whether this key is %q is not known", g.step.Name)
			} else if key == g.step.Name {
				at = i // the last one counts
			}
		}
		if at < 0 {
			for _, w := range g.wishes {
				if w.op != resource.Remove {
					fresh = append(fresh, wish{w.op, append(value.Path{g.step}, w.path...), w.value})
				}
			}
			continue
		}
		var rest []wish
		for _, w := range g.wishes {
			if w.op == resource.Remove && len(w.path) == 0 {
				removed[at] = true
			} else {
				rest = append(rest, w)
			}
		}
		if !removed[at] {
			if err := e.expression(x.Items[at].ValueExpr, rest); err != nil {
				return err
			}
		}
	}
	items := make([]hcl.Range, len(x.Items))
	for i, item := range x.Items {
		items[i] = hcl.RangeBetween(item.KeyExpr.Range(), item.ValueExpr.Range())
	}
	for i := range x.Items {
		if removed[i] {
			e.drop(x.Range(), items, i)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	v, err := built(fresh)
	if err != nil {
		return e.refuse(x.Range(), "%v", err)
	}
	if len(x.Items) == 0 {
		text, err := e.expr(v, e.indentAt(x.Range().Start.Byte))
		if err != nil {
			return err
		}
		e.replace(x.Range().Start.Byte, x.Range().End.Byte, text)
		return nil
	}
	sign, quoted := e.style(x)
	column, formatted := e.itemColumn(x, sign)
	indent := e.indentAt(items[len(items)-1].Start.Byte)
	var list []assignment
	for i := range v.Fields {
		f := &v.Fields[i]
		text, err := e.expr(f.Value, indent)
		if err != nil {
			return err
		}
		list = append(list, assignment{key(f.Name, quoted), text})
	}
	if sign == ":" || column == 0 {
		for _, a := range list {
			e.append(x.Range(), items, a.name+e.between(x, sign)+a.text)
		}
		return nil
	}
	lines, apart := fit(list, column, formatted)
	if apart {
		lines[0] = e.lineEnd(x.Range().Start.Byte) + indent + lines[0]
	}
	e.append(x.Range(), items, lines...)
	return nil
}

// between returns what stands between the key and the value of the last item, without alignment.
func (e *editor) between(x *hclsyntax.ObjectConsExpr, sign string) string {
	last := x.Items[len(x.Items)-1]
	if e.file.Bytes[last.KeyExpr.Range().End.Byte] == sign[0] && sign == ":" {
		return ": "
	}
	return " " + sign + " "
}

// keyOf returns the key of an item when it is written out.
func keyOf(expr hclsyntax.Expression) (string, bool) {
	v, diags := expr.Value(nil)
	if diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

// tuple lowers wishes on the elements of a list that is written out. A wish without a number is for all elements.
func (e *editor) tuple(x *hclsyntax.TupleConsExpr, wishes []wish) error {
	all, one := indexed(wishes)
	items := ranges(x.Exprs)
	for i := range x.Exprs {
		var rest []wish
		gone := false
		for _, w := range append(one[i], all...) {
			if w.op == resource.Remove && len(w.path) == 0 {
				gone = true
				continue
			}
			rest = append(rest, w)
		}
		if gone {
			e.drop(x.Range(), items, i)
			continue
		}
		if err := e.expression(x.Exprs[i], rest); err != nil {
			return err
		}
	}
	for _, i := range slices.Sorted(maps.Keys(one)) {
		if i >= len(x.Exprs) && !removes(one[i]) {
			return e.refuse(x.Range(), "there is no element %d", i)
		}
	}
	return nil
}

func ranges(exprs []hclsyntax.Expression) []hcl.Range {
	out := make([]hcl.Range, len(exprs))
	for i, x := range exprs {
		out[i] = x.Range()
	}
	return out
}

// append writes new items behind the last item of a list or object, in the layout of those that are there.
func (e *editor) append(around hcl.Range, items []hcl.Range, texts ...string) {
	if len(items) == 0 {
		at := around.Start.Byte + 1
		for i, text := range texts {
			if i > 0 {
				text = ", " + text
			}
			e.insertAt(at, text)
		}
		return
	}
	last := items[len(items)-1]
	end, comma := e.afterItem(last.End.Byte)
	if last.Start.Line == around.Start.Line {
		for _, text := range texts {
			if comma {
				e.insertAt(end, " "+text+",")
			} else {
				e.insertAt(last.End.Byte, ", "+text)
			}
		}
		return
	}
	sep := ""
	needed := comma || around.Start.Byte < len(e.file.Bytes) && e.file.Bytes[around.Start.Byte] == '['
	if needed {
		sep = ","
	}
	if needed && !comma {
		e.insertAt(last.End.Byte, ",")
	}
	indent, eol := e.indentAt(last.Start.Byte), e.lineEnd(around.Start.Byte)
	at := e.endOfLine(end)
	if at >= around.End.Byte { // the closing bracket stands on the last item's line
		at = end
	}
	for i, text := range texts {
		if i == len(texts)-1 && !comma {
			sep = ""
		}
		if !strings.HasPrefix(text, eol) { // else it brings its own empty line
			text = indent + text
		}
		e.insertAt(at, eol+text+sep)
	}
}

func (e *editor) insertAt(at int, text string) {
	e.edits = append(e.edits, source.Edit{Range: source.Range{File: e.file.Path, Start: at, End: at}, Text: text})
}

// drop removes an item with its separator, and its line when nothing else is on it.
func (e *editor) drop(around hcl.Range, items []hcl.Range, i int) {
	start := items[i].Start.Byte
	end, comma := e.afterItem(items[i].End.Byte)
	lineStart, lineEnd := e.startOfLine(start), e.endOfLine(end)
	if e.blank(lineStart, start) && lineEnd < around.End.Byte && e.blankOrComment(end, lineEnd) {
		e.replace(lineStart, e.nextLine(lineEnd), "")
		return
	}
	switch {
	case i+1 < len(items):
		end = items[i+1].Start.Byte
	case i > 0 && !comma:
		start = items[i-1].End.Byte
	}
	e.replace(start, end, "")
}
