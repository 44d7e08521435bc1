package compose

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// What a project may grow to before it is given up: nodes after everything was merged, and bytes that variables add.
const (
	maxNodes = 1_000_000
	maxBytes = 64 << 20
)

// project is what a unit's files come to.
type project struct {
	root     *node // in the long form, with everything merged
	files    []string
	missing  []resource.Missing
	problems []source.Problem
	reads    map[string]bool
}

// loader loads one project.
type loader struct {
	*estate
	ctx     context.Context
	limits  limits
	out     *project
	nodes   int
	bytes   int
	stopped bool
	settled map[extendable]map[string]*node // services with what they extend, by where they are from
	said    map[source.Problem]bool
}

// limits are those that loading asks for.
type limits struct {
	Modules    int
	ValueBytes int
}

// load loads the files of a unit.
func (e *estate) load(ctx context.Context, u *unit) *project {
	l := &loader{
		estate: e, ctx: ctx, limits: limits{e.limits.Modules, e.limits.ValueBytes}, settled: make(map[extendable]map[string]*node),
		out:  &project{files: u.files, reads: make(map[string]bool)},
		said: make(map[source.Problem]bool),
	}
	s := l.scopeOf(u)
	l.out.root = l.files(u.files, &origin{u.dir, s}, nil)
	return l.out
}

// charge pays for nodes, and reports whether there is still something left.
func (l *loader) charge(n int, at source.Range) bool {
	if l.stopped {
		return false
	}
	l.nodes += n
	if l.nodes > maxNodes || l.ctx.Err() != nil {
		l.stopped = true
		l.problem(source.Limit, at, "the project is too large: it was given up here")
		return false
	}
	return true
}

// problem tells of something once.
func (l *loader) problem(kind source.ProblemKind, at source.Range, message string) {
	p := source.Problem{Kind: kind, Range: at, Message: message}
	if !l.said[p] {
		l.said[p] = true
		l.out.problems = append(l.out.problems, p)
	}
}

// scopeOf returns the variables of a project: those of --var, and below them those of .env, or of the files that were given in
// its place.
func (l *loader) scopeOf(u *unit) *scope {
	outer := &scope{own: make(map[string]variable)}
	var files []*source.File
	for _, v := range l.workspace.Vars {
		if v.File != nil {
			files = append(files, v.File)
			continue
		}
		outer.own[v.Name] = variable{text: literal(v.Value), given: true}
	}
	s := &scope{outer: outer, own: make(map[string]variable)}
	switch {
	case len(u.inputs) > 0:
		for _, p := range u.inputs {
			l.out.reads[p] = true
			f, problem := l.workspace.Read(p)
			if problem != nil {
				l.problem(problem.Kind, problem.Range, problem.Message)
				continue
			}
			s.add(l.readEnv(f, outer, false), true)
		}
	case len(files) > 0:
		for _, f := range files {
			s.add(l.readEnv(f, outer, false), true)
		}
	default:
		l.settings(s, path.Join(u.dir, ".env"), source.Range{}, false)
	}
	return s
}

// add takes settings into a scope. Given says that they are not in the code.
func (s *scope) add(settings []setting, given bool) {
	for _, v := range settings {
		if !v.alone {
			s.own[v.name] = variable{text: v.text, at: v.at, given: given}
		}
	}
}

// settings reads a file of variables into a scope. One that is not there is a problem when it is asked for.
func (l *loader) settings(s *scope, p string, at source.Range, asked bool) {
	f := l.envFile(p)
	if f == nil {
		if asked {
			l.problem(source.Unresolved, at, "the file of variables "+p+" is not in the tree")
		}
		return
	}
	s.add(l.readEnv(f, s.outer, false), !l.claimed[p])
}

// readEnv reads a file of variables, within a budget.
func (l *loader) readEnv(f *source.File, outer *scope, raw bool) []setting {
	out, large := readEnv(f, outer, raw, l.limits.ValueBytes)
	if large {
		l.problem(source.Limit, source.Range{File: f.Path}, "the variables of this file grow too large: the later ones are not set")
	}
	return out
}

