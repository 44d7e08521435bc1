package cloudformation

import (
	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

type explainer struct{ unit *evaluation }

func (x *explainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	return dialect.Explanation{}
}
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	return dialect.Lowered{}, nil
}
func (e *estate) Comments(path string) []dialect.Comment { return nil }

type framework struct{}
