package manifest_test

import (
	"strings"
	"testing"

	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

const role = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: r, namespace: shop}
rules:
  - {apiGroups: [""], resources: [pods, secrets], verbs: [get]}
  - {apiGroups: [""], resources: [secrets], verbs: [get, list]}
  - {apiGroups: [vault.example.com], resources: [secrets], verbs: [get]}
  - {apiGroups: [""], resources: [secrets], resourceNames: [tls], verbs: [get]}
`

const doors = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: n, namespace: shop}
spec:
  podSelector: {}
  ingress:
    - from: [{ipBlock: {cidr: 0.0.0.0/0}}]
    - from: [{podSelector: {}}, {ipBlock: {cidr: 0.0.0.0/0}}]
    - {}
    - ports: [{port: 80}]
`

const mounted = `
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  volumes: [{name: data, emptyDir: {}}, {name: docker, hostPath: {path: /run/docker.sock}}]
  initContainers: [{name: i, volumeMounts: [{name: docker, mountPath: /s}]}]
  containers: [{name: c, resources: {requests: {memory: 64Mi}}, securityContext: {capabilities: {add: [CHOWN, KILL, NET_RAW]}},
    volumeMounts: [{name: data, mountPath: /d}, {name: docker, mountPath: /s}]}]
`

func TestLowerChosen(t *testing.T) {
	for _, c := range []struct{ name, object, typ, op, path, want string }{
		{"an element of the rules that are meant, and a rule of which it is all", role, "k8s_role", "remove", `rules["apiGroups=|*&resourceNames="].resources["secrets"]`,
			"remove rules[0].resources[1], remove rules[1]"},
		{"several words", role, "k8s_role", "remove", `rules["resourceNames=&resources=secrets"].verbs["list|watch"]`, "remove rules[1].verbs[1]"},
		{"a beginning", role, "k8s_role", "remove", `rules["apiGroups^=vault."].verbs["get"]`, "remove rules[2]"},
		{"a set in what is meant", role, "k8s_role", "set", `rules["resourceNames=tls"].verbs`, "set rules[3].verbs"},
		{"the value that is there", role, "k8s_role", "set", `apiVersion["rbac.authorization.k8s.io/v1|x"]`, "set apiVersion"},
		{"another value than that", role, "k8s_role", "set", `apiVersion["rbac.authorization.k8s.io/v1beta1"]`, ""},
		{"nothing that is meant", role, "k8s_role", "set", `aggregationRule["name=x"].y`, ""},
		{"entries that would let everybody in", doors, "k8s_network_policy", "remove", `spec.ingress.from["ipBlock.cidr=0.0.0.0/0"]`,
			"remove spec.ingress[0], remove spec.ingress[1].from[1]"},
		{"entries without a word", doors, "k8s_network_policy", "remove", `spec.ingress["from=&ports="]`, "remove spec.ingress[2]"},
		{"where nobody wrote it", doors, "k8s_network_policy", "set", `spec.policyTypes["="]`, "set spec.policyTypes"},
		{"where somebody wrote it", doors, "k8s_network_policy", "set", `spec.podSelector["="]`, ""},
		{"a volume with its mounts", mounted, "k8s_pod", "remove", `spec.volumes["hostPath.path$=docker.sock"]`,
			"remove spec.initContainers[0].volumeMounts[0], remove spec.containers[0].volumeMounts[1], remove spec.volumes[1]"},
		{"all but some", mounted, "k8s_container", "remove", `securityContext.capabilities.add["!=KILL|CHOWN"]`, "remove spec.containers[0].securityContext.capabilities.add[2]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, ok := value.ParsePath(c.path)
			if !ok {
				t.Fatal("no path")
			}
			var last *resource.Resource
			for _, r := range resources(t, c.object) {
				if r.Type == c.typ {
					last = r
				}
			}
			wishes, err := manifest.Lower(last, []resource.Change{{Op: resource.ChangeOp(c.op), Path: at, Value: value.Value{Kind: value.String, Text: "new"}}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range wishes {
				got = append(got, string(w.Op)+" "+w.Path.String())
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

func TestLowerTakesAValue(t *testing.T) {
	container := func(text string) *resource.Resource {
		for _, r := range resources(t, text) {
			if r.Type == "k8s_container" && r.Name == "c" {
				return r
			}
		}
		t.Fatal("no container")
		return nil
	}
	at, _ := value.ParsePath("resources.limits.memory")
	change := []resource.Change{{Op: resource.Set, Path: at, Value: value.Value{Kind: value.String, Text: "${this.resources.requests.memory}"}}}
	wishes, err := manifest.Lower(container(mounted), change)
	if err != nil || len(wishes) != 1 || wishes[0].Value.Text != "64Mi" {
		t.Errorf("%v, %v, want the memory that is requested", wishes, err)
	}
	if wishes, err := manifest.Lower(container(strings.Replace(mounted, "{memory: 64Mi}", "{}", 1)), change); err == nil {
		t.Errorf("%v, want an error: nothing is requested", wishes)
	}
}

func TestLowerSelectsNobodyElse(t *testing.T) {
	body := value.Decoded(map[string]any{"spec": map[string]any{"podSelector": map[string]any{"matchLabels": "${this.metadata.labels}"}}})
	policy := []resource.Change{{Op: resource.Create, New: &resource.Companion{Type: "k8s_network_policy", Body: body}}}
	for _, r := range resources(t, mounted) {
		if r.Type != "k8s_pod" {
			continue
		}
		if wishes, err := manifest.Lower(r, policy); err == nil {
			t.Errorf("%v, want an error: the pod has no labels, and a policy without any is for all pods", wishes)
		}
	}
}
