// Package bitbucket evaluates bitbucket-pipelines.yml: the steps of every pipeline, alone, in stages and in parallel, with their
// scripts, pipes and images. A step that an anchor repeats is one resource, at the place where it is written.
//
// The facts are those of https://support.atlassian.com/bitbucket-cloud/docs/bitbucket-pipelines-configuration-reference/.
// The package knows nothing of rules or findings.
package bitbucket

import (
	"context"
	"path"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/dialects/pipelines/written"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

const system = "bitbucket-pipelines"

// New returns the dialect.
func New(set *schema.Set) dialect.Dialect {
	return pipelines.New(pipelines.System{
		Name:   system,
		Claims: claims,
		Blocks: blocks,
		Evaluate: func(_ context.Context, u *pipelines.Unit) {
			e := &evaluation{Unit: u, set: set, places: written.New(u), steps: map[*document.Node]bool{}, lists: map[*document.Node]bool{}, images: map[source.Range]bool{}}
			e.evaluate()
		},
	})
}

// claims takes the file that Bitbucket reads, in whatever folder the repository begins, and those that are shared under its name.
func claims(file string, _ func() []byte) bool {
	name := path.Base(file)
	return name == "bitbucket-pipelines.yml" || name == "bitbucket-pipelines.yaml" ||
		strings.HasSuffix(name, ".bitbucket-pipelines.yml") || strings.HasSuffix(name, "-bitbucket-pipelines.yml")
}

// evaluation is the evaluation of one file.
type evaluation struct {
	*pipelines.Unit
	set    *schema.Set
	places *written.Places
	steps  map[*document.Node]bool
	lists  map[*document.Node]bool
	images map[source.Range]bool
}

// step is a step where it is written.
type step struct {
	node *document.Node // the mapping behind "step"
	at   source.Range   // the member or item that holds it
	in   value.Path     // the pipeline
}

func (e *evaluation) evaluate() {
	root := e.Main.Root()
	if root == nil {
		if len(e.Main.Problems()) == 0 {
			e.Problem(source.Invalid, source.Range{File: e.Main.Path}, "the file is no mapping with pipelines")
		}
		return
	}
	e.image(root.Member("image"), "job", "", "image")
	services := root.Get("definitions").Get("services")
	if services != nil {
		for i := range services.Members {
			m := &services.Members[i]
			e.image(m.Value.Member("image"), "service", "", value.Path{{Name: "definitions"}, {Name: "services"}, {Name: m.Key.Text}, {Name: "image"}}.String())
		}
	}
	for _, s := range stepsOf(root) {
		if !e.add(s) {
			return
		}
	}
}

// stepsOf returns the steps of all pipelines in order.
func stepsOf(root *document.Node) []step {
	var out []step
	all := root.Get("pipelines")
	if all == nil {
		return nil
	}
	seen := map[*document.Node]bool{}
	var walk func(n *document.Node, in value.Path, depth int)
	walk = func(n *document.Node, in value.Path, depth int) {
		if n == nil || depth > 12 || seen[n] {
			return
		}
		seen[n] = true
		if n.Kind == document.Sequence {
			for _, item := range n.Items {
				walk(item, in, depth+1)
			}
			return
		}
		for i := range n.Members {
			m := &n.Members[i]
			switch m.Key.Text {
			case "step":
				if m.Value.Kind == document.Mapping {
					out = append(out, step{m.Value, m.Range, in})
				}
			case "parallel", "stage", "steps":
				walk(m.Value, in, depth+1)
			}
		}
	}
	for i := range all.Members {
		m := &all.Members[i]
		name := value.Step{Name: m.Key.Text}
		if m.Value.Kind == document.Mapping {
			for j := range m.Value.Members { // of branches, tags, pull-requests and custom
				k := &m.Value.Members[j]
				walk(k.Value, value.Path{name, {Name: k.Key.Text}}, 0)
			}
			continue
		}
		walk(m.Value, value.Path{name}, 0)
	}
	return out
}

func blocks(f *pipelines.File) []source.Range {
	root := f.Root()
	var out []source.Range
	for _, s := range stepsOf(root) {
		out = append(out, s.at)
	}
	if d := root.Get("definitions"); d != nil {
		out = append(out, root.Member("definitions").Range)
	}
	if m := root.Member("image"); m != nil {
		out = append(out, m.Range)
	}
	return out
}

// add makes the resources of a step.
func (e *evaluation) add(s step) bool {
	if e.steps[s.node] {
		return true
	}
	e.steps[s.node] = true
	at := s.at
	if !at.IsZero() && !s.node.Range.IsZero() && (s.node.Range.File != at.File || !at.Contains(s.node.Range)) {
		at = s.node.Range // an alias: the step stands at its anchor
	}
	name := "step"
	if n := s.node.Get("name"); n != nil && n.Kind == document.Scalar && n.Text != "" {
		name = n.Text
	}
	v := s.node.Value(false, nil)
	var body pipelines.Body
	typ := e.set.Resource("bitbucket_pipelines_step")
	for _, f := range v.Fields {
		word := strings.ReplaceAll(f.Name, "-", "_")
		if a := typ.Attribute(word); a != nil && !(a.Computed && !a.Optional) {
			body.Set(word, f.Value)
		}
	}
	body.Set("pipeline", pipelines.String(s.in.String(), at))
	address := e.Address(append(append(value.Path{}, s.in...), value.Step{Name: name}).String())
	r := &resource.Resource{Address: address, Type: "bitbucket_pipelines_step", Name: name, Range: at, Body: body.Object(at)}
	r.Handle = e.places.Handle(r, written.Home{Node: s.node, Word: hyphens,
		Only: []string{"caches", "clone", "condition", "deployment", "image", "name", "oidc", "runs_on", "services", "size", "trigger"}})
	if !e.Add(r) {
		return false
	}
	e.image(s.node.Member("image"), "job", address, address+".image")
	for _, k := range []string{"script", "after-script"} {
		if m := s.node.Member(k); m != nil {
			e.script(m, address, k)
		}
	}
	return true
}

func hyphens(s string) string { return strings.ReplaceAll(s, "_", "-") }

// image adds the ci_image of an image: a name alone, or beside who may pull it.
func (e *evaluation) image(m *document.Member, use, job, address string) {
	if m == nil {
		return
	}
	at, n := m.Range, m.Value
	if inner := n.Member("name"); inner != nil {
		at, n = inner.Range, inner.Value
	}
	if n.Kind != document.Scalar || n.IsNull() || e.images[at] {
		return
	}
	e.images[at] = true
	v := value.Value{Kind: value.String, Text: n.Text, Range: at}
	if i := strings.IndexByte(n.Text, '$'); i >= 0 {
		name := strings.Trim(strings.FieldsFunc(n.Text[i:]+" ", func(r rune) bool { return r == ':' || r == '/' || r == '@' || r == ' ' })[0], "${}")
		v = value.Value{Kind: value.Unknown, NotNull: true, Text: n.Text[:i], Range: at}
		e.places.Note(at, written.Note{Waits: []dialect.Wait{{Name: name, Kind: "variable"}}})
	}
	made := pipelines.Image{Address: e.Address(address), Use: use, Image: v, Range: at, Job: job}
	r := made.Resource(system)
	r.Handle = e.places.Handle(r, written.Home{Only: []string{"image"}})
	e.Add(r)
}

// script adds the ci_script of a list of lines, and a resource for each pipe between them.
func (e *evaluation) script(m *document.Member, job, word string) {
	if e.lists[m.Value] {
		return
	}
	e.lists[m.Value] = true
	at := m.Range
	if !at.Contains(m.Value.Range) {
		at = m.Value.Range
	}
	var lines []*document.Node
	list := []*document.Node{m.Value}
	if m.Value.Kind == document.Sequence {
		list = m.Value.Items
	}
	for i, item := range list {
		switch item.Kind {
		case document.Scalar:
			lines = append(lines, item)
		case document.Sequence: // an anchor over several lines
			for _, inner := range item.Items {
				if inner.Kind == document.Scalar && !e.lists[item] {
					lines = append(lines, inner)
				}
			}
			e.lists[item] = true
		case document.Mapping:
			if item.Get("pipe") != nil && m.Value.Kind == document.Sequence {
				e.pipe(item, m.Value.Place(i), job)
			}
		}
	}
	if len(lines) == 0 {
		return
	}
	made := pipelines.Script{Address: e.Address(job + "." + word), Text: e.Text(lines...), Range: at, Job: job}
	r := made.Resource(system)
	r.Handle = e.places.Handle(r, written.Home{})
	e.Add(r)
}

// pipe adds a pipe: a repository of Bitbucket with a version, or an image.
func (e *evaluation) pipe(n *document.Node, at source.Range, job string) {
	v := n.Value(false, nil)
	ref := v.Field("pipe")
	if ref.Kind != value.String || e.images[at] {
		return
	}
	e.images[at] = true
	var body pipelines.Body
	body.Set("pipe", *ref)
	body.Set("variables", *v.Field("variables"))
	body.Set("step", pipelines.String(job, at))
	text, isImage := strings.CutPrefix(ref.Text, "docker://")
	body.Set("image", pipelines.Bool(isImage, ref.Range))
	name, version := text, ""
	if i := strings.IndexByte(text, '@'); i >= 0 {
		name, version = text[:i], text[i+1:]
	} else if i := strings.LastIndexByte(text, ':'); i > strings.LastIndexByte(text, '/') {
		name, version = text[:i], text[i+1:]
	}
	body.Set("name", pipelines.String(name, ref.Range))
	if version != "" {
		body.Set("version", pipelines.String(version, ref.Range))
	}
	r := &resource.Resource{Address: e.Address(job + ".pipe." + path.Base(name)), Type: "bitbucket_pipelines_pipe", Name: name, Range: at, Body: body.Object(at),
		Refs: []resource.Ref{{Path: value.Path{{Name: "step"}}, Target: job}}}
	r.Handle = e.places.Handle(r, written.Home{Node: n, Only: []string{"variables"}})
	e.Add(r)
}
