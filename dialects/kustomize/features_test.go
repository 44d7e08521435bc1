package kustomize

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/schema"
)

// TestFeatures holds what the table in docs/dialects.md says of kustomize.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/kustomize", New(schema.Load()))
}
