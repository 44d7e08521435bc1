package gitlab

import (
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/dialects/pipelines/written"
	"plumbline.dev/plumbline/value"
)

// maxExpansions bounds how often variables are followed into each other, and maxText what comes out.
const (
	maxExpansions = 20
	maxText       = 64 << 10
)

// expand puts variables into a text, as GitLab does it for the names of images: $NAME and ${NAME}. Those that the configuration does
// not set come from the project's settings, or from GitLab itself.
func (p *pipeline) expand(v value.Value, variables *value.Value) value.Value {
	if v.Kind != value.String || !strings.Contains(v.Text, "$") {
		return v
	}
	x := &expander{p: p, variables: variables}
	x.out.at = v.Range
	x.add(v.Text, 0)
	p.places.Note(v.Range, x.note)
	out := x.out.value()
	return out
}

type expander struct {
	p         *pipeline
	variables *value.Value
	out       expansion
	note      written.Note
	steps     int
}

func (x *expander) add(s string, depth int) {
	for s != "" {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			x.out.literal(s)
			return
		}
		x.out.literal(s[:i])
		name, width := variableName(s[i:])
		s = s[i+width:]
		if name == "" {
			x.out.literal("$") // $$ is a dollar, and so is one before anything else
			continue
		}
		x.variable(name, depth)
	}
}

// variableName reads a reference at the start of a text: the name and how long the reference is.
func variableName(s string) (name string, width int) {
	if strings.HasPrefix(s, "$$") {
		return "", 2
	}
	rest, brace := strings.CutPrefix(s[1:], "{")
	n := 0
	for n < len(rest) && (rest[n] == '_' || rest[n] >= 'a' && rest[n] <= 'z' || rest[n] >= 'A' && rest[n] <= 'Z' || n > 0 && rest[n] >= '0' && rest[n] <= '9') {
		n++
	}
	switch {
	case n == 0:
		return "", 1
	case brace && strings.HasPrefix(rest[n:], "}"):
		return rest[:n], n + 3
	case brace:
		return "", 1
	}
	return rest[:n], n + 1
}

func (x *expander) variable(name string, depth int) {
	v := variableValue(x.variables.Field(name))
	if x.steps++; v.Kind == value.Absent || v.Kind == value.Unknown || depth >= maxExpansions || x.steps > 200 || len(x.out.prefix) > maxText {
		wait := dialect.Wait{Name: name, Kind: "variable", Range: v.Range}
		x.note.Waits = append(x.note.Waits, wait)
		x.out.unknown()
		return
	}
	x.note.Trace = append(x.note.Trace, dialect.Step{Name: "variables." + name, Range: v.Range})
	if x.variables.Field(name).Field("expand").Kind == value.Bool && !x.variables.Field(name).Field("expand").Bool {
		x.out.literal(textOf(v))
		return
	}
	x.add(textOf(v), depth+1)
}

// variableValue is the value of a variable: written alone, or as value beside a description.
func variableValue(v *value.Value) *value.Value {
	if v.Kind == value.Object {
		return v.Field("value")
	}
	return v
}

// declare adds a ci_variable for each variable of a mapping, once for each place where one is written.
func (p *pipeline) declare(variables *value.Value, scope, job string) {
	if variables.Kind != value.Object {
		return
	}
	for i := range variables.Fields {
		f := &variables.Fields[i]
		v := *variableValue(&f.Value)
		at := f.Value.Range
		spot := p.places.Member(at)
		if spot == nil || p.declared[at] || v.Kind == value.Absent || v.Kind == value.Object || v.Kind == value.List || !p.owns(at.File) {
			continue
		}
		p.declared[at] = true
		if v.Kind != value.Unknown && v.Kind != value.Null {
			v = value.Value{Kind: value.String, Text: textOf(&v), Range: v.Range}
		}
		made := pipelines.Variable{Address: p.Address(p.addressOf(spot)), Name: f.Name, Value: v, Scope: scope, Range: at, Job: job}
		r := made.Resource(system)
		r.Handle = p.places.Handle(r, written.Home{Only: []string{"value"}})
		p.Add(r)
	}
}