// envFile returns a file of variables, nil when it is not in the tree.
func (l *loader) envFile(p string) *source.File {
	if !fs.ValidPath(p) {
		return nil
	}
	l.out.reads[p] = true
	if info, err := fs.Stat(l.workspace.FS, p); err != nil || info.IsDir() {
		return nil
	}
	f, problem := l.workspace.Read(p)
	if problem != nil {
		if !l.claimed[p] { // Open told of it else
			l.problem(problem.Kind, problem.Range, problem.Message)
		}
		return nil
	}
	return f
}

// files merges files, the weakest first. Chain is the files whose includes led here.
func (l *loader) files(paths []string, o *origin, chain []string) *node {
	var out *node
	for _, p := range paths {
		for _, root := range l.roots(p) {
			n := l.document(root, o, append(chain[:len(chain):len(chain)], p))
			out = l.merge(out, n, nil, false)
		}
	}
	return out
}

// roots returns the mappings of a file.
func (l *loader) roots(p string) []*document.Node {
	l.out.reads[p] = true
	t := l.open(p).read()
	if !l.claimed[p] { // Open told of it else
		for _, problem := range t.problems {
			l.problem(problem.Kind, problem.Range, problem.Message)
		}
	}
	return t.roots
}

// document is what one document of a file declares, with what it includes and its services extend.
func (l *loader) document(raw *document.Node, o *origin, chain []string) *node {
	out := &node{kind: document.Mapping, at: raw.Range, raw: raw}
	if isFirstFormat(raw) {
		services := l.services(raw, o)
		services.name = "services"
		out.fields = []field{{"services", services}}
		l.extendAll(services, extendable{raw: raw, scope: o.scope}, o, chain[len(chain)-1])
		return out
	}
	var include *node
	for i := range raw.Members {
		m := &raw.Members[i]
		if m.Key.Kind != document.Scalar || !slices.Contains(topLevel, m.Key.Text) || m.Key.Text == "models" {
			continue
		}
		var n *node
		if m.Key.Text == "services" && m.Value.Kind == document.Mapping {
			n = l.services(m.Value, o)
			l.extendAll(n, extendable{raw: m.Value, scope: o.scope}, o, chain[len(chain)-1])
		} else {
			n = l.build(m.Value, o.scope)
			if slices.Contains(sections[:], m.Key.Text) {
				n = n.with(func(f field) *node { return l.beside(f.node) })
			}
		}
		n.in, n.name, n.at = raw, m.Key.Text, m.Range
		if m.Key.Text == "include" {
			include = n
		}
		if slices.Contains(sections[:], m.Key.Text) && n.kind != document.Mapping && !n.null {
			l.problem(source.Invalid, m.Range, m.Key.Text+" must be a mapping from names to what they are")
			continue
		}
		out.fields = append(out.fields, field{m.Key.Text, n})
	}
	out.fields = sortFields(out.fields)
	if include != nil {
		out = l.included(include, out, o, chain)
	}
	return out
}

// isFirstFormat reports whether a file is written in the first format of Compose files: services stand at the top.
func isFirstFormat(raw *document.Node) bool {
	found := false
	for i := range raw.Members {
		m := &raw.Members[i]
		if slices.Contains(topLevel, m.Key.Text) {
			return false
		}
		found = found || m.Value.Get("image") != nil || m.Value.Get("build") != nil
	}
	return found
}

// services are the services of a mapping in the long form.
func (l *loader) services(raw *document.Node, o *origin) *node {
	n := l.build(raw, o.scope)
	for i := range n.fields {
		n.fields[i].node = l.canonical(n.fields[i].node, o)
	}
	return n
}

