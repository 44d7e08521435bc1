package compose

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Edit lowers wishes to text edits, in the file and in the form in which an attribute is written. A step of a path that names
// something in a list is meant for every item. What already holds needs no edit.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	d, ok := r.Handle.(*declared)
	if !ok {
		return dialect.Lowered{}, errNotOurs
	}
	l := &lowering{declared: d, body: &r.Body}
	for _, c := range changes {
		if c.Op == resource.Create {
			return dialect.Lowered{}, fmt.Errorf("%s: nothing can be made beside it", r.Address)
		}
		if len(c.Path) == 0 || c.Op != resource.Remove && !c.Value.IsWhollyKnown() {
			return dialect.Lowered{}, fmt.Errorf("%s: the wish names no attribute or no value", r.Address)
		}
		for _, p := range l.spread(c.Path) {
			if err := l.lower(resource.Change{Op: c.Op, Path: p, Value: c.Value}); err != nil {
				return dialect.Lowered{}, fmt.Errorf("%s: %w", r.Address, err)
			}
		}
	}
	return x.finish(l, titleOf(changes, r))
}

// lowering collects the changes of files for some wishes.
type lowering struct {
	*declared
	body    *value.Value
	changes []document.Change
}

// spread is the paths that a path means: one for each item where it names something in a list.
func (l *lowering) spread(p value.Path) []value.Path {
	v := l.body
	for i, step := range p {
		if v.Kind == value.List && step.Name != "" {
			var out []value.Path
			for j := range v.Items {
				out = append(out, l.spread(slices.Concat(p[:i], value.Path{{Index: j}}, p[i:]))...)
			}
			return out
		}
		v = v.At(value.Path{step})
	}
	return []value.Path{p}
}

var (
	errShort    = errors.New("the short form that is written there has no words for it")
	errVariable = errors.New("a variable makes what is written there")
	errPlaces   = errors.New("it is put together from several places")
	errNowhere  = errors.New("it stands where it cannot be changed")
)

func (l *lowering) lower(c resource.Change) error {
	have := l.body.At(c.Path)
	switch c.Op {
	case resource.Set:
		if have.Includes(&c.Value, (*value.Value).SameWord) {
			return nil
		}
	case resource.Remove:
		if !have.IsSet() {
			return nil
		}
	case resource.Add:
		if slices.ContainsFunc(have.Items, func(v value.Value) bool { return v.Includes(&c.Value, (*value.Value).SameWord) }) {
			return nil
		}
	default:
		return fmt.Errorf("%q is no wish that can be lowered", c.Op)
	}
	if _, known := l.shapes[c.Path[0].Name]; !known {
		return fmt.Errorf("%s cannot be changed", c.Path)
	}
	if c.Op == resource.Set && !fits(shape{kind: anObject, fields: l.shapes}, c.Path, &c.Value) {
		return fmt.Errorf("%s cannot be %s", c.Path, value.Show(&c.Value))
	}
	if c.Path[0].Name == "security_opt" && l.section == "services" && (len(c.Path) > 1 || c.Op != resource.Remove) {
		return l.securityOption(c)
	}
	// As far as the path leads through what is written.
	n, rest := l.node, c.Path
	for len(rest) > 0 {
		var next *node
		switch step := rest[0]; {
		case step.Name != "" && n.kind == document.Mapping:
			next = n.get(step.Name)
		case step.Name == "" && n.kind == document.Sequence:
			if items := n.present(); step.Index < len(items) {
				next = items[step.Index]
			}
		}
		if next == nil {
			break
		}
		if next.short != nil && next.kind == document.Mapping && isItem(next) && len(rest) > 1 {
			return l.shortItem(next, rest[1:], c)
		}
		n, rest = next, rest[1:]
	}
	if len(rest) == 0 {
		return l.present(n, c)
	}
	if c.Op == resource.Remove {
		return nil
	}
	return l.absent(n, rest, c)
}

