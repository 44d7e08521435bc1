package azure

import (
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// deployed is one evaluated resource in Azure's words: what JSON templates and Bicep both come to.
type deployed struct {
	address  string      // without that of its module; unique there. Its symbolic name with the key of its instance, else TYPE/LABEL
	typ      string      // the whole type as it is written: Microsoft.Storage/storageAccounts/blobServices
	name     value.Value // the whole name: account/default
	body     value.Value // Object: properties, sku, kind, identity, tags, zones, location … as written; no name, type, dependsOn
	scope    value.Value // the identity of what an extension resource extends; absent when it is not said
	existing bool        // it is only referred to
	maybe    bool        // nobody knows whether it is there, or how often
	module   string      // address of the nested deployment that holds it; empty for the template itself
	calls    []resource.Call
	whole    source.Range // the whole declaration
	header   source.Range // its first line
	handle   any          // the dialect's own

	parts []part // resources that are attributes of this one in Terraform
	owned bool   // it is such a part itself
}

// deployment is what a unit comes to.
type deployment struct {
	dialect   string           // the word for reports: arm, bicep
	table     *translate.Table // of "arm": both write Azure's words
	first     func(source.Range) source.Range
	resources []*deployed
	others    []*resource.Resource // parameters and outputs: their bodies and references are completed by graph
	missing   []resource.Missing
	absent    []absentModule // the same, by the arguments that they would have got
}

// absentModule is a nested deployment whose template is not at hand.
type absentModule struct {
	address string
	module  string      // that holds it
	args    value.Value // the values of its parameters
}

// addressMark begins the argument of a symbol that is not an identity but the address of a resource of the unit.
const addressMark = "\x03"

// stateOf is what Azure knows of a resource of the unit once it is there: an edge to it. path is the part that is read,
// "properties.primaryEndpoints.blob"; empty for all of it.
func stateOf(address, path string) value.Value {
	return symbol(symbolReference, path, text(addressMark+address))
}

// within puts the address of a module before that of something in it.
func within(module, address string) string {
	if module == "" {
		return address
	}
	return module + "." + address
}

// graph translates the resources and joins them. The Handle of each is a *translate.Origin, whose Native has the *deployed as
// its Handle; those of types that are in no table keep Azure's words.
func (d *deployment) graph() *resource.Graph {
	x := newAddresses(d.resources)
	d.gather(x)
	out := slices.Clone(d.others)
	for _, r := range out {
		if r.Refs == nil {
			w := &refs{addresses: x, module: r.Module, own: r.Address}
			w.walk(&r.Body)
			r.Refs = w.out
		}
		r.Body = settle(r.Body)
	}
	missing := slices.Clone(d.missing)
	for _, m := range d.absent {
		w := &refs{addresses: x, module: m.module}
		w.walk(&m.args)
		found := resource.Missing{Address: m.address}
		for _, ref := range w.out {
			if !slices.Contains(found.Refs, ref.Target) {
				found.Refs = append(found.Refs, ref.Target)
			}
		}
		slices.Sort(found.Refs)
		missing = append(missing, found)
	}
	for _, r := range d.resources {
		if r.existing {
			continue
		}
		n := d.native(r, x)
		if made := d.table.Resources(n); len(made) > 0 {
			out = append(out, made...)
			continue
		}
		if r.owned {
			continue // the resource that it is a part of has all of it
		}
		out = append(out, &resource.Resource{
			Address: n.Address, Module: n.Module, Type: n.Type, Native: n.Type, Name: n.Name, Provider: "azurerm", Dialect: n.Dialect,
			Body: n.Body, Range: n.Range, Header: n.Header, Calls: n.Calls, Maybe: n.Maybe, Refs: n.Refs, Handle: &translate.Origin{Native: n},
		})
	}
	d.table.Link(out)
	return resource.NewGraph(out, missing)
}

// native completes one resource: its name, what it is a part of, its references.
func (d *deployment) native(r *deployed, x *addresses) *translate.Native {
	n := &translate.Native{
		Dialect: d.dialect, Type: d.table.Canonical(r.typ), Address: within(r.module, r.address), Module: r.module,
		Range: r.whole, Header: r.header, First: d.first, Calls: r.calls, Maybe: r.maybe, Handle: r,
	}
	body := d.body(r)
	n.Refs = x.refs(r, &body)
	n.Body = settle(body)
	n.Body.Range = r.whole
	if n.Name = r.address; r.name.Kind == value.String {
		n.Name = r.name.Text
	}
	return n
}

// body adds to what is written what the place of the resource says:
//
//	name     the last part of its name
//	parent   {id, name, parent}: what it is a part of, innermost first; name is the last part of that one's name
//	scope    the identity of what it extends
func (d *deployment) body(r *deployed) value.Value {
	fields := slices.Clone(r.body.Fields)
	set := func(name string, v value.Value) {
		if v.Range.IsZero() {
			v.Range = r.header
		}
		fields = append(fields, value.Field{Name: name, Value: v})
	}
	parts := nameParts(r.name)
	if strings.Count(r.typ, "/") == len(parts) {
		last := parts[len(parts)-1]
		last.Range = r.name.Range
		set("name", last)
		if p := parentOf(r.typ, parts); p.Kind == value.Object {
			set("parent", p)
		}
	} else {
		set("name", r.name)
	}
	if r.scope.Kind != value.Absent {
		set("scope", r.scope)
	}
	for _, p := range r.parts {
		v := p.of.body
		v.Range = p.of.whole
		if p.of.maybe && !r.maybe {
			v = value.Value{Kind: value.Unknown, Range: p.of.whole}
		}
		set(p.name, v)
	}
	out := object(fields)
	out.Open = r.body.Open
	return out
}

func parentOf(typ string, parts []value.Value) value.Value {
	if len(parts) < 2 {
		return value.Value{}
	}
	typ, parts = typ[:strings.LastIndexByte(typ, '/')], parts[:len(parts)-1]
	fields := []value.Field{
		{Name: "id", Value: joined(groupPath(nil, nil), providerPath(typ, parts))},
		{Name: "name", Value: parts[len(parts)-1]},
	}
	if p := parentOf(typ, parts); p.Kind == value.Object {
		fields = append(fields, value.Field{Name: "parent", Value: p})
	}
	return object(fields)
}

// nameParts splits a name at its slashes.
func nameParts(name value.Value) []value.Value {
	if name.Kind == value.String && !strings.Contains(name.Text, "/") {
		return []value.Value{name}
	}
	var out []value.Value
	var part []value.Value
	for _, p := range pieces(&name) {
		if p.Kind != value.String {
			part = append(part, value.Value{Kind: value.Unknown, Items: []value.Value{p}, Given: p.Given, Sensitive: p.Sensitive})
			continue
		}
		for i, s := range strings.Split(p.Text, "/") {
			if i > 0 {
				out, part = append(out, joined(part...)), nil
			}
			part = append(part, value.Value{Kind: value.String, Text: s, Given: p.Given, Sensitive: p.Sensitive})
		}
	}
	return append(out, joined(part...))
}

// addresses finds the resources of a unit by what references say of them.
type addresses struct {
	byName map[named][]site  // type and name to where it stands: more than once when a template is deployed again
	owner  map[string]string // the address of a part to that of the resource that has it as an attribute
	plain  map[string]string // module, zero byte, name in lower case to address
}

// site is a resource and the module that it stands in.
type site struct{ module, address string }

// nearest returns the address of the resource of that type and name that shares most modules with the one that asks; "" when
// there is none.
func (x *addresses) nearest(n named, module string) string {
	best, shared := "", -1
	for _, s := range x.byName[n] {
		common := 0
		for common < len(module) && common < len(s.module) && module[common] == s.module[common] {
			common++
		}
		if common >= shared {
			best, shared = s.address, common
		}
	}
	return best
}

func newAddresses(resources []*deployed) *addresses {
	x := &addresses{owner: map[string]string{}, byName: make(map[named][]site, len(resources)), plain: make(map[string]string, len(resources))}
	taken := make(map[string]int, len(resources))
	var references []*deployed
	for _, r := range resources {
		at := within(r.module, r.address)
		if taken[at]++; taken[at] > 1 {
			r.address += "#" + strconv.Itoa(taken[at])
			at = within(r.module, r.address)
		}
		k, ok := key(&r.name)
		if !ok {
			continue
		}
		k = strings.ToLower(k)
		n := named{strings.ToLower(r.typ), k}
		if r.existing {
			references = append(references, r)
		} else {
			x.byName[n] = append(x.byName[n], site{r.module, at})
		}
		x.plain[r.module+"\x00"+k] = at
	}
	for _, r := range references { // what is only referred to stands for itself where nothing is it
		k, _ := key(&r.name)
		if n := (named{strings.ToLower(r.typ), strings.ToLower(k)}); x.byName[n] == nil {
			x.byName[n] = []site{{r.module, within(r.module, r.address)}}
		}
	}
	return x
}

// find returns the address of the resource that v is the identity of, or of the nearest that it is a part of; part is then
// the type of the part.
func (x *addresses) find(v *value.Value, module string) (address, part string) {
	n, ok := identity(v)
	for ok {
		if at := x.nearest(n, module); at != "" {
			return at, part
		}
		part = n.typ[strings.LastIndexByte(n.typ, '/')+1:]
		n, ok = n.parent()
	}
	return "", ""
}

// refs returns what the values of a body refer to.
func (x *addresses) refs(r *deployed, body *value.Value) []resource.Ref {
	w := &refs{addresses: x, module: r.module, own: within(r.module, r.address)}
	w.walk(body)
	w.parents(body.Field("parent"), value.Path{{Name: "parent"}})
	return w.out
}

// parents makes the names of what a resource is a part of references, too: Terraform names a server where Azure has its identity.
func (w *refs) parents(p *value.Value, at value.Path) {
	for ; p.Kind == value.Object; p, at = p.Field("parent"), append(at, value.Step{Name: "parent"}) {
		if target, part := w.find(p.Field("id"), w.module); target != "" && part == "" {
			w.path = append(at[:len(at):len(at)], value.Step{Name: "name"})
			w.add(target, "name")
		}
	}
	w.path = nil
}

// refs gathers references.
type refs struct {
	*addresses
	module, own string
	path        value.Path
	out         []resource.Ref
}

func (w *refs) walk(v *value.Value) {
	switch v.Kind {
	case value.Object:
		for i := range v.Fields {
			w.path = append(w.path, value.Step{Name: v.Fields[i].Name})
			w.walk(&v.Fields[i].Value)
			w.path = w.path[:len(w.path)-1]
		}
	case value.List:
		for i := range v.Items {
			w.path = append(w.path, value.Step{Index: i})
			w.walk(&v.Items[i])
			w.path = w.path[:len(w.path)-1]
		}
	case value.String, value.Unknown:
		if at, part := w.find(v, w.module); at != "" {
			w.add(at, part)
		}
		if v.Kind == value.Unknown {
			symbols(v, w.symbol)
		}
	}
}

func (w *refs) symbol(s *value.Value) {
	attribute := s.Ending
	switch {
	case s.Text == symbolEither:
		attribute = ""
	case s.Text != symbolReference:
		attribute = s.Text
	}
	for i := range s.Items {
		arg := &s.Items[i]
		if arg.Kind == value.String && strings.HasPrefix(arg.Text, addressMark) {
			w.add(arg.Text[len(addressMark):], attribute)
		} else if at, part := w.find(arg, w.module); at != "" {
			if part != "" {
				attribute = part
			}
			w.add(at, attribute)
		} else if s.Text == symbolReference && i == 0 {
			if k, ok := key(arg); ok {
				if at := w.plain[w.module+"\x00"+strings.ToLower(k)]; at != "" {
					w.add(at, attribute)
				}
			}
		}
	}
}

func (w *refs) add(target, attribute string) {
	if owner := w.owner[target]; owner != "" {
		target = owner
	}
	if target == w.own {
		return
	}
	for _, have := range w.out[max(0, len(w.out)-8):] {
		if have.Target == target && have.Attribute == attribute && slices.Equal(have.Path, w.path) {
			return
		}
	}
	w.out = append(w.out, resource.Ref{Path: slices.Clone(w.path), Target: target, Attribute: attribute})
}
