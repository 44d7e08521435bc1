package manifest

import (
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// move notes that an attribute is elsewhere in the object.
func (p *Part) move(attribute string, to value.Path) {
	if p.moved == nil {
		p.moved = make(map[string]value.Path)
	}
	p.moved[attribute] = to
}

// Path returns where in the object an attribute of the resource stands, or would stand.
func (p *Part) Path(of value.Path) value.Path {
	if p.arguments != nil && len(of) == 3 && of[0].Name == "flags" {
		of = of[:2] // a word of a flag has no place of its own
	}
	for n := len(of); n > 0 && p.moved != nil; n-- {
		if to, ok := p.moved[of[:n].String()]; ok {
			if n < len(of) && len(to) > 0 && isAnnotation(to) {
				return to // what the annotation says has no parts there
			}
			return append(to[:len(to):len(to)], of[n:]...)
		}
	}
	if p.arguments != nil && len(of) > 1 && of[0].Name == "flags" {
		if f := p.arguments.byName[of[1].Name]; f != nil {
			return f.place(p.At)
		}
		return p.arguments.next(p.At)
	}
	if p.pod != nil && len(of) > 0 {
		switch isContainer := len(p.At) > len(p.pod.at); of[0].Name {
		case "namespace":
			if isContainer {
				return path(nil, "metadata", "namespace")
			}
		case "os":
			if isContainer {
				return path(p.pod.at, "spec", "os", "name")
			}
		case "hostUsers":
			if isContainer {
				return path(p.pod.at, "spec", "hostUsers")
			}
		case "pod", "controller":
			return p.pod.at
		case "workload":
			return path(nil, "kind")
		case "program":
			if isContainer {
				return path(p.At, "command")
			}
		}
	}
	return append(p.At[:len(p.At):len(p.At)], of...)
}

func isAnnotation(p value.Path) bool {
	return len(p) > 1 && p[len(p)-2].Name == "annotations"
}

// inherits reports whether a field of the security context comes from the pod, as a whole or with what it is in.
func (p *Part) inherits(field value.Path) bool {
	name := field.String()
	for _, f := range p.inherited {
		if f == name || len(name) > len(f) && name[:len(f)] == f && name[len(f)] == '.' || len(f) > len(name) && f[:len(name)] == name && f[len(name)] == '.' {
			return true
		}
	}
	return false
}

// Shared returns the addresses of the other containers that change too when wishes about one are fulfilled: what is written at the pod is
// every container's that does not say otherwise.
func Shared(r *resource.Resource, wishes []Wish) []string {
	part, ok := r.Handle.(*Part)
	if !ok || part.pod == nil {
		return nil
	}
	context := path(part.pod.at, "spec", "securityContext")
	var out []string
	for _, c := range part.pod.containers {
		other, ok := c.Handle.(*Part)
		if !ok || c == r {
			continue
		}
		for _, w := range wishes {
			below := w.Object == part.Object && len(w.Path) > len(context) && w.Path[:len(context)].String() == context.String()
			if below && other.inherits(w.Path[len(context):]) {
				out = append(out, c.Address)
				break
			}
		}
	}
	return out
}
