package rule

import (
	"slices"
	"strings"
)

// What a line of code holds is often said by other lines: the name of a variable stands before its value, a private key begins above,
// everything below data: of a Kubernetes Secret is one. How far is looked for that is bounded, so that a line costs little.
const (
	lookedBack   = 400 // lines, for the head of a block or of a text of many lines
	lookedAround = 8   // lines, for the name that belongs to a value
	lookedKey    = 120 // lines of a private key
)

// Lines gives the lines of a text by number, without their ends; false where there is none.
type Lines func(n int) (string, bool)

// LinesOf numbers lines from 0.
func LinesOf(lines []string) Lines {
	return func(n int) (string, bool) {
		if n < 0 || n >= len(lines) {
			return "", false
		}
		return lines[n], true
	}
}

// SpansAt returns the parts of line n of a text that are not to be shown, in order and apart from each other: what SecretSpans finds, and
// what the lines around it say to be a secret. With all it is every quoted text.
func SpansAt(text Lines, n int, all bool) [][2]int {
	line, ok := text(n)
	if !ok || strings.TrimSpace(line) == "" {
		return nil
	}
	if text.inKey(n) {
		return content(line)
	}
	spans := SecretSpans(line, all)
	if s, found := text.told(n); found {
		spans = append(spans, s...)
	}
	return joined(spans)
}

// joined sorts spans and joins those that touch.
func joined(spans [][2]int) [][2]int {
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], s[1])
		} else if s[1] > s[0] {
			out = append(out, s)
		}
	}
	return out
}

// content is all of a line but what surrounds it.
func content(line string) [][2]int {
	start := len(line) - len(strings.TrimLeft(line, " \t"))
	return [][2]int{{start, len(strings.TrimRight(line, " \t\r,"))}}
}

// inKey reports whether line n is within a private key that began above.
func (t Lines) inKey(n int) bool {
	for i := n - 1; i >= n-lookedKey; i-- {
		line, ok := t(i)
		if !ok || strings.Contains(line, "-----END ") {
			return false
		}
		if strings.Contains(line, "-----BEGIN ") && strings.Contains(line, "PRIVATE KEY") {
			here, _ := t(n)
			return !strings.Contains(here, "-----END ")
		}
	}
	return false
}

var (
	// keyed is a line that gives a name a value, in YAML, JSON, HCL, Bicep or a properties file.
	keyed = lazy(`^[\s-]*(?:(?:param|var|output|export|set|ENV|ARG)\s+)?["']?([A-Za-z_][\w.-]*)["']?(?:\s+string)?\s*[:=]\s*(\S.*)$`)
	// head is a line that opens what is written below it: a mapping, an object or a block.
	head = lazy(`^[\s-]*["']?([A-Za-z_][\w.-]*)["']?\s*[:=]?\s*(?:\{|\[|[|>][+-]?\d*)?\s*$`)
	// labels are the names in the head of a block: variable "db_password" {.
	labels = lazy(`^\s*[A-Za-z_]\w*((?:\s+"[^"]*")+)\s*\{\s*$`)
	// variables is an instruction of a Dockerfile in its old form.
	variables = lazy(`(?i)^\s*ENV\s+([A-Za-z_]\w*)\s+(\S.*)$`)
	// heredocument is the beginning of a text of many lines in HCL or a shell.
	heredocument = lazy(`([A-Za-z_][\w.-]*)["']?\s*[:=]\s*<<[-~]?\s*["']?([A-Za-z_]\w*)`)
	option       = lazy(`^\s*(?:-\s+)?["']?--?([A-Za-z][\w-]*)["']?,?\s*$`)
	listed       = lazy(`^\s*(?:-\s+)?(["']?)([^\s"'{\[].*?)["']?,?\s*$`)
)

// givers are the names of what gives the thing that is named in the line above its value.
var givers = []string{"value", "default", "defaultvalue", "secretstring", "secretvalue", "plaintext", "stringvalue"}

// told returns the parts of line n that the lines around it say to be secrets.
func (t Lines) told(n int) ([][2]int, bool) {
	line, _ := t(n)
	key, value := "", [2]int{}
	if m := keyed().FindStringSubmatchIndex(line); m != nil {
		key, value = line[m[2]:m[3]], scalarAt(line, m[4], m[5])
	} else if m := variables().FindStringSubmatchIndex(line); m != nil && secretName(line[m[2]:m[3]]) {
		return [][2]int{{m[4], m[5]}}, true
	}
	hide := func(name string) ([][2]int, bool) {
		return [][2]int{value}, value[1] > value[0] && hidden(name, line[value[0]:value[1]], line[value[1]:])
	}
	if key != "" && secretName(key) {
		if s, ok := hide(key); ok {
			return s, true
		}
	}
	if strings.EqualFold(key, "value") && t.named(n) {
		if s, ok := hide("password"); ok {
			return s, true
		}
	}
	if before, ok := t(n - 1); ok && key == "" { // --password, hunter2
		if m := option().FindStringSubmatch(before); m != nil && secretName(m[1]) {
			if m := listed().FindStringSubmatchIndex(line); m != nil && !strings.HasPrefix(line[m[4]:], "-") {
				return [][2]int{{m[4], m[5]}}, true
			}
		}
	}
	return t.below(n, key, hide)
}

