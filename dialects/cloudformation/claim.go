package cloudformation

import (
	"bytes"
	"path"
	"strings"
)

// extension returns how a file's name ends when templates are kept in files of such names, else "".
func extension(p string) string {
	switch e := strings.ToLower(path.Ext(p)); e {
	case ".yaml", ".yml", ".json", ".template", ".cfn":
		return e
	}
	return ""
}

var (
	typeSpaces     = [][]byte{[]byte("AWS::"), []byte("Custom::"), []byte("Alexa::")}
	formatVersion  = []byte("AWSTemplateFormatVersion")
	resourcesWord  = []byte("Resources")
	parameterKey   = []byte("ParameterKey")
	parametersWord = []byte("Parameters")
)

// isTemplate reports whether a file is a CloudFormation template: a mapping with Resources, of which one has a Type of
// CloudFormation's, or that says so by its AWSTemplateFormatVersion. It looks at the bytes and does not parse.
func isTemplate(content []byte) bool {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if !bytes.Contains(content, resourcesWord) && !bytes.Contains(content, formatVersion) {
		return false
	}
	if isJSON(content) {
		return isTemplateJSON(content)
	}
	return isTemplateYAML(content)
}

// isJSON reports whether the first sign of a file opens an object or a list.
func isJSON(content []byte) bool {
	t := bytes.TrimLeft(content, " \t\r\n")
	return len(t) > 0 && (t[0] == '{' || t[0] == '[')
}

// isTemplateYAML goes through the lines: the sections stand at the left margin, and types deeper in.
func isTemplateYAML(content []byte) bool {
	inside := false // of the section Resources
	for len(content) > 0 {
		line := content
		if i := bytes.IndexByte(content, '\n'); i >= 0 {
			line, content = content[:i], content[i+1:]
		} else {
			content = nil
		}
		if len(line) == 0 || line[0] == '#' || line[0] == '\r' {
			continue
		}
		if line[0] != ' ' && line[0] != '\t' {
			key, _, ok := bytes.Cut(line, []byte{':'})
			name := string(bytes.Trim(bytes.TrimSpace(key), `"'`))
			if ok && name == string(formatVersion) {
				return true
			}
			if line[0] == '-' && !bytes.HasPrefix(line, []byte("---")) {
				return false // a list is no template
			}
			inside = ok && name == string(resourcesWord)
		}
		if !inside {
			continue
		}
		i := bytes.Index(line, []byte("Type"))
		if i < 0 {
			continue
		}
		after := bytes.TrimLeft(line[i+len("Type"):], `"' `)
		if rest, ok := bytes.CutPrefix(after, []byte{':'}); ok && isType(bytes.TrimLeft(rest, `"' `)) {
			return true
		}
	}
	return false
}

func isType(text []byte) bool {
	for _, space := range typeSpaces {
		if bytes.HasPrefix(text, space) {
			return true
		}
	}
	return false
}

// isTemplateJSON goes through the strings of the outer levels: members of the document, and of the members of Resources.
func isTemplateJSON(content []byte) bool {
	depth, inside := 0, false
	var key []byte // the last member's name on the way
	for i := 0; i < len(content); i++ {
		switch content[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth <= 1 {
				inside = false
			}
		case '"':
			end := endOfString(content, i)
			text := content[i+1 : max(i+1, end-1)]
			i = end - 1
			if depth > 3 || depth > 1 && !inside {
				continue
			}
			next := bytes.TrimLeft(content[end:min(end+64, len(content))], " \t\r\n")
			if len(next) > 0 && next[0] == ':' {
				key = text
				if depth == 1 {
					if bytes.Equal(text, formatVersion) {
						return true
					}
					inside = bytes.Equal(text, resourcesWord)
				}
				continue
			}
			if depth == 3 && inside && string(key) == "Type" && isType(text) {
				return true
			}
		}
	}
	return false
}

// endOfString returns the offset behind the closing quote of the string that begins at i.
func endOfString(content []byte, i int) int {
	for j := i + 1; j < len(content); j++ {
		switch content[j] {
		case '\\':
			j++
		case '"':
			return j + 1
		}
	}
	return len(content)
}

// isParameters reports whether a file holds parameters for a template: the list of pairs that the command line takes, or the
// object with Parameters that CodePipeline takes. JSON only, as theirs are.
func isParameters(kind string, content []byte) bool {
	if kind != ".json" {
		return false
	}
	t := bytes.TrimLeft(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(t) == 0 {
		return false
	}
	if t[0] == '[' {
		return bytes.Contains(t, parameterKey)
	}
	return t[0] == '{' && bytes.Contains(t[:min(len(t), 64<<10)], parametersWord) && firstLevel(t, "Parameters") && !firstLevel(t, "Resources")
}

// firstLevel reports whether a JSON object has a member of that name.
func firstLevel(content []byte, name string) bool {
	depth := 0
	for i := 0; i < len(content); i++ {
		switch content[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := endOfString(content, i)
			if depth == 1 && string(content[i+1:max(i+1, end-1)]) == name {
				if next := bytes.TrimLeft(content[end:min(end+64, len(content))], " \t\r\n"); len(next) > 0 && next[0] == ':' {
					return true
				}
			}
			i = end - 1
		}
	}
	return false
}
