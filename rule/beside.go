package rule

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
)

// besideFunctions is the function of companions that have a companion in common.
var besideFunctions = []function{{
	Function: Function{
		Name:       "beside",
		Signatures: []string{"beside(dyn) -> resources"},
		Doc:        "The resources that name the same thing as an attribute does, by type: beside(this.bucket).aws_s3_bucket_public_access_block is the public access block of the bucket that this is about, whether the bucket is in the code or only named.",
		Example:    `beside(this.bucket).aws_s3_bucket_public_access_block.exists(b, b.ignore_public_acls)`,
	},
	call: func(*frame, []val) val { return fails("a type must follow beside(…)") }, // compiled by gather
}}

// beside lists the resources of a type that name what a value names.
func (f *frame) beside(v *val, typ string) val {
	at := f.within(v.at)
	seq := &sequence{why: at}
	out := val{kind: list, seq: seq, at: at}
	if v.kind == null || v.at == nil {
		seq.open = v.kind == unknown
		return out
	}
	owner, path := v.at.root(), v.at.path()
	var targets []*resource.Resource
	perhaps := make(map[*resource.Resource]bool)
	for _, ref := range owner.RefAt(path) {
		for _, t := range f.graph.Targets(ref.Target) {
			targets = append(targets, t)
			perhaps[t] = ref.Maybe
		}
	}
	if len(targets) == 0 {
		for _, l := range f.program.set.Links(owner.Type) {
			if l.Attribute == names(path) {
				f.besideName(v, l.Target, typ, seq)
			}
		}
		return out
	}
	this := f.this
	defer func() { f.this = this }()
	for _, t := range targets {
		f.this = t
		found := f.linked(typ, "")
		for i := range found.seq.items {
			if x := found.seq.items[i]; x.at.res != this && !slices.ContainsFunc(seq.items, func(y val) bool { return y.at.res == x.at.res }) {
				x.maybe = x.maybe || perhaps[t]
				seq.items = append(seq.items, x)
			}
		}
		seq.open = seq.open || found.seq.open
	}
	return out
}

// besideName lists the resources of a type whose link to a target names it as v does. Nothing in the code is the target.
func (f *frame) besideName(v *val, target, typ string, seq *sequence) {
	for _, r := range f.naming(v, target, typ) {
		f.step()
		if r == f.this {
			continue
		}
		t := no
		for _, l := range f.program.set.Links(typ) {
			if l.Target != target {
				continue
			}
			for _, e := range ends(&r.Body, strings.Split(l.Attribute, "."), nil) {
				if same := f.namesSame(v, r, e, l.TargetAttributes); same == yes || same == open && t == no {
					t = same
				}
			}
		}
		if t != no {
			x := f.asValue(r)
			x.maybe = x.maybe || t == open
			seq.items = append(seq.items, x)
		}
	}
}

// namesSame decides whether a link names what v names: by its own value, or by the names of the resource that it refers to.
func (f *frame) namesSame(v *val, r *resource.Resource, e end, attributes []string) verdict {
	t := no
	referred := false
	for _, ref := range r.RefAt(e.path) {
		for _, target := range f.graph.Targets(ref.Target) {
			referred = true
			for _, a := range attributes {
				if field := target.Body.Field(a); field.IsSet() {
					w := view(field, nil)
					if same := equal(v, &w); same == yes || same == open && t == no {
						t = same
					}
				}
			}
		}
	}
	if referred {
		if t == no && v.kind == unknown {
			return open // the target may have a name that the cloud gives it
		}
		return t
	}
	w := view(e.value, nil)
	if w.kind == null {
		return no
	}
	return equal(v, &w)
}
