package kustomize

import (
	"testing"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/kubernetes"
	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// both claims what Kubernetes claims too: a scan hands the files of the wrapped dialect over, the suite opens one dialect alone.
type both struct {
	kustomize
	manifests dialect.Dialect
}

// Claims takes kustomizations and manifests.
func (b both) Claims(file string, content func() []byte) bool {
	return b.kustomize.Claims(file, content) || b.manifests.Claims(file, content)
}

func newBoth(s *schema.Set) dialect.Dialect { return both{New(s).(kustomize), kubernetes.New(s)} }

func setTo(path string, v value.Value) resource.Change {
	p, ok := value.ParsePath(path)
	if !ok {
		panic(path)
	}
	return resource.Change{Op: resource.Set, Path: p, Value: v}
}

func remove(path string) resource.Change {
	p, _ := value.ParsePath(path)
	return resource.Change{Op: resource.Remove, Path: p}
}

func truly(b bool) value.Value     { return value.Value{Kind: value.Bool, Bool: b} }
func said(s string) value.Value    { return value.Value{Kind: value.String, Text: s} }
func number(n float64) value.Value { return value.Value{Kind: value.Number, Number: n} }

func texts(words ...string) value.Value {
	v := value.Value{Kind: value.List}
	for _, w := range words {
		v.Items = append(v.Items, said(w))
	}
	return v
}

func objectOf(pairs ...any) value.Value {
	v := value.Value{Kind: value.Object}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Fields = append(v.Fields, value.Field{Name: pairs[i].(string), Value: pairs[i+1].(value.Value)})
	}
	return v
}

const web = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels:
        app: web
    spec:
      hostPID: true
      containers:
        - name: app
          image: nginx:1.27
          args:
            - --port=80
          securityContext:
            runAsUser: 0
            capabilities:
              add: [NET_ADMIN]
        # beside it
        - name: side
          image: ${REGISTRY}/side:1
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
`

var conformance = dialecttest.Suite{
	New: newBoth,
	Samples: []dialecttest.Sample{
		{
			Name: "a base, an overlay and loose files",
			Files: map[string]string{
				"base/kustomization.yaml": "resources:\n  - web.yaml\n",
				"base/web.yaml":           web,
				"prod/kustomization.yaml": `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: prod
resources:
  - ../base
commonAnnotations:
  team: ferry
labels:
  - pairs: {tier: front}
patches:
  - path: more.yaml
  - target: {kind: Deployment, name: web}
    patch: |-
      - op: replace
        path: /spec/replicas
        value: 3
      - op: add
        path: /spec/template/spec/containers/1/securityContext
        value:
          privileged: true
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: web
      spec:
        template:
          spec:
            hostNetwork: true
            dnsPolicy: Default # as the node
images:
  - name: nginx
    newTag: latest
