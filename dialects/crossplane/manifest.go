package crossplane

import (
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// manifest is one managed resource: a document, or the base of a resource in a composition.
type manifest struct {
	file        *file
	node        *document.Node // apiVersion, kind, metadata, spec
	place       source.Range   // the whole declaration
	group, kind string
	version     string
	name        string
	composition string // of a composed one: the composition's name
	patches     []patch
	native      *translate.Native
	typ         string    // in Terraform
	edges       []edge    // what its references mean
	from        []written // where the members of its body are written
}

// edge is a reference that is written as one: kmsKeyIdRef: {name: k}.
type edge struct {
	path     value.Path // of the attribute in the body
	base     string     // what the attribute is called, without Ref and Selector
	name     string     // of the resource that is meant; empty for a selector
	labels   map[string]string
	siblings bool // of the same composition only
	at       *document.Member
}

// written says which mapping has a member of the body.
type written struct {
	name string
	in   *document.Node
}

// managed reads a manifest; nil when it is not one of a family's, or when nothing of it is made.
func managed(f *file, n *document.Node, place source.Range) *manifest {
	api, kind := textOf(n.Get("apiVersion")), textOf(n.Get("kind"))
	group, version, ok := strings.Cut(api, "/")
	if !ok || schema.CrossplaneType(group, kind, false) == "" || !isKind(kind) || observed(n) {
		return nil
	}
	return &manifest{file: f, node: n, place: place, group: group, version: version, kind: kind, name: textOf(n.Get("metadata").Get("name"))}
}

// observed reports whether a resource is only looked at: it was made by others, and what the manifest says does not change it.
// https://docs.crossplane.io/latest/managed-resources/managed-resources/#managementpolicies
func observed(n *document.Node) bool {
	policies := n.Get("spec").Get("managementPolicies")
	if policies == nil || policies.Kind != document.Sequence {
		return false
	}
	for _, p := range policies.Items {
		switch p.Text {
		case "Observe", "Delete", "LateInitialize":
		default:
			return false
		}
	}
	return true
}

// isKind reports whether a word can be a kind.
func isKind(s string) bool {
	for i, c := range s {
		if (c < 'A' || c > 'Z') && (i == 0 || (c < 'a' || c > 'z') && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

func textOf(n *document.Node) string {
	if n == nil || n.Kind != document.Scalar {
		return ""
	}
	return n.Text
}

// address is what the resource is called in its unit.
func (m *manifest) address() string {
	name := strings.ToLower(m.kind) + "." + m.group + "/" + m.name
	if space := textOf(m.node.Get("metadata").Get("namespace")); space != "" {
		name = space + "/" + name
	}
	if m.composition != "" {
		name = m.composition + "/" + name
	}
	return name
}

// external is the name that the resource has in the cloud, as far as the manifest tells.
func (m *manifest) external() (string, source.Range) {
	meta := m.node.Get("metadata")
	if a := meta.Get("annotations").Member("crossplane.io/external-name"); a != nil && a.Value.Kind == document.Scalar {
		return a.Value.Text, a.Range
	}
	if a := meta.Member("name"); a != nil && m.composition == "" && a.Value.Kind == document.Scalar {
		return a.Value.Text, a.Range
	}
	return "", source.Range{}
}

// listed reports whether blocks that occur at most once are written as lists: as the manifest does, or else as its version has it.
func (m *manifest) listed(r *schema.Resource, sections []*document.Node) bool {
	for _, s := range sections {
		for i := range s.Members {
			member := &s.Members[i]
			for j := range r.Attributes {
				a := &r.Attributes[j]
				if a.Nesting != schema.One || !strings.EqualFold(strings.ReplaceAll(a.Name, "_", ""), member.Key.Text) {
					continue
				}
				switch member.Value.Kind {
				case document.Sequence:
					return true
				case document.Mapping:
					return false
				}
			}
		}
	}
	return !strings.HasSuffix(m.group, ".m.upbound.io") && (m.version == "v1beta1" || strings.Contains(m.version, "alpha"))
}

// evaluate makes the native resource of a manifest.
func (m *manifest) evaluate(set *schema.Set, table *translate.Table, first func(source.Range) source.Range) {
	typ := schema.CrossplaneType(m.group, m.kind, false)
	m.typ = set.Names("crossplane").Terraform(typ)
	spec := m.node.Get("spec")
	var sections []*document.Node
	for _, name := range [...]string{"forProvider", "initProvider"} { // the first wins
		if n := spec.Get(name); n != nil && n.Kind == document.Mapping {
			sections = append(sections, n)
		}
	}
	body := value.Value{Kind: value.Object, Range: m.place}
	for _, n := range sections {
		v := m.object(n, nil)
		for _, f := range v.Fields {
			if body.Field(f.Name).Kind == value.Absent {
				set := slices.Clone(body.Fields)
				body.Fields = insert(set, f)
				m.from = append(m.from, written{f.Name, n})
			}
		}
	}
	r := set.Resource(m.typ)
	if r != nil {
		m.identify(r, &body)
		typ = schema.CrossplaneType(m.group, m.kind, m.listed(r, sections))
	}
	for i := range m.patches {
		m.patches[i].apply(&body)
	}
	m.native = &translate.Native{Dialect: "crossplane", Type: typ, Address: m.address(), Name: m.name, Body: body, Range: m.place,
		Header: first(m.place), Handle: m, First: first}
}

// identify adds the attribute that is not among the parameters because it is the resource's name.
func (m *manifest) identify(r *schema.Resource, body *value.Value) {
	name, at := m.external()
	if name == "" {
		return
	}
	for _, word := range [...]string{"name", "bucket"} {
		a := r.Attribute(word)
		if a == nil || a.Type.Kind != schema.String || !a.Required && !(word == "bucket" && r.Name == "aws_s3_bucket") {
			continue
		}
		if body.Field(word).Kind == value.Absent {
			body.Fields = insert(body.Fields, value.Field{Name: word, Value: value.Value{Kind: value.String, Text: name, Range: at}})
		}
		return
	}
}

func insert(fields []value.Field, f value.Field) []value.Field {
	i, ok := slices.BinarySearchFunc(fields, f.Name, func(f value.Field, n string) int { return strings.Compare(f.Name, n) })
	if ok {
		return fields
	}
	return slices.Insert(fields, i, f)
}

// object evaluates parameters: references become unknown values of what they stand for.
func (m *manifest) object(n *document.Node, at value.Path) value.Value {
	v := value.Value{Kind: value.Object, Range: n.Range, Fields: make([]value.Field, 0, len(n.Members))}
	var references []int
	for i := range n.Members {
		member := &n.Members[i]
		if member.Key.Kind != document.Scalar {
			continue
		}
		name := member.Key.Text
		if isReference(name) && member.Value.Kind != document.Scalar {
			references = append(references, i)
			continue
		}
		f := value.Field{Name: name, Value: m.value(member.Value, append(at[:len(at):len(at)], value.Step{Name: name}))}
		f.Value.Range = member.Range
		v.Fields = append(v.Fields, f)
	}
	slices.SortStableFunc(v.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	for _, i := range references {
		m.reference(&v, &n.Members[i], at)
	}
	return v
}

func (m *manifest) value(n *document.Node, at value.Path) value.Value {
	switch {
	case n.Kind == document.Mapping && n.Tag == "":
		return m.object(n, at)
	case n.Kind == document.Sequence && n.Tag == "":
		v := value.Value{Kind: value.List, Range: n.Range, Items: make([]value.Value, len(n.Items))}
		for i, item := range n.Items {
			v.Items[i] = m.value(item, append(at[:len(at):len(at)], value.Step{Index: i}))
			v.Items[i].Range = n.Place(i)
		}
		return v
	}
	return n.Value(true, nil)
}

// isReference reports whether a member is not a parameter but says which resource one comes from.
func isReference(name string) bool {
	for _, end := range [...]string{"Ref", "Refs", "Selector"} {
		if base, ok := strings.CutSuffix(name, end); ok && base != "" {
			return true
		}
	}
	return false
}

// reference adds the unknown value that a reference stands for, unless it is written too.
func (m *manifest) reference(v *value.Value, member *document.Member, at value.Path) {
	name := member.Key.Text
	unknown := value.Value{Kind: value.Unknown, NotNull: true, Given: true, Range: member.Range}
	add := func(attribute string, made value.Value) bool {
		if v.Field(attribute).Kind != value.Absent {
			return false
		}
		v.Fields = insert(v.Fields, value.Field{Name: attribute, Value: made})
		return true
	}
	note := func(e edge, attribute string) {
		e.path, e.base, e.at = append(at[:len(at):len(at)], value.Step{Name: attribute}), attribute, member
		m.edges = append(m.edges, e)
	}
	if base, ok := strings.CutSuffix(name, "SecretRef"); ok && base != "" {
		unknown.Sensitive = true
		add(base, unknown)
		return
	}
	if base, ok := strings.CutSuffix(name, "Refs"); ok {
		list := value.Value{Kind: value.List, Range: member.Range}
		for range member.Value.Items {
			list.Items = append(list.Items, unknown)
		}
		for _, attribute := range [...]string{base + "s", base} {
			if add(attribute, list) {
				for _, item := range member.Value.Items {
					note(edge{name: textOf(item.Get("name"))}, attribute)
				}
			}
		}
		return
	}
	if base, ok := strings.CutSuffix(name, "Ref"); ok {
		if add(base, unknown) {
			note(edge{name: textOf(member.Value.Get("name"))}, base)
		}
		return
	}
	base := strings.TrimSuffix(name, "Selector")
	labels := map[string]string{}
	if n := member.Value.Get("matchLabels"); n != nil {
		for i := range n.Members {
			labels[n.Members[i].Key.Text] = textOf(n.Members[i].Value)
		}
	}
	siblings := textOf(member.Value.Get("matchControllerRef")) == "true"
	for _, attribute := range [...]string{base, base + "s"} {
		if add(attribute, unknown) {
			note(edge{labels: labels, siblings: siblings}, attribute)
		}
	}
}

// labels reports whether the manifest has all of some labels.
func (m *manifest) hasLabels(labels map[string]string) bool {
	have := m.node.Get("metadata").Get("labels")
	for name, text := range labels {
		if n := have.Get(name); n == nil || textOf(n) != text {
			return false
		}
	}
	return true
}

// numbered makes addresses unique.
func numbered(address string, n int) string {
	if n == 1 {
		return address
	}
	return address + " #" + strconv.Itoa(n)
}
