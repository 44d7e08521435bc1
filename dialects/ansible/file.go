package ansible

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// file is one file of the estate. It is not changed after it was parsed.
type file struct {
	path     string
	kind     kind
	source   *source.File
	doc      *document.Document // nil of INI files and of encrypted ones
	sections []section          // of INI files that are settings
	problems []source.Problem
}

// vaultMark begins files that are encrypted as a whole.
var vaultMark = []byte("$ANSIBLE_VAULT")

// read reads and parses a file.
func (e *estate) read(name string) *file {
	f, p := e.workspace.Read(name)
	if p != nil {
		return &file{path: name, problems: []source.Problem{*p}}
	}
	return e.parse(name, recognise(name, func() []byte { return f.Bytes }), f)
}

// parse parses a file as what it is.
func (e *estate) parse(name string, k kind, s *source.File) *file {
	f := &file{path: name, kind: k, source: s}
	switch {
	case bytes.HasPrefix(s.Bytes, vaultMark):
	case k == settings:
		f.sections = readSections(s)
	case k == inventoryINI:
	default:
		f.doc, f.problems = document.Parse(s, e.limits)
	}
	return f
}

// file returns a file of the tree, claimed or not; nil when it cannot be read.
func (e *estate) file(name string) *file {
	if f := e.files[name]; f != nil {
		return f
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if f, ok := e.loaded[name]; ok {
		return f
	}
	var f *file
	if info, err := fs.Stat(e.workspace.FS, name); err == nil && info.Mode().IsRegular() {
		f = e.read(name)
	}
	e.loaded[name] = f
	return f
}

// load reads a file for a unit; nil when there is none.
func (u *evaluation) load(name string) *file {
	if !fs.ValidPath(name) {
		return nil
	}
	u.files[name] = true
	f := u.estate.file(name)
	if f != nil && u.estate.files[name] == nil { // nobody else tells
		for _, p := range f.problems {
			u.problem(p.Kind, p.Range, p.Message)
		}
	}
	if f != nil && f.source == nil {
		return nil
	}
	return f
}

// fileOf returns the text of a file that a unit has read.
func (u *evaluation) fileOf(name string) *source.File {
	if f := u.estate.file(name); f != nil {
		return f.source
	}
	return nil
}

// names adds the variables that a file defines or asks for.
func (f *file) names(into map[string]bool) {
	if f.doc == nil {
		return
	}
	var walk func(n *document.Node)
	walk = func(n *document.Node) {
		for _, item := range n.Items {
			walk(item)
		}
		for i := range n.Members {
			if isVariable(n.Members[i].Key.Text) {
				into[n.Members[i].Key.Text] = true
			}
			walk(n.Members[i].Value)
		}
		if n.Kind == document.Scalar {
			for _, word := range strings.FieldsFunc(n.Text, func(r rune) bool {
				return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
			}) {
				if isVariable(word) {
					into[word] = true
				}
			}
		}
	}
	for _, root := range f.doc.Roots {
		walk(root)
	}
}

// fromOutside lists what --var and --var-file define.
func (e *estate) fromOutside() []*definition {
	var out []*definition
	for _, v := range e.workspace.Vars {
		if v.File == nil {
			r := jinja.Text(v.Value)
			r.Value.Given = true
			out = append(out, &definition{name: v.Name, level: fromOutside, label: "--var " + v.Name, result: &r})
			continue
		}
		if ext := path.Ext(v.File.Path); ext != ".yml" && ext != ".yaml" && ext != ".json" {
			continue // of another dialect
		}
		doc, problems := document.Parse(v.File, e.limits)
		if len(problems) > 0 || len(doc.Roots) != 1 {
			continue
		}
		if root := doc.Roots[0]; root.Kind == document.Mapping {
			for i := range root.Members {
				m := &root.Members[i]
				r := jinja.Result{Value: m.Value.Value(true, nil)}
				r.Value = given(r.Value)
				out = append(out, &definition{name: m.Key.Text, level: fromOutside, label: v.File.Path, result: &r})
			}
		}
	}
	return out
}

// given says of a value and all in it that it comes from outside. Its places lie in no file of the tree.
func given(v value.Value) value.Value {
	v.Range = source.Range{}
	v.Given = v.Kind == value.String || v.Kind == value.Unknown
	v.Items = slices.Clone(v.Items)
	for i := range v.Items {
		v.Items[i] = given(v.Items[i])
	}
	v.Fields = slices.Clone(v.Fields)
	for i := range v.Fields {
		v.Fields[i].Value = given(v.Fields[i].Value)
	}
	return v
}

// readInventories reads the inventories among the files. Files of one directory are one inventory: so does Ansible when it is
// given the directory.
func (e *estate) readInventories() {
	byDir := map[string]*inventory{}
	e.inventories, e.inventory = nil, nil
	for _, p := range e.paths {
		f := e.files[p]
		if f == nil || f.kind != inventoryINI && f.kind != inventoryYAML || f.source == nil {
			continue
		}
		dir := path.Dir(p)
		in := byDir[dir]
		if in == nil {
			in = newInventory(dir)
			byDir[dir] = in
			e.inventories = append(e.inventories, in)
		}
		e.inventory = append(e.inventory, p)
		if f.kind == inventoryINI {
			if f.doc == nil && !bytes.HasPrefix(f.source.Bytes, vaultMark) {
				in.readINI(f.source)
			}
		} else if f.doc != nil {
			for _, root := range f.doc.Roots {
				in.readYAML(root, 0)
			}
		}
	}
	for _, in := range e.inventories {
		in.finish()
	}
}

// readSettings notes what ansible.cfg says about where roles and inventories are. Roles may also lie at the top.
func (e *estate) readSettings() {
	e.rolePaths, e.namedInventories = nil, map[string][]string{}
	for _, p := range e.paths {
		f := e.files[p]
		if f == nil || f.kind != settings {
			continue
		}
		dir := path.Dir(p)
		for _, s := range f.sections {
			for _, k := range s.keys {
				if s.name != "defaults" {
					continue
				}
				switch k.name {
				case "roles_path":
					for _, name := range strings.Split(k.text, ":") {
						if at := path.Join(dir, strings.TrimSpace(name)); fs.ValidPath(at) && !slices.Contains(e.rolePaths, at) {
							e.rolePaths = append(e.rolePaths, at)
						}
					}
				case "inventory":
					for _, name := range strings.Split(k.text, ",") {
						at := path.Join(dir, strings.TrimSpace(name))
						if f := e.files[at]; f != nil {
							at = path.Dir(at)
						}
						e.namedInventories[dir] = append(e.namedInventories[dir], at)
					}
				}
			}
		}
	}
	if !slices.Contains(e.rolePaths, "roles") {
		e.rolePaths = append(e.rolePaths, "roles")
	}
}
