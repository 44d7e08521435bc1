package manifest

import (
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// next is where a further flag would be written.
func (a *arguments) next(at value.Path) value.Path { return path(at, a.list) }

// flag lowers a wish about a flag.
func (l *lowering) flag(c *resource.Change) error {
	if len(c.Path) != 2 || c.Op == resource.Add {
		return fmt.Errorf("%s is no flag", c.Path)
	}
	name, a := c.Path[1].Name, l.part.arguments
	wanted, known := c.Value.Word()
	if c.Op == resource.Set && !known {
		return fmt.Errorf("the value of the flag %s is no text", name)
	}
	if len(l.part.extra) > 0 {
		return l.extraFlag(c.Op, name, wanted)
	}
	f := a.byName[name]
	if at, ok := l.part.moved[c.Path.String()]; ok && f == nil {
		return l.environment(c.Op, at, wanted)
	}
	switch {
	case f == nil && a.open:
		return fmt.Errorf("not all flags are known, and --%s may be among them", name)
	case f == nil:
		l.wish(resource.Add, a.next(l.part.At), text("--"+name+"="+wanted))
	case c.Op == resource.Remove:
		l.wish(resource.Remove, path(l.part.At, f.list, f.index), value.Value{})
		if f.apart {
			l.wish(resource.Remove, path(l.part.At, f.list, f.index+1), value.Value{})
		}
	case f.apart:
		l.wish(resource.Set, path(l.part.At, f.list, f.index+1), text(wanted))
	default:
		l.wish(resource.Set, path(l.part.At, f.list, f.index), text("--"+name+"="+wanted))
	}
	return nil
}

// environment lowers a wish about a flag that a variable of the environment stands for.
func (l *lowering) environment(op resource.ChangeOp, at value.Path, wanted string) error {
	variable := at[:len(at)-1]
	switch v := l.part.Object.Body.At(variable); {
	case op == resource.Remove:
		l.wish(op, variable, value.Value{})
	case v.Field("valueFrom").IsSet():
		return fmt.Errorf("%s is set elsewhere", v.Field("name").Text)
	default:
		l.wish(op, at, text(wanted))
	}
	return nil
}

// flagMember lowers a wish about one of the words of a flag, between which commas stand: set flags.enable-admission-plugins["NodeRestriction"]
// puts it behind the others, remove takes it out, and the flag with it when nothing is left.
func (l *lowering) flagMember(c *resource.Change) error {
	at, word := c.Path[:2], c.Path[2].Name
	have := l.Body.At(at)
	list, known := have.Word()
	if have.IsSet() && !known || !have.IsSet() && l.part.arguments.open {
		return fmt.Errorf("the flag %s is not known", c.Path[1].Name)
	}
	words := slices.DeleteFunc(strings.Split(list, ","), func(w string) bool { return w == "" })
	change := resource.Change{Op: resource.Set, Path: at}
	switch there := slices.Contains(words, word); {
	case there == (c.Op == resource.Set):
		return nil
	case c.Op == resource.Set:
		words = append(words, word)
	default:
		words = slices.DeleteFunc(words, func(w string) bool { return w == word })
	}
	if len(words) == 0 {
		change.Op = resource.Remove
	}
	change.Value = text(strings.Join(words, ","))
	return l.flag(&change)
}
