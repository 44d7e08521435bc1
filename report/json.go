package report

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"plumbline.dev/plumbline/finding"
)

//go:embed json.schema.json
var jsonSchema string

// JSONSchema returns the JSON Schema (2020-12) of the json format. Within a version of the format fields are only added.
func JSONSchema() string { return jsonSchema }

// jsonFormat is the version of the json format: it grows when a field goes or changes its meaning.
const jsonFormat = 1

type jsonControl struct {
	Framework  string   `json:"framework"`
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Status     string   `json:"status"`
	Rules      []string `json:"rules"`
	Findings   int      `json:"findings"`
	Undecided  int      `json:"undecided"`
	Suppressed int      `json:"suppressed"`
}

type jsonTool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// jsonSummary counts; findings leaves the suppressed ones out.
type jsonSummary struct {
	Findings   jsonTally `json:"findings"`
	Suppressed int       `json:"suppressed"`
	Undecided  int       `json:"undecided"`
	Problems   int       `json:"problems"`
}

type jsonTally struct {
	Critical int `json:"critical"`
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
	Info     int `json:"info"`
	Total    int `json:"total"`
}

type jsonFinding struct {
	ID          string           `json:"id"`
	Twin        string           `json:"twin"`
	Rule        string           `json:"rule"`
	Severity    finding.Severity `json:"severity"`
	Outcome     finding.Outcome  `json:"outcome"`
	Message     string           `json:"message"`
	Resource    jsonResource     `json:"resource"`
	Path        string           `json:"path"`
	Location    *jsonLocation    `json:"location,omitempty"`
	Related     []jsonRelated    `json:"related"`
	Evidence    []jsonEvidence   `json:"evidence"`
	Waits       []jsonWait       `json:"waits"`
	Fixes       []jsonFix        `json:"fixes"`
	Suppressed  bool             `json:"suppressed"`
	Suppression *jsonSuppression `json:"suppression,omitempty"`
}

type jsonResource struct {
	Address  string        `json:"address"`
	Type     string        `json:"type"`
	Native   string        `json:"native,omitempty"`
	Provider string        `json:"provider"`
	Dialect  string        `json:"dialect"`
	Unit     string        `json:"unit"`
	Maybe    bool          `json:"maybe"`
	Variants []string      `json:"variants"`
	Calls    []jsonRelated `json:"calls"`
	Location *jsonLocation `json:"location,omitempty"`
}

// jsonLocation has no start and end when only the file is known.
type jsonLocation struct {
	File  string        `json:"file"`
	Start *jsonPosition `json:"start,omitempty"`
	End   *jsonPosition `json:"end,omitempty"`
}

type jsonPosition struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

type jsonRelated struct {
	Text     string        `json:"text"`
	Location *jsonLocation `json:"location,omitempty"`
}

type jsonEvidence struct {
	Path  string        `json:"path"`
	Value string        `json:"value"`
	From  []jsonRelated `json:"from"`
}

type jsonWait struct {
	Name     string        `json:"name"`
	Kind     string        `json:"kind"`
	Location *jsonLocation `json:"location,omitempty"`
}

type jsonFix struct {
	Title  string     `json:"title"`
	Edits  []jsonEdit `json:"edits"`
	Shared []string   `json:"shared"`

	Caution string `json:"caution,omitempty"`
}

type jsonEdit struct {
	Location *jsonLocation `json:"location,omitempty"`
	Text     string        `json:"text"`
}

type jsonSuppression struct {
	Kind     finding.SuppressionKind `json:"kind"`
	Rules    []string                `json:"rules"`
	Reason   string                  `json:"reason"`
	Until    string                  `json:"until,omitempty"`
	Location *jsonLocation           `json:"location,omitempty"`
}

type jsonProblem struct {
	Kind     string        `json:"kind"`
	Message  string        `json:"message"`
	Unit     string        `json:"unit"`
	Location *jsonLocation `json:"location,omitempty"`
}

type jsonHygiene struct {
	Kind        string           `json:"kind"`
	Message     string           `json:"message"`
	Suppression *jsonSuppression `json:"suppression"`
}

