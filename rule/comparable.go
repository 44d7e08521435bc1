package rule

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// comparable reports a comparison that can never hold because its sides are of different types: this.encrypted == "true".
func (b *builder) comparable(at, left, right ast.Expr) {
	x, y := b.ast.GetType(left.ID()), b.ast.GetType(right.ID())
	if !fits(x, y) {
		b.problem(at, "%s is never equal to %s", describe(x), describe(y))
	}
}

// searchable reports an in that can never hold.
func (b *builder) searchable(at, element, in ast.Expr) {
	x, y := b.ast.GetType(element.ID()), b.ast.GetType(in.ID())
	switch y.Kind() {
	case types.ListKind:
		if !fits(x, y.Parameters()[0]) {
			b.problem(at, "%s is never in a list whose elements are each %s", describe(x), describe(y.Parameters()[0]))
		}
	case types.MapKind:
		if !fits(x, types.StringType) {
			b.problem(at, "the keys of a map are strings, never %s", describe(x))
		}
	case types.DynKind, types.AnyKind, types.TypeParamKind:
	default:
		b.problem(at, "in needs a list or a map, not %s", describe(y))
	}
}

// fits reports whether values of two types can be equal.
func fits(x, y *types.Type) bool {
	a, b := x.Kind(), y.Kind()
	switch {
	case vague(a) || vague(b):
		return true
	case a == types.NullTypeKind || b == types.NullTypeKind:
		return true // anything may be absent
	case isNumber(a) && isNumber(b):
		return true
	case a != b:
		return a == types.StructKind && b == types.MapKind || a == types.MapKind && b == types.StructKind
	case a == types.ListKind:
		return fits(x.Parameters()[0], y.Parameters()[0])
	case a == types.MapKind:
		return fits(x.Parameters()[1], y.Parameters()[1])
	}
	return true
}

func vague(k types.Kind) bool {
	return k == types.DynKind || k == types.AnyKind || k == types.TypeParamKind || k == types.ErrorKind
}

func isNumber(k types.Kind) bool {
	return k == types.IntKind || k == types.DoubleKind || k == types.UintKind
}