// fits reports whether a value may stand at a path.
func fits(s shape, p value.Path, v *value.Value) bool {
	if len(p) > 0 {
		step := p[0]
		switch s.kind {
		case anObject:
			inner, known := s.fields[step.Name]
			return known && fits(inner, p[1:], v)
		case aList:
			return step.Name == "" && fits(*s.item, p[1:], v)
		case texts, capability:
			return step.Name == "" && fits(word, p[1:], v)
		case textMap:
			return step.Name != "" && fits(word, p[1:], v)
		}
		return s.kind == anything || s.kind == security
	}
	scalar := v.Kind == value.String || v.Kind == value.Number || v.Kind == value.Bool
	each := func(s shape) bool {
		return !slices.ContainsFunc(v.Items, func(item value.Value) bool { return !fits(s, nil, &item) })
	}
	switch s.kind {
	case aText:
		return scalar
	case aTruth:
		return v.Kind == value.Bool
	case aNumber:
		return v.Kind == value.Number
	case texts, capability:
		return v.Kind == value.List && each(word)
	case aList:
		return v.Kind == value.List && each(*s.item)
	case textMap, anObject:
		return v.Kind == value.Object && !slices.ContainsFunc(v.Fields, func(f value.Field) bool {
			return !fits(s, value.Path{{Name: f.Name}}, &f.Value)
		})
	}
	return true
}

// isItem reports whether a node in the long form stands for one scalar.
func isItem(n *node) bool { return n.raw != nil && n.raw.Kind == document.Scalar }

func (l *lowering) change(op resource.ChangeOp, at *document.Node, p value.Path, v value.Value) error {
	if at == nil {
		return errNowhere
	}
	l.changes = append(l.changes, document.Change{Op: op, At: at, Path: p, Value: plainText(v)})
	return nil
}

// place is the path to a node in what holds it.
func (n *node) place() value.Path {
	if n.in != nil && n.in.Kind == document.Sequence {
		return value.Path{{Index: n.step}}
	}
	return value.Path{{Name: n.name}}
}

// present changes what is written somewhere.
func (l *lowering) present(n *node, c resource.Change) error {
	switch c.Op {
	case resource.Remove:
		for _, p := range n.places() {
			if p.reset {
				continue
			}
			if p.in == nil {
				return errNowhere
			}
			l.changes = append(l.changes, document.Change{Op: resource.Remove, At: p.in, Path: p.place()})
		}
		return nil
	case resource.Add:
		if n.kind != document.Sequence || n.short != nil || n.in == nil {
			return errNowhere
		}
		return l.change(resource.Add, n.in, n.place(), c.Value)
	}
	places := n.places()
	if n.kind != document.Scalar && len(places) > 1 {
		return errPlaces
	}
	top := places[len(places)-1]
	switch {
	case top.in == nil:
		return errNowhere
	case top.keyed && c.Value.Kind != value.Object && c.Value.Kind != value.List:
		text, _ := c.Value.Word()
		return l.change(resource.Set, top.in, top.place(), value.Value{Kind: value.String, Text: top.name + "=" + text})
	case top.keyed, top.short != nil && top.kind == document.Scalar:
		return errShort
	case top.short != nil && top.short.kind == document.Sequence && c.Value.Kind == value.Object: // NAME=value in a list
		list := value.Value{Kind: value.List}
		for i := range c.Value.Fields {
			text, ok := c.Value.Fields[i].Value.Word()
			if !ok {
				return errShort
			}
			list.Items = append(list.Items, value.Value{Kind: value.String, Text: c.Value.Fields[i].Name + "=" + text})
		}
		return l.change(resource.Set, top.in, top.place(), list)
	}
	return l.change(resource.Set, top.in, top.place(), c.Value)
}

