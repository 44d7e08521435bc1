// Package manifest turns objects of Kubernetes into resources: one for each object, and for each workload its pod and its
// containers, all of the same shape whatever the kind, so that a rule is written once.
//
// Who has objects (manifests, charts, overlays, Terraform's kubernetes_ resources) gives them as value trees in Kubernetes' own
// words. The package knows the kinds of Kubernetes and how they refer to each other; it knows no file and no syntax.
//
// Types are "k8s_" and the kind in snake case: k8s_network_policy. Kinds that are not Kubernetes' own have a type only when
// rules ask for them (k8s_argo_workflow, k8s_knative_service, k8s_external_secret, k8s_secret_provider_class,
// k8s_gatekeeper_allowed_repos); every other one is a k8s_custom. Besides there are:
//
//	k8s_pod        a Pod, or the pod that a workload makes: workload (the kind that makes it), metadata (its own; namespace and, in
//	               a template without one, name are those of the workload), spec as PodSpec, and controller, which refers to the workload.
//	               spec.serviceAccountName is "default" where nothing says another
//	k8s_container  a container of a pod: the attributes of Container; its securityContext is the effective one, with what the pod's
//	               says where the container says nothing (runAsUser, runAsGroup, runAsNonRoot, seLinuxOptions, seccompProfile,
//	               appArmorProfile, windowsOptions), and inherits names what of it comes from the pod (runAsUser, windowsOptions.hostProcess):
//	               a bad value that is written once at the pod is the pod's finding, and not each container's; role (container, init, sidecar: an init container with restartPolicy Always,
//	               or ephemeral), workload, namespace, os (spec.os.name, linux when nothing says windows), hostUsers, pod, which
//	               refers to the k8s_pod, program (last part of the first word of command, else of args, else nothing) and flags
//	               (of command and args: --name=value, --name value and -name=value as a map from name to value; "true" for a flag alone)
//	k8s_component  a part of the control plane or a kubelet: name (kube-apiserver, kube-controller-manager, kube-scheduler, etcd,
//	               kubelet), flags as above. Made of containers that run such a program, and of kubeadm's ClusterConfiguration,
//	               InitConfiguration and JoinConfiguration (extraArgs over what kubeadm itself passes). Flags of which a file that a flag
//	               names says what holds (kubelet --config) are unknown when they are not given; an etcd's environment counts as flags
//
// Addresses are "Deployment/web", with a namespace "prod/Deployment/web"; the pod of it is "prod/Deployment/web pod" and its
// containers "prod/Deployment/web container app" ("… init container setup", "… ephemeral container debug"). A Pod is its own
// k8s_pod. The second object of the same address has " #2" behind it. An object with generateName has that name with a *.
// Where the dialect has addresses of its own they take the place of the first part: "kubernetes_deployment.web container app".
//
// References: pod → service account, secrets, config maps, volume claims, priority class; container → pod, and what its
// environment comes from; pod → controller; binding → role and service accounts; service, network policy and disruption budget →
// the pods that they select (of their namespace); quota and limit range → the pods of their namespace; autoscaler → what it
// scales; ingress → services; aggregating role → the roles that it takes in; webhook and API service → service; each namespaced object → its
// namespace where that is declared. Where it is not known whether one leads there (an unknown name, namespace, selector or label) it is Maybe.
//
// Objects that name no namespace are in one that nobody names here, all in the same: what is applied without -n is in
// "default", so that those are together; whether they are in any other that is named is not known.
package manifest

import (
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Object is one object of Kubernetes as its dialect found it.
type Object struct {
	Body      value.Value     // Object with apiVersion, kind, metadata and all else as it was written, Ranges included
	Range     source.Range    // the whole document
	Header    source.Range    // its first line, or as much of it as names the object; zero: where its name stands, else its kind
	Dialect   string          // kubernetes, helm, kustomize, terraform
	Namespace value.Value     // what it gets when it names none itself: Absent where nothing says; Unknown, Given and without Text where who installs all of the unit says
	Calls     []resource.Call // the charts that led here, outermost first
	Maybe     bool            // a condition that is unknown decides whether it is there
	Address   string          // of its resource, where its dialect has addresses of its own; empty: made of its kind and name
	Within    value.Path      // where in the document Body is; empty for all of it. Set by Unfold
	Handle    any             // the dialect's own; nobody else looks inside
}

// Part is the Handle of every resource that this package makes: the object that it is a part of.
type Part struct {
	Object *Object
	At     value.Path // where in the object the resource's attributes are; empty for the object itself

	pod       *pod                  // of pods and containers
	moved     map[string]value.Path // attributes that are elsewhere in the object, by their path
	inherited []string              // fields of the security context that come from the pod
	arguments *arguments            // of containers and components
	extra     value.Path            // of a component of kubeadm's: where the arguments of the program are
	address   string
}

// Wish is one wish in the words of an object.
type Wish struct {
	Object *Object
	Op     resource.ChangeOp // Set, Remove or Add; Create: Value is a whole new object that shall stand beside this one
	Path   value.Path        // in the object's Body
	Value  value.Value
}
