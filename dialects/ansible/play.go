package ansible

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// frame is where tasks stand: what they see and inherit.
type frame struct {
	scope       *scope
	dir         string // of the playbook
	role        string // folder of the role; empty outside of roles
	module      string // part of the address: role.web.tasks.install
	calls       []resource.Call
	maybe       bool
	words       map[string]*document.Member // keywords that blocks and the play set
	defaults    []*document.Node            // module_defaults, weakest first
	collections []string
	handler     bool
	stack       []string // files and roles that led here
}

// child returns a frame that starts as a copy.
func (f *frame) child() *frame {
	c := *f
	return &c
}

// enter notes on the stack what is entered. It fails where that is entered already, or too deep.
func (f *frame) enter(u *evaluation, what string, at source.Range, name string) bool {
	if slices.Contains(f.stack, what) {
		u.problem(source.Invalid, at, name+" includes itself in a circle; take one of the includes out")
		return false
	}
	if len(f.stack) >= u.estate.limits.Modules {
		u.problem(source.Limit, at, fmt.Sprintf("includes nest deeper than %d", u.estate.limits.Modules))
		return false
	}
	if u.entered++; u.entered > u.estate.limits.Resources/50 {
		if !u.stopped {
			u.stopped = true
			u.problem(source.Limit, at, fmt.Sprintf("the playbook includes files and roles more than %d times; the rest was not evaluated", u.estate.limits.Resources/50))
		}
		return false
	}
	f.stack = append(slices.Clone(f.stack), what)
	return true
}

// inherit takes keywords of a play or block over.
func (f *frame) inherit(n *document.Node) {
	var own map[string]*document.Member
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Key.Text {
		case "no_log", "become", "become_user", "become_method", "environment", "ignore_errors", "check_mode", "delegate_to",
			"remote_user", "connection", "run_once", "any_errors_fatal", "ignore_unreachable":
			if own == nil {
				own = make(map[string]*document.Member, len(f.words)+4)
				for k, v := range f.words {
					own[k] = v
				}
			}
			own[m.Key.Text] = m
		case "module_defaults":
			f.defaults = append(slices.Clone(f.defaults), m.Value)
		case "collections":
			for _, c := range m.Value.Items {
				f.collections = append(slices.Clip(f.collections), c.Text)
			}
		}
	}
	if own != nil {
		f.words = own
	}
}

// playbook evaluates the plays of a file.
func (u *evaluation) playbook(f *file, stack []string) {
	if f.doc == nil {
		return
	}
	for _, root := range f.doc.Roots {
		if root.Kind != document.Sequence {
			continue
		}
		for i, entry := range root.Items {
			if u.stop() {
				return
			}
			if entry.Kind != document.Mapping {
				continue
			}
			at := root.Place(i)
			if name := importedPlaybook(entry); name != nil {
				u.imported(f, name, entry, at, stack)
				continue
			}
			u.onePlay(f, entry, at)
		}
	}
}

// imported evaluates the plays of another file in place of the entry that imports it.
func (u *evaluation) imported(f *file, name, entry *document.Node, at source.Range, stack []string) {
	if jinja.Templated(name.Text) || u.env(u.outer()).holds(entry.Get("when")) == 0 {
		return
	}
	p := path.Join(path.Dir(f.path), stripArguments(name.Text))
	if slices.Contains(stack, p) || p == f.path || len(stack) >= u.estate.limits.Modules {
		u.problem(source.Invalid, at, "the playbook "+name.Text+" is imported in a circle; take one of the imports out")
		return
	}
	other := u.load(p)
	if other == nil || other.doc == nil {
		if strings.Count(name.Text, ".") < 3 || strings.Contains(name.Text, "/") { // else of a collection
			u.problem(source.Unresolved, at, "the playbook "+name.Text+" is not there")
		}
		return
	}
	u.playbook(other, append(slices.Clone(stack), f.path))
}

// outer is the scope of what was given from outside.
func (u *evaluation) outer() *scope {
	s := &scope{}
	for _, d := range u.estate.outside {
		s.define(d)
	}
	return s
}

