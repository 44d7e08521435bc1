package jinja

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// collection applies the filters on lists and objects.
func (e *evaluation) collection(name string, of Result, args []Result, named map[string]Result) (Result, bool) {
	v := &of.Value
	switch name {
	case "split":
		return e.split(of, args)
	case "join":
		return e.join(of, args, named)
	case "combine":
		return e.combine(of, args, named)
	case "dict2items":
		key, val := argument(args, 0, named, "key_name").Value, argument(args, 1, named, "value_name").Value
		if key.Kind == value.Absent {
			key.Text = "key"
		}
		if val.Kind == value.Absent {
			val.Text = "value"
		}
		r := e.pairs(of, key.Text, val.Text)
		return r, v.Kind == value.Object
	case "items2dict":
		return fromPairs(of, named), v.Kind == value.List
	case "first", "last":
		if v.Kind == value.String && v.Text != "" {
			r := []rune(v.Text)
			if name == "first" {
				return like(of, Text(string(r[0]))), true
			}
			return like(of, Text(string(r[len(r)-1]))), true
		}
		if v.Kind != value.List && v.Kind != value.Unknown || name == "last" && v.Open {
			return Result{}, false
		}
		if name == "last" {
			if slices.ContainsFunc(v.Items, func(i value.Value) bool { return i.Maybe }) {
				return Result{}, false
			}
			return Element(of, -1), true
		}
		return Element(of, 0), true
	case "length", "count":
		switch {
		case v.Kind == value.String:
			return number(float64(len([]rune(v.Text)))), true
		case v.Kind == value.List && !v.Open && !slices.ContainsFunc(v.Items, func(i value.Value) bool { return i.Maybe }):
			return number(float64(len(v.Items))), true
		case v.Kind == value.Object && !v.Open:
			return number(float64(len(v.Fields))), true
		}
		return Result{}, false
	case "map":
		return e.each(of, args, named)
	case "select", "reject", "selectattr", "rejectattr":
		return e.choose(name, of, args)
	}
	if v.Kind == value.Object && (name == "list" || name == "sort") {
		if v.Open {
			return Result{}, false
		}
		out := list(nil)
		for _, f := range v.Fields {
			out.Value.Items = append(out.Value.Items, value.Value{Kind: value.String, Text: f.Name})
		}
		return like(of, out), true
	}
	if v.Kind == value.Unknown && (name == "list" || name == "flatten" || name == "unique" || name == "sort") {
		return Result{Value: value.Value{Kind: value.Unknown, NotNull: true, Given: v.Given}, Undeclared: of.Undeclared, Marks: of.Marks}, true
	}
	if v.Kind != value.List {
		return Result{}, false
	}
	switch name {
	case "list":
		return of, true
	case "unique", "union", "intersect", "difference", "symmetric_difference":
		return e.sets(name, of, args)
	case "reverse":
		if !v.IsWhollyKnown() {
			return Result{}, false
		}
		items := slices.Clone(v.Items)
		slices.Reverse(items)
		return like(of, list(items)), true
	case "sort", "min", "max":
		return ordered(name, of, args, named)
	case "sum":
		total := 0.0
		for i := range v.Items {
			f, ok := numeric(&v.Items[i])
			if !ok {
				return Result{}, false
			}
			total += f
		}
		return number(total), !v.Open && len(named) == 0
	case "flatten":
		out := Result{Value: value.Value{Kind: value.List, Open: v.Open}, Marks: rooted(of.Marks)}
		if len(args)+len(named) > 0 || !e.flatten(v, &out.Value) {
			return Result{}, false
		}
		return out, true
	}
	return Result{}, false
}

func (e *evaluation) flatten(v, into *value.Value) bool {
	for i := range v.Items {
		item := &v.Items[i]
		switch item.Kind {
		case value.List:
			into.Open = into.Open || item.Open
			if !e.flatten(item, into) {
				return false
			}
		case value.Unknown:
			into.Open = true // it may be a list
			into.Items = append(into.Items, value.Value{Kind: value.Unknown, Maybe: true, Given: item.Given})
		case value.Null:
		default:
			into.Items = append(into.Items, *item)
		}
		if len(into.Items) > e.limits.Items {
			return false
		}
	}
	return true
}

func (e *evaluation) split(of Result, args []Result) (Result, bool) {
	v := &of.Value
	if v.Kind != value.String || len(args) > 1 {
		return Result{}, false
	}
	var parts []string
	if len(args) == 0 {
		parts = strings.Fields(v.Text)
	} else if by := args[0].Value; by.Kind == value.String && by.Text != "" {
		parts = strings.Split(v.Text, by.Text)
	} else {
		return Result{}, false
	}
	if len(parts) > e.limits.Items {
		return Result{}, false
	}
	out := list(nil)
	for _, p := range parts {
		out.Value.Items = append(out.Value.Items, value.Value{Kind: value.String, Text: p, Given: v.Given})
	}
	return like(of, out), true
}

