package store

import (
	"bytes"
	"hash/maphash"
	"sort"
)

// dict gives each of many texts a number, from 0 in the order of arrival. It holds them in a few large slices without pointers, so
// that a million of them cost the collector of garbage nothing. The zero has no texts. It only grows.
type dict struct {
	text   []byte   // the texts, one after the other
	ends   []uint32 // where each ends in text
	index  []uint32 // hash table with open addressing: number + 1, 0 is free
	folded []byte   // text with ASCII letters lowered, as far as somebody has searched in it
}

var dictSeed = maphash.MakeSeed()

// of returns the text of a number.
func (d *dict) of(code uint32) []byte {
	start := uint32(0)
	if code > 0 {
		start = d.ends[code-1]
	}
	return d.text[start:d.ends[code]]
}

// find returns the number of a text.
func (d *dict) find(text []byte) (code uint32, ok bool) {
	if len(d.index) == 0 {
		return 0, false
	}
	mask := uint64(len(d.index) - 1)
	for i := maphash.Bytes(dictSeed, text) & mask; ; i = (i + 1) & mask {
		switch n := d.index[i]; {
		case n == 0:
			return 0, false
		case bytes.Equal(d.of(n-1), text):
			return n - 1, true
		}
	}
}

// add returns the number of a text, a new one when it has none.
func (d *dict) add(text []byte) uint32 {
	if code, ok := d.find(text); ok {
		return code
	}
	if 4*(len(d.ends)+1) > 3*len(d.index) {
		d.index = make([]uint32, max(64, 2*len(d.index)))
		for code := range d.ends {
			d.place(uint32(code))
		}
	}
	d.text = append(d.text, text...)
	d.ends = append(d.ends, uint32(len(d.text)))
	code := uint32(len(d.ends) - 1)
	d.place(code)
	return code
}

func (d *dict) place(code uint32) {
	mask := uint64(len(d.index) - 1)
	i := maphash.Bytes(dictSeed, d.of(code)) & mask
	for d.index[i] != 0 {
		i = (i + 1) & mask
	}
	d.index[i] = code + 1
}

// match returns which texts a function accepts.
func (d *dict) match(accept func(text string) bool) []bool {
	out := make([]bool, len(d.ends))
	for code := range out {
		out[code] = accept(string(d.of(uint32(code))))
	}
	return out
}

// fold brings folded up to date; nobody else may use the dict meanwhile.
func (d *dict) fold() {
	for _, c := range d.text[len(d.folded):] {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		d.folded = append(d.folded, c)
	}
}

// containing marks the texts that have a part, which is folded as they are. fold was called since the last text came.
func (d *dict) containing(part []byte, out []bool) {
	for at := 0; at < len(d.folded); {
		i := bytes.Index(d.folded[at:], part)
		if i < 0 {
			return
		}
		from := uint32(at + i)
		code := sort.Search(len(d.ends), func(c int) bool { return d.ends[c] > from })
		if end := d.ends[code]; from+uint32(len(part)) <= end {
			out[code] = true
			at = int(end)
		} else { // it runs over into the next text
			at = int(from) + 1
		}
	}
}

// size is the memory that it takes, in bytes.
func (d *dict) size() int {
	return cap(d.text) + 4*cap(d.ends) + 4*cap(d.index) + cap(d.folded)
}

// ranks returns the place of each text in the order of the alphabet.
func (d *dict) ranks() []uint32 {
	order := make([]uint32, len(d.ends))
	for i := range order {
		order[i] = uint32(i)
	}
	sort.Slice(order, func(a, b int) bool { return bytes.Compare(d.of(order[a]), d.of(order[b])) < 0 })
	out := make([]uint32, len(order))
	for rank, code := range order {
		out[code] = uint32(rank)
	}
	return out
}
