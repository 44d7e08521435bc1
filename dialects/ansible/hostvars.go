package ansible

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
)

// hostScope is what inventories and the folders group_vars and host_vars beside them and beside the playbook define for the
// hosts of a play. Where hosts differ, a definition knows what the others have.
func (u *evaluation) hostScope(pattern, dir string) *scope {
	s := &scope{}
	targets, known := u.estate.targets(pattern, dir)
	if !known {
		u.unknownHosts(s, pattern, dir)
		return s
	}
	type held struct {
		defs  []*definition // strongest of each host that has one
		count int
	}
	byName := map[string]*held{}
	const maxTargets = 300
	if len(targets) > maxTargets {
		targets = targets[:maxTargets]
	}
	for _, t := range targets {
		for name, d := range u.ofHost(t, dir) {
			h := byName[name]
			if h == nil {
				h = &held{}
				byName[name] = h
			}
			h.count++
			if !slices.ContainsFunc(h.defs, func(o *definition) bool { return o.node == d.node && o.result == d.result }) {
				h.defs = append(h.defs, d)
			}
		}
	}
	for name, h := range byName {
		d := *h.defs[0]
		d.name, d.others, d.partial = name, h.defs[1:], h.count < len(targets)
		s.define(&d)
	}
	return s
}

// ofHost lists the strongest definition of each name for a host.
func (u *evaluation) ofHost(t target, dir string) map[string]*definition {
	out := map[string]*definition{}
	add := func(defs []*definition, at level) {
		for _, d := range defs {
			if old := out[d.name]; old == nil || old.level <= at {
				c := *d
				c.level = at
				out[d.name] = &c
			}
		}
	}
	groups := t.in.groupsOf(t.name)
	for _, g := range groups {
		if known := t.in.groups[g]; known != nil {
			add(known.vars, fromInventoryGroup)
		}
	}
	if h := t.in.hosts[t.name]; h != nil {
		add(h.vars, fromInventoryHost)
	}
	for _, g := range groups {
		inventory, playbook := fromInventoryGroupVars, fromPlaybookGroupVars
		if g == "all" {
			inventory, playbook = fromInventoryGroupVarsAll, fromPlaybookGroupVarsAll
		}
		if t.in.dir != "" && t.in.dir != dir {
			add(u.varsFor(t.in.dir, "group_vars", g), inventory)
		}
		add(u.varsFor(dir, "group_vars", g), playbook)
	}
	if t.in.dir != "" && t.in.dir != dir {
		add(u.varsFor(t.in.dir, "host_vars", t.name), fromInventoryHostVars)
	}
	add(u.varsFor(dir, "host_vars", t.name), fromPlaybookHostVars)
	return out
}

// unknownHosts defines what holds for all hosts, what holds for the groups that the pattern names, and what may hold.
func (u *evaluation) unknownHosts(s *scope, pattern, dir string) {
	named := strings.FieldsFunc(pattern, func(r rune) bool { return r == ',' || r == ':' })
	dirs := []string{dir}
	for _, in := range u.estate.inventoriesFor(dir) {
		if !slices.Contains(dirs, in.dir) {
			dirs = append(dirs, in.dir)
		}
	}
	for _, d := range dirs {
		for _, kind := range []string{"group_vars", "host_vars"} {
			for _, name := range u.namesIn(path.Join(d, kind)) {
				at, certain := fromPlaybookGroupVars, slices.Contains(named, name)
				switch {
				case kind == "host_vars":
					at = fromPlaybookHostVars
				case name == "all":
					at, certain = fromPlaybookGroupVarsAll, true
				}
				for _, def := range u.varsFor(d, kind, name) {
					c := *def
					c.level, c.partial = at, !certain || d != dir
					s.define(&c)
				}
			}
		}
	}
}

// list lists a folder, once; one that is not there is empty.
func (u *evaluation) list(dir string) []fs.DirEntry {
	if entries, ok := u.listings[dir]; ok {
		return entries
	}
	if u.listings == nil {
		u.listings = map[string][]fs.DirEntry{}
	}
	u.dirs[dir] = true
	entries, err := fs.ReadDir(u.estate.workspace.FS, dir)
	if err != nil {
		entries = nil
	}
	u.listings[dir] = entries
	return entries
}

// namesIn lists the groups or hosts that have files in a folder of variables.
func (u *evaluation) namesIn(dir string) []string {
	names := map[string]bool{}
	for _, e := range u.list(dir) {
		name := e.Name()
		if !e.IsDir() {
			name = strings.TrimSuffix(name, varsExtension(name))
		}
		if !strings.HasPrefix(name, ".") {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func varsExtension(name string) string {
	switch ext := path.Ext(name); ext {
	case ".yml", ".yaml", ".json":
		return ext
	}
	return ""
}

// varsFor lists the definitions in the files of a group or host: NAME.yml, or all files in the folder NAME.
func (u *evaluation) varsFor(dir, kind, name string) []*definition {
	if strings.ContainsAny(name, "/\\") || name == "" || name == ".." {
		return nil
	}
	at := path.Join(dir, kind)
	if defs, ok := u.varsCache[at+"/"+name]; ok {
		return defs
	}
	var defs []*definition
	for _, e := range u.list(at) {
		if strings.TrimSuffix(e.Name(), varsExtension(e.Name())) != name || e.IsDir() && e.Name() != name {
			continue
		}
		if !e.IsDir() {
			defs = append(defs, u.varsIn(path.Join(at, e.Name()))...)
			continue
		}
		for _, f := range u.list(path.Join(at, name)) {
			if !f.IsDir() && !strings.HasPrefix(f.Name(), ".") {
				defs = append(defs, u.varsIn(path.Join(at, name, f.Name()))...)
			}
		}
	}
	if u.varsCache == nil {
		u.varsCache = map[string][]*definition{}
	}
	u.varsCache[at+"/"+name] = defs
	return defs
}

// varsIn lists the definitions in a file of variables. An encrypted file has none that can be known.
func (u *evaluation) varsIn(name string) []*definition {
	f := u.load(name)
	if f == nil || f.doc == nil {
		return nil
	}
	var out []*definition
	for _, root := range f.doc.Roots {
		if root.Kind == document.Mapping {
			out = append(out, written(root, fromRoleVars, name)...)
		}
	}
	return out
}
