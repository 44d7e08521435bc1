package azure

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// versions are the apiVersions that are written for types whose provider is another than that of the resource they are created
// for.
var versions = map[string]string{
	"microsoft.insights/diagnosticsettings": "2021-05-01-preview",
	"microsoft.authorization/locks":         "2020-05-01",
}

// create lowers a wish for a resource beside i: it is added to the resources of the template, as often and under the condition
// that i is.
func (l *lowering) create(i *instance, w translate.Wish) error {
	t := i.scope.template
	resources := find(t.root, "resources")
	if resources == nil || get(i.decl.node, "name") == nil {
		return fmt.Errorf("%s: there is no place for another resource beside it", i.address)
	}
	part, isPart := cutPrefixFold(w.Type, i.typ+"/")
	version := textAt(i.decl.node, "apiVersion")
	if !isPart {
		if known := versions[strings.ToLower(w.Type)]; known != "" {
			version = known
		} else if !strings.EqualFold(provider(w.Type), provider(i.typ)) {
			return fmt.Errorf("nobody knows which apiVersion a %s beside %s would have", w.Type, i.address)
		}
	}
	own, id, ok := l.names(i)
	if !ok {
		return fmt.Errorf("%s: its name is not written so that another could refer to it", i.address)
	}
	refer := func(s string) string {
		switch {
		case s == "${this}" || s == "${this.id}":
			return "[" + id + "]"
		case s == "${this.name}":
			return "[" + own + "]"
		}
		return s
	}
	var fields []value.Field
	name := "'default'"
	for _, f := range w.Value.Fields {
		switch f.Name {
		case "parent", "type":
		case "name":
			if f.Value.Kind == value.String && !strings.Contains(f.Value.Text, "${") {
				name = "'" + strings.ReplaceAll(f.Value.Text, "'", "''") + "'"
			}
		default:
			fields = append(fields, value.Field{Name: f.Name, Value: referring(f.Value, refer)})
		}
	}
	// What stands between the two has but one name: blobServices/default.
	between := "/" + strings.Repeat("default/", strings.Count(part, "/"))
	written := "[concat(" + own + ", '" + between + "', " + name + ")]"
	if !isPart {
		written = strings.Trim(name, "'")
		if versions[strings.ToLower(w.Type)] != "" && w.Value.Field("scope").Kind == value.Absent {
			fields = append(fields, value.Field{Name: "scope", Value: text("[" + id + "]")})
		}
	}
	depends := text("[" + id + "]")
	if t.symbolic {
		depends = text(i.decl.symbol)
	}
	fields = append(fields,
		value.Field{Name: "type", Value: text(w.Type)}, value.Field{Name: "apiVersion", Value: text(version)},
		value.Field{Name: "name", Value: text(written)}, value.Field{Name: "dependsOn", Value: list(depends)})
	made := object(fields)
	for _, member := range [...]string{"condition", "copy"} {
		n := get(i.decl.node, member)
		if n == nil {
			continue
		}
		if member == "copy" {
			if strings.Contains(strings.ToLower(own+id), "copyindex('") {
				return fmt.Errorf("%s: its name depends on the name of its loop", i.address)
			}
			count := get(n, "count")
			if count == nil {
				return fmt.Errorf("%s: its loop has no count", i.address)
			}
			made = with(made, "copy", object([]value.Field{{Name: "name", Value: text(textAt(n, "name") + "Companion")}, {Name: "count", Value: count.Value(false, nil)}}))
			continue
		}
		made = with(made, member, n.Value(false, nil))
	}
	if !t.symbolic {
		return l.change(document.Change{Op: resource.Add, At: t.root, Path: value.Path{{Name: resources.Key.Text}}, Value: made})
	}
	symbol := i.decl.symbol + "Companion"
	for n := 2; find(resources.Value, symbol) != nil; n++ {
		symbol = i.decl.symbol + "Companion" + strconv.Itoa(n)
	}
	return l.change(document.Change{Op: resource.Set, At: t.root, Path: value.Path{{Name: resources.Key.Text}, {Name: symbol}}, Value: made})
}

// names writes the name of a resource and its identity as expressions for beside it.
func (l *lowering) names(i *instance) (name, id string, ok bool) {
	n := get(i.decl.node, "name")
	typ := get(i.decl.node, "type")
	if typ == nil || isExpression(typ.Text) || !strings.EqualFold(typ.Text, i.typ) {
		return "", "", false // nested in another, or extending one
	}
	name = "'" + strings.ReplaceAll(plainText(n.Text), "'", "''") + "'"
	if isExpression(n.Text) {
		name = strings.TrimSpace(n.Text[1 : len(n.Text)-1])
	}
	parts := []string{name}
	if count := strings.Count(i.typ, "/"); count > 1 {
		parts = nil
		for k := range count {
			parts = append(parts, "split("+name+", '/')["+strconv.Itoa(k)+"]")
		}
	}
	return name, "resourceId('" + i.typ + "', " + strings.Join(parts, ", ") + ")", true
}

func provider(typ string) string {
	p, _, _ := strings.Cut(typ, "/")
	return p
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

func with(v value.Value, name string, member value.Value) value.Value {
	return object(append(slices.Clone(v.Fields), value.Field{Name: name, Value: member}))
}

// referring replaces the texts that refer to the resource.
func referring(v value.Value, refer func(string) string) value.Value {
	switch v.Kind {
	case value.String:
		if replaced := refer(v.Text); replaced != v.Text {
			v.Text = replaced
		} else {
			v = escaped(v)
		}
	case value.List:
		v.Items = slices.Clone(v.Items)
		for n := range v.Items {
			v.Items[n] = referring(v.Items[n], refer)
		}
	case value.Object:
		v.Fields = slices.Clone(v.Fields)
		for n := range v.Fields {
			v.Fields[n].Value = referring(v.Fields[n].Value, refer)
		}
	}
	return v
}
