package azure

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// evaluation is the evaluation of one unit.
type evaluation struct {
	estate    *estate
	ctx       context.Context
	functions functions
	limits    dialect.Limits
	root      *scope

	parsed    map[*document.Node]*expression // expressions, nil for those that do not parse
	templates map[*document.Node]*template   // of nested deployments
	at        map[string]*instance           // resources by address
	asked     map[*document.Node]bool        // properties whose value a reference is asking for
	problems  []source.Problem
	seen      map[source.Problem]bool
	limited   map[string]bool // budgets that are used up, of which one problem is enough
	deployed  int             // deployments that were entered
	quiet     int             // above 0, what is wrong is not told: nobody knows whether it is evaluated at all
	depth     int             // of evaluations within each other
	work      int             // values made
	instances int             // resources made
	files     map[string]bool
}

// maxWork is how many values evaluating a unit may make. A template of 4 MiB, the largest that Azure takes, has some
// 100,000. maxTree is how much one of them may be made of: values share what they are made of, and whoever writes one out
// does not.
const (
	maxWork = 2_000_000
	maxTree = 200_000
)

// maxDepth bounds how deep evaluation goes through names and functions; what is written nests less.
const maxDepth = 2000

func (u *evaluation) problem(kind source.ProblemKind, where source.Range, message string) {
	p := source.Problem{Kind: kind, Range: where, Message: message}
	if u.quiet > 0 && kind != source.Limit || u.seen[p] {
		return
	}
	u.seen[p] = true
	u.problems = append(u.problems, p)
}

// exceed tells once that a budget is used up.
func (u *evaluation) exceed(budget string, where source.Range, format string, args ...any) {
	if !u.limited[budget] {
		u.limited[budget] = true
		u.problem(source.Limit, where, fmt.Sprintf(format, args...))
	}
}

// enter goes one step deeper; it reports false when that is too deep, or the work is to stop.
func (u *evaluation) enter(where source.Range) bool {
	if u.depth++; u.depth > maxDepth {
		u.depth--
		u.exceed("depth", where, "the template's values need each other more than %d steps deep; what lies deeper was not evaluated", maxDepth)
		return false
	}
	return true
}

func (u *evaluation) leave() { u.depth-- }

// room reports whether one more value may be made.
func (u *evaluation) room(where source.Range) bool {
	u.work++
	if u.work > maxWork {
		u.exceed("values", where, "the template comes to more than %d values; the rest was not evaluated", maxWork)
		return false
	}
	return u.work&1023 != 0 || u.ctx.Err() == nil
}

// value evaluates what is written at a node.
func (u *evaluation) value(n *document.Node, env *environment) value.Value {
	if n == nil || !u.room(n.Range) {
		return value.Value{Kind: value.Unknown}
	}
	var v value.Value
	switch n.Kind {
	case document.Mapping:
		v = u.mapping(n, env)
	case document.Sequence:
		v = value.Value{Kind: value.List, Items: make([]value.Value, 0, len(n.Items))}
		for _, item := range n.Items {
			v.Items = append(v.Items, u.value(item, env))
		}
	default:
		v = u.scalar(n, env)
	}
	if env.places {
		v.Range = n.Range
	} else {
		v.Range = source.Range{}
	}
	return u.bounded(v, n.Range)
}

// bounded notes the weight of a list or object, so that it needs not be counted again, and gives up on one that is too large.
func (u *evaluation) bounded(v value.Value, where source.Range) value.Value {
	switch v.Kind {
	case value.List, value.Object:
		u.work += len(v.Items) + len(v.Fields)
	case value.String:
		u.work += len(v.Text) / 64
		return v
	default:
		return v
	}
	v.Number = 0
	v.Number = weight(&v)
	if v.Number > maxTree {
		u.exceed("values", where, "a value of the template is made of more than %d others; it was not evaluated", maxTree)
		return value.Value{Kind: value.Unknown, Range: v.Range}
	}
	return v
}

func (u *evaluation) scalar(n *document.Node, env *environment) value.Value {
	if n.Style != document.Plain {
		if env.plain {
			return text(n.Text)
		}
		if isExpression(n.Text) {
			e := u.parse(n)
			if e == nil {
				return value.Value{Kind: value.Unknown}
			}
			plain := *env
			plain.places = false
			return u.evaluate(e, &plain, n.Range)
		}
		return text(plainText(n.Text))
	}
	switch n.Text {
	case "true", "false":
		return boolean(n.Text == "true")
	case "null", "":
		return null()
	}
	return digits(n.Text)
}

