package fix

import (
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// difference adds the paths at which two values differ, as deep as it can be told: a block that is only on one side differs
// in each of its attributes. Elements are compared by number.
func difference(a, b *value.Value, at value.Path, out []value.Path) []value.Path {
	if a == b {
		return out
	}
	if a, b, ok := members(a, b, value.Object); ok {
		for i, j := 0, 0; i < len(a.Fields) || j < len(b.Fields); {
			x, y := &value.Value{}, &value.Value{}
			var name string
			c := order(a, b, i, j)
			if c <= 0 {
				name, x = a.Fields[i].Name, &a.Fields[i].Value
				i++
			}
			if c >= 0 {
				name, y = b.Fields[j].Name, &b.Fields[j].Value
				j++
			}
			out = difference(x, y, append(at[:len(at):len(at)], value.Step{Name: name}), out)
		}
		return out
	}
	if a, b, ok := members(a, b, value.List); ok {
		for i := range max(len(a.Items), len(b.Items)) {
			x, y := &value.Value{}, &value.Value{}
			if i < len(a.Items) {
				x = &a.Items[i]
			}
			if i < len(b.Items) {
				y = &b.Items[i]
			}
			out = difference(x, y, append(at[:len(at):len(at)], value.Step{Index: i}), out)
		}
		return out
	}
	if !a.Equal(b) {
		out = append(out, at)
	}
	return out
}

// members reports whether two values can be compared member by member: both are of the kind, or one is and has members, and
// the other is absent and stands for one without.
func members(a, b *value.Value, kind value.Kind) (*value.Value, *value.Value, bool) {
	none := &value.Value{Kind: kind}
	switch {
	case a.Kind == kind && b.Kind == kind:
		return a, b, a.Open == b.Open
	case a.Kind == value.Absent && b.Kind == kind && !b.Open && len(b.Fields)+len(b.Items) > 0:
		return none, b, true
	case b.Kind == value.Absent && a.Kind == kind && !a.Open && len(a.Fields)+len(a.Items) > 0:
		return a, none, true
	}
	return a, b, false
}

func order(a, b *value.Value, i, j int) int {
	switch {
	case i == len(a.Fields):
		return 1
	case j == len(b.Fields):
		return -1
	}
	return strings.Compare(a.Fields[i].Name, b.Fields[j].Name)
}

// declares reports whether the changes of a wish cover a difference at path in a resource of type typ. Numbers of elements
// do not count: one wish is about all elements, and one block may make several. A block that was not there differs as a
// whole from the one that a wish inside of it made.
func declares(changes []resource.Change, own bool, typ string, path value.Path) bool {
	for _, c := range changes {
		if c.Op == resource.Create {
			if c.New.Type == typ && len(path) > 0 && c.New.Body.Field(path[0].Name).Kind != value.Absent {
				return true
			}
			continue
		}
		if own && covers(names(c.Path), names(path)) {
			return true
		}
	}
	return false
}

func covers(wish, path []string) bool {
	for i := range min(len(wish), len(path)) {
		if wish[i] != path[i] {
			return false
		}
	}
	return true
}

func names(p value.Path) []string {
	var out []string
	for _, s := range p {
		if s.Name != "" {
			out = append(out, s.Name)
		}
	}
	return out
}
