package cloudformation

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// unit is a template with a set of parameters. It is rooted in its file: a directory often holds many templates.
type unit struct {
	name    dialect.UnitName
	file    *file
	set     []*parameterFile // weakest first
	missing []source.Problem // files of the set that cannot be read
}

// setUnits finds the units, and where each of them is. A template that another one nests is evaluated there; where
// templates nest each other in a circle that nothing leads to, the first of them stands for itself.
func (e *estate) setUnits() {
	nested := map[string][]string{}
	called := map[string]bool{}
	paths := sortedNames(e.files)
	for _, p := range paths {
		f := e.files[p]
		if !f.mayNest() {
			continue
		}
		for _, to := range f.outlined().nested {
			if e.files[to] != nil && to != p {
				nested[p] = append(nested[p], to)
				called[to] = true
			}
		}
	}
	reached := map[string]bool{}
	var roots []string
	take := func(p string) {
		roots = append(roots, p)
		for todo := []string{p}; len(todo) > 0; {
			at := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if !reached[at] {
				reached[at] = true
				todo = append(todo, nested[at]...)
			}
		}
	}
	for _, p := range paths {
		if !called[p] {
			take(p)
		}
	}
	for _, p := range paths {
		if !reached[p] {
			take(p)
		}
	}
	e.units = nil
	for _, p := range roots {
		e.units = append(e.units, e.inputSets(e.files[p])...)
	}
	slices.SortFunc(e.units, func(a, b unit) int {
		if c := strings.Compare(a.name.Dir, b.name.Dir); c != 0 {
			return c
		}
		return strings.Compare(a.name.Variant, b.name.Variant)
	})
	e.unitAt = make(map[dialect.UnitName]int, len(e.units))
	for i := range e.units {
		e.unitAt[e.units[i].name] = i
	}
}

// inputSets returns a template with each of the sets of parameters under which it is evaluated: those of the settings, or
// the files of parameters that lie beside it. Without any, or when the caller named files, which stand in for the sets, it
// is one set without a name. The template is evaluated without a set too when every parameter has a default.
func (e *estate) inputSets(f *file) []unit {
	p := f.source.Path
	var units []unit
	add := func(name string, set ...*parameterFile) *unit {
		units = append(units, unit{name: dialect.UnitName{Dir: p, Variant: name}, file: f, set: set})
		return &units[len(units)-1]
	}
	if len(e.named) > 0 {
		add("")
		return units
	}
	var sets []dialect.InputSet
	if e.workspace.Inputs != nil {
		if sets = e.workspace.Inputs(p).Sets; len(sets) == 0 {
			sets = e.workspace.Inputs(path.Dir(p)).Sets
		}
	}
	for _, set := range sets {
		u := add(set.Name)
		for _, name := range set.Files {
			if file, problem := e.setFile(name); problem == nil {
				u.set = append(u.set, file)
			} else {
				u.missing = append(u.missing, *problem)
			}
		}
	}
	if len(units) > 0 {
		return units
	}
	found := e.variants(f)
	for _, name := range sortedNames(found) {
		add(name, found[name])
	}
	if len(found) == 0 || f.complete() {
		add("")
	}
	return units
}

// complete reports whether every parameter has a default.
func (f *file) complete() bool {
	for _, fallback := range f.outlined().parameters {
		if !fallback {
			return false
		}
	}
	return true
}

// inputs gathers what is given to the parameters of a template, the strongest last.
func (u *evaluation) inputs(of *unit) map[string]input {
	out := map[string]input{}
	take := func(p *parameterFile, outside bool) {
		for name, g := range p.values {
			out[name] = input{name: path.Base(p.file.Path), value: g.value(), node: g.node, file: p, entry: g.entry, holder: g.holder, key: g.key, given: outside}
		}
	}
	for _, p := range of.set {
		u.files[p.file.Path] = true
		take(p, false)
	}
	for _, p := range of.missing {
		u.problem(p.Kind, p.Range, p.Message)
		if fs.ValidPath(p.Range.File) {
			u.files[p.Range.File] = true
		}
	}
	for i := range u.workspace.Vars {
		v := &u.workspace.Vars[i]
		if v.File == nil {
			out[v.Name] = input{name: "--var", value: value.Value{Kind: value.String, Text: v.Value}, given: true}
			continue
		}
		_, err := fs.Stat(u.workspace.FS, v.File.Path)
		take(u.named[i], err != nil)
	}
	return out
}

// nestedIn returns the paths of the templates that a template nests by literal names.
func nestedIn(t *template) []string {
	var out []string
	for _, section := range t.resources {
		for i := range section.Members {
			body := section.Members[i].Value
			if to, ok := nestedPath(t, body); ok && !slices.Contains(out, to) {
				out = append(out, to)
			}
		}
	}
	return out
}

// nestedPath returns the path in the tree of the template that a resource nests, where its name is literal and local.
func nestedPath(t *template, body *document.Node) (string, bool) {
	property := nestingProperty(nodeText(body.Get("Type")))
	if property == "" {
		return "", false
	}
	text := nodeText(body.Get("Properties").Get(property))
	if n := body.Get("Properties").Get(property); n != nil && n.Tag != "" {
		text = ""
	}
	// What the CDK writes is the address of an asset; its metadata tell where the asset lies.
	if meta := body.Get("Metadata"); text == "" && meta != nil {
		if p := nodeText(meta.Get("aws:asset:path")); strings.EqualFold(nodeText(meta.Get("aws:asset:property")), property) {
			text = p
		}
	}
	return localPath(t.file.source.Path, text)
}

// nestingProperty returns the property of a type that says where its template is; "" for types that nest nothing.
func nestingProperty(typ string) string {
	switch typ {
	case "AWS::CloudFormation::Stack":
		return "TemplateURL"
	case "AWS::Serverless::Application":
		return "Location"
	}
	return ""
}

// localPath resolves a path beside a template; false for an address elsewhere, and for what leaves the tree.
func localPath(template, text string) (string, bool) {
	if text == "" || strings.Contains(text, "://") || strings.HasPrefix(text, "/") || strings.Contains(text, "${") {
		return "", false
	}
	p := path.Join(path.Dir(template), strings.ReplaceAll(text, "\\", "/"))
	return p, fs.ValidPath(p) && p != "."
}
