package terragrunt

import "github.com/zclconf/go-cty/cty"

// isMap reports whether a value without marks is a known map or object.
func isMap(v cty.Value) bool {
	return v.IsKnown() && !v.IsNull() && (v.Type().IsMapType() || v.Type().IsObjectType())
}

// isList reports whether a value without marks is a known list.
func isList(v cty.Value) bool {
	return v.IsKnown() && !v.IsNull() && (v.Type().IsListType() || v.Type().IsTupleType() || v.Type().IsSetType())
}

// merge puts the members of one map over those of another, where combine says what becomes of those that both have.
func merge(under, over cty.Value, combine func(a, b cty.Value) cty.Value) cty.Value {
	values := map[string]cty.Value{}
	for it := under.ElementIterator(); it.Next(); {
		k, v := it.Element()
		k, _ = k.Unmark()
		values[k.AsString()] = v
	}
	for it := over.ElementIterator(); it.Next(); {
		k, v := it.Element()
		k, _ = k.Unmark()
		if have, ok := values[k.AsString()]; ok {
			v = combine(have, v)
		}
		values[k.AsString()] = v
	}
	return cty.ObjectVal(values)
}

// shallowMerge puts the members of one map over those of another. What is unknown makes the result unknown.
func shallowMerge(under, over cty.Value) cty.Value {
	a, marksA := under.Unmark()
	b, marksB := over.Unmark()
	switch {
	case isMap(a) && isMap(b):
		return merge(a, b, func(_, b cty.Value) cty.Value { return b }).WithMarks(marksA, marksB)
	case a.IsKnown() && a.IsNull():
		return over
	case b.IsKnown() && b.IsNull():
		return under
	}
	return cty.DynamicVal.WithMarks(marksA, marksB)
}

// deepMerge puts one value over another as Terragrunt does: maps member by member, lists one behind the other, and of
// everything else the one that lies on top counts.
func deepMerge(under, over cty.Value) cty.Value { return mergeAt(under, over, 0) }

// maxMerged is how deep maps are merged.
const maxMerged = 100

func mergeAt(under, over cty.Value, depth int) cty.Value {
	a, marksA := under.Unmark()
	b, marksB := over.Unmark()
	unsure := func(v cty.Value) bool {
		t := v.Type()
		return !v.IsKnown() && (t == cty.DynamicPseudoType || t.IsCollectionType() || t.IsObjectType() || t.IsTupleType())
	}
	switch {
	case depth > maxMerged:
		return cty.DynamicVal.WithMarks(marksA, marksB)
	case isMap(a) && isMap(b):
		return merge(a, b, func(a, b cty.Value) cty.Value { return mergeAt(a, b, depth+1) }).WithMarks(marksA, marksB)
	case isList(a) && isList(b):
		var items []cty.Value
		for _, v := range []cty.Value{a, b} {
			for it := v.ElementIterator(); it.Next(); {
				_, item := it.Element()
				items = append(items, item)
			}
		}
		return cty.TupleVal(items).WithMarks(marksA, marksB)
	case b.IsKnown() && b.IsNull():
		return under
	case unsure(b) || unsure(a) && (isMap(b) || isList(b)):
		return cty.DynamicVal.WithMarks(marksA, marksB)
	}
	return over
}
