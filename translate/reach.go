package translate

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// finding says whether a value that was not found is not there.
type finding bool

const (
	sure    finding = false
	perhaps finding = true // it may be there: an object on the way is known in part only
)

var nothing = &value.Value{}

// reach follows a native path without [], and appends to at the steps that it took. It stops at what is unknown and returns
// that. What is not there is an absent value.
func (t *Table) reach(v *value.Value, steps []schema.NameStep, at *value.Path) (*value.Value, finding) {
	var nowhere value.Path
	if at == nil {
		at = &nowhere
	}
	for i := range steps {
		step := &steps[i]
		if v.Kind == value.Unknown || v.Kind == value.Null {
			return v, sure
		}
		var next *value.Value
		took, open := value.Step{}, v.Open
		switch {
		case step.Name != "":
			if v.Kind == value.List { // one object, written as a list of one
				if len(v.Items) != 1 || v.Open || v.Items[0].Maybe {
					u := unknown(*v)
					return &u, finding(len(v.Items) == 0 && v.Open)
				}
				*at = append(*at, value.Step{})
				if v = &v.Items[0]; v.Kind == value.Unknown {
					return v, sure
				}
				open = v.Open
			}
			next, took.Name = t.field(v, step)
		case step.Key != "":
			next, took.Index, open = choose(v, step)
		case v.Kind != value.List && step.Index == 0:
			continue // one value, where a list of one may stand
		case v.Kind == value.List && step.Index < len(v.Items):
			if slices.ContainsFunc(v.Items[:step.Index+1], func(item value.Value) bool { return item.Maybe }) {
				u := unknown(*v)
				return &u, sure
			}
			next, took.Index = &v.Items[step.Index], step.Index
		}
		if next == nil {
			return nothing, finding(open)
		}
		*at = append(*at, took)
		v = next
	}
	return v, sure
}

// field returns a member by any of its names, and the name that it has there.
func (t *Table) field(v *value.Value, step *schema.NameStep) (*value.Value, string) {
	if v.Kind != value.Object {
		return nil, ""
	}
	if i, ok := find(v.Fields, step.Name); ok {
		return &v.Fields[i].Value, step.Name
	}
	for _, alias := range step.Aliases {
		if i, ok := find(v.Fields, alias); ok {
			return &v.Fields[i].Value, alias
		}
	}
	if t.names.Folds() {
		for i := range v.Fields {
			if name := v.Fields[i].Name; strings.EqualFold(name, step.Name) {
				return &v.Fields[i].Value, name
			}
		}
	}
	return nil, ""
}

// choose returns the first element of a list that [Key=word] means; open when one of those that are not known may be it.
func choose(v *value.Value, step *schema.NameStep) (item *value.Value, index int, open bool) {
	if v.Kind != value.List {
		if v.Kind == value.Object && matches(step, v) == yes {
			return v, 0, false
		}
		return nil, 0, v.Open
	}
	open = v.Open
	for i := range v.Items {
		switch matches(step, &v.Items[i]) {
		case yes:
			if v.Items[i].Maybe {
				u := unknown(v.Items[i])
				return &u, i, false
			}
			return &v.Items[i], i, false
		case unsure:
			open = true
		}
	}
	return nil, 0, open
}

// chosen reports whether [] or [Key!=word] means an element.
func chosen(each *schema.NameStep, item *value.Value) verdict {
	if each == nil || each.Key == "" {
		return yes
	}
	return yes - matches(each, item)
}

// matches reports whether the member that a step names has one of its words.
func matches(step *schema.NameStep, item *value.Value) verdict {
	if item.Kind == value.Unknown {
		return unsure
	}
	key := item.Field(step.Key)
	if key.Kind == value.Unknown || key.Kind == value.Absent && item.Open {
		return unsure
	}
	text, ok := word(key)
	return is(ok && slices.Contains(step.Words, text))
}

// child returns the value at a step of a body that is being made, and makes it an absent one when it is not there; false
// when something else stands in the way.
func child(node *value.Value, s value.Step) (*value.Value, bool) {
	if s.Name != "" {
		if node.Kind == value.Absent {
			node.Kind = value.Object
		}
		if node.Kind != value.Object {
			return nil, false
		}
		i, found := find(node.Fields, s.Name)
		if !found {
			node.Fields = slices.Insert(node.Fields, i, value.Field{Name: s.Name})
		}
		return &node.Fields[i].Value, true
	}
	if node.Kind == value.Absent {
		node.Kind = value.List
	}
	if node.Kind != value.List || s.Index > len(node.Items) {
		return nil, false
	}
	if s.Index == len(node.Items) {
		node.Items = append(node.Items, value.Value{})
	}
	return &node.Items[s.Index], true
}

// ensure returns the object at a path, and makes it; nil when a value stands in the way.
func ensure(node *value.Value, path value.Path) *value.Value {
	for _, s := range path {
		next, ok := child(node, s)
		if !ok {
			return nil
		}
		node = next
	}
	if node.Kind == value.Absent {
		node.Kind = value.Object
	}
	if node.Kind != value.Object {
		return nil
	}
	return node
}

// place puts a value at a path where nothing stands, and reports whether it did.
func place(node *value.Value, path value.Path, v value.Value) bool {
	for _, s := range path {
		next, ok := child(node, s)
		if !ok {
			return false
		}
		node = next
	}
	switch {
	case node.Kind == value.Absent:
		*node = v
	case node.Kind == value.Object && v.Kind == value.Unknown:
		node.Open = true
	case node.Kind == value.Object && v.Kind == value.Object:
		for i := range v.Fields {
			if _, found := find(node.Fields, v.Fields[i].Name); !found {
				set(node, v.Fields[i].Name, v.Fields[i].Value)
			}
		}
		node.Open = node.Open || v.Open
	default:
		return false
	}
	return true
}
