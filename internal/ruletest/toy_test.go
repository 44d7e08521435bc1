package ruletest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// toy is a dialect for tests. A resource is a line with its type and name, then a line per attribute that starts with a space:
//
//	aws_kms_key data
//	 enable_key_rotation true
//
// Values are true, false, ? for unknown, and else strings. A line that starts with ! is a problem.
type toy struct{}

func (toy) Name() string { return "toy" }

func (toy) Claims(path string, _ func() []byte) bool { return strings.HasSuffix(path, ".toy") }

func (toy) Open(_ context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := toyEstate{files: make(map[string]*source.File)}
	var problems []source.Problem
	for _, path := range paths {
		f, problem := w.Read(path)
		if problem != nil {
			problems = append(problems, *problem)
			continue
		}
		e.files[path] = f
	}
	return e, append(problems, e.parse()...)
}

type toyEstate struct {
	files     map[string]*source.File
	resources []*resource.Resource
}

func (e *toyEstate) parse() (problems []source.Problem) {
	for _, f := range e.files {
		for n := 1; n <= f.Lines(); n++ {
			at := f.Line(n)
			text := f.Text(at)
			words := strings.Fields(text)
			switch {
			case len(words) == 0:
			case text[0] == '!':
				problems = append(problems, source.Problem{Kind: source.Invalid, Range: at, Message: text})
			case text[0] != ' ':
				e.resources = append(e.resources, &resource.Resource{Address: words[0] + "." + words[1], Type: words[0], Name: words[1],
					Dialect: "toy", Range: at, Header: at, Body: value.Value{Kind: value.Object, Range: at}})
			default:
				r := e.resources[len(e.resources)-1]
				v := value.Value{Kind: value.String, Text: words[1], Range: at}
				switch words[1] {
				case "?":
					v = value.Value{Kind: value.Unknown, Range: at}
				case "true", "false":
					v = value.Value{Kind: value.Bool, Bool: words[1] == "true", Range: at}
				}
				r.Body.Fields = append(r.Body.Fields, value.Field{Name: words[0], Value: v})
				slices.SortFunc(r.Body.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
			}
		}
	}
	return problems
}

func (e toyEstate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	after := toyEstate{files: maps.Clone(e.files)}
	for _, f := range changed {
		after.files[f.Path] = f
	}
	problems := after.parse()
	return after, problems
}

func (toyEstate) Units() []dialect.UnitName { return []dialect.UnitName{{Dir: "."}} }

func (e toyEstate) Evaluate(_ context.Context, name dialect.UnitName) *dialect.Unit {
	return &dialect.Unit{Name: name, Graph: resource.NewGraph(e.resources, nil), Explainer: toyExplainer{}}
}

func (toyEstate) Comments(string) []dialect.Comment { return nil }

type toyExplainer struct{}

func (toyExplainer) Explain(*resource.Resource, value.Path) dialect.Explanation {
	return dialect.Explanation{Waits: []dialect.Wait{{Name: "var.x", Kind: "variable"}}}
}

func (toyExplainer) Edit(*resource.Resource, []resource.Change) (dialect.Lowered, error) {
	return dialect.Lowered{}, errors.New("the toy dialect writes nothing")
}
