package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/finding"
)

// texter writes the report for people.
type texter struct {
	Input
	palette
	w     *bufio.Writer
	rules map[string]*finding.Rule
	told  map[string]bool // rules whose reason the present file has told
}

func writeText(w io.Writer, in Input) error {
	if in.Width <= 0 {
		in.Width = 100
	}
	in.Width = max(in.Width, 50)
	t := &texter{Input: in, palette: palette(in.Colour), w: bufio.NewWriter(w), rules: rules(in.Report)}
	found := open(in.Report)
	for _, s := range sections(found) {
		t.section(s)
	}
	t.summary(found)
	if in.Against != "" {
		t.line("  ", in.against())
	}
	t.problems()
	t.undecided()
	t.hygiene()
	t.controls()
	t.coverage()
	return t.w.Flush()
}

func (t *texter) line(parts ...string) {
	for _, p := range parts {
		t.w.WriteString(p)
	}
	t.w.WriteByte('\n')
}

func (t *texter) section(s *section) {
	name := Visible(s.file)
	if s.file == "" {
		name = "without a place in a file"
	}
	tail := plural(s.count, "finding")
	rule := max(2, t.Width-columns(name)-columns(tail)-2)
	t.line(t.bold(name), " ", t.dim(strings.Repeat("─", rule)), " ", t.dim(tail))
	t.line()
	t.told = make(map[string]bool)
	for _, b := range s.blocks {
		t.line(t.bold(cut(Visible(b.name), t.Width)))
		for _, g := range b.groups {
			t.group(g, b.name)
			t.line()
		}
	}
}

// labelWidth is the width of the column of labels under a finding.
const labelWidth = 8

func (t *texter) group(g *group, title string) {
	gutter := 3
	lines := excerpt(t.file(g.Location.File), g.Finding, t.Width-12)
	for _, l := range lines {
		gutter = max(gutter, len(strconv.Itoa(l.number)))
	}
	indent := strings.Repeat(" ", gutter+2)

	// The message may take several lines: they stand under each other.
	word := g.Severity.String()
	if t.palette {
		word = " " + word + " "
	}
	body := wrap(Visible(g.Message), t.Width-columns(word)-3)
	id := Visible(g.Rule)
	// The rule stands behind the message when there is room, else on a line of its own.
	last := max(0, len(body)-1)
	if len(body) > 0 && 3+columns(word)+columns(body[last])+2+columns(id) > t.Width {
		body = append(body, "")
		last++
	} else if len(body) == 0 {
		body = []string{""}
	}
	for i, m := range body {
		lead := strings.Repeat(" ", columns(word)+3)
		if i == 0 {
			lead = "  " + t.severity(g.Severity, word) + " "
		}
		switch {
		case i < last:
			t.line(lead, t.bold(m))
		case m == "":
			t.line(lead, t.dim(id))
		default:
			t.line(lead, t.bold(m), "  ", t.dim(id))
		}
	}
	if at := spot(&t.Input, g.Location); at != "" {
		t.line(indent, t.dim("╭╴"), t.link(at), "  ", t.dim(g.shortID()))
	}
	for _, l := range lines {
		t.excerptLine(l, gutter, g.Severity)
	}
	if len(lines) > 0 {
		t.line(indent, t.dim("╵"))
	}

	t.instances(g, title, indent)
	t.labelledList(indent, "value", t.values(g))
	t.labelledList(indent, "see", t.related(g))
	if r := t.rules[g.Rule]; r != nil && !t.told[g.Rule] {
		if why := firstParagraph(r.Why); why != "" {
			t.labelled(indent, "why", why)
		}
	}
	t.fixes(g, indent)
	if !t.told[g.Rule] {
		t.labelled(indent, "more", "plumbline explain "+Visible(g.Rule))
	}
	t.told[g.Rule] = true
}

// shortID is the beginning of the identity of the group's first finding, long enough to name it with fix --finding, and how
// many more there are.
func (g *group) shortID() string {
	id := Visible(g.ID[:min(len(g.ID), 12)])
	if n := len(g.all) - 1; n > 0 {
		id += fmt.Sprintf(" and %d more", n)
	}
	return id
}

