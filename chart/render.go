package chart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Output is one rendered template.
type Output struct {
	Name  string // web/templates/service.yaml
	File  *File
	Chart *Chart // the chart that the template is of
	Text  []byte
	Spans []Span // in order
}

// Settings is what a chart is rendered with, besides its values.
type Settings struct {
	Release      Release
	Capabilities *Capabilities
	Limits       Limits
}

// Release is what templates see as .Release.
type Release struct {
	Name      string
	Namespace string
}

// Render renders the templates of a chart and of all that it depends on, those of notes left out. The chart and its values are
// those that Coalesce returned. A template that cannot be read or executed is a problem, and the others are rendered.
func Render(ctx context.Context, c *Chart, values Values, s Settings) ([]Output, []source.Problem) {
	r := &renderer{ctx: ctx, limits: s.Limits, marks: true, identity: map[uintptr]value.Path{}, interned: map[string]int{},
		frames: map[int]*frame{}, calls: map[string]int{}, messages: map[int]string{}, files: map[string]*File{}, places: map[string]int{}}
	r.release = map[string]any{"Name": s.Release.Name, "Namespace": s.Release.Namespace, "IsUpgrade": false, "IsInstall": true, "Revision": 1, "Service": "Helm"}
	r.collect(c, Values{"Values": values, "Release": r.release, "Capabilities": s.Capabilities})
	r.identify(map[string]any(values), value.Path{{Name: "Values"}})
	r.identify(r.release, value.Path{{Name: "Release"}})
	return r.render(), r.problems
}

// mostActions is how many actions the templates of a chart and of all that it depends on may have.
const mostActions = 200_000

type renderer struct {
	ctx    context.Context
	limits Limits
	marks  bool // texts of the chart have none of the runes that marks are made of

	templates []renderable
	places    map[string]int // of templates, by name, while they are collected
	mostFiles int            // of one chart, that .Files shows
	written   int            // actions of all templates
	release   map[string]any
	identity  map[uintptr]value.Path // of tables and lists of values: where they are
	origins   []*Origin
	interned  map[string]int
	actions   []action
	frames    map[int]*frame
	files     map[string]*File

	set      *template.Template // what include and tpl look into
	names    map[string]any     // of functions, for the parser
	wrappers map[string]any     // the functions that were wrapped
	messages map[int]string     // of origins that are Required: what is said when nothing is given
	calls    map[string]int     // includes under way, by name
	depth    int
	steps    int
	bytes    int
	over     *limitError
	problems []source.Problem
}

// renderable is one template with what it is rendered with.
type renderable struct {
	name string
	file *File
	of   *Chart
	data Values
	base string
}

// limitError ends all rendering.
type limitError struct{ what string }

func (e *limitError) Error() string { return e.what }

// collect lists the templates of a chart, with the values of each. What the values of a sub-chart are does not depend on Helm's
// order.
func (r *renderer) collect(c *Chart, above Values) Values {
	subs := map[string]any{}
	data := Values{
		"Chart": struct {
			Metadata
			IsRoot bool
		}{*c.Metadata, c.parent == nil},
		"Files": Files(nil), "Release": above["Release"], "Capabilities": above["Capabilities"], "Values": Values{}, "Subcharts": subs,
	}
	if c.parent == nil {
		data["Values"] = above["Values"]
	} else if v, err := above.Table("Values." + c.Name()); err == nil {
		data["Values"] = v
	}
	files := Files{}
	for _, f := range c.Files {
		files[f.Name] = f.Data
	}
	data["Files"] = files
	r.mostFiles = max(r.mostFiles, len(files))
	for _, d := range c.Dependencies {
		subs[d.Name()] = r.collect(d, data)
	}
	full := c.FullPath()
	for _, f := range c.Templates {
		if !c.IsLibrary() || strings.HasPrefix(path.Base(f.Name), "_") {
			r.add(renderable{name: path.Join(full, f.Name), file: f, of: c, data: data, base: path.Join(full, "templates")})
		}
	}
	return data
}

// add adds a template; a later one of the same name takes its place, as that of a dependency that is there twice.
func (r *renderer) add(t renderable) {
	if i, again := r.places[t.name]; again {
		r.templates[i] = t
	} else {
		r.places[t.name] = len(r.templates)
		r.templates = append(r.templates, t)
	}
	r.files[t.name] = t.file
	r.marks = r.marks && !looksMarked(string(t.file.Data))
}

