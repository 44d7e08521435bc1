package dockerfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// file is a file split into instructions.
type file struct {
	*source.File
	directives   map[string]string // of the first lines: escape, syntax, check
	escape       byte
	newline      string // how its lines end
	instructions []instruction
	comments     []comment
	problems     []source.Problem
}

// comment is a line that is a comment.
type comment struct {
	start, end int // from # to the end of the line
	inside     int // the instruction whose lines it stands between; -1 for none
}

// instruction is one instruction, or what ONBUILD holds of one.
type instruction struct {
	file      *file
	keyword   string // in capitals
	at        span   // of the keyword in the file
	text      mapped // the whole instruction, its lines joined as the builder joins them
	flags     []word // --name=value
	args      int    // where its arguments begin in text
	heredocs  []heredoc
	start     int // in the file, the keyword's
	end       int // behind the last line, here-documents included, without its line end
	next      int // where the line behind it begins
	onbuild   bool
	malformed string // what is wrong with it; empty when nothing is
}

// span is a place in a file.
type span struct{ start, end int }

// heredoc is a here-document of an instruction.
type heredoc struct {
	name   string
	expand bool
	body   span // its lines
	whole  span // with the line that ends it
}

// mapped is a text whose pieces stand in a file.
type mapped struct {
	text   string
	pieces []piece
}

// piece says that the text from at on stands in the file from file on.
type piece struct{ at, file int }

func (m *mapped) add(text string, file int) {
	if text != "" {
		m.pieces = append(m.pieces, piece{len(m.text), file})
		m.text += text
	}
}

// place returns where a part of the text stands in the file.
func (m *mapped) place(start, end int) span {
	if len(m.pieces) == 0 {
		return span{}
	}
	s := m.offset(start)
	if end <= start {
		return span{s, s}
	}
	return span{s, m.offset(end-1) + 1}
}

func (m *mapped) offset(at int) int {
	i, found := slices.BinarySearchFunc(m.pieces, at, func(p piece, at int) int { return p.at - at })
	if !found {
		i = max(i-1, 0)
	}
	return m.pieces[i].file + at - m.pieces[i].at
}

// slice is a part of a mapped text.
func (m *mapped) slice(start, end int) mapped {
	out := mapped{text: m.text[start:end]}
	for i, p := range m.pieces {
		stop := len(m.text)
		if i+1 < len(m.pieces) {
			stop = m.pieces[i+1].at
		}
		if stop > start && p.at < end {
			out.pieces = append(out.pieces, piece{max(p.at, start) - start, p.file + max(start-p.at, 0)})
		}
	}
	return out
}

func (in *instruction) place(start, end int) source.Range {
	s := in.text.place(start, end)
	return source.Range{File: in.file.Path, Start: s.start, End: s.end}
}

func (in *instruction) whole() source.Range {
	return source.Range{File: in.file.Path, Start: in.start, End: in.end}
}

// reader reads the lines of a file. The rules of how lines are joined are those of BuildKit's parser; it is not used itself because
// it forgets where words stand and gives a file up at the first mistake. A test compares what both make of a file.
type reader struct {
	*file
	text string
	at   int
}

// maxInstructions is how many instructions of a file are read.
const maxInstructions = 20_000

func parse(f *source.File, limits dialect.Limits) *file {
	r := &reader{file: &file{File: f, directives: map[string]string{}, escape: '\\', newline: "\n"}, text: string(f.Bytes)}
	if i := strings.IndexByte(r.text, '\n'); i > 0 && r.text[i-1] == '\r' {
		r.newline = "\r\n"
	}
	if strings.HasPrefix(r.text, "\ufeff") {
		r.at = 3
	}
	top := true // only comments were read: they may be directives
	for r.at < len(r.text) {
		start, line := r.line()
		trimmed := strings.TrimLeftFunc(line, unicode.IsSpace)
		start += len(line) - len(trimmed)
		switch {
		case trimmed == "":
			top = false
		case trimmed[0] == '#':
			r.comments = append(r.comments, comment{start, start + len(strings.TrimRight(trimmed, "\r\n")), -1})
			top = top && r.directive(trimmed)
		case len(r.instructions) >= maxInstructions:
			r.problem(source.Limit, start, start+len(trimmed), fmt.Sprintf("the file has more than %d instructions: what stands from here on is not read", maxInstructions))
			return r.file
		default:
			top = false
			r.instruction(start, trimmed)
		}
	}
	return r.file
}

func (r *reader) problem(kind source.ProblemKind, start, end int, message string) {
	r.problems = append(r.problems, source.Problem{Kind: kind, Range: source.Range{File: r.Path, Start: start, End: end}, Message: message})
}

