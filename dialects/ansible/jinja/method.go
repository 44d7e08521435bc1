package jinja

import (
	"strings"

	"plumbline.dev/plumbline/value"
)

// call evaluates a call: of one of the few functions that can be decided, or of a method.
func (e *evaluation) call(x *Expr) Result {
	callee := x.Args[0]
	args := e.all(x.Args[1:])
	if callee.Op == Attribute {
		return e.method(e.eval(callee.Args[0]), callee.Name, args)
	}
	if callee.Op != Variable {
		return undecided()
	}
	switch callee.Name {
	case "range":
		return e.span(args)
	case "dict":
		out := Result{Value: value.Value{Kind: value.Object, Open: len(args) > 0}}
		for _, n := range x.Named {
			out.push(value.Path{{Name: n.Name}}, e.eval(n.Value), func(v value.Value) { set(&out.Value, n.Name, v) })
		}
		return out
	case "lookup", "query", "q":
		return e.lookup(callee.Name, args)
	}
	return Unknown()
}

// lookup evaluates the lookups that look nowhere. What any other finds is not in the code.
func (e *evaluation) lookup(fn string, args []Result) Result {
	if len(args) > 0 && args[0].Value.Kind == value.String && len(args) == 2 {
		switch strings.TrimPrefix(args[0].Value.Text, "ansible.builtin.") {
		case "vars":
			if name := args[1].Value; name.Kind == value.String {
				return e.scope.Variable(name.Text)
			}
		case "dict":
			if fn != "lookup" {
				return e.pairs(args[1], "key", "value")
			}
		case "list", "items":
			if fn != "lookup" {
				return args[1]
			}
		}
	}
	r := Unknown()
	if len(args) > 0 && strings.Contains(args[0].Value.Text, "password") {
		r.Value.Sensitive = true
	}
	return r
}

// span is range(from, to, step).
func (e *evaluation) span(args []Result) Result {
	from, to, step := 0, 0, 1
	var ok bool
	at := []*int{&to}
	if len(args) > 1 {
		at = []*int{&from, &to, &step}
	}
	if len(args) == 0 || len(args) > len(at) {
		return undecided()
	}
	for i := range args {
		if *at[i], ok = integer(&args[i].Value); !ok {
			return undecided()
		}
	}
	if step <= 0 || (to-from)/step > e.limits.Items {
		return undecided()
	}
	var items []value.Value
	for i := from; i < to; i += step {
		items = append(items, value.Value{Kind: value.Number, Number: float64(i)})
	}
	return list(items)
}

// method evaluates the methods of texts, lists and objects that people write in expressions.
func (e *evaluation) method(of Result, name string, args []Result) Result {
	v := &of.Value
	dark := like(of, undecided())
	dark.Undeclared = of.Undeclared
	for i := range args {
		dark = like(args[i], dark)
	}
	texts := make([]string, len(args))
	for i := range args {
		if args[i].Value.Kind != value.String {
			texts = nil
			break
		}
		texts[i] = args[i].Value.Text
	}
	switch v.Kind {
	case value.Object:
		switch name {
		case "items":
			if v.Open {
				return dark
			}
			out := list(make([]value.Value, len(v.Fields)))
			for i, f := range v.Fields {
				out.Value.Items[i] = value.Value{Kind: value.List, Items: []value.Value{{Kind: value.String, Text: f.Name}, f.Value}}
			}
			return like(of, out)
		case "keys":
			return e.apply("list", of, nil, nil)
		case "values":
			if v.Open {
				return dark
			}
			out := list(make([]value.Value, len(v.Fields)))
			for i, f := range v.Fields {
				out.Value.Items[i] = f.Value
			}
			return like(of, out)
		case "get":
			if len(texts) == 0 && (len(args) == 0 || args[0].Value.Kind != value.String) {
				return dark
			}
			if found := Member(of, args[0].Value.Text); found.Value.Kind != value.Absent {
				return found
			}
			if len(args) > 1 {
				return args[1]
			}
			return Result{Value: value.Value{Kind: value.Null}}
		}
	case value.String:
		if len(texts) != len(args) {
			return dark
		}
		switch {
		case len(args) == 0:
			switch name {
			case "upper", "lower", "title", "capitalize":
				return e.apply(name, of, nil, nil)
			case "strip", "lstrip", "rstrip":
				return like(of, Text(strip(name, v.Text, " \t\r\n")))
			case "split", "splitlines":
				return e.apply("split", of, nil, nil)
			}
		case len(args) == 1:
			switch name {
			case "startswith":
				return boolean(strings.HasPrefix(v.Text, texts[0]))
			case "endswith":
				return boolean(strings.HasSuffix(v.Text, texts[0]))
			case "strip", "lstrip", "rstrip":
				return like(of, Text(strip(name, v.Text, texts[0])))
			case "split":
				return e.apply("split", of, args, nil)
			case "join":
				return e.apply("join", args[0], []Result{of}, nil)
			}
		case name == "replace" && len(args) == 2:
			return e.apply("replace", of, args, nil)
		}
		if name == "join" && len(args) == 1 {
			return e.apply("join", args[0], []Result{of}, nil)
		}
	}
	return dark
}

func strip(name, s, set string) string {
	switch name {
	case "lstrip":
		return strings.TrimLeft(s, set)
	case "rstrip":
		return strings.TrimRight(s, set)
	}
	return strings.Trim(s, set)
}