// identify remembers where tables and lists of values are, and whether a text in them has runes that marks are made of.
func (r *renderer) identify(v any, at value.Path) {
	next := func(s value.Step) value.Path { return append(slices.Clip(at), s) }
	switch v := v.(type) {
	case map[string]any:
		r.identity[reflect.ValueOf(v).Pointer()] = at
		for k, e := range v {
			r.identify(e, next(value.Step{Name: k}))
		}
	case []any:
		if len(v) > 0 {
			r.identity[reflect.ValueOf(v).Pointer()] = at
		}
		for i, e := range v {
			r.identify(e, next(value.Step{Index: i}))
		}
	case string:
		r.marks = r.marks && !looksMarked(v)
	}
}

func (r *renderer) render() []Output {
	// Of templates of one name the last one that is read counts: those of a chart win over those of what it depends on.
	slices.SortFunc(r.templates, func(a, b renderable) int {
		if x, y := strings.Count(a.name, "/"), strings.Count(b.name, "/"); x != y {
			return y - x
		}
		return strings.Compare(b.name, a.name)
	})
	r.set = template.New("gotpl").Option("missingkey=zero")
	r.names = r.functions()
	r.wrappers = map[string]any{}
	for _, t := range r.templates {
		r.parse(t)
	}
	var out []Output
	for _, t := range r.templates {
		if r.over != nil {
			break
		}
		if base := path.Base(t.name); strings.HasPrefix(base, "_") || strings.HasSuffix(base, "NOTES.txt") || r.set.Lookup(t.name) == nil {
			continue
		}
		t.data["Template"] = Values{"Name": t.name, "BasePath": t.base}
		w := &bounded{r: r}
		if err := r.execute(r.set, w, t.name, t.data); err != nil {
			r.failed(t, err)
			continue
		}
		text, spans := r.spans(strings.ReplaceAll(w.String(), "<no value>", ""))
		out = append(out, Output{Name: t.name, File: t.file, Chart: t.of, Text: text, Spans: spans})
	}
	slices.SortFunc(out, func(a, b Output) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// execute executes a template. Errors of functions that panic are errors of the template.
func (r *renderer) execute(set *template.Template, w io.Writer, name string, data any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("rendering failed: %v", p)
		}
	}()
	return set.ExecuteTemplate(w, name, data)
}

// parse reads a template and adds what it defines to the set.
func (r *renderer) parse(t renderable) {
	text := string(t.file.Data)
	if p := tooDeep(text, r.limits.Nesting); p >= 0 {
		r.problem(source.Limit, t.file.Place(p, p), "the template is nested deeper than %d", r.limits.Nesting)
		return
	}
	if r.written += strings.Count(text, "{{"); r.written > mostActions {
		r.problem(source.Limit, t.file.Place(0, 0), "the templates have more than %d actions", mostActions)
		return
	}
	trees, err := parse.Parse(t.name, text, "", "", r.names)
	if err != nil {
		at, message := r.place(err.Error())
		if at.IsZero() {
			at = t.file.Place(0, 0)
		}
		r.problem(source.Invalid, at, "the template cannot be read: %s", message)
		return
	}
	in := &instrumenter{renderer: r, name: t.name, file: t.file, text: text, used: map[string]bool{}}
	in.instrument(trees)
	r.bind(r.set, in.used)
	r.join(r.set, trees)
}

func (r *renderer) join(set *template.Template, trees map[string]*parse.Tree) {
	for _, name := range sortedKeys(trees) {
		if _, err := set.AddParseTree(name, trees[name]); err != nil {
			r.problem(source.Bug, source.Range{}, "%s cannot be added: %s", name, err)
		}
	}
}

// bind gives a set the functions that templates call.
func (r *renderer) bind(set *template.Template, used map[string]bool) {
	fresh := template.FuncMap{}
	for name := range used {
		if r.wrappers[name] == nil && r.names[name] != nil {
			if _, own := r.names[name].(builtin); own {
				continue
			}
			r.wrappers[name] = r.wrapped(name)
			fresh[name] = r.wrappers[name]
		} else if r.wrappers[name] != nil {
			fresh[name] = r.wrappers[name]
		}
	}
	if r.wrappers[fnEmit] == nil {
		r.wrappers[fnEmit] = true
		for name, f := range r.probes() {
			fresh[name] = f
		}
	}
	set.Funcs(fresh)
}

func (r *renderer) problem(kind source.ProblemKind, at source.Range, format string, args ...any) {
	p := source.Problem{Kind: kind, Range: at, Message: fmt.Sprintf(format, args...)}
	if !slices.Contains(r.problems, p) {
		r.problems = append(r.problems, p)
	}
}

