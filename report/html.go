package report

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"strings"

	"plumbline.dev/plumbline/finding"
)

//go:embed html.tmpl
var htmlTemplate string

//go:embed html.css
var htmlStyle string

//go:embed html.js
var htmlScript string

// htmlPage is what the template shows. Its strings are visible; the template escapes them.
type htmlPage struct {
	Policy     string // content security policy: nothing is loaded, only our own style and script work
	Style      template.CSS
	Script     template.JS
	Root       string
	Version    string
	Tiles      []htmlTile
	Open       int
	Suppressed int
	Complete   bool
	Scanned    bool // there was something to scan
	Rules      []string
	Sections   []htmlSection
	Problems   []htmlProblem
	Waits      []string
	Undecided  int
	Hygiene    []htmlProblem
	Coverage   string
	Controls   []finding.Control
	Missing    []string
}

type htmlTile struct {
	Severity string
	Count    int
}

type htmlSection struct {
	File   string
	Count  int
	Blocks []htmlBlock
}

type htmlBlock struct {
	Name     string
	Findings []htmlFinding
}

type htmlFinding struct {
	ID          string
	Severity    string
	Rule        string
	Message     string
	Spot        string
	Search      string // lower case, for the filter
	Suppression string // who and why, empty when it is to be acted on
	Lines       []htmlLine
	Facts       []htmlFact
	Why         []htmlProse
	Controls    []string
	Fixes       []htmlFix
}

type htmlLine struct {
	Number              int
	Marked              bool
	Before, Mark, After string
}

// htmlFact is a label with its lines: instances, values, related places.
type htmlFact struct {
	Label string
	Lines []string
}

type htmlFix struct {
	Title   string
	Caution string
	Shared  string
	Files   []htmlDiff
}

type htmlDiff struct {
	File  string
	Lines []htmlDiffLine
}

// htmlDiffLine is a line of a diff; Op is "add", "del", "same" or "gap".
type htmlDiffLine struct {
	Op, Text string
	Number   int
}

type htmlProblem struct {
	Spot, Kind, Message string
}

func writeHTML(w io.Writer, in Input) error {
	t, err := template.New("page").Parse(htmlTemplate)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	if err := t.Execute(out, in.htmlPage()); err != nil {
		return err
	}
	return out.Flush()
}

func (in *Input) htmlPage() htmlPage {
	r := in.Report
	found := open(r)
	tally := count(found)
	page := htmlPage{
		Policy: "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + hash(htmlStyle) + "'; script-src 'sha256-" + hash(htmlScript) + "'",
		Style:  template.CSS(htmlStyle), Script: template.JS(htmlScript),
		Root: Visible(r.Root), Version: Visible(r.Tool.Version), Open: len(found), Suppressed: len(r.Findings) - len(found),
		Complete: complete(r), Scanned: r.Coverage.Files > 0, Undecided: len(r.Undecided), Coverage: coverage(r.Coverage), Controls: visibleControls(r.Controls), Missing: each(r.Coverage.Missing, Visible),
	}
	for _, s := range severities {
		page.Tiles = append(page.Tiles, htmlTile{s.String(), tally[s]})
	}
	for _, f := range r.Findings {
		page.Rules = append(page.Rules, Visible(f.Rule))
	}
	slices.Sort(page.Rules)
	page.Rules = slices.Compact(page.Rules)

	known := rules(r)
	all := make([]*finding.Finding, len(r.Findings))
	for i := range r.Findings {
		all[i] = &r.Findings[i]
	}
	for _, s := range sections(all) {
		section := htmlSection{File: Visible(s.file), Count: s.count}
		for _, b := range s.blocks {
			block := htmlBlock{Name: Visible(b.name)}
			for _, g := range b.groups {
				block.Findings = append(block.Findings, in.htmlFinding(g, b.name, known[g.Rule]))
			}
			section.Blocks = append(section.Blocks, block)
		}
		page.Sections = append(page.Sections, section)
	}
	for _, p := range r.Problems {
		page.Problems = append(page.Problems, htmlProblem{spot(in, p.Location), string(p.Kind), Visible(p.Message)})
	}
	for _, h := range r.Hygiene {
		page.Hygiene = append(page.Hygiene, htmlProblem{spot(in, h.Suppression.Location), Visible(h.Kind), Visible(h.Message)})
	}
	for _, w := range waits(r.Undecided) {
		page.Waits = append(page.Waits, w.sentence(func(x finding.Wait) string { return Visible(x.Name) + in.at(x.Location, "") }))
	}
	return page
}

