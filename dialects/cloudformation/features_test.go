package cloudformation

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/schema"
)

// TestFeatures holds what the table in docs/dialects.md says of CloudFormation and the Serverless Framework.
func TestFeatures(t *testing.T) {
	set := schema.Load()
	t.Run("cloudformation", func(t *testing.T) {
		dialecttest.Features(t, "testdata/features/cloudformation", New(set))
	})
	t.Run("serverless", func(t *testing.T) {
		dialecttest.Features(t, "testdata/features/serverless", NewServerless(set))
	})
}
