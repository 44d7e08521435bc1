package ansible

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// unit is what is evaluated together, by the file that it begins with.
type unit struct {
	name string // the file; of a role its folder
	file string
}

// evaluation is the evaluation of one unit.
type evaluation struct {
	estate    *estate
	ctx       context.Context
	name      dialect.UnitName
	resources []*resource.Resource
	missing   []resource.Missing
	problems  []source.Problem
	told      map[source.Problem]bool
	files     map[string]bool
	dirs      map[string]bool
	addresses map[string]int
	varsCache map[string][]*definition
	listings  map[string][]fs.DirEntry
	stopped   bool
	entered   int // files and roles so far
	steps     int // tasks and rounds of loops so far

	play  string      // address of the play
	facts *scope      // of the play: what set_fact and register define
	kept  []keptFacts // of the plays before
}

// keptFacts are the facts that a play leaves behind, for the plays on the same hosts.
type keptFacts struct {
	hosts string
	dir   string // of the playbook
	facts *scope
}

func (u *evaluation) jinja() jinja.Limits {
	return jinja.Limits{Bytes: u.estate.limits.ValueBytes, Items: u.estate.limits.Instances, Depth: u.estate.limits.Nesting}
}

// problem notes what is wrong, once.
func (u *evaluation) problem(kind source.ProblemKind, at source.Range, message string) {
	p := source.Problem{Kind: kind, Range: at, Message: message}
	if !u.told[p] {
		u.told[p] = true
		u.problems = append(u.problems, p)
	}
}

// stop reports whether the evaluation is to end.
func (u *evaluation) stop() bool {
	u.steps++
	limit := u.estate.limits.Resources
	if !u.stopped && (u.ctx.Err() != nil || len(u.resources) >= limit || u.steps >= 4*limit) {
		u.stopped = true
		if u.ctx.Err() == nil {
			u.problem(source.Limit, source.Range{File: u.name.Dir}, "the playbook has more tasks than are evaluated")
		}
	}
	return u.stopped
}

// surroundings notes where inventories and settings are looked for: one that is put there later changes what the unit is.
func (u *evaluation) surroundings() {
	for dir := path.Dir(u.name.Dir); ; dir = path.Dir(dir) {
		u.dirs[dir] = true
		u.files[path.Join(dir, "ansible.cfg")] = true
		if dir == "." {
			break
		}
	}
	for _, name := range u.estate.inventory {
		u.dirs[path.Dir(name)] = true
	}
}

// unit makes the result.
func (u *evaluation) unit() *dialect.Unit {
	u.surroundings()
	u.estate.table().Link(u.resources)
	return &dialect.Unit{Name: u.name, Graph: resource.NewGraph(u.resources, u.missing), Problems: u.problems,
		Reads: dialect.Reads{Files: sortedKeys(u.files), Dirs: sortedKeys(u.dirs)}, Explainer: &explainer{unit: u}}
}

// run evaluates a unit.
func (u *evaluation) run(of unit) {
	for _, p := range u.estate.inventory {
		u.files[p] = true
	}
	f := u.load(of.file)
	if f == nil {
		return
	}
	switch f.kind {
	case playbook:
		u.playbook(f, nil)
	case variables:
		u.variablesFile(f)
	case settings:
		u.config(f)
	case requirements:
		u.requirements(f)
	case inventoryINI, inventoryYAML:
		u.inventoryFile(f)
	default:
		u.loose(f)
	}
}

// findUnits finds the playbooks, and the files that no playbook leads to.
func (e *estate) findUnits() []unit {
	used := map[string]bool{}
	imported := map[string]bool{}
	var todo []string
	use := func(p string) {
		if !used[p] {
			used[p] = true
			todo = append(todo, p)
		}
	}
	// What playbooks import is evaluated with them, unless they import each other in a circle.
	for _, p := range e.paths {
		if f := e.files[p]; f != nil && f.kind == playbook && f.doc != nil {
			for _, to := range e.imports(f) {
				if to != p {
					imported[to] = true
				}
			}
		}
	}
	for _, p := range e.paths {
		if f := e.files[p]; f != nil && f.kind == playbook {
			use(p)
		}
	}
	drain := func() {
		for len(todo) > 0 {
			p := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for _, to := range e.leadsTo(p) {
				use(to)
			}
		}
	}
	drain()
	var out []unit
	reached := map[string]bool{}
	var reach func(p string)
	reach = func(p string) {
		if reached[p] {
			return
		}
		reached[p] = true
		if f := e.files[p]; f != nil && f.doc != nil {
			for _, to := range e.imports(f) {
				reach(to)
			}
		}
	}
	for _, again := range []bool{false, true} { // playbooks that nobody imports first, then one of each circle
		for _, p := range e.paths {
			if f := e.files[p]; f != nil && f.kind == playbook && (again || !imported[p]) && !reached[p] {
				out = append(out, unit{p, p})
				reach(p)
			}
		}
	}
	// Roles that nobody uses, then files of tasks that nobody includes: the main file of a role leads to others.
	for _, pass := range []func(*file) bool{
		func(f *file) bool { return f.kind == tasks && isRoleMain(f.path) },
		func(f *file) bool { return f.kind == tasks },
	} {
		for _, p := range e.paths {
			f := e.files[p]
			if f == nil || used[p] || !pass(f) {
				continue
			}
			name := p
			if isRoleMain(p) && path.Base(path.Dir(p)) == "tasks" {
				name = path.Dir(path.Dir(p))
			}
			out = append(out, unit{name, p})
			use(p)
			drain()
		}
	}
	for _, p := range e.paths {
		if f := e.files[p]; f != nil {
			switch f.kind {
			case variables, settings, requirements, inventoryINI, inventoryYAML:
				out = append(out, unit{p, p})
			}
		}
	}
	slices.SortFunc(out, func(a, b unit) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(out, func(a, b unit) bool { return a.name == b.name })
}

// isRoleMain reports whether a file is what a role begins with.
func isRoleMain(p string) bool {
	dir := path.Base(path.Dir(p))
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(p), ".yml"), ".yaml")
	return base == "main" && (dir == "tasks" || dir == "handlers")
}

