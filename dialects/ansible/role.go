package ansible

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// roleName returns the name in an entry of roles or dependencies.
func roleName(n *document.Node) *document.Node {
	if n == nil {
		return nil
	}
	if n.Kind == document.Scalar {
		return n
	}
	for _, word := range []string{"role", "name"} {
		if r := n.Get(word); r != nil {
			return r
		}
	}
	return nil
}

// roleOf returns the folder of the role that a file of tasks belongs to by its path, "" when it is none.
func roleOf(p string) string {
	dir := path.Dir(p)
	for dir != "." {
		if base := path.Base(dir); base == "tasks" || base == "handlers" {
			return path.Dir(dir)
		}
		dir = path.Dir(dir)
	}
	return ""
}

// roleDir returns the folder of a role of that name, "" when it is not in the tree. dir is where the playbook, or the file that
// asks, stands; role is the one that asks. looked is told which folders were listed.
func (e *estate) roleDir(name, dir, role string, looked func(string)) string {
	if name == "" || jinja.Templated(name) {
		return ""
	}
	var candidates []string
	add := func(p string) {
		if fs.ValidPath(p) && !slices.Contains(candidates, p) {
			candidates = append(candidates, p)
		}
	}
	add(path.Join(dir, "roles", name))
	for _, p := range e.rolePaths {
		add(path.Join(p, name))
	}
	if role != "" {
		add(path.Join(role, "..", name))
		add(path.Join(role, "roles", name))
	}
	add(path.Join(dir, name))
	if parts := strings.Split(name, "."); len(parts) == 3 { // of a collection
		for _, base := range []string{dir, "."} {
			add(path.Join(base, "collections/ansible_collections", parts[0], parts[1], "roles", parts[2]))
		}
	}
	for _, c := range candidates {
		if looked != nil {
			looked(c)
			looked(path.Dir(c))
		}
		if e.isRole(c) {
			return c
		}
	}
	return ""
}

// isRole reports whether a folder holds a role. The answer is remembered: plays ask for the same roles again and again.
func (e *estate) isRole(dir string) bool {
	if known, ok := e.roles.Load(dir); ok {
		return known.(bool)
	}
	isDir := func(name string) bool {
		info, err := fs.Stat(e.workspace.FS, name)
		return err == nil && info.IsDir()
	}
	is := isDir(dir) && slices.ContainsFunc([]string{"tasks", "defaults", "meta", "vars", "handlers"}, func(part string) bool {
		return isDir(path.Join(dir, part))
	})
	e.roles.Store(dir, is)
	return is
}

