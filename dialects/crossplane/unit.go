package crossplane

import (
	"context"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// evaluation is the manifests of one directory.
type evaluation struct {
	*estate
	unit      *unit
	manifests []*manifest
	byAddress map[string]*manifest
	byName    map[string][]*manifest
	problems  []source.Problem
}

func (e *estate) evaluate(ctx context.Context, of *unit) *dialect.Unit {
	u := &evaluation{estate: e, unit: of, byAddress: map[string]*manifest{}, byName: map[string][]*manifest{}}
	out := &dialect.Unit{Name: of.name}
	for _, f := range of.files {
		out.Reads.Files = append(out.Reads.Files, f.Path)
		if ctx.Err() != nil {
			break
		}
		u.collect(f)
	}
	slices.Sort(out.Reads.Files)
	for _, m := range u.manifests {
		m.evaluate(e.set, e.table(), u.firstLine)
		address := m.native.Address
		for n := 2; u.byAddress[m.native.Address] != nil; n++ {
			m.native.Address = numbered(address, n)
		}
		u.byAddress[m.native.Address] = m
		u.byName[m.name] = append(u.byName[m.name], m)
	}
	var all []*resource.Resource
	for _, m := range u.manifests {
		u.join(m)
		made := e.table().Resources(m.native)
		for _, r := range made {
			r.Native = strings.TrimSuffix(r.Native, "[]")
		}
		if made == nil {
			made = []*resource.Resource{u.foreign(m)}
		}
		all = append(all, made...)
	}
	e.table().Link(all)
	out.Graph = resource.NewGraph(all, nil)
	out.Explainer = &explainer{u}
	slices.SortStableFunc(u.problems, func(a, b source.Problem) int {
		if c := strings.Compare(a.Range.File, b.Range.File); c != 0 {
			return c
		}
		return a.Range.Start - b.Range.Start
	})
	out.Problems = u.problems
	return out
}

// collect finds the managed resources of a file. What is broken elsewhere in it is told too.
func (u *evaluation) collect(f *file) {
	t := f.read()
	u.problems = append(u.problems, t.problems...)
	add := func(m *manifest) bool {
		if len(u.manifests) >= u.limits.Resources {
			u.problems = append(u.problems, source.Problem{Kind: source.Limit, Range: m.place, Message: "there are more resources than are looked at; those from here on are left out"})
			return false
		}
		u.manifests = append(u.manifests, m)
		return true
	}
	for _, root := range t.document.Roots {
		if root.Kind != document.Mapping {
			continue
		}
		if m := managed(f, root, root.Range); m != nil && !add(m) {
			return
		}
		for _, list := range itemsOf(root) {
			if m := managed(f, list, list.Range); m != nil && !add(m) {
				return
			}
		}
		for _, c := range composed(root) {
			m := managed(f, c.base.Value, c.base.Range)
			if m == nil {
				continue
			}
			m.composition, m.name, m.patches = textOf(root.Get("metadata").Get("name")), c.name, c.patches
			if m.composition == "" {
				m.composition = "composition"
			}
			if !add(m) {
				return
			}
		}
	}
}

// itemsOf returns the manifests of a list of kubectl's.
func itemsOf(root *document.Node) []*document.Node {
	if n := root.Get("items"); n != nil && textOf(root.Get("kind")) == "List" && textOf(root.Get("apiVersion")) == "v1" {
		return n.Items
	}
	return nil
}

// foreign is a resource whose type Terraform does not have: it is counted, and others may refer to it.
func (u *evaluation) foreign(m *manifest) *resource.Resource {
	n := m.native
	return &resource.Resource{Address: n.Address, Type: n.Type, Native: n.Type, Name: n.Name, Dialect: "crossplane", Body: n.Body, Range: n.Range,
		Header: n.Header, Refs: n.Refs, Handle: m}
}

// join finds what the references of a manifest mean.
func (u *evaluation) join(m *manifest) {
	for _, e := range m.edges {
		wanted, attribute := "", "id"
		for _, l := range u.set.Links(m.typ) {
			if squash(l.Attribute) == squash(nameOf(e.path)) {
				wanted, attribute = l.Target, l.TargetAttributes[0]
				break
			}
		}
		candidates := u.byName[e.name]
		if e.name == "" {
			candidates = u.manifests
		}
		var found []*manifest
		for _, c := range candidates {
			switch {
			case c == m || c.composition != m.composition && (e.siblings || c.composition != "" && m.composition != ""):
			case e.name == "" && (len(e.labels) == 0 && !e.siblings || !c.hasLabels(e.labels)):
			case wanted != "" && c.typ != wanted:
			case wanted == "" && e.name == "" && !strings.Contains(squash(e.base), strings.ToLower(c.kind)):
			default:
				found = append(found, c)
			}
		}
		if wanted == "" && len(found) > 1 {
			found = slices.DeleteFunc(found, func(c *manifest) bool { return !strings.Contains(squash(e.base), strings.ToLower(c.kind)) })
		}
		for _, c := range found {
			m.native.Refs = append(m.native.Refs, resource.Ref{Path: e.path, Target: c.native.Address, Attribute: attribute})
		}
	}
}

func squash(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// nameOf is the names of a path, with dots between.
func nameOf(p value.Path) string {
	var names []string
	for _, s := range p {
		if s.Name != "" {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ".")
}

// firstLine returns the first line of a range.
func (u *evaluation) firstLine(r source.Range) source.Range {
	if f := u.files[r.File]; f != nil && r.End <= len(f.Bytes) {
		if i := strings.IndexAny(f.Text(r), "\r\n"); i >= 0 {
			r.End = r.Start + i
		}
	}
	return r
}
