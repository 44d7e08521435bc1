package gitlab

import (
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// entry is one entry of include.
type entry struct {
	node  *document.Node
	local string // of a file in the tree, as it is written; empty for all else
	kind  string // local, remote, project, template, component, artifact
}

// entriesOf reads an include: a text, a mapping, or a list of both.
func entriesOf(n *document.Node) []entry {
	switch {
	case n == nil:
		return nil
	case n.Kind == document.Sequence:
		var out []entry
		for _, item := range n.Items {
			if item.Kind != document.Sequence {
				out = append(out, entriesOf(item)...)
			}
		}
		return out
	case n.Kind == document.Scalar:
		switch {
		case n.IsNull():
			return nil
		case strings.Contains(n.Text, "://"):
			return []entry{{node: n, kind: "remote"}}
		}
		return []entry{{node: n, kind: "local", local: n.Text}}
	}
	for _, kind := range []string{"local", "project", "remote", "template", "component", "artifact"} {
		if v := n.Get(kind); v != nil {
			e := entry{node: n, kind: kind}
			if kind == "local" && v.Kind == document.Scalar {
				e.local = v.Text
			}
			return []entry{e}
		}
	}
	return nil
}

// matches returns the files that a local include names: its path begins at the root of the repository, which is where the pipeline
// lies or the root of the tree; * and ** are wildcards.
func matches(local, dir string, paths []string) []string {
	if local == "" || strings.ContainsAny(local, "$\x00") {
		return nil
	}
	local = strings.TrimPrefix(local, "/")
	for _, base := range []string{dir, "."} {
		want := path.Join(base, local)
		if strings.HasPrefix(path.Clean(local), "..") {
			return nil
		}
		if !strings.ContainsAny(local, "*") {
			if slices.Contains(paths, want) {
				return []string{want}
			}
			continue
		}
		var out []string
		for _, p := range paths {
			if ext := path.Ext(p); (ext == ".yml" || ext == ".yaml") && glob(strings.Split(want, "/"), strings.Split(p, "/"), 0) {
				out = append(out, p)
			}
		}
		if len(out) > 0 {
			slices.Sort(out)
			return out
		}
	}
	return nil
}

// glob matches a path: * is any part of a name, ** any number of folders.
func glob(pattern, names []string, depth int) bool {
	if depth > 64 {
		return false
	}
	for len(pattern) > 0 {
		if pattern[0] == "**" || strings.HasPrefix(pattern[0], "**") && pattern[0] != "**" {
			rest := pattern[1:]
			if pattern[0] != "**" { // **.yml
				rest = append([]string{"*" + strings.TrimLeft(pattern[0], "*")}, rest...)
			}
			for i := 0; i <= len(names); i++ {
				if glob(rest, names[i:], depth+1) {
					return true
				}
			}
			return false
		}
		if len(names) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], names[0]); err != nil || !ok {
			return false
		}
		pattern, names = pattern[1:], names[1:]
	}
	return len(names) == 0
}

// maxIncludes is GitLab's own bound of the files of a pipeline.
const maxIncludes = 150

// load returns the configuration of a file with all that it includes; the second result says whether something that it includes is
// not at hand.
func (p *pipeline) load(name string, inputs value.Value, chain []string) (value.Value, bool) {
	none := value.Value{Kind: value.Object}
	f, problem := p.Read(name)
	if problem != nil {
		p.Problems([]source.Problem{*problem})
		return none, true
	}
	if p.files[name]++; p.files[name] == 1 && name != p.Main.Path {
		p.Problems(f.Problems())
	}
	if doc := f.Document(); len(doc.Roots) > 0 && configOf(doc) == nil && len(f.Problems()) == 0 {
		p.Problem(source.Invalid, doc.Roots[0].Range, "the file is no mapping of jobs")
	}
	root := configOf(f.Document())
	if root == nil {
		return none, len(f.Problems()) > 0
	}
	in := &inputsOf{p: p, given: inputs, header: headerOf(f.Document()).Get("inputs")}
	config := root.Value(true, p.tagged)
	in.fill(&config)
	gaps := false
	var below value.Value
	for _, e := range entriesOf(root.Get("include")) {
		included, missing := p.include(e, in, append(chain, name))
		gaps = gaps || missing
		below = merge(below, included)
	}
	return merge(below, config), gaps
}

// include loads what one entry names.
func (p *pipeline) include(e entry, in *inputsOf, chain []string) (value.Value, bool) {
	none := value.Value{Kind: value.Object}
	r := p.includeResource(e, in, chain[len(chain)-1])
	if e.kind != "local" {
		if r != nil {
			p.Miss(resource.Missing{Address: r.Address})
		}
		return none, true
	}
	local := e.local
	if strings.Contains(local, "$[[") {
		v := value.Value{Kind: value.String, Text: local}
		in.fill(&v)
		local = v.Text
		if v.Kind != value.String {
			local = "$"
		}
	}
	if strings.Contains(local, "$") { // a variable names it
		if r != nil {
			p.Miss(resource.Missing{Address: r.Address})
		}
		return none, true
	}
	if strings.HasPrefix(path.Clean(strings.TrimPrefix(local, "/")), "..") {
		p.Problem(source.Unresolved, e.node.Range, "the include %.200q leads out of the tree; what it declares is unknown", e.local)
		return none, true
	}
	found := p.named(local)
	if len(found) == 0 {
		if !strings.Contains(local, "*") {
			p.Depends(path.Join(p.dir, strings.TrimPrefix(local, "/")), path.Join(strings.TrimPrefix(local, "/")))
			p.Problem(source.Unresolved, e.node.Range, "the included file %.200q is not in the tree; what it declares is unknown", e.local)
		}
		return none, true
	}
	var out value.Value
	gaps := false
	inputs := value.Value{}
	if e.node.Kind == document.Mapping {
		inputs = e.node.Get("inputs").Value(true, nil)
		in.fill(&inputs)
	}
	for _, name := range found {
		if slices.Contains(chain, name) {
			p.once(source.Invalid, e.node.Range, "%s includes itself", name)
			continue
		}
		if p.loads++; p.loads > maxIncludes || len(chain) > p.Limits.Modules+70 {
			if p.loads == maxIncludes+1 {
				p.Problem(source.Limit, e.node.Range, "the pipeline includes more than %d files; those from here on are left out", maxIncludes)
			}
			return out, true
		}
		config, missing := p.load(name, inputs, chain)
		gaps = gaps || missing
		out = merge(out, config)
	}
	return out, gaps
}

// named are the files in the tree that a local include names.
func (p *pipeline) named(local string) []string {
	if out := matches(local, p.dir, p.Paths()); len(out) > 0 || strings.Contains(local, "*") {
		return out
	}
	for _, name := range []string{path.Join(p.dir, strings.TrimPrefix(local, "/")), path.Clean(strings.TrimPrefix(local, "/"))} {
		if ext := path.Ext(name); ext != ".yml" && ext != ".yaml" {
			continue
		}
		if _, problem := p.Read(name); problem == nil {
			return []string{name}
		}
	}
	return nil
}