func (e *evaluation) join(of Result, args []Result, named map[string]Result) (Result, bool) {
	by := argument(args, 0, named, "d")
	if by.Value.Kind == value.Absent {
		by = Text("")
	}
	if of.Value.Kind == value.String {
		return Result{}, false
	}
	if of.Value.Kind != value.List || by.Value.Kind != value.String || len(args) > 1 || named["attribute"].Value.Kind != value.Absent {
		return Result{}, false
	}
	parts := []Result{Text("")}
	for i := range of.Value.Items {
		if i > 0 {
			parts = append(parts, by)
		}
		item := of.Value.Items[i]
		if item.Maybe {
			item = value.Value{Kind: value.Unknown}
		}
		parts = append(parts, Result{Value: item})
	}
	if of.Value.Open {
		parts = append(parts, undecided())
	}
	r := e.concat(parts)
	r.Marks = rooted(of.Marks)
	return r, true
}

// combine merges objects; the later ones are stronger.
func (e *evaluation) combine(of Result, args []Result, named map[string]Result) (Result, bool) {
	recursive := no
	if r, ok := named["recursive"]; ok {
		recursive = truthOf(&r.Value)
	}
	if recursive == open {
		return Result{}, false
	}
	out := Result{Value: value.Value{Kind: value.Object}}
	for _, r := range append([]Result{of}, args...) {
		out.Marks = append(out.Marks, r.Marks...)
		all := []value.Value{r.Value}
		if r.Value.Kind == value.List {
			all = r.Value.Items
		}
		for i := range all {
			if all[i].Kind != value.Object {
				if all[i].Kind != value.Unknown {
					return Result{}, false
				}
				for n := range out.Value.Fields { // any of them may be overridden
					out.Value.Fields[n].Value = value.Value{Kind: value.Unknown}
				}
				out.Value.Open = true
				continue
			}
			merge(&out.Value, &all[i], recursive == yes)
		}
	}
	return out, true
}

func merge(into, from *value.Value, recursive bool) {
	into.Fields = slices.Clone(into.Fields)
	into.Open = into.Open || from.Open
	for _, f := range from.Fields {
		if old := *into.Field(f.Name); recursive && old.Kind == value.Object && f.Value.Kind == value.Object {
			merge(&old, &f.Value, true)
			set(into, f.Name, old)
			continue
		}
		set(into, f.Name, f.Value)
	}
}

// pairs makes a list of the members of an object.
func (e *evaluation) pairs(of Result, key, val string) Result {
	if of.Value.Kind != value.Object {
		return like(of, Result{Value: value.Value{Kind: value.Unknown}, Undeclared: of.Undeclared})
	}
	out := Result{Value: value.Value{Kind: value.List, Open: of.Value.Open}}
	for i, f := range of.Value.Fields {
		item := value.Value{Kind: value.Object}
		set(&item, key, value.Value{Kind: value.String, Text: f.Name})
		set(&item, val, f.Value)
		out.Value.Items = append(out.Value.Items, item)
		for _, m := range inside(of.Marks, value.Step{Name: f.Name}) {
			m.Path = append(value.Path{{Index: i}, {Name: val}}, m.Path...)
			out.Marks = append(out.Marks, m)
		}
	}
	return out
}

func fromPairs(of Result, named map[string]Result) Result {
	key, val := named["key_name"].Value.Text, named["value_name"].Value.Text
	if key == "" {
		key = "key"
	}
	if val == "" {
		val = "value"
	}
	out := Result{Value: value.Value{Kind: value.Object, Open: of.Value.Open}, Marks: rooted(of.Marks)}
	for i := range of.Value.Items {
		name, ok := display(of.Value.Items[i].Field(key))
		if !ok || of.Value.Items[i].Maybe {
			out.Value.Open = true
			continue
		}
		v := *of.Value.Items[i].Field(val)
		if v.Kind == value.Absent {
			v.Kind = value.Unknown
		}
		set(&out.Value, name, v)
	}
	return out
}

// each is the filter map: an attribute of every element, or another filter on it.
func (e *evaluation) each(of Result, args []Result, named map[string]Result) (Result, bool) {
	if of.Value.Kind == value.Object {
		keys, ok := e.collection("list", of, nil, nil)
		if !ok {
			return Result{}, false
		}
		of = keys
	}
	attribute, byName := named["attribute"]
	if of.Value.Kind == value.Unknown {
		r := Result{Value: value.Value{Kind: value.Unknown, NotNull: true, Given: of.Value.Given}, Undeclared: of.Undeclared, Marks: of.Marks}
		if byName && attribute.Value.Kind == value.String {
			r.Marks = deeper(of.Marks, attribute.Value.Text)
		}
		return r, true
	}
	if of.Value.Kind != value.List || len(of.Value.Items) > e.limits.Items {
		return Result{}, false
	}
	out := Result{Value: value.Value{Kind: value.List, Open: of.Value.Open}}
	for i := range of.Value.Items {
		item := Result{Value: of.Value.Items[i], Marks: inside(of.Marks, value.Step{Index: i})}
		maybe := item.Value.Maybe
		switch {
		case byName:
			if attribute.Value.Kind != value.String {
				return Result{}, false
			}
			for _, step := range strings.Split(attribute.Value.Text, ".") {
				item = Member(item, step)
			}
			if item.Value.Kind == value.Absent {
				if d, ok := named["default"]; ok {
					item = d
				}
			}
		case len(args) > 0 && args[0].Value.Kind == value.String:
			filter := args[0].Value.Text
			item = e.apply(filter[strings.LastIndexByte(filter, '.')+1:], item, args[1:], named)
		default:
			return Result{}, false
		}
		item.Value.Maybe = maybe
		out.push(value.Path{{Index: i}}, item, func(v value.Value) { out.Value.Items = append(out.Value.Items, v) })
	}
	return out, true
}

