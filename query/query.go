// Package query is the language in which findings are asked for:
//
//	severity:high,critical repo:payments -status:muted file:modules/** age:>30d "public bucket"
//
// A query is a list of terms, all of which must hold. Parse reads one and Query.String prints it; the package knows what can be asked
// (Keys) and how values are compared with texts, but nothing of findings, databases or people.
package query

import (
	"fmt"
	"strings"
)

// The bounds of a query. What is larger is a Mistake.
const (
	MaxText   = 8192 // bytes
	MaxTerms  = 64
	MaxValues = 500 // of all terms together
	MaxStars  = 8   // in a value
)

// Query is what was asked: every term must hold. Without terms everything fits.
type Query struct {
	Terms []Term
}

// Term is one condition. It holds when any of its values fits, or none of them when Not is set.
type Term struct {
	Start, End int // bytes of the text that it was read from
	Not        bool
	Key        string // name of a Key; "" for a text that is searched for
	Op         Op     // how it compares; Is when the key has no order
	Values     []Value
}

// Op is how a term compares.
type Op string

// The comparisons.
const (
	Is      Op = ""
	Less    Op = "<"
	AtMost  Op = "<="
	More    Op = ">"
	AtLeast Op = ">="
)

// Value is one of the values of a term.
type Value struct {
	Start, End int
	Text       string // as it is meant, without quotes. When Wild, \* is a star and \\ a backslash that stand for themselves
	Wild       bool   // each * stands for any text, see Match
}

// Mistake is what is wrong with a query, for the one who wrote it: where, and what would be right.
type Mistake struct {
	Start, End int // bytes of the text
	Text       string
}

func (m *Mistake) Error() string { return m.Text }

// String prints the query so that Parse reads the same one from it; equal queries print equally.
func (q *Query) String() string {
	var b strings.Builder
	for i := range q.Terms {
		if i > 0 {
			b.WriteByte(' ')
		}
		q.Terms[i].print(&b)
	}
	return b.String()
}

// String prints one term.
func (t *Term) String() string {
	var b strings.Builder
	t.print(&b)
	return b.String()
}

func (t *Term) print(b *strings.Builder) {
	if t.Not {
		b.WriteByte('-')
	}
	if t.Key == "" {
		b.WriteString(quoteText(t.Values[0].Text))
		return
	}
	b.WriteString(t.Key)
	b.WriteByte(':')
	b.WriteString(string(t.Op))
	for i, v := range t.Values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(v.quote())
	}
}

// Has tells whether a term of that key is there.
func (q *Query) Has(key string) bool {
	for i := range q.Terms {
		if q.Terms[i].Key == key {
			return true
		}
	}
	return false
}

// Without returns the query without the terms of a key.
func (q *Query) Without(key string) *Query {
	out := &Query{}
	for _, t := range q.Terms {
		if t.Key != key {
			out.Terms = append(out.Terms, t)
		}
	}
	return out
}

// Exactly makes the term that asks for one value as it is, for links and facets: no character of it is special.
func Exactly(key, value string) Term { return Term{Key: key, Values: []Value{{Text: value}}} }

// quote prints the value of a key.
func (v Value) quote() string {
	text := v.Text
	if !v.Wild {
		text = strings.NewReplacer(`\`, `\\`, `*`, `\*`).Replace(text)
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return separates(r) || r == ',' || r == '"' }) && !strings.ContainsRune("<>=", rune(text[0])) {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
}

// quoteText prints a text that is searched for.
func quoteText(text string) string {
	plain := text != "" && !strings.ContainsFunc(text, func(r rune) bool { return separates(r) || strings.ContainsRune(`"\:()`, r) }) && text[0] != '-' && connective[text] == ""
	if plain {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// mistake makes a Mistake about some bytes.
func mistake(start, end int, format string, args ...any) error {
	return &Mistake{start, end, fmt.Sprintf(format, args...)}
}
