package ansible

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/schema"
)

// TestFeatures holds what the table in docs/dialects.md says of Ansible.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/ansible", New(schema.Load()))
}
