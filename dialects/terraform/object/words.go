package object

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// words is how a type of Terraform writes a kind of Kubernetes.
type words struct {
	kind
	pair
}

// pair is a block of Terraform's and the object that it writes.
type pair struct {
	ours   []schema.Attribute // of Terraform
	theirs []schema.Attribute // of Kubernetes
	top    string             // the kind, of the outermost pair
}

// wordsOf returns the words of a type; nil when the type writes no object.
func wordsOf(set *schema.Set, typ string) *words {
	k, ok := types[typ]
	if !ok {
		return nil
	}
	ours, theirs := set.Resource(typ), set.Resource(manifest.TypeOf(k.version, k.kind))
	if ours == nil || theirs == nil {
		return nil
	}
	return &words{k, pair{ours.Attributes, theirs.Attributes, k.kind}}
}

// odd are the attributes of a kind whose names do not tell the field.
var odd = map[string]map[string]string{
	// The provider encodes what is in data.
	"Secret":       {"data": "stringData", "data_wo": "stringData", "binary_data": "data", "binary_data_wo": "data"},
	"StorageClass": {"storage_provisioner": "provisioner"},
}

// others are attributes that mean this wherever their own name is no field.
var others = map[string]string{
	"ceph_monitors": "monitors", "data_disk_uri": "diskURI", "endpoints_name": "endpoints", "rados_user": "user", "rbd_image": "image",
	"rbd_pool": "pool", "strategy": "updateStrategy",
}

// around is a block that Kubernetes does not have: what is in it are fields of what is around it.
const around = "persistent_volume_source"

// same reports whether two names are the same but for underscores and capitals.
func same(a, b string) bool {
	i, j := 0, 0
	for ; i < len(a) && j < len(b); i, j = i+1, j+1 {
		if a[i] == '_' {
			i++
		}
		if i == len(a) || a[i]|0x20 != b[j]|0x20 {
			return false
		}
	}
	return i == len(a) && j == len(b)
}

// theirsOf returns the field that an attribute writes; nil when it writes none.
func (p pair) theirsOf(a *schema.Attribute) *schema.Attribute {
	name := a.Name
	if to, ok := odd[p.top][a.Name]; ok {
		name = to
	}
	names := []string{name}
	if a.Nesting != schema.None { // a block that repeats stands in the singular
		names = append(names, name+"s", name+"es", strings.TrimSuffix(name, "y")+"ies")
	}
	if to, ok := others[a.Name]; ok {
		names = append(names, to)
	}
	for _, want := range names {
		for i := range p.theirs {
			if same(want, p.theirs[i].Name) {
				return &p.theirs[i]
			}
		}
	}
	return nil
}

// oursOf returns the attribute that writes a field, and the block around that Kubernetes does not have, if it is in one.
func (p pair) oursOf(field string) (found, in *schema.Attribute) {
	for i := range p.ours {
		a := &p.ours[i]
		if a.Name == around {
			inner := pair{ours: a.Attributes, theirs: p.theirs}
			if found, _ := inner.oursOf(field); found != nil {
				return found, a
			}
			continue
		}
		if k := p.theirsOf(a); k != nil && k.Name == field {
			return a, nil
		}
	}
	return nil, nil
}

func lookup(attributes []schema.Attribute, name string) *schema.Attribute {
	i, ok := slices.BinarySearchFunc(attributes, name, func(a schema.Attribute, n string) int { return strings.Compare(a.Name, n) })
	if !ok {
		return nil
	}
	return &attributes[i]
}

// object makes the object that a resource writes.
func (w *words) object(r *resource.Resource) value.Value {
	v := w.block(&r.Body)
	v.Range = r.Range
	v = with(v, "apiVersion", value.Value{Kind: value.String, Text: w.version, Range: r.Header})
	v = with(v, "kind", value.Value{Kind: value.String, Text: w.kind.kind, Range: r.Header})
	if strings.HasPrefix(r.Type, "kubernetes_default_service_account") {
		metadata := *v.Field("metadata")
		if !metadata.IsSet() {
			metadata = value.Value{Kind: value.Object}
		}
		if metadata.Kind == value.Object {
			v = with(v, "metadata", with(metadata, "name", value.Value{Kind: value.String, Text: "default", Range: metadata.Range}))
		}
	}
	return v
}

