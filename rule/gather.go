package rule

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// gather compiles linked.<type>, all.<type> and target(…).<type>: lists of resources. A list is open when there may be
// resources of the type that nobody can see or attribute: it is unknown what they are, not known that there are none.
func (b *builder) gather(operand ast.Expr, typ string) eval {
	for operand.Kind() == ast.SelectKind { // linked.data.aws_ami: typ has the group's name already
		operand = operand.AsSelect().Operand()
	}
	if operand.Kind() == ast.IdentKind {
		switch operand.AsIdent() {
		case "linked":
			key := "linked." + typ
			return func(f *frame) val { return f.join(key, func() val { return f.linked(typ, "") }) }
		case "all":
			key := "all." + typ
			return func(f *frame) val { return f.join(key, func() val { return f.all(typ) }) }
		}
	}
	if operand.Kind() == ast.CallKind && operand.AsCall().FunctionName() == "linkedBy" {
		if by := operand.AsCall().Args()[0]; by.Kind() == ast.LiteralKind && b.attributeOf(by, typ) {
			attribute := b.literal(by).text
			key := "linkedBy." + attribute + "." + typ
			return func(f *frame) val { return f.join(key, func() val { return f.linked(typ, attribute) }) }
		}
		b.problem(operand, "linkedBy needs the name of an attribute of %s", typ)
		return nil
	}
	if operand.Kind() == ast.CallKind {
		gather := map[string]func(*frame, *val, string) val{"target": (*frame).target, "beside": (*frame).beside}[operand.AsCall().FunctionName()]
		if gather != nil {
			from := b.expr(operand.AsCall().Args()[0])
			return func(f *frame) val {
				v := from(f)
				return gather(f, &v, typ)
			}
		}
	}
	b.problem(operand, "a type must follow linked, all, target(…) or beside(…)")
	return nil
}

// attributeOf reports whether a literal names an attribute of a type.
func (b *builder) attributeOf(literal ast.Expr, typ string) bool {
	r := b.typing.set.Resource(typ)
	return r == nil && b.typing.untyped || r != nil && r.At(strings.Split(b.literal(literal).text, ".")...) != nil
}

// join makes a list once in a judgement.
func (f *frame) join(key string, make func() val) val {
	v, ok := f.joins[key]
	if !ok {
		v = make()
		f.joins[key] = v
	}
	return v
}

// asValue shows a resource as an element of a list. One that exists wherever the judged one does is there for certain: the
// judgement is about a resource that exists.
func (f *frame) asValue(r *resource.Resource) val {
	v := view(&r.Body, &place{res: r})
	v.maybe = r.Maybe && (len(r.When) == 0 || slices.ContainsFunc(r.When, func(name string) bool { return !slices.Contains(f.this.When, name) }))
	return v
}

// all lists the resources of a type.
func (f *frame) all(typ string) val {
	x := f.indexed()
	if seq := x.lists[typ]; seq != nil {
		f.step()
		return val{kind: list, seq: seq, at: &f.self}
	}
	seq := &sequence{open: f.graph.Lacks(typ)}
	certain := !seq.open
	for _, r := range f.graph.ByType(typ) {
		f.step()
		seq.items = append(seq.items, f.asValue(r))
		certain = certain && !r.Maybe
	}
	if certain { // then it is the same for whatever is judged
		if x.lists == nil {
			x.lists = make(map[string]*sequence)
		}
		x.lists[typ] = seq
		return val{kind: list, seq: seq, at: &f.self}
	}
	seq.why = &f.self
	return val{kind: list, seq: seq, at: &f.self}
}

