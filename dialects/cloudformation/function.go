package cloudformation

import (
	"encoding/base64"
	"fmt"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// call evaluates a function. n is the whole call; arg what it is called with: n itself where a tag names the function.
func (e *env) call(name string, n, arg *document.Node) value.Value {
	switch name {
	case "Ref":
		return e.ref(n, arg)
	case "Fn::GetAtt":
		return e.getAtt(n, arg)
	case "Fn::Sub":
		return e.sub(n, arg)
	case "Fn::Join":
		return e.join(n, arg)
	case "Fn::If":
		return e.branch(n, arg)
	case "Fn::FindInMap":
		return e.findInMap(n, arg)
	case "Fn::Select":
		return e.choose(n, arg)
	case "Fn::Split":
		return e.split(n, arg)
	case "Fn::Base64":
		return e.base64(n, arg)
	case "Fn::Cidr":
		return e.cidr(n, arg)
	case "Fn::GetAZs":
		e.argument(n, arg)
		return value.Value{Kind: value.List, Open: true, Given: true}
	case "Fn::ImportValue":
		e.argument(n, arg)
		return unknown()
	case "Fn::Length":
		return e.length(n, arg)
	case "Fn::ToJsonString":
		return e.toJSON(n, arg)
	case "Fn::Transform":
		e.transform(n.Range, arg)
		return value.Value{Kind: value.Unknown, Given: true}
	case "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Condition":
		switch e.condition(n) {
		case yes:
			return value.Value{Kind: value.Bool, Bool: true}
		case no:
			return value.Value{Kind: value.Bool}
		}
		return unknown()
	}
	e.scope.unresolved(name, n.Range, strings.TrimPrefix(name, "Fn::")+" is not CloudFormation's; what another program makes of it is not known")
	return value.Value{Kind: value.Unknown, Given: true}
}

// invalid notes a call with wrong arguments.
func (e *env) invalid(n *document.Node, message string) value.Value {
	if !e.scope.template.opaque { // a macro may write what CloudFormation does not take
		e.scope.unit.problem(source.Invalid, n.Range, message)
	}
	return value.Value{Kind: value.Unknown, Given: true}
}

// unresolved notes something that is not at hand, once for each template and name.
func (s *scope) unresolved(name string, r source.Range, message string) {
	key := s.template.file.source.Path + "\x00" + name
	if !s.unit.limited[key] {
		s.unit.limited[key] = true
		s.unit.problem(source.Unresolved, r, message)
	}
}

// arguments returns the elements of an argument that is written out as a list; nil when it is not.
func arguments(call, arg *document.Node) []*document.Node {
	if arg.Kind != document.Sequence || arg.Tag != "" && call != arg {
		return nil
	}
	return arg.Items
}

// pseudo are the pseudo parameters, with what is known of each. AWS::NoValue is none of them.
var pseudo = map[string]value.Value{
	"AWS::AccountId":        unknown(),
	"AWS::NotificationARNs": {Kind: value.List, Open: true, Given: true},
	"AWS::Partition":        {Kind: value.Unknown, NotNull: true, Given: true, Text: "aws"}, // aws, aws-cn, aws-us-gov, aws-iso…
	"AWS::Region":           unknown(),
	"AWS::StackId":          {Kind: value.Unknown, NotNull: true, Given: true, Text: "arn:aws"},
	"AWS::StackName":        unknown(),
	"AWS::URLSuffix":        unknown(),
}

func (e *env) ref(n, arg *document.Node) value.Value {
	name, known := e.text(arg)
	if !known {
		if arg.Kind == document.Scalar {
			return unknown()
		}
		return e.invalid(n, "Ref takes the name of a parameter or resource")
	}
	return e.reference(name, n.Range)
}

// reference returns what Ref yields for a name. A name that nothing declares is a gap and no mistake that ends the scan: what is
// in a file may be a part that another program completes.
func (e *env) reference(name string, where source.Range) value.Value {
	if name == "AWS::NoValue" {
		return value.Value{}
	}
	if v, ok := e.loop.find(name); ok {
		return v
	}
	s := e.scope
	if v, ok := s.pseudo(name); ok {
		return v
	}
	if p := s.template.parameters[name]; p != nil {
		return e.adopt(s.parameter(p))
	}
	if s.declared[name] != nil || s.generated[name] {
		e.refer(s.within(name), "")
		return s.reference(s.declared[name], "")
	}
	if !s.mayHave(name) {
		s.unit.problem(source.Unresolved, where, "there is no parameter or resource "+shown(name))
	}
	return unknown()
}

// pseudo returns the value of a pseudo parameter: what is given for it, else what is known anyway.
func (s *scope) pseudo(name string) (value.Value, bool) {
	v, ok := pseudo[name]
	if !ok {
		return v, false
	}
	root := s.unit.root
	if in, given := root.given[name]; given && root.parent == nil {
		if in.value.Kind == value.String {
			return value.Value{Kind: value.String, Text: in.value.Text, Given: true}, true
		}
	}
	return v, true
}

// mayHave reports whether something that is not at hand may declare a name.
func (s *scope) mayHave(name string) bool {
	return s.template.opaque || s.template.sam || s.template.framework != nil || strings.Contains(name, "::")
}

func (e *env) getAtt(n, arg *document.Node) value.Value {
	var id, attribute string
	known := true
	switch {
	case arg.Kind == document.Scalar:
		var text string
		text, known = e.text(arg)
		var ok bool
		if id, attribute, ok = strings.Cut(text, "."); !ok && known {
			return e.invalid(n, "Fn::GetAtt takes a resource and an attribute")
		}
	case arg.Kind == document.Sequence && len(arg.Items) >= 2:
		if id, known = e.text(arg.Items[0]); !known {
			break
		}
		words := make([]string, 0, len(arg.Items)-1)
		for _, item := range arg.Items[1:] { // the language's extensions let it be computed
			v := e.argument(n, item)
			word, ok := v.Word()
			if !ok {
				words = nil
				break
			}
			words = append(words, word)
		}
		attribute = strings.Join(words, ".")
	default:
		return e.invalid(n, "Fn::GetAtt takes a resource and an attribute")
	}
	if !known {
		return unknown()
	}
	return e.attribute(id, attribute, n.Range)
}

// attribute returns an attribute of a resource. Attribute "" is one whose name is not known.
func (e *env) attribute(id, attribute string, where source.Range) value.Value {
	s := e.scope
	d := s.declared[id]
	if d == nil {
		if s.generated[id] {
			e.refer(s.within(id), attribute)
		} else if !s.mayHave(id) {
			s.unit.problem(source.Unresolved, where, "there is no resource "+shown(id))
		}
		return unknown()
	}
	if name, ok := strings.CutPrefix(attribute, "Outputs."); ok && nestingProperty(d.typ) != "" {
		if child := s.child(d); child != nil {
			return e.adopt(child.output(name, where))
		}
	}
	e.refer(s.within(id), attribute)
	return s.reference(d, attribute)
}

// anyARN is what every ARN begins with, in all of AWS's partitions, and all that rules take for the ARN of a resource: behind
// "arn:aws" a partition, a colon and less than a resource may follow.
const anyARN = "arn:"

// reference returns what is known of what a resource yields before it is there: attribute "" is what Ref yields. A resource
// that is nil is made by something else.
func (s *scope) reference(d *declared, attribute string) value.Value {
	v := unknown()
	if d == nil || !strings.HasPrefix(d.typ, "AWS::") {
		return v
	}
	if strings.HasSuffix(attribute, "Arn") || strings.HasSuffix(attribute, "ARN") || s.unit.table().Yields(d.typ, attribute, "arn") {
		v.Text = anyARN
	}
	return v
}

func (e *env) sub(n, arg *document.Node) value.Value {
	text := arg
	var names *document.Node
	if arg.Kind == document.Sequence {
		if len(arg.Items) != 2 || arg.Items[1].Kind != document.Mapping {
			return e.invalid(n, "Fn::Sub takes a text, or a text and a mapping of names")
		}
		text, names = arg.Items[0], arg.Items[1]
	}
	if text.Kind != document.Scalar {
		return e.invalid(n, "Fn::Sub takes a text, or a text and a mapping of names")
	}
	e.flat++
	defer func() { e.flat-- }()
	return dynamic(e.substitute(text, names))
}

// substitute replaces the names in a text.
func (e *env) substitute(n, names *document.Node) value.Value {
	rest := n.Text
	if v, ok := e.variables(rest); ok { // the framework fills in its own variables first
		if v.Kind != value.String {
			return v
		}
		rest = v.Text
	}
	var parts []value.Value
	text := func(s string) {
		if s != "" {
			parts = append(parts, value.Value{Kind: value.String, Text: s})
		}
	}
	for {
		i := strings.Index(rest, "${")
		if i < 0 {
			break
		}
		end := strings.IndexByte(rest[i:], '}')
		if end < 0 {
			break
		}
		text(rest[:i])
		name := strings.TrimSpace(rest[i+2 : i+end])
		rest = rest[i+end+1:]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			text("${" + literal + "}")
			continue
		}
		parts = append(parts, e.named(name, names, n.Range))
	}
	text(rest)
	if e.loop != nil {
		for i := range parts {
			if parts[i].Kind == value.String && strings.Contains(parts[i].Text, "&{") {
				parts[i], _ = e.loop.replace(parts[i].Text)
			}
		}
	}
	return e.bounded(e.joined(parts, ""), n.Range)
}

