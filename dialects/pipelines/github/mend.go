package github

import (
	"fmt"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// mend lowers the wishes of a step that something shall not be which other entries bring about.
func (e *evaluation) mend(s *step, attribute string) (l pipelines.Lowering, done bool, err error) {
	switch attribute {
	case "restores_cache":
		l, err = e.withoutCache(s)
	case "uploads_credentials":
		l, err = e.forgetful(s)
	case "vulnerability":
		l, err = mended(s.node, s.uses)
	default:
		return l, false, nil
	}
	return l, true, err
}

// change is a change of an input of a step.
func (s *step) change(op resource.ChangeOp, name string, v value.Value) document.Change {
	if m := s.input(name); m != nil {
		name = m.Key.Text
	}
	return document.Change{Op: op, At: s.node, Path: value.Path{{Name: "with"}, {Name: name}}, Value: v}
}

// withoutCache has a setup action do without its cache.
func (e *evaluation) withoutCache(s *step) (pipelines.Lowering, error) {
	l := pipelines.Lowering{Also: []value.Path{{{Name: "with"}}}, Title: "do without the cache"}
	if len(e.restoresCache(s)) == 0 {
		return pipelines.Lowering{}, nil
	}
	switch c := caching[s.uses.repo]; c.input {
	case "":
		return pipelines.Lowering{}, fmt.Errorf("what uses the cache has to go with it, which is better done by hand")
	case "cache-disabled":
		l.Changes = []document.Change{s.change(resource.Set, c.input, value.Value{Kind: value.Bool, Bool: true})}
	default:
		if c.byItself {
			l.Changes = []document.Change{s.change(resource.Set, c.input, value.Value{Kind: value.Bool})}
			break
		}
		if with := s.node.Get("with"); len(with.Members) == 1 { // an empty with would be left
			l.Changes = []document.Change{{Op: resource.Remove, At: s.node, Path: value.Path{{Name: "with"}}}}
			break
		}
		l.Changes = []document.Change{s.change(resource.Remove, c.input, value.Value{})}
	}
	return l, nil
}

// forgetful has the checkouts before an upload of the workspace leave no credentials behind.
func (e *evaluation) forgetful(s *step) (pipelines.Lowering, error) {
	l := pipelines.Lowering{Title: "leave no credentials in the workspace"}
	for _, o := range s.of.steps {
		if e.needsCredentials(o) {
			return pipelines.Lowering{}, fmt.Errorf("the job needs the credentials to push or fetch")
		}
		if o.index < s.index && o.is("actions/checkout") && o.persists() {
			l.Changes = append(l.Changes, o.change(resource.Set, "persist-credentials", value.Value{Kind: value.Bool}))
		}
	}
	if len(l.Changes) == 0 {
		return pipelines.Lowering{}, nil
	}
	return l, nil
}

// mended names the version of an action in which its vulnerability was mended. Which commit that is nobody knows offline.
func mended(n *document.Node, u use) (pipelines.Lowering, error) {
	v, ok := parseVersion(u.version)
	if isCommit(u.ref) {
		return pipelines.Lowering{}, fmt.Errorf("which commit the mended version has can only be asked on the net")
	}
	for _, a := range table()[u.repo] {
		for _, b := range a.ranges {
			if a.kind != "vulnerable" || a.commit != "" || !ok || !b.has(v) || b.to == (version{}) {
				continue
			}
			prefix := ""
			if strings.HasPrefix(u.ref, "v") {
				prefix = "v"
			}
			name, _, _ := strings.Cut(u.text, "@")
			now := fmt.Sprintf("%s@%s%d.%d.%d", name, prefix, b.to.major, b.to.minor, b.to.patch)
			return pipelines.Lowering{
				Changes: []document.Change{{Op: resource.Set, At: n, Path: value.Path{{Name: "uses"}}, Value: value.Value{Kind: value.String, Text: now}}},
				Also:    []value.Path{{{Name: "uses"}}, {{Name: "ref"}}, {{Name: "version"}}},
				Title:   "use " + now,
			}, nil
		}
	}
	return pipelines.Lowering{}, nil
}

// named lists the secrets that a workflow of the repository asks for, in place of giving it all of them.
func (e *evaluation) named(j *job) (pipelines.Lowering, error) {
	if textOf(j.node.Get("secrets")) != "inherit" {
		return pipelines.Lowering{}, nil
	}
	m := e.index.model(e.index.called(j.uses))
	if m == nil {
		return pipelines.Lowering{}, fmt.Errorf("the called workflow is not here: nobody knows which secrets it asks for")
	}
	t := m.trigger("workflow_call")
	if t == nil || t.config.Get("secrets") == nil {
		return pipelines.Lowering{}, fmt.Errorf("the called workflow does not say which secrets it asks for")
	}
	var wished value.Value
	wished.Kind = value.Object
	var body pipelines.Body
	for i := range membersOf(t.config.Get("secrets")) {
		name := t.config.Get("secrets").Members[i].Key.Text
		body.Set(name, value.Value{Kind: value.String, Text: "${{ secrets." + name + " }}"})
	}
	wished.Fields = body.Object(j.node.Range).Fields
	for _, k := range m.jobs { // what it reads without asking would be empty
		for _, n := range append(e.secretsOfIn(m, k), note{}) {
			if n.text != "" && wished.Field(n.text).Kind == value.Absent && wished.Field(strings.ToUpper(n.text)).Kind == value.Absent {
				return pipelines.Lowering{}, fmt.Errorf("the called workflow reads %s without asking for it", n.text)
			}
		}
	}
	return pipelines.Lowering{
		Changes: []document.Change{{Op: resource.Set, At: j.node, Path: value.Path{{Name: "secrets"}}, Value: wished}},
		Also:    []value.Path{{{Name: "secrets"}}},
		Title:   "name the secrets",
	}, nil
}

// lowerName names a workflow or action after its file or folder, in a line of its own at the top.
func (e *evaluation) lowerName(c resource.Change) (pipelines.Lowering, bool, error) {
	if c.Op != resource.Remove || len(c.Path) != 1 || c.Path[0].Name != "unnamed" {
		return pipelines.Lowering{}, false, nil
	}
	root := e.model.root
	_, name, _ := strings.Cut(e.model.address(), ".")
	switch {
	case textOf(root.Get("name")) != "":
		return pipelines.Lowering{}, true, nil
	case root.Member("name") != nil || root.Style != document.Block || !isPlain(name) || name == "":
		return pipelines.Lowering{}, true, fmt.Errorf("nobody knows what it should be called")
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	if v := document.ReadPlain(name, false); v.Kind != value.String {
		return pipelines.Lowering{}, true, fmt.Errorf("%s is no name", name)
	}
	eol := "\n"
	if strings.Contains(string(e.model.file.Bytes), "\r\n") {
		eol = "\r\n"
	}
	at := source.Range{File: root.Range.File, Start: root.Range.Start, End: root.Range.Start}
	return pipelines.Lowering{Edits: []source.Edit{{Range: at, Text: "name: " + name + eol}}, Also: []value.Path{{{Name: "name"}}}, Title: "name it " + name}, true, nil
}
