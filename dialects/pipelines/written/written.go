// Package written finds the places of values again. In systems whose files include, extend and call each other, a resource is put
// together of entries of several files; every value keeps the range of the entry that it was written as, and from that range alone
// the package says where it is and how it is changed there.
//
// It knows no system's words.
package written

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Places is the places of the files that a unit reads, and what is known of values that are not written as they are. It belongs to
// one goroutine.
type Places struct {
	unit  *pipelines.Unit
	files map[string]*index
	notes map[source.Range]Note
}

// Note is what is known of the value that is written at a range.
type Note struct {
	Trace []dialect.Step
	Waits []dialect.Wait
}

// New returns the places of a unit's files.
func New(u *pipelines.Unit) *Places {
	return &Places{unit: u, files: map[string]*index{}, notes: map[source.Range]Note{}}
}

// Spot is one place of a file that holds a value: a member of a mapping or an item of a sequence.
type Spot struct {
	In    *document.Node // the mapping or sequence
	Step  value.Step     // the way from it to the value
	Node  *document.Node // the value; of an alias, the node of its anchor
	Range source.Range   // a member with its key, an item as it stands
	Up    *Spot          // the place of In; nil at the root of a document
}

// Path is the way from the root of the document.
func (s *Spot) Path() value.Path {
	var p value.Path
	for ; s != nil; s = s.Up {
		p = append(p, s.Step)
	}
	slices.Reverse(p)
	return p
}

// index is the places of one file. A member and the item that it is alone in may have one range: they are told apart.
type index struct {
	members, items map[source.Range]*Spot
	holders        map[*document.Node]*Spot // the place of each collection, the first that there is
}

func (p *Places) of(path string) *index {
	if x := p.files[path]; x != nil {
		return x
	}
	x := &index{map[source.Range]*Spot{}, map[source.Range]*Spot{}, map[*document.Node]*Spot{}}
	p.files[path] = x
	if f, problem := p.unit.Read(path); problem == nil {
		for _, root := range f.Document().Roots {
			x.walk(root, nil, map[*document.Node]bool{})
		}
	}
	return x
}