// isRemote reports whether a path is one that Compose would fetch.
func isRemote(p string) bool {
	return strings.Contains(p, "://") || strings.HasPrefix(p, "git@") || strings.HasPrefix(p, "github.com/") || strings.Contains(p, ".git#") || strings.HasSuffix(p, ".git")
}

// resolve returns a path that is written in a file as a path of the tree. What cannot be read is a problem.
func (l *loader) resolve(n *node, dir, what string) (string, bool) {
	text, known := n.scalar()
	switch {
	case n == nil:
		return "", false
	case !known:
		l.problem(source.Unresolved, n.at, what+" depends on a variable that is not set")
		return "", false
	case isRemote(text):
		l.problem(source.Unresolved, n.at, what+" "+text+" is remote and is not fetched")
		return "", false
	}
	p := path.Join(dir, text)
	if path.IsAbs(text) || !fs.ValidPath(p) {
		l.problem(source.Unresolved, n.at, what+" "+text+" lies outside of what is scanned")
		return "", false
	}
	l.out.reads[p] = true
	info, err := fs.Stat(l.workspace.FS, p)
	if err == nil && info.IsDir() { // the project in it
		for _, name := range baseNames {
			if info, err := fs.Stat(l.workspace.FS, path.Join(p, name)); err == nil && !info.IsDir() {
				return path.Join(p, name), true
			}
		}
		err = fs.ErrNotExist
	}
	if err != nil {
		l.problem(source.Unresolved, n.at, what+" "+text+" is not in the tree")
		return "", false
	}
	return p, true
}

// included puts what a file includes below what it says itself.
func (l *loader) included(include, out *node, o *origin, chain []string) *node {
	if include.kind != document.Sequence {
		if !include.null {
			l.problem(source.Invalid, include.at, "include must be a list of files")
		}
		return out
	}
	for _, item := range include.items {
		inner := l.include(item, o, chain)
		if inner == nil {
			continue
		}
		merged := *out
		merged.fields = slices.Clone(out.fields)
		for _, name := range sections {
			theirs := inner.get(name)
			if theirs == nil {
				continue
			}
			i, ok := merged.find(name)
			if !ok {
				merged.fields = slices.Insert(merged.fields, i, field{name, theirs})
				continue
			}
			ours := *merged.fields[i].node
			ours.fields = slices.Clone(ours.fields)
			for _, f := range theirs.fields {
				if j, taken := ours.find(f.name); !taken {
					ours.fields = slices.Insert(ours.fields, j, f)
				} else if ours.fields[j].raw != f.raw {
					l.problem(source.Invalid, item.at, name+"."+f.name+" is declared in the included file and here")
				}
			}
			merged.fields[i].node = &ours
		}
		out = &merged
	}
	return out
}

// include loads the files of one entry of include.
func (l *loader) include(item *node, o *origin, chain []string) *node {
	entry := item.named("path")
	paths := entry.get("path")
	if paths == nil {
		l.problem(source.Invalid, item.at, "an entry of include must have a path")
		return nil
	}
	var files []string
	list := paths.listed().items
	for _, n := range list {
		p, ok := l.resolve(n, o.dir, "the included file")
		if ok && slices.Contains(chain, p) {
			l.problem(source.Invalid, n.at, "the file includes itself: "+strings.Join(chain, " includes ")+" includes "+p)
			return nil
		}
		if ok && len(chain) >= l.limits.Modules {
			l.problem(source.Limit, n.at, "files include each other too deep")
			ok = false
		}
		if !ok {
			text := n.text.begin()
			l.out.missing = append(l.out.missing, resource.Missing{Address: "include." + text})
			continue
		}
		files = append(files, p)
	}
	if len(files) == 0 || !l.charge(1, item.at) {
		return nil
	}
	dir := path.Dir(files[0])
	if p, ok := entry.get("project_directory").scalar(); ok {
		if dir = path.Join(o.dir, p); path.IsAbs(p) || !fs.ValidPath(dir) {
			l.problem(source.Unresolved, item.at, "the project directory "+p+" lies outside of what is scanned")
			dir = path.Dir(files[0])
		}
	}
	s := &scope{outer: o.scope, own: make(map[string]variable)}
	if env := entry.get("env_file"); env != nil && !env.null {
		for _, n := range env.listed().items {
			if text, _ := n.scalar(); text == "/dev/null" {
				continue
			}
			if p, ok := l.resolve(n, o.dir, "the file of variables"); ok {
				l.settings(s, p, n.at, true)
			}
		}
	} else {
		l.settings(s, path.Join(dir, ".env"), item.at, false)
	}
	return l.files(files, &origin{dir, s}, chain)
}

