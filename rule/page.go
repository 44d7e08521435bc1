package rule

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Parse reads a page. Path is only remembered, and its name compared with the id. A Rule is returned even when there are
// problems, with what could be read.
func Parse(name string, text []byte) (*Rule, []Problem) {
	p := &page{rule: &Rule{Path: name}}
	if !utf8.Valid(text) {
		p.problem(0, "the page is not UTF-8")
		return p.rule, p.problems
	}
	lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	end := -1
	if lines[0] == fence {
		end = slices.Index(lines[1:], fence)
	}
	if end < 0 {
		p.problem(1, "the page must start with front matter between two lines of ---")
		return p.rule, p.problems
	}
	p.front(strings.Join(lines[1:end+1], "\n"))
	p.body(lines[end+2:], end+3)
	p.complete()
	slices.SortStableFunc(p.problems, func(a, b Problem) int { return a.Line - b.Line })
	return p.rule, p.problems
}

const fence = "---"

type page struct {
	rule     *Rule
	problems []Problem
	keys     map[string]int // keys of the front matter and their lines; nil when there is none
}

func (p *page) problem(line int, format string, args ...any) {
	p.problems = append(p.problems, Problem{Line: line, Message: fmt.Sprintf(format, args...)})
}

var frontKeys = []string{"id", "severity", "category", "on", "dialects", "schema", "require", "about", "message", "fix", "caution", "controls", "aliases", "since"}

// front reads the front matter, which starts on the second line of the page.
func (p *page) front(text string) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		line, message := yamlError(err)
		p.problem(line+1, "the front matter is not YAML: %s", message)
		return
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		p.problem(2, "the front matter must be a map of keys and values")
		return
	}
	p.keys = make(map[string]int)
	pairs := doc.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		key, node := pairs[i], pairs[i+1]
		if line, ok := p.keys[key.Value]; ok {
			p.problem(key.Line+1, "%s is already on line %d", key.Value, line)
			continue
		}
		p.keys[key.Value] = key.Line + 1
		p.field(key, node)
	}
}

func (p *page) field(key, node *yaml.Node) {
	r := p.rule
	switch key.Value {
	case "id":
		r.ID = p.text(key, node)
	case "severity":
		if s := p.text(key, node); s != "" && r.Severity.UnmarshalText([]byte(s)) != nil {
			p.problem(node.Line+1, "%q is not a severity%s", s, suggest(s, []string{"critical", "high", "medium", "low", "info"}))
		}
	case "category":
		r.Category = Category(p.text(key, node))
		var names []string
		for _, c := range Categories() {
			names = append(names, string(c))
		}
		if r.Category != "" && !slices.Contains(names, string(r.Category)) {
			p.problem(node.Line+1, "%q is not a category%s", r.Category, suggest(string(r.Category), names))
		}
	case "on":
		r.On = p.texts(key, node)
		for _, t := range r.On {
			if i := strings.IndexByte(t, '*'); i >= 0 && i != len(t)-1 {
				p.problem(node.Line+1, "%q: a * can stand only at the end of a type", t)
			}
		}
	case "dialects":
		r.Dialects = p.texts(key, node)
	case "schema":
		if s := p.text(key, node); s == "none" {
			r.Untyped = true
		} else if s != "" {
			p.problem(node.Line+1, "schema can only be none, for types that the schema does not know")
		}
	case "require":
		if node.Kind == yaml.MappingNode {
			p.clauses(node)
			return
		}
		r.Require, r.Line = p.text(key, node), expressionLine(node)
	case "about":
		p.about(key, node)
	case "message":
		r.Message = p.text(key, node)
	case "fix":
		p.fix(node)
	case "caution":
		r.Caution = p.text(key, node)
	case "controls":
		p.controls(node)
	case "aliases":
		r.Aliases = p.texts(key, node)
	case "since":
		r.Since = p.text(key, node)
	default:
		p.problem(key.Line+1, "unknown key %q%s", key.Value, suggest(key.Value, frontKeys))
	}
}

