package store

import "math/bits"

// rowSet is a set of rows, a bit each.
type rowSet []uint64

func newRowSet(rows int) rowSet { return make(rowSet, (rows+63)/64) }

func (s rowSet) has(row int) bool { return s[row>>6]&(1<<(row&63)) != 0 }
func (s rowSet) put(row int)      { s[row>>6] |= 1 << (row & 63) }

// and keeps what is in both.
func (s rowSet) and(o rowSet) {
	for i := range s {
		s[i] &= o[i]
	}
}

// not keeps what is not in o.
func (s rowSet) not(o rowSet) {
	for i := range s {
		s[i] &^= o[i]
	}
}

// or adds what is in o.
func (s rowSet) or(o rowSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

// count is how many rows there are.
func (s rowSet) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// countBoth is how many rows are in both.
func (s rowSet) countBoth(o rowSet) int {
	n := 0
	for i, w := range s {
		n += bits.OnesCount64(w & o[i])
	}
	return n
}

// each visits the rows in their order.
func (s rowSet) each(visit func(row int)) {
	for i, w := range s {
		for w != 0 {
			visit(i<<6 + bits.TrailingZeros64(w))
			w &= w - 1
		}
	}
}

// rowsWhere is the set of rows whose value is marked in a table by value.
func rowsWhere[T uint8 | uint32](column []T, marked []bool) rowSet {
	out := newRowSet(len(column))
	for i := range out {
		var w uint64
		part := column[i<<6 : min(i<<6+64, len(column))]
		for j, v := range part {
			if marked[v] {
				w |= 1 << j
			}
		}
		out[i] = w
	}
	return out
}

// rowsFrom is the set of rows whose value lies in from … to, both included.
func rowsFrom(column []uint32, from, to uint32) rowSet {
	out := newRowSet(len(column))
	for i := range out {
		var w uint64
		part := column[i<<6 : min(i<<6+64, len(column))]
		for j, v := range part {
			if v >= from && v <= to {
				w |= 1 << j
			}
		}
		out[i] = w
	}
	return out
}

// grow makes room for a number of rows.
func (s rowSet) grow(rows int) rowSet {
	for len(s) < (rows+63)/64 {
		s = append(s, 0)
	}
	return s
}

// set says whether a row is in the set.
func (s rowSet) set(row int, in bool) {
	if in {
		s.put(row)
	} else {
		s[row>>6] &^= 1 << (row & 63)
	}
}

// followed is a set of rows that can say of each row whether it is in it, so that it need not be made anew when few rows change.
type followed struct {
	rows rowSet
	test func(row int) bool // nil: it cannot
}

// follow brings the set to what changed rows are now, of size rows in all. It tells whether it could.
func (f *followed) follow(changed []int, size int) bool {
	if f.test == nil {
		return false
	}
	f.rows = f.rows.grow(size)
	for _, row := range changed {
		f.rows.set(row, f.test(row))
	}
	return true
}
