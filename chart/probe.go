package chart

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"plumbline.dev/plumbline/value"
)

// frame is what is known of the value that a block or a variable was set to, while a template runs.
type frame struct {
	from  value.Path // of the value, or of the list or table that a loop runs over
	exact bool
	text  string   // of a scalar: a variable that was set again has another one
	loop  bool     // a step of it is one element
	keys  []string // of a table: what the loop runs over
	n     int      // the element that it is at
	unset bool     // the value was not set, a default was taken
}

// probes returns the functions that only instrumented templates call.
func (r *renderer) probes() map[string]any {
	return map[string]any{
		fnEmit: r.emit, fnStep: r.step, fnEnter: r.enter, fnRange: r.loop, fnWith: r.with, fnPlain: r.plain, fnCall: r.call0, fnHeld: r.held, fnPaid: r.paid,
	}
}

// enter is the start of a template.
func (r *renderer) enter() (string, error) { return "", r.pay(1) }

// step is the start of an iteration.
func (r *renderer) step(id int) (string, error) {
	if f := r.frames[id]; f != nil {
		f.n++
	}
	return "", r.pay(3)
}

// plain hands a value to a function of text/template's, without marks.
func (r *renderer) plain(v reflect.Value) (reflect.Value, error) {
	p := plainer{renderer: r, sole: -1, unknown: -1}
	switch inner := v; {
	case !v.IsValid():
		return v, nil
	case v.Kind() == reflect.Interface:
		inner = v.Elem()
		fallthrough
	default:
		if inner.Kind() != reflect.String {
			return v, nil
		}
		s := p.text(inner.String())
		if p.required != "" {
			return v, errors.New(p.required)
		}
		if len(s) == inner.Len() {
			return v, nil
		}
		return reflect.ValueOf(s).Convert(inner.Type()), nil
	}
}

// held hands a value to a function that compares: one that is no scalar is printed as what cannot be compared, and must have an end.
func (r *renderer) held(v reflect.Value) (reflect.Value, error) {
	if inner := inside(v); inner.IsValid() && (inner.Kind() == reflect.Map || inner.Kind() == reflect.Slice) && inner.CanInterface() {
		p := plainer{renderer: r, deep: true, keep: true, sole: -1, unknown: -1}
		if p.any(inner.Interface(), 0); p.err == nil {
			p.err = r.pay(p.nodes + p.size/64)
		}
		if p.err != nil {
			return v, p.err
		}
	}
	return r.plain(v)
}

// paid pays for what a method of Files or Values made.
func (r *renderer) paid(v reflect.Value) (reflect.Value, error) {
	n := 0
	if inner := inside(v); inner.IsValid() {
		switch inner.Kind() {
		case reflect.String:
			n = inner.Len() / 32
		case reflect.Slice:
			n = inner.Len() / 32
		case reflect.Map:
			if _, found := inner.Interface().(Files); found { // all were looked at to find them
				n = 2 * r.mostFiles
			}
		}
	}
	return v, r.pay(n)
}

// loop sees what a range runs over.
func (r *renderer) loop(id int, v reflect.Value) (reflect.Value, error) {
	f := &frame{loop: true, n: -1}
	if inner := inside(v); inner.IsValid() {
		f.from, f.exact = r.identityOf(inner), true
		if f.from != nil && inner.Kind() == reflect.Map && inner.Type().Key().Kind() == reflect.String {
			for _, k := range inner.MapKeys() {
				f.keys = append(f.keys, k.String())
			}
			slices.Sort(f.keys)
		}
	}
	r.frames[id] = f
	return v, r.pay(1)
}

// with sees what a with block or a variable is set to.
func (r *renderer) with(id int, args ...reflect.Value) (reflect.Value, error) {
	v := args[len(args)-1]
	from, exact, unset := r.resolve(id, args)
	r.demand(id, args)
	f := &frame{from: from, exact: exact, unset: unset}
	if inner := inside(v); inner.IsValid() && inner.Kind() != reflect.Map && inner.Kind() != reflect.Slice && inner.Kind() != reflect.Struct {
		f.text = unmarked(fmt.Sprint(inner))
	}
	r.frames[id] = f
	return v, r.pay(1)
}

// emit makes the text of what an action prints, and marks it.
func (r *renderer) emit(id int, args ...reflect.Value) (string, error) {
	if err := r.pay(1); err != nil {
		return "", err
	}
	v := args[len(args)-1]
	text, err := r.display(v)
	if err != nil || !r.marks || text == "" || r.actions[id].origin.File == nil {
		return text, err
	}
	from, exact, unset := r.resolve(id, args[:len(args)-1])
	r.demand(id, args)
	if n, ok := sole(text); ok && n < len(r.origins) && (r.origins[n].Required || r.origins[n].Made) && r.origins[n].File == nil {
		// What must be given, or is made, has no place of its own: it is what this action prints.
		o := r.actions[id].origin
		o.From, o.Exact, o.Required, o.Made = from, exact, r.origins[n].Required, r.origins[n].Made
		r.origins = append(r.origins, &o)
		r.messages[len(r.origins)-1] = r.messages[n]
		return marked(unmarked(text), len(r.origins)-1), nil
	}
	return marked(text, r.intern(id, from, exact, unset)), nil
}

