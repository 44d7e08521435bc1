package helm

import (
	"errors"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
)

func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	return dialect.Lowered{}, errors.New("no")
}
