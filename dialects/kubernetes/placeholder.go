package kubernetes

import (
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/value"
)

// valueOf reads an object. What other tools fill in is unknown.
func valueOf(n *document.Node, yaml11 bool) value.Value {
	v := n.Value(yaml11, nil)
	FillIn(&v)
	return v
}

// FillIn makes unknown what other tools fill in before an object is applied. The value must not be shared yet.
func FillIn(v *value.Value) {
	if v.Kind == value.Object {
		f := filler{argo: strings.HasPrefix(v.Field("apiVersion").Text, "argoproj.io/")}
		f.fill(v, "", 0)
	}
}

// filler makes placeholders of one object unknown.
type filler struct {
	argo bool // a workflow of Argo: what it runs has {{ … }} of its own, which Argo puts in when the step starts
}

// fill makes placeholders unknown: {{ … }} of templates anywhere but in what configures programs, which has templates of its own, and ${…}
// where it is not a shell's: neither in what is run nor in its environment.
func (x filler) fill(v *value.Value, name string, depth int) {
	switch v.Kind {
	case value.Object:
		for i := range v.Fields {
			f := &v.Fields[i]
			switch f.Name {
			case "data", "stringData", "binaryData", "annotations":
				if depth <= 5 && (depth == 0 || f.Name == "annotations") {
					continue
				}
			case "command", "args", "env", "script", "source", "exec":
				switch {
				case !x.argo || f.Name == "env":
					fillIn(&f.Value, false)
				case f.Name == "script":
					x.fill(&f.Value, f.Name, depth+1)
				}
				continue
			}
			x.fill(&f.Value, f.Name, depth+1)
		}
	case value.List:
		for i := range v.Items {
			x.fill(&v.Items[i], name, depth+1)
		}
	case value.String:
		fillIn(v, true)
	}
}

func fillIn(v *value.Value, dollars bool) {
	switch v.Kind {
	case value.Object:
		for i := range v.Fields {
			fillIn(&v.Fields[i].Value, dollars)
		}
	case value.List:
		for i := range v.Items {
			fillIn(&v.Items[i], dollars)
		}
	case value.String:
		start, end := placeholders(v.Text, "{{", "}}")
		if start < 0 && dollars {
			start, end = placeholders(v.Text, "${", "}")
		}
		if start < 0 {
			return
		}
		before, after := v.Text[:start], v.Text[end:]
		v.Kind, v.Given, v.Text, v.Ending = value.Unknown, true, before, ""
		if before != "" {
			v.Ending = after
		}
	}
}

// placeholders returns where the first placeholder of a text starts and the last one ends, or -1.
func placeholders(s, open, shut string) (start, end int) {
	start = strings.Index(s, open)
	if start < 0 {
		return -1, 0
	}
	i := strings.Index(s[start:], shut)
	if i < 0 {
		return -1, 0
	}
	last := strings.LastIndex(s, open)
	i = strings.Index(s[last:], shut)
	if i < 0 {
		return start, len(s)
	}
	return start, last + i + len(shut)
}
