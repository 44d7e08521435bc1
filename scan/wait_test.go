package scan_test

import (
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/ansible"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
)

// TestEveryUndecidedWaits: what has no input that could be named waits for itself.
func TestEveryUndecidedWaits(t *testing.T) {
	tree := fstest.MapFS{"site.yml": {Data: []byte("- hosts: localhost\n  tasks:\n    - amazon.aws.ec2_vol:\n        name: r\n        encrypted: \"{{ lookup('pipe', 'whether') }}\"\n")}}
	options := namedOptions(t, tree)
	options.Dialects = []dialect.Dialect{ansible.New(schema.Load())}
	r, err := scan.Run(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Report.Undecided) == 0 {
		t.Fatal("nothing is undecided")
	}
	for _, f := range r.Report.Undecided {
		if len(f.Waits) == 0 || f.Waits[0].Name == "" {
			t.Errorf("%s on %s waits for nothing", f.Rule, f.Resource.Address)
		}
	}
}
