package audit

import (
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Frontier is the right edge of a tree: the roots of its complete subtrees, from the largest to the smallest. It is all that is
// needed to append, and to know the root; it has one hash for each bit that is set in Size. The zero value is the empty tree.
type Frontier struct {
	Size  int64
	Roots []tlog.Hash
}

// Append adds a record's leaf hash and returns the hashes that the tree has now and had not before, in the order of tlog's
// stored hashes: the first has the index tlog.StoredHashIndex(0, size before).
func (f *Frontier) Append(leaf tlog.Hash) []tlog.Hash {
	added := []tlog.Hash{leaf}
	h := leaf
	for n := f.Size; n&1 == 1; n >>= 1 {
		last := len(f.Roots) - 1
		h = tlog.NodeHash(f.Roots[last], h)
		f.Roots = f.Roots[:last]
		added = append(added, h)
	}
	f.Roots = append(f.Roots, h)
	f.Size++
	return added
}

// Root is the hash of the tree; the empty tree has RFC 6962's, the SHA-256 of nothing.
func (f *Frontier) Root() tlog.Hash {
	if len(f.Roots) == 0 {
		root, _ := tlog.TreeHash(0, nil) // reads nothing
		return root
	}
	h := f.Roots[len(f.Roots)-1]
	for i := len(f.Roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.Roots[i], h)
	}
	return h
}

// Clone is a copy that shares nothing.
func (f *Frontier) Clone() Frontier {
	return Frontier{Size: f.Size, Roots: append([]tlog.Hash(nil), f.Roots...)}
}

// MarshalBinary writes the roots one after the other, 32 bytes each; the size is kept elsewhere.
func (f *Frontier) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, len(f.Roots)*tlog.HashSize)
	for _, h := range f.Roots {
		b = append(b, h[:]...)
	}
	return b, nil
}

// ReadFrontier reads what MarshalBinary wrote; it errs unless there are as many roots as a tree of that size has.
func ReadFrontier(size int64, b []byte) (Frontier, error) {
	n := bits.OnesCount64(uint64(size))
	if size < 0 || len(b) != n*tlog.HashSize {
		return Frontier{}, fmt.Errorf("the edge of the audit tree: %d bytes for %d records", len(b), size)
	}
	f := Frontier{Size: size, Roots: make([]tlog.Hash, n)}
	for i := range f.Roots {
		copy(f.Roots[i][:], b[i*tlog.HashSize:])
	}
	return f, nil
}

// Inclusion proves that record n is in the tree of a size.
func Inclusion(n, size int64, r tlog.HashReader) ([]tlog.Hash, error) {
	if n < 0 || n >= size {
		return nil, fmt.Errorf("record %d is not in a log of %d", n, size)
	}
	p, err := tlog.ProveRecord(size, n, r)
	return p, err
}

// CheckInclusion errs unless the proof shows that record n of the tree with that size and root has the leaf hash.
func CheckInclusion(proof []tlog.Hash, at Checkpoint, n int64, leaf tlog.Hash) error {
	if n < 0 || n >= at.Size {
		return fmt.Errorf("record %d is not in a log of %d", n, at.Size)
	}
	return tlog.CheckRecord(proof, at.Size, at.Root, n, leaf)
}

// Consistency proves that the tree of size old is the beginning of the tree of a size. Nothing has to be proved when old is 0
// or equal to size.
func Consistency(old, size int64, r tlog.HashReader) ([]tlog.Hash, error) {
	if old < 0 || old > size {
		return nil, fmt.Errorf("a log of %d is not the beginning of one of %d", old, size)
	}
	if old == 0 || old == size {
		return nil, nil
	}
	return tlog.ProveTree(size, old, r)
}

// ErrFork is that two checkpoints of one log cannot both be true.
var ErrFork = errors.New("the log was forked: two checkpoints of it contradict each other")

// CheckConsistency errs unless the proof shows that old is the beginning of later.
func CheckConsistency(proof []tlog.Hash, old, later Checkpoint) error {
	switch {
	case old.Origin != later.Origin:
		return fmt.Errorf("checkpoints of two logs, %s and %s", old.Origin, later.Origin)
	case old.Size > later.Size:
		return fmt.Errorf("the checkpoint of size %d is older than the one of size %d", later.Size, old.Size)
	case old.Size == 0:
		return nil
	case old.Size == later.Size:
		if old.Root != later.Root {
			return ErrFork
		}
		return nil
	}
	if err := tlog.CheckTree(proof, later.Size, later.Root, old.Size, old.Root); err != nil {
		return fmt.Errorf("%w: %w", ErrFork, err)
	}
	return nil
}
