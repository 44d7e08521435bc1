package gitlab

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// referenceTag is the field under which a !reference waits to be followed.
const referenceTag = "!reference"

// tagged makes a value of a node with a tag.
func (p *pipeline) tagged(n *document.Node) value.Value {
	if n.Tag == referenceTag && n.Kind == document.Sequence {
		list := value.Value{Kind: value.List, Range: n.Range}
		for _, item := range n.Items {
			list.Items = append(list.Items, item.Value(true, nil))
		}
		return value.Value{Kind: value.Object, Range: n.Range, Fields: []value.Field{{Name: referenceTag, Value: list}}}
	}
	return value.Value{Kind: value.Unknown, Range: n.Range}
}

// merge lays one configuration over another: mappings are merged, all else is replaced.
func merge(below, over value.Value) value.Value {
	switch {
	case over.Kind == value.Absent:
		return below
	case below.Kind != value.Object || over.Kind != value.Object || isReference(&below) || isReference(&over):
		return over
	}
	out := over
	out.Open = below.Open || over.Open
	out.Fields = make([]value.Field, 0, len(below.Fields)+len(over.Fields))
	i, j := 0, 0
	for i < len(below.Fields) || j < len(over.Fields) {
		switch {
		case j == len(over.Fields) || i < len(below.Fields) && below.Fields[i].Name < over.Fields[j].Name:
			out.Fields = append(out.Fields, below.Fields[i])
			i++
		case i == len(below.Fields) || over.Fields[j].Name < below.Fields[i].Name:
			out.Fields = append(out.Fields, over.Fields[j])
			j++
		default:
			out.Fields = append(out.Fields, value.Field{Name: over.Fields[j].Name, Value: merge(below.Fields[i].Value, over.Fields[j].Value)})
			i, j = i+1, j+1
		}
	}
	return out
}

func isReference(v *value.Value) bool {
	return v.Kind == value.Object && len(v.Fields) == 1 && v.Fields[0].Name == referenceTag
}

// Depths that GitLab itself allows.
const (
	maxReferences = 10
	maxExtends    = 11
)

// follow replaces the references in a value by what they name. Work bounds the values that are looked at.
func (p *pipeline) follow(v value.Value, depth int, work *int) value.Value {
	if *work--; *work < 0 {
		return value.Value{Kind: value.Unknown, Range: v.Range}
	}
	if isReference(&v) {
		return p.reference(v, depth, work)
	}
	switch v.Kind {
	case value.Object:
		v.Fields = slices.Clone(v.Fields)
		for i := range v.Fields {
			v.Fields[i].Value = p.follow(v.Fields[i].Value, depth, work)
		}
	case value.List:
		v.Items = slices.Clone(v.Items)
		for i := range v.Items {
			v.Items[i] = p.follow(v.Items[i], depth, work)
		}
	}
	return v
}

// reference is what a reference names, in the place where that is written.
func (p *pipeline) reference(v value.Value, depth int, work *int) value.Value {
	unknown := value.Value{Kind: value.Unknown, Range: v.Range}
	list := v.Fields[0].Value.Items
	var names []string
	for i := range list {
		names = append(names, textOf(&list[i]))
	}
	if depth >= maxReferences {
		p.once(source.Limit, v.Range, "!reference [%s] is nested more than %d deep", strings.Join(names, ", "), maxReferences)
		return unknown
	}
	at := &p.config
	for i, name := range names {
		next := at.Field(name)
		if i == 1 && next.Kind == value.Absent { // through extends, which GitLab does not do: what a person meant
			whole := p.extended(names[0], nil)
			next = whole.Field(name)
		}
		at = next
	}
	if at.Kind == value.Absent {
		if !p.gaps {
			p.once(source.Unresolved, v.Range, "!reference [%s] names nothing", strings.Join(names, ", "))
		}
		return unknown
	}
	return p.follow(*at, depth+1, work)
}

// extended is a job with all that it extends below it. Chain is the jobs that led here.
func (p *pipeline) extended(name string, chain []string) value.Value {
	if v, ok := p.jobs[name]; ok {
		return v
	}
	own := *p.config.Field(name)
	if own.Kind != value.Object || isReference(&own) {
		return own
	}
	chain = append(chain, name)
	var below value.Value
	parents := own.Field("extends")
	for _, parent := range textsOf(parents) {
		at := *p.config.Field(parent)
		switch {
		case slices.Contains(chain, parent):
			p.once(source.Invalid, parents.Range, "%.100q extends itself", parent)
			continue
		case len(chain) > maxExtends:
			p.once(source.Limit, parents.Range, "extends is nested more than %d deep", maxExtends)
			continue
		case at.Kind == value.Absent:
			if !p.gaps {
				p.once(source.Unresolved, parents.Range, "%.100q extends %.100q, which is not declared", name, parent)
			}
			below.Kind, below.Open = value.Object, true
			continue
		}
		below = merge(below, p.extended(parent, chain))
	}
	out := merge(below, own)
	p.jobs[name] = out
	return out
}

// textsOf is a text, or the texts of a list.
func textsOf(v *value.Value) []string {
	switch v.Kind {
	case value.List:
		var out []string
		for i := range v.Items {
			if t := textOf(&v.Items[i]); t != "" {
				out = append(out, t)
			}
		}
		return out
	case value.String, value.Number, value.Bool:
		return []string{textOf(v)}
	}
	return nil
}

// textOf is a scalar as GitLab hands it on: a text.
func textOf(v *value.Value) string {
	switch v.Kind {
	case value.String:
		return v.Text
	case value.Number:
		return v.Digits()
	case value.Bool:
		if v.Bool {
			return "true"
		}
		return "false"
	}
	return ""
}
