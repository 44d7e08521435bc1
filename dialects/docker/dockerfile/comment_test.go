package dockerfile

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

func TestComments(t *testing.T) {
	const text = "# syntax=x\n# one\n## two\nFROM a\n\n  # three\nRUN b \\\n  # four\n  # five\n  c \\\n# six\n  d\nRUN <<E\n# no comment of the file\nE\n# last\n"
	f := &source.File{Path: "Dockerfile", Bytes: []byte(text)}
	w := &dialect.Workspace{Read: func(string) (*source.File, *source.Problem) { return f, nil }}
	e, _ := dockerfile{}.Open(context.Background(), w, []string{"Dockerfile"})
	var got [][3]string
	for _, c := range e.Comments("Dockerfile") {
		got = append(got, [3]string{c.Text, f.Text(c.Target), f.Text(c.Block)})
	}
	const run = "RUN b \\\n  # four\n  # five\n  c \\\n# six\n  d"
	want := [][3]string{
		{"syntax=x", "FROM a", ""}, {"one", "FROM a", ""}, {"two", "FROM a", ""}, {"three", run, ""},
		{"four", "c \\", run}, {"five", "c \\", run}, {"six", "d", run}, {"last", "", ""},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestExplain holds what is told of where values come from.
func TestExplain(t *testing.T) {
	_, u := unitOf(t, "ARG TAG=1\nFROM a:$TAG\nARG NAME\nUSER $NAME\nRUN apk add $PACKAGES\n")
	for _, c := range []struct{ address, path, said, trace, wait string }{
		{"final", "image", "FROM", "ARG TAG", ""},
		{"final", "user", "USER", "ARG NAME", "build argument NAME"},
		{`final["RUN apk add"]`, "unpinned_packages", "", "", "shell variable PACKAGES"},
		{`final["RUN apk add"]`, "cache_left", "RUN", "", ""},
	} {
		x := u.Explain(u.Graph.ByAddress(c.address), pathOf(c.path))
		trace, wait := "", ""
		for _, s := range x.Trace {
			trace += s.Name
		}
		for _, w := range x.Waits {
			wait += w.Name
		}
		if x.Path != c.said || trace != c.trace || wait != c.wait {
			t.Errorf("%s %s: path %q, trace %q, waits for %q", c.address, c.path, x.Path, trace, wait)
		}
	}
}
