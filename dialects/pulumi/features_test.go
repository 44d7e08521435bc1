package pulumi

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/schema"
)

// TestFeatures holds what the table in docs/dialects.md says of Pulumi.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/pulumi", New(schema.Load()))
}
