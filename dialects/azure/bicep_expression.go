package azure

import (
	"slices"

	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/value"
)

// eval evaluates an expression to what the JSON that it is compiled to evaluates to.
func (f frame) eval(e bicep.Expr) value.Value {
	u := f.scope.unit
	if u.spent || !f.spend(1, e.Extent()) {
		return unknown()
	}
	if u.depth >= maxBicepDepth {
		f.exceed("depth", e.Extent(), "values are made from each other more than %d deep", maxBicepDepth)
		return unknown()
	}
	u.depth++
	v := f.expression(e)
	u.depth--
	return v
}

func (f frame) expression(e bicep.Expr) value.Value {
	switch x := e.(type) {
	case *bicep.Literal:
		switch x.Kind {
		case bicep.True, bicep.False:
			return boolean(x.Kind == bicep.True)
		case bicep.Number:
			return digits(x.Digits)
		}
		return null()
	case *bicep.Text:
		return f.text(x)
	case *bicep.Paren:
		return f.eval(x.Value)
	case *bicep.NotNull:
		return f.eval(x.Value)
	case *bicep.Object:
		return f.object(x)
	case *bicep.Array:
		return f.array(x)
	case *bicep.For:
		return f.loop(x)
	case *bicep.Name:
		return f.name(x)
	case *bicep.Member:
		return f.member(x)
	case *bicep.Index:
		return f.index(x)
	case *bicep.Nested:
		v, ok := f.reference(x)
		if !ok {
			v = unknown()
		}
		return v
	case *bicep.Call:
		return f.calls(x)
	case *bicep.Unary:
		return f.unary(x)
	case *bicep.Binary:
		return f.binary(x)
	case *bicep.Conditional:
		return f.conditional(x)
	case *bicep.Lambda:
		f.invalid(x.Span, "a function can only be an argument")
	}
	return unknown()
}

// maybe evaluates what may not be evaluated when the template is deployed: its mistakes are not told.
func (f frame) maybe(e bicep.Expr) value.Value {
	f.scope.unit.quiet++
	v := f.eval(e)
	f.scope.unit.quiet--
	return v
}

// apply calls a template function.
func (f frame) apply(at bicep.Span, name string, args ...value.Value) value.Value {
	v, err := f.scope.unit.call(name, args)
	if err != nil {
		f.invalid(at, "%s", err)
	}
	if n := len(v.Items) + len(v.Fields); n > 16 {
		f.spend(8*n, at)
	}
	return v
}

func (f frame) text(x *bicep.Text) value.Value {
	if s, ok := x.Plain(); ok {
		return text(s)
	}
	parts := make([]value.Value, 0, 2*len(x.Parts))
	inner := f
	inner.placed = false
	for i, p := range x.Parts {
		if p != "" {
			parts = append(parts, text(p))
		}
		if i < len(x.Values) {
			v := inner.eval(x.Values[i])
			if v.Kind == value.Object || v.Kind == value.List {
				v = jsonText(&v)
			}
			parts = append(parts, v)
		}
	}
	v := joined(parts...)
	n := len(v.Text)
	for i := range v.Items {
		n += len(v.Items[i].Text)
	}
	if n > f.scope.unit.limits.ValueBytes {
		f.exceed("bytes", x.Span, "the text has more than %d KiB and is taken as unknown", f.scope.unit.limits.ValueBytes>>10)
		return unknown()
	}
	f.spend(n>>10, x.Span)
	if v.Kind == value.Unknown {
		v.NotNull = true
	}
	return v
}

// place says where a value is written.
func (f frame) place(v value.Value, at bicep.Span) value.Value {
	if f.placed {
		v.Range = f.scope.file.at(at)
	}
	return v
}

