package document

import (
	"bytes"
	"strings"
)

// insertBlock adds entries behind the last one that stays, in lines of their own.
func (e *editor) insertBlock(n *Node, entries, fresh []entry) {
	if len(fresh) == 0 {
		return
	}
	last := -1
	for i := range entries {
		if !entries[i].removed {
			last = i
		}
	}
	indent := e.columnText(entries[0].place.Start)
	w := e.writerAt(n, entries[last].place.Start)
	var text strings.Builder
	for i := range fresh {
		text.WriteString(e.style.eol + indent)
		if n.Kind == Mapping {
			text.WriteString(w.member(fresh[i].step.Name, fresh[i].wished, indent))
		} else {
			text.WriteString("-" + w.afterDash(fresh[i].wished, indent))
		}
	}
	at := e.lineEndAt(entries[last].place.End)
	e.replace(at, at, e.closed(text.String(), at))
}

// columnText returns the white space that takes what begins under a place to its column.
func (e *editor) columnText(at int) string {
	line := e.doc.File.Bytes[e.lineStartAt(at):at]
	line = bytes.TrimPrefix(line, []byte(byteOrderMark))
	return strings.Repeat(" ", len([]rune(string(line))))
}

// indentOfLine returns the white space at the start of the line that at is in.
func (e *editor) indentOfLine(at int) string {
	line := e.doc.File.Bytes[e.lineStartAt(at):]
	line = bytes.TrimPrefix(line, []byte(byteOrderMark))
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// removeBlock takes entries away with their lines. Of an entry that shares its first line with the dash before it, the
// next one takes the place.
func (e *editor) removeBlock(n *Node, entries []entry) {
	text := e.doc.File.Bytes
	for i := range entries {
		x := &entries[i]
		if !x.removed {
			continue
		}
		start := e.lineStartAt(x.place.Start)
		if len(bytes.TrimLeft(bytes.TrimPrefix(text[start:x.place.Start], []byte(byteOrderMark)), " ")) > 0 {
			// The first entries of a collection that begins behind a dash.
			j := i
			for j < len(entries) && entries[j].removed {
				entries[j].removed = false
				j++
			}
			if j < len(entries) {
				e.replace(x.place.Start, entries[j].place.Start, "")
			}
			continue
		}
		end := e.lineEndAt(x.place.End)
		if end < len(text) {
			e.replace(start, end+breakAt(text, end), "")
			continue
		}
		if start > 0 { // the last line has no line end: the one before it takes its place
			start--
			if start > 0 && text[start-1] == '\r' {
				start--
			}
		}
		e.replace(start, end, "")
	}
}

// insertFlow adds entries behind the last one of a flow collection that loses none.
func (e *editor) insertFlow(n *Node, entries, fresh []entry) {
	if len(fresh) == 0 {
		return
	}
	last := entries[len(entries)-1].place
	w := e.writerAt(n, last.Start)
	ownLine := strings.TrimSpace(string(e.doc.File.Bytes[e.lineStartAt(last.Start):last.Start])) == ""
	w.indent = e.indentOfLine(last.Start)
	if !ownLine {
		w.indent = e.indentOfLine(n.Range.Start)
	}
	var parts []string
	for i := range fresh {
		var text string
		if n.Kind == Mapping {
			text = w.key(fresh[i].step.Name, true) + e.style.colon
		}
		value, _ := w.inline(fresh[i].wished, true)
		parts = append(parts, text+value)
	}
	if !ownLine {
		separator := e.style.commaOf(n.Kind == Mapping)
		if gap, ok := e.gap(entries); ok {
			separator = gap
		}
		e.replace(last.End, last.End, separator+strings.Join(parts, separator))
		return
	}
	separator := e.style.eol + w.indent
	body := separator + strings.Join(parts, ","+separator)
	comma := e.commaBehind(last.End, n.Range.End)
	end := e.lineEndAt(last.End)
	rest := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(string(e.doc.File.Bytes[last.End:min(end, n.Range.End)])), ","))
	switch {
	case rest != "" && !strings.HasPrefix(rest, "#") && !strings.HasPrefix(rest, "//"): // more code on the line
		e.replace(last.End, last.End, ","+body)
	case comma >= 0 && comma < end: // there is a comma behind the last entry already, and so there will be
		e.replace(end, end, body+",")
	case rest == "":
		e.replace(last.End, last.End, ","+body)
	default:
		e.replace(last.End, last.End, ",")
		e.replace(end, end, body)
	}
}

