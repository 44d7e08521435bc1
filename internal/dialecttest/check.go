package dialecttest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// where shows a range for people.
func where(e *estate, r source.Range) string {
	if r.IsZero() {
		return "nowhere"
	}
	f := &source.File{Path: r.File, Bytes: e.files[r.File]}
	at := f.Position(r.Start)
	return fmt.Sprintf("%s:%d:%d", r.File, at.Line, at.Column)
}

// checkEstate holds that every range of the estate lies in its file, and that no work ended in a mistake of ours.
func checkEstate(t testing.TB, e *estate) {
	t.Helper()
	c := &checker{TB: t, estate: e}
	for _, p := range e.problems {
		if p.Kind == source.Bug {
			t.Errorf("a bug: %s", p.Message)
		}
		c.lies("the problem "+p.Message, p.Range)
	}
	for _, p := range e.resources() {
		c.resource(p)
	}
	for _, name := range slices.Sorted(maps.Keys(e.files)) {
		c.comments(name)
	}
}

type checker struct {
	testing.TB
	estate *estate
	failed int
}

func (c *checker) fail(format string, args ...any) {
	c.Helper()
	if c.failed++; c.failed <= 10 {
		c.Errorf(format, args...)
	}
}

// lies holds that a range points nowhere or lies in a file of the tree.
func (c *checker) lies(what string, r source.Range) {
	c.Helper()
	if r.IsZero() {
		return
	}
	text, ok := c.estate.files[r.File]
	if r.Start < 0 || r.End < r.Start || r.End > len(text) {
		if !ok && r.Start == 0 && r.End == 0 {
			return // a directory, or a file that is not there
		}
		c.fail("%s lies at %d to %d of %s, which has %d bytes", what, r.Start, r.End, r.File, len(text))
	}
}

func (c *checker) resource(p place) {
	c.Helper()
	what := p.name()
	c.lies(what, p.Range)
	c.lies("the header of "+what, p.Header)
	if p.Range.IsZero() {
		c.fail("%s has no place", what)
	}
	if !p.Header.IsZero() && !p.Range.Contains(p.Header) {
		c.fail("the header of %s at %v is outside of it at %v", what, p.Header, p.Range)
	}
	if p.Dialect == "" || p.Type == "" || p.Address == "" {
		c.fail("%q: the dialect is %q and the type %q", what, p.Dialect, p.Type)
	}
	if p.Body.Kind != value.Object {
		c.fail("the body of %s is %s", what, p.Body.Kind)
	}
	c.value(what, &p.Body)
	for _, call := range p.Calls {
		c.lies("the call "+call.Address, call.Range)
	}
	for _, tag := range p.Tags {
		c.lies("the tag "+tag.Key+" of "+what, tag.Range)
		c.value("the tag "+tag.Key+" of "+what, &tag.Value)
	}
	for _, ref := range p.Refs {
		if ref.Target == "" {
			c.fail("a reference at %s of %s names nothing", ref.Path, what)
		}
		if len(ref.Path) > 0 && p.Body.At(ref.Path[:1]).Kind == value.Absent {
			c.fail("a reference of %s is at %s, where nothing is", what, ref.Path)
		}
	}
	for i := range p.Body.Fields {
		path := value.Path{{Name: p.Body.Fields[i].Name}}
		explained := p.unit.Explain(p.Resource, path)
		for _, step := range explained.Trace {
			c.lies("the trace of "+path.String()+" of "+what, step.Range)
		}
		for _, wait := range explained.Waits {
			c.lies("what "+path.String()+" of "+what+" waits for", wait.Range)
			if wait.Name == "" || wait.Kind == "" {
				c.fail("%s of %s waits for %q of kind %q", path, what, wait.Name, wait.Kind)
			}
		}
	}
}

func (c *checker) value(what string, v *value.Value) {
	c.Helper()
	c.lies("a value of "+what, v.Range)
	for i := range v.Items {
		c.value(what, &v.Items[i])
	}
	for i := range v.Fields {
		if i > 0 && v.Fields[i-1].Name >= v.Fields[i].Name {
			c.fail("the fields %q and %q of %s are not in order", v.Fields[i-1].Name, v.Fields[i].Name, what)
		}
		c.value(what+"."+v.Fields[i].Name, &v.Fields[i].Value)
	}
	if v.Document != nil {
		c.value("the document in "+what, v.Document)
	}
}