func (f frame) object(x *bicep.Object) value.Value {
	fields := make([]value.Field, 0, len(x.Members))
	var layers []value.Value // of an object with spreads
	open := false
	flush := func() {
		if len(fields) > 0 {
			v := object(fields)
			v.Open = open
			layers, fields, open = append(layers, v), nil, false
		}
	}
	for _, m := range x.Members {
		if m.Spread {
			flush()
			layers = append(layers, f.eval(m.Value))
			continue
		}
		name := m.Name
		if m.Key != nil {
			inner := f
			inner.placed = false
			key := inner.text(m.Key)
			if key.Kind != value.String {
				open = true // some member has this value; nobody knows which
				continue
			}
			name = key.Text
		}
		fields = append(fields, value.Field{Name: name, Value: f.place(f.eval(m.Value), m.Span)})
	}
	if layers == nil {
		v := object(fields)
		v.Open = open
		return v
	}
	flush()
	return f.apply(x.Span, "shallowMerge", list(layers...))
}

func (f frame) array(x *bicep.Array) value.Value {
	spread := slices.ContainsFunc(x.Items, func(i bicep.Expr) bool { _, ok := i.(*bicep.Spread); return ok })
	if !spread {
		out := value.Value{Kind: value.List, Items: make([]value.Value, 0, len(x.Items))}
		for _, item := range x.Items {
			out.Items = append(out.Items, f.place(f.eval(item), item.Extent()))
		}
		return out
	}
	var layers []value.Value
	for _, item := range x.Items {
		if s, ok := item.(*bicep.Spread); ok {
			layers = append(layers, f.eval(s.Value))
		} else {
			layers = append(layers, list(f.place(f.eval(item), item.Extent())))
		}
	}
	return f.apply(x.Span, "flatten", list(layers...))
}

// each goes through what a loop goes through. The body is called with the frame of each element; certain is false for one
// that stands for zero or more. It reports whether there may be more.
func (f frame) each(x *bicep.For, body func(f frame, i int, certain bool)) (open bool) {
	plain := f
	plain.placed = false
	over := plain.eval(x.In)
	element := func(v value.Value, i int) frame {
		at := whole(int64(i))
		if i < 0 {
			at = value.Value{Kind: value.Unknown, NotNull: true}
		}
		v.Maybe = false
		inner := f.bind(x.Item, v)
		inner.local.from, inner.local.at = x, i
		if x.Index != "" {
			inner = inner.bind(x.Index, at)
			inner.local.from = x
		}
		return inner
	}
	switch over.Kind {
	case value.List:
		counted := true
		for i, item := range over.Items {
			counted = counted && !item.Maybe
			if i >= f.scope.unit.limits.Instances {
				f.exceed("instances", x.Span, "the loop has more than %d elements; one stands for the others", f.scope.unit.limits.Instances)
				body(element(symbol("element", "", over.Items[i]), -1), -1, false)
				return true
			}
			if counted {
				body(element(item, i), i, true)
			} else {
				body(element(item, -1), i, false)
			}
		}
		if over.Open && !slices.ContainsFunc(over.Items, func(i value.Value) bool { return i.Maybe }) {
			body(element(symbol("element", "", over), -1), -1, false)
		}
		return over.Open
	case value.Unknown:
		body(element(symbol("element", "", over), -1), -1, false)
		return true
	case value.Null, value.Absent:
	default:
		f.invalid(x.In.Extent(), "a loop goes through a list, and this is none")
		return true
	}
	return false
}

func (f frame) loop(x *bicep.For) value.Value {
	out := value.Value{Kind: value.List}
	out.Open = f.each(x, func(inner frame, _ int, certain bool) {
		if !certain {
			inner.scope.unit.quiet++
			defer func() { inner.scope.unit.quiet-- }()
		}
		v := inner.place(inner.eval(x.Body), x.Body.Extent())
		v.Maybe = !certain
		out.Items = append(out.Items, v)
	})
	return out
}

func (f frame) unary(x *bicep.Unary) value.Value {
	v := f.eval(x.Value)
	switch x.Op {
	case "!":
		return f.apply(x.Span, "not", v)
	case "-":
		return f.apply(x.Span, "sub", whole(0), v)
	}
	return v
}

// operators are the functions that operators are compiled to.
var operators = map[string]string{
	"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod",
	"<": "less", "<=": "lessOrEquals", ">": "greater", ">=": "greaterOrEquals",
}

