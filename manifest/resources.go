package manifest

import (
	"fmt"
	"strconv"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// maxSteps bounds the comparisons that joining the objects of a unit takes, maxRefs the references that it makes.
const (
	maxSteps = 4_000_000
	maxRefs  = 400_000
)

// Resources makes the resources of the objects of a unit, which refer to each other. The problems are budgets that were used up.
func Resources(set *schema.Set, objects []Object, limits dialect.Limits) ([]*resource.Resource, []source.Problem) {
	b := &builder{set: set, limits: limits.Defaults(), seen: make(map[string]int, len(objects)), names: make(map[string]*roster), unnamed: make(map[string]*roster),
		types: make(map[string][]*entity), buckets: make(map[string]*bucket)}
	for i := range objects {
		if len(b.out) >= b.limits.Resources {
			b.limit(objects[i].Range, "there are more than %d resources; those from here on are left out", b.limits.Resources)
			break
		}
		b.object(&objects[i])
	}
	b.join()
	return b.out, b.problems
}

// builder is one call of Resources.
type builder struct {
	set      *schema.Set
	limits   dialect.Limits
	out      []*resource.Resource
	problems []source.Problem
	seen     map[string]int // addresses without number: how often
	entities []*entity
	pods     []*pod
	types    map[string][]*entity
	names    map[string]*roster // by type and name
	unnamed  map[string]*roster // by type, those whose name is not known
	buckets  map[string]*bucket // the pods of each namespace
	order    []*bucket
	loose    []*bucket // those of namespaces of which the name is not known
	steps    int
	refs     int
	spent    bool
}

// entity is one object with what others may call it.
type entity struct {
	*resource.Resource
	object    *Object
	kind      kind
	position  int  // among the entities
	known     bool // it is a kind of Kubernetes' own, or one that rules ask for
	name      value.Value
	namespace value.Value // Absent for those of the cluster
}

func (b *builder) limit(at source.Range, format string, args ...any) {
	b.problems = append(b.problems, source.Problem{Kind: source.Limit, Range: at, Message: fmt.Sprintf(format, args...)})
}

// object makes the resources of one object.
func (b *builder) object(o *Object) {
	version, _ := o.Body.Field("apiVersion").Word()
	name, _ := o.Body.Field("kind").Word()
	e := &entity{object: o}
	e.kind, e.known = kindOf(version, name)
	typ := TypeOf(version, name)
	metadata := field(&o.Body, "metadata")
	e.name = nameOf(&metadata)
	body := o.Body
	if !e.kind.wide {
		e.namespace = field(&metadata, "namespace")
		if !e.namespace.IsSet() && o.Namespace.Kind != value.Absent {
			e.namespace = o.Namespace
			if metadata.Kind == value.Object || !metadata.IsSet() {
				metadata = with(metadata, "namespace", o.Namespace)
				body = with(body, "metadata", metadata)
			}
		}
	}
	if typ == "k8s_secret" {
		body = concealed(body)
	}
	body = b.shaped(typ, body)
	address := b.address(b.addressOf(e, name))
	e.Resource = &resource.Resource{Address: address, Type: typ, Native: name, Name: shownName(&e.name), Provider: "kubernetes", Dialect: o.Dialect,
		Body: body, Range: o.Range, Header: o.header(), Calls: o.Calls, Maybe: o.Maybe}
	part := &Part{Object: o, address: address}
	e.Handle = part
	if typ != "k8s_pod" {
		b.add(e.Resource)
	}
	e.position = len(b.entities)
	b.entities = append(b.entities, e)
	b.index(e)
	if at, ok := podIn(groupOf(version), name); ok {
		b.workload(e, at)
	}
	b.kubeadm(e)
}

func (b *builder) add(r *resource.Resource) { b.out = append(b.out, r) }

// nameOf returns the name of an object as its metadata has it: the beginning and a * of one that the cluster completes.
func nameOf(metadata *value.Value) value.Value {
	name := field(metadata, "name")
	if start := metadata.Field("generateName"); !name.IsSet() && start.Kind == value.String {
		return value.Value{Kind: value.Unknown, Given: true, NotNull: true, Text: start.Text, Range: start.Range}
	}
	return name
}

// shownName is a name for addresses.
func shownName(name *value.Value) string {
	if s, ok := name.Word(); ok {
		return s
	}
	if name.Kind == value.Unknown {
		return name.Text + "*" + name.Ending
	}
	return ""
}

func (b *builder) addressOf(e *entity, kind string) string {
	if e.object.Address != "" {
		return e.object.Address
	}
	address := kind + "/" + shownName(&e.name)
	if space, ok := e.namespace.Word(); ok && space != "" {
		address = space + "/" + address
	}
	return address
}

// address makes an address that nothing else has.
func (b *builder) address(want string) string {
	b.seen[want]++
	n := b.seen[want]
	if n == 1 {
		return want
	}
	for {
		numbered := want + " #" + strconv.Itoa(n)
		if b.seen[numbered] == 0 {
			b.seen[numbered]++
			return numbered
		}
		n++
	}
}

// header is where the object is named.
func (o *Object) header() source.Range {
	if !o.Header.IsZero() && o.Range.Contains(o.Header) {
		return o.Header
	}
	for _, at := range [...]value.Path{{{Name: "metadata"}, {Name: "name"}}, {{Name: "metadata"}, {Name: "generateName"}}, {{Name: "kind"}}} {
		if r := o.Body.At(at).Range; !r.IsZero() && o.Range.Contains(r) {
			return r
		}
	}
	return o.Range
}

// concealed marks what a Secret holds.
func concealed(body value.Value) value.Value {
	for _, name := range [...]string{"data", "stringData"} {
		data := body.Field(name)
		if data.Kind != value.Object {
			continue
		}
		v := *data
		v.Fields = append([]value.Field(nil), data.Fields...)
		for i := range v.Fields {
			v.Fields[i].Value.Sensitive = true
		}
		body = with(body, name, v)
	}
	return body
}

// shaped makes unknown what is not of the shape that its type has: a text where an object must be. The API server would refuse it.
func (b *builder) shaped(typ string, body value.Value) value.Value {
	r := b.set.Resource(typ)
	if r == nil {
		return body
	}
	out, _ := shape(body, r.Attributes)
	return out
}

// shape reports whether it changed something. A value that has its shape is shared.
func shape(v value.Value, attributes []schema.Attribute) (value.Value, bool) {
	var changed bool
	for i, j := 0, 0; i < len(v.Fields) && j < len(attributes); {
		switch f, a := &v.Fields[i], &attributes[j]; {
		case f.Name < a.Name:
			i++
		case f.Name > a.Name:
			j++
		default:
			if x, odd := shapeOf(f.Value, a); odd {
				v, changed = with(v, f.Name, x), true
			}
			i, j = i+1, j+1
		}
	}
	return v, changed
}

func shapeOf(v value.Value, a *schema.Attribute) (value.Value, bool) {
	if !v.IsSet() || v.Kind == value.Unknown {
		return v, false
	}
	switch a.Nesting {
	case schema.Single, schema.One:
		if v.Kind != value.Object {
			return unknownAt(&v), true
		}
		return shape(v, a.Attributes)
	case schema.List, schema.Unordered:
		if v.Kind != value.List {
			return unknownAt(&v), true
		}
		var items []value.Value
		for i := range v.Items {
			x, odd := v.Items[i], false
			switch x.Kind {
			case value.Object:
				x, odd = shape(x, a.Attributes)
			case value.Unknown:
			default:
				x, odd = unknownAt(&x), true
			}
			if odd {
				if items == nil {
					items = append([]value.Value(nil), v.Items...)
				}
				items[i] = x
			}
		}
		if items == nil {
			return v, false
		}
		v.Items = items
		return v, true
	}
	switch k := a.Type.Kind; {
	case (k == schema.ListOf || k == schema.SetOf) && v.Kind != value.List, k == schema.MapOf && v.Kind != value.Object,
		(k == schema.String || k == schema.Number || k == schema.Bool) && (v.Kind == value.List || v.Kind == value.Object):
		return unknownAt(&v), true
	}
	return v, false
}
