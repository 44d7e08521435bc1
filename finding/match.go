package finding

import "strings"

// Key is what a finding, or an entry of a baseline, is recognised by.
type Key struct {
	ID      string // see Identify
	Twin    string // see Twin
	Outcome Outcome
	Spot    string // see Spot
}

// Key returns what the finding is recognised by.
func (f *Finding) Key() Key { return Key{f.ID, f.Twin, f.Outcome, Spot(f.Path, f.Resource.Address)} }

// Spot tells findings of one block apart: by attribute, and by the instance keys of the address, whose names may change.
func Spot(path, address string) string {
	var b strings.Builder
	b.WriteString(path)
	quoted, inside := false, false
	for i := 0; i < len(address); i++ {
		c := address[i]
		switch {
		case quoted && c == '\\' && i+1 < len(address):
			b.WriteByte(c)
			i++
			c = address[i]
		case c == '"':
			quoted = !quoted
		case c == '[' && !quoted:
			inside = true
		case c == ']' && !quoted:
			inside = false
			b.WriteByte(c)
		}
		if inside {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Pair returns for each key of after the index of its partner in before, or -1. No partner is given twice. What has
// the same identity and outcome on both sides is the same. Of the rest, the same twin recognises when there is exactly one on each
// side; where there are more, the spot must single one out on each side. Whatever stays ambiguous has no partner.
func Pair(before, after []Key) []int {
	from := make([]int, len(after))
	for i := range from {
		from[i] = -1
	}
	taken := make([]bool, len(before))

	// The same identity. It can occur more than once only where an address does; then equal texts belong together first.
	byID := func(recipe func(Key) Key) {
		waiting := make(map[Key][]int)
		for o, k := range before {
			if !taken[o] && k.ID != "" {
				waiting[recipe(k)] = append(waiting[recipe(k)], o)
			}
		}
		for i, k := range after {
			if from[i] >= 0 || k.ID == "" {
				continue
			}
			if list := waiting[recipe(k)]; len(list) > 0 {
				from[i], taken[list[0]] = list[0], true
				waiting[recipe(k)] = list[1:]
			}
		}
	}
	byID(func(k Key) Key { return Key{ID: k.ID, Twin: k.Twin, Outcome: k.Outcome} })
	byID(func(k Key) Key { return Key{ID: k.ID, Outcome: k.Outcome} })

	// The same text, where it is the only candidate on both sides. Both counts are taken before anything is paired, so
	// that no pair makes an ambiguous remainder look certain.
	type candidates struct{ before, after, old int }
	count := func(recipe func(Key) Key) map[Key]candidates {
		counts := make(map[Key]candidates)
		for o, k := range before {
			if !taken[o] && k.Twin != "" {
				c := counts[recipe(k)]
				c.before++
				c.old = o
				counts[recipe(k)] = c
			}
		}
		for i, k := range after {
			if from[i] < 0 && k.Twin != "" {
				c := counts[recipe(k)]
				c.after++
				counts[recipe(k)] = c
			}
		}
		return counts
	}
	exact := func(k Key) Key { return Key{Twin: k.Twin, Outcome: k.Outcome, Spot: k.Spot} }
	text := func(k Key) Key { return Key{Twin: k.Twin, Outcome: k.Outcome} }
	exacts, texts := count(exact), count(text)
	for i, k := range after {
		if from[i] >= 0 || k.Twin == "" {
			continue
		}
		for _, c := range [...]candidates{exacts[exact(k)], texts[text(k)]} {
			if c.before == 1 && c.after == 1 {
				from[i], taken[c.old] = c.old, true
				break
			}
		}
	}
	return from
}
