package azure

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// Much that is an attribute in Terraform is a resource of its own in Azure: Microsoft.Storage/storageAccounts/blobServices with
// the name default, Microsoft.Web/sites/config with the name web. Where the table has rows for such a part, its body stands in
// that of the resource that it is a part of, under /blobServices/default, and wishes about that are wishes about the part.

// part is a resource that another one has as an attribute.
type part struct {
	name string // as translate.Table.Part writes it
	of   *deployed
}

// gather hands the parts to the resources that they belong to.
func (d *deployment) gather(x *addresses) {
	var at map[string]*deployed // by whole address; nil until the first part
	for _, r := range d.resources {
		cut := strings.LastIndexByte(r.typ, '/')
		if r.existing || strings.Count(r.typ, "/") < 2 {
			continue
		}
		names := nameParts(r.name)
		last := names[len(names)-1]
		if len(names) != strings.Count(r.typ, "/") || last.Kind != value.String {
			continue
		}
		name := d.table.Part(r.typ[:cut], r.typ[cut+1:], last.Text)
		if name == "" {
			continue
		}
		own, ok := key(&r.name)
		if !ok {
			continue
		}
		parent, ok := named{strings.ToLower(r.typ), strings.ToLower(own)}.parent()
		if !ok {
			continue
		}
		if at == nil {
			at = make(map[string]*deployed, len(d.resources))
			for _, r := range d.resources {
				at[within(r.module, r.address)] = r
			}
		}
		if p := at[x.nearest(parent, r.module)]; p != nil && !p.existing && !slices.ContainsFunc(p.parts, func(o part) bool { return o.name == name }) {
			p.parts = append(p.parts, part{name, r})
			r.owned = true
			if !d.table.Knows(r.typ) {
				x.owner[within(r.module, r.address)] = within(p.module, p.address)
				x.byName[named{strings.ToLower(r.typ), strings.ToLower(own)}] = x.byName[parent]
			}
		}
	}
}

// within returns the resource that a path in the body of r leads into, and the rest of the path: a part of it, or r itself. It
// returns nil when the path leads into a part that nobody has written.
func (r *deployed) within(p value.Path) (*deployed, value.Path) {
	if len(p) == 0 || !strings.HasPrefix(p[0].Name, "/") {
		return r, p
	}
	for _, have := range r.parts {
		if have.name == p[0].Name {
			return have.of, p[1:]
		}
	}
	return nil, nil
}

// partWish is a wish, and the part that it is about; nil for the resource itself.
type partWish struct {
	translate.Wish
	of *deployed
}

// parted hands wishes to the parts that they are about. Parts that are not there are to be created.
func (r *deployed) parted(wishes []translate.Wish) []partWish {
	var out []partWish
	created := map[string]int{} // by the name of the part: where it is in out
	for _, w := range wishes {
		if len(w.Path) == 0 || !strings.HasPrefix(w.Path[0].Name, "/") {
			out = append(out, partWish{Wish: w})
			continue
		}
		if of, rest := r.within(w.Path); of != nil && len(rest) > 0 {
			w.Path = rest
			out = append(out, partWish{w, of})
			continue
		}
		if w.Op == resource.Remove {
			continue // what is not there need not go
		}
		name := w.Path[0].Name
		n, ok := created[name]
		if !ok {
			segments := strings.Split(name, "/")
			n = len(out)
			created[name] = n
			out = append(out, partWish{Wish: translate.Wish{Op: resource.Create, Type: r.typ + "/" + segments[1], Value: object([]value.Field{{Name: "name", Value: text(segments[2])}})}})
		}
		v := w.Value
		if w.Op == resource.Add {
			v = list(v)
		}
		insert(&out[n].Value, w.Path[1:], v)
	}
	return out
}

// insert puts a value at a path of an object that is being made.
func insert(at *value.Value, p value.Path, v value.Value) {
	for i, s := range p {
		if s.Name == "" {
			*at = nestedIn(p[i:], v)
			return
		}
		if at.Kind != value.Object {
			*at = value.Value{Kind: value.Object}
		}
		n, found := slices.BinarySearchFunc(at.Fields, s.Name, func(f value.Field, name string) int { return strings.Compare(f.Name, name) })
		if !found {
			at.Fields = slices.Insert(at.Fields, n, value.Field{Name: s.Name})
		}
		at = &at.Fields[n].Value
	}
	if v.Kind == value.Object && at.Kind == value.Object {
		for _, f := range v.Fields {
			insert(at, value.Path{{Name: f.Name}}, f.Value)
		}
		return
	}
	*at = v
}
