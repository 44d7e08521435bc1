package dockerfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

func edit(at source.Range, text string) source.Edit { return source.Edit{Range: at, Text: text} }

func (f *file) insertAt(at int, text string) source.Edit {
	return edit(source.Range{File: f.Path, Start: at, End: at}, text)
}

// removal is the edit that takes words of an instruction away: with the blanks before them, or the line when nothing else stands in it.
func (f *file) removal(start, end int) source.Edit {
	text := f.Bytes
	from := start
	for from > 0 && (text[from-1] == ' ' || text[from-1] == '\t') {
		from--
	}
	if from > 0 && text[from-1] != '\n' {
		return edit(source.Range{File: f.Path, Start: from, End: end}, "")
	}
	to := end
	for to < len(text) && (text[to] == ' ' || text[to] == '\t') {
		to++
	}
	if to+1 < len(text) && text[to] == f.escape && (text[to+1] == '\n' || text[to+1] == '\r') { // alone in its line
		if i := strings.IndexByte(string(text[to:]), '\n'); i >= 0 {
			return edit(source.Range{File: f.Path, Start: from, End: to + i + 1}, "")
		}
	}
	return edit(source.Range{File: f.Path, Start: start, End: to}, "")
}

// without is the edit that takes an instruction away, with its lines.
func (f *file) without(in *instruction) source.Edit {
	start := in.start
	for start > 0 && f.Bytes[start-1] != '\n' {
		start--
	}
	if strings.TrimSpace(strings.TrimPrefix(string(f.Bytes[start:in.start]), "\ufeff")) != "" || start == 0 && strings.HasPrefix(string(f.Bytes), "\ufeff") {
		start = in.start
	}
	return edit(source.Range{File: f.Path, Start: start, End: in.next}, "")
}

// optional are the attributes that are flags, by instruction.
var optional = map[string][]string{
	"COPY": {"from", "chown", "chmod", "link", "parents"}, "ADD": {"chown", "chmod", "checksum", "link"},
	"FROM": {"platform"}, "RUN": {"network", "security"},
	"HEALTHCHECK": {"interval", "timeout", "retries", "start_period", "start_interval"},
}

// Edit lowers wishes to edits of words, flags and instructions.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	var out dialect.Lowered
	if x.evaluation == nil {
		return out, errors.New("the file was not evaluated")
	}
	d := x.evaluation.declared[r]
	if d == nil {
		return out, fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	var titles []string
	for _, c := range changes {
		edits, title, err := x.lower(d, c)
		if err != nil {
			return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
		}
		if len(edits) > 0 {
			titles = append(titles, title)
		}
		for _, e := range edits {
			if slices.ContainsFunc(out.Edits, func(o source.Edit) bool { return o.Range.Start < e.Range.End && e.Range.Start < o.Range.End }) {
				return dialect.Lowered{}, fmt.Errorf("%s: two wishes change the same words", r.Address)
			}
			out.Edits = append(out.Edits, e)
		}
	}
	if len(out.Edits) > 0 {
		out.Also = d.also()
	}
	slices.SortStableFunc(out.Edits, func(a, b source.Edit) int { // what is inserted stands before what is removed there
		return cmp.Or(a.Range.Start-b.Range.Start, a.Range.End-b.Range.End)
	})
	out.Title = strings.Join(titles, ", ")
	return out, nil
}

// also are the attributes that say another side of the words that are changed: a command without sudo has another text.
func (d *declared) also() []value.Path {
	var out []value.Path
	names := []string{"sources", "from_stage", "missing_slash", "joinable", "words", "text"}
	if d.in.keyword == "FROM" {
		names = []string{"ports", "image"}
	}
	for _, f := range d.resource.Body.Fields {
		switch f.Name {
		case "stage", "final", "onbuild", "user", "healthcheck", "parent", "index", "starts", "name":
		default:
			names = append(names, f.Name)
		}
	}
	for _, n := range names {
		out = append(out, value.Path{{Name: n}})
	}
	return out
}

