// Package object makes objects of Kubernetes of the resources that Terraform's providers have for them, and knows the way back from
// a place in an object to the attribute that says it.
//
// The kubernetes provider writes what Kubernetes calls initContainers and hostPID as init_container and host_pid. Which attribute is
// which field is told by both schemas: names are compared without underscores and capitals, and a block that repeats stands in the
// singular (words.go, with the few that are otherwise). Types of the provider and the kinds that they write are in types.go. Besides,
// kubernetes_manifest has a whole object as a value, and kubectl_manifest as a text (whole.go).
package object

import (
	"fmt"
	"strings"

	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// Object is an object that a resource of Terraform writes.
type Object struct {
	Of   *resource.Resource
	Body value.Value // in Kubernetes' words

	words *words     // nil: the object is a value as it is, at
	at    value.Path // this attribute
	text  bool       // which is a text
}

// Is reports whether a type of Terraform writes an object of Kubernetes.
func Is(typ string) bool {
	return strings.HasPrefix(typ, "k") && (types[typ].kind != "" || typ == wholeType || typ == textType)
}

// Read makes the objects of a resource. It is false when what the resource writes is not known, so that nobody can say what is in it.
func Read(set *schema.Set, r *resource.Resource) ([]*Object, bool) {
	switch r.Type {
	case wholeType:
		return whole(r)
	case textType:
		return texts(r)
	}
	w := wordsOf(set, r.Type)
	if w == nil {
		return nil, true
	}
	return []*Object{{Of: r, Body: w.object(r), words: w}}, true
}

// Namespace is what the object gets when it names no namespace, as manifest.Object has it.
func (o *Object) Namespace() value.Value {
	if o.text {
		return value.Value{} // the one of the configuration of kubectl
	}
	return value.Value{Kind: value.String, Text: "default", Range: o.Body.Field("metadata").Range}
}

// Path returns the attribute that says what is at a place in the object, and the last steps when Terraform has no word for them: the
// attribute is then what is around.
func (o *Object) Path(p value.Path) (ours, rest value.Path) {
	switch {
	case o.text:
		return o.at, p
	case o.words == nil:
		return append(o.at[:len(o.at):len(o.at)], p...), nil
	}
	ours, rest, _, _ = o.words.walk(p)
	return ours, rest
}

// Changes puts a wish about the object into Terraform's words.
func (o *Object) Changes(set *schema.Set, w *manifest.Wish) (resource.Change, error) {
	c := resource.Change{Op: w.Op, Value: w.Value}
	if w.Op == resource.Create {
		made, err := companion(set, o, &w.Value)
		c.New = made
		return c, err
	}
	if o.text {
		return c, fmt.Errorf("the object is a text in %s", o.at)
	}
	p, rest := o.Path(w.Path)
	if len(rest) > 0 {
		return c, fmt.Errorf("%s has no attribute for %s", o.Of.Type, w.Path)
	}
	c.Path = p
	if o.words != nil && w.Op != resource.Remove {
		var err error
		c.Value, err = o.words.value(w.Path, w.Value)
		return c, err
	}
	return c, nil
}
