package translate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
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
	o, ok := r.Handle.(*Origin)
	if !ok {
		return nil, fmt.Errorf("%s was not translated", r.Address)
	}
	b := &back{table: t, native: o.Native.Type, body: &o.Native.Body, sites: t.trace(o)}
	for _, c := range changes {
		var err error
		switch c.Op {
		case resource.Set:
			if sameDocument(r.Body.At(c.Path), &c.Value) {
				continue
			}
			err = b.change(o, c)
		case resource.Add:
			err = b.change(o, c)
		case resource.Remove:
			err = b.remove(o, r, c.Path)
		case resource.Create:
			err = b.create(o, r, c.New)
		default:
			err = fmt.Errorf("nobody knows how to %s", c.Op)
		}
		if err != nil {
			return nil, err
		}
	}
	return b.finish(), nil
}

// back collects the wishes about one native resource.
type back struct {
	table  *Table
	native string       // its type, for errors
	body   *value.Value // what is written now; absent when something new is built
	sites  []site
	wishes []Wish
	fresh  []fresh // elements that [Key=word] means and that do not exist yet
}

// fresh is an element that must be made. In paths it stands as the index -1 minus its own.
type fresh struct {
	list value.Path
	step *schema.NameStep
	item value.Value
}

// errMissing says that no row leads to an attribute.
var errMissing = errors.New("no property")

// station is where a change comes to: rows of the table and both sides of the way so far.
type station struct {
	rows   []row
	native value.Path // in the native body
	target value.Path // in the resource's body
}

func (b *back) change(o *Origin, c resource.Change) error {
	err := b.set(station{o.block.rows, o.path, nil}, c.Path, c.Value, c.Op)
	if errors.Is(err, errMissing) {
		return fmt.Errorf("%s has no property for %s", b.native, c.Path)
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", b.native, c.Path, err)
	}
	return nil
}

// set wishes that what rows make at path, relative to the spot, be v.
func (b *back) set(at station, path value.Path, v value.Value, op resource.ChangeOp) error {
	var first error
	made := slices.IndexFunc(b.sites, func(s site) bool { return slices.Equal(s.target, slices.Concat(at.target, path)) })
	// Of several properties that make one attribute, the one that made what is there, else a written one; else one that makes no new part.
	for pass := range 3 {
		for i := range at.rows {
			r := &at.rows[i]
			if r.kind != schema.Same || pass == 0 && !b.current(at.native, r).IsSet() || pass == 1 && r.part() {
				continue
			}
			if n := len(r.target); len(path) < n || !slices.Equal(path[:n], r.target) {
				continue
			}
			if native := b.locate(at.native, r.native); pass == 0 && made >= 0 && (len(b.sites[made].native) < len(native) || !slices.Equal(b.sites[made].native[:len(native)], native)) {
				continue
			}
			before := len(b.wishes)
			err := b.through(r, at, path[len(r.target):], v, op)
			if err == nil {
				return nil
			}
			b.wishes = b.wishes[:before]
			if first == nil || errors.Is(first, errMissing) {
				first = err
			}
		}
	}
	if first != nil && !errors.Is(first, errMissing) {
		return first
	}
	for i := range at.rows {
		if r := &at.rows[i]; r.kind == schema.Constant && slices.Equal(path, r.target) {
			if sameDocument(&r.value, &v) {
				return nil
			}
			return fmt.Errorf("it is always %s", value.Show(&r.value))
		}
	}
	return b.spread(at, path, v)
}

// part reports whether a row is about a resource of its own in the dialect.
func (r *row) part() bool { return len(r.native) > 0 && strings.HasPrefix(r.native[0].Name, "/") }

