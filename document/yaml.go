package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// yamlReader makes our nodes of the library's, which know where they start and not where they end. The ends are read from
// the text, with the help of what the library decoded.
type yamlReader struct {
	builder
	text   []byte // the file without its byte order mark
	base   int    // bytes of the byte order mark
	deep   int    // the deepest nesting that is read
	lines  []int  // where each line starts, as YAML counts lines
	leaves []span // scalars and aliases: where no comment can be; nil when the file has no comments
	cursor cursor

	anchored map[*yaml.Node]*anchored
	merged   int  // members that merge keys copied
	complete bool // the whole file was read

	hasComments bool // or may have: there is a # in it
}

// cursor remembers where a column of a line is, for lines whose columns are not bytes.
type cursor struct{ line, column, offset int }

// anchored is what is known of a node that aliases can name.
type anchored struct {
	node   *Node // nil while it is being read
	extent extent
}

// extent is how large a node is when every alias in it is followed.
type extent struct{ nodes, height int }

func (e *extent) add(child extent) {
	e.nodes = min(e.nodes+child.nodes, 1<<40)
	e.height = max(e.height, child.height+1)
}

// yamlStop ends reading a document.
type yamlStop struct{}

// parseYAML reads a file as YAML. The last result is the offset of the mistake that ended reading, or -1.
func parseYAML(f *source.File, limits dialect.Limits) (doc *Document, problems []source.Problem, stop int) {
	r := &yamlReader{text: withoutMark(f.Bytes), deep: limits.Nesting, anchored: make(map[*yaml.Node]*anchored)}
	r.file = f
	r.base = len(f.Bytes) - len(r.text)
	if bytes.IndexByte(r.text, '#') >= 0 {
		r.leaves = []span{}
	}
	doc = &Document{File: f}
	if n := crowd(r.text); n > 2*maxNodes {
		r.problem(source.Limit, r.place(0, 0), "the file has more than %d values", maxNodes)
		return doc, r.problems, 0
	}
	r.lines = lineStarts(r.text)
	r.hasComments = bytes.IndexByte(r.text, '#') >= 0
	stop = -1
	decoder := yaml.NewDecoder(bytes.NewReader(r.text))
	for stop < 0 {
		var tree yaml.Node
		err := decode(decoder, &tree)
		if errors.Is(err, io.EOF) {
			r.complete = true
			break
		}
		if err != nil {
			p := r.mistake(err)
			r.problems, stop = append(r.problems, p), p.Range.Start
			break
		}
		for _, content := range tree.Content {
			root, ok := r.root(content)
			if !ok {
				stop = r.problems[len(r.problems)-1].Range.Start
			} else if !root.IsNull() {
				doc.Roots = append(doc.Roots, root)
			}
		}
	}
	r.finish(doc)
	return doc, r.problems, stop
}

// crowd is a bound of the number of nodes that a text can have, without reading it.
func crowd(b []byte) int {
	n := 0
	for _, sign := range []string{"\n", ",", "[", "{", "- ", "? "} {
		n += bytes.Count(b, []byte(sign))
	}
	return n
}

// decode is one document of the library, whose own mistakes shall not end the scan.
func decode(d *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML library failed: %v", p)
		}
	}()
	return d.Decode(into)
}

// root reads one document. It reports false when a budget ended that, or when it holds itself.
func (r *yamlReader) root(y *yaml.Node) (n *Node, ok bool) {
	items, members := len(r.items), len(r.members)
	defer func() {
		switch p := recover().(type) {
		case nil:
		case yamlStop:
			r.items, r.members = r.items[:items], r.members[:members]
			n, ok = nil, false
		default:
			panic(p)
		}
	}()
	n, _, size := r.read(y, where{indent: -1})
	if size.nodes > r.budget() {
		r.stop(source.Limit, n.Range, "the document grows beyond %d values when its aliases are followed", r.budget())
	}
	return n, true
}

// budget bounds what a document may grow to when aliases and merge keys are followed.
func (r *yamlReader) budget() int { return 10*r.nodeCount + 100_000 }

func (r *yamlReader) stop(kind source.ProblemKind, at source.Range, format string, args ...any) {
	r.problem(kind, at, format, args...)
	panic(yamlStop{})
}

// where is where a node is read: how deep, and the column of the block collection around it, -1 for none.
type where struct{ depth, indent int }

