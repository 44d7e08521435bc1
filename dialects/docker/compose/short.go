package compose

import (
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// unknownPart is a part of a short form that nobody can tell before the variable in it is set.
func unknownPart(w words) words {
	for i := range w {
		if w[i].hole != "" {
			return words{w[i]}
		}
	}
	return w
}

func (w words) hasHole() bool {
	_, known := w.known()
	return !known
}

// parts makes a mapping of the parts of a short form; parts without text are left out.
func (n *node) parts(names []string, texts []words) *node {
	out := *n
	out.kind, out.short = document.Mapping, n
	for i, name := range names {
		if texts[i] != nil {
			out.fields = append(out.fields, field{name, n.part(texts[i])})
		}
	}
	out.fields = sortFields(out.fields)
	return &out
}

func joined(parts []words, sep string) words {
	var out words
	for i, p := range parts {
		if i > 0 {
			out = append(out, piece{text: sep})
		}
		out = append(out, p...)
	}
	return out
}

// port brings a published port into the long form. Ranges of ports have their last one in a member of its own.
func (l *loader) port(n *node) *node {
	if n.kind == document.Mapping {
		out := *n
		out.fields = nil
		for _, f := range n.fields {
			if f.name != "published" && f.name != "target" || f.kind != document.Scalar || f.null || f.opaque {
				out.fields = append(out.fields, f)
				continue
			}
			first, last := portRange(f.text)
			if last == nil {
				out.fields = append(out.fields, f)
				continue
			}
			out.fields = append(out.fields, field{f.name, f.part(first)}, field{f.name + "_end", f.part(last)})
		}
		out.fields = sortFields(out.fields)
		return &out
	}
	if n.kind != document.Scalar {
		return n
	}
	text, protocol, _ := n.text.cut('/')
	var host, published, target words
	if begin := text.begin(); strings.HasPrefix(begin, "[") && strings.Contains(begin, "]:") {
		text = text.dropped(1)
		var rest words
		host, rest, _ = text.cut(']')
		text = rest.dropped(1)
		if published, target, _ = text.cut(':'); target == nil {
			published, target = nil, text
		}
	} else {
		switch parts := text.split(':'); len(parts) {
		case 1:
			target = parts[0]
			if target.hasHole() {
				published, host = unknownPart(target), unknownPart(target)
			}
		case 2:
			published, target = parts[0], parts[1]
			if published.hasHole() { // the variable may hold an address, too
				host = unknownPart(published)
			}
		default:
			host, published, target = joined(parts[:len(parts)-2], ":"), parts[len(parts)-2], parts[len(parts)-1]
		}
	}
	first, last := portRange(published)
	inner, innerLast := portRange(target)
	if !l.isPort(first, n) || !l.isPort(last, n) || !l.isPort(inner, n) || !l.isPort(innerLast, n) || inner == nil {
		out := *n
		out.opaque = true
		return &out
	}
	if text, ok := host.known(); ok && text == "" {
		host = nil
	}
	return n.parts([]string{"host_ip", "published", "published_end", "target", "target_end", "protocol"}, []words{host, first, last, inner, innerLast, protocol})
}

// isPort reports whether a text may be the number of a port.
func (l *loader) isPort(w words, n *node) bool {
	text, known := w.known()
	if w == nil || !known {
		return true
	}
	if text == "" || len(text) > 5 || strings.Trim(text, "0123456789") != "" {
		l.problem(source.Invalid, n.at, "the port cannot be read: write HOST:CONTAINER, like 127.0.0.1:8080:80")
		return false
	}
	return true
}

// portRange splits a range of ports; last is nil when it is a single one, and both are when there is none.
func portRange(w words) (first, last words) {
	if text, known := w.known(); known && text == "" {
		return nil, nil
	}
	before, after, found := w.cut('-')
	if !found {
		return w, nil
	}
	return before, after
}

// dropped is a text without its first bytes, which are known.
func (w words) dropped(n int) words {
	out := make(words, len(w))
	copy(out, w)
	if len(out) > 0 && len(out[0].text) >= n {
		out[0].text = out[0].text[n:]
	}
	return out
}

// volume brings a mount into the long form.
func (l *loader) volume(n *node) *node {
	if n.kind != document.Scalar {
		return n.with(func(f field) *node {
			if f.name == "volume" {
				return l.beside(f.node)
			}
			return f.node
		})
	}
	parts := n.text.split(':')
	for i := 0; i+1 < len(parts); i++ { // C:\data is one part
		drive, _ := parts[i].known()
		if next := parts[i+1].begin(); len(drive) == 1 && (next != "" && (next[0] == '\\' || next[0] == '/')) && (drive[0]|0x20 >= 'a' && drive[0]|0x20 <= 'z') {
			parts = append(append(append([]words{}, parts[:i]...), joined(parts[i:i+2], ":")), parts[i+2:]...)
		}
	}
	var source, target, options words
	switch len(parts) {
	case 1:
		target = parts[0]
		if target.hasHole() {
			u := unknownPart(target)
			return n.parts([]string{"source", "target", "type"}, []words{u, u, u})
		}
	case 2:
		source, target = parts[0], parts[1]
	case 3:
		source, target, options = parts[0], parts[1], parts[2]
	default:
		return l.badVolume(n)
	}
	if text, known := target.known(); known && text == "" {
		return l.badVolume(n)
	}
	typ := literal("volume")
	switch begin := source.begin(); {
	case begin == "" && source.hasHole():
		typ = unknownPart(source)
	case isPath(begin):
		typ = literal("bind")
	}
	out := n.parts([]string{"source", "target", "type"}, []words{source, target, typ})
	if options == nil {
		return out
	}
	bind := map[string]words{}
	if options.hasHole() {
		out.fields = append(out.fields, field{"read_only", n.part(unknownPart(options))})
		bind["propagation"] = unknownPart(options)
	}
	text, _ := options.known()
	for option := range strings.SplitSeq(text, ",") {
		switch option {
		case "ro":
			out.fields = append(out.fields, field{"read_only", n.part(literal("true"))})
		case "rw":
			out.fields = append(out.fields, field{"read_only", n.part(literal("false"))})
		case "nocopy":
			inner := n.parts([]string{"nocopy"}, []words{literal("true")})
			out.fields = append(out.fields, field{"volume", inner})
		case "z", "Z":
			bind["selinux"] = literal(option)
		case "private", "rprivate", "shared", "rshared", "slave", "rslave":
			bind["propagation"] = literal(option)
		}
	}
	if len(bind) > 0 {
		out.fields = append(out.fields, field{"bind", n.parts([]string{"propagation", "selinux"}, []words{bind["propagation"], bind["selinux"]})})
	}
	out.fields = sortFields(out.fields)
	return out
}

func (l *loader) badVolume(n *node) *node {
	l.problem(source.Invalid, n.at, "the mount cannot be read: write SOURCE:TARGET, like data:/var/lib/data")
	out := *n
	out.opaque = true
	return &out
}

// isPath reports whether the source of a mount is a path of the host: what is none is the name of a volume.
func isPath(begin string) bool {
	return begin != "" && strings.IndexByte("./~", begin[0]) >= 0 || strings.HasPrefix(begin, `\\`) ||
		len(begin) > 2 && begin[1] == ':' && (begin[2] == '\\' || begin[2] == '/')
}

// device brings a device into the long form.
func (l *loader) device(n *node) *node {
	if n.kind != document.Scalar {
		return n
	}
	parts := append(n.text.split(':'), nil, nil)
	target := parts[1]
	if target == nil {
		target = parts[0]
	}
	return n.parts([]string{"source", "target", "permissions"}, []words{parts[0], target, parts[2]})
}

// mount brings a secret or config of a service into the long form.
func (l *loader) mount(n *node) *node { return n.named("source") }
