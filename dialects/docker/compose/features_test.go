package compose

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/schema"
)

// TestFeatures holds what docs/dialects.md says of Compose.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/compose", New(schema.Load()))
}
