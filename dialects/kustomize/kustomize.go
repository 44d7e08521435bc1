// Package kustomize evaluates kustomizations: what their overlays build of bases, components and patches is judged as manifests of
// Kubernetes.
//
// Where a tree has kustomizations the dialect opens the files of Kubernetes too (dialect.Wrapper). A kustomization that no other one
// names is a unit (graph.go); a base or component is judged through those that name it, and manifests that no kustomization names are
// left to Kubernetes. Kustomize's own library builds (build.go), on a file system in memory that holds copies of what is named, under
// names of our own (stage.go): nothing that a file says is ever a path or an address for it. Remote bases, charts and plugins are taken
// out before and told of.
//
// Each document is copied to lines of its own, and the library keeps the line and column of each node that it does not make itself.
// So it is known which file, and which patch, a value of an object was written in (text.go, origin.go); what kustomize sets itself
// (labels, images, a namespace) is looked for in the kustomizations (transformer.go). Wishes become edits of that place (edit.go).
//
// Hashes behind the names of generated objects are left out, so that an object keeps its name. A schema of one's own (openapi) is not
// used. Variables (vars) are unknown.
package kustomize

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/kubernetes"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// New returns the dialect. The schema tells the shapes of Kubernetes' kinds.
func New(s *schema.Set) dialect.Dialect { return kustomize{set: s, kubernetes: kubernetes.New(s)} }

type kustomize struct {
	set        *schema.Set
	kubernetes dialect.Dialect
}

// Name returns "kustomize".
func (kustomize) Name() string { return "kustomize" }

// Wraps returns "kubernetes".
func (kustomize) Wraps() string { return "kubernetes" }

// fileNames are what kustomize calls its files, in the order in which it looks for them.
var fileNames = [...]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

func isName(p string) bool { return slices.Contains(fileNames[:], path.Base(p)) }

// Claims takes kustomizations. Flux has objects of that kind too, which are an object like any other.
func (kustomize) Claims(file string, content func() []byte) bool {
	return isName(file) && isOurs(content())
}

var apiVersion = []byte("apiVersion:")

// isOurs reports whether a file that is called as kustomizations are is one: it names no API version, or kustomize's.
func isOurs(text []byte) bool {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(bytes.TrimPrefix(line, []byte("\ufeff")), apiVersion); ok {
			return bytes.HasPrefix(bytes.Trim(rest, " \t\"'"), []byte("kustomize.config.k8s.io/"))
		}
	}
	return true
}

// Survey takes the patches that kustomizations name: many are no manifests by themselves.
func (kustomize) Survey(paths []string, content func(path string) []byte) []string {
	var out []string
	var known map[string]bool
	for _, p := range paths {
		if !isName(p) {
			continue
		}
		text := content(p)
		if !isOurs(text) || !bytes.Contains(text, []byte("atch")) {
			continue
		}
		if known == nil {
			known = make(map[string]bool, len(paths))
			for _, q := range paths {
				known[q] = true
			}
		}
		doc, _ := document.Parse(&source.File{Path: p, Bytes: text}, dialect.Limits{})
		if doc == nil || len(doc.Roots) == 0 {
			continue
		}
		for _, named := range patchFiles(doc.Roots[0]) {
			file := path.Join(path.Dir(p), named)
			switch strings.ToLower(path.Ext(file)) {
			case ".yaml", ".yml", ".json":
				if known[file] {
					known[file] = false
					out = append(out, file)
				}
			}
		}
	}
	return out
}

// patchFiles lists what a kustomization names as patches.
func patchFiles(root *document.Node) []string {
	var out []string
	for _, list := range [...]string{"patches", "patchesJson6902", "patchesStrategicMerge"} {
		n := root.Get(list)
		if n == nil {
			continue
		}
		for _, item := range n.Items {
			if item.Kind == document.Mapping {
				item = item.Get("path")
			}
			if item != nil && item.Kind == document.Scalar && item.Text != "" && !strings.Contains(item.Text, "\n") {
				out = append(out, item.Text)
			}
		}
	}
	return out
}

// estate is the opened files. Its fields are written by Open and With and only read afterwards, but for what is remembered under mu.
type estate struct {
	kustomize
	workspace *dialect.Workspace
	limits    dialect.Limits
	ours      []string // the kustomizations that were claimed, sorted
	theirs    []string // every other file
	graph     *graph
	rest      dialect.Estate // of the files that no kustomization names
	all       dialect.Estate // of every manifest, for its comments

	mu    sync.Mutex
	read  map[string]*kustomization // by file
	texts map[string]*text          // by path

	said sync.Map // by the name of a unit that was built: what its objects say of rules ([]dialect.Comment)
}

// Open reads the kustomizations and what they name, and gives the manifests that none names to Kubernetes.
func (d kustomize) Open(ctx context.Context, w *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	e := &estate{kustomize: d, workspace: w, limits: w.Limits.Defaults(), read: make(map[string]*kustomization), texts: make(map[string]*text)}
	for _, p := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		if isName(p) && e.isOurs(p) {
			e.ours = append(e.ours, p)
		} else {
			e.theirs = append(e.theirs, p)
		}
	}
	problems := e.plan()
	var more []source.Problem
	e.all, more = d.kubernetes.Open(ctx, w, e.theirs)
	problems = append(problems, more...)
	e.rest, _ = d.kubernetes.Open(ctx, w, e.left())
	return e, problems
}

