package chart

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/value"
)

// What one text of --set may ask for at most, as Helm has it.
const (
	mostIndex = 65536
	mostNames = 30
)

// Assignment is one value that is set: what Helm's --set calls name=value.
type Assignment struct {
	Path  value.Path // below .Values
	Value any
}

// ReadAssignments reads what --set of Helm takes: a.b=1,c={x,y},d[0].e=text. A backslash takes away the meaning of the sign behind it.
func ReadAssignments(text string) ([]Assignment, error) {
	r := &assigner{rest: []rune(text)}
	var out []Assignment
	for len(r.rest) > 0 {
		path, err := r.path()
		if err != nil {
			return nil, err
		}
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		out = append(out, Assignment{path, v})
	}
	return out, nil
}

type assigner struct{ rest []rune }

// until reads up to one of some signs, which it takes with it; 0 is the end.
func (r *assigner) until(stop string) (string, rune) {
	var b strings.Builder
	for len(r.rest) > 0 {
		c := r.rest[0]
		r.rest = r.rest[1:]
		switch {
		case strings.ContainsRune(stop, c):
			return b.String(), c
		case c == '\\' && len(r.rest) > 0:
			b.WriteRune(r.rest[0])
			r.rest = r.rest[1:]
		case c != '\\':
			b.WriteRune(c)
		}
	}
	return b.String(), 0
}

// path reads a name up to the equals sign.
func (r *assigner) path() (value.Path, error) {
	var out value.Path
	names := 0
	for {
		name, end := r.until("=[,.")
		if end == 0 || end == ',' {
			return nil, fmt.Errorf("%q has no value", append(out, value.Step{Name: name}).String())
		}
		if name == "" {
			return nil, errors.New("a name is empty")
		}
		out = append(out, value.Step{Name: name})
		for end == '[' {
			digits, shut := r.until("]")
			i, err := strconv.Atoi(digits)
			if err != nil || shut == 0 || i < 0 || i > mostIndex {
				return nil, fmt.Errorf("%q is no index of a list", digits)
			}
			out = append(out, value.Step{Index: i})
			more, next := r.until("[.=")
			if more != "" || next == 0 {
				return nil, fmt.Errorf("%q has no value", out.String())
			}
			end = next
		}
		if end == '=' {
			return out, nil
		}
		if names++; names > mostNames {
			return nil, fmt.Errorf("a name has more than %d parts", mostNames)
		}
	}
}

// value reads what stands behind the equals sign, and the comma behind it.
func (r *assigner) value() (any, error) {
	if len(r.rest) == 0 || r.rest[0] != '{' {
		text, _ := r.until(",")
		return typed(text), nil
	}
	r.rest = r.rest[1:]
	list := []any{}
	for {
		text, end := r.until(",}")
		switch end {
		case 0:
			return nil, errors.New("a list does not end: } is missing")
		case '}':
			if len(r.rest) > 0 && r.rest[0] == ',' {
				r.rest = r.rest[1:]
			}
			return append(list, typed(text)), nil
		}
		list = append(list, typed(text))
	}
}

// typed is a text as Helm takes it: a boolean, nothing, a whole number or a text.
func typed(s string) any {
	switch strings.ToLower(s) {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	case "0":
		return int64(0)
	}
	if s != "" && s[0] != '0' {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	}
	return s
}

// Set sets a value. It is an error when something on the way is neither a table nor a list, as it has to be.
func (v Values) Set(a Assignment) error {
	_, err := assign(map[string]any(v), a, 0)
	return err
}

// assign returns what is there when the steps of a from the given one on are set.
func assign(at any, a Assignment, i int) (any, error) {
	if i == len(a.Path) {
		return a.Value, nil
	}
	s := a.Path[i]
	if s.Name != "" {
		t, ok := at.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s is no table", a.Path[:i])
		}
		next, there := t[s.Name]
		if !there && i+1 < len(a.Path) {
			next = fresh(a.Path[i+1])
		}
		inner, err := assign(next, a, i+1)
		if err == nil {
			t[s.Name] = inner
		}
		return t, err
	}
	list, ok := at.([]any)
	if !ok {
		return nil, fmt.Errorf("%s is no list", a.Path[:i])
	}
	if s.Index >= len(list) {
		list = append(list, make([]any, s.Index+1-len(list))...)
	}
	next := list[s.Index]
	if i+1 < len(a.Path) {
		if _, isTable := next.(map[string]any); next == nil || a.Path[i+1].Name != "" && !isTable {
			next = fresh(a.Path[i+1])
		}
	}
	inner, err := assign(next, a, i+1)
	if err == nil {
		list[s.Index] = inner
	}
	return list, err
}

// fresh is what a step leads into when nothing is there yet.
func fresh(s value.Step) any {
	if s.Name != "" {
		return map[string]any{}
	}
	return []any{}
}
