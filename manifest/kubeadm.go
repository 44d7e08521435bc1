package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// kubeadmPart is a program that a file of kubeadm's configures.
type kubeadmPart struct {
	program string
	at      []string // where extraArgs are
}

// kubeadmParts are the programs by type, https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/.
var kubeadmParts = map[string][]kubeadmPart{
	"k8s_kubeadm_cluster_configuration": {
		{"kube-apiserver", []string{"apiServer", "extraArgs"}}, {"kube-controller-manager", []string{"controllerManager", "extraArgs"}},
		{"kube-scheduler", []string{"scheduler", "extraArgs"}}, {"etcd", []string{"etcd", "local", "extraArgs"}},
	},
	"k8s_kubeadm_init_configuration": {{"kubelet", []string{"nodeRegistration", "kubeletExtraArgs"}}},
	"k8s_kubeadm_join_configuration": {{"kubelet", []string{"nodeRegistration", "kubeletExtraArgs"}}},
}

// passed are the flags that kubeadm itself passes where nothing else is said, https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/.
var passed = map[string]map[string]string{
	"kube-apiserver": {
		"allow-privileged": "true", "authorization-mode": "Node,RBAC", "client-ca-file": "/etc/kubernetes/pki/ca.crt",
		"enable-admission-plugins": "NodeRestriction", "enable-bootstrap-token-auth": "true",
		"etcd-cafile": "/etc/kubernetes/pki/etcd/ca.crt", "etcd-certfile": "/etc/kubernetes/pki/apiserver-etcd-client.crt",
		"etcd-keyfile":                     "/etc/kubernetes/pki/apiserver-etcd-client.key",
		"kubelet-client-certificate":       "/etc/kubernetes/pki/apiserver-kubelet-client.crt",
		"kubelet-client-key":               "/etc/kubernetes/pki/apiserver-kubelet-client.key",
		"requestheader-client-ca-file":     "/etc/kubernetes/pki/front-proxy-ca.crt",
		"secure-port":                      "6443",
		"service-account-key-file":         "/etc/kubernetes/pki/sa.pub",
		"service-account-signing-key-file": "/etc/kubernetes/pki/sa.key",
		"tls-cert-file":                    "/etc/kubernetes/pki/apiserver.crt",
		"tls-private-key-file":             "/etc/kubernetes/pki/apiserver.key",
	},
	"kube-controller-manager": {
		"bind-address": "127.0.0.1", "leader-elect": "true", "root-ca-file": "/etc/kubernetes/pki/ca.crt",
		"service-account-private-key-file": "/etc/kubernetes/pki/sa.key", "use-service-account-credentials": "true",
	},
	"kube-scheduler": {"bind-address": "127.0.0.1", "leader-elect": "true"},
	"etcd": {
		"cert-file": "/etc/kubernetes/pki/etcd/server.crt", "client-cert-auth": "true", "key-file": "/etc/kubernetes/pki/etcd/server.key",
		"peer-cert-file": "/etc/kubernetes/pki/etcd/peer.crt", "peer-client-cert-auth": "true", "peer-key-file": "/etc/kubernetes/pki/etcd/peer.key",
		"peer-trusted-ca-file": "/etc/kubernetes/pki/etcd/ca.crt", "trusted-ca-file": "/etc/kubernetes/pki/etcd/ca.crt",
	},
}

// kubeadm makes the components that a file of kubeadm's configures.
func (b *builder) kubeadm(e *entity) {
	for _, p := range kubeadmParts[e.Type] {
		// An etcd elsewhere is configured elsewhere, and so is a kubelet of which the file says nothing.
		section := field(&e.Body, p.at[:len(p.at)-1]...)
		if p.program == "etcd" && e.Body.Field("etcd").Field("external").IsSet() || p.program == "kubelet" && !section.IsSet() {
			continue
		}
		extra := field(&e.Body, p.at...)
		flags := value.Value{Kind: value.Object, Open: extra.Kind == value.Unknown || extra.Open}
		for _, name := range slices.Sorted(maps.Keys(passed[p.program])) {
			flags.Fields = append(flags.Fields, value.Field{Name: name, Value: text(passed[p.program][name])})
		}
		part := &Part{Object: e.object, arguments: &arguments{open: flags.Open}, extra: path(nil, anys(p.at)...)}
		each(&extra, func(name string, v value.Value, at value.Path) {
			flags = with(flags, name, v)
			part.move(value.Path{{Name: "flags"}, {Name: name}}.String(), append(path(part.extra), at...))
		})
		if p.program == "kubelet" && !flags.Field("config").IsSet() {
			// kubeadm starts it with a file, https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/.
			flags = with(flags, "config", text("/var/lib/kubelet/config.yaml"))
		}
		flags = withElsewhere(p.program, flags)
		name := text(p.program)
		if s := e.Body.Field(p.at[0]); !s.Range.IsZero() {
			name.Range = s.Range
		}
		b.componentOf(e.Resource, part, name, flags)
		made := b.out[len(b.out)-1]
		made.Refs = append(made.Refs, resource.Ref{Path: path(nil, "name"), Target: e.Address})
		b.refs++
	}
}

// each yields arguments: a map of the versions up to v1beta3, a list of names and values since v1beta4.
func each(extra *value.Value, yield func(name string, v value.Value, at value.Path)) {
	word := func(v value.Value) value.Value {
		if s, ok := v.Word(); ok {
			r := v.Range
			v = text(s)
			v.Range = r
		}
		return v
	}
	switch extra.Kind {
	case value.Object:
		for _, f := range extra.Fields {
			yield(f.Name, word(f.Value), path(nil, f.Name))
		}
	case value.List:
		for i := range extra.Items {
			if name, ok := extra.Items[i].Field("name").Word(); ok {
				yield(name, word(field(&extra.Items[i], "value")), path(nil, i, "value"))
			}
		}
	}
}

// extraFlag lowers a wish about a flag of a program that kubeadm starts.
func (l *lowering) extraFlag(op resource.ChangeOp, name, wanted string) error {
	key := value.Path{{Name: "flags"}, {Name: name}}
	at, there := l.part.moved[key.String()]
	list := l.part.Object.Body.At(l.part.extra)
	switch {
	case op == resource.Remove && !there:
		return fmt.Errorf("kubeadm itself passes --%s", name)
	case op == resource.Remove && list.Kind == value.List:
		l.wish(op, at[:len(at)-1], value.Value{})
	case op == resource.Remove:
		l.wish(op, at, value.Value{})
	case there:
		l.wish(op, at, text(wanted))
	case list.Kind == value.Object || !list.IsSet() && !l.part.lists():
		l.wish(resource.Set, path(l.part.extra, name), text(wanted))
	case list.Kind == value.Unknown:
		return fmt.Errorf("%s is not known", l.part.extra)
	default:
		item := with(value.Value{Kind: value.Object}, "name", text(name))
		l.wish(resource.Add, l.part.extra, with(item, "value", text(wanted)))
	}
	return nil
}

// lists reports whether the version of the file has arguments as lists.
func (p *Part) lists() bool {
	version := p.Object.Body.Field("apiVersion").Text
	return !strings.HasSuffix(version, "/v1beta1") && !strings.HasSuffix(version, "/v1beta2") && !strings.HasSuffix(version, "/v1beta3")
}
