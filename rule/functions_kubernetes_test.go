package rule

import "testing"

func TestHostPath(t *testing.T) {
	for at, want := range map[string]string{
		"/": "system", "//": "system", "": "system", "/etc": "system", "/etc/": "system", "//etc//kubernetes": "system", "/etcd": "other",
		"/data/../etc/shadow": "system", "/dev/sda": "system", "/var": "system", "/var/": "system", "/var/log": "other", "/var/lib": "system",
		"/var/lib/kubelet/pods": "system", "/var/lib/shop": "other", "/var/lib/kube-scheduler": "system", "/run": "system", "/var/run/": "system",
		"/home/ubuntu/.ssh": "system", "/srv": "other", "/opt/cni/bin": "other",
		"/etc/localtime": "other", "/etc/ssl/certs/ca.pem": "other", "/etc/ssl/private": "system", "/lib/modules": "other", "/usr/bin": "system",
		"/var/run/docker.sock": "socket", "/run/k3s/containerd/containerd.sock": "socket", "/var/run/docker.sock/": "socket", "/run/spire/agent.sock": "system",
		`\\.\pipe\docker_engine`: "socket", `C:\`: "system", `c:/Windows/System32`: "system", `D:\data`: "other", `C:\WindowsApps`: "other",
	} {
		if got := hostPath(at); got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
}
