package github

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// injected are the attributes that hold the expressions which become code, by who decides on their text.
var injected = map[origin]string{outsider: "injects", ofInput: "injects_input", ofSecret: "injects_secret", ofRun: "injects_value"}

// injections adds the expressions that are put into a program before it is read.
func (e *evaluation) injections(body *pipelines.Body, s *step) {
	found := map[origin]notes{}
	for i := range s.exprs {
		x := &s.exprs[i]
		if x.sink != "run" && x.sink != "script" || x.node == nil {
			continue
		}
		o := e.of(&x.expression, s.scope())
		found[o] = append(found[o], note{x.inner, x.at()})
	}
	for o, attribute := range injected {
		body.Set(attribute, found[o].value())
	}
}

// lowerStep lowers the wishes that only a step can have: an expression handed to a script as a variable, a condition mended.
func (e *evaluation) lowerStep(s *step) func(resource.Change) (pipelines.Lowering, bool, error) {
	conditions := e.lowerConditions(s.node)
	return func(c resource.Change) (pipelines.Lowering, bool, error) {
		if c.Op != resource.Remove || len(c.Path) != 1 {
			return pipelines.Lowering{}, false, nil
		}
		for o, attribute := range injected {
			if c.Path[0].Name == attribute {
				l, err := e.indirect(s, o)
				return l, true, err
			}
		}
		if c.Path[0].Name == "deprecated_commands" {
			l, err := e.modernize(s)
			return l, true, err
		}
		if l, done, err := e.mend(s, c.Path[0].Name); done {
			return l, true, err
		}
		return conditions(c)
	}
}

// indirect hands the expressions of an origin to the program as variables: the text stays what it is and is never read as code.
func (e *evaluation) indirect(s *step, o origin) (pipelines.Lowering, error) {
	var l pipelines.Lowering
	taken := map[string]string{} // name to the expression that it has
	if env := s.node.Get("env"); env != nil {
		if env.Kind != document.Mapping {
			return l, fmt.Errorf("env is made of an expression")
		}
		for i := range env.Members {
			taken[env.Members[i].Key.Text] = textOf(env.Members[i].Value)
		}
	}
	var names []string
	for i := range s.exprs {
		x := &s.exprs[i]
		if x.sink != "run" && x.sink != "script" || x.node == nil || e.of(&x.expression, s.scope()) != o {
			continue
		}
		given := x.text.Text[x.start:x.end]
		name := e.variableFor(s, x, taken, given)
		edit, err := e.replacement(s, x, name)
		if err != nil {
			return pipelines.Lowering{}, err
		}
		l.Edits = append(l.Edits, edit)
		if _, had := taken[name]; !had {
			taken[name] = given
			names = append(names, name)
			l.Changes = append(l.Changes, document.Change{Op: resource.Set, At: s.node, Path: value.Path{{Name: "env"}, {Name: name}},
				Value: value.Value{Kind: value.String, Text: given}})
		}
	}
	if len(l.Edits) == 0 {
		return l, nil
	}
	l.Also = []value.Path{{{Name: "run"}}, {{Name: "with"}}, {{Name: "env"}}}
	l.Title = "hand " + strings.Join(names, ", ") + " to the script as environment variables"
	if len(names) == 0 {
		l.Title = "read the variable instead of the expression"
	}
	return l, nil
}

// reserved are names that a script needs for itself.
var reserved = []string{"PATH", "HOME", "USER", "SHELL", "PWD", "CI", "IFS", "LANG", "TERM", "TMPDIR", "HOSTNAME", "RANDOM", "UID", "SECONDS", "LINENO"}

