package cloudformation

import (
	"context"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
)

// TestForeignMetadata holds that what Checkov reads in the Metadata of a resource counts here too, for that resource alone.
func TestForeignMetadata(t *testing.T) {
	const page = "---\nid: conformance\nseverity: high\ncategory: access-control\non: [aws_ebs_volume]\nrequire: 'false'\nmessage: It is there\naliases: [CKV_AWS_3]\nsince: 0.1\n---\n# It is there\n\nEverything of this type breaks this rule.\n"
	catalogue, err := rule.Load(set(), fstest.MapFS{"conformance.md": {Data: []byte(page)}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := scan.Run(context.Background(), scan.Options{
		FS:       fstest.MapFS{"t.yaml": {Data: []byte("Resources:\n  A:\n    Type: AWS::EC2::Volume\n    Metadata:\n      checkov:\n        skip:\n          - comment: fine\n            id: CKV_AWS_3\n  B:\n    Type: AWS::EC2::Volume\n")}},
		Dialects: []dialect.Dialect{New(set())}, Rules: catalogue,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range result.Report.Findings {
		suppressed := f.Suppression != nil
		if suppressed != (f.Resource.Address == "A") {
			t.Errorf("%s: suppressed is %v", f.Resource.Address, suppressed)
		}
	}
	if len(result.Report.Findings) != 2 {
		t.Errorf("%d findings, want 2", len(result.Report.Findings))
	}
}
