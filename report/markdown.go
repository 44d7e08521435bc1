package report

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"strings"

	"plumbline.dev/plumbline/finding"
)

// GitHub takes comments of 65,536 characters. Findings are written in full until markdownFull bytes are used, then as one
// line each until markdownLines; what is left is for the end, and what did not fit is counted.
const (
	markdownFull  = 44_000
	markdownLines = 54_000
	markdownLimit = 65_000
	markdownEntry = 8_000 // no single finding in full may be longer
)

// MarkdownMarker is the first line of the markdown format, by which a bot finds its own comment again.
const MarkdownMarker = "<!-- plumbline -->"

var severityMarks = [...]string{"", "⚪", "🔵", "🟡", "🟠", "🔴"}

// writeMarkdown writes a comment for a pull request.
func writeMarkdown(w io.Writer, in Input) error {
	found := open(in.Report)
	groups := grouped(found)
	var b strings.Builder
	b.WriteString(MarkdownMarker + "\n")
	in.markdownHead(&b, found)
	if in.Against != "" {
		fmt.Fprintf(&b, "New against %s; %s.\n\n", codeSpan(in.Against), in.leftOut())
	}

	known := rules(in.Report)
	full := true
	for i, g := range groups {
		if full {
			if s := in.markdownFinding(g, known[g.Rule]); len(s) <= markdownEntry && b.Len()+len(s) <= markdownFull {
				b.WriteString(s)
				continue
			} else if b.Len()+len(s) > markdownFull {
				full = false
				b.WriteString("\n**The rest in short:**\n\n")
			}
		}
		s := in.markdownLine(g)
		if b.Len()+len(s) > markdownLines {
			fmt.Fprintf(&b, "\n**%s not shown here**: a comment has no room for more. The other report formats hold all of them.\n", plural(len(groups)-i, "more finding"))
			break
		}
		b.WriteString(s)
	}
	in.markdownTail(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (in *Input) markdownHead(b *strings.Builder, found []*finding.Finding) {
	switch {
	case len(found) > 0:
		n := count(found)
		var parts []string
		for _, s := range severities {
			if n[s] > 0 {
				parts = append(parts, fmt.Sprintf("%s %d %s", severityMarks[s], n[s], s))
			}
		}
		fmt.Fprintf(b, "## Plumbline: %s\n\n%s\n\n", plural(len(found), "finding"), strings.Join(parts, " · "))
	case !complete(in.Report):
		b.WriteString("## Plumbline: the scan is incomplete\n\n")
	case in.Report.Coverage.Files == 0:
		b.WriteString("## Plumbline: nothing was scanned\n\n")
	case len(in.strict()) > 0:
		fmt.Fprintf(b, "## Plumbline: %s, which fail the scan\n\n", plural(len(in.strict()), "undecided verdict"))
	default:
		b.WriteString("## Plumbline: no findings ✅\n\n")
	}
}

func (in *Input) markdownFinding(g *group, r *finding.Rule) string {
	var b strings.Builder
	at := spot(in, g.Location)
	fmt.Fprintf(&b, "<details>\n<summary>%s <b>%s</b> %s<br><code>%s</code>", severityMarks[g.Severity], g.Severity, markupText(g.Message), markupText(g.Rule))
	if at != "" {
		fmt.Fprintf(&b, " at <code>%s</code>", markupText(at))
	}
	b.WriteString("</summary>\n\n")

	addresses := distinct(g.all, func(f *finding.Finding) []string { return []string{f.Resource.Address} })
	fmt.Fprintf(&b, "**Resource:** %s", strings.Join(each(addresses[:min(len(addresses), maxListed)], codeSpan), ", "))
	if n := len(addresses) - maxListed; n > 0 {
		fmt.Fprintf(&b, " and %d more", n)
	}
	if g.maybe() {
		b.WriteString(" (" + maybeCreated + ")")
	}
	b.WriteString("\n\n")
	if lines := excerpt(in.file(g.Location.File), g.Finding, 100); len(lines) > 0 {
		b.WriteString(fenced("", excerptText(lines)))
	}
	for i, s := range distinct(g.all, func(f *finding.Finding) []string {
		return each(f.Evidence, func(e finding.Evidence) string { return in.markdownEvidence(e) })
	}) {
		if i == maxListed {
			b.WriteString("- …\n")
			break
		}
		b.WriteString("- " + s + "\n")
	}
	for i, s := range in.related(g) {
		if i == maxListed {
			break
		}
		b.WriteString("- see " + escapeMarkdown(s) + "\n")
	}
	if r != nil {
		if why := firstParagraph(r.Why); why != "" {
			b.WriteString("\n**Why:** " + markdownProse(why) + "\n")
		}
	}
	fixes := g.fixes()
	for _, fix := range fixes[:min(len(fixes), maxFixes)] {
		b.WriteString("\n**Fix:** " + markdownProse(fix.Title) + "\n\n")
		if fix.Caution != "" {
			b.WriteString("**Caution:** " + markdownProse(fix.Caution) + "\n\n")
		}
		for _, name := range editedFiles(fix) {
			if d := unified(name, in.shown(name, g.Finding, fix.Edits, 3)); d != "" {
				b.WriteString(fenced("diff", visibleLines(strings.TrimSuffix(d, "\n"))))
			}
		}
		if len(fix.Shared) > 0 {
			b.WriteString("\nAlso changes " + strings.Join(each(fix.Shared[:min(len(fix.Shared), maxListed)], codeSpan), ", ") + "\n")
		}
	}
	if n := len(fixes) - maxFixes; n > 0 {
		fmt.Fprintf(&b, "\nand %d more for other instances\n", n)
	}
	fmt.Fprintf(&b, "\n%s\n\n</details>\n", codeSpan("plumbline explain "+g.Rule))
	return b.String()
}

func (in *Input) markdownLine(g *group) string {
	s := fmt.Sprintf("- %s **%s** %s %s", severityMarks[g.Severity], g.Severity, codeSpan(shorten(g.Rule, 100)), escapeMarkdown(shorten(g.Message, 200)))
	if at := spot(in, g.Location); at != "" {
		s += " at " + codeSpan(shorten(at, 200))
	}
	if n := len(g.all); n > 1 {
		s += fmt.Sprintf(" (%d times)", n)
	}
	return s + "\n"
}

func (in *Input) markdownEvidence(e finding.Evidence) string {
	s := codeSpan(evidence(e))
	for i, r := range e.From {
		if i == maxListed {
			return s + " ← …"
		}
		s += " ← " + escapeMarkdown(r.Text)
		if at := spot(in, r.Location); at != "" {
			s += " (" + codeSpan(at) + ")"
		}
	}
	return s
}

// markdownTail says what could not be read, what is undecided and what was covered; it keeps inside of the limit.
func (in *Input) markdownTail(b *strings.Builder) {
	room := markdownLimit - 1_000
	part := func(title string, items []string) {
		if len(items) == 0 {
			return
		}
		fmt.Fprintf(b, "\n<details>\n<summary>%s</summary>\n\n", title)
		for i, s := range items {
			if i == 30 || b.Len()+len(s) > room {
				fmt.Fprintf(b, "- and %d more\n", len(items)-i)
				break
			}
			b.WriteString("- " + s + "\n")
		}
		b.WriteString("\n</details>\n")
	}
	title := plural(len(in.Report.Problems), "problem")
	if !complete(in.Report) {
		title = "⚠️ " + title + ": the scan is incomplete"
	}
	part(title, each(in.Report.Problems, func(p finding.Problem) string {
		return codeSpan(shorten(cmp.Or(spot(in, p.Location), p.Unit, in.Report.Root), 200)) + " " + escapeMarkdown(shorten(p.Message, 300))
	}))
	part(plural(len(in.Report.Undecided), "verdict")+" undecided", each(waits(in.Report.Undecided), func(w *wait) string {
		return w.sentence(func(x finding.Wait) string {
			if at := spot(in, x.Location); at != "" {
				return codeSpan(shorten(x.Name, 100)) + " (" + codeSpan(shorten(at, 200)) + ")"
			}
			return codeSpan(shorten(x.Name, 100))
		})
	}))
	part(plural(len(in.Report.Hygiene), "suppression")+" to look at", each(in.Report.Hygiene, func(h finding.Hygiene) string {
		return codeSpan(shorten(cmp.Or(spot(in, h.Suppression.Location), h.Kind), 200)) + " " + escapeMarkdown(shorten(h.Message, 300))
	}))
	part(plural(len(in.Report.Controls), "control"), each(in.Report.Controls, func(c finding.Control) string {
		return fmt.Sprintf("%s %s %s: %s, %d open", codeSpan(c.Framework), codeSpan(c.ID), escapeMarkdown(c.Title), c.Status, c.Findings)
	}))
	b.WriteString("\n<sub>" + markupText(coverage(in.Report.Coverage)))
	if n := len(in.Report.Findings) - len(open(in.Report)); n > 0 {
		fmt.Fprintf(b, " %s suppressed.", plural(n, "finding"))
	}
	b.WriteString("</sub>\n")
}

// excerptText writes an excerpt without colours: line numbers, a bar, and carets under what decided.
func excerptText(lines []excerptLine) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		if l.number == 0 {
			b.WriteString("     …")
			continue
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("%4d │ %s", l.number, l.before+l.mark+l.after), " "))
		if l.marked {
			fmt.Fprintf(&b, "\n     │ %s%s", strings.Repeat(" ", columns(l.before)), strings.Repeat("^", max(1, columns(l.mark))))
		}
	}
	return b.String()
}

