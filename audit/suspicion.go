package audit

import (
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// suspicion is that something is wrong, while a few more lines are read to say what. It never ends in acquittal.
//
// There are two kinds. When the hashes of the segment are proved, a record differs from what is due, and its neighbours tell
// whether it was changed, removed, inserted or moved. When the hashes themselves do not give the signed root (tree is set), the
// records of the segment tell whether only the list of hashes was changed, and where list and records disagree otherwise.
type suspicion struct {
	at   int         // the line
	seen []tlog.Hash // of the records from the suspected one on; the zero hash for what is none
	wait int         // lines that are still wanted
	tree Frontier    // before the segment, when its hashes are not proved
}

// newSuspicion decides how much has to be read on after a record that is not the one that is due.
func newSuspicion(v *verifier, text string) *suspicion {
	s := &suspicion{at: v.number}
	h, _ := leafOf(text)
	s.seen = []tlog.Hash{h}
	left := v.leaves[v.next-v.start:]
	switch i := slices.Index(left, h); {
	case i > 0: // a later record: the one that is due was moved behind it, or removed
		s.wait = len(left)
	case slices.Contains(v.leaves, h): // an earlier one, once more
		s.wait = 0
	default:
		s.wait = 1
	}
	return s
}

// line takes a line after the suspected one.
func (s *suspicion) line(v *verifier, raw []byte) error {
	text := strings.TrimSuffix(string(raw), "\n")
	h, isRecord := leafOf(text)
	if !v.proved {
		s.seen = append(s.seen, h)
		if !isRecord || int64(len(s.seen)) == v.signed.Size-v.start {
			return s.fault(v)
		}
		return nil
	}
	s.seen = append(s.seen, h)
	s.wait--
	if !isRecord || s.wait <= 0 {
		return s.fault(v)
	}
	return nil
}

// fault says what is wrong.
func (s *suspicion) fault(v *verifier) error {
	v.number = s.at
	if !v.proved {
		return s.unproved(v)
	}
	k := v.next
	left := v.leaves[k-v.start:]
	h := s.seen[0]
	switch i := slices.Index(left, h); {
	case i > 0 && slices.Contains(s.seen[1:], left[0]):
		return v.fault(k, "record %d is not in its place: record %d stands there, they were reordered", k, k+int64(i))
	case i == 1:
		return v.fault(k, "record %d was removed", k)
	case i > 1:
		return v.fault(k, "the records from %d to %d were removed", k, k+int64(i)-1)
	case slices.Contains(v.leaves, h):
		return v.fault(k, "a copy of record %d was inserted before record %d", v.start+int64(slices.Index(v.leaves, h)), k)
	case len(s.seen) > 1 && s.seen[1] == left[0]:
		return v.fault(k, "something was inserted before record %d", k)
	}
	return v.fault(k, "record %d was changed", k)
}

// unproved is the fault of a segment whose hashes do not give the root that was signed.
func (s *suspicion) unproved(v *verifier) error {
	tree := s.tree
	for _, h := range s.seen {
		tree.Append(h)
	}
	if tree.Size == v.signed.Size && tree.Root() == v.signed.Root {
		return v.fault(-1, "the list of hashes of the records from %d to %d was changed; the records are right", v.start, v.signed.Size-1)
	}
	for i, h := range s.seen {
		if h != v.leaves[i] {
			return v.fault(v.start+int64(i), "record %d was changed, and so were the hashes that prove it", v.start+int64(i))
		}
	}
	return v.fault(v.start, "the records from %d to %d are not those that were signed, and their hashes were changed with them; %d is the first that is not proved", v.start, v.signed.Size-1, v.start)
}