// spread gives the parts of an object to the rows that make them.
func (b *back) spread(at station, path value.Path, v value.Value) error {
	leads := slices.ContainsFunc(at.rows, func(r row) bool {
		return r.kind != schema.Companion && r.kind != schema.Nowhere && len(r.target) > len(path) && slices.Equal(r.target[:len(path)], path)
	})
	switch {
	case len(path) > 0 && !leads:
		return errMissing
	case v.Kind == value.List:
		for i := range v.Items {
			if err := b.set(at, append(path[:len(path):len(path)], value.Step{Index: i}), v.Items[i], resource.Set); err != nil {
				return err
			}
		}
		return nil
	case v.Kind != value.Object:
		return errMissing
	}
	for _, f := range v.Fields {
		to := append(path[:len(path):len(path)], value.Step{Name: f.Name})
		if !f.Value.IsSet() {
			continue
		}
		if err := b.set(at, to, f.Value, resource.Set); err != nil {
			if errors.Is(err, errMissing) {
				return fmt.Errorf("%w for %s in it", errMissing, to)
			}
			return err
		}
	}
	return nil
}

// through follows a row whose target is the beginning of a path; rest is what comes behind it.
func (b *back) through(r *row, at station, rest value.Path, v value.Value, op resource.ChangeOp) error {
	for i := range r.native {
		if step := &r.native[i]; len(step.Words) > 1 && !b.current(at.native, r).IsSet() {
			if list := b.at(b.locate(at.native, r.native[:i])); list.Kind == value.Object || slices.ContainsFunc(list.Items, func(item value.Value) bool { return matches(step, &item) == yes }) {
				continue // it is there, and what is asked for is something in it
			}
			return fmt.Errorf("which of %s it is cannot be known", strings.Join(step.Words, ", "))
		}
	}
	native, target := b.locate(at.native, r.native), slices.Concat(at.target, r.target)
	b.meet(r, native)
	if !r.group {
		return b.leaf(r, native, rest, v, op)
	}
	switch {
	case r.list:
		return b.elements(r, station{r.rows, native, target}, rest, v, op)
	case r.each != nil:
		// The one element of a list.
		items := b.body.At(native).Items
		if len(items) == 0 {
			return b.append(r, native, wrapAt(rest, v))
		}
		native = append(native, value.Step{Index: 0})
	}
	if len(rest) == 0 && v.Kind == value.Object && len(v.Fields) == 0 && !b.body.At(native).IsSet() {
		b.wish(resource.Set, native, v)
		return nil
	}
	return b.set(station{r.rows, native, target}, rest, v, op)
}

// meet wishes for what the conditions of a row ask of its value. Of conditions that ask for no word, the wish itself is what
// decides.
func (b *back) meet(r *row, native value.Path) {
	for i := range r.when {
		test := &r.when[i]
		if !test.Inner || test.Op != "=" || b.table.test(test, b.at(native)) == yes {
			continue
		}
		path := b.locate(native, test.Path)
		if !slices.ContainsFunc(b.wishes, func(w Wish) bool { return slices.Equal(w.Path, path) }) {
			b.wish(resource.Set, path, asWord(test.Words[0]))
		}
	}
}

// asWord is the value that a word of a test means.
func asWord(word string) value.Value {
	if word == "true" || word == "false" {
		return value.Value{Kind: value.Bool, Bool: word == "true"}
	}
	return value.Value{Kind: value.String, Text: word}
}

// elements is through for a row that makes a list.
func (b *back) elements(r *row, at station, rest value.Path, v value.Value, op resource.ChangeOp) error {
	if len(rest) == 0 {
		if op == resource.Add {
			return b.append(r, at.native, v)
		}
		if v.Kind != value.List {
			v = listOf(v)
		}
		list := value.Value{Kind: value.List}
		for i := range v.Items {
			item, err := b.build(r.rows, v.Items[i])
			if err != nil {
				return err
			}
			list.Items = append(list.Items, item)
		}
		if r.each == nil {
			if len(list.Items) != 1 {
				return fmt.Errorf("there is one of it, not %d", len(list.Items))
			}
			list = list.Items[0]
		}
		if r.each != nil && r.each.Map {
			members := value.Value{Kind: value.Object}
			for i := range list.Items {
				name, err := memberName(r, v.Items[i])
				if err != nil {
					return err
				}
				set(&members, name, list.Items[i])
			}
			list = members
		}
		b.wish(resource.Set, at.native, list)
		return nil
	}
	if rest[0].Name != "" {
		return errMissing
	}
	at.target = append(at.target, rest[0])
	for _, s := range b.sites {
		if s.row == r && slices.Equal(s.target, at.target) {
			at.native = s.native
			return b.set(at, rest[1:], v, op)
		}
	}
	if b.body.At(at.native).IsSet() && r.each == nil || slices.ContainsFunc(b.sites, func(s site) bool { return slices.Equal(s.target, at.target) }) {
		return errMissing // the element is another row's
	}
	return b.append(r, at.native, wrapAt(rest[1:], v))
}