// named returns the value of a name in the text of Fn::Sub.
func (e *env) named(name string, names *document.Node, where source.Range) value.Value {
	if own := names.Get(name); own != nil {
		return e.value(own)
	}
	if v, ok := e.loop.find(name); ok {
		return v
	}
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return e.attribute(id, attribute, where)
	}
	return e.reference(name, where)
}

// bounded counts a text that was made, and gives up on one that is too long.
func (e *env) bounded(v value.Value, where source.Range) value.Value {
	u := e.scope.unit
	u.made(len(v.Text) + len(v.Ending))
	if len(v.Text)+len(v.Ending) > u.limits.ValueBytes {
		u.exceed("value", where, "the text is longer than %d bytes and is taken as unknown", u.limits.ValueBytes)
		return unknown()
	}
	return v
}

// joined joins values to a text. When the text is not wholly known but is JSON, the document goes with it.
func (e *env) joined(parts []value.Value, delimiter string) value.Value {
	v := concat(parts, delimiter)
	if v.Kind == value.Unknown && strings.IndexByte("{[", first(v.Text)) >= 0 {
		u := e.scope.unit
		for i := range parts {
			u.made(len(parts[i].Text))
		}
		v.Document = documentOf(between(parts, delimiter), u.limits.ValueBytes)
	}
	return v
}

