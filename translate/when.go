package translate

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// verdict is what a test says of a resource.
type verdict uint8

const (
	no verdict = iota
	unsure
	yes
)

// all judges tests that must all hold, on a native body; inner is the property that a test may be about instead.
func (t *Table) all(tests []schema.Test, body, inner *value.Value) verdict {
	out := yes
	for i := range tests {
		on := body
		if tests[i].Inner {
			on = inner
		}
		out = min(out, t.test(&tests[i], on))
	}
	return out
}

func (t *Table) test(test *schema.Test, on *value.Value) verdict {
	v, reach := t.reach(on, test.Path, nil)
	if reach == perhaps || v.Kind == value.Unknown && (test.Op != "set" && test.Op != "unset" || !v.NotNull) {
		return unsure
	}
	switch test.Op {
	case "set":
		return is(v.IsSet())
	case "unset":
		return is(!v.IsSet())
	case "=":
		text, ok := word(v)
		return is(ok && among(test.Words, text))
	case "!=":
		text, ok := word(v)
		return is(!ok || !among(test.Words, text))
	}
	found := no
	items := []value.Value{*v}
	if v.Kind == value.List {
		items = v.Items
		if v.Open {
			found = unsure
		}
	}
	for i := range items {
		if items[i].Kind == value.Unknown {
			found = max(found, unsure)
		} else if text, ok := word(&items[i]); ok && slices.ContainsFunc(test.Words, func(w string) bool {
			return strings.Contains(strings.ToLower(text), strings.ToLower(w))
		}) {
			found = yes
		}
	}
	if test.Op == "lacks" {
		return yes - found
	}
	return found
}

// among reports whether a text is one of the words, whatever the case.
func among(words []string, text string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, text) })
}

func is(b bool) verdict {
	if b {
		return yes
	}
	return no
}
