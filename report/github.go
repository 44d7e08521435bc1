package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"plumbline.dev/plumbline/finding"
)

// writeGitHub writes annotations as commands of GitHub's workflow runner, which shows them at their lines in a pull request:
// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions. It shows ten of each kind and step, so
// that instances of one place are joined, the worst come first and problems, after one line that there are some, last.
func writeGitHub(w io.Writer, in Input) error {
	out := bufio.NewWriter(w)
	if !complete(in.Report) {
		in.annotate(out, "error", "plumbline: the scan is incomplete", finding.Related{Text: plural(len(in.Report.Problems), "problem") + " kept something from being scanned"})
	}
	for _, g := range grouped(open(in.Report)) {
		kind := "notice"
		switch g.Severity {
		case finding.Critical, finding.High:
			kind = "error"
		case finding.Medium:
			kind = "warning"
		}
		text := g.Message
		switch n := len(g.all); {
		case n > 1:
			text += fmt.Sprintf(" (%s and %d more)", g.Resource.Address, n-1)
		case g.Resource.Address != "":
			text += " (" + g.Resource.Address + ")"
		}
		if len(g.Fixes) > 0 {
			text += ". Fix: " + g.Fixes[0].Title
		}
		in.annotate(out, kind, g.Severity.String()+": "+g.Rule, finding.Related{Location: g.Location, Text: text})
	}
	for _, p := range in.Report.Problems {
		in.annotate(out, "warning", "plumbline: "+string(p.Kind), finding.Related{Location: p.Location, Text: p.Message})
	}
	return out.Flush()
}

func (in *Input) annotate(w *bufio.Writer, kind, title string, at finding.Related) {
	var props []string
	if l := at.Location; !l.IsZero() {
		props = append(props, "file="+commandProperty(l.File))
		if l.From.Line > 0 {
			props = append(props, fmt.Sprintf("line=%d,endLine=%d", l.From.Line, max(l.From.Line, l.To.Line)))
			// GitHub drops the columns of an annotation of several lines; its end column is the last character.
			if l.From.Line == l.To.Line && l.To.Column > l.From.Column {
				props = append(props, fmt.Sprintf("col=%d,endColumn=%d", l.From.Column, l.To.Column-1))
			}
		}
	}
	props = append(props, "title="+commandProperty(title))
	w.WriteString("::" + kind + " " + strings.Join(props, ",") + "::" + commandData(at.Text) + "\n")
}

var (
	commandDataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandPropertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func commandData(s string) string     { return commandDataEscapes.Replace(Visible(s)) }
func commandProperty(s string) string { return commandPropertyEscapes.Replace(Visible(s)) }