func (e *env) join(n, arg *document.Node) value.Value {
	args := arguments(n, arg)
	if len(args) != 2 || args[0].Kind != document.Scalar {
		return e.invalid(n, "Fn::Join takes a text to put between and a list")
	}
	delimiter := args[0].Text
	v := e.argument(n, args[1])
	if v.Kind != value.List {
		if v.Kind != value.Unknown {
			return e.invalid(n, "Fn::Join takes a text to put between and a list")
		}
		return unknown()
	}
	items := v.Items
	if v.Open {
		items = append(items[:len(items):len(items)], value.Value{Kind: value.Unknown, Maybe: true})
	}
	out := e.joined(items, delimiter)
	out.Sensitive = out.Sensitive || v.Sensitive
	return dynamic(e.bounded(out, n.Range))
}

// branch evaluates Fn::If. Where the condition is not known, what both branches have in common is.
func (e *env) branch(n, arg *document.Node) value.Value {
	args := arguments(n, arg)
	if len(args) != 3 {
		return e.invalid(n, "Fn::If takes a condition and two values")
	}
	switch e.condition(args[0]) {
	case yes:
		return e.value(args[1])
	case no:
		return e.value(args[2])
	}
	before := e.assumed
	e.assume(args[0], yes)
	a := e.value(args[1])
	e.assumed = before
	e.assume(args[0], no)
	b := e.value(args[2])
	e.assumed = before
	out := either(a, b)
	out.Range = n.Range
	return out
}

func (e *env) findInMap(n, arg *document.Node) value.Value {
	args := arguments(n, arg)
	if len(args) != 3 && (len(args) != 4 || args[3].Get("DefaultValue") == nil) {
		return e.invalid(n, "Fn::FindInMap takes a mapping, two keys and perhaps a DefaultValue")
	}
	var keys [3]value.Value
	for i := range keys {
		keys[i] = e.argument(n, args[i])
	}
	t := e.scope.template
	if t.mappings == nil && t.opaque {
		return unknown()
	}
	found := []*document.Node{t.mappings}
	missing := false
	for i := range keys {
		var next []*document.Node
		text, known := keys[i].Word()
		for _, level := range found {
			if level == nil || level.Kind != document.Mapping {
				continue
			}
			if level.Get("Fn::Transform") != nil {
				return unknown()
			}
			if known {
				if v := level.Get(text); v != nil {
					next = append(next, v)
				} else {
					missing = true
				}
				continue
			}
			for j := range level.Members {
				if canBe(level.Members[j].Key.Text, &keys[i]) != no {
					next = append(next, level.Members[j].Value)
				}
			}
			missing = true // the key may be one that is not there
		}
		e.scope.unit.charge(len(next))
		found = next
	}
	var out value.Value
	some := false
	add := func(v value.Value) {
		if some {
			out = either(out, v)
		} else {
			out, some = v, true
		}
	}
	for _, v := range found {
		add(unplaced(e.plain(v)))
	}
	if missing && len(args) == 4 {
		add(e.value(args[3].Get("DefaultValue")))
	}
	if !some {
		if !t.opaque {
			e.scope.unit.problem(source.Unresolved, n.Range, fmt.Sprintf("there is no entry %s, %s in the mapping %s", value.Show(&keys[1]), value.Show(&keys[2]), value.Show(&keys[0])))
		}
		return unknown()
	}
	out.Range = source.Range{}
	return out
}