`,
				"prod/more.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      hostIPC: true
      containers:
        - name: app
          securityContext:
            privileged: true
            runAsUser: 1
`,
				"loose/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: loose\nspec:\n  containers:\n    - name: c\n      image: c:1\n",
			},
			Addresses: []string{"prod/Deployment/web", "prod/Deployment/web pod", "prod/Deployment/web container app", "prod/Deployment/web container side", "prod/Service/web",
				"Pod/loose", "Pod/loose container c"},
			Values: []dialecttest.Value{
				{Address: "prod/Deployment/web", Path: "metadata.namespace", Show: `"prod"`, At: "namespace: prod"},
				{Address: "prod/Deployment/web", Path: "metadata.name", Show: `"web"`, At: "name: web"},
				{Address: "prod/Deployment/web", Path: "metadata.annotations.team", Show: `"ferry"`, At: "team: ferry"},
				{Address: "prod/Deployment/web", Path: "metadata.labels.tier", Show: `"front"`, At: "tier: front"},
				{Address: "prod/Deployment/web", Path: "spec.replicas", Show: "3", At: "value: 3"},
				{Address: "prod/Deployment/web pod", Path: "spec.hostNetwork", Show: "true", At: "hostNetwork: true"},
				{Address: "prod/Deployment/web pod", Path: "spec.hostIPC", Show: "true", At: "hostIPC: true"},
				{Address: "prod/Deployment/web pod", Path: "spec.hostPID", Show: "true", At: "hostPID: true"},
				{Address: "prod/Deployment/web container app", Path: "image", Show: `"nginx:latest"`, At: "newTag: latest"},
				{Address: "prod/Deployment/web container app", Path: "securityContext.runAsUser", Show: "1", At: "runAsUser: 1"},
				{Address: "prod/Deployment/web container app", Path: "securityContext.privileged", Show: "true", At: "privileged: true"},
				{Address: "prod/Deployment/web container app", Path: "securityContext.capabilities.add[0]", Show: `"NET_ADMIN"`},
				{Address: "prod/Deployment/web container app", Path: "flags.port", Show: `"80"`, At: "--port=80"},
				{Address: "prod/Deployment/web container side", Path: "securityContext.privileged", Show: "true", At: "privileged: true"},
				{Address: "prod/Deployment/web container side", Path: "image", At: "${REGISTRY}", Wait: "what is filled in at spec.template.spec.containers[1].image"},
				{Address: "Pod/loose container c", Path: "image", Show: `"c:1"`},
			},
			Wishes: []dialecttest.Wish{
				{Name: "in a patch of a file", Address: "prod/Deployment/web container app", Changes: []resource.Change{setTo("securityContext.privileged", truly(false))}},
				{Name: "in the base", Address: "prod/Deployment/web pod", Changes: []resource.Change{setTo("spec.hostPID", truly(false))}},
				{Name: "in a list of the base", Address: "prod/Deployment/web container app", Changes: []resource.Change{setTo("securityContext.capabilities.add", texts("CHOWN"))}},
				{Name: "nothing there yet", Address: "prod/Deployment/web container app", Changes: []resource.Change{
					setTo("securityContext.capabilities.drop", texts("ALL")), setTo("securityContext.allowPrivilegeEscalation", truly(false))}},
				{Name: "in a patch inside of the kustomization", Address: "prod/Deployment/web pod", Changes: []resource.Change{setTo("spec.hostNetwork", truly(false)), setTo("spec.dnsPolicy", said("ClusterFirst"))}},
				{Name: "in an operation", Address: "prod/Deployment/web", Changes: []resource.Change{setTo("spec.replicas", number(2))}},
				{Name: "deeper in an operation", Address: "prod/Deployment/web container side", Changes: []resource.Change{setTo("securityContext.privileged", truly(false))}},
				{Name: "what a patch and the base say", Address: "prod/Deployment/web container app", Changes: []resource.Change{remove("securityContext.runAsUser")}},
				{Name: "a flag", Address: "prod/Deployment/web container app", Changes: []resource.Change{setTo("flags.port", said("8080")), setTo("flags.new", said("1"))}},
				{Name: "an annotation of all", Address: "prod/Service/web", Changes: []resource.Change{setTo("metadata.annotations.team", said("x"))},
					Shared: []string{"prod/Deployment/web", "prod/Deployment/web pod"}},
				{Name: "a companion", Address: "prod/Deployment/web pod", Changes: []resource.Change{{Op: resource.Create, New: &resource.Companion{Type: "k8s_network_policy",
					Body: objectOf("metadata", objectOf("name", said("${this.metadata.name}-deny"), "namespace", said("${this.metadata.namespace}")), "spec", objectOf("podSelector", objectOf()))}}}},
				{Name: "an image that the kustomization sets", Address: "prod/Deployment/web container app", Changes: []resource.Change{setTo("image", said("nginx:1.28"))}, Refused: true},
				{Name: "a loose file", Address: "Pod/loose container c", Changes: []resource.Change{setTo("securityContext.privileged", truly(false))}},
			},
		},
		{
			Name: "generators and names",
			Files: map[string]string{
				"kustomization.yaml": `namePrefix: a-
resources:
- job.yaml
components:
- debug
configMapGenerator:
- name: settings
  literals:
  - color=blue
  files:
  - settings.ini
secretGenerator:
- name: db
  literals:
  - password=hunter2
  options:
    labels: {of: db}
`,
				"settings.ini": "a=b\n",
				"job.yaml": `apiVersion: batch/v1
kind: Job
metadata:
  name: load
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: load
        image: load:1
        envFrom:
        - secretRef: {name: db}
`,
				"debug/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- path: tty.yaml\n  target:\n    kind: Job\n",
				"debug/tty.yaml":           "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: any\nspec:\n  template:\n    spec:\n      shareProcessNamespace: true\n",
			},
			Addresses: []string{"ConfigMap/a-settings", "Job/a-load", "Job/a-load pod", "Job/a-load container load", "Secret/a-db"},
			Values: []dialecttest.Value{
				{Address: "Job/a-load", Path: "metadata.name", Show: `"a-load"`, At: "name: load"},
				{Address: "Job/a-load pod", Path: "spec.shareProcessNamespace", Show: "true", At: "shareProcessNamespace: true"},
				{Address: "Job/a-load container load", Path: "envFrom[0].secretRef.name", Show: `"a-db"`, At: "name: db"},
				{Address: "ConfigMap/a-settings", Path: "data.color", Show: `"blue"`, At: "color=blue"},
				{Address: "ConfigMap/a-settings", Path: `data["settings.ini"]`, Show: `"a=b\n"`, At: "settings.ini"},
				{Address: "Secret/a-db", Path: "data.password", Show: "(sensitive)", At: "password=hunter2"},
			},
			UnixOnly: true,
			Wishes: []dialecttest.Wish{
				{Name: "a patch of a component", Address: "Job/a-load pod", Changes: []resource.Change{setTo("spec.shareProcessNamespace", truly(false))}},
				{Name: "what a generator makes", Address: "Secret/a-db", Changes: []resource.Change{setTo("immutable", truly(true))}, Refused: true},
				{Name: "a companion of another name", Address: "Job/a-load pod", Refused: true, Changes: []resource.Change{{Op: resource.Create,
					New: &resource.Companion{Type: "k8s_limit_range", Body: objectOf("metadata", objectOf("name", said("l")))}}}},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }
