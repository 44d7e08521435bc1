package terragrunt

import (
	"context"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// unit is a folder in which Terragrunt runs a module.
type unit struct {
	dir    string    // of one that a stack generates, as it will be
	file   string    // its config in the tree
	stack  *stackRef // where the stack generates it; nil for one that is written
	module string    // directory of the module that it runs, when that is in the tree
}

// run is the evaluation of a unit.
type run struct {
	*terraform.Run
	estate   *estate
	unit     unit
	parent   *run               // that asks for the outputs of this one; nil
	main     *config            // once it was read
	read     map[string]*config // by read_terragrunt_config
	reading  map[string]bool
	met      map[string]bool    // files that were included or read
	others   map[string]*run    // units whose outputs were asked for; of the topmost run
	stacks   map[string]*config // files of stacks, by directory
	opened   bool
	complete bool // the module is at hand
}

func (e *estate) start(ctx context.Context, u unit) *run {
	return e.running(e.host.Start(ctx, u.file, anchor), u)
}

func (e *estate) running(t *terraform.Run, u unit) *run {
	return &run{Run: t, estate: e, unit: u, read: map[string]*config{}, reading: map[string]bool{}, met: map[string]bool{},
		others: map[string]*run{}, stacks: map[string]*config{}}
}

// nested starts the evaluation of a unit whose outputs r asks for.
func (e *estate) nested(r *run, u unit) *run {
	n := e.running(r.Nested(u.file), u)
	n.parent = r
	return n
}

// unitIn returns the unit of a directory.
func (e *estate) unitIn(dir string) (unit, bool) {
	i, ok := e.unitAt[dir]
	if !ok {
		return unit{}, false
	}
	return e.units[i], true
}

// resolve returns the file of the tree that a text names for a config in dir.
func (r *run) resolve(dir, p string) (string, bool) {
	at, ok := place(dir, p)
	return r.estate.real(at), ok
}

// config reads the unit's own config; nil when it cannot be read.
func (r *run) config() *config {
	if r.main == nil {
		r.main = r.newConfig(r.unit.file, r.unit.dir, nil)
		if r.main != nil {
			r.main.values = r.values
		}
	}
	return r.main
}

// values returns what the stack gives to the unit, or the file beside it.
func (r *run) values() given {
	if ref := r.unit.stack; ref != nil {
		if given := r.given(ref); given.expr != nil {
			return given
		}
	}
	file := path.Join(path.Dir(r.unit.file), valuesFile)
	if !r.exists(file) {
		return given{}
	}
	beside := r.stacks[file]
	if beside == nil {
		if beside = r.newConfig(file, r.unit.dir, nil); beside == nil {
			return given{}
		}
		r.stacks[file] = beside
	}
	return given{expr: fileObject(beside.body, file), owner: beside}
}

// fileObject makes the object that the attributes of a file are.
func fileObject(b *hclsyntax.Body, file string) hclsyntax.Expression {
	out := &hclsyntax.ObjectConsExpr{SrcRange: hcl.Range{Filename: file}}
	for _, name := range sortedNames(b.Attributes) {
		a := b.Attributes[name]
		key := &hclsyntax.ObjectConsKeyExpr{Wrapped: &hclsyntax.ScopeTraversalExpr{
			Traversal: hcl.Traversal{hcl.TraverseRoot{Name: name, SrcRange: a.NameRange}}, SrcRange: a.NameRange}}
		out.Items = append(out.Items, hclsyntax.ObjectConsItem{KeyExpr: key, ValueExpr: a.Expr})
	}
	return out
}

// sourceOf returns where the unit's module comes from, and the terraform block that says so; the block alone when it does
// not say it.
func (c *config) sourceOf() (owner *config, b *hclsyntax.Block) {
	var plain *config
	for _, l := range c.chain() {
		if b := l.block("terraform", ""); b != nil {
			if b.Body.Attributes["source"] != nil {
				return l.config, b
			}
			if plain == nil {
				plain = l.config
			}
		}
	}
	if plain != nil {
		return plain, plain.block("terraform", "")
	}
	return c, nil
}

// found is where the module of a unit is.
type found struct {
	dir   string // in the tree or among what was fetched; "" when it is not at hand
	own   bool   // it is the unit's own folder
	block *hclsyntax.Block
}

// find finds the module of the unit. Fetch says whether one that is not in the tree may be fetched; what is wrong is only
// told then.
func (r *run) find(c *config, fetch bool) found {
	owner, b := c.sourceOf()
	own := r.estate.real(r.unit.dir)
	if b == nil || b.Body.Attributes["source"] == nil {
		return found{dir: own, own: true, block: b}
	}
	a := b.Body.Attributes["source"]
	where := terraform.Place(a.SrcRange)
	text, ok := owner.text(b, "source")
	if !ok {
		if v, _ := r.Value(a.Expr, owner.ctx).UnmarkDeep(); v.IsKnown() && v.IsNull() {
			return found{dir: own, own: true, block: b}
		}
		if fetch {
			r.Problem(source.Unresolved, where, "the source of the unit's module is not known; what it declares was not scanned")
		}
		return found{block: b}
	}
	if text == "" {
		return found{dir: own, own: true, block: b}
	}
	dir, problem := r.module(text, fetch)
	switch {
	case problem != nil:
		if problem.Range.IsZero() {
			problem.Range = where
		}
		if fetch {
			r.Problem(problem.Kind, problem.Range, problem.Message)
		}
		return found{block: b}
	case dir != "" && fetch && !r.Host.HasModule(dir):
		r.Problem(source.Unresolved, where, "there is no configuration in "+dir+"; what it declares was not scanned")
		return found{block: b}
	}
	return found{dir: dir, block: b}
}

// module returns the directory of the module that a source names; "" for one that is not in the tree and that nobody may
// fetch.
func (r *run) module(text string, fetch bool) (string, *source.Problem) {
	if at, local := r.localSource(text); local {
		dir, ok := place(r.unit.dir, at)
		if !ok {
			return "", &source.Problem{Kind: source.Unresolved, Message: "the source " + text + " leaves the tree that is scanned"}
		}
		return r.estate.real(dir), nil
	}
	if !fetch {
		return "", nil
	}
	dir, problem := r.Fetch(moduleSource(text, r.unit.dir))
	if problem != nil {
		told := *problem
		return "", &told
	}
	if dir == "" {
		return "", &source.Problem{Kind: source.Unresolved, Message: "the source " + text + " is not in the tree; what it declares was not scanned: --modules fetch downloads it"}
	}
	return dir, nil
}

// localSource returns the path that a source is, when it is one.
func (r *run) localSource(text string) (string, bool) {
	text = strings.ReplaceAll(text, `\`, "/")
	text = strings.TrimPrefix(text, "file://")
	plain, _, _ := strings.Cut(text, "?")
	if strings.HasPrefix(plain, ".") || path.IsAbs(plain) {
		return plain, true
	}
	if strings.Contains(plain, ":") {
		return "", false
	}
	first, _, _ := strings.Cut(plain, "/")
	if strings.Contains(first, ".") { // github.com/…
		return "", false
	}
	at, ok := place(r.unit.dir, plain)
	if !ok {
		return "", false
	}
	dir, there := r.Exists(r.estate.real(at))
	return plain, there && dir
}

// moduleSource writes a source as module blocks do: tfr:///terraform-aws-modules/vpc/aws//modules/x?version=5.0.0 is
// terraform-aws-modules/vpc/aws//modules/x with the version 5.0.0.
func moduleSource(text, root string) dialect.ModuleSource {
	out := dialect.ModuleSource{Source: text, Root: root}
	rest, ok := strings.CutPrefix(text, "tfr://")
	if !ok {
		return out
	}
	rest, query, _ := strings.Cut(rest, "?")
	out.Source = strings.TrimPrefix(rest, "/")
	if values, err := url.ParseQuery(query); err == nil {
		out.Version = values.Get("version")
	}
	return out
}

// open finds out what the unit runs, under what, and opens that.
func (r *run) open() {
	if r.opened {
		return
	}
	r.opened = true
	r.Contain("the unit "+r.unit.dir, hcl.Range{Filename: r.unit.file}, r.gather)
}

func (r *run) gather() {
	c := r.config()
	if c == nil {
		return
	}
	f := r.find(c, true)
	at := firstLine(c)
	if f.block != nil && f.block.TypeRange.Filename == c.file { // else the unit's own file says which unit it is
		at = terraform.Place(f.block.DefRange())
	}
	own := r.estate.real(r.unit.dir)
	if r.unit.stack != nil {
		own = path.Dir(r.unit.file)
	}
	root := terraform.Root{Dir: f.dir, Beside: own, Generated: r.files(c), Calls: []resource.Call{{Address: r.unit.dir, Range: at}}, Backend: r.backend(c)}
	root.Inputs = func(variable string) (terraform.Input, bool) {
		in, state := c.input(variable)
		if state == absent {
			return terraform.Input{}, false
		}
		return terraform.Input{Name: "inputs." + variable, Range: terraform.Place(in.at), Value: in.value, Written: in.written}, true
	}
	r.arguments(c, &root)
	r.complete = f.dir != ""
	switch {
	case f.own && !r.Host.HasModule(own):
		writes := slices.ContainsFunc(root.Generated, func(g terraform.Generated) bool { return strings.HasSuffix(g.Name, ".tf") })
		if r.complete = writes; !writes && !r.broken(c) {
			r.Problem(source.Unresolved, at, "the unit has no source, and there is no configuration of Terraform beside it")
		}
	case !r.complete:
		r.Missing(resource.Missing{Address: "terraform.source in " + r.unit.dir})
	}
	r.Open(root)
}

// broken reports whether a file of the chain has mistakes, so that what it seems not to say it may say.
func (r *run) broken(c *config) bool {
	return slices.ContainsFunc(c.chain(), func(l link) bool {
		_, problems := r.Host.Text(l.file)
		return len(problems) > 0
	})
}

// firstLine is where a config begins.
func firstLine(c *config) source.Range {
	r := source.Range{File: c.file}
	if len(c.body.Blocks) > 0 {
		r = terraform.Place(c.body.Blocks[0].DefRange())
	}
	for _, a := range c.body.Attributes {
		if at := terraform.Place(a.NameRange); r.End == 0 || at.Start < r.Start {
			r = at
		}
	}
	return r
}

// arguments reads the extra arguments of the commands that judge: files of variables, variables and the environment.
func (r *run) arguments(c *config, root *terraform.Root) {
	root.Arguments = map[string]string{}
	seen := map[string]bool{}
	var all []func()
	for _, l := range c.chain() {
		t := l.block("terraform", "")
		if t == nil {
			continue
		}
		var own []func()
		for _, b := range t.Body.Blocks {
			if b.Type != "extra_arguments" || seen[label(b)] {
				continue
			}
			seen[label(b)] = true
			commands := l.texts(b, "commands")
			if !slices.Contains(commands, "plan") && !slices.Contains(commands, "apply") {
				continue
			}
			own = append(own, func() { r.argument(l.config, b, root) })
		}
		all = append(own, all...) // what is included comes first, so that the child's counts
	}
	for _, read := range all {
		read()
	}
}

func (r *run) argument(c *config, b *hclsyntax.Block, root *terraform.Root) {
	file := func(text string, required bool) {
		at, ok := place(r.unit.dir, text)
		name := r.estate.real(at)
		if ok && r.exists(name) {
			root.VarFiles = append(root.VarFiles, name)
			return
		}
		if required {
			r.Problem(source.Unresolved, terraform.Place(b.DefRange()), "the file of variables "+text+" is not in the tree")
		}
	}
	for _, text := range c.texts(b, "required_var_files") {
		file(text, true)
	}
	for _, text := range c.texts(b, "optional_var_files") {
		file(text, false)
	}
	args := c.texts(b, "arguments")
	for i := 0; i < len(args); i++ {
		flag := "-" + strings.TrimLeft(args[i], "-")
		rest := ""
		switch {
		case flag == "-var" || flag == "-var-file":
			if i+1 == len(args) {
				continue
			}
			i++
			rest = args[i]
		case strings.HasPrefix(flag, "-var="):
			flag, rest = "-var", strings.TrimPrefix(flag, "-var=")
		case strings.HasPrefix(flag, "-var-file="):
			flag, rest = "-var-file", strings.TrimPrefix(flag, "-var-file=")
		default:
			continue
		}
		if flag == "-var-file" {
			file(rest, true)
		} else if name, text, ok := strings.Cut(rest, "="); ok {
			root.Arguments[name] = text
		}
	}
	if a := b.Body.Attributes["env_vars"]; a != nil {
		v, _ := r.Value(a.Expr, c.ctx).UnmarkDeep()
		if !isMap(v) {
			return
		}
		for it := v.ElementIterator(); it.Next(); {
			k, v := it.Element()
			name, ok := strings.CutPrefix(k.AsString(), "TF_VAR_")
			if _, again := root.Arguments[name]; ok && !again && v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
				root.Arguments[name] = v.AsString()
			}
		}
	}
}