// onePlay evaluates a play.
func (u *evaluation) onePlay(f *file, play *document.Node, at source.Range) {
	hosts := hostsOf(play)
	name := "play"
	if n := play.Get("name"); n != nil && n.Text != "" {
		name = n.Text
	} else if hosts != "" {
		name = hosts
	}
	u.play = u.unique("play[" + strconv.Quote(name) + "]")
	dir := path.Dir(f.path)
	s := u.hostScope(hosts, dir)
	for _, d := range u.estate.outside {
		s.define(d)
	}
	frame := &frame{dir: dir}
	frame.inherit(play)
	s = s.child()
	s.defineAll(play.Get("vars"), fromPlay, f.path)
	if list := play.Get("vars"); list != nil && list.Kind == document.Sequence {
		for _, item := range list.Items {
			s.defineAll(item, fromPlay, f.path)
		}
	}
	u.prompts(s, play)
	u.keepFacts(hosts, dir)
	u.factsOf(hosts, dir)
	frame.scope = s
	u.varsFiles(s, play.Get("vars_files"), frame)
	u.facts.parent = s
	frame.scope = u.facts
	roles := play.Get("roles")
	if roles != nil {
		for _, item := range roles.Items { // their variables are those of the whole play
			if n := roleName(item); n != nil {
				if d := u.estate.roleDir(n.Text, dir, "", func(d string) { u.dirs[d] = true }); d != "" {
					u.roleVariables(s, d)
				}
			}
		}
	}
	u.playResource(f, play, at, frame, name)
	u.variablesIn(play.Get("vars"), frame, joined(u.play, "var"))
	u.tasksOf(f, play.Get("pre_tasks"), frame)
	if roles != nil {
		for i, item := range roles.Items {
			u.playRole(f, item, roles.Place(i), frame)
		}
	}
	u.tasksOf(f, play.Get("tasks"), frame)
	u.tasksOf(f, play.Get("post_tasks"), frame)
	handlers := frame.child()
	handlers.handler = true
	u.tasksOf(f, play.Get("handlers"), handlers)
}

// playRole evaluates an entry under roles.
func (u *evaluation) playRole(f *file, item *document.Node, at source.Range, in *frame) {
	name := roleName(item)
	if name == nil {
		return
	}
	inner := in.child()
	use := useRole{name: name, entry: item, at: at, params: roleParams(item, f), static: true}
	if item.Kind == document.Mapping {
		inner.inherit(item)
		switch u.env(in.scope).holds(item.Get("when")) {
		case 0:
			return
		case -1:
			use.maybe = true
		}
	}
	u.role(use, inner)
}

func hostsOf(play *document.Node) string {
	n := play.Get("hosts")
	if n == nil {
		return ""
	}
	if n.Kind == document.Sequence {
		var all []string
		for _, item := range n.Items {
			all = append(all, item.Text)
		}
		return strings.Join(all, ",")
	}
	return n.Text
}

// prompts defines what a play asks for.
func (u *evaluation) prompts(s *scope, play *document.Node) {
	list := play.Get("vars_prompt")
	if list == nil {
		return
	}
	for i, item := range list.Items {
		if n := item.Get("name"); n != nil {
			r := jinja.Unknown()
			r.Value.NotNull = true
			s.define(&definition{name: n.Text, level: fromPrompt, label: "vars_prompt", result: &r, entry: list.Place(i)})
		}
	}
}

// keepFacts keeps the facts of the play before.
func (u *evaluation) keepFacts(hosts, dir string) {
	if u.facts != nil && len(u.kept) > 0 {
		u.kept[len(u.kept)-1].facts = u.facts
	}
	u.kept = append(u.kept, keptFacts{hosts: hosts, dir: dir})
}

