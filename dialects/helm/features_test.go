package helm

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/schema"
)

// TestFeatures holds what the table in docs/dialects.md says of Helm.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/helm", New(schema.Load()))
}
