package chart

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// manner says how a function treats what it is given.
type manner uint8

const (
	looks   manner = iota // it looks at texts, and prints what is none in its errors: they are handed over without marks, and what it returns carries the mark of the one it was given
	walks                 // it looks at all there is in tables and lists
	carries               // texts go through it as they are
	merges                // it walks tables and lists, and texts go through it as they are
)

var manners = map[string]manner{
	"toYaml": walks, "toYamlPretty": walks, "toJson": walks, "toPrettyJson": walks, "toRawJson": walks, "toToml": walks,
	"mustToJson": walks, "mustToPrettyJson": walks, "mustToRawJson": walks,
	"toString": walks, "toStrings": walks, "quote": walks, "squote": walks, "cat": walks, "join": walks, "sortAlpha": walks,
	"deepEqual": walks, "has": walks, "mustHas": walks, "uniq": walks, "mustUniq": walks, "without": walks, "mustWithout": walks,
	"html": walks, "js": walks, "urlquery": walks, "print": walks, "println": walks, "printf": walks,

	"deepCopy": merges, "mustDeepCopy": merges, "merge": merges, "mustMerge": merges, "mergeOverwrite": merges, "mustMergeOverwrite": merges,

	"default": carries, "coalesce": carries, "ternary": carries, "dict": carries, "list": carries, "tuple": carries, "set": carries,
	"get": carries, "unset": carries, "pluck": carries, "dig": carries, "values": carries, "first": carries, "mustFirst": carries,
	"last": carries, "mustLast": carries, "rest": carries, "mustRest": carries, "initial": carries, "mustInitial": carries,
	"append": carries, "mustAppend": carries, "push": carries, "mustPush": carries, "prepend": carries, "mustPrepend": carries,
	"concat": carries, "reverse": carries, "mustReverse": carries, "chunk": carries, "mustChunk": carries, "slice": carries, "mustSlice": carries,
	"indent": carries, "nindent": carries, "trim": carries, "empty": carries, "kindOf": carries, "kindIs": carries, "typeOf": carries,
	"typeIs": carries, "typeIsLike": carries, "compact": carries, "mustCompact": carries, "omit": carries, "pick": carries, "hasKey": carries,
	"now": carries, "lookup": carries, "all": carries, "any": carries, "keys": carries, "until": carries, "untilStep": carries,
	"include": carries, "tpl": carries, "required": carries, "fail": carries,
}

var errorType = reflect.TypeFor[error]()

// wrapped returns a function as templates call it: its work is paid for, the size of what it makes is bounded, and of marks it
// sees what its manner says. Its type stays, so that arguments are checked as Helm checks them.
func (r *renderer) wrapped(name string) any {
	raw := reflect.ValueOf(r.names[name])
	switch name {
	case "include", "tpl", "required", "fail":
		return r.names[name] // they count for themselves
	}
	t := raw.Type()
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		in[i] = t.In(i)
	}
	out := []reflect.Type{t.Out(0), errorType}
	how := manners[name]
	return reflect.MakeFunc(reflect.FuncOf(in, out, t.IsVariadic()), func(args []reflect.Value) []reflect.Value {
		result, err := r.call(name, how, raw, args)
		if err != nil {
			return []reflect.Value{reflect.Zero(t.Out(0)), reflect.ValueOf(&err).Elem()}
		}
		return []reflect.Value{result, reflect.Zero(errorType)}
	}).Interface()
}

// call calls a function with arguments prepared after its manner.
func (r *renderer) call(name string, how manner, raw reflect.Value, args []reflect.Value) (reflect.Value, error) {
	p := plainer{renderer: r, deep: how != carries, keep: how == carries || how == merges, sole: -1, unknown: -1}
	if name == "printf" {
		p.keep = simpleFormat(args)
	}
	ready := make([]reflect.Value, len(args))
	for i, a := range args {
		ready[i] = p.value(a)
	}
	if name == "set" || name == "dict" {
		p.keys(name, ready)
	}
	err := p.err
	if err == nil {
		err = r.pay(p.size/64 + p.nodes)
	}
	if err == nil {
		err = r.bound(name, ready)
	}
	if err == nil {
		err = r.pay(cost(name, ready, &p))
	}
	if err != nil {
		return reflect.Value{}, err
	}
	var results []reflect.Value
	if raw.Type().IsVariadic() {
		results = raw.CallSlice(ready)
	} else {
		results = raw.Call(ready)
	}
	if len(results) == 2 && !results[1].IsNil() {
		return reflect.Value{}, results[1].Interface().(error)
	}
	return r.returned(&p, results[0])
}