// failed says why a template could not be executed: where the innermost template stopped.
func (r *renderer) failed(t renderable, err error) {
	at, message := r.place(err.Error())
	if at.IsZero() {
		at = t.file.Place(0, 0)
	}
	var limit *limitError
	switch {
	case r.over != nil:
		r.problem(source.Limit, at, "rendering the chart was stopped: %s", r.over.what)
	case errors.As(err, &limit):
		r.problem(source.Limit, at, "the template was not rendered: %s", limit.what)
	case at.File == t.file.Path && !t.file.Archived:
		r.problem(source.Invalid, at, "the template cannot be rendered: %s", message)
	default:
		r.problem(source.Invalid, at, "%s cannot be rendered: %s", t.name, message)
	}
}

var located = regexp.MustCompile(`template: ([^\n]*?):(\d+)(?::(\d+))?: `)

// place finds the innermost place that an error of text/template names, and what is wrong there.
func (r *renderer) place(text string) (source.Range, string) {
	var at source.Range
	for _, m := range located.FindAllStringSubmatchIndex(text, 64) {
		f := r.files[text[m[2]:m[3]]]
		if f == nil {
			continue
		}
		line, _ := strconv.Atoi(text[m[4]:m[5]])
		start := 0
		for range line - 1 {
			i := strings.IndexByte(string(f.Data[start:]), '\n')
			if i < 0 {
				break
			}
			start += i + 1
		}
		length := strings.IndexByte(string(f.Data[start:])+"\n", '\n')
		at = f.Place(start, start+length)
	}
	message := text
	if m := located.FindAllStringIndex(text, -1); m != nil {
		message = text[m[len(m)-1][1]:]
	}
	if _, rest, ok := strings.Cut(message, ">: "); ok && strings.HasPrefix(message, "executing ") {
		message = rest
		for strings.HasPrefix(message, "error calling ") {
			_, message, _ = strings.Cut(message, ": ")
		}
	}
	message = unmarked(message)
	first, _, more := strings.Cut(strings.TrimSpace(message), "\n")
	if more {
		first += " …"
	}
	if len(first) > 300 {
		first = strings.ToValidUTF8(first[:300], "") + " …"
	}
	return at, strings.TrimRight(first, ". ")
}

// spans takes the marks out of what was rendered.
func (r *renderer) spans(text string) ([]byte, []Span) {
	if !r.marks {
		return []byte(text), nil
	}
	out := make([]byte, 0, len(text))
	var spans []Span
	eachMark(text, func(id int, piece string) {
		if id >= 0 && id < len(r.origins) {
			if n := len(spans); n > 0 && spans[n-1].At == len(out) {
				spans = spans[:n-1]
			}
			spans = append(spans, Span{At: len(out), Origin: r.origins[id]})
		}
		out = append(out, piece...)
	})
	return out, spans
}

// tooDeep returns where a template nests parentheses or blocks deeper than is read, or -1.
func tooDeep(text string, limit int) int {
	depth, parens := 0, 0
	for at := 0; ; {
		open := strings.Index(text[at:], "{{")
		if open < 0 {
			return -1
		}
		start := at + open + 2
		end := strings.Index(text[start:], "}}")
		if end < 0 {
			end = len(text) - start
		}
		body := text[start : start+end]
		parens = 0
		for i := range len(body) {
			if body[i] == '(' {
				if parens++; parens > limit {
					return start + i
				}
			} else if body[i] == ')' {
				parens--
			}
		}
		word := strings.TrimLeft(strings.TrimPrefix(body, "-"), " \t\r\n")
		if i := strings.IndexAny(word, " \t\r\n-("); i >= 0 {
			word = word[:i]
		}
		switch word {
		case "if", "range", "with", "define", "block", "else":
			// Each else if is a block in a block.
			if depth++; depth > 4*limit {
				return start
			}
		case "end":
			depth = max(depth-1, 0)
		}
		at = start + end
	}
}

// bounded collects what is rendered, until it is too much.
type bounded struct {
	strings.Builder
	r *renderer
}

func (w *bounded) Write(p []byte) (int, error) {
	if err := w.r.pay(len(p) / 16); err != nil {
		return 0, err
	}
	if w.r.bytes += len(p); w.r.bytes > 4*w.r.limits.OutputBytes || w.Len()+len(p) > w.r.limits.OutputBytes {
		return 0, w.r.exceeded("it makes more than %d bytes of text", w.r.limits.OutputBytes)
	}
	return w.Builder.Write(p)
}

// pay counts work.
func (r *renderer) pay(n int) error {
	if r.over != nil {
		return r.over
	}
	before := r.steps
	if r.steps += n + 1; r.steps > r.limits.Steps {
		return r.exceeded("it takes more than %d steps", r.limits.Steps)
	}
	if before>>10 != r.steps>>10 && r.ctx.Err() != nil {
		return r.exceeded("it was cancelled")
	}
	return nil
}

func (r *renderer) exceeded(format string, args ...any) error {
	if r.over == nil {
		r.over = &limitError{fmt.Sprintf(format, args...)}
	}
	return r.over
}
