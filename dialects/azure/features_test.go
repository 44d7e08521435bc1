package azure

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/schema"
)

// TestFeatures holds what the table in docs/dialects.md says of ARM templates and Bicep.
func TestFeatures(t *testing.T) {
	set := schema.Load()
	t.Run("arm", func(t *testing.T) { dialecttest.Features(t, "testdata/features/arm", New(set)) })
	t.Run("bicep", func(t *testing.T) { dialecttest.Features(t, "testdata/features/bicep", NewBicep(set)) })
}
