package azure

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// bicepGiven is a value that is given to a parameter of the root from outside of the template.
type bicepGiven struct {
	name  string       // the file, or --var
	scope *bicepScope  // of a file of parameters, with
	expr  bicep.Expr   // the expression
	plain *string      // of the command line
	rng   source.Range // the entry; zero when it is not in a file

	document *document.Document // of JSON
	node     *document.Member   // its entry
}

// value evaluates it.
func (g bicepGiven) value(d *bicep.Declaration) value.Value {
	switch {
	case g.expr != nil:
		return g.scope.frame().eval(g.expr)
	case g.node != nil:
		if v := get(g.node.Value, "value"); v != nil {
			return stripped(v.Value(false, nil))
		}
		v := unknown() // of a key vault
		v.Given, v.Sensitive, v.NotNull = true, true, true
		return v
	case g.plain != nil:
		v := typed(*g.plain, d.Type)
		v.Given = v.Kind == value.String
		return v
	}
	return unknown()
}

// typed reads the text of the command line as the type of a parameter asks.
func typed(s string, t *bicep.Type) value.Value {
	name := ""
	if t != nil {
		name = t.Name
	}
	switch {
	case name == "bool" && (s == "true" || s == "false"):
		return boolean(s == "true")
	case name == "int":
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return whole(n)
		}
	case t != nil && (name == "object" || name == "array" || t.Kind == bicep.ObjectType || t.Kind == bicep.List || t.Kind == bicep.Tuple):
		if v, err := decodeJSON(s); err == nil {
			return v
		}
	}
	return text(s)
}

// inputs reads the values for the parameters of the root: those of the file of parameters, and over them those of the command
// line.
func (u *bicepEvaluation) inputs() map[string]bicepGiven {
	out := map[string]bicepGiven{}
	for _, p := range u.of.params {
		if isParamFile(p) {
			u.paramFile(p, out, 0)
		} else {
			u.jsonParams(p, out)
		}
	}
	for i := range u.estate.workspace.Vars {
		if v := &u.estate.workspace.Vars[i]; v.File == nil {
			out[v.Name] = bicepGiven{name: "--var " + v.Name, plain: &v.Value}
		}
	}
	return out
}

// paramFile reads a .bicepparam, and before it the one that it extends.
func (u *bicepEvaluation) paramFile(p string, out map[string]bicepGiven, depth int) {
	f := u.file(p)
	if f == nil || depth > u.limits.Modules {
		return
	}
	s := u.scopeOf(f)
	for _, d := range f.tree.Declarations {
		if d.Keyword == bicep.Extends && d.Text != nil {
			if base, ok := f.local(d.Text); ok && base != p {
				u.paramFile(base, out, depth+1)
			}
		}
	}
	for _, d := range f.tree.Declarations {
		if d.Keyword == bicep.Param && d.Value != nil && !d.Broken {
			out[d.Name] = bicepGiven{name: path.Base(p), scope: s, expr: d.Value, rng: f.at(d.Span)}
		}
	}
}

// jsonParams reads a file of parameters in JSON.
func (u *bicepEvaluation) jsonParams(p string, out map[string]bicepGiven) {
	u.read(p)
	file, problem := u.estate.workspace.Read(p)
	if problem != nil {
		u.problem(*problem)
		return
	}
	d, problems := document.Parse(file, u.limits)
	for _, problem := range problems {
		u.problem(problem)
	}
	if d == nil || len(d.Roots) == 0 {
		return
	}
	params := get(d.Roots[0], "parameters")
	if params == nil {
		return
	}
	names := map[string]string{} // as the template spells them
	for _, d := range u.root.file.tree.Declarations {
		if d.Keyword == bicep.Param {
			names[strings.ToLower(d.Name)] = d.Name
		}
	}
	for i := range params.Members {
		m := &params.Members[i]
		if name := names[strings.ToLower(m.Key.Text)]; name != "" {
			out[name] = bicepGiven{name: path.Base(p), document: d, node: m, rng: m.Range}
		}
	}
}

// variants makes the units of a template: one for each set of inputs that the settings name, else one for each file of
// parameters, and one with the defaults when nothing else is needed.
func (e *bicepEstate) variants(template string, files []string) []bicepUnit {
	var out []bicepUnit
	if e.workspace.Inputs != nil {
		for _, set := range e.workspace.Inputs(template).Sets {
			u := bicepUnit{name: dialect.UnitName{Dir: template, Variant: set.Name}}
			for _, p := range set.Files {
				if !fs.ValidPath(p) {
					u.missing = append(u.missing, source.Problem{Kind: source.Unreadable, Range: source.Range{File: p}, Message: "the file of parameters lies outside of the tree"})
				} else if _, problem := e.workspace.Read(p); problem != nil {
					u.missing = append(u.missing, *problem)
				} else {
					u.params = append(u.params, p)
				}
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
		out = append(out, bicepUnit{name: dialect.UnitName{Dir: template, Variant: name}, params: []string{p}})
	}
	if len(out) == 0 || e.complete(template) {
		out = append(out, bicepUnit{name: dialect.UnitName{Dir: template}})
	}
	return out
}

// complete reports whether a template can be deployed with nothing but the command line's values for its parameters.
func (e *bicepEstate) complete(template string) bool {
	f := e.files[template]
	s := &bicepScope{file: f}
	for _, d := range f.tree.Declarations {
		given := slices.ContainsFunc(e.workspace.Vars, func(v dialect.Var) bool { return v.Name == d.Name })
		if d.Keyword == bicep.Param && !given && d.Value == nil && (d.Type == nil || !s.nullable(d.Type)) {
			return false
		}
	}
	return true
}

// jsonParamsOf finds the files of parameters in JSON that stand beside a template and have its name: main.parameters.json,
// main.prod.parameters.json.
func (e *bicepEstate) jsonParamsOf(template string) []string {
	stem := strings.TrimSuffix(path.Base(template), ".bicep") + "."
	var out []string
	for _, name := range e.listing(path.Dir(template)) {
		rest, ok := strings.CutPrefix(name, stem)
		if ok && strings.HasSuffix(rest, ".json") && (strings.HasPrefix(rest, "parameters.") || strings.HasSuffix(rest, ".parameters.json")) {
			out = append(out, path.Join(path.Dir(template), name))
		}
	}
	return out
}

// listing returns the names in a directory, sorted, and remembers them.
func (e *bicepEstate) listing(dir string) []string {
	e.found.mu.Lock()
	defer e.found.mu.Unlock()
	names, ok := e.found.dirs[dir]
	if !ok {
		entries, err := fs.ReadDir(e.workspace.FS, dir)
		if err == nil {
			for _, entry := range entries {
				if !entry.IsDir() {
					names = append(names, entry.Name())
				}
			}
		}
		slices.Sort(names)
		e.found.dirs[dir] = names
	}
	return names
}

// Inputs lists the parameters of the templates that are units.
func (e *bicepEstate) Inputs() []string {
	var out []string
	for _, u := range e.units {
		for _, d := range e.files[u.name.Dir].tree.Declarations {
			if d.Keyword == bicep.Param {
				out = append(out, d.Name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
