package manifest

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

func texts(words []string) value.Value {
	list := value.Value{Kind: value.List}
	for _, w := range words {
		list.Items = append(list.Items, text(w))
	}
	return list
}

// unknownAt is a value that nobody knows, written where another one is.
func unknownAt(like *value.Value) value.Value {
	return value.Value{Kind: value.Unknown, Given: like.Given, Range: like.Range}
}

// with returns an object with a member set. The object itself stays as it is.
func with(v value.Value, name string, x value.Value) value.Value {
	i, there := slices.BinarySearchFunc(v.Fields, name, func(f value.Field, n string) int { return strings.Compare(f.Name, n) })
	fields := make([]value.Field, 0, len(v.Fields)+1)
	fields = append(fields, v.Fields[:i]...)
	fields = append(fields, value.Field{Name: name, Value: x})
	if there {
		i++
	}
	v.Kind, v.Fields = value.Object, append(fields, v.Fields[i:]...)
	return v
}

// member is with for what is set; absent members are left out.
func member(v value.Value, name string, x value.Value) value.Value {
	if x.Kind == value.Absent {
		return v
	}
	return with(v, name, x)
}

// field returns the member of a value that should be an object. Of what is not known nothing is known, and neither is what may
// be among the members that an open one does not list.
func field(v *value.Value, names ...string) value.Value {
	for _, name := range names {
		if v.Kind == value.Unknown {
			return unknownAt(v)
		}
		f := v.Field(name)
		if f.Kind == value.Absent && v.Kind == value.Object && v.Open {
			return unknownAt(v)
		}
		v = f
	}
	return *v
}

// path makes a path of names (string) and indexes (int).
func path(from value.Path, steps ...any) value.Path {
	out := make(value.Path, len(from), len(from)+len(steps))
	copy(out, from)
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			out = append(out, value.Step{Name: s})
		case int:
			out = append(out, value.Step{Index: s})
		}
	}
	return out
}

// verdict is the answer to a question about values of which some are not known.
type verdict uint8

const (
	no verdict = iota
	maybe
	yes
)

// both is the answer to two questions of which both must hold.
func both(a, b verdict) verdict { return min(a, b) }

// sameWord compares two texts either of which may not be known, or only how it begins and ends.
func sameWord(a, b *value.Value) verdict {
	x, known := a.Word()
	y, knownToo := b.Word()
	switch {
	case known && knownToo:
		if x == y {
			return yes
		}
		return no
	case known && b.Kind == value.Unknown:
		return couldBe(x, b)
	case knownToo && a.Kind == value.Unknown:
		return couldBe(y, a)
	case a.Kind == value.Unknown && b.Kind == value.Unknown:
		if !strings.HasPrefix(a.Text, b.Text) && !strings.HasPrefix(b.Text, a.Text) {
			return no
		}
		return maybe
	}
	return no
}

func couldBe(s string, unknown *value.Value) verdict {
	if len(s) < len(unknown.Text)+len(unknown.Ending) || !strings.HasPrefix(s, unknown.Text) || !strings.HasSuffix(s, unknown.Ending) {
		return no
	}
	return maybe
}

// isInstallers reports whether a namespace is the one that who installs all of the unit says.
func isInstallers(v *value.Value) bool {
	return v.Kind == value.Unknown && v.Given && v.Text == "" && v.Ending == ""
}

// sameNamespace reports whether two objects are in the same namespace, by what they say of theirs. See the package for those that say nothing.
func sameNamespace(a, b *value.Value) verdict {
	const standard = "default"
	x, y := a.IsSet() && (a.Kind != value.String || a.Text != ""), b.IsSet() && (b.Kind != value.String || b.Text != "")
	switch {
	case !x && !y:
		return yes
	case !x || !y:
		if !x {
			a = b
		}
		if name, ok := a.Word(); ok && name == standard {
			return yes
		}
		return maybe
	case isInstallers(a) && isInstallers(b):
		return yes
	}
	return sameWord(a, b)
}
