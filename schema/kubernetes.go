package schema

import "strings"

// KubernetesType returns the type of a kind of Kubernetes: k8s_network_policy of NetworkPolicy, k8s_csi_driver of CSIDriver. It does
// not say that there is such a type.
func KubernetesType(kind string) string {
	out := []byte("k8s_")
	upper := func(i int) bool { return i < len(kind) && kind[i] >= 'A' && kind[i] <= 'Z' }
	for i := range len(kind) {
		// A word begins at a capital that follows a small letter, or that a small letter follows.
		if upper(i) && i > 0 && (!upper(i-1) || i+1 < len(kind) && !upper(i+1)) {
			out = append(out, '_')
		}
		out = append(out, kind[i])
	}
	return strings.ToLower(string(out))
}
