package github

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
)

// TestFeatures holds what the table in docs/dialects.md says of GitHub Actions.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/github-actions", New(nil))
}
