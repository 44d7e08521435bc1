package report

import (
	"cmp"
	"io"
	"strings"
	"time"

	"plumbline.dev/plumbline/finding"
)

// The two formats of GitLab: code quality (the widget of every merge request) and SAST (the security dashboard).

// qualityIssue is the part of Code Climate's format that GitLab reads: https://docs.gitlab.com/ci/testing/code_quality/.
type qualityIssue struct {
	Description string          `json:"description"`
	CheckName   string          `json:"check_name"`
	Fingerprint string          `json:"fingerprint"`
	Severity    string          `json:"severity"`
	Location    qualityLocation `json:"location"`
}

type qualityLocation struct {
	Path  string       `json:"path"`
	Lines qualityLines `json:"lines"`
}

type qualityLines struct {
	Begin int `json:"begin"`
	End   int `json:"end,omitempty"`
}

func writeCodeQuality(w io.Writer, in Input) error {
	issues := each(open(in.Report), func(f *finding.Finding) qualityIssue {
		path, begin, end := in.gitlabPlace(f)
		return qualityIssue{
			Description: Visible(f.Message) + " (" + Visible(f.Resource.Address) + ")", CheckName: f.Rule, Fingerprint: f.ID,
			Severity: [...]string{"", "info", "minor", "major", "critical", "blocker"}[f.Severity],
			Location: qualityLocation{path, qualityLines{begin, end}},
		}
	})
	return encodeJSON(w, issues)
}

// gitlabPlace is the path and the lines of a finding; GitLab wants a path and a first line of everything.
func (in *Input) gitlabPlace(f *finding.Finding) (path string, begin, end int) {
	at := f.Location
	if at.IsZero() {
		at = f.Resource.Range
	}
	path = Visible(cmp.Or(at.File, f.Resource.Unit, "."))
	begin = max(1, at.From.Line)
	return path, begin, max(begin, at.To.Line)
}

// The SAST report, version 15.0.7: https://gitlab.com/gitlab-org/security-products/security-report-schemas.

type sastReport struct {
	Schema          string              `json:"schema"`
	Version         string              `json:"version"`
	Scan            sastScan            `json:"scan"`
	Vulnerabilities []sastVulnerability `json:"vulnerabilities"`
	Remediations    []sastRemediation   `json:"remediations"`
}

type sastScan struct {
	Analyzer  sastTool      `json:"analyzer"`
	Scanner   sastTool      `json:"scanner"`
	Type      string        `json:"type"`
	StartTime string        `json:"start_time"`
	EndTime   string        `json:"end_time"`
	Status    string        `json:"status"`
	Messages  []sastMessage `json:"messages"`
}

type sastTool struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	URL     string     `json:"url"`
	Vendor  sastVendor `json:"vendor"`
	Version string     `json:"version"`
}

type sastVendor struct {
	Name string `json:"name"`
}

type sastMessage struct {
	Level string `json:"level"`
	Value string `json:"value"`
}

type sastVulnerability struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Severity    string           `json:"severity"`
	Solution    string           `json:"solution,omitempty"`
	Identifiers []sastIdentifier `json:"identifiers"`
	Location    sastLocation     `json:"location"`
}

type sastIdentifier struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

type sastLocation struct {
	File      string `json:"file"`
	StartLine int    `json:"start_line"`
	EndLine   int    `json:"end_line"`
	Class     string `json:"class,omitempty"`
}

// sastRemediation offers a fix as a diff in base64.
type sastRemediation struct {
	Fixes   []sastFixed `json:"fixes"`
	Summary string      `json:"summary"`
	Diff    []byte      `json:"diff"`
}

type sastFixed struct {
	ID string `json:"id"`
}

// maxName and maxMessage are the lengths in characters that GitLab's schema and database allow.
const (
	maxName    = 255
	maxMessage = 2000
)

func writeGitLabSAST(w io.Writer, in Input) error {
	at := in.At.UTC()
	if in.At.IsZero() {
		at = time.Unix(0, 0).UTC()
	}
	stamp := at.Format("2006-01-02T15:04:05")
	tool := sastTool{"plumbline", "Plumbline", "https://plumbline.dev", sastVendor{"Plumbline"}, cmp.Or(in.Report.Tool.Version, "0")}
	out := sastReport{
		Schema:          "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v15.0.7/dist/sast-report-format.json",
		Version:         "15.0.7",
		Scan:            sastScan{Analyzer: tool, Scanner: tool, Type: "sast", StartTime: stamp, EndTime: stamp, Status: "success"},
		Vulnerabilities: []sastVulnerability{}, Remediations: []sastRemediation{},
	}
	if !complete(in.Report) {
		out.Scan.Status = "failure"
	}
	out.Scan.Messages = each(in.Report.Problems, func(p finding.Problem) sastMessage {
		level := "warn"
		if out.Scan.Status == "failure" && !gap(p) {
			level = "fatal"
		}
		return sastMessage{level, strings.TrimPrefix(spot(&in, p.Location)+": ", ": ") + Visible(p.Message)}
	})
	known := rules(in.Report)
	for _, f := range open(in.Report) {
		out.Vulnerabilities = append(out.Vulnerabilities, in.sastVulnerability(f, known[f.Rule]))
		if r, ok := in.sastRemediation(f); ok {
			out.Remediations = append(out.Remediations, r)
		}
	}
	return encodeJSON(w, out)
}

func (in *Input) sastVulnerability(f *finding.Finding, r *finding.Rule) sastVulnerability {
	path, begin, end := in.gitlabPlace(f)
	message := cmp.Or(Visible(f.Message), f.Rule)
	v := sastVulnerability{
		ID: f.ID, Name: shorten(message, maxName), Description: message + " (" + Visible(f.Resource.Address) + ").",
		Severity:    [...]string{"", "Info", "Low", "Medium", "High", "Critical"}[f.Severity],
		Identifiers: []sastIdentifier{{"plumbline_rule_id", "Plumbline " + Visible(f.Rule), f.Rule}},
		Location:    sastLocation{path, begin, end, shorten(Visible(f.Resource.Address), maxName)},
	}
	if r != nil {
		v.Description += "\n\n" + visibleLines(r.Why)
	}
	if len(f.Fixes) > 0 {
		v.Solution = Visible(f.Fixes[0].Title)
	}
	return v
}

// sastRemediation is the preferred fix of a finding as a diff from the top of the repository; none when the diff would show a secret.
func (in *Input) sastRemediation(f *finding.Finding) (sastRemediation, bool) {
	if len(f.Fixes) == 0 {
		return sastRemediation{}, false
	}
	fix := f.Fixes[0]
	var diff strings.Builder
	for _, name := range editedFiles(fix) {
		file := in.file(name)
		if file == nil {
			return sastRemediation{}, false
		}
		d, ok := patchOf(file, name, fix.Edits, f.Secret)
		if !ok {
			return sastRemediation{}, false // half of a fix is none
		}
		diff.WriteString(d)
	}
	return sastRemediation{[]sastFixed{{f.ID}}, shorten(Visible(fix.Title), maxMessage), []byte(diff.String())}, diff.Len() > 0
}
