package terraform

import (
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// Attributes returns the attributes of a resource in Terraform's own shape, as a plan has them: blocks as lists, sets in
// Terraform's order, what the provider computes as unknown; attributes that are null are left out. For what is no resource
// or data source (variables, providers), and for resources of other dialects, it is the body.
func Attributes(_ *schema.Set, r *resource.Resource) *value.Value {
	h, ok := r.Handle.(*handle)
	if !ok || h.instance == nil {
		return &r.Body
	}
	u := h.scope.unit
	u.explaining.Lock()
	defer u.explaining.Unlock()
	problems := u.problems
	defer func() { u.problems = problems }()

	fields := map[string]value.Value{}
	put := func(name string, v cty.Value) {
		if got := plannedValue(v); got.Kind != value.Null {
			fields[name] = got
		}
	}
	u.contain(r.Address, h.block.DefRange(), func() cty.Value {
		if h.instance.schema != nil {
			for i := range h.instance.schema.Attributes {
				name := h.instance.schema.Attributes[i].Name
				put(name, h.instance.attribute(name))
			}
		}
		for _, w := range h.content.attrs {
			if _, ok := fields[w.attr.Name]; !ok {
				put(w.attr.Name, h.instance.attribute(w.attr.Name))
			}
		}
		for _, g := range h.content.groups {
			if _, ok := fields[g.name]; !ok {
				put(g.name, h.instance.attribute(g.name))
			}
		}
		return cty.True
	})
	return &value.Value{Kind: value.Object, Fields: sortedFields(fields)}
}

// plannedValue turns a cty value into ours as a plan writes it: the known elements of a set stay beside the unknown ones.
func plannedValue(v cty.Value) value.Value {
	b := builder{planned: true}
	out := b.value(v, shape{}, nil)
	closeLists(&out)
	return out
}

// closeLists forgets that the size of a set is not known.
func closeLists(v *value.Value) {
	v.Open = false
	for i := range v.Items {
		closeLists(&v.Items[i])
	}
	for i := range v.Fields {
		closeLists(&v.Fields[i].Value)
	}
}
