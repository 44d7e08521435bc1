package scan

import (
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/source"
)

// TestContentHash_archive: a file that is no text counts with its bytes, for a dialect may unpack it.
func TestContentHash_archive(t *testing.T) {
	hashed := func(content string) string {
		tree := fstest.MapFS{"a.tgz": &fstest.MapFile{Data: []byte(content)}}
		s := &scan{Options: Options{FS: tree}, reader: &source.Reader{FS: tree}}
		return s.contentHash("a.tgz")
	}
	if one, two := hashed("\x1f\x8b\xff\x00one"), hashed("\x1f\x8b\xff\x00two"); one == two {
		t.Error("two archives have one hash")
	}
}
