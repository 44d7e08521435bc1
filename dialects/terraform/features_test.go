package terraform

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/schema"
)

// TestFeatures holds what the table in docs/dialects.md says of Terraform.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/terraform", New(schema.Load()))
}