// absent writes what is not there, into the nearest that is.
func (l *lowering) absent(n *node, rest value.Path, c resource.Change) error {
	v := c.Value
	if c.Op == resource.Add {
		v = value.Value{Kind: value.List, Items: []value.Value{v}}
	}
	if n.null && n.in != nil {
		return l.change(resource.Set, n.in, append(n.place(), rest...), v)
	}
	if n.kind == document.Sequence && n.short == nil && rest[0].Name == "" && rest[0].Index == len(n.present()) && len(rest) == 1 && n.raw != nil {
		return l.change(resource.Add, n.in, n.place(), c.Value)
	}
	if n.kind != document.Mapping || n.raw == nil {
		return errNowhere
	}
	switch {
	case n.raw.Kind == document.Mapping:
		return l.change(resource.Set, n.raw, rest, v)
	case n.raw.Kind == document.Sequence && len(rest) == 1: // NAME=value in a list
		text, ok := v.Word()
		if !ok || n.in == nil {
			return errShort
		}
		return l.change(resource.Add, n.in, n.place(), value.Value{Kind: value.String, Text: rest[0].Name + "=" + text})
	}
	return errShort
}

// shortItem changes a part of something that is written in a short form.
func (l *lowering) shortItem(item *node, rest value.Path, c resource.Change) error {
	if item.in == nil || item.raw == nil {
		return errNowhere
	}
	written := item.raw.Text
	attribute := c.Path[0].Name
	var text string
	var err error
	switch {
	case len(item.places()) > 1:
		return errPlaces
	case l.section == "services" && attribute == "ports":
		text, err = portText(item, rest, c)
	case l.section == "services" && attribute == "volumes":
		text, err = volumeText(written, rest, c)
	case len(item.fields) == 1 && c.Op == resource.Set && (len(rest) > 1 || rest[0].Name != item.fields[0].name): // build: .
		whole := value.Value{Kind: value.Object, Fields: []value.Field{{Name: item.fields[0].name, Value: value.Value{Kind: value.String, Text: written}}}}
		if len(rest) > 1 {
			return errShort
		}
		whole.Fields = append(whole.Fields, value.Field{Name: rest[0].Name, Value: plainText(c.Value)})
		slices.SortFunc(whole.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
		l.changes = append(l.changes, document.Change{Op: resource.Set, At: item.in, Path: item.place(), Value: whole})
		return nil
	case len(item.fields) == 1 && c.Op == resource.Set && len(rest) == 1:
		return l.change(resource.Set, item.in, item.place(), c.Value)
	default:
		return errShort
	}
	if err != nil {
		return err
	}
	if text != written {
		l.changes = append(l.changes, document.Change{Op: resource.Set, At: item.in, Path: item.place(), Value: value.Value{Kind: value.String, Text: text}})
	}
	return nil
}

// portText writes a published port anew, in the short form.
func portText(item *node, rest value.Path, c resource.Change) (string, error) {
	if len(rest) != 1 {
		return "", errShort
	}
	name := rest[0].Name
	wish, ok := c.Value.Word()
	if !ok && c.Op == resource.Set {
		return "", errShort
	}
	written := item.raw.Text
	if strings.Contains(written, "$") {
		if name != "host_ip" || item.get("host_ip") != nil || c.Op != resource.Set {
			return "", errVariable
		}
		return bracketed(wish) + ":" + emptyBefore(item) + written, nil
	}
	parts := make(map[string]string)
	for _, f := range item.fields {
		parts[f.name], _ = f.scalar()
	}
	switch name {
	case "host_ip", "published", "published_end", "target", "target_end", "protocol":
	default:
		return "", errShort
	}
	if parts[name] = wish; c.Op == resource.Remove {
		delete(parts, name)
	}
	span := func(name string) string {
		if last := parts[name+"_end"]; last != "" {
			return parts[name] + "-" + last
		}
		return parts[name]
	}
	out := span("target")
	if out == "" {
		return "", errShort
	}
	if published := span("published"); published != "" || parts["host_ip"] != "" {
		out = published + ":" + out
	}
	if parts["host_ip"] != "" {
		out = bracketed(parts["host_ip"]) + ":" + out
	}
	if parts["protocol"] != "" {
		out += "/" + parts["protocol"]
	}
	return out, nil
}

// emptyBefore is what stands between an address and a port of the container alone.
func emptyBefore(item *node) string {
	if item.get("published") == nil {
		return ":"
	}
	return ""
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// volumeText writes a mount anew, in the short form: only its options can be changed.
func volumeText(written string, rest value.Path, c resource.Change) (string, error) {
	parts := outside(written)
	var drop []string
	option := ""
	switch wish, _ := c.Value.Word(); rest.String() {
	case "read_only":
		drop = []string{"ro", "rw"}
		if c.Op == resource.Set && wish == "true" {
			option = "ro"
		}
	case "bind.propagation":
		drop = []string{"private", "rprivate", "shared", "rshared", "slave", "rslave"}
		if option = wish; c.Op == resource.Set && !slices.Contains(drop, wish) {
			return "", errShort
		}
	default:
		return "", errShort
	}
	at := 2 // of the options
	if len(parts) > 1 && len(parts[0]) == 1 && strings.IndexAny(parts[1], `\/`) == 0 {
		at = 3
	}
	var options []string
	switch {
	case len(parts) < at: // a volume without a name has no options
		return "", errShort
	case len(parts) > at+1:
		return "", errVariable
	case len(parts) == at+1:
		options = strings.Split(parts[at], ",")
	}
	if strings.Contains(strings.Join(options, ","), "$") {
		return "", errVariable
	}
	options = slices.DeleteFunc(options, func(o string) bool { return slices.Contains(drop, o) })
	if option != "" {
		options = append(options, option)
	}
	out := strings.Join(parts[:at], ":")
	if len(options) > 0 {
		out += ":" + strings.Join(options, ",")
	}
	return out, nil
}

// outside splits a text at colons that stand outside of variables.
func outside(text string) []string {
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '{' && i > 0 && text[i-1] == '$':
			depth++
		case text[i] == '}' && depth > 0:
			depth--
		case text[i] == ':' && depth == 0:
			out = append(out, text[from:i])
			from = i + 1
		}
	}
	return append(out, text[from:])
}

