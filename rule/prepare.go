package rule

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// Prepare reads the pages of a tree and writes what a program that carries them would find out anew in every process: their
// fields, and their expressions as trees of syntax. Catalogue.AddPrepared reads it back in a hundredth of the time. It says
// nothing that depends on a schema, and each page is known by its text: a page that has changed since is read from its
// text, so that what is stale is slow, never wrong. The same pages give the same bytes. A page with a mistake is an error.
func Prepare(tree fs.FS) ([]byte, error) {
	parser, err := newParser()
	if err != nil {
		return nil, fmt.Errorf("prepare the rules: %w", err)
	}
	compiler := &Compiler{parser: parser}
	w := &writer{buf: []byte(preparedForm)}
	err = walkPages(tree, func(path string) error {
		text, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		w.text = string(text)
		r, problems := Parse(path, text)
		if len(problems) > 0 {
			return fmt.Errorf("%s:%d: %s", path, problems[0].Line, problems[0].Message)
		}
		page, err := w.page(r, compiler)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		sum := sha256.Sum256(text)
		w.bytes(path)
		w.buf = append(w.buf, sum[:]...)
		w.bytes(string(page))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the rules: %w", err)
	}
	return w.buf, nil
}

// preparedForm starts what Prepare writes. Its number changes with the form.
const preparedForm = "plumbline pages 4\n"

// The kinds of nodes of a prepared expression. Zero is none, so that no zeros are read as one.
const (
	identNode byte = iota + 1
	selectNode
	hasNode
	callNode
	methodNode
	listNode
	mapNode
	loopNode
	falseNode
	trueNode
	nullNode
	intNode
	uintNode
	doubleNode
	stringNode
)

// writer writes prepared pages.
type writer struct {
	buf     []byte
	text    string // of the page: a string that occurs in it is written as its place
	require string // the same of the rule's expressions, once they are written
}

// page writes one page, and makes sure that it is read back as it was.
func (w *writer) page(r *Rule, compiler *Compiler) ([]byte, error) {
	own := &writer{text: w.text}
	own.rule(r)
	types := []string{""}
	if r.Clauses != nil {
		types = slices.Sorted(maps.Keys(r.Clauses))
	}
	var expressions []clauseTree
	for _, typ := range types {
		c := r.clause(typ)
		expressions = append(expressions, clauseTree{typ: typ, Clause: c})
	}
	if r.About != "" {
		expressions = append(expressions, clauseTree{aboutTree, Clause{r.About, r.Line}})
	}
	for _, typ := range slices.Sorted(maps.Keys(r.Abouts)) {
		expressions = append(expressions, clauseTree{aboutTree + typ, Clause{r.Abouts[typ], r.Line}})
	}
	own.count(len(expressions))
	var trees []*ast.AST
	for _, x := range expressions {
		clause := *r
		clause.Require, clause.Line = x.Text, x.Line
		parsed, _, problems := compiler.parse(&clause)
		if problems != nil {
			return nil, fmt.Errorf("line %d: %s", problems[0].Line, problems[0].Message)
		}
		trees = append(trees, parsed)
		tree := &writer{text: w.text, require: r.Require}
		if err := tree.expr(parsed.Expr()); err != nil {
			return nil, err
		}
		own.string(x.typ)
		own.bytes(string(tree.buf))
	}
	p := &preparedPage{code: string(own.buf)}
	if err := p.open(r.Path, w.text); err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(p.rule, r) {
		return nil, fmt.Errorf("bug: the page is not read back as it was: %+v, not %+v", p.rule, r)
	}
	for i, x := range expressions {
		if got, err := p.expr(x.typ); err != nil || !sameExpr(got, trees[i].Expr()) {
			return nil, fmt.Errorf("bug: the expression of %s is not read back as it was: %v", x.typ, err)
		}
	}
	return own.buf, nil
}

// clauseTree is an expression whose tree is written, with the type that it is for.
type clauseTree struct {
	typ string
	Clause
}

// aboutTree is before the type of a tree that tells what the rule is about.
const aboutTree = "about "

func (w *writer) uint(n int) { w.buf = binary.AppendUvarint(w.buf, uint64(n)) }
func (w *writer) float(f float64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(f))
}

// bytes writes a string with its length.
func (w *writer) bytes(s string) {
	w.uint(len(s))
	w.buf = append(w.buf, s...)
}

// string writes a string: where it stands in the page or in the expression, or itself.
func (w *writer) string(s string) {
	for source, text := range []string{fromPage: w.text, fromRequire: w.require} {
		if at := strings.Index(text, s); len(s) > 2 && at >= 0 {
			w.uint(len(s)<<2 + source)
			w.uint(at)
			return
		}
	}
	w.uint(len(s)<<2 + inline)
	w.buf = append(w.buf, s...)
}

// Where a string is written.
const (
	inline      = iota // here
	fromPage           // it is a part of the page's text
	fromRequire        // it is a part of Rule.Require, which folding has changed
)

// count writes the length of a slice or map that is not nil; none writes that it is.
func (w *writer) count(n int) { w.uint(n + 1) }

func (w *writer) none() { w.uint(0) }

func (w *writer) strings(list []string) {
	if list == nil {
		w.none()
		return
	}
	w.count(len(list))
	for _, s := range list {
		w.string(s)
	}
}

