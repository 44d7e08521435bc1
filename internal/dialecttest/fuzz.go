package dialecttest

import (
	"maps"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// fuzzBytes is how long a text may be that is tried: longer ones find nothing more and take longer.
const fuzzBytes = 6000

// mutant is a sample one of whose files is what the fuzzer makes of it.
type mutant struct {
	sample *Sample
	file   string
}

func mutants(f *testing.F, s Suite) []mutant {
	f.Helper()
	var out []mutant
	for i := range s.Samples {
		for _, name := range slices.Sorted(maps.Keys(s.Samples[i].Files)) {
			f.Add(s.Samples[i].Files[name], uint(len(out)), uint64(len(out)))
			out = append(out, mutant{&s.Samples[i], name})
		}
	}
	if len(out) == 0 {
		f.Fatal("there are no samples")
	}
	return out
}

func (m mutant) files(text string) map[string]string {
	files := maps.Clone(m.sample.Files)
	files[m.file] = text
	return files
}

// FuzzEvaluate holds that no text makes the dialect panic, hang or point outside of a file.
func FuzzEvaluate(f *testing.F, s Suite) {
	all := mutants(f, s)
	d := s.New(schema.Load())
	f.Fuzz(func(t *testing.T, text string, which uint, _ uint64) {
		if !utf8.ValidString(text) || len(text) > fuzzBytes {
			return
		}
		start := time.Now()
		checkEstate(t, open(d, all[which%uint(len(all))].files(text)))
		if took := time.Since(start); took > 2*patience {
			t.Errorf("it took %s", took)
		}
	})
}

// FuzzEdit wishes something of a resource of whatever comes out of a text: it is refused, or the file can still be read and nothing
// is left to wish.
func FuzzEdit(f *testing.F, s Suite) {
	all := mutants(f, s)
	d := s.New(schema.Load())
	f.Fuzz(func(t *testing.T, text string, which uint, seed uint64) {
		if !utf8.ValidString(text) || len(text) > fuzzBytes {
			return
		}
		e := open(d, all[which%uint(len(all))].files(text))
		resources := e.resources()
		if len(resources) == 0 || len(e.problems) > 0 {
			return
		}
		p := resources[seed%uint64(len(resources))]
		changes := []resource.Change{anyChange(p.Resource, seed/uint64(len(resources)))}
		lowered, err := p.unit.Edit(p.Resource, changes)
		if err != nil {
			return
		}
		after := e.with(e.apply(t, lowered.Edits))
		checkEstate(t, after)
		for _, problem := range after.problems {
			if problem.Kind == source.Invalid {
				t.Errorf("%s %s of %s makes a problem: %s\n%s", changes[0].Op, changes[0].Path, p.name(), problem.Message, text)
			}
		}
		for _, q := range after.resources() {
			if q.name() != p.name() || q.unit.Name != p.unit.Name {
				continue
			}
			if again, err := q.unit.Edit(q.Resource, changes); err == nil && len(again.Edits) > 0 {
				t.Errorf("%s %s of %s, wished again, makes the edits %v\n%s", changes[0].Op, changes[0].Path, p.name(), again.Edits, text)
			}
		}
	})
}

// anyChange is a wish that a number stands for: about an attribute that is there, or about a new one.
func anyChange(r *resource.Resource, n uint64) resource.Change {
	texts := []string{"a", "", "yes", "a: b", "${x}", "{{ x }}", "x\ny", "'\"\\", "#", "é", "12"}
	values := []value.Value{
		{Kind: value.Bool, Bool: true}, {Kind: value.Bool}, {Kind: value.Number, Number: 7},
		{Kind: value.String, Text: texts[n/64%uint64(len(texts))]},
		{Kind: value.List, Items: []value.Value{{Kind: value.String, Text: "a"}}},
		{Kind: value.Object, Fields: []value.Field{{Name: "a", Value: value.Value{Kind: value.String, Text: "b"}}}},
	}
	c := resource.Change{Op: resource.Set, Path: value.Path{{Name: "tags"}, {Name: "fuzz"}}, Value: values[n%uint64(len(values))]}
	if k := len(r.Body.Fields); k > 0 {
		f := r.Body.Fields[n/8%uint64(k)]
		c.Path = value.Path{{Name: f.Name}}
		if n%3 > 0 { // most wishes are for the kind of value that is there
			for _, v := range values {
				if v.Kind == f.Value.Kind {
					c.Value = v
				}
			}
		}
	}
	if n%5 == 4 {
		c.Op, c.Value = resource.Remove, value.Value{}
	}
	return c
}
