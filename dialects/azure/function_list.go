package azure

import (
	"errors"
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

func toArray(_ functions, args []value.Value) (value.Value, error) {
	if args[0].Kind == value.List {
		return args[0], nil
	}
	if args[0].Kind == value.Unknown && args[0].Text == "" {
		return symbol("array", "", args...), nil
	}
	return list(args[0]), nil
}

func createObject(_ functions, args []value.Value) (value.Value, error) {
	if len(args)%2 != 0 {
		return value.Value{}, errors.New("wants a value for each name")
	}
	var fields []value.Field
	open := false
	for i := 0; i < len(args); i += 2 {
		switch args[i].Kind {
		case value.String:
			fields = append(fields, value.Field{Name: args[i].Text, Value: args[i+1]})
		case value.Unknown:
			open = true
		default:
			return value.Value{}, errText
		}
	}
	v := object(fields)
	v.Open = open
	return v, nil
}

// contains looks for an element in a list, a name in an object (whatever its case) or a part of a text (whose case counts).
func contains(_ functions, args []value.Value) (value.Value, error) {
	in, what := &args[0], &args[1]
	unknown := func() (value.Value, error) { return symbol("contains", "", args...), nil }
	switch in.Kind {
	case value.List:
		decided := !in.Open
		for i := range in.Items {
			switch s := same(&in.Items[i], what, false); {
			case s == 1 && !in.Items[i].Maybe:
				return boolean(true), nil
			case s != 0:
				decided = false
			}
		}
		if !decided {
			return unknown()
		}
		return boolean(false), nil
	case value.Object:
		if what.Kind == value.Unknown {
			if len(in.Fields) == 0 && !in.Open {
				return boolean(false), nil
			}
			return unknown()
		}
		if f := member(in, textOf(what)); f != nil {
			if f.Kind == value.Unknown && !f.NotNull {
				return unknown()
			}
			return boolean(true), nil
		}
		if in.Open {
			return unknown()
		}
		return boolean(false), nil
	case value.String:
		if what.Kind == value.Unknown {
			return unknown()
		}
		return boolean(strings.Contains(in.Text, textOf(what))), nil
	case value.Unknown:
		if what.Kind == value.String && what.Text != "" {
			for _, p := range pieces(in) {
				if p.Kind == value.String && strings.Contains(p.Text, what.Text) {
					return boolean(true), nil
				}
			}
		}
		return unknown()
	}
	return value.Value{}, errors.New("wants a list, an object or a text")
}

func empty(_ functions, args []value.Value) (value.Value, error) {
	switch v := &args[0]; v.Kind {
	case value.Absent, value.Null:
		return boolean(true), nil
	case value.String:
		return boolean(v.Text == ""), nil
	case value.List:
		if slices.ContainsFunc(v.Items, func(i value.Value) bool { return !i.Maybe }) {
			return boolean(false), nil
		}
		if !v.Open && len(v.Items) == 0 {
			return boolean(true), nil
		}
	case value.Object:
		if slices.ContainsFunc(v.Fields, func(f value.Field) bool { return f.Value.Kind != value.Unknown || f.Value.NotNull }) {
			return boolean(false), nil
		}
		if !v.Open && len(v.Fields) == 0 {
			return boolean(true), nil
		}
	case value.Unknown:
		for _, p := range v.Items {
			if p.Kind == value.String && p.Text != "" {
				return boolean(false), nil
			}
		}
	default:
		return value.Value{}, errors.New("wants a list, an object or a text")
	}
	return symbol("empty", "", args...), nil
}

func first(_ functions, args []value.Value) (value.Value, error) {
	switch v := &args[0]; v.Kind {
	case value.List:
		if len(v.Items) > 0 && !v.Items[0].Maybe {
			return v.Items[0], nil
		}
		if len(v.Items) == 0 && !v.Open {
			return null(), nil
		}
	case value.String:
		for _, sign := range v.Text {
			return text(string(sign)), nil
		}
		return text(""), nil
	case value.Unknown:
		for _, sign := range v.Text {
			return text(string(sign)), nil
		}
	default:
		return value.Value{}, errList
	}
	return symbol("first", "", args...), nil
}

func last(_ functions, args []value.Value) (value.Value, error) {
	switch v := &args[0]; v.Kind {
	case value.List:
		if n := len(v.Items); n > 0 && !v.Items[n-1].Maybe && !v.Open {
			return v.Items[n-1], nil
		} else if n == 0 && !v.Open {
			return null(), nil
		}
	case value.String:
		if signs := []rune(v.Text); len(signs) > 0 {
			return text(string(signs[len(signs)-1])), nil
		}
		return text(""), nil
	case value.Unknown:
		if signs := []rune(v.Ending); len(signs) > 0 {
			return text(string(signs[len(signs)-1])), nil
		}
	default:
		return value.Value{}, errList
	}
	return symbol("last", "", args...), nil
}

func length(_ functions, args []value.Value) (value.Value, error) {
	switch v := &args[0]; v.Kind {
	case value.List:
		if !v.Open && !slices.ContainsFunc(v.Items, func(i value.Value) bool { return i.Maybe }) {
			return whole(int64(len(v.Items))), nil
		}
	case value.Object:
		if !v.Open {
			return whole(int64(len(v.Fields))), nil
		}
	case value.String:
		return whole(int64(len([]rune(v.Text)))), nil
	case value.Unknown:
	default:
		return value.Value{}, errList
	}
	return symbol("length", "", args...), nil
}

func take(_ functions, args []value.Value) (value.Value, error) { return cut("take", args) }

func skip(_ functions, args []value.Value) (value.Value, error) { return cut("skip", args) }

// cut takes or skips elements or signs from the beginning.
func cut(name string, args []value.Value) (value.Value, error) {
	v := &args[0]
	n, ok := integer(&args[1])
	if !ok {
		if args[1].Kind == value.Unknown {
			return symbol(name, "", args...), nil
		}
		return value.Value{}, errNumber
	}
	n = max(n, 0)
	switch v.Kind {
	case value.List:
		certain := slices.IndexFunc(v.Items, func(i value.Value) bool { return i.Maybe })
		if certain < 0 && !v.Open {
			certain = len(v.Items)
			n = min(n, int64(certain))
		}
		if n > int64(max(certain, 0)) {
			return symbol(name, "", args...), nil
		}
		out := list(v.Items[n:]...)
		if name == "take" {
			return list(v.Items[:n]...), nil
		}
		out.Open = v.Open
		return out, nil
	case value.String:
		signs := []rune(v.Text)
		n = min(n, int64(len(signs)))
		if name == "take" {
			return text(string(signs[:n])), nil
		}
		return text(string(signs[n:])), nil
	case value.Unknown:
		signs := []rune(v.Text)
		switch {
		case name == "take" && n <= int64(len(signs)) && n > 0:
			return text(string(signs[:n])), nil
		case name == "take" && len(signs) > 0:
			return joined(text(v.Text), symbol(name, "", args...)), nil
		}
		return symbol(name, "", args...), nil
	}
	return value.Value{}, errList
}

func rangeOf(f functions, args []value.Value) (value.Value, error) {
	from, ok := integer(&args[0])
	n, also := integer(&args[1])
	if !ok || !also || n < 0 {
		return value.Value{}, errNumber
	}
	if n > int64(f.limits.Instances)*8 {
		return value.Value{}, errors.New("makes too long a list")
	}
	out := list()
	for i := range n {
		out.Items = append(out.Items, whole(from+i))
	}
	return out, nil
}

// union joins objects member by member (the last wins, objects within are joined too) or lists without repetitions.
func union(_ functions, args []value.Value) (value.Value, error) {
	objects, lists := 0, 0
	for i := range args {
		switch args[i].Kind {
		case value.Object:
			objects++
		case value.List:
			lists++
		case value.Unknown, value.Null:
		default:
			return value.Value{}, errors.New("wants objects or lists")
		}
	}
	switch {
	case objects > 0 && lists > 0:
		return value.Value{}, errors.New("wants objects or lists, not both")
	case objects > 0:
		out := value.Value{Kind: value.Object}
		for i := range args {
			out = merge(out, args[i], 0)
		}
		return out, nil
	case lists > 0:
		return unionLists(args), nil
	case len(args) == 1:
		return args[0], nil
	}
	return symbol("union", "", args...), nil
}

// merge lays one object over another. What an unknown one may override is not known any more.
func merge(under, over value.Value, depth int) value.Value {
	if over.Kind == value.Null {
		return under
	}
	fields := slices.Clone(under.Fields)
	if over.Kind == value.Unknown || over.Open {
		for i := range fields {
			if over.Kind == value.Unknown || member(&over, fields[i].Name) == nil {
				r := fields[i].Value.Range
				fields[i].Value = symbol("union", fields[i].Name, fields[i].Value, over)
				fields[i].Value.Range = r
			}
		}
	}
	for i := range over.Fields {
		f := over.Fields[i]
		at := slices.IndexFunc(fields, func(u value.Field) bool { return strings.EqualFold(u.Name, f.Name) })
		switch {
		case at < 0:
			fields = append(fields, f)
		case fields[at].Value.Kind == value.Object && f.Value.Kind == value.Object && depth < maxJSON:
			fields[at].Value = merge(fields[at].Value, f.Value, depth+1)
		default:
			fields[at].Value = f.Value
		}
	}
	out := object(fields)
	out.Open = under.Open || over.Open || over.Kind == value.Unknown
	out.Range = under.Range
	return out
}

func unionLists(args []value.Value) value.Value {
	out := list()
	seen := map[string]bool{}
	for i := range args {
		if args[i].Kind == value.Unknown {
			out.Open = true
			out.Items = append(out.Items, several(symbol("element", "", args[i])))
			continue
		}
		out.Open = out.Open || args[i].Open
		for _, item := range args[i].Items {
			k, ok := key(&item)
			if k = item.Kind.String() + k; ok && seen[k] {
				continue
			}
			seen[k] = ok
			out.Items = append(out.Items, item)
		}
	}
	return out
}

// shallowMerge lays the objects of a list over each other, without going into them.
func shallowMerge(_ functions, args []value.Value) (value.Value, error) {
	l := &args[0]
	if l.Kind == value.Unknown || l.Kind == value.List && (l.Open || slices.ContainsFunc(l.Items, func(i value.Value) bool { return i.Maybe || i.Kind == value.Unknown })) {
		return symbol("shallowMerge", "", args...), nil
	}
	if l.Kind != value.List {
		return value.Value{}, errList
	}
	var fields []value.Field
	open := false
	for i := range l.Items {
		if l.Items[i].IsSet() && l.Items[i].Kind != value.Object {
			return value.Value{}, errObject
		}
		fields = append(fields, l.Items[i].Fields...)
		open = open || l.Items[i].Open
	}
	out := object(fields)
	out.Open = open
	return out, nil
}

func intersection(_ functions, args []value.Value) (value.Value, error) {
	for i := range args {
		if !args[i].IsWhollyKnown() {
			return symbol("intersection", "", args...), nil
		}
		if args[i].Kind != args[0].Kind || args[i].Kind != value.List && args[i].Kind != value.Object {
			return value.Value{}, errors.New("wants objects or lists, not both")
		}
	}
	out := args[0]
	for i := range args[1:] {
		other := &args[i+1]
		if out.Kind == value.Object {
			var fields []value.Field
			for _, f := range out.Fields {
				if o := member(other, f.Name); o != nil && same(o, &f.Value, false) == 1 {
					fields = append(fields, f)
				}
			}
			out = object(fields)
			continue
		}
		kept := list()
		for _, item := range out.Items {
			if slices.ContainsFunc(other.Items, func(o value.Value) bool { return same(&o, &item, false) == 1 }) {
				kept.Items = append(kept.Items, item)
			}
		}
		out = kept
	}
	return out, nil
}

func flatten(_ functions, args []value.Value) (value.Value, error) {
	l := &args[0]
	if l.Kind == value.Unknown {
		return symbol("flatten", "", args...), nil
	}
	if l.Kind != value.List {
		return value.Value{}, errList
	}
	out := list()
	out.Open = l.Open
	for _, item := range l.Items {
		switch {
		case item.Kind == value.List && !item.Maybe:
			out.Items = append(out.Items, item.Items...)
			out.Open = out.Open || item.Open
		case item.Kind == value.List:
			for _, inner := range item.Items {
				out.Items = append(out.Items, several(inner))
			}
			out.Open = true
		case item.Kind == value.Unknown:
			out.Items = append(out.Items, several(symbol("element", "", item)))
			out.Open = true
		default:
			return value.Value{}, errors.New("wants a list of lists")
		}
	}
	return out, nil
}

// items lists the members of an object as {key, value}, sorted by key.
func items(_ functions, args []value.Value) (value.Value, error) {
	switch v := &args[0]; v.Kind {
	case value.Unknown:
		return symbol("items", "", args...), nil
	case value.Null:
		return list(), nil
	case value.Object:
		out := list()
		out.Open = v.Open
		for i := range v.Fields {
			out.Items = append(out.Items, object([]value.Field{{Name: "key", Value: text(v.Fields[i].Name)}, {Name: "value", Value: v.Fields[i].Value}}))
		}
		return out, nil
	}
	return value.Value{}, errObject
}

func objectKeys(_ functions, args []value.Value) (value.Value, error) {
	switch v := &args[0]; v.Kind {
	case value.Unknown:
		return symbol("objectKeys", "", args...), nil
	case value.Object:
		out := list()
		out.Open = v.Open
		for i := range v.Fields {
			out.Items = append(out.Items, text(v.Fields[i].Name))
		}
		return out, nil
	}
	return value.Value{}, errObject
}

// tryGet goes along names and numbers as long as there is something, and yields null when there is not.
func tryGet(_ functions, args []value.Value) (value.Value, error) {
	v := args[0]
	for i := range args[1:] {
		if !v.IsSet() {
			return null(), nil
		}
		var err error
		if v, err = into(v, args[i+1], true); err != nil {
			return null(), nil
		}
	}
	return v, nil
}

// into reads a member of an object or an element of a list. With lenient, one that is not there is null; otherwise it is an
// error.
func into(v, at value.Value, lenient bool) (value.Value, error) {
	switch {
	case v.Kind == value.Unknown:
		out := inside(v, at)
		if lenient {
			out.NotNull = false
		}
		return out, nil
	case at.Kind == value.Unknown:
		return symbol("[]", "", v, at), nil
	case v.Kind == value.Object && at.Kind == value.String:
		if f := member(&v, at.Text); f != nil {
			out := *f
			out.Sensitive = out.Sensitive || v.Sensitive
			return out, nil
		}
		if v.Open {
			return symbol(symbolMember, at.Text, value.Value{Kind: value.Unknown}), nil
		}
	case v.Kind == value.List && at.Kind == value.Number:
		n, ok := integer(&at)
		certain := slices.IndexFunc(v.Items, func(i value.Value) bool { return i.Maybe })
		switch {
		case ok && n >= 0 && n < int64(len(v.Items)) && (certain < 0 || n < int64(certain)):
			return v.Items[n], nil
		case ok && n >= 0 && (v.Open || certain >= 0):
			return symbol("[]", "", v, at), nil
		}
	case v.Kind == value.String || v.Kind == value.Number || v.Kind == value.Bool:
		return value.Value{Kind: value.Unknown}, errors.New("the value is neither an object nor a list")
	}
	if lenient {
		return null(), nil
	}
	return value.Value{Kind: value.Unknown}, errors.New("the value has no such member or element")
}

// inside is a member or element of something unknown.
func inside(v, at value.Value) value.Value {
	if at.Kind != value.String {
		return symbol("[]", "", v, at)
	}
	s := leaf(&v)
	if s == nil || strings.Contains(at.Text, ".") {
		return symbol(symbolMember, at.Text, v)
	}
	deeper := *s
	if deeper.Ending != "" && deeper.Text != symbolInput {
		deeper.Ending += "." + at.Text
	} else if deeper.Text == symbolInput || deeper.Text == "" {
		return symbol(symbolMember, at.Text, v)
	} else {
		deeper.Ending = at.Text
	}
	return value.Value{Kind: value.Unknown, Items: []value.Value{deeper}, Given: v.Given, Sensitive: v.Sensitive}
}

func fromEnd(_ functions, args []value.Value) (value.Value, error) {
	l := &args[0]
	n, ok := integer(&args[1])
	switch {
	case l.Kind == value.Unknown || args[1].Kind == value.Unknown || l.Open || slices.ContainsFunc(l.Items, func(i value.Value) bool { return i.Maybe }):
		return symbol("indexFromEnd", "", args...), nil
	case l.Kind != value.List:
		return value.Value{}, errList
	case !ok:
		return value.Value{}, errNumber
	case n < 1 || n > int64(len(l.Items)):
		return null(), nil
	}
	return l.Items[int64(len(l.Items))-n], nil
}

func distinct(_ functions, args []value.Value) (value.Value, error) {
	if args[0].Kind != value.List {
		return value.Value{}, errList
	}
	return unionLists(args), nil
}

func reverse(_ functions, args []value.Value) (value.Value, error) {
	if args[0].Kind != value.List {
		return value.Value{}, errList
	}
	out := list(slices.Clone(args[0].Items)...)
	slices.Reverse(out.Items)
	out.Open = args[0].Open
	return out, nil
}
