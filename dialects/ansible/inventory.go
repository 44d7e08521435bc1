package ansible

import (
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// inventory is the hosts and groups of one inventory: a file, or the files of a directory.
type inventory struct {
	dir    string // where its group_vars and host_vars are
	hosts  map[string]*host
	groups map[string]*group
	of     map[string][]string // groups of each host, made once all is read
}

type host struct {
	name  string
	at    source.Range
	file  string
	vars  []*definition
	order int
}

type group struct {
	name     string
	hosts    map[string]bool
	children map[string]bool
	vars     []*definition
	at       source.Range
}

func newInventory(dir string) *inventory {
	return &inventory{dir: dir, hosts: map[string]*host{}, groups: map[string]*group{}}
}

func (in *inventory) group(name string) *group {
	g := in.groups[name]
	if g == nil {
		g = &group{name: name, hosts: map[string]bool{}, children: map[string]bool{}}
		in.groups[name] = g
	}
	return g
}

func (in *inventory) host(name string, at source.Range) *host {
	h := in.hosts[name]
	if h == nil {
		h = &host{name: name, at: at, file: at.File, order: len(in.hosts)}
		in.hosts[name] = h
	}
	return h
}

// maxSpan bounds how many hosts a range like web[1:50] is spelled out into.
const maxSpan = 200

// span spells out the ranges of a host's name.
func span(name string) []string {
	open := strings.IndexByte(name, '[')
	end := strings.IndexByte(name, ']')
	if open < 0 || end < open {
		return []string{name}
	}
	from, to, ok := strings.Cut(name[open+1:end], ":")
	if !ok || len(from) == 0 || len(to) == 0 || len(from) > 4 || len(to) > 4 {
		return []string{name}
	}
	to, _, _ = strings.Cut(to, ":")
	var out []string
	add := func(s string) { out = append(out, name[:open]+s+name[end+1:]) }
	if isLetter(from) && isLetter(to) {
		for c := from[0]; c <= to[0] && len(out) < maxSpan; c++ {
			add(string(c))
		}
	} else {
		a, b := digits(from), digits(to)
		for n := a; a >= 0 && n <= b && len(out) < maxSpan; n++ {
			s := decimal(n)
			for strings.HasPrefix(from, "0") && len(s) < len(from) {
				s = "0" + s
			}
			add(s)
		}
	}
	if len(out) == 0 {
		return []string{name}
	}
	return out
}

func isLetter(s string) bool {
	return len(s) == 1 && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
}

func digits(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}

// readINI reads an inventory in the form of an INI file.
func (in *inventory) readINI(f *source.File) {
	section, of := "ungrouped", "hosts"
	for n := 1; n <= f.Lines(); n++ {
		at := f.Line(n)
		line := strings.TrimSpace(f.Text(at))
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			if end := strings.IndexByte(line, ']'); end > 0 {
				var ok bool
				if section, of, ok = strings.Cut(line[1:end], ":"); !ok {
					of = "hosts"
				}
				g := in.group(section)
				if g.at.IsZero() {
					g.at = at
				}
			}
			continue
		}
		switch of {
		case "children":
			name, _, _ := strings.Cut(line, " ")
			in.group(section).children[name] = true
			in.group(name)
		case "vars":
			if name, text, ok := strings.Cut(line, "="); ok {
				in.group(section).vars = append(in.group(section).vars, literal(strings.TrimSpace(name), strings.TrimSpace(text), fromInventoryGroup, at))
			}
		default:
			if cut := strings.Index(line, " #"); cut >= 0 {
				line = line[:cut]
			}
			args, rest := shortForm(line)
			name, _, _ := strings.Cut(rest, " ")
			for _, name := range span(name) {
				if name == "" {
					continue
				}
				h := in.host(name, at)
				in.group(section).hosts[name] = true
				for _, a := range args {
					h.vars = append(h.vars, literal(a.name, a.text, fromInventoryHost, at))
				}
			}
		}
	}
}

// literal is a definition in the text of an inventory.
func literal(name, text string, at level, where source.Range) *definition {
	r := jinja.Text(unquote(text))
	if jinja.Templated(text) {
		r = jinja.Unknown()
	}
	switch text { // Ansible reads them as Python
	case "True", "False", "true", "false":
		r.Value.Kind, r.Value.Bool, r.Value.Text = value.Bool, strings.EqualFold(text, "true"), ""
	}
	r.Value.Range = where
	return &definition{name: name, level: at, label: where.File, result: &r, entry: where}
}

// readYAML reads an inventory in the form of YAML: groups with hosts, children and vars.
func (in *inventory) readYAML(n *document.Node, depth int) {
	if n == nil || n.Kind != document.Mapping || depth > 20 {
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		g := in.group(m.Key.Text)
		if g.at.IsZero() {
			g.at = m.Key.Range
		}
		if hosts := m.Value.Get("hosts"); hosts != nil {
			for j := range hosts.Members {
				h := &hosts.Members[j]
				for _, name := range span(h.Key.Text) {
					g.hosts[name] = true
					known := in.host(name, h.Range)
					known.vars = append(known.vars, written(h.Value, fromInventoryHost, h.Range.File)...)
				}
			}
		}
		g.vars = append(g.vars, written(m.Value.Get("vars"), fromInventoryGroup, m.Range.File)...)
		if children := m.Value.Get("children"); children != nil {
			for j := range children.Members {
				g.children[children.Members[j].Key.Text] = true
			}
			in.readYAML(children, depth+1)
		}
	}
}

