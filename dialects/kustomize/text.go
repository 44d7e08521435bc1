package kustomize

import (
	"bytes"
	"sort"
	"strings"
	"sync"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// text is a source of documents: a file, or a patch that is written inside of a kustomization.
type text struct {
	file     *source.File // of the tree
	own      *source.File // what doc was parsed of: file itself, or the text of the patch alone
	doc      *document.Document
	problems []source.Problem // as places of the file
	name     string           // for people: base/deployment.yaml, patches[0] of prod/kustomization.yaml
	patch    bool             // it is inside of a kustomization, at whole
	whole    source.Range     // of an inline patch: the entry
	starts   []int            // of an inline patch: where each line of own begins in file; nil when it is written so that nobody knows
	indent   string           // of an inline patch: what stands before each line
	index    func() map[position]*spot
}

// position is where a node begins, both from 1, and of which kind it is.
type position struct {
	line, column int
	kind         document.Kind
}

// spot is a node of a text and the way to it.
type spot struct {
	text *text
	node *document.Node
	at   source.Range // the entry that it is, in own
	up   *spot        // what it is in; nil for the root
	step value.Step
}

// text returns the text of a file that can be read, parsed once; nil when it cannot be read.
func (e *estate) text(p string) *text {
	e.mu.Lock()
	t, known := e.texts[p]
	e.mu.Unlock()
	if known {
		return t
	}
	if f, problem := e.workspace.Read(p); problem == nil {
		t = e.parseText(f)
	} else {
		t = &text{file: &source.File{Path: p}, own: &source.File{Path: p}, doc: &document.Document{}, problems: []source.Problem{*problem}, name: p}
		t.index = func() map[position]*spot { return nil }
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.texts[p] = t
	return t
}

func (e *estate) parseText(f *source.File) *text {
	t := &text{file: f, own: f, name: f.Path}
	t.parse(e)
	return t
}

func (t *text) parse(e *estate) {
	t.doc, t.problems = document.Parse(t.own, e.limits)
	if t.doc == nil {
		t.doc = &document.Document{File: t.own}
	}
	t.doc.YAML11 = !t.doc.JSON
	for i := range t.problems {
		t.problems[i].Range = t.place(t.problems[i].Range)
	}
	t.index = sync.OnceValue(t.positions)
}

// inline returns the text of a patch that is written inside of a kustomization, at an entry of it.
func (e *estate) inline(k *kustomization, at value.Path, content string) *text {
	t := &text{file: k.file, patch: true, name: at.String() + " of " + k.file.Path}
	var n *document.Node
	n, t.whole, _ = k.text.find(k.text.doc.Roots[0], at)
	t.own = &source.File{Path: k.file.Path, Bytes: []byte(content)}
	if n != nil && n.Style == document.Literal && n.Text == content {
		t.lines(n)
	}
	t.parse(e)
	return t
}

// lines finds where the lines of a literal block stand in its file.
func (t *text) lines(n *document.Node) {
	raw := t.file.Text(n.Range)
	first := strings.IndexByte(raw, '\n')
	if first < 0 {
		return
	}
	indent, found := 0, false
	for line := range strings.Lines(raw[first+1:]) {
		if body := strings.TrimRight(line, "\r\n"); strings.TrimLeft(body, " ") != "" {
			indent, found = len(body)-len(strings.TrimLeft(body, " ")), true
			break
		}
	}
	if i := strings.IndexAny(raw[:first], "123456789"); i >= 0 || !found {
		return // its indentation is said, not shown
	}
	var starts []int
	var again strings.Builder
	at := n.Range.Start + first + 1
	for line := range strings.Lines(raw[first+1:]) {
		body := strings.TrimRight(line, "\r\n")
		skip := min(indent, len(body)-len(strings.TrimLeft(body, " ")))
		starts = append(starts, at+skip)
		again.WriteString(body[skip:] + "\n")
		at += len(line)
	}
	if strings.TrimRight(again.String(), "\n") != strings.TrimRight(string(t.own.Bytes), "\n") {
		return
	}
	t.starts, t.indent = starts, strings.Repeat(" ", indent)
}

// place returns where a range of own stands in the tree.
func (t *text) place(r source.Range) source.Range {
	if !t.patch {
		return r
	}
	if t.starts == nil {
		return t.whole
	}
	from, ok := t.offset(r.Start)
	to, ok2 := t.offset(r.End)
	if !ok || !ok2 || to < from {
		return t.whole
	}
	return source.Range{File: t.file.Path, Start: from, End: to}
}

// offset is place for one byte.
func (t *text) offset(at int) (int, bool) {
	lines := bytes.Count(t.own.Bytes[:min(at, len(t.own.Bytes))], []byte("\n"))
	start := bytes.LastIndexByte(t.own.Bytes[:min(at, len(t.own.Bytes))], '\n') + 1
	if lines >= len(t.starts) {
		return t.whole.End, true // behind the last line
	}
	return min(t.starts[lines]+at-start, len(t.file.Bytes)), true
}

// edit turns an edit of own into one of the file.
func (t *text) edit(x source.Edit) (source.Edit, bool) {
	if !t.patch {
		return x, true
	}
	from, ok := t.offset(x.Range.Start)
	to, ok2 := t.offset(x.Range.End)
	if t.starts == nil || !ok || !ok2 {
		return x, false
	}
	lines := strings.SplitAfter(x.Text, "\n")
	for i := 1; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) != "" {
			lines[i] = t.indent + lines[i]
		}
	}
	text := strings.Join(lines, "")
	if bytes.Contains(t.file.Bytes, []byte("\r\n")) {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return source.Edit{Range: source.Range{File: t.file.Path, Start: from, End: to}, Text: text}, true
}

// positions notes where every node begins.
func (t *text) positions() map[position]*spot {
	out := make(map[position]*spot)
	var visit func(n *document.Node, s *spot)
	visit = func(n *document.Node, s *spot) {
		p := t.own.Position(n.Range.Start)
		key := position{p.Line, p.Column, n.Kind}
		if out[key] != nil {
			return
		}
		out[key] = s
		for i := range n.Members {
			m := &n.Members[i]
			visit(m.Value, &spot{t, m.Value, m.Range, s, value.Step{Name: m.Key.Text}})
		}
		for i, item := range n.Items {
			visit(item, &spot{t, item, n.Place(i), s, value.Step{Index: i}})
		}
	}
	for _, root := range t.doc.Roots {
		visit(root, &spot{t, root, root.Range, nil, value.Step{}})
	}
	return out
}

// root is the document that a spot is in, and the way from there.
func (s *spot) root() (*document.Node, value.Path) {
	var p value.Path
	for ; s.up != nil; s = s.up {
		p = append(p, s.step)
	}
	for i, j := 0, len(p)-1; i < j; i, j = i+1, j-1 {
		p[i], p[j] = p[j], p[i]
	}
	return s.node, p
}

// place is where the entry of a spot stands in the tree.
func (s *spot) place() source.Range { return s.text.place(s.at) }

// find follows a path as far as there are nodes. It returns the last one, where its entry stands, and what is missing of the path.
func (t *text) find(n *document.Node, p value.Path) (*document.Node, source.Range, value.Path) {
	at := n.Range
	for i, s := range p {
		switch {
		case s.Name != "" && n.Kind == document.Mapping && n.Member(s.Name) != nil:
			m := n.Member(s.Name)
			n, at = m.Value, m.Range
		case s.Name == "" && n.Kind == document.Sequence && s.Index < len(n.Items):
			n, at = n.Items[s.Index], n.Place(s.Index)
		default:
			return n, t.place(at), p[i:]
		}
	}
	return n, t.place(at), nil
}

// section is the copy of one document in the lines that a build sees.
type section struct {
	text  *text
	root  *document.Node
	first int // its first line, from 1
	lines int
	shift int // its line in own is the line less this
}

// sections are in order of their lines.
type sections []section

// spot returns the node that begins at a line and column of the copies.
func (all sections) spot(line, column int, kind document.Kind) *spot {
	i := sort.Search(len(all), func(i int) bool { return all[i].first > line }) - 1
	if i < 0 || line >= all[i].first+all[i].lines {
		return nil
	}
	s := &all[i]
	return s.text.index()[position{line - s.shift, column, kind}]
}
