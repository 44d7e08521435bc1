package azure

import (
	"errors"
	"fmt"
	"strings"

	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// create lowers a wish for a resource beside another. When there is one of the type that belongs to it, that shall have the
// wished properties; otherwise it is written behind the resource.
func (l *bicepLowering) create(i *bicepInstance, w translate.Wish) error {
	found := false
	for _, d := range l.unit.deployed {
		h, ok := d.handle.(*bicepHandle)
		if !ok || d.existing || !strings.EqualFold(d.typ, w.Type) || h.instance.body == nil || !h.instance.belongs(i) {
			continue
		}
		if name := w.Value.Field("name"); name.Kind == value.String && !strings.Contains(name.Text, "${this") && d.name.Kind == value.String &&
			!strings.HasSuffix("/"+strings.ToLower(d.name.Text), "/"+strings.ToLower(name.Text)) {
			continue
		}
		found = true
		for _, f := range w.Value.Fields {
			if f.Name == "name" || f.Name == "parent" || f.Name == "scope" {
				continue
			}
			for _, part := range bicepParts(value.Path{{Name: f.Name}}, &f.Value, d.body.Field(f.Name)) {
				if err := l.wish(h.instance, &d.body, part); err != nil {
					return err
				}
			}
		}
	}
	if found {
		return nil
	}
	return l.declare(i, w)
}

// belongs reports whether a resource is a part of another, or extends it.
func (i *bicepInstance) belongs(to *bicepInstance) bool {
	if parent, ok := i.parent(); ok {
		return parent == to
	}
	p := i.property("scope")
	if p == nil {
		return false
	}
	r, ok := i.frame.entity(p.Value)
	return ok && r.instance == to
}

// bicepParts splits a wish for an object that is there into wishes for its members.
func bicepParts(path value.Path, wish, have *value.Value) []translate.Wish {
	if wish.Kind != value.Object || have.Kind != value.Object {
		if wish.Kind == value.String && strings.Contains(wish.Text, "${this") {
			return nil
		}
		return []translate.Wish{{Op: resource.Set, Path: path, Value: *wish}}
	}
	var out []translate.Wish
	for i := range wish.Fields {
		f := &wish.Fields[i]
		out = append(out, bicepParts(append(path[:len(path):len(path)], value.Step{Name: f.Name}), &f.Value, have.Field(f.Name))...)
	}
	return out
}

// extensionVersions are versions of the types that extend resources of any provider: https://learn.microsoft.com/azure/templates
var extensionVersions = map[string]string{
	"microsoft.insights/diagnosticsettings":     "2021-05-01-preview",
	"microsoft.authorization/locks":             "2020-05-01",
	"microsoft.authorization/roleassignments":   "2022-04-01",
	"microsoft.security/pricings":               "2024-01-01",
	"microsoft.network/networkwatchers":         "2024-05-01",
	"microsoft.insights/activitylogalerts":      "2020-10-01",
	"microsoft.authorization/policyassignments": "2024-04-01",
}

// version returns the version of a type that a new resource beside i is written with: one that the file has already, that of
// i when it is of the same provider, else one that is known to exist.
func (i *bicepInstance) version(typ string) string {
	for _, g := range i.group.scope.groups {
		if t, v := g.typ(); strings.EqualFold(t, typ) && v != "" {
			return v
		}
	}
	own, v := i.group.typ()
	provider, _, _ := strings.Cut(own, "/")
	if strings.HasPrefix(strings.ToLower(typ), strings.ToLower(provider)+"/") {
		return v
	}
	return extensionVersions[strings.ToLower(typ)]
}

// declare writes a new resource behind the declaration of i, under the same condition and for the same elements.
func (l *bicepLowering) declare(i *bicepInstance, w translate.Wish) error {
	g := i.group
	f := g.scope.file
	outer := g
	for outer.outer != nil {
		outer = outer.outer
	}
	version := i.version(w.Type)
	if version == "" {
		return fmt.Errorf("nobody knows which version of %s to write", w.Type)
	}
	if outer.decl.Broken || g.decl.Value == nil {
		return errors.New("the declaration is broken")
	}
	e := l.editor(f)
	this := g.address
	head := fmt.Sprintf("resource %s '%s@%s' = ", g.scope.freeName(g.decl.Name, w.Type), w.Type, version)
	tail := ""
	if loop, ok := g.decl.Value.(*bicep.For); ok {
		index := loop.Index
		if index == "" {
			index = "i"
			if index == loop.Item {
				index = "n"
			}
		}
		names := "(" + loop.Item + ", " + index + ")"
		in := loop.In.Extent()
		head += "[for " + names + " in " + e.Source[in.Start:in.End] + ": "
		tail, this = "]", this+"["+index+"]"
		if c, ok := loop.Body.(*bicep.If); ok {
			at := c.Condition.Extent()
			head += "if (" + e.Source[at.Start:at.End] + ") "
		}
	} else if c, ok := g.decl.Value.(*bicep.If); ok {
		at := c.Condition.Extent()
		head += "if (" + e.Source[at.Start:at.End] + ") "
	}
	body, err := companionBody(g, w, this)
	if err != nil {
		return err
	}
	writer := bicep.NewEditor(e.Source)
	writer.This = this
	edit, err := writer.Declare(outer.decl.Whole().End, head, body, tail)
	if err != nil {
		return err
	}
	l.title("add a resource of type " + w.Type)
	l.made = append(l.made, source.Edit{Range: source.Range{File: f.path, Start: edit.Start, End: edit.End}, Text: edit.Text})
	return nil
}

// companionBody writes what a new resource has: how it belongs to the other one first.
func companionBody(g *bicepGroup, w translate.Wish, this string) (*value.Value, error) {
	out := &value.Value{Kind: value.Object}
	typ, _ := g.typ()
	child := strings.HasPrefix(strings.ToLower(w.Type), strings.ToLower(typ)+"/")
	name := *w.Value.Field("name")
	if name.Kind != value.String || name.Text == "" {
		name = text("default")
	}
	if between := strings.Count(w.Type, "/") - strings.Count(typ, "/") - 1; child && between > 0 {
		// A part of a part: what lies between is what Azure makes of itself, and is called default.
		name = text("${this.name}/" + strings.Repeat("default/", between) + name.Text)
	} else if child {
		out.Fields = append(out.Fields, bicep.Verbatim("parent", this))
	} else if s := w.Value.Field("scope"); s.IsSet() {
		if s.Kind != value.String || !strings.HasPrefix(s.Text, "${this") {
			return nil, errors.New("what it extends is not this resource")
		}
		out.Fields = append(out.Fields, bicep.Verbatim("scope", this))
	}
	out.Fields = append(out.Fields, value.Field{Name: "name", Value: name})
	for _, f := range w.Value.Fields {
		if f.Name != "name" && f.Name != "parent" && f.Name != "scope" {
			out.Fields = append(out.Fields, f)
		}
	}
	return out, nil
}

// freeName returns a name for a new resource: that of the one beside it, and what it is.
func (s *bicepScope) freeName(name, typ string) string {
	last := typ[strings.LastIndexByte(typ, '/')+1:]
	if last != "" {
		name += "_" + last
	}
	free := name
	for n := 2; s.file.names[free] != nil; n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	return free
}
