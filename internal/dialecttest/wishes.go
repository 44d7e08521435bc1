package dialecttest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// checkWishes holds that each wish is fulfilled, and that nothing else changes: in files with line ends of either kind.
func checkWishes(t *testing.T, d dialect.Dialect, s *Sample) {
	for i := range s.Wishes {
		w := &s.Wishes[i]
		t.Run(w.Name, func(t *testing.T) { checkWish(t, d, s.Files, w, "\n") })
		if !s.UnixOnly {
			t.Run(w.Name+", CRLF", func(t *testing.T) { checkWish(t, d, withCRLF(s.Files), w, "\r\n") })
		}
	}
}

func withCRLF(files map[string]string) map[string]string {
	out := make(map[string]string)
	for name, text := range files {
		out[name] = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return out
}

func checkWish(t *testing.T, d dialect.Dialect, files map[string]string, w *Wish, eol string) {
	e := open(d, files)
	p, ok := e.find(t, w.Address)
	if !ok {
		return
	}
	lowered, err := p.unit.Edit(p.Resource, w.Changes)
	if w.Refused {
		if err == nil {
			t.Errorf("it is not refused but makes the edits %v", lowered.Edits)
		}
		return
	}
	if err != nil {
		t.Fatalf("it is refused: %v", err)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(w.Shared)), slices.Sorted(slices.Values(lowered.Shared))); diff != "" && len(w.Shared)+len(lowered.Shared) > 0 {
		t.Errorf("others that change (-want +got):\n%s", diff)
	}
	changed := e.apply(t, lowered.Edits)
	after := e.with(changed)
	for _, problem := range after.problems {
		if !slices.ContainsFunc(e.problems, func(o source.Problem) bool { return o.Message == problem.Message }) {
			t.Errorf("afterwards there is a problem: %s", problem.Message)
		}
	}
	checkEstate(t, after)
	q, ok := after.find(t, w.Address)
	if !ok {
		showFiles(t, changed)
		return
	}
	for _, c := range w.Changes {
		fulfilled(t, e, after, p, q, c)
	}
	othersStay(t, e, after, p, lowered.Shared)
	for name, text := range changed {
		if want, ok := w.Want[name]; ok {
			if diff := cmp.Diff(strings.ReplaceAll(want, "\n", eol), string(text)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if eol == "\r\n" && strings.Contains(strings.ReplaceAll(string(text), "\r\n", ""), "\n") {
			t.Errorf("%s has line ends of two kinds:\n%q", name, text)
		}
		if !w.Comment {
			commentsStay(t, e, after, name)
		}
	}
	for name := range w.Want {
		if _, ok := changed[name]; !ok && !strings.EqualFold(w.Want[name], files[name]) {
			t.Errorf("%s is not changed", name)
		}
	}
	again, err := q.unit.Edit(q.Resource, w.Changes)
	if err != nil || len(again.Edits) > 0 {
		t.Errorf("wished again it makes the edits %v, %v", again.Edits, err)
	}
	if t.Failed() {
		showFiles(t, changed)
	}
}

func showFiles(t *testing.T, files map[string][]byte) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		t.Logf("%s:\n%s", name, files[name])
	}
}

// fulfilled holds that a change was made.
func fulfilled(t *testing.T, before, after *estate, p, q place, c resource.Change) {
	t.Helper()
	switch c.Op {
	case resource.Set:
		if got := q.Body.At(c.Path); !sameValue(got, &c.Value) {
			t.Errorf("%s is %s afterwards, want %s", c.Path, value.Show(got), value.Show(&c.Value))
		}
	case resource.Remove:
		if got := q.Body.At(c.Path); got.IsSet() {
			t.Errorf("%s is %s afterwards, want nothing", c.Path, value.Show(got))
		}
	case resource.Add:
		had, has := p.Body.At(c.Path), q.Body.At(c.Path)
		if len(has.Items) != len(had.Items)+1 && !(had.Kind == value.Absent && has.Kind == value.Object) {
			t.Errorf("%s has %d elements afterwards, %d before", c.Path, len(has.Items), len(had.Items))
		}
	case resource.Create:
		if len(q.unit.Graph.ByType(c.New.Type)) != len(p.unit.Graph.ByType(c.New.Type))+1 {
			t.Errorf("there is no new %s afterwards; there are %q", c.New.Type, after.names())
		}
	}
}

// sameValue reports whether a value is what was wished. A block that may repeat is wished as one object.
func sameValue(got, want *value.Value) bool {
	if got.Kind == value.List && want.Kind == value.Object && len(got.Items) == 1 {
		got = &got.Items[0]
	}
	switch {
	case got.Kind == value.Object && want.Kind == value.Object:
		for i := range want.Fields {
			if !sameValue(got.Field(want.Fields[i].Name), &want.Fields[i].Value) {
				return false
			}
		}
		return true
	case got.Kind == value.List && want.Kind == value.List && len(got.Items) == len(want.Items):
		for i := range want.Items {
			if !sameValue(&got.Items[i], &want.Items[i]) {
				return false
			}
		}
		return true
	}
	return got.Equal(want)
}

// othersStay holds that resources other than the edited one, its companions and the shared ones are as before. Where they
// stand may change, and inputs and outputs may have other values: they are where a value is written, or shown.
func othersStay(t *testing.T, before, after *estate, p place, shared []string) {
	t.Helper()
	for _, o := range before.resources() {
		if o.Type == "variable" || o.Type == "output" || o.Type == "ansible_variable" || o.unit == p.unit && (o.Address == p.Address || p.Range.Contains(o.Range) || o.Range.Contains(p.Range)) || slices.Contains(shared, o.Address) {
			continue
		}
		q, ok := after.find(t, o.name())
		if ok && !q.Body.Equal(&o.Body) {
			t.Errorf("%s changed too: it was %s and is %s", o.name(), value.Show(&o.Body), value.Show(&q.Body))
		}
	}
}

func commentsStay(t *testing.T, before, after *estate, name string) {
	t.Helper()
	texts := func(e *estate) (out []string) {
		for _, c := range e.Comments(name) {
			out = append(out, c.Text)
		}
		return out
	}
	if diff := cmp.Diff(texts(before), texts(after)); diff != "" {
		t.Errorf("comments of %s (-before +after):\n%s", name, diff)
	}
}
