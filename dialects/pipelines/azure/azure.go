// Package azure evaluates pipelines of Azure Pipelines and the templates that they take from the same tree.
//
// A unit is one pipeline: a file that no other one takes as a template, or a template that nobody takes. Templates are put in place as
// Azure does it before a run (template.go): parameters, ${{ if }}, ${{ each }}, ${{ insert }}, extends; an expression that cannot be
// decided leaves what it governs as something that may be there. From the stages, jobs and steps that come out resources are made
// (stage.go, step.go); a step or image that several callers share is one, at the place where it is written.
//
// Templates of other repositories are not at hand: each is a gap in coverage. The facts are those of
// https://learn.microsoft.com/azure/devops/pipelines/yaml-schema/ and of
// https://learn.microsoft.com/azure/devops/pipelines/process/template-expressions.
//
// The package knows nothing of rules or findings.
package azure

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

const system = "azure-pipelines"

// New returns the dialect.
func New(set *schema.Set) dialect.Dialect {
	return azure{pipelines.New(pipelines.System{
		Name:   system,
		Claims: claims,
		Units:  units,
		Index:  func(e *pipelines.Estate) any { return survey(e) },
		Blocks: blocks,
		Evaluate: func(ctx context.Context, u *pipelines.Unit) {
			newPipeline(ctx, set, u).evaluate()
		},
	})}
}

// azure is a dialect that also knows the templates which its pipelines take, whatever they are called.
type azure struct{ dialect.Dialect }

// claims takes files by their name, and by what they say: a pipeline has steps, jobs or stages, and says when or where it runs.
func claims(file string, content func() []byte) bool {
	name := strings.ToLower(path.Base(file))
	ext := path.Ext(name)
	if ext != ".yml" && ext != ".yaml" {
		return false
	}
	if isNamed(file) {
		return true
	}
	for _, folder := range strings.Split(path.Dir(file), "/") {
		if folder == ".github" || folder == ".circleci" || folder == ".gitlab" {
			return false
		}
	}
	return isPipeline(content())
}

// isNamed reports whether a file has the name that Azure gives to pipelines.
func isNamed(file string) bool {
	name := strings.ToLower(path.Base(file))
	return strings.HasPrefix(strings.TrimPrefix(name, "."), "azure-pipelines") || strings.HasPrefix(strings.TrimPrefix(name, "."), "azure-pipeline.") ||
		strings.HasSuffix(strings.TrimSuffix(name, path.Ext(name)), ".azure-pipelines")
}

// The keys that begin a line of a pipeline: what runs, and when or where.
var (
	runKeys   = []string{"steps", "jobs", "stages", "extends"}
	whereKeys = []string{"pool", "trigger", "pr", "resources", "schedules"}
)

// isPipeline looks at the keys at the beginning of lines.
func isPipeline(content []byte) bool {
	runs, where := false, false
	for line := range bytes.Lines(content) {
		if len(line) == 0 || line[0] < 'a' || line[0] > 'z' {
			continue
		}
		key, _, ok := strings.Cut(string(bytes.TrimRight(line, "\r\n")), ":")
		if !ok {
			continue
		}
		switch key {
		case "on", "version", "kind", "apiVersion", "hosts", "name-template":
			return false // another system's
		}
		runs = runs || slices.Contains(runKeys, key)
		where = where || slices.Contains(whereKeys, key)
	}
	return runs && where
}

// Survey returns the templates that pipelines take from the tree.
func (azure) Survey(paths []string, content func(path string) []byte) []string {
	var found []string
	read := func(p string) *document.Node {
		text := content(p)
		if text == nil || !bytes.Contains(text, []byte("template:")) && len(found) > 0 {
			return nil
		}
		doc, _ := document.Parse(&source.File{Path: p, Bytes: text}, dialect.Limits{})
		return rootOf(doc)
	}
	known := make(map[string]bool, len(paths))
	for _, p := range paths {
		known[p] = true
	}
	var follow func(p string)
	follow = func(p string) {
		if slices.Contains(found, p) || len(found) >= maxFiles {
			return
		}
		found = append(found, p)
		for _, to := range templatesOf(read(p), p) {
			if known[to] {
				follow(to)
			}
		}
	}
	for _, p := range paths {
		if ext := path.Ext(p); (ext == ".yml" || ext == ".yaml") && isNamed(p) {
			follow(p)
		}
	}
	return found
}

