package helm

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/chart"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// loaded is a chart that was read.
type loaded struct {
	chart    *chart.Chart // nil when it cannot be used
	files    []string     // paths that were read, sorted
	dirs     []string     // directories that were listed, sorted
	problems []source.Problem
}

// load reads the chart in a directory. What a parser would need too much memory or depth for is left out before it is seen.
func (e *estate) load(dir string) *loaded {
	l := &loaded{}
	files, problems := chart.ReadDir(e.workspace.FS, dir, func(name string) []byte {
		if f := e.files[name]; f != nil {
			return f.Bytes
		}
		return nil
	})
	l.problems = problems
	files = slices.DeleteFunc(files, func(f *chart.File) bool {
		l.files = append(l.files, f.Path)
		switch base := path.Base(f.Name); {
		case isText(f.Name) && e.files[f.Path] == nil && isOf(f.Path, dir):
			return true // it cannot be read as text, which Open said
		case base == "Chart.yaml" || base == "requirements.yaml" || base == "Chart.lock" || isValues(base) && !strings.Contains(f.Name, "templates/"):
			read := e.values(f.Path)
			if p := read.problem; p != nil && p.Kind == source.Limit {
				l.problems = append(l.problems, *p)
				return true
			}
			if base == "values.yaml" {
				f.Values = read.data
			}
		}
		return false
	})
	for _, p := range l.files {
		for d := path.Dir(p); d != "." && len(d) >= len(dir); d = path.Dir(d) {
			l.dirs = append(l.dirs, d)
		}
	}
	l.dirs = append(l.dirs, dir)
	slices.Sort(l.files)
	slices.Sort(l.dirs)
	l.dirs = slices.Compact(l.dirs)
	var more []source.Problem
	l.chart, more = chart.Load(files)
	l.problems = append(l.problems, more...)
	if l.chart != nil {
		l.missing(l.chart)
	}
	return l
}

// missing names the dependencies that are not there.
func (l *loaded) missing(c *chart.Chart) {
	all := c.Missing()
	from := c.Definition
	if c.Requirements != nil && c.Metadata.APIVersion == "v1" {
		from = c.Requirements
	}
	var places map[string]source.Range
	if len(all) > 0 {
		places = dependencyRanges(from)
	}
	if more := len(all) - mostMissing; more > 0 {
		l.problems = append(l.problems, source.Problem{Kind: source.Unresolved, Range: from.Place(0, 0),
			Message: fmt.Sprintf("%d more charts that it asks for are not in charts/", more)})
		all = all[:mostMissing]
	}
	for _, d := range all {
		what := d.Name
		if d.Repository != "" {
			what += " of " + d.Repository
		}
		l.problems = append(l.problems, source.Problem{Kind: source.Unresolved, Range: placeOf(places, from, d.Name),
			Message: fmt.Sprintf("the chart %s is not in charts/, and what it installs is not looked at: helm dependency build fetches it", what)})
	}
	for _, d := range c.Dependencies {
		l.missing(d)
	}
}

// mostMissing is how many dependencies that are not there are named one by one.
const mostMissing = 100

// dependencyRange returns where a chart asks for another one.
func dependencyRange(f *chart.File, name string) source.Range {
	return placeOf(dependencyRanges(f), f, name)
}

func placeOf(places map[string]source.Range, f *chart.File, name string) source.Range {
	if at, ok := places[name]; ok {
		return at
	}
	return f.Place(0, 0)
}

// dependencyRanges returns where a chart asks for others, by name.
func dependencyRanges(f *chart.File) map[string]source.Range {
	out := map[string]source.Range{}
	if f.Archived {
		return out
	}
	doc, _ := document.Parse(&source.File{Path: f.Path, Bytes: f.Data}, limitsOfPlaces)
	if doc != nil && len(doc.Roots) > 0 {
		if list := doc.Roots[0].Get("dependencies"); list != nil {
			for i, item := range list.Items {
				if n := item.Get("name"); n != nil {
					if _, again := out[n.Text]; !again {
						at := list.Place(i)
						out[n.Text] = f.Place(at.Start, at.End)
					}
				}
			}
		}
	}
	return out
}

// values is a file of values.
type values struct {
	file    *source.File
	doc     *document.Document
	data    chart.Values
	problem *source.Problem

	elsewhere source.Range // of values that another language gives: where it writes them
}

// values reads a file of values, once.
func (e *estate) values(name string) *values {
	f := e.files[name]
	if f == nil {
		read, problem := e.workspace.Read(name)
		if problem != nil {
			return &values{problem: problem}
		}
		f = read
	}
	read, _ := e.parsed.LoadOrStore(f, sync.OnceValue(func() *values { return readValues(f, e.limits) }))
	return read.(func() *values)()
}

func readValues(f *source.File, limits dialect.Limits) *values {
	v := &values{file: f}
	var problems []source.Problem
	v.doc, problems = document.Parse(f, limits)
	for i := range problems {
		if problems[i].Kind == source.Limit {
			v.problem = &problems[i]
			return v
		}
	}
	var err error
	if v.data, err = chart.ReadValues(f.Bytes); err != nil {
		v.problem = &source.Problem{Kind: source.Invalid, Range: source.Range{File: f.Path}, Message: err.Error()}
		for i := range problems {
			if problems[i].Kind == source.Invalid {
				v.problem = &problems[i]
				break
			}
		}
	}
	return v
}

// find returns where a path is written: the entry of its last step and the steps that are not there, or nil when not even
// the first is.
func (v *values) find(p value.Path) (n *document.Node, at source.Range, rest value.Path) {
	if v == nil || v.doc == nil || len(v.doc.Roots) == 0 {
		return nil, source.Range{}, p
	}
	n, at = v.doc.Roots[0], v.doc.Roots[0].Range
	for i, s := range p {
		switch {
		case s.Name != "" && n.Kind == document.Mapping:
			m := n.Member(s.Name)
			if m == nil {
				return n, at, p[i:]
			}
			n, at = m.Value, m.Range
		case s.Name == "" && n.Kind == document.Sequence && s.Index < len(n.Items):
			n, at = n.Items[s.Index], n.Place(s.Index)
		default:
			return n, at, p[i:]
		}
	}
	if !v.elsewhere.IsZero() {
		at = v.elsewhere
	}
	return n, at, nil
}
