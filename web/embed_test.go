package web

import (
	"io/fs"
	"testing"
	"testing/fstest"
)

func TestBuilt(t *testing.T) {
	for name, test := range map[string]struct {
		files fstest.MapFS
		want  bool
	}{
		"a checkout": {fstest.MapFS{".gitkeep": {}}, false},
		"after npm":  {fstest.MapFS{".gitkeep": {}, "index.html": {Data: []byte("<!doctype html>")}}, true},
		"a folder":   {fstest.MapFS{"index.html/x": {}}, false},
	} {
		if got := built(test.files); got != test.want {
			t.Errorf("%s: built = %t, want %t", name, got, test.want)
		}
	}
}

func TestFiles(t *testing.T) {
	files, ok := Files()
	if files == nil {
		t.Fatal("no file system, though the folder is always embedded")
	}
	if _, err := fs.Stat(files, "index.html"); (err == nil) != ok {
		t.Errorf("Files says %t, but index.html: %v", ok, err)
	}
}