// variableFor names the variable for an expression after the end of its context: ISSUE_TITLE for github.event.issue.title.
func (e *evaluation) variableFor(s *step, x *placed, taken map[string]string, given string) string {
	for _, name := range slices.Sorted(maps.Keys(taken)) {
		if taken[name] == given && isShellName(name) {
			return name
		}
	}
	if p, ok := dotted(x.node); ok && strings.HasPrefix(p, "env.") { // the variable is there already
		if _, name, _ := strings.Cut(x.inner, "."); isShellName(name) && s.scope().variableExactly(name) {
			taken[name] = given
			return name
		}
	}
	parts := []string{"VALUE"}
	if all := carried(x.node); len(all) > 0 {
		parts = strings.Split(all[0], ".")
		for _, dull := range []string{"github", "event", "inputs", "secrets", "vars", "env", "matrix", "steps", "needs"} {
			if len(parts) > 1 && parts[0] == dull {
				parts = parts[1:]
			}
		}
		parts = slices.DeleteFunc(parts, func(p string) bool { return p == "outputs" || p == "*" })
		if len(parts) > 2 {
			parts = parts[len(parts)-2:]
		}
	}
	base := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '_'
	}, strings.Join(parts, "_"))
	if base == "" || base[0] >= '0' && base[0] <= '9' || slices.Contains(reserved, base) || strings.HasPrefix(base, "GITHUB_") && base != "GITHUB_TOKEN" || strings.HasPrefix(base, "RUNNER_") {
		base = "INPUT_" + base
	}
	name := base
	for n := 2; ; n++ {
		if _, is := taken[name]; !is && s.scope().variable(name) == nil && !strings.Contains(s.scriptText(), "$"+name) && !strings.Contains(s.scriptText(), name+"=") {
			return name
		}
		name = base + "_" + strconv.Itoa(n)
	}
}

func (s *step) scriptText() string {
	if s.text == nil {
		return ""
	}
	return s.text.Text
}

func isShellName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// replacement is the edit that writes a variable for an expression.
func (e *evaluation) replacement(s *step, x *placed, name string) (source.Edit, error) {
	file := e.model.file.File
	start, end := x.start, x.end
	var text string
	var err error
	switch {
	case x.sink == "script" && s.is("actions/github-script"):
		start, end, text, err = inScript(x.text.Text, x.start, x.end, name)
	case x.sink == "script":
		err = fmt.Errorf("nobody knows how the program in %s reads variables", x.key)
	default:
		shell, _, _ := strings.Cut(s.shell(), " ")
		switch shell {
		case "bash", "sh":
			text, err = inShell(x.text.Text, x.start, name)
			if script := x.text.Text; err == nil && strings.HasPrefix(text, "'") && start > 0 && end < len(script) && script[start-1] == '\'' && script[end] == '\'' {
				start, end, text = start-1, end+1, strings.Trim(text, "'") // nothing else is between the quotes
			}
		case "pwsh", "powershell":
			text, err = inPowerShell(x.text.Text, x.start, name)
		default:
			err = fmt.Errorf("nobody knows how the shell %q reads variables", shell)
		}
	}
	if err != nil {
		return source.Edit{}, err
	}
	if !x.text.Verbatim(file, start, end) || strings.ContainsAny(text, "'\"\\") && quotedNode(x) {
		return source.Edit{}, fmt.Errorf("the expression stands in a quoted text, which is better changed by hand")
	}
	return source.Edit{Range: x.text.Range(start, end), Text: text}, nil
}

// quotedNode reports whether the scalar is in quotes of YAML, where quotes of the program would need others.
func quotedNode(x *placed) bool {
	n := x.scalar
	return n.Style == document.Single || n.Style == document.Double
}

// inShell returns what a shell reads as the variable where an expression stands: between double quotes it is expanded and stays one
// word, outside of quotes they are added, and single quotes are left for it.
func inShell(script string, at int, name string) (string, error) {
	if strings.Contains(script[:at], "<<") && heredoc(script, at) {
		return "", fmt.Errorf("the expression may stand in a here-document")
	}
	state, comment := byte(0), false
	var outer []byte // states around $(
	for i := 0; i < at; i++ {
		c := script[i]
		switch {
		case comment:
			comment = c != '\n'
		case state == '\'':
			if c == '\'' {
				state = 0
			}
		case c == '\\':
			i++
		case c == '`':
			return "", fmt.Errorf("the script has backquotes")
		case c == '$' && state == 0 && strings.HasPrefix(script[i:], "$'"):
			return "", fmt.Errorf("the script has quotes of a kind that is better changed by hand")
		case c == '$' && strings.HasPrefix(script[i:], "${{"):
			if end := closing(script, i+3); end >= 0 && end+2 <= at {
				i = end + 1
			}
		case c == '$' && strings.HasPrefix(script[i:], "$("):
			outer, state = append(outer, state), 0
			i++
		case c == ')' && state == 0 && len(outer) > 0:
			state, outer = outer[len(outer)-1], outer[:len(outer)-1]
		case c == '"':
			if state == '"' {
				state = 0
			} else {
				state = '"'
			}
		case c == '\'' && state == 0:
			state = '\''
		case c == '#' && state == 0 && (i == 0 || strings.IndexByte(" \t\n;", script[i-1]) >= 0):
			comment = true
		}
	}
	switch {
	case state == '"' || comment:
		return "${" + name + "}", nil
	case state == '\'':
		return `'"${` + name + `}"'`, nil
	}
	return `"${` + name + `}"`, nil
}

