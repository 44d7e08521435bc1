package manifest

import (
	"errors"
	"fmt"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// Lower turns wishes about a resource into wishes about its object. Those that hold already are left out. What a container has
// from its pod is changed there: Shared has who else has it. An error says what stands in the way.
//
// In texts of a value that shall be set "${this.PATH}" stands for an attribute of the resource, which must be set.
//
// A companion of Create is a whole object in Kubernetes' words; apiVersion and kind are those of its type when it names none. In its texts
// "${this.PATH}" stands for an attribute of the resource; a member that is only that of something unset is left out.
func Lower(r *resource.Resource, changes []resource.Change) ([]Wish, error) {
	part, ok := r.Handle.(*Part)
	if !ok {
		return nil, fmt.Errorf("%s was not made of an object", r.Address)
	}
	l := &lowering{Resource: r, part: part}
	for i := range changes {
		if err := l.change(&changes[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Address, err)
		}
	}
	return l.wishes, nil
}

type lowering struct {
	*resource.Resource
	part   *Part
	wishes []Wish
}

func (l *lowering) wish(op resource.ChangeOp, at value.Path, v value.Value) {
	l.wishes = append(l.wishes, Wish{Object: l.part.Object, Op: op, Path: at, Value: v})
}

func (l *lowering) change(c *resource.Change) error {
	if c.Op == resource.Create {
		return l.create(c.New)
	}
	if len(c.Path) == 0 {
		return errors.New("the wish names no attribute")
	}
	if flags := c.Path[0].Name == "flags"; flags && l.part.arguments == nil || !flags && l.Type == "k8s_component" {
		return nil // it is meant for the others that a rule is on: programs have flags, files have fields
	}
	if len(c.Path) == 3 && c.Path[0].Name == "flags" && l.part.arguments != nil && c.Op != resource.Add {
		return l.flagMember(c)
	}
	if l.removeValue(c) {
		return nil
	}
	if c.Op == resource.Set {
		v, err := l.resolve(c.Value)
		if err != nil {
			return err
		}
		if v.Kind == value.Absent {
			return fmt.Errorf("there is nothing for %s: what it shall be like is not set", c.Path)
		}
		c = &resource.Change{Op: c.Op, Path: c.Path, Value: v}
	}
	c, done := l.ofValue(c)
	if done {
		return nil
	}
	if paths := eachElement(&l.Body, c.Path); paths != nil {
		if c.Op == resource.Remove {
			paths = withOwners(l.Resource, paths)
			if list := l.emptied(paths); list != "" {
				return fmt.Errorf("at least one element of %s must stay: the provider of Terraform asks for it", list)
			}
		}
		for _, p := range paths {
			if err := l.change(&resource.Change{Op: c.Op, Path: p, Value: c.Value}); err != nil {
				return err
			}
		}
		return nil
	}
	if l.holds(c) {
		return nil
	}
	if c.Path[0].Name == "flags" && l.part.arguments != nil {
		return l.flag(c)
	}
	if l.part.made() {
		return fmt.Errorf("%s cannot be changed", c.Path)
	}
	switch c.Path[0].Name {
	case "role", "workload", "program", "pod", "controller", "name":
		if l.part.pod != nil {
			return fmt.Errorf("%s is no field that can be changed", c.Path)
		}
	}
	if at := l.part.Path(c.Path).String(); namesObject(at) || at == "apiVersion" && (c.Op != resource.Set || c.Value.Text == "") {
		return fmt.Errorf("with another %s it would be another object", c.Path)
	}
	// A wish about several fields is one about each, for they may stand in different places.
	if c.Op == resource.Set && c.Value.Kind == value.Object && l.scattered(c.Path) {
		for _, f := range c.Value.Fields {
			err := l.change(&resource.Change{Op: c.Op, Path: path(c.Path, f.Name), Value: f.Value})
			if err != nil {
				return err
			}
		}
		return nil
	}
	at := l.part.Path(c.Path)
	if i := annotationIn(at); i >= 0 {
		return l.annotated(c, at[:i])
	}
	if c.Op == resource.Remove && l.part.pod != nil {
		l.unmount(c)
		l.removeEverywhere(c, at)
		return nil
	}
	if err := l.reachable(at); err != nil {
		return err
	}
	l.wish(c.Op, at, c.Value)
	return nil
}

// namesObject reports whether a place in an object says which one it is.
func namesObject(at string) bool {
	switch at {
	case "kind", "metadata", "metadata.name", "metadata.generateName", "metadata.namespace":
		return true
	}
	return false
}

// made reports whether the resource has no place of its own in the object.
func (p *Part) made() bool { return len(p.extra) > 0 }

// holds reports whether a wish is fulfilled.
func (l *lowering) holds(c *resource.Change) bool {
	have := l.Body.At(c.Path)
	switch c.Op {
	case resource.Set:
		return includes(have, &c.Value)
	case resource.Remove:
		return have.Kind == value.Absent
	case resource.Add:
		for i := range have.Items {
			if includes(&have.Items[i], &c.Value) {
				return true
			}
		}
	}
	return false
}

// includes reports whether a value has all that is wished: of objects the members that the wish names.
func includes(have, wish *value.Value) bool {
	if wish.Kind != value.Object || have.Kind != value.Object {
		return have.Equal(wish) || sameWord(have, wish) == yes && have.Kind == wish.Kind
	}
	for i := range wish.Fields {
		if !includes(have.Field(wish.Fields[i].Name), &wish.Fields[i].Value) {
			return false
		}
	}
	return len(wish.Fields) > 0 || len(have.Fields) == 0
}

// scattered reports whether parts of an attribute stand elsewhere than it does.
func (l *lowering) scattered(at value.Path) bool {
	prefix := at.String()
	for name := range l.part.moved {
		if strings.HasPrefix(name, prefix+".") {
			return true
		}
	}
	return false
}

// annotationIn returns the number of steps to the annotation that a path leads to, or -1.
func annotationIn(at value.Path) int {
	for i := 1; i < len(at); i++ {
		if at[i-1].Name == "annotations" && (strings.HasPrefix(at[i].Name, seccompContainer) || at[i].Name == seccompPod || strings.HasPrefix(at[i].Name, appArmorContainer)) {
			return i + 1
		}
	}
	return -1
}

// annotated takes the place of an annotation of old with the field that has it now.
func (l *lowering) annotated(c *resource.Change, annotation value.Path) error {
	l.wish(resource.Remove, annotation, value.Value{})
	if c.Op != resource.Remove {
		l.wish(c.Op, append(l.part.At[:len(l.part.At):len(l.part.At)], c.Path...), c.Value)
	}
	return nil
}

// removeEverywhere removes what the container says and what it would then have from its pod.
func (l *lowering) removeEverywhere(c *resource.Change, at value.Path) {
	l.wish(c.Op, at, value.Value{})
	if len(c.Path) < 2 || c.Path[0].Name != "securityContext" || !isOneOf(c.Path[1].Name, shared[:]...) && c.Path[1].Name != "windowsOptions" {
		return
	}
	outer := append(path(l.part.pod.at, "spec"), c.Path...)
	if outer.String() != at.String() && l.part.Object.Body.At(outer).IsSet() {
		l.wish(c.Op, outer, value.Value{})
	}
}

// reachable says what stands in the way to a place in the object.
func (l *lowering) reachable(at value.Path) error {
	v := &l.part.Object.Body
	for i, s := range at {
		switch {
		case v.Kind == value.Unknown:
			return fmt.Errorf("what is at %s is not known", at[:i])
		case !v.IsSet():
			return nil
		case s.Name != "" && v.Kind != value.Object, s.Name == "" && v.Kind != value.List:
			return fmt.Errorf("%s is not of the shape that it should have", at[:i])
		}
		v = v.At(value.Path{s})
	}
	return nil
}

// create makes the object that shall stand beside this one.
func (l *lowering) create(c *resource.Companion) error {
	k, ok := kindOfType(c.Type)
	if !ok && !c.Body.Field("kind").IsSet() {
		return fmt.Errorf("no %s can be made", c.Type)
	}
	body, err := l.resolve(c.Body)
	if err != nil {
		return err
	}
	for _, selector := range [...]string{"podSelector", "selector"} {
		labels := path(nil, "spec", selector, "matchLabels")
		if c.Body.At(labels).IsSet() && !body.At(labels).IsSet() {
			return errors.New("there are no labels by which its pods could be told from others") // without any it would be about all of the namespace
		}
	}
	if !body.Field("kind").IsSet() {
		body = with(body, "kind", text(k.name))
	}
	if !body.Field("apiVersion").IsSet() {
		body = with(body, "apiVersion", text(k.version))
	}
	l.wish(resource.Create, nil, body)
	return nil
}

// resolve puts attributes of the resource in the place of what names them.
func (l *lowering) resolve(v value.Value) (value.Value, error) {
	var err error
	switch v.Kind {
	case value.String:
		return l.text(v)
	case value.List:
		items := make([]value.Value, 0, len(v.Items))
		for i := range v.Items {
			x, err := l.resolve(v.Items[i])
			if err != nil {
				return v, err
			}
			if x.Kind != value.Absent {
				items = append(items, x)
			}
		}
		v.Items = items
	case value.Object:
		fields := make([]value.Field, 0, len(v.Fields))
		for _, f := range v.Fields {
			if f.Value, err = l.resolve(f.Value); err != nil {
				return v, err
			}
			if f.Value.Kind != value.Absent {
				fields = append(fields, f)
			}
		}
		v.Fields = fields
	}
	return v, nil
}

func (l *lowering) text(v value.Value) (value.Value, error) {
	rest, out := v.Text, ""
	for {
		before, after, ok := strings.Cut(rest, "${this.")
		if !ok {
			v.Text = out + rest
			return v, nil
		}
		name, behind, ok := strings.Cut(after, "}")
		at, valid := value.ParsePath(name)
		if !ok || !valid {
			return v, fmt.Errorf("%q names no attribute", v.Text)
		}
		have := l.Body.At(at)
		if out+before+behind == "" {
			if !have.IsSet() {
				return value.Value{}, nil
			}
			if !have.IsWhollyKnown() {
				return v, fmt.Errorf("%s is not known", name)
			}
			return *have, nil
		}
		word, known := have.Word()
		if !known {
			return v, fmt.Errorf("%s is not known", name)
		}
		out, rest = out+before+word, behind
	}
}