// read makes a node. Its span is where it stands here, which of an alias is not its Range.
func (r *yamlReader) read(y *yaml.Node, at where) (*Node, span, extent) {
	start := r.offset(y.Line, y.Column)
	if y.Kind == yaml.AliasNode {
		return r.alias(y, start, at)
	}
	if at.depth > r.deep {
		r.stop(source.Limit, r.place(r.base+start, r.base+start), "the nesting is deeper than %d", r.deep)
	}
	if r.nodeCount > maxNodes {
		r.stop(source.Limit, r.place(r.base+start, r.base+start), "the file has more than %d values", maxNodes)
	}
	n := r.node(Node{Anchor: y.Anchor})
	var known *anchored
	if y.Anchor != "" {
		known = new(anchored)
		r.anchored[y] = known
	}
	properties, content := start, start
	if start < len(r.text) && (r.text[start] == '!' || r.text[start] == '&') {
		n.Tag, properties, content = r.properties(y, start)
	}
	size := extent{nodes: 1, height: 1}
	var end int
	switch y.Kind {
	case yaml.MappingNode:
		end = r.mapping(n, y, content, where{depth: at.depth + 1}, &size)
	case yaml.SequenceNode:
		end = r.sequence(n, y, content, where{depth: at.depth + 1}, &size)
	default:
		n.Kind, n.Text = Scalar, y.Value
		n.Style, end = r.scalar(y, properties, content, at.indent)
		r.leaf(start, end)
	}
	n.Range = r.place(r.base+start, r.base+end)
	if known != nil {
		known.node, known.extent = n, size
	}
	return n, span{start, end}, size
}

func (r *yamlReader) alias(y *yaml.Node, start int, at where) (*Node, span, extent) {
	here := span{start, min(start+1+len(y.Value), len(r.text))}
	r.leaf(here.start, here.end)
	known := r.anchored[y.Alias]
	if known == nil || known.node == nil {
		r.stop(source.Invalid, r.place(r.base+here.start, r.base+here.end), "*%.80s stands inside of what it names", y.Value)
	}
	if at.depth+known.extent.height > r.deep {
		r.stop(source.Limit, r.place(r.base+here.start, r.base+here.end), "the nesting is deeper than %d when its aliases are followed", r.deep)
	}
	return known.node, here, known.extent
}

func (r *yamlReader) leaf(start, end int) {
	if r.leaves != nil {
		r.leaves = append(r.leaves, span{start, end})
	}
}

// collection settles the style of a collection that begins at a place and the column that its entries have.
func (r *yamlReader) collection(y *yaml.Node, content int) (Style, int) {
	if y.Style&yaml.FlowStyle != 0 {
		return Flow, -1
	}
	line := bytes.LastIndexByte(r.text[:content], '\n') + 1
	return Block, utf8.RuneCount(r.text[line:content])
}

// mapping reads the entries of a mapping, which begins at content, and returns its end.
func (r *yamlReader) mapping(n *Node, y *yaml.Node, content int, at where, size *extent) int {
	n.Kind = Mapping
	n.Style, at.indent = r.collection(y, content)
	from, end, merges := len(r.members), content, false
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, keySpan, keySize := r.read(y.Content[i], at)
		v, valueSpan, valueSize := r.read(y.Content[i+1], at)
		size.add(keySize)
		size.add(valueSize)
		if len(keySpan.text(r)) == 0 { // an empty key: the entry begins with the colon
			keySpan.start = min(keySpan.start, valueSpan.start)
		}
		end = max(keySpan.end, valueSpan.end)
		r.members = append(r.members, Member{Key: key, Value: v, Range: r.place(r.base+keySpan.start, r.base+end)})
		merges = merges || isMerge(key)
	}
	if n.Style == Flow && content < len(r.text) && r.text[content] == '{' { // [a: b] holds a mapping without brackets
		end = r.closing(max(end, content+1), '}')
	}
	if merges {
		r.merge(n, from, size)
	} else {
		r.takeMembers(n, from)
	}
	return end
}

func (s span) text(r *yamlReader) []byte { return r.text[s.start:s.end] }

func (r *yamlReader) sequence(n *Node, y *yaml.Node, content int, at where, size *extent) int {
	n.Kind = Sequence
	n.Style, at.indent = r.collection(y, content)
	from, end := len(r.items), content
	var places []source.Range
	for _, c := range y.Content {
		item, here, itemSize := r.read(c, at)
		size.add(itemSize)
		end = here.end
		if c.Kind == yaml.AliasNode && places == nil {
			for _, before := range r.items[from:] {
				places = append(places, before.Range)
			}
		}
		r.items = append(r.items, item)
		if places != nil || c.Kind == yaml.AliasNode {
			places = append(places, r.place(r.base+here.start, r.base+here.end))
		}
	}
	if n.Style == Flow {
		end = r.closing(max(end, content+1), ']')
	} else if len(y.Content) > 0 {
		end = max(end, content+1)
	}
	if places != nil {
		n.odd = &odd{places: places}
	}
	r.takeItems(n, from)
	return end
}

