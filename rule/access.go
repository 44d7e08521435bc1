package rule

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"plumbline.dev/plumbline/value"
)

// hop is one step of an access: .name or [key].
type hop struct {
	name string     // of .name
	attr *attribute // of .name of an object that the schema knows
	key  eval       // of [key]
}

// access compiles a chain of selections and indexes: this.ingress[0].cidr_blocks. Only its end is looked at.
func (b *builder) access(e ast.Expr) eval {
	var hops []hop
	var path value.Path
	static := true
	for {
		if e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly() {
			s := e.AsSelect()
			owner := b.ast.GetType(s.Operand().ID())
			if owner.Kind() == types.StructKind {
				if prefix, ok := gatherPrefix(owner.TypeName()); ok {
					return b.through(b.gather(s.Operand(), prefix+s.FieldName()), hops, path, static)
				}
			}
			h := hop{name: s.FieldName()}
			if owner.Kind() == types.StructKind {
				h.attr = b.typing.facts(owner.TypeName(), h.name)
			}
			hops, path = append(hops, h), append(path, value.Step{Name: h.name})
			e = s.Operand()
			continue
		}
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "_[_]" {
			args := e.AsCall().Args()
			step := value.Step{}
			if args[1].Kind() != ast.LiteralKind {
				static = false
			} else if l := b.literal(args[1]); l.kind == text {
				step.Name = l.text
			} else {
				step.Index = max(int(l.num), 0)
			}
			hops, path = append(hops, hop{key: b.expr(args[1])}), append(path, step)
			e = args[0]
			continue
		}
		return b.through(b.quiet(e), hops, path, static)
	}
}

// through compiles the hops, which come last first, from a root.
func (b *builder) through(root eval, hops []hop, path value.Path, static bool) eval {
	if len(hops) == 0 || root == nil {
		return root
	}
	slices.Reverse(hops)
	slices.Reverse(path)
	return func(f *frame) val {
		v := root(f)
		base, from, way := v.at, 0, path
		if !static {
			way = slices.Clone(path)
		}
		end := len(hops)
		for i := range hops {
			if v.kind == unknown && !v.unset || v.kind == failure {
				end = i // the place of the unknown itself: nothing is known below it
				break
			}
			if hops[i].key == nil {
				v = hops[i].field(&v)
			} else {
				key := hops[i].key(f)
				if !static {
					way[i] = stepTo(&key)
				}
				v = v.index(&key)
			}
			if v.at != nil {
				base, from = v.at, i+1 // an element of something computed knows its own place
			}
		}
		v.at = f.below(base, way[from:end:end]) // clipped: nobody may append to what is shared
		return v
	}
}

func stepTo(key *val) value.Step {
	if key.kind == text {
		return value.Step{Name: key.text}
	}
	return value.Step{Index: max(int(key.num), 0)}
}

// field takes a member of v. The result has no place, unless v is computed.
func (h *hop) field(v *val) val {
	switch v.kind {
	case object:
		m, present := v.member(h.name)
		if m.kind != null {
			if h.attr != nil {
				return m.as(&h.attr.want)
			}
			return m
		}
		if !present && v.open() {
			return unsure
		}
		return h.missing(true)
	case null:
		return h.missing(false)
	case unknown: // the cloud chooses the block
		if h.attr != nil && h.attr.absent != nil {
			return view(h.attr.absent, nil)
		}
		return val{kind: unknown, unset: true}
	}
	return val{}
}

// missing is the effective value of an attribute that was not written; inBlock says that the block around it was.
func (h *hop) missing(inBlock bool) val {
	if h.attr == nil {
		return val{}
	}
	d := h.attr.absent
	if inBlock {
		d = h.attr.written
	}
	if d != nil {
		return view(d, nil)
	}
	if h.attr.computed && inBlock {
		return val{kind: unknown, unset: true}
	}
	return val{}
}

// index takes an element of a list or the value of a key. What is not there is null.
func (v *val) index(key *val) val {
	switch {
	case key.kind == failure:
		return *key
	case v.kind == null || key.kind == null:
		return val{}
	case v.kind == unknown || key.kind == unknown:
		return unsure
	case v.kind == object && key.kind == text:
		m, present := v.member(key.text)
		if !present && v.open() || m.maybe {
			return unsure
		}
		return m
	case v.kind == list && key.kind == number:
		if !v.fixed() {
			return unsure // nobody knows what stands before
		}
		if i := int(key.num); i >= 0 && i < v.size() && key.num == float64(i) {
			return v.item(i)
		}
	}
	return val{}
}

// has compiles has(x.y): whether something other than null was written there. Defaults and what the cloud chooses were not.
func (b *builder) has(s ast.SelectExpr) eval {
	operand := b.quiet(s.Operand())
	name, path := s.FieldName(), value.Path{{Name: s.FieldName()}}
	if t := b.ast.GetType(s.Operand().ID()); t.Kind() == types.StructKind {
		if _, ok := gatherPrefix(t.TypeName()); ok {
			return func(*frame) val { return isTrue } // the list is there, perhaps empty
		}
	}
	return func(f *frame) val {
		v := operand(f)
		if v.kind == unknown && !v.unset {
			f.see(&v)
			return unsure
		}
		if v.kind == failure {
			return v
		}
		t, m, present := no, val{}, false
		if v.kind == object {
			m, present = v.member(name)
		}
		switch {
		case m.kind == unknown && !m.notNull || m.maybe:
			t = open
		case m.kind != null:
			t = yes
		case v.kind == object && v.open() && !present:
			t, m.kind = open, unknown
		}
		if m.at == nil {
			m.at = f.below(v.at, path)
		}
		m.kind = null
		if t == open {
			m.kind = unknown
		}
		f.see(&m)
		return t.val()
	}
}
