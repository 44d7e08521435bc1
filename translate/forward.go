package translate

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// run translates one native resource.
type run struct {
	table  *Table
	native *Native
	made   []*resource.Resource
	used   []bool     // of native.Refs: which found their way into a resource
	at     value.Path // where in the native body the work is
	key    string     // within {}: the name of the member

	tracing *Origin // not nil: write down where the values of this resource come from
	sites   []site
}

// output is the resource that is being made, and where in it the work is.
type output struct {
	block *block
	made  *resource.Resource
	at    value.Path // where in the resource's body the enclosing object stands
	wrote bool       // something of what was written came into it
	trace bool       // it is the one that is traced
}

// spot is an object in the body that is being made. Values are written through it, and through nothing else meanwhile.
type spot struct {
	out  *output
	node *value.Value
}

func (r *run) main(b *block) {
	n := r.native
	r.used = make([]bool, len(n.Refs))
	res := &resource.Resource{Address: n.Address, Name: n.Name, Range: n.Range, Header: n.Header, Maybe: n.Maybe, When: n.When}
	out := &output{block: b, made: res, trace: r.tracing != nil && r.tracing.block == b}
	r.made = append(r.made, res)
	r.fill(out, &n.Body)
	if len(n.Refs) == 0 {
		return
	}
	defer func() { res.Handle.(*Origin).own = len(res.Refs) }()
	for i, ref := range n.Refs {
		if !r.used[i] { // of a property that has no counterpart: the edge is there nevertheless
			res.Refs = append(res.Refs, resource.Ref{Target: ref.Target, Attribute: ref.Attribute})
		}
	}
}

// fill makes the body of a resource and what goes with it.
func (r *run) fill(out *output, from *value.Value) {
	n, res := r.native, out.made
	res.Module, res.Type, res.Native, res.Dialect, res.Calls = n.Module, out.block.typ, r.table.Canonical(n.Type), n.Dialect, n.Calls
	res.Provider = provider(out.block.typ)
	res.Body = value.Value{Kind: value.Object, Range: from.Range}
	if res.Body.Range.IsZero() {
		res.Body.Range = res.Range
	}
	room(&res.Body, out.block.rows, from)
	r.rows(out.block.rows, from, spot{out, &res.Body})
	res.Tags = tags(res, out.block.attrs, n.Tags)
	res.Handle = &Origin{Native: n, block: out.block, path: slices.Clone(r.at), own: len(res.Refs)}
}

// rows applies the rows within an object. From may be absent, null or unknown.
func (r *run) rows(rows []row, from *value.Value, to spot) {
	if from.Kind == value.Unknown || from.Kind == value.Object && from.Open {
		to.node.Open = true
	}
	for i := range rows {
		switch row := &rows[i]; row.kind {
		case schema.Same:
			if from.Kind == value.Unknown && len(row.native) > 0 {
				r.perhaps(row.rows, from, to.out) // the object is open, which says it all
			} else {
				r.same(row, from, to)
			}
		case schema.Constant:
			place(to.node, row.target, row.value)
		case schema.Companion:
			r.companion(row, from, to.out)
		}
	}
	if to.node.Open {
		return // what was not seen may be there
	}
	for i := range rows {
		if row := &rows[i]; row.kind == schema.Otherwise {
			place(to.node, row.target, row.value)
		}
	}
}