// intern returns the number of the origin of what an action printed.
func (r *renderer) intern(id int, from value.Path, exact, unset bool) int {
	key := strconv.Itoa(id) + strconv.FormatBool(exact) + strconv.FormatBool(unset) + from.String()
	n, ok := r.interned[key]
	if !ok {
		o := r.actions[id].origin
		o.From, o.Exact, o.Default = from, exact, unset
		n = len(r.origins)
		r.origins = append(r.origins, &o)
		r.interned[key] = n
	}
	return n
}

// display is the text that text/template prints for a value.
func (r *renderer) display(v reflect.Value) (string, error) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if !v.IsValid() || v.Kind() == reflect.Interface && v.IsNil() || v.Kind() == reflect.Pointer {
		return "<no value>", nil
	}
	var text string
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			return v.String(), nil
		}
	case reflect.Chan, reflect.Func:
		return "", fmt.Errorf("a value of type %s cannot be printed", v.Type())
	}
	switch x := v.Interface().(type) {
	case string:
		return x, nil
	case bool:
		return strconv.FormatBool(x), nil
	case int:
		return strconv.Itoa(x), nil
	case KubeVersion:
		return x.String(), nil
	default:
		p := plainer{renderer: r, deep: true, keep: true, sole: -1, unknown: -1}
		p.any(x, 0)
		if p.err == nil {
			p.err = r.pay(p.nodes + p.size/64)
		}
		if p.err != nil {
			return "", p.err
		}
		text = fmt.Sprint(x)
	}
	if len(text) > r.limits.ValueBytes {
		return "", r.exceeded("a value of %d bytes is printed", len(text))
	}
	return text, nil
}

// inside returns what an interface or a pointer holds.
func inside(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return reflect.Value{}
		}
		v = v.Elem()
	}
	return v
}

// demand puts what stands for a value that must be given in the place of the value, so that it is not known where else it is used.
func (r *renderer) demand(id int, args []reflect.Value) {
	v, from := inside(args[len(args)-1]), r.actions[id].from
	if len(from) != 1 || len(args) != 2 || v.Kind() != reflect.String || from[0].key.name == "" {
		return
	}
	n, ok := sole(v.String())
	parent, isTable := inside(args[0]), false
	if parent.IsValid() && parent.Kind() == reflect.Map {
		_, isTable = r.identity[parent.Pointer()]
	}
	if !ok || n >= len(r.origins) || !r.origins[n].Required || !isTable {
		return
	}
	key := reflect.ValueOf(from[0].key.name).Convert(parent.Type().Key())
	if have := inside(parent.MapIndex(key)); !have.IsValid() || isEmpty(have) {
		parent.SetMapIndex(key, reflect.ValueOf(v.String()))
	}
}

// identityOf returns where a table or a list of the values is, or nil for what is none.
func (r *renderer) identityOf(v reflect.Value) value.Path {
	switch v.Kind() {
	case reflect.Map:
		return r.identity[v.Pointer()]
	case reflect.Slice:
		if v.Len() > 0 {
			return r.identity[v.Pointer()]
		}
	}
	return nil
}

// resolve finds where the value of an action comes from: the first of its candidates that is set, or the first of all when a
// default in the template was taken.
func (r *renderer) resolve(id int, args []reflect.Value) (from value.Path, exact, unset bool) {
	for i, c := range r.actions[id].from {
		if i >= len(args) {
			break
		}
		if c.literal {
			return from, exact, from != nil
		}
		at, set := r.candidate(c, inside(args[i]))
		if at == nil {
			if set {
				return nil, false, false // something else than the values
			}
			continue
		}
		if from == nil || set {
			from, exact = at, c.exact
		}
		if set {
			return from, exact, false
		}
	}
	return from, exact, from != nil && len(r.actions[id].from) > 1
}

// candidate returns where a candidate leads, and whether something is there.
func (r *renderer) candidate(c candidate, arg reflect.Value) (at value.Path, set bool) {
	if !arg.IsValid() {
		return nil, false
	}
	if c.key.whole {
		return r.frameAt(c, arg), !isEmpty(arg)
	}
	base := r.identityOf(arg)
	var v reflect.Value
	step := value.Step{Name: c.key.name, Index: c.key.index}
	switch arg.Kind() {
	case reflect.Map:
		if c.key.name == "" || arg.Type().Key().Kind() != reflect.String {
			return nil, true
		}
		v = inside(arg.MapIndex(reflect.ValueOf(c.key.name).Convert(arg.Type().Key())))
	case reflect.Slice:
		if c.key.name == "" && c.key.index >= 0 && c.key.index < arg.Len() {
			v = inside(arg.Index(c.key.index))
		}
	default:
		return nil, true
	}
	set = v.IsValid() && !isEmpty(v)
	if v.IsValid() {
		if own := r.identityOf(v); own != nil {
			return own, set
		}
	}
	if base == nil {
		return nil, set
	}
	return append(slices.Clip(base), step), set
}

