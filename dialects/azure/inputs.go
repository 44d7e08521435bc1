package azure

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// parameterFolders are folders beside a template in which files of parameters are looked for.
var parameterFolders = []string{"parameters", "params", "param", "parameter", "environments", "env", "envs"}

// parameterFiles finds for each template the files of parameters that are made for it: those that have its name in theirs
// (azuredeploy.parameters.json, azuredeploy.prod.parameters.json), otherwise those that give nothing but what it declares.
func (e *estate) parameterFiles(templates map[string]bool) map[string][]string {
	out := map[string][]string{}
	for _, p := range slices.Sorted(maps.Keys(e.files)) {
		if e.files[p].form != parameterForm {
			continue
		}
		dirs := []string{path.Dir(p)}
		if up := path.Dir(p); up != "." && slices.Contains(parameterFolders, strings.ToLower(path.Base(up))) {
			dirs = append(dirs, path.Dir(up))
		}
		best, length := "", 0
		var fitting []string
		for t := range templates {
			if !slices.Contains(dirs, path.Dir(t)) {
				continue
			}
			s := stem(t)
			if rest, ok := strings.CutPrefix(strings.ToLower(path.Base(p)), strings.ToLower(s)); ok && rest != "" && strings.ContainsRune(".-_", rune(rest[0])) && len(s) > length {
				best, length = t, len(s)
			}
			if e.fits(p, t) {
				fitting = append(fitting, t)
			}
		}
		if best != "" {
			fitting = []string{best}
		}
		for _, t := range fitting {
			out[t] = append(out[t], p)
		}
	}
	return out
}

// stem is the name of a template without its ending.
func stem(template string) string {
	return strings.TrimSuffix(path.Base(template), path.Ext(template))
}

// fits reports whether a file of parameters gives something to a template, and nothing that it does not declare.
func (e *estate) fits(parameters, template string) bool {
	t := e.files[template].read().template
	given := membersOf(get(e.files[parameters].read().root, "parameters"))
	if t == nil || len(given) == 0 {
		return false
	}
	for name := range given {
		if t.parameters[name] == nil {
			return false
		}
	}
	return true
}

// variants returns a template with each set of parameters under which it is evaluated: those of the settings, or the files
// beside it. Without any, or when the caller named files, which stand in for the sets, it is one set without a name. It is
// evaluated without a set too when no parameter would be missing.
func (e *estate) variants(template string, files []string) []armUnit {
	unit := func(variant string, sets ...string) armUnit {
		return armUnit{name: dialect.UnitName{Dir: template, Variant: variant}, sets: sets}
	}
	if len(e.named) > 0 {
		return []armUnit{unit("")}
	}
	var out []armUnit
	if e.workspace.Inputs != nil {
		for _, set := range e.workspace.Inputs(template).Sets {
			u := unit(set.Name)
			for _, p := range set.Files {
				if _, problem := e.workspace.Read(p); problem != nil || !fs.ValidPath(p) {
					if problem == nil {
						problem = &source.Problem{Kind: source.Unreadable, Range: source.Range{File: p}, Message: "the file of parameters lies outside of the tree"}
					}
					u.missing = append(u.missing, *problem)
					continue
				}
				u.sets = append(u.sets, p)
			}
			out = append(out, u)
		}
	}
	if len(out) > 0 {
		return out
	}
	taken := map[string]bool{}
	for _, p := range files {
		name := variantOf(template, p)
		if taken[name] {
			name = path.Base(p)
		}
		taken[name] = true
		out = append(out, unit(name, p))
	}
	if len(out) == 0 || e.complete(template) {
		out = append(out, unit(""))
	}
	slices.SortFunc(out, func(a, b armUnit) int { return strings.Compare(a.name.Variant, b.name.Variant) })
	return out
}

