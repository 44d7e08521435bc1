package helm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/chart"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Edit lowers wishes to edits of the file of values that decides, where the template takes the value from one, else of the
// template's text.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	if x.unit == nil {
		return dialect.Lowered{}, errors.New("the unit was not evaluated")
	}
	wishes, err := manifest.Lower(r, changes)
	if err != nil {
		return dialect.Lowered{}, err
	}
	part := r.Handle.(*manifest.Part)
	o, ok := part.Object.Handle.(*object)
	if !ok {
		return dialect.Lowered{}, fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	l := &lowering{object: o, within: part.Object.Within, values: map[string][]document.Change{}, of: map[string]*values{}}
	for _, w := range wishes {
		if err := l.wish(&w); err != nil {
			return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
		}
	}
	out := dialect.Lowered{Title: strings.Join(l.titles, ", "), Shared: manifest.Shared(r, wishes), Also: manifest.Also(r, changes)}
	if err := l.finish(&out); err != nil {
		return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
	}
	out.Shared = append(out.Shared, l.shared(r, part)...)
	slices.Sort(out.Shared)
	out.Shared = slices.Compact(out.Shared)
	return out, nil
}

// lowering collects what wishes about one object change.
type lowering struct {
	*object
	within value.Path
	titles []string
	values map[string][]document.Change // by file
	of     map[string]*values
	paths  []value.Path // below .Values, that change
	text   []textChange // of the template
	edits  []source.Edit
}

// textChange is a change of what was rendered that the template's text makes.
type textChange struct {
	at     *document.Node // the deepest node on the way that is there
	entry  source.Range
	rest   value.Path
	change document.Change
}

func (l *lowering) wish(w *manifest.Wish) error {
	if w.Op == resource.Create {
		return errors.New("an object that is new in a chart needs a template of its own")
	}
	full := append(l.within[:len(l.within):len(l.within)], w.Path...)
	n, of, entry, rest := l.at(full)
	if n.Tag != "" || n.Anchor != "" {
		return fmt.Errorf("%s has a tag or an anchor", w.Path)
	}
	for _, s := range l.spansIn(n.Range.Start, n.Range.End) {
		if n.Kind == document.Scalar && (s.Required || s.Made) {
			return fmt.Errorf("whoever installs the chart decides %s", w.Path)
		}
	}
	p, exact := l.source(n, of, entry, w.Op == resource.Remove && len(rest) == 0)
	if p == nil {
		if p = l.unwritten(n, rest); p != nil {
			p, exact, rest = p[:len(p):len(p)], true, rest[1:]
		}
	}
	if p == nil {
		l.titles = append(l.titles, title(w, w.Path))
		l.text = append(l.text, textChange{n, entry, rest, document.Change{Op: w.Op, At: l.root, Path: full, Value: w.Value}})
		return nil
	}
	if !exact {
		return fmt.Errorf("the template makes %s of the value %s, and does more to it than to print it", w.Path, p)
	}
	return l.value(w, append(p[:len(p):len(p)], rest...))
}

// source returns the path below .Values that a node is printed from, and whether it is printed as it is.
func (l *lowering) source(n *document.Node, of origin, entry source.Range, remove bool) (value.Path, bool) {
	if of.from != nil && of.span != nil {
		return below(of.from), of.span.Exact
	}
	if remove {
		return nil, false // the template writes the key: without its value it would be empty
	}
	if p := l.valuesPath(n, of); p != nil {
		exact := true
		for _, s := range l.spansIn(n.Range.Start, n.Range.End) {
			exact = exact && (s.Text || s.Exact)
		}
		return p, exact
	}
	// A default of the template stands for a value that is not set.
	spans := l.spansIn(n.Range.Start, n.Range.End)
	if n.Kind == document.Scalar && len(spans) == 1 && !spans[0].Text && spans[0].Default && spans[0].At <= n.Range.Start {
		return below(spans[0].From), spans[0].Exact
	}
	return nil, false
}

