package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// wished writes wishes as "op path = value".
func wished(wishes []manifest.Wish) []string {
	var out []string
	for _, w := range wishes {
		line := strings.TrimSpace(fmt.Sprintf("%s %s", w.Op, w.Path))
		if w.Op != resource.Remove {
			line += " = " + value.Show(&w.Value)
		}
		out = append(out, line)
	}
	return out
}

func change(op resource.ChangeOp, at string, v any) resource.Change {
	p, ok := value.ParsePath(at)
	if !ok {
		panic(at)
	}
	return resource.Change{Op: op, Path: p, Value: value.Decoded(v)}
}

func TestLower(t *testing.T) {
	const text = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: n}
spec:
  template:
    metadata:
      annotations: {container.apparmor.security.beta.kubernetes.io/a: unconfined}
    spec:
      securityContext: {runAsUser: 0, runAsNonRoot: false, windowsOptions: {hostProcess: true}}
      containers:
        - name: a
          args: [--x=1, --y, "2"]
          securityContext: {runAsUser: 5, windowsOptions: {runAsUserName: b}}
        - name: b
        - name: c
          args: !unknown ""
          securityContext: !unknown ""
`
	all := resources(t, text)
	const a, b, c, pod = "n/Deployment/web container a", "n/Deployment/web container b", "n/Deployment/web container c", "n/Deployment/web pod"
	const spec = "spec.template.spec."
	tests := []struct {
		name, address string
		change        resource.Change
		want          []string // an error as "! text"
		shared        []string
	}{
		{"where the pod has it", b, change(resource.Set, "securityContext.runAsUser", 9.0), []string{"set " + spec + "securityContext.runAsUser = 9"}, nil},
		{"where the pod has it, and another too", a, change(resource.Set, "securityContext.runAsNonRoot", true), []string{"set " + spec + "securityContext.runAsNonRoot = true"}, []string{b}},
		{"where the container has it", a, change(resource.Set, "securityContext.runAsUser", 9.0), []string{"set " + spec + "containers[0].securityContext.runAsUser = 9"}, nil},
		{"what nobody has", b, change(resource.Set, "securityContext.privileged", false), []string{"set " + spec + "containers[1].securityContext.privileged = false"}, nil},
		{"several at once", a, change(resource.Set, "securityContext", map[string]any{"runAsUser": 1.0, "runAsNonRoot": true}),
			[]string{"set " + spec + "securityContext.runAsNonRoot = true", "set " + spec + "containers[0].securityContext.runAsUser = 1"}, []string{b}},
		{"what is so already", b, change(resource.Set, "securityContext.runAsUser", 0.0), nil, nil},
		{"removed from the pod", b, change(resource.Remove, "securityContext.runAsUser", nil), []string{"remove " + spec + "securityContext.runAsUser"}, nil},
		{"removed from both", a, change(resource.Remove, "securityContext.runAsUser", nil),
			[]string{"remove " + spec + "containers[0].securityContext.runAsUser", "remove " + spec + "securityContext.runAsUser"}, []string{b}},
		{"removed where it has that value", a, change(resource.Remove, `securityContext.runAsUser["5"]`, nil),
			[]string{"remove " + spec + "containers[0].securityContext.runAsUser"}, nil},
		{"removed from the pod where it has that value", b, change(resource.Remove, `securityContext.runAsUser["0"]`, nil),
			[]string{"remove " + spec + "securityContext.runAsUser"}, nil},
		{"of another value", a, change(resource.Remove, `securityContext.runAsUser["0"]`, nil), nil, nil},
		{"a part of an option", a, change(resource.Set, "securityContext.windowsOptions.hostProcess", false),
			[]string{"set " + spec + "securityContext.windowsOptions.hostProcess = false"}, []string{b}},
		{"an annotation gives way to the field", a, change(resource.Set, "securityContext.appArmorProfile.type", "RuntimeDefault"),
			[]string{`remove spec.template.metadata.annotations["container.apparmor.security.beta.kubernetes.io/a"]`, "set " + spec + `containers[0].securityContext.appArmorProfile.type = "RuntimeDefault"`}, nil},
		{"a flag", a, change(resource.Set, "flags.x", "0"), []string{"set " + spec + `containers[0].args[0] = "--x=0"`}, nil},
		{"a flag in two words", a, change(resource.Set, "flags.y", "0"), []string{"set " + spec + `containers[0].args[2] = "0"`}, nil},
		{"a new flag", a, change(resource.Set, "flags.z", true), []string{"add " + spec + `containers[0].args = "--z=true"`}, nil},
		{"no flag any more", a, change(resource.Remove, "flags.y", nil), []string{"remove " + spec + "containers[0].args[1]", "remove " + spec + "containers[0].args[2]"}, nil},
		{"a flag that may be there", c, change(resource.Set, "flags.z", "1"), []string{"! not all flags are known"}, nil},
		{"in what is not known", c, change(resource.Set, "securityContext.privileged", false), []string{"! is not known"}, nil},
		{"what the pod is for", a, change(resource.Set, "os", "windows"), []string{"set " + spec + `os.name = "windows"`}, nil},
		{"what no field is", a, change(resource.Set, "role", "init"), []string{"! is no field"}, nil},
		{"the pod's own", pod, change(resource.Set, "spec.hostNetwork", false), []string{"set " + spec + "hostNetwork = false"}, nil},
		{"the workload's name", pod, change(resource.Set, "metadata.namespace", "x"), []string{"! another object"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := find(t, all, tt.address)
			wishes, err := manifest.Lower(r, []resource.Change{tt.change})
			got := wished(wishes)
			if err != nil && len(tt.want) == 1 && strings.HasPrefix(tt.want[0], "! ") && strings.Contains(err.Error(), tt.want[0][2:]) {
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
			if diff := cmp.Diff(tt.shared, manifest.Shared(r, wishes)); diff != "" {
				t.Error("shared:", diff)
			}
		})
	}
}

func TestCreate(t *testing.T) {
	all := resources(t, `
{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {app: a}}, spec: {hostname: !unknown ""}}
`)
	r := find(t, all, "Pod/p")
	companion := func(typ string, body map[string]any) resource.Change {
		return resource.Change{Op: resource.Create, New: &resource.Companion{Type: typ, Body: value.Decoded(body)}}
	}
	metadata := map[string]any{"name": "${this.metadata.name}-x", "namespace": "${this.metadata.namespace}"}
	wishes, err := manifest.Lower(r, []resource.Change{companion("k8s_network_policy", map[string]any{"metadata": metadata, "spec": map[string]any{"podSelector": map[string]any{"matchLabels": "${this.metadata.labels}"}}})})
	want := []string{`create = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p-x"}, "spec": {"podSelector": {"matchLabels": {"app": "a"}}}}`}
	if diff := cmp.Diff(want, wished(wishes)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, c := range []resource.Change{
		companion("k8s_config_map", map[string]any{"data": map[string]any{"a": "${this.spec.hostname}"}}),
		companion("k8s_config_map", map[string]any{"data": map[string]any{"a": "x-${this.spec}"}}),
		companion("k8s_custom", metadata),
	} {
		if wishes, err := manifest.Lower(r, []resource.Change{c}); err == nil {
			t.Errorf("%s: it is not refused but wished: %q", value.Show(&c.New.Body), wished(wishes))
		}
	}
}

