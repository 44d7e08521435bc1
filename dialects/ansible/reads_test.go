package ansible

import (
	"slices"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// TestReads_surroundings: an inventory or settings that are put beside a playbook later change what it is, so that a result
// remembered without them must not be believed.
func TestReads_surroundings(t *testing.T) {
	tree := fstest.MapFS{"live/plays/site.yml": {Data: []byte("- hosts: web\n  tasks:\n    - debug: {msg: x}\n")}}
	reader := &source.Reader{FS: tree}
	d := New(schema.Load())
	estate, _ := d.Open(t.Context(), &dialect.Workspace{FS: tree, Read: reader.Read}, []string{"live/plays/site.yml"})
	reads := estate.Evaluate(t.Context(), estate.Units()[0]).Reads
	for _, dir := range []string{".", "live", "live/plays"} {
		if !slices.Contains(reads.Dirs, dir) {
			t.Errorf("the listing of %s is not among what was read: %q", dir, reads.Dirs)
		}
		file := "ansible.cfg"
		if dir != "." {
			file = dir + "/" + file
		}
		if !slices.Contains(reads.Files, file) {
			t.Errorf("%s is not among what was looked for: %q", file, reads.Files)
		}
	}
}