// choose is select, reject and their kin with attributes. What cannot be decided may be among the chosen.
func (e *evaluation) choose(name string, of Result, args []Result) (Result, bool) {
	if of.Value.Kind == value.Unknown {
		return Result{Value: value.Value{Kind: value.Unknown, NotNull: true, Given: of.Value.Given}, Undeclared: of.Undeclared, Marks: of.Marks}, true
	}
	if of.Value.Kind != value.List || len(of.Value.Items) > e.limits.Items {
		return Result{}, false
	}
	var attribute []string
	if strings.HasSuffix(name, "attr") {
		if len(args) == 0 || args[0].Value.Kind != value.String {
			return Result{}, false
		}
		attribute, args = strings.Split(args[0].Value.Text, "."), args[1:]
	}
	test := ""
	if len(args) > 0 {
		if args[0].Value.Kind != value.String {
			return Result{}, false
		}
		test, args = args[0].Value.Text, args[1:]
		test = test[strings.LastIndexByte(test, '.')+1:]
		if op, ok := operatorTests[test]; ok {
			test = op
		}
	}
	out := Result{Value: value.Value{Kind: value.List, Open: of.Value.Open}, Marks: rooted(of.Marks)}
	for i := range of.Value.Items {
		item := Result{Value: of.Value.Items[i]}
		for _, step := range attribute {
			item = Member(item, step)
		}
		t := truthOf(&item.Value)
		if test != "" {
			t = e.test(test, item, args)
		}
		if strings.HasPrefix(name, "reject") {
			t = t.not()
		}
		if t != no {
			v := of.Value.Items[i]
			v.Maybe = v.Maybe || t == open
			out.Value.Items = append(out.Value.Items, v)
		}
	}
	return out, true
}

// operatorTests are tests that may be written as operators.
var operatorTests = map[string]string{"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}

// sets applies the filters of set theory, which keep the order of the first list.
func (e *evaluation) sets(name string, of Result, args []Result) (Result, bool) {
	v := of.Value
	var other value.Value
	if name != "unique" {
		if len(args) != 1 || args[0].Value.Kind != value.List {
			return Result{}, false
		}
		other = args[0].Value
		of = like(args[0], of)
	}
	if !v.IsWhollyKnown() || name != "unique" && !other.IsWhollyKnown() || len(v.Items)+len(other.Items) > 1000 {
		return Result{}, false
	}
	out := list(nil)
	add := func(item *value.Value) {
		if contains(&out.Value, item) != yes {
			out.Value.Items = append(out.Value.Items, *item)
		}
	}
	for i := range v.Items {
		item := &v.Items[i]
		in := contains(&other, item) == yes
		if name == "unique" || name == "union" || in == (name == "intersect") {
			add(item)
		}
	}
	for i := range other.Items {
		if name == "union" || name == "symmetric_difference" && contains(&v, &other.Items[i]) != yes {
			add(&other.Items[i])
		}
	}
	return like(of, out), true
}

// ordered applies sort, min and max to numbers or texts.
func ordered(name string, of Result, args []Result, named map[string]Result) (Result, bool) {
	if !of.Value.IsWhollyKnown() || len(args)+len(named) > 0 || len(of.Value.Items) == 0 {
		return Result{}, false
	}
	kind := of.Value.Items[0].Kind
	for i := range of.Value.Items {
		if of.Value.Items[i].Kind != kind || kind != value.Number && kind != value.String {
			return Result{}, false
		}
	}
	items := slices.Clone(of.Value.Items)
	slices.SortStableFunc(items, func(a, b value.Value) int {
		if kind == value.Number {
			switch {
			case a.Number < b.Number:
				return -1
			case a.Number > b.Number:
				return 1
			}
			return 0
		}
		return strings.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)) // Jinja's sort ignores case
	})
	switch name {
	case "min":
		return like(of, Result{Value: items[0]}), true
	case "max":
		return like(of, Result{Value: items[len(items)-1]}), true
	}
	return like(of, list(items)), true
}

// Pairs makes a list of objects with the members key and value of an object, as with_dict goes through it.
func Pairs(of Result) Result { return (&evaluation{}).pairs(of, "key", "value") }
