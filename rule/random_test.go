package rule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// chance makes random expressions and the trees that they are judged on. Attributes have one type each: b1… are bools, n1…
// numbers, s1… texts, l1… lists of texts, m1… maps of texts, o1… lists of objects with b1, n1, s1 and l1.
type chance struct {
	*rand.Rand
	vars []string // paths of the objects in scope: this, and variables of comprehensions over o1…
	strs []string // variables that are texts
}

func (c *chance) one(choices ...string) string { return choices[c.IntN(len(choices))] }

func (c *chance) field(kind string) string {
	return fmt.Sprintf("%s.%s%d", c.one(c.vars...), kind, 1+c.IntN(2))
}

// top is an attribute that only the body has.
func (c *chance) top(kind string) string { return fmt.Sprintf("this.%s%d", kind, 1+c.IntN(2)) }

func (c *chance) boolean(depth int) string {
	if depth <= 0 {
		return c.one(c.field("b"), c.field("b"), "true", "false")
	}
	d := depth - 1
	switch c.IntN(18) {
	case 0, 1:
		return "(" + c.boolean(d) + " && " + c.boolean(d) + ")"
	case 2, 3:
		return "(" + c.boolean(d) + " || " + c.boolean(d) + ")"
	case 4:
		return "!" + c.boolean(d)
	case 5:
		return "(" + c.boolean(d) + " ? " + c.boolean(d) + " : " + c.boolean(d) + ")"
	case 6:
		return "(" + c.number(d) + c.one(" == ", " != ", " < ", " <= ", " > ", " >= ") + c.number(d) + ")"
	case 7:
		return "(" + c.text(d) + c.one(" == ", " != ", " < ", " <= ", " > ", " >= ") + c.text(d) + ")"
	case 8:
		return "(" + c.list(d) + c.one(" == ", " != ") + c.list(d) + ")"
	case 9:
		return "(" + c.text(d) + " in " + c.list(d) + ")"
	case 10:
		return c.text(d) + c.one(".startsWith(", ".endsWith(", ".contains(") + c.text(d) + ")"
	case 11:
		return c.text(d) + `.matches("` + c.one("^a", "b", "c$", "^ab*$") + `")`
	case 12, 13:
		return c.overTexts(d, c.one("exists", "all", "exists_one"), c.list(d))
	case 14, 15:
		return c.overObjects(d, c.one("exists", "all", "exists_one"))
	case 16:
		return "(" + c.text(d) + " in " + c.top("m") + ")"
	}
	return "(" + c.boolean(d) + c.one(" == ", " != ") + c.boolean(d) + ")"
}

func (c *chance) overTexts(depth int, macro, list string) string {
	v := fmt.Sprintf("t%d", len(c.strs))
	c.strs = append(c.strs, v)
	body := c.boolean(depth)
	if macro == "map" {
		body = c.text(depth)
	}
	c.strs = c.strs[:len(c.strs)-1]
	return list + "." + macro + "(" + v + ", " + body + ")"
}

func (c *chance) overObjects(depth int, macro string) string {
	v := fmt.Sprintf("o%d", len(c.vars))
	c.vars = append(c.vars, v)
	body := c.boolean(depth)
	if macro == "map" {
		body = c.text(depth)
	}
	c.vars = c.vars[:len(c.vars)-1]
	return c.top("o") + "." + macro + "(" + v + ", " + body + ")"
}

func (c *chance) number(depth int) string {
	if depth <= 0 {
		return c.one(c.field("n"), fmt.Sprint(c.IntN(4)))
	}
	d := depth - 1
	switch c.IntN(7) {
	case 0:
		return "(" + c.number(d) + c.one(" + ", " - ", " * ") + c.number(d) + ")"
	case 1:
		return "size(" + c.list(d) + ")"
	case 2:
		return "size(" + c.text(d) + ")"
	case 3:
		return "(" + c.boolean(d) + " ? " + c.number(d) + " : " + c.number(d) + ")"
	case 4:
		return "(" + c.number(d) + c.one(" / ", " % ") + fmt.Sprint(1+c.IntN(3)) + ")"
	case 5:
		return "size(" + c.overObjects(d, "filter") + ")"
	}
	return c.field("n")
}