// parse reads the expression in a text, once.
func (u *evaluation) parse(n *document.Node) *expression {
	e, ok := u.parsed[n]
	if !ok {
		var err error
		if e, err = parseExpression(n.Text[1:len(n.Text)-1], u.limits.Nesting); err != nil {
			kind := source.Invalid
			if strings.Contains(err.Error(), "too deep") {
				kind = source.Limit
			}
			u.problem(kind, n.Range, err.Error())
		}
		u.parsed[n] = e
	}
	return e
}

// mapping evaluates an object, with the lists that its copy loops make.
func (u *evaluation) mapping(n *document.Node, env *environment) value.Value {
	fields := make([]value.Field, 0, len(n.Members))
	open := false
	for i := range n.Members {
		m := &n.Members[i]
		if !env.plain {
			if loops := m.Value; strings.EqualFold(m.Key.Text, "copy") && isLoops(loops) {
				for _, l := range loops.Items {
					name := textAt(l, "name")
					v := u.repeated(l, name, env, "input")
					if env.places {
						v.Range = l.Range
					}
					fields = append(fields, value.Field{Name: name, Value: v})
				}
				continue
			}
		}
		name := m.Key.Text
		if !env.plain && isExpression(name) {
			k := u.value(m.Key, env)
			if k.Kind != value.String {
				open = true
				continue
			}
			name = k.Text
		} else if !env.plain {
			name = plainText(name)
		}
		v := u.value(m.Value, env)
		if env.places {
			v.Range = m.Range
		}
		fields = append(fields, value.Field{Name: name, Value: v})
	}
	out := object(fields)
	out.Open = open
	return out
}

// isLoops reports whether the member copy of an object is a list of loops, and not a property of that name.
func isLoops(n *document.Node) bool {
	return n.Kind == document.Sequence && len(n.Items) > 0 && !slices.ContainsFunc(n.Items, func(l *document.Node) bool {
		return get(l, "name") == nil || get(l, "count") == nil || get(l, "input") == nil
	})
}

// repeated makes the list of a loop {name, count, input}.
func (u *evaluation) repeated(l *document.Node, name string, env *environment, member string) value.Value {
	input := get(l, member)
	out := value.Value{Kind: value.List}
	u.turns(l, env, func(inner *loop, certain bool) bool {
		inner.name, inner.plain = name, name == ""
		e := *env
		e.loop = inner
		v := u.value(input, &e)
		v.Maybe = !certain
		out.Open = out.Open || !certain
		out.Items = append(out.Items, v)
		return true
	})
	return out
}

// turns calls f for every turn of a loop; once, with certain false, when nobody knows how many there are.
func (u *evaluation) turns(l *document.Node, env *environment, f func(inner *loop, certain bool) bool) {
	plain := *env
	plain.places = false
	count := u.value(get(l, "count"), &plain)
	n, ok := integer(&count)
	if count.Kind == value.String {
		if v, err := toInt(u.functions, []value.Value{count}); err == nil {
			n, ok = integer(&v)
		}
	}
	switch {
	case !ok:
		if count.Kind != value.Unknown {
			u.problem(source.Invalid, l.Range, "the count of the loop is no whole number")
		}
		index := symbol("copyIndex", "", text(fmt.Sprint(l.Range.File, l.Range.Start)))
		index.NotNull = true
		f(&loop{index: index, around: env.loop}, false)
		return
	case n > int64(u.limits.Instances):
		u.exceed("instances", l.Range, "the loop has %d turns, more than the limit of %d; the rest was not evaluated", n, u.limits.Instances)
		n = int64(u.limits.Instances)
	}
	for i := range n {
		if u.ctx.Err() != nil || !f(&loop{index: whole(i), around: env.loop}, true) {
			return
		}
	}
}

// templateAt returns the template that is written at a node, read once.
func (u *evaluation) templateAt(file *source.File, n *document.Node) *template {
	t := u.templates[n]
	if t == nil {
		t = newTemplate(file, n)
		u.templates[n] = t
	}
	return t
}
