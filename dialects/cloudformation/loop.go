package cloudformation

import (
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

const (
	loopPrefix = "Fn::ForEach::"
	maxLoops   = 8  // loops inside of each other; CloudFormation allows five
	loopSteps  = 20 // what one round costs beside what it makes
)

// loop is one round of an Fn::ForEach.
type loop struct {
	outer *loop
	name  string      // the identifier
	value value.Value // String, or Unknown in the one round of a loop over something unknown
}

// find returns the value of an identifier.
func (l *loop) find(name string) (value.Value, bool) {
	for ; l != nil; l = l.outer {
		if l.name == name {
			return l.value, true
		}
	}
	return value.Value{}, false
}

// replace writes the values of identifiers for ${Identifier} and, without what is neither letter nor digit, for
// &{Identifier}. It reports whether there were any. The text is unknown when one of them is.
func (l *loop) replace(text string) (value.Value, bool) {
	var parts []value.Value
	rest, replaced := text, false
	for {
		i := strings.IndexByte(rest, '{')
		if i < 0 {
			break
		}
		end := strings.IndexByte(rest[i:], '}')
		if end < 0 {
			break
		}
		end += i
		if i == 0 || rest[i-1] != '$' && rest[i-1] != '&' {
			parts = append(parts, value.Value{Kind: value.String, Text: rest[:i+1]})
			rest = rest[i+1:]
			continue
		}
		v, ok := l.find(rest[i+1 : end])
		if !ok {
			parts = append(parts, value.Value{Kind: value.String, Text: rest[:i+1]})
			rest = rest[i+1:]
			continue
		}
		if rest[i-1] == '&' && v.Kind == value.String {
			v.Text = alphanumeric(v.Text)
		}
		v.Range, v.Maybe = source.Range{}, false
		parts = append(parts, value.Value{Kind: value.String, Text: rest[:i-1]}, v)
		rest, replaced = rest[end+1:], true
	}
	if !replaced {
		return value.Value{Kind: value.String, Text: text}, false
	}
	return concat(append(parts, value.Value{Kind: value.String, Text: rest}), ""), true
}

// key replaces identifiers in a key. What is unknown of it stays as it is written.
func (l *loop) key(text string) (string, bool) {
	v, _ := l.replace(text)
	if v.Kind != value.String {
		return text, false
	}
	return v.Text, true
}

func alphanumeric(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, s)
}

// each goes through the members of a section with loops expanded. The last argument of found tells that nobody knows how
// often the member is there.
func (s *scope) each(n *document.Node, l *loop, uncertain bool, depth int, found func(string, *document.Member, *loop, bool)) {
	if n == nil || n.Kind != document.Mapping {
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		s.unit.charge(1)
		switch name := m.Key.Text; {
		case strings.HasPrefix(name, loopPrefix):
			s.round(m, l, uncertain, depth, found)
		case name == "Fn::Transform":
			e := &env{scope: s, loop: l}
			e.transform(m.Range, m.Value)
		default:
			if l != nil {
				name, _ = l.key(name)
			}
			found(name, m, l, uncertain)
		}
	}
}

// round goes through the rounds of one Fn::ForEach.
func (s *scope) round(m *document.Member, l *loop, uncertain bool, depth int, found func(string, *document.Member, *loop, bool)) {
	u := s.unit
	n := m.Value
	if n.Kind != document.Sequence || len(n.Items) != 3 || n.Items[2].Kind != document.Mapping {
		u.problem(source.Invalid, m.Range, "Fn::ForEach takes an identifier, a collection and a mapping")
		return
	}
	if depth >= maxLoops {
		u.exceed("loops", m.Key.Range, "loops are nested deeper than %d; what is deeper was not evaluated", maxLoops)
		return
	}
	e := &env{scope: s, loop: l, flat: 1}
	identifier, _ := e.text(n.Items[0])
	collection := e.value(n.Items[1])
	items, open := collection.Items, collection.Open
	if collection.Kind != value.List {
		items, open = nil, true
	}
	if len(items) > u.limits.Instances {
		u.exceed("instances", m.Key.Range, "the loop makes more than %d of each; the rest was not evaluated", u.limits.Instances)
		items = items[:u.limits.Instances]
	}
	for i := range items {
		v := items[i]
		u.charge(loopSteps)
		text, known := v.Word()
		if known {
			v = value.Value{Kind: value.String, Text: text, Sensitive: v.Sensitive}
		}
		s.each(n.Items[2], &loop{outer: l, name: identifier, value: v}, uncertain || items[i].Maybe || !known, depth+1, found)
	}
	if open {
		s.each(n.Items[2], &loop{outer: l, name: identifier, value: unknown()}, true, depth+1, found)
	}
}
