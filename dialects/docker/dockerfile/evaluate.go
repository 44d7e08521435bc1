package dockerfile

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// evaluation is one file being evaluated.
type evaluation struct {
	*file
	ctx       context.Context
	given     map[string]string // build arguments
	global    *scope
	stages    []*stage
	resources []*resource.Resource
	addresses map[string]int
	declared  map[*resource.Resource]*declared
}

// stage is a FROM and what follows until the next one.
type stage struct {
	in        *instruction
	name      string // in small letters, as the builder compares them; empty when it has none
	label     string // its address
	index     int
	image     expanded
	imageWord word
	parent    *stage // the stage that it is built from
	duplicate bool
	final     bool // what is built when nobody asks for another stage, or what that one is built from
	last      bool
	from, to  int // its instructions, FROM left out
	scope     *scope
	shell     []string // as SHELL sets it; nil for the default
	user      *setting
	workdir   string // absolute; empty when it is not known
	health    *setting
	starts    bool // CMD or ENTRYPOINT stands in it or in the stages it is built from
	ports     []value.Value
	fetchers  []string // curl and wget, where its commands run them
	declared  *declared
}

// setting is a value that the last instruction of a kind sets.
type setting struct {
	value value.Value
	by    *declared
}

// declared is what stands behind a resource.
type declared struct {
	in       *instruction // nil for the file
	stage    *stage       // nil before the first FROM
	resource *resource.Resource
	words    []origin
	facts    []*fact
	before   *instruction // the one before it in the file; nil for the first
}

// origin is where the words of a place come from.
type origin struct {
	at    source.Range
	waits []dialect.Wait
	trace []dialect.Step
}

// maxStages is how many stages of a file are evaluated.
const maxStages = 2_000

func (e *estate) evaluate(ctx context.Context, name dialect.UnitName, f *file) *dialect.Unit {
	v := &evaluation{file: f, ctx: ctx, given: e.vars, global: &scope{vars: map[string]*variable{}}, addresses: map[string]int{}, declared: map[*resource.Resource]*declared{}}
	u := &dialect.Unit{Name: name, Problems: slices.Clone(f.problems), Reads: dialect.Reads{Files: []string{f.Path}}}
	end := v.outline(u)
	v.fileResource()
	first := end
	if len(v.stages) > 0 {
		first = v.stages[0].from - 1
	}
	for i := range f.instructions[:first] {
		v.instruction(i, nil)
	}
	for _, s := range v.stages {
		if ctx.Err() != nil {
			break
		}
		v.stage(s)
	}
	u.Graph = resource.NewGraph(v.resources, nil)
	u.Explainer = &explainer{v}
	return u
}

// outline finds the stages, and returns how many instructions are looked at.
func (e *evaluation) outline(u *dialect.Unit) int {
	names := map[string]*stage{}
	end := len(e.instructions)
	for i := range e.instructions {
		in := &e.instructions[i]
		switch {
		case in.keyword == "ARG" && len(e.stages) == 0:
			e.arguments(in, e.global)
		case in.keyword == "FROM":
			if len(e.stages) == maxStages {
				u.Problems = append(u.Problems, source.Problem{Kind: source.Limit, Range: in.whole(),
					Message: fmt.Sprintf("the file has more than %d stages: what stands from here on is not judged", maxStages)})
				end = i
				break
			}
			s := &stage{in: in, index: len(e.stages), from: i + 1}
			if s.index > 0 {
				e.stages[s.index-1].to = i
			}
			words := in.words()
			if len(words) > 0 {
				s.imageWord = words[0]
				s.image = e.global.expand(words[0].text, e.escape)
			}
			if len(words) == 3 && strings.EqualFold(words[1].text, "AS") {
				s.name = strings.ToLower(words[2].text)
			} else if len(words) != 1 && in.malformed == "" {
				u.Problems = append(u.Problems, source.Problem{Kind: source.Invalid, Range: in.whole(), Message: "FROM takes an image, and AS with a name"})
			}
			if s.image.known {
				s.parent = names[strings.ToLower(s.image.text)]
			}
			if s.name != "" {
				s.duplicate = names[s.name] != nil
				names[s.name] = s
			}
			e.stages = append(e.stages, s)
		}
		if end != len(e.instructions) {
			break
		}
	}
	if len(e.stages) == 0 {
		return end
	}
	last := e.stages[len(e.stages)-1]
	last.to, last.last = end, true
	for s := last; s != nil; s = s.parent {
		s.final = true
	}
	for _, s := range e.stages {
		label := s.name
		if label == "" {
			label = strconv.Itoa(s.index)
			if s.last {
				label = "final"
			}
		}
		s.label = e.address(label)
	}
	return end
}

// address makes an address unique: the second of a kind is #2.
func (e *evaluation) address(a string) string {
	e.addresses[a]++
	if n := e.addresses[a]; n > 1 {
		if rest, ok := strings.CutSuffix(a, `"]`); ok {
			return e.address(rest + " #" + strconv.Itoa(n) + `"]`)
		}
		return e.address(a + "#" + strconv.Itoa(n))
	}
	return a
}

