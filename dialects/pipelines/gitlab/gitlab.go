// Package gitlab evaluates pipelines of GitLab: .gitlab-ci.yml, the files that it includes from the same tree, and child pipelines.
//
// A unit is one pipeline: a file that no other one includes. Its configuration is put together as GitLab does it (include.go,
// merge.go): what is included is merged first, what the file says itself wins; !reference tags and extends are followed; then every
// job gets the defaults and variables that it inherits (job.go). Hidden jobs are templates and are judged through the jobs that use
// them. A script or an image that several jobs share is one resource, at the place where it is written.
//
// What other projects, addresses and GitLab's own templates would add is not at hand: each is a gap in coverage, and what a job takes
// from them is unknown. The facts are those of https://docs.gitlab.com/ci/yaml/ and https://docs.gitlab.com/ci/yaml/includes/.
//
// The package knows nothing of rules or findings.
package gitlab

import (
	"bytes"
	"context"
	"path"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// system is the name that resources of all systems carry.
const system = "gitlab-ci"

// New returns the dialect.
func New(set *schema.Set) dialect.Dialect {
	return gitlab{pipelines.New(pipelines.System{
		Name:   system,
		YAML11: true,
		Claims: claims,
		Units:  units,
		Index:  func(e *pipelines.Estate) any { return survey(e) },
		Blocks: blocks,
		Evaluate: func(ctx context.Context, u *pipelines.Unit) {
			newPipeline(ctx, set, u).evaluate()
		},
	})}
}

// gitlab is a dialect that also knows the files which its pipelines include, whatever they are called.
type gitlab struct{ dialect.Dialect }

// claims takes files by their name, and components by their place and first line.
func claims(file string, content func() []byte) bool {
	name := strings.ToLower(path.Base(file))
	switch path.Ext(name) {
	case ".yml", ".yaml":
	default:
		return false
	}
	stem := strings.TrimSuffix(name, path.Ext(name))
	if strings.HasSuffix(stem, ".gitlab-ci") || strings.HasPrefix(stem, ".gitlab-ci.") || strings.Contains(stem, ".gitlab-ci.") || stem == ".gitlab-ci" {
		return true
	}
	dir, parent := path.Base(path.Dir(file)), path.Base(path.Dir(path.Dir(file)))
	if dir == "templates" || parent == "templates" && stem == "template" {
		text := content()
		return bytes.HasPrefix(bytes.TrimLeft(text, "-\r\n"), []byte("spec:")) && bytes.Contains(text, []byte("\n---"))
	}
	return false
}

// Survey returns the files that pipelines include from the tree, or run as child pipelines.
func (gitlab) Survey(paths []string, content func(path string) []byte) []string {
	var roots []string
	for _, p := range paths {
		if base := strings.ToLower(path.Base(p)); base == ".gitlab-ci.yml" || base == ".gitlab-ci.yaml" {
			roots = append(roots, p)
		}
	}
	if len(roots) == 0 {
		return nil
	}
	f := &follower{known: &known{files: map[string][]string{}}, paths: paths, root: func(p string) *document.Node {
		text := content(p)
		if text == nil {
			return nil
		}
		doc, _ := document.Parse(&source.File{Path: p, Bytes: text}, dialect.Limits{})
		return configOf(doc)
	}}
	for _, p := range roots {
		f.follow(p, path.Dir(p), 0)
	}
	return f.found
}

// follower finds the files that pipelines name.
type follower struct {
	paths   []string // of the tree, sorted or not
	root    func(path string) *document.Node
	found   []string
	kids    []string        // child pipelines among them
	include []string        // those that are included
	seen    map[string]bool // those that were found
	listed  map[string]bool // those that are included
	known   *known          // shared by all that look in the same paths
}

// known is what local includes name, by folder and text, and how many paths were compared for that.
type known struct {
	files map[string][]string
	work  int
}

// matches is the function matches, remembered and bounded.
func (f *follower) matches(local, dir string) []string {
	key := dir + "\x00" + local
	out, ok := f.known.files[key]
	if !ok && f.known.work < maxWork {
		f.known.work += len(f.paths)
		out = matches(local, dir, f.paths)
		f.known.files[key] = out
	}
	return out
}

// maxWork bounds the paths that are compared with what files include.
const maxWork = 5_000_000

// maxFiles bounds the files of a tree that are followed; a pipeline of GitLab has at most 150.
const maxFiles = 1000

func (f *follower) follow(p, dir string, depth int) {
	if f.seen == nil {
		f.seen, f.listed = map[string]bool{}, map[string]bool{}
	}
	if f.seen[p] || len(f.found) >= maxFiles || depth > 100 {
		return
	}
	f.seen[p] = true
	f.found = append(f.found, p)
	root := f.root(p)
	if root == nil {
		return
	}
	visit := func(n *document.Node, list *[]string) {
		for _, entry := range entriesOf(n) {
			for _, to := range f.matches(entry.local, dir) {
				if list == &f.kids || !f.listed[to] {
					f.listed[to] = f.listed[to] || list == &f.include
					*list = append(*list, to)
				}
				if f.seen[to] {
					continue
				}
				if path.Ext(to) == ".yml" || path.Ext(to) == ".yaml" {
					f.follow(to, dir, depth+1)
				}
			}
		}
	}
	visit(root.Get("include"), &f.include)
	for i := range root.Members {
		if t := root.Members[i].Value.Get("trigger"); t != nil {
			visit(t.Get("include"), &f.kids)
		}
	}
}

// surveyed is what is known of all files of an estate.
type surveyed struct {
	included map[string]bool   // by another file
	owner    map[string]string // of an included file, the first pipeline that includes it: it has the file's resources
}

func survey(e *pipelines.Estate) *surveyed {
	s := &surveyed{map[string]bool{}, map[string]string{}}
	paths := e.Paths()
	reached := map[string][]string{}
	remembered := &known{files: map[string][]string{}}
	for _, p := range paths {
		f := &follower{known: remembered, paths: paths, root: func(p string) *document.Node {
			if file := e.File(p); file != nil {
				return configOf(file.Document())
			}
			return nil
		}}
		f.follow(p, path.Dir(p), 0)
		reached[p] = f.include
		for _, to := range f.include {
			if to != p && !isMain(to) {
				s.included[to] = true
			}
		}
	}
	kids := map[string]bool{}
	for _, p := range paths {
		root := configOf(e.File(p).Document())
		if root == nil {
			continue
		}
		for i := range root.Members {
			for _, entry := range entriesOf(root.Members[i].Value.Get("trigger").Get("include")) {
				for _, to := range matches(entry.local, path.Dir(p), paths) {
					kids[to] = true
				}
			}
		}
	}
	for to := range kids {
		delete(s.included, to)
	}
	for _, p := range paths { // sorted: the owner does not depend on anything else
		if s.included[p] {
			continue
		}
		for _, to := range reached[p] {
			if s.owner[to] == "" {
				s.owner[to] = p
			}
		}
		s.owner[p] = p
	}
	return s
}

func isMain(p string) bool {
	base := strings.ToLower(path.Base(p))
	return base == ".gitlab-ci.yml" || base == ".gitlab-ci.yaml"
}

// units are the pipelines: what no other file includes.
func units(e *pipelines.Estate) []string {
	s := e.Index().(*surveyed)
	var out []string
	for _, p := range e.Paths() {
		if !s.included[p] {
			out = append(out, p)
		}
	}
	return out
}

// configOf is the mapping with the jobs: of a file with a header (spec), the second document.
func configOf(doc *document.Document) *document.Node {
	if doc == nil || len(doc.Roots) == 0 {
		return nil
	}
	n := doc.Roots[0]
	if len(doc.Roots) > 1 && n.Get("spec") != nil {
		n = doc.Roots[1]
	}
	if n.Kind != document.Mapping {
		return nil
	}
	return n
}

// headerOf is the header of a file, or nil.
func headerOf(doc *document.Document) *document.Node {
	if doc == nil || len(doc.Roots) < 2 {
		return nil
	}
	return doc.Roots[0].Get("spec")
}

// blocks are the jobs and the other sections of a file.
func blocks(f *pipelines.File) []source.Range {
	root := configOf(f.Document())
	if root == nil {
		return nil
	}
	var out []source.Range
	for i := range root.Members {
		if m := &root.Members[i]; !m.Merged {
			out = append(out, m.Range)
		}
	}
	return out
}