func (c *checker) comments(name string) {
	c.Helper()
	last := 0
	for _, comment := range c.estate.Comments(name) {
		c.lies("a comment", comment.Range)
		c.lies("what a comment belongs to", comment.Target)
		c.lies("the block of a comment", comment.Block)
		if comment.Range.File != name {
			c.fail("a comment of %s says that it is in %q", name, comment.Range.File)
		}
		if comment.Range.Start < last {
			c.fail("the comments of %s are not in order", name)
		}
		if strings.TrimSpace(comment.Text) != comment.Text {
			c.fail("the text of a comment has white space around it: %q", comment.Text)
		}
		last = comment.Range.Start
	}
}

func checkAddresses(t *testing.T, e *estate, s *Sample) {
	want := slices.Sorted(slices.Values(s.Addresses))
	if diff := cmp.Diff(want, e.names()); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}

func checkValues(t *testing.T, e *estate, s *Sample) {
	for _, want := range s.Values {
		p, ok := e.find(t, want.Address)
		path, valid := value.ParsePath(want.Path)
		if !ok || !valid {
			t.Errorf("%s: %q is no path of a resource", want.Address, want.Path)
			continue
		}
		v := p.Body.At(path)
		text := ""
		if !v.Range.IsZero() {
			text = string(e.files[v.Range.File][v.Range.Start:v.Range.End])
		}
		at := want.At
		if at == "" && strings.HasPrefix(want.Show, `"`) {
			at = strings.Trim(want.Show, `"`)
		}
		if !strings.Contains(text, at) {
			t.Errorf("%s of %s is at %q (%s), which does not hold %q", want.Path, want.Address, text, where(e, v.Range), at)
		}
		if want.Show != "" {
			if got := value.Show(v); got != want.Show {
				t.Errorf("%s of %s is %s, want %s", want.Path, want.Address, got, want.Show)
			}
			continue
		}
		if v.Kind != value.Unknown {
			t.Errorf("%s of %s is %s, want an unknown", want.Path, want.Address, value.Show(v))
		}
		waits := p.unit.Explain(p.Resource, path).Waits
		if !slices.ContainsFunc(waits, func(w dialect.Wait) bool { return w.Name == want.Wait }) {
			t.Errorf("%s of %s waits for %v, want %q among them", want.Path, want.Address, waits, want.Wait)
		}
	}
}

// snapshot is all of a resource that can be compared.
type snapshot struct {
	resource.Resource
	Name string
}

// snapshots are the resources of an estate as they can be compared: by name, without what only the dialect knows.
func (e *estate) snapshots() []snapshot {
	out := []snapshot{}
	for _, p := range e.resources() {
		s := snapshot{*p.Resource, p.name()}
		s.Handle = nil
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b snapshot) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// shown writes snapshots for people. What is different but looks the same is in a place.
func shown(all []snapshot) []string {
	var out []string
	for _, s := range all {
		out = append(out, fmt.Sprintf("%s %s at %v: %s refs %v tags %d", s.Name, s.Type, s.Range, value.Show(&s.Body), s.Refs, len(s.Tags)))
	}
	return out
}

// checkSame holds that evaluating again, opening again and changing nothing or changing back gives the same resources.
func checkSame(t *testing.T, d dialect.Dialect, e *estate, s *Sample) {
	want := e.snapshots()
	same := func(how string, got []snapshot) {
		t.Helper()
		if diff := cmp.Diff(shown(want), shown(got)); diff != "" || !reflect.DeepEqual(want, got) {
			t.Errorf("%s gives other resources (-before +after):\n%s", how, diff)
		}
	}
	again := &estate{Estate: e.Estate, files: e.files}
	again.evaluate()
	same("evaluating again", again.snapshots())
	for range 3 {
		same("opening again", open(d, s.Files).snapshots())
	}
	same("changing nothing", e.with(nil).snapshots())
	for name, text := range e.files {
		same("writing "+name+" as it is", e.with(map[string][]byte{name: text}).snapshots())
		emptied := e.with(map[string][]byte{name: nil})
		same("emptying "+name+" and writing it back", emptied.with(map[string][]byte{name: text}).snapshots())
	}
	same("all this", func() []snapshot { e.evaluate(); return e.snapshots() }())
}
