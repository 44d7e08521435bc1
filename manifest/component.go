package manifest

import (
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// components are the programs of a control plane and its nodes.
var components = [...]string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubelet"}

// component makes the resource of a container that is a part of the control plane.
func (b *builder) component(p *pod, c *resource.Resource, a *arguments) {
	name, ok := a.program.Word()
	if !ok || !isOneOf(name, components[:]...) {
		return
	}
	of, _ := c.Handle.(*Part)
	part := &Part{Object: of.Object, At: of.At, pod: p, arguments: a}
	own, flags := *a, a.flags()
	part.arguments = &own
	if name == "etcd" {
		flags = own.withEnvironment(part, &c.Body, flags)
	}
	b.componentOf(c, part, a.program, withElsewhere(name, flags))
	b.out[len(b.out)-1].Refs = []resource.Ref{{Path: path(nil, "name"), Target: c.Address}}
	b.refs++
}

// componentOf makes a component that is written where another resource is.
func (b *builder) componentOf(where *resource.Resource, part *Part, name, flags value.Value) {
	r := *where
	r.Address = b.address(where.Address + " component " + name.Text)
	r.Within = where.Address
	r.Type, r.Native, r.Name, r.Refs, r.Handle = "k8s_component", "Component", name.Text, nil, part
	part.address = r.Address
	r.Body = with(with(value.Value{Kind: value.Object, Range: where.Range}, "name", name), "flags", flags)
	b.add(&r)
}