// TestPaths has where attributes of parts are in their object.
func TestPaths(t *testing.T) {
	all := resources(t, `
apiVersion: batch/v1
kind: CronJob
metadata: {name: j}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          serviceAccount: old
          securityContext: {runAsGroup: 1}
          initContainers: [{name: i, command: [/bin/run, --a, b]}]
`)
	const spec = "spec.jobTemplate.spec.template.spec"
	for _, tt := range [][3]string{
		{"CronJob/j", "spec.schedule", "spec.schedule"},
		{"CronJob/j pod", "spec.volumes[2].hostPath", spec + ".volumes[2].hostPath"},
		{"CronJob/j pod", "metadata.name", "metadata.name"},
		{"CronJob/j pod", "spec.serviceAccountName", spec + ".serviceAccount"},
		{"CronJob/j pod", "controller", "spec.jobTemplate.spec.template"},
		{"CronJob/j init container i", "image", spec + ".initContainers[0].image"},
		{"CronJob/j init container i", "securityContext.runAsGroup", spec + ".securityContext.runAsGroup"},
		{"CronJob/j init container i", "securityContext.runAsUser", spec + ".initContainers[0].securityContext.runAsUser"},
		{"CronJob/j init container i", "flags.a", spec + ".initContainers[0].command[2]"},
		{"CronJob/j init container i", "namespace", "metadata.namespace"},
		{"CronJob/j init container i", "hostUsers", spec + ".hostUsers"},
		{"CronJob/j init container i", "workload", "kind"},
	} {
		p, _ := value.ParsePath(tt[1])
		if got := find(t, all, tt[0]).Handle.(*manifest.Part).Path(p).String(); got != tt[2] {
			t.Errorf("%s of %s is at %s, want %s", tt[1], tt[0], got, tt[2])
		}
	}
}

func TestIgnores(t *testing.T) {
	objects := parse(t, `apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    plumbline.dev/ignore: |
      a,b until=2030-01-01 they are tests
      c  for now
    plumbline.dev/ignore.1: d
    plumbline.dev/ignored: e
    checkov.io/skip1: CKV_K8S_20=it = needed
    other.cortex.io/skip7: CKV_K8S_21
spec:
  template:
    metadata: {annotations: {plumbline.dev/ignore: f}}
`)
	var got []string
	for _, c := range manifest.Ignores(&objects[0]) {
		about := "all"
		if c.About != objects[0].Range {
			about = "template"
		}
		got = append(got, about+": "+c.Text)
	}
	want := []string{"all: checkov:skip=CKV_K8S_20:it = needed", "all: checkov:skip=CKV_K8S_21:", "all: plumbline:ignore a,b until=2030-01-01 they are tests", "all: plumbline:ignore c for now",
		"all: plumbline:ignore d", "template: plumbline:ignore f"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
