// Package ansible evaluates Ansible's playbooks and roles as far as that can be done without hosts: what the tasks would be
// called with, in which plays, under which conditions.
//
// Open recognises the files (recognise.go), parses them (file.go) and finds the units (unit.go): a playbook, a role or file of
// tasks that no playbook uses, a file of variables, an inventory, an ansible.cfg, a requirements.yml. A playbook is walked play by play (play.go), role
// by role (role.go), task by task (task.go); variables come from where Ansible looks for them (variable.go, inventory.go,
// hostvars.go), expressions are package jinja's. A task becomes an ansible_task in Ansible's own words (own.go) and, when its
// module makes something in a cloud, the resource that Terraform calls by another name, through the tables of package
// translate (cloud.go).
//
// Nothing is run: what a task returns, what is looked up and what hosts are like is unknown.
package ansible

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
)

// New returns the dialect. The schema gives attributes their types.
func New(s *schema.Set) dialect.Dialect {
	return ansible{table: sync.OnceValue(func() *translate.Table { return translate.New(s, "ansible") })}
}

type ansible struct{ table func() *translate.Table }

// Name returns "ansible".
func (ansible) Name() string { return "ansible" }

// Claims takes playbooks, roles, files of tasks and variables, inventories and Ansible's own settings.
func (ansible) Claims(path string, content func() []byte) bool {
	return recognise(path, content) != nothing
}

// estate is the opened files. What mu does not guard is not written after Open.
type estate struct {
	ansible
	workspace        *dialect.Workspace
	limits           dialect.Limits
	files            map[string]*file // that were claimed
	paths            []string         // their names, sorted
	inventories      []*inventory
	inventory        []string            // files that they were read from
	rolePaths        []string            // folders of roles that ansible.cfg names
	namedInventories map[string][]string // folders of the inventories that an ansible.cfg names, by its folder
	units            []unit
	outside          []*definition // --var and --var-file
	templates        *sync.Map     // text to *jinja.Template
	conditions       *sync.Map     // text to *jinja.Expr
	roles            *sync.Map     // folder to whether it holds a role

	mu     sync.Mutex
	loaded map[string]*file // read later; nil for one that is not there
}

// Open reads the files and finds the units.
func (a ansible) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &estate{ansible: a, workspace: w, limits: w.Limits.Defaults(), files: map[string]*file{}, loaded: map[string]*file{},
		templates: new(sync.Map), conditions: new(sync.Map), roles: new(sync.Map)}
	e.paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	files := make([]*file, len(e.paths))
	var wait sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), len(e.paths)) {
		wait.Go(func() {
			for i := range next {
				files[i] = e.read(e.paths[i])
			}
		})
	}
	for i := range e.paths {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wait.Wait()
	for _, f := range files {
		if f != nil {
			e.files[f.path] = f
		}
	}
	e.setUp()
	var problems []source.Problem
	for _, f := range files {
		if f != nil {
			problems = append(problems, f.problems...)
		}
	}
	return e, problems
}

// setUp makes of the files what units need of all of them.
func (e *estate) setUp() {
	e.outside = e.fromOutside()
	e.readInventories()
	e.readSettings()
	e.units = e.findUnits()
}

// Units lists the units by the file that they begin with.
func (e *estate) Units() []dialect.UnitName {
	out := make([]dialect.UnitName, len(e.units))
	for i, u := range e.units {
		out[i] = dialect.UnitName{Dir: u.name}
	}
	return out
}

// Members lists the inventories and the folders of roles, which every unit has: settings anywhere may name them.
func (e *estate) Members(dialect.UnitName) []string { return slices.Concat(e.inventory, e.rolePaths) }

// Inputs lists the names of variables, when somebody gave any.
func (e *estate) Inputs() []string {
	if len(e.workspace.Vars) == 0 {
		return nil
	}
	names := map[string]bool{}
	for _, f := range e.files {
		f.names(names)
	}
	return sortedKeys(names)
}

// Comments returns the comments of a file.
func (e *estate) Comments(path string) []dialect.Comment {
	f := e.file(path)
	switch {
	case f == nil:
		return nil
	case f.doc != nil:
		return f.doc.Comments
	case f.kind == settings || f.kind == inventoryINI:
		return iniComments(f.source)
	}
	return nil
}

// With returns the estate with other content in some files.
func (e *estate) With(_ context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := &estate{ansible: e.ansible, workspace: e.workspace.With(changed), limits: e.limits, files: make(map[string]*file, len(e.files)), paths: e.paths,
		templates: e.templates, conditions: e.conditions, roles: e.roles, loaded: map[string]*file{}}
	for p, f := range e.files {
		n.files[p] = f
	}
	e.mu.Lock()
	for p, f := range e.loaded {
		if !slices.ContainsFunc(changed, func(f *source.File) bool { return f.Path == p }) {
			n.loaded[p] = f
		}
	}
	e.mu.Unlock()
	var problems []source.Problem
	for _, f := range changed {
		was := n.files[f.Path]
		if was == nil {
			continue
		}
		now := e.parse(f.Path, was.kind, f)
		n.files[f.Path] = now
		problems = append(problems, now.problems...)
	}
	// Files that others are found by may have changed: the little that is kept of them is made again.
	n.setUp()
	return n, problems
}

// template returns a parsed template. Texts come again and again: in loops, roles and plays.
func (e *estate) template(s string) *jinja.Template {
	if t, ok := e.templates.Load(s); ok {
		return t.(*jinja.Template)
	}
	t, _ := e.templates.LoadOrStore(s, jinja.Parse(s))
	return t.(*jinja.Template)
}

// expression returns a parsed condition, nil when it is none.
func (e *estate) expression(s string) *jinja.Expr {
	if x, ok := e.conditions.Load(s); ok {
		return x.(*jinja.Expr)
	}
	parsed, err := jinja.ParseExpression(s)
	if err != nil {
		parsed = nil
	}
	x, _ := e.conditions.LoadOrStore(s, parsed)
	return x.(*jinja.Expr)
}

// Evaluate evaluates one unit. A name that Units does not list gives an empty unit with a problem.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	u := &evaluation{estate: e, ctx: ctx, name: name, files: map[string]bool{}, dirs: map[string]bool{}, addresses: map[string]int{},
		told: map[source.Problem]bool{}}
	i := slices.IndexFunc(e.units, func(u unit) bool { return u.name == name.Dir })
	if i < 0 || name.Variant != "" {
		u.problem(source.Bug, source.Range{File: name.Dir}, fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant))
		return u.unit()
	}
	u.run(e.units[i])
	return u.unit()
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, strings.Compare)
	return out
}