// securityOption changes one option of security_opt, which is a list of NAME:value.
func (l *lowering) securityOption(c resource.Change) error {
	if len(c.Path) != 2 || !slices.Contains(securityNames, c.Path[1].Name) || c.Op == resource.Add {
		return errors.New("security_opt can be changed option by option only")
	}
	name := c.Path[1].Name
	list := l.node.get("security_opt")
	var found []*node
	others := 0
	if list != nil && list.kind == document.Sequence {
		for _, item := range list.items {
			if option, _, known := securityOption(item.text); known && option == name {
				found = append(found, item)
			} else {
				others++
			}
		}
	}
	if c.Op == resource.Remove {
		if others == 0 {
			return l.present(list, resource.Change{Op: resource.Remove, Path: c.Path[:1]})
		}
		for _, item := range found {
			if err := l.present(item, c); err != nil {
				return err
			}
		}
		return nil
	}
	text, ok := c.Value.Word()
	if !ok {
		return errShort
	}
	option := value.Value{Kind: value.String, Text: strings.ReplaceAll(name, "_", "-") + ":" + text}
	if name == "no_new_privileges" && text == "true" && len(found) > 0 && l.body.At(c.Path).Bool {
		return nil
	}
	switch {
	case len(found) > 0:
		return l.change(resource.Set, found[len(found)-1].in, found[len(found)-1].place(), option)
	case list == nil:
		return l.absent(l.node, c.Path[:1], resource.Change{Op: resource.Add, Value: option})
	case list.null:
		return l.change(resource.Set, list.in, list.place(), value.Value{Kind: value.List, Items: []value.Value{option}})
	}
	return l.present(list, resource.Change{Op: resource.Add, Value: option})
}

