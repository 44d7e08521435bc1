package manifest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// parse reads objects of YAML. A scalar with the tag !unknown is unknown, with the text behind it as what is known of it.
func parse(t testing.TB, text string) []manifest.Object {
	t.Helper()
	doc, problems := document.Parse(&source.File{Path: "a.yaml", Bytes: []byte(text)}, dialect.Limits{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	tagged := func(n *document.Node) value.Value {
		return value.Value{Kind: value.Unknown, Given: n.Tag == "!installer", Text: n.Text, Range: n.Range}
	}
	var out []manifest.Object
	for _, root := range doc.Roots {
		o := manifest.Object{Body: root.Value(true, tagged), Range: root.Range, Dialect: "test"}
		out = append(out, manifest.Unfold(o)...)
	}
	return out
}

func resources(t testing.TB, text string) []*resource.Resource {
	t.Helper()
	out, problems := manifest.Resources(schema.Load(), parse(t, text), dialect.Limits{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return out
}

func find(t testing.TB, all []*resource.Resource, address string) *resource.Resource {
	t.Helper()
	i := slices.IndexFunc(all, func(r *resource.Resource) bool { return r.Address == address })
	if i < 0 {
		t.Fatalf("there is no %s", address)
	}
	return all[i]
}

// edges lists references as "FROM path -> TO", with a ? behind one that may be. Those of every pod and container to their wholes are left out.
func edges(all []*resource.Resource) []string {
	var out []string
	for _, r := range all {
		for _, ref := range r.Refs {
			if p := ref.Path.String(); p == "pod" || p == "controller" || r.Type == "k8s_component" {
				continue
			}
			line := fmt.Sprintf("%s %s -> %s", r.Address, ref.Path, ref.Target)
			if ref.Maybe {
				line += "?"
			}
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return out
}

const pods = `
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: n, labels: {app: a, tier: web}}
spec: {}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: n, labels: {app: b}}
spec: {}
---
apiVersion: v1
kind: Pod
metadata: {name: c, labels: {app: a}}
spec: {}
---
apiVersion: v1
kind: Pod
metadata: {name: d, namespace: n, labels: {app: !unknown ""}}
spec: {}
---
`

func TestSelectors(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"a policy by labels", `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: n}, spec: {podSelector: {matchLabels: {app: a}}}}`,
			[]string{"spec.podSelector -> Pod/c?", "spec.podSelector -> n/Pod/a", "spec.podSelector -> n/Pod/d?"}},
		{"a policy on every pod", `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: n}, spec: {podSelector: {}}}`,
			[]string{"spec.podSelector -> Pod/c?", "spec.podSelector -> n/Pod/a", "spec.podSelector -> n/Pod/b", "spec.podSelector -> n/Pod/d"}},
		{"a policy without selector", `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: n}, spec: {}}`,
			[]string{"spec -> Pod/c?", "spec -> n/Pod/a", "spec -> n/Pod/b", "spec -> n/Pod/d"}},
		{"without namespace", `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}, spec: {podSelector: {matchLabels: {app: b}}}}`,
			[]string{"spec.podSelector -> n/Pod/b?", "spec.podSelector -> n/Pod/d?"}},
		{"in the standard namespace", `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: default}, spec: {podSelector: {matchLabels: {app: a}}}}`,
			[]string{"spec.podSelector -> Pod/c"}},
		{"in an unknown namespace", `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: !unknown ""}, spec: {podSelector: {matchLabels: {app: b}}}}`,
			[]string{"spec.podSelector -> n/Pod/b?", "spec.podSelector -> n/Pod/d?"}},
		{"in a namespace that cannot be it", `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: !unknown "x-"}, spec: {podSelector: {matchLabels: {app: b}}}}`,
			nil},
		{"an unknown selector", `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: n}, spec: {podSelector: !unknown ""}}`,
			[]string{"spec.podSelector -> Pod/c?", "spec.podSelector -> n/Pod/a?", "spec.podSelector -> n/Pod/b?", "spec.podSelector -> n/Pod/d?"}},
		{"In and Exists", `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: p, namespace: n}, spec: {selector: {matchExpressions: [{key: app, operator: In, values: [a, b]}, {key: tier, operator: Exists}]}}}`,
			[]string{"spec.selector -> n/Pod/a"}},
		{"NotIn and DoesNotExist", `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: p, namespace: n}, spec: {selector: {matchExpressions: [{key: app, operator: NotIn, values: [a]}, {key: tier, operator: DoesNotExist}]}}}`,
			[]string{"spec.selector -> n/Pod/b", "spec.selector -> n/Pod/d?"}},
		{"NotIn of a label that is not there", `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: p, namespace: n}, spec: {selector: {matchLabels: {app: b}, matchExpressions: [{key: tier, operator: NotIn, values: [web]}]}}}`,
			[]string{"spec.selector -> n/Pod/b", "spec.selector -> n/Pod/d?"}},
		{"no selector", `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: p, namespace: n}, spec: {minAvailable: 1}}`, nil},
		{"the first budgets' empty selector", `{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: p, namespace: n}, spec: {selector: {}}}`, nil},
		{"an empty selector", `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: p, namespace: n}, spec: {selector: {}}}`,
			[]string{"spec.selector -> Pod/c?", "spec.selector -> n/Pod/a", "spec.selector -> n/Pod/b", "spec.selector -> n/Pod/d"}},
		{"a service", `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: n}, spec: {selector: {app: a, tier: web}}}`,
			[]string{"spec.selector -> n/Pod/a"}},
		{"a service without selector", `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: n}, spec: {selector: {}}}`, nil},
		{"a quota", `{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: 1}}}`,
			[]string{"spec -> Pod/c", "spec -> n/Pod/a?", "spec -> n/Pod/b?", "spec -> n/Pod/d?"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, e := range edges(resources(t, pods+tt.text)) {
				from, rest, _ := strings.Cut(e, " ")
				if strings.Contains(rest, "->") && !strings.Contains(from, "Pod/") {
					got = append(got, rest)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestReferences has a unit in which everything names something.
func TestReferences(t *testing.T) {
	const text = `
apiVersion: v1
kind: Namespace
metadata: {name: n}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: n}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: robot
      priorityClassName: high
      imagePullSecrets: [{name: pull}]
      volumes:
        - {name: a, secret: {secretName: s}}
        - {name: b, configMap: {name: c}}
        - {name: c, persistentVolumeClaim: {claimName: v}}
        - {name: d, projected: {sources: [{secret: {name: s}}]}}
      containers:
        - name: main
          env: [{name: X, valueFrom: {secretKeyRef: {name: s, key: k}}}]
          envFrom: [{configMapRef: {name: c}}]
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: n}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: other}}
---
{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: n}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: n}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: v, namespace: n}, spec: {storageClassName: fast}}
---
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}}
---
{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: admin}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: admin}}]}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: more, labels: {to: admin}}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: admin, namespace: n}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: local, namespace: n}
roleRef: {kind: Role, name: admin}
subjects: [{kind: ServiceAccount, name: robot, namespace: n}, {kind: User, name: robot}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: wide}
roleRef: {kind: ClusterRole, name: admin}
subjects: [{kind: Group, name: "system:serviceaccounts:other"}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h, namespace: n}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
---
{apiVersion: v1, kind: Service, metadata: {name: svc, namespace: n}, spec: {selector: {app: web}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, namespace: n}
spec:
  rules: [{http: {paths: [{backend: {service: {name: svc}}}]}}]
  tls: [{secretName: s}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: w}
webhooks: [{name: a, clientConfig: {service: {name: svc, namespace: n}}}]
`
	want := []string{
		"ClusterRole/admin aggregationRule.clusterRoleSelectors[0] -> ClusterRole/more",
		"ClusterRoleBinding/wide roleRef.name -> ClusterRole/admin",
		"ClusterRoleBinding/wide subjects[0].name -> other/ServiceAccount/robot",
		"ValidatingWebhookConfiguration/w webhooks[0].clientConfig.service.name -> n/Service/svc",
		"n/ConfigMap/c metadata.namespace -> Namespace/n",
		"n/Deployment/web container main envFrom[0].configMapRef.name -> n/ConfigMap/c",
		"n/Deployment/web container main env[0].valueFrom.secretKeyRef.name -> n/Secret/s",
		"n/Deployment/web container main namespace -> Namespace/n",
		"n/Deployment/web metadata.namespace -> Namespace/n",
		"n/Deployment/web pod metadata.namespace -> Namespace/n",
		"n/Deployment/web pod spec.priorityClassName -> PriorityClass/high",
		"n/Deployment/web pod spec.serviceAccountName -> n/ServiceAccount/robot",
		"n/Deployment/web pod spec.volumes[0].secret.secretName -> n/Secret/s",
		"n/Deployment/web pod spec.volumes[1].configMap.name -> n/ConfigMap/c",
		"n/Deployment/web pod spec.volumes[2].persistentVolumeClaim.claimName -> n/PersistentVolumeClaim/v",
		"n/Deployment/web pod spec.volumes[3].projected.sources[0].secret.name -> n/Secret/s",
		"n/HorizontalPodAutoscaler/h metadata.namespace -> Namespace/n",
		"n/HorizontalPodAutoscaler/h spec.scaleTargetRef.name -> n/Deployment/web",
		"n/Ingress/i metadata.namespace -> Namespace/n",
		"n/Ingress/i spec.rules[0].http.paths[0].backend.service.name -> n/Service/svc",
		"n/Ingress/i spec.tls[0].secretName -> n/Secret/s",
		"n/PersistentVolumeClaim/v metadata.namespace -> Namespace/n",
		"n/PersistentVolumeClaim/v spec.storageClassName -> StorageClass/fast",
		"n/Role/admin metadata.namespace -> Namespace/n",
		"n/RoleBinding/local metadata.namespace -> Namespace/n",
		"n/RoleBinding/local roleRef.name -> n/Role/admin",
		"n/RoleBinding/local subjects[0].name -> n/ServiceAccount/robot",
		"n/Secret/s metadata.namespace -> Namespace/n",
		"n/Service/svc metadata.namespace -> Namespace/n",
		"n/Service/svc spec.selector -> n/Deployment/web pod",
		"n/ServiceAccount/robot metadata.namespace -> Namespace/n",
	}
	if diff := cmp.Diff(want, edges(resources(t, text))); diff != "" {
		t.Error(diff)
	}
}

// TestInstaller has objects of which who installs them says the namespace: all of them are in the same.
func TestInstaller(t *testing.T) {
	objects := parse(t, `
{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: !installer ""}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {serviceAccountName: a}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: n}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: n}}
`)
	for i := range objects {
		objects[i].Namespace = value.Value{Kind: value.Unknown, Given: true}
	}
	all, _ := manifest.Resources(schema.Load(), objects, dialect.Limits{})
	want := []string{
		"Pod/p metadata.namespace -> Namespace/n?",
		"Pod/p spec.serviceAccountName -> ServiceAccount/a",
		"Pod/p spec.serviceAccountName -> n/ServiceAccount/a?",
		"ServiceAccount/a metadata.namespace -> Namespace/n?",
		"n/ServiceAccount/a metadata.namespace -> Namespace/n",
	}
	if diff := cmp.Diff(want, edges(all)); diff != "" {
		t.Error(diff)
	}
	if v := find(t, all, "Pod/p").Body.Field("metadata").Field("namespace"); v.Kind != value.Unknown {
		t.Errorf("the pod's namespace is %s", value.Show(v))
	}
	if v := find(t, all, "Namespace/n").Body.Field("metadata").Field("namespace"); v.Kind != value.Absent {
		t.Errorf("a namespace is in the namespace %s", value.Show(v))
	}
}

// TestSecrets holds that what a Secret holds is not printed.
func TestSecrets(t *testing.T) {
	all := resources(t, "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: eA==}, stringData: {b: x}}")
	for _, at := range []string{"data.a", "stringData.b"} {
		p, _ := value.ParsePath(at)
		if v := find(t, all, "Secret/s").Body.At(p); !v.Sensitive || v.Kind != value.String {
			t.Errorf("%s is %s", at, value.Show(v))
		}
	}
}

// TestOldProfiles holds that a pod's field counts before the annotation that was there for pods before it.
func TestOldProfiles(t *testing.T) {
	all := resources(t, `
apiVersion: v1
kind: Pod
metadata: {name: p, annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}}
spec: {securityContext: {seccompProfile: {type: RuntimeDefault}}, containers: [{name: c}]}
`)
	p, _ := value.ParsePath("securityContext.seccompProfile.type")
	if v := find(t, all, "Pod/p container c").Body.At(p); v.Text != "RuntimeDefault" {
		t.Errorf("the profile is %s", value.Show(v))
	}
}

// TestInherits tests that a container says what of its security context the pod wrote, and only that.
func TestInherits(t *testing.T) {
	all := resources(t, `
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: n}
spec:
  securityContext: {runAsUser: 0, fsGroup: 0, windowsOptions: {hostProcess: true}, seccompProfile: {type: Unconfined}}
  containers:
  - {name: all}
  - {name: some, securityContext: {runAsUser: 5, privileged: true, windowsOptions: {runAsUserName: web}}}
  - {name: none, securityContext: {runAsUser: 5, seccompProfile: {type: RuntimeDefault}, windowsOptions: {hostProcess: false}}}
`)
	for name, want := range map[string][]string{
		"all": {"runAsUser", "seccompProfile", "windowsOptions"}, "some": {"seccompProfile", "windowsOptions.hostProcess"}, "none": nil,
	} {
		var got []string
		for _, v := range find(t, all, "n/Pod/p container "+name).Body.Field("inherits").Items {
			got = append(got, v.Text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
