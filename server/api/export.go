package api

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/report"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/store"
)

type exportInput struct {
	Q      string `query:"q" maxLength:"8192" doc:"what findings are asked for, in the query language"`
	Sort   string `query:"sort" maxLength:"20" doc:"as for list-findings"`
	Format string `query:"format" enum:"csv,json,sarif" default:"csv" doc:"csv, for spreadsheets; json, the items of list-findings; sarif, SARIF 2.1.0"`
}

// exporter writes findings in one format, as they come.
type exporter interface {
	begin(q string) error
	some([]store.FindingRow) error
	end() error
}

func (s *Service) exports(api huma.API) {
	add(s, api, operation{id: "export-findings", method: http.MethodGet, path: "/api/findings/export", tag: "findings",
		summary: "A file of all findings that fit a query, in the order of the list", needs: access.FindingExport,
		streams: []string{"text/csv", "application/json", "application/sarif+json"}}, s.exportFindings)
}

// mediaTypes are those of the formats.
var mediaTypes = map[string]string{"csv": "text/csv; charset=utf-8", "json": "application/json", "sarif": "application/sarif+json"}

// exportFindings records who took what out before the first byte goes.
func (s *Service) exportFindings(ctx context.Context, call *Call, in *exportInput) (*huma.StreamResponse, error) {
	search, err := s.searchOf(call, in.Q)
	if err != nil {
		return nil, err
	}
	if _, err := s.Store.Findings(ctx, search, store.PageOf{Sort: in.Sort, Limit: 1}); err != nil { // what is wrong is said while it can be
		return nil, err
	}
	count, err := s.Store.CountFindings(ctx, search)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"query": search.Query.String(), "format": in.Format, "count": count}
	if err := s.Store.Write(ctx, call.Entry("finding.export", "findings", data), func(context.Context, *store.Tx) error { return nil }); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", mediaTypes[in.Format])
		hctx.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="findings-%s.%s"`, s.Now().UTC().Format("2006-01-02"), in.Format))
		w := bufio.NewWriterSize(hctx.BodyWriter(), 64<<10)
		if err := s.export(hctx.Context(), w, in, search); err != nil {
			if hctx.Context().Err() == nil {
				s.Log.ErrorContext(hctx.Context(), "export ended early", "request", call.Request, "error", err)
			}
			panic(http.ErrAbortHandler) // a file that is cut must not look complete
		}
	}}, nil
}

func (s *Service) export(ctx context.Context, w *bufio.Writer, in *exportInput, search store.FindingSearch) error {
	var out exporter
	switch in.Format {
	case "json":
		out = &jsonExport{w: w}
	case "sarif":
		out = &sarifExport{w: w, service: s, rules: map[string]int{}, repositories: map[string]bool{}}
	default:
		out = &csvExport{w: csv.NewWriter(w)}
	}
	if err := out.begin(search.Query.String()); err != nil {
		return err
	}
	if _, err := s.Store.ExportFindings(ctx, search, in.Sort, out.some); err != nil {
		return err
	}
	return errors.Join(out.end(), w.Flush())
}

// csvExport writes RFC 4180; no cell is a formula for a spreadsheet.
type csvExport struct{ w *csv.Writer }

// csvColumns are the columns. They are only ever added, at the end.
var csvColumns = []string{"id", "severity", "status", "verdict", "rule", "title", "category", "message", "repository", "file", "line", "unit", "address", "type", "provider",
	"dialect", "team", "assignee", "fix", "first_seen", "last_seen", "fixed", "introduced_commit", "introduced_by", "introduced", "mute_reason", "mute_comment", "mute_by", "mute_until"}

func (c *csvExport) begin(string) error {
	c.w.UseCRLF = true
	return c.w.Write(csvColumns)
}

func (c *csvExport) some(list []store.FindingRow) error {
	row := make([]string, 0, len(csvColumns))
	for i := range list {
		f := &list[i]
		row = append(row[:0], f.ID.String(), f.Severity.String(), string(f.Status), f.Outcome, f.Rule, f.RuleTitle, f.Category, f.Message, f.Repository.Name, f.File, strconv.Itoa(f.Line),
			f.Unit, f.Address, f.ResourceType, f.Provider, f.Dialect, refName(f.Team), refName(f.Assignee), strconv.FormatBool(f.HasFix), timeOf(f.FirstSeenAt), timeOf(f.LastSeenAt), timeOf(f.FixedAt))
		if n := f.Introduced; n != nil {
			row = append(row, n.SHA, n.Author, timeOf(n.At))
		} else {
			row = append(row, "", "", "")
		}
		if m := f.Mute; m != nil {
			row = append(row, string(m.Reason), m.Comment, m.By, timeOf(m.Until))
		} else {
			row = append(row, "", "", "", "")
		}
		for i := range row {
			row[i] = report.Cell(row[i])
		}
		if err := c.w.Write(row); err != nil {
			return err
		}
	}
	c.w.Flush()
	return c.w.Error()
}

func (c *csvExport) end() error {
	c.w.Flush()
	return c.w.Error()
}

func refName(n *store.FindingRef) string {
	if n == nil {
		return ""
	}
	return n.Name
}

func timeOf(t store.Millis) string {
	text, _ := t.MarshalText() // times always have a text
	return string(text)
}

// jsonExport writes one object with the items of the list.
type jsonExport struct {
	w     io.Writer
	comma bool
}

func (j *jsonExport) begin(q string) error {
	text, err := json.Marshal(q)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(j.w, "{\"query\":%s,\"items\":[", text)
	return err
}

func (j *jsonExport) some(list []store.FindingRow) error {
	for i := range list {
		if err := writeItem(j.w, &j.comma, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

func (j *jsonExport) end() error {
	_, err := io.WriteString(j.w, "\n]}\n")
	return err
}

// writeItem writes an element of an array on a line of its own.
func writeItem(w io.Writer, comma *bool, item any) error {
	text, err := json.Marshal(item)
	if err != nil {
		return err
	}
	lead := "\n"
	if *comma {
		lead = ",\n"
	}
	*comma = true
	_, err = io.WriteString(w, lead+string(text))
	return err
}

// sarifExport writes one run of SARIF 2.1.0. Its results come first and the rules they name after them, because they are known only then.
// Paths are relative to the repository, which is the base of each.
type sarifExport struct {
	w            io.Writer
	service      *Service
	comma        bool
	rules        map[string]int
	order        []string
	repositories map[string]bool
}

func (e *sarifExport) begin(string) error {
	_, err := io.WriteString(e.w, `{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"columnKind":"unicodeCodePoints","results":[`)
	return err
}

// sarifLevels are the levels of the severities, by their words.
var sarifLevels = map[string]string{"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}

// sarifScores are numbers by which readers know the severities again.
var sarifScores = map[string]string{"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "1.0"}

func (e *sarifExport) some(list []store.FindingRow) error {
	for i := range list {
		f := &list[i]
		n, known := e.rules[f.Rule]
		if !known {
			n = len(e.order)
			e.rules[f.Rule] = n
			e.order = append(e.order, f.Rule)
		}
		e.repositories[f.Repository.Name] = true
		kind, level := "fail", sarifLevels[f.Severity.String()]
		if f.Outcome == "undecided" {
			kind, level = "open", "none"
		}
		suppressions := []map[string]any{}
		if m := f.Mute; m != nil && f.Status == store.StatusMuted {
			where := "external"
			if m.Reason == store.InCode {
				where = "inSource"
			}
			suppressions = append(suppressions, map[string]any{"kind": where, "status": "accepted", "justification": strings.TrimSpace(string(m.Reason) + " " + m.Comment)})
		}
		baseline := "unchanged"
		if f.Status == store.StatusFixed {
			baseline = "absent"
		}
		result := map[string]any{
			"ruleId": f.Rule, "ruleIndex": n, "kind": kind, "level": level, "message": map[string]string{"text": sarifText(f.Message)}, "baselineState": baseline,
			"locations": []any{map[string]any{
				"physicalLocation": map[string]any{"artifactLocation": map[string]string{"uri": sarifPath(f.File), "uriBaseId": f.Repository.Name}, "region": map[string]int{"startLine": max(f.Line, 1)}},
				"logicalLocations": []any{map[string]string{"fullyQualifiedName": f.Address, "kind": "resource"}},
			}},
			"partialFingerprints": map[string]string{"plumblineServer/v1": f.ID.String()},
			"suppressions":        suppressions,
			"properties": map[string]any{"severity": f.Severity, "security-severity": sarifScores[f.Severity.String()], "status": f.Status, "repository": f.Repository.Name,
				"resourceType": f.ResourceType, "provider": f.Provider, "dialect": f.Dialect, "unit": f.Unit, "team": refName(f.Team), "assignee": refName(f.Assignee),
				"firstSeen": f.FirstSeenAt, "lastSeen": f.LastSeenAt},
		}
		if err := writeItem(e.w, &e.comma, result); err != nil {
			return err
		}
	}
	return nil
}

// sarifText keeps a text from being read as a link.
func sarifText(s string) string {
	if s == "" {
		return "(no message)"
	}
	if strings.Contains(s, "](") {
		return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(s)
	}
	return s
}

// sarifPath writes a path as a relative address.
func sarifPath(p string) string {
	if p == "" {
		return "."
	}
	return (&url.URL{Path: p}).String()
}

func (e *sarifExport) end() error {
	type text map[string]string
	known := []any{}
	for _, id := range e.order {
		title, why, tags := id, id, []string{"security"}
		r, err := e.service.catalogue.rule(id)
		if err != nil {
			return err
		}
		if r != nil {
			title, why = r.Title, r.Why
			tags = append(tags, string(r.Category))
			for _, f := range rules.Frameworks() {
				if len(r.Controls[f.ID]) > 0 {
					tags = append(tags, f.ID)
				}
			}
		}
		known = append(known, map[string]any{"id": id, "shortDescription": text{"text": title}, "fullDescription": text{"text": title}, "help": text{"text": why, "markdown": why},
			"properties": map[string]any{"tags": tags}})
	}
	bases := map[string]any{}
	for name := range e.repositories {
		bases[name] = map[string]any{"description": text{"text": "The repository " + name + "."}}
	}
	tool, err := json.Marshal(map[string]any{"driver": map[string]any{"name": "Plumbline", "informationUri": "https://plumbline.dev", "rules": known}})
	if err != nil {
		return err
	}
	base, err := json.Marshal(bases)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.w, "\n],\"tool\":%s,\"originalUriBaseIds\":%s}]}\n", tool, base)
	return err
}
