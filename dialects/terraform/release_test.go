package terraform

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialects/helm"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// released is a root module whose releases install charts that are in the tree, and others.
var released = map[string]string{
	"live/main.tf": `variable "tag" {}
variable "host" {}
variable "values" {}
resource "helm_release" "app" {
  name      = "shop"
  namespace = "prod"
  chart     = "${path.module}/../charts/app"
  values    = [yamlencode({ replicas = 3 })]
  set {
    name  = "image.tag"
    value = var.tag
  }
  set {
    name  = "pod.hostPID"
    value = "true"
  }
}
resource "helm_release" "unsure" {
  name  = "other"
  chart = "../charts/app"
  set {
    name  = "pod.hostPID"
    value = var.host
  }
}
resource "helm_release" "unknown" {
  name   = "third"
  chart  = "../charts/app"
  values = [var.values]
}
resource "helm_release" "remote" {
  name       = "redis"
  repository = "https://charts.example.com"
  chart      = "redis"
}
`,
	"charts/app/Chart.yaml":  "apiVersion: v2\nname: app\nversion: 1.0.0\n",
	"charts/app/values.yaml": "replicas: 1\nimage: {name: shop, tag: v1}\npod: {hostPID: false}\n",
	"charts/app/templates/web.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      hostPID: {{ .Values.pod.hostPID }}
      containers:
        - name: app
          image: "{{ .Values.image.name }}:{{ .Values.image.tag }}"
`,
}

func TestRelease(t *testing.T) {
	e := evaluateTree(t, released)
	if len(e.units) != 1 || len(e.problems) > 0 {
		t.Fatal(len(e.units), e.problems)
	}
	u := e.units[0]
	var got []string
	for _, r := range u.Graph.Resources {
		if r.Provider == "kubernetes" {
			got = append(got, r.Type+" "+r.Address)
		}
	}
	want := []string{
		"k8s_deployment helm_release.app Deployment/shop", "k8s_container helm_release.app Deployment/shop container app", "k8s_pod helm_release.app Deployment/shop pod",
		"k8s_deployment helm_release.unsure Deployment/other", "k8s_container helm_release.unsure Deployment/other container app", "k8s_pod helm_release.unsure Deployment/other pod",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	missing := []resource.Missing{{Address: "helm_release.remote", Types: "k8s_"}, {Address: "helm_release.unknown", Types: "k8s_"}}
	if diff := cmp.Diff(missing, u.Graph.Missing); diff != "" {
		t.Error(diff)
	}
	at := func(address, path string) *value.Value {
		p, _ := value.ParsePath(path)
		return u.Graph.ByAddress(address).Body.At(p)
	}
	app := "helm_release.app Deployment/shop"
	if v := at(app, "spec.replicas"); v.Number != 3 || v.Range.File != "live/main.tf" {
		t.Errorf("%+v", v)
	}
	if v := at(app+" pod", "spec.hostPID"); !v.Bool || !strings.HasPrefix(released["live/main.tf"][v.Range.Start:], "set {\n    name  = \"pod.hostPID\"") {
		t.Errorf("%+v", v)
	}
	if v := at(app+" container app", "image"); v.Kind != value.Unknown || v.Text != "shop:" {
		t.Errorf("%+v", v)
	}
	if v := at(app, "metadata.namespace"); v.Text != "prod" {
		t.Errorf("%+v", v)
	}
	if u.Graph.ByAddress(app).Maybe || !u.Graph.ByAddress("helm_release.unsure Deployment/other").Maybe {
		t.Error("what hangs on an unknown switch may be there or not, all else is there")
	}
	if v := at("helm_release.unsure Deployment/other pod", "spec.hostPID"); v.Kind != value.Unknown {
		t.Errorf("%+v", v)
	}
	if !slices.Contains(u.Reads.Files, "charts/app/templates/web.yaml") {
		t.Error(u.Reads.Files)
	}
	pod := u.Graph.ByAddress(app + " pod")
	if len(pod.Calls) != 1 || pod.Calls[0].Address != "helm_release.app" {
		t.Error(pod.Calls)
	}
	if x := u.Explain(pod, value.Path{{Name: "spec"}, {Name: "hostPID"}}); x.Path != "spec.template.spec.hostPID" || len(x.Trace) != 2 || x.Trace[1].Range.File != "live/main.tf" {
		t.Errorf("%+v", x)
	}
	if _, err := u.Edit(pod, []resource.Change{{Op: resource.Set, Path: value.Path{{Name: "spec"}, {Name: "hostPID"}}}}); err == nil {
		t.Error("a chart is changed where it is judged by itself")
	}
}

func TestSetting(t *testing.T) {
	for _, c := range []struct {
		name, value, want string
	}{
		{"a", "x", `{"a":"x"}`},
		{"a.b", "true", `{"a":{"b":true}}`},
		{`a\.b.c`, "12", `{"a.b":{"c":12}}`},
		{"a[0].b", "007", `{"a":[{"b":"007"}]}`},
		{"a", "{x,1}", `{"a":["x",1]}`},
		{"a", "null", `{"a":null}`},
		{"a[1]", "x", ""},
		{"a..b", "x", ""},
	} {
		values := map[string]any{}
		ok := writeAt(values, c.name, setting(&value.Value{Kind: value.Object, Fields: []value.Field{{Name: "value", Value: aText(c.value)}}}))
		got := ""
		if ok {
			got = jsonOf(t, values)
		}
		if got != c.want {
			t.Errorf("%s = %s: %s, want %s", c.name, c.value, got, c.want)
		}
	}
	unknown := setting(&value.Value{Kind: value.Object, Fields: []value.Field{{Name: "value", Value: value.Value{Kind: value.Unknown, Text: "v"}}}})
	if unknown != "v"+helm.Unknown {
		t.Error(unknown)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
