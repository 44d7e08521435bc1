package ruletest

import (
	"slices"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// extremes judges a resource with no attribute written, which must not err, and one of which nothing is known, which must be
// undecided: a rule that passes or fails it guesses.
func (t *tester) extremes(p *rule.Program) {
	typ := t.Schema.Resource(p.Type)
	if typ == nil {
		return // the rule does without schema, or is on many types
	}
	bare := &resource.Resource{Address: p.Type + ".bare", Type: p.Type, Name: "bare", Body: value.Value{Kind: value.Object}}
	if v := p.Judge(resource.NewGraph([]*resource.Resource{bare}, nil), bare); v.Err != nil {
		t.fail(t.rule.Line, "%s with no attribute written: %v", p.Type, v.Err)
	}
	dark := darkness(typ)
	all := []*resource.Resource{dark}
	for name := range t.Schema.Types() {
		if slices.ContainsFunc(t.Schema.Links(name), func(l schema.Link) bool { return l.Target == p.Type }) {
			all = append(all, darkness(t.Schema.Resource(name)))
		}
	}
	var missing []resource.Missing
	if len(all) == 1 { // nothing is linked to it by name: who refers to it is not known either
		missing = []resource.Missing{{Address: "dark", Refs: []string{dark.Address}}}
	}
	v := p.Judge(resource.NewGraph(all, missing), dark)
	if v.Err != nil {
		t.fail(t.rule.Line, "%s of which nothing is known: %v", p.Type, v.Err)
	} else if v.Outcome != finding.Undecided {
		t.fail(t.rule.Line, "%s of which nothing is known is judged %s: it must be undecided", p.Type, v.Outcome)
	}
}

// darkness is a resource of which nothing is known.
func darkness(typ *schema.Resource) *resource.Resource {
	body := value.Value{Kind: value.Object}
	for _, a := range typ.Attributes {
		body.Fields = append(body.Fields, value.Field{Name: a.Name, Value: value.Value{Kind: value.Unknown}})
	}
	return &resource.Resource{Address: typ.Name + ".dark", Type: typ.Name, Name: "dark", Body: body}
}
