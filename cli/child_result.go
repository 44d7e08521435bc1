package cli

import (
	"reflect"
	"slices"
	"strings"
	"unsafe"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/report"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/source"
)

// fill puts a report into a result: all of it, or what differs from the report before.
func (w *childWork) fill(r *jobs.CommitResult, result *scan.Result) {
	now := result.Report
	r.Problems, r.Hygiene, r.Coverage = quiet(now.Problems), now.Hygiene, now.Coverage
	r.Judged, r.Grounds = now.Judged, now.Grounds
	r.Settings = result.Settings
	r.Open = make(map[string]int)
	var before map[string]*finding.Finding
	if !r.Full {
		before = byID(w.last)
	}
	same := func(f *finding.Finding) bool {
		was := before[f.ID]
		return was != nil && equal(was, f) && sameText(f.Location.File, w.lastOf, result) && sameText(f.Resource.Range.File, w.lastOf, result)
	}
	after := byID(now)
	r.Total = len(after)
	for _, list := range [][]finding.Finding{now.Findings, now.Undecided} {
		for i := range list {
			f := &list[i]
			if after[f.ID] != f {
				continue // it fails under one set of inputs and is undecided under another one
			}
			if f.Outcome == finding.Fail && f.Suppression == nil {
				r.Open[f.Severity.String()]++
			}
			if !same(f) {
				r.Found = append(r.Found, detail(f, result.Files))
			}
		}
	}
	left := w.leftOut(result, after)
	for id, why := range left {
		if _, already := w.left[id]; r.Full || !already {
			r.Left = append(r.Left, jobs.LeftOut{ID: id, Why: why})
		}
	}
	if !r.Full {
		for id := range before {
			if _, out := left[id]; !out && after[id] == nil {
				r.Gone = append(r.Gone, id)
			}
		}
		for id := range w.left {
			if _, out := left[id]; !out && after[id] == nil && before[id] == nil {
				r.Gone = append(r.Gone, id)
			}
		}
	}
	slices.SortFunc(r.Left, func(a, b jobs.LeftOut) int { return strings.Compare(a.ID, b.ID) })
	w.left = left
}

// leftOut returns what was there before, is not found now, and is not looked at because of settings: why, by id.
func (w *childWork) leftOut(result *scan.Result, after map[string]*finding.Finding) map[string]string {
	if w.known == nil {
		w.known = make(map[string]jobs.Watched, len(w.Watch))
		for _, k := range w.Watch {
			w.known[k.ID] = k
		}
	}
	out := make(map[string]string)
	for id, k := range w.known {
		if after[id] != nil {
			continue
		}
		if why := result.Left(k.Rule, k.File, k.Unit); why != "" {
			out[id] = cutRunes(why, 300)
		}
	}
	for id, f := range after {
		if len(w.known) < maxKnown {
			w.known[id] = jobs.Watched{ID: id, Rule: f.Rule, File: f.Location.File, Unit: f.Resource.Unit}
		}
	}
	return out
}

// quiet returns problems whose messages, which quote what could not be read, hold nothing that looks like a secret.
func quiet(list []finding.Problem) []finding.Problem {
	out := slices.Clone(list)
	for i := range out {
		out[i].Message = rule.Masked(out[i].Message)
	}
	return out
}

// maxKnown is the most findings that a child remembers to have seen.
const maxKnown = 400_000

// byID finds the findings of a report; a fail comes before an undecided one with the same identity.
func byID(r *finding.Report) map[string]*finding.Finding {
	out := make(map[string]*finding.Finding, len(r.Findings)+len(r.Undecided))
	for _, list := range [][]finding.Finding{r.Findings, r.Undecided} {
		for i := range list {
			if f := &list[i]; out[f.ID] == nil {
				out[f.ID] = f
			}
		}
	}
	return out
}

// equal compares two findings. Most are the very same, with lists in the same memory, because their units were taken over.
func equal(a, b *finding.Finding) bool {
	if shared(a.Related, b.Related) && shared(a.Evidence, b.Evidence) && shared(a.Waits, b.Waits) && shared(a.Fixes, b.Fixes) &&
		shared(a.Resource.Variants, b.Resource.Variants) && shared(a.Resource.Calls, b.Resource.Calls) && a.Suppression == nil && b.Suppression == nil {
		return a.Twin == b.Twin && a.Rule == b.Rule && a.Severity == b.Severity && a.Outcome == b.Outcome && a.Message == b.Message && a.Path == b.Path &&
			a.Location == b.Location && a.Secret == b.Secret && a.Resource.Address == b.Resource.Address && a.Resource.Type == b.Resource.Type &&
			a.Resource.Native == b.Resource.Native && a.Resource.Provider == b.Resource.Provider && a.Resource.Dialect == b.Resource.Dialect &&
			a.Resource.Unit == b.Resource.Unit && a.Resource.Maybe == b.Resource.Maybe && a.Resource.Range == b.Resource.Range
	}
	return reflect.DeepEqual(a, b)
}