// arguments declares what an ARG names.
func (e *evaluation) arguments(in *instruction, s *scope) {
	for _, p := range in.pairs() {
		v := &variable{at: in.place(p.name.start, max(p.name.end, p.value.end))}
		outer := e.global.vars[p.name.text]
		given, isGiven := e.given[p.name.text]
		switch {
		case isGiven:
			v.text = expanded{text: given, known: true, given: true, trace: []dialect.Step{{Name: "--var " + p.name.text}}}
		case p.has:
			v.text = s.expand(p.value.text, e.escape)
		case s != e.global && outer != nil:
			v.text = outer.text
		case platform[p.name.text]:
			v.text = expanded{given: true, waits: []dialect.Wait{{Name: "build platform " + p.name.text, Kind: "variable", Range: v.at}}}
		default:
			v.text = expanded{given: true, waits: []dialect.Wait{{Name: "build argument " + p.name.text, Kind: "variable", Range: v.at}}}
		}
		if was := s.lookup(p.name.text); s != e.global && was != nil && was.env {
			continue // ENV outweighs ARG
		}
		s.vars[p.name.text] = v
	}
}

// stage evaluates the instructions of a stage.
func (e *evaluation) stage(s *stage) {
	s.scope = &scope{vars: map[string]*variable{}}
	switch {
	case s.parent != nil && s.parent.scope != nil:
		p := s.parent
		s.scope.parent, s.shell, s.user, s.workdir, s.health, s.starts = p.scope, p.shell, p.user, p.workdir, p.health, p.starts
	case s.image.known && s.image.text == "scratch":
		s.workdir = "/"
	default:
		s.scope.base = "the image " + valid(s.image.text)
		s.starts = true
		if !s.image.known {
			s.scope.base = "the image " + clip(s.imageWord.text)
			s.user = &setting{value: value.Value{Kind: value.Unknown, NotNull: true, Range: s.in.place(s.imageWord.start, s.imageWord.end)}}
		} else if nonroot(s.image.text) {
			s.user = &setting{value: value.Value{Kind: value.String, Text: "nonroot", Range: s.in.place(s.imageWord.start, s.imageWord.end)}}
		}
	}
	s.declared = &declared{in: s.in, stage: s}
	for i := s.from; i < s.to; i++ {
		e.instruction(i, s)
	}
	e.stageResource(s)
}

// nonroot reports whether an image is known to run as somebody else than root, because its publisher says so: the tags of distroless
// that say nonroot (https://github.com/GoogleContainerTools/distroless), .NET's chiseled images
// (https://github.com/dotnet/dotnet-docker/blob/main/documentation/ubuntu-chiseled.md) and the unprivileged one of NGINX
// (https://github.com/nginx/docker-nginx-unprivileged).
func nonroot(image string) bool {
	name, _, _ := strings.Cut(image, "@")
	last, tag, _ := strings.Cut(path.Base(name), ":")
	switch {
	case tag == "nonroot" || strings.HasPrefix(tag, "nonroot-") || strings.HasSuffix(tag, "-nonroot"):
		return true
	case strings.HasPrefix(name, "mcr.microsoft.com/dotnet/"):
		return strings.Contains(tag, "-chiseled")
	}
	return last == "nginx-unprivileged"
}

// fields gathers the members of a body.
type fields struct {
	e    *evaluation
	d    *declared
	list []value.Field
	refs []resource.Ref
}

func (f *fields) set(name string, v value.Value) {
	if v.Kind != value.Absent {
		f.list = append(f.list, value.Field{Name: name, Value: v})
	}
}

func (f *fields) text(name, text string, at source.Range) {
	f.set(name, value.Value{Kind: value.String, Text: valid(text), Range: at})
}

func (f *fields) truth(name string, b bool, at source.Range) {
	f.set(name, value.Value{Kind: value.Bool, Bool: b, Range: at})
}

// word is a word after its variables were put in.
func (f *fields) word(name string, w word) value.Value {
	v := f.expand(w)
	f.set(name, v)
	return v
}

func (f *fields) expand(w word) value.Value {
	x := f.scope().expand(w.text, f.e.escape)
	at := f.d.in.place(w.start, w.end)
	f.note(&x, at)
	return x.value(at)
}

func (f *fields) scope() *scope {
	if f.d.stage != nil && f.d.stage.scope != nil {
		return f.d.stage.scope
	}
	return f.e.global
}

func (f *fields) note(x *expanded, at source.Range) {
	if len(x.waits)+len(x.trace) > 0 {
		f.d.words = append(f.d.words, origin{at, x.waits, x.trace})
	}
}

// words is a list of words after their variables were put in.
func (f *fields) words(name string, words []word, raw bool) {
	if len(words) == 0 {
		return
	}
	v := value.Value{Kind: value.List, Range: f.d.in.place(words[0].start, words[len(words)-1].end)}
	for _, w := range words {
		if raw {
			v.Items = append(v.Items, value.Value{Kind: value.String, Text: valid(w.text), Range: f.d.in.place(w.start, w.end)})
		} else {
			v.Items = append(v.Items, f.expand(w))
		}
	}
	f.set(name, v)
}

