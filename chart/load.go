package chart

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/Masterminds/semver/v3"
	"sigs.k8s.io/yaml"

	"plumbline.dev/plumbline/source"
)

// depth of charts in charts.
const maxCharts = 16

// Load makes a chart of its files: those of charts/, in folders and archives, become its dependencies. The files may come in
// any order. A chart whose Chart.yaml cannot be used is nil; whatever else is wrong is a problem, and the rest is loaded.
func Load(files []*File) (*Chart, []source.Problem) {
	l := &loader{}
	c := l.load(files, 0)
	return c, l.problems
}

type loader struct {
	problems []source.Problem
}

func (l *loader) problem(kind source.ProblemKind, f *File, format string, args ...any) {
	l.problems = append(l.problems, source.Problem{Kind: kind, Range: f.Place(0, 0), Message: fmt.Sprintf(format, args...)})
}

func (l *loader) load(files []*File, depth int) *Chart {
	c := &Chart{}
	subs := map[string][]*File{}
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b *File) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range files {
		l.sort(c, f, subs)
	}
	if c.Definition == nil {
		if len(files) > 0 {
			l.problem(source.Invalid, files[0], "the chart has no Chart.yaml")
		}
		return nil
	}
	if !l.metadata(c) {
		return nil
	}
	if c.ValuesFile != nil && c.ValuesFile.Values != nil {
		c.Values = c.ValuesFile.Values
	} else if c.ValuesFile != nil {
		c.Values = map[string]any{}
		if err := yaml.Unmarshal(c.ValuesFile.Data, &c.Values); err != nil {
			l.problem(source.Invalid, c.ValuesFile, "the values cannot be read: %s", firstLine(err))
			c.Values = nil
		}
	}
	for _, name := range sortedKeys(subs) {
		if strings.IndexAny(name, "_.") == 0 {
			continue
		}
		if depth >= maxCharts {
			l.problem(source.Limit, subs[name][0], "charts are nested deeper than %d", maxCharts)
			break
		}
		if d := l.dependency(name, subs[name], depth); d != nil {
			d.parent = c
			c.Dependencies = append(c.Dependencies, d)
		}
	}
	return c
}

// sort puts a file where it belongs.
func (l *loader) sort(c *Chart, f *File, subs map[string][]*File) {
	switch {
	case f.Name == "Chart.yaml":
		c.Definition = f
	case f.Name == "values.yaml":
		c.ValuesFile = f
	case f.Name == "values.schema.json":
		c.Schema = f
	case f.Name == "Chart.lock":
		c.Lock = f
	case f.Name == "requirements.yaml":
		c.Requirements = f
	case f.Name == "requirements.lock":
		c.Lock = f
	case strings.HasPrefix(f.Name, "templates/"):
		c.Templates = append(c.Templates, f)
	case strings.HasPrefix(f.Name, "charts/") && path.Ext(f.Name) != ".prov":
		name, _, _ := strings.Cut(strings.TrimPrefix(f.Name, "charts/"), "/")
		subs[name] = append(subs[name], f)
	default:
		c.Files = append(c.Files, f)
	}
}

// dependency loads a folder or an archive of charts/; a file that is neither is none.
func (l *loader) dependency(name string, files []*File, depth int) *Chart {
	if path.Ext(name) == ".tgz" {
		if files[0].Name != "charts/"+name {
			l.problem(source.Invalid, files[0], "%s is a folder, and its name is that of an archive", name)
			return nil
		}
		members, err := unpack(files[0])
		if err != nil {
			l.problem(source.Invalid, files[0], "the chart cannot be unpacked: %s", err)
			return nil
		}
		return l.load(members, depth+1)
	}
	var inside []*File
	for _, f := range files {
		if _, rest, ok := strings.Cut(strings.TrimPrefix(f.Name, "charts/"), "/"); ok {
			g := *f
			g.Name = rest
			inside = append(inside, &g)
		}
	}
	if len(inside) == 0 {
		return nil // a file beside the charts
	}
	return l.load(inside, depth+1)
}

// metadata reads Chart.yaml, and requirements.yaml for charts that have their dependencies there.
func (l *loader) metadata(c *Chart) bool {
	m := &Metadata{}
	c.Metadata = m
	if err := yaml.Unmarshal(c.Definition.Data, m); err != nil {
		l.problem(source.Invalid, c.Definition, "Chart.yaml cannot be read: %s", firstLine(err))
		return false
	}
	if m.APIVersion == "" {
		m.APIVersion = "v1"
	}
	for _, f := range []*File{c.Requirements, c.Lock} {
		if f == nil || f.Name == "Chart.lock" {
			continue
		}
		if f == c.Requirements {
			if err := yaml.Unmarshal(f.Data, m); err != nil {
				l.problem(source.Invalid, f, "%s cannot be read: %s", f.Name, firstLine(err))
			}
		}
		if m.APIVersion == "v1" {
			c.Files = append(c.Files, f)
		}
	}
	if wrong := m.check(); wrong != "" {
		l.problem(source.Invalid, c.Definition, "%s", wrong)
		return false
	}
	c.Origin = m.Name
	return true
}

// check says what Helm would refuse, and cleans what it cleans.
func (m *Metadata) check() string {
	for _, s := range []*string{&m.Name, &m.Description, &m.Home, &m.Icon, &m.Condition, &m.Tags, &m.AppVersion, &m.KubeVersion} {
		*s = clean(*s)
	}
	for _, list := range [][]string{m.Sources, m.Keywords} {
		for i := range list {
			list[i] = clean(list[i])
		}
	}
	switch _, err := semver.NewVersion(m.Version); {
	case m.Name == "":
		return "the chart has no name"
	case m.Name == "." || m.Name == ".." || m.Name != path.Base(m.Name):
		return fmt.Sprintf("%q is no name of a chart", m.Name)
	case m.Version == "":
		return "the chart has no version"
	case err != nil:
		return fmt.Sprintf("the version of the chart, %q, is not a semantic version", m.Version)
	case m.Type != "" && m.Type != "application" && m.Type != "library":
		return fmt.Sprintf("the type of the chart, %q, is neither application nor library", m.Type)
	}
	for _, p := range m.Maintainers {
		if p == nil {
			return "the chart has an empty maintainer"
		}
		p.Name, p.Email, p.URL = clean(p.Name), clean(p.Email), clean(p.URL)
	}
	seen := map[string]bool{}
	for _, d := range m.Dependencies {
		if d == nil {
			return "the chart has an empty dependency"
		}
		for _, s := range []*string{&d.Name, &d.Version, &d.Repository, &d.Condition} {
			*s = clean(*s)
		}
		for i := range d.Tags {
			d.Tags[i] = clean(d.Tags[i])
		}
		key := d.Name
		if d.Alias != "" {
			if strings.ContainsFunc(d.Alias, func(r rune) bool {
				return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
			}) {
				return fmt.Sprintf("the alias %q has signs that are not allowed", d.Alias)
			}
			key = d.Alias
		}
		if seen[key] {
			return fmt.Sprintf("the chart has more than one dependency with the name or alias %q", key)
		}
		seen[key] = true
	}
	return ""
}

// clean does to texts of Chart.yaml what Helm does: white space becomes a space, what cannot be printed is dropped.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return -1
	}, s)
}

func firstLine(err error) string {
	text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "), "\n")
	return text
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
