//lint:file-ignore SA1019 what kustomize calls old it still builds, and people still write it

package kustomize

import (
	"encoding/base64"
	"path"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/value"
)

// transformed finds the entry of a kustomization that makes a value what it is; the kustomizations that name others count first.
func (o *object) transformed(text string, at value.Path) (origin, bool) {
	if o.kind == "ConfigMap" || o.kind == "Secret" {
		if x, ok := o.generated(text, at); ok {
			return x, true
		}
	}
	if o.unit == nil || o.unit.plain {
		return origin{}, false
	}
	for i := len(o.unit.order) - 1; i >= 0; i-- {
		k := o.unit.order[i]
		if k.text == nil {
			continue
		}
		if entry, exact := k.transforms(o, text, at); entry != nil {
			if s := k.entry(entry); s != nil {
				return origin{spot: s, exact: exact, set: entry[0].Name + " of " + k.file.Path}, true
			}
		}
		if x, ok := o.replaced(k, text, at); ok {
			return x, true
		}
	}
	return origin{}, false
}

// replaced finds the replacement that sets a value: where it copies from, when that says the same, else the replacement.
func (o *object) replaced(k *kustomization, text string, at value.Path) (origin, bool) {
	if before := o.along(o.base, at); before != nil && before.node.Text == text {
		return origin{}, false
	}
	for i := len(k.spec.Replacements) - 1; i >= 0; i-- {
		r := &k.spec.Replacements[i]
		if !slices.ContainsFunc(r.Targets, func(t *types.TargetSelector) bool {
			return t != nil && (t.Select == nil || matches(t.Select.Kind, o.kind)) && slices.ContainsFunc(t.FieldPaths, func(p string) bool { return leadsTo(p, at) })
		}) {
			continue
		}
		entry := k.entry(step("replacements", i))
		if entry == nil {
			continue
		}
		x := origin{spot: entry, set: step("replacements", i).String() + " of " + k.file.Path}
		if r.Source != nil {
			if s := o.unit.said(r.Source, text); s != nil {
				x.spot = s
			}
		}
		return x, true
	}
	return origin{}, false
}

// leadsTo reports whether the names of a field path are those of a path of the object.
func leadsTo(fieldPath string, at value.Path) bool {
	var steps []string
	for s := range strings.SplitSeq(fieldPath, ".") {
		if _, err := strconv.Atoi(s); err != nil && !strings.HasPrefix(s, "[") && s != "*" && s != "-" {
			steps = append(steps, s)
		}
	}
	for _, s := range at {
		if s.Name == "" {
			continue
		}
		if len(steps) == 0 || steps[0] != s.Name {
			return false
		}
		steps = steps[1:]
	}
	return len(steps) == 0
}

// said returns where the source of a replacement is written, when it says a text.
func (u *unit) said(source *types.SourceSelector, text string) *spot {
	for _, r := range u.built.objects.Resources() {
		if source.Kind != "" && r.GetKind() != source.Kind || source.Name != "" && !slices.Contains(u.namesOf(r.GetName()), source.Name) {
			continue
		}
		n := r.YNode()
		fieldPath := source.FieldPath
		if fieldPath == "" {
			fieldPath = types.DefaultReplacementFieldPath
		}
		for s := range strings.SplitSeq(fieldPath, ".") {
			n = member(n, s)
		}
		if n == nil || n.Kind != yaml.ScalarNode || n.Value != text {
			continue
		}
		if s := (&object{unit: u}).written(n); s != nil {
			return s
		}
	}
	return nil
}

// entry returns the node of an entry of the kustomization; nil when it is not written so.
func (k *kustomization) entry(p value.Path) *spot {
	s := &spot{text: k.text, node: k.text.doc.Roots[0], at: k.text.doc.Roots[0].Range}
	for _, x := range p {
		if x.Name != "" {
			s = s.member(x.Name)
		} else if s.node.Kind == document.Sequence && x.Index < len(s.node.Items) {
			s = &spot{s.text, s.node.Items[x.Index], s.node.Place(x.Index), s, x}
		} else {
			return nil
		}
		if s == nil {
			return nil
		}
	}
	return s
}

// transforms returns the entry that sets a value to a text, and whether the entry says the same text.
func (k *kustomization) transforms(o *object, text string, at value.Path) (value.Path, bool) {
	last := at[len(at)-1].Name
	var over string
	if len(at) > 1 {
		over = at[len(at)-2].Name
	}
	s := &k.spec
	switch {
	case last == "namespace" && s.Namespace == text && text != "":
		return value.Path{{Name: "namespace"}}, true
	case last == "image":
		for i := range s.Images {
			if images(s.Images[i].Name, s.Images[i].NewName, s.Images[i].NewTag, s.Images[i].Digest, text) {
				return step("images", i), false
			}
		}
		for i := range s.ImageTags {
			if images(s.ImageTags[i].Name, s.ImageTags[i].NewName, s.ImageTags[i].NewTag, s.ImageTags[i].Digest, text) {
				return step("imageTags", i), false
			}
		}
	case last == "replicas" && len(at) == 2:
		for i, r := range s.Replicas {
			if slices.Contains(o.names, r.Name) && strconv.FormatInt(r.Count, 10) == text {
				return step("replicas", i, "count"), true
			}
		}
	case over == "labels" || over == "matchLabels" || over == "selector":
		for i, l := range s.Labels {
			if v, ok := l.Pairs[last]; ok && v == text {
				return append(step("labels", i, "pairs"), value.Step{Name: last}), true
			}
		}
		if v, ok := s.CommonLabels[last]; ok && v == text {
			return value.Path{{Name: "commonLabels"}, {Name: last}}, true
		}
	case over == "annotations":
		if v, ok := s.CommonAnnotations[last]; ok && v == text {
			return value.Path{{Name: "commonAnnotations"}, {Name: last}}, true
		}
	}
	return nil, false
}

