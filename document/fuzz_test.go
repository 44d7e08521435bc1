package document

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

func seeds(f *testing.F) {
	for _, c := range editCases {
		f.Add(c.in, uint64(1))
	}
	for _, c := range editCasesJSON {
		f.Add(c.in, uint64(2))
	}
	for _, c := range scalarCases {
		f.Add(c.in, uint64(3))
	}
}

// FuzzParse holds that nothing panics or hangs, and that the ranges of what was read are right.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string, _ uint64) {
		if !utf8.ValidString(text) || len(text) > 4000 {
			return
		}
		start := time.Now()
		d, problems := Parse(&source.File{Path: "f.yaml", Bytes: []byte(text)}, dialect.Limits{})
		checkRanges(t, d)
		for _, p := range problems {
			if p.Range.Start < 0 || p.Range.End < p.Range.Start || p.Range.End > len(text) {
				t.Errorf("the problem %q is at %v of %d bytes", p.Message, p.Range, len(text))
			}
		}
		for _, c := range d.Comments {
			if !strings.HasPrefix(text[c.Range.Start:], "#") && !strings.HasPrefix(text[c.Range.Start:], "/") {
				t.Errorf("the comment at %v is %q", c.Range, text[c.Range.Start:c.Range.End])
			}
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// FuzzEdit holds that what Edit returns does what was wished: Edit proves that itself, so here that it does not panic, that
// nothing is left to edit afterwards, and that it says no only to what is strange.
func FuzzEdit(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if !utf8.ValidString(text) || len(text) > 4000 {
			return
		}
		stop := time.AfterFunc(3*time.Second, func() { panic("it hangs") })
		defer stop.Stop()
		file := &source.File{Path: "f.yaml", Bytes: []byte(text)}
		d, problems := Parse(file, dialect.Limits{})
		if len(problems) > 0 || len(d.Roots) == 0 || d.Roots[0].Kind == Scalar {
			return
		}
		r := rand.New(rand.NewPCG(seed, 1))
		c := Change{Op: resource.Set, At: d.Roots[0], Path: randomPath(r, d.Roots[0]), Value: randomValue(r, 3)}
		if r.IntN(4) == 0 {
			c.Op = resource.Remove
		} else if r.IntN(4) == 0 {
			c.Op = resource.Add
		}
		edits, err := d.Edit([]Change{c})
		if err != nil || len(edits) == 0 {
			return
		}
		out, err := source.Apply(file.Bytes, edits)
		if err != nil {
			t.Fatal(err)
		}
		d2, _ := Parse(&source.File{Path: "f.yaml", Bytes: out}, dialect.Limits{Nesting: 1000})
		if c.Op == resource.Remove && c.Path[len(c.Path)-1].Name == "" {
			return // another element has its index now
		}
		c.At = d2.Roots[0]
		again, err := d2.Edit([]Change{c})
		if err != nil || len(again) > 0 {
			t.Errorf("%s %s of\n%s\nmakes\n%s\nand again %v, %v", c.Op, c.Path, text, out, again, err)
		}
	})
}

func randomPath(r *rand.Rand, n *Node) value.Path {
	var p value.Path
	for range 4 {
		switch {
		case n == nil || n.Kind == Scalar:
			return append(p, value.Step{Name: "fresh"})
		case n.Kind == Sequence:
			i := r.IntN(len(n.Items) + 1)
			p = append(p, value.Step{Index: i})
			if i == len(n.Items) {
				return p
			}
			n = n.Items[i]
		default:
			if len(n.Members) == 0 || r.IntN(3) == 0 {
				return append(p, value.Step{Name: "fresh"})
			}
			m := n.Members[r.IntN(len(n.Members))]
			if m.Key.Kind != Scalar || m.Key.Text == "" {
				return append(p, value.Step{Name: "fresh"})
			}
			p, n = append(p, value.Step{Name: m.Key.Text}), m.Value
		}
		if r.IntN(3) == 0 {
			return p
		}
	}
	return p
}

func randomValue(r *rand.Rand, depth int) value.Value {
	texts := []string{"", "a", "yes", "a: b", "- a", "x\ny\n", "x\n\n y", " z", "'", "\"", "12", "#", "é\u2028", "a\tb", "~", "{", "arn:aws:s3:::x/*", "\ufeff", "null"}
	switch k := r.IntN(6 + depth); k {
	case 0:
		return value.Value{Kind: value.Bool, Bool: true}
	case 1:
		return value.Value{Kind: value.Number, Number: float64(r.IntN(100)) / 4}
	case 2:
		return value.Value{Kind: value.Null}
	case 3, 4, 5:
		return value.Value{Kind: value.String, Text: texts[r.IntN(len(texts))]}
	case 6:
		v := value.Value{Kind: value.List}
		for range r.IntN(3) {
			v.Items = append(v.Items, randomValue(r, depth-1))
		}
		return v
	default:
		v := value.Value{Kind: value.Object}
		for i := range r.IntN(3) {
			v.Fields = append(v.Fields, value.Field{Name: []string{"- a", "a: b", "yes"}[i], Value: randomValue(r, depth-1)})
		}
		return v
	}
}
