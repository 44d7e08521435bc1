package pipelines

import (
	"cmp"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Handle is the Resource.Handle of every resource of a pipeline: what is needed to answer questions about it. A resource without
// one cannot be explained or edited.
type Handle struct {
	Node   *document.Node // the mapping (or sequence) in which native paths begin; nil when nothing can be edited
	Prefix value.Path     // how people get to Node: jobs.build.steps[2]

	// Native carries a path of the resource to one in Node; false: nobody wrote what is there. Nil: they are the same.
	Native func(p value.Path) (value.Path, bool)

	// Waits says what would decide an unknown. Nil: nobody knows.
	Waits func(p value.Path) []dialect.Wait

	// Trace says where a value comes from that is not written in the resource. It may be nil.
	Trace func(p value.Path) []dialect.Step

	// Lower lowers a change that has a way of its own; done is false for one that is an edit of Node. It may be nil.
	Lower func(c resource.Change) (l Lowering, done bool, err error)

	// Also are the attributes that change with any other: they are worked out of what is written.
	Also []value.Path
}

// Lowering is what one change comes to. The zero value: there is nothing to do.
type Lowering struct {
	Changes []document.Change
	Edits   []source.Edit // on top of what the changes make
	Also    []value.Path
	Title   string
}

// native carries a path to one in the handle's node.
func (h *Handle) native(p value.Path) (value.Path, bool) {
	if h.Native == nil {
		return p, true
	}
	return h.Native(p)
}

// Body builds the body of a resource.
type Body []value.Field

// Set adds an attribute, in the place of one of that name. What is absent is left out.
func (b *Body) Set(name string, v value.Value) {
	if v.Kind == value.Absent {
		return
	}
	for i := range *b {
		if (*b)[i].Name == name {
			(*b)[i].Value = v
			return
		}
	}
	*b = append(*b, value.Field{Name: name, Value: v})
}

// Object returns the attributes as an object, written at a place.
func (b Body) Object(at source.Range) value.Value {
	fields := slices.Clone(b)
	slices.SortFunc(fields, func(x, y value.Field) int { return strings.Compare(x.Name, y.Name) })
	return value.Value{Kind: value.Object, Fields: fields, Range: at}
}

// String is a text that was written at a place.
func String(s string, at source.Range) value.Value {
	return value.Value{Kind: value.String, Text: s, Range: at}
}

// Bool is true or false, worked out of what stands at a place.
func Bool(b bool, at source.Range) value.Value {
	return value.Value{Kind: value.Bool, Bool: b, Range: at}
}

// Strings is a list of texts, all worked out of what stands at a place.
func Strings(texts []string, at source.Range) value.Value {
	v := value.Value{Kind: value.List, Items: make([]value.Value, len(texts)), Range: at}
	for i, s := range texts {
		v.Items[i] = String(s, at)
	}
	return v
}

// sortedWaits sorts waits by name, each name once.
func sortedWaits(waits []dialect.Wait) []dialect.Wait {
	out := slices.Clone(waits)
	slices.SortStableFunc(out, func(a, b dialect.Wait) int { return cmp.Compare(a.Name, b.Name) })
	return slices.CompactFunc(out, func(a, b dialect.Wait) bool { return a.Name == b.Name })
}
