//lint:file-ignore SA1019 what kustomize calls old it still builds, and people still write it

package kustomize

import (
	"path"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// explainer answers questions about a kustomization that was built.
type explainer struct {
	unit *unit
}

// Explain tells which base or patch says a value, and what was there before a patch came.
func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	part, ok := r.Handle.(*manifest.Part)
	if !ok || x.unit == nil {
		return dialect.Explanation{}
	}
	o, ok := part.Object.Handle.(*object)
	if !ok {
		return dialect.Explanation{}
	}
	inside := part.Path(p)
	out := dialect.Explanation{Path: inside.String()}
	_, of, rest := o.find(inside)
	if len(rest) > 0 {
		return out
	}
	if len(inside) > 0 {
		out.Trace = o.trace(inside, of)
	}
	if v := r.Body.At(p); v.Kind == value.Unknown {
		out.Waits = append(out.Waits, dialect.Wait{Name: o.waits(v, out.Path), Kind: "variable", Range: v.Range})
	}
	return out
}

// waits names what would decide a value.
func (o *object) waits(v *value.Value, at string) string {
	for _, k := range o.unit.order {
		for i := range k.spec.Vars {
			if n, _, rest := o.find(parsed(at)); len(rest) == 0 && strings.Contains(n.Value, "$("+k.spec.Vars[i].Name+")") {
				return "vars " + k.spec.Vars[i].Name
			}
		}
	}
	if o.generator != nil && v.Given && v.Text == "" {
		return "what is in the file at " + at
	}
	return "what is filled in at " + at
}

func parsed(p string) value.Path {
	out, _ := value.ParsePath(p)
	return out
}

// trace is the way of a value: what the base says, and who says otherwise. What stands in the base needs none.
func (o *object) trace(at value.Path, of origin) []dialect.Step {
	written := of.at()
	if written.IsZero() || of.spot != nil && o.base != nil && of.spot.text == o.base.text && of.set == "" {
		return nil
	}
	var out []dialect.Step
	if o.base != nil {
		if before := o.along(o.base, at); before != nil {
			out = append(out, dialect.Step{Name: before.text.name, Range: before.place()})
		}
	}
	name := of.set
	if name == "" {
		name = of.spot.text.name
		for i := len(o.touches) - 1; i >= 0; i-- {
			if t := o.touches[i]; t.text == of.spot.text && !t.text.patch {
				name = t.at.String() + " of " + path.Join(t.by.dir, path.Base(t.by.file.Path))
				break
			}
		}
	}
	return append(out, dialect.Step{Name: name, Range: written})
}
