package chart

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Missing are the dependencies that the chart asks for and that are not there, of those that it depends on too. It is asked
// before Coalesce.
func (c *Chart) Missing() []Dependency {
	var out []Dependency
	there := map[string]bool{}
	for _, d := range c.Dependencies {
		there[d.Name()] = true
	}
	for _, want := range c.Metadata.Dependencies {
		if !there[want.Name] {
			out = append(out, *want)
		}
	}
	return out
}

// Coalesce lays values over those of the chart, decides by them which dependencies there are, and returns the chart as it will be
// rendered with all its values. The receiver stays as it is.
func (c *Chart) Coalesce(given Values) (*Chart, Values, error) {
	out := c.clone(nil)
	left := mostCharts
	if err := out.enable(given, "", &left); err != nil {
		return nil, nil, err
	}
	if err := out.importValues(); err != nil {
		return nil, nil, err
	}
	v, err := out.coalesce(given, false)
	if err != nil {
		return nil, nil, err
	}
	return out, v, nil
}

func (c *Chart) clone(parent *Chart) *Chart {
	out := *c
	out.parent = parent
	out.Metadata = c.Metadata.clone()
	out.Dependencies = make([]*Chart, len(c.Dependencies))
	for i, d := range c.Dependencies {
		out.Dependencies[i] = d.clone(&out)
	}
	return &out
}

func (m *Metadata) clone() *Metadata {
	out := *m
	out.Dependencies = make([]*Dependency, len(m.Dependencies))
	for i, d := range m.Dependencies {
		e := *d
		out.Dependencies[i] = &e
	}
	if m.Dependencies == nil {
		out.Dependencies = nil
	}
	return &out
}

// mostCharts is how many charts one may be made of, once each alias is a chart.
const mostCharts = 500

// enable leaves out the dependencies that tags and conditions switch off, and gives those with an alias their name. Left is how many
// charts there may still be.
func (c *Chart) enable(given map[string]any, path string, left *int) error {
	asked := c.Metadata.Dependencies
	if asked == nil {
		return nil
	}
	var there []*Chart
	for _, d := range c.Dependencies {
		if !slices.ContainsFunc(asked, func(a *Dependency) bool { return a.Name == d.Name() && inRange(a.Version, d.Metadata.Version) }) {
			there = append(there, d)
		}
	}
	for _, a := range asked {
		for _, d := range c.Dependencies {
			if d.Name() == a.Name && inRange(a.Version, d.Metadata.Version) {
				if *left -= d.count(); *left < 0 {
					return fmt.Errorf("it has more than %d charts in it", mostCharts)
				}
				d = d.clone(c)
				if a.Alias != "" {
					d.Metadata.Name = a.Alias
				}
				there = append(there, d)
				break
			}
		}
		if a.Alias != "" {
			a.Name = a.Alias
		}
		a.Enabled = true
	}
	c.Dependencies = there
	values, err := c.coalesce(given, false)
	if err != nil {
		return err
	}
	byTags(asked, values)
	byConditions(asked, values, path)
	disabled := map[string]bool{}
	for _, a := range asked {
		if !a.Enabled {
			disabled[a.Name] = true
		}
	}
	off := func(name string) bool { return disabled[name] }
	c.Dependencies = slices.DeleteFunc(there, func(d *Chart) bool { return off(d.Name()) })
	c.Metadata.Dependencies = slices.DeleteFunc(slices.Clone(asked), func(a *Dependency) bool { return off(a.Name) })
	if len(c.Metadata.Dependencies) == 0 {
		c.Metadata.Dependencies = nil
	}
	for _, d := range c.Dependencies {
		if err := d.enable(values, path+d.Name()+".", left); err != nil {
			return err
		}
	}
	return nil
}

// count is how many charts there are in one, with itself.
func (c *Chart) count() int {
	n := 1
	for _, d := range c.Dependencies {
		n += d.count()
	}
	return n
}

func inRange(constraint, version string) bool {
	v, err := semver.NewVersion(version)
	if err != nil {
		return false
	}
	r, err := semver.NewConstraint(constraint)
	return err == nil && r.Check(v)
}

// byTags switches dependencies off of which a tag is false and none true.
func byTags(asked []*Dependency, values Values) {
	tags, err := values.Table("tags")
	if err != nil {
		return
	}
	for _, a := range asked {
		on, off := false, false
		for _, t := range a.Tags {
			if b, ok := tags[t].(bool); ok {
				on, off = on || b, off || !b
			}
		}
		a.Enabled = on || !off
	}
}

// byConditions switches dependencies by the first of their conditions that there is, whatever the tags say.
func byConditions(asked []*Dependency, values Values, path string) {
	for _, a := range asked {
		for condition := range strings.SplitSeq(strings.TrimSpace(a.Condition), ",") {
			if condition == "" {
				continue
			}
			if v, err := values.PathValue(path + condition); err == nil {
				if b, ok := v.(bool); ok {
					a.Enabled = b
					break
				}
			}
		}
	}
}

// importValues takes the values that a chart imports from those it depends on over into its own, under what it has.
func (c *Chart) importValues() error {
	for _, d := range c.Dependencies {
		if err := d.importValues(); err != nil {
			return err
		}
	}
	if c.Metadata.Dependencies == nil {
		return nil
	}
	values, err := c.coalesce(nil, false)
	if err != nil {
		return err
	}
	imported := map[string]any{}
	for _, a := range c.Metadata.Dependencies {
		normal := []any(nil)
		for _, i := range a.ImportValues {
			child, parent := "", "."
			switch i := i.(type) {
			case map[string]any:
				child, parent = fmt.Sprint(i["child"]), fmt.Sprint(i["parent"])
			case string:
				child = "exports." + i
			default:
				continue
			}
			normal = append(normal, map[string]string{"child": child, "parent": parent})
			t, err := values.Table(a.Name + "." + child)
			if err != nil {
				continue
			}
			at := t.AsMap()
			if parent != "." {
				for _, part := range slices.Backward(strings.Split(parent, ".")) {
					at = map[string]any{part: at}
				}
			}
			coalesceTables(imported, at, false)
		}
		a.ImportValues = normal
	}
	own := withoutNull(copied(map[string]any(values)).(map[string]any))
	coalesceTables(own, imported, false)
	c.Values = own
	return nil
}

func withoutNull(v map[string]any) map[string]any {
	for k, e := range v {
		switch e := e.(type) {
		case nil:
			delete(v, k)
		case map[string]any:
			withoutNull(e)
		}
	}
	return v
}