// images reports whether an entry of images can make an image what it is.
func images(name, newName, tag, digest, image string) bool {
	if newName == "" {
		newName = name
	}
	rest, ok := strings.CutPrefix(image, newName)
	if !ok || newName == "" {
		return false
	}
	want := ""
	if tag != "" {
		want = ":" + tag
	}
	if digest != "" {
		want = "@" + digest
	}
	if want != "" {
		return strings.HasSuffix(rest, want) && (digest != "" || rest == want)
	}
	return newName != name && (rest == "" || rest[0] == ':' || rest[0] == '@')
}

// generatorOf finds the generator of an object, or the one among those of its name that gives it a key.
func (u *unit) generatorOf(o *object, key string) *generator {
	list := map[string]string{"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}[o.kind]
	var found *generator
	for i := len(u.order) - 1; i >= 0 && list != ""; i-- {
		k := u.order[i]
		for j, g := range k.generators(list) {
			if !slices.Contains(o.names, g) {
				continue
			}
			x := &generator{k, step(list, j)}
			if key == "" {
				found = x // the last of them made it, the others add to it
			} else if _, ok := x.source(key); ok {
				return x
			}
		}
	}
	return found
}

// generators lists the names of the objects that a list of generators makes.
func (k *kustomization) generators(list string) []string {
	var out []string
	if list == "configMapGenerator" {
		for i := range k.spec.ConfigMapGenerator {
			out = append(out, k.spec.ConfigMapGenerator[i].Name)
		}
		return out
	}
	for i := range k.spec.SecretGenerator {
		out = append(out, k.spec.SecretGenerator[i].Name)
	}
	return out
}

// source returns the entry that gives a key of the object that a generator makes.
func (g *generator) source(key string) (value.Path, bool) {
	if g.of.text == nil || len(g.at) != 2 {
		return nil, false
	}
	n, _, rest := g.of.text.find(g.of.text.doc.Roots[0], g.at)
	if len(rest) > 0 {
		return nil, false
	}
	for _, list := range [...]string{"literals", "files"} {
		items := n.Get(list)
		if items == nil {
			continue
		}
		for i, item := range items.Items {
			name, file, ok := strings.Cut(item.Text, "=")
			if list == "files" && !ok {
				name = path.Base(item.Text)
			}
			_ = file
			if name == key {
				return append(g.at[:len(g.at):len(g.at)], value.Step{Name: list}, value.Step{Index: i}), true
			}
		}
	}
	return nil, false
}

// generated finds the entry of a generator that a value of its object was made of.
func (o *object) generated(text string, at value.Path) (origin, bool) {
	if before := o.along(o.base, at); before != nil && before.node.Text == text {
		return origin{}, false // a generator may add to an object of a file
	}
	if len(at) == 2 && (at[0].Name == "data" || at[0].Name == "binaryData") {
		if g := o.unit.generatorOf(o, at[1].Name); g != nil {
			if entry, ok := g.source(at[1].Name); ok {
				r := g.of.place(entry)
				return origin{place: &r, set: g.at.String() + " of " + g.of.file.Path}, true
			}
		}
	}
	if o.generator != nil && len(at) == 2 && at[0].Name == "metadata" && at[1].Name == "name" {
		r := o.generator.of.place(append(o.generator.at[:len(o.generator.at):len(o.generator.at)], value.Step{Name: "name"}))
		return origin{place: &r, set: o.generator.at.String() + " of " + o.generator.of.file.Path}, true
	}
	return origin{}, false
}

// isUnread reports whether a value was made of a file that is no text.
func (r *reader) isUnread(text string, at value.Path) bool {
	if len(at) != 2 || at[0].Name != "data" && at[0].Name != "binaryData" {
		return false
	}
	if text == unreadData {
		return true
	}
	plain, err := base64.StdEncoding.DecodeString(text)
	return err == nil && string(plain) == unreadData
}

// variables makes unknown what kustomize's variables are put in: $(NAME), where a kustomization declares that name.
func (r *reader) variables(v *value.Value) {
	var vars []string
	for _, k := range r.unit.order {
		for i := range k.spec.Vars {
			vars = append(vars, "$("+k.spec.Vars[i].Name+")")
		}
	}
	if len(vars) > 0 {
		fillVariables(v, vars)
	}
}

func fillVariables(v *value.Value, vars []string) {
	for i := range v.Fields {
		fillVariables(&v.Fields[i].Value, vars)
	}
	for i := range v.Items {
		fillVariables(&v.Items[i], vars)
	}
	if v.Kind != value.String {
		return
	}
	first, end := -1, 0
	for _, name := range vars {
		if i := strings.Index(v.Text, name); i >= 0 {
			if first < 0 || i < first {
				first = i
			}
			end = max(end, strings.LastIndex(v.Text, name)+len(name))
		}
	}
	if first < 0 {
		return
	}
	before, after := v.Text[:first], v.Text[end:]
	v.Kind, v.Given, v.NotNull, v.Text, v.Ending = value.Unknown, true, true, before, ""
	if before != "" {
		v.Ending = after
	}
}