// returned bounds a result, and puts the mark of what was looked at on it.
func (r *renderer) returned(p *plainer, result reflect.Value) (reflect.Value, error) {
	s, isText := "", false
	switch result.Kind() {
	case reflect.String:
		s, isText = result.String(), true
	case reflect.Interface:
		s, isText = result.Interface().(string)
	}
	if isText && len(s) > r.limits.ValueBytes {
		return reflect.Value{}, r.exceeded("a function makes a text of %d bytes", len(s))
	}
	if p.sole >= 0 && !p.several && isText {
		text := marked(s, p.sole)
		if result.Kind() == reflect.String {
			return reflect.ValueOf(text).Convert(result.Type()), nil
		}
		return reflect.ValueOf(text), nil
	}
	if p.unknown >= 0 && isText { // all of it depends on what is not known
		return reflect.ValueOf(marked(s, p.unknown)), nil
	}
	if p.required != "" {
		return reflect.Value{}, errors.New(p.required)
	}
	return result, nil
}

// plainer takes marks out of arguments and measures them.
type plainer struct {
	*renderer
	deep bool // into tables and lists
	keep bool // marks stay

	size     int // bytes of texts
	nodes    int
	sole     int    // the one mark of the one text that has any, else -1
	several  bool   // there are texts that are marked otherwise
	unknown  int    // a mark of what is made anew, or must be given, else -1
	required string // a value that must be given was looked at: what is said when there is none
	err      error
}

// most is how much a function may look at: what is built of itself again and again would keep it for ever.
const (
	mostNodes = 500_000
	mostDepth = 250
)

func (p *plainer) value(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		if s := p.text(v.String()); len(s) != v.Len() {
			return reflect.ValueOf(s).Convert(v.Type())
		}
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		if got, changed := p.any(v.Interface(), 0); changed {
			out := reflect.New(v.Type()).Elem()
			out.Set(reflect.ValueOf(got))
			return out
		}
	case reflect.Slice: // of a variadic function, or a list
		if v.Type().Elem().Kind() != reflect.Interface && v.Type().Elem().Kind() != reflect.String && v.Type().Elem().Kind() != reflect.Map {
			p.nodes += v.Len() / 64
			return v
		}
		out := v
		for i := range v.Len() {
			was := v.Index(i)
			if now := p.value(was); now != was && (was.Kind() != reflect.String || now.String() != was.String()) {
				if out == v {
					out = reflect.MakeSlice(v.Type(), v.Len(), v.Len())
					reflect.Copy(out, v)
				}
				out.Index(i).Set(now)
			}
			if p.nodes++; p.err != nil {
				break
			}
		}
		return out
	case reflect.Map:
		if p.deep && v.Type().Key().Kind() == reflect.String && !v.IsNil() {
			if got, changed := p.any(v.Interface(), 0); changed {
				return reflect.ValueOf(got).Convert(v.Type())
			}
		}
	}
	return v
}

// any prepares a value, and reports whether it is another one than before.
func (p *plainer) any(v any, depth int) (any, bool) {
	if p.nodes++; p.nodes > mostNodes || depth > mostDepth {
		if p.err == nil {
			p.err = p.exceeded("a function looks at a value that has too many parts, or itself in it")
		}
		return v, false
	}
	if p.err != nil {
		return v, false
	}
	switch v := v.(type) {
	case string:
		s := p.text(v)
		return s, len(s) != len(v)
	case []byte:
		p.size += len(v)
	case map[string]any:
		return p.table(v, depth)
	case Values:
		if t, changed := p.table(v, depth); changed {
			return Values(t), true
		}
	case []any:
		if !p.deep && depth > 0 {
			return v, false
		}
		out := v
		for i, e := range v {
			if now, changed := p.any(e, depth+1); changed {
				if &out[0] == &v[0] {
					out = append([]any(nil), v...)
				}
				out[i] = now
			}
		}
		return out, len(v) > 0 && &out[0] != &v[0]
	case [][]any:
		for _, e := range v {
			p.any(e, depth+1)
		}
	}
	return v, false
}

func (p *plainer) table(v map[string]any, depth int) (map[string]any, bool) {
	if !p.deep {
		return v, false
	}
	out, changed := v, false
	for k, e := range v {
		now, differs := p.any(e, depth+1)
		if !differs {
			continue
		}
		if !changed {
			out, changed = make(map[string]any, len(v)), true
			for k, e := range v {
				out[k] = e
			}
		}
		out[k] = now
	}
	return out, changed
}

