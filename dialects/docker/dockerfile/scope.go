package dockerfile

import (
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// variable is an ARG or ENV.
type variable struct {
	text expanded
	env  bool
	at   source.Range // where it was written
}

// scope is the variables that an instruction of a stage sees.
type scope struct {
	parent *scope // of the stage that it is built from
	vars   map[string]*variable
	base   string // the image whose own variables nobody knows here; empty for scratch and the place before the first FROM
}

// maxScopes is how many stages are looked through for a variable.
const maxScopes = 100

func (s *scope) lookup(name string) *variable {
	for n := 0; s != nil && n < maxScopes; s, n = s.parent, n+1 {
		if v := s.vars[name]; v != nil {
			return v
		}
	}
	return nil
}

// origin is the image that the chain of stages begins with.
func (s *scope) origin() string {
	n := 0
	for ; s.parent != nil && n < maxScopes; n++ {
		s = s.parent
	}
	if n == maxScopes {
		return "the first stage"
	}
	return s.base
}

// platform are the arguments that the builder sets: before the first FROM, and after an ARG that names them.
var platform = map[string]bool{
	"TARGETPLATFORM": true, "TARGETOS": true, "TARGETARCH": true, "TARGETVARIANT": true,
	"BUILDPLATFORM": true, "BUILDOS": true, "BUILDARCH": true, "BUILDVARIANT": true,
}

// expanded is a text after its variables were put in.
type expanded struct {
	text   string // with what is not known left out
	known  bool
	prefix string // of an unknown one: its known beginning and end
	suffix string
	given  bool
	waits  []dialect.Wait
	trace  []dialect.Step
	names  []string // of the variables it names
}

// value makes the value that stands at a place.
func (x *expanded) value(at source.Range) value.Value {
	if x.known {
		return value.Value{Kind: value.String, Text: valid(x.text), Range: at, Given: x.given}
	}
	v := value.Value{Kind: value.Unknown, NotNull: true, Text: valid(x.prefix), Range: at, Given: x.given}
	if v.Text != "" {
		v.Ending = valid(x.suffix)
	}
	return v
}

// maxExpanded is how long a text may become: variables that hold variables double.
const maxExpanded = 64 << 10

// expander puts variables into a text: $name, ${name}, ${name:-word}, ${name:+word}.
type expander struct {
	scope  *scope
	escape byte
	out    strings.Builder
	last   int // length at the last unknown part
	result expanded
	depth  int
}

func (s *scope) expand(text string, escape byte) expanded {
	x := expander{scope: s, escape: escape, result: expanded{known: true}}
	x.text(text)
	return x.done()
}

func (x *expander) done() expanded {
	x.result.text = x.out.String()
	if !x.result.known {
		x.result.suffix = x.result.text[x.last:]
	}
	return x.result
}

func (x *expander) gap() {
	if x.result.known {
		x.result.known, x.result.prefix = false, x.out.String()
	}
	x.last = x.out.Len()
}

func (x *expander) write(s string) {
	if x.out.Len()+len(s) > maxExpanded {
		x.gap()
		return
	}
	x.out.WriteString(s)
}

func (x *expander) text(text string) {
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote == '\'' && c != '\'':
			x.write(text[i : i+1])
		case c == x.escape:
			if i+1 == len(text) {
				return
			}
			i++
			if quote == '"' && text[i] != '"' && text[i] != '$' && text[i] != x.escape {
				x.write(text[i-1 : i])
			}
			x.write(text[i : i+1])
		case (c == '"' || c == '\'') && (quote == 0 || quote == c):
			quote ^= c
		case c == '$':
			i += x.dollar(text[i:]) - 1
		default:
			x.write(text[i : i+1])
		}
	}
}

// dollar reads what a text that begins with $ names, and returns how long that is.
func (x *expander) dollar(text string) int {
	if !strings.HasPrefix(text, "${") {
		n := 1
		for n < len(text) && (text[n] == '_' || 'a' <= text[n] && text[n] <= 'z' || 'A' <= text[n] && text[n] <= 'Z' || n > 1 && '0' <= text[n] && text[n] <= '9') {
			n++
		}
		if n == 1 {
			x.write("$")
			return 1
		}
		x.variable(text[1:n], "", "")
		return n
	}
	end, depth := 2, 1
	for ; end < len(text) && depth > 0; end++ {
		switch text[end] {
		case x.escape:
			end++
		case '{':
			depth++
		case '}':
			depth--
		}
	}
	if depth > 0 {
		x.gap()
		return len(text)
	}
	inner := text[2 : end-1]
	n := 0
	for n < len(inner) && (inner[n] == '_' || 'a' <= inner[n] && inner[n] <= 'z' || 'A' <= inner[n] && inner[n] <= 'Z' || n > 0 && '0' <= inner[n] && inner[n] <= '9') {
		n++
	}
	op := inner[n:]
	for _, o := range []string{":-", ":+", ":?", "-", "+", "?"} {
		if word, ok := strings.CutPrefix(op, o); ok {
			x.variable(inner[:n], o, word)
			return end
		}
	}
	x.variable(inner[:n], op, "")
	return end
}

// variable puts in a variable under an operator: what the manual has, and patterns (#, %, /), which are not followed.
func (x *expander) variable(name, op, word string) {
	if len(x.result.names) < 16 {
		x.result.names = append(x.result.names, name)
	}
	v, known, set := x.scope.value(name)
	x.note(&v)
	empty := v.known && v.text == ""
	switch op {
	case "", "?", ":?":
		x.put(&v)
	case "-", ":-":
		switch {
		case known && (!set || op == ":-" && empty):
			x.nested(word)
		case v.known || v.prefix != "":
			x.put(&v)
		default:
			x.gap()
		}
	case "+", ":+":
		switch {
		case known && (!set || op == ":+" && empty):
		case known && (op == "+" || v.known):
			x.nested(word)
		default:
			x.gap()
		}
	default:
		x.gap()
	}
}

// note keeps where a variable comes from and what it waits for.
func (x *expander) note(v *expanded) {
	x.result.given = x.result.given || v.given
	if len(x.result.waits)+len(x.result.trace) < 32 {
		x.result.waits = append(x.result.waits, v.waits...)
		x.result.trace = append(x.result.trace, v.trace...)
	}
}

func (x *expander) put(v *expanded) {
	if v.known {
		x.write(v.text)
		return
	}
	if x.result.known {
		x.write(v.prefix)
	}
	x.gap()
	x.write(v.suffix)
}

func (x *expander) nested(word string) {
	if x.depth++; x.depth > 20 {
		x.gap()
		return
	}
	x.text(word)
	x.depth--
}

// value returns what a variable holds. Known says that it is told whether it is set at all.
func (s *scope) value(name string) (x expanded, known, set bool) {
	if v := s.lookup(name); v != nil {
		x = v.text
		kind := "ARG "
		if v.env {
			kind = "ENV "
		}
		x.trace = append(x.trace[:len(x.trace):len(x.trace)], dialect.Step{Name: kind + name, Range: v.at})
		return x, x.known || v.env, true
	}
	origin := s.origin()
	if origin == "" && !platform[name] {
		return expanded{known: true}, true, false
	}
	wait := dialect.Wait{Name: "variable " + name + " of " + origin, Kind: "computed"}
	if platform[name] {
		wait = dialect.Wait{Name: "build platform " + name, Kind: "variable"}
	}
	return expanded{given: platform[name], waits: []dialect.Wait{wait}}, false, false
}