func (x *explainer) lower(d *declared, c resource.Change) ([]source.Edit, string, error) {
	if c.Op == resource.Create || c.Op == resource.Add {
		return nil, "", errors.New("nothing can be added to an instruction but flags")
	}
	if len(c.Path) == 0 {
		return nil, "", errors.New("the wish names no attribute")
	}
	name := c.Path[0].Name
	have := d.resource.Body.At(c.Path)
	if c.Op == resource.Set && includes(have, &c.Value) || c.Op == resource.Remove && !have.IsSet() {
		return nil, "", nil
	}
	if i := slices.IndexFunc(d.facts, func(f *fact) bool { return f.name == name }); i >= 0 && len(c.Path) == 1 {
		return x.withoutFact(d, c, d.facts[i])
	}
	title := string(c.Op) + " " + c.Path.String()
	if c.Op == resource.Set {
		title += " to " + value.Show(&c.Value)
	}
	if len(c.Path) == 1 {
		switch {
		case name == "user" && d.in.keyword == "FROM":
			return x.setUser(d, c)
		case name == "instruction":
			return d.replaceKeyword(c)
		case slices.Contains(optional[d.in.keyword], name):
			return d.setFlag(c, title)
		}
	}
	if c.Op == resource.Set && c.Value.Kind == value.String && (have.Kind == value.String || have.Kind == value.Unknown) && !have.Range.IsZero() {
		text, err := d.writeWord(name, c.Value.Text, have.Range)
		if err != nil {
			return nil, "", err
		}
		return []source.Edit{edit(have.Range, text)}, title, nil
	}
	return nil, "", fmt.Errorf("%s of %s is not a word that can be changed alone", c.Path, d.in.keyword)
}

// withoutFact makes something that is so not be so.
func (x *explainer) withoutFact(d *declared, c resource.Change, f *fact) ([]source.Edit, string, error) {
	if c.Op == resource.Set && (c.Value.Kind != value.Bool || c.Value.Bool) {
		return nil, "", fmt.Errorf("%s can only be taken away", f.name)
	}
	if f.unknown {
		return nil, "", fmt.Errorf("whether it has %s is not known", f.name)
	}
	if !f.fixable || d.in.onbuild && len(f.edits) == 0 {
		return nil, "", fmt.Errorf("only who wrote %s knows what shall stand there", d.in.keyword)
	}
	return slices.Clone(f.edits), "change " + d.in.keyword + ": no " + strings.ReplaceAll(f.name, "_", " "), nil
}

// writeWord writes a text so that it is read as one word again.
func (d *declared) writeWord(name, text string, at source.Range) (string, error) {
	if !slices.Contains(wordsOf[d.in.keyword], name) {
		return "", fmt.Errorf("%s of %s is not changed by itself", name, d.in.keyword)
	}
	if text == "" || strings.ContainsAny(text, " \t\r\n\"'$\\`[#<") || strings.HasPrefix(text, "--") {
		return "", fmt.Errorf("%q cannot be written as one word", text)
	}
	if was := d.in.file.Bytes[at.Start:at.End]; len(was) > 1 && was[0] == '"' && was[len(was)-1] == '"' {
		return strconv.Quote(text), nil
	}
	return text, nil
}

// wordsOf are the attributes that are a word of their instruction.
var wordsOf = map[string][]string{
	"FROM": {"image"}, "COPY": {"destination", "sources"}, "ADD": {"destination", "sources"}, "WORKDIR": {"path"}, "STOPSIGNAL": {"signal"},
}

// setFlag writes, changes or takes away a flag.
func (d *declared) setFlag(c resource.Change, title string) ([]source.Edit, string, error) {
	in := d.in
	name := strings.ReplaceAll(c.Path[0].Name, "_", "-")
	v, whole, ok := in.flag(name)
	if c.Op == resource.Remove {
		if !ok {
			return nil, "", nil
		}
		at := in.place(whole.start, whole.end)
		return []source.Edit{in.file.removal(at.Start, at.End)}, "remove --" + name, nil
	}
	text := c.Value.Text
	if c.Value.Kind == value.Bool {
		text = strconv.FormatBool(c.Value.Bool)
	}
	if c.Value.Kind != value.String && c.Value.Kind != value.Bool || text == "" || strings.ContainsAny(text, " \t\r\n\"'$\\`") {
		return nil, "", fmt.Errorf("--%s cannot be %s", name, value.Show(&c.Value))
	}
	if ok {
		if v.start == whole.start {
			return []source.Edit{edit(in.place(whole.start, whole.end), "--"+name+"="+text)}, title, nil
		}
		return []source.Edit{edit(in.place(v.start, v.end), text)}, title, nil
	}
	return []source.Edit{in.file.insertAt(in.at.end, " --"+name+"="+text)}, title, nil
}