type jsonRule struct {
	ID       string              `json:"id"`
	Title    string              `json:"title"`
	Severity finding.Severity    `json:"severity"`
	Category string              `json:"category"`
	Why      string              `json:"why"`
	Controls map[string][]string `json:"controls"`
	Aliases  []string            `json:"aliases"`
}

type jsonCoverage struct {
	Files     int            `json:"files"`
	Dialects  map[string]int `json:"dialects"`
	Skipped   int            `json:"skipped"`
	Ignored   int            `json:"ignored"`
	Units     int            `json:"units"`
	Resources int            `json:"resources"`
	Rules     int            `json:"rules"`
	Verdicts  map[string]int `json:"verdicts"`
	Missing   []string       `json:"missing"`
}

func writeJSON(w io.Writer, in Input) error {
	r := in.Report
	found := open(r)
	n := count(found)
	out := jsonStream{w: bufio.NewWriter(w)}
	out.field("format", jsonFormat)
	out.field("tool", jsonTool{"plumbline", r.Tool.Version})
	out.field("root", r.Root)
	out.field("complete", complete(r))
	out.field("summary", jsonSummary{
		Findings:   jsonTally{n[finding.Critical], n[finding.High], n[finding.Medium], n[finding.Low], n[finding.Info], len(found)},
		Suppressed: len(r.Findings) - len(found), Undecided: len(r.Undecided), Problems: len(r.Problems),
	})
	out.list("findings", len(r.Findings), func(i int) any { return jsonFindingOf(r.Findings[i]) })
	out.list("undecided", len(r.Undecided), func(i int) any { return jsonFindingOf(r.Undecided[i]) })
	out.list("problems", len(r.Problems), func(i int) any {
		p := r.Problems[i]
		return jsonProblem{string(p.Kind), p.Message, p.Unit, jsonLocationOf(p.Location)}
	})
	out.list("hygiene", len(r.Hygiene), func(i int) any {
		h := r.Hygiene[i]
		return jsonHygiene{h.Kind, h.Message, jsonSuppressionOf(&h.Suppression)}
	})
	out.list("rules", len(r.Rules), func(i int) any {
		x := r.Rules[i]
		return jsonRule{x.ID, x.Title, x.Severity, x.Category, x.Why, controlsOf(x.Controls), each(x.Aliases, itself)}
	})
	out.field("coverage", coverageOf(r.Coverage))
	if len(r.Controls) > 0 {
		out.list("controls", len(r.Controls), func(i int) any {
			c := r.Controls[i]
			return jsonControl{c.Framework, c.ID, c.Title, c.Status, append([]string{}, c.Rules...), c.Findings, c.Undecided, c.Suppressed}
		})
	}
	return out.end()
}

// jsonStream writes an object member by member, because a report may be larger than what made it.
type jsonStream struct {
	w    *bufio.Writer
	some bool // a member was written
	err  error
}

func (s *jsonStream) name(name string) {
	lead := ",\n  "
	if !s.some {
		lead = "{\n  "
	}
	s.some = true
	s.w.WriteString(lead + `"` + name + `": `)
}

func (s *jsonStream) value(v any, prefix string) {
	var b bytes.Buffer
	e := json.NewEncoder(escaper{&b})
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	if err := e.Encode(v); s.err == nil {
		s.err = err
	}
	s.w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func (s *jsonStream) field(name string, v any) {
	s.name(name)
	s.value(v, "  ")
}

func (s *jsonStream) list(name string, n int, at func(int) any) {
	s.name(name)
	s.w.WriteByte('[')
	for i := range n {
		if i > 0 {
			s.w.WriteByte(',')
		}
		s.w.WriteString("\n    ")
		s.value(at(i), "    ")
	}
	if n > 0 {
		s.w.WriteString("\n  ")
	}
	s.w.WriteByte(']')
}

func (s *jsonStream) end() error {
	s.w.WriteString("\n}\n")
	if s.err != nil {
		return s.err
	}
	return s.w.Flush()
}

// each maps a list; the result is never nil, so that JSON says [] and not null.
func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i := range in {
		out[i] = f(in[i])
	}
	return out
}

func itself(s string) string { return s }

