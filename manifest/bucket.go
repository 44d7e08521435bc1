package manifest

import (
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// bucket is the pods of one namespace, by what selectors ask for.
type bucket struct {
	namespace value.Value
	position  int // in the order in which they were met
	pods      []*pod
	byLabel   map[string][]*pod
	open      []*pod // of which not every label is known
}

// keyOf names a namespace: those with the same name are one, and so are those that nobody names. Of others each object has its own.
func keyOf(namespace *value.Value) string {
	name, known := namespace.Word()
	switch {
	case known && name != "":
		return "=" + name
	case isInstallers(namespace):
		return "installer"
	case namespace.Kind == value.Unknown:
		return "~" + namespace.Text + "\x00" + namespace.Ending
	}
	return ""
}

// place puts a pod into the bucket of its namespace.
func (b *builder) place(p *pod) {
	key := keyOf(&p.of.namespace)
	in := b.buckets[key]
	if in == nil {
		in = &bucket{namespace: p.of.namespace, position: len(b.order), byLabel: make(map[string][]*pod)}
		b.buckets[key] = in
		b.order = append(b.order, in)
		if !isNamed(key) {
			b.loose = append(b.loose, in)
		}
	}
	in.pods = append(in.pods, p)
	keys, open := labelKeys(&p.labels)
	for _, k := range keys {
		in.byLabel[k] = append(in.byLabel[k], p)
	}
	if open {
		in.open = append(in.open, p)
	}
}

// selectPods makes references to the pods of a namespace that a selector chooses.
func (b *builder) selectPods(from *entity, at value.Path, namespace *value.Value, s *selector) {
	if s.none {
		return
	}
	key, keyed := s.key()
	for _, in := range b.around(namespace) {
		if !b.step(from) {
			return
		}
		there := sameNamespace(namespace, &in.namespace)
		if there == no {
			continue
		}
		lists := [][]*pod{in.pods}
		if keyed {
			lists = [][]*pod{in.byLabel[key], in.open}
		}
		for i, list := range lists {
			for _, p := range list {
				if !b.step(from) {
					return
				}
				if i == 1 && hasLabel(p, key) {
					continue // it was in the first
				}
				if chosen := both(there, s.selects(&p.labels)); chosen != no {
					b.ref(from.Resource, resource.Ref{Path: at, Target: p.Address, Maybe: chosen == maybe})
				}
			}
		}
	}
}

// around returns the buckets of namespaces that may be the one given, in order.
func (b *builder) around(namespace *value.Value) []*bucket {
	key := keyOf(namespace)
	if !isNamed(key) {
		return b.order
	}
	var own []*bucket
	if in := b.buckets[key]; in != nil {
		own = []*bucket{in}
	}
	return merged(own, b.loose, func(in *bucket) int { return in.position })
}

func hasLabel(p *pod, key string) bool {
	keys, _ := labelKeys(&p.labels)
	return isOneOf(key, keys...)
}

// ref adds a reference, once.
func (b *builder) ref(from *resource.Resource, ref resource.Ref) {
	if b.refs >= maxRefs {
		b.overspent(from)
		return
	}
	b.refs++
	from.Refs = append(from.Refs, ref)
}

// step counts a comparison; false when there were too many.
func (b *builder) step(from *entity) bool {
	if b.steps++; b.steps > maxSteps {
		b.overspent(from.Resource)
		return false
	}
	return true
}

func (b *builder) overspent(at *resource.Resource) {
	if !b.spent {
		b.spent = true
		b.limit(at.Range, "there are more ways than are followed in which objects could refer to each other; from here on none is")
	}
}
