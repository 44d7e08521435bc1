package manifest

import (
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// eachElement returns the places that a path stands for whose names lead through lists: a name in a list of objects is that
// field of each of them, or the object of that name, as the API server merges lists; in a list of texts or numbers it is the element;
// and it may say more of the elements that it means, see condition. It returns
// nil for a path that leads through no list so.
func eachElement(body *value.Value, p value.Path) []value.Path {
	v := body
	for i, s := range p {
		if v.Kind != value.List && len(conditions(s.Name)) > 0 {
			return []value.Path{} // it asks for elements, and there are none
		}
		if s.Name == "" || v.Kind != value.List {
			v = v.At(value.Path{s})
			continue
		}
		out := []value.Path{} // not nil: where no element is meant, nothing is to be done
		asked := conditions(s.Name)
		named := false
		for j := range v.Items {
			item := &v.Items[j]
			if chosen(item, s.Name, asked) {
				named = true
				out = append(out, below(item, append(p[:i:i], value.Step{Index: j}), p[i+1:])...)
			}
		}
		if named || len(asked) > 0 {
			return out
		}
		for j := range v.Items {
			if v.Items[j].Kind == value.Object {
				out = append(out, below(&v.Items[j], append(p[:i:i], value.Step{Index: j}), p[i:])...)
			}
		}
		return out
	}
	return nil
}

// below returns the places that the rest of a path stands for in the value at a place.
func below(v *value.Value, at, rest value.Path) []value.Path {
	if more := eachElement(v, rest); more != nil {
		for i := range more {
			more[i] = append(at[:len(at):len(at)], more[i]...)
		}
		return more
	}
	return []value.Path{append(at[:len(at):len(at)], rest...)}
}

// ofValue returns a wish about an attribute that has a certain value, of which the last name of the path is one of several,
// apiVersion["batch/v1beta1|batch/v2alpha1"], as one about the attribute; done where it has another. ["="] asks that nobody wrote it.
// Others it returns as they are.
func (l *lowering) ofValue(c *resource.Change) (plain *resource.Change, done bool) {
	n := len(c.Path) - 1
	if c.Op != resource.Set || n < 1 {
		return c, false
	}
	at := l.Body.At(c.Path[:n])
	word, scalar := at.Word()
	if nothing := c.Path[n].Name == "=" && !at.IsSet() && at.Kind != value.Unknown; nothing {
		return &resource.Change{Op: c.Op, Path: c.Path[:n], Value: c.Value}, false
	}
	if !scalar {
		return c, false
	}
	if !isOneOf(word, strings.Split(c.Path[n].Name, "|")...) {
		return c, true
	}
	return &resource.Change{Op: c.Op, Path: c.Path[:n], Value: c.Value}, false
}

// removeValue removes an attribute of a container or pod that has a certain value, which the last name of the wish is: runAsUser["0"].
// It returns false for wishes of another form.
func (l *lowering) removeValue(c *resource.Change) bool {
	n := len(c.Path) - 1
	if c.Op != resource.Remove || n < 1 {
		return false
	}
	is := func(v *value.Value) bool {
		word, known := v.Word()
		return known && word == c.Path[n].Name
	}
	own := l.Body.At(c.Path[:n])
	if _, scalar := own.Word(); !scalar {
		return false
	}
	if !is(own) {
		return true
	}
	at := l.part.Path(c.Path[:n])
	l.wish(c.Op, at, value.Value{})
	if l.part.pod != nil && c.Path[0].Name == "securityContext" {
		// What the container no longer says it has from its pod.
		outer := append(path(l.part.pod.at, "spec"), c.Path[:n]...)
		if outer.String() != at.String() && is(l.part.Object.Body.At(outer)) {
			l.wish(c.Op, outer, value.Value{})
		}
	}
	return true
}

// Also returns the attributes of a resource that change with what is wished without being named: the words of a program with its flags,
// the list that an element was chosen from by name, and what a container takes from its pod.
func Also(r *resource.Resource, changes []resource.Change) []value.Path {
	var out []value.Path
	for _, c := range changes {
		if len(c.Path) > 1 && c.Path[0].Name == "flags" && r.Type == "k8s_container" {
			out = append(out, path(nil, "command"), path(nil, "args"))
		}
		if len(c.Path) == 3 && c.Path[0].Name == "flags" {
			out = append(out, c.Path[:2])
		}
		if len(c.Path) > 0 && c.Path[0].Name == "securityContext" && r.Type == "k8s_container" {
			out = append(out, path(nil, "inherits"))
		}
		if r.Type == "k8s_pod" && strings.HasPrefix(c.Path.String(), "spec.volumes") {
			for _, list := range [...]string{"initContainers", "containers", "ephemeralContainers"} { // mounts go with their volume
				out = append(out, path(nil, "spec", list, "volumeMounts"))
			}
		}
		v := &r.Body
		for i, s := range c.Path {
			if s.Name != "" && v.Kind == value.List {
				out = append(out, c.Path[:i])
				break
			}
			v = v.At(value.Path{s})
		}
	}
	return out
}
