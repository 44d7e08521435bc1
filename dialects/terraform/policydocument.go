package terraform

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"plumbline.dev/plumbline/value"
)

// The data source aws_iam_policy_document computes without asking anyone, so it is evaluated here as the provider does:
// statements in order, single values as strings, several in reverse order, source documents first, overrides last.
// Source: https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document.

// policy is a policy document in the making. Values may be unknown.
type policy struct {
	version, id value.Value
	statements  []policyStatement
	open        bool // there may be further statements
}

// policyStatement holds the members of a statement by name.
type policyStatement map[string]value.Value

// The order in which the provider writes members.
var policyMembers = []string{"Version", "Id", "Statement"}
var statementMembers = []string{"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"}

// policyJSON returns the attribute json (indented) or minified_json.
func (i *instance) policyJSON(indented bool) cty.Value {
	u := i.scope.unit
	var marks []cty.ValueMarks
	take := func(v cty.Value) value.Value {
		_, m := v.UnmarkDeep()
		if len(m) > 0 {
			marks = append(marks, m)
		}
		return plainValue(v)
	}
	attribute := func(name string) value.Value {
		a := i.decl.block.Body.Attributes[name]
		if a == nil {
			return value.Value{}
		}
		return take(i.wrote(a))
	}
	var doc policy
	doc.mergeAll(attribute("source_policy_documents"), u.limits.Nesting)
	doc.mergeText(attribute("source_json"), u.limits.Nesting)
	own := policy{version: attribute("version"), id: attribute("policy_id")}
	if !own.version.IsSet() {
		own.version = textValue("2012-10-17")
	}
	if g := i.content().group("statement"); g != nil {
		own.open = g.open
		for _, item := range g.items {
			own.statements = append(own.statements, statementOf(item, take))
		}
	}
	doc.merge(own)
	doc.mergeAll(attribute("override_policy_documents"), u.limits.Nesting)
	doc.mergeText(attribute("override_json"), u.limits.Nesting)

	out := doc.value()
	set := withoutShape(marks)
	if out.IsWhollyKnown() {
		var b strings.Builder
		writePolicy(&b, &out, 0, indented)
		return cty.StringVal(b.String()).WithMarks(set...)
	}
	v := cty.UnknownVal(cty.String).Refine().NotNull().StringPrefixFull("{").NewValue()
	return v.WithMarks(append(set, cty.NewValueMarks(decoded{&out}))...)
}

