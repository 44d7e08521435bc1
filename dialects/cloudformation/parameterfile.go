package cloudformation

import (
	"io/fs"
	"path"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// parameterFile is a file of parameters: the list of pairs ParameterKey and ParameterValue of the command line, the object
// with Parameters of CodePipeline, or a plain object of names and values.
type parameterFile struct {
	file     *source.File
	document *document.Document
	values   map[string]given
	problems []source.Problem
}

// given is one entry of a file of parameters.
type given struct {
	node   *document.Node // the value
	entry  source.Range
	holder *document.Node // the mapping that it is a member of
	key    string         // its name there
}

func (e *estate) readParameters(f *source.File) *parameterFile {
	p := &parameterFile{file: f, values: map[string]given{}}
	p.document, p.problems = document.Parse(f, e.limits)
	if p.document == nil || len(p.document.Roots) == 0 {
		return p
	}
	root := p.document.Roots[0]
	if root.Kind == document.Sequence {
		for _, item := range root.Items {
			key, v := nodeText(item.Get("ParameterKey")), item.Get("ParameterValue")
			if key == "" || v == nil {
				if item.Kind == document.Mapping && item.Get("UsePreviousValue") != nil {
					continue
				}
				p.problems = append(p.problems, source.Problem{Kind: source.Invalid, Range: item.Range, Message: "an entry has no ParameterKey or no ParameterValue"})
				continue
			}
			p.values[key] = given{v, item.Range, item, "ParameterValue"}
		}
		return p
	}
	if inner := root.Get("Parameters"); inner != nil && inner.Kind == document.Mapping {
		root = inner
	}
	for i := range root.Members {
		m := &root.Members[i]
		if m.Value.Kind == document.Scalar || m.Value.Kind == document.Sequence {
			p.values[m.Key.Text] = given{m.Value, m.Range, root, m.Key.Text}
		}
	}
	return p
}

// value is what an entry gives: text, whatever it looks like; a list is what the text with commas would be.
func (g given) value() value.Value {
	switch g.node.Kind {
	case document.Scalar:
		if g.node.IsNull() {
			return value.Value{}
		}
		return value.Value{Kind: value.String, Text: g.node.Text}
	case document.Sequence:
		v := value.Value{Kind: value.List, Items: []value.Value{}}
		for _, item := range g.node.Items {
			v.Items = append(v.Items, value.Value{Kind: value.String, Text: nodeText(item)})
		}
		return v
	}
	return unknown()
}

// folders beside a template in which files of parameters are looked for.
var parameterFolders = map[string]bool{"parameters": true, "params": true, "parameter": true, "config": true, "configs": true,
	"configuration": true, "env": true, "envs": true, "environments": true}

// words that say in a file's name that it holds parameters, and that are left out of the name of the set.
var parameterWords = []string{"parameters", "parameter", "params", "param"}

// fits reports whether every entry is a parameter of the template, as CloudFormation wants it, and there is one.
func (p *parameterFile) fits(parameters map[string]bool) bool {
	for name := range p.values {
		if _, ok := parameters[name]; !ok {
			return false
		}
	}
	return len(p.values) > 0
}

// touches reports whether any entry is a parameter of the template.
func (p *parameterFile) touches(parameters map[string]bool) bool {
	for name := range p.values {
		if _, ok := parameters[name]; ok {
			return true
		}
	}
	return false
}

// stem takes the extensions off a template's name: vpc of vpc.template.json.
func stem(p string) string {
	base := path.Base(p)
	if i := strings.IndexByte(base, '.'); i > 0 {
		return base[:i]
	}
	return base
}

// setName returns the name of the set of parameters that a file beside a template holds, and whether it names the template.
// What says only that these are parameters is left out: dev of vpc-parameters.dev.json.
func setName(template, file string) (name string, named bool) {
	rest := strings.TrimSuffix(path.Base(file), path.Ext(file))
	if cut, ok := strings.CutPrefix(rest, stem(template)); ok && (cut == "" || strings.ContainsAny(cut[:1], ".-_")) {
		rest, named = cut, true
	}
	words := strings.FieldsFunc(rest, func(r rune) bool { return r == '.' || r == '-' || r == '_' })
	var kept []string
	for _, w := range words {
		isWord := false
		for _, p := range parameterWords {
			isWord = isWord || strings.EqualFold(w, p)
		}
		if !isWord {
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 {
		return strings.TrimSuffix(path.Base(file), path.Ext(file)), named
	}
	return strings.Join(kept, "-"), named
}

// variants returns the files of parameters beside a template by the names of their sets. A file that is named for another
// template of the directory is not taken, nor one that gives what the template does not have, unless it is named for it.
func (e *estate) variants(f *file) map[string]*parameterFile {
	dir := path.Dir(f.source.Path)
	var near []string
	for _, p := range sortedNames(e.parameters) {
		if d := path.Dir(p); d == dir || path.Dir(d) == dir && parameterFolders[strings.ToLower(path.Base(d))] {
			near = append(near, p)
		}
	}
	if len(near) == 0 {
		return nil
	}
	parameters := f.outlined().parameters
	found := map[string]*parameterFile{}
	for _, p := range near {
		set := e.parameters[p]
		name, named := setName(f.source.Path, p)
		if !set.touches(parameters) || !named && (!set.fits(parameters) || e.namesAnother(f, p)) {
			continue
		}
		if found[name] != nil {
			name = strings.TrimPrefix(p, dir+"/")
		}
		found[name] = set
	}
	return found
}

// namesAnother reports whether a file of parameters is named for another template.
func (e *estate) namesAnother(f *file, parameters string) bool {
	dir := path.Dir(f.source.Path)
	for other := range e.files {
		if other == f.source.Path || path.Dir(other) != dir {
			continue
		}
		if _, named := setName(other, parameters); named && len(stem(other)) > 0 {
			return true
		}
	}
	return false
}

// setFile returns a file of parameters that the settings name.
func (e *estate) setFile(name string) (*parameterFile, *source.Problem) {
	if p := e.parameters[name]; p != nil {
		return p, nil
	}
	if !fs.ValidPath(name) {
		return nil, &source.Problem{Kind: source.Unreadable, Range: source.Range{File: name}, Message: "the file of parameters lies outside of the tree"}
	}
	f, problem := e.workspace.Read(name)
	if problem != nil {
		return nil, problem
	}
	return e.readParameters(f), nil
}
