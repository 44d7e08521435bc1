package fix

import (
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// difference adds the paths at which two values differ, as deep as it can be told. Elements are compared by number.
func difference(a, b *value.Value, at value.Path, out []value.Path) []value.Path {
	switch {
	case a == b:
	case a.Kind == value.Object && b.Kind == value.Object && a.Open == b.Open:
		i, j := 0, 0
		for i < len(a.Fields) || j < len(b.Fields) {
			var name string
			var x, y *value.Value = &value.Value{}, &value.Value{}
			switch c := order(a, b, i, j); {
			case c < 0:
				name, x = a.Fields[i].Name, &a.Fields[i].Value
				i++
			case c > 0:
				name, y = b.Fields[j].Name, &b.Fields[j].Value
				j++
			default:
				name, x, y = a.Fields[i].Name, &a.Fields[i].Value, &b.Fields[j].Value
				i++
				j++
			}
			out = difference(x, y, append(at[:len(at):len(at)], value.Step{Name: name}), out)
		}
	case a.Kind == value.List && b.Kind == value.List && a.Open == b.Open && len(a.Items) == len(b.Items):
		for i := range a.Items {
			out = difference(&a.Items[i], &b.Items[i], append(at[:len(at):len(at)], value.Step{Index: i}), out)
		}
	case !a.Equal(b):
		out = append(out, at)
	}
	return out
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
