package manifest

import (
	"cmp"
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// roster is objects of one type, and one name where it is known, in the order of the unit; those of a namespace are found without
// looking at the others, so that a thousand namespaces with the same names in each cost a thousand times one.
type roster struct {
	all   []*entity
	in    map[string][]*entity // by the key of a namespace that has a name; nil until it is asked for
	loose []*entity            // those that may be in a namespace of any name, or in none
}

// fewEnough is how many objects are rather looked at than looked up.
const fewEnough = 8

// near returns the objects that may be in a namespace, in order: all but those that are known to be in another one. A namespace of nil
// returns all.
func (r *roster) near(namespace *value.Value) []*entity {
	if r == nil {
		return nil
	}
	if namespace == nil || len(r.all) <= fewEnough || !isNamed(keyOf(namespace)) {
		return r.all
	}
	if r.in == nil {
		r.in = make(map[string][]*entity)
		for _, e := range r.all {
			if key := keyOf(&e.namespace); isNamed(key) && !e.kind.wide {
				r.in[key] = append(r.in[key], e)
			} else {
				r.loose = append(r.loose, e)
			}
		}
	}
	return merged(r.in[keyOf(namespace)], r.loose, func(e *entity) int { return e.position })
}

// isNamed reports whether a key is that of a namespace of which the name is known: it is none that has another name.
func isNamed(key string) bool { return strings.HasPrefix(key, "=") }

// merged joins two lists without a common element, both of which rise.
func merged[T any](a, b []T, position func(T) int) []T {
	if len(b) == 0 {
		return a
	}
	if len(a) == 0 {
		return b
	}
	out := slices.Concat(a, b)
	slices.SortFunc(out, func(x, y T) int { return cmp.Compare(position(x), position(y)) })
	return out
}
