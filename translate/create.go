package translate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// create wishes for a resource beside r: a property of the native resource, where its type has one for that, else a native
// resource of its own.
func (b *back) create(o *Origin, r *resource.Resource, wanted *resource.Companion) error {
	owner, path, body := o.block, o.path, wanted.Body
	done, why := b.beside(owner, path, wanted.Type, body)
	if done {
		return nil
	}
	if owner.companion != nil {
		// What the companion refers to is the resource that it belongs to: that is where another one belongs.
		links := owner.companion.source.Links
		body = mapTexts(body, func(text string) string {
			for _, l := range links {
				text = strings.ReplaceAll(text, "${this."+l.Attribute+"}", "${this."+l.Parent+"}")
			}
			return text
		})
		for owner.parent != nil {
			owner = owner.parent
		}
		if done, why = b.beside(owner, nil, wanted.Type, body); done {
			return nil
		}
	}
	err := b.alone(owner, r, wanted.Type, body)
	if err != nil && why != nil {
		return why
	}
	return err
}

// beside writes the property that stands for the companion, and reports whether there is one that can hold it.
func (b *back) beside(owner *block, at value.Path, typ string, body value.Value) (done bool, why error) {
	for _, c := range companionsOf(owner.rows, nil) {
		if c.row.block.typ != typ {
			continue
		}
		rest := value.Value{Kind: value.Object}
		refers := true
		for _, f := range body.Fields {
			link := slices.IndexFunc(c.row.source.Links, func(l schema.Anchor) bool { return l.Attribute == f.Name })
			if link < 0 {
				set(&rest, f.Name, f.Value)
			} else if !strings.HasPrefix(f.Value.Text, "${this.") {
				refers = false // it is about another resource
			}
		}
		native, err := b.build(c.row.block.rows, rest)
		if err != nil {
			why = fmt.Errorf("%s: %s: %w", b.native, nativeName(c.row.native), err)
			continue
		}
		if !refers {
			continue
		}
		if b.table.all(c.row.source.When, b.body, &native) == no {
			continue
		}
		path := b.locate(at, append(slices.Clone(c.native), c.row.native...))
		switch {
		case c.row.each != nil:
			b.wish(resource.Add, path, native)
		case b.at(path).Kind == value.Object || len(c.row.native) == 0:
			for _, f := range native.Fields {
				b.wish(resource.Set, append(path, value.Step{Name: f.Name}), f.Value)
			}
		default:
			b.wish(resource.Set, path, native)
		}
		return true, nil
	}
	return false, why
}

// nativeName is the last name of a path of the table.
func nativeName(steps []schema.NameStep) string {
	for _, s := range slices.Backward(steps) {
		if s.Name != "" {
			return s.Name
		}
	}
	return "."
}

// nested is a row of a companion with the native path of what it stands in.
type nested struct {
	row    *row
	native []schema.NameStep
}

// companionsOf returns the rows of companions that are not made for each element of a list.
func companionsOf(rows []row, native []schema.NameStep) []nested {
	var out []nested
	for i := range rows {
		r := &rows[i]
		if r.kind == schema.Companion {
			out = append(out, nested{r, native})
		} else if r.each == nil {
			out = append(out, companionsOf(r.rows, append(native[:len(native):len(native)], r.native...))...)
		}
	}
	return out
}

// alone wishes for a native resource of its own.
func (b *back) alone(owner *block, r *resource.Resource, typ string, body value.Value) error {
	making := b.table.names.Making(typ)
	if len(making) == 0 {
		return fmt.Errorf("nothing in %s is a %s", b.table.names.Dialect, typ)
	}
	var unknown []string
	body = mapTexts(body, func(text string) string {
		return replaceThis(text, func(attribute string) string {
			if word, ok := owner.word(attribute); ok {
				if word == "" {
					return "${this}"
				}
				return "${this." + word + "}"
			}
			if known, ok := word(r.Body.Field(attribute)); ok {
				return known
			}
			unknown = append(unknown, attribute)
			return ""
		})
	})
	if len(unknown) > 0 {
		return fmt.Errorf("no reference to a resource of type %s yields its %s", b.native, strings.Join(unknown, ", "))
	}
	var first error
	for _, source := range making {
		for _, made := range b.table.of(source.Native[0]) {
			if made.source != source {
				continue
			}
			native, err := b.build(made.rows, body)
			if errors.Is(err, errMissing) {
				err = fmt.Errorf("%s has no property for what is needed: %w", source.Native[0], err)
			}
			if err == nil {
				err = b.table.meet(source.When, &native)
			}
			if err != nil {
				if first == nil {
					first = err
				}
				continue
			}
			b.wishes = append(b.wishes, Wish{Op: resource.Create, Type: source.Native[0], Value: native})
			return nil
		}
	}
	return first
}

// meet makes the tests of a block hold for a new resource.
func (t *Table) meet(tests []schema.Test, native *value.Value) error {
	for i := range tests {
		test := &tests[i]
		if t.test(test, native) == yes {
			continue
		}
		var path value.Path
		for _, s := range test.Path {
			path = append(path, value.Step{Name: s.Name, Index: s.Index})
		}
		if test.Op != "=" || !place(native, path, value.Value{Kind: value.String, Text: test.Words[0]}) {
			return errors.New("it is not clear which form of the type is meant")
		}
	}
	return nil
}

// replaceThis replaces every ${this.attribute} in a text.
func replaceThis(text string, with func(attribute string) string) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${this.")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		attribute, after, ok := strings.Cut(rest, "}")
		if !ok {
			return out.String() + "${this." + rest
		}
		out.WriteString(with(attribute))
		text = after
	}
}

// mapTexts changes every text in a value.
func mapTexts(v value.Value, change func(string) string) value.Value {
	if v.Kind == value.String {
		v.Text = change(v.Text)
	}
	v.Items = fitItems(v.Items, func(item value.Value) value.Value { return mapTexts(item, change) })
	if len(v.Fields) > 0 {
		v.Fields = slices.Clone(v.Fields)
		for i := range v.Fields {
			v.Fields[i].Value = mapTexts(v.Fields[i].Value, change)
		}
	}
	return v
}
