package dockerfile

import (
	"path"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// instruction makes the resource of an instruction.
func (e *evaluation) instruction(i int, s *stage) {
	in := &e.instructions[i]
	if in.malformed != "" {
		return
	}
	d := &declared{in: in, stage: s}
	if i > 0 {
		d.before = &e.instructions[i-1]
	}
	if s != nil && e.dropped(d, s) {
		return
	}
	e.instructed(d, s)
	if inner := in.triggered(); inner != nil && inner.malformed == "" && judged(inner.keyword) {
		e.instructed(&declared{in: inner, stage: s}, s)
	}
}

// judged reports whether an instruction that ONBUILD triggers is a resource.
func judged(keyword string) bool {
	switch keyword {
	case "FROM", "ONBUILD", "MAINTAINER", "USER", "EXPOSE":
		return false
	}
	return true
}

func (e *evaluation) instructed(d *declared, s *stage) {
	in := d.in
	f := &fields{e: e, d: d}
	label := "global"
	if s != nil {
		label = s.label
		f.text("stage", s.label, in.place(0, len(in.keyword)))
		f.refs = append(f.refs, resource.Ref{Path: value.Path{{Name: "stage"}}, Target: s.label})
	}
	f.truth("final", s != nil && s.final, in.whole())
	if in.onbuild {
		f.truth("onbuild", true, in.whole())
	}
	f.text("instruction", in.keyword, in.place(0, len(in.keyword)))
	about := ""
	switch in.keyword {
	case "RUN":
		about = e.run(d, f)
	case "COPY", "ADD":
		about = e.copy(d, f)
	case "ENV":
		about = e.environment(d, f)
	case "ARG":
		pairs := in.pairs()
		f.pairs("variables", pairs, true)
		about = pairs[0].name.text
		if s != nil && !in.onbuild {
			e.arguments(in, s.scope)
		}
	case "LABEL":
		pairs := in.pairs()
		f.pairs("labels", pairs, false)
		about = pairs[0].name.text
	case "WORKDIR":
		e.workdir(d, f)
	case "CMD", "ENTRYPOINT":
		e.command(d, f)
	case "HEALTHCHECK":
		e.healthcheck(d, f)
	case "SHELL":
		if words, ok := in.list(); ok {
			f.words("words", words, true)
			if s != nil && !in.onbuild {
				s.shell = nil
				for _, w := range words {
					s.shell = append(s.shell, w.text)
				}
			}
		}
	case "VOLUME":
		words, ok := in.list()
		if !ok {
			words = in.words()
		}
		f.words("paths", words, false)
	case "MAINTAINER":
		about = authors
		f.maintainer(in.rest())
	case "STOPSIGNAL":
		f.word("signal", in.rest())
	case "ONBUILD":
		if inner := in.triggered(); inner != nil {
			f.text("triggers", inner.keyword, inner.place(0, len(inner.keyword)))
			about = inner.keyword
		}
	}
	f.facts()
	key := kindOf(in.keyword)
	typ := "docker_" + strings.ToLower(key)
	if in.onbuild {
		key = "ONBUILD " + key
	}
	if about = strings.TrimSpace(valid(strings.Map(plain, about))); about != "" {
		key += " " + about
	}
	e.resource(d, typ, label+`["`+key+`"]`, f)
}

// plain leaves what would end an address out of it.
func plain(r rune) rune {
	if r < ' ' || strings.ContainsRune(`"[]\`, r) {
		return -1
	}
	return r
}

// authors is the label that says what MAINTAINER said.
const authors = "org.opencontainers.image.authors"

// kindOf is the instruction that says the same: COPY for ADD, LABEL for MAINTAINER. They are one type, and keep their address when
// one becomes the other; the attribute instruction tells them apart.
func kindOf(keyword string) string {
	switch keyword {
	case "ADD":
		return "COPY"
	case "MAINTAINER":
		return "LABEL"
	}
	return keyword
}

// maintainer is the label that a MAINTAINER comes to.
func (f *fields) maintainer(w word) {
	at := f.d.in.place(w.start, w.end)
	f.set("labels", value.Value{Kind: value.List, Range: at, Items: []value.Value{{Kind: value.Object, Range: at, Fields: []value.Field{
		{Name: "name", Value: value.Value{Kind: value.String, Text: authors, Range: at}},
		{Name: "value", Value: value.Value{Kind: value.String, Text: valid(strings.Trim(w.text, `"'`)), Range: at}},
	}}}})
}