// frameAt returns where the dot or a variable comes from.
func (r *renderer) frameAt(c candidate, arg reflect.Value) value.Path {
	if own := r.identityOf(arg); own != nil {
		return own
	}
	f := r.frames[c.frame]
	if f == nil || f.from == nil || arg.Kind() == reflect.Map || arg.Kind() == reflect.Slice {
		return nil
	}
	switch {
	case !f.loop && f.exact && !f.unset && f.text == unmarked(fmt.Sprint(arg)):
		return f.from
	case f.loop && f.keys != nil && f.n >= 0 && f.n < len(f.keys):
		return append(slices.Clip(f.from), value.Step{Name: f.keys[f.n]})
	case f.loop && f.keys == nil && f.n >= 0:
		return append(slices.Clip(f.from), value.Step{Index: f.n})
	}
	return nil
}

// isEmpty is what templates take for false.
func isEmpty(v reflect.Value) bool {
	truth, _ := template.IsTrue(v.Interface())
	return !truth
}

// most calls of templates of one name that are under way, as Helm has it.
const mostCalls = 1000

func (r *renderer) include(name string, data any) (string, error) {
	name = unmarked(name)
	if r.calls[name] > mostCalls || r.depth >= r.limits.Depth {
		return "", r.exceeded("templates call each other deeper than %d, at %q", r.depth, name)
	}
	r.calls[name]++
	r.depth++
	defer func() { r.calls[name]--; r.depth-- }()
	w := &bounded{r: r}
	if err := r.pay(9); err != nil {
		return "", err
	}
	err := r.set.ExecuteTemplate(w, name, data)
	if err == nil && w.Len() > r.limits.ValueBytes {
		err = r.exceeded("template %q makes a text of %d bytes", name, w.Len())
	}
	return w.String(), err
}

// call0 is {{template}}.
func (r *renderer) call0(name string, data reflect.Value) (string, error) {
	if !data.IsValid() {
		return r.include(name, nil)
	}
	return r.include(name, data.Interface())
}

func (r *renderer) tpl(text string, data any) (string, error) {
	whole, isSole := sole(text)
	p := plainer{renderer: r, sole: -1, unknown: -1}
	plain := p.text(text)
	if p.required != "" && isSole {
		return text, nil
	}
	if p.required != "" {
		return "", errors.New(p.required)
	}
	text = plain
	if err := r.pay(8 + len(text)/8); err != nil {
		return "", err
	}
	out := text
	if strings.Contains(text, "{{") {
		var err error
		if out, err = r.evaluate(text, data); err != nil {
			return "", err
		}
	}
	out = strings.ReplaceAll(out, "<no value>", "")
	if isSole && r.marks {
		out = marked(out, whole)
	}
	return out, nil
}

// evaluate executes a text that is a template itself. It sees what is defined, and what it defines is seen while it runs.
func (r *renderer) evaluate(text string, data any) (string, error) {
	if p := tooDeep(text, r.limits.Nesting); p >= 0 {
		return "", r.exceeded("a template in a value is nested deeper than %d", r.limits.Nesting)
	}
	if r.depth >= r.limits.Depth {
		return "", r.exceeded("templates call each other deeper than %d", r.depth)
	}
	outer := r.set
	name := outer.Name()
	trees, err := parse.Parse(name, text, "", "", r.names)
	if err != nil {
		return "", fmt.Errorf("cannot parse template %q: %w", shortened(text), err)
	}
	set, err := outer.Clone()
	if err != nil {
		return "", err
	}
	set = set.Option("missingkey=zero")
	in := &instrumenter{renderer: r, name: name, text: text, used: map[string]bool{}, quiet: true}
	in.instrument(trees)
	r.bind(set, in.used)
	if _, ok := trees[name]; !ok {
		return "", nil
	}
	r.set = set
	r.depth++
	defer func() { r.set = outer; r.depth-- }()
	main := set.New(name)
	for _, n := range sortedKeys(trees) {
		if _, err := main.AddParseTree(n, trees[n]); err != nil {
			return "", err
		}
	}
	w := &bounded{r: r}
	if err := set.ExecuteTemplate(w, name, data); err != nil {
		return "", fmt.Errorf("error during tpl function execution for %q: %w", shortened(text), err)
	}
	return w.String(), nil
}

func shortened(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// required stands for what whoever installs the chart must give: rendering goes on with a text that is known to be none.
func (r *renderer) required(message string, v any) (any, error) {
	if s, ok := v.(string); v != nil && (!ok || s != "") {
		return v, nil
	}
	if !r.marks {
		return nil, errors.New(message)
	}
	r.origins = append(r.origins, &Origin{Block: -1, Required: true})
	id := len(r.origins) - 1
	r.messages[id] = unmarked(message)
	return marked("required", id), nil
}

func (r *renderer) fail(message string) (string, error) { return "", errors.New(unmarked(message)) }
