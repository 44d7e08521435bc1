package terraform

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// orchestrated is an estate with objects of Kubernetes in every form.
var orchestrated = map[string]string{
	"main.tf": `variable "user" {}
variable "file" {}
variable "probe" {}
locals {
  run = { privileged = true }
}
resource "kubernetes_namespace_v1" "shop" {
  metadata { name = "shop" }
}
module "web" {
  source    = "./web"
  for_each  = toset(["blue", "green"])
  name      = each.key
  namespace = kubernetes_namespace_v1.shop.metadata[0].name
}
resource "kubernetes_pod" "one" {
  metadata { name = "one" }
  spec {
    host_pid = true
    container {
      name  = "app"
      image = "shop:${var.user}"
      dynamic "liveness_probe" {
        for_each = var.probe
        content {
          http_get { path = "/" }
        }
      }
      security_context {
        privileged  = local.run.privileged
        run_as_user = var.user
      }
    }
  }
}
resource "kubernetes_manifest" "policy" {
  manifest = {
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata   = { name = "all", namespace = "shop" }
    spec       = { podSelector = {}, policyTypes = ["Ingress"] }
  }
}
resource "kubernetes_manifest" "unknown" {
  manifest = yamldecode(var.file)
}
resource "kubectl_manifest" "text" {
  yaml_body = <<-EOT
    apiVersion: v1
    kind: Pod
    metadata: {name: text}
    spec: {hostIPC: true}
  EOT
}
resource "kubernetes_labels" "none" {
  api_version = "v1"
  kind        = "Pod"
  labels      = { a = "b" }
  metadata { name = "x" }
}
`,
	"web/main.tf": `variable "name" {}
variable "namespace" {}
resource "kubernetes_deployment_v1" "this" {
  count = 2
  metadata {
    name      = "${var.name}-${count.index}"
    namespace = var.namespace
  }
  spec {
    selector { match_labels = { app = var.name } }
    template {
      metadata { labels = { app = var.name } }
      spec {
        container {
          name  = "app"
          image = "shop"
          port { container_port = 8080 }
        }
      }
    }
  }
}
`,
}

func TestKubernetes_addresses(t *testing.T) {
	e := evaluateTree(t, orchestrated)
	var got []string
	for _, r := range e.units[0].Graph.Resources {
		if strings.HasPrefix(r.Type, "k8s_") || strings.HasPrefix(r.Type, "kube") {
			got = append(got, r.Type+" "+r.Address)
		}
	}
	slices.Sort(got)
	var want []string
	for _, m := range []string{"blue", "green"} {
		for _, i := range []string{"0", "1"} {
			a := `module.web["` + m + `"].kubernetes_deployment_v1.this[` + i + "]"
			want = append(want, "k8s_deployment "+a, "k8s_pod "+a+" pod", "k8s_container "+a+" container app",
				"kubernetes_deployment_v1 "+strings.Replace(a, ".kubernetes", ".resource.kubernetes", 1))
		}
	}
	want = append(want, "k8s_namespace kubernetes_namespace_v1.shop", "kubernetes_namespace_v1 resource.kubernetes_namespace_v1.shop",
		"k8s_pod kubernetes_pod.one", "k8s_container kubernetes_pod.one container app", "kubernetes_pod resource.kubernetes_pod.one",
		"k8s_network_policy kubernetes_manifest.policy", "kubernetes_manifest resource.kubernetes_manifest.policy",
		"kubernetes_manifest kubernetes_manifest.unknown",
		"k8s_pod kubectl_manifest.text", "kubectl_manifest resource.kubectl_manifest.text", "kubernetes_labels kubernetes_labels.none")
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]resource.Missing{{Address: "kubernetes_manifest.unknown", Types: "k8s_"}}, e.units[0].Graph.Missing); diff != "" {
		t.Error(diff)
	}
	g := e.units[0].Graph
	a := g.ByAddress(`module.web["blue"].kubernetes_deployment_v1.this[1]`)
	if a.Native != "kubernetes_deployment_v1" || a.Name != "this" || a.Module != `module.web["blue"]` || a.Provider != "kubernetes" || len(a.Calls) != 1 {
		t.Errorf("%+v", a)
	}
	var wholes []string
	for _, w := range g.Wholes(g.ByAddress(a.Address + " container app")) {
		wholes = append(wholes, w.Address)
	}
	if diff := cmp.Diff([]string{a.Address + " pod", a.Address, `module.web["blue"].resource.kubernetes_deployment_v1.this[1]`}, wholes); diff != "" {
		t.Error(diff)
	}
	// The policy of one resource selects the pods of the others in its namespace, and no other; that of kubectl may be in any.
	for _, ref := range g.ByAddress("kubernetes_manifest.policy").Refs {
		to := g.ByAddress(ref.Target)
		if ref.Maybe != (ref.Target == "kubectl_manifest.text") || to.Type != "k8s_namespace" && to.Type != "k8s_pod" || ref.Target == "kubernetes_pod.one" {
			t.Errorf("%+v", ref)
		}
	}
	if refs := g.ByAddress("kubernetes_manifest.policy").Refs; len(refs) != 6 {
		t.Error(len(refs))
	}
}

