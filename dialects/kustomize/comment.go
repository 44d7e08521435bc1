package kustomize

import (
	"bytes"
	"context"
	"slices"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Comments returns the comments of a kustomization, with those in the patches that are written inside of it, and of a manifest or patch
// as Kubernetes has them.
func (e *estate) Comments(p string) []dialect.Comment {
	f, problem := e.workspace.Read(p)
	if !isName(p) || problem == nil && !isOurs(f.Bytes) {
		out := e.all.Comments(p)
		if problem == nil {
			out = append(out, e.annotations(f)...)
		}
		return out
	}
	if problem != nil {
		return nil
	}
	out := append(e.comments(f), e.annotations(f)...)
	slices.SortStableFunc(out, func(a, b dialect.Comment) int { return a.Range.Start - b.Range.Start })
	return out
}

// annotations returns what a file says of rules in the annotations of objects that are built, as comments. A patch speaks of all of the
// object, wherever the rest of it is written; which object that is, is known when what names it is built.
func (e *estate) annotations(f *source.File) []dialect.Comment {
	if !manifest.MayIgnore(f.Bytes) {
		return nil
	}
	var out []dialect.Comment
	for _, dir := range e.graph.tops {
		name := e.unitName(dir)
		comments, ok := e.said.Load(name)
		if !ok {
			e.evaluate(context.Background(), name)
			comments, _ = e.said.Load(name)
		}
		for _, c := range comments.([]dialect.Comment) {
			if c.Range.File == f.Path && !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// comments returns the comments of a kustomization.
func (e *estate) comments(f *source.File) []dialect.Comment {
	if !bytes.Contains(f.Bytes, []byte("#")) {
		return nil
	}
	p := f.Path
	t := e.text(p)
	out := slices.Clone(t.doc.Comments)
	e.mu.Lock()
	k := e.read[p]
	e.mu.Unlock()
	if k != nil && k.text != nil {
		out = e.framed(k, out)
	}
	return out
}

// framed gives comments the entry of a generator that they stand in, and adds those of patches.
func (e *estate) framed(k *kustomization, out []dialect.Comment) []dialect.Comment {
	root := k.text.doc.Roots[0]
	for _, list := range [...]string{"configMapGenerator", "secretGenerator"} {
		n := root.Get(list)
		if n == nil || n.Kind != document.Sequence {
			continue
		}
		for i := range n.Items {
			at := n.Place(i)
			for j := range out {
				c := &out[j]
				if at.Contains(c.Range) {
					c.Block = at
				}
				if c.Alone && c.Target.File != "" && (c.Target.Start == at.Start || c.Target.Start == n.Items[i].Range.Start) {
					c.Target = at
				}
			}
		}
	}
	for i := range k.patches {
		p := &k.patches[i]
		if p.Patch.Patch == "" || !bytes.Contains([]byte(p.Patch.Patch), []byte("#")) {
			continue
		}
		at := p.at
		if at[0].Name != "patchesStrategicMerge" {
			at = append(at[:len(at):len(at)], value.Step{Name: "patch"})
		}
		t := e.inline(k, at, p.Patch.Patch)
		if t.starts == nil {
			continue
		}
		for _, c := range t.doc.Comments {
			for _, r := range [...]*source.Range{&c.Range, &c.Target, &c.Block, &c.About} {
				if !r.IsZero() {
					*r = t.place(*r)
				}
			}
			out = append(out, c)
		}
	}
	return out
}
