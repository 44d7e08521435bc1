package manifest

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// selector chooses objects by their labels,
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors.
type selector struct {
	none        bool // nothing is selected
	open        bool // there may be more that is required, or nothing is known of it
	equal       []value.Field
	expressions []expression
}

type expression struct {
	key      string
	operator string
	values   value.Value
	unknown  bool
}

// labelSelector reads a LabelSelector. One that is not there selects nothing, an empty one everything.
func labelSelector(v *value.Value) selector {
	if !v.IsSet() {
		return selector{none: true}
	}
	if v.Kind != value.Object {
		return selector{open: true}
	}
	s := mapSelector(v.Field("matchLabels"))
	s.none, s.open = false, s.open || v.Open
	more := v.Field("matchExpressions")
	if more.Kind != value.List {
		s.open = s.open || more.IsSet()
		return s
	}
	s.open = s.open || more.Open
	for i := range more.Items {
		item := &more.Items[i]
		key, ok := item.Field("key").Word()
		operator, okToo := item.Field("operator").Word()
		s.expressions = append(s.expressions, expression{key: key, operator: operator, values: *item.Field("values"),
			unknown: !ok || !okToo || item.Maybe || item.Open})
	}
	return s
}

// mapSelector reads the selector of a service: labels that must be as given. An empty one selects nothing.
func mapSelector(v *value.Value) selector {
	switch {
	case !v.IsSet():
		return selector{none: true}
	case v.Kind != value.Object:
		return selector{open: true}
	}
	return selector{equal: v.Fields, open: v.Open, none: len(v.Fields) == 0 && !v.Open}
}

// selects reports whether the selector chooses what has some labels.
func (s *selector) selects(labels *value.Value) verdict {
	if s.none {
		return no
	}
	answer := yes
	if s.open {
		answer = maybe
	}
	for i := range s.equal {
		have := field(labels, s.equal[i].Name)
		answer = both(answer, sameWord(&s.equal[i].Value, &have))
	}
	for i := range s.expressions {
		answer = both(answer, s.expressions[i].holds(labels))
	}
	return answer
}

func (e *expression) holds(labels *value.Value) verdict {
	if e.unknown {
		return maybe
	}
	have := field(labels, e.key)
	there := no
	switch {
	case have.Kind == value.Unknown && !have.NotNull && labels.Field(e.key).Kind == value.Absent:
		there = maybe
	case have.IsSet():
		there = yes
	}
	switch e.operator {
	case "Exists":
		return there
	case "DoesNotExist":
		return yes - there
	case "In":
		return both(there, e.among(&have))
	case "NotIn":
		return yes - both(there, e.among(&have)) // what lacks the label is chosen too
	}
	return maybe
}

func (e *expression) among(have *value.Value) verdict {
	if e.values.Kind != value.List {
		if e.values.Kind == value.Unknown {
			return maybe
		}
		return no
	}
	found := no
	if e.values.Open {
		found = maybe
	}
	for i := range e.values.Items {
		same := sameWord(&e.values.Items[i], have)
		if e.values.Items[i].Maybe {
			same = min(same, maybe)
		}
		found = max(found, same)
	}
	return found
}

// key returns a label that everything that is chosen must have, when one is known; the index of those with it is then enough.
func (s *selector) key() (string, bool) {
	for i := range s.equal {
		if text, ok := s.equal[i].Value.Word(); ok {
			return labelKey(s.equal[i].Name, text), true
		}
	}
	return "", false
}

func labelKey(name, text string) string { return name + "\x00" + text }

// labelKeys returns every label that is known, and whether there may be others.
func labelKeys(labels *value.Value) (keys []string, open bool) {
	if labels.Kind != value.Object {
		return nil, labels.Kind == value.Unknown
	}
	open = labels.Open
	for i := range labels.Fields {
		f := &labels.Fields[i]
		if text, ok := f.Value.Word(); ok {
			keys = append(keys, labelKey(f.Name, text))
		} else if f.Value.Kind == value.Unknown {
			open = true
		}
	}
	return keys, open
}

// standing returns where something stands, or what is around the place where it would.
func standing(body *value.Value, names ...string) value.Path {
	for n := len(names); n > 0; n-- {
		if at := path(nil, anys(names[:n])...); body.At(at).Kind != value.Absent {
			return at
		}
	}
	return path(nil, "kind")
}

func anys(names []string) []any {
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return out
}

// groupOf returns the group of an API version.
func groupOf(apiVersion string) string {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// isOneOf reports whether a word is one of several.
func isOneOf(word string, words ...string) bool { return slices.Contains(words, word) }