// text prepares a text.
func (p *plainer) text(s string) string {
	p.size += len(s)
	if p.keep || !p.marks || strings.IndexByte(s, 0xF3) < 0 {
		return s
	}
	plain := unmarked(s)
	if len(plain) == len(s) {
		return s
	}
	if id, ok := sole(s); ok && (p.sole < 0 || p.sole == id) {
		p.sole = id
	} else {
		p.several = true
	}
	eachMark(s, func(id int, _ string) {
		if id < 0 || id >= len(p.origins) {
			return
		}
		if o := p.origins[id]; o.Required || o.Made && p.required == "" {
			p.unknown, p.required = id, p.messages[id]
		}
	})
	return plain
}

// keys takes marks out of what become the keys of a table.
func (p *plainer) keys(name string, args []reflect.Value) {
	if name == "set" && len(args) == 3 {
		args[1] = reflect.ValueOf(unmarked(args[1].String()))
		return
	}
	if list, ok := args[0].Interface().([]any); ok {
		var out []any
		for i, k := range list {
			if i%2 == 0 { // it is printed when it is no text
				q := plainer{renderer: p.renderer, deep: true, keep: true, sole: -1, unknown: -1}
				if q.any(k, 0); q.err != nil {
					p.err = q.err
					return
				}
			}
			if s, ok := k.(string); ok && i%2 == 0 && strings.IndexByte(s, 0xF3) >= 0 {
				if out == nil {
					out = append(out, list...)
				}
				out[i] = unmarked(s)
			}
		}
		if out != nil {
			args[0] = reflect.ValueOf(out)
		}
	}
}

// simpleFormat reports whether a format puts texts as they are where its verbs stand.
func simpleFormat(args []reflect.Value) bool {
	format := args[0].String()
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		if i++; i >= len(format) || !strings.ContainsRune("svd%", rune(format[i])) {
			return false
		}
	}
	return true
}

// bound refuses a call whose result would be too large before it is made.
func (r *renderer) bound(name string, args []reflect.Value) error {
	number := func(i int) int { return int(min(max(args[i].Int(), -1<<40), 1<<40)) }
	length := func(i int) int { return args[i].Len() }
	size, items := 0, 0
	switch name {
	case "repeat":
		size = number(0) * length(1)
	case "indent", "nindent":
		size = length(1) + number(0)*(1+strings.Count(args[1].String(), "\n"))
		if number(0) < 0 {
			return fmt.Errorf("negative indentation")
		}
	case "replace":
		size = length(2) + (1+strings.Count(args[2].String(), args[0].String()))*length(1)
	case "regexReplaceAll", "mustRegexReplaceAll", "regexReplaceAllLiteral", "mustRegexReplaceAllLiteral":
		if s, with := length(1), length(2); s*with > r.limits.ValueBytes {
			size = (s + 1) * with
		} else {
			size = (s+1)*with + s*strings.Count(args[2].String(), "$")
		}
	case "wrap":
		size = 2 * length(1)
	case "wrapWith":
		size = length(2) + (1+length(2)/max(number(0), 1))*length(1)
	case "join":
		if v := reflect.ValueOf(args[1].Interface()); v.Kind() == reflect.Slice {
			size = v.Len() * length(0)
		}
	case "until":
		items = max(number(0), -number(0))
	case "untilStep":
		items = (number(1) - number(0)) / max(number(2), -number(2), 1)
	case "seq":
		items = r.sequence(args[0])
	case "printf":
		size = widths(args[0].String())
	}
	if size > r.limits.ValueBytes || size < 0 {
		return r.exceeded("%s would make a text of more than %d bytes", name, r.limits.ValueBytes)
	}
	if items = max(items, -items); items > r.limits.Steps/4 {
		return r.exceeded("%s would make a list of more than %d numbers", name, r.limits.Steps/4)
	}
	return r.pay(size/64 + items)
}

// sequence returns how many numbers seq would count.
func (r *renderer) sequence(args reflect.Value) int {
	n := make([]int, args.Len())
	for i := range n {
		n[i] = int(min(max(args.Index(i).Int(), -1<<40), 1<<40))
	}
	switch len(n) {
	case 1:
		return n[0]
	case 2:
		return n[1] - n[0]
	case 3:
		return (n[2] - n[0]) / max(n[1], -n[1], 1)
	}
	return 0
}

// widths adds up what the verbs of a format are padded to.
func widths(format string) int {
	total := 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		n := 0
		for i++; i < len(format) && strings.IndexByte("+-# 0123456789.*[]", format[i]) >= 0; i++ {
			switch c := format[i]; {
			case c == '*':
				total += 1_000_000
			case c >= '0' && c <= '9':
				n = min(10*n+int(c-'0'), 1_000_000)
			default:
				total, n = total+n, 0
			}
		}
		total += n
	}
	return total
}
