// Package document is YAML and JSON with the bytes of every node: where each key and value stands, and how to change one of
// them without moving another.
//
// It is what the dialects that are written in YAML or JSON stand on. It knows no dialect.
package document

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// Document is one parsed file.
type Document struct {
	File     *source.File
	JSON     bool              // it was read as JSON: there are no tags and anchors in it
	Roots    []*Node           // one per YAML document that is not empty; one for JSON
	YAML11   bool              // for Edit, set by the dialect: what is written reads as YAML 1.1 has it
	Comments []dialect.Comment // in order; in JSON those of // and /* */, which Azure's templates have
}

// Kind says what a Node holds.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota + 1
	Sequence
	Mapping
)

// Style says how a node is written.
type Style uint8

// The styles. Plain, Single, Double, Literal and Folded are of scalars, Block and Flow of sequences and mappings.
const (
	Plain Style = iota + 1
	Single
	Double
	Literal
	Folded
	Block
	Flow
)

// Node is one node of the tree. Where an alias stands, the tree holds the node of its anchor: a node may have several
// parents, and the tree is bounded (a Limit problem) by its size after following every alias, so that whoever walks it
// needs no budget of their own. Nodes are never changed.
type Node struct {
	Kind    Kind
	Style   Style
	Tag     string       // as it was written: "!Sub", "!!binary", "!vault"; empty when none was
	Anchor  string       // the name of its anchor, empty when it has none
	Text    string       // of Scalar: the text, decoded
	Items   []*Node      // of Sequence
	Members []Member     // of Mapping: in the order of the source, merge keys (<<) followed; of a key that comes twice, the last one
	Range   source.Range // with its tag and anchor; a block scalar ends before its last line end

	odd *odd // what few nodes have
}

// odd is what only nodes with aliases, merge keys or double keys have.
type odd struct {
	places  []source.Range // where the items of a sequence stand: of an alias not where its node stands
	entries []Member       // the entries of a mapping as they are written: merge keys not followed, double keys kept
}

// Member is one entry of a mapping.
type Member struct {
	Key    *Node
	Value  *Node
	Range  source.Range // from the key to the end of the value; of an alias, to the end of the alias
	Merged bool         // it comes from another mapping through a merge key; Range is where it stands there
}

// Parse reads a file, as JSON when its first sign is { or [ and it is JSON throughout, else as YAML; a file whose name ends in
// .json is read as nothing else. What is wrong with it is a problem each; the documents before the mistake are returned.
// Duplicate keys are problems too. What a parser would need too much memory or depth for is refused before it sees the text.
func Parse(f *source.File, limits dialect.Limits) (*Document, []source.Problem) {
	limits = limits.Defaults()
	made := f.Memo(limits, func() any {
		doc, problems := read(f, limits)
		return parsed{doc, slices.Clip(problems)}
	}).(parsed)
	doc := *made.document // its nodes are never changed, but a dialect sets YAML11
	return &doc, made.problems
}

// parsed is what is remembered of a file.
type parsed struct {
	document *Document
	problems []source.Problem
}

// read reads a file within limits that are all set.
func read(f *source.File, limits dialect.Limits) (*Document, []source.Problem) {
	if !startsAsJSON(f.Bytes) {
		if isJSONName(f.Path) && len(bytes.TrimSpace(withoutMark(f.Bytes))) > 0 {
			doc, problems, _ := parseJSON(f, limits)
			return doc, problems
		}
		doc, problems, _ := parseYAML(f, limits)
		return doc, problems
	}
	doc, problems, end := parseJSON(f, limits)
	if end < 0 || isJSONName(f.Path) {
		return doc, problems
	}
	if len(problems) > 0 && problems[len(problems)-1].Kind == source.Limit {
		return doc, problems
	}
	// It is no JSON; {a: b} and two documents in one file are YAML.
	asYAML, yamlProblems, yamlEnd := parseYAML(f, limits)
	if yamlEnd < 0 || yamlEnd > end {
		return asYAML, yamlProblems
	}
	return doc, problems
}

func isJSONName(name string) bool { return strings.EqualFold(path.Ext(name), ".json") }

// byteOrderMark is what some editors put before UTF-8.
const byteOrderMark = "\ufeff"

func withoutMark(b []byte) []byte { return bytes.TrimPrefix(b, []byte(byteOrderMark)) }

// startsAsJSON reports whether the first sign behind white space and comments of JSON is a bracket.
func startsAsJSON(b []byte) bool {
	b = withoutMark(b)
	for {
		b = bytes.TrimLeft(b, " \t\r\n")
		switch {
		case len(b) == 0:
			return false
		case bytes.HasPrefix(b, []byte("//")):
			_, b, _ = bytes.Cut(b, []byte("\n"))
		case bytes.HasPrefix(b, []byte("/*")):
			_, b, _ = bytes.Cut(b, []byte("*/"))
		default:
			return b[0] == '{' || b[0] == '['
		}
	}
}

// Get returns the value of the member of that name, or nil: also when n is nil or no mapping.
func (n *Node) Get(name string) *Node {
	if m := n.Member(name); m != nil {
		return m.Value
	}
	return nil
}

// Member returns the member of that name, or nil: also when n is nil or no mapping.
func (n *Node) Member(name string) *Member {
	if n == nil {
		return nil
	}
	for i := range n.Members {
		if m := &n.Members[i]; m.Key.Kind == Scalar && m.Key.Text == name {
			return m
		}
	}
	return nil
}

// Place returns where item i of a sequence stands: where its node stands, or the alias of it.
func (n *Node) Place(i int) source.Range {
	if n.odd != nil {
		return n.odd.places[i]
	}
	return n.Items[i].Range
}

// written returns the entries of a mapping as they are written.
func (n *Node) written() []Member {
	if n.odd != nil {
		return n.odd.entries
	}
	return n.Members
}
