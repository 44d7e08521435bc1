package scan

import (
	"strings"

	"plumbline.dev/plumbline/finding"
)

// Move is a finding that was recognised although its identity changed: its block was renamed or moved.
type Move struct {
	Old finding.Finding
	New finding.Finding
}

// Match compares two lists of findings. What has the same identity and outcome on both sides is the same finding. Of the
// rest, findings with the same twin are recognised when there is exactly one such finding on each side; where there are
// more, the attribute and the instance keys must single one out on each side. Whatever stays ambiguous counts as gone and
// added: a new finding must never hide behind an old one.
func Match(before, after []finding.Finding) (added, gone []finding.Finding, moved []Move) {
	from := pair(keysOf(before), keysOf(after))
	kept := make([]bool, len(before))
	for i, f := range after {
		o := from[i]
		if o < 0 {
			added = append(added, f)
			continue
		}
		kept[o] = true
		if before[o].ID != f.ID {
			moved = append(moved, Move{before[o], f})
		}
	}
	for i, f := range before {
		if !kept[i] {
			gone = append(gone, f)
		}
	}
	return added, gone, moved
}

// matchKey is what findings and entries of baselines are recognised by.
type matchKey struct {
	id      string
	twin    string
	outcome finding.Outcome
	spot    string // attribute path and instance keys
}

func keysOf(findings []finding.Finding) []matchKey {
	keys := make([]matchKey, len(findings))
	for i := range findings {
		f := &findings[i]
		keys[i] = matchKey{f.ID, f.Twin, f.Outcome, spot(f.Path, f.Resource.Address)}
	}
	return keys
}

// spot tells findings of one block apart: by attribute, and by the instance keys of the address, whose names may change.
func spot(path, address string) string {
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

// pair returns for each key of after the index of its partner in before, or -1. No partner is given twice.
func pair(before, after []matchKey) []int {
	from := make([]int, len(after))
	for i := range from {
		from[i] = -1
	}
	taken := make([]bool, len(before))

	// The same identity. It can occur more than once only where an address does; then equal texts belong together first.
	byID := func(recipe func(matchKey) matchKey) {
		waiting := make(map[matchKey][]int)
		for o, k := range before {
			if !taken[o] && k.id != "" {
				waiting[recipe(k)] = append(waiting[recipe(k)], o)
			}
		}
		for i, k := range after {
			if from[i] >= 0 || k.id == "" {
				continue
			}
			if list := waiting[recipe(k)]; len(list) > 0 {
				from[i], taken[list[0]] = list[0], true
				waiting[recipe(k)] = list[1:]
			}
		}
	}
	byID(func(k matchKey) matchKey { return matchKey{id: k.id, twin: k.twin, outcome: k.outcome} })
	byID(func(k matchKey) matchKey { return matchKey{id: k.id, outcome: k.outcome} })

	// The same text, where it is the only candidate on both sides. Both counts are taken before anything is paired, so
	// that no pair makes an ambiguous remainder look certain.
	type candidates struct{ before, after, old int }
	count := func(recipe func(matchKey) matchKey) map[matchKey]candidates {
		counts := make(map[matchKey]candidates)
		for o, k := range before {
			if !taken[o] && k.twin != "" {
				c := counts[recipe(k)]
				c.before++
				c.old = o
				counts[recipe(k)] = c
			}
		}
		for i, k := range after {
			if from[i] < 0 && k.twin != "" {
				c := counts[recipe(k)]
				c.after++
				counts[recipe(k)] = c
			}
		}
		return counts
	}
	exact := func(k matchKey) matchKey { return matchKey{twin: k.twin, outcome: k.outcome, spot: k.spot} }
	text := func(k matchKey) matchKey { return matchKey{twin: k.twin, outcome: k.outcome} }
	exacts, texts := count(exact), count(text)
	for i, k := range after {
		if from[i] >= 0 || k.twin == "" {
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
