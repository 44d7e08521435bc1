package helm

import (
	"strings"

	"plumbline.dev/plumbline/chart"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// explainer answers questions about a rendered chart.
type explainer struct {
	unit *unit
}

// at finds the node of an object that a path leads to, the origin of it, the entry that it is in, and the steps that are not there.
func (o *object) at(p value.Path) (n *document.Node, of origin, entry source.Range, rest value.Path) {
	r := &reader{output: o.output}
	n, entry = o.root, o.root.Range
	for i, s := range p {
		switch {
		case s.Name != "" && n.Kind == document.Mapping:
			m := n.Member(s.Name)
			if m == nil {
				return n, of, entry, p[i:]
			}
			of = r.inner(of, s, m.Range)
			n, entry = m.Value, m.Range
		case s.Name == "" && n.Kind == document.Sequence && s.Index < len(n.Items):
			at := n.Place(s.Index)
			first := s.Index
			for first > 0 && r.together(n.Place(first-1), at) {
				first--
			}
			of = r.item(of, s.Index, first, at)
			n, entry = n.Items[s.Index], at
		default:
			return n, of, entry, p[i:]
		}
	}
	return n, of, entry, nil
}

// Explain tells which template writes a value, and from which of the values.
func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	part, ok := r.Handle.(*manifest.Part)
	if !ok || x.unit == nil {
		return dialect.Explanation{}
	}
	o, ok := part.Object.Handle.(*object)
	if !ok {
		return dialect.Explanation{}
	}
	inside := part.Path(p)
	out := dialect.Explanation{Path: inside.String()}
	n, of, entry, rest := o.at(append(part.Object.Within[:len(part.Object.Within):len(part.Object.Within)], inside...))
	v := r.Body.At(p)
	if len(rest) > 0 {
		if v.Kind == value.Unknown && strings.HasSuffix(out.Path, "namespace") {
			out.Waits = append(out.Waits, dialect.Wait{Name: "the namespace of the release", Kind: "variable"})
		}
		return out
	}
	seen := map[*chart.Origin]bool{}
	for _, s := range o.spansIn(n.Range.Start, max(n.Range.End, n.Range.Start+1)) {
		if s.Text || s.File == nil || seen[s.Origin] || n.Kind != document.Scalar {
			continue
		}
		seen[s.Origin] = true
		from := s.From
		if s.Origin == spanOrigin(of) && of.from != nil {
			from = of.from
		}
		at := s.File.Place(s.Start, s.End)
		if v.Kind == value.Unknown {
			if w, ok := x.unit.wait(s.Origin, from, at); ok {
				out.Waits = append(out.Waits, w)
			}
		}
		out.Trace = append(out.Trace, x.unit.trace(o, s.Origin, from, at, entry)...)
	}
	return out
}

func spanOrigin(of origin) *chart.Origin {
	if of.span == nil {
		return nil
	}
	return of.span.Origin
}

// trace is the way of a value from the template to the file of values.
func (u *unit) trace(o *object, s *chart.Origin, from value.Path, at, _ source.Range) []dialect.Step {
	name := s.Name
	if from != nil {
		name = "." + from.String()
	}
	steps := []dialect.Step{{Name: name, Range: at}}
	if set, is := u.isSet(below(from)); is {
		return append(steps, dialect.Step{Name: "--var " + set.String()})
	}
	if p := below(from); p != nil && !s.Default {
		if w := u.written(p); w != nil && len(w.rest) == 0 {
			steps = append(steps, dialect.Step{Name: w.path.String(), Range: w.at})
		}
	}
	return steps
}

// wait says what would decide a value that an action prints.
func (u *unit) wait(s *chart.Origin, from value.Path, at source.Range) (dialect.Wait, bool) {
	switch {
	case s.Made:
		return dialect.Wait{Name: "a function of the template that makes it anew each time", Kind: "function", Range: at}, true
	case s.Required && from != nil:
		return dialect.Wait{Name: strings.ToLower(from[0].Name) + "." + from[1:].String(), Kind: "variable", Range: at}, true
	case s.Required:
		return dialect.Wait{Name: "a value that the template requires", Kind: "variable", Range: at}, true
	case len(from) == 2 && from[0].Name == "Release":
		return dialect.Wait{Name: "the namespace of the release", Kind: "variable"}, true
	}
	return dialect.Wait{}, false
}
