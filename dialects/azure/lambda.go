package azure

import (
	"errors"
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// isLambda reports whether the function of that name, whatever the case, takes functions.
func isLambda(name string) bool {
	switch strings.ToLower(name) {
	case "map", "filter", "reduce", "sort", "toobject", "groupby", "mapvalues":
		return true
	}
	return false
}

// lambda calls a function that takes functions. args are its arguments that are none, do those that are, in order; take says
// how many arguments each of do takes. What is unknown of the list stays unknown in the result.
func (f functions) lambda(name string, args []value.Value, do []lambda, take []int) (value.Value, error) {
	wanted := map[string][2]int{"map": {1, 1}, "filter": {1, 1}, "reduce": {2, 1}, "sort": {1, 1}, "toobject": {1, 1}, "groupby": {1, 1}, "mapvalues": {1, 1}}
	low := strings.ToLower(name)
	if w := wanted[low]; len(args) != w[0] || len(do) != w[1] && !(low == "toobject" && len(do) == 2) {
		return value.Value{Kind: value.Unknown}, errors.New(name + " has other arguments than it takes")
	}
	over := &args[0]
	if over.Kind == value.Unknown {
		return symbol(name, "", args...), nil
	}
	if low == "mapvalues" {
		if over.Kind != value.Object {
			return value.Value{Kind: value.Unknown}, errors.New(name + " wants an object")
		}
		var fields []value.Field
		for _, m := range over.Fields {
			fields = append(fields, value.Field{Name: m.Name, Value: do[0](m.Value)})
		}
		out := object(fields)
		out.Open = over.Open
		return out, nil
	}
	if over.Kind != value.List {
		return value.Value{Kind: value.Unknown}, errors.New(name + " wants a list")
	}
	// with calls one of the functions for an element; the place of an element behind one that may not be is unknown.
	certain := true
	with := func(n, i int, v ...value.Value) value.Value {
		if n < len(take) && take[n] > len(v) {
			at := whole(int64(i))
			if !certain {
				at = value.Value{Kind: value.Unknown, NotNull: true}
			}
			v = append(v, at)
		}
		return do[n](v...)
	}
	out := list()
	out.Open = over.Open
	var fields []value.Field
	switch low {
	case "map":
		for i, item := range over.Items {
			certain = certain && !item.Maybe
			v := with(0, i, item)
			v.Maybe = item.Maybe
			out.Items = append(out.Items, v)
		}
		return out, nil
	case "filter":
		for i, item := range over.Items {
			certain = certain && !item.Maybe
			keep := with(0, i, item)
			switch t := truth(&keep); {
			case t.Kind == value.Bool && t.Bool:
				out.Items = append(out.Items, item)
			case t.Kind == value.Unknown:
				out.Items = append(out.Items, several(item))
			case t.Kind != value.Bool:
				return symbol(name, "", args...), errors.New(name + " wants a function that answers true or false")
			}
		}
		return out, nil
	case "reduce":
		acc := args[1]
		for i, item := range over.Items {
			if item.Maybe || over.Open {
				return symbol(name, "", args...), nil
			}
			acc = with(0, i, acc, item)
		}
		return acc, nil
	case "sort":
		return f.sorted(name, args, do[0])
	case "groupby":
		for i, item := range over.Items {
			k := with(0, i, item)
			if k.Kind != value.String || item.Maybe {
				return symbol(name, "", args...), nil
			}
			at := slices.IndexFunc(fields, func(f value.Field) bool { return f.Name == k.Text })
			if at < 0 {
				fields, at = append(fields, value.Field{Name: k.Text, Value: list()}), len(fields)
			}
			fields[at].Value.Items = append(fields[at].Value.Items, item)
		}
	default: // toObject
		for i, item := range over.Items {
			k := with(0, i, item)
			v := item
			if len(do) == 2 {
				v = with(1, i, item)
			}
			if k.Kind != value.String || item.Maybe {
				out.Open = true
				continue
			}
			fields = append(fields, value.Field{Name: k.Text, Value: v})
		}
	}
	made := object(fields)
	made.Open = out.Open
	return made, nil
}

// sorted orders a list by a function that says whether the first comes before the second.
func (f functions) sorted(name string, args []value.Value, less lambda) (value.Value, error) {
	if !args[0].IsWhollyKnown() || slices.ContainsFunc(args[0].Items, func(i value.Value) bool { return i.Maybe }) {
		return symbol(name, "", args...), nil
	}
	if len(args[0].Items) > f.limits.Instances {
		return symbol(name, "", args...), errors.New(name + " has too long a list")
	}
	decided := true
	out := list(slices.Clone(args[0].Items)...)
	slices.SortStableFunc(out.Items, func(a, b value.Value) int {
		before, after := less(a, b), less(b, a)
		if before.Kind != value.Bool || after.Kind != value.Bool {
			decided = false
		}
		switch {
		case before.Bool && !after.Bool:
			return -1
		case after.Bool && !before.Bool:
			return 1
		}
		return 0
	})
	if !decided {
		return symbol(name, "", args...), nil
	}
	return out, nil
}