// below looks at what line n stands in.
func (t Lines) below(n int, key string, hide func(string) ([][2]int, bool)) ([][2]int, bool) {
	line, _ := t(n)
	if t.inHeredocument(n) {
		return content(line), true
	}
	at, nearest := indented(line), true
	for i := n - 1; i >= n-lookedBack && at > 0; i-- {
		above, ok := t(i)
		if !ok {
			break
		}
		if blank(above) || indented(above) >= at {
			continue
		}
		at = indented(above)
		name, block := "", strings.HasSuffix(strings.TrimRight(above, "+-0123456789 \t\r"), "|") || strings.HasSuffix(strings.TrimRight(above, "+-0123456789 \t\r"), ">")
		if m := head().FindStringSubmatch(above); m != nil {
			name = m[1]
		}
		if m := labels().FindStringSubmatch(above); m != nil {
			for label := range strings.FieldsSeq(m[1]) {
				if label = strings.Trim(label, `"`); secretName(label) {
					name = label
				}
			}
		}
		switch {
		case nearest && block && secretName(name):
			return content(line), true
		case nearest && secretName(name) && slices.Contains(givers, strings.ToLower(strings.ReplaceAll(key, "_", ""))):
			return hide("password")
		case nearest && key == "" && secretName(name):
			if m := listed().FindStringSubmatchIndex(line); m != nil && hidden("password", line[m[4]:m[5]], "") {
				return [][2]int{{m[4], m[5]}}, true
			}
		case (name == "data" || name == "stringData" || name == "binary_data") && t.ofSecret(i):
			if s, ok := hide("password"); ok {
				return s, true
			}
			return content(line), key == ""
		}
		nearest = false
	}
	return nil, false
}

// named reports whether a name beside the value in line n, in the same list item, object or block, is that of a secret.
func (t Lines) named(n int) bool {
	line, _ := t(n)
	at, starts := indented(line), strings.HasPrefix(strings.TrimSpace(line), "- ")
	for _, step := range []int{-1, 1} {
		if step < 0 && starts {
			continue // the item begins with its value
		}
		for i := n + step; i != n+step*lookedAround; i += step {
			other, ok := t(i)
			if !ok || !blank(other) && indented(other) < at {
				break
			}
			item := strings.HasPrefix(strings.TrimSpace(other), "- ")
			if step > 0 && item && indented(other) == at {
				break
			}
			if indented(other) == at {
				if m := nameLine().FindStringSubmatch(other); m != nil {
					return secretName(m[1])
				}
				if item {
					break
				}
			}
		}
	}
	return false
}

// ofSecret reports whether the mapping data that begins in line n is that of a Kubernetes Secret.
func (t Lines) ofSecret(n int) bool {
	line, _ := t(n)
	at := indented(line)
	for _, step := range []int{-1, 1} {
		for i := n + step; i != n+step*lookedBack; i += step {
			other, ok := t(i)
			if !ok || strings.HasPrefix(other, "---") {
				break
			}
			if blank(other) || indented(other) > at {
				continue
			}
			text := strings.Trim(strings.TrimSpace(other), ",- ")
			text = strings.NewReplacer(`"`, "", "'", "", " ", "").Replace(text)
			if text == "kind:Secret" || strings.HasPrefix(text, "resourcekubernetes_secret") {
				return true
			}
			if indented(other) < at {
				break
			}
		}
	}
	return false
}

// inHeredocument reports whether line n is in a text of many lines that is given to the name of a secret.
func (t Lines) inHeredocument(n int) bool {
	line, _ := t(n)
	for i := n - 1; i >= n-lookedKey; i-- {
		above, ok := t(i)
		if !ok {
			return false
		}
		if !strings.Contains(above, "<<") {
			continue
		}
		m := heredocument().FindStringSubmatch(above)
		if m == nil || !secretName(m[1]) {
			return false
		}
		for j := i + 1; j <= n; j++ {
			if within, _ := t(j); strings.TrimSpace(within) == m[2] {
				return false
			}
		}
		return strings.TrimSpace(line) != m[2]
	}
	return false
}

func blank(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//")
}

// indented is the column in which what a line says begins, after the dash of a list's item.
func indented(line string) int {
	for i := range len(line) {
		if c := line[i]; c != ' ' && c != '\t' && !(c == '-' && i+1 < len(line) && line[i+1] == ' ') {
			return i
		}
	}
	return len(line)
}

// scalarAt is the scalar that begins at from: without its quotes, a comma and a comment; empty when it is none.
func scalarAt(line string, from, to int) [2]int {
	switch q := line[from]; q {
	case '"', '\'':
		for i := from + 1; i < to; i++ {
			if line[i] == '\\' && q == '"' {
				i++
			} else if line[i] == q {
				return [2]int{from + 1, i}
			}
		}
		return [2]int{from + 1, to} // it goes on in the next line
	case '{', '[', '|', '>', '!', '&', '*', '<', '$', '@', '(':
		return [2]int{}
	}
	if i := strings.Index(line[from:to], " #"); i >= 0 {
		to = from + i
	}
	return [2]int{from, from + len(strings.TrimRight(line[from:to], " \t\r,;"))}
}

// hidden reports whether a text that is given to the name of a secret is to be hidden: all but what says where the secret is
// kept, and switches. After is what follows the text in its line.
func hidden(name, text, after string) bool {
	if strings.HasPrefix(after, `"`) || strings.HasPrefix(after, "'") {
		return !(strings.HasPrefix(text, "${") && strings.HasSuffix(text, "}")) && !(strings.HasPrefix(text, "{{") && strings.HasSuffix(text, "}}"))
	}
	if dotted().MatchString(text) || strings.ContainsAny(text, "(){}") || reference(text) {
		return false
	}
	if passwordName(name) {
		return !slices.Contains([]string{"true", "false", "null", "~", "yes", "no", "none", "string", "String"}, text)
	}
	return assignedSecret(text)
}
