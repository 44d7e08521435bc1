package translate

import (
	"fmt"
	"slices"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// remove wishes that nothing be written of what makes the value at a path.
func (b *back) remove(o *Origin, r *resource.Resource, path value.Path) error {
	var found []site
	for _, s := range b.sites {
		if len(s.target) >= len(path) && slices.Equal(s.target[:len(path)], path) {
			found = append(found, s)
		}
	}
	if len(found) == 0 && r.Body.At(path).IsSet() {
		// It is within something that was carried over as a whole, or it is implied.
		var holder *site
		for i, s := range b.sites {
			if len(s.target) < len(path) && slices.Equal(s.target, path[:len(s.target)]) && !s.row.group && (holder == nil || len(s.target) > len(holder.target)) {
				holder = &b.sites[i]
			}
		}
		if holder == nil {
			return fmt.Errorf("%s: %s is implied by the type", b.native, path)
		}
		inner, _, _, err := b.inside(holder.row, b.body.At(holder.native), path[len(holder.target):], value.Value{}, resource.Remove)
		if err != nil {
			return fmt.Errorf("%s has no property for %s", b.native, path)
		}
		if len(inner) == 2 && len(holder.row.convert) > 0 && inner[0].Name == "" {
			inner = inner[:1] // a pair goes as a whole
		}
		b.wish(resource.Remove, slices.Concat(holder.native, inner), value.Value{})
		return nil
	}
	for _, s := range found {
		if len(s.native) == len(o.path) {
			continue // the resource itself
		}
		covered := slices.ContainsFunc(found, func(o site) bool {
			return len(o.native) < len(s.native) && slices.Equal(o.native, s.native[:len(o.native)])
		}) || slices.ContainsFunc(b.wishes, func(w Wish) bool { return w.Op == resource.Remove && slices.Equal(w.Path, s.native) })
		if !covered {
			b.wish(resource.Remove, s.native, value.Value{})
		}
	}
	return nil
}
