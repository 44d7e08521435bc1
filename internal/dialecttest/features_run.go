package dialecttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Features runs the cases in a folder, and fails on everything that is not as they expect.
func Features(t *testing.T, dir string, d dialect.Dialect) {
	features, err := ReadFeatures(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(features) == 0 {
		t.Fatalf("there are no cases in %s", dir)
	}
	for i := range features {
		f := &features[i]
		t.Run(strings.TrimSuffix(path.Base(f.Path), ".txtar"), func(t *testing.T) {
			for _, m := range f.Run(d) {
				t.Error(m)
			}
		})
	}
}

// Run holds a dialect to a case. It returns what is not as expected.
func (f *Feature) Run(d dialect.Dialect) []string {
	e := openWith(d, f.files, f.vars, f.env)
	r := &featureRun{Feature: f, estate: e}
	expected := make([]bool, len(e.problems))
	missing := make(map[string]bool) // modules that are not at hand; true for those that are expected
	for _, u := range e.units {
		for _, m := range u.Graph.Missing {
			missing[m.Address] = false
		}
	}
	for i := range f.expects {
		x := &f.expects[i]
		if x.verb == "missing" {
			if _, ok := missing[x.rest]; !ok {
				r.fail("%s: it is not", x.line)
			}
			missing[x.rest] = true
			continue
		}
		if x.verb != "problem" {
			r.hold(x)
			continue
		}
		kind, text, _ := strings.Cut(x.rest, " ")
		found := false
		for i, p := range e.problems {
			if string(p.Kind) == kind && strings.Contains(p.Message, text) {
				found, expected[i] = true, true
			}
		}
		if !found {
			r.fail("%s: there is no such problem", x.line)
		}
		r.told = true
	}
	for i, p := range e.problems {
		if p.Kind == source.Bug || !expected[i] && f.Support != Unsupported {
			r.fail("%s: %s problem: %s", where(e, p.Range), p.Kind, p.Message)
		}
		r.told = true
	}
	for _, m := range slices.Sorted(maps.Keys(missing)) {
		if !missing[m] && f.Support != Unsupported {
			r.fail("%s is missing", m)
		}
		r.told = true
	}
	if len(r.failures) > 0 {
		r.fail("there are %q", e.names())
	}
	switch {
	case r.missing > 0 && !r.told:
		r.fail("no problem tells why %d resources are missing", r.missing)
	case f.Support == Unknown && r.open == 0:
		r.fail("nothing is unknown that the case expects to be known: it is supported now")
	case f.Support == Unsupported && r.open+r.missing == 0 && !r.told:
		r.fail("no problem tells of it, and nothing is missing: it is supported now")
	}
	return r.failures
}

// featureRun is a case that runs.
type featureRun struct {
	*Feature
	*estate
	failures []string
	open     int  // values that should be known and are not
	missing  int  // resources that should be there and are not
	told     bool // by a problem, or by a module that is missing
}

func (r *featureRun) fail(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// hold holds one expectation. With a status, a value may be unknown that should be known; with Unsupported, a resource may be
// missing as well, as long as a problem tells of it.
func (r *featureRun) hold(x *expectation) {
	var found *place
	for _, p := range r.resources() {
		if p.name() == x.address {
			found = &p
			break
		}
	}
	if x.verb == "absent" && x.path == nil {
		switch {
		case found == nil:
		case r.Support != Supported && found.Maybe:
			r.open++
		default:
			r.fail("%s: it is there", x.line)
		}
		return
	}
	if found == nil {
		if r.Support == Unsupported {
			r.missing++
		} else {
			r.fail("%s: there is no such resource", x.line)
		}
		return
	}
	got := found.Body.At(x.path)
	switch x.verb {
	case "exists", "maybe":
		switch want := x.verb == "maybe"; {
		case found.Maybe == want:
		case r.Support != Supported && found.Maybe:
			r.open++
		default:
			r.fail("%s: maybe is %t", x.line, found.Maybe)
		}
	case "absent":
		if got.Kind == value.Unknown && r.Support != Supported {
			r.open++
		} else if got.IsSet() {
			r.fail("%s: it is %s", x.line, value.Show(got))
		}
	case "=":
		var want any
		dec := json.NewDecoder(strings.NewReader(x.rest))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			r.fail("%s: %v", x.line, err)
		} else if r.Support != Supported && !got.IsWhollyKnown() {
			r.open++
		} else if !same(got, want) {
			r.fail("%s: it is %s, in full %s", x.line, value.Show(got), got.AppendJSON(nil, false))
		}
	case "unknown":
		if got.Kind != value.Unknown && !got.Open && !mayHave(&found.Body, x.path) {
			r.fail("%s: it is %s, a %s", x.line, value.Show(got), got.Kind)
		} else if x.rest != "" {
			r.waits(x, *found)
		}
	case "at":
		r.at(x, got)
	}
}

// mayHave reports whether something that nobody wrote may be there all the same: it would be in an object whose keys are not all
// known.
func mayHave(v *value.Value, path value.Path) bool {
	for _, s := range path {
		if s.Name == "" {
			return false
		}
		next := v.Field(s.Name)
		if next.Kind == value.Absent {
			return v.Open
		}
		v = next
	}
	return false
}

// waits holds that something would decide a value.
func (r *featureRun) waits(x *expectation, p place) {
	var names []string
	for _, w := range p.unit.Explain(p.Resource, x.path).Waits {
		if w.Name == x.rest {
			return
		}
		names = append(names, w.Name)
	}
	r.fail("%s: it waits for %q", x.line, names)
}

// at holds where a value stands.
func (r *featureRun) at(x *expectation, got *value.Value) {
	file, line, _ := readPlace(x.rest)
	if got.Range.IsZero() {
		r.fail("%s: it stands nowhere", x.line)
		return
	}
	f := &source.File{Path: got.Range.File, Bytes: r.estate.files[got.Range.File]}
	if at := f.Position(got.Range.Start).Line; got.Range.File != file || at != line {
		r.fail("%s: it stands at %s:%d", x.line, got.Range.File, at)
	}
}

// same reports whether a value is what JSON says. A text that holds a document is compared as that where the JSON is not a text.
func same(got *value.Value, want any) bool {
	if _, text := want.(string); !text && got.Document != nil {
		got = got.Document
	} else if !text && got.Kind == value.String {
		return sameText(got.Text, want)
	}
	switch want := want.(type) {
	case nil:
		return got.Kind == value.Null
	case bool:
		return got.Kind == value.Bool && got.Bool == want
	case json.Number:
		return got.Kind == value.Number && got.Digits() == want.String()
	case string:
		return got.Kind == value.String && got.Text == want
	case []any:
		if got.Kind != value.List || got.Open || len(got.Items) != len(want) {
			return false
		}
		for i := range want {
			if got.Items[i].Maybe || !same(&got.Items[i], want[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		if got.Kind != value.Object || got.Open {
			return false
		}
		written := 0
		for i := range got.Fields {
			if f := &got.Fields[i]; f.Value.Kind != value.Absent {
				w, ok := want[f.Name]
				if !ok || !same(&f.Value, w) {
					return false
				}
				written++
			}
		}
		return written == len(want)
	}
	return false
}

// sameText reports whether a text is the document that JSON says.
func sameText(text string, want any) bool {
	var got any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	switch want.(type) {
	case []any, map[string]any:
		return dec.Decode(&got) == nil && reflect.DeepEqual(got, want)
	}
	return false
}
