package translate

import (
	"slices"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// companion makes the resources that a property stands for.
func (r *run) companion(row *row, from *value.Value, parent *output) {
	depth := len(r.at)
	defer func() { r.at = r.at[:depth] }()
	v, found := r.table.reach(from, row.native, &r.at)
	if v.Kind == value.Unknown && !named(r.at[depth:], row.native) {
		found = perhaps // what would hold it is unknown already
	}
	if found == perhaps {
		v = &value.Value{Kind: value.Unknown, Range: from.Range}
		r.at = r.at[:depth]
		for _, step := range row.native {
			r.at = append(r.at, value.Step{Name: step.Name + step.Key}) // as it would be; only the address needs it
		}
	}
	if !v.IsSet() {
		return
	}
	if row.each == nil || v.Kind != value.List {
		r.one(row, v, parent, r.at[depth:].String(), v.Kind == value.Unknown && (found == perhaps || !v.NotNull || row.each != nil))
		return
	}
	list := len(r.at)
	for i := range v.Items {
		item := &v.Items[i]
		in := chosen(row.each, item)
		if in == no || item.Kind == value.Null {
			continue
		}
		r.at = append(r.at[:list], value.Step{Index: i})
		r.one(row, item, parent, r.at[depth:].String(), item.Maybe || in == unsure)
	}
	if v.Open {
		r.at = r.at[:list]
		r.one(row, &value.Value{Kind: value.Unknown, Range: v.Range}, parent, r.at[depth:].String()+"[*]", true)
	}
}

// named reports whether a path has come through all the names of a row.
func named(path value.Path, steps []schema.NameStep) bool {
	n := 0
	for _, s := range path {
		if s.Name != "" {
			n++
		}
	}
	for i := range steps {
		if steps[i].Name != "" {
			n--
		}
	}
	return n >= 0
}

// one makes a companion of a value. Name is what its address ends in.
func (r *run) one(row *row, v *value.Value, parent *output, name string, maybe bool) {
	inner := v
	switch r.table.all(row.source.When, &r.native.Body, inner) {
	case no:
		return
	case unsure:
		maybe = true
	}
	if row.suffix != "" {
		if name != "" {
			name += "."
		}
		name += row.suffix
	}
	at := v.Range
	if len(r.at) == 0 {
		at = r.native.Range
	}
	if at.IsZero() {
		at = parent.made.Range
	}
	res := &resource.Resource{
		Address: parent.made.Address + "." + name,
		Name:    parent.made.Name + "." + name,
		Range:   at,
		Header:  r.native.first(at),
		Maybe:   parent.made.Maybe || maybe,
	}
	if !maybe {
		res.When = parent.made.When
	}
	if at == r.native.Range {
		res.Header = r.native.Header
	}
	out := &output{block: row.block, made: res}
	out.trace = r.tracing != nil && r.tracing.block == row.block && slices.Equal(r.at, r.tracing.path)
	before := len(r.made)
	r.made = append(r.made, res)
	r.fill(out, v)
	if len(row.native) == 0 && !out.wrote && !res.Body.Open {
		r.made = r.made[:before]
		return
	}
	for _, link := range row.source.Links {
		attribute := value.Path{{Name: link.Attribute}}
		known := parent.made.Body.Field(link.Parent)
		switch known.Kind {
		case value.String, value.Number, value.Bool:
			v := *known
			v.Range = source.Range{}
			place(&res.Body, attribute, v)
		default:
			place(&res.Body, attribute, value.Value{Kind: value.Unknown, NotNull: true})
		}
		res.Refs = append(res.Refs, resource.Ref{Path: attribute, Target: parent.made.Address, Attribute: link.Parent})
	}
}
