package terraform

import (
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/value"
)

// What is read from a resource carries a mark, which flows through functions, locals and modules to wherever the value
// ends up. The marks become the edges of the graph. A second kind of mark keeps the JSON document of a string that is
// unknown as a whole because a part of it is.

// origin marks a value that was made from an attribute of a resource.
type origin struct {
	address   string // with the instance key when it is known
	attribute string // empty when it is not known
}

// given marks a value that who runs the program gave: it stands in no file of the tree.
type given struct{}

// comesFromOutside reports whether marks say of a value that it is not in the code.
func comesFromOutside(v cty.Value, marks cty.ValueMarks) bool {
	for m := range marks {
		switch m.(type) {
		case given:
			return true
		case origin:
			if !v.IsKnown() {
				return true // what is written of a resource is known
			}
		}
	}
	return false
}

// decoded marks an unknown string with the JSON that it will hold. The pointer makes the mark comparable.
type decoded struct{ *value.Value }

// ending marks an unknown string with what is known of its end. It holds as long as the string still has the beginning that
// it was made with: a function that makes another text of it does not keep that, and its result carries the mark too.
type ending struct{ begin, end string }

// endingOf returns what is known of the end of an unknown string that carries marks.
func endingOf(v cty.Value, marks cty.ValueMarks) string {
	found, n := "", 0
	begin := knownPrefix(v)
	for m := range marks {
		if e, ok := m.(ending); ok && begin != "" && e.begin == begin {
			found, n = e.end, n+1
		}
	}
	if n != 1 {
		return ""
	}
	return found
}

// dropTraces takes our own marks off the outermost value and leaves those of the language.
func dropTraces(v cty.Value) cty.Value {
	if !v.IsMarked() {
		return v
	}
	plain, marks := v.Unmark()
	for m := range marks {
		switch m.(type) {
		case origin, given, decoded, partial, ending:
			delete(marks, m)
		}
	}
	return plain.WithMarks(marks)
}

func dropTracesDeep(v cty.Value) cty.Value {
	if !v.ContainsMarked() {
		return v
	}
	plain, paths := v.UnmarkDeepWithPaths()
	kept := paths[:0]
	for _, p := range paths {
		for m := range p.Marks {
			switch m.(type) {
			case origin, given, decoded, partial, ending:
				delete(p.Marks, m)
			}
		}
		if len(p.Marks) > 0 {
			kept = append(kept, p)
		}
	}
	return plain.MarkWithPaths(kept)
}

// documentOf returns the document among the marks, or nil when there is none or more than one.
func documentOf(marks cty.ValueMarks) *value.Value {
	var found *value.Value
	for m := range marks {
		if d, ok := m.(decoded); ok {
			if found != nil {
				return nil
			}
			found = d.Value
		}
	}
	return found
}

// withoutShape leaves documents, partial values and endings out: the value was made into something else.
func withoutShape(sets []cty.ValueMarks) []cty.ValueMarks {
	var out []cty.ValueMarks
	for _, set := range sets {
		kept := make(cty.ValueMarks, len(set))
		for m := range set {
			switch m.(type) {
			case decoded, partial, ending:
			default:
				kept[m] = struct{}{}
			}
		}
		if len(kept) > 0 {
			out = append(out, kept)
		}
	}
	return out
}

// hole is an unknown part of a text.
type hole struct {
	value    cty.Value    // unknown, without marks
	document *value.Value // what it will hold, when that is known in part
	ending   string       // what is known of its end
	given    bool         // see value.Value
}

func writeHole(b *strings.Builder, n int) {
	b.WriteRune(holeOpen)
	b.WriteString(strconv.Itoa(n))
	b.WriteRune(holeClose)
}

// readDocument decodes a text with holes as JSON. It returns nil when the text is no JSON object or array.
func readDocument(text string, holes []hole, nesting int) *value.Value {
	if t := strings.TrimLeft(text, " \t\r\n"); t == "" || t[0] != '{' && t[0] != '[' {
		return nil
	}
	if strings.Count(text, string(holeOpen)) != len(holes) {
		return nil // the text has such runes of its own
	}
	n, err := readJSON([]byte(text), nesting, true)
	if err != nil {
		return nil
	}
	v := documentValue(&n, holes)
	return &v
}

func documentValue(n *node, holes []hole) value.Value {
	switch n.kind {
	case '{':
		fields := map[string]value.Value{}
		open := false
		for i := range n.keys {
			if strings.ContainsRune(n.keys[i].text, holeOpen) {
				open = true // a member whose name is not known
				continue
			}
			fields[n.keys[i].text] = documentValue(&n.items[i], holes)
		}
		return value.Value{Kind: value.Object, Fields: sortedFields(fields), Open: open}
	case '[':
		items := make([]value.Value, len(n.items))
		for i := range n.items {
			items[i] = documentValue(&n.items[i], holes)
		}
		return value.Value{Kind: value.List, Items: items}
	case 's':
		before, rest, found := strings.Cut(n.text, string(holeOpen))
		if !found {
			return value.Value{Kind: value.String, Text: n.text}
		}
		v := value.Value{Kind: value.Unknown, NotNull: true, Text: before}
		digits, rest, _ := strings.Cut(rest, string(holeClose))
		if i, err := strconv.Atoi(digits); err == nil && i < len(holes) {
			v.Text += knownPrefix(holes[i].value)
			v.Given = holes[i].given
			if before == "" && rest == "" {
				v.Document = holes[i].document
			}
		}
		return v
	case 'n':
		return numberValue(n.text)
	case 't', 'f':
		return value.Value{Kind: value.Bool, Bool: n.kind == 't'}
	case 'u':
		if n.hole < len(holes) && holes[n.hole].document != nil {
			return *holes[n.hole].document
		}
		return value.Value{Kind: value.Unknown}
	}
	return value.Value{Kind: value.Null}
}