func textValue(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

func statementOf(c *content, take func(cty.Value) value.Value) policyStatement {
	attribute := func(c *content, name string) value.Value {
		if w := c.attribute(name); w != nil {
			return take(w.value)
		}
		return value.Value{}
	}
	s := policyStatement{}
	put := func(name string, v value.Value) {
		if v.IsSet() && !(v.Kind == value.String && v.Text == "") && !(v.Kind == value.List && len(v.Items) == 0 && !v.Open) {
			s[name] = v
		}
	}
	put("Sid", attribute(c, "sid"))
	put("Effect", attribute(c, "effect"))
	if _, ok := s["Effect"]; !ok {
		s["Effect"] = textValue("Allow")
	}
	put("Action", nameSet(attribute(c, "actions")))
	put("NotAction", nameSet(attribute(c, "not_actions")))
	put("Resource", policyVariables(nameSet(attribute(c, "resources"))))
	put("NotResource", policyVariables(nameSet(attribute(c, "not_resources"))))
	put("Principal", principals(c.group("principals"), attribute))
	put("NotPrincipal", principals(c.group("not_principals"), attribute))
	put("Condition", conditions(c.group("condition"), attribute))
	return s
}

// nameSet gives a set of strings the form that the provider writes: one as a string, several in reverse order. Elements
// that are not known come last.
func nameSet(v value.Value) value.Value {
	if v.Kind != value.List {
		return v
	}
	out := value.Value{Kind: value.List, Open: v.Open}
	for _, item := range v.Items {
		if item.IsSet() && !slices.ContainsFunc(out.Items, func(o value.Value) bool { return o.Kind == value.String && o.Equal(&item) }) {
			out.Items = append(out.Items, item)
		}
	}
	slices.SortStableFunc(out.Items, func(a, b value.Value) int {
		if x, y := a.Kind == value.Unknown, b.Kind == value.Unknown; x || y {
			switch {
			case x && y:
				return 0
			case x:
				return 1
			}
			return -1
		}
		return strings.Compare(b.Text, a.Text)
	})
	if len(out.Items) == 1 && !out.Open {
		return out.Items[0]
	}
	return out
}

// policyVariables turns &{aws:username}, which the language can hold, into ${aws:username}.
func policyVariables(v value.Value) value.Value {
	v.Text = strings.ReplaceAll(v.Text, "&{", "${")
	if len(v.Items) > 0 {
		v.Items = slices.Clone(v.Items)
		for i := range v.Items {
			v.Items[i] = policyVariables(v.Items[i])
		}
	}
	return v
}

type attributeOf = func(*content, string) value.Value

func principals(g *blockGroup, attribute attributeOf) value.Value {
	if g == nil {
		return value.Value{}
	}
	if len(g.items) == 1 && !g.open {
		typ, ids := attribute(g.items[0], "type"), nameSet(attribute(g.items[0], "identifiers"))
		if typ.Text == "*" && typ.Kind == value.String && ids.Kind == value.String && ids.Text == "*" {
			return ids
		}
	}
	fields := map[string]value.Value{}
	open := g.open
	for _, item := range g.items {
		typ := attribute(item, "type")
		if typ.Kind != value.String {
			open = true
			continue
		}
		ids := policyVariables(nameSet(attribute(item, "identifiers")))
		if old, ok := fields[typ.Text]; ok {
			ids = joined(old, ids)
		}
		fields[typ.Text] = ids
	}
	return value.Value{Kind: value.Object, Fields: sortedFields(fields), Open: open}
}

// joined makes one list of two values that are strings, lists or unknown.
func joined(a, b value.Value) value.Value {
	out := value.Value{Kind: value.List}
	for _, v := range [...]value.Value{a, b} {
		switch v.Kind {
		case value.List:
			out.Items, out.Open = append(out.Items, v.Items...), out.Open || v.Open
		case value.Unknown:
			out.Open = true // one string or several
		default:
			out.Items = append(out.Items, v)
		}
	}
	return out
}

func conditions(g *blockGroup, attribute attributeOf) value.Value {
	if g == nil {
		return value.Value{}
	}
	tests := map[string]map[string]value.Value{}
	open := g.open
	openTests := map[string]bool{}
	for _, item := range g.items {
		test, variable := attribute(item, "test"), attribute(item, "variable")
		if test.Kind != value.String {
			open = true
			continue
		}
		if tests[test.Text] == nil {
			tests[test.Text] = map[string]value.Value{}
		}
		if variable.Kind != value.String {
			openTests[test.Text] = true
			continue
		}
		values := policyVariables(attribute(item, "values"))
		if values.Kind == value.List && len(values.Items) == 1 && !values.Open {
			values = values.Items[0]
		}
		if old, ok := tests[test.Text][variable.Text]; ok {
			values = joined(old, values)
		}
		tests[test.Text][variable.Text] = values
	}
	fields := map[string]value.Value{}
	for test, variables := range tests {
		fields[test] = value.Value{Kind: value.Object, Fields: sortedFields(variables), Open: openTests[test]}
	}
	return value.Value{Kind: value.Object, Fields: sortedFields(fields), Open: open}
}

// mergeAll merges a list of documents, each JSON text.
func (p *policy) mergeAll(list value.Value, nesting int) {
	switch list.Kind {
	case value.List:
		for _, item := range list.Items {
			p.mergeText(item, nesting)
		}
		p.open = p.open || list.Open
	case value.Unknown:
		p.open = true
	}
}

func (p *policy) mergeText(text value.Value, nesting int) {
	switch {
	case text.Kind == value.String && strings.TrimSpace(text.Text) != "":
		n, err := readJSON([]byte(text.Text), nesting, false)
		if err != nil || n.kind != '{' {
			p.open = true
			return
		}
		v := documentValue(&n, nil)
		p.merge(policyOf(&v))
	case text.Kind == value.Unknown && text.Document != nil && text.Document.Kind == value.Object:
		p.merge(policyOf(text.Document))
	case text.Kind == value.Unknown:
		p.open = true
	}
}

// policyOf reads a document that is decoded.
func policyOf(v *value.Value) policy {
	p := policy{version: *v.Field("Version"), id: *v.Field("Id"), open: v.Open}
	statements := v.Field("Statement")
	items := statements.Items
	switch statements.Kind {
	case value.Object:
		items = []value.Value{*statements}
	case value.Unknown:
		p.open = true
	}
	p.open = p.open || statements.Open
	for i := range items {
		if items[i].Kind != value.Object {
			p.open = true
			continue
		}
		s := policyStatement{}
		for _, f := range items[i].Fields {
			s[f.Name] = f.Value
		}
		p.statements = append(p.statements, s)
	}
	return p
}

// merge puts a later document over p: its id, the newer version, and its statements, which replace those of the same Sid.
func (p *policy) merge(o policy) {
	if o.id.IsSet() && !(o.id.Kind == value.String && o.id.Text == "") {
		p.id = o.id
	}
	switch {
	case o.version.Kind == value.Unknown:
		p.version = o.version
	case o.version.Kind == value.String && p.version.Kind != value.Unknown && o.version.Text > p.version.Text:
		p.version = o.version
	}
	for _, s := range o.statements {
		at := -1
		if sid := s["Sid"]; sid.Kind == value.String && sid.Text != "" {
			at = slices.IndexFunc(p.statements, func(old policyStatement) bool {
				known := old["Sid"]
				return known.Kind == value.String && known.Text == sid.Text
			})
		}
		if at >= 0 {
			p.statements[at] = s
		} else {
			p.statements = append(p.statements, s)
		}
	}
	p.open = p.open || o.open
}

func (p *policy) value() value.Value {
	fields := map[string]value.Value{}
	if p.version.IsSet() {
		fields["Version"] = p.version
	}
	if p.id.IsSet() && !(p.id.Kind == value.String && p.id.Text == "") {
		fields["Id"] = p.id
	}
	list := value.Value{Kind: value.List, Open: p.open}
	for _, s := range p.statements {
		list.Items = append(list.Items, value.Value{Kind: value.Object, Fields: sortedFields(s)})
	}
	if len(list.Items) > 0 || list.Open {
		fields["Statement"] = list
	}
	return value.Value{Kind: value.Object, Fields: sortedFields(fields)}
}

// writePolicy writes a document that is wholly known, members in the provider's order.
func writePolicy(b *strings.Builder, v *value.Value, depth int, indented bool) {
	line := func(depth int) {
		if indented {
			b.WriteByte('\n')
			b.WriteString(strings.Repeat("  ", depth))
		}
	}
	scalar := func(x any) {
		text, err := json.Marshal(x)
		if err == nil {
			b.Write(text)
		}
	}
	switch v.Kind {
	case value.String:
		scalar(v.Text)
	case value.Number:
		if v.Text != "" {
			b.WriteString(v.Text)
		} else {
			scalar(v.Number)
		}
	case value.Bool:
		scalar(v.Bool)
	case value.List:
		if len(v.Items) == 0 {
			b.WriteString("[]")
			return
		}
		b.WriteByte('[')
		for i := range v.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			line(depth + 1)
			writePolicy(b, &v.Items[i], depth+1, indented)
		}
		line(depth)
		b.WriteByte(']')
	case value.Object:
		if len(v.Fields) == 0 {
			b.WriteString("{}")
			return
		}
		b.WriteByte('{')
		for i, f := range inPolicyOrder(v.Fields, depth) {
			if i > 0 {
				b.WriteByte(',')
			}
			line(depth + 1)
			scalar(f.Name)
			b.WriteByte(':')
			if indented {
				b.WriteByte(' ')
			}
			writePolicy(b, &f.Value, depth+1, indented)
		}
		line(depth)
		b.WriteByte('}')
	default:
		b.WriteString("null")
	}
}

func inPolicyOrder(fields []value.Field, depth int) []value.Field {
	var order []string
	switch depth {
	case 0:
		order = policyMembers
	case 2:
		order = statementMembers
	default:
		return fields
	}
	out := slices.Clone(fields)
	slices.SortStableFunc(out, func(a, b value.Field) int { return slices.Index(order, a.Name) - slices.Index(order, b.Name) })
	return out
}