// gap returns what stands between the first two entries of a flow collection, when it is a comma and spaces.
func (e *editor) gap(entries []entry) (string, bool) {
	if len(entries) < 2 || entries[0].place.End > entries[1].place.Start {
		return "", false
	}
	text := string(e.doc.File.Bytes[entries[0].place.End:entries[1].place.Start])
	return text, strings.Trim(text, " ") == ","
}

// commaBehind returns where the next sign behind at is when it is a comma, else -1.
func (e *editor) commaBehind(at, end int) int {
	text := e.doc.File.Bytes
	for at < end {
		switch c := text[at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			at++
		case c == '#' || c == '/' && text[at+1] == '/':
			at = e.lineEndAt(at)
		case c == '/' && text[at+1] == '*':
			i := bytes.Index(text[at+2:end], []byte("*/"))
			if i < 0 {
				return -1
			}
			at += i + 4
		case c == ',':
			return at
		default:
			return -1
		}
	}
	return -1
}

// removeFlow takes entries away with the commas that belong to them.
func (e *editor) removeFlow(n *Node, entries []entry) {
	text := e.doc.File.Bytes
	for i := 0; i < len(entries); i++ {
		if !entries[i].removed {
			continue
		}
		j := i
		for j < len(entries) && entries[j].removed {
			j++
		}
		start, end := entries[i].place.Start, entries[j-1].place.End
		if j < len(entries) {
			// What stands beside the last of them goes too; what stands above the next stays.
			if comma := e.commaBehind(end, n.Range.End); comma >= 0 && e.lineEndAt(comma) < entries[j].place.Start && e.alone(start) {
				lineEnd := e.lineEndAt(comma)
				e.replace(e.lineStartAt(start), lineEnd+breakAt(text, lineEnd), "")
			} else {
				e.replace(start, entries[j].place.Start, "")
			}
			i = j
			continue
		}
		before := entries[i-1].place.End
		trailing := e.commaBehind(end, n.Range.End)
		if trailing >= 0 {
			end = trailing + 1
		}
		comma := e.commaBehind(before, start)
		switch lineEnd := e.lineEndAt(end); {
		case e.alone(start) && comma >= 0 && e.lineStartAt(start) > comma:
			if trailing < 0 {
				e.replace(comma, comma+1, "")
			}
			rest := strings.TrimSpace(string(text[end:min(lineEnd, n.Range.End)]))
			if rest != "" && (!strings.HasPrefix(rest, "#") && !strings.HasPrefix(rest, "//")) || lineEnd >= n.Range.End {
				e.replace(start, end, "")
			} else {
				e.replace(e.lineStartAt(start), lineEnd+breakAt(text, lineEnd), "")
			}
		case trailing >= 0 && comma >= 0:
			e.replace(comma+1, end, "")
		default:
			e.replace(before, end, "")
		}
		i = j
	}
}

// alone reports whether nothing but white space stands before a place on its line.
func (e *editor) alone(at int) bool {
	return len(bytes.Trim(e.doc.File.Bytes[e.lineStartAt(at):at], " \t")) == 0
}

// habits is how a file is written, where it shows; what nobody shows is as most people write it.
type habits struct {
	eol     string
	step    string // indentation of a nested block; in JSON of a nested bracket
	dashes  string // indentation of a sequence's dashes under their key
	colon   string // between name and value of a flow mapping
	comma   string // between elements of a flow sequence on one line
	pairs   string // between members of a flow mapping on one line; empty when the file has none
	double  bool   // double quotes where quotes are needed
	json    bool   // the file is JSON
	compact bool   // JSON on one line
}

// commaOf returns what stands between the entries of a flow mapping or sequence on one line. In YAML it is no habit of
// mappings to be as tight as a short list; in JSON it is one of everything.
func (h *habits) commaOf(mapping bool) string {
	switch {
	case !mapping:
		return h.comma
	case h.pairs != "":
		return h.pairs
	case h.json:
		return h.comma
	}
	return ", "
}