// linked lists the resources of a type that refer to this: by a reference, or by a link attribute that holds the same
// known name. Only the attribute by counts when one is given.
func (f *frame) linked(typ, by string) val {
	seq := &sequence{}
	links := f.program.set.Links(typ)
	links = slices.DeleteFunc(slices.Clone(links), func(l schema.Link) bool {
		return l.Target != f.this.Type || by != "" && l.Attribute != by
	})
	if by != "" && len(links) == 0 {
		links = []schema.Link{{Attribute: by, Target: f.this.Type}}
	}
	for _, r := range f.linking(typ, links) {
		f.step()
		if r == f.this {
			continue
		}
		t, why := f.linksTo(r, links)
		switch t {
		case yes:
			seq.items = append(seq.items, f.asValue(r))
		case open:
			v := f.asValue(r)
			v.maybe = true
			seq.items = append(seq.items, v)
			if seq.why == nil {
				seq.why = why
			}
		}
	}
	if f.referredByMissing(f.this) {
		seq.open, seq.why = true, &f.self
	}
	return val{kind: list, seq: seq, at: &f.self}
}

// linksTo decides whether r refers to this. Where the schema has links between the two types, only they count; else every
// reference does. Why is the attribute that it waits for.
func (f *frame) linksTo(r *resource.Resource, links []schema.Link) (t verdict, why *place) {
	if len(links) == 0 {
		for _, ref := range r.Refs {
			switch {
			case !slices.Contains(f.graph.Targets(ref.Target), f.this):
			case !ref.Maybe:
				return yes, nil
			default:
				t, why = open, &place{res: r, steps: ref.Path}
			}
		}
		return t, why
	}
	for _, l := range links {
		for _, end := range ends(&r.Body, strings.Split(l.Attribute, "."), nil) {
			switch f.linkedBy(r, end, l.TargetAttributes) {
			case yes:
				return yes, nil
			case open:
				t, why = open, &place{res: r, steps: end.path}
			}
		}
	}
	return t, why
}

// end is a value that a link leads through.
type end struct {
	value *value.Value
	path  value.Path
}

// ends finds the values that names lead to, through all elements of lists.
func ends(v *value.Value, names []string, at value.Path) []end {
	if v.Kind == value.List {
		var out []end
		for i := range v.Items {
			out = append(out, ends(&v.Items[i], names, append(at[:len(at):len(at)], value.Step{Index: i}))...)
		}
		if v.Open {
			out = append(out, end{value: &value.Value{Kind: value.Unknown}, path: at})
		}
		return out
	}
	if len(names) == 0 || v.Kind == value.Unknown {
		return []end{{value: v, path: at}}
	}
	return ends(v.Field(names[0]), names[1:], append(at[:len(at):len(at)], value.Step{Name: names[0]}))
}

func (f *frame) linkedBy(r *resource.Resource, e end, attributes []string) verdict {
	elsewhere, perhaps := false, false
	for _, ref := range r.RefAt(e.path) {
		targets := f.graph.Targets(ref.Target)
		if slices.Contains(targets, f.this) {
			if !ref.Maybe {
				return yes
			}
			perhaps = true
		}
		elsewhere = elsewhere || len(targets) > 0
	}
	switch {
	case perhaps:
		return open
	case elsewhere:
		return no
	case e.value.Kind == value.Unknown || e.value.Kind == value.String:
		return sameName(e.value, &f.this.Body, attributes)
	}
	return no
}

// sameName compares a link attribute with the attributes of its target that it may hold. A target without any of them
// written gets its name from the cloud: a name that stands in the code cannot be its.
func sameName(name, target *value.Value, attributes []string) verdict {
	v := view(name, nil)
	t := no
	written := false
	for _, a := range attributes {
		field := target.Field(a)
		if !field.IsSet() {
			continue
		}
		written = true
		w := view(field, nil)
		switch equal(&v, &w) {
		case yes:
			return yes
		case open:
			t = open
		}
	}
	if v.kind == unknown && !written {
		return open
	}
	if v.kind == unknown && t == no && v.text == "" {
		return open
	}
	return t
}

// namesElsewhere reports whether a partly known name that refers to nothing in the code cannot be that of a resource of the
// type, because the code has none: arn:…:iam::aws:policy/ReadOnlyAccess in an unknown partition.
func (f *frame) namesElsewhere(name *val, typ string) bool {
	return name.text != "" && len(f.graph.ByType(typ)) == 0 && !f.graph.Lacks(typ)
}

