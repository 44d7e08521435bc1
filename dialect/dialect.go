// Package dialect is the contract of a language of infrastructure. A dialect turns files into resources and wishes into
// edits; it knows nothing of rules or findings.
package dialect

import (
	"context"
	"io/fs"
	"slices"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Dialect is one language. Implementations hold no state between calls and are safe for use by several goroutines.
type Dialect interface {
	// Name is the dialect's word in reports and settings: terraform.
	Name() string

	// Claims reports whether the file belongs to the dialect. It asks for the content only when the path leaves it open,
	// and decides from that in one cheap pass, without parsing. Content returns the whole file, or of a file that cannot
	// be read as text (too large, not UTF-8) its first 64 KiB, those of UTF-16 as UTF-8, or nil: Open then reports what is wrong with it.
	Claims(path string, content func() []byte) bool

	// Open reads the claimed files and finds the units among them. Files are read through the workspace. It evaluates
	// nothing yet, and may leave parsing to the units that read a file. Problems name the files that could not be read, or
	// parsed, as far as it is known yet; the rest is still opened.
	Open(ctx context.Context, w *Workspace, paths []string) (Estate, []source.Problem)
}

// Estate is the parsed documents of one dialect. It is safe for use by several goroutines.
type Estate interface {
	// Units lists what is evaluated together, sorted by Dir and Variant.
	Units() []UnitName

	// Evaluate evaluates one unit. It stops with a Limit problem when a budget is used up, and with ctx.
	Evaluate(ctx context.Context, name UnitName) *Unit

	// With returns the estate as it would be if some of its files had other content. Only they are parsed again; the rest
	// is shared. Problems are those of the changed files, and may leave out what they had before. The receiver stays as it is.
	With(ctx context.Context, changed []*source.File) (Estate, []source.Problem)

	// Comments returns the comments of a file in order, also of files that have problems.
	Comments(path string) []Comment
}

// Wrapper is a Dialect of a tool that runs another dialect's files under inputs of its own. In a tree that has files of the
// wrapper it is given the other's files too, and its estate then stands for both; the other one gets none.
type Wrapper interface {
	Wraps() string // name of the other dialect
}

// Surveyor is a Dialect some of whose files are known by what lies around them: the templates of a chart, because a Chart.yaml
// stands above. It is asked before any file is claimed, and what it takes no other dialect is asked for.
type Surveyor interface {
	// Survey returns those of all paths of the tree that are the dialect's for certain. Content is as for Claims.
	Survey(paths []string, content func(path string) []byte) []string
}

// Inputter is an Estate whose units take inputs by name.
type Inputter interface {
	Inputs() []string // every name that a unit takes, sorted
}

// Membered is an Estate in which files elsewhere in the tree decide which files a unit is made of, as a kustomization takes
// manifests out of a folder. What is remembered of a unit holds for the same members only.
type Membered interface {
	Members(name UnitName) []string // names, in an order of their own; nil for a unit that nothing but what it reads decides
}

// UnitName names a unit: the directory (or file) it is rooted in and, where the same code is evaluated with several sets of
// inputs, which set.
type UnitName struct {
	Dir     string // "." for the root of the tree
	Variant string // "" or the name of the set of inputs: prod
}

// Unit is an evaluated unit.
type Unit struct {
	Name     UnitName
	Graph    *resource.Graph
	Problems []source.Problem
	Reads    Reads // everything that evaluation read
	Explainer
}

// Explainer answers questions about an evaluated unit. The answers are made on demand, for the few values that a report
// shows.
type Explainer interface {
	// Explain tells where the value at path of r comes from.
	Explain(r *resource.Resource, path value.Path) Explanation

	// Edit lowers wishes about one resource to the smallest text edits. A change that cannot be lowered is an error for
	// people: what stands in the way. Edits never overlap. Applied to a resource that already has what is wished, it
	// returns no edits.
	Edit(r *resource.Resource, changes []resource.Change) (Lowered, error)
}

// Explanation is where a value comes from.
type Explanation struct {
	Path  string       // the path in the dialect's own words, for people; empty where they are Terraform's
	Value *value.Value // what is written there in the dialect's own words: PublicRead; nil when it is the value of the resource
	Trace []Step       // from the place it is used to the place it was written; empty for a literal
	Waits []Wait       // for an unknown: the inputs that would decide it
}

// Step is one stop on a value's way: a variable, local, module argument or tfvars entry.
type Step struct {
	Name  string // var.acl, local.name, module.web.acl, dev.tfvars
	Range source.Range
}

// Wait is something that would make an unknown known.
type Wait struct {
	Name  string       // var.kms_key, data.aws_caller_identity.me, aws_kms_key.this.arn, module.vpc
	Kind  string       // variable, data, computed, module, function
	Range source.Range // where it is declared, zero when it is not in the tree
}

// Lowered is what Edit made of some wishes.
type Lowered struct {
	Title  string // what was wished, in the dialect's own words, for people; empty where they are Terraform's
	Edits  []source.Edit
	Shared []string // addresses of other resources whose values change too, because they share what is edited

	// Also are attributes of the resource itself that change with what was wished: they are worked out of it, or it cannot be had
	// without them (a text that reads a variable needs the variable).
	Also []value.Path
}

// Comment is one comment with its marker.
type Comment struct {
	Range  source.Range
	Text   string       // without marker and surrounding white space
	Alone  bool         // nothing but white space stands before it on its line
	Target source.Range // what it stands above or beside: the block, attribute or entry that it belongs to; zero when nothing
	Block  source.Range // the outermost block that it stands inside of; zero at the top level
	About  source.Range // what it speaks of, where its language says so: the metadata of a resource; zero for what Target and Block tell
}

// Reads is what an evaluation depended on, and so what a cache must compare.
type Reads struct {
	Files []string // paths read, sorted; also those that were looked for and did not exist
	Dirs  []string // directories listed, sorted
	Env   []string // environment variables looked up, sorted
}

// Workspace is what a dialect may see and use: the tree, the inputs, the limits.
type Workspace struct {
	FS     fs.FS                                             // the tree; nothing outside it can be opened
	Read   func(path string) (*source.File, *source.Problem) // the one way to read a file: bounded, UTF-8 checked, remembered
	Vars   []Var                                             // --var and --var-file, in the order given
	Env    func(name string) (string, bool)
	Inputs func(dir string) Inputs // what the settings say of the unit rooted in dir; nil means nothing
	Source string                  // directory of the source of plans; empty: each plan's own

	// Modules fetches a module that is not in the tree; nil fetches nothing. It returns the directory of the module, a path
	// below ModuleDir, from where on FS and Read have the files of the module's whole package: what else the package holds is
	// around it, for local sources in it. Or it returns the problem that there is; a zero Range is then the call's. It bounds
	// its own work, remembers what it did, and may be called by several goroutines. FS and Read should have a package that was
	// fetched before without any call: results that are remembered are compared with the files that they were made of.
	Modules func(ctx context.Context, m ModuleSource) (dir string, problem *source.Problem)

	Limits Limits
}

// ModuleDir is where fetched modules appear in the tree: ModuleDir/PACKAGE/path/in/the/package. Nothing else may lie there,
// and no listing of a directory above may show it: what is fetched is evaluated where it is called, and never walked.
const ModuleDir = ".plumbline/modules"

// ModuleSource is what a call says of a module that is not in the tree.
type ModuleSource struct {
	Source  string // as it is written: terraform-aws-modules/vpc/aws, git::https://example.com/vpc.git//sub?ref=v1
	Version string // the constraint; empty when there is none
	Root    string // directory of the root module, whose settings and credentials count
}

// Inputs says under which inputs a unit is evaluated.
type Inputs struct {
	Workspace string     // of Terraform's workspaces; empty: TF_WORKSPACE, else "default"
	Sets      []InputSet // each makes a unit; none: those that are found beside the unit
}

// InputSet is a set of inputs with a name.
type InputSet struct {
	Name  string
	Files []string // paths of files of variables, weakest first; one that starts with ../ lies outside of the tree
}

// Var is one --var or --var-file.
type Var struct {
	Name  string       // of --var; empty for a file
	Value string       // of --var: the text after the equals sign
	File  *source.File // of --var-file
}

// Limits bounds the work on one unit. The zero value of a field means the default beside it.
type Limits struct {
	FileBytes  int64 // largest file that is read: 8 MiB
	Nesting    int   // deepest nesting of brackets and blocks: 250
	Instances  int   // instances of one resource or module after expansion: 2,000
	Resources  int   // resources of a unit after expansion: 50,000
	Modules    int   // depth of module calls: 32
	ValueBytes int   // size of a string that a function makes: 4 MiB
}

// Defaults returns the limits with the default in place of each field that is not set.
func (l Limits) Defaults() Limits {
	or := func(n *int, standard int) {
		if *n <= 0 {
			*n = standard
		}
	}
	if l.FileBytes <= 0 {
		l.FileBytes = source.DefaultFileBytes
	}
	or(&l.Nesting, 250)
	or(&l.Instances, 2_000)
	or(&l.Resources, 50_000)
	or(&l.Modules, 32)
	or(&l.ValueBytes, 4<<20)
	return l
}

// ReadAll reads files, each once and in order of path, until ctx ends. Problems are those of the files that cannot be read.
func (w *Workspace) ReadAll(ctx context.Context, paths []string) (files []*source.File, problems []source.Problem) {
	for _, p := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		if ctx.Err() != nil {
			break
		}
		f, problem := w.Read(p)
		if problem != nil {
			problems = append(problems, *problem)
			continue
		}
		files = append(files, f)
	}
	return files, problems
}

// With returns the workspace as it would be if some of its files had other content.
func (w *Workspace) With(changed []*source.File) *Workspace {
	overlay := make(map[string]*source.File, len(changed))
	for _, f := range changed {
		overlay[f.Path] = f
	}
	out := *w
	out.Read = func(p string) (*source.File, *source.Problem) {
		if f := overlay[p]; f != nil {
			return f, nil
		}
		return w.Read(p)
	}
	return &out
}
