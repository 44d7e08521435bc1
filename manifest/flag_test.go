package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/manifest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

func TestLowerWordsOfFlags(t *testing.T) {
	all := resources(t, `
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: n}
spec:
  containers:
    - name: a
      command: [kube-apiserver, "--enable-admission-plugins=A,B", --disable-admission-plugins, C, --open, !unknown ""]
    - name: b
      command: [etcd, --name=x]
      env: [{name: ETCD_CLIENT_CERT_AUTH, value: "false"}, {name: ETCD_NAME, value: y}, {name: ETCD_KEY_FILE, valueFrom: {}}]
    - name: c
      command: [kubelet, --config=x, --event-qps=1]
`)
	const c = "n/Pod/p container c component kubelet"
	const a, b = "n/Pod/p container a component kube-apiserver", "n/Pod/p container b component etcd"
	for _, tt := range []struct {
		address string
		change  resource.Change
		want    []string
	}{
		{a, change(resource.Set, `flags.enable-admission-plugins["C"]`, true), []string{"set spec.containers[0].command[1] = \"--enable-admission-plugins=A,B,C\""}},
		{a, change(resource.Set, `flags.enable-admission-plugins["B"]`, true), nil},
		{a, change(resource.Remove, `flags.enable-admission-plugins["A"]`, nil), []string{"set spec.containers[0].command[1] = \"--enable-admission-plugins=B\""}},
		{a, change(resource.Remove, `flags.disable-admission-plugins["C"]`, nil), []string{"remove spec.containers[0].command[2]", "remove spec.containers[0].command[3]"}},
		{a, change(resource.Set, `flags.open["C"]`, true), []string{"! n/Pod/p container a component kube-apiserver: the flag open is not known"}},
		{b, change(resource.Set, "flags.client-cert-auth", "true"), []string{"set spec.containers[1].env[0].value = \"true\""}},
		{b, change(resource.Remove, "flags.client-cert-auth", nil), []string{"remove spec.containers[1].env[0]"}},
		{b, change(resource.Set, "flags.name", "z"), []string{"set spec.containers[1].command[1] = \"--name=z\""}},
		{b, change(resource.Set, "flags.key-file", "z"), []string{"! n/Pod/p container b component etcd: ETCD_KEY_FILE is set elsewhere"}},
		{b, change(resource.Set, `flags.cipher-suites["z"]`, true), []string{"add spec.containers[1].command = \"--cipher-suites=z\""}},
		{c, change(resource.Set, "flags.hostname-override", "z"), []string{"add spec.containers[2].command = \"--hostname-override=z\""}},
	} {
		wishes, err := manifest.Lower(find(t, all, tt.address), []resource.Change{tt.change})
		got := wished(wishes)
		if err != nil {
			got = []string{"! " + err.Error()}
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s %s: %s", tt.address, tt.change.Path, d)
		}
	}
	flags := find(t, all, c).Body.Field("flags")
	for name, want := range map[string]value.Kind{"event-qps": value.String, "anonymous-auth": value.Unknown, "hostname-override": value.Absent} {
		if got := flags.Field(name).Kind; got != want {
			t.Errorf("--%s of a kubelet with a file is %v, want %v", name, got, want)
		}
	}
	if got := find(t, all, b).Body.Field("flags").Field("name").Text; got != "x" {
		t.Errorf("the name is %q: the command line counts, not the environment", got)
	}
}