// target lists the resources of a type that a value refers to.
func (f *frame) target(v *val, typ string) val {
	seq := &sequence{}
	at := f.within(v.at)
	if v.kind == null {
		return val{kind: list, seq: seq, at: at}
	}
	found := func(r *resource.Resource, perhaps bool) {
		if r.Type != typ {
			return
		}
		x := f.asValue(r)
		if i := slices.IndexFunc(seq.items, func(x val) bool { return x.at.res == r }); i >= 0 {
			seq.items[i].maybe = seq.items[i].maybe && (perhaps || x.maybe)
			return
		}
		x.maybe = x.maybe || perhaps
		seq.items = append(seq.items, x)
	}
	if v.at == nil {
		seq.open = v.kind == unknown
		return val{kind: list, seq: seq, at: at}
	}
	owner, path := v.at.root(), v.at.path()
	refs := false
	for _, ref := range owner.RefAt(path) {
		for _, r := range f.graph.Targets(ref.Target) {
			refs = true
			found(r, ref.Maybe)
		}
		if ref.Maybe && v.kind == unknown { // it may lead to what nobody sees, too
			seq.open = true
		}
	}
	if refs {
		if seq.open {
			seq.why = v.at
		}
		return val{kind: list, seq: seq, at: at}
	}
	names := []val{*v}
	if v.kind == list {
		names = names[:0]
		for i := range v.size() {
			names = append(names, v.item(i))
		}
		seq.open = v.open()
	}
	link := f.linkAt(owner.Type, path, typ)
	for i := range names {
		f.findNamed(&names[i], typ, link, seq)
	}
	if seq.open {
		seq.why = v.at
	}
	return val{kind: list, seq: seq, at: at}
}

// findNamed adds the resources of a type whose name is known to be, or may be, the one given.
func (f *frame) findNamed(name *val, typ string, attributes []string, seq *sequence) {
	if name.kind != text && name.kind != unknown {
		return
	}
	if name.kind == unknown && !f.namesElsewhere(name, typ) {
		seq.open = true
	}
	for _, r := range f.calling(name, typ, attributes) {
		f.step()
		for _, a := range attributes {
			field := r.Body.Field(a)
			if !field.IsSet() {
				continue
			}
			w := view(field, nil)
			x := f.asValue(r)
			switch equal(name, &w) {
			case yes:
				seq.items = append(seq.items, x)
			case open:
				x.maybe = true
				seq.items = append(seq.items, x)
			}
			break
		}
	}
}

// names joins the names of a path as the schema writes them: ingress.cidr_blocks.
func names(path value.Path) string {
	var out []string
	for _, s := range path {
		if s.Name != "" {
			out = append(out, s.Name)
		}
	}
	return strings.Join(out, ".")
}

// linkAt returns the attributes of a type that an attribute at a path may name.
func (f *frame) linkAt(owner string, path value.Path, typ string) []string {
	for _, l := range f.program.set.Links(owner) {
		if l.Target == typ && l.Attribute == names(path) {
			return l.TargetAttributes
		}
	}
	return nil
}

// effectiveTags is the variable tags.
func (f *frame) effectiveTags() val {
	if f.tags != nil {
		return *f.tags
	}
	seq := &sequence{}
	body := &f.this.Body
	for _, t := range f.this.Tags {
		v := view(&t.Value, nil)
		for _, name := range []string{"tags", "labels"} {
			if body.Field(name).Field(t.Key).Kind != value.Absent {
				v.at = f.below(&f.self, value.Path{{Name: name}, {Name: t.Key}})
			}
		}
		seq.keys, seq.items = append(seq.keys, t.Key), append(seq.items, v)
	}
	at := &f.self
	for _, name := range []string{"tags", "labels"} {
		written := body.Field(name)
		if written.Kind != value.Absent {
			at = f.below(&f.self, value.Path{{Name: name}})
		}
		if written.Kind == value.Unknown || written.Open {
			seq.open, seq.why = true, at
		}
	}
	v := val{kind: object, seq: seq, at: at}
	f.tags = &v
	return v
}
