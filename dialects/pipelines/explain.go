package pipelines

import (
	"slices"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// explainer answers questions about an evaluated unit.
type explainer struct{ unit *Unit }

// Explain tells where a value is in the file, and what an unknown waits for.
func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	h, ok := r.Handle.(*Handle)
	if !ok || x.unit == nil {
		return dialect.Explanation{}
	}
	var out dialect.Explanation
	if native, written := h.native(p); written && len(native) > 0 {
		out.Path = slices.Concat(h.Prefix, native).String()
	}
	if h.Trace != nil {
		out.Trace = h.Trace(p)
	}
	if v := r.Body.At(p); h.Waits != nil && (!v.IsWhollyKnown() || v.Kind == value.Absent) {
		out.Waits = sortedWaits(h.Waits(p))
	}
	return out
}