func (f frame) binary(x *bicep.Binary) value.Value {
	left := f.eval(x.Left)
	right := func() value.Value {
		if left.Kind == value.Unknown {
			return f.maybe(x.Right)
		}
		return f.eval(x.Right)
	}
	switch x.Op {
	case "&&", "||":
		if t := truth(&left); t.Kind == value.Bool && t.Bool == (x.Op == "||") {
			return *t
		}
		if x.Op == "&&" {
			return f.apply(x.Span, "and", left, right())
		}
		return f.apply(x.Span, "or", left, right())
	case "??":
		if certain(&left) {
			return left
		}
		if !left.IsSet() {
			return f.eval(x.Right)
		}
		return f.apply(x.Span, "coalesce", left, right())
	case "==":
		other := f.eval(x.Right)
		return equals(&left, &other, false)
	case "!=":
		other := f.eval(x.Right)
		return f.apply(x.Span, "not", equals(&left, &other, false))
	case "=~", "!~":
		v := f.apply(x.Span, "equals", f.apply(x.Span, "toLower", left), f.apply(x.Span, "toLower", f.eval(x.Right)))
		if x.Op == "!~" {
			v = f.apply(x.Span, "not", v)
		}
		return v
	}
	return f.apply(x.Span, operators[x.Op], left, f.eval(x.Right))
}

func (f frame) conditional(x *bicep.Conditional) value.Value {
	plain := f
	plain.placed = false
	condition := plain.eval(x.Condition)
	switch c := truth(&condition); {
	case c.Kind == value.Bool && c.Bool:
		return f.eval(x.Then)
	case c.Kind == value.Bool:
		return f.eval(x.Else)
	case c.Kind != value.Unknown:
		f.invalid(x.Condition.Extent(), "a condition is true or false, and this is neither")
		return unknown()
	}
	v, err := either(condition, f.maybe(x.Then), f.maybe(x.Else))
	if err != nil {
		f.invalid(x.Span, "%s", err)
	}
	return v
}

func (f frame) member(x *bicep.Member) value.Value {
	if v, ok := f.reference(x); ok {
		return v
	}
	if n, ok := x.Of.(*bicep.Name); ok && f.find(n.Text) == nil && f.scope.file.names[n.Text] == nil {
		if file, ok := f.scope.file.wildcard[n.Text]; ok {
			return f.scope.unit.constantOf(importedName{file, x.Name})
		}
	}
	return f.into(f.eval(x.Of), access{text(x.Name), x.Safe || chained(x.Of), x.Span})
}

func (f frame) index(x *bicep.Index) value.Value {
	if v, ok := f.reference(x); ok {
		return v
	}
	plain := f
	plain.placed = false
	of, at := f.eval(x.Of), plain.eval(x.Index)
	if x.FromEnd {
		name := "indexFromEnd"
		if x.Safe {
			name = "tryIndexFromEnd"
		}
		return f.apply(x.Span, name, of, at)
	}
	return f.into(of, access{at, x.Safe || chained(x.Of), x.Span})
}

// chained reports whether a safe access stands further left in a chain: when that finds nothing, all of the chain is null.
func chained(e bicep.Expr) bool {
	for {
		switch x := e.(type) {
		case *bicep.Member:
			if x.Safe {
				return true
			}
			e = x.Of
		case *bicep.Index:
			if x.Safe {
				return true
			}
			e = x.Of
		case *bicep.NotNull:
			e = x.Value
		default:
			return false
		}
	}
}

// access is one step into a value.
type access struct {
	at   value.Value
	safe bool // nothing there is null
	span bicep.Span
}

// into reads a member or element.
func (f frame) into(v value.Value, a access) value.Value {
	if !v.IsSet() {
		if a.safe {
			return null()
		}
		return unknown() // the deployment would fail here, or a condition that nobody has seen keeps it from coming here
	}
	out, err := into(v, a.at, a.safe)
	if err != nil {
		if a.safe {
			return null()
		}
		f.invalid(a.span, "%s is not in the value", value.Show(&a.at))
	}
	return out
}
