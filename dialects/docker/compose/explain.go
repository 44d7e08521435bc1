package compose

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// explainer answers questions about an evaluated project.
type explainer struct {
	estate *estate
	unit   *unit
}

var errNotOurs = errors.New("it was not made by this dialect")

// Explain tells which variables the value at path is made of, and which are missing.
func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	d, ok := r.Handle.(*declared)
	if !ok {
		return dialect.Explanation{}
	}
	var out dialect.Explanation
	if len(p) > 0 && d.section != "" {
		out.Path = d.section + "." + d.name + "." + writtenPath(r, p).String()
	}
	n := d.at(p)
	if n == nil {
		return out
	}
	waits := make(map[string]dialect.Wait)
	seen := make(map[string]bool)
	var walk func(n *node, depth int)
	walk = func(n *node, depth int) {
		if depth > 100 {
			return
		}
		for _, piece := range n.text {
			if piece.hole != "" {
				waits[piece.hole] = dialect.Wait{Name: piece.hole, Kind: "variable"}
			}
			if piece.from != "" && !piece.at.IsZero() && !seen[piece.from] {
				seen[piece.from] = true
				out.Trace = append(out.Trace, dialect.Step{Name: piece.from, Range: piece.at})
			}
		}
		if n.opaque && n.raw != nil && n.raw.Tag != "" {
			waits[n.raw.Tag] = dialect.Wait{Name: n.raw.Tag, Kind: "function", Range: n.at}
		}
		for _, f := range n.fields {
			walk(f.node, depth+1)
		}
		for _, item := range n.items {
			walk(item, depth+1)
		}
		if n.more {
			if files := d.node.get("env_file"); files != nil && len(p) > 0 && p[0].Name == "environment" {
				for _, item := range files.items {
					if text, known := item.get("path").scalar(); known {
						waits[text] = dialect.Wait{Name: text, Kind: "data", Range: item.at}
					}
				}
			} else if from := d.node.get("extends"); from != nil {
				waits["extends"] = dialect.Wait{Name: fmt.Sprintf("services.%s.extends", d.name), Kind: "module", Range: from.at}
			}
		}
	}
	walk(n, 0)
	for _, name := range slices.Sorted(maps.Keys(waits)) {
		out.Waits = append(out.Waits, waits[name])
	}
	return out
}

// at returns the node behind a value; what is not there leads to the nearest that may have it.
func (d *declared) at(p value.Path) *node {
	n := d.node
	for i, step := range p {
		var next *node
		switch {
		case step.Name != "" && n.kind == document.Mapping:
			next = n.get(step.Name)
		case step.Name != "" && n.kind == document.Sequence && i == 1 && p[0].Name == "security_opt":
			return n
		case step.Name == "" && n.kind == document.Sequence:
			if items := n.present(); step.Index < len(items) {
				next = items[step.Index]
			}
		}
		if next == nil {
			if n.more {
				return n
			}
			return nil
		}
		n = next
	}
	return n
}

// present returns the items of a sequence that were not taken away.
func (n *node) present() []*node {
	if !slices.ContainsFunc(n.items, func(c *node) bool { return c.reset }) {
		return n.items
	}
	var out []*node
	for _, c := range n.items {
		if !c.reset {
			out = append(out, c)
		}
	}
	return out
}

// writtenPath is the path as far as people have written it: a part of a short form is not.
func writtenPath(r *resource.Resource, p value.Path) value.Path {
	d, ok := r.Handle.(*declared)
	if !ok {
		return p
	}
	n := d.node
	for i, step := range p {
		var next *node
		if step.Name != "" {
			next = n.get(step.Name)
		} else if items := n.present(); step.Index < len(items) {
			next = items[step.Index]
		}
		if next == nil {
			if step.Name != "" && n.kind == document.Sequence { // security_opt
				return p[:i]
			}
			return p
		}
		if next.short != nil && next.kind == document.Scalar && !next.keyed {
			return p[:i]
		}
		n = next
	}
	return p
}

func titleOf(changes []resource.Change, r *resource.Resource) string {
	var titles []string
	for _, c := range changes {
		title := string(c.Op) + " " + c.Path.String()
		if shown := value.Show(&c.Value); c.Op == resource.Set && len(shown) <= 60 {
			title += " to " + shown
		}
		titles = append(titles, title)
	}
	return strings.Join(slices.Compact(titles), ", ")
}
