package manifest

import "strings"

// kind is a kind of Kubernetes' own, or one that rules ask for.
type kind struct {
	name    string
	version string // apiVersion of new objects
	wide    bool   // of the cluster: it has no namespace
	typ     string // where it is not made of the name
}

// own are the kinds by group, https://kubernetes.io/docs/reference/kubernetes-api/. Groups that were given up stand for what took their place.
var own = map[string][]kind{
	"": {
		{name: "Binding", version: "v1"}, {name: "ComponentStatus", version: "v1", wide: true}, {name: "ConfigMap", version: "v1"},
		{name: "Endpoints", version: "v1"}, {name: "Event", version: "v1"}, {name: "LimitRange", version: "v1"},
		{name: "Namespace", version: "v1", wide: true}, {name: "Node", version: "v1", wide: true},
		{name: "PersistentVolume", version: "v1", wide: true}, {name: "PersistentVolumeClaim", version: "v1"}, {name: "Pod", version: "v1"},
		{name: "PodTemplate", version: "v1"}, {name: "ReplicationController", version: "v1"}, {name: "ResourceQuota", version: "v1"},
		{name: "Secret", version: "v1"}, {name: "Service", version: "v1"}, {name: "ServiceAccount", version: "v1"},
		{name: "EncryptionConfig", version: "v1", wide: true, typ: "k8s_encryption_configuration"},
	},
	"apps": {
		{name: "ControllerRevision", version: "apps/v1"}, {name: "DaemonSet", version: "apps/v1"}, {name: "Deployment", version: "apps/v1"},
		{name: "ReplicaSet", version: "apps/v1"}, {name: "StatefulSet", version: "apps/v1"},
	},
	"extensions": {
		{name: "DaemonSet", version: "apps/v1"}, {name: "Deployment", version: "apps/v1"}, {name: "Ingress", version: "networking.k8s.io/v1"},
		{name: "NetworkPolicy", version: "networking.k8s.io/v1"}, {name: "PodSecurityPolicy", version: "policy/v1beta1", wide: true},
		{name: "ReplicaSet", version: "apps/v1"},
	},
	"batch":       {{name: "CronJob", version: "batch/v1"}, {name: "Job", version: "batch/v1"}},
	"autoscaling": {{name: "HorizontalPodAutoscaler", version: "autoscaling/v2"}, {name: "Scale", version: "autoscaling/v1"}},
	"policy": {
		{name: "Eviction", version: "policy/v1"}, {name: "PodDisruptionBudget", version: "policy/v1"},
		{name: "PodSecurityPolicy", version: "policy/v1beta1", wide: true},
	},
	"networking.k8s.io": {
		{name: "Ingress", version: "networking.k8s.io/v1"}, {name: "IngressClass", version: "networking.k8s.io/v1", wide: true},
		{name: "IPAddress", version: "networking.k8s.io/v1", wide: true}, {name: "NetworkPolicy", version: "networking.k8s.io/v1"},
		{name: "ServiceCIDR", version: "networking.k8s.io/v1", wide: true},
	},
	"rbac.authorization.k8s.io": {
		{name: "ClusterRole", version: "rbac.authorization.k8s.io/v1", wide: true},
		{name: "ClusterRoleBinding", version: "rbac.authorization.k8s.io/v1", wide: true},
		{name: "Role", version: "rbac.authorization.k8s.io/v1"}, {name: "RoleBinding", version: "rbac.authorization.k8s.io/v1"},
	},
	"storage.k8s.io": {
		{name: "CSIDriver", version: "storage.k8s.io/v1", wide: true}, {name: "CSINode", version: "storage.k8s.io/v1", wide: true},
		{name: "CSIStorageCapacity", version: "storage.k8s.io/v1"}, {name: "StorageClass", version: "storage.k8s.io/v1", wide: true},
		{name: "VolumeAttachment", version: "storage.k8s.io/v1", wide: true}, {name: "VolumeAttributesClass", version: "storage.k8s.io/v1", wide: true},
	},
	"admissionregistration.k8s.io": {
		{name: "MutatingAdmissionPolicy", version: "admissionregistration.k8s.io/v1", wide: true},
		{name: "MutatingAdmissionPolicyBinding", version: "admissionregistration.k8s.io/v1", wide: true},
		{name: "MutatingWebhookConfiguration", version: "admissionregistration.k8s.io/v1", wide: true},
		{name: "ValidatingAdmissionPolicy", version: "admissionregistration.k8s.io/v1", wide: true},
		{name: "ValidatingAdmissionPolicyBinding", version: "admissionregistration.k8s.io/v1", wide: true},
		{name: "ValidatingWebhookConfiguration", version: "admissionregistration.k8s.io/v1", wide: true},
	},
	"apiextensions.k8s.io":   {{name: "CustomResourceDefinition", version: "apiextensions.k8s.io/v1", wide: true}},
	"apiregistration.k8s.io": {{name: "APIService", version: "apiregistration.k8s.io/v1", wide: true}},
	"certificates.k8s.io": {
		{name: "CertificateSigningRequest", version: "certificates.k8s.io/v1", wide: true},
		{name: "ClusterTrustBundle", version: "certificates.k8s.io/v1beta1", wide: true},
		{name: "PodCertificateRequest", version: "certificates.k8s.io/v1beta1"},
	},
	"coordination.k8s.io": {{name: "Lease", version: "coordination.k8s.io/v1"}, {name: "LeaseCandidate", version: "coordination.k8s.io/v1beta1"}},
	"discovery.k8s.io":    {{name: "EndpointSlice", version: "discovery.k8s.io/v1"}},
	"events.k8s.io":       {{name: "Event", version: "events.k8s.io/v1"}},
	"flowcontrol.apiserver.k8s.io": {
		{name: "FlowSchema", version: "flowcontrol.apiserver.k8s.io/v1", wide: true},
		{name: "PriorityLevelConfiguration", version: "flowcontrol.apiserver.k8s.io/v1", wide: true},
	},
	"node.k8s.io":       {{name: "RuntimeClass", version: "node.k8s.io/v1", wide: true}},
	"scheduling.k8s.io": {{name: "PriorityClass", version: "scheduling.k8s.io/v1", wide: true}},
	"resource.k8s.io": {
		{name: "DeviceClass", version: "resource.k8s.io/v1", wide: true}, {name: "ResourceClaim", version: "resource.k8s.io/v1"},
		{name: "ResourceClaimTemplate", version: "resource.k8s.io/v1"}, {name: "ResourceSlice", version: "resource.k8s.io/v1", wide: true},
	},

	// Files of the cluster's own programs: they are never sent to the API server.
	"kubelet.config.k8s.io": {{name: "KubeletConfiguration", version: "kubelet.config.k8s.io/v1beta1", wide: true}},
	"apiserver.config.k8s.io": {
		{name: "AdmissionConfiguration", version: "apiserver.config.k8s.io/v1", wide: true},
		{name: "EncryptionConfiguration", version: "apiserver.config.k8s.io/v1", wide: true},
	},
	"apiserver.k8s.io": {{name: "AdmissionConfiguration", version: "apiserver.config.k8s.io/v1", wide: true}},
	"audit.k8s.io":     {{name: "Policy", version: "audit.k8s.io/v1", wide: true, typ: "k8s_audit_policy"}},
	"kubeadm.k8s.io": {
		{name: "ClusterConfiguration", version: "kubeadm.k8s.io/v1beta4", wide: true, typ: "k8s_kubeadm_cluster_configuration"},
		{name: "InitConfiguration", version: "kubeadm.k8s.io/v1beta4", wide: true, typ: "k8s_kubeadm_init_configuration"},
		{name: "JoinConfiguration", version: "kubeadm.k8s.io/v1beta4", wide: true, typ: "k8s_kubeadm_join_configuration"},
	},

	// Kinds of others that rules ask for.
	"argoproj.io": {
		{name: "ClusterWorkflowTemplate", version: "argoproj.io/v1alpha1", wide: true, typ: "k8s_argo_workflow_template"},
		{name: "CronWorkflow", version: "argoproj.io/v1alpha1", typ: "k8s_argo_cron_workflow"},
		{name: "Workflow", version: "argoproj.io/v1alpha1", typ: "k8s_argo_workflow"},
		{name: "WorkflowTemplate", version: "argoproj.io/v1alpha1", typ: "k8s_argo_workflow_template"},
	},
	"serving.knative.dev": {{name: "Service", version: "serving.knative.dev/v1", typ: "k8s_knative_service"}},
	"external-secrets.io": {
		{name: "ClusterExternalSecret", version: "external-secrets.io/v1", wide: true, typ: "k8s_external_secret"},
		{name: "ExternalSecret", version: "external-secrets.io/v1", typ: "k8s_external_secret"},
	},
	"secrets-store.csi.x-k8s.io": {{name: "SecretProviderClass", version: "secrets-store.csi.x-k8s.io/v1"}},
	"constraints.gatekeeper.sh":  {{name: "K8sAllowedRepos", version: "constraints.gatekeeper.sh/v1beta1", wide: true, typ: "k8s_gatekeeper_allowed_repos"}},
}

