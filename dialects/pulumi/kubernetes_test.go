package pulumi

import "testing"

func TestKindOf(t *testing.T) {
	properties := object()
	custom := with(with(object(), "apiVersion", text("a.example.com/v1")), "kind", text("Thing"))
	for _, c := range []struct{ typ, version, kind string }{
		{"kubernetes:core/v1:Pod", "v1", "Pod"},
		{"kubernetes:apps/v1:Deployment", "apps/v1", "Deployment"},
		{"kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", "rbac.authorization.k8s.io/v1", "ClusterRole"},
		{"kubernetes:apps/v1:DeploymentPatch", "", ""},
		{"kubernetes:helm.sh/v3:Release", "", ""},
		{"kubernetes:yaml:ConfigFile", "", ""},
		{"kubernetes:apiextensions.k8s.io:CustomResource", "", ""},
		{"aws:s3/bucket:Bucket", "", ""},
	} {
		version, kind, ok := kindOf(c.typ, &properties)
		if ok != (c.kind != "") || ok && (version != c.version || kind != c.kind || token(version, kind) != c.typ) {
			t.Errorf("%s: %s %s %v", c.typ, version, kind, ok)
		}
	}
	if version, kind, ok := kindOf("kubernetes:apiextensions.k8s.io:CustomResource", &custom); !ok || version != "a.example.com/v1" || kind != "Thing" {
		t.Error(version, kind, ok)
	}
}
