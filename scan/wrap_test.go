package scan

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// taker is a dialect that takes one file and notes what it is given.
type taker struct {
	name, wraps, file string
	given             *[]string
}

func (t taker) Name() string                          { return t.name }
func (t taker) Wraps() string                         { return t.wraps }
func (t taker) Claims(p string, _ func() []byte) bool { return p == t.file }
func (t taker) Open(_ context.Context, _ *dialect.Workspace, paths []string) (dialect.Estate, []source.Problem) {
	*t.given = paths
	return nil, nil
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		name         string
		files        []string
		inner, outer []string
	}{
		{"files of both", []string{"inner", "outer"}, nil, []string{"outer", "inner"}},
		{"nothing of the wrapper", []string{"inner"}, []string{"inner"}, nil},
		{"nothing of the other", []string{"outer"}, nil, []string{"outer"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for _, f := range c.files {
				tree[f] = &fstest.MapFile{Data: []byte("x")}
			}
			var inner, outer []string
			_, err := open(context.Background(), Options{FS: tree, Dialects: []dialect.Dialect{
				taker{name: "a", file: "inner", given: &inner}, taker{name: "b", wraps: "a", file: "outer", given: &outer},
			}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.inner, inner); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.outer, outer); diff != "" {
				t.Error(diff)
			}
		})
	}
}