func jsonFindingOf(f finding.Finding) jsonFinding {
	return jsonFinding{
		ID: f.ID, Twin: f.Twin, Rule: f.Rule, Severity: f.Severity, Outcome: f.Outcome, Message: f.Message,
		Resource: jsonResource{
			Address: f.Resource.Address, Type: f.Resource.Type, Native: f.Resource.Native, Provider: f.Resource.Provider, Dialect: f.Resource.Dialect,
			Unit: f.Resource.Unit, Maybe: f.Resource.Maybe, Variants: each(f.Resource.Variants, itself), Calls: each(f.Resource.Calls, jsonRelatedOf),
			Location: jsonLocationOf(f.Resource.Range),
		},
		Path: f.Path, Location: jsonLocationOf(f.Location), Related: each(f.Related, jsonRelatedOf),
		Evidence: each(f.Evidence, jsonEvidenceOf),
		Waits:    each(f.Waits, jsonWaitOf),
		Fixes: each(f.Fixes, func(x finding.Fix) jsonFix {
			if !shows(x, f.Secret) {
				x.Edits = nil
			}
			return jsonFix{x.Title, each(x.Edits, func(e finding.Edit) jsonEdit {
				return jsonEdit{jsonLocationOf(e.Location), e.Text}
			}), each(x.Shared, itself), x.Caution}
		}),
		Suppressed: f.Suppression != nil, Suppression: jsonSuppressionOf(f.Suppression),
	}
}

func jsonEvidenceOf(e finding.Evidence) jsonEvidence {
	return jsonEvidence{e.Path, e.Value, each(e.From, jsonRelatedOf)}
}

func jsonWaitOf(w finding.Wait) jsonWait { return jsonWait{w.Name, w.Kind, jsonLocationOf(w.Location)} }

func controlsOf(controls map[string][]string) map[string][]string {
	out := make(map[string][]string, len(controls))
	for framework, ids := range controls {
		out[framework] = each(ids, itself)
	}
	return out
}

func coverageOf(c finding.Coverage) jsonCoverage {
	verdicts := map[string]int{"pass": 0, "fail": 0, "undecided": 0}
	for k, v := range c.Verdicts {
		verdicts[k] = v
	}
	dialects := c.Dialects
	if dialects == nil {
		dialects = map[string]int{}
	}
	return jsonCoverage{c.Files, dialects, c.Skipped, c.Ignored, c.Units, c.Resources, c.Rules, verdicts, each(c.Missing, itself)}
}

func jsonRelatedOf(r finding.Related) jsonRelated {
	return jsonRelated{r.Text, jsonLocationOf(r.Location)}
}

func jsonLocationOf(l finding.Location) *jsonLocation {
	if l.IsZero() {
		return nil
	}
	out := &jsonLocation{File: l.File}
	if l.From.Line > 0 {
		to := l.To
		if to.Line == 0 {
			to = l.From // a place without an end is a point
		}
		out.Start = &jsonPosition{l.From.Line, l.From.Column, l.Start}
		out.End = &jsonPosition{to.Line, to.Column, max(l.Start, l.End)}
	}
	return out
}

func jsonSuppressionOf(s *finding.Suppression) *jsonSuppression {
	if s == nil {
		return nil
	}
	return &jsonSuppression{s.Kind, each(s.Rules, itself), s.Reason, day(s.Until), jsonLocationOf(s.Location)}
}

// day writes a date, and nothing for the zero time.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// encodeJSON writes v indented. Characters that act (see Visible) are escaped inside of strings: the data stays exact and
// printing the file moves no cursor.
func encodeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(escaper{w})
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// escaper writes JSON with the characters that act as \u escapes. The encoder gives it whole values, so that no character
// is cut in two; outside of strings JSON is ASCII, and inside the encoder has escaped the controls below space.
type escaper struct{ w io.Writer }

func (e escaper) Write(p []byte) (int, error) {
	var out []byte
	from := 0
	for i := 0; i < len(p); {
		if p[i] < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(p[i:])
		if acts(r) {
			out = append(out, p[from:i]...)
			if r > 0xffff {
				r -= 0x10000
				out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
			from = i + n
		}
		i += n
	}
	if out == nil {
		return e.w.Write(p)
	}
	if _, err := e.w.Write(append(out, p[from:]...)); err != nil {
		return 0, err
	}
	return len(p), nil
}
