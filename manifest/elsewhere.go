package manifest

import (
	"strings"

	"plumbline.dev/plumbline/value"
)

// elsewhere are the flags of which a file that another flag names says what holds where the command line does not, by program and that flag.
// https://kubernetes.io/docs/reference/command-line-tools-reference/, for the kubelet the flags that "should be set via the config file".
var elsewhere = map[string]map[string][]string{
	"kube-apiserver": {
		"authentication-config": {"anonymous-auth"},
		"authorization-config":  {"authorization-mode"},
	},
	"kube-scheduler": {"config": {"profiling"}},
	"kubelet":        {"config": kubeletFile, "config-dir": kubeletFile},
}

var kubeletFile = []string{
	"anonymous-auth", "authentication-token-webhook", "authorization-mode", "client-ca-file", "event-qps", "feature-gates",
	"make-iptables-util-chains", "pod-max-pids", "protect-kernel-defaults", "read-only-port", "rotate-certificates",
	"rotate-server-certificates", "seccomp-default", "streaming-connection-idle-timeout", "tls-cert-file", "tls-cipher-suites",
	"tls-min-version", "tls-private-key-file",
}

// withElsewhere makes unknown what a file says of a program that nobody here can find by its path. An etcd with a file takes no notice of flags.
func withElsewhere(program string, flags value.Value) value.Value {
	if file := flags.Field("config-file"); program == "etcd" && file.IsSet() {
		return value.Value{Kind: value.Object, Open: true, Range: file.Range, Fields: []value.Field{{Name: "config-file", Value: *file}}}
	}
	for by, names := range elsewhere[program] {
		file := flags.Field(by)
		if !file.IsSet() {
			continue
		}
		for _, name := range names {
			if !flags.Field(name).IsSet() {
				flags = with(flags, name, unknownAt(file))
			}
		}
	}
	return flags
}

// withEnvironment adds what an etcd reads from its environment: ETCD_CERT_FILE is --cert-file where the command line does not have that,
// https://etcd.io/docs/v3.6/op-guide/configuration/.
func (a *arguments) withEnvironment(part *Part, body *value.Value, flags value.Value) value.Value {
	variables := field(body, "env")
	if variables.Kind == value.Unknown || variables.Open || field(body, "envFrom").Kind != value.Absent {
		flags.Open, a.open = true, true
	}
	for i := range variables.Items {
		variable := &variables.Items[i]
		name, ok := strings.CutPrefix(variable.Field("name").Text, "ETCD_")
		name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		if !ok || flags.Field(name).IsSet() {
			continue
		}
		v := variable.Field("value")
		given := unknownAt(variable)
		if s, known := v.Word(); known {
			given = text(s)
			given.Range = v.Range
		}
		flags = with(flags, name, given)
		part.move(value.Path{{Name: "flags"}, {Name: name}}.String(), path(part.At, "env", i, "value"))
	}
	return flags
}
