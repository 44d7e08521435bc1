package rule

import (
	"path"
	"slices"
	"strings"
)

var kubernetesFunctions = []function{
	{
		Function: Function{
			Name:       "k8s.hostPath",
			Signatures: []string{"k8s.hostPath(string) -> string"},
			Doc: `What a path on a node is: "socket" of a container runtime, "system" when it decides what the node does or holds its secrets (/etc, /var/lib/kubelet, C:\Windows), ` +
				`and "other", which known harmless parts of the system are too (/etc/localtime, /usr/share).`,
			Example: `k8s.hostPath("/run/containerd/containerd.sock") == "socket" && k8s.hostPath("/etc/kubernetes") == "system" && k8s.hostPath("/data") == "other"`,
		},
		call: onText(func(s string) val { return texts(hostPath(s)) }, val{}),
	},
}

// runtimeSockets are the sockets of container runtimes: who may write to one starts containers as root.
var runtimeSockets = []string{"docker.sock", "containerd.sock", "crio.sock", "cri-dockerd.sock", "dockershim.sock", "podman.sock"}

// systemPaths decide what a Linux node does, with all below them; of those that end in a slash only the folder itself.
var systemPaths = []string{
	"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr",
	"/var/", "/var/lib/", "/var/run", "/var/spool/cron", "/var/lib/containerd", "/var/lib/containers", "/var/lib/crio",
	"/var/lib/docker", "/var/lib/etcd", "/var/lib/kubelet", "/var/lib/rancher", "/var/lib/kube-apiserver",
	"/var/lib/kube-controller-manager", "/var/lib/kube-proxy", "/var/lib/kube-scheduler",
}

// harmlessPaths are below those and hold nothing that an attacker could use: every pod may know what time it is.
var harmlessPaths = []string{
	"/etc/localtime", "/etc/timezone", "/etc/os-release", "/etc/machine-id", "/etc/ssl/certs", "/etc/pki/ca-trust", "/etc/ca-certificates",
	"/usr/share", "/usr/local/share", "/usr/lib/os-release", "/usr/src", "/lib/modules", "/run/xtables.lock", "/sys/fs/cgroup",
	"/dev/shm", "/dev/fuse", "/dev/net/tun",
}

func hostPath(s string) string {
	windows := strings.ReplaceAll(strings.ToLower(s), `\`, "/")
	pipe := strings.HasPrefix(windows, "//./pipe/") && (strings.HasSuffix(windows, "/docker_engine") || strings.HasSuffix(windows, "/containerd-containerd"))
	clean := path.Clean("/" + s)
	if pipe || slices.Contains(runtimeSockets, path.Base(clean)) {
		return "socket"
	}
	if drive, rest, found := strings.Cut(windows, ":"); found && len(drive) == 1 {
		if rest = path.Clean("/" + rest); rest == "/" || isIn(rest, "/windows") {
			return "system"
		}
		return "other"
	}
	is := func(folder string) bool { return isIn(clean, folder) }
	if clean == "/" || slices.ContainsFunc(systemPaths, is) && !slices.ContainsFunc(harmlessPaths, is) {
		return "system"
	}
	return "other"
}

// isIn says whether a clean path is a folder or in it; a folder that ends in a slash is nothing but itself.
func isIn(at, folder string) bool {
	rest, ok := strings.CutPrefix(at, strings.TrimSuffix(folder, "/"))
	return ok && (rest == "" || rest[0] == '/' && !strings.HasSuffix(folder, "/"))
}
