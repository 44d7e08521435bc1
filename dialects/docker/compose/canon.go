package compose

import (
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// canonical brings a service into the long form, before it is merged with others.
func (l *loader) canonical(n *node, o *origin) *node {
	if n.kind != document.Mapping {
		return n
	}
	out := *n
	out.fields = make([]field, len(n.fields))
	for i, f := range n.fields {
		out.fields[i] = field{f.name, l.long(f.name, f.node, o)}
	}
	return &out
}

// long brings an attribute of a service into the long form.
func (l *loader) long(name string, n *node, o *origin) *node {
	if n.null && n.kind == document.Scalar || n.opaque || n.reset {
		return n
	}
	switch name {
	case "environment":
		return l.passedOn(l.pairs(n), o.scope)
	case "labels", "annotations", "sysctls":
		return l.pairs(n)
	case "build":
		n = n.named("context")
		return n.with(func(f field) *node {
			switch f.name {
			case "args":
				return l.passedOn(l.pairs(f.node), o.scope)
			case "labels", "additional_contexts":
				return l.pairs(f.node)
			case "secrets":
				return l.each(f.node, l.mount)
			}
			return f.node
		})
	case "deploy":
		return n.with(func(f field) *node {
			if f.name == "labels" {
				return l.pairs(f.node)
			}
			return f.node
		})
	case "depends_on", "networks", "models":
		return l.keys(n)
	case "dns", "dns_opt", "dns_search", "tmpfs", "label_file":
		return n.listed()
	case "env_file":
		return l.each(n.listed(), func(item *node) *node {
			item = item.named("path")
			out := *item
			out.origin = o
			return &out
		})
	case "ports":
		return l.each(n, l.port)
	case "volumes":
		return l.each(n, l.volume)
	case "devices":
		return l.each(n, l.device)
	case "secrets", "configs":
		return l.each(n, l.mount)
	}
	return n
}

// beside brings what stands beside services into the long form: volumes, networks, secrets and configs.
func (l *loader) beside(n *node) *node {
	return n.with(func(f field) *node {
		switch {
		case f.name == "labels":
			return l.pairs(f.node)
		case f.name == "external" && f.kind == document.Mapping: // as the second format has it, with the name in it
			return f.part(literal("true"))
		}
		return f.node
	})
}

// with is a mapping with other members.
func (n *node) with(change func(field) *node) *node {
	if n.kind != document.Mapping {
		return n
	}
	out := *n
	out.fields = make([]field, len(n.fields))
	for i, f := range n.fields {
		out.fields[i] = f
		if !f.null && !f.opaque && !f.reset {
			out.fields[i].node = change(f)
		}
	}
	return &out
}

// each is a sequence with other items.
func (l *loader) each(n *node, change func(*node) *node) *node {
	if n.kind != document.Sequence {
		return n
	}
	out := *n
	out.items = make([]*node, 0, len(n.items))
	for _, item := range n.items {
		if !item.null && !item.opaque {
			item = change(item)
		}
		out.items = append(out.items, item)
	}
	return &out
}

// part is a node that stands in a short form.
func (n *node) part(text words) *node {
	return &node{kind: document.Scalar, at: n.at, raw: n.raw, text: text, plain: true, in: n.in, step: n.step, name: n.name, short: n}
}

// named is a mapping of one member in the place of a scalar.
func (n *node) named(name string) *node {
	if n.kind != document.Scalar {
		return n
	}
	out := *n
	out.kind, out.short = document.Mapping, n
	part := n.part(n.text)
	part.plain = n.plain
	out.fields = []field{{name, part}}
	return &out
}

// listed is a sequence of one item in the place of a scalar.
func (n *node) listed() *node {
	if n.kind != document.Scalar {
		return n
	}
	out := *n
	out.kind, out.short = document.Sequence, n
	out.items = []*node{n.part(n.text)}
	return &out
}

// pairs is a mapping in the place of a sequence of NAME=value.
func (l *loader) pairs(n *node) *node {
	if n.kind != document.Sequence {
		return n
	}
	out := *n
	out.kind, out.items, out.short = document.Mapping, nil, n
	for _, item := range n.items {
		if item.kind != document.Scalar || item.opaque {
			l.problem(source.Invalid, item.at, "an entry of this list must be a text, like NAME=value")
			out.more = true
			continue
		}
		if item.null {
			continue
		}
		name, text, found := item.text.cut('=')
		key, known := name.known()
		if !known {
			out.more = true // a variable gives the name
			continue
		}
		c := item.part(text)
		c.plain, c.keyed, c.null, c.name = false, true, !found, key
		out.fields = append(out.fields, field{key, c})
	}
	out.fields = sortFields(out.fields)
	return &out
}

// passedOn gives names without a value the value that the environment of Compose has.
func (l *loader) passedOn(n *node, s *scope) *node {
	if n.kind != document.Mapping {
		return n
	}
	out := *n
	out.fields = make([]field, len(n.fields))
	for i, f := range n.fields {
		if f.null && !f.reset && !f.opaque {
			c := *f.node
			c.null, c.plain = false, false
			x := &expander{scope: s, most: l.limits.ValueBytes}
			c.text = x.braced(f.name, "", 0)
			f.node = &c
		}
		out.fields[i] = f
	}
	return &out
}

// keys is a mapping in the place of a sequence of names.
func (l *loader) keys(n *node) *node {
	if n.kind == document.Scalar {
		n = n.listed()
	}
	if n.kind != document.Sequence {
		return n
	}
	out := *n
	out.kind, out.items, out.short = document.Mapping, nil, n
	for _, item := range n.items {
		name, ok := item.scalar()
		if !ok {
			out.more = true
			continue
		}
		c := item.part(nil)
		c.null, c.keyed, c.name = true, true, name
		out.fields = append(out.fields, field{name, c})
	}
	out.fields = sortFields(out.fields)
	return &out
}
