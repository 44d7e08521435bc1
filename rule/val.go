package rule

import (
	"math"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// kind says what a val holds. The zero is null, which is also what an absent value is.
type kind uint8

const (
	null kind = iota
	unknown
	boolean
	number
	text
	list
	object
	failure // an error of the expression: a division by zero
)

// val is a value during evaluation: a view of a node of a resource's body, or something computed. It is small enough to be
// passed by value, and a val that is not computed costs no memory.
type val struct {
	kind    kind
	bool    bool         // of boolean
	double  bool         // of number: CEL's double, whose division keeps fractions
	maybe   bool         // of an element: it may not be there
	notNull bool         // of unknown: it will not be null
	given   bool         // of text and unknown: it is not in the code, see value.Value
	unset   bool         // of unknown: nothing was written and the cloud chooses, so defaults within it still hold
	num     float64      // of number
	text    string       // of text; of unknown: the known prefix; of failure: the message
	node    *value.Value // of list and object: the node; of text and unknown: the node when it has a Document or an Ending
	seq     *sequence    // of list and object when they are computed
	span    *span        // of unknown: the bounds of a number, nil when there are none
	at      *place       // where it stands; nil when it is computed
}

// sequence is a computed list or map.
type sequence struct {
	items []val
	keys  []string // of maps, one for each item
	open  bool     // there may be more
	why   *place   // of an open one: what it waits for; may be nil
}

// span bounds an unknown number.
type span struct{ low, high float64 }

var (
	isTrue  = val{kind: boolean, bool: true}
	isFalse = val{kind: boolean}
	unsure  = val{kind: unknown}
)

// place says where a value stands in a resource.
type place struct {
	res    *resource.Resource
	parent *place
	steps  value.Path // from the parent; shared, never to be changed
	opaque bool       // it was computed from what stands here: parts of it stand here too
}

func (p *place) path() value.Path {
	if p.parent == nil {
		return p.steps
	}
	up := p.parent.path()
	if len(up) == 0 {
		return p.steps
	}
	return append(up[:len(up):len(up)], p.steps...)
}

// root returns the resource.
func (p *place) root() *resource.Resource {
	for p.parent != nil {
		p = p.parent
	}
	return p.res
}

// view shows a node as a val.
func view(n *value.Value, at *place) val {
	switch n.Kind {
	case value.Unknown:
		v := val{kind: unknown, notNull: n.NotNull || n.Text != "", text: n.Text, given: n.Given, at: at}
		if n.Document != nil || n.Ending != "" {
			v.node = n
		}
		return v
	case value.Bool:
		return val{kind: boolean, bool: n.Bool, at: at}
	case value.Number:
		return val{kind: number, num: n.Number, at: at}
	case value.String:
		v := val{kind: text, text: n.Text, given: n.Given, at: at}
		if n.Document != nil {
			v.node = n
		}
		return v
	case value.List:
		return val{kind: list, node: n, at: at}
	case value.Object:
		return val{kind: object, node: n, at: at}
	}
	return val{at: at}
}

func texts(s string) val { return val{kind: text, text: s} }

func numbers(f float64) val { return val{kind: number, num: f} }

func fails(message string) val { return val{kind: failure, text: message} }

func computed(items []val) val { return val{kind: list, seq: &sequence{items: items}} }

// size returns how many elements or keys are listed, those that may not be there included.
func (v *val) size() int {
	switch {
	case v.seq != nil:
		return len(v.seq.items)
	case v.node == nil:
		return 0
	case v.kind == object:
		return len(v.node.Fields)
	}
	return len(v.node.Items)
}

// open reports whether a list or object may have more than is listed.
func (v *val) open() bool {
	if v.seq != nil {
		return v.seq.open
	}
	return v.node != nil && v.node.Open
}

// item returns element i of a list without its place, which child makes.
func (v *val) item(i int) val {
	if v.seq != nil {
		return v.seq.items[i]
	}
	x := view(&v.node.Items[i], nil)
	x.maybe = v.node.Items[i].Maybe
	return x
}

// key returns key i of an object.
func (v *val) key(i int) string {
	if v.seq != nil {
		return v.seq.keys[i]
	}
	return v.node.Fields[i].Name
}

// member returns the value of a key of an object; present is false when the key is not listed.
func (v *val) member(name string) (m val, present bool) {
	if v.seq == nil {
		f := v.node.Field(name)
		return view(f, nil), f.Kind != value.Absent
	}
	for i, k := range v.seq.keys {
		if k == name {
			return v.seq.items[i], true
		}
	}
	return val{}, false
}

// certain returns how many elements are surely there.
func (v *val) certain() int {
	if v.seq == nil {
		n := v.size()
		if v.kind == list && v.node != nil {
			for i := range v.node.Items {
				if v.node.Items[i].Maybe {
					n--
				}
			}
		}
		return n
	}
	n := 0
	for i := range v.seq.items {
		if !v.seq.items[i].maybe {
			n++
		}
	}
	return n
}

// fixed reports whether exactly the listed elements are there.
func (v *val) fixed() bool { return !v.open() && v.certain() == v.size() }

// verdict is a truth value.
type verdict uint8

const (
	no verdict = iota
	yes
	open
	broken // an error
)

func decided(b bool) verdict {
	if b {
		return yes
	}
	return no
}

func (t verdict) not() verdict {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return t
}

// val turns a verdict that is not broken into a value.
func (t verdict) val() val {
	switch t {
	case yes:
		return isTrue
	case no:
		return isFalse
	}
	return unsure
}

// truth reads v where a bool is needed: null is false.
func (v *val) truth() verdict {
	switch v.kind {
	case boolean:
		return decided(v.bool)
	case null:
		return no
	case unknown:
		return open
	case text:
		switch v.text {
		case "true":
			return yes
		case "false", "":
			return no
		}
	}
	return broken
}

// want is the type that a value must have by the schema; the values of sloppy sources are converted to it.
type want struct {
	kind wantKind
	elem *want // of wantList and wantMap
}

type wantKind uint8

const (
	wantAny wantKind = iota
	wantBool
	wantNumber
	wantText
	wantList
	wantMap
	wantObject
)

// as converts v to what is wanted, if it can; else v stays what it is. Null and unknown fit everything.
func (v val) as(w *want) val {
	switch v.kind {
	case null, unknown, failure:
		return v
	}
	switch w.kind {
	case wantBool:
		if v.kind == text {
			switch v.text {
			case "true", "1":
				return val{kind: boolean, bool: true, at: v.at}
			case "false", "0":
				return val{kind: boolean, at: v.at}
			case "":
				return val{at: v.at}
			}
		}
	case wantNumber:
		if v.kind == text {
			if f, err := strconv.ParseFloat(strings.TrimSpace(v.text), 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
				return val{kind: number, num: f, at: v.at}
			} else if v.text == "" {
				return val{at: v.at}
			}
		}
	case wantText:
		switch v.kind {
		case boolean, number:
			return val{kind: text, text: v.print(), at: v.at}
		}
	case wantList:
		if v.kind != list {
			v = val{kind: list, seq: &sequence{items: []val{v}}, at: v.at}
		}
		return v.convert(w.elem)
	case wantMap:
		if v.kind == object {
			return v.convert(w.elem)
		}
	case wantObject:
		if v.kind == list && v.fixed() {
			switch v.size() {
			case 0:
				return val{at: v.at}
			case 1:
				item := v.item(0)
				item.at = v.at
				return item
			}
		}
	}
	return v
}

// convert converts the elements that are not what is wanted; usually none, and nothing is copied.
func (v val) convert(w *want) val {
	if w == nil || v.seq != nil {
		return v
	}
	wrong := func(n *value.Value) bool {
		switch n.Kind {
		case value.Bool:
			return w.kind != wantBool
		case value.Number:
			return w.kind != wantNumber
		case value.String:
			return w.kind != wantText
		}
		return false
	}
	any := false
	if w.kind == wantBool || w.kind == wantNumber || w.kind == wantText {
		for i := range v.node.Items {
			any = any || wrong(&v.node.Items[i])
		}
		for i := range v.node.Fields {
			any = any || wrong(&v.node.Fields[i].Value)
		}
	}
	if !any {
		return v
	}
	seq := &sequence{open: v.node.Open, why: v.at}
	for i := range v.node.Items {
		x := view(&v.node.Items[i], nil).as(w)
		x.maybe = v.node.Items[i].Maybe
		seq.items = append(seq.items, x)
	}
	for i := range v.node.Fields {
		seq.items = append(seq.items, view(&v.node.Fields[i].Value, nil).as(w))
		seq.keys = append(seq.keys, v.node.Fields[i].Name)
	}
	return val{kind: v.kind, seq: seq, at: v.at}
}

// print writes a scalar as string() and messages do; other kinds have no text.
func (v *val) print() string {
	switch v.kind {
	case boolean:
		return strconv.FormatBool(v.bool)
	case number:
		return strconv.FormatFloat(v.num, 'f', -1, 64)
	case text:
		return v.text
	}
	return ""
}