// value changes a value where it is written, or adds it to the values of the chart that reads it.
func (l *lowering) value(w *manifest.Wish, p value.Path) error {
	at := l.unit.written(p)
	if set, is := l.unit.isSet(p); is {
		return fmt.Errorf("the value is given by --var %s", set)
	}
	if at == nil {
		return fmt.Errorf("no file of values is there that %s could be written to", p)
	}
	if !at.values.elsewhere.IsZero() {
		return fmt.Errorf("%s is given by who installs the chart, in %s", p, at.values.elsewhere.File)
	}
	path := append(at.path[:len(at.path):len(at.path)], at.rest...)
	for _, s := range at.rest[min(1, len(at.rest)):] {
		if s.Name == "" {
			return fmt.Errorf("the list at %s is not written in the values", p)
		}
	}
	if len(at.rest) > 0 && (at.node.Kind == document.Sequence || at.node.Kind == document.Scalar && !at.node.IsNull()) {
		return fmt.Errorf("%s cannot be written: something else is at %s", p, at.path)
	}
	name := at.values.file.Path
	l.titles = append(l.titles, title(w, path))
	l.of[name] = at.values
	l.values[name] = append(l.values[name], document.Change{Op: w.Op, At: at.values.doc.Roots[0], Path: path, Value: w.Value})
	l.paths = append(l.paths, p)
	return nil
}

func title(w *manifest.Wish, p value.Path) string {
	text := string(w.Op) + " " + p.String()
	if shown := value.Show(&w.Value); w.Op != resource.Remove && len(shown) <= 60 {
		text += " to " + shown
	}
	return text
}

// finish makes the edits.
func (l *lowering) finish(out *dialect.Lowered) error {
	for _, name := range slices.Sorted(maps.Keys(l.values)) {
		doc := *l.of[name].doc
		doc.YAML11 = true
		edits, err := doc.Edit(l.values[name])
		if err != nil {
			return err
		}
		l.edits = append(l.edits, edits...)
	}
	for len(l.text) > 0 {
		first := l.text[0]
		var group []document.Change
		l.text = slices.DeleteFunc(l.text, func(t textChange) bool {
			if t.at != first.at || len(first.rest) == 0 || len(t.rest) == 0 {
				return false
			}
			group = append(group, t.change)
			return true
		})
		if group == nil {
			group, l.text = []document.Change{first.change}, l.text[1:]
		}
		if err := l.template(&first, group); err != nil {
			return err
		}
	}
	out.Edits = l.edits
	return nil
}

// shared lists the other resources that change with what is edited: those that print a value that changes, and those that the
// same line of a template is rendered for.
func (l *lowering) shared(r *resource.Resource, part *manifest.Part) []string {
	var out []string
	for _, other := range l.unit.graph.Resources {
		p, ok := other.Handle.(*manifest.Part)
		if !ok || other == r {
			continue
		}
		o, ok := p.Object.Handle.(*object)
		if !ok {
			continue
		}
		n, _, entry, rest := o.at(append(p.Object.Within[:len(p.Object.Within):len(p.Object.Within)], p.At...))
		if len(rest) > 0 || p.Object == part.Object && len(p.At) <= len(part.At) {
			continue // what it is in
		}
		if slices.ContainsFunc(o.spansIn(min(entry.Start, n.Range.Start), max(entry.End, n.Range.End)), l.changes) {
			out = append(out, other.Address)
		}
	}
	return out
}

// changes reports whether what is rendered at a span changes with the edits.
func (l *lowering) changes(s chart.Span) bool {
	if p := below(s.From); p != nil {
		for _, q := range l.paths {
			k := min(len(p), len(q))
			if slices.Equal(p[:k], q[:k]) {
				return true
			}
		}
	}
	if !s.Text || s.File == nil {
		return false
	}
	for _, e := range l.edits {
		if at := s.File.Place(s.Start, s.End); at.File == e.Range.File && at.Start <= e.Range.Start && e.Range.Start <= at.End {
			return true
		}
	}
	return false
}
