package rule

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Clause is the expression that must hold of one type, on a page that has an expression for each type it is on: the ingress
// of a security group is a block, of aws_security_group_rule the resource itself.
type Clause struct {
	Text string
	Line int // where it starts in the page
}

// RequireOf returns the expression that must hold of a type, as one of r.On writes it.
func (r *Rule) RequireOf(typ string) string { return r.clause(typ).Text }

// aboutOf returns the expression that tells which resources of a type, as one of r.On writes it, the rule is about; empty for all.
func (r *Rule) aboutOf(typ string) string {
	if r.Abouts != nil {
		return r.Abouts[typ]
	}
	return r.About
}

func (r *Rule) clause(typ string) Clause {
	if c, ok := r.Clauses[typ]; ok {
		return c
	}
	return Clause{Text: r.Require, Line: r.Line}
}

// clauses reads a map from types to expressions:
//
//	require:
//	  aws_s3_bucket: this.acl != "public-read"
//	  aws_s3_bucket_acl: this.acl != "public-read"
func (p *page) clauses(node *yaml.Node) {
	r := p.rule
	r.Clauses, r.Line = make(map[string]Clause), node.Line+1
	var shown []string
	for i := 0; i+1 < len(node.Content); i += 2 {
		typ, text := node.Content[i], node.Content[i+1]
		if _, ok := r.Clauses[typ.Value]; ok {
			p.problem(typ.Line+1, "%s has an expression already", typ.Value)
			continue
		}
		c := Clause{Text: p.text(typ, text), Line: expressionLine(text)}
		r.Clauses[typ.Value] = c
		shown = append(shown, typ.Value+": "+c.Text)
	}
	r.Require = strings.Join(shown, "\n")
}

// about reads which resources the rule is about: an expression, or a map from some of the types to theirs.
func (p *page) about(key, node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		p.rule.About = p.text(key, node)
		return
	}
	p.rule.Abouts = make(map[string]string)
	for i := 0; i+1 < len(node.Content); i += 2 {
		typ := node.Content[i]
		if _, ok := p.rule.Abouts[typ.Value]; ok {
			p.problem(typ.Line+1, "%s has an expression already", typ.Value)
			continue
		}
		p.rule.Abouts[typ.Value] = p.text(typ, node.Content[i+1])
	}
}

// expressionLine is the line of the page on which a scalar of the front matter starts.
func expressionLine(node *yaml.Node) int {
	line := node.Line + 1
	if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		line++
	}
	return line
}

// completeClauses reports types without an expression and expressions without their type.
func (p *page) completeClauses() {
	r := p.rule
	for typ := range r.Abouts {
		if !slices.Contains(r.On, typ) {
			p.problem(p.keys["about"], "about says something of %s, but the rule is not on it%s", typ, suggest(typ, r.On))
		}
	}
	if r.Clauses == nil {
		return
	}
	for _, typ := range r.On {
		if _, ok := r.Clauses[typ]; !ok {
			p.problem(p.keys["require"], "there is no expression for %s", typ)
		}
	}
	for typ, c := range r.Clauses {
		if !slices.Contains(r.On, typ) {
			p.problem(c.Line, "there is an expression for %s, but the rule is not on it%s", typ, suggest(typ, r.On))
		}
	}
}
