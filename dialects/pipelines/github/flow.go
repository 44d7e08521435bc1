package github

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/shell"
)

// script is what a step runs, as the shared ground reads it.
func (s *step) script() *pipelines.Script {
	out := &pipelines.Script{Shell: s.shell(), Text: s.text}
	for i := range s.exprs {
		if x := &s.exprs[i]; x.sink == "run" {
			out.Placeholders = append(out.Placeholders, pipelines.Placeholder{Start: x.start, End: x.end, Name: x.inner})
		}
	}
	return out
}

// shell returns the shell of a step: its own, the job's or the workflow's default, else that of the runner.
func (s *step) shell() string {
	candidates := []*document.Node{s.node.Get("shell")}
	if s.of.member != nil {
		candidates = append(candidates, s.of.node.Get("defaults").Get("run").Get("shell"), s.of.of.root.Get("defaults").Get("run").Get("shell"))
	}
	for _, n := range candidates {
		if t := textOf(n); t != "" {
			if strings.Contains(t, "${{") {
				return "unknown"
			}
			return strings.ToLower(t)
		}
	}
	labels, _ := s.of.labels()
	if slices.ContainsFunc(labels, func(l string) bool { return strings.Contains(strings.ToLower(l), "windows") }) {
		if len(labels) > 1 {
			return "unknown"
		}
		return "pwsh"
	}
	return "bash"
}

// labels returns the labels of the runners that a job may get, the values of its matrix followed; known is false when there may be others.
func (j *job) labels() (labels []string, known bool) {
	known = true
	n := j.node.Get("runs-on")
	if n != nil && n.Kind == document.Mapping {
		n = n.Get("labels")
	}
	for _, t := range scalarsOf(n) {
		if !strings.Contains(t, "${{") {
			labels = append(labels, t)
			continue
		}
		found := false
		for _, x := range expressionsIn(t) {
			if x.node == nil {
				continue
			}
			for _, p := range paths(x.node) {
				if name, ok := strings.CutPrefix(p, "matrix."); ok && x.start == 0 && x.end == len(t) && x.inner == "matrix."+name {
					values, all := j.matrixValues(name)
					labels, known, found = append(labels, values...), known && all, true
				}
			}
		}
		known = known && found
	}
	return labels, known
}

// matrixValues returns the texts of a dimension of a job's matrix.
func (j *job) matrixValues(name string) (values []string, all bool) {
	m := j.node.Get("strategy").Get("matrix")
	if m == nil || m.Kind != document.Mapping {
		return nil, false
	}
	nodes := []*document.Node{}
	follow := func(n *document.Node) *document.Node {
		for part := range strings.SplitSeq(name, ".") {
			if d := member(n, part); d != nil {
				n = d.Value
			} else {
				return nil
			}
		}
		return n
	}
	first, rest, nested := strings.Cut(name, ".")
	if d := member(m, first); d != nil {
		if !nested {
			nodes = append(nodes, d.Value)
		} else {
			for _, item := range d.Value.Items {
				if in := member(item, rest); in != nil {
					nodes = append(nodes, in.Value)
				}
			}
		}
	}
	all = true
	if include := m.Get("include"); include != nil {
		all = include.Kind == document.Sequence
		for _, item := range include.Items {
			if n := follow(item); n != nil {
				nodes = append(nodes, n)
			}
		}
	}
	for _, n := range nodes {
		for _, t := range scalarsOf(n) {
			if strings.Contains(t, "${{") {
				all = false
			} else {
				values = append(values, t)
			}
		}
		all = all && n.Kind != document.Mapping
	}
	return values, all && len(nodes) > 0
}

// reads reads the commands of a step, once.
func (a *asker) reads(s *step) *shell.Script {
	if r, ok := a.scripts[s]; ok {
		return r
	}
	var r shell.Script
	if s.text != nil {
		r = s.script().Read()
	}
	a.scripts[s] = &r
	return &r
}

// files are what a command writes to: the names of variables of its redirections, and those of tee behind it.
func (a *asker) writesTo(commands []shell.Command, i int, names ...string) (name string, ok bool) {
	holds := func(w *shell.Word) bool {
		for _, v := range w.Variables {
			v = strings.TrimPrefix(v, "env:")
			if slices.Contains(names, v) {
				name = v
				return true
			}
			if e, is := strings.CutPrefix(strings.ToLower(v), "github."); is && (e == "env" || e == "path" || e == "output") && slices.Contains(names, "GITHUB_"+strings.ToUpper(e)) {
				name = "GITHUB_" + strings.ToUpper(e)
				return true
			}
		}
		return false
	}
	c := &commands[i]
	for r := range c.Redirects {
		if strings.Contains(c.Redirects[r].Op, ">") && holds(&c.Redirects[r].Target) {
			return name, true
		}
	}
	if slices.Contains(c.Into, "tee") {
		for k := i + 1; k < len(commands); k++ {
			if t := &commands[k]; t.Name == "tee" && slices.ContainsFunc(t.Words, func(w shell.Word) bool { return holds(&w) }) {
				return name, true
			}
		}
	}
	return "", false
}

// word returns who decides on a word of a script: the worst of the variables that it expands.
func (a *asker) word(w *shell.Word, s *step) origin {
	out := safe
	for _, v := range w.Variables {
		out = max(out, a.variable(v, s))
	}
	if !w.Known && len(w.Variables) == 0 {
		out = max(out, ofRun) // what a command prints
	}
	return out
}

// variable returns who decides on a variable of a script, or on a placeholder in it.
func (a *asker) variable(name string, s *step) origin {
	if strings.ContainsAny(name, ".[('") || strings.Contains(name, " ") {
		x := parseExpression(name, 0, len(name))
		return a.of(&x, s.scope())
	}
	switch name {
	case "GITHUB_HEAD_REF":
		return a.path("github.head_ref", s.scope())
	case "GITHUB_REF", "GITHUB_REF_NAME":
		return ofRun
	}
	if strings.HasPrefix(name, "GITHUB_") || strings.HasPrefix(name, "RUNNER_") {
		return safe
	}
	for _, c := range a.reads(s).Commands {
		for i := range c.Assigns {
			if c.Assigns[i].Name == name {
				if w := &c.Assigns[i].Value; w.Known {
					return safe
				} else if !slices.Contains(w.Variables, name) {
					key := "assign " + name
					if a.busy[key] {
						return ofRun
					}
					a.busy[key] = true
					o := a.word(w, s)
					delete(a.busy, key)
					return o
				}
			}
		}
	}
	if n := s.scope().variable(name); n != nil {
		return a.text(textOf(n), s.scope())
	}
	return ofRun
}

// written returns who decides on an output that a script writes to GITHUB_OUTPUT.
func (a *asker) written(s *step, name string) origin {
	commands := a.reads(s).Commands
	out, found := safe, false
	for i := range commands {
		if _, ok := a.writesTo(commands, i, "GITHUB_OUTPUT"); !ok {
			continue
		}
		c := &commands[i]
		for w := range c.Words {
			if w == 0 {
				continue
			}
			word := &c.Words[w]
			begin := word.Prefix
			if word.Known {
				begin = word.Text
			}
			key, _, named := strings.Cut(begin, "=")
			if named && !strings.EqualFold(key, name) && name != "*" && name != "" && !strings.Contains(begin, "\n") {
				continue
			}
			found = true
			out = max(out, a.word(word, s))
		}
	}
	if !found {
		return ofRun
	}
	return out
}
