package translate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// TestNames holds every row of every table against both sides: the native path is in the schema that the dialect's makers
// publish, and Terraform's is in the provider's. A value that is written at the native path arrives at Terraform's with its
// place, and the wish for another value there comes back as one about the native path.
//
//	go test ./translate -run 'Names/cloudformation'
func TestNames(t *testing.T) {
	set := schema.Load()
	for _, dialect := range schema.NamedDialects() {
		t.Run(dialect, func(t *testing.T) {
			mistakes := schema.CheckNames(dialect)
			for _, err := range mistakes {
				t.Error(err)
			}
			if len(mistakes) > 0 {
				return // the rest would panic
			}
			c := &checker{T: t, set: set, table: New(set, dialect), types: readPublished(t, dialect), everywhere: everywhere[dialect]}
			if c.types == nil {
				t.Logf("no types of %s are in schema/testdata: native paths are not checked", dialect)
			}
			names := set.Names(dialect)
			for _, typ := range names.Types() {
				for _, b := range names.Blocks(typ) {
					c.block(typ, b)
				}
			}
			t.Logf("%d types, %d blocks, %d rows, %d of them there and back", len(names.Types()), c.blocks, c.rows, c.round)
		})
	}
}

// checker checks the blocks of one dialect.
type checker struct {
	*testing.T
	set                 *schema.Set
	table               *Table
	types               published
	everywhere          map[string]string
	blocks, rows, round int

	native string // the type that is checked
	source *schema.Block
	known  bool // the dialect's makers publish the type
}

func (c *checker) fail(where, format string, args ...any) {
	c.Errorf("schema/names/%s: %s", where, fmt.Sprintf(format, args...))
}

func (c *checker) block(typ string, b *schema.Block) {
	c.native, c.source = typ, b
	c.blocks++
	if _, err := compile(c.set, b); err != nil {
		c.Error(err)
		return
	}
	members, known := c.types[typ]
	c.known = known
	if !known && c.types.covers(typ) {
		c.fail(b.Where, "there is no type %s", typ)
		return
	}
	outputs := false
	for name := range members {
		outputs = outputs || strings.HasPrefix(name, "@")
	}
	for _, y := range b.Yields {
		if _, ok := members["@"+y.Name]; known && y.Name != "" && outputs && !ok {
			c.fail(b.Where, "%s has no output %s", typ, y.Name)
		}
	}
	for i := range b.When {
		c.test(b.Where, &b.When[i], nil)
	}
	if made := c.table.choose(typ, ptr(c.base())); made == nil || made.source != b {
		c.fail(b.Where, "no resource is of this block: another one is tried before")
		return
	}
	c.each(b.Rows, nil)
}

func ptr(v value.Value) *value.Value { return &v }

// each checks rows that stand within a chain of others.
func (c *checker) each(rows []schema.Row, chain []*schema.Row) {
	for i := range rows {
		r := &rows[i]
		c.rows++
		inner := append(chain[:len(chain):len(chain)], r)
		if c.known && r.Kind != schema.Constant && r.Kind != schema.Otherwise && !c.exists(inner) {
			c.fail(r.Where, "%s has no %s", c.native, pathOf(inner))
			continue
		}
		for j := range r.When {
			c.test(r.Where, &r.When[j], inner)
		}
		if len(r.Rows) > 0 {
			c.each(r.Rows, inner)
		} else if r.Kind == schema.Same && c.known {
			c.roundTrip(inner)
		}
	}
}

func pathOf(chain []*schema.Row) string {
	var out []string
	for _, r := range chain {
		for _, s := range r.Native {
			switch {
			case s.Map:
				out = append(out, "{}")
			case s.Name == "":
				out = append(out, "[]")
			default:
				out = append(out, s.Name)
			}
		}
	}
	return strings.Join(out, ".")
}

// test checks that the path of a test exists.
func (c *checker) test(where string, test *schema.Test, chain []*schema.Row) {
	if !c.known {
		return
	}
	if !test.Inner {
		chain = nil
	}
	if !c.exists(append(chain[:len(chain):len(chain)], &schema.Row{Native: test.Path})) {
		c.fail(where, "%s has no %s to test", c.native, pathOf(append(chain[:len(chain):len(chain)], &schema.Row{Native: test.Path})))
	}
}

