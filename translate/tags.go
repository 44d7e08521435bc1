package translate

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// tags returns what a resource will be tagged with: its own tags over those that it inherits, when its type has tags.
func tags(r *resource.Resource, attributes shape, inherited []resource.Tag) []resource.Tag {
	var own []resource.Tag
	switch {
	case attributes.has("tags"):
		own = members(r.Body.Field("tags"))
	case attributes.has("labels"):
		own = members(r.Body.Field("labels"))
	case attributes.has("tag"): // an auto scaling group has its tags as blocks
		items := r.Body.Field("tag").Items
		for i := range items {
			if key := items[i].Field("key"); key.Kind == value.String {
				own = append(own, resource.Tag{Key: key.Text, Value: *items[i].Field("value"), Origin: "resource", Range: items[i].Range})
			}
		}
	default:
		return nil
	}
	if len(own)+len(inherited) == 0 {
		return nil
	}
	all := slices.Concat(inherited, own)
	slices.SortStableFunc(all, func(a, b resource.Tag) int { return strings.Compare(a.Key, b.Key) })
	out := all[:0]
	for i, tag := range all {
		if i+1 == len(all) || all[i+1].Key != tag.Key {
			out = append(out, tag)
		}
	}
	return slices.Clip(out)
}

func members(v *value.Value) []resource.Tag {
	if v.Kind != value.Object {
		return nil
	}
	var out []resource.Tag
	for i := range v.Fields {
		f := &v.Fields[i]
		if f.Value.Kind == value.Null {
			continue
		}
		where := f.Value.Range
		if where.IsZero() {
			where = v.Range
		}
		out = append(out, resource.Tag{Key: f.Name, Value: f.Value, Origin: "resource", Range: where})
	}
	return out
}