// block makes an object of a block.
func (p pair) block(v *value.Value) value.Value {
	out := value.Value{Kind: value.Object, Range: v.Range, Open: v.Open, Maybe: v.Maybe}
	if v.Kind != value.Object {
		return value.Value{Kind: value.Unknown, Range: v.Range, Maybe: v.Maybe}
	}
	for i := range v.Fields {
		f := &v.Fields[i]
		a := lookup(p.ours, f.Name)
		if a == nil {
			continue
		}
		if a.Name == around {
			inner := pair{ours: a.Attributes, theirs: p.theirs}.block(&f.Value)
			if inner.Kind != value.Object {
				out.Open = true
			}
			for _, f := range inner.Fields {
				out = with(out, f.Name, f.Value)
			}
			continue
		}
		if k := p.theirsOf(a); k != nil {
			if x := field(&f.Value, a, k); x.IsSet() {
				out = with(out, k.Name, x)
			}
		}
	}
	return p.defaults(out)
}

// defaults adds what the provider sends where nothing is written and the API server would take something else.
// https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs/resources/pod_v1#automount_service_account_token
// https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs/resources/role_binding_v1#subject
func (p pair) defaults(v value.Value) value.Value {
	has := func(name string) bool { return lookup(p.ours, name) != nil }
	missing := func(name string) bool { return v.Field(name).Kind == value.Absent && !v.Open }
	switch {
	case has("automount_service_account_token") && has("container") && missing("automountServiceAccountToken"):
		v = with(v, "automountServiceAccountToken", value.Value{Kind: value.Bool, Bool: true})
	case has("api_group") && has("kind") && has("namespace") && v.Field("kind").Text == "ServiceAccount" && missing("namespace"):
		v = with(v, "namespace", value.Value{Kind: value.String, Text: "default"})
	}
	return v
}

// field puts the value of an attribute into the form of the field that it writes.
func field(v *value.Value, a, k *schema.Attribute) value.Value {
	inner := pair{ours: a.Attributes, theirs: k.Attributes}
	several := k.Nesting == schema.List || k.Nesting == schema.Unordered
	switch {
	case v.Kind == value.Unknown || !v.IsSet():
		return *v
	case a.Nesting == schema.None || k.Nesting == schema.None:
		return scalar(v, k.Type)
	case v.Kind == value.Object:
		one := inner.block(v)
		if !several {
			return one
		}
		return value.Value{Kind: value.List, Items: []value.Value{one}, Range: v.Range}
	case v.Kind == value.List:
		if !several {
			switch {
			case len(v.Items) == 0 && !v.Open:
				return value.Value{}
			case len(v.Items) == 1 && !v.Open && !v.Items[0].Maybe:
				return inner.block(&v.Items[0])
			}
			return value.Value{Kind: value.Unknown, Range: v.Range}
		}
		out := *v
		out.Items = make([]value.Value, len(v.Items))
		for i := range v.Items {
			out.Items[i] = inner.block(&v.Items[i])
		}
		return out
	}
	return value.Value{Kind: value.Unknown, Range: v.Range}
}

// scalar gives a plain value the type of its field: the provider has texts where Kubernetes has numbers, to tell 0 from nothing.
func scalar(v *value.Value, t schema.Type) value.Value {
	out := *v
	number := t.Kind == schema.Number || t.Kind == schema.Any
	switch {
	case v.Kind == value.String && t.Kind == schema.Number && v.Text == "":
		return value.Value{}
	case v.Kind == value.String && number && isNumber(v.Text):
		out.Kind, out.Text = value.Number, ""
		for _, c := range v.Text {
			out.Number = out.Number*10 + float64(c-'0')
		}
	case v.Kind == value.Number && t.Kind == schema.String:
		out.Kind, out.Text, out.Number = value.String, v.Digits(), 0
	case v.Kind == value.List && t.Elem != nil:
		out.Items = make([]value.Value, len(v.Items))
		for i := range v.Items {
			out.Items[i] = scalar(&v.Items[i], *t.Elem)
		}
	}
	return out
}

func isNumber(s string) bool {
	return s != "" && len(s) < 16 && strings.Trim(s, "0123456789") == "" && (s[0] != '0' || s == "0")
}