// maxFiles bounds the templates of a tree that are followed.
const maxFiles = 2000

func rootOf(doc *document.Document) *document.Node {
	if doc == nil || len(doc.Roots) == 0 || doc.Roots[0].Kind != document.Mapping {
		return nil
	}
	return doc.Roots[0]
}

// templatesOf returns the files of the tree that a file names as templates.
func templatesOf(root *document.Node, file string) []string {
	var out []string
	for _, text := range templateTexts(root) {
		out = append(out, candidates(text, file)...)
	}
	return out
}

// templateTexts are the templates that a file names, as it writes them.
func templateTexts(root *document.Node) []string {
	var out []string
	seen := map[*document.Node]bool{}
	var walk func(n *document.Node)
	walk = func(n *document.Node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		for _, item := range n.Items {
			walk(item)
		}
		for i := range n.Members {
			m := &n.Members[i]
			if m.Key.Text == "template" && m.Value.Kind == document.Scalar {
				out = append(out, m.Value.Text)
			}
			walk(m.Value)
		}
	}
	walk(root)
	return out
}

// candidates are the places where a template of the same repository may lie: beside the file that names it, or from the root on.
func candidates(text, file string) []string {
	name, alias, _ := strings.Cut(text, "@")
	if name == "" || alias != "" && alias != "self" || strings.ContainsAny(name, "$\x00") {
		return nil
	}
	name = strings.ReplaceAll(name, `\`, "/")
	if rest, absolute := strings.CutPrefix(name, "/"); absolute || alias == "self" {
		if rest = path.Clean(rest); strings.HasPrefix(rest, "..") {
			return nil
		}
		return []string{rest}
	}
	at := path.Join(path.Dir(file), name)
	if strings.HasPrefix(at, "../") || at == ".." {
		return nil
	}
	return []string{at}
}

// surveyed is what is known of all files of an estate.
type surveyed struct {
	called map[string]bool   // by another file
	owner  map[string]string // of a template, the first pipeline that takes it: it has the template's resources
}

func survey(e *pipelines.Estate) *surveyed {
	s := &surveyed{map[string]bool{}, map[string]string{}}
	to := map[string][]string{}
	for _, p := range e.Paths() {
		for _, t := range templatesOf(rootOf(e.File(p).Document()), p) {
			if e.File(t) != nil && t != p {
				to[p] = append(to[p], t)
				s.called[t] = true
			}
		}
	}
	claim := func(root string) {
		var walk func(p string)
		walk = func(p string) {
			if s.owner[p] != "" {
				return
			}
			s.owner[p] = root
			for _, t := range to[p] {
				walk(t)
			}
		}
		walk(root)
	}
	for _, p := range e.Paths() {
		if !s.called[p] {
			claim(p)
		}
	}
	for _, p := range e.Paths() { // templates that call each other in a circle: the first stands for all
		if s.owner[p] == "" {
			s.called[p] = false
			claim(p)
		}
	}
	return s
}

func units(e *pipelines.Estate) []string {
	s := e.Index().(*surveyed)
	var out []string
	for _, p := range e.Paths() {
		if !s.called[p] {
			out = append(out, p)
		}
	}
	return out
}

// blocks are the entries of the sections of a file, and the steps in them.
func blocks(f *pipelines.File) []source.Range {
	var out []source.Range
	seen := map[*document.Node]bool{}
	var walk func(n *document.Node)
	walk = func(n *document.Node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		for _, item := range n.Items {
			walk(item)
		}
		for i := range n.Members {
			m := &n.Members[i]
			switch m.Key.Text {
			case "steps", "repositories", "containers":
				if m.Value.Kind == document.Sequence {
					for j := range m.Value.Items {
						out = append(out, m.Value.Place(j))
					}
				}
			}
			walk(m.Value)
		}
	}
	walk(f.Root())
	return out
}
