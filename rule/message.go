package rule

import (
	"fmt"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// piece is a part of a message: text, or the path of a value when it is not nil.
type piece struct {
	text string
	path value.Path
}

// placeholders splits a message at its {path} parts.
func placeholders(message string) ([]piece, error) {
	var out []piece
	for {
		before, rest, found := strings.Cut(message, "{")
		if before != "" {
			out = append(out, piece{text: before})
		}
		if !found {
			return out, nil
		}
		inner, after, closed := strings.Cut(rest, "}")
		path, ok := value.ParsePath(inner)
		if !closed || !ok || len(path) == 0 {
			return nil, fmt.Errorf("the message has %q, which is not {path}", "{"+inner)
		}
		out = append(out, piece{path: path})
		message = after
	}
}

// Message writes what is wrong with r. A path in braces is looked up beside the attribute that decided first: {from_port}
// is that of the block that failed. What is not a scalar, not known or not to be printed is named instead of shown.
func (p *Program) Message(r *resource.Resource, v Verdict) string {
	pieces, err := placeholders(p.Rule.Message)
	if err != nil {
		return p.Rule.Message // Parse has reported it
	}
	var b strings.Builder
	for _, part := range pieces {
		if part.path == nil {
			b.WriteString(part.text)
			continue
		}
		shown := Conceal(part.path, p.lookup(r, v, part.path), p.Rule.AboutSecrets())
		b.WriteString(show(&shown))
	}
	return b.String()
}

// lookup finds the value of a placeholder, from the innermost block around the last witness outwards.
func (p *Program) lookup(r *resource.Resource, v Verdict, path value.Path) *value.Value {
	if n := len(v.Witnesses); n > 0 {
		last := v.Witnesses[n-1]
		for depth := len(last.Path) - 1; depth >= 0; depth-- {
			if found := last.Resource.Body.At(append(last.Path[:depth:depth], path...)); found.IsSet() {
				return found
			}
		}
	}
	if found := r.Body.At(path); found.IsSet() {
		return found
	}
	return effective(p.set, r.Type, path)
}

// effective returns the default of an attribute that was not written, or an absent value.
func effective(set *schema.Set, typ string, path value.Path) *value.Value {
	var names []string
	for _, s := range path {
		if s.Name != "" {
			names = append(names, s.Name)
		}
	}
	if d, ok := set.Default(typ, strings.Join(names, ".")); ok {
		return &d.Value
	}
	return &value.Value{}
}

func show(v *value.Value) string {
	switch {
	case v.Sensitive:
		return "(sensitive)"
	case v.Kind == value.Unknown:
		return "(unknown)"
	case !v.IsSet():
		return "(not set)"
	case v.Kind == value.Number && v.Text != "":
		return v.Text
	case v.Kind == value.List || v.Kind == value.Object:
		return "(" + v.Kind.String() + ")"
	}
	w := view(v, nil)
	return w.print()
}
