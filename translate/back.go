package translate

import (
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// Wish is a wish about a native resource.
type Wish struct {
	Op    resource.ChangeOp // Set, Remove or Add with Path and Value; Create with Type, Value and no path
	Path  value.Path        // in the native body
	Value value.Value       // in the dialect's words; a String "${this.NAME}" in a Create means attribute NAME of the resource that is fixed, "${this}" a plain reference
	Type  string            // of Create: the native type
}

// Back translates changes of r, a translated resource, to wishes about its native resource. An error says, for people, what
// has no counterpart in the dialect.
func (t *Table) Back(r *resource.Resource, changes []resource.Change) ([]Wish, error) {
	return nil, nil
}
