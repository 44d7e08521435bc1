package rule

import "strings"

// equal compares two values with three outcomes.
func equal(a, b *val) verdict {
	switch {
	case a.kind == failure || b.kind == failure:
		return broken
	case a.kind == unknown:
		return equalUnknown(a, b)
	case b.kind == unknown:
		return equalUnknown(b, a)
	case a.kind != b.kind:
		return no
	}
	switch a.kind {
	case boolean:
		return decided(a.bool == b.bool)
	case number:
		return decided(a.num == b.num)
	case text:
		return decided(a.text == b.text)
	case list:
		return equalLists(a, b)
	case object:
		return equalObjects(a, b)
	}
	return yes
}

// equalUnknown compares an unknown with anything.
func equalUnknown(u, o *val) verdict {
	switch o.kind {
	case null:
		if u.notNull {
			return no
		}
	case text:
		if !strings.HasPrefix(o.text, u.text) || u.node != nil && !strings.HasSuffix(o.text, u.node.Ending) {
			return no
		}
		if u.span != nil {
			return no
		}
	case number:
		if u.span != nil && (o.num < u.span.low || o.num > u.span.high) {
			return no
		}
		if u.span != nil && u.span.low == u.span.high {
			return yes
		}
	case list, object:
		if u.text != "" || u.span != nil {
			return no
		}
	case unknown:
		if !strings.HasPrefix(o.text, u.text) && !strings.HasPrefix(u.text, o.text) {
			return no
		}
		if u.span != nil && o.span != nil && (u.span.low > o.span.high || o.span.low > u.span.high) {
			return no
		}
	}
	return open
}

func equalLists(a, b *val) verdict {
	if a.fixed() && b.fixed() {
		if a.size() != b.size() {
			return no
		}
		t := yes
		for i := range a.size() {
			x, y := a.item(i), b.item(i)
			switch equal(&x, &y) {
			case no:
				return no
			case open:
				t = open
			case broken:
				return broken
			}
		}
		return t
	}
	if !a.open() && a.size() < b.certain() || !b.open() && b.size() < a.certain() {
		return no
	}
	if surelyHasOther(a, b) || surelyHasOther(b, a) {
		return no
	}
	return open
}

// surelyHasOther reports whether a has an element that no element of b, which is closed, can equal.
func surelyHasOther(a, b *val) bool {
	if b.open() {
		return false
	}
	for i := range a.size() {
		x := a.item(i)
		if x.maybe {
			continue
		}
		possible := false
		for j := 0; j < b.size() && !possible; j++ {
			y := b.item(j)
			possible = equal(&x, &y) != no
		}
		if !possible {
			return true
		}
	}
	return false
}

// equalObjects compares maps and objects; a member that is null is the same as no member.
func equalObjects(a, b *val) verdict {
	t := yes
	for _, pair := range [2][2]*val{{a, b}, {b, a}} {
		x, y := pair[0], pair[1]
		for i := range x.size() {
			m, _ := x.member(x.key(i))
			n, _ := y.member(x.key(i))
			if n.kind == null && y.open() {
				n = unsure
			}
			switch equal(&m, &n) {
			case no:
				return no
			case open:
				t = open
			case broken:
				return broken
			}
		}
	}
	if a.open() || b.open() {
		t = open
	}
	return t
}

// contains reports whether an element of a list, or a key of an object, equals v; a key with null is a key. At is the index
// that decided, or -1.
func contains(in, v *val) (t verdict, at int) {
	switch in.kind {
	case null:
		return no, -1
	case unknown:
		return open, -1
	case failure:
		return broken, -1
	case object:
		return hasKey(in, v)
	case list:
	default:
		return broken, -1
	}
	if v.kind == failure {
		return broken, -1
	}
	t = no
	for i := range in.size() {
		x := in.item(i)
		switch equal(&x, v) {
		case yes:
			if !x.maybe {
				return yes, i
			}
			t = open
		case open:
			t = open
		}
	}
	if in.open() {
		t = open
	}
	return t, -1
}

func hasKey(in, v *val) (verdict, int) {
	switch v.kind {
	case unknown:
		for i := range in.size() {
			k := texts(in.key(i))
			if equal(v, &k) == open {
				return open, -1
			}
		}
		return no.or(in.open()), -1
	case text:
		m, present := in.member(v.text)
		switch {
		case !present:
			return no.or(in.open()), -1
		case m.maybe:
			return open, -1
		}
		return yes, -1
	case failure:
		return broken, -1
	}
	return no, -1
}

// or makes a verdict open when the condition holds.
func (t verdict) or(isOpen bool) verdict {
	if isOpen {
		return open
	}
	return t
}

// compare orders two values: less, equal and greater say which of the three are possible. Values of different kinds, and
// null, are in no order.
func compare(a, b *val) (less, same, greater bool, ok verdict) {
	switch {
	case a.kind == failure || b.kind == failure:
		return false, false, false, broken
	case a.kind == unknown || b.kind == unknown:
		return compareUnknown(a, b)
	case a.kind != b.kind:
		return false, false, false, no
	}
	switch a.kind {
	case number:
		return a.num < b.num, a.num == b.num, a.num > b.num, yes
	case text:
		return a.text < b.text, a.text == b.text, a.text > b.text, yes
	case boolean:
		return !a.bool && b.bool, a.bool == b.bool, a.bool && !b.bool, yes
	}
	return false, false, false, no
}

func compareUnknown(a, b *val) (less, same, greater bool, ok verdict) {
	if a.kind == null || b.kind == null {
		return false, false, false, no // whatever the other becomes, null is in no order
	}
	x, y := a.bounds(), b.bounds()
	if x == nil || y == nil {
		return true, true, true, open
	}
	return x.low < y.high, x.low <= y.high && y.low <= x.high, x.high > y.low, yes
}

// bounds returns the span of a number, or nil when it could be anything.
func (v *val) bounds() *span {
	if v.kind == number {
		return &span{v.num, v.num}
	}
	return v.span
}
