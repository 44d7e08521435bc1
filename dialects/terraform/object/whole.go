package object

import (
	"path"
	"slices"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// The types that have a whole object: as a value, of hashicorp/kubernetes, and as a text, of gavinbunny/kubectl and its forks.
const (
	wholeType = "kubernetes_manifest"
	textType  = "kubectl_manifest"
)

// whole reads a resource whose attribute manifest is the object.
func whole(r *resource.Resource) ([]*Object, bool) {
	v := r.Body.Field("manifest")
	if !manifest.IsObject(v) {
		return nil, v.Kind != value.Unknown && v.Field("kind").Kind != value.Unknown && v.Field("apiVersion").Kind != value.Unknown
	}
	return []*Object{{Of: r, Body: *v, at: value.Path{{Name: "manifest"}}}}, true
}

// texts reads a resource whose attribute yaml_body is the text of an object. All of it stands where the attribute does: the text may
// be made of several, and of what functions return.
func texts(r *resource.Resource) ([]*Object, bool) {
	v := r.Body.Field("yaml_body")
	if v.Kind != value.String {
		return nil, v.Kind != value.Unknown
	}
	doc, _ := document.Parse(&source.File{Path: path.Join(r.Range.File, "yaml_body.yaml"), Bytes: []byte(v.Text)}, dialect.Limits{})
	if doc == nil {
		return nil, true
	}
	doc.YAML11 = true
	var out []*Object
	for _, root := range doc.Roots {
		body := root.Value(true, nil)
		if !manifest.IsObject(&body) {
			continue
		}
		settle(&body, v)
		if space := r.Body.Field("override_namespace"); space.IsSet() && body.Field("metadata").Kind == value.Object {
			body = with(body, "metadata", with(*body.Field("metadata"), "namespace", *space))
		}
		out = append(out, &Object{Of: r, Body: body, at: value.Path{{Name: "yaml_body"}}, text: true})
	}
	return out, true
}

// settle puts every part of a value at the place of another one, and hides it as that is.
func settle(v, at *value.Value) {
	v.Range, v.Sensitive, v.Given = at.Range, at.Sensitive, at.Given
	v.Items, v.Fields = slices.Clone(v.Items), slices.Clone(v.Fields)
	for i := range v.Items {
		settle(&v.Items[i], at)
	}
	for i := range v.Fields {
		settle(&v.Fields[i].Value, at)
	}
}
