package kubernetes

import (
	"bytes"
)

var (
	apiVersion    = []byte("apiVersion")
	kindWord      = []byte("kind")
	kustomization = []byte("kustomize.config.k8s.io/")
	mark          = []byte("\ufeff")
)

// isManifest reports whether a file holds an object of Kubernetes: a document with apiVersion and kind at its top. A template whose
// actions stand where YAML has none (Helm's) is no manifest before it is rendered. It looks at the bytes and does not parse.
func isManifest(content []byte) bool {
	content = bytes.TrimPrefix(content, mark)
	if !bytes.Contains(content, apiVersion) || !bytes.Contains(content, kindWord) {
		return false
	}
	if t := bytes.TrimLeft(content, " \t\r\n"); len(t) > 0 && t[0] == '{' && !bytes.HasPrefix(t, []byte("{{")) {
		if found, _ := inBraces(t); found {
			return true
		}
	}
	l := lines{}
	for len(content) > 0 {
		line, rest := content, content
		if i := bytes.IndexByte(content, '\n'); i >= 0 {
			line, content = content[:i], content[i+1:]
		} else {
			content = nil
		}
		l.read(bytes.TrimRight(line, " \t\r"), rest)
		if l.template {
			return false
		}
	}
	l.finish()
	return l.found
}

// lines goes through a file line by line.
type lines struct {
	version, kind bool // of the document that is read
	foreign       bool // it builds other manifests
	found         bool
	template      bool
	scalar        int // indentation of the line that opened a block scalar, -1 outside
	inScalar      bool
	written       bool // something of the document was seen
	open          bool // there are braces that nothing closes
}

func (l *lines) finish() {
	l.found = l.found || l.version && l.kind && !l.foreign
	l.version, l.kind, l.foreign, l.written = false, false, false, false
}

// read takes one line, with all that is from it on.
func (l *lines) read(line, rest []byte) {
	trimmed := bytes.TrimLeft(line, " \t")
	if len(trimmed) == 0 {
		return
	}
	indent := len(line) - len(trimmed)
	if l.inScalar {
		if indent > l.scalar {
			return
		}
		l.inScalar = false
	}
	if trimmed[0] == '#' {
		return
	}
	if indent == 0 && bytes.HasPrefix(line, []byte("---")) {
		l.finish()
		trimmed, rest = bytes.TrimLeft(line[3:], " "), bytes.TrimLeft(rest[3:], " ")
		if len(trimmed) == 0 || trimmed[0] != '{' {
			return
		}
	}
	if trimmed[0] == '{' && !l.written && !l.open && !bytes.HasPrefix(trimmed, []byte("{{")) {
		found, closed := inBraces(rest)
		l.found, l.open, l.written = l.found || found, !closed, true
		return
	}
	l.written = true
	if bytes.HasPrefix(trimmed, []byte("{{")) {
		l.template = true
		return
	}
	key, text := cut(trimmed)
	if indent == 0 {
		switch {
		case bytes.Equal(key, apiVersion):
			l.version = true
			l.foreign = l.foreign || bytes.HasPrefix(bytes.Trim(text, `"' `), kustomization)
		case bytes.Equal(key, kindWord):
			l.kind = true
		}
	}
	switch {
	case bytes.HasPrefix(text, []byte("{{")):
		l.template = true
	case len(text) > 0 && (text[0] == '|' || text[0] == '>') || len(text) > 0 && endsInScalar(text):
		l.inScalar, l.scalar = true, indent
		for len(trimmed) > 1 && trimmed[0] == '-' && trimmed[1] == ' ' { // - key: |
			rest := bytes.TrimLeft(trimmed[1:], " ")
			if k, _ := cut(rest); k == nil {
				break
			}
			l.scalar += len(trimmed) - len(rest)
			trimmed = rest
		}
	}
}

// endsInScalar reports whether what stands behind a key is a tag or an anchor and then the sign of a block scalar.
func endsInScalar(text []byte) bool {
	if text[0] != '!' && text[0] != '&' {
		return false
	}
	i := bytes.LastIndexByte(text, ' ')
	return i >= 0 && i+1 < len(text) && (text[i+1] == '|' || text[i+1] == '>')
}

// cut splits an entry into its key and what stands behind the colon; of an item of a list its own first entry. Without a colon
// there is no key.
func cut(line []byte) (key, text []byte) {
	for len(line) > 1 && line[0] == '-' && line[1] == ' ' {
		line = bytes.TrimLeft(line[1:], " ")
	}
	i := bytes.Index(line, []byte(": "))
	if i < 0 {
		if len(line) > 0 && line[len(line)-1] == ':' {
			return bytes.Trim(line[:len(line)-1], `"' `), nil
		}
		return nil, line
	}
	return bytes.Trim(line[:i], `"' `), bytes.TrimLeft(line[i+1:], " ")
}

// inBraces reports whether an object in braces, of JSON or of YAML, has both keys at its top, and whether it ends.
func inBraces(t []byte) (found, closed bool) {
	var version, kind, foreign bool
	depth, atKey := 0, false
	for i := 0; i < len(t); i++ {
		switch c := t[i]; c {
		case '{', '[':
			depth++
			atKey = c == '{'
		case '}', ']':
			depth--
			if depth == 0 {
				return version && kind && !foreign, true
			}
		case ',':
			atKey = true
		case ':':
			atKey = false
		case ' ', '\t', '\r', '\n':
		default:
			start := i
			if c == '"' || c == '\'' {
				for i++; i < len(t) && t[i] != c; i++ {
					if t[i] == '\\' && c == '"' {
						i++
					}
				}
			} else {
				for i+1 < len(t) && bytes.IndexByte([]byte("{}[],: \t\r\n"), t[i+1]) < 0 {
					i++
				}
			}
			word := bytes.Trim(t[start:min(i+1, len(t))], `"'`)
			if depth == 1 && atKey {
				version = version || bytes.Equal(word, apiVersion)
				kind = kind || bytes.Equal(word, kindWord)
			} else if depth == 1 {
				foreign = foreign || bytes.HasPrefix(word, kustomization)
			}
		}
	}
	return version && kind && !foreign, false
}
