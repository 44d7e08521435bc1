package pulumi

import (
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// The types of Pulumi's provider for Kubernetes are the kinds of Kubernetes: kubernetes:apps/v1:Deployment. Properties are the object
// without its apiVersion and kind, https://www.pulumi.com/registry/packages/kubernetes/api-docs/.

// kindOf returns the API version and the kind that a type writes; false for types that write none, or parts of one (DeploymentPatch).
func kindOf(typ string, properties *value.Value) (version, kind string, ok bool) {
	rest, ours := strings.CutPrefix(typ, "kubernetes:")
	module, kind, two := strings.Cut(rest, ":")
	if !ours || !two {
		return "", "", false
	}
	if module == "apiextensions.k8s.io" && kind == "CustomResource" {
		version, kind := properties.Field("apiVersion"), properties.Field("kind")
		return version.Text, kind.Text, version.Kind == value.String && kind.Kind == value.String
	}
	group, version, two := strings.Cut(module, "/")
	if !two || strings.HasSuffix(kind, "Patch") || group == "helm.sh" || group == "yaml" || group == "kustomize" || group == "meta" {
		return "", "", false
	}
	if group == "core" {
		return version, kind, true
	}
	return module, kind, true
}

// token is kindOf the other way.
func token(version, kind string) string {
	if !strings.Contains(version, "/") {
		version = "core/" + version
	}
	return "kubernetes:" + version + ":" + kind
}

// object makes the object of a resource; false when it writes none.
func (u *evaluation) object(d *declaration) ([]manifest.Object, bool) {
	version, kind, ok := kindOf(d.typ, &d.native.Body)
	if !ok {
		return nil, false
	}
	at := d.member.Key.Range
	if n := d.member.Value.Get("type"); n != nil {
		at = n.Range
	}
	body := with(d.native.Body, "apiVersion", value.Value{Kind: value.String, Text: version, Range: at})
	body = with(body, "kind", value.Value{Kind: value.String, Text: kind, Range: at})
	metadata := *body.Field("metadata")
	if !metadata.IsSet() && !body.Open {
		metadata = value.Value{Kind: value.Object, Range: body.Range}
	}
	if metadata.Kind == value.Object && !metadata.Open && !metadata.Field("name").IsSet() && !metadata.Field("generateName").IsSet() {
		// Pulumi makes a name of the resource's own and letters.
		name := value.Value{Kind: value.Unknown, NotNull: true, Given: true, Text: d.name + "-"}
		body = with(body, "metadata", with(metadata, "name", name))
	}
	return manifest.Unfold(manifest.Object{Body: body, Range: d.native.Range, Header: d.native.Header, Dialect: "pulumi", Address: d.name, Handle: d}), true
}

// objects makes the resources of objects.
func (u *evaluation) objects(all []manifest.Object) []*resource.Resource {
	made, problems := manifest.Resources(u.set, all, u.limits)
	for _, p := range problems {
		u.problem(p.Kind, p.Range, "%s", p.Message)
	}
	for _, r := range made {
		if d := declarationOf(r); d != nil && r.Address == d.name {
			r.Native, r.Name = d.typ, d.name
			r.Refs = append(r.Refs, d.native.Refs...)
		}
	}
	return made
}

// declarationOf returns the declaration of an object that a resource is made of; nil for all others.
func declarationOf(r *resource.Resource) *declaration {
	part, ok := r.Handle.(*manifest.Part)
	if !ok {
		return nil
	}
	d, _ := part.Object.Handle.(*declaration)
	return d
}

// propertyOf returns the property that says an attribute of such a resource.
func propertyOf(r *resource.Resource, p value.Path) value.Path {
	part := r.Handle.(*manifest.Part)
	return slices.Concat(part.Object.Within, part.Path(p))
}

// object lowers wishes about a resource that is made of an object.
func (l *lowering) object(r *resource.Resource, d *declaration, changes []resource.Change) error {
	wishes, err := manifest.Lower(r, changes)
	if err != nil {
		return err
	}
	part := r.Handle.(*manifest.Part)
	for _, w := range wishes {
		ours := translate.Wish{Op: w.Op, Path: slices.Concat(part.Object.Within, w.Path), Value: w.Value}
		if w.Op == resource.Create {
			version, kind := w.Value.Field("apiVersion").Text, w.Value.Field("kind").Text
			ours = translate.Wish{Op: w.Op, Type: token(version, kind), Value: w.Value}
			ours.Value.Fields = slices.DeleteFunc(slices.Clone(w.Value.Fields), func(f value.Field) bool { return f.Name == "apiVersion" || f.Name == "kind" })
		} else if len(ours.Path) > 0 && (ours.Path[0].Name == "apiVersion" || ours.Path[0].Name == "kind") {
			return fmt.Errorf("%s: the type of the resource says its %s", d.name, ours.Path[0].Name)
		}
		if err := l.wish(d, ours); err != nil {
			return err
		}
	}
	l.shared, l.also = manifest.Shared(r, wishes), manifest.Also(r, changes)
	return nil
}

// with returns an object with a member set. The object itself stays as it is.
func with(v value.Value, name string, x value.Value) value.Value {
	i, there := slices.BinarySearchFunc(v.Fields, name, func(f value.Field, n string) int { return strings.Compare(f.Name, n) })
	fields := append(make([]value.Field, 0, len(v.Fields)+1), v.Fields[:i]...)
	fields = append(fields, value.Field{Name: name, Value: x})
	if there {
		i++
	}
	v.Kind, v.Fields = value.Object, append(fields, v.Fields[i:]...)
	return v
}