// isOurs reports whether a file that is called as kustomizations are is one; of one that cannot be read nobody knows better.
func (e *estate) isOurs(p string) bool {
	f, problem := e.workspace.Read(p)
	return problem != nil || isOurs(f.Bytes)
}

// left lists the manifests that no kustomization names.
func (e *estate) left() []string {
	return slices.DeleteFunc(slices.Clone(e.theirs), func(p string) bool { return e.graph.named[p] })
}

// kustomization returns the kustomization of a directory, read once; nil when there is none.
func (e *estate) kustomization(dir string) *kustomization {
	for _, name := range fileNames {
		p := path.Join(dir, name)
		e.mu.Lock()
		k, known := e.read[p]
		e.mu.Unlock()
		if !known {
			if _, claimed := slices.BinarySearch(e.ours, p); !claimed && (!e.isFile(p) || !e.isOurs(p)) {
				continue
			}
			f, problem := e.workspace.Read(p)
			if k = e.readKustomization(dir, f); problem != nil {
				k.file = &source.File{Path: p}
				k.problems = append(k.problems, *problem)
			}
			e.mu.Lock()
			e.read[p] = k
			e.mu.Unlock()
		}
		return k
	}
	return nil
}

// Units lists the kustomizations that no other names, and the directories of Kubernetes.
func (e *estate) Units() []dialect.UnitName {
	names := slices.Clone(e.rest.Units())
	for i := range e.graph.tops {
		names = append(names, e.unitName(e.graph.tops[i]))
	}
	slices.SortFunc(names, func(a, b dialect.UnitName) int {
		return cmp.Or(strings.Compare(a.Dir, b.Dir), strings.Compare(a.Variant, b.Variant))
	})
	return names
}

// Members lists the manifests of a folder that no kustomization names. Of a kustomization it lists the entries that are left out
// because kustomizations lead back to each other: which of them are, others decide.
func (e *estate) Members(name dialect.UnitName) []string {
	if _, found := slices.BinarySearch(e.graph.tops, name.Dir); !found || e.unitName(name.Dir) != name {
		return e.rest.(dialect.Membered).Members(name)
	}
	if len(e.graph.cut) == 0 {
		return nil
	}
	var out []string
	for _, k := range e.closure(name.Dir) {
		for _, to := range k.order {
			if e.graph.cut[to] {
				out = append(out, k.file.Path+": "+to.path)
			}
		}
	}
	slices.Sort(out)
	return out
}

// beside is the variant of a kustomization in whose directory there are manifests that no kustomization names.
const beside = "kustomization"

func (e *estate) unitName(dir string) dialect.UnitName {
	name := dialect.UnitName{Dir: dir}
	if slices.Contains(e.rest.Units(), name) {
		name.Variant = beside
	}
	return name
}

// Evaluate builds a kustomization, or evaluates a directory of Kubernetes.
func (e *estate) Evaluate(ctx context.Context, name dialect.UnitName) *dialect.Unit {
	if _, found := slices.BinarySearch(e.graph.tops, name.Dir); found && e.unitName(name.Dir) == name {
		return e.evaluate(ctx, name)
	}
	if slices.Contains(e.rest.Units(), name) {
		return e.rest.Evaluate(ctx, name)
	}
	return &dialect.Unit{Name: name, Graph: resource.NewGraph(nil, nil), Explainer: &explainer{}, Problems: []source.Problem{{
		Kind: source.Bug, Range: source.Range{File: name.Dir}, Message: fmt.Sprintf("there is no unit %s %s", name.Dir, name.Variant)}}}
}

// With reads the changed files again; everything else is shared with e.
func (e *estate) With(ctx context.Context, changed []*source.File) (dialect.Estate, []source.Problem) {
	n := &estate{kustomize: e.kustomize, workspace: e.workspace.With(changed), limits: e.limits, ours: e.ours, theirs: e.theirs}
	e.mu.Lock()
	n.read, n.texts = maps.Clone(e.read), maps.Clone(e.texts)
	e.mu.Unlock()
	before := make(map[source.Problem]bool)
	var replan bool
	for _, f := range changed {
		if k := n.read[f.Path]; k != nil {
			replan = true
			for _, p := range k.problems {
				before[source.Problem{Range: source.Range{File: p.Range.File}, Message: p.Message}] = true
			}
		}
		delete(n.read, f.Path)
		delete(n.texts, f.Path)
	}
	var problems []source.Problem
	if n.graph = e.graph; replan {
		problems = n.plan()
	}
	problems = slices.DeleteFunc(problems, func(p source.Problem) bool {
		return before[source.Problem{Range: source.Range{File: p.Range.File}, Message: p.Message}] ||
			!slices.ContainsFunc(changed, func(f *source.File) bool { return f.Path == p.Range.File })
	})
	var more []source.Problem
	n.all, more = e.all.With(ctx, changed)
	problems = append(problems, more...)
	if replan && !maps.Equal(n.graph.named, e.graph.named) {
		n.rest, _ = n.kubernetes.Open(ctx, n.workspace, n.left())
	} else {
		n.rest, _ = e.rest.With(ctx, changed)
	}
	return n, problems
}
