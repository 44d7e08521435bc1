package ansible

import (
	"fmt"
	"strings"
	"testing"
)

// TestIncludesThatMultiply holds that files of which each includes the next ten times end in a problem, and soon.
func TestIncludesThatMultiply(t *testing.T) {
	var b strings.Builder
	b.WriteString("- hosts: all\n  tasks:\n    - include_tasks: t0.yml\n")
	for i := range 8 {
		fmt.Fprintf(&b, "-- t%d.yml --\n%s", i, strings.Repeat(fmt.Sprintf("- include_tasks: t%d.yml\n", i+1), 10))
	}
	b.WriteString("-- t8.yml --\n- debug: {msg: here}\n")
	g, problems, _ := evaluated(t, b.String())
	if len(problems) != 1 || !strings.Contains(problems[0].Message, "includes files and roles more than") {
		t.Errorf("problems %v", problems)
	}
	if len(g.Resources) > 20_000 {
		t.Errorf("%d resources", len(g.Resources))
	}
}