func TestKubernetes_values(t *testing.T) {
	e := evaluateTree(t, orchestrated)
	g := e.units[0].Graph
	for _, c := range []struct{ address, path, want string }{
		{"kubernetes_pod.one", "metadata.namespace", `"default"`},
		{"kubernetes_pod.one", "spec.hostPID", `true`},
		{"kubernetes_pod.one", "spec.automountServiceAccountToken", `true`},
		{"kubernetes_pod.one container app", "securityContext.privileged", `true`},
		{`module.web["green"].kubernetes_deployment_v1.this[0]`, "metadata.name", `"green-0"`},
		{`module.web["green"].kubernetes_deployment_v1.this[0]`, "metadata.namespace", `"shop"`},
		{`module.web["green"].kubernetes_deployment_v1.this[0] container app`, "ports", `[{"containerPort":8080}]`},
		{"kubectl_manifest.text", "spec.hostIPC", `true`},
		{"kubernetes_manifest.policy", "spec.policyTypes[0]", `"Ingress"`},
	} {
		p, _ := value.ParsePath(c.path)
		if got := shown(g.ByAddress(c.address).Body.At(p)); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.address, c.path, got, c.want)
		}
	}
	app := g.ByAddress("kubernetes_pod.one container app")
	for _, path := range []string{"image", "securityContext.runAsUser", "livenessProbe"} {
		p, _ := value.ParsePath(path)
		if v := app.Body.At(p); v.Kind != value.Unknown {
			t.Errorf("%s: %s", path, shown(v))
		}
	}
	if image := app.Body.Field("image"); image.Text != "shop:" {
		t.Errorf("the image begins with %q", image.Text)
	}
}

func TestKubernetes_explained(t *testing.T) {
	e := evaluateTree(t, orchestrated)
	app := e.units[0].Graph.ByAddress("kubernetes_pod.one container app")
	privileged := e.units[0].Explain(app, value.Path{{Name: "securityContext"}, {Name: "privileged"}})
	if privileged.Path != "spec.container[0].security_context.privileged" || len(privileged.Trace) != 1 || privileged.Trace[0].Name != "local.run" {
		t.Errorf("%+v", privileged)
	}
	user := e.units[0].Explain(app, value.Path{{Name: "securityContext"}, {Name: "runAsUser"}})
	if len(user.Waits) != 1 || user.Waits[0].Name != "var.user" {
		t.Errorf("%+v", user)
	}
	if hidden := e.units[0].Explain(app, value.Path{{Name: "hostUsers"}}); hidden.Path != "spec.hostUsers" || len(hidden.Waits) > 0 {
		t.Errorf("%+v", hidden)
	}
}

