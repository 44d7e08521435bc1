package kubernetes

import (
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// explainer answers questions about an evaluated directory.
type explainer struct {
	graph *resource.Graph
}

// Explain shows an attribute as people find it: by its path in the object. A manifest waits for whatever fills its placeholders in.
func (x *explainer) Explain(r *resource.Resource, path value.Path) dialect.Explanation {
	part, ok := r.Handle.(*manifest.Part)
	if !ok {
		return dialect.Explanation{}
	}
	out := dialect.Explanation{Path: part.Path(path).String()}
	if v := r.Body.At(path); v.Kind == value.Unknown {
		wait := dialect.Wait{Name: "what is filled in at " + out.Path, Kind: "variable", Range: v.Range}
		out.Waits = append(out.Waits, wait)
	}
	return out
}
