// Package dialecttest is the conformance suite of dialects: what every one of them must hold, whatever its language.
//
// A dialect gives a Suite with a few small estates and what it knows of them, and calls Run from one test, and FuzzEvaluate
// and FuzzEdit from two fuzz targets. Everything else follows from the contract in package dialect.
package dialecttest

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// Suite is a dialect with samples of its language.
type Suite struct {
	New     func(*schema.Set) dialect.Dialect
	Samples []Sample

	// Suppress returns the edits that write a directive ("plumbline:ignore a-rule") where it belongs for a resource. nil means a
	// comment that begins with # in a line of its own above the resource.
	Suppress func(f *source.File, r *resource.Resource, directive string) []source.Edit
}

// Sample is a small estate.
type Sample struct {
	Name  string
	Files map[string]string // text by path

	// Addresses are all resources that come out, of every unit; those of a unit with a variant as "prod: aws_s3_bucket.a".
	Addresses []string

	// Values are what attributes of the resources are. Each sample should have some that are known and one for each input that
	// was left out.
	Values []Value

	// Wishes are what Edit is asked for, each alone and on the sample as it is.
	Wishes []Wish

	// Quiet says that the sample has problems that are meant; of the others every problem is a mistake.
	Quiet bool

	// NoDirectives says that the files of the sample have no place where a directive could stand.
	NoDirectives bool

	// UnixOnly leaves out the trial with lines that end with CR LF: a value of the sample holds a line end.
	UnixOnly bool
}

// Value is what an attribute is.
type Value struct {
	Address string
	Path    string // as value.ParsePath reads it
	Show    string // as value.Show writes it: "private" in quotes, true, [1]; empty for an unknown
	At      string // a text that stands where the value was written; empty: the value itself, where it is text in quotes
	Wait    string // of an unknown: the name of something that Explain says would decide it
}

// Wish is a change of one resource.
type Wish struct {
	Name    string
	Address string
	Changes []resource.Change
	Want    map[string]string // the text of files afterwards, by path; only those that are given are compared
	Shared  []string          // the other resources that change too
	Comment bool              // a comment goes with what is removed
	Refused bool              // it cannot be done, and Edit says so
}

// estate is a tree that is open.
type estate struct {
	dialect.Estate
	files    map[string][]byte
	units    []*dialect.Unit
	problems []source.Problem
}

// open opens and evaluates a tree.
func open(d dialect.Dialect, files map[string]string) *estate { return openWith(d, files, nil, nil) }

// openWith is open with inputs.
func openWith(d dialect.Dialect, files map[string]string, vars []dialect.Var, env map[string]string) *estate {
	tree := make(fstest.MapFS, len(files))
	e := &estate{files: make(map[string][]byte, len(files))}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		e.files[name] = []byte(text)
	}
	reader := &source.Reader{FS: tree}
	w := &dialect.Workspace{FS: tree, Read: reader.Read, Vars: vars, Env: func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}}
	var claimed []string
	paths, problems := source.Walk(tree, ".")
	e.problems = problems
	var surveyed []string
	if s, ok := d.(dialect.Surveyor); ok {
		surveyed = s.Survey(paths, reader.Head)
	}
	for _, p := range paths {
		if slices.Contains(surveyed, p) || d.Claims(p, func() []byte { return reader.Head(p) }) {
			claimed = append(claimed, p)
		}
	}
	e.Estate, problems = d.Open(context.Background(), w, claimed)
	e.problems = append(e.problems, problems...)
	e.evaluate()
	return e
}

// evaluate evaluates every unit.
func (e *estate) evaluate() {
	e.units = nil
	for _, name := range e.Units() {
		u := e.Evaluate(context.Background(), name)
		e.units = append(e.units, u)
		e.problems = append(e.problems, u.Problems...)
	}
}

// with is the estate with other content of some files.
func (e *estate) with(changed map[string][]byte) *estate {
	next := &estate{files: maps.Clone(e.files)}
	var files []*source.File
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		next.files[name] = changed[name]
		files = append(files, &source.File{Path: name, Bytes: changed[name]})
	}
	next.Estate, next.problems = e.With(context.Background(), files)
	next.evaluate()
	return next
}

// place is a resource in its unit.
type place struct {
	unit *dialect.Unit
	*resource.Resource
}

// name is the address, with the variant before it where there is one.
func (p place) name() string {
	if v := p.unit.Name.Variant; v != "" {
		return v + ": " + p.Address
	}
	return p.Address
}

// resources returns every resource in order of its name.
func (e *estate) resources() []place {
	var out []place
	for _, u := range e.units {
		for _, r := range u.Graph.Resources {
			out = append(out, place{u, r})
		}
	}
	return out
}

func (e *estate) names() []string {
	out := []string{}
	for _, p := range e.resources() {
		out = append(out, p.name())
	}
	slices.Sort(out)
	return out
}

// find returns the resource of a name.
func (e *estate) find(t *testing.T, name string) (place, bool) {
	t.Helper()
	for _, p := range e.resources() {
		if p.name() == name {
			return p, true
		}
	}
	t.Errorf("there is no resource %s; there are %q", name, e.names())
	return place{}, false
}

// apply returns the files that edits change, after them.
func (e *estate) apply(t testing.TB, edits []source.Edit) map[string][]byte {
	t.Helper()
	byFile := make(map[string][]source.Edit)
	for _, edit := range edits {
		byFile[edit.Range.File] = append(byFile[edit.Range.File], edit)
	}
	out := make(map[string][]byte)
	for name, edits := range byFile {
		before, ok := e.files[name]
		if !ok {
			t.Errorf("an edit is in %q, which is not in the tree", name)
			continue
		}
		after, err := source.Apply(before, edits)
		if err != nil {
			t.Errorf("the edits of %s: %v", name, err)
			continue
		}
		out[name] = after
	}
	return out
}

// Run holds a dialect to its contract.
func Run(t *testing.T, s Suite) {
	set := schema.Load()
	d := s.New(set)
	if d.Name() == "" {
		t.Error("the dialect has no name")
	}
	for i := range s.Samples {
		sample := &s.Samples[i]
		t.Run(sample.Name, func(t *testing.T) {
			e := open(d, sample.Files)
			if !sample.Quiet {
				for _, p := range e.problems {
					t.Errorf("%s: %s problem: %s", where(e, p.Range), p.Kind, p.Message)
				}
			}
			t.Run("ranges", func(t *testing.T) { checkEstate(t, e) })
			t.Run("addresses", func(t *testing.T) { checkAddresses(t, e, sample) })
			t.Run("values", func(t *testing.T) { checkValues(t, e, sample) })
			t.Run("same", func(t *testing.T) { checkSame(t, d, e, sample) })
			t.Run("wishes", func(t *testing.T) { checkWishes(t, d, sample) })
			t.Run("suppressions", func(t *testing.T) { checkSuppressions(t, d, set, s, sample) })
			t.Run("broken", func(t *testing.T) { checkBroken(t, d, sample) })
		})
	}
}