func (p *page) controls(node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		p.problem(node.Line+1, "controls must map frameworks to lists of controls, like {soc2: [CC6.1]}")
		return
	}
	p.rule.Controls = make(map[string][]string)
	for i := 0; i+1 < len(node.Content); i += 2 {
		framework := node.Content[i]
		if _, ok := p.rule.Controls[framework.Value]; ok {
			p.problem(framework.Line+1, "%s is already there", framework.Value)
			continue
		}
		p.rule.Controls[framework.Value] = p.texts(framework, node.Content[i+1])
	}
}

// text reads a scalar as it is written: 0.1 stays "0.1".
func (p *page) text(key, node *yaml.Node) string {
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" || strings.TrimSpace(node.Value) == "" {
		p.problem(node.Line+1, "%s must have a value", key.Value)
		return ""
	}
	return strings.TrimSpace(node.Value)
}

// texts reads a list of scalars, or one scalar.
func (p *page) texts(key, node *yaml.Node) []string {
	if node.Kind != yaml.SequenceNode {
		if s := p.text(key, node); s != "" {
			return []string{s}
		}
		return nil
	}
	var out []string
	for _, item := range node.Content {
		s := p.text(key, item)
		if slices.Contains(out, s) && s != "" {
			p.problem(item.Line+1, "%s has %s twice", key.Value, s)
		} else if s != "" {
			out = append(out, s)
		}
	}
	if len(node.Content) == 0 {
		p.problem(node.Line+1, "%s must not be empty", key.Value)
	}
	return out
}

var (
	idForm    = lazy(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$`)
	sinceForm = lazy(`^\d+\.\d+(\.\d+)?$`)
)

// complete reports what is missing and what does not fit together.
func (p *page) complete() {
	r := p.rule
	for _, key := range []string{"id", "severity", "category", "on", "require", "message"} {
		if _, ok := p.keys[key]; !ok && p.keys != nil {
			p.problem(1, "the front matter lacks %s", key)
		}
	}
	p.completeClauses()
	if r.ID != "" && !idForm().MatchString(r.ID) {
		p.problem(p.keys["id"], "the id %q must be lower-case words joined by hyphens, like aws-ec2-imdsv1", r.ID)
	}
	if base := strings.TrimSuffix(path.Base(r.Path), ".md"); r.ID != "" && r.Path != "" && base != r.ID {
		p.problem(p.keys["id"], "the file must be named after the id: %s.md", r.ID)
	}
	if r.Since != "" && !sinceForm().MatchString(r.Since) {
		p.problem(p.keys["since"], "since must be a version like 0.1")
	}
	if r.Caution != "" && len(r.Fix) == 0 {
		p.problem(p.keys["caution"], "a caution without a fix: it says what the fix may break")
	}
	if slices.Contains(r.Aliases, r.ID) {
		p.problem(p.keys["aliases"], "the rule is an alias of itself")
	}
	if r.Title == "" {
		p.problem(0, "the page lacks a title: # What is wrong")
	}
	if r.Why == "" {
		p.problem(0, "the page does not say why the rule matters")
	}
	if _, err := placeholders(r.Message); err != nil {
		p.problem(p.keys["message"], "%s", err)
	}
}

var yamlLine = lazy(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): (.*)`)

func yamlError(err error) (int, string) {
	if m := yamlLine().FindStringSubmatch(err.Error()); m != nil {
		n := 0
		_, _ = fmt.Sscan(m[1], &n) // the pattern admits digits only
		return n, m[2]
	}
	return 1, strings.TrimPrefix(err.Error(), "yaml: ")
}

// suggest returns ": did you mean x?" for the nearest of the names, or a list of the names when none is near.
func suggest(name string, names []string) string {
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf(": did you mean %s?", near)
	}
	if len(names) > 12 {
		return ""
	}
	return ": use one of " + strings.Join(names, ", ")
}

// nearest returns the name that is only a few typing mistakes away from s, or "".
func nearest(s string, names []string) string {
	best, bound := "", max(1, len(s)/3)+1
	for _, n := range names {
		if d := typos(s, n); d < bound {
			best, bound = n, d
		}
	}
	return best
}

// typos counts the insertions, deletions and replacements that lead from a to b.
func typos(a, b string) int {
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		diagonal := last[0]
		last[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = last[j+1]
			last[j+1] = min(replace, last[j]+1, last[j+1]+1)
		}
	}
	return last[len(b)]
}