func shared[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || unsafe.SliceData(a) == unsafe.SliceData(b))
}

// sameText reports whether a file has the same text in both results, so that an excerpt of it is the same.
func sameText(name string, before, now *scan.Result) bool {
	if name == "" {
		return true
	}
	a, b := before.Files(name), now.Files(name)
	return a == b || a != nil && b != nil && string(a.Bytes) == string(b.Bytes)
}

// What is quoted of a file.
const (
	excerptLines  = 5   // around what decided
	excerptMost   = 40  // lines in all
	excerptWidth  = 400 // bytes of a line
	whyLines      = 2
	whyMost       = 12 // excerpts of a finding
	diffMost      = 64 << 10
	snapshotEdges = 4 * jobs.MaxSnapshot
)

// detail adds to a finding what the interface shows beside it.
func detail(f *finding.Finding, files func(string) *source.File) jobs.Finding {
	d := jobs.Finding{Finding: *f}
	d.Message = rule.Masked(f.Message)
	if f.Suppression != nil {
		why := *f.Suppression
		why.Reason = rule.Masked(why.Reason)
		d.Suppression = &why
	}
	for _, fix := range f.Fixes {
		text, applies := diff(fix.Edits, files, f.Secret)
		d.Proved = append(d.Proved, jobs.ProvedFix{Diff: text, Applies: applies, Gates: gates})
	}
	if f.Secret {
		return d // nothing is quoted
	}
	d.Excerpt = excerpt(f.Location, excerptLines, files)
	seen := []finding.Location{f.Location}
	why := func(list []finding.Related) {
		for _, at := range list {
			if len(d.Why) == whyMost || near(seen, at.Location) {
				continue
			}
			if e := excerpt(at.Location, whyLines, files); e != nil {
				seen = append(seen, at.Location)
				d.Why = append(d.Why, jobs.CodeExcerpt{Text: at.Text, Excerpt: *e})
			}
		}
	}
	why(f.Resource.Calls)
	why(f.Related)
	for _, e := range f.Evidence {
		why(e.From)
	}
	return d
}

// near reports whether a place is on or beside the lines of another one.
func near(seen []finding.Location, l finding.Location) bool {
	for _, s := range seen {
		if s.File == l.File && l.From.Line >= s.From.Line-whyLines && l.From.Line <= s.From.Line+whyLines {
			return true
		}
	}
	return false
}

// excerpt quotes the lines around a place, without what looks like a secret.
func excerpt(l finding.Location, around int, files func(string) *source.File) *jobs.Excerpt {
	if l.File == "" || l.From.Line == 0 {
		return nil
	}
	f := files(l.File)
	if f == nil {
		return nil
	}
	last := max(l.To.Line, l.From.Line)
	e := &jobs.Excerpt{File: l.File, First: max(l.From.Line-around, 1), Mark: [2]int{l.From.Line, last}}
	text := func(n int) (string, bool) {
		if n < 1 || n > f.Lines() {
			return "", false
		}
		return clipped(f.Text(f.Line(n))), true
	}
	for n := e.First; n <= min(last+around, f.Lines(), e.First+excerptMost-1); n++ {
		line, _ := text(n)
		e.Lines = append(e.Lines, rule.Without(line, rule.SpansAt(text, n, false)))
	}
	return e
}

// clipped is a line of a bounded width.
func clipped(line string) string {
	if len(line) > excerptWidth {
		return strings.ToValidUTF8(line[:excerptWidth], "")
	}
	return line
}

// gates are what package fix leads every fix through before it is offered.
var gates = []string{
	"The files parse and evaluate, with no problem that was not there before",
	"The finding became a pass: it is neither undecided nor gone with its resource",
	"No other verdict became a fail",
	"In the evaluated resources nothing changed but what is named here",
	"Applied again, it changes nothing more",
}

// diff shows the edits of a fix, file by file, without secrets: as a patch that applies, when there is one and it is not too long.
func diff(edits []finding.Edit, files func(string) *source.File, secret bool) (text string, applies bool) {
	var shown, patch strings.Builder
	done := make(map[string]bool)
	applies = !secret
	for _, e := range edits {
		name := e.Location.File
		if done[name] {
			continue
		}
		done[name] = true
		if applies {
			var part string
			part, applies = report.Patch(files(name), edits)
			applies = applies && patch.Len()+len(part) <= diffMost
			patch.WriteString(part)
		}
		for line := range strings.Lines(report.Diff(files(name), edits, 3, secret)) {
			line = clipped(strings.TrimSuffix(line, "\n")) + "\n"
			if shown.Len()+len(line) > diffMost {
				break
			}
			shown.WriteString(line)
		}
	}
	if applies && patch.Len() > 0 {
		return patch.String(), true
	}
	return shown.String(), false
}