// merge gives the members above a place on the stack to n, and where one is a merge key those that it merges: of a name that
// n has itself none, and of one that several have the first.
func (r *yamlReader) merge(n *Node, from int, size *extent) {
	before := r.members[from:]
	doubles := r.doubles(before)
	seen := make(map[string]bool)
	for i := range before {
		if key := before[i].Key; key.Kind == Scalar && !isMerge(key) {
			seen[key.Text] = true
		}
	}
	for i := range before {
		m := before[i]
		if !isMerge(m.Key) {
			if !doubles[i] {
				n.Members = append(n.Members, m)
			}
			continue
		}
		sources := []*Node{m.Value}
		if m.Value.Kind == Sequence {
			sources = m.Value.Items
		}
		for _, s := range sources {
			if s.Kind != Mapping {
				r.problem(source.Invalid, m.Range, "a merge key wants a mapping or a list of mappings")
				continue
			}
			if r.merged += len(s.Members); r.merged > r.budget() {
				r.stop(source.Limit, m.Range, "the document grows beyond %d entries when its merge keys are followed", r.budget())
			}
			for _, from := range s.Members {
				if from.Key.Kind == Scalar && seen[from.Key.Text] {
					continue
				}
				seen[from.Key.Text] = true
				from.Merged = true
				n.Members = append(n.Members, from)
			}
		}
	}
	n.odd = &odd{entries: r.keepMembers(before)}
	r.members = r.members[:from]
}

// mistake turns an error of the library into a problem. Its own line is that of the construct that the mistake is in, or
// none, so the place is how far it came.
func (r *yamlReader) mistake(err error) source.Problem {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if number, after, ok := strings.Cut(rest, ": "); ok {
			line, _ = strconv.Atoi(number)
			message = after
		}
	}
	// The parser counts the lines of brackets from 0.
	if strings.HasPrefix(message, "did not find expected ',' or ") && bytes.ContainsAny(r.file.Bytes[r.file.Line(line+1).Start:r.file.Line(line+1).End], "[{") {
		message += fmt.Sprintf(" for what is opened at line %d", line+1)
	}
	kind := source.Invalid
	if strings.HasPrefix(message, "exceeded max depth") {
		kind, message = source.Limit, fmt.Sprintf("the nesting is deeper than %d", r.deep)
	}
	at := r.reached()
	if name, ok := strings.CutPrefix(message, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		message = fmt.Sprintf("*%.80s names an anchor that is nowhere before it", name)
		if i := bytes.LastIndex(r.text[:min(at+1+len(name), len(r.text))], []byte("*"+name)); i >= 0 {
			at = i
		}
	}
	if at < len(r.text) && r.text[at] == '\t' && strings.HasPrefix(message, "found character that cannot start any token") {
		message = "a tab stands where YAML allows only spaces"
	}
	p := r.place(r.base+at, r.base+at)
	if at < len(r.text) {
		_, size := utf8.DecodeRune(r.text[at:])
		p.End += size
	}
	return source.Problem{Kind: kind, Range: p, Message: "this is not valid YAML: " + message}
}

// drip hands out a text in small pieces, so that it is known how much of it was needed.
type drip struct {
	text  []byte
	piece int
	given int
}

func (d *drip) Read(p []byte) (int, error) {
	if d.given == len(d.text) {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), d.piece)], d.text[d.given:])
	d.given += n
	return n, nil
}

// lookahead is how many signs the library reads beyond the one it judges.
const lookahead = 3

// reached returns how far the library comes before it fails: the first byte that it does not accept, or one close behind.
func (r *yamlReader) reached() int {
	d := &drip{text: r.text, piece: 1 + len(r.text)>>18}
	decoder := yaml.NewDecoder(d)
	for {
		var skip yaml.Node
		if err := decode(decoder, &skip); err != nil {
			break
		}
	}
	if d.given == len(r.text) {
		return r.lastSign()
	}
	at := d.given
	for range lookahead + 1 {
		if at == 0 {
			break
		}
		_, size := utf8.DecodeLastRune(r.text[:at])
		if at < d.given && r.text[at-1] == '\n' {
			break
		}
		at -= size
	}
	return at
}

// lastSign is where the text ends, without the white space behind it.
func (r *yamlReader) lastSign() int {
	return max(0, len(bytes.TrimRight(r.text, " \t\r\n"))-1)
}