func (c *checker) exists(chain []*schema.Row) bool {
	_, ok := c.typeOf(chain)
	return ok
}

// typeOf returns the published type at the end of a chain of rows.
func (c *checker) typeOf(chain []*schema.Row) (string, bool) {
	typ, first, root := "#", true, c.native
	for _, r := range chain {
		for _, s := range r.Native {
			if s.Name == "$" {
				return "string", true
			}
			if part, _, ok := strings.Cut(strings.TrimPrefix(s.Name, "/"), "/"); ok && strings.HasPrefix(s.Name, "/") {
				if root += "/" + part; slices.Contains(partsByName, s.Name) {
					typ, first = "any", false
					continue
				}
				if _, ok := c.types[root]; !ok {
					return "", false
				}
				continue
			}
			if first {
				first = false
				found := ""
				for _, name := range append([]string{s.Name}, s.Aliases...) {
					of, ok := c.types[root][name]
					if !ok {
						of, ok = c.everywhere[name]
					}
					if !ok {
						return "", false
					}
					if found == "" {
						found = of
					}
				}
				typ = found
				continue
			}
			next, ok := c.types.step(root, typ, s)
			if !ok && s.Name != "" {
				// One object where the table knows a list of one, or the other way round.
				if item, isList := c.types.step(root, typ, schema.NameStep{Each: true}); isList {
					next, ok = c.types.step(root, item, s)
				}
			}
			if !ok {
				return "", false
			}
			typ = next
		}
	}
	return typ, true
}

// base is a body of which the block holds.
func (c *checker) base() value.Value {
	body := value.Value{Kind: value.Object}
	c.meet(&body, c.source.When, nil)
	return body
}

// meet writes what tests ask for.
func (c *checker) meet(body *value.Value, tests []schema.Test, chain []*schema.Row) {
	for i := range tests {
		test := &tests[i]
		at := []*schema.Row(nil)
		if test.Inner {
			at = chain
		}
		at = append(at[:len(at):len(at)], &schema.Row{Native: test.Path})
		var v value.Value
		switch test.Op {
		case "=", "has":
			v = text(test.Words[0])
		case "set":
			on := body
			if test.Inner {
				on = c.at(body, chain)
			}
			if c.table.test(test, on) == yes {
				continue
			}
			typ, _ := c.typeOf(at)
			v, _ = c.types.example(typ, 0)
		default:
			continue
		}
		write(body, at, v)
	}
}

// at returns what stands at the end of a chain of rows.
func (c *checker) at(body *value.Value, chain []*schema.Row) *value.Value {
	for _, r := range chain {
		body, _ = c.table.reach(body, slices.DeleteFunc(slices.Clone(r.Native), func(s schema.NameStep) bool { return s.Each }), nil)
		if body.Kind == value.List && len(body.Items) > 0 {
			body = &body.Items[0]
		}
	}
	return body
}

// write puts a value at the end of a chain of rows and returns its path.
func write(body *value.Value, chain []*schema.Row, v value.Value) value.Path {
	var path value.Path
	at := body
	step := func(s value.Step) {
		next, ok := child(at, s)
		if !ok { // a value of a test stands there
			*at = value.Value{}
			next, _ = child(at, s)
		}
		at, path = next, append(path, s)
	}
	for _, r := range chain {
		for _, s := range r.Native {
			switch {
			case s.Name == "$":
				return path
			case s.Name != "":
				step(value.Step{Name: s.Name})
			case s.Map:
				step(value.Step{Name: "k"})
			default:
				for i := range s.Index {
					if at.Kind == value.Absent || len(at.Items) <= i {
						e, _ := child(at, value.Step{Index: i})
						*e = obj()
					}
				}
				step(value.Step{Index: s.Index})
				if s.Key != "" {
					key := "another"
					if !s.Each {
						key = s.Words[0]
					}
					set(ensure(at, nil), s.Key, text(key))
				}
			}
		}
	}
	*at = v
	return path
}

// mark is the place of the value that is followed.
var mark = source.Range{File: "here", Start: 1, End: 2}