// dropped reads what is no resource of its own, because a stage is what has it: USER and EXPOSE, a CMD that a later one takes the
// place of, and triggers that ONBUILD may not have.
func (e *evaluation) dropped(d *declared, s *stage) bool {
	in := d.in
	of := &fields{e: e, d: s.declared}
	switch in.keyword {
	case "USER":
		f := &fields{e: e, d: d}
		s.user = &setting{f.expand(in.rest()), d}
	case "EXPOSE":
		e.expose(d, s)
	case "CMD", "ENTRYPOINT", "HEALTHCHECK":
		if !e.overridden(d, s) {
			return false
		}
		of.fact("overridden_"+strings.ToLower(in.keyword), in.whole(), e.without(in))
	case "ONBUILD":
		inner := in.triggered()
		if inner == nil || inner.keyword != "FROM" && inner.keyword != "ONBUILD" && inner.keyword != "MAINTAINER" {
			return false
		}
		of.fact("forbidden_trigger", in.whole(), e.without(in))
	default:
		return false
	}
	return true
}

// overridden reports whether a later instruction of the stage takes the place of this one.
func (e *evaluation) overridden(d *declared, s *stage) bool {
	for i := s.to - 1; i >= s.from; i-- {
		if in := &e.instructions[i]; in.keyword == d.in.keyword && in.malformed == "" {
			return in != d.in
		}
	}
	return false
}

func (e *evaluation) environment(d *declared, f *fields) string {
	pairs := d.in.pairs()
	f.pairs("variables", pairs, true)
	if d.stage != nil && !d.in.onbuild {
		set := map[string]*variable{}
		for _, p := range pairs {
			at := d.in.place(p.name.start, max(p.name.end, p.value.end))
			name := unquoter.Replace(p.name.text)
			set[name] = &variable{text: d.stage.scope.expand(p.value.text, e.escape), env: true, at: at}
		}
		for name, v := range set { // all see what was before the instruction
			d.stage.scope.vars[name] = v
		}
	}
	return pairs[0].name.text
}

