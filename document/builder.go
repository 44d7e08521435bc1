package document

import (
	"fmt"

	"plumbline.dev/plumbline/source"
)

// span is a range of bytes of the file that is read.
type span struct{ start, end int }

// builder makes nodes. They are cut from large slices, and the members and items of the collections that are still open lie
// on two stacks: what a document of many small nodes costs is mostly the number of allocations.
type builder struct {
	file     *source.File
	problems []source.Problem
	comments []span

	members []Member
	items   []*Node

	nodes       []Node
	memberSlab  []Member
	itemSlab    []*Node
	duplicates  int
	nodeCount   int
	memberCount int
}

// maxNodes bounds the nodes of one file, and so the memory that it takes: a template of 8 MiB has some 400,000.
const maxNodes = 1 << 20

// duplicatesShown is how many double keys of one file are reported one by one.
const duplicatesShown = 20

func (b *builder) place(start, end int) source.Range {
	return source.Range{File: b.file.Path, Start: start, End: end}
}

func (b *builder) problem(kind source.ProblemKind, at source.Range, format string, args ...any) {
	b.problems = append(b.problems, source.Problem{Kind: kind, Range: at, Message: fmt.Sprintf(format, args...)})
}

func (b *builder) node(n Node) *Node {
	if len(b.nodes) == 0 {
		b.nodes = make([]Node, slabSize(b.nodeCount))
	}
	p := &b.nodes[0]
	b.nodes = b.nodes[1:]
	b.nodeCount++
	*p = n
	return p
}

// slabSize lets slabs grow with what there is already, so that small files stay small.
func slabSize(have int) int { return min(max(have, 32), 1024) }

// takeItems gives the items above a place on the stack to n.
func (b *builder) takeItems(n *Node, from int) {
	k := len(b.items) - from
	if k == 0 {
		return
	}
	if k > len(b.itemSlab) {
		b.itemSlab = make([]*Node, max(k, slabSize(b.nodeCount)))
	}
	n.Items, b.itemSlab = b.itemSlab[:k:k], b.itemSlab[k:]
	copy(n.Items, b.items[from:])
	b.items = b.items[:from]
}

// takeMembers gives the members above a place on the stack to n: of a key that comes twice the last one, and a problem.
func (b *builder) takeMembers(n *Node, from int) {
	written := b.members[from:]
	n.Members = b.keepMembers(written)
	if doubles := b.doubles(written); doubles != nil {
		n.odd = &odd{entries: n.Members}
		n.Members = make([]Member, 0, len(written)-len(doubles))
		for i := range n.odd.entries {
			if !doubles[i] {
				n.Members = append(n.Members, n.odd.entries[i])
			}
		}
	}
	b.members = b.members[:from]
}

func (b *builder) keepMembers(members []Member) []Member {
	k := len(members)
	if k == 0 {
		return nil
	}
	if k > len(b.memberSlab) {
		b.memberSlab = make([]Member, max(k, slabSize(b.memberCount)))
	}
	b.memberCount += k
	kept := b.memberSlab[:k:k]
	b.memberSlab = b.memberSlab[k:]
	copy(kept, members)
	return kept
}

// doubles returns the indexes of the members whose key comes again behind them, and reports them.
func (b *builder) doubles(members []Member) map[int]bool {
	var out map[int]bool
	found := func(first, again int) {
		if out == nil {
			out = make(map[int]bool)
		}
		out[first] = true
		if b.duplicates++; b.duplicates <= duplicatesShown {
			key := members[again].Key
			b.problem(source.Invalid, key.Range, "the key %.80q is at line %d already; the last one counts",
				key.Text, b.file.Position(members[first].Key.Range.Start).Line)
		}
	}
	if len(members) <= 12 {
		for i := range members {
			for j := i - 1; j >= 0; j-- {
				if sameKey(members[i].Key, members[j].Key) {
					found(j, i)
					break
				}
			}
		}
		return out
	}
	seen := make(map[string]int, len(members))
	for i := range members {
		if key := members[i].Key; key.Kind == Scalar && !isMerge(key) {
			if j, ok := seen[key.Text]; ok {
				found(j, i)
			}
			seen[key.Text] = i
		}
	}
	return out
}

func sameKey(a, b *Node) bool {
	return a.Text == b.Text && a.Kind == Scalar && b.Kind == Scalar && !isMerge(a) && !isMerge(b)
}

// isMerge reports whether a key merges other mappings into its own. In JSON all names are in quotes.
func isMerge(key *Node) bool {
	return key.Kind == Scalar && key.Style == Plain && key.Text == "<<" && (key.Tag == "" || key.Tag == "!!merge")
}