func (c *chance) text(depth int) string {
	if depth <= 0 {
		choices := append([]string{c.field("s"), `"` + c.word() + `"`}, c.strs...)
		return c.one(choices...)
	}
	d := depth - 1
	switch c.IntN(5) {
	case 0:
		return "(" + c.text(d) + " + " + c.text(d) + ")"
	case 1:
		return "(" + c.boolean(d) + " ? " + c.text(d) + " : " + c.text(d) + ")"
	case 2:
		return c.text(d) + ".upperAscii()"
	}
	return c.text(0)
}

func (c *chance) list(depth int) string {
	if depth <= 0 {
		return c.field("l")
	}
	d := depth - 1
	switch c.IntN(6) {
	case 0:
		return "(" + c.list(d) + " + " + c.list(d) + ")"
	case 1:
		return "[" + c.text(d) + ", " + c.text(d) + "]"
	case 2:
		return c.overTexts(d, "filter", c.list(d))
	case 3:
		return c.overTexts(d, "map", c.list(d))
	case 4:
		return c.overObjects(d, "map")
	}
	return c.field("l")
}

func (c *chance) word() string {
	return strings.Repeat("a", c.IntN(2)) + strings.Repeat("b", c.IntN(2)) + strings.Repeat("c", c.IntN(2))
}

// tree makes a body. Doubt is the chance, in a hundred, of an unknown at each place.
func (c *chance) tree(doubt int) value.Value {
	v := value.Value{Kind: value.Object}
	add := func(name string, x value.Value) { v.Fields = append(v.Fields, value.Field{Name: name, Value: x}) }
	for i := 1; i <= 2; i++ {
		for _, kind := range []string{"b", "l", "m", "n", "o", "s"} {
			add(fmt.Sprint(kind, i), c.known(kind, doubt))
		}
	}
	sortFields(v.Fields)
	return v
}

func (c *chance) known(kind string, doubt int) value.Value {
	if c.IntN(100) < doubt {
		u := value.Value{Kind: value.Unknown, NotNull: c.IntN(2) == 0}
		if kind == "s" && u.NotNull {
			u.Text = c.word()
		}
		return u
	}
	return c.certain(kind, doubt)
}

func (c *chance) certain(kind string, doubt int) value.Value {
	v := value.Value{Kind: value.List}
	switch kind {
	case "b":
		return value.Value{Kind: value.Bool, Bool: c.IntN(2) == 0}
	case "n":
		return value.Value{Kind: value.Number, Number: float64(c.IntN(4))}
	case "s":
		return value.Value{Kind: value.String, Text: c.word()}
	case "m":
		v.Kind = value.Object
		for _, k := range []string{"a", "ab", "b"} {
			if c.IntN(2) == 0 {
				v.Fields = append(v.Fields, value.Field{Name: k, Value: c.known("s", doubt)})
			}
		}
	case "l":
		for range c.IntN(3) {
			v.Items = append(v.Items, c.known("s", doubt))
		}
	case "o":
		for range c.IntN(3) {
			o := value.Value{Kind: value.Object}
			for _, kind := range []string{"b", "l", "n", "s"} {
				o.Fields = append(o.Fields, value.Field{Name: kind + "1", Value: c.known(kind, doubt)}, value.Field{Name: kind + "2", Value: c.known(kind, doubt)})
			}
			sortFields(o.Fields)
			v.Items = append(v.Items, o)
		}
	}
	v.Open = c.IntN(100) < doubt
	return v
}

// settle replaces unknowns by known values that they could become. Each unknown is replaced with a chance in a hundred.
func (c *chance) settle(kind string, v value.Value, chance int) value.Value {
	if v.Kind == value.Unknown && c.IntN(100) < chance {
		if !v.NotNull && c.IntN(3) == 0 {
			return value.Value{Kind: value.Null}
		}
		x := c.certain(kind, 0)
		if kind == "s" {
			x.Text = v.Text + x.Text
		}
		return x
	}
	v.Fields, v.Items = slices.Clone(v.Fields), slices.Clone(v.Items)
	for i := range v.Fields {
		inner := v.Fields[i].Name[:1]
		if kind == "m" {
			inner = "s"
		}
		v.Fields[i].Value = c.settle(inner, v.Fields[i].Value, chance)
	}
	for i := range v.Items {
		inner := "s"
		if kind == "o" {
			inner = "body"
		}
		v.Items[i] = c.settle(inner, v.Items[i], chance)
	}
	if v.Open && kind != "m" && c.IntN(100) < chance {
		v.Open = false
		more := c.certain(kind, 0)
		v.Items = append(v.Items, more.Items...)
		c.Shuffle(len(v.Items), func(i, j int) { v.Items[i], v.Items[j] = v.Items[j], v.Items[i] })
	}
	return v
}