// learn finds the habits of the file.
func (e *editor) learn() {
	h := habits{eol: "\n", step: "  ", dashes: "  ", colon: ": ", comma: ", ", double: true, json: e.doc.JSON}
	text := e.doc.File.Bytes
	if i := bytes.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		h.eol = "\r\n"
	}
	if e.doc.JSON {
		h.compact = len(e.doc.Roots) > 0 && !strings.Contains(e.doc.File.Text(e.doc.Roots[0].Range), "\n")
	}
	l := learner{editor: e, habits: &h, left: 2_000, quotes: [2]int{}}
	for _, root := range e.doc.Roots {
		l.look(root)
	}
	if l.quotes[0] > l.quotes[1] {
		h.double = false
	}
	e.style = h
}

// learner walks a file, or as much of it as tells enough.
type learner struct {
	*editor
	*habits
	left                       int // nodes to look at
	quotes                     [2]int
	hasStep, hasDash, hasColon bool
	hasComma                   bool
}

func (l *learner) look(n *Node) {
	if l.left--; l.left < 0 {
		return
	}
	switch n.Style {
	case Single:
		l.quotes[0]++
	case Double:
		l.quotes[1]++
	}
	if n.Style == Flow && n.Kind == Sequence && len(n.Items) > 1 && !l.hasComma {
		gap := string(l.doc.File.Bytes[n.Place(0).End:max(n.Place(0).End, n.Place(1).Start)])
		if strings.Trim(gap, " ") == "," {
			l.comma, l.hasComma = gap, true
		}
	}
	for _, item := range n.Items {
		if l.doc.JSON && !l.hasStep {
			l.stepFrom(n, item)
		}
		l.look(item)
	}
	if members := n.written(); n.Style == Flow && len(members) > 1 && l.pairs == "" {
		if from, to := members[0].Range.End, members[1].Range.Start; from <= to {
			if gap := string(l.doc.File.Bytes[from:to]); strings.Trim(gap, " ") == "," {
				l.pairs = gap
			}
		}
	}
	for i, m := range n.written() {
		if i == 0 && m.Value.Kind != Scalar && n.Style == Block && m.Range.Contains(m.Value.Range) || !l.hasDash {
			l.block(n, &m)
		}
		if l.doc.JSON && !l.hasStep {
			l.stepFrom(n, m.Key)
		}
		if n.Style == Flow && !l.hasColon && m.Range.Contains(m.Value.Range) {
			gap := string(l.doc.File.Bytes[m.Key.Range.End:m.Value.Range.Start])
			if strings.Trim(gap, " ") == ":" && (l.doc.JSON || strings.HasSuffix(gap, " ")) {
				l.colon, l.hasColon = gap, true
			}
		}
		l.look(m.Value)
	}
}

// block learns how far the value of a block mapping's member is indented.
func (l *learner) block(n *Node, m *Member) {
	if n.Style != Block || m.Value.Style != Block || !m.Range.Contains(m.Value.Range) {
		return
	}
	key := len(l.columnText(m.Range.Start))
	inner := m.Value.Range.Start
	switch {
	case m.Value.Kind == Mapping && len(m.Value.written()) > 0:
		inner = m.Value.written()[0].Range.Start
	case m.Value.Kind == Sequence && len(m.Value.Items) > 0:
		inner = l.doc.item(m.Value, 0).Start
	}
	by := len(l.columnText(inner)) - key
	switch {
	case m.Value.Kind == Sequence && !l.hasDash && by >= 0:
		l.dashes, l.hasDash = strings.Repeat(" ", by), true
	case m.Value.Kind == Mapping && !l.hasStep && by > 0:
		l.step, l.hasStep = strings.Repeat(" ", by), true
	}
}

// stepFrom learns how far JSON is indented from an element that has a line of its own.
func (l *learner) stepFrom(n, inner *Node) {
	outer, own := l.indentOfLine(n.Range.Start), l.indentOfLine(inner.Range.Start)
	if l.alone(inner.Range.Start) && len(own) > len(outer) && strings.HasPrefix(own, outer) {
		l.step, l.hasStep = own[len(outer):], true
	}
}