// written lists the definitions in a mapping.
func written(n *document.Node, at level, label string) []*definition {
	if n == nil || n.Kind != document.Mapping {
		return nil
	}
	var out []*definition
	for i := range n.Members {
		m := &n.Members[i]
		out = append(out, &definition{name: m.Key.Text, level: at, label: label, node: m.Value, owner: n, entry: m.Range})
	}
	return out
}

// finish notes the groups of each host with their parents, those that are nearer to all first.
func (in *inventory) finish() {
	parents := map[string][]string{}
	for _, name := range sortedKeys(in.groups) {
		for c := range in.groups[name].children {
			parents[c] = append(parents[c], name)
		}
	}
	depth := map[string]int{"all": 0}
	var down func(name string, seen map[string]bool) int
	down = func(name string, seen map[string]bool) int {
		if d, ok := depth[name]; ok || seen[name] {
			return d
		}
		seen[name] = true
		d := 1
		for _, p := range parents[name] {
			d = max(d, down(p, seen)+1)
		}
		delete(seen, name)
		depth[name] = d
		return d
	}
	direct := map[string][]string{}
	for _, name := range sortedKeys(in.groups) {
		down(name, map[string]bool{})
		for h := range in.groups[name].hosts {
			direct[h] = append(direct[h], name)
		}
	}
	in.of = make(map[string][]string, len(in.hosts))
	for h := range in.hosts {
		all := map[string]bool{"all": true}
		for todo := slices.Clone(direct[h]); len(todo) > 0; {
			g := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if !all[g] {
				all[g] = true
				todo = append(todo, parents[g]...)
			}
		}
		list := sortedKeys(all)
		slices.SortStableFunc(list, func(a, b string) int { return depth[a] - depth[b] })
		in.of[h] = list
	}
}

// groupsOf lists the groups of a host. Of a host that the inventory lacks it is all.
func (in *inventory) groupsOf(name string) []string {
	if groups, ok := in.of[name]; ok {
		return groups
	}
	return []string{"all"}
}

// inventoriesFor lists the inventories that belong to a playbook in a folder: those in the nearest folder above it that has
// some, itself or below a folder for them, or that its ansible.cfg names.
func (e *estate) inventoriesFor(dir string) []*inventory {
	for at := dir; ; at = path.Dir(at) {
		var out []*inventory
		for _, in := range e.inventories {
			if in.dir == at || slices.Contains(e.namedInventories[at], in.dir) || underInventories(at, in.dir) {
				out = append(out, in)
			}
		}
		if len(out) > 0 || at == "." {
			return out
		}
	}
}

// underInventories reports whether a folder lies in one for inventories below another folder.
func underInventories(at, dir string) bool {
	if at != "." {
		rest, ok := strings.CutPrefix(dir, at+"/")
		if !ok {
			return false
		}
		dir = rest
	}
	first, _, _ := strings.Cut(dir, "/")
	return first == "inventory" || first == "inventories" || first == "hosts" || first == "environments"
}

// target is a host that a play runs on, in one inventory.
type target struct {
	in   *inventory
	name string
}

// targets lists the hosts that a pattern of a playbook in a folder names. known is false when the tree does not say who they are.
func (e *estate) targets(pattern, dir string) (out []target, known bool) {
	words := strings.FieldsFunc(pattern, func(r rune) bool { return r == ',' || r == ':' || r == ' ' })
	if len(words) == 0 || jinja.Templated(pattern) {
		return nil, false
	}
	local := len(words) == 1 && (words[0] == "localhost" || words[0] == "127.0.0.1")
	known = true
	for _, in := range e.inventoriesFor(dir) {
		chosen := map[string]bool{}
		for _, w := range words {
			w, remove, keep := strings.TrimLeft(w, "!&"), w[0] == '!', w[0] == '&'
			match := map[string]bool{}
			for name := range in.hosts {
				if w == "all" || w == "*" || w == name || slices.Contains(in.groupsOf(name), w) || strings.ContainsAny(w, "*?[") && globs(w, name) {
					match[name] = true
				}
			}
			for g := range in.groups {
				if strings.ContainsAny(w, "*?") && globs(w, g) {
					for name := range in.hosts {
						if slices.Contains(in.groupsOf(name), g) {
							match[name] = true
						}
					}
				}
			}
			for name := range in.hosts {
				switch {
				case remove && match[name], keep && !match[name]:
					delete(chosen, name)
				case !remove && !keep && match[name]:
					chosen[name] = true
				}
			}
		}
		for _, name := range sortedKeys(chosen) {
			out = append(out, target{in, name})
		}
	}
	if len(out) == 0 && local {
		out = append(out, target{newInventory(""), "localhost"})
	}
	return out, known && len(out) > 0
}

func globs(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