func (in *Input) htmlFinding(g *group, title string, r *finding.Rule) htmlFinding {
	out := htmlFinding{ID: Visible(g.ID), Severity: g.Severity.String(), Rule: Visible(g.Rule), Message: Visible(g.Message), Spot: spot(in, g.Location)}
	addresses := distinct(g.all, func(f *finding.Finding) []string { return []string{f.Resource.Address} })
	out.Search = strings.ToLower(Visible(strings.Join(append([]string{g.Rule, g.Message, g.Path, g.Location.File, g.Severity.String()}, addresses...), " ")))
	if s := g.Suppression; s != nil {
		out.Suppression = map[finding.SuppressionKind]string{finding.Inline: "by a comment", finding.Settings: "by settings", finding.Baseline: "in the baseline"}[s.Kind]
		if s.Reason != "" {
			out.Suppression += ": " + Visible(s.Reason)
		}
		if !s.Until.IsZero() {
			out.Suppression += ", until " + day(s.Until)
		}
	}
	for _, l := range excerpt(in.file(g.Location.File), g.Finding, 160) {
		out.Lines = append(out.Lines, htmlLine{l.number, l.marked, l.before, l.mark, l.after})
	}
	fact := func(label string, lines []string) {
		if len(lines) > 0 {
			out.Facts = append(out.Facts, htmlFact{label, lines})
		}
	}
	fact("Resource", in.instances(g, title))
	if g.maybe() {
		fact("Note", []string{maybeCreated})
	}
	fact("Inputs", each(distinct(g.all, func(f *finding.Finding) []string { return f.Resource.Variants }), Visible))
	fact("Value", in.values(g))
	fact("See", in.related(g))
	if r != nil {
		out.Why = proseOf(r.Why)
		for _, framework := range sorted(r.Controls) {
			out.Controls = append(out.Controls, Visible(framework+" "+strings.Join(r.Controls[framework], ", ")))
		}
	}
	for _, fix := range g.fixes() {
		x := htmlFix{Title: Visible(fix.Title), Caution: Visible(fix.Caution), Shared: Visible(list(fix.Shared, maxListed))}
		for _, name := range editedFiles(fix) {
			x.Files = append(x.Files, htmlDiff{Visible(name), diffLines(in.shown(name, g.Finding, fix.Edits, 2))})
		}
		out.Fixes = append(out.Fixes, x)
	}
	return out
}

func diffLines(hunks []hunk) []htmlDiffLine {
	var out []htmlDiffLine
	for i, h := range hunks {
		if i > 0 {
			out = append(out, htmlDiffLine{Op: "gap"})
		}
		for _, l := range h.trim() {
			line := htmlDiffLine{Text: visibleLines(strings.TrimRight(l.text, "\r\n"))}
			line.Op, line.Number = "same", l.new
			switch l.op {
			case '+':
				line.Op = "add"
			case '-':
				line.Op, line.Number = "del", l.old
			}
			out = append(out, line)
		}
	}
	return out
}

// hash names a script or style in a content security policy.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// visibleControls makes the texts of controls harmless.
func visibleControls(list []finding.Control) []finding.Control {
	return each(list, func(c finding.Control) finding.Control {
		c.Framework, c.ID, c.Title = Visible(c.Framework), Visible(c.ID), Visible(c.Title)
		return c
	})
}
