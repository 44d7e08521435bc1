package terraform

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

var (
	rangeType     = reflect.TypeFor[hcl.Range]()
	traversalType = reflect.TypeFor[hcl.Traversal]()
	valueType     = reflect.TypeFor[cty.Value]()
)

// relocate puts everything in a body that was just parsed at one place.
func relocate(b *hclsyntax.Body, at hcl.Range) { moveTo(reflect.ValueOf(b), at) }

func moveTo(v reflect.Value, at hcl.Range) {
	switch v.Type() {
	case rangeType:
		if v.CanSet() {
			v.Set(reflect.ValueOf(at))
		}
		return
	case valueType:
		return
	case traversalType:
		steps := v.Interface().(hcl.Traversal)
		for i, step := range steps {
			switch step := step.(type) {
			case hcl.TraverseRoot:
				step.SrcRange = at
				steps[i] = step
			case hcl.TraverseAttr:
				step.SrcRange = at
				steps[i] = step
			case hcl.TraverseIndex:
				step.SrcRange = at
				steps[i] = step
			case hcl.TraverseSplat:
				step.SrcRange = at
				steps[i] = step
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			moveTo(v.Elem(), at)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				moveTo(v.Field(i), at)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			moveTo(v.Index(i), at)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			moveTo(it.Value(), at)
		}
	}
}
