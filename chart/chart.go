// Package chart renders Helm charts as Helm 3 does, byte for byte, and knows of every line it renders where it was written:
// in which template, and from which of the values.
//
// It stands on text/template and on sprig, which Helm's functions come from, and not on Helm itself. A chart is hostile: it sees
// no file but its own, no environment, no network and no cluster, and what it may do is bounded (Limits).
//
//	Load      files of a directory become a Chart with its sub-charts (load.go, archive.go, ignore.go)
//	Coalesce  values given from outside are laid over the charts' own (values.go), and dependencies that they switch off
//	          are left out (dependency.go)
//	Render    every template is executed (render.go) with Helm's functions (function.go)
//
// Templates are changed after they were parsed (instrument.go): text and the output of each action carry marks, a loop and a call
// pay from a budget. Marks are pairs of private runes (mark.go) that are taken out of what is rendered; they become Spans.
package chart

import (
	"path"
	"strings"

	"plumbline.dev/plumbline/source"
)

// Chart is a chart as its files have it.
type Chart struct {
	Metadata     *Metadata
	Files        []*File // what is no template, no dependency and none of the files that have a meaning of their own
	Templates    []*File
	Values       map[string]any // of values.yaml; nil when there is none
	ValuesFile   *File          // nil when there is none
	Schema       *File          // values.schema.json
	Definition   *File          // Chart.yaml
	Requirements *File          // requirements.yaml, where charts of the first version have their dependencies
	Lock         *File
	Dependencies []*Chart
	Origin       string // the name under which its parent's Values had it before an alias; its own name

	parent *Chart
}

// File is one file of a chart.
type File struct {
	Name string // in the chart: templates/web.yaml
	Path string // in the tree; of what an archive holds, the archive's own
	Data []byte // without a byte order mark

	Skipped  int  // bytes of the byte order mark that Data does not have
	Archived bool // it is inside of the archive at Path

	Values Values // of a file of values that was read before: what Data holds; never changed
}

// Place returns a range of bytes of Data as a range in the tree: the start of the archive for what is in one.
func (f *File) Place(start, end int) source.Range {
	if f.Archived {
		return source.Range{File: f.Path}
	}
	return source.Range{File: f.Path, Start: start + f.Skipped, End: end + f.Skipped}
}

// Metadata is what Chart.yaml says. Templates see it as .Chart: its fields and their names in JSON are Helm's.
type Metadata struct {
	Name         string            `json:"name,omitempty"`
	Home         string            `json:"home,omitempty"`
	Sources      []string          `json:"sources,omitempty"`
	Version      string            `json:"version,omitempty"`
	Description  string            `json:"description,omitempty"`
	Keywords     []string          `json:"keywords,omitempty"`
	Maintainers  []*Maintainer     `json:"maintainers,omitempty"`
	Icon         string            `json:"icon,omitempty"`
	APIVersion   string            `json:"apiVersion,omitempty"`
	Condition    string            `json:"condition,omitempty"`
	Tags         string            `json:"tags,omitempty"`
	AppVersion   string            `json:"appVersion,omitempty"`
	Deprecated   bool              `json:"deprecated,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	KubeVersion  string            `json:"kubeVersion,omitempty"`
	Dependencies []*Dependency     `json:"dependencies,omitempty"`
	Type         string            `json:"type,omitempty"` // application or library
}

// Maintainer is a person who looks after a chart.
type Maintainer struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	URL   string `json:"url,omitempty"`
}

// Dependency is a chart that another one asks for.
type Dependency struct {
	Name         string   `json:"name"`
	Version      string   `json:"version,omitempty"`
	Repository   string   `json:"repository"`
	Condition    string   `json:"condition,omitempty"`
	Tags         []string `json:"tags,omitempty"`
	Enabled      bool     `json:"enabled,omitempty"`
	ImportValues []any    `json:"import-values,omitempty"`
	Alias        string   `json:"alias,omitempty"`
}

// Name returns the name of the chart, or the alias that its parent gives it.
func (c *Chart) Name() string { return c.Metadata.Name }

// FullPath is the name of the chart behind those of the charts that it is in: web/charts/db. Names of templates begin with it.
func (c *Chart) FullPath() string {
	if c.parent == nil {
		return c.Name()
	}
	return c.parent.FullPath() + "/charts/" + c.Name()
}

// IsLibrary reports whether the chart has nothing but definitions for others.
func (c *Chart) IsLibrary() bool { return strings.EqualFold(c.Metadata.Type, "library") }

// Definitions returns the files of crds/ of the chart and of those it depends on: they are installed as they are written.
func (c *Chart) Definitions() []*File {
	var out []*File
	for _, f := range c.Files {
		switch strings.ToLower(path.Ext(f.Name)) {
		case ".yaml", ".yml", ".json":
			if strings.HasPrefix(f.Name, "crds/") {
				out = append(out, f)
			}
		}
	}
	for _, d := range c.Dependencies {
		out = append(out, d.Definitions()...)
	}
	return out
}

// Limits bounds the work on one chart. All must be set.
type Limits struct {
	Steps       int // actions, iterations and bytes that functions look at, weighed
	OutputBytes int // of all templates
	ValueBytes  int // of a text that a function makes
	Depth       int // of templates that call each other
	Nesting     int // of parentheses and blocks in a template
}