// append wishes for one more element of the list that a row goes through, or for the only one.
func (b *back) append(r *row, native value.Path, v value.Value) error {
	item, err := b.build(r.rows, v)
	if err != nil {
		return err
	}
	switch {
	case r.each == nil:
		b.wish(resource.Set, native, item)
	case r.each.Map:
		name, err := memberName(r, v)
		if err != nil {
			return err
		}
		b.wish(resource.Set, append(native, value.Step{Name: name}), item)
	default:
		b.wish(resource.Add, native, item)
	}
	return nil
}

// memberName returns the name that an element has as a member of a map.
func memberName(r *row, v value.Value) (string, error) {
	for i := range r.rows {
		if row := &r.rows[i]; len(row.native) == 1 && row.native[0].Name == "$" {
			if name, ok := word(v.At(row.target)); ok && name != "" {
				return name, nil
			}
		}
	}
	return "", errors.New("it has no name")
}

// build makes the native value of a new element or resource.
func (b *back) build(rows []row, v value.Value) (value.Value, error) {
	inner := &back{table: b.table, native: b.native, body: nothing}
	if err := inner.set(station{rows: rows}, nil, v, resource.Set); err != nil {
		return value.Value{}, err
	}
	var out value.Value
	for _, w := range inner.finish() {
		if w.Op == resource.Add {
			list := out.At(w.Path)
			w.Path = append(w.Path, value.Step{Index: len(list.Items)})
		}
		place(&out, w.Path, w.Value)
	}
	if out.Kind == value.Absent {
		out.Kind = value.Object
	}
	return out, nil
}

// wrapAt makes the object in which v stands at a path.
func wrapAt(path value.Path, v value.Value) value.Value {
	for _, s := range slices.Backward(path) {
		if s.Name == "" {
			v = listOf(v)
		} else {
			v = value.Value{Kind: value.Object, Fields: []value.Field{{Name: s.Name, Value: v}}}
		}
	}
	return v
}

// leaf wishes for the native value of a leaf.
func (b *back) leaf(r *row, native, rest value.Path, v value.Value, op resource.ChangeOp) error {
	if len(r.native) == 1 && r.native[0].Name == "$" {
		return nil // the name of a member: who makes the member sees to it
	}
	was := b.at(native)
	if len(rest) > 0 {
		inner, op, v, err := b.inside(r, was, rest, v, op)
		if err != nil {
			return err
		}
		b.wish(op, append(native, inner...), v)
		return nil
	}
	if op == resource.Add && was.Kind == value.List {
		b.wish(op, native, v)
		return nil
	}
	for i, c := range slices.Backward(r.convert) {
		if c.back == nil {
			return errNoWayBack
		}
		before := *was // what the value was before this conversion, for those that have a choice
		for _, c := range r.convert[:i] {
			if before.IsSet() {
				before = c.to(before)
			}
		}
		var err error
		if v, err = c.back(v, &before); err != nil {
			return err
		}
	}
	if !v.IsSet() {
		if was.IsSet() {
			b.wish(resource.Remove, native, value.Value{})
		}
		return nil
	}
	if was.IsSet() && was.Kind != value.List && was.Kind != value.Unknown && v.Kind == value.List && len(v.Items) == 1 {
		v = v.Items[0] // Terraform wants a list where the dialect has one value
	}
	b.wish(resource.Set, native, v)
	return nil
}