// walk leads from a place in the object to the attribute that says it. It returns the steps for which there is no attribute, and the
// attribute and the field at the end.
func (w *words) walk(p value.Path) (out, rest value.Path, a, k *schema.Attribute) {
	at := w.pair
	indexed := false // the last step was one into a list
	for i, s := range p {
		switch {
		case s.Name == "" && a == nil:
			return out, p[i:], nil, nil
		case s.Name == "":
			if a.Nesting != schema.One && a.Nesting != schema.Single {
				out = append(out, s)
			} else if s.Index > 0 {
				return out, p[i:], nil, nil
			}
			indexed = true
		case a != nil && (a.Nesting == schema.None || k.Nesting == schema.None):
			out = append(out, s) // a key of a map
		default:
			next, in := at.oursOf(s.Name)
			if next == nil {
				return out, p[i:], nil, nil
			}
			if a != nil && !indexed && (a.Nesting == schema.List || a.Nesting == schema.Unordered) {
				out = append(out, value.Step{})
			}
			if in != nil {
				out = append(out, value.Step{Name: in.Name})
				at = pair{ours: in.Attributes, theirs: at.theirs}
			}
			out = append(out, value.Step{Name: next.Name})
			a, k, indexed = next, at.theirsOf(next), false
			at = pair{ours: a.Attributes, theirs: k.Attributes}
		}
	}
	return out, nil, a, k
}

// value puts a value of the object into the form in which Terraform writes it.
func (w *words) value(p value.Path, v value.Value) (value.Value, error) {
	_, rest, a, k := w.walk(p)
	if len(rest) > 0 || a == nil {
		return v, nil
	}
	return back(v, a, k)
}

func back(v value.Value, a, k *schema.Attribute) (value.Value, error) {
	if a.Nesting == schema.None || k.Nesting == schema.None {
		return v, nil
	}
	single := a.Nesting == schema.One || a.Nesting == schema.Single
	switch v.Kind {
	case value.Object:
		return pair{ours: a.Attributes, theirs: k.Attributes}.unblock(v)
	case value.List:
		if single {
			if len(v.Items) != 1 {
				return v, fmt.Errorf("there can be only one %s", a.Name)
			}
			return back(v.Items[0], a, k)
		}
		items := make([]value.Value, len(v.Items))
		for i := range v.Items {
			x, err := back(v.Items[i], a, k)
			if err != nil {
				return v, err
			}
			items[i] = x
		}
		v.Items = items
	}
	return v, nil
}

// unblock is block the other way.
func (p pair) unblock(v value.Value) (value.Value, error) {
	out := value.Value{Kind: value.Object}
	for _, f := range v.Fields {
		a, in := p.oursOf(f.Name)
		if a == nil {
			return out, fmt.Errorf("there is no attribute for %s", f.Name)
		}
		inner := p
		if in != nil {
			inner = pair{ours: in.Attributes, theirs: p.theirs}
		}
		x, err := back(f.Value, a, inner.theirsOf(a))
		if err != nil {
			return out, err
		}
		if in != nil {
			wrapped := *out.Field(in.Name)
			out = with(out, in.Name, with(wrapped, a.Name, x))
			continue
		}
		out = with(out, a.Name, x)
	}
	return out, nil
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

// companion puts a whole object into the words of the type that writes its kind.
func companion(set *schema.Set, of *Object, v *value.Value) (*resource.Companion, error) {
	version, name := v.Field("apiVersion").Text, v.Field("kind").Text
	versioned := strings.HasSuffix(of.Of.Type, "_v1") || of.words == nil
	best := ""
	for _, typ := range slices.Sorted(maps.Keys(types)) {
		k := types[typ]
		if k.kind != name || k.version != version || strings.Contains(typ, "_default_") {
			continue
		}
		if best == "" || strings.HasSuffix(typ, "_v1") == versioned {
			best = typ
		}
	}
	w := wordsOf(set, best)
	if w == nil {
		return nil, fmt.Errorf("the provider has no type for a %s", name)
	}
	body := *v
	body.Fields = slices.DeleteFunc(slices.Clone(v.Fields), func(f value.Field) bool { return f.Name == "apiVersion" || f.Name == "kind" })
	made, err := w.unblock(body)
	return &resource.Companion{Type: best, Body: made}, err
}
