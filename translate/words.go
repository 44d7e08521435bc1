package translate

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// maxTitle is how long a value may be that a title shows.
const maxTitle = 60

// Title writes the wish for people: set AccessControl to "Private".
func (w Wish) Title() string {
	if w.Op == resource.Create {
		return "create " + w.Type
	}
	text := string(w.Op) + " " + w.Path.String()
	if shown := value.Show(&w.Value); w.Op == resource.Set && len(shown) <= maxTitle {
		text += " to " + shown
	}
	return text
}

// Title writes several wishes.
func Title(wishes []Wish) string {
	var parts []string
	for _, w := range wishes {
		parts = append(parts, w.Title())
	}
	return strings.Join(slices.Compact(parts), ", ")
}

// Words says what the value at a Terraform path of r is called in the dialect, also where nothing is written, and what is
// written there when it is another word than Terraform's: PublicRead for public-read; nil when it is not. The path is nil
// where the dialect has no name for it.
func (t *Table) Words(r *resource.Resource, path value.Path) (value.Path, *value.Value) {
	o, ok := r.Handle.(*Origin)
	if !ok || len(path) == 0 {
		return nil, nil
	}
	v := r.Body.At(path)
	if v.Kind == value.Absent {
		wish := resource.Change{Op: resource.Set, Path: path, Value: value.Value{Kind: value.String, Text: "any"}}
		if wishes, err := t.Back(r, []resource.Change{wish}); err == nil && len(wishes) == 1 {
			return wishes[0].Path, nil
		}
		return t.Path(r, path), nil
	}
	native := t.Path(r, path)
	if w := o.Native.Body.At(native); isWord(v) && isWord(w) && !w.Equal(v) {
		return native, w
	}
	return native, nil
}

func isWord(v *value.Value) bool {
	return v.Kind == value.String || v.Kind == value.Number || v.Kind == value.Bool
}
