package kubernetes

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

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
func text(s string) value.Value    { return value.Value{Kind: value.String, Text: s} }
func number(n float64) value.Value { return value.Value{Kind: value.Number, Number: n} }

func texts(words ...string) value.Value {
	v := value.Value{Kind: value.List}
	for _, w := range words {
		v.Items = append(v.Items, text(w))
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

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name: "a workload",
			Files: map[string]string{"web.yaml": `# all of the web
apiVersion: v1
kind: Namespace
metadata:
  name: prod
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: prod
  labels: {app: web}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels:
        app: web # the policy looks for it
    spec:
      serviceAccountName: web
      securityContext:
        runAsUser: 0
        seccompProfile:
          type: Unconfined
      initContainers:
        - name: setup
          image: busybox:1.36
          securityContext: {runAsUser: 1000}
        - name: proxy
          image: envoy:v1
          restartPolicy: Always
      containers:
        - name: app
          image: "nginx"
          args:
            - --port=80
            - --verbose
            - --name
            - web
          env:
            - name: PASSWORD
              valueFrom:
                secretKeyRef: {name: db, key: password}
        # beside it
        - name: side
          image: ${REGISTRY}/side:1
          securityContext:
            privileged: yes
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: prod}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: prod}
stringData: {password: hunter2}
`},
			Addresses: []string{"Namespace/prod", "prod/Deployment/web", "prod/Deployment/web pod", "prod/Deployment/web container app", "prod/Deployment/web container side",
				"prod/Deployment/web init container proxy", "prod/Deployment/web init container setup", "prod/Secret/db", "prod/ServiceAccount/web"},
			Values: []dialecttest.Value{
				{Address: "prod/Deployment/web", Path: "spec.replicas", Show: "2", At: "replicas"},
				{Address: "prod/Deployment/web pod", Path: "workload", Show: `"Deployment"`, At: "kind"},
				{Address: "prod/Deployment/web container side", Path: "securityContext.privileged", Show: "true", At: "privileged: yes"},
				{Address: "prod/Deployment/web container side", Path: "securityContext.runAsUser", Show: "0", At: "runAsUser: 0"},
				{Address: "prod/Deployment/web init container setup", Path: "securityContext.runAsUser", Show: "1000", At: "runAsUser: 1000"},
				{Address: "prod/Deployment/web container app", Path: "flags.port", Show: `"80"`, At: "--port=80"},
				{Address: "prod/Deployment/web container app", Path: "flags.name", Show: `"web"`},
				{Address: "prod/Deployment/web container app", Path: "namespace", Show: `"prod"`},
				{Address: "prod/Deployment/web container side", Path: "image", At: "${REGISTRY}", Wait: "what is filled in at spec.template.spec.containers[1].image"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "in a container", Address: "prod/Deployment/web container side", Changes: []resource.Change{setTo("securityContext.privileged", truly(false))}},
				{Name: "nothing there yet", Address: "prod/Deployment/web container app", Changes: []resource.Change{
					setTo("securityContext.capabilities.drop", texts("ALL")), setTo("securityContext.allowPrivilegeEscalation", truly(false))}},
				{Name: "in braces", Address: "prod/Deployment/web init container setup", Changes: []resource.Change{setTo("securityContext.readOnlyRootFilesystem", truly(true))}},
				{Name: "what the pod says", Address: "prod/Deployment/web container app", Changes: []resource.Change{setTo("securityContext.runAsUser", number(1000))},
					Shared: []string{"prod/Deployment/web container side", "prod/Deployment/web init container proxy"}},
				{Name: "a part of what the pod says", Address: "prod/Deployment/web container app", Changes: []resource.Change{setTo("securityContext.seccompProfile.type", text("RuntimeDefault"))},
					Shared: []string{"prod/Deployment/web container side", "prod/Deployment/web init container proxy", "prod/Deployment/web init container setup"}},
				{Name: "of the pod", Address: "prod/Deployment/web pod", Changes: []resource.Change{setTo("spec.automountServiceAccountToken", truly(false)), remove("spec.securityContext.runAsUser")},
					Shared: []string{"prod/Deployment/web container app", "prod/Deployment/web container side", "prod/Deployment/web init container proxy"}},
				{Name: "a flag", Address: "prod/Deployment/web container app", Changes: []resource.Change{setTo("flags.port", text("8080")), setTo("flags.name", text("x")), setTo("flags.new", text("1"))}},
				{Name: "a companion", Address: "prod/Deployment/web pod", Changes: []resource.Change{{Op: resource.Create, New: &resource.Companion{Type: "k8s_network_policy",
					Body: objectOf("metadata", objectOf("name", text("${this.metadata.name}-deny"), "namespace", text("${this.metadata.namespace}")), "spec", objectOf("podSelector", objectOf()))}}}},
				{Name: "the role", Address: "prod/Deployment/web container app", Changes: []resource.Change{setTo("role", text("init"))}, Refused: true},
				{Name: "the image, whose placeholder would be lost", Address: "prod/Deployment/web container app", Changes: []resource.Change{setTo("image", text("nginx:1.27"))}},
			},
		},
		{
			Name: "kinds",
			Files: map[string]string{"kinds.json": `{
  "apiVersion": "v1",
  "kind": "List",
  "items": [
    {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"},
     "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "job", "image": "job:1"}]}}}}}},
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "run-"}, "spec": {"containers": [{"name": "c", "image": "c:1"}], "ephemeralContainers": [{"name": "debug", "image": "d:1"}]}},
    {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}}
  ]
}
`},
			NoDirectives: true,
			Addresses: []string{"CronJob/nightly", "CronJob/nightly pod", "CronJob/nightly container job", "Pod/run-*", "Pod/run-* container c",
				"Pod/run-* ephemeral container debug", "Widget/w"},
			Values: []dialecttest.Value{
				{Address: "CronJob/nightly container job", Path: "image", Show: `"job:1"`},
				{Address: "Widget/w", Path: "spec.size", Show: "3", At: "3"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "deep in a list", Address: "CronJob/nightly container job", Changes: []resource.Change{setTo("securityContext.runAsNonRoot", truly(true))}},
				{Name: "a pod", Address: "Pod/run-*", Changes: []resource.Change{setTo("spec.hostUsers", truly(false))}},
				{Name: "a companion has no room", Address: "Pod/run-*", Refused: true, Changes: []resource.Change{{Op: resource.Create,
					New: &resource.Companion{Type: "k8s_limit_range", Body: objectOf("metadata", objectOf("name", text("l")))}}}},
			},
		},
		{
			Name: "the control plane",
			Files: map[string]string{"etc/apiserver.yaml": `apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
spec:
  containers:
  - command:
    - /usr/local/bin/kube-apiserver
    - --anonymous-auth=true
    - --authorization-mode
    - AlwaysAllow
    image: registry.k8s.io/kube-apiserver:v1.33.0
    name: kube-apiserver
`, "etc/kubeadm.yaml": `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer:
  extraArgs:
  - name: profiling
    value: "true"
---
apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
scheduler:
  extraArgs:
    bind-address: 0.0.0.0
`},
			Addresses: []string{"kube-system/Pod/kube-apiserver", "kube-system/Pod/kube-apiserver container kube-apiserver",
				"kube-system/Pod/kube-apiserver container kube-apiserver component kube-apiserver",
				"ClusterConfiguration/", "ClusterConfiguration/ component etcd", "ClusterConfiguration/ component kube-apiserver",
				"ClusterConfiguration/ component kube-controller-manager", "ClusterConfiguration/ component kube-scheduler",
				"ClusterConfiguration/ #2", "ClusterConfiguration/ #2 component etcd", "ClusterConfiguration/ #2 component kube-apiserver",
				"ClusterConfiguration/ #2 component kube-controller-manager", "ClusterConfiguration/ #2 component kube-scheduler"},
			Values: []dialecttest.Value{
				{Address: "kube-system/Pod/kube-apiserver container kube-apiserver component kube-apiserver", Path: `flags.anonymous-auth`, Show: `"true"`, At: "--anonymous-auth=true"},
				{Address: "kube-system/Pod/kube-apiserver container kube-apiserver component kube-apiserver", Path: `flags.authorization-mode`, Show: `"AlwaysAllow"`},
				{Address: "ClusterConfiguration/ component kube-apiserver", Path: "flags.profiling", Show: `"true"`},
				{Address: "ClusterConfiguration/ #2 component kube-scheduler", Path: "flags.bind-address", Show: `"0.0.0.0"`},
			},
			Wishes: []dialecttest.Wish{
				{Name: "flags", Address: "kube-system/Pod/kube-apiserver container kube-apiserver component kube-apiserver", Changes: []resource.Change{
					setTo("flags.anonymous-auth", text("false")), setTo("flags.authorization-mode", text("Node,RBAC")), setTo("flags.profiling", text("false"))}},
				{Name: "a list of arguments", Address: "ClusterConfiguration/ component kube-apiserver", Changes: []resource.Change{
					setTo("flags.profiling", text("false")), setTo("flags.audit-log-path", text("-"))}},
				{Name: "a map of arguments", Address: "ClusterConfiguration/ #2 component kube-scheduler", Changes: []resource.Change{
					setTo("flags.bind-address", text("127.0.0.1")), setTo("flags.profiling", text("false"))}},
				{Name: "no arguments yet", Address: "ClusterConfiguration/ #2 component etcd", Changes: []resource.Change{setTo("flags.auto-tls", text("false"))}},
				{Name: "no arguments yet, as a list", Address: "ClusterConfiguration/ component etcd", Changes: []resource.Change{setTo("flags.auto-tls", text("false"))}},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }
