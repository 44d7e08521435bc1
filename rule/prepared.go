package rule

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// preparedPage is a page as Prepare wrote it.
type preparedPage struct {
	sum  string // SHA-256 of the text that it was made of
	code string

	text  string // of the page
	rule  *Rule
	trees []preparedTree
}

// preparedTree is an expression that is still written.
type preparedTree struct {
	typ  string // "" on a page with one expression for all types
	code string
}

var errPrepared = errors.New("the prepared pages are not what Prepare writes")

// readPrepared finds the pages in what Prepare wrote, by path. It reads none of them.
func readPrepared(prepared string) (map[string]*preparedPage, error) {
	r := &reader{code: prepared}
	if !r.skip(preparedForm) {
		return nil, errPrepared
	}
	var list []preparedPage
	var paths []string
	for r.at < len(r.code) && !r.bad {
		paths = append(paths, r.bytes())
		list = append(list, preparedPage{sum: r.take(sha256.Size), code: r.bytes()})
	}
	if r.bad {
		return nil, errPrepared
	}
	pages := make(map[string]*preparedPage, len(list))
	for i := range list {
		pages[paths[i]] = &list[i]
	}
	return pages, nil
}

// of reports whether the page was made of a text.
func (p *preparedPage) of(text []byte) bool {
	sum := sha256.Sum256(text)
	return p.sum == string(sum[:])
}

// open reads the fields of the page, whose text it must have been made of.
func (p *preparedPage) open(path, text string) error {
	r := &reader{code: p.code, text: text}
	rule := r.rule()
	rule.Path = path
	trees := make([]preparedTree, 0, 1)
	for range r.length() {
		trees = append(trees, preparedTree{typ: r.string(), code: r.bytes()})
	}
	if r.bad || r.at != len(r.code) {
		return errPrepared
	}
	p.text, p.rule, p.trees = text, rule, trees
	return nil
}

// syntax reads the expressions for a type, which may be changed.
func (p *preparedPage) syntax(typ string) (out syntax, err error) {
	if out.require, err = p.expr(typ); err != nil || p.rule.aboutOf(typ) == "" {
		return out, err
	}
	about := aboutTree
	if p.rule.Abouts != nil {
		about += typ
	}
	out.about, err = p.expr(about)
	return out, err
}

// expr reads the expression for a type, which may be changed; with aboutTree in front what it is about.
func (p *preparedPage) expr(typ string) (ast.Expr, error) {
	for _, t := range p.trees {
		if t.typ == "" && !strings.HasPrefix(typ, aboutTree) || t.typ == typ {
			r := &reader{code: t.code, text: p.text, require: p.rule.Require, make: ast.NewExprFactory()}
			e := r.expr()
			if r.bad || r.at != len(r.code) {
				return nil, errPrepared
			}
			return e, nil
		}
	}
	return nil, fmt.Errorf("there is no expression for %s", typ)
}

// reader reads what a writer wrote. Strings are parts of the code or of the page's text. What cannot be read sets bad, and
// the rest is empty: nothing is ever read beyond the end.
type reader struct {
	code    string
	text    string // of the page
	require string // of the rule, once it was read
	at      int
	bad     bool

	make  ast.ExprFactory
	nodes int64 // how many were made: their numbers
	depth int
}

func (r *reader) skip(s string) bool {
	ok := strings.HasPrefix(r.code[r.at:], s)
	if ok {
		r.at += len(s)
	}
	return ok
}

func (r *reader) take(n int) string {
	if n < 0 || n > len(r.code)-r.at {
		r.bad, r.at = true, len(r.code)
		return ""
	}
	s := r.code[r.at : r.at+n]
	r.at += n
	return s
}

// number reads an unsigned number of up to 64 bits.
func (r *reader) number() uint64 {
	var x uint64
	for shift := 0; shift < 64 && r.at < len(r.code); shift += 7 {
		b := r.code[r.at]
		r.at++
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return x
		}
	}
	r.bad, r.at = true, len(r.code)
	return 0
}

func (r *reader) uint() int {
	n := r.number()
	if n > math.MaxInt32 {
		r.bad, r.at = true, len(r.code)
		return 0
	}
	return int(n)
}

// length reads how many elements follow; each takes a byte at least.
func (r *reader) length() int {
	n, _ := r.count()
	return n
}

// count reads the length of a slice or map; ok is false for nil.
func (r *reader) count() (n int, ok bool) {
	n = r.uint()
	if n-1 > len(r.code)-r.at {
		r.bad, r.at = true, len(r.code)
		return 0, false
	}
	return max(n-1, 0), n > 0
}

func (r *reader) bool() bool { return r.uint() == 1 }

func (r *reader) float() float64 {
	s := r.take(8)
	if s == "" {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64([]byte(s)))
}

func (r *reader) bytes() string { return r.take(r.uint()) }

func (r *reader) string() string {
	n := r.uint()
	text := r.text
	switch n & 3 {
	case inline:
		return r.take(n >> 2)
	case fromRequire:
		text = r.require
	}
	n >>= 2
	at := r.uint()
	if at > len(text) || n > len(text)-at {
		r.bad = true
		return ""
	}
	return text[at : at+n]
}

func (r *reader) strings() []string {
	n, ok := r.count()
	if !ok {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.string()
	}
	return list
}