// extendable is where services are that can be extended.
type extendable struct {
	raw   *document.Node // the mapping of services
	file  string         // of services of all documents of another file
	scope *scope
}

// extender settles what the services of one place extend.
type extender struct {
	*loader
	services *node
	where    extendable
	origin   *origin
	file     string
	busy     []string // of the services that are being settled, as FILE:SERVICE
}

// extendAll puts what services extend below them.
func (l *loader) extendAll(services *node, where extendable, o *origin, file string) {
	x := &extender{loader: l, services: services, where: where, origin: o, file: file}
	out := make([]field, 0, len(services.fields))
	for _, f := range services.fields {
		out = append(out, field{f.name, x.settle(f.name, f.node)})
	}
	services.fields = out
}

// settle returns a service with what it extends.
func (x *extender) settle(name string, n *node) *node {
	from := n.get("extends")
	if from == nil || from.null || n.kind != document.Mapping {
		return n
	}
	if done := x.settled[x.where][name]; done != nil {
		return done
	}
	out := x.extended(name, n, from)
	if x.settled[x.where] == nil {
		x.settled[x.where] = make(map[string]*node)
	}
	x.settled[x.where][name] = out
	return out
}

func (x *extender) extended(name string, n, from *node) *node {
	open := func() *node { // nobody knows what else it has
		out := *n
		out.more = true
		return &out
	}
	me := x.file + ":" + name
	if slices.Contains(x.busy, me) {
		x.problem(source.Invalid, from.at, "the service extends itself: "+strings.Join(x.busy, " extends ")+" extends "+me)
		return open()
	}
	if len(x.busy) >= 4*x.limits.Modules {
		x.problem(source.Limit, from.at, "services extend each other too deep")
		return open()
	}
	entry := from.named("service")
	service, ok := entry.get("service").scalar()
	if !ok {
		x.problem(source.Invalid, from.at, "extends must name a service")
		return open()
	}
	next := *x
	next.busy = append(x.busy[:len(x.busy):len(x.busy)], me)
	if file := entry.get("file"); file != nil && !file.null {
		p, ok := x.resolve(file, x.origin.dir, "the extended file")
		if !ok {
			return open()
		}
		next.file, next.origin = p, &origin{path.Dir(p), x.origin.scope}
		next.where = extendable{file: p, scope: x.origin.scope}
		next.services = x.others(&next)
	}
	base := next.services.get(service)
	if base == nil {
		x.problem(source.Invalid, from.at, "there is no service "+service+" in "+next.file+" that could be extended")
		return open()
	}
	base = next.settle(service, base)
	if base.kind != document.Mapping {
		return open()
	}
	return x.merge(base, n, []string{"services", name}, true)
}

// others returns the services of another file, merged from all its documents.
func (l *loader) others(next *extender) *node {
	const all = "\x00services"
	if done := l.settled[next.where][all]; done != nil {
		return done
	}
	out := &node{kind: document.Mapping}
	for _, root := range l.roots(next.file) {
		raw := root.Get("services")
		if isFirstFormat(root) {
			raw = root
		}
		if raw != nil && raw.Kind == document.Mapping {
			out = l.merge(out, l.services(raw, next.origin), []string{"services"}, false)
		}
	}
	l.settled[next.where] = map[string]*node{all: out}
	return out
}
