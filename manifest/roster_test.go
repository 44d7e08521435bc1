package manifest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The same names in each of many namespaces are within the budget, and those of which the namespace is not known are still found.
func TestManyNamespaces(t *testing.T) {
	var text strings.Builder
	add := func(namespace string) {
		fmt.Fprintf(&text, `---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: %[1]s}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: %[1]s, labels: {app: web}}
spec: {serviceAccountName: web, containers: [{name: a}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: %[1]s}
spec: {selector: {app: web}}
`, namespace)
	}
	for i := range 1500 {
		add(fmt.Sprint("n", i))
	}
	add("!unknown n")
	add("!unknown x")
	add("")
	got := slices.DeleteFunc(edges(resources(t, text.String())), func(edge string) bool { return !strings.HasPrefix(edge, "n7/") })
	want := []string{
		"n7/Pod/web spec.serviceAccountName -> ServiceAccount/web #3?",
		"n7/Pod/web spec.serviceAccountName -> ServiceAccount/web?",
		"n7/Pod/web spec.serviceAccountName -> n7/ServiceAccount/web",
		"n7/Service/web spec.selector -> Pod/web #3?",
		"n7/Service/web spec.selector -> Pod/web?",
		"n7/Service/web spec.selector -> n7/Pod/web",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
