package circleci

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/dialects/pipelines/written"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// argument is what one call gives for a parameter.
type argument struct {
	text string
	at   source.Range
	from string // the key of what calls: jobs.build, whose parameters the text may name
}

// maxArguments bounds the different values of one parameter that are looked at.
const maxArguments = 20

// maxText bounds what parameters make of a text.
const maxText = 64 << 10

// call notes the arguments of a call.
func (e *evaluation) call(key, from string, arguments *document.Node) {
	if arguments == nil {
		return
	}
	for i := range arguments.Members {
		m := &arguments.Members[i]
		add := func(n *document.Node, at source.Range) {
			if n.Kind != document.Scalar {
				return
			}
			if e.calls[key] == nil {
				e.calls[key] = map[string][]argument{}
			}
			if list := e.calls[key][m.Key.Text]; len(list) < maxArguments {
				e.calls[key][m.Key.Text] = append(list, argument{n.Text, at, from})
			}
		}
		if m.Key.Text == "matrix" {
			if all := m.Value.Get("parameters"); all != nil {
				for j := range all.Members {
					p := &all.Members[j]
					for _, item := range p.Value.Items {
						if item.Kind == document.Scalar {
							e.call(key, from, &document.Node{Kind: document.Mapping, Members: []document.Member{{Key: p.Key, Value: item, Range: p.Range}}})
						}
					}
				}
			}
			continue
		}
		add(m.Value, m.Range)
	}
}

// collectCalls finds who calls what, with which arguments.
func (e *evaluation) collectCalls(n *document.Node, prefix value.Path, depth int) {
	if n == nil || depth > 5 {
		return
	}
	key := func(section, name string) string {
		return append(slices.Clone(prefix), value.Step{Name: section}, value.Step{Name: name}).String()
	}
	// orb/command names what an orb of the file has.
	named := func(section, name string) string {
		if orb, inner, ok := strings.Cut(name, "/"); ok {
			return append(slices.Clone(prefix), value.Step{Name: "orbs"}, value.Step{Name: orb}, value.Step{Name: section}, value.Step{Name: inner}).String()
		}
		return key(section, name)
	}
	var steps func(list *document.Node, from string, depth int)
	steps = func(list *document.Node, from string, depth int) {
		if list == nil || list.Kind != document.Sequence || depth > 20 {
			return
		}
		for _, item := range list.Items {
			for i := range item.Members {
				m := &item.Members[i]
				switch m.Key.Text {
				case "when", "unless":
					steps(m.Value.Get("steps"), from, depth+1)
				case "run", "deploy":
				default:
					e.call(named("commands", m.Key.Text), from, m.Value)
				}
			}
		}
	}
	for _, section := range sections {
		all := n.Get(section)
		if all == nil {
			continue
		}
		for i := range all.Members {
			m := &all.Members[i]
			from := key(section, m.Key.Text)
			if x := m.Value.Get("executor"); x != nil {
				if name := x.Get("name"); name != nil && name.Kind == document.Scalar {
					e.call(named("executors", name.Text), from, x)
				}
			}
			steps(m.Value.Get("steps"), from, 0)
		}
	}
	if w := n.Get("workflows"); w != nil {
		for i := range w.Members {
			jobs := w.Members[i].Value.Get("jobs")
			if jobs == nil {
				continue
			}
			for _, item := range jobs.Items {
				for j := range item.Members {
					e.call(named("jobs", item.Members[j].Key.Text), "", item.Members[j].Value)
				}
			}
		}
	}
	if orbs := n.Get("orbs"); orbs != nil {
		for i := range orbs.Members {
			if m := &orbs.Members[i]; m.Value.Kind == document.Mapping {
				e.collectCalls(m.Value, append(slices.Clone(prefix), value.Step{Name: "orbs"}, value.Step{Name: m.Key.Text}), depth+1)
			}
		}
	}
}

// variants are what a text is for each different call of what it stands in.
func (e *evaluation) variants(text string, at source.Range, in place) []value.Value {
	names := expressionsIn(text)
	var varying string // the parameter that callers give in several ways: one, so that there are no products of them
	count := 0
	for _, x := range names {
		name, ok := strings.CutPrefix(x.name, "parameters.")
		if !ok {
			continue
		}
		if n := len(e.calls[in.key][name]); n > count {
			varying, count = name, n
		}
	}
	if count == 0 {
		return []value.Value{e.expand(text, at, in)}
	}
	var out []value.Value
	for i := range count {
		v := e.expandWith(text, at, in, func(name string) (argument, bool) {
			list := e.calls[in.key][name]
			if name == varying {
				return list[i], true
			}
			if len(list) > 0 {
				return list[min(i, len(list)-1)], true
			}
			return argument{}, false
		})
		if !slices.ContainsFunc(out, func(o value.Value) bool { return o.Equal(&v) }) {
			out = append(out, v)
		}
	}
	return out
}

