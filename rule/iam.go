package rule

import (
	"net/netip"
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// statements returns the statements of an IAM policy document as a list of objects in one shape, whatever the spelling:
// single texts become lists, the forms of principals one list. What is unknown stays unknown.
//
// It reads documents as text, decoded documents, the body of an aws_iam_policy_document, and lists of all of these.
func statements(doc *value.Value) *value.Value {
	out := &value.Value{Kind: value.List}
	addStatements(out, doc, false)
	return out
}

func addStatements(out, doc *value.Value, hcl bool) {
	switch doc.Kind {
	case value.Unknown:
		if doc.Document == nil {
			out.Open = true
			return
		}
		addStatements(out, doc.Document, hcl)
	case value.String:
		if doc.Document != nil {
			addStatements(out, doc.Document, hcl)
		} else if parsed, ok := parseJSON(doc.Text); ok {
			addStatements(out, parsed, hcl)
		}
	case value.List:
		for i := range doc.Items {
			from := len(out.Items)
			addStatements(out, &doc.Items[i], hcl)
			for j := range out.Items[from:] {
				out.Items[from+j].Maybe = out.Items[from+j].Maybe || doc.Items[i].Maybe
			}
		}
		out.Open = out.Open || doc.Open
	case value.Object:
		inner := element(doc, "statement")
		switch {
		case inner.Kind != value.Absent:
			addStatements(out, inner, doc.Field("statement").Kind != value.Absent)
		case element(doc, "effect").Kind != value.Absent || element(doc, "action").Kind != value.Absent ||
			element(doc, "notaction").Kind != value.Absent || hcl:
			out.Items = append(out.Items, statement(doc, hcl))
		case doc.Open:
			out.Open = true
		}
	}
}

// element returns a member of a policy document. AWS reads names without regard to case; the blocks of
// aws_iam_policy_document have plural names with underscores.
func element(o *value.Value, name string) *value.Value {
	for i := range o.Fields {
		key := strings.TrimSuffix(strings.ReplaceAll(strings.ToLower(o.Fields[i].Name), "_", ""), "s")
		if key == name {
			return &o.Fields[i].Value
		}
	}
	if o.Open {
		return &value.Value{Kind: value.Unknown}
	}
	return &value.Value{}
}

// statement brings one statement into the shape that rules see. Hcl says that it is a block of aws_iam_policy_document,
// whose effect is Allow when it is not written.
func statement(s *value.Value, hcl bool) value.Value {
	effect := *element(s, "effect")
	if hcl && !effect.IsSet() {
		effect = value.Value{Kind: value.String, Text: "Allow"}
	}
	out := value.Value{Kind: value.Object, Range: s.Range, Fields: []value.Field{
		{Name: "sid", Value: *element(s, "sid")},
		{Name: "effect", Value: effect},
		{Name: "actions", Value: listOf(element(s, "action"))},
		{Name: "not_actions", Value: listOf(element(s, "notaction"))},
		{Name: "resources", Value: listOf(element(s, "resource"))},
		{Name: "not_resources", Value: listOf(element(s, "notresource"))},
		{Name: "principals", Value: principals(element(s, "principal"))},
		{Name: "not_principals", Value: principals(element(s, "notprincipal"))},
		{Name: "conditions", Value: conditions(element(s, "condition"))},
	}}
	sortFields(out.Fields)
	return out
}

// listOf makes a list of a scalar or list. An unknown stays unknown: it may become either.
func listOf(v *value.Value) value.Value {
	switch v.Kind {
	case value.List, value.Unknown:
		return *v
	case value.Absent, value.Null:
		return value.Value{Kind: value.List}
	}
	return value.Value{Kind: value.List, Items: []value.Value{*v}, Range: v.Range}
}

func principals(v *value.Value) value.Value {
	out := value.Value{Kind: value.List, Range: v.Range}
	add := func(typ string, id value.Value) {
		out.Items = append(out.Items, record("type", value.Value{Kind: value.String, Text: typ}, "id", id))
	}
	ids := func(typ string, v *value.Value) {
		switch v.Kind {
		case value.List:
			for i := range v.Items {
				add(typ, v.Items[i])
			}
			out.Open = out.Open || v.Open
		case value.Unknown:
			add(typ, *v) // stands for all of them if it becomes a list: they are of one type
		case value.Absent, value.Null:
		default:
			add(typ, *v)
		}
	}
	switch v.Kind {
	case value.Unknown:
		return *v
	case value.String: // only "*" is allowed
		add(v.Text, *v)
	case value.Object:
		if v.Field("identifiers").Kind != value.Absent || v.Field("type").Kind != value.Absent {
			return principals(&value.Value{Kind: value.List, Items: []value.Value{*v}, Range: v.Range})
		}
		for i := range v.Fields {
			ids(v.Fields[i].Name, &v.Fields[i].Value)
		}
		out.Open = out.Open || v.Open
	case value.List:
		out.Open = v.Open
		for i := range v.Items {
			block := &v.Items[i]
			if block.Kind == value.Unknown {
				out.Open = true
				continue
			}
			typ, known := scalarText(block.Field("type"))
			if block.Field("type").Kind == value.Unknown {
				out.Open = true
			} else if known {
				ids(typ, block.Field("identifiers"))
			}
		}
	}
	return out
}

// record makes an object of two fields or more, given as names and values.
func record(pairs ...any) value.Value {
	out := value.Value{Kind: value.Object}
	for i := 0; i < len(pairs); i += 2 {
		out.Fields = append(out.Fields, value.Field{Name: pairs[i].(string), Value: pairs[i+1].(value.Value)})
	}
	sortFields(out.Fields)
	return out
}

func conditions(v *value.Value) value.Value {
	out := value.Value{Kind: value.List, Open: v.Open, Range: v.Range}
	add := func(test, variable, values value.Value) {
		out.Items = append(out.Items, record("test", test, "variable", variable, "values", texted(listOf(&values))))
	}
	str := func(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
	switch v.Kind {
	case value.Unknown:
		return *v
	case value.Object:
		if v.Field("variable").Kind != value.Absent {
			return conditions(&value.Value{Kind: value.List, Items: []value.Value{*v}, Range: v.Range})
		}
		for i := range v.Fields {
			keys := &v.Fields[i].Value
			if keys.Kind == value.Unknown || keys.Open {
				out.Open = true
			}
			for j := range keys.Fields {
				add(str(v.Fields[i].Name), str(keys.Fields[j].Name), keys.Fields[j].Value)
			}
		}
	case value.List:
		for i := range v.Items {
			block := &v.Items[i]
			if block.Kind == value.Unknown {
				out.Open = true
				continue
			}
			add(*block.Field("test"), *block.Field("variable"), *block.Field("values"))
		}
	}
	return out
}

// texted turns the scalars of a list into texts: "aws:SecureTransport": false.
func texted(v value.Value) value.Value {
	if v.Kind != value.List {
		return v
	}
	v.Items = slices.Clone(v.Items)
	for i := range v.Items {
		if s, ok := scalarText(&v.Items[i]); ok && v.Items[i].Kind != value.String {
			v.Items[i] = value.Value{Kind: value.String, Text: s, Range: v.Items[i].Range}
		}
	}
	return v
}

// actionMatches asks whether a pattern of a policy covers an action. Both may have * and ?; a pattern covers another when it
// covers everything that the other does, as far as that is plain. Case does not matter.
func actionMatches(pattern *value.Value, action string) verdict {
	switch pattern.Kind {
	case value.String:
		return decided(wildcard(strings.ToLower(pattern.Text), strings.ToLower(action)))
	case value.Unknown:
		// "s3:" + unknown may match s3:GetObject, and cannot match ec2:RunInstances.
		known := strings.ToLower(pattern.Text)
		if i := strings.IndexAny(known, "*?"); i >= 0 {
			known = known[:i]
		}
		a := strings.ToLower(action)
		return no.or(strings.HasPrefix(a, known))
	}
	return no
}

// wildcard matches a text against a pattern with * and ?. It never takes more steps than the product of their lengths.
func wildcard(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' && s[i] != '*' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// allows asks whether a statement allows an action, on whatever resource and under whatever condition.
func allows(s *value.Value, action string) verdict {
	covers := anyOf(s.Field("actions"), func(p *value.Value) verdict { return actionMatches(p, action) })
	excepts := s.Field("not_actions")
	if isWritten := written(excepts); isWritten != no {
		excluded := anyOf(excepts, func(p *value.Value) verdict { return actionMatches(p, action) })
		covers = either(covers, both(isWritten, excluded.not()))
	}
	return both(isText(s.Field("effect"), "Allow"), covers)
}

// written asks whether a list of a statement has anything in it.
func written(v *value.Value) verdict {
	return anyOf(v, func(x *value.Value) verdict { return yes.or(x.Kind == value.Unknown && !x.NotNull && x.Text == "") })
}

// admin asks whether a statement allows everything on everything.
func admin(s *value.Value) verdict {
	everything := func(v *value.Value) verdict {
		switch v.Kind {
		case value.String:
			return decided(v.Text != "" && strings.Trim(v.Text, "*:") == "")
		case value.Unknown:
			return no.or(strings.Trim(v.Text, "*:") == "")
		}
		return no
	}
	return both(isText(s.Field("effect"), "Allow"), both(anyOf(s.Field("actions"), everything), anyOf(s.Field("resources"), everything)))
}

// public asks whether a statement allows something to everybody: the principal is a star, or everybody but some, and no
// condition narrows it to an account, an organisation, a network or a resource that is not everybody's.
func public(s *value.Value) verdict {
	anybody := anyOf(s.Field("principals"), func(p *value.Value) verdict {
		if p.Kind == value.Unknown {
			return open
		}
		if isText(p.Field("type"), "Service") == yes {
			return no
		}
		return everybody(p.Field("id"))
	})
	anybody = either(anybody, written(s.Field("not_principals")))
	narrow := anyOf(s.Field("conditions"), narrows)
	return both(isText(s.Field("effect"), "Allow"), both(anybody, narrow.not()))
}

// everybody asks whether a principal's id stands for every account. In the principal of a role's trust or a resource's
// policy a star is a wildcard only when it stands alone.
func everybody(id *value.Value) verdict {
	switch id.Kind {
	case value.String:
		return decided(id.Text == "*")
	case value.Unknown:
		return no.or(id.Text == "" || id.Text == "*")
	}
	return no
}

// narrowing are the condition keys that say where a request must come from. S3 has the list of those that it counts when it
// decides whether a policy is public: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
var narrowing = []string{
	"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:sourceaccount",
	"aws:sourcearn", "aws:sourceip", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner", "aws:sourcevpc",
	"aws:sourcevpcarn", "aws:sourcevpce", "aws:userid", "aws:username", "aws:vpceaccount", "aws:vpceorgid",
	"aws:vpceorgpaths", "aws:vpcsourceip", "elasticfilesystem:accesspointarn", "kms:calleraccount", "s3:dataaccesspointaccount",
	"s3:dataaccesspointarn", "sns:endpoint",
}

// narrows asks whether a condition lets only some through. Conditions with several values let through what matches any.
func narrows(c *value.Value) verdict {
	if c.Kind == value.Unknown {
		return open
	}
	key := anyOf(c.Field("variable"), func(v *value.Value) verdict {
		t := no
		for _, n := range narrowing {
			switch isText(v, n) {
			case yes:
				return yes
			case open:
				t = open
			}
		}
		return t
	})
	test := c.Field("test")
	if key == no || test.Kind == value.Absent || test.Kind == value.Null {
		return no
	}
	values := c.Field("values")
	if written(values) == no {
		return no
	}
	if test.Kind == value.Unknown {
		return open
	}
	name := strings.ToLower(test.Text)
	name = strings.TrimPrefix(name, "foranyvalue:")
	exact := false
	switch name { // with ifexists, forallvalues: and not, requests without the key pass
	case "stringequals", "stringequalsignorecase":
		exact = true
	case "stringlike", "arnequals", "arnlike", "ipaddress":
	default:
		return no
	}
	return both(key, allOf(values, func(v *value.Value) verdict {
		switch {
		case name == "ipaddress":
			return narrowNetwork(v)
		case exact:
			return decided(v.Kind == value.Unknown || v.Kind == value.String)
		}
		return narrowPattern(v)
	}))
}

// narrowNetwork asks whether a network is small enough to be someone's: S3 counts IPv4 wider than /8 and IPv6 wider than
// /32 as public.
func narrowNetwork(v *value.Value) verdict {
	switch v.Kind {
	case value.Unknown:
		return open
	case value.String:
		p, ok := parsePrefix(v.Text)
		return decided(ok && (p.Addr().Is4() && p.Bits() >= 8 || p.Addr().Is6() && p.Bits() >= 32))
	}
	return no
}

// narrowPattern asks whether a pattern with wildcards leaves anything fixed that is someone's: of an ARN the account or the
// resource, of anything else any letter.
func narrowPattern(v *value.Value) verdict {
	switch v.Kind {
	case value.String:
		return decided(fixesSomething(v.Text))
	case value.Unknown:
		// The ARN of a resource is known to begin with "arn:" and no more, and is no pattern; what is put together from parts
		// has a colon behind the partition.
		whole := v.Text == "arn:" && !strings.HasPrefix(v.Ending, ":")
		return open.orYes(whole || fixesSomething(v.Text) && !strings.HasSuffix(v.Text, ":"))
	}
	return no
}

func (t verdict) orYes(b bool) verdict {
	if b {
		return yes
	}
	return t
}

func fixesSomething(pattern string) bool {
	fixed := func(s string) bool { return strings.Trim(s, "*?/") != "" }
	parts := strings.SplitN(pattern, ":", 6)
	if parts[0] != "arn" {
		return fixed(pattern)
	}
	if len(parts) > 4 && fixed(parts[4]) {
		return true
	}
	if len(parts) < 6 {
		return false
	}
	// Of role/* and distribution/* the word in front only names a kind.
	_, name, found := strings.Cut(parts[5], "/")
	if !found {
		_, name, found = strings.Cut(parts[5], ":")
	}
	if parts[2] == "s3" || !found {
		return fixed(parts[5])
	}
	return fixed(name)
}

// parsePrefix reads a CIDR block, or an address as the block of itself alone.
func parsePrefix(s string) (netip.Prefix, bool) {
	s = strings.TrimSpace(s)
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	return netip.Prefix{}, false
}
