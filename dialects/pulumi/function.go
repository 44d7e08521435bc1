package pulumi

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// functionPrefix begins the name of a function, which is the one member of its mapping.
const functionPrefix = "fn::"

// called returns the function that a mapping calls, with its argument; "" when it calls none.
func called(n *document.Node) (string, *document.Node) {
	if n == nil || n.Kind != document.Mapping || len(n.Members) != 1 {
		return "", n
	}
	m := &n.Members[0]
	if m.Key.Kind != document.Scalar {
		return "", n
	}
	if name, ok := strings.CutPrefix(m.Key.Text, functionPrefix); ok {
		return name, m.Value
	}
	switch strings.ToLower(m.Key.Text) { // as they were called before 1.0
	case "fn::invoke", "fn::join", "fn::select", "fn::split", "fn::tojson", "fn::tobase64", "fn::frombase64", "fn::secret":
		return strings.ToLower(m.Key.Text[len(functionPrefix):]), m.Value
	}
	return "", n
}

// call evaluates a function.
func (e *env) call(n *document.Node, name string, arg *document.Node) value.Value {
	unknown := value.Value{Kind: value.Unknown, NotNull: true}
	switch strings.ToLower(name) {
	case "join":
		items, ok := e.arguments(n, name, arg, 2)
		if !ok {
			return unknown
		}
		separator, known := items[0].Word()
		if !known || items[1].Kind != value.List || items[1].Open {
			unknown.Sensitive = items[0].Sensitive || items[1].Sensitive
			return unknown
		}
		return e.joined(n, items[1].Items, separator)
	case "select":
		items, ok := e.arguments(n, name, arg, 2)
		if !ok {
			return unknown
		}
		i, known := index(&items[0])
		if !known || items[1].Kind != value.List {
			return value.Value{Kind: value.Unknown}
		}
		if i >= len(items[1].Items) {
			if !items[1].Open {
				e.problem(source.Invalid, n.Range, "fn::select asks for element %d of %d", i, len(items[1].Items))
			}
			return value.Value{Kind: value.Unknown}
		}
		return items[1].Items[i]
	case "split":
		items, ok := e.arguments(n, name, arg, 2)
		if !ok {
			return unknown
		}
		separator, a := items[0].Word()
		text, b := items[1].Word()
		if !a || !b {
			unknown.Sensitive = items[1].Sensitive
			return unknown
		}
		out := value.Value{Kind: value.List, Sensitive: items[1].Sensitive}
		for word := range strings.SplitSeq(text, separator) {
			if len(out.Items) >= 100_000 {
				out.Open = true
				e.problem(source.Limit, n.Range, "fn::split makes more than 100,000 elements; the rest is unknown")
				break
			}
			out.Items = append(out.Items, value.Value{Kind: value.String, Text: word, Range: n.Range, Sensitive: out.Sensitive})
		}
		if !e.take(&out, n.Range) {
			unknown.Sensitive = out.Sensitive
			return unknown
		}
		return out
	case "tojson":
		return e.toJSON(n, e.whole(arg))
	case "tobase64":
		return e.mapText(n, e.whole(arg), func(s string) (string, bool) { return base64.StdEncoding.EncodeToString([]byte(s)), true })
	case "frombase64":
		return e.mapText(n, e.whole(arg), func(s string) (string, bool) {
			b, err := base64.StdEncoding.DecodeString(s)
			return string(b), err == nil && utf8.Valid(b)
		})
	case "secret":
		v := e.value(arg)
		v.Sensitive = true
		return v
	case "readfile":
		return e.readFile(n, arg)
	case "stringasset":
		return e.whole(arg)
	case "fileasset", "remoteasset", "filearchive", "remotearchive":
		return e.whole(arg)
	case "assetarchive", "invoke", "stackreference", "method", "rotate", "open":
		return value.Value{Kind: value.Unknown, Given: true}
	}
	if !strings.Contains(name, ":") { // fn::aws:s3:getBucket is short for an invoke
		e.problem(source.Invalid, n.Range, "there is no function fn::%.60s", name)
	}
	return value.Value{Kind: value.Unknown}
}