// copy reads COPY and ADD.
func (e *evaluation) copy(d *declared, f *fields) string {
	in := d.in
	words, isJSON := in.list()
	if !isJSON {
		words = in.words()
	}
	if len(words) > 0 {
		var sources []word
		for _, w := range words[:len(words)-1] {
			if _, _, ok := opener(w.text); ok && !isJSON {
				continue // written in the file itself
			}
			sources = append(sources, w)
		}
		f.words("sources", sources, false)
		f.word("destination", words[len(words)-1])
		if n := len(sources); n > 1 {
			if dest := words[len(words)-1]; !strings.HasSuffix(unquoter.Replace(dest.text), "/") {
				at := in.place(dest.start, dest.end)
				x := f.scope().expand(dest.text, e.escape)
				switch {
				case x.known && !strings.HasSuffix(x.text, "/") && path.Base(x.text) != "." && path.Base(x.text) != "..":
					f.fact("missing_slash", at, e.insertAt(e.wordEnd(dest, isJSON, in), "/"))
				case !x.known && !strings.HasSuffix(x.suffix, "/"):
					f.set("missing_slash", value.Value{Kind: value.Unknown, NotNull: true, Range: at})
				}
			}
		}
	}
	for _, name := range []string{"from", "chown", "chmod", "checksum", "link", "parents"} {
		if v, _, ok := in.flag(name); ok {
			f.word(name, v)
		}
	}
	if from, _, ok := in.flag("from"); ok && d.stage != nil {
		e.copyFrom(d, f, from)
	}
	if d.before != nil && d.stage != nil && d.before.keyword == in.keyword && d.before.malformed == "" && len(words) > 1 {
		was := d.before.words()
		if len(was) > 1 && was[len(was)-1].text == words[len(words)-1].text && strings.HasSuffix(words[len(words)-1].text, "/") && sameFlags(in, d.before) {
			f.fact("joinable", in.place(0, len(in.keyword)))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return strings.TrimRight(words[len(words)-1].text, "/")
}

// wordEnd is where a word ends, before its closing quote.
func (e *evaluation) wordEnd(w word, isJSON bool, in *instruction) int {
	end := in.place(w.start, w.end).End
	if c := e.Bytes[end-1]; isJSON || c == '"' || c == '\'' {
		end--
	}
	return end
}

func sameFlags(a, b *instruction) bool {
	if len(a.flags) != len(b.flags) {
		return false
	}
	for i := range a.flags {
		if a.flags[i].text != b.flags[i].text {
			return false
		}
	}
	return true
}

// copyFrom resolves --from: the name or number of an earlier stage, or an image.
func (e *evaluation) copyFrom(d *declared, f *fields, from word) {
	at := d.in.place(from.start, from.end)
	name := strings.ToLower(from.text)
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(e.stages) {
		if t := e.stages[n]; t.name != "" && !t.duplicate && t != d.stage {
			f.fact("from_index", at, edit(at, t.name))
		} else {
			f.fact("from_index", at)
		}
		f.refs = append(f.refs, resource.Ref{Path: value.Path{{Name: "from"}}, Target: e.stages[n].label})
		return
	}
	for i := d.stage.index - 1; i >= 0; i-- {
		if t := e.stages[i]; t.name == name {
			f.text("from_stage", t.label, at)
			f.refs = append(f.refs, resource.Ref{Path: value.Path{{Name: "from"}}, Target: t.label})
			return
		}
	}
	if d.stage.name != "" && d.stage.name == name {
		f.truth("from_itself", true, at)
	}
}

// expose adds the ports that an EXPOSE names to those of the stage.
func (e *evaluation) expose(d *declared, s *stage) {
	in, f, of := d.in, &fields{e: e, d: d}, &fields{e: e, d: s.declared}
	words := in.words()
	for _, w := range words {
		v := f.expand(w)
		ports, protocol, _ := strings.Cut(v.Text, "/")
		first, last, isRange := strings.Cut(ports, "-")
		if !isRange {
			last = first
		}
		member := []value.Field{}
		number := func(name, text string) int {
			n, err := strconv.Atoi(text)
			switch {
			case v.Kind != value.String:
				member = append(member, value.Field{Name: name, Value: value.Value{Kind: value.Unknown, NotNull: true, Range: v.Range}})
			case err == nil:
				member = append(member, value.Field{Name: name, Value: value.Value{Kind: value.Number, Number: float64(n), Range: v.Range}})
			}
			return n
		}
		from, to := number("from", first), number("to", last)
		if v.Kind == value.String {
			if protocol == "" {
				protocol = "tcp"
			}
			member = append(member, value.Field{Name: "protocol", Value: value.Value{Kind: value.String, Text: strings.ToLower(protocol), Range: v.Range}})
			if from <= 22 && 22 <= to && from > 0 {
				switch {
				case from != to:
					of.fact("ssh", v.Range)
				case len(words) == 1:
					of.fact("ssh", v.Range, e.without(in))
				default:
					of.fact("ssh", v.Range, e.removal(v.Range.Start, v.Range.End))
				}
			}
		} else {
			of.unknown("ssh", v.Range)
		}
		sortFields(member)
		s.ports = append(s.ports, value.Value{Kind: value.Object, Range: v.Range, Fields: member})
	}
	s.declared.words = append(s.declared.words, d.words...)
}

// workdir follows the working directory.
func (e *evaluation) workdir(d *declared, f *fields) {
	s, w := d.stage, d.in.rest()
	v := f.word("path", w)
	first := unquoter.Replace(w.text)
	absolute := strings.HasPrefix(v.Text, "/") || len(v.Text) > 2 && v.Text[1] == ':' // C:\
	switch {
	case absolute:
	case v.Kind != value.String && v.Text == "" && strings.HasPrefix(first, "$"):
		f.set("relative", value.Value{Kind: value.Unknown, NotNull: true, Range: v.Range})
	case s != nil && s.workdir != "" && v.Kind == value.String && !strings.ContainsAny(s.workdir+v.Text, " \t$\"'\\"):
		f.fact("relative", v.Range, edit(v.Range, path.Join(s.workdir, v.Text)))
	default:
		f.fact("relative", v.Range)
	}
	if s == nil || d.in.onbuild {
		return
	}
	switch {
	case v.Kind != value.String:
		s.workdir = ""
	case absolute:
		s.workdir = v.Text
	case s.workdir != "":
		s.workdir = path.Join(s.workdir, v.Text)
	}
}

// command reads CMD and ENTRYPOINT.
func (e *evaluation) command(d *declared, f *fields) {
	in := d.in
	words, isJSON := in.list()
	at := in.place(in.args, max(in.args, in.rest().end))
	if isJSON {
		f.text("form", "exec", at)
		f.words("words", words, true)
	} else {
		f.text("form", "shell", at)
		text := in.rest()
		f.text("text", text.text, at)
		if list, ok := execForm(text.text); ok && (d.stage == nil || len(d.stage.shell) == 0) {
			f.fact("shell_form", at, edit(at, list))
		} else {
			f.fact("shell_form", at)
		}
	}
	if d.stage != nil && !in.onbuild {
		d.stage.starts = true
	}
}

// healthcheck reads HEALTHCHECK.
func (e *evaluation) healthcheck(d *declared, f *fields) {
	in := d.in
	none := strings.EqualFold(in.rest().text, "NONE")
	f.truth("none", none, in.place(in.args, in.rest().end))
	for _, name := range []string{"interval", "timeout", "retries", "start-period", "start-interval"} {
		if v, _, ok := in.flag(name); ok {
			f.text(strings.ReplaceAll(name, "-", "_"), v.text, in.place(v.start, v.end))
		}
	}
	if !none {
		f.text("test", in.rest().text, in.place(in.args, in.rest().end))
	}
	if d.stage != nil && !in.onbuild {
		d.stage.health = &setting{value.Value{Kind: value.Bool, Bool: !none, Range: in.whole()}, d}
	}
}
