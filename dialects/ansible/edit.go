package ansible

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// Edit lowers wishes to text edits. A value that is nothing but a variable is changed where the variable is defined; a value
// that an expression makes is replaced where it is used.
func (x *explainer) Edit(r *resource.Resource, changes []resource.Change) (dialect.Lowered, error) {
	h, _ := x.handleOf(r, nil)
	if h == nil {
		return dialect.Lowered{}, fmt.Errorf("%s was not made by this dialect", r.Address)
	}
	title := ""
	l := &lowering{handle: h, documents: map[*document.Document][]document.Change{}}
	if _, own := r.Handle.(*handle); own {
		for _, c := range changes {
			if c.Op == resource.Create {
				return dialect.Lowered{}, errors.New("a task of its own is not written by a fix")
			}
			if settled(c.Op, r.Body.At(c.Path), &c.Value) {
				continue
			}
			if err := l.change(c.Op, c.Path, c.Value); err != nil {
				return dialect.Lowered{}, err
			}
		}
	} else {
		wishes, err := x.unit.estate.table().Back(r, changes)
		if err != nil {
			return dialect.Lowered{}, err
		}
		title = translate.Title(wishes)
		for _, w := range wishes {
			if w.Op == resource.Create {
				return dialect.Lowered{}, errors.New("a task of its own is not written by a fix")
			}
			if err := l.change(w.Op, append(value.Path{{Name: "args"}}, w.Path...), w.Value); err != nil {
				return dialect.Lowered{}, err
			}
		}
	}
	for doc, changes := range l.documents {
		edits, err := doc.Edit(changes)
		if err != nil {
			return dialect.Lowered{}, err
		}
		l.edits = append(l.edits, edits...)
	}
	if err := l.order(); err != nil {
		return dialect.Lowered{}, err
	}
	return dialect.Lowered{Title: title, Edits: l.edits, Shared: x.shared(r, h, l.edits)}, nil
}

