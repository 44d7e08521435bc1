package rule

import (
	"math"
	"slices"

	"cel.dev/cel-go/common/operators"
)

// logic is && (absorbing is no) and || (absorbing is yes). A side that absorbs decides alone: what the other side saw is no
// witness. When no alternative of an || holds, the first one's witnesses come last: a finding stands where the requirement
// is not met, and not at the exception that does not apply.
func logic(absorbing verdict, left, right eval) eval {
	return func(f *frame) val {
		start := len(f.seen)
		x := left(f)
		l := x.truth()
		if l == absorbing {
			return l.val()
		}
		middle := len(f.seen)
		y := right(f)
		r := y.truth()
		switch {
		case r == absorbing:
			f.seen = append(f.seen[:start], f.seen[middle:]...)
			return r.val()
		case l == open || r == open:
			return unsure
		case l == broken:
			return notBool(&x)
		case r == broken:
			return notBool(&y)
		}
		if absorbing == yes { // neither alternative holds: the first is what the rule asks for, the others excuse
			slices.Reverse(f.seen[start:middle])
			slices.Reverse(f.seen[middle:])
			slices.Reverse(f.seen[start:])
		}
		return r.val()
	}
}

func notBool(v *val) val {
	if v.kind == failure {
		return *v
	}
	return fails("a bool is needed")
}

func negation(operand eval) eval {
	return func(f *frame) val {
		v := operand(f)
		t := v.truth()
		if t == broken {
			return notBool(&v)
		}
		return t.not().val()
	}
}

// conditional is ?:. When the condition is unknown but both branches agree, the condition does not matter.
func conditional(condition, then, otherwise eval) eval {
	return func(f *frame) val {
		start := len(f.seen)
		c := condition(f)
		switch c.truth() {
		case yes:
			return then(f)
		case no:
			return otherwise(f)
		case broken:
			return notBool(&c)
		}
		middle := len(f.seen)
		x := then(f)
		y := otherwise(f)
		if x.kind == failure || y.kind == failure {
			return unsure
		}
		if equal(&x, &y) == yes {
			f.seen = append(f.seen[:start], f.seen[middle:]...)
			if x.kind == number && y.double {
				x.double = true
			}
			return x
		}
		return val{kind: unknown, text: commonPrefix(&x, &y), notNull: neverNull(&x) && neverNull(&y)}
	}
}

func neverNull(v *val) bool { return v.kind != null && (v.kind != unknown || v.notNull) }

func commonPrefix(x, y *val) string {
	if x.kind != text && x.kind != unknown || y.kind != text && y.kind != unknown {
		return ""
	}
	n := 0
	for n < len(x.text) && n < len(y.text) && x.text[n] == y.text[n] {
		n++
	}
	return x.text[:n]
}

func equality(positive bool, left, right eval) eval {
	return func(f *frame) val {
		x := left(f)
		y := right(f)
		t := equal(&x, &y)
		switch t {
		case broken:
			if x.kind == failure {
				return x
			}
			return y
		case open:
			f.awaitParts(&x)
			f.awaitParts(&y)
		}
		if !positive {
			t = t.not()
		}
		return t.val()
	}
}

// awaitParts records the unknown parts of v; v itself, when it is unknown, was seen.
func (f *frame) awaitParts(v *val) {
	if v.kind == list || v.kind == object {
		f.awaitIn(v)
	}
}

// membership is in. The element that matches is the witness, or the list when none does.
func membership(element, in eval) eval {
	return func(f *frame) val {
		x := element(f)
		l := in(f)
		t, at := contains(&l, &x)
		switch {
		case t == broken && x.kind == failure:
			return x
		case t == broken && l.kind == failure:
			return l
		case t == broken:
			return fails("in needs a list or a map")
		case t == open && l.kind == object:
			if l.open() {
				f.awaitRest(&l) // the values of the keys do not matter
			}
		case t == open && l.kind != unknown:
			f.awaitIn(&l)
		case t == yes && at >= 0:
			m := f.child(&l, at)
			f.see(&m)
		default:
			f.see(&l)
		}
		return t.val()
	}
}

