package cloudformation

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/value"
)

// Variables of the Serverless Framework: ${source:address, otherwise}. What self, file, param, opt and sls say is found; what
// other sources say is only known when it is deployed.

// isVariable reports whether the text between ${ and } is a variable of the framework and not of Fn::Sub.
func isVariable(inner string) bool {
	i := strings.IndexAny(inner, ":(")
	if i <= 0 || strings.HasPrefix(inner[i:], "::") {
		return false
	}
	return strings.Trim(inner[:i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// closing returns the offset of the brace that closes the ${ at the start of a text; -1 when none does.
func closing(s string) int {
	depth := 0
	for i := range len(s) {
		switch {
		case strings.HasPrefix(s[i:], "${"):
			depth++
		case s[i] == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// wholeVariable returns what stands in a text that is one variable and nothing else.
func wholeVariable(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "${") || closing(s) != len(s)-1 {
		return "", false
	}
	inner := s[2 : len(s)-1]
	return inner, isVariable(inner)
}

// alternatives splits a variable at its commas.
func alternatives(inner string) []string {
	var out []string
	depth, quote, from := 0, byte(0), 0
	for i := range len(inner) {
		switch c := inner[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '{' || c == '(':
			depth++
		case c == '}' || c == ')':
			depth--
		case c == ',' && depth == 0:
			out = append(out, strings.TrimSpace(inner[from:i]))
			from = i + 1
		}
	}
	return append(out, strings.TrimSpace(inner[from:]))
}

// variables replaces the variables of the framework in a text. It reports whether there were any.
func (e *env) variables(text string) (value.Value, bool) {
	if e.scope.template.framework == nil || !strings.Contains(text, "${") {
		return value.Value{}, false
	}
	if inner, ok := wholeVariable(text); ok {
		return e.variable(inner), true
	}
	var parts []value.Value
	found := false
	rest := text
	for {
		i := strings.Index(rest, "${")
		if i < 0 {
			break
		}
		end := closing(rest[i:])
		if end < 0 {
			break
		}
		inner := rest[i+2 : i+end]
		if !isVariable(inner) {
			parts = append(parts, value.Value{Kind: value.String, Text: rest[:i+end+1]})
		} else {
			parts = append(parts, value.Value{Kind: value.String, Text: rest[:i]}, e.variable(inner))
			found = true
		}
		rest = rest[i+end+1:]
	}
	if !found {
		return value.Value{}, false
	}
	v := concat(append(parts, value.Value{Kind: value.String, Text: rest}), "")
	e.scope.unit.made(len(v.Text))
	return v, true
}

// variable returns what a variable stands for: the first of its alternatives that is something.
func (e *env) variable(inner string) value.Value {
	e.scope.unit.charge(1)
	if e.depth++; e.depth > maxDepth/4 {
		e.depth--
		return unknown()
	}
	defer func() { e.depth-- }()
	for _, address := range alternatives(inner) {
		if nested, ok := wholeVariable(address); ok {
			return e.variable(nested)
		}
		if strings.Contains(address, "${") {
			v, ok := e.variables(address)
			if resolved, known := v.Word(); ok && known {
				address = resolved
			} else if ok {
				return unknown()
			}
		}
		if literal, ok := quoted(address); ok {
			return text(literal)
		}
		if n := e.addressed(address); n != nil {
			return unplaced(e.value(n))
		}
		source, rest, _ := strings.Cut(address, ":")
		switch source {
		case "opt", "sls", "env", "param":
			if in, given := e.scope.given[rest]; given {
				return markGiven(in.value)
			}
			if source == "sls" && rest == "stage" || source == "opt" && rest == "stage" && len(alternatives(inner)) == 1 {
				if n := e.derefQuietly(e.scope.template.framework.root.Get("provider")).Get("stage"); n != nil && !strings.Contains(n.Text, "opt:stage}") {
					return e.value(n)
				}
				return text("dev")
			}
			continue // not given: the next one counts
		case "self", "":
			continue
		case "true", "false":
			return value.Value{Kind: value.Bool, Bool: source == "true"}
		}
		if strings.HasPrefix(address, "file(") {
			return unknown()
		}
		if !strings.Contains(address, ":") {
			return text(address)
		}
		return unknown()
	}
	return unknown()
}

// variableNames returns the names that a file takes from the command line and the environment.
func variableNames(content []byte) []string {
	out := []string{"stage", "region"}
	for _, m := range givenVariable.FindAllSubmatch(content, -1) {
		out = append(out, string(m[1]))
	}
	return out
}

var givenVariable = regexp.MustCompile(`\b(?:opt|sls|env|param):([A-Za-z0-9_.-]+)`)

func quoted(s string) (string, bool) {
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1], true
	}
	return "", false
}

// addressed returns the node that an address of self, param or file names; nil when there is none.
func (e *env) addressed(address string) *document.Node {
	s := e.scope
	root := s.template.framework.root
	if rest, ok := strings.CutPrefix(address, "self:"); ok {
		return e.within(root, rest)
	}
	if rest, ok := strings.CutPrefix(address, "param:"); ok {
		stage := e.variable("sls:stage")
		if stage.Kind != value.String {
			return nil
		}
		if n := e.within(root.Get("params").Get(stage.Text), rest); n != nil {
			return n
		}
		return e.within(root.Get("params").Get("default"), rest)
	}
	rest, ok := strings.CutPrefix(address, "file(")
	if !ok {
		return nil
	}
	name, key, ok := strings.Cut(rest, ")")
	if !ok {
		return nil
	}
	p, local := localPath(s.template.file.source.Path, strings.Trim(strings.TrimSpace(name), `"'`))
	if !local || !slices.Contains([]string{".yml", ".yaml", ".json"}, strings.ToLower(path.Ext(p))) {
		return nil
	}
	d := s.unit.document(p)
	if d == nil || len(d.Roots) == 0 {
		return nil
	}
	return e.within(d.Roots[0], strings.TrimPrefix(key, ":"))
}

// within follows names with dots, through variables on the way.
func (e *env) within(n *document.Node, names string) *document.Node {
	if names == "" {
		return n
	}
	for name := range strings.SplitSeq(names, ".") {
		if n = e.derefQuietly(n); n == nil {
			return nil
		}
		if i, ok := index(&value.Value{Kind: value.String, Text: name}); ok && n.Kind == document.Sequence {
			if i >= len(n.Items) {
				return nil
			}
			n = n.Items[i]
			continue
		}
		n = n.Get(name)
	}
	if n.IsNull() {
		return nil
	}
	return n
}

// derefQuietly is deref for a node on the way to another one.
func (e *env) derefQuietly(n *document.Node) *document.Node {
	if n == nil || n.Kind != document.Scalar {
		return n
	}
	if e.depth++; e.depth > maxDepth/4 {
		e.depth--
		return nil
	}
	defer func() { e.depth-- }()
	inner, ok := wholeVariable(n.Text)
	if !ok {
		return n
	}
	for _, address := range alternatives(inner) {
		if next := e.addressed(address); next != nil {
			return e.derefQuietly(next)
		}
	}
	return nil
}

// document reads a file that another one names; nil when it is not at hand.
func (u *evaluation) document(p string) *document.Document {
	if d, ok := u.documents[p]; ok {
		return d
	}
	u.files[p] = true
	f, problem := u.workspace.Read(p)
	var d *document.Document
	if problem == nil {
		parsed, problems := document.Parse(f, u.limits)
		d = parsed
		for _, p := range problems {
			u.problem(p.Kind, p.Range, p.Message)
		}
	}
	if u.documents == nil {
		u.documents = map[string]*document.Document{}
	}
	u.documents[p] = d
	return d
}