// escapeMarkdown makes s plain text inside of a line: no markup, no HTML, no mention, no link. It must not begin a line.
func escapeMarkdown(s string) string {
	var b strings.Builder
	s = Visible(s)
	for i, r := range s {
		switch r {
		case '&', '<', '>':
			b.WriteString(html.EscapeString(string(r)))
		case '@', '#': // a space of no width behind it: nobody is called, no issue is linked
			b.WriteString("\\" + string(r) + "&#8203;")
		case '\\', '`', '*', '_', '[', ']', '|', '~', '$':
			b.WriteString("\\" + string(r))
		case ':', '.', '!': // no emoji, no image, no link made of an address
			if i+1 < len(s) && s[i+1] != ' ' {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// markdownProse writes plain text with code between backticks.
func markdownProse(s string) string {
	var b strings.Builder
	for _, x := range spans(s) {
		if x.Code {
			b.WriteString(codeSpan(x.Text))
		} else {
			b.WriteString(escapeMarkdown(x.Text))
		}
	}
	return b.String()
}

// markupText makes s plain text inside of an HTML element of a comment, where Markdown does not apply but mentions do.
func markupText(s string) string {
	s = html.EscapeString(Visible(s))
	// The first pair leaves the character references that were just made as they are.
	return strings.NewReplacer("&#3", "&#3", "@", "@&#8203;", "#", "#&#8203;").Replace(s)
}

// codeSpan writes s as inline code, whatever backticks it holds. Nothing in code is taken for markup or mention.
func codeSpan(s string) string {
	s = Visible(s)
	if strings.TrimSpace(s) == "" {
		return "` `"
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// fenced writes a block of code, whatever fences it holds.
func fenced(language, text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + text + "\n" + fence + "\n"
}