func (w *writer) rule(r *Rule) {
	w.string(r.Require)
	w.require = r.Require
	for _, s := range []string{r.ID, r.Title, r.Message, r.Why, r.Caution, r.Since, string(r.Category)} {
		w.string(s)
	}
	w.uint(int(r.Severity))
	w.uint(r.Line)
	w.bool(r.Untyped)
	w.strings(r.On)
	w.strings(r.Aliases)
	w.strings(r.Dialects)
	if r.Clauses == nil {
		w.none()
	} else {
		w.count(len(r.Clauses))
		for _, typ := range slices.Sorted(maps.Keys(r.Clauses)) {
			w.string(typ)
			w.string(r.Clauses[typ].Text)
			w.uint(r.Clauses[typ].Line)
		}
	}
	w.string(r.About)
	if r.Abouts == nil {
		w.none()
	} else {
		w.count(len(r.Abouts))
		for _, typ := range slices.Sorted(maps.Keys(r.Abouts)) {
			w.string(typ)
			w.string(r.Abouts[typ])
		}
	}
	if r.Controls == nil {
		w.none()
	} else {
		w.count(len(r.Controls))
		for _, framework := range slices.Sorted(maps.Keys(r.Controls)) {
			w.string(framework)
			w.strings(r.Controls[framework])
		}
	}
	if r.Fix == nil {
		w.none()
	} else {
		w.count(len(r.Fix))
		for i := range r.Fix {
			w.change(&r.Fix[i])
		}
	}
	if r.Examples == nil {
		w.none()
		return
	}
	w.count(len(r.Examples))
	for _, x := range r.Examples {
		w.string(string(x.Section))
		w.string(x.Dialect)
		w.count(len(x.Files))
		for _, f := range x.Files {
			w.string(f.Name)
			w.string(f.Text)
			w.uint(f.Line)
		}
	}
}

func (w *writer) bool(b bool) {
	if b {
		w.uint(1)
	} else {
		w.uint(0)
	}
}

func (w *writer) change(c *resource.Change) {
	w.string(string(c.Op))
	if c.New != nil {
		w.bool(true)
		w.string(c.New.Type)
		w.value(&c.New.Body)
		return
	}
	w.bool(false)
	w.count(len(c.Path))
	for _, s := range c.Path {
		w.string(s.Name)
		w.uint(s.Index)
	}
	w.value(&c.Value)
}

// value writes a value as pages have them: without marks and ranges.
func (w *writer) value(v *value.Value) {
	w.uint(int(v.Kind))
	switch v.Kind {
	case value.Bool:
		w.bool(v.Bool)
	case value.Number:
		w.float(v.Number)
		w.string(v.Text)
	case value.String:
		w.string(v.Text)
	case value.List:
		w.uint(len(v.Items))
		for i := range v.Items {
			w.value(&v.Items[i])
		}
	case value.Object:
		w.uint(len(v.Fields))
		for i := range v.Fields {
			w.string(v.Fields[i].Name)
			w.value(&v.Fields[i].Value)
		}
	}
}

func (w *writer) exprs(list []ast.Expr) error {
	w.uint(len(list))
	for _, e := range list {
		if err := w.expr(e); err != nil {
			return err
		}
	}
	return nil
}

// expr writes an expression: its kind, its names and the expressions in it.
func (w *writer) expr(e ast.Expr) error {
	kind := func(k byte) { w.buf = append(w.buf, k) }
	switch e.Kind() {
	case ast.IdentKind:
		kind(identNode)
		w.string(e.AsIdent())
		return nil
	case ast.SelectKind:
		s := e.AsSelect()
		if s.IsTestOnly() {
			kind(hasNode)
		} else {
			kind(selectNode)
		}
		w.string(s.FieldName())
		return w.expr(s.Operand())
	case ast.CallKind:
		c := e.AsCall()
		if !c.IsMemberFunction() {
			kind(callNode)
			w.string(c.FunctionName())
			return w.exprs(c.Args())
		}
		kind(methodNode)
		w.string(c.FunctionName())
		if err := w.expr(c.Target()); err != nil {
			return err
		}
		return w.exprs(c.Args())
	case ast.ListKind:
		kind(listNode)
		return w.exprs(e.AsList().Elements())
	case ast.MapKind:
		kind(mapNode)
		var pairs []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			pairs = append(pairs, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return w.exprs(pairs)
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		kind(loopNode)
		w.string(c.IterVar())
		w.string(c.IterVar2())
		w.string(c.AccuVar())
		return w.exprs([]ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()})
	case ast.LiteralKind:
		switch l := e.AsLiteral().(type) {
		case types.Bool:
			if l {
				kind(trueNode)
			} else {
				kind(falseNode)
			}
			return nil
		case types.Null:
			kind(nullNode)
			return nil
		case types.Int:
			kind(intNode)
			w.buf = binary.AppendVarint(w.buf, int64(l))
			return nil
		case types.Uint:
			kind(uintNode)
			w.buf = binary.AppendUvarint(w.buf, uint64(l))
			return nil
		case types.Double:
			kind(doubleNode)
			w.float(float64(l))
			return nil
		case types.String:
			kind(stringNode)
			w.string(string(l))
			return nil
		}
	}
	return fmt.Errorf("an expression of a kind that no rule can have")
}

// sameExpr reports whether two expressions are the same, but for the numbers of their nodes.
func sameExpr(a, b ast.Expr) bool {
	one, other := &writer{}, &writer{}
	return one.expr(a) == nil && other.expr(b) == nil && string(one.buf) == string(other.buf)
}
