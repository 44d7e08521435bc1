// Package value is what an attribute is after evaluation: known, unknown or absent, with the place it was written.
//
// It does not know dialects, schemas or rules. A dialect makes values; everything above reads them.
package value

import (
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/source"
)

// Kind says what a Value holds.
type Kind uint8

// The kinds of values. Absent is the zero: nothing was written.
const (
	Absent  Kind = iota
	Null         // null was written
	Unknown      // not decidable before apply, or an input is missing
	Bool
	Number
	String
	List   // lists, tuples and sets, in source order; blocks that may repeat
	Object // maps, objects and blocks that occur at most once
)

var kindNames = [...]string{"absent", "null", "unknown", "bool", "number", "string", "list", "object"}

func (k Kind) String() string { return kindNames[k] }

// Value is a node of the tree of an evaluated resource. A Value is never changed after its resource was built.
type Value struct {
	Kind      Kind
	Bool      bool         // of Bool
	NotNull   bool         // of Unknown: whatever it becomes, it will not be null
	Open      bool         // of List and Object: there may be further elements or keys, nobody knows how many
	Maybe     bool         // of an element of a List: it stands for zero or more elements
	Sensitive bool         // never to be printed
	Given     bool         // of String and Unknown: at least a part of it is not in the code: who runs it gives it, or a provider makes it
	Number    float64      // of Number
	Text      string       // of String: the text; of Number: the exact digits when float64 cannot hold them; of Unknown: the known prefix
	Ending    string       // of Unknown: the known end, behind the prefix and whatever is unknown; only where Text is not empty
	Items     []Value      // of List
	Fields    []Field      // of Object, sorted by name
	Document  *Value       // of String or Unknown: the JSON document it holds, decoded, with unknown parts in place; nil when not decoded
	Range     source.Range // where it was written: the whole attribute for attributes, the block for blocks; zero for values nobody wrote
}

// Field is a named member of an Object.
type Field struct {
	Name  string
	Value Value
}

var absent = &Value{}

// Field returns the member of that name, or an absent value. It never returns nil.
func (v *Value) Field(name string) *Value {
	if v.Kind == Object {
		if i, ok := slices.BinarySearchFunc(v.Fields, name, func(f Field, n string) int { return strings.Compare(f.Name, n) }); ok {
			return &v.Fields[i].Value
		}
	}
	return absent
}

// IsSet reports whether something other than null was written.
func (v *Value) IsSet() bool { return v.Kind != Absent && v.Kind != Null }

// IsWhollyKnown reports whether v and everything in it is known.
func (v *Value) IsWhollyKnown() bool {
	switch v.Kind {
	case Unknown:
		return false
	case List:
		for i := range v.Items {
			if !v.Items[i].IsWhollyKnown() {
				return false
			}
		}
		return !v.Open
	case Object:
		for i := range v.Fields {
			if !v.Fields[i].Value.IsWhollyKnown() {
				return false
			}
		}
		return !v.Open
	}
	return true
}

// Equal reports whether two values are the same, whatever their positions. Unknown values equal only the same unknown.
func (v *Value) Equal(o *Value) bool {
	if v.Kind != o.Kind || v.Bool != o.Bool || v.Number != o.Number || v.Text != o.Text || v.Ending != o.Ending || v.Open != o.Open || v.Maybe != o.Maybe ||
		len(v.Items) != len(o.Items) || len(v.Fields) != len(o.Fields) {
		return false
	}
	for i := range v.Items {
		if !v.Items[i].Equal(&o.Items[i]) {
			return false
		}
	}
	for i := range v.Fields {
		if v.Fields[i].Name != o.Fields[i].Name || !v.Fields[i].Value.Equal(&o.Fields[i].Value) {
			return false
		}
	}
	return true
}

// Step is one step into a value: a field when Name is not empty, else an element.
type Step struct {
	Name  string
	Index int
}

// Path leads from a resource's body to a value in it. The empty path is the body.
type Path []Step