// line returns the next line without its end, and where it begins.
func (r *reader) line() (start int, line string) {
	start = r.at
	if i := strings.IndexByte(r.text[r.at:], '\n'); i >= 0 {
		r.at += i + 1
	} else {
		r.at = len(r.text)
	}
	return start, strings.TrimRight(r.text[start:r.at], "\r\n")
}

// directive reads a comment of the first lines: # escape=`. It reports whether it was one.
func (r *reader) directive(line string) bool {
	name, value, ok := strings.Cut(strings.TrimSpace(line[1:]), "=")
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	if !ok || value == "" || name == "" || strings.ContainsFunc(name, func(c rune) bool { return !('a' <= c && c <= 'z' || '0' <= c && c <= '9') }) {
		return false
	}
	if _, twice := r.directives[name]; !twice {
		r.directives[name] = value
	}
	if name == "escape" && (value == "`" || value == `\`) {
		r.escape = value[0]
	}
	return true
}

// continues takes the sign away that a line goes on with the next one. An escaped sign is none.
func (r *reader) continues(line string) (string, bool) {
	t := strings.TrimRight(line, " \t")
	if t == "" || t[len(t)-1] != r.escape || len(t) > 1 && t[len(t)-2] == r.escape {
		return line, false
	}
	return t[:len(t)-1], true
}

// instruction reads an instruction that begins at a place, and what follows of its lines.
func (r *reader) instruction(start int, line string) {
	in := instruction{file: r.file, start: start, end: start + len(line), next: r.at}
	var text strings.Builder
	add := func(s string, at int) {
		if s != "" {
			in.text.pieces = append(in.text.pieces, piece{text.Len(), at})
			text.WriteString(s)
		}
	}
	s, more := r.continues(line)
	add(s, start)
	if more && s == "" {
		return // nothing but the sign: the builder skips it
	}
	for more && r.at < len(r.text) {
		at, line := r.line()
		in.next = r.at
		trimmed := strings.TrimSpace(line)
		if trimmed == "" {
			continue
		}
		if trimmed[0] == '#' {
			from := at + strings.IndexByte(line, '#')
			r.comments = append(r.comments, comment{from, at + len(line), len(r.instructions)})
			continue
		}
		s, more = r.continues(line)
		add(s, at)
		in.end = at + len(line)
	}
	in.text.text = text.String()
	in.split()
	if strings.Contains(in.text.text, "<<") {
		r.hereDocuments(&in)
	}
	r.instructions = append(r.instructions, in)
	if in.malformed != "" {
		r.problem(source.Invalid, in.start, in.end, in.malformed)
	}
}

// hereDocuments reads the lines of the here-documents that an instruction names.
func (r *reader) hereDocuments(in *instruction) {
	inner := in
	if in.keyword == "ONBUILD" {
		if inner = in.triggered(); inner == nil {
			return
		}
	}
	switch inner.keyword {
	case "RUN", "COPY", "ADD":
	default:
		return
	}
	if _, isJSON := inner.list(); isJSON {
		return
	}
	for _, w := range inner.quotedWords() {
		if !strings.Contains(w.text, "<<") || len(w.text) > 1<<10 {
			continue
		}
		doc, chomp, ok := opener(w.text)
		if !ok {
			continue
		}
		doc.body = span{r.at, r.at}
		ended := false
		for r.at < len(r.text) {
			at, line := r.line()
			in.next, in.end = r.at, at+len(line)
			doc.body.end = at
			if chomp {
				line = strings.TrimLeft(line, "\t")
			}
			if line == doc.name {
				ended = true
				break
			}
			doc.body.end = r.at
		}
		doc.whole = span{doc.body.start, in.end}
		if !ended {
			r.problem(source.Invalid, in.start, in.start+len(in.keyword), fmt.Sprintf("the here-document %s has no end: a line of its own with nothing but %s", doc.name, doc.name))
		}
		in.heredocs = append(in.heredocs, doc)
	}
}

// opener reads a word that begins a here-document: <<EOF, <<-'EOF', 3<<"EOF". Chomp says that tabs before its lines do not count.
func opener(word string) (doc heredoc, chomp, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(word, "0123456789"), "<<")
	if !ok || strings.Contains(rest, "<") {
		return doc, false, false
	}
	rest, chomp = strings.CutPrefix(rest, "-")
	rest = strings.TrimLeft(rest, blanks)
	doc.name = unquoter.Replace(rest)
	doc.expand = doc.name == rest
	return doc, chomp, doc.name != ""
}

var unquoter = strings.NewReplacer(`"`, "", "'", "", `\`, "")