func (t *texter) excerptLine(l excerptLine, gutter int, s finding.Severity) {
	if l.number == 0 {
		t.line(strings.Repeat(" ", gutter), "  ", t.dim("┊"))
		return
	}
	t.line(t.dim(fmt.Sprintf("%*d  │ ", gutter, l.number)), l.before, l.mark, l.after)
	if l.marked {
		under := strings.Repeat("^", max(1, columns(l.mark)))
		t.line(strings.Repeat(" ", gutter+2), t.dim("│ "), strings.Repeat(" ", columns(l.before)), t.severity(min(s, finding.High), under))
	}
}

// instances says which resources the same text makes break the rule, and through which module calls.
func (t *texter) instances(g *group, title, indent string) {
	label := "in"
	if g.only(title) {
		label = "through"
	}
	t.labelledList(indent, label, t.Input.instances(g, title))
	if g.maybe() {
		t.labelled(indent, "note", maybeCreated)
	}
	if v := distinct(g.all, func(f *finding.Finding) []string { return f.Resource.Variants }); len(v) > 0 {
		t.labelled(indent, "with", Visible(strings.Join(v, ", ")))
	}
}

// fixes shows the fixes of the group as diffs.
func (t *texter) fixes(g *group, indent string) {
	all := g.fixes()
	for i, fix := range all[:min(len(all), maxFixes)] {
		label := "fix"
		if i > 0 && i < len(g.Fixes) {
			label = "or"
		}
		t.fix(g, fix, label, indent)
	}
	if n := len(all) - maxFixes; n > 0 {
		t.labelled(indent, "", fmt.Sprintf("and %d more for other instances", n))
	}
}

func (t *texter) fix(g *group, fix finding.Fix, label, indent string) {
	t.labelled(indent, label, Visible(fix.Title))
	if fix.Caution != "" {
		t.labelled(indent, "caution", Visible(fix.Caution))
	}
	under := indent + strings.Repeat(" ", labelWidth)
	for _, file := range editedFiles(fix) {
		hunks := t.shown(file, g.Finding, fix.Edits, 1)
		if len(hunks) == 0 || file != g.Location.File {
			t.line(under, t.link(Visible(file)))
		}
		for n, h := range hunks {
			if n > 0 {
				t.line(under, t.dim("┊"))
			}
			t.hunk(h, under)
		}
	}
	if len(fix.Shared) > 0 {
		t.labelled(indent, "", "also changes "+Visible(list(fix.Shared, maxListed)))
	}
}

func (t *texter) hunk(h hunk, indent string) {
	for _, l := range h.trim() {
		n := l.new
		if l.op == '-' {
			n = l.old
		}
		text := cut(visibleLines(strings.TrimRight(l.text, "\r\n")), t.Width-len(indent)-7)
		number := t.dim(fmt.Sprintf("%4d ", n))
		switch l.op {
		case '-':
			t.line(indent, number, t.removed(strings.TrimRight("- "+text, " ")))
		case '+':
			t.line(indent, number, t.added(strings.TrimRight("+ "+text, " ")))
		default:
			t.line(strings.TrimRight(indent+number+"  "+text, " "))
		}
	}
}

// labelledList writes a list under one label, and counts what is too much.
func (t *texter) labelledList(indent, label string, items []string) {
	for i, s := range items {
		if i == maxListed && len(items) > maxListed+1 {
			t.labelled(indent, "", fmt.Sprintf("and %d more", len(items)-i))
			return
		}
		t.labelled(indent, label, s)
		label = ""
	}
}

// labelled writes a label and its text, wrapped so that the lines stand under each other.
func (t *texter) labelled(indent, label, text string) {
	for i, l := range wrap(text, t.Width-len(indent)-labelWidth) {
		if i > 0 {
			label = ""
		}
		t.line(indent, t.dim(label), strings.Repeat(" ", labelWidth-len(label)), l)
	}
}
