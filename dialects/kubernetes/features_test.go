package kubernetes

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/schema"
)

// TestFeatures holds what the table in docs/dialects.md says of Kubernetes.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/kubernetes", New(schema.Load()))
}