// imports lists the playbooks that one imports, as far as they are named.
func (e *estate) imports(f *file) []string {
	var out []string
	for _, root := range f.doc.Roots {
		for _, play := range root.Items {
			if name := importedPlaybook(play); name != nil && !jinja.Templated(name.Text) {
				out = append(out, path.Join(path.Dir(f.path), name.Text))
			}
		}
	}
	return out
}

// importedPlaybook returns the name of the playbook that an entry imports, nil when it is a play.
func importedPlaybook(play *document.Node) *document.Node {
	for _, word := range []string{"import_playbook", "ansible.builtin.import_playbook"} {
		if n := play.Get(word); n != nil {
			if n.Kind == document.Mapping {
				n = n.Get("file")
			}
			return n
		}
	}
	return nil
}

// leadsTo lists the files that tasks in a file include, and the roles that they use, whatever the conditions. Where the name has
// unknown parts, it is every file that fits.
func (e *estate) leadsTo(p string) []string {
	f := e.file(p)
	if f == nil || f.doc == nil {
		return nil
	}
	var out []string
	dir := path.Dir(p)
	role := roleOf(p)
	if role != "" && isRoleMain(p) {
		for _, dep := range e.dependsOn(role, dir) {
			out = append(out, e.inRole(dep, "tasks", "main")...)
			out = append(out, e.inRole(dep, "handlers", "main")...)
		}
		out = append(out, e.inRole(role, "handlers", "main")...)
	}
	addRole := func(name string, from string) {
		if d := e.roleDir(name, dir, role, nil); d != "" {
			if from == "" {
				from = "main"
			}
			out = append(out, e.inRole(d, "tasks", from)...)
			out = append(out, e.inRole(d, "handlers", "main")...)
		}
	}
	var walk func(n *document.Node, depth int)
	walk = func(n *document.Node, depth int) {
		if depth > 40 {
			return
		}
		for _, item := range n.Items {
			walk(item, depth+1)
		}
		for i := range n.Members {
			m := &n.Members[i]
			switch word := strings.TrimPrefix(strings.TrimPrefix(m.Key.Text, "ansible.builtin."), "ansible.legacy."); word {
			case "include_tasks", "import_tasks", "include":
				name := m.Value
				if name.Kind == document.Mapping {
					name = name.Get("file")
				}
				if name != nil {
					out = append(out, e.fitting(wildcard(stripArguments(name.Text)), dir, role)...)
				}
			case "include_role", "import_role":
				name, from := m.Value.Get("name"), m.Value.Get("tasks_from")
				if m.Value.Kind == document.Scalar {
					args, _ := shortForm(m.Value.Text)
					for _, a := range args {
						if a.name == "name" {
							addRole(a.text, "")
						}
					}
				} else if name != nil {
					t := ""
					if from != nil {
						t = from.Text
					}
					addRole(name.Text, t)
					addRole(name.Text, "")
				}
			case "roles":
				for _, item := range m.Value.Items {
					if n := roleName(item); n != nil {
						addRole(n.Text, "")
					}
				}
			case "block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers":
				walk(m.Value, depth+1)
			}
		}
	}
	for _, root := range f.doc.Roots {
		walk(root, 0)
	}
	return out
}

// dependsOn lists the folders of the roles in the tree that a role depends on.
func (e *estate) dependsOn(role, dir string) []string {
	var out []string
	for _, m := range e.inRole(role, "meta", "main") {
		f := e.file(m)
		if f == nil || f.doc == nil {
			continue
		}
		for _, root := range f.doc.Roots {
			deps := root.Get("dependencies")
			if deps == nil {
				continue
			}
			for _, dep := range deps.Items {
				if n := roleName(dep); n != nil {
					if to := e.roleDir(n.Text, dir, role, nil); to != "" && to != role {
						out = append(out, to)
					}
				}
			}
		}
	}
	return out
}

// stripArguments takes name=value off the text of an include.
func stripArguments(s string) string {
	_, rest := argumentsOf("ansible.builtin.include_tasks", s, 0)
	return rest
}

// wildcard turns what is not known of a name into *.
func wildcard(s string) string {
	t := jinja.Parse(s)
	var b strings.Builder
	for _, p := range t.Parts {
		if p.Expr != nil || p.Dark {
			b.WriteByte('*')
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}
