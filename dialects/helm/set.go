package helm

import (
	"bytes"
	"fmt"
	"slices"

	"plumbline.dev/plumbline/chart"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// mostInputs is how many values of one chart are listed by name.
const mostInputs = 5_000

// Inputs lists the values that the charts have, and of the names that were given those that a chart may take: one that is below a
// table that is empty, or that a template speaks of.
func (e *estate) Inputs() []string {
	var out []string
	for _, c := range e.charts {
		l := c.read()
		if l.chart == nil {
			continue
		}
		all := e.known(c, l)
		for i := range all {
			out = inputs(out, nil, map[string]any(all[i]), len(out)+mostInputs)
		}
		for _, v := range e.workspace.Vars {
			if v.File == nil && takes(l, all, v.Name) {
				out = append(out, v.Name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func inputs(out []string, at value.Path, v any, most int) []string {
	if table, ok := v.(map[string]any); ok && len(at) < 16 {
		for name, inner := range table {
			path := append(slices.Clip(at), value.Step{Name: name})
			if len(out) < most {
				out = inputs(append(out, path.String()), path, inner, most)
			}
		}
	}
	return out
}

// known returns the values of a chart with those of all that it depends on, and what its sets of values have.
func (e *estate) known(c *unitChart, l *loaded) []chart.Values {
	own := chart.Values(l.chart.Values)
	if _, all, err := l.chart.Coalesce(chart.Values{}); err == nil {
		own = all
	}
	out := []chart.Values{own}
	for _, v := range c.variants {
		for _, name := range v.files {
			if given := c.with(name); given.problem == nil {
				out = append(out, given.data)
			}
		}
	}
	return out
}

// takes reports whether a chart may read the value of a name: it has it, or a table on the way to it has nothing yet, or one of its
// templates has the first part that is not there.
func takes(l *loaded, all []chart.Values, name string) bool {
	list, err := chart.ReadAssignments(name + "=")
	if err != nil || len(list) != 1 {
		return false
	}
	for _, values := range all {
		var at any = map[string]any(values)
		missing := ""
		for i, s := range list[0].Path {
			table, ok := at.(map[string]any)
			next, there := table[s.Name]
			if ok && there && s.Name != "" {
				at = next
				continue
			}
			if i > 0 && (at == nil || ok && len(table) == 0 || s.Name == "" && !ok) {
				return true // below an empty table, or in a list
			}
			if missing = s.Name; at != nil && !ok {
				return false // a text or a number is there
			}
			break
		}
		if missing == "" || speaks(l.chart, []byte("."+missing)) || speaks(l.chart, []byte(`"`+missing+`"`)) {
			return true
		}
	}
	return false
}

// speaks reports whether a template of a chart, or of one that it depends on, has a word.
func speaks(c *chart.Chart, word []byte) bool {
	for _, f := range c.Templates {
		for at := 0; ; {
			i := bytes.Index(f.Data[at:], word)
			if i < 0 {
				break
			}
			at += i + len(word)
			if at == len(f.Data) || !isNameByte(f.Data[at]) {
				return true
			}
		}
	}
	return slices.ContainsFunc(c.Dependencies, func(d *chart.Chart) bool { return speaks(d, word) })
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// set lays what --var says over the values that were given, as --set of Helm: what the chart does not take is for somebody else.
func (u *unit) set(l *loaded, given chart.Values, out *dialect.Unit) chart.Values {
	var all []chart.Values
	for _, v := range u.workspace.Vars {
		if v.File != nil {
			continue
		}
		if all == nil {
			all = u.known(u.chart, l)
		}
		if !takes(l, all, v.Name) {
			continue
		}
		list, err := chart.ReadAssignments(v.Name + "=" + v.Value)
		more, sets := chart.Values{}.Lay(given), u.sets
		for _, a := range list {
			if err == nil {
				err = more.Set(a)
				sets = append(sets, a.Path)
			}
		}
		if err != nil {
			out.Problems = append(out.Problems, source.Problem{Kind: source.Invalid, Range: l.chart.Definition.Place(0, 0),
				Message: fmt.Sprintf("--var %s cannot be used: %s", v.Name, err)})
			continue
		}
		given, u.sets = more, sets
	}
	return given
}

// isSet returns the path that --var sets which a path below .Values is at or below.
func (u *unit) isSet(p value.Path) (value.Path, bool) {
	for _, s := range u.sets {
		if len(s) <= len(p) && slices.Equal(s, p[:len(s)]) {
			return s, true
		}
	}
	return nil, false
}
