package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/finding"
)

// csvHeader names the columns. Columns are only ever added, at the end.
var csvHeader = [...]string{
	"id", "severity", "outcome", "rule", "title", "message", "file", "line", "column", "end_line", "end_column", "address", "type",
	"path", "provider", "dialect", "unit", "variants", "fix", "suppressed", "reason", "until",
}

// writeCSV writes RFC 4180: findings, suppressed ones included, then undecided verdicts.
func writeCSV(w io.Writer, in Input) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	out.Write(csvHeader[:]) // the writer keeps its first error for Error
	known := rules(in.Report)
	for _, list := range [][]finding.Finding{in.Report.Findings, in.Report.Undecided} {
		for i := range list {
			f := &list[i]
			row := []string{f.ID, f.Severity.String(), f.Outcome.String(), f.Rule, "", f.Message, f.Location.File,
				number(f.Location.From.Line), number(f.Location.From.Column), number(f.Location.To.Line), number(f.Location.To.Column),
				f.Resource.Address, f.Resource.Type, f.Path, f.Resource.Provider, f.Resource.Dialect, f.Resource.Unit,
				strings.Join(f.Resource.Variants, " "), "", "", "", ""}
			if r := known[f.Rule]; r != nil {
				row[4] = r.Title
			}
			if len(f.Fixes) > 0 {
				row[18] = f.Fixes[0].Title
			}
			if s := f.Suppression; s != nil {
				row[19], row[20], row[21] = string(s.Kind), s.Reason, day(s.Until)
			}
			for c := range row {
				row[c] = Cell(row[c])
			}
			out.Write(row)
		}
	}
	out.Flush()
	return out.Error()
}

// Cell makes s harmless in a spreadsheet, which takes a cell that starts with one of these for a formula and may run it:
// a quote in front makes it text. Line ends and controls are gone after Visible.
func Cell(s string) string {
	s = Visible(s)
	if t := strings.TrimLeft(s, " "); t != "" && strings.ContainsRune("=+-@|%＝＋－＠", []rune(t)[0]) {
		return "'" + s
	}
	return s
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