// variantOf names the set in a file of parameters: what its name says beside the template's and the word parameters.
func variantOf(template, file string) string {
	name := strings.TrimSuffix(path.Base(file), path.Ext(file))
	if s := stem(template); len(name) > len(s) && strings.EqualFold(name[:len(s)], s) && strings.ContainsRune(".-_", rune(name[len(s)])) {
		name = name[len(s)+1:]
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '.' })
	kept := slices.DeleteFunc(slices.Clone(words), func(w string) bool {
		return slices.Contains([]string{"parameters", "parameter", "params", "param"}, strings.ToLower(w))
	})
	if len(kept) == 0 {
		kept = words
	}
	return strings.Join(kept, ".")
}

// complete reports whether every parameter of a template has a value without a set.
func (e *estate) complete(template string) bool {
	t := e.files[template].read().template
	if t == nil {
		return true
	}
	for name, m := range t.parameters {
		given := slices.ContainsFunc(e.workspace.Vars, func(v dialect.Var) bool { return strings.EqualFold(v.Name, name) })
		if !given && get(m.Value, "defaultValue") == nil && !t.nullable(m.Value) {
			return false
		}
	}
	return true
}

// unused returns the problems of files of parameters that no unit reads.
func (e *estate) unused() []source.Problem {
	used := map[string]bool{}
	for i := range e.units {
		for _, p := range e.units[i].sets {
			used[p] = true
		}
	}
	var out []source.Problem
	for _, p := range slices.Sorted(maps.Keys(e.files)) {
		if f := e.files[p]; f.form == parameterForm && !used[p] {
			out = append(out, f.read().problems...)
		}
	}
	return out
}

// Inputs lists the parameters of the templates that are units, sorted.
func (e *estate) Inputs() []string {
	names := map[string]bool{}
	for i := range e.units {
		if t := e.files[e.units[i].name.Dir].read().template; t != nil {
			for _, m := range t.parameters {
				names[m.Key.Text] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// inputs gathers what is given to the parameters of a unit, the strongest last.
func (u *evaluation) inputs(of *armUnit) map[string]*argument {
	out := map[string]*argument{}
	file := func(f *armFile, outside bool) {
		for _, p := range f.read().problems {
			u.problem(p.Kind, p.Range, p.Message)
		}
		root := f.read().root
		entries := get(root, "parameters")
		if entries == nil && get(root, "$schema") == nil {
			entries = root
		}
		for low, m := range membersOf(entries) {
			a := &argument{name: path.Base(f.path), place: m.Range, given: outside}
			switch v := get(m.Value, "value"); {
			case v != nil:
				a.node = v
			case get(m.Value, "reference") != nil:
				a.value = fromVault(get(m.Value, "reference"))
			case m.Value.Kind == document.Scalar:
				a.node = m.Value
			default:
				a.value = value.Value{Kind: value.Unknown, Given: true}
			}
			out[low] = a
		}
	}
	for _, p := range of.sets {
		u.files[p] = true
		f := u.estate.files[p]
		if f == nil {
			content, problem := u.estate.workspace.Read(p)
			if problem != nil {
				u.problem(problem.Kind, problem.Range, problem.Message)
				continue
			}
			f = u.estate.open(content)
		}
		file(f, false)
	}
	for i := range u.estate.workspace.Vars {
		v := &u.estate.workspace.Vars[i]
		if v.File != nil {
			f := u.estate.named[i]
			_, err := fs.Stat(u.estate.workspace.FS, f.path)
			file(f, err != nil)
			continue
		}
		low := strings.ToLower(v.Name)
		m := u.root.template.parameters[low]
		if m == nil {
			continue
		}
		out[low] = &argument{name: "--var", given: true, value: u.fromText(v.Value, textAt(u.root.template.definition(m.Value), "type"))}
	}
	return out
}

// fromText reads what was given on the command line as the type of its parameter.
func (u *evaluation) fromText(s, typ string) value.Value {
	name := map[string]string{"int": "int", "bool": "bool", "object": "json", "array": "json", "secureobject": "json"}[strings.ToLower(typ)]
	if name == "" {
		return text(s)
	}
	v, err := u.functions.call(name, []value.Value{text(s)})
	if err != nil {
		u.problem(source.Invalid, source.Range{File: u.root.template.file.Path}, "the value given by --var cannot be read: "+err.Error())
		return value.Value{Kind: value.Unknown, Given: true}
	}
	return v
}
