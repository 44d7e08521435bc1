package jinja

import (
	"math"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/value"
)

// truth says whether a value counts as true; open when it is not known.
type truth uint8

const (
	no truth = iota
	yes
	open
)

func (t truth) result() Result {
	if t == open {
		return undecided()
	}
	return boolean(t == yes)
}

func decided(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return open
}

// True says whether a value counts as true in a condition: 1 yes, 0 no, -1 not known.
func True(v *value.Value) int {
	switch truthOf(v) {
	case yes:
		return 1
	case no:
		return 0
	}
	return -1
}

func truthOf(v *value.Value) truth {
	switch v.Kind {
	case value.Bool:
		return decided(v.Bool)
	case value.Number:
		return decided(v.Number != 0)
	case value.String:
		return decided(v.Text != "")
	case value.List:
		for i := range v.Items {
			if !v.Items[i].Maybe {
				return yes
			}
		}
		if v.Open || len(v.Items) > 0 {
			return open
		}
		return no
	case value.Object:
		if len(v.Fields) > 0 {
			return yes
		}
		if v.Open {
			return open
		}
		return no
	case value.Unknown:
		if v.Text != "" {
			return yes
		}
		return open
	}
	return no
}

// compare answers the operators that compare, three-valued.
func (e *evaluation) compare(op string, a, b *value.Value) truth {
	switch op {
	case "==":
		return equal(a, b)
	case "!=":
		return equal(a, b).not()
	case "in":
		return contains(b, a)
	case "not in":
		return contains(b, a).not()
	}
	var c int
	switch {
	case a.Kind == value.Number && b.Kind == value.Number:
		switch {
		case a.Number < b.Number:
			c = -1
		case a.Number > b.Number:
			c = 1
		}
	case a.Kind == value.String && b.Kind == value.String:
		c = strings.Compare(a.Text, b.Text)
	default:
		return open
	}
	switch op {
	case "<":
		return decided(c < 0)
	case "<=":
		return decided(c <= 0)
	case ">":
		return decided(c > 0)
	}
	return decided(c >= 0)
}

// equal compares values as Python does: true is 1.
func equal(a, b *value.Value) truth {
	if a.Maybe || b.Maybe || a.Open || b.Open {
		return open
	}
	if a.Kind == value.Unknown || b.Kind == value.Unknown {
		if b.Kind == value.Unknown {
			a, b = b, a
		}
		if b.Kind == value.String && a.Text != "" && (!strings.HasPrefix(b.Text, a.Text) || !strings.HasSuffix(b.Text, a.Ending)) {
			return no
		}
		if b.Kind == value.Null && a.NotNull {
			return no
		}
		return open
	}
	if f, ok := numeric(a); ok {
		g, ok := numeric(b)
		return decided(ok && f == g)
	}
	if a.Kind != b.Kind {
		if a.Kind == value.Absent || b.Kind == value.Absent {
			return open // an error in Ansible
		}
		return no
	}
	result := yes
	switch a.Kind {
	case value.String:
		return decided(a.Text == b.Text)
	case value.List:
		if len(a.Items) != len(b.Items) {
			return no
		}
		for i := range a.Items {
			result = both(result, equal(&a.Items[i], &b.Items[i]))
		}
	case value.Object:
		if len(a.Fields) != len(b.Fields) {
			return no
		}
		for i := range a.Fields {
			if a.Fields[i].Name != b.Fields[i].Name {
				return no
			}
			result = both(result, equal(&a.Fields[i].Value, &b.Fields[i].Value))
		}
	}
	return result
}

func both(a, b truth) truth {
	if a == no || b == no {
		return no
	}
	if a == open || b == open {
		return open
	}
	return yes
}

func numeric(v *value.Value) (float64, bool) {
	switch v.Kind {
	case value.Number:
		return v.Number, true
	case value.Bool:
		if v.Bool {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// contains reports whether something is in a list, among the names of an object, or part of a text.
func contains(in, v *value.Value) truth {
	switch in.Kind {
	case value.String:
		if v.Kind == value.String {
			return decided(strings.Contains(in.Text, v.Text))
		}
	case value.List:
		found := no
		for i := range in.Items {
			switch equal(&in.Items[i], v) {
			case yes:
				return yes
			case open:
				found = open
			}
		}
		if in.Open {
			return open
		}
		return found
	case value.Object:
		if v.Kind == value.String {
			if in.Field(v.Text).Kind != value.Absent {
				return yes
			}
			if !in.Open {
				return no
			}
		}
	}
	return open
}

// integer reads a whole number, as the filter int does.
func integer(v *value.Value) (int, bool) {
	switch v.Kind {
	case value.Number:
		return int(v.Number), math.Abs(v.Number) < 1<<52
	case value.Bool:
		f, _ := numeric(v)
		return int(f), true
	case value.String:
		n, err := strconv.Atoi(strings.TrimSpace(v.Text))
		if err != nil {
			f, ferr := strconv.ParseFloat(strings.TrimSpace(v.Text), 64)
			return int(f), ferr == nil && math.Abs(f) < 1<<52
		}
		return n, true
	}
	return 0, false
}
