package dockerfile

import (
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/shell"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// script is what a RUN runs.
type script struct {
	shell.Script
	mapped
	e        *evaluation
	d        *declared
	shell    string // sh, bash, cmd, powershell
	pipefail bool   // the shell is started with it
	body     bool   // it is the body of a here-document
	exec     bool
}

// run reads RUN. It returns what tells the instruction from others of its stage: the first words of its first command.
func (e *evaluation) run(d *declared, f *fields) string {
	in := d.in
	for _, name := range []string{"network", "security"} {
		if v, _, ok := in.flag(name); ok {
			f.word(name, v)
		}
	}
	e.mounts(d, f)
	s := &script{e: e, d: d}
	s.shellOf()
	if words, ok := in.list(); ok {
		f.text("form", "exec", in.place(in.args, in.rest().end))
		s.fromWords(words)
	} else {
		f.text("form", "shell", in.place(in.args, in.rest().end))
		s.fromText()
	}
	f.text("shell", s.shell, in.place(0, len(in.keyword)))
	at := func(start, end int) source.Range { return s.at(start, end) }
	switch {
	case s.text == "":
	case s.shell == "cmd" || s.shell == "powershell" || s.shell == "pwsh":
		s.Script = shell.Words(s.text)
	default:
		s.Script = shell.Read(s.text)
	}
	f.text("text", s.text, s.at(0, len(s.text)))
	f.set("commands", s.Value(at))
	s.facts(f)
	if s.exec { // words of a JSON array are not changed as those of a script are
		for _, x := range d.facts {
			x.fixable, x.edits = false, nil
		}
	}
	about := ""
	for i := range s.Commands {
		c := &s.Commands[i]
		if d.stage != nil && (c.Name == "curl" || c.Name == "wget") && !slices.Contains(d.stage.fetchers, c.Name) {
			d.stage.fetchers = append(d.stage.fetchers, c.Name)
		}
		if about == "" && len(c.Words) > 0 && c.Name != "set" && c.Name != "cd" && c.Name != "export" {
			about = headline(c)
		}
	}
	return about
}

// headline is the program and the first words of a command that are no options, nor perhaps their arguments, no versions and no
// paths; of a package manager what it does and the first package.
func headline(c *shell.Command) string {
	text := canonical(c.Name)
	if in := installationOf(c); in != nil && in.sub != "" {
		if text += " " + canonical(in.sub); len(in.packages) > 0 && in.packages[0].Known {
			name := in.packages[0].Text
			if i := strings.IndexAny(name, "=~<>[/ "); i > 0 {
				name = name[:i]
			}
			text += " " + clip(name)
		}
		return text
	}
	for i := 1; i < min(len(c.Words), 8) && strings.Count(text, " ") < 2; i++ {
		w := &c.Words[i]
		if !w.Known || w.Text == "" || strings.HasPrefix(w.Text, "-") || strings.HasPrefix(c.Words[i-1].Text, "-") || strings.ContainsAny(w.Text, " \n=<>/") {
			continue
		}
		text += " " + clip(w.Text)
	}
	return text
}

// canonical is the word that a fix would write, so that the address stays.
func canonical(word string) string {
	switch word {
	case "apt", "apt-cache":
		return "apt-get"
	case "dist-upgrade", "full-upgrade":
		return "upgrade"
	}
	return word
}

func (s *script) at(start, end int) source.Range {
	p := s.place(start, end)
	if len(s.pieces) == 0 {
		return s.d.in.whole()
	}
	return source.Range{File: s.e.Path, Start: p.start, End: p.end}
}

// shellOf finds the shell: SHELL says it, else it is the default of Linux or Windows.
func (s *script) shellOf() {
	s.shell = "sh"
	st := s.d.stage
	if st != nil && len(st.shell) > 0 {
		s.shell = strings.TrimSuffix(strings.ToLower(path.Base(strings.ReplaceAll(st.shell[0], `\`, "/"))), ".exe")
		for i, w := range st.shell {
			s.pipefail = s.pipefail || w == "pipefail" && i > 0 && strings.HasPrefix(st.shell[i-1], "-") && strings.HasSuffix(st.shell[i-1], "o")
		}
		return
	}
	for n := 0; st != nil && n < maxScopes; n++ {
		if strings.Contains(st.image.text, "nanoserver") || strings.Contains(st.image.text, "servercore") || strings.Contains(st.image.text, "mcr.microsoft.com/windows") {
			s.shell = "cmd"
			return
		}
		st = st.parent
	}
	if s.e.escape == '`' {
		s.shell = "cmd"
	}
}

// fromText makes the script of the shell form: the line, and the here-documents behind it as the shell would see them. A line of
// nothing but here-documents is their content.
func (s *script) fromText() {
	in := s.d.in
	rest := in.rest()
	s.mapped = in.text.slice(rest.start, rest.end)
	if len(in.heredocs) == 0 {
		return
	}
	openers := true
	for _, w := range in.quotedWords() {
		_, _, ok := opener(w.text)
		openers = openers && ok
	}
	text := string(s.e.Bytes)
	if !openers {
		var all mapped
		all.add(s.text, 0)
		all.pieces = append([]piece(nil), s.pieces...)
		for _, h := range in.heredocs {
			all.add("\n", max(h.whole.start-1, 0))
			all.add(text[h.whole.start:h.whole.end], h.whole.start)
		}
		s.mapped = all
		return
	}
	h := in.heredocs[0]
	s.mapped, s.body = mapped{}, true
	body := text[h.body.start:h.body.end]
	if first, _, _ := strings.Cut(body, "\n"); strings.HasPrefix(first, "#!") {
		fields := strings.Fields(first[2:])
		name := ""
		if len(fields) > 0 {
			name = path.Base(fields[len(fields)-1])
			for _, f := range fields {
				if n := path.Base(f); n == "bash" || n == "sh" || n == "ash" || n == "dash" || n == "zsh" {
					name = n
				}
			}
		}
		switch name {
		case "bash", "sh", "ash", "dash", "zsh":
			s.shell, s.pipefail = name, false
		default:
			s.shell = name
			return // another language
		}
	}
	s.add(body, h.body.start)
}

// fromWords makes the script of the exec form: its words, each in quotes.
func (s *script) fromWords(words []word) {
	s.exec = true
	for i, w := range words {
		at := s.d.in.place(w.start, w.end)
		if i > 0 {
			s.add(" ", max(at.Start-1, 0))
		}
		s.add("'", at.Start)
		inner := strings.ReplaceAll(w.text, "'", `'\''`)
		if string(s.e.Bytes[at.Start:at.End]) == `"`+inner+`"` {
			s.add(inner, at.Start+1)
		} else {
			for j := range len(inner) { // what JSON escapes stands at its element
				s.pieces = append(s.pieces, piece{len(s.text) + j, at.Start})
			}
			s.text += inner
		}
		s.add("'", at.End-1)
	}
}

// mounts reads --mount flags: type=secret,id=token.
func (e *evaluation) mounts(d *declared, f *fields) {
	var items []value.Value
	for _, flag := range d.in.flags {
		spec, ok := strings.CutPrefix(flag.text, "--mount=")
		if !ok {
			continue
		}
		at := d.in.place(flag.start, flag.end)
		m := fields{e: e, d: d}
		seen := map[string]bool{"type": true}
		kind := "bind"
		for part := range strings.SplitSeq(strings.Trim(spec, `"'`), ",") {
			name, v, has := strings.Cut(part, "=")
			switch name = strings.ToLower(name); name {
			case "type":
				kind = v
				continue
			case "dst", "destination":
				name = "target"
			case "src":
				name = "source"
			case "ro":
				name = "readonly"
			}
			if !has {
				v = "true"
			}
			switch name {
			case "id", "target", "source", "from", "sharing", "mode", "env", "required", "readonly", "rw":
				if !seen[name] {
					seen[name] = true
					x := f.scope().expand(v, e.escape)
					m.set(name, x.value(at))
				}
			}
		}
		m.text("type", kind, at)
		sortFields(m.list)
		items = append(items, value.Value{Kind: value.Object, Range: at, Fields: m.list})
	}
	if len(items) > 0 {
		f.set("mounts", value.Value{Kind: value.List, Range: d.in.whole(), Items: items})
	}
}