// plainText writes texts so that they mean themselves.
func plainText(v value.Value) value.Value {
	switch v.Kind {
	case value.String:
		v.Text = strings.ReplaceAll(v.Text, "$", "$$")
	case value.List:
		v.Items = slices.Clone(v.Items)
		for i := range v.Items {
			v.Items[i] = plainText(v.Items[i])
		}
	case value.Object:
		v.Fields = slices.Clone(v.Fields)
		for i := range v.Fields {
			v.Fields[i].Value = plainText(v.Fields[i].Value)
		}
	}
	return v
}

// finish makes the edits.
func (x *explainer) finish(l *lowering, title string) (dialect.Lowered, error) {
	out := dialect.Lowered{Title: title}
	byFile := make(map[string][]document.Change)
	for _, c := range l.changes {
		if c.Op == resource.Remove {
			c.At = x.owner(c.At, c.Path)
		}
		byFile[c.At.Range.File] = append(byFile[c.At.Range.File], c)
	}
	for _, name := range slices.Sorted(maps.Keys(byFile)) {
		t := x.estate.open(name).read()
		if t.document == nil {
			return dialect.Lowered{}, errNowhere
		}
		for _, p := range t.problems {
			return dialect.Lowered{}, fmt.Errorf("%s is not in order: %s", p.Range.File, p.Message)
		}
		edits, err := t.document.Edit(byFile[name])
		if err != nil {
			return dialect.Lowered{}, err
		}
		out.Edits = append(out.Edits, edits...)
	}
	if len(out.Edits) == 0 {
		return dialect.Lowered{}, nil
	}
	out.Shared = x.shared(l.declared, out.Edits)
	return out, nil
}

// owner is the mapping in which a member is written, which is another one when it comes through a merge key.
func (x *explainer) owner(n *document.Node, p value.Path) *document.Node {
	m := n.Member(p[0].Name)
	if n.Kind != document.Mapping || m == nil || !m.Merged {
		return n
	}
	out := n
	var look func(at *document.Node) bool
	look = func(at *document.Node) bool {
		if other := at.Member(p[0].Name); other != nil && !other.Merged && other.Range == m.Range {
			out = at
			return true
		}
		return slices.ContainsFunc(at.Items, look) || slices.ContainsFunc(at.Members, func(m document.Member) bool { return look(m.Value) })
	}
	for _, root := range x.estate.open(n.Range.File).read().roots {
		if look(root) {
			break
		}
	}
	return out
}

// shared returns the resources that change with edits: they have the same anchor, extend the same service, or are of another
// project that reads the same file.
func (x *explainer) shared(d *declared, edits []source.Edit) []string {
	seen := make(map[string]bool)
	for _, u := range x.estate.units {
		p := u.load()
		if p.root == nil {
			continue
		}
		for _, section := range sections {
			all := p.root.get(section)
			if all == nil {
				continue
			}
			for _, f := range all.fields {
				address := section + "." + f.name
				if seen[address] || u == x.unit && section == d.section && f.name == d.name {
					continue
				}
				if slices.ContainsFunc(edits, func(e source.Edit) bool { return f.holds(e.Range) }) {
					seen[address] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// holds reports whether an edit changes anything that a node is made of.
func (n *node) holds(edit source.Range) bool {
	changes := func(at source.Range) bool { return !at.IsZero() && (at.Contains(edit) || at.Overlaps(edit)) }
	return n.raw != nil && changes(n.raw.Range) || changes(n.at) ||
		slices.ContainsFunc(n.before, func(b *node) bool { return b.raw != nil && changes(b.raw.Range) }) ||
		slices.ContainsFunc(n.fields, func(f field) bool { return f.holds(edit) }) || slices.ContainsFunc(n.items, func(c *node) bool { return c.holds(edit) })
}