// roundTrip carries a value there and another one back.
func (c *checker) roundTrip(chain []*schema.Row) {
	leaf := chain[len(chain)-1]
	typ, _ := c.typeOf(chain)
	examples := slices.DeleteFunc(c.examples(leaf, typ, c.target(chain)), func(v value.Value) bool { return c.excluded(chain, &v) })
	if len(examples) == 0 {
		c.fail(leaf.Where, "no value of type %s can be made", typ)
		return
	}
	there := c.carry(chain, examples[0])
	if there == nil {
		return
	}
	if len(examples) < 2 || there.fixed || !invertible(leaf) {
		return
	}
	other := c.carry(chain, examples[1])
	if other == nil || other.fixed {
		return
	}
	if sameDocument(there.value, other.value) {
		return // two words for one thing
	}
	wishes, err := c.table.Back(there.made, []resource.Change{{Op: resource.Set, Path: there.path, Value: *other.value}})
	if err != nil {
		c.fail(leaf.Where, "there is no way back: %v", err)
		return
	}
	body := there.body
	for _, w := range wishes {
		if w.Op != resource.Set || len(w.Path) < len(there.native) || !slices.Equal(w.Path[:len(there.native)], there.native) {
			c.fail(leaf.Where, "%s comes back as %s", there.path, wishText(wishes))
			return
		}
		*(&body).At(w.Path) = w.Value
	}
	if len(wishes) != 1 {
		c.fail(leaf.Where, "%d wishes come back", len(wishes))
		return
	}
	for _, r := range c.table.Resources(&Native{Type: c.native, Address: "X", Name: "X", Body: body}) {
		if r.Address == there.made.Address && sameDocument(r.Body.At(there.path), other.value) {
			c.round++
			return
		}
	}
	c.fail(leaf.Where, "%s does not make %s %s", wishText(wishes), there.path, value.Show(other.value))
}

// invertible reports whether a row has a way back for every value.
func invertible(r *schema.Row) bool {
	return !slices.ContainsFunc(r.Convert, func(c schema.Conversion) bool { return c.Name == "present" || c.Name == "hook" })
}

// examples makes native values for a leaf: of its type, and such as the conversions take.
func (c *checker) examples(leaf *schema.Row, typ string, want shape) []value.Value {
	var out []value.Value
	for _, conv := range leaf.Convert[:min(1, len(leaf.Convert))] {
		switch conv.Name {
		case "enum":
			for _, w := range conv.Words {
				from, to, _ := strings.Cut(w, "=")
				if !slices.ContainsFunc(out, func(v value.Value) bool { return v.Text == to }) {
					out = append(out, text(from))
				}
			}
			if strings.HasPrefix(sides(typ)[0], "[") {
				for i := range out {
					out[i] = list(out[i])
				}
			}
			return out
		case "json":
			return []value.Value{obj("A", "b"), obj("A", "c")}
		case "pairs":
			return []value.Value{list(obj(conv.Words[0], "k", conv.Words[1], "v")), list(obj(conv.Words[0], "k", conv.Words[1], "w"))}
		case "base64":
			return []value.Value{text("a"), text("b")}
		case "after":
			return []value.Value{text(conv.Words[0] + "a"), text(conv.Words[0] + "b")}
		}
	}
	if typ == "string" && len(leaf.Convert) == 0 && want.form == plain {
		switch want.typ.Kind { // a text that is read as such
		case schema.Number:
			return []value.Value{text("7"), text("8")}
		case schema.Bool:
			return []value.Value{text("true"), text("false")}
		}
	}
	if typ == "any" && want.form == plain {
		switch want.typ.Kind {
		case schema.Number:
			return []value.Value{of(7), of(8)}
		case schema.Bool:
			return []value.Value{of(true), of(false)}
		case schema.String:
			return []value.Value{text("a"), text("b")}
		}
	}
	for n := range 4 {
		if v, ok := c.types.example(typ, n); ok {
			out = append(out, v)
		}
	}
	return out
}

// excluded reports whether a test on the way does not let a value through.
func (c *checker) excluded(chain []*schema.Row, v *value.Value) bool {
	tests := c.source.When
	for _, r := range chain {
		tests = append(tests[:len(tests):len(tests)], r.When...)
	}
	text, ok := word(v)
	return ok && slices.ContainsFunc(tests, func(t schema.Test) bool {
		return t.Op == "!=" && among(t.Words, text) || t.Op == "lacks" && strings.Contains(strings.ToLower(text), strings.ToLower(t.Words[0]))
	})
}

