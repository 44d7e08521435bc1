package azure

import (
	"bytes"
	"path"
	"strings"
)

// form says what a JSON file is to this dialect.
type form uint8

const (
	foreign form = iota
	templateForm
	parameterForm
)

// recognise says what a file is, in one pass that stops as soon as it is decided: by the $schema at its top level, and without
// one by resources that have a type and an apiVersion. Whatever has another schema, or has a template somewhere inside
// (a policy, a dashboard), is foreign.
func recognise(file string, content []byte) form {
	switch strings.ToLower(path.Ext(file)) {
	case ".json", ".jsonc", ".template", ".azrm":
	default:
		return foreign
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if !bytes.Contains(content, []byte(`apiVersion`)) && !bytes.Contains(content, []byte(`$schema`)) && !bytes.Contains(content, []byte(`schema.management.azure.com`)) {
		return foreign
	}
	s := skimmer{text: content}
	return s.skim()
}

// skimmer goes through the signs of a JSON text with no more memory than its place.
type skimmer struct {
	text []byte
	at   int
}

func (s *skimmer) skim() form {
	depth := 0
	key, top := false, "" // a name is expected; the name at the top level that we are in
	var first, last string
	typed, versioned, opened := false, false, false
	kinds := make([]byte, 0, 64) // the brackets that are open, as far as it matters
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch c {
		case '{', '[':
			if depth == 0 && (opened || c == '[') {
				return foreign
			}
			opened = true
			depth++
			if len(kinds) < cap(kinds) {
				kinds = append(kinds[:min(depth-1, len(kinds))], c)
			}
			key = c == '{'
			s.at++
			if depth == 3 && top == "resources" {
				typed, versioned = false, false
			}
		case '}', ']':
			depth--
			s.at++
			if depth <= 0 {
				return foreign
			}
		case ',':
			key = depth > 0 && depth <= len(kinds) && kinds[depth-1] == '{'
			s.at++
		case ':':
			key = false
			s.at++
		case '"':
			text, ok := s.quoted()
			if !ok {
				return foreign
			}
			switch {
			case key && depth == 1:
				top = strings.ToLower(text)
			case depth == 1 && top == "$schema":
				return schemaForm(text)
			case key:
				last = strings.ToLower(text)
				first = last
			case depth == 3 && top == "resources":
				typed = typed || last == "type" && strings.Contains(text, "/")
				versioned = versioned || first == "apiversion"
				if typed && versioned {
					return templateForm
				}
			}
		case '/':
			s.comment()
		default:
			s.at++
		}
	}
	return foreign
}

func schemaForm(schema string) form {
	schema = strings.ToLower(strings.TrimSuffix(schema, "#"))
	switch {
	case strings.HasSuffix(schema, "deploymenttemplate.json"):
		return templateForm
	case strings.HasSuffix(schema, "deploymentparameters.json"):
		return parameterForm
	}
	return foreign
}

// quoted reads a text as it is written, escapes and all.
func (s *skimmer) quoted() (string, bool) {
	start := s.at + 1
	for i := start; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			i++
		case '"':
			s.at = i + 1
			return string(s.text[start:i]), true
		}
	}
	return "", false
}

func (s *skimmer) comment() {
	rest := s.text[s.at:]
	var end []byte
	switch {
	case bytes.HasPrefix(rest, []byte("//")):
		end = []byte("\n")
	case bytes.HasPrefix(rest, []byte("/*")):
		end = []byte("*/")
	default:
		s.at++
		return
	}
	if i := bytes.Index(rest[2:], end); i >= 0 {
		s.at += 2 + i + len(end)
	} else {
		s.at = len(s.text)
	}
}