// plain evaluates what stands in a mapping: texts and lists of them, and no functions.
func (e *env) plain(n *document.Node) value.Value {
	e.flat++
	defer func() { e.flat-- }()
	return e.value(n)
}

func (e *env) choose(n, arg *document.Node) value.Value {
	args := arguments(n, arg)
	if len(args) != 2 {
		return e.invalid(n, "Fn::Select takes a number and a list")
	}
	at := e.argument(n, args[0])
	if i, known := index(&at); known && args[1].Kind == document.Sequence && args[1].Tag == "" && i < len(args[1].Items) && !e.shifts(args[1].Items[:i+1]) {
		e.flat++
		defer func() { e.flat-- }()
		return e.value(args[1].Items[i])
	}
	list := e.argument(n, args[1])
	i, known := index(&at)
	if list.Kind != value.List || !known {
		return unknown()
	}
	for j := range list.Items {
		if list.Items[j].Maybe {
			return unknown()
		}
		if j == i {
			return unplaced(list.Items[j])
		}
	}
	if !list.Open {
		return e.invalid(n, fmt.Sprintf("Fn::Select: there is no element %d in the list", i))
	}
	v := unknown()
	v.Sensitive = list.Sensitive
	return v
}

// shifts reports whether an element in front may be left out, so that the others move.
func (e *env) shifts(items []*document.Node) bool {
	for _, item := range items {
		if ifArguments(item) != nil || item.Tag == "!Ref" && item.Text == "AWS::NoValue" || nodeText(item.Get("Ref")) == "AWS::NoValue" {
			return true
		}
	}
	return false
}

// index reads the number of an element.
func index(v *value.Value) (int, bool) {
	text, known := v.Word()
	if !known || text == "" || len(text) > 6 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	i := 0
	for _, r := range text {
		i = i*10 + int(r-'0')
	}
	return i, true
}

// split cuts a text. Of one that is known in part, the pieces in front are known.
func (e *env) split(n, arg *document.Node) value.Value {
	args := arguments(n, arg)
	if len(args) != 2 || args[0].Kind != document.Scalar || args[0].Text == "" {
		return e.invalid(n, "Fn::Split takes a text to cut at and a text")
	}
	v := e.argument(n, args[1])
	text, known := v.Word()
	if !known {
		text = v.Text
	}
	pieces := strings.Split(text, args[0].Text)
	if !known {
		pieces = pieces[:len(pieces)-1]
	}
	e.scope.unit.charge(len(pieces))
	out := value.Value{Kind: value.List, Open: !known, Items: make([]value.Value, len(pieces)), Sensitive: v.Sensitive, Given: v.Given}
	given := v.Given && known // of a text that is not known in full, what is known is in the code
	for i, piece := range pieces {
		out.Items[i] = value.Value{Kind: value.String, Text: piece, Sensitive: v.Sensitive, Given: given}
	}
	return out
}

// base64 encodes a text. Of one whose beginning is known, the beginning of the code is.
func (e *env) base64(n, arg *document.Node) value.Value {
	v := e.argument(n, arg)
	if text, known := v.Word(); known {
		v = value.Value{Kind: value.String, Text: base64.StdEncoding.EncodeToString([]byte(text)), Sensitive: v.Sensitive, Given: v.Given}
		return e.bounded(v, n.Range)
	}
	out := unknown()
	out.Sensitive = v.Sensitive
	if v.Kind == value.Unknown {
		out.Text = base64.StdEncoding.EncodeToString([]byte(v.Text[:len(v.Text)/3*3]))
	}
	return e.bounded(out, n.Range)
}

func (e *env) length(n, arg *document.Node) value.Value {
	v := e.argument(n, arg)
	if v.Kind != value.List {
		if v.Kind == value.Unknown {
			return unknown()
		}
		return e.invalid(n, "Fn::Length takes a list")
	}
	for i := range v.Items {
		if v.Items[i].Maybe {
			return unknown()
		}
	}
	if v.Open {
		return unknown()
	}
	return value.Value{Kind: value.Number, Number: float64(len(v.Items))}
}

// toJSON writes a value as JSON. The document stays with the text, so that it can be looked into where parts are unknown.
func (e *env) toJSON(n, arg *document.Node) value.Value {
	v := e.argument(n, arg)
	if v.Kind == value.Unknown || v.Kind == value.Absent {
		return unknown()
	}
	document := v
	if !v.IsWhollyKnown() {
		return value.Value{Kind: value.Unknown, NotNull: true, Given: true, Document: &document}
	}
	return e.bounded(value.Value{Kind: value.String, Text: string(v.AppendJSON(nil, false)), Document: &document}, n.Range)
}