func judgeTree(p *Program, tree value.Value) Verdict {
	r := &resource.Resource{Address: "x.this", Type: "any", Body: tree}
	return p.Judge(resource.NewGraph([]*resource.Resource{r}, nil), r)
}

// On wholly known data, cel-go's own interpreter must say the same.
func TestAgreesWithCEL(t *testing.T) {
	env, err := cel.NewEnv(cel.Variable("this", cel.DynType), cel.CrossTypeNumericComparisons(true), ext.Strings())
	if err != nil {
		t.Fatal(err)
	}
	agreed, passed := 0, 0
	for seed := range uint64(1200) {
		c := &chance{Rand: rand.New(rand.NewPCG(1, seed)), vars: []string{"this"}}
		require, tree := c.boolean(4), c.tree(0)
		checked, issues := env.Compile(require)
		if issues.Err() != nil {
			t.Fatalf("%s: %v", require, issues.Err())
		}
		program, err := env.Program(checked)
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := program.Eval(map[string]any{"this": native(&tree)})
		if err != nil {
			continue // where CEL errs, as on division by zero, our answer is our own
		}
		got := judgeTree(compiled(t, "any", require), tree)
		if got.Err != nil || (got.Outcome == finding.Pass) != (want == types.True) {
			t.Errorf("seed %d: %s: got %s, CEL says %v", seed, require, said(got), want)
		}
		agreed++
		if want == types.True {
			passed++
		}
	}
	if agreed < 1000 || passed < 200 || passed > agreed-200 {
		t.Errorf("%d of 1200 compared, %d of them true: too few to say anything", agreed, passed)
	}
}

// native converts a tree to what cel-go takes.
func native(v *value.Value) any {
	switch v.Kind {
	case value.Bool:
		return v.Bool
	case value.Number:
		return int64(v.Number)
	case value.String:
		return v.Text
	case value.List:
		out := make([]any, len(v.Items))
		for i := range v.Items {
			out[i] = native(&v.Items[i])
		}
		return out
	case value.Object:
		out := make(map[string]any, len(v.Fields))
		for i := range v.Fields {
			out[v.Fields[i].Name] = native(&v.Fields[i].Value)
		}
		return out
	}
	return ref.Val(types.NullValue)
}

// Making unknowns known may decide what was undecided, and never changes what was decided.
func TestMonotone(t *testing.T) {
	counts := map[string]int{}
	for seed := range uint64(2500) {
		c := &chance{Rand: rand.New(rand.NewPCG(2, seed)), vars: []string{"this"}}
		require := c.boolean(3)
		program := compiled(t, "any", require)
		tree := c.tree(25)
		before := judgeTree(program, tree)
		if before.Err != nil {
			counts["error"]++
			continue
		}
		counts[before.Outcome.String()]++
		for range 8 {
			settled := c.settle("body", tree, 70)
			after := judgeTree(program, settled)
			if before.Outcome != finding.Undecided && (after.Err != nil || after.Outcome != before.Outcome) {
				t.Errorf("seed %d: %s\nwas %s, became %s\n%s\n%s", seed, require, said(before), said(after), dump(&tree), dump(&settled))
				break
			}
		}
		if before.Outcome == finding.Undecided && len(before.Witnesses) == 0 {
			t.Errorf("seed %d: %s is undecided and waits for nothing\n%s", seed, require, dump(&tree))
		}
	}
	if counts["pass"] < 300 || counts["fail"] < 300 || counts["undecided"] < 300 || counts["error"] > 100 {
		t.Errorf("the mix is too thin: %v", counts)
	}
}

func dump(v *value.Value) string {
	switch v.Kind {
	case value.Unknown:
		return fmt.Sprintf("?%q%v", v.Text, v.NotNull)
	case value.List:
		out := "["
		for i := range v.Items {
			out += dump(&v.Items[i]) + " "
		}
		return out + map[bool]string{true: "…"}[v.Open] + "]"
	case value.Object:
		out := "{"
		for i := range v.Fields {
			out += v.Fields[i].Name + ":" + dump(&v.Fields[i].Value) + " "
		}
		return out + map[bool]string{true: "…"}[v.Open] + "}"
	}
	return fmt.Sprint(native(v))
}