// inside finds the place within a native value that a path within Terraform's means.
func (b *back) inside(r *row, was *value.Value, rest value.Path, v value.Value, op resource.ChangeOp) (value.Path, resource.ChangeOp, value.Value, error) {
	for i, c := range r.source.Convert {
		switch c.Name {
		case "json":
		case "wrap":
			if len(rest) != 1 || rest[0].Name != "" || rest[0].Index != 0 || i > 0 {
				return nil, "", v, errMissing
			}
			return nil, op, v, nil
		case "camel":
			out := slices.Clone(rest)
			for i, s := range out {
				if s.Name != "" {
					out[i].Name = strings.ToUpper(s.Name[:1]) + s.Name[1:]
				}
				if slices.ContainsFunc(c.Words, func(w string) bool { return strings.EqualFold(w, s.Name) }) {
					break
				}
			}
			rest = out
		case "pairs":
			if len(rest) != 1 || i > 0 {
				return nil, "", v, errMissing
			}
			if was.Kind == value.Object {
				return rest, op, v, nil
			}
			for i := range was.Items {
				if name, ok := word(was.Items[i].Field(c.Words[0])); ok && name == rest[0].Name {
					return value.Path{{Index: i}, {Name: c.Words[1]}}, op, v, nil
				}
			}
			item := value.Value{Kind: value.Object}
			set(&item, c.Words[0], value.Value{Kind: value.String, Text: rest[0].Name})
			set(&item, c.Words[1], v)
			return nil, resource.Add, item, nil
		default:
			return nil, "", v, errMissing
		}
	}
	if rest[0].Name == "" && rest[0].Index == 0 && was.IsSet() && was.Kind != value.List && was.Kind != value.Unknown {
		rest = rest[1:] // one value where Terraform wants a list
	}
	return rest, op, v, nil
}

// locate returns the native path of what a row reads: as it is written, or as it would be.
func (b *back) locate(from value.Path, steps []schema.NameStep) value.Path {
	out := slices.Clone(from)
	for i := range steps {
		step := &steps[i]
		var took value.Path
		if found, _ := b.table.reach(b.at(out), steps[i:i+1], &took); found.Kind != value.Absent && len(took) > 0 {
			out = append(out, took...)
			continue
		}
		switch {
		case step.Name != "":
			out = append(out, value.Step{Name: step.Name})
		case step.Key != "":
			out = append(out, value.Step{Index: b.freshElement(out, step)})
		default:
			if at := b.at(out); at.Kind == value.Absent || at.Kind == value.List {
				out = append(out, value.Step{Index: step.Index})
			}
		}
	}
	return out
}

// at returns what is written at a native path, which may lead through elements that do not exist yet.
func (b *back) at(path value.Path) *value.Value {
	if slices.ContainsFunc(path, func(s value.Step) bool { return s.Index < 0 }) {
		return nothing
	}
	return b.body.At(path)
}

// current returns what a row reads now.
func (b *back) current(from value.Path, r *row) *value.Value {
	v, _ := b.table.reach(b.at(from), r.native, nil)
	return v
}

// freshElement returns the index that stands for a new element.
func (b *back) freshElement(list value.Path, step *schema.NameStep) int {
	for i, f := range b.fresh {
		if slices.Equal(f.list, list) && sameStep(*f.step, *step) {
			return -1 - i
		}
	}
	item := value.Value{Kind: value.Object}
	set(&item, step.Key, value.Value{Kind: value.String, Text: step.Words[0]})
	b.fresh = append(b.fresh, fresh{slices.Clone(list), step, item})
	return -len(b.fresh)
}

func (b *back) wish(op resource.ChangeOp, path value.Path, v value.Value) {
	b.wishes = append(b.wishes, Wish{Op: op, Path: slices.Clone(path), Value: v})
}

// finish puts new elements together.
func (b *back) finish() []Wish {
	var out []Wish
	used := make([]bool, len(b.fresh))
	for _, w := range b.wishes {
		i := slices.IndexFunc(w.Path, func(s value.Step) bool { return s.Index < 0 })
		if i < 0 {
			out = append(out, w)
			continue
		}
		n := -1 - w.Path[i].Index
		if w.Op != resource.Remove {
			place(&b.fresh[n].item, w.Path[i+1:], w.Value)
			used[n] = true
		}
	}
	for i, f := range b.fresh {
		if used[i] {
			out = append(out, Wish{Op: resource.Add, Path: f.list, Value: f.item})
		}
	}
	return out
}
