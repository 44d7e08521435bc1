package manifest

import (
	"fmt"

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
	wanted, known := wordOf(&c.Value)
	if c.Op == resource.Set && !known {
		return fmt.Errorf("the value of the flag %s is no text", name)
	}
	if len(l.part.extra) > 0 {
		return l.extraFlag(c.Op, name, wanted)
	}
	f := a.byName[name]
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