// replaceKeyword makes COPY of ADD, and LABEL of MAINTAINER.
func (d *declared) replaceKeyword(c resource.Change) ([]source.Edit, string, error) {
	in := d.in
	at := source.Range{File: in.file.Path, Start: in.at.start, End: in.at.end}
	switch {
	case c.Op != resource.Set:
	case in.keyword == "ADD" && c.Value.Text == "COPY":
		for _, f := range in.flags {
			if n, _, _ := strings.Cut(f.text[2:], "="); n != "chown" && n != "chmod" && n != "link" && n != "exclude" {
				return nil, "", fmt.Errorf("COPY has no --%s", n)
			}
		}
		return []source.Edit{edit(at, "COPY")}, "COPY in place of ADD", nil
	case in.keyword == "MAINTAINER" && c.Value.Text == "LABEL":
		rest := in.rest()
		name := strings.Trim(rest.text, `"'`)
		if strings.ContainsAny(name, "\"\\\n$`") || in.onbuild {
			return nil, "", errors.New("the name cannot be written as a label as it is")
		}
		whole := in.place(0, rest.end)
		return []source.Edit{edit(whole, `LABEL org.opencontainers.image.authors="`+name+`"`)}, "LABEL in place of MAINTAINER", nil
	}
	return nil, "", fmt.Errorf("%s cannot become %s", in.keyword, value.Show(&c.Value))
}

// trailing are the instructions that only say how the image is run: USER goes before them, behind what the build does.
var trailing = map[string]bool{"CMD": true, "ENTRYPOINT": true, "EXPOSE": true, "HEALTHCHECK": true, "STOPSIGNAL": true, "LABEL": true, "MAINTAINER": true, "VOLUME": true}

// setUser changes the USER that decides, or writes one behind the last instruction that builds something.
func (x *explainer) setUser(d *declared, c resource.Change) ([]source.Edit, string, error) {
	if c.Op != resource.Set || c.Value.Kind != value.String || c.Value.Text == "" || strings.ContainsAny(c.Value.Text, " \t\r\n\"'$\\`") {
		return nil, "", errors.New("USER takes one word")
	}
	title := "USER " + c.Value.Text
	s, f := d.stage, d.in.file
	if s.user != nil && s.user.by != nil && s.user.by.stage == s {
		return []source.Edit{edit(s.user.value.Range, c.Value.Text)}, title, nil
	}
	if s.user != nil && s.user.value.Kind == value.Unknown {
		return nil, "", errors.New("the user of the image is not known")
	}
	behind := s.in
	for i := s.from; i < s.to; i++ {
		if in := &f.instructions[i]; !trailing[in.keyword] {
			behind = in
		}
	}
	text := title + f.newline
	if behind.next == 0 || f.Bytes[behind.next-1] != '\n' {
		text = f.newline + title
	}
	return []source.Edit{f.insertAt(behind.next, text)}, title, nil
}

// execForm writes a command of plain words as a JSON array.
func execForm(text string) (string, bool) {
	if strings.ContainsAny(text, "$`\\|&;<>()*?[]{}#~!\"'=\n%") {
		return "", false
	}
	words := strings.Fields(text)
	if len(words) == 0 || words[0] == "exec" || words[0] == "cd" || words[0] == "source" || words[0] == "." {
		return "", false
	}
	for i := range words {
		words[i] = strconv.Quote(words[i])
	}
	return "[" + strings.Join(words, ", ") + "]", true
}

// includes reports whether a value is what is wished. A bool that nobody wrote is false.
func includes(v, wish *value.Value) bool {
	if v.Kind == value.Absent && wish.Kind == value.Bool {
		return !wish.Bool
	}
	if v.Kind == value.String && wish.Kind == value.Bool { // a flag
		return v.Text == strconv.FormatBool(wish.Bool)
	}
	return v.Kind != value.Unknown && v.Equal(wish)
}
