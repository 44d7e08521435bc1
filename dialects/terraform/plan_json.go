package terraform

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"

	"plumbline.dev/plumbline/source"
)

// Plans and states are large and mostly not looked at: they are read by finding where their members stand, and only what is
// needed of one resource at a time becomes a tree.

// span is where a JSON value stands: start is its first byte, end the one after its last.
type span struct{ start, end int }

// found reports whether there is such a value.
func (s span) found() bool { return s.end > s.start }

// jsonEnd returns the end of the value that starts at offset at, or of the text when it does not end. It does not check the
// value.
func jsonEnd(src []byte, at int) int {
	depth := 0
	for ; at < len(src); at++ {
		switch src[at] {
		case '"':
			for at++; at < len(src) && src[at] != '"'; at++ {
				if src[at] == '\\' {
					at++
				}
			}
			if depth == 0 {
				return min(at+1, len(src))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return at + 1
			}
		case ',', ' ', '\t', '\r', '\n', ':':
		default:
			if depth > 0 {
				continue
			}
			for at < len(src) && bytes.IndexByte([]byte(",]} \t\r\n"), src[at]) < 0 {
				at++
			}
			return at
		}
	}
	return len(src)
}

// jsonSkip returns the offset of the next byte that is neither white space nor one of the signs between values.
func jsonSkip(src []byte, at int) int {
	for at < len(src) && bytes.IndexByte([]byte(" \t\r\n,:"), src[at]) >= 0 {
		at++
	}
	return at
}

// jsonStart returns where the value of a file starts: behind white space and the mark that some shells write first.
func jsonStart(src []byte) int {
	if bytes.HasPrefix(src, []byte("\ufeff")) {
		return jsonSkip(src, len("\ufeff"))
	}
	return jsonSkip(src, 0)
}

// entry is a member of a JSON object.
type entry struct {
	name  string
	value span
	whole span // with the name
}

// jsonMembers goes over the members of the object at s, and over nothing when there is no object. The text is checked
// already, or it is the beginning of a file whose members are asked for as far as they go.
func jsonMembers(src []byte, s span) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		if !s.found() || src[s.start] != '{' {
			return
		}
		for at := jsonSkip(src, s.start+1); at < s.end && src[at] == '"'; at = jsonSkip(src, at) {
			start := at
			at = jsonEnd(src, at)
			name := jsonText(src, span{start, at})
			from := jsonSkip(src, at)
			if at = jsonEnd(src, from); from >= at {
				return
			}
			if !yield(entry{name: name, value: span{from, at}, whole: span{start, at}}) {
				return
			}
		}
	}
}

// jsonElements goes over the elements of the array at s, and over nothing when there is no array.
func jsonElements(src []byte, s span) iter.Seq[span] {
	return func(yield func(span) bool) {
		if !s.found() || src[s.start] != '[' {
			return
		}
		for at := jsonSkip(src, s.start+1); at < s.end && src[at] != ']'; at = jsonSkip(src, at) {
			start := at
			if at = jsonEnd(src, at); at <= start || !yield(span{start, at}) {
				return
			}
		}
	}
}

// jsonMember returns the member of that name, the last one when there are several.
func jsonMember(src []byte, s span, name string) entry {
	var found entry
	for m := range jsonMembers(src, s) {
		if m.name == name {
			found = m
		}
	}
	return found
}

// jsonAt follows names into objects.
func jsonAt(src []byte, s span, names ...string) span {
	for _, name := range names {
		s = jsonMember(src, s, name).value
	}
	return s
}

// jsonText returns the text of the string at s; "" when it is no string.
func jsonText(src []byte, s span) string {
	if !s.found() || src[s.start] != '"' {
		return ""
	}
	raw := src[s.start:s.end]
	if len(raw) >= 2 && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// jsonTexts returns the strings of the array at s.
func jsonTexts(src []byte, s span) []string {
	var out []string
	for e := range jsonElements(src, s) {
		out = append(out, jsonText(src, e))
	}
	return out
}

// jsonFault returns what is wrong with a text that shall be one JSON value, nil when nothing is.
func jsonFault(f *source.File) *source.Problem {
	start := jsonStart(f.Bytes)
	if json.Valid(f.Bytes[start:]) {
		return nil
	}
	p := &source.Problem{Kind: source.Invalid, Range: source.Range{File: f.Path}, Message: "the JSON cannot be read"}
	var whole json.RawMessage
	err := json.Unmarshal(f.Bytes[start:], &whole)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		p.Range.Start = min(start+max(0, int(syntax.Offset)-1), len(f.Bytes))
		p.Range.End = p.Range.Start
		p.Message += ": " + syntax.Error()
	}
	return p
}

// planForm says what a JSON file is to Terraform.
type planForm uint8

const (
	noPlan      planForm = iota
	planJSON             // terraform show -json PLAN
	stateJSON            // terraform show -json
	stateFile            // terraform.tfstate
	stateSecret          // a state that OpenTofu has encrypted
)

// planFormOf recognises plans and states by their members at the top. Of a file that is too large to be read the beginning
// is enough.
func planFormOf(file string, content func() []byte) planForm {
	switch {
	case strings.HasSuffix(file, ".json"), strings.HasSuffix(file, ".tfstate"):
	default:
		return noPlan
	}
	src := content()
	start := jsonStart(src)
	if start == len(src) || src[start] != '{' {
		return noPlan
	}
	version := bytes.Contains(src, []byte(`"terraform_version"`))
	if !version && !bytes.Contains(src, []byte(`"encrypted_data"`)) {
		return noPlan
	}
	var names []string
	for m := range jsonMembers(src, span{start, len(src)}) {
		names = append(names, m.name)
	}
	has := func(wanted ...string) bool {
		return !slices.ContainsFunc(wanted, func(n string) bool { return !slices.Contains(names, n) })
	}
	switch {
	case has("format_version", "terraform_version", "planned_values"), has("format_version", "terraform_version", "resource_changes"),
		has("format_version", "terraform_version", "configuration"), has("format_version", "terraform_version", "variables"):
		return planJSON
	case has("format_version", "terraform_version", "values"):
		return stateJSON
	case has("version", "terraform_version", "serial", "lineage"):
		return stateFile
	case has("encrypted_data", "encryption_version"):
		return stateSecret
	}
	return noPlan
}