// factsOf starts the facts of a play with what the plays before it on the same hosts have left. What others have left may
// hold here, too, when nobody knows who the hosts are.
func (u *evaluation) factsOf(hosts, dir string) {
	facts := &scope{}
	mine, known := u.estate.targets(hosts, dir)
	for _, k := range u.kept[:len(u.kept)-1] {
		if k.facts == nil {
			continue
		}
		theirs, also := u.estate.targets(k.hosts, k.dir)
		same := k.hosts == hosts
		if !same && known && also && !slices.ContainsFunc(mine, func(t target) bool {
			return slices.ContainsFunc(theirs, func(o target) bool { return o.name == t.name })
		}) {
			continue
		}
		for _, name := range sortedKeys(k.facts.defs) {
			defs := k.facts.defs[name]
			d := *defs[len(defs)-1]
			d.partial = d.partial || !same
			facts.define(&d)
		}
	}
	u.facts = facts
}

// varsFiles defines what files of variables hold. An entry that is a list means the first that is there.
func (u *evaluation) varsFiles(s *scope, list *document.Node, in *frame) {
	if list == nil {
		return
	}
	items := list.Items
	if list.Kind == document.Scalar {
		items = []*document.Node{list}
	}
	for i, item := range items {
		choices := []*document.Node{item}
		if item.Kind == document.Sequence {
			choices = item.Items
		}
		for n, c := range choices {
			r := u.env(s).text(c.Text)
			if r.Value.Kind != value.String {
				continue // which file it is depends on the host
			}
			p, ok := u.findFile(r.Value.Text, "vars", in)
			if !ok {
				if n == len(choices)-1 && len(choices) == 1 {
					at := c.Range
					if list.Kind == document.Sequence && item.Kind != document.Sequence {
						at = list.Place(i)
					}
					u.problem(source.Unresolved, at, "the file of variables "+r.Value.Text+" is not there")
				}
				continue
			}
			for _, d := range u.varsIn(p) {
				v := *d
				v.level = fromVarsFiles
				s.define(&v)
			}
			if u.estate.files[p] == nil {
				u.variablesOf(p, in)
			}
			break
		}
	}
}

// findFile finds a file that a play or task names: in the role, its folder of that kind, or beside the playbook.
func (u *evaluation) findFile(name, kind string, in *frame) (string, bool) {
	var bases []string
	if in.role != "" {
		bases = append(bases, path.Join(in.role, kind), in.role, path.Join(in.role, "tasks"))
	}
	bases = append(bases, in.dir, path.Join(in.dir, kind))
	for _, base := range bases {
		p := path.Join(base, name)
		if path.IsAbs(name) || !fs.ValidPath(p) {
			continue
		}
		u.files[p] = true
		if info, err := fs.Stat(u.estate.workspace.FS, p); err == nil && info.Mode().IsRegular() {
			return p, true
		}
	}
	return "", false
}

// unique makes an address unique in the unit.
func (u *evaluation) unique(address string) string {
	u.addresses[address]++
	if n := u.addresses[address]; n > 1 {
		return address + "#" + strconv.Itoa(n)
	}
	return address
}

func quoted(s string) string { return strconv.Quote(s) }

// firstLine is the first line of what stands at a range.
func firstLine(f *source.File, at source.Range) source.Range {
	if f == nil || at.File != f.Path || at.End > len(f.Bytes) {
		return at
	}
	if i := strings.IndexByte(f.Text(at), '\n'); i >= 0 {
		at.End = at.Start + i
	}
	for at.End > at.Start && f.Bytes[at.End-1] == '\r' {
		at.End--
	}
	return at
}

// loose evaluates a role that no playbook uses, or tasks that nobody includes.
func (u *evaluation) loose(f *file) {
	if f.doc == nil || f.kind != tasks {
		return
	}
	u.play = ""
	role := roleOf(f.path)
	s := u.outer()
	u.facts = &scope{parent: s}
	in := &frame{dir: path.Dir(f.path), role: role, scope: u.facts, handler: path.Base(path.Dir(f.path)) == "handlers"}
	if role != "" {
		in.dir = role
		u.roleVariables(s, role)
	}
	in.stack = []string{f.path}
	if u.name.Dir == role && !in.handler {
		u.dependencies(role, in)
	}
	u.tasksIn(f, in)
	if u.name.Dir == role && !in.handler {
		h := in.child()
		h.handler = true
		for _, p := range u.estate.inRole(role, "handlers", "main") {
			if file := u.load(p); file != nil && p != f.path {
				u.tasksIn(file, h)
			}
		}
	}
}