func (r *reader) rule() *Rule {
	rule := &Rule{Require: r.string()}
	r.require = rule.Require
	for _, s := range []*string{&rule.ID, &rule.Title, &rule.Message, &rule.Why, &rule.Caution, &rule.Since, (*string)(&rule.Category)} {
		*s = r.string()
	}
	rule.Severity = finding.Severity(r.uint())
	rule.Line = r.uint()
	rule.Untyped = r.bool()
	rule.On = r.strings()
	rule.Aliases = r.strings()
	rule.Dialects = r.strings()
	if n, ok := r.count(); ok {
		rule.Clauses = make(map[string]Clause, n)
		for range n {
			typ := r.string()
			rule.Clauses[typ] = Clause{Text: r.string(), Line: r.uint()}
		}
	}
	rule.About = r.string()
	if n, ok := r.count(); ok {
		rule.Abouts = make(map[string]string, n)
		for range n {
			typ := r.string()
			rule.Abouts[typ] = r.string()
		}
	}
	if n, ok := r.count(); ok {
		rule.Controls = make(map[string][]string, n)
		for range n {
			framework := r.string()
			rule.Controls[framework] = r.strings()
		}
	}
	if n, ok := r.count(); ok {
		rule.Fix = make([]resource.Change, n)
		for i := range rule.Fix {
			rule.Fix[i] = r.change()
		}
	}
	if n, ok := r.count(); ok {
		rule.Examples = make([]Example, n)
		for i := range rule.Examples {
			rule.Examples[i] = r.example()
		}
	}
	return rule
}

func (r *reader) example() Example {
	x := Example{Section: Section(r.string()), Dialect: r.string()}
	x.Files = make([]File, r.length())
	for i := range x.Files {
		x.Files[i] = File{Name: r.string(), Text: r.string(), Line: r.uint()}
	}
	return x
}

func (r *reader) change() resource.Change {
	c := resource.Change{Op: resource.ChangeOp(r.string())}
	if r.bool() {
		c.New = &resource.Companion{Type: r.string(), Body: r.value()}
		return c
	}
	c.Path = make(value.Path, r.length())
	for i := range c.Path {
		c.Path[i] = value.Step{Name: r.string(), Index: r.uint()}
	}
	c.Value = r.value()
	return c
}

// maxNesting bounds how deep values and expressions go, beyond what the parsers let through.
const maxNesting = 1000

func (r *reader) value() (v value.Value) {
	if r.depth++; r.depth > maxNesting {
		r.bad, r.at = true, len(r.code)
	}
	defer func() { r.depth-- }()
	v.Kind = value.Kind(r.uint())
	switch v.Kind {
	case value.Bool:
		v.Bool = r.bool()
	case value.Number:
		v.Number = r.float()
		v.Text = r.string()
	case value.String:
		v.Text = r.string()
	case value.List:
		for range r.uint() {
			if r.bad {
				break
			}
			v.Items = append(v.Items, r.value())
		}
	case value.Object:
		for range r.uint() {
			if r.bad {
				break
			}
			v.Fields = append(v.Fields, value.Field{Name: r.string(), Value: r.value()})
		}
	}
	return v
}

func (r *reader) exprs() []ast.Expr {
	n := r.uint()
	if n > len(r.code)-r.at {
		r.bad, r.at = true, len(r.code)
		return nil
	}
	list := make([]ast.Expr, n)
	for i := range list {
		list[i] = r.expr()
	}
	return list
}

func (r *reader) expr() ast.Expr {
	r.nodes++
	id := r.nodes
	if r.depth++; r.depth > maxNesting {
		r.bad, r.at = true, len(r.code)
	}
	defer func() { r.depth-- }()
	kind := r.take(1)
	if kind == "" {
		return r.make.NewUnspecifiedExpr(id)
	}
	switch kind[0] {
	case identNode:
		return r.make.NewIdent(id, r.string())
	case selectNode:
		name := r.string()
		return r.make.NewSelect(id, r.expr(), name)
	case hasNode:
		name := r.string()
		return r.make.NewPresenceTest(id, r.expr(), name)
	case callNode:
		name := r.string()
		return r.make.NewCall(id, name, r.exprs()...)
	case methodNode:
		name := r.string()
		target := r.expr()
		return r.make.NewMemberCall(id, name, target, r.exprs()...)
	case listNode:
		return r.make.NewList(id, r.exprs(), nil)
	case mapNode:
		pairs := r.exprs()
		entries := make([]ast.EntryExpr, 0, len(pairs)/2)
		for i := 0; i+1 < len(pairs); i += 2 {
			r.nodes++
			entries = append(entries, r.make.NewMapEntry(r.nodes, pairs[i], pairs[i+1], false))
		}
		return r.make.NewMap(id, entries)
	case loopNode:
		first, second, accu := r.string(), r.string(), r.string()
		parts := r.exprs()
		if len(parts) != 5 {
			break
		}
		return r.make.NewComprehensionTwoVar(id, parts[0], first, second, accu, parts[1], parts[2], parts[3], parts[4])
	case falseNode:
		return r.make.NewLiteral(id, types.False)
	case trueNode:
		return r.make.NewLiteral(id, types.True)
	case nullNode:
		return r.make.NewLiteral(id, types.NullValue)
	case intNode:
		x := r.number()
		return r.make.NewLiteral(id, types.Int(int64(x>>1)^-int64(x&1)))
	case uintNode:
		return r.make.NewLiteral(id, types.Uint(r.number()))
	case doubleNode:
		return r.make.NewLiteral(id, types.Double(r.float()))
	case stringNode:
		return r.make.NewLiteral(id, types.String(r.string()))
	}
	r.bad, r.at = true, len(r.code)
	return r.make.NewUnspecifiedExpr(id)
}