func (e *evaluation) expand(text string, at source.Range, in place) value.Value {
	return e.expandWith(text, at, in, func(string) (argument, bool) { return argument{}, false })
}

// expression is one << … >> of a text.
type expression struct {
	start, end int
	name       string
}

// expressionsIn finds the expressions of a text. \<< is none.
func expressionsIn(text string) []expression {
	var out []expression
	for at := 0; ; {
		i := strings.Index(text[at:], "<<")
		if i < 0 {
			return out
		}
		start := at + i
		n := strings.Index(text[start:], ">>")
		if n < 0 {
			return out
		}
		name := strings.TrimSpace(text[start+2 : start+n])
		if start > 0 && text[start-1] == '\\' || name == "" || strings.ContainsAny(name, " \n<") {
			at = start + 2 // a here-document, and the like
			continue
		}
		out = append(out, expression{start, start + n + 2, name})
		at = start + n + 2
	}
}

// expandWith puts parameters into a text.
func (e *evaluation) expandWith(text string, at source.Range, in place, given func(string) (argument, bool)) value.Value {
	var note written.Note
	known, last := "", 0
	open, prefix := false, ""
	for _, x := range expressionsIn(text) {
		known += text[last:x.start]
		last = x.end
		v, ok := e.parameter(x.name, in, given, &note, 0)
		if !ok || len(known)+len(v) > maxText {
			if !open {
				open, prefix = true, known
			}
			known = ""
			note.Waits = append(note.Waits, dialect.Wait{Name: x.name, Kind: "variable"})
			continue
		}
		known += v
	}
	known += text[last:]
	e.places.Note(at, note)
	if !open {
		return value.Value{Kind: value.String, Text: known, Range: at}
	}
	v := value.Value{Kind: value.Unknown, NotNull: true, Text: prefix, Range: at}
	if prefix != "" {
		v.Ending = known
	}
	return v
}

// parameter is the text of an expression: what a call gives, or the default.
func (e *evaluation) parameter(name string, in place, given func(string) (argument, bool), note *written.Note, depth int) (string, bool) {
	if depth > 5 {
		return "", false
	}
	declared := e.pipe
	short, ok := strings.CutPrefix(name, "pipeline.parameters.")
	if !ok {
		if short, ok = strings.CutPrefix(name, "parameters."); !ok {
			return "", false
		}
		declared = in.owner.Get("parameters")
		if a, ok := given(short); ok {
			note.Trace = append(note.Trace, dialect.Step{Name: "parameters." + short, Range: a.at})
			names := expressionsIn(a.text)
			if len(names) == 0 {
				return a.text, true
			}
			if len(names) == 1 && names[0].start == 0 && names[0].end == len(a.text) {
				from := place{key: a.from, owner: e.owner(a.from)}
				return e.parameter(names[0].name, from, func(string) (argument, bool) { return argument{}, false }, note, depth+1)
			}
			return "", false
		}
	}
	m := declared.Member(short)
	if m == nil {
		return "", false
	}
	if d := m.Value.Get("default"); d != nil && d.Kind == document.Scalar && len(expressionsIn(d.Text)) == 0 {
		note.Trace = append(note.Trace, dialect.Step{Name: name, Range: m.Range})
		return d.Text, true
	}
	return "", false
}

// owner is the job, command or executor of a key.
func (e *evaluation) owner(key string) *document.Node {
	p, _ := value.ParsePath(key)
	n := e.Main.Root()
	for _, s := range p {
		n = n.Get(s.Name)
	}
	return n
}

// placeholders are the expressions of a script by what they stand for. Of a parameter that a caller sets to another expression, it is that
// one: what an outsider chooses stays visible on its way.
func (e *evaluation) placeholders(text string, in place) []pipelines.Placeholder {
	var out []pipelines.Placeholder
	for _, x := range expressionsIn(text) {
		out = append(out, pipelines.Placeholder{Start: x.start, End: x.end, Name: e.behind(x.name, in.key, 0)})
	}
	return out
}

// maxFollowed bounds the parameters of a file that are followed to their callers.
const maxFollowed = 100_000

// behind is what an expression stands for, through the parameters of calls.
func (e *evaluation) behind(name, key string, depth int) string {
	short, ok := strings.CutPrefix(name, "parameters.")
	if e.followed++; !ok || depth > 5 || e.followed > maxFollowed {
		return name
	}
	for _, a := range e.calls[key][short] {
		for _, x := range expressionsIn(a.text) {
			if b := e.behind(x.name, a.from, depth+1); strings.HasPrefix(b, "pipeline.") && !strings.HasPrefix(b, "pipeline.parameters.") {
				return b
			}
		}
	}
	return name
}
