package cloudformation

import (
	"fmt"
	"strings"
	"testing"
)

// TestStacksThatMultiply holds that templates of which each nests the next ten times end in a problem, and soon.
func TestStacksThatMultiply(t *testing.T) {
	files := map[string]string{"t8.yaml": "Resources: {A: {Type: \"AWS::A::A\"}}\n"}
	for i := range 8 {
		var b strings.Builder
		b.WriteString("Resources:\n")
		for n := range 10 {
			fmt.Fprintf(&b, "  S%d: {Type: \"AWS::CloudFormation::Stack\", Properties: {TemplateURL: t%d.yaml}}\n", n, i+1)
		}
		files[fmt.Sprintf("t%d.yaml", i)] = b.String()
	}
	u := evaluated(t, tree(files))
	if !strings.Contains(problemsOf(u), "stacks are nested in each other") {
		t.Errorf("problems %.300s", problemsOf(u))
	}
	if n := len(u.Graph.Resources); n > 20_000 {
		t.Errorf("%d resources", n)
	}
}
