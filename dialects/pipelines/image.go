package pipelines

import (
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Image is one use of a container image. Resource makes a ci_image of it.
type Image struct {
	Address string      // of the ci_image, from Unit.Address
	Use     string      // what it is for: job, service, step, build
	Image   value.Value // the reference as it is written; Unknown where a variable makes it
	Range   source.Range
	Job     string  // address of the job; empty for none
	Handle  *Handle // nil when it cannot be edited; its Native carries "image" to where the reference is written
}

// Resource makes the ci_image.
func (i *Image) Resource(system string) *resource.Resource {
	var body Body
	body.Set("system", String(system, i.Range))
	body.Set("use", String(i.Use, i.Range))
	body.Set("image", i.Image)
	r := &resource.Resource{Address: i.Address, Type: "ci_image", Name: i.Address, Range: i.Range}
	refer(&body, r, "job", i.Job)
	r.Body = body.Object(i.Range)
	if i.Handle != nil {
		r.Handle = i.Handle
	}
	return r
}

// Variable is a variable that is set for scripts. Resource makes a ci_variable of it.
type Variable struct {
	Address string // of the ci_variable, from Unit.Address
	Name    string
	Value   value.Value
	Scope   string // workflow, job, step
	Range   source.Range
	Job     string  // address of the job, where the scope is one; empty for none
	Handle  *Handle // nil when it cannot be edited
}

// Resource makes the ci_variable.
func (v *Variable) Resource(system string) *resource.Resource {
	var body Body
	body.Set("system", String(system, v.Range))
	body.Set("name", String(v.Name, v.Range))
	body.Set("scope", String(v.Scope, v.Range))
	body.Set("value", v.Value)
	r := &resource.Resource{Address: v.Address, Type: "ci_variable", Name: v.Name, Range: v.Range}
	refer(&body, r, "job", v.Job)
	r.Body = body.Object(v.Range)
	if v.Handle != nil {
		r.Handle = v.Handle
	}
	return r
}
