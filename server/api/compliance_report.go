package api

import (
	"context"
	_ "embed" // the template of the report
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/query"
	"plumbline.dev/plumbline/report"
	"plumbline.dev/plumbline/store"
)

// maxExceptions is the most exceptions of a report; it says how many there are beyond.
const maxExceptions = 5000

type complianceReportInput struct {
	Q         string `query:"q" maxLength:"2000" doc:"what it is about: only terms repo:, team: and branch:, because what was judged is known by repository. Empty is everything that the caller sees"`
	Framework string `path:"framework" maxLength:"100"`
	Format    string `query:"format" enum:"html,json,csv" default:"html" doc:"html is one page for printing, with nothing from elsewhere; csv has a row for each control"`
}

// How many findings a report names: of each control, and in all. It says how many more there are.
const (
	maxFailing    = 25
	maxAllFailing = 2000
)

// failingControl is what fails of a control.
type failingControl struct {
	Control  string             `json:"control"`
	Title    string             `json:"title"`
	Count    int                `json:"count" doc:"of all, also those that are left out"`
	Query    string             `json:"query" doc:"lists them all"`
	Findings []store.FindingRow `json:"findings" doc:"the worst first"`
	More     int                `json:"more" doc:"how many are left out"`
}

// complianceReport is a dated statement about a framework.
type complianceReport struct {
	Title        string             `json:"title"`
	MadeAt       store.Millis       `json:"madeAt"`
	MadeBy       string             `json:"madeBy"`
	Organisation string             `json:"organisation"`
	Version      string             `json:"-"`
	Framework    frameworkStanding  `json:"framework"`
	Scope        scopeOfEvidence    `json:"scope"`
	Controls     []controlStanding  `json:"controls"`
	Failing      []failingControl   `json:"failing" doc:"open fails of each control that fails"`
	Exceptions   []store.FindingRow `json:"exceptions" doc:"muted and suppressed fails"`
	MoreAccepted int                `json:"moreExceptions" doc:"how many exceptions are left out"`
}

func (s *Service) complianceReport(api huma.API) {
	add(s, api, operation{id: "get-compliance-report", method: http.MethodGet, path: "/api/compliance/{framework}/report", tag: "compliance",
		summary: "A dated report about a framework, to keep or to print; that it was made is recorded", needs: access.FindingExport,
		streams: []string{"text/html", "application/json", "text/csv"}}, s.getReport)
}

func (s *Service) getReport(ctx context.Context, call *Call, in *complianceReportInput) (*huma.StreamResponse, error) {
	g, answer, err := s.frameworkOf(ctx, call, in.Framework, in.Q)
	if err != nil {
		return nil, err
	}
	name, err := s.Store.OrganisationName(ctx, store.ID(call.Scope.Organisation))
	if err != nil {
		return nil, err
	}
	r := &complianceReport{Title: strings.TrimSpace(answer.Framework.Name + " " + answer.Framework.Version), MadeAt: store.MillisOf(s.Now()), MadeBy: call.Subject.Name, Organisation: name,
		Framework: answer.Framework, Scope: answer.Scope, Controls: answer.Controls}
	if r.Failing, err = s.failing(ctx, g, answer.Controls); err != nil {
		return nil, err
	}
	total := 0
	r.Exceptions, total, err = s.exceptions(ctx, g, strings.TrimSpace(g.search.Query.String()+" framework:"+answer.Framework.ID+" status:muted verdict:fail"), maxExceptions)
	if err != nil {
		return nil, err
	}
	r.MoreAccepted = total - len(r.Exceptions)
	record := call.Entry("compliance.export", "framework:"+answer.Framework.ID, map[string]string{"query": r.Scope.Query, "format": in.Format})
	if err := s.Store.Write(ctx, record, func(context.Context, *store.Tx) error { return nil }); err != nil {
		return nil, err
	}
	writers := map[string]struct {
		kind  string
		write func(io.Writer) error
	}{"html": {"text/html; charset=utf-8", r.html}, "json": {"application/json", r.json}, "csv": {"text/csv; charset=utf-8", r.csv}}
	w := writers[in.Format]
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", w.kind)
		hc.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.%s"`, answer.Framework.ID, r.MadeAt.Time().Format(time.DateOnly), in.Format))
		if err := w.write(hc.BodyWriter()); err != nil {
			s.Log.WarnContext(ctx, "a report was not sent to its end", "request", call.Request, "error", err)
		}
	}}, nil
}

// failing lists the open fails of controls.
func (s *Service) failing(ctx context.Context, g *ground, controls []controlStanding) ([]failingControl, error) {
	out := []failingControl{}
	left := maxAllFailing
	for _, c := range controls {
		if c.Fails.Count == 0 {
			continue
		}
		f := failingControl{Control: c.ID, Title: c.Title, Count: c.Fails.Count, Query: c.Fails.Query, Findings: []store.FindingRow{}}
		if limit := min(maxFailing, left); limit > 0 {
			q, err := query.Parse(c.Fails.Query)
			if err != nil {
				return nil, err
			}
			search := g.search
			search.Query = q
			page, err := s.Store.Findings(ctx, search, store.PageOf{Limit: limit})
			if err != nil {
				return nil, err
			}
			f.Findings, f.Count = page.Items, page.Total
		}
		left -= len(f.Findings)
		f.More = f.Count - len(f.Findings)
		out = append(out, f)
	}
	return out, nil
}

func (r *complianceReport) json(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// csv writes RFC 4180, a row for each control.
func (r *complianceReport) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	out.Write([]string{"framework", "control", "title", "status", "open_fails", "undecided", "exceptions", "repositories_judged", "rules", "made_at", "made_by", "scope"}) // the writer keeps its first error for Error
	text, err := r.MadeAt.MarshalText()
	if err != nil {
		return err
	}
	for _, c := range r.Controls {
		var ids []string
		for _, rule := range c.Rules {
			ids = append(ids, rule.ID)
		}
		row := []string{r.Framework.ID, c.ID, c.Title, c.Status, strconv.Itoa(c.Fails.Count), strconv.Itoa(c.Undecided.Count), strconv.Itoa(c.Accepted.Count), strconv.Itoa(c.Judged), strings.Join(ids, " "), string(text), r.MadeBy, r.Scope.Query}
		for i := range row {
			row[i] = report.Cell(row[i])
		}
		out.Write(row)
	}
	out.Flush()
	return out.Error()
}

//go:embed compliance_report.tmpl
var reportText string

var reportTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"day": func(m store.Millis) string {
			if m == 0 {
				return "never"
			}
			return m.Time().Format("2 January 2006")
		},
		"moment": func(m store.Millis) string { return m.Time().Format("2 January 2006, 15:04 UTC") },
		"percent": func(score *float64) string {
			if score == nil {
				return "–"
			}
			return strconv.Itoa(int(100**score)) + " %"
		},
		"seen": report.Visible, // texts of repositories may hold what misleads the eye
		"word": func(status string) string {
			return map[string]string{controlFail: "Fails", controlUndecided: "Undecided", controlAccepted: "Accepted", controlPass: "Passes", controlUncovered: "Not judged", controlNoRule: "No rule"}[status]
		},
		"short": func(sha string) string { return sha[:min(len(sha), 10)] },
	}).Parse(reportText))
})

// html writes one page for printing.
func (r *complianceReport) html(w io.Writer) error { return reportTemplate().Execute(w, r) }