// kindOf returns what is known of a kind of an API version; false for kinds of others that rules do not ask for.
func kindOf(apiVersion, name string) (kind, bool) {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group = ""
	}
	for _, k := range own[group] {
		if k.name == name {
			return k, true
		}
	}
	return kind{}, false
}

// TypeOf returns the type of the resource that an object makes.
func TypeOf(apiVersion, name string) string {
	k, ok := kindOf(apiVersion, name)
	switch {
	case !ok:
		return "k8s_custom"
	case k.typ != "":
		return k.typ
	}
	return "k8s_" + snake(k.name)
}

// kindOfType returns the kind of which new objects of a type are.
func kindOfType(typ string) (kind, bool) {
	var found kind
	for _, kinds := range own {
		for _, k := range kinds {
			of := k.typ
			if of == "" {
				of = "k8s_" + snake(k.name)
			}
			// Some groups repeat what another has; all of them write the same version.
			if of == typ && (found.name == "" || k.version+k.name < found.version+found.name) {
				found = k
			}
		}
	}
	return found, found.name != ""
}

// snake writes PodDisruptionBudget as pod_disruption_budget and CSIDriver as csi_driver.
func snake(s string) string {
	upper := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= 'A' && s[i] <= 'Z' }
	var b strings.Builder
	for i := range len(s) {
		if upper(i) && i > 0 && (!upper(i-1) || i+1 < len(s) && !upper(i+1)) {
			b.WriteByte('_')
		}
		if upper(i) {
			b.WriteByte(s[i] + 'a' - 'A')
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