// whole evaluates an argument of which the value is made as a whole: its parts have no paths of their own.
func (e *env) whole(n *document.Node) value.Value {
	at, from := e.at, len(e.refs)
	inner := &env{evaluation: e.evaluation}
	inner.size = e.size
	v := inner.value(n)
	e.size = inner.size
	e.at, e.refs = at, e.refs[:from]
	for _, ref := range inner.refs {
		e.refer(nil, ref.Target, ref.Attribute)
	}
	return v
}

// arguments evaluates a list of so many arguments.
func (e *env) arguments(n *document.Node, name string, arg *document.Node, count int) ([]value.Value, bool) {
	v := e.whole(arg)
	if v.Kind != value.List || len(v.Items) != count {
		if v.Kind != value.Unknown {
			e.problem(source.Invalid, n.Range, "fn::%s takes a list of %d", name, count)
		}
		return nil, false
	}
	return v.Items, true
}

func index(v *value.Value) (int, bool) {
	text, known := v.Word()
	i, err := strconv.Atoi(text)
	return i, known && err == nil && i >= 0
}

func (e *env) mapText(n *document.Node, v value.Value, change func(string) (string, bool)) value.Value {
	text, known := v.Word()
	out, ok := "", false
	if known && e.writes(n, len(text)) {
		out, ok = change(text)
	}
	if !ok {
		return value.Value{Kind: value.Unknown, NotNull: true, Sensitive: v.Sensitive, Given: v.Given}
	}
	return value.Value{Kind: value.String, Text: out, Sensitive: v.Sensitive, Given: v.Given}
}

// writes counts a text that a function makes of so many bytes, and reports whether it may be made.
func (e *env) writes(n *document.Node, bytes int) bool {
	if bytes > e.limits.ValueBytes {
		e.problem(source.Limit, n.Range, "a text grows beyond %d bytes; it is unknown", e.limits.ValueBytes)
		return false
	}
	return e.charge(bytes/stepBytes, n.Range)
}

// bytesOf counts the bytes of all texts and names in a value; beyond most it does not count on.
func bytesOf(v *value.Value, most int) int {
	n := 1 + len(v.Text)
	for i := 0; i < len(v.Items) && n <= most; i++ {
		n += bytesOf(&v.Items[i], most-n)
	}
	for i := 0; i < len(v.Fields) && n <= most; i++ {
		n += len(v.Fields[i].Name) + bytesOf(&v.Fields[i].Value, most-n)
	}
	return n
}

// toJSON makes a text that carries its document.
func (e *env) toJSON(n *document.Node, v value.Value) value.Value {
	document := v
	out := value.Value{Kind: value.String, Document: &document}
	out.Sensitive, out.Given = v.Marks()
	if v.Kind == value.Absent {
		document.Kind = value.Null
	}
	if !e.writes(n, bytesOf(&document, e.limits.ValueBytes)) {
		return value.Value{Kind: value.Unknown, NotNull: true, Sensitive: out.Sensitive, Given: out.Given}
	}
	if document.IsWhollyKnown() {
		out.Text = string(document.AppendJSON(nil, false))
	} else {
		out.Kind, out.NotNull = value.Unknown, true
	}
	return out
}

// readFile reads a file of the tree; what leads out of it is unknown.
func (e *env) readFile(n, arg *document.Node) value.Value {
	v := e.whole(arg)
	name, known := v.Word()
	if !known {
		return value.Value{Kind: value.Unknown, NotNull: true}
	}
	p := e.local(name)
	if p == "" {
		e.problem(source.Unresolved, n.Range, "fn::readFile names %.100q, which is not in the tree", name)
		return value.Value{Kind: value.Unknown, NotNull: true}
	}
	e.reads[p] = true
	f, problem := e.workspace.Read(p)
	if problem != nil {
		e.problem(source.Unresolved, n.Range, "fn::readFile: %s", problem.Message)
		return value.Value{Kind: value.Unknown, NotNull: true}
	}
	return value.Value{Kind: value.String, Text: string(f.Bytes)}
}
