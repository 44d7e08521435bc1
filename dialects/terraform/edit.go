package terraform

import (
	"errors"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
)

// Edit lowers wishes to text edits.
func (x *explainer) Edit(*resource.Resource, []resource.Change) (dialect.Lowered, error) {
	return dialect.Lowered{}, errors.New("edits of Terraform are not built")
}