// shared lists the other resources that edits change. Variables, which are the way on which values come, are left out.
func (x *explainer) shared(r *resource.Resource, h *handle, edits []source.Edit) []string {
	alone := h.task == nil || !h.task.again
	for _, e := range edits {
		alone = alone && r.Range.Contains(e.Range)
	}
	if len(edits) == 0 || alone {
		return nil
	}
	byFile := map[string][]source.Edit{}
	for _, e := range edits {
		byFile[e.Range.File] = append(byFile[e.Range.File], e)
	}
	var changed []*source.File
	for _, name := range sortedKeys(byFile) {
		f := x.unit.fileOf(name)
		if f == nil {
			return nil
		}
		text, err := source.Apply(f.Bytes, byFile[name])
		if err != nil {
			return nil
		}
		changed = append(changed, &source.File{Path: name, Bytes: text})
	}
	next, _ := x.unit.estate.With(context.Background(), changed)
	after := next.Evaluate(context.Background(), x.unit.name).Graph
	mine := nativeAddress(r)
	var out []string
	for _, o := range x.unit.resources {
		if o == r || o.Type == variableType || nativeAddress(o) == mine {
			continue
		}
		if now := after.ByAddress(o.Address); now == nil || !now.Body.Equal(&o.Body) {
			out = append(out, o.Address)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// nativeAddress is the address of what a resource and its companions were made of.
func nativeAddress(r *resource.Resource) string {
	if origin, ok := r.Handle.(*translate.Origin); ok {
		return origin.Native.Address
	}
	return r.Address
}

// settled reports whether what is wished for is so already.
func settled(op resource.ChangeOp, v, wish *value.Value) bool {
	switch op {
	case resource.Set:
		if wish.Kind == value.Null {
			return !v.IsSet()
		}
		if v.Kind == value.Object && wish.Kind == value.Object {
			return !slices.ContainsFunc(wish.Fields, func(f value.Field) bool { return !settled(op, v.Field(f.Name), &f.Value) })
		}
		if wish.Kind == value.Bool && v.Kind == value.String {
			b, ok := jinja.Bool(v)
			return ok && b == wish.Bool
		}
		return v.Equal(wish)
	case resource.Remove:
		return v.Kind == value.Absent
	case resource.Add:
		return v.Kind == value.List && slices.ContainsFunc(v.Items, func(i value.Value) bool { return i.Equal(wish) })
	}
	return false
}

// lowering collects the edits for some wishes.
type lowering struct {
	handle    *handle
	documents map[*document.Document][]document.Change
	edits     []source.Edit
}

// change lowers one wish; the path begins with args for an argument of a task.
func (l *lowering) change(op resource.ChangeOp, p value.Path, v value.Value) error {
	h := l.handle
	switch {
	case h.settings != nil:
		return l.setting(op, p, &v)
	case h.variable != nil:
		return l.inDocument(op, h.node, append(value.Path{{Name: h.variable.Key.Text}}, p[min(1, len(p)):]...), v)
	case h.env == nil || h.node == nil && h.task == nil:
		return errors.New("what stands in an inventory is not changed by a fix")
	}
	at := h.find(p)
	if at.node != nil && len(at.rest) == 0 {
		if _, end := h.follow(at); end.node != nil && end.node != at.node && end.owner != nil && len(end.rest) == 0 {
			if name := memberOf(end.owner, end.node); name != "" && op == resource.Set {
				return l.inDocument(op, end.owner, value.Path{{Name: name}}, v)
			}
		}
	}
	if h.task == nil {
		return l.inDocument(op, h.node, p, v)
	}
	if len(p) == 0 {
		return errors.New("the task as a whole is not changed by a fix")
	}
	if p[0].Name != "args" {
		return l.inDocument(op, h.task.node, p, v)
	}
	return l.argument(op, p[1:], at, v)
}

// memberOf returns the name under which a node stands in a mapping.
func memberOf(owner, n *document.Node) string {
	for i := range owner.Members {
		if owner.Members[i].Value == n {
			return owner.Members[i].Key.Text
		}
	}
	return ""
}

// argument changes an argument of the module, in the form that the task has.
func (l *lowering) argument(op resource.ChangeOp, p value.Path, at spot, v value.Value) error {
	c := l.handle.task.call
	if len(p) == 0 {
		return errors.New("the arguments as a whole are not changed by a fix")
	}
	owner := (*document.Node)(nil)
	for _, n := range []*document.Node{c.args, c.more} {
		if n.Get(p[0].Name) != nil {
			owner = n
		}
	}
	if owner == nil && at.owner != nil && at.short == nil && op == resource.Remove {
		for _, d := range l.handle.defaults { // what a default of the module says
			if d.Get(p[0].Name) != nil {
				owner = d
			}
		}
	}
	switch {
	case owner != nil:
		return l.inDocument(op, owner, p, v)
	case c.args != nil:
		return l.inDocument(op, c.args, p, v)
	case c.short != nil && c.more != nil && at.short == nil:
		return l.inDocument(op, c.more, p, v)
	case c.short != nil:
		return l.short(op, p, at, &v)
	}
	return l.inDocument(op, l.handle.task.node, append(value.Path{{Name: c.key.Key.Text}}, p...), v)
}

// short changes an argument of the form name=value.
func (l *lowering) short(op resource.ChangeOp, p value.Path, at spot, v *value.Value) error {
	c := l.handle.task.call
	f := l.handle.task.file.source
	start, ok := plainStart(f, c.short)
	if !ok {
		return errors.New("the arguments are written in short form over several lines, which a fix leaves alone")
	}
	if len(p) != 1 {
		return fmt.Errorf("%s cannot be written in short form", p)
	}
	if op == resource.Remove {
		if at.short == nil {
			return nil
		}
		from := at.short.start
		for from > 0 && c.short.Text[from-1] == ' ' {
			from--
		}
		l.edits = append(l.edits, source.Edit{Range: source.Range{File: f.Path, Start: start + from, End: start + at.short.end}})
		return nil
	}
	text, err := shortText(v)
	if err != nil {
		return err
	}
	if c.short.Style == document.Single && strings.Contains(text, "'") || c.short.Style == document.Double && strings.ContainsAny(text, `"\`) {
		return errors.New("the value needs quotes that the task's own are in the way of")
	}
	if at.short != nil {
		l.edits = append(l.edits, source.Edit{Range: source.Range{File: f.Path, Start: start + at.short.start, End: start + at.short.end}, Text: p[0].Name + "=" + text})
		return nil
	}
	end := start + len(c.short.Text)
	l.edits = append(l.edits, source.Edit{Range: source.Range{File: f.Path, Start: end, End: end}, Text: " " + p[0].Name + "=" + text})
	return nil
}

// shortText writes a value in short form.
func shortText(v *value.Value) (string, error) {
	text := ""
	switch v.Kind {
	case value.Bool:
		return map[bool]string{true: "true", false: "false"}[v.Bool], nil
	case value.Number:
		return v.Digits(), nil
	case value.String:
		text = v.Text
	default:
		return "", errors.New("a list or mapping cannot be written in short form")
	}
	if strings.ContainsAny(text, "\n\"'\\#") || strings.Contains(text, ": ") {
		return "", errors.New("the value cannot be written in short form")
	}
	if text == "" || strings.ContainsAny(text, " \t=") {
		return `"` + text + `"`, nil
	}
	return text, nil
}

// inDocument notes a change of a document.
func (l *lowering) inDocument(op resource.ChangeOp, at *document.Node, p value.Path, v value.Value) error {
	if at == nil {
		return errors.New("there is nothing to change in the text")
	}
	f := l.handle.unit.estate.file(at.Range.File)
	if f == nil || f.doc == nil {
		return fmt.Errorf("%s is not a document that a fix can change", at.Range.File)
	}
	l.documents[f.doc] = append(l.documents[f.doc], document.Change{Op: op, At: at, Path: p, Value: v})
	return nil
}

// setting changes an entry of ansible.cfg.
func (l *lowering) setting(op resource.ChangeOp, p value.Path, v *value.Value) error {
	f := l.handle.settings
	if len(p) != 2 || p[0].Name == "galaxy_servers" || op == resource.Add {
		return fmt.Errorf("%s of ansible.cfg is not changed by a fix", p)
	}
	text := ""
	switch v.Kind {
	case value.Bool:
		text = map[bool]string{true: "True", false: "False"}[v.Bool]
	case value.String, value.Number:
		if text = v.Text; v.Kind == value.Number {
			text = v.Digits()
		}
	}
	newline := "\n"
	if strings.Contains(string(f.source.Bytes), "\r\n") {
		newline = "\r\n"
	}
	for _, s := range f.sections {
		if s.name != p[0].Name {
			continue
		}
		for _, k := range s.keys {
			if k.name != p[1].Name {
				continue
			}
			if op == resource.Remove {
				l.edits = append(l.edits, source.Edit{Range: wholeLine(f.source, k.at)})
			} else {
				l.edits = append(l.edits, source.Edit{Range: source.Range{File: f.path, Start: k.from, End: k.at.End}, Text: text})
			}
			return nil
		}
		if op == resource.Remove {
			return nil
		}
		after := s.at.End
		if n := len(s.keys); n > 0 {
			after = s.keys[n-1].at.End
			if line := f.source.Line(f.source.Position(after).Line); line.End > after {
				after = line.End // behind a comment
			}
		}
		l.edits = append(l.edits, source.Edit{Range: source.Range{File: f.path, Start: after, End: after}, Text: newline + p[1].Name + " = " + text})
		return nil
	}
	if op == resource.Remove {
		return nil
	}
	end := len(f.source.Bytes)
	lead := ""
	if end > 0 && f.source.Bytes[end-1] != '\n' {
		lead = newline
	}
	l.edits = append(l.edits, source.Edit{Range: source.Range{File: f.path, Start: end, End: end}, Text: lead + "[" + p[0].Name + "]" + newline + p[1].Name + " = " + text + newline})
	return nil
}

// wholeLine is a range with its line end, and what of its first line stands before it.
func wholeLine(f *source.File, at source.Range) source.Range {
	at.Start = f.Line(f.Position(at.Start).Line).Start
	at.End = f.Line(f.Position(at.End).Line).End
	for at.End < len(f.Bytes) && (f.Bytes[at.End] == '\r' || f.Bytes[at.End] == '\n') {
		at.End++
		if f.Bytes[at.End-1] == '\n' {
			break
		}
	}
	return at
}

// order sorts the edits, takes doubles out, and refuses edits that overlap.
func (l *lowering) order() error {
	slices.SortStableFunc(l.edits, func(a, b source.Edit) int {
		if c := strings.Compare(a.Range.File, b.Range.File); c != 0 {
			return c
		}
		return a.Range.Start - b.Range.Start
	})
	l.edits = slices.Compact(l.edits)
	for i := 1; i < len(l.edits); i++ {
		a, b := l.edits[i-1].Range, l.edits[i].Range
		if a.File == b.File && a.End > b.Start {
			return errors.New("the wishes contradict each other")
		}
	}
	return nil
}