func TestKubernetes_edits(t *testing.T) {
	for _, c := range []struct {
		address, path string
		op            resource.ChangeOp
		value         value.Value
		old, new      string
	}{
		{"kubernetes_pod.one container app", "securityContext.privileged", resource.Set, value.Value{Kind: value.Bool},
			"run = { privileged = true }", "run = { privileged = false }"},
		{"kubernetes_pod.one", "spec.hostPID", resource.Set, value.Value{Kind: value.Bool}, "host_pid = true", "host_pid = false"},
		{"kubernetes_manifest.policy", "spec.policyTypes", resource.Set,
			value.Value{Kind: value.List, Items: []value.Value{aText("Ingress"), aText("Egress")}}, `["Ingress"]`, `["Ingress", "Egress"]`},
		{"kubernetes_cluster_role_binding_v1.all", "subjects[0]", resource.Remove, value.Value{},
			"", "at least one subject"},
		{"kubectl_manifest.text", "spec.hostIPC", resource.Set, value.Value{Kind: value.Bool}, "", "is a text"},
		{"kubernetes_pod.one", "spec.hostUsers", resource.Set, value.Value{Kind: value.Bool}, "", "has no attribute"},
	} {
		tree := maps.Clone(orchestrated)
		tree["binding.tf"] = `resource "kubernetes_cluster_role_binding_v1" "all" {
  metadata { name = "all" }
  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "ClusterRole"
    name      = "view"
  }
  subject {
    kind = "ServiceAccount"
    name = "one"
  }
}
`
		e := evaluateTree(t, tree)
		if v := e.units[0].Graph.ByAddress("kubernetes_cluster_role_binding_v1.all").Body.Field("subjects").Items[0]; v.Field("namespace").Text != "default" {
			t.Error(shown(&v))
		}
		p, _ := value.ParsePath(c.path)
		wish := []resource.Change{{Op: c.op, Path: p, Value: c.value}}
		got, err := e.units[0].Edit(e.units[0].Graph.ByAddress(c.address), wish)
		if c.old == "" {
			if err == nil || !strings.Contains(err.Error(), c.new) {
				t.Errorf("%s: %v", c.path, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		text, err := source.Apply([]byte(orchestrated["main.tf"]), got.Edits)
		if want := strings.Replace(orchestrated["main.tf"], c.old, c.new, 1); err != nil || string(text) != want {
			t.Errorf("%s: %v\n%s", c.path, err, cmp.Diff(want, string(text)))
		}
		again := map[string]string{"web/main.tf": orchestrated["web/main.tf"], "main.tf": string(text)}
		e = evaluateTree(t, again)
		if got, err := e.units[0].Edit(e.units[0].Graph.ByAddress(c.address), wish); err != nil || len(got.Edits) > 0 {
			t.Errorf("%s again: %v %v", c.path, got.Edits, err)
		}
	}
}

// TestKubernetes_plan judges a plan as its source is judged.
func TestKubernetes_plan(t *testing.T) {
	tree := fstest.MapFS{
		"main.tf": {Data: []byte("variable \"root\" {}\nresource \"kubernetes_pod\" \"one\" {\n  metadata {\n    name = \"one\"\n  }\n  spec {\n    host_pid = var.root\n  }\n}\n")},
		"plan.json": {Data: []byte(`{"format_version": "1.2", "terraform_version": "1.11.4", "variables": {"root": {"value": true}},
 "planned_values": {"root_module": {"resources": [{"address": "kubernetes_pod.one", "mode": "managed", "type": "kubernetes_pod", "name": "one",
  "provider_name": "registry.terraform.io/hashicorp/kubernetes", "schema_version": 1,
  "values": {"metadata": [{"name": "one", "namespace": "shop"}], "spec": [{"host_pid": true, "automount_service_account_token": false, "container": []}]},
  "sensitive_values": {}}]}},
 "resource_changes": [{"address": "kubernetes_pod.one", "mode": "managed", "type": "kubernetes_pod", "name": "one",
  "provider_name": "registry.terraform.io/hashicorp/kubernetes", "change": {"actions": ["create"], "before": null,
  "after": {"metadata": [{"name": "one", "namespace": "shop"}], "spec": [{"host_pid": true, "automount_service_account_token": false, "container": []}]},
  "after_unknown": {}, "before_sensitive": false, "after_sensitive": {}}}],
 "configuration": {"root_module": {}}}`)},
	}
	e, problems := estateOf(t, tree, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	u := e.Evaluate(context.Background(), dialect.UnitName{Dir: ".", Variant: "plan.json"})
	pod := u.Graph.ByAddress("kubernetes_pod.one")
	if len(u.Problems) > 0 || pod == nil || pod.Type != "k8s_pod" {
		t.Fatal(u.Problems, pod)
	}
	if got := shown(pod.Body.Field("spec")); got != `{"automountServiceAccountToken":false,"hostPID":true,"serviceAccountName":"default"}` {
		t.Error(got)
	}
	if got := shown(pod.Body.Field("metadata").Field("namespace")); got != `"shop"` {
		t.Error(got)
	}
	if x := u.Explain(pod, value.Path{{Name: "spec"}, {Name: "hostPID"}}); x.Path != "spec.host_pid" || len(x.Trace) == 0 {
		t.Errorf("%+v", x)
	}
}