func ordering(op string, left, right eval) eval {
	return func(f *frame) val {
		x := left(f)
		y := right(f)
		less, same, greater, ok := compare(&x, &y)
		switch ok {
		case broken:
			if x.kind == failure {
				return x
			}
			return y
		case no:
			return isFalse
		case open:
			return unsure
		}
		switch op {
		case operators.Less:
			return possible(less, same || greater)
		case operators.LessEquals:
			return possible(less || same, greater)
		case operators.Greater:
			return possible(greater, same || less)
		}
		return possible(greater || same, less)
	}
}

// possible is true, false or unknown, by what is possible.
func possible(t, f bool) val {
	switch {
	case t && f:
		return unsure
	case t:
		return isTrue
	}
	return isFalse
}

func arithmetics(op string, left, right eval) eval {
	return func(f *frame) val {
		x := left(f)
		if x.kind == failure {
			return x
		}
		y := right(f)
		if y.kind == failure {
			return y
		}
		if op == operators.Add && !(x.kind == number || y.kind == number) {
			if x.kind == list || y.kind == list {
				return f.joined(&x, &y)
			}
			if x.kind == text || y.kind == text || x.text != "" {
				return joinedText(&x, &y)
			}
		}
		switch {
		case x.kind == unknown || y.kind == unknown:
			return spans(op, &x, &y)
		case x.kind == number && y.kind == number:
			return calculate(op, &x, &y)
		}
		return val{} // null, or what is no number
	}
}

// joinedText is +. Null is the empty string.
func joinedText(x, y *val) val {
	switch {
	case x.kind == unknown:
		return val{kind: unknown, text: x.text, notNull: true}
	case x.kind != text && x.kind != null:
		return val{}
	case y.kind == unknown:
		return val{kind: unknown, text: x.text + y.text, notNull: true}
	case y.kind != text && y.kind != null:
		return val{}
	}
	return texts(x.text + y.text)
}

// joined is + of lists. An unknown list leaves the result open.
func (f *frame) joined(x, y *val) val {
	seq := &sequence{}
	for _, v := range [2]*val{x, y} {
		switch v.kind {
		case list:
			for i := range v.size() {
				f.step()
				seq.items = append(seq.items, f.child(v, i))
			}
			if v.open() {
				seq.open = true
				seq.why = v.at
				if v.seq != nil {
					seq.why = v.seq.why
				}
			}
		case unknown:
			seq.open, seq.why = true, v.at
		}
	}
	return val{kind: list, seq: seq}
}

// spans bounds sums and differences of bounded numbers.
func spans(op string, x, y *val) val {
	a, b := x.bounds(), y.bounds()
	if a == nil || b == nil {
		return unsure
	}
	switch op {
	case operators.Add:
		return val{kind: unknown, notNull: true, span: &span{a.low + b.low, a.high + b.high}}
	case operators.Subtract:
		return val{kind: unknown, notNull: true, span: &span{a.low - b.high, a.high - b.low}}
	}
	return val{kind: unknown, notNull: true}
}

func calculate(op string, x, y *val) val {
	v := val{kind: number, double: x.double || y.double}
	whole := !v.double && x.num == math.Trunc(x.num) && y.num == math.Trunc(y.num)
	switch op {
	case operators.Add:
		v.num = x.num + y.num
	case operators.Subtract:
		v.num = x.num - y.num
	case operators.Multiply:
		v.num = x.num * y.num
	case operators.Divide:
		if y.num == 0 && whole {
			return fails("division by zero")
		}
		v.num = x.num / y.num
		if whole {
			v.num = math.Trunc(v.num)
		}
	case operators.Modulo:
		if y.num == 0 {
			return fails("division by zero")
		}
		v.num = math.Mod(x.num, y.num)
	}
	return v
}
