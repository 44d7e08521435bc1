package rule

import (
	"os"
	"strings"
	"testing"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// On every page of our own catalogue, the annotator must find the same types of objects as the checker.
func TestAnnotatorAgreesWithChecker(t *testing.T) {
	c, err := Load(testSet, os.DirFS("../rules"))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, r := range c.All() {
		for _, typ := range r.On {
			clause := r.clause(typ)
			own := *r
			own.Require, own.Line = clause.Text, clause.Line
			kinds := typing{set: testSet, this: types.NewObjectType(typ), untyped: r.Untyped}
			if r.Untyped || strings.HasSuffix(typ, "*") {
				kinds.this = types.DynType
			}
			compared += compareTypes(t, &own, kinds)
		}
	}
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

func compareTypes(t *testing.T, r *Rule, kinds typing) (compared int) {
	t.Helper()
	parsed, src, problems := testCompiler.parse(r)
	if problems != nil {
		return 0 // the pages' own test reports it
	}
	checked, problems := testCompiler.check(r, parsed, src, kinds)
	if problems != nil {
		return 0
	}
	again, _, _ := testCompiler.parse(r)
	annotated := annotate(again, kinds)
	ast.PostOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		want := checked.GetType(e.ID())
		for want.Kind() == types.ListKind {
			want = want.Parameters()[0]
		}
		if want.Kind() != types.StructKind {
			return
		}
		compared++
		if got := annotated.GetType(e.ID()); !got.IsExactType(checked.GetType(e.ID())) {
			t.Errorf("%s: %s: the annotator says %v, the checker %v", r.ID, r.Require, got, checked.GetType(e.ID()))
		}
	}))
	return compared
}
