package manifest

import (
	"strings"

	"plumbline.dev/plumbline/value"
)

// IsObject reports whether a value is an object of Kubernetes: it says of which API version and kind it is. Files that build
// others (kustomizations) look like objects and are none.
func IsObject(v *value.Value) bool {
	version, kind := v.Field("apiVersion"), v.Field("kind")
	return version.Kind == value.String && version.Text != "" && kind.Kind == value.String && kind.Text != "" && !strings.HasPrefix(version.Text, "kustomize.config.k8s.io/")
}

// Unfold returns the objects that a list (kind: List, PodList, …) holds, or the object itself when it is none. What is no
// object in it is left out.
func Unfold(o Object) []Object {
	if !IsObject(&o.Body) {
		return nil
	}
	items := o.Body.Field("items")
	if !strings.HasSuffix(o.Body.Field("kind").Text, "List") || items.Kind != value.List {
		return []Object{o}
	}
	var out []Object
	for i := range items.Items {
		item := items.Items[i]
		inner := o
		inner.Body, inner.Header = item, o.Header
		inner.Within = path(o.Within, "items", i)
		inner.Maybe = o.Maybe || item.Maybe
		if item.Field("apiVersion").Kind == value.Absent && item.Field("kind").Kind == value.Absent && item.Kind == value.Object {
			// A list of one kind says it once: PodList.
			if kind := strings.TrimSuffix(o.Body.Field("kind").Text, "List"); kind != "" {
				inner.Body = with(with(item, "kind", text(kind)), "apiVersion", *o.Body.Field("apiVersion"))
			}
		}
		if !item.Range.IsZero() {
			inner.Range = item.Range
		}
		out = append(out, Unfold(inner)...)
	}
	return out
}
