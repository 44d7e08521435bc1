package terraform

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/schema"
)

// TestFeatures holds what the table in docs/dialects.md says of Terraform, and of plans and states.
func TestFeatures(t *testing.T) {
	d := New(schema.Load())
	t.Run("terraform", func(t *testing.T) { dialecttest.Features(t, "testdata/features/terraform", d) })
	t.Run("plan", func(t *testing.T) { dialecttest.Features(t, "testdata/features/plan", d) })
}
