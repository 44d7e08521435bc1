package gitlab

import (
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines/written"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// inputsOf is the inputs of a file with a header: what its caller gives, else their defaults.
type inputsOf struct {
	p      *pipeline
	given  value.Value
	header *document.Node // spec:inputs, nil when the file takes none
}

// input is the value of an input, and where it comes from. It is Unknown where only who calls the file knows.
func (in *inputsOf) input(name string) (value.Value, written.Note) {
	var note written.Note
	m := in.header.Member(name)
	if v := in.given.Field(name); v.Kind != value.Absent {
		note.Trace = []dialect.Step{{Name: "inputs." + name, Range: v.Range}}
		return *v, note
	}
	if m != nil {
		if d := m.Value.Get("default"); d != nil {
			note.Trace = []dialect.Step{{Name: "inputs." + name, Range: m.Range}}
			return d.Value(true, nil), note
		}
	}
	wait := dialect.Wait{Name: "inputs." + name, Kind: "variable"}
	if m != nil {
		wait.Range = m.Range
	}
	note.Waits = []dialect.Wait{wait}
	return value.Value{Kind: value.Unknown}, note
}

// fill puts the inputs into a value: $[[ inputs.name ]]. What is more than a name, a function behind a bar, is unknown.
func (in *inputsOf) fill(v *value.Value) {
	switch v.Kind {
	case value.Object:
		for i := range v.Fields {
			in.fill(&v.Fields[i].Value)
		}
	case value.List:
		for i := range v.Items {
			in.fill(&v.Items[i])
		}
	case value.String:
		if strings.Contains(v.Text, "$[[") {
			in.text(v)
		}
	}
}

func (in *inputsOf) text(v *value.Value) {
	out := expansion{at: v.Range}
	rest := v.Text
	for {
		start := strings.Index(rest, "$[[")
		if start < 0 {
			break
		}
		end := strings.Index(rest[start:], "]]")
		if end < 0 {
			break
		}
		name, isInput := strings.CutPrefix(strings.TrimSpace(rest[start+3:start+end]), "inputs.")
		filled, note := value.Value{Kind: value.Unknown}, written.Note{Waits: []dialect.Wait{{Name: strings.TrimSpace(rest[start+3 : start+end]), Kind: "function"}}}
		if isInput && !strings.ContainsAny(name, "| ,") {
			filled, note = in.input(name)
		}
		in.p.places.Note(v.Range, note)
		if start == 0 && start+end+2 == len(v.Text) { // all of it: an input keeps its type
			filled.Range = v.Range
			*v = filled
			return
		}
		out.literal(rest[:start])
		if t := textOf(&filled); len(out.prefix)+len(t) <= maxText && (filled.Kind == value.String || t != "") {
			out.literal(t)
		} else {
			out.unknown()
		}
		rest = rest[start+end+2:]
	}
	out.literal(rest)
	*v = out.value()
}

// expansion is a text that is put together of what is known and what is not.
type expansion struct {
	at            source.Range
	prefix, since string // what is known before the first unknown, and behind the last
	open          bool
}

func (e *expansion) literal(s string) {
	if !e.open {
		e.prefix += s
	}
	e.since += s
}

func (e *expansion) unknown() { e.open, e.since = true, "" }

func (e *expansion) value() value.Value {
	if !e.open {
		return value.Value{Kind: value.String, Text: e.prefix, Range: e.at}
	}
	v := value.Value{Kind: value.Unknown, NotNull: true, Text: e.prefix, Range: e.at}
	if e.prefix != "" {
		v.Ending = e.since
	}
	return v
}
