package terraform

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialects/terraform/edit"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// companion lowers a wish for a resource beside r. When there is one of the type already it shall have the wished
// attributes; otherwise it is written behind the block of r.
func (l *lowering) companion(r *resource.Resource, h *handle, c *resource.Companion) error {
	found := false
	for _, other := range l.unit.resources {
		if other.Type != c.Type || !l.belongs(other, r, c) {
			continue
		}
		found = true
		var changes []resource.Change
		for i := range c.Body.Fields {
			f := &c.Body.Fields[i]
			if !refersToThis(&f.Value) {
				changes = append(changes, wholeOrParts(value.Path{{Name: f.Name}}, &f.Value, other.Body.Field(f.Name))...)
			}
		}
		oh, ok := other.Handle.(*handle)
		if !ok {
			return fmt.Errorf("%s cannot be edited", other.Address)
		}
		if err := l.resource(other, oh, changes); err != nil {
			return err
		}
	}
	if found {
		return nil
	}
	if h.instance == nil || h.instance.decl == nil || h.instance.decl.mode != "resource" {
		return fmt.Errorf("%s is no resource beside which another could stand", r.Address)
	}
	if strings.HasSuffix(r.Range.File, ".json") {
		return l.jsonCompanion(r, h, c)
	}
	t, err := l.target(r, h)
	if err != nil {
		return err
	}
	made := edit.Companion{Type: c.Type, Name: l.freeName(h.scope.module, c.Type, r.Name), Body: c.Body, Meta: l.meta(h, t)}
	if s := l.unit.set.Resource(c.Type); s != nil {
		made.Schema = s.Attributes
	}
	e, err := edit.Create(t, made)
	if err != nil {
		return err
	}
	return l.join([]source.Edit{e})
}

// wholeOrParts splits a wish for a block that is there into wishes for its attributes.
func wholeOrParts(path value.Path, wish, have *value.Value) []resource.Change {
	if wish.Kind != value.Object || have.Kind != value.Object && (have.Kind != value.List || len(have.Items) == 0) {
		return []resource.Change{{Op: resource.Set, Path: path, Value: *wish}}
	}
	var out []resource.Change
	for i := range wish.Fields {
		f := &wish.Fields[i]
		inner := have
		if have.Kind == value.List {
			inner = &have.Items[0]
		}
		if !refersToThis(&f.Value) {
			out = append(out, wholeOrParts(append(path[:len(path):len(path)], value.Step{Name: f.Name}), &f.Value, inner.Field(f.Name))...)
		}
	}
	return out
}

// belongs reports whether a resource is the companion of r: it refers to it, or names it by a value that r is known to have.
func (l *lowering) belongs(other, r *resource.Resource, c *resource.Companion) bool {
	for i := range c.Body.Fields {
		f := &c.Body.Fields[i]
		if !refersToThis(&f.Value) {
			continue
		}
		at := value.Path{{Name: f.Name}}
		for _, ref := range other.RefAt(at) {
			if ref.Target == r.Address || ref.Target == withoutKey(r.Address) {
				return true
			}
		}
		named := other.Body.Field(f.Name)
		if named.Kind != value.String || named.Text == "" {
			continue
		}
		if link, ok := l.unit.set.Link(other.Type, f.Name); ok {
			for _, attribute := range link.TargetAttributes {
				if own := r.Body.Field(attribute); own.Kind == value.String && own.Text == named.Text {
					return true
				}
			}
		}
	}
	return false
}

// withoutKey takes the instance key off an address.
func withoutKey(address string) string {
	if strings.HasSuffix(address, "]") {
		if i := strings.LastIndexByte(address, '['); i >= 0 {
			return address[:i]
		}
	}
	return address
}

// freeName returns the name for a companion: that of the resource, or one near it when it is taken.
func (l *lowering) freeName(m *module, typ, name string) string {
	free := name
	for n := 2; m.resources[typ+"."+free] != nil; n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	return free
}

// maxRepeated is the length up to which an expression of count or for_each is repeated in a companion.
const maxRepeated = 60

// meta returns the meta-arguments that a companion needs: it exists as often as the resource, with the same provider. A long
// for_each is not repeated but taken from the resource, whose instances have the same keys.
func (l *lowering) meta(h *handle, t edit.Target) []edit.Argument {
	var out []edit.Argument
	for _, name := range [...]string{"count", "for_each", "provider"} {
		a := t.Block.Body.Attributes[name]
		if a == nil || h.block.Body.Attributes[name] == nil {
			continue
		}
		text := text(t.File, a.Expr)
		if len(text) > maxRepeated || strings.Contains(text, "\n") {
			switch name {
			case "for_each":
				text = h.instance.decl.key
			case "count":
				text = "length(" + h.instance.decl.key + ")"
			}
		}
		out = append(out, edit.Argument{Name: name, Text: text})
	}
	return out
}

func text(f *source.File, e hclsyntax.Expression) string {
	r := e.Range()
	return string(f.Bytes[r.Start.Byte:r.End.Byte])
}