// target returns the shape at the end of a chain on Terraform's side.
func (c *checker) target(chain []*schema.Row) shape {
	resource := c.set.Resource(c.source.Type)
	at := shape{form: object, attributes: resource.Attributes}
	for _, r := range chain {
		if r.Kind == schema.Companion {
			at = shape{form: object, attributes: c.set.Resource(r.Type).Attributes}
		}
		for _, s := range r.Target {
			if s.Name != "" {
				at, _ = at.member(s.Name)
			} else {
				at = at.element()
			}
		}
	}
	return at
}

// arrival is where a value came out.
type arrival struct {
	body   value.Value
	native value.Path
	made   *resource.Resource
	path   value.Path
	value  *value.Value
	fixed  bool // the value is also what a test asks for, so that it cannot be another
}

// carry writes a value at the end of a chain of rows, and finds it in what is made of it.
func (c *checker) carry(chain []*schema.Row, v value.Value) *arrival {
	leaf := chain[len(chain)-1]
	a := &arrival{body: value.Value{Kind: value.Object}}
	a.native = write(&a.body, chain, v)
	meet := func() {
		c.meet(&a.body, c.source.When, nil)
		for i, r := range chain {
			c.meet(&a.body, r.When, chain[:i+1])
		}
	}
	meet()
	if !a.body.At(a.native).Equal(&v) {
		a.fixed = true
	}
	written := a.body.At(a.native)
	written.Range = mark
	wantType, want := c.source.Type, []string(nil)
	for _, r := range chain {
		if r.Kind == schema.Companion {
			wantType, want = r.Type, nil
		}
		for _, s := range r.Target {
			if s.Name != "" {
				want = append(want, s.Name)
			}
		}
	}
	var elsewhere []string
	for _, r := range c.table.Resources(&Native{Type: c.native, Address: "X", Name: "X", Body: a.body}) {
		marked(&r.Body, nil, func(v *value.Value, path value.Path) {
			if r.Type == wantType && slices.Equal(names(path), want) {
				if a.made == nil || len(path) < len(a.path) {
					a.made, a.path, a.value = r, path, v
				}
			} else {
				elsewhere = append(elsewhere, r.Type+" "+path.String())
			}
		})
	}
	if a.made == nil {
		if slices.ContainsFunc(chain, func(r *schema.Row) bool {
			return slices.ContainsFunc(r.Native, func(s schema.NameStep) bool { return s.Name == "$" })
		}) {
			return nil // the name of a member has no place of its own
		}
		c.fail(leaf.Where, "what is written at %s does not arrive, but at %q", a.native, elsewhere)
		return nil
	}
	at := shape{form: object, attributes: c.set.Resource(a.made.Type).Attributes}
	for _, s := range a.path {
		if s.Name != "" {
			at, _ = at.member(s.Name)
		} else {
			at = at.element()
		}
	}
	if a.value.Kind != value.Unknown && !at.admits(a.value) {
		c.fail(leaf.Where, "%s is a %s, and %s makes a %s of it", a.path, at, a.native, a.value.Kind)
		return nil
	}
	if path := c.table.Path(a.made, a.path); !slices.Equal(path, a.native) {
		c.fail(leaf.Where, "%s is said to come from %s, not from %s", a.path, path, a.native)
	}
	return a
}

// names returns the names on a path.
func names(path value.Path) []string {
	var out []string
	for _, s := range path {
		if s.Name != "" {
			out = append(out, s.Name)
		}
	}
	return out
}

// marked shows every value with the mark.
func marked(v *value.Value, path value.Path, visit func(*value.Value, value.Path)) {
	if v.Range == mark && len(path) > 0 {
		visit(v, path)
	}
	for i := range v.Items {
		marked(&v.Items[i], append(path[:len(path):len(path)], value.Step{Index: i}), visit)
	}
	for i := range v.Fields {
		marked(&v.Fields[i].Value, append(path[:len(path):len(path)], value.Step{Name: v.Fields[i].Name}), visit)
	}
}