func (r *run) same(row *row, from *value.Value, to spot) {
	depth := len(r.at)
	defer func() { r.at = r.at[:depth] }()
	v, found := r.table.reach(from, row.native, &r.at)
	if len(row.native) == 1 && row.native[0].Name == "$" {
		v, found = &value.Value{Kind: value.String, Text: r.key, Range: from.Range}, sure
	}
	switch {
	case found == perhaps:
		r.open(row, to)
		r.perhaps(row.rows, from, to.out)
		return
	case !v.IsSet():
		return
	}
	switch r.table.all(row.when, &r.native.Body, v) {
	case no:
		return
	case unsure:
		u := unknown(*v)
		u.NotNull = false
		v = &u
	}
	switch {
	case !row.group:
		r.leaf(row, v, to)
	case v.Kind == value.Unknown:
		if len(row.target) == 0 {
			to.node.Open = true
		} else {
			r.write(row, *v, to)
		}
		r.perhaps(row.rows, from, to.out)
	case row.list:
		r.elements(row, v, to)
	case v.Kind == value.List:
		r.single(row, v, to)
	default:
		r.object(row, v, to)
	}
}

// room makes room for the members that rows will write, so that they are not moved again and again.
func room(node *value.Value, rows []row, from *value.Value) {
	if n := min(len(rows), len(from.Fields)+1); node.Fields == nil && n > 0 {
		node.Fields = make([]value.Field, 0, n)
	}
}

// open marks what a row may have brought, although nothing was seen of it.
func (r *run) open(row *row, to spot) {
	if len(row.target) < 2 {
		to.node.Open = true
		return
	}
	if node := ensure(to.node, row.target[:len(row.target)-1]); node != nil {
		node.Open = true
	}
}

// perhaps makes the companions of rows that nothing is known of.
func (r *run) perhaps(rows []row, from *value.Value, out *output) {
	unseen := &value.Value{Kind: value.Unknown, Range: from.Range}
	for i := range rows {
		if row := &rows[i]; row.kind == schema.Companion {
			r.companion(row, unseen, out)
		} else {
			r.perhaps(row.rows, unseen, out)
		}
	}
}

// object applies a group to an object.
func (r *run) object(row *row, v *value.Value, to spot) {
	if len(row.target) == 0 {
		r.rows(row.rows, v, to)
		return
	}
	node := ensure(to.node, row.target)
	if node == nil {
		return // a value stands there
	}
	if node.Range.IsZero() {
		node.Range = v.Range
	}
	room(node, row.rows, v)
	r.note(row, to.out, row.target)
	to.out.wrote = true
	depth := len(to.out.at)
	to.out.at = append(to.out.at, row.target...)
	r.rows(row.rows, v, spot{to.out, node})
	to.out.at = to.out.at[:depth]
}

// single applies a group to the one element of a list.
func (r *run) single(row *row, v *value.Value, to spot) {
	only, count := 0, 0
	maybe := v.Open
	for i := range v.Items {
		if in := chosen(row.each, &v.Items[i]); in != no {
			only, count, maybe = i, count+1, maybe || in == unsure || v.Items[i].Maybe
		}
	}
	if count == 0 && !maybe {
		return
	}
	if count != 1 || maybe {
		several := unknown(*v)
		if len(row.target) == 0 {
			for i := range row.rows {
				if row.rows[i].kind == schema.Same {
					r.write(&row.rows[i], several, to)
				}
			}
		} else {
			r.write(row, several, to)
		}
		r.perhaps(row.rows, v, to.out)
		return
	}
	r.at = append(r.at, value.Step{Index: only})
	switch item := &v.Items[only]; {
	case item.Kind == value.Unknown && len(row.target) > 0:
		r.write(row, *item, to)
		r.perhaps(row.rows, item, to.out)
	case item.Kind != value.Null:
		r.object(row, item, to)
	}
}

