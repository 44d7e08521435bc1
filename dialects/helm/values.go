package helm

import (
	"plumbline.dev/plumbline/chart"
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// limitsOfPlaces are those that documents are read with again to find a place in them; they were read before.
var limitsOfPlaces = dialect.Limits{}

// written is where a value of .Values stands.
type written struct {
	values *values
	node   *document.Node
	at     source.Range
	path   value.Path // in the file
	rest   value.Path // what of it is not there
}

// layer is a file of values and what part of all values it has.
type layer struct {
	values *values
	under  value.Path // its values are below this path: those of a sub-chart
	global bool       // of a chart above: what the sub-chart has under global is there under global
}

// layersOf returns the files of values that count for a path, the strongest first: those that were given, then those of the
// charts from the root down to the one whose values the path leads to.
func (u *unit) layersOf(p value.Path) []layer {
	var out []layer
	for i := len(u.given) - 1; i >= 0; i-- {
		out = append(out, layer{values: u.given[i]})
	}
	out = append(out, layer{values: u.own(u.root)})
	c := u.root
	for i := 0; i < len(p) && p[i].Name != ""; i++ {
		next := dependency(c, p[i].Name)
		if next == nil {
			break
		}
		c = next
		under := p[:i+1]
		if i+1 < len(p) && p[i+1].Name == "global" {
			// The global values of the charts above win.
			for j := range out {
				g := out[j]
				g.under, g.global = under, true
				if !out[j].global {
					out = append(out, g)
				}
			}
		}
		out = append(out, layer{values: u.own(c), under: under})
	}
	return out
}

func dependency(c *chart.Chart, name string) *chart.Chart {
	for _, d := range c.Dependencies {
		if d.Name() == name {
			return d
		}
	}
	return nil
}

// own returns the values.yaml of a chart; nil when it has none, or is in an archive.
func (u *unit) own(c *chart.Chart) *values {
	if c.ValuesFile == nil || c.ValuesFile.Archived {
		return nil
	}
	return u.chart.with(c.ValuesFile.Path)
}

// written finds where the value at a path below .Values is written, or, when it is nowhere, the deepest table on the way to it that is:
// of several sets of values for one chart the weakest, for what is added there holds under all of them. What --var sets is written
// nowhere.
func (u *unit) written(p value.Path) *written {
	if _, set := u.isSet(p); set {
		return nil
	}
	var best *written
	under := 0 // how deep the values of best are below those of the root
	for _, l := range u.layersOf(p) {
		if l.values == nil || l.values.doc == nil || len(l.under) > len(p) {
			continue
		}
		inner := p[len(l.under):]
		n, at, rest := l.values.find(inner)
		if n == nil {
			continue
		}
		w := &written{l.values, n, at, inner[:len(inner)-len(rest)], rest}
		switch {
		case len(rest) == 0:
			return w
		case n.Kind != document.Mapping:
			if best == nil || len(w.path) > 0 {
				return w // something else is there, which hides what weaker sets have
			}
		case best == nil || len(rest) < len(best.rest) || len(rest) == len(best.rest) && len(l.under) == under:
			best, under = w, len(l.under)
		}
	}
	return best
}
