package scan

import (
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
	from := finding.Pair(keysOf(before), keysOf(after))
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

// keysOf returns what findings are recognised by.
func keysOf(findings []finding.Finding) []finding.Key {
	keys := make([]finding.Key, len(findings))
	for i := range findings {
		keys[i] = findings[i].Key()
	}
	return keys
}
