package edit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// missing writes a block that is not there, for the sake of what is wished in it. A block that may repeat is left out when
// the wish does not say all that it needs: the wish is then about the elements that exist, and there are none.
func (e *editor) missing(b *hclsyntax.Block, lay *layout, a *schema.Attribute, wishes []wish, add *addition) error {
	var sets []wish
	for _, w := range wishes {
		if w.op != resource.Remove {
			sets = append(sets, w)
		}
	}
	if len(sets) == 0 {
		return nil
	}
	v, err := built(sets)
	if err != nil {
		return e.refuse(b.Range(), "%s: %v", a.Name, err)
	}
	if lacks := lacking(a, &v); lacks != "" {
		if a.Nesting == schema.List || a.Nesting == schema.Unordered {
			return nil
		}
		return e.refuse(b.Range(), "there is no block %s, and a new one needs %s too", a.Name, lacks)
	}
	blocks, err := e.newBlocks(a, v, lay.indent, lay.unit)
	if err != nil {
		return err
	}
	add.blocks = append(add.blocks, blocks...)
	return nil
}

// lacking returns the required attribute that a new block would lack, or "".
func lacking(a *schema.Attribute, v *value.Value) string {
	for i := range a.Attributes {
		inner := &a.Attributes[i]
		f := v.Field(inner.Name)
		if f.Kind == value.Absent {
			if inner.Required {
				return a.Name + "." + inner.Name
			}
			continue
		}
		if f.Kind == value.Object && isBlock(inner) {
			if lacks := lacking(inner, f); lacks != "" {
				return a.Name + "." + lacks
			}
		}
	}
	return ""
}

// built makes the value that fulfils set and add wishes where nothing was.
func built(wishes []wish) (value.Value, error) {
	if i := slices.IndexFunc(wishes, func(w wish) bool { return len(w.path) == 0 }); i >= 0 {
		if len(wishes) > 1 && wishes[i].value.Kind == value.Object {
			rest := slices.Delete(slices.Clone(wishes), i, i+1)
			return built(append(spread(wishes[i]), rest...))
		}
		return wishes[i].value, nil
	}
	v := value.Value{Kind: value.Object}
	for _, g := range groups(wishes) {
		if g.step.Name == "" {
			if g.step.Index == 0 && len(groups(wishes)) == 1 {
				inner, err := built(g.wishes)
				return value.Value{Kind: value.List, Items: []value.Value{inner}}, err
			}
			return v, fmt.Errorf("there is no element %d", g.step.Index)
		}
		inner, err := built(g.wishes)
		if err != nil {
			return v, err
		}
		v.Fields = append(v.Fields, value.Field{Name: g.step.Name, Value: inner})
	}
	slices.SortFunc(v.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	return v, nil
}