// String writes p as people write it: metadata_options.http_tokens, ingress[1].cidr_blocks[0], tags["a b"].
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.Name == "":
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case !isName(s.Name):
			b.WriteString("[" + strconv.Quote(s.Name) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Name)
		}
	}
	return b.String()
}

func isName(s string) bool {
	for _, r := range s {
		if r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	return true
}

// ParsePath reads what String writes.
func ParsePath(s string) (Path, bool) {
	var p Path
	for s != "" {
		if s[0] == '[' {
			end := strings.IndexByte(s, ']')
			if q, err := strconv.QuotedPrefix(s[1:]); err == nil {
				name, err := strconv.Unquote(q)
				if err != nil || !strings.HasPrefix(s[1+len(q):], "]") {
					return nil, false
				}
				p, s = append(p, Step{Name: name}), s[len(q)+2:]
			} else if end < 0 {
				return nil, false
			} else if n, err := strconv.Atoi(s[1:end]); err != nil || n < 0 {
				return nil, false
			} else {
				p, s = append(p, Step{Index: n}), s[end+1:]
			}
		} else {
			end := strings.IndexAny(s, ".[")
			if end < 0 {
				end = len(s)
			}
			if end == 0 || !isName(s[:end]) {
				return nil, false
			}
			p, s = append(p, Step{Name: s[:end]}), s[end:]
		}
		if strings.HasPrefix(s, ".") {
			s = s[1:]
			if s == "" || s[0] == '[' {
				return nil, false
			}
		}
	}
	return p, true
}

// At returns the value that p leads to, or an absent value.
func (v *Value) At(p Path) *Value {
	for _, s := range p {
		if s.Name != "" {
			v = v.Field(s.Name)
		} else if v.Kind == List && s.Index < len(v.Items) {
			v = &v.Items[s.Index]
		} else {
			return absent
		}
	}
	return v
}

// Nearest returns the place of the value that p leads to, or of its nearest ancestor that was written somewhere;
// the zero Range when not even v was.
func (v *Value) Nearest(p Path) source.Range {
	r := v.Range
	for i := range p {
		if w := v.At(p[:i+1]); !w.Range.IsZero() {
			r = w.Range
		}
	}
	return r
}

// Marks reports whether v or a part of it is sensitive, and whether one is given.
func (v *Value) Marks() (sensitive, given bool) {
	sensitive, given = v.Sensitive, v.Given
	for i := range v.Items {
		s, g := v.Items[i].Marks()
		sensitive, given = sensitive || s, given || g
	}
	for i := range v.Fields {
		s, g := v.Fields[i].Value.Marks()
		sensitive, given = sensitive || s, given || g
	}
	return sensitive, given
}

// Word returns the text of a known scalar: of what should be text, some write a number or a boolean.
func (v *Value) Word() (text string, ok bool) {
	switch v.Kind {
	case String:
		return v.Text, true
	case Number:
		return v.Digits(), true
	case Bool:
		return strconv.FormatBool(v.Bool), true
	}
	return "", false
}

// SameWord reports whether two known scalars are written with the same text.
func (v *Value) SameWord(o *Value) bool {
	a, known := v.Word()
	b, scalar := o.Word()
	return known && scalar && a == b
}

// Includes reports whether v has all that a wished value has, members of objects at every depth; same compares scalars. A list
// must have the same elements, for certain and in order, and a wished null is nothing at all.
func (v *Value) Includes(wish *Value, same func(have, wish *Value) bool) bool {
	switch {
	case wish.Kind == Null:
		return !v.IsSet()
	case wish.Kind == Object && v.Kind == Object:
		for i := range wish.Fields {
			if !v.Field(wish.Fields[i].Name).Includes(&wish.Fields[i].Value, same) {
				return false
			}
		}
		return true
	case wish.Kind == List && v.Kind == List:
		if v.Open || len(v.Items) != len(wish.Items) {
			return false
		}
		for i := range wish.Items {
			if v.Items[i].Maybe || !v.Items[i].Includes(&wish.Items[i], same) {
				return false
			}
		}
		return true
	}
	return same(v, wish)
}