// walk finds the places in a node. One that several aliases name is looked into once, where it stands first.
func (x *index) walk(n *document.Node, up *Spot, seen map[*document.Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	if n.Kind != document.Scalar && up != nil {
		x.holders[n] = up
	}
	for i, item := range n.Items {
		at := &Spot{n, value.Step{Index: i}, item, n.Place(i), up}
		x.items[at.Range] = at
		x.walk(item, at, seen)
	}
	for _, merged := range []bool{false, true} { // what a merge key brings in stands elsewhere, unless it stands behind the key
		for i := range n.Members {
			m := &n.Members[i]
			if m.Key.Kind != document.Scalar || m.Key.Text == "" || m.Merged != merged || merged && x.members[m.Range] != nil {
				continue
			}
			at := &Spot{n, value.Step{Name: m.Key.Text}, m.Value, m.Range, up}
			x.members[at.Range] = at
			x.walk(m.Value, at, seen)
		}
	}
}

// Member returns the member of a mapping that stands at a range, or nil.
func (p *Places) Member(r source.Range) *Spot {
	if r.IsZero() {
		return nil
	}
	return p.of(r.File).members[r]
}

// Item returns the item of a sequence that stands at a range, or nil.
func (p *Places) Item(r source.Range) *Spot {
	if r.IsZero() {
		return nil
	}
	return p.of(r.File).items[r]
}

// Holder returns the place of a collection; nil for the root of a document.
func (p *Places) Holder(n *document.Node) *Spot { return p.of(n.Range.File).holders[n] }

// Note keeps what is known of the value at a range.
func (p *Places) Note(r source.Range, n Note) {
	if r.IsZero() || len(n.Trace)+len(n.Waits) == 0 {
		return
	}
	was := p.notes[r]
	for _, w := range n.Waits {
		if !slices.Contains(was.Waits, w) {
			was.Waits = append(was.Waits, w)
		}
	}
	for _, s := range n.Trace {
		if !slices.Contains(was.Trace, s) {
			was.Trace = append(was.Trace, s)
		}
	}
	p.notes[r] = was
}

// Home is where a resource is written, for attributes that nobody wrote yet.
type Home struct {
	Node *document.Node           // the mapping; nil when there is none of the resource's own
	Only []string                 // the attributes that may be written there; nil for all that are in Words or written
	Word func(name string) string // the system's word for an attribute; nil: the same
}

// Handle makes the Handle of a resource whose Body is complete.
func (p *Places) Handle(r *resource.Resource, home Home) *pipelines.Handle {
	h := &handle{p, r, home}
	return &pipelines.Handle{Node: home.Node, Native: h.native, Waits: h.waits, Trace: h.trace, Lower: h.lower}
}

type handle struct {
	places *Places
	r      *resource.Resource
	home   Home
}

// spot is the place of the value that a path leads to, nil when it was not written there as it is.
func (h *handle) spot(path value.Path) *Spot {
	if len(path) == 0 {
		return nil
	}
	v := h.r.Body.At(path)
	if v.Kind == value.Absent || v.Range.IsZero() || v.Range == h.r.Range && len(path) == 1 && !h.isOwn(v.Range, path) {
		return nil
	}
	if path[len(path)-1].Name == "" {
		return h.places.Item(v.Range)
	}
	if s := h.places.Member(v.Range); s != nil {
		return s
	}
	return h.places.Item(v.Range) // a text that stands for an object: the name of an image
}

// isOwn reports whether an attribute is all that stands at the place of its resource, as the image of a ci_image is.
func (h *handle) isOwn(_ source.Range, path value.Path) bool {
	return slices.Contains(h.home.Only, path[0].Name)
}

// word is the system's word for a step.
func (h *handle) word(s value.Step) value.Step {
	if s.Name != "" && h.home.Word != nil {
		s.Name = h.home.Word(s.Name)
	}
	return s
}

// native says where people find a value.
func (h *handle) native(path value.Path) (value.Path, bool) {
	for n := len(path); n > 0; n-- {
		if s := h.spot(path[:n]); s != nil {
			out := s.Path()
			for _, rest := range path[n:] {
				out = append(out, h.word(rest))
			}
			return out, true
		}
		if h.r.Body.At(path[:n]).IsSet() {
			return nil, false // worked out of something else
		}
	}
	if h.home.Node == nil || !h.mayWrite(path) {
		return nil, false
	}
	out := h.places.Holder(h.home.Node).Path()
	for _, rest := range path {
		out = append(out, h.word(rest))
	}
	return out, true
}

func (h *handle) mayWrite(path value.Path) bool {
	return len(path) > 0 && slices.Contains(h.home.Only, path[0].Name)
}

// waits says what would decide a value: what was noted of it, of what is in it and of what it is in.
func (h *handle) waits(path value.Path) []dialect.Wait {
	var out []dialect.Wait
	h.noted(path, func(n Note) { out = append(out, n.Waits...) })
	if len(out) == 0 && h.r.Body.At(path).Kind == value.Unknown {
		out = append(out, dialect.Wait{Name: h.r.Address + "." + path.String(), Kind: "computed", Range: h.r.Header})
	}
	return out
}

func (h *handle) trace(path value.Path) []dialect.Step {
	var out []dialect.Step
	h.noted(path, func(n Note) { out = append(out, n.Trace...) })
	return out
}

// noted calls found with the notes of a value, of what is in it, and of the nearest value around it that has one.
func (h *handle) noted(path value.Path, found func(Note)) {
	some := false
	var walk func(v *value.Value)
	walk = func(v *value.Value) {
		if n, ok := h.places.notes[v.Range]; ok {
			some = true
			found(n)
		}
		for i := range v.Items {
			walk(&v.Items[i])
		}
		for i := range v.Fields {
			walk(&v.Fields[i].Value)
		}
	}
	walk(h.r.Body.At(path))
	for n := len(path) - 1; n > 0 && !some; n-- {
		if note, ok := h.places.notes[h.r.Body.At(path[:n]).Range]; ok {
			some = true
			found(note)
		}
	}
}

// lower finds the change of a document for a wish.
func (h *handle) lower(c resource.Change) (pipelines.Lowering, bool, error) {
	none := pipelines.Lowering{}
	if c.Op == resource.Create || len(c.Path) == 0 {
		return none, false, nil
	}
	have := h.r.Body.At(c.Path)
	switch {
	case c.Op == resource.Set && have.Includes(&c.Value, (*value.Value).Equal),
		c.Op == resource.Remove && have.Kind == value.Absent,
		c.Op == resource.Add && slices.ContainsFunc(have.Items, func(v value.Value) bool { return v.Includes(&c.Value, (*value.Value).Equal) }):
		return none, true, nil
	}
	native, ok := h.native(c.Path)
	if !ok {
		return none, false, fmt.Errorf("%s is worked out of other things and cannot be written", c.Path)
	}
	out := pipelines.Lowering{Title: string(c.Op) + " " + native.String()}
	if shown := value.Show(&c.Value); c.Op == resource.Set && len(shown) <= 60 {
		out.Title += " to " + shown
	}
	for n := len(c.Path); n > 0; n-- {
		s := h.spot(c.Path[:n])
		if s == nil {
			continue
		}
		if n == len(c.Path) && c.Op != resource.Add {
			out.Changes = []document.Change{{Op: c.Op, At: s.In, Path: value.Path{s.Step}, Value: c.Value}}
			return out, true, nil
		}
		rest := make(value.Path, 0, len(c.Path))
		for _, step := range c.Path[n:] {
			rest = append(rest, h.word(step))
		}
		if s.Node.Kind == document.Scalar && !s.Node.IsNull() {
			return none, false, fmt.Errorf("%s is written as a text, not as a mapping", native[:len(native)-len(rest)])
		}
		out.Changes = []document.Change{{Op: c.Op, At: s.In, Path: append(value.Path{s.Step}, rest...), Value: c.Value}}
		return out, true, nil
	}
	if h.home.Node == nil || h.home.Node.Kind != document.Mapping {
		return none, false, errors.New("there is no mapping that it could be written in")
	}
	if strings.Contains(native.String(), "${{") {
		return none, false, errors.New("an expression makes the entry that it would be written in")
	}
	path := make(value.Path, 0, len(c.Path))
	for _, step := range c.Path {
		path = append(path, h.word(step))
	}
	out.Changes = []document.Change{{Op: c.Op, At: h.home.Node, Path: path, Value: c.Value}}
	return out, true, nil
}
