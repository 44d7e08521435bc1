package github

import (
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// model is a workflow or an action as it is written. It is made once per file and then only read.
type model struct {
	file     *pipelines.File
	root     *document.Node // a mapping; nil when there is none
	action   bool           // it is an action's metadata, not a workflow
	on       *document.Node
	triggers []trigger       // in the order in which they are written
	jobs     []*job          // of an action: one, whose steps are its own
	byID     map[string]*job // by id in lower case
}

// trigger is one event of a workflow.
type trigger struct {
	event  string
	config *document.Node // nil when there is none
	at     source.Range
}

type job struct {
	of     *model
	id     string
	member *document.Member // nil for the steps of an action
	node   *document.Node   // a mapping
	uses   use
	steps  []*step
	byID   map[string]*step // the first of each id in lower case
}

type step struct {
	of    *job
	index int
	node  *document.Node // a mapping
	place source.Range   // where the step stands, without its dash
	uses  use
	text  *pipelines.Text // of run; nil when there is none
	exprs []placed        // all its expressions, but those of the name
}

// placed is an expression with the place it stands in.
type placed struct {
	expression
	sink   string // run, script, env, with, if
	key    string // of env and with: the variable or input
	text   *pipelines.Text
	scalar *document.Node // what holds it
}

// at is where the expression stands in the file.
func (p *placed) at() source.Range { return p.text.Range(p.start, p.end) }

// use is what stands behind uses.
type use struct {
	text    string
	at      source.Range
	kind    string // action, local, docker; empty when there is none
	repo    string // owner/name, in lower case
	path    string // below it, or of a local one below the root
	ref     string
	version string // what the comment behind a commit says: v4.1.2; else the ref
}

func (u *use) pinned() bool {
	switch u.kind {
	case "local":
		return true
	case "docker":
		return strings.Contains(u.text, "@sha256:")
	}
	return isCommit(u.ref)
}

// isCommit reports whether a ref is a whole commit id, of SHA-1 or SHA-256.
func isCommit(ref string) bool {
	return (len(ref) == 40 || len(ref) == 64) && strings.Trim(ref, "0123456789abcdefABCDEF") == ""
}

func textOf(n *document.Node) string {
	if n == nil || n.Kind != document.Scalar || n.IsNull() {
		return ""
	}
	return n.Text
}

// modelOf reads a file.
func modelOf(f *pipelines.File) *model {
	m := &model{file: f, root: f.Root(), action: isActionFile(f.Path), byID: map[string]*job{}}
	if m.root == nil {
		return m
	}
	if m.action {
		runs := m.root.Get("runs")
		if runs.Get("steps") != nil {
			j := &job{of: m, id: "", node: runs}
			j.readSteps(runs.Get("steps"))
			m.jobs = []*job{j}
		}
		return m
	}
	m.on = m.root.Get("on")
	m.readTriggers()
	jobs := m.root.Get("jobs")
	if jobs == nil || jobs.Kind != document.Mapping {
		return m
	}
	for i := range jobs.Members {
		member := &jobs.Members[i]
		if member.Value.Kind != document.Mapping || member.Key.Kind != document.Scalar {
			continue
		}
		j := &job{of: m, id: member.Key.Text, member: member, node: member.Value}
		j.uses = m.useOf(j.node.Get("uses"))
		j.readSteps(j.node.Get("steps"))
		m.jobs = append(m.jobs, j)
		m.byID[strings.ToLower(j.id)] = j
	}
	return m
}

// readTriggers reads the three forms of on: a word, a list of words, a mapping.
func (m *model) readTriggers() {
	n := m.on
	if n == nil {
		return
	}
	add := func(name *document.Node, config *document.Node, at source.Range) {
		if event := strings.ToLower(textOf(name)); event != "" {
			m.triggers = append(m.triggers, trigger{event, config, at})
		}
	}
	switch n.Kind {
	case document.Scalar:
		add(n, nil, n.Range)
	case document.Sequence:
		for i, item := range n.Items {
			add(item, nil, n.Place(i))
		}
	case document.Mapping:
		for i := range n.Members {
			add(n.Members[i].Key, n.Members[i].Value, n.Members[i].Range)
		}
	}
}

func (m *model) trigger(event string) *trigger {
	for i := range m.triggers {
		if m.triggers[i].event == event {
			return &m.triggers[i]
		}
	}
	return nil
}

func (j *job) readSteps(n *document.Node) {
	if n == nil || n.Kind != document.Sequence {
		return
	}
	for i, item := range n.Items {
		if item.Kind != document.Mapping {
			continue
		}
		s := &step{of: j, index: i, node: item, place: n.Place(i), uses: j.of.useOf(item.Get("uses"))}
		s.read()
		j.steps = append(j.steps, s)
		if id := strings.ToLower(textOf(item.Get("id"))); id != "" && j.byID[id] == nil {
			if j.byID == nil {
				j.byID = map[string]*step{}
			}
			j.byID[id] = s
		}
	}
}

// scripts are the inputs of actions that are programs: expressions in them become code.
var scripts = map[string][]string{
	"actions/github-script":    {"script"},
	"azure/cli":                {"inlinescript"},
	"azure/powershell":         {"inlinescript"},
	"appleboy/ssh-action":      {"script"},
	"addnab/docker-run-action": {"run"},
	"nick-fields/retry":        {"command"},
	"nick-invision/retry":      {"command"},
	"devcontainers/ci":         {"runcmd"},
}

// read finds the expressions of a step.
func (s *step) read() {
	file := s.of.of.file.File
	gather := func(n *document.Node, sink, key string) *pipelines.Text {
		if n == nil || n.Kind != document.Scalar {
			return nil
		}
		text := pipelines.Join(func(p string) *source.File {
			if p == file.Path {
				return file
			}
			return nil
		}, n)
		found := expressionsIn(n.Text)
		if sink == "if" {
			found = conditionIn(n.Text)
		}
		for _, x := range found {
			s.exprs = append(s.exprs, placed{x, sink, key, text, n})
		}
		return text
	}
	for i := range s.node.Members {
		m := &s.node.Members[i]
		switch m.Key.Text {
		case "run":
			s.text = gather(m.Value, "run", "")
		case "if":
			gather(m.Value, "if", "")
		case "shell", "working-directory", "continue-on-error", "timeout-minutes":
			gather(m.Value, "field", m.Key.Text)
		case "env", "with":
			if m.Value.Kind == document.Scalar {
				gather(m.Value, m.Key.Text, "")
			}
			for k := range m.Value.Members {
				in := &m.Value.Members[k]
				sink := m.Key.Text
				if sink == "with" && slices.Contains(scripts[s.uses.repo], strings.ToLower(in.Key.Text)) {
					sink = "script"
				}
				gather(in.Value, sink, in.Key.Text)
			}
		}
	}
}

// useOf reads what stands behind uses.
func (m *model) useOf(n *document.Node) use {
	text := strings.TrimSpace(textOf(n))
	if text == "" {
		return use{}
	}
	u := use{text: text, at: n.Range}
	switch {
	case strings.HasPrefix(text, "docker://"):
		u.kind, u.ref = "docker", strings.TrimPrefix(text, "docker://")
		return u
	case strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") || text == ".":
		u.kind, u.path = "local", path.Join(rootOf(m.file.Path), text)
		return u
	}
	u.kind = "action"
	name, ref, _ := strings.Cut(text, "@")
	u.ref = ref
	parts := strings.SplitN(name, "/", 3)
	u.repo = strings.ToLower(strings.Join(parts[:min(2, len(parts))], "/"))
	if len(parts) == 3 {
		u.path = parts[2]
	}
	u.version = ref
	if isCommit(ref) {
		u.version = m.remark(n)
	}
	return u
}

// remark returns the version that the comment behind a node names: # v4.1.2.
func (m *model) remark(n *document.Node) string {
	line := m.file.Bytes[min(n.Range.End, len(m.file.Bytes)):]
	if i := slices.Index(line, '\n'); i >= 0 {
		line = line[:i]
	}
	_, comment, ok := strings.Cut(string(line), "#")
	if !ok {
		return ""
	}
	for _, word := range strings.FieldsFunc(comment, func(r rune) bool { return strings.ContainsRune(" \t\r,;()=:@", r) }) {
		if v := strings.TrimPrefix(word[strings.LastIndexByte(word, '/')+1:], "v"); v != "" && v[0] >= '0' && v[0] <= '9' {
			return word
		}
	}
	return ""
}

// rootOf returns the directory of the repository that a workflow or action lies in: local paths begin there.
func rootOf(file string) string {
	if i := strings.Index("/"+file, "/.github/"); i >= 0 {
		return path.Clean("./" + file[:max(i-1, 0)])
	}
	return "."
}

// name is what people call a step, and a part of its address: its id, its name, its action or what it runs.
func (s *step) name() string {
	for _, candidate := range []string{textOf(s.node.Get("id")), textOf(s.node.Get("name")), s.uses.repo} {
		if candidate = strings.Join(strings.Fields(candidate), " "); candidate != "" {
			return candidate
		}
	}
	if s.uses.kind != "" {
		name, _, _ := strings.Cut(s.uses.text, "@")
		return name
	}
	for line := range strings.Lines(textOf(s.node.Get("run"))) {
		if words := strings.Fields(line); len(words) > 0 && !strings.HasPrefix(words[0], "#") && words[0] != "set" {
			if !isPlain(words[0]) {
				break
			}
			if len(words) > 1 && isPlain(words[1]) {
				return "run " + words[0] + " " + words[1]
			}
			return "run " + words[0]
		}
	}
	return "step"
}

// isPlain reports whether a word is a name: what mends a script does not change it.
func isPlain(word string) bool {
	return strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/@+") == ""
}

// input returns what a step gives an action for an input, or nil. Names of inputs do not depend on case.
func (s *step) input(name string) *document.Member { return member(s.node.Get("with"), name) }

// member finds an entry whatever the case of its name.
func member(n *document.Node, name string) *document.Member {
	if n == nil {
		return nil
	}
	for i := range n.Members {
		if m := &n.Members[i]; m.Key.Kind == document.Scalar && strings.EqualFold(m.Key.Text, name) {
			return m
		}
	}
	return nil
}

// is reports whether a step uses one of some actions, by owner/name.
func (s *step) is(repos ...string) bool {
	return s.uses.kind == "action" && slices.Contains(repos, s.uses.repo)
}

// at returns the place of a member of a mapping, or of the mapping.
func at(n *document.Node, name string) source.Range {
	if m := n.Member(name); m != nil {
		return m.Range
	}
	return n.Range
}

// evaluated converts a node; what holds an expression is unknown, with the text around it.
func evaluated(n *document.Node) value.Value {
	v := n.Value(false, nil)
	blank(&v)
	return v
}

func blank(v *value.Value) {
	switch v.Kind {
	case value.String:
		first := strings.Index(v.Text, "${{")
		if first < 0 {
			return
		}
		found := expressionsIn(v.Text)
		if len(found) == 1 && found[0].node != nil && found[0].start == 0 && found[0].end == len(v.Text) {
			if text, ok := literal(found[0].node); ok {
				v.Text = text
				return
			}
		}
		whole := v.Text
		v.Kind, v.NotNull, v.Text = value.Unknown, true, whole[:first]
		if v.Text != "" {
			v.Ending = whole[found[len(found)-1].end:]
		}
	case value.List:
		for i := range v.Items {
			blank(&v.Items[i])
		}
	case value.Object:
		for i := range v.Fields {
			blank(&v.Fields[i].Value)
		}
	}
}
