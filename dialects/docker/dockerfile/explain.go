package dockerfile

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// explainer answers questions about an evaluated file.
type explainer struct{ evaluation *evaluation }

// Explain tells which ARG and ENV a value comes from, and what an unknown one waits for: a build argument, a variable of the base
// image, or one of the shell that runs.
func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	var out dialect.Explanation
	if x.evaluation == nil {
		return out
	}
	d := x.evaluation.declared[r]
	if d == nil {
		return out
	}
	v := r.Body.At(p)
	at := v.Range
	out.Path = d.path(p)
	for _, w := range d.words {
		if at.IsZero() || !(at.Contains(w.at) || w.at.Contains(at)) {
			continue
		}
		if w.at.Contains(at) || len(p) == 0 || !v.IsWhollyKnown() {
			out.Trace = append(out.Trace, w.trace...)
			out.Waits = append(out.Waits, w.waits...)
		}
	}
	if v.IsWhollyKnown() && v.Kind != value.Absent {
		if v.Kind == value.Bool && v.Bool && out.Path != "" && !at.IsZero() { // a switch of ours says less than the words that it is about
			out.Value = &value.Value{Kind: value.String, Text: excerpt(x.evaluation.Text(at)), Range: at}
		}
		out.Waits = nil
		return out
	}
	if len(out.Waits) == 0 && v.Kind != value.Absent {
		for _, name := range shellVariables(v, &r.Body) {
			out.Waits = append(out.Waits, dialect.Wait{Name: "shell variable " + name, Kind: "variable", Range: source.Range{}})
		}
		if len(out.Waits) == 0 {
			out.Waits = append(out.Waits, dialect.Wait{Name: "the image " + imageOf(d), Kind: "computed", Range: r.Header})
		}
	}
	slices.SortStableFunc(out.Waits, func(a, b dialect.Wait) int { return strings.Compare(a.Name, b.Name) })
	out.Waits = slices.CompactFunc(out.Waits, func(a, b dialect.Wait) bool { return a.Name == b.Name })
	return out
}

// maxExcerpt bounds how many bytes of an instruction are shown as what is written there.
const maxExcerpt = 80

// excerpt is the beginning of a text, in one line.
func excerpt(s string) string {
	s, rest, _ := strings.Cut(s, "\n")
	if len(s) > maxExcerpt {
		s, rest = strings.ToValidUTF8(s[:maxExcerpt], ""), "…"
	}
	if rest != "" {
		s = strings.TrimRight(s, " \\\r") + " …"
	}
	return s
}

// said are the instructions and options that attributes of a stage stand for.
var said = map[string]string{"image": "FROM", "parent": "FROM", "name": "FROM AS", "platform": "FROM --platform", "user": "USER", "ports": "EXPOSE", "ssh": "EXPOSE",
	"healthcheck": "HEALTHCHECK", "forbidden_trigger": "ONBUILD", "overridden_cmd": "CMD", "overridden_entrypoint": "ENTRYPOINT", "overridden_healthcheck": "HEALTHCHECK"}

// path is how the language calls an attribute; empty where it has no name of its own.
func (d *declared) path(p value.Path) string {
	if len(p) != 1 {
		return ""
	}
	name := p[0].Name
	switch {
	case d.resource.Type == "docker_stage":
		return said[name]
	case slices.Contains(optional[d.in.keyword], name) || name == "from" || name == "checksum":
		return d.in.keyword + " --" + strings.ReplaceAll(name, "_", "-")
	case slices.Contains(wordsOf[d.in.keyword], name), slices.ContainsFunc(d.facts, func(f *fact) bool { return f.name == name }):
		return d.in.keyword
	}
	return ""
}

func imageOf(d *declared) string {
	if d.stage == nil {
		return "that is built from"
	}
	return clip(d.stage.imageWord.text)
}

// shellVariables are the variables of the commands in which a value stands.
func shellVariables(v, body *value.Value) []string {
	var out []string
	commands := body.Field("commands")
	for i := range commands.Items {
		c := &commands.Items[i]
		if !c.Range.Contains(v.Range) && !v.Range.Contains(c.Range) {
			continue
		}
		for j := range c.Field("variables").Items {
			if name := c.Field("variables").Items[j].Text; len(out) < 16 && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}
