package rule

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// comprehension compiles what the macros exists, all, exists_one, map and filter expand to.
func (b *builder) comprehension(e ast.Expr) eval {
	c := e.AsComprehension()
	loop := loop{over: b.quiet(c.IterRange()), second: -1}
	outer := b.scopes
	defer func() { b.scopes = outer }()
	loop.slot = b.variable(c.IterVar())
	if c.HasIterVar2() {
		loop.second = b.variable(c.IterVar2())
	}
	step := c.LoopStep()
	if step.Kind() != ast.CallKind {
		b.problem(e, "this kind of loop cannot be used in a rule")
		return nil
	}
	args := step.AsCall().Args()
	init := c.AccuInit()
	switch {
	case init.Kind() == ast.LiteralKind && init.AsLiteral() == types.False:
		loop.body = b.expr(args[1])
		return loop.quantifier(yes)
	case init.Kind() == ast.LiteralKind && init.AsLiteral() == types.True:
		loop.body = b.expr(args[1])
		return loop.quantifier(no)
	case init.Kind() == ast.LiteralKind && init.AsLiteral() == types.IntZero:
		loop.body = b.expr(args[0])
		return loop.existsOne
	case init.Kind() == ast.ListKind:
		if step.AsCall().FunctionName() == operators.Conditional {
			loop.filter = b.expr(args[0])
			args = args[1].AsCall().Args()
		}
		loop.body = b.quiet(args[1].AsList().Elements()[0])
		return loop.collect
	}
	b.problem(e, "this kind of loop cannot be used in a rule")
	return nil
}

// variable gives a variable a slot of its own and brings it into scope.
func (b *builder) variable(name string) int {
	slot := b.slots
	b.slots++
	b.scopes = append(b.scopes, scope{name, slot})
	return slot
}

// loop is a comprehension over the elements of a list or the keys of a map.
type loop struct {
	slot   int  // of the element; of the key or index when there is a second variable
	second int  // of the value, -1 when there is none
	over   eval // the list or map
	filter eval // of filter and map
	body   eval // the predicate or what is made of the element
}

// set gives the variables element i and reports whether the element may be missing.
func (l *loop) set(f *frame, v *val, i int) (maybe bool) {
	f.step()
	x := f.child(v, i)
	maybe = x.maybe
	x.maybe = false
	switch {
	case l.second >= 0 && v.kind == object:
		f.vars[l.slot], f.vars[l.second] = val{kind: text, text: v.key(i), at: x.at}, x
	case l.second >= 0:
		f.vars[l.slot], f.vars[l.second] = numbers(float64(i)), x
	case v.kind == object:
		f.vars[l.slot] = val{kind: text, text: v.key(i), at: x.at}
	default:
		f.vars[l.slot] = x
	}
	return maybe
}

// quantifier is exists (absorbing is yes) and all (absorbing is no). The element that decides is the witness; when none
// does, the list is, or its only element.
func (l *loop) quantifier(absorbing verdict) eval {
	return func(f *frame) val {
		start := len(f.seen)
		v := l.over(f)
		if t, done := empty(&v, absorbing.not()); done {
			f.see(&v)
			return t
		}
		ranged := len(f.seen)
		result := absorbing.not()
		var bad val
		for i := range v.size() {
			before := len(f.seen)
			maybe := l.set(f, &v, i)
			x := l.body(f)
			switch t := x.truth(); {
			case t == absorbing && !maybe:
				f.seen = append(f.seen[:start], f.seen[before:]...)
				return t.val()
			case t == absorbing:
				f.awaitMaybe(&v, i)
				result = open
			case t == open:
				result = open
			case t == broken:
				if bad.kind != failure {
					bad = notBool(&x)
				}
				f.seen = f.seen[:before]
			case v.size() > 1:
				f.seen = f.seen[:before]
			}
		}
		if v.open() {
			f.awaitRest(&v)
			result = open
		}
		switch {
		case result == open:
			return unsure
		case bad.kind == failure:
			return bad
		case v.size() != 1 || len(f.seen) == ranged:
			f.see(&v)
		}
		return result.val()
	}
}

// empty answers for ranges that are no list or map with something in it.
func empty(v *val, none verdict) (t val, done bool) {
	switch v.kind {
	case null:
		return none.val(), true
	case unknown:
		return unsure, true
	case failure:
		return *v, true
	case list, object:
		return val{}, false
	}
	return fails("a list or a map is needed"), true
}

// awaitMaybe records why element i may be missing: a resource that may not exist. What made an element of a filtered list
// doubtful was seen by the filter.
func (f *frame) awaitMaybe(v *val, i int) {
	if x := f.child(v, i); x.at != nil && x.at.parent == nil {
		if v.seq != nil && v.seq.why != nil {
			f.await(v.seq.why) // nobody knows what its link names
			return
		}
		f.await(x.at)
	}
}

// awaitRest records what the elements of an open list that are not listed wait for.
func (f *frame) awaitRest(v *val) {
	if v.seq != nil && v.seq.why != nil {
		f.await(v.seq.why)
	} else {
		f.await(v.at)
	}
}

// existsOne is exists_one.
func (l *loop) existsOne(f *frame) val {
	v := l.over(f)
	if t, done := empty(&v, no); done {
		f.see(&v)
		return t
	}
	start := len(f.seen)
	surely, perhaps := 0, 0
	for i := range v.size() {
		before := len(f.seen)
		maybe := l.set(f, &v, i)
		x := l.body(f)
		switch t := x.truth(); {
		case t == broken:
			return notBool(&x)
		case t == yes && !maybe:
			surely++
		case t == yes:
			perhaps++
			f.awaitMaybe(&v, i)
		case t == open:
			perhaps++
		default:
			f.seen = f.seen[:before]
		}
	}
	switch {
	case surely > 1:
		return isFalse
	case v.open():
		f.awaitRest(&v)
		return unsure
	case perhaps > 0:
		return unsure
	case len(f.seen) == start:
		f.see(&v)
	}
	return decided(surely == 1).val()
}

// collect is filter and map. Elements that may not pass the filter are kept as perhaps there.
func (l *loop) collect(f *frame) val {
	v := l.over(f)
	switch v.kind {
	case null:
		return val{kind: list, seq: &sequence{}, at: f.within(v.at)}
	case unknown, failure:
		return v
	case list, object:
	default:
		return fails("a list or a map is needed")
	}
	out := &sequence{items: make([]val, 0, v.size()), open: v.open()}
	if out.open {
		out.why = v.at
		if v.seq != nil && v.seq.why != nil {
			out.why = v.seq.why
		}
	}
	for i := range v.size() {
		before := len(f.seen)
		maybe := l.set(f, &v, i)
		if l.filter != nil {
			x := l.filter(f)
			switch x.truth() {
			case no:
				f.seen = f.seen[:before]
				continue
			case open:
				maybe = true
			case broken:
				return notBool(&x)
			default:
				f.seen = f.seen[:before]
			}
		}
		x := l.body(f)
		if x.kind == failure {
			return x
		}
		x.maybe = maybe
		out.items = append(out.items, x)
	}
	return val{kind: list, seq: out, at: f.within(v.at)}
}
