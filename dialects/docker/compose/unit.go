package compose

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
)

// unit is a project: the files that Compose merges, in the folder that paths are relative to.
type unit struct {
	name   dialect.UnitName
	dir    string
	files  []string // the weakest first
	inputs []string // files of variables in the place of .env
	load   func() *project
}

// setUnits finds the projects. In a folder, compose.yaml and compose.override.yaml are one; compose.prod.yaml is a variant of it,
// unless it can stand alone. A file that another one includes or extends is judged with that one.
func (e *estate) setUnits() {
	e.units = nil
	folders := make(map[string][]string)
	for p := range e.claimed {
		if !isEnvFile(p) {
			folders[path.Dir(p)] = append(folders[path.Dir(p)], p)
		}
	}
	for dir, files := range folders {
		slices.Sort(files)
		e.folder(dir, files)
	}
	e.dropCalled()
	byName := func(a, b *unit) int {
		return cmp.Or(strings.Compare(a.name.Dir, b.name.Dir), strings.Compare(a.name.Variant, b.name.Variant), slices.Compare(a.files, b.files))
	}
	e.units = e.withInputs(e.units)
	slices.SortFunc(e.units, byName)
	e.units = slices.CompactFunc(e.units, func(a, b *unit) bool { return a.name == b.name })
	for _, u := range e.units {
		u.load = sync.OnceValue(func() *project { return e.load(context.Background(), u) })
	}
}

// folder finds the projects of one folder.
func (e *estate) folder(dir string, files []string) {
	add := func(name dialect.UnitName, files ...string) {
		e.units = append(e.units, &unit{name: name, dir: dir, files: files})
	}
	first := func(names []string) string {
		for _, name := range names {
			if p := path.Join(dir, name); slices.Contains(files, p) {
				return p
			}
		}
		return ""
	}
	base, override := first(baseNames), first(overrideNames)
	if base != "" && override != "" {
		add(dialect.UnitName{Dir: dir}, base, override)
	} else if base != "" {
		add(dialect.UnitName{Dir: dir}, base)
	}
	for _, p := range files {
		switch {
		case p == base || p == override && base != "":
		case base != "" && roleOf(p) != baseFile && roleOf(p) != anyFile && e.needs(p, base):
			add(dialect.UnitName{Dir: dir, Variant: variantOf(p)}, base, p)
		default:
			add(dialect.UnitName{Dir: p}, p)
		}
	}
}

// needs reports whether a file is only whole with another one below it: it has a service that has no image of its own, names what
// only the other has, or has some of its services and not all.
func (e *estate) needs(p, base string) bool {
	upper, lower := e.open(p).read().roots, e.open(base).read().roots
	if len(upper) == 0 || len(lower) == 0 {
		return false
	}
	declared := func(roots []*document.Node, section, name string) bool {
		return slices.ContainsFunc(roots, func(n *document.Node) bool {
			return n.Get(section).Get(name) != nil || n.Get(section).Member(name) != nil
		})
	}
	services, shared := 0, 0
	for _, root := range upper {
		s := root.Get("services")
		if s == nil {
			continue
		}
		for i := range s.Members {
			name, service := s.Members[i].Key.Text, s.Members[i].Value
			services++
			if declared(lower, "services", name) {
				shared++
			}
			if service.Get("image") == nil && service.Get("build") == nil && service.Get("extends") == nil && service.Get("provider") == nil {
				return true
			}
			for section, list := range map[string]*document.Node{"networks": service.Get("networks"), "services": service.Get("depends_on")} {
				for _, used := range namesIn(list) {
					if !declared(upper, section, used) && declared(lower, section, used) {
						return true
					}
				}
			}
		}
	}
	all := 0
	for _, root := range lower {
		if s := root.Get("services"); s != nil {
			all += len(s.Members)
		}
	}
	return services == 0 || shared > 0 && shared < all
}

// namesIn returns the names in a list or mapping.
func namesIn(n *document.Node) []string {
	var out []string
	if n == nil {
		return nil
	}
	for _, item := range n.Items {
		out = append(out, item.Text)
	}
	for i := range n.Members {
		out = append(out, n.Members[i].Key.Text)
	}
	return out
}

// dropCalled takes away the units of single files that others include or extend. Of files that only call each other one stays.
func (e *estate) dropCalled() {
	calls := make(map[string][]string)
	called := make(map[string]bool)
	for p := range e.claimed {
		if isEnvFile(p) {
			continue
		}
		calls[p] = e.calls(p)
		for _, c := range calls[p] {
			called[c] = called[c] || c != p
		}
	}
	reached := make(map[string]bool)
	var reach func(p string)
	reach = func(p string) {
		if reached[p] {
			return
		}
		reached[p] = true
		for _, c := range calls[p] {
			reach(c)
		}
	}
	slices.SortFunc(e.units, func(a, b *unit) int { return strings.Compare(a.files[0], b.files[0]) })
	for _, u := range e.units {
		if len(u.files) > 1 || !called[u.files[0]] {
			for _, p := range u.files {
				reach(p)
			}
		}
	}
	e.units = slices.DeleteFunc(e.units, func(u *unit) bool {
		if len(u.files) > 1 || !called[u.files[0]] {
			return false
		}
		if reached[u.files[0]] {
			return true
		}
		reach(u.files[0])
		return false
	})
}

// calls returns the files that a file includes or extends, as far as that can be told without its variables. A project that is
// extended is still one of its own.
func (e *estate) calls(p string) []string {
	var out []string
	dir := path.Dir(p)
	for _, root := range e.open(p).read().roots {
		if include := root.Get("include"); include != nil {
			for _, item := range include.Items {
				paths := item
				if item.Kind == document.Mapping {
					paths = item.Get("path")
				}
				if paths == nil {
					continue
				}
				for _, n := range append([]*document.Node{paths}, paths.Items...) {
					if n.Kind == document.Scalar && n.Text != "" {
						out = append(out, path.Join(dir, n.Text))
						for _, name := range baseNames { // a folder
							out = append(out, path.Join(dir, n.Text, name))
						}
					}
				}
			}
		}
		if services := root.Get("services"); services != nil {
			for i := range services.Members {
				if file := services.Members[i].Value.Get("extends").Get("file"); file != nil && file.Kind == document.Scalar {
					if c := path.Join(dir, file.Text); roleOf(c) != baseFile {
						out = append(out, c)
					}
				}
			}
		}
	}
	return out
}

// withInputs makes a variant for each set of inputs that the settings name.
func (e *estate) withInputs(units []*unit) []*unit {
	if e.workspace.Inputs == nil {
		return units
	}
	var out []*unit
	for _, u := range units {
		sets := e.workspace.Inputs(u.dir).Sets
		for _, set := range sets {
			v := *u
			v.inputs = set.Files
			v.name.Variant = set.Name
			if u.name.Variant != "" {
				v.name.Variant = u.name.Variant + "-" + set.Name
			}
			out = append(out, &v)
		}
		if len(sets) == 0 {
			out = append(out, u)
		}
	}
	return out
}
