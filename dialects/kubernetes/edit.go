package kubernetes

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Edit lowers wishes to edits of the object's document. A companion is written as a document of its own at the end of the file.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	if x.graph == nil {
		return dialect.Lowered{}, errors.New("the unit was not evaluated")
	}
	wishes, err := manifest.Lower(r, changes)
	if err != nil {
		return dialect.Lowered{}, err
	}
	part := r.Handle.(*manifest.Part)
	of, ok := part.Object.Handle.(*object)
	if !ok {
		return dialect.Lowered{}, fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	out := dialect.Lowered{Title: titleOf(part, changes, wishes), Shared: manifest.Shared(r, wishes), Also: manifest.Also(r, changes)}
	for _, p := range of.file.problems {
		if len(wishes) > 0 && p.Kind != source.Limit {
			return out, fmt.Errorf("%s is not in order: %s", p.Range.File, p.Message)
		}
	}
	var edits []document.Change
	var fresh []value.Value
	for _, w := range wishes {
		if w.Op == resource.Create {
			there, err := x.present(&w.Value, of)
			if err != nil {
				return out, err
			}
			if !there {
				fresh = append(fresh, w.Value)
			}
			continue
		}
		edits = append(edits, document.Change{Op: w.Op, At: of.root, Path: append(of.Within[:len(of.Within):len(of.Within)], w.Path...), Value: w.Value})
	}
	if out.Edits, err = of.file.document.Edit(edits); err != nil {
		return out, fmt.Errorf("%s: %w", r.Address, err)
	}
	if len(fresh) > 0 {
		edit, err := appended(of.file, fresh)
		if err != nil {
			return out, fmt.Errorf("%s: %w", r.Address, err)
		}
		out.Edits = append(out.Edits, edit)
	}
	return out, nil
}

// titleOf says what is wished; where a path asks for elements, or a value is that of another attribute, what comes of it.
func titleOf(part *manifest.Part, changes []resource.Change, wishes []manifest.Wish) string {
	asks := func(c resource.Change) bool {
		return strings.Contains(c.Path.String(), "=") || strings.Contains(c.Value.Text, "${this.")
	}
	if len(wishes) == 0 || !slices.ContainsFunc(changes, asks) {
		return title(part.Path, changes)
	}
	var out []resource.Change
	for _, w := range wishes {
		out = append(out, resource.Change{Op: w.Op, Path: w.Path, Value: w.Value, New: &resource.Companion{Body: w.Value}})
	}
	return title(func(p value.Path) value.Path { return p }, out)
}

// title says what is wished at the places where it stands.
func title(place func(value.Path) value.Path, changes []resource.Change) string {
	var parts []string
	for _, c := range changes {
		switch c.Op {
		case resource.Create:
			name := c.New.Body.Field("kind").Text
			if name == "" {
				name = strings.TrimPrefix(c.New.Type, "k8s_")
			}
			parts = append(parts, "create a "+strings.ReplaceAll(name, "_", " "))
		case resource.Set, resource.Add:
			text := string(c.Op) + " " + place(c.Path).String()
			if shown := value.Show(&c.Value); len(shown) <= 60 {
				text += " to " + shown
				if c.Op == resource.Add {
					text = "add " + shown + " to " + place(c.Path).String()
				}
			}
			parts = append(parts, text)
		default:
			parts = append(parts, string(c.Op)+" "+place(c.Path).String())
		}
	}
	return strings.Join(parts, ", ")
}

// present reports whether an object of that kind, name and namespace is there with all that is wished.
func (x *explainer) present(wish *value.Value, of *object) (bool, error) {
	typ := manifest.TypeOf(wish.Field("apiVersion").Text, wish.Field("kind").Text)
	for _, r := range x.graph.ByType(typ) {
		have := r.Body.Field("metadata")
		if have.Field("name").Text != wish.Field("metadata").Field("name").Text || have.Field("namespace").Text != wish.Field("metadata").Field("namespace").Text {
			continue
		}
		if holds(&r.Body, wish) {
			return true, nil
		}
		return false, fmt.Errorf("there is a %s of that name already", wish.Field("kind").Text)
	}
	return false, nil
}

// holds reports whether a value has all that another one has.
func holds(have, wish *value.Value) bool {
	if wish.Kind != value.Object {
		return have.Equal(wish)
	}
	for i := range wish.Fields {
		if !holds(have.Field(wish.Fields[i].Name), &wish.Fields[i].Value) {
			return false
		}
	}
	return have.Kind == value.Object
}

// appended writes objects behind the last one of a file.
func appended(f *parsed, objects []value.Value) (source.Edit, error) {
	if len(objects) != 1 {
		return source.Edit{}, errors.New("only one object can be made at once")
	}
	return f.document.Append(objects[0])
}