// pairs is a list of names with values.
func (f *fields) pairs(name string, pairs []pair, references bool) {
	list := value.Value{Kind: value.List, Range: f.d.in.whole()}
	for _, p := range pairs {
		at := f.d.in.place(p.name.start, max(p.name.end, p.value.end))
		x := f.scope().expand(p.value.text, f.e.escape)
		f.note(&x, at)
		member := []value.Field{{Name: "name", Value: value.Value{Kind: value.String, Text: valid(unquoter.Replace(p.name.text)), Range: at}}}
		if references && len(x.names) > 0 {
			refs := value.Value{Kind: value.List, Range: at}
			for _, n := range x.names {
				refs.Items = append(refs.Items, value.Value{Kind: value.String, Text: valid(n), Range: at})
			}
			member = append(member, value.Field{Name: "references", Value: refs})
		}
		if p.has {
			member = append(member, value.Field{Name: "value", Value: x.value(at)})
		}
		list.Items = append(list.Items, value.Value{Kind: value.Object, Range: at, Fields: member})
	}
	f.set(name, list)
}

// resource adds a resource of an instruction.
func (e *evaluation) resource(d *declared, typ, address string, f *fields) {
	slices.SortStableFunc(f.list, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	at := d.in.whole()
	header := at
	if i := strings.IndexByte(string(e.Bytes[at.Start:at.End]), '\n'); i >= 0 {
		header.End = header.Start + len(strings.TrimRight(string(e.Bytes[at.Start:at.Start+i]), "\r"))
	}
	address = e.address(address)
	d.resource = &resource.Resource{Address: address, Type: typ, Native: d.in.keyword, Name: address, Dialect: "dockerfile",
		Body: value.Value{Kind: value.Object, Fields: f.list, Range: at}, Range: at, Header: header, Refs: f.refs, Handle: d}
	e.resources = append(e.resources, d.resource)
	e.declared[d.resource] = d
}

// fileResource is the resource of the file.
func (e *evaluation) fileResource() {
	if len(e.instructions) == 0 {
		return
	}
	d := &declared{in: &e.instructions[0]}
	f := &fields{e: e, d: d}
	f.set("stages", value.Value{Kind: value.Number, Number: float64(len(e.stages)), Range: d.in.whole()})
	f.text("first", d.in.keyword, d.in.place(0, len(d.in.keyword)))
	for _, name := range []string{"syntax", "check", "escape"} {
		if v := e.directives[name]; v != "" {
			f.text(name, v, source.Range{File: e.Path, Start: 0, End: 0})
		}
	}
	e.resource(d, "docker_file", "file", f)
	d.resource.Native = path.Base(e.Path)
}

// stageResource is the resource of a stage; it is made last, because what stands in the stage decides it.
func (e *evaluation) stageResource(s *stage) {
	d, in := s.declared, s.in
	f := &fields{e: e, d: d}
	at := in.place(s.imageWord.start, s.imageWord.end)
	if s.name != "" {
		w := in.words()[2]
		f.text("name", s.name, in.place(w.start, w.end))
	}
	f.set("index", value.Value{Kind: value.Number, Number: float64(s.index), Range: in.whole()})
	f.truth("final", s.last, in.whole())
	f.truth("duplicate", s.duplicate, in.whole())
	f.truth("starts", s.starts, in.whole())
	if s.parent != nil {
		f.text("parent", s.parent.label, at)
		f.refs = append(f.refs, resource.Ref{Path: value.Path{{Name: "parent"}}, Target: s.parent.label})
	} else {
		f.note(&s.image, at)
		f.set("image", s.image.value(at))
	}
	if v, _, ok := in.flag("platform"); ok {
		x := e.global.expand(v.text, e.escape)
		at := in.place(v.start, v.end)
		f.note(&x, at)
		f.set("platform", x.value(at))
		f.truth("platform_fixed", len(x.names) == 0, at)
	}
	if s.user != nil {
		f.set("user", s.user.value)
		if s.user.by != nil {
			d.words = append(d.words, s.user.by.words...)
		}
	}
	if s.health != nil {
		f.set("healthcheck", s.health.value)
	}
	if len(s.fetchers) > 0 {
		v := value.Value{Kind: value.List, Range: in.whole()}
		for _, p := range s.fetchers {
			v.Items = append(v.Items, value.Value{Kind: value.String, Text: valid(p), Range: in.whole()})
		}
		f.set("fetchers", v)
	}
	if len(s.ports) > 0 {
		f.set("ports", value.Value{Kind: value.List, Range: s.ports[0].Range, Items: s.ports})
	}
	f.facts()
	address := s.label
	e.addresses[address] = 0 // its label has it already
	e.resource(d, "docker_stage", address, f)
}