// elements applies a group to every element of a list, or to one value that stands for a list of one.
func (r *run) elements(row *row, v *value.Value, to spot) {
	items, several := []value.Value{*v}, v.Kind == value.List && (row.each != nil || row.shape.form == object)
	named := row.each != nil && row.each.Map && v.Kind == value.Object
	switch {
	case named:
		items = make([]value.Value, len(v.Fields))
		for i := range v.Fields {
			items[i] = v.Fields[i].Value
		}
	case several:
		items = v.Items
	}
	list := ensure(to.node, row.target[:len(row.target)-1])
	if list == nil {
		return
	}
	name := row.target[len(row.target)-1]
	made, ok := child(list, name)
	if !ok || made.Kind != value.Absent && made.Kind != value.List {
		return
	}
	if made.Kind == value.Absent {
		*made = value.Value{Kind: value.List, Range: v.Range, Sensitive: v.Sensitive}
		r.note(row, to.out, row.target)
	}
	made.Open = made.Open || (several || named) && v.Open
	to.out.wrote = true
	depth, native := len(to.out.at), len(r.at)
	to.out.at = append(to.out.at, row.target...)
	for i := range items {
		item := &items[i]
		in := yes
		if several {
			in = chosen(row.each, item)
			r.at = append(r.at[:native], value.Step{Index: i})
		}
		if named {
			r.key = v.Fields[i].Name
			r.at = append(r.at[:native], value.Step{Name: r.key})
		}
		if item.Kind == value.Null || in == no || r.hollow(row, item) {
			continue
		}
		to.out.at = append(to.out.at[:depth+len(row.target)], value.Step{Index: len(made.Items)})
		r.note(row, to.out, nil)
		var element value.Value
		if item.Kind == value.Unknown {
			element = *item
			r.perhaps(row.rows, item, to.out)
		} else {
			element = value.Value{Range: item.Range, Sensitive: item.Sensitive}
			if row.shape.form == object {
				element.Kind = value.Object
				room(&element, row.rows, item)
			}
			r.rows(row.rows, item, spot{to.out, &element})
		}
		if element.Kind == value.Absent {
			continue
		}
		element.Maybe = item.Maybe || in == unsure
		made.Items = append(made.Items, element)
	}
	to.out.at, r.at = to.out.at[:depth], r.at[:native]
}

// hollow reports whether the element that a row x[].a: y[] makes, which is the a, is not there: an item without an a.
func (r *run) hollow(row *row, item *value.Value) bool {
	for i := range row.rows {
		in := &row.rows[i]
		if in.kind != schema.Same || len(in.native) == 0 || len(in.target) > 0 {
			return false // it writes into the element, which is the item
		}
		if v, found := r.table.reach(item, in.native, nil); found == perhaps || v.IsSet() {
			return false
		}
	}
	return len(row.rows) > 0
}

// leaf carries a value over.
func (r *run) leaf(row *row, v *value.Value, to spot) {
	out := *v
	for _, c := range row.convert {
		out = c.to(out)
	}
	r.write(row, row.shape.fit(out), to)
}

// write puts what a row made where the row says, unless something stands there.
func (r *run) write(row *row, v value.Value, to spot) {
	if !v.IsSet() {
		return
	}
	v.Maybe = false
	if !place(to.node, row.target, v) {
		return
	}
	to.out.wrote = true
	r.note(row, to.out, row.target)
	for i := range r.native.Refs {
		if ref := &r.native.Refs[i]; len(ref.Path) >= len(r.at) && slices.Equal(ref.Path[:len(r.at)], r.at) {
			r.used[i] = true
			at := slices.Concat(to.out.at, row.target)
			if len(row.convert) == 0 && !row.group {
				at = append(at, ref.Path[len(r.at):]...)
			}
			to.out.made.Refs = append(to.out.made.Refs, resource.Ref{Path: at, Target: ref.Target, Attribute: ref.Attribute})
		}
	}
}

// note writes down where a value comes from.
func (r *run) note(row *row, out *output, target value.Path) {
	if out.trace {
		r.sites = append(r.sites, site{slices.Concat(out.at, target), slices.Clone(r.at), row})
	}
}

// provider is the local name of the provider of a type: aws of aws_s3_bucket.
func provider(typ string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(typ, "data."), "_")
	return name
}

// first returns the first line of a range.
func (n *Native) first(r source.Range) source.Range {
	if n.First == nil || r.IsZero() {
		return r
	}
	return n.First(r)
}