// inRole lists the file of that name in a part of a role, or the files of the folder of that name.
func (e *estate) inRole(role, part, name string) []string {
	at := path.Join(role, part, name)
	for _, ext := range []string{"", ".yml", ".yaml", ".json"} {
		info, err := fs.Stat(e.workspace.FS, at+ext)
		if err != nil || !fs.ValidPath(at+ext) {
			continue
		}
		if !info.IsDir() {
			return []string{at + ext}
		}
		var out []string
		entries, err := fs.ReadDir(e.workspace.FS, at)
		for _, entry := range entries {
			if err == nil && !entry.IsDir() && varsExtension(entry.Name()) != "" {
				out = append(out, path.Join(at, entry.Name()))
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// fitting lists the files of tasks that a name means, which may have * for what is not known of it. A name of which hardly
// anything is known means none.
func (e *estate) fitting(pattern, dir, role string) []string {
	if pattern == "" {
		return nil
	}
	bases := []string{dir}
	if role != "" {
		bases = append(bases, path.Join(role, "tasks"), role)
	}
	for _, base := range bases {
		p := path.Join(base, pattern)
		if path.IsAbs(pattern) || !fs.ValidPath(p) {
			continue
		}
		if !strings.Contains(p, "*") {
			for _, ext := range []string{"", ".yml", ".yaml"} {
				if info, err := fs.Stat(e.workspace.FS, p+ext); err == nil && !info.IsDir() {
					return []string{p + ext}
				}
			}
			continue
		}
		name := path.Base(p)
		if strings.Contains(path.Dir(p), "*") || len(strings.TrimSuffix(strings.ReplaceAll(name, "*", ""), path.Ext(name))) < 2 {
			continue
		}
		entries, err := fs.ReadDir(e.workspace.FS, path.Dir(p))
		var out []string
		for _, entry := range entries {
			if err == nil && !entry.IsDir() && globs(name, entry.Name()) {
				out = append(out, path.Join(path.Dir(p), entry.Name()))
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// useRole is one use of a role.
type useRole struct {
	name   *document.Node
	entry  *document.Node // the whole entry: with params and keywords; nil when it is only a name
	at     source.Range
	from   string // tasks_from; empty for main
	params []*definition
	maybe  bool
	static bool // its variables are the play's, too
}

// role evaluates the tasks of a role.
func (u *evaluation) role(use useRole, in *frame) {
	if u.stop() {
		return
	}
	env := u.env(in.scope)
	name := env.text(use.name.Text)
	if name.Value.Kind != value.String || name.Value.Text == "" {
		return // whatever roles there are, those that nobody else uses are evaluated on their own
	}
	dir := u.estate.roleDir(name.Value.Text, in.dir, in.role, func(d string) { u.dirs[d] = true })
	label := "role." + shown(name.Value.Text)
	if dir == "" {
		u.absentRole(label, name.Value.Text, use.at)
		return
	}
	f := in.child()
	f.role, f.maybe = dir, in.maybe || use.maybe
	f.module = joined(in.module, label)
	f.calls = append(slices.Clone(in.calls), resource.Call{Address: joined(u.play, f.module), Range: firstLine(u.fileOf(use.at.File), use.at)})
	if !f.enter(u, dir+"\x00"+use.from, use.at, "the role "+name.Value.Text) {
		return
	}
	f.scope = in.scope.child()
	u.roleVariables(f.scope, dir)
	for _, p := range use.params {
		f.scope.define(p)
	}
	u.dependencies(dir, f)
	from := use.from
	if from == "" {
		from = "main"
	}
	for _, p := range u.estate.inRole(dir, "tasks", from) {
		if file := u.load(p); file != nil {
			u.tasksIn(file, f)
		}
	}
	u.dirs[path.Join(dir, "tasks")] = true
	if !u.handled(dir) {
		h := f.child()
		h.handler = true
		for _, p := range u.estate.inRole(dir, "handlers", "main") {
			if file := u.load(p); file != nil {
				u.tasksIn(file, h)
			}
		}
	}
}

// handled reports whether the handlers of a role were evaluated in this play, and notes that they are.
func (u *evaluation) handled(dir string) bool {
	key := "handlers of " + u.play + " " + dir
	u.addresses[key]++
	return u.addresses[key] > 1
}

// roleVariables defines the defaults and variables of a role.
func (u *evaluation) roleVariables(s *scope, dir string) {
	for _, part := range []struct {
		name string
		at   level
	}{{"defaults", fromRoleDefaults}, {"vars", fromRoleVars}} {
		u.dirs[path.Join(dir, part.name)] = true
		for _, p := range u.estate.inRole(dir, part.name, "main") {
			for _, d := range u.varsIn(p) {
				c := *d
				c.level = part.at
				s.define(&c)
			}
		}
	}
}

// dependencies evaluates the roles that a role depends on.
func (u *evaluation) dependencies(dir string, f *frame) {
	for _, p := range u.estate.inRole(dir, "meta", "main") {
		file := u.load(p)
		if file == nil || file.doc == nil {
			continue
		}
		for _, root := range file.doc.Roots {
			deps := root.Get("dependencies")
			if deps == nil {
				continue
			}
			for i, dep := range deps.Items {
				if name := roleName(dep); name != nil && (dep.Kind == document.Scalar || dep.Get("src") == nil) {
					u.role(useRole{name: name, entry: dep, at: deps.Place(i), params: roleParams(dep, file)}, f)
				}
			}
		}
	}
}

// roleParams lists what an entry of roles passes besides keywords, and under vars.
func roleParams(entry *document.Node, f *file) []*definition {
	if entry == nil || entry.Kind != document.Mapping {
		return nil
	}
	out := written(entry.Get("vars"), fromTask, f.path)
	for i := range entry.Members {
		m := &entry.Members[i]
		if name := m.Key.Text; name != "role" && name != "name" && !isKeyword(name) && isVariable(name) {
			out = append(out, &definition{name: name, level: fromRoleParams, label: f.path, node: m.Value, owner: entry, entry: m.Range})
		}
	}
	return out
}

// absentRole tells of a role that is not in the tree.
func (u *evaluation) absentRole(label, name string, at source.Range) {
	address := joined(u.play, label)
	if !slices.ContainsFunc(u.missing, func(m resource.Missing) bool { return m.Address == address }) {
		u.missing = append(u.missing, resource.Missing{Address: address})
	}
	u.problem(source.Unresolved, at, "the role "+name+" is not in the tree: what its tasks do is not judged; put it into roles/, or install it with ansible-galaxy before scanning")
}

// shown writes a name as a part of an address.
func shown(name string) string {
	for _, r := range name {
		if r != '_' && r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return quoted(name)
		}
	}
	return name
}

// joined joins parts of an address.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ".")
}