// heredoc reports whether a place may be in a here-document: one begins before it, and the line that ends it does not.
func heredoc(script string, at int) bool {
	open := ""
	pos := 0
	for line := range strings.Lines(script) {
		if pos >= at {
			break
		}
		pos += len(line)
		text := strings.TrimRight(line, "\r\n")
		if open != "" {
			if strings.TrimLeft(text, "\t ") == open {
				open = ""
			}
			continue
		}
		if i := strings.Index(text, "<<"); i >= 0 && !strings.HasPrefix(text[i:], "<<<") {
			word := strings.Fields(strings.TrimLeft(text[i+2:], "- \t"))
			if len(word) > 0 {
				open = strings.Trim(word[0], `'"\;)`)
			}
			if pos > at {
				return false // it begins on this line
			}
		}
	}
	return open != ""
}

func inPowerShell(script string, at int, name string) (string, error) {
	if strings.Contains(script[:at], "@'") || strings.Contains(script[:at], "@\"") || strings.Contains(script[:at], "`") {
		return "", fmt.Errorf("the script has quotes of a kind that is better changed by hand")
	}
	state := byte(0)
	for i := 0; i < at; i++ {
		switch c := script[i]; {
		case strings.HasPrefix(script[i:], "${{"):
			if end := closing(script, i+3); end >= 0 && end+2 <= at {
				i = end + 1
			}
		case state == 0 && (c == '\'' || c == '"'):
			state = c
		case c == state:
			state = 0
		case state == '"' && strings.HasPrefix(script[i:], "$("):
			return "", fmt.Errorf("the script has an expression within quotes")
		}
	}
	if state == '\'' {
		return "", fmt.Errorf("the expression stands in single quotes, where PowerShell has no variables")
	}
	if state == '"' {
		return "${env:" + name + "}", nil
	}
	return "$env:" + name, nil
}

// inScript replaces a literal of JavaScript that is nothing but the expression, or the expression in a template.
func inScript(script string, start, end int, name string) (from, to int, text string, err error) {
	state, comment := byte(0), ""
	for i := 0; i < start; i++ {
		c := script[i]
		switch {
		case comment == "//":
			if c == '\n' {
				comment = ""
			}
		case comment == "/*":
			if strings.HasPrefix(script[i:], "*/") {
				comment = ""
				i++
			}
		case strings.HasPrefix(script[i:], "${{"):
			if end := closing(script, i+3); end >= 0 && end+2 <= start {
				i = end + 1
			}
		case state != 0 && c == '\\':
			i++
		case state == 0 && (strings.HasPrefix(script[i:], "//") || strings.HasPrefix(script[i:], "/*")):
			comment = script[i : i+2]
			i++
		case state == 0 && (c == '\'' || c == '"' || c == '`'):
			state = c
		case c == state:
			state = 0
		}
	}
	switch {
	case comment != "":
		return start, end, "process.env." + name, nil
	case state == 0:
		return start, end, "process.env." + name, nil
	case start > 0 && end < len(script) && script[start-1] == state && script[end] == state:
		return start - 1, end + 1, "process.env." + name, nil
	case state == '`':
		return start, end, "${process.env." + name + "}", nil
	}
	return 0, 0, "", fmt.Errorf("the expression is a part of a text in the program, which is better changed by hand")
}
