package schema

import "testing"

func TestKubernetesType(t *testing.T) {
	for kind, want := range map[string]string{
		"Pod": "k8s_pod", "NetworkPolicy": "k8s_network_policy", "CSIDriver": "k8s_csi_driver", "APIService": "k8s_api_service",
		"IPAddress": "k8s_ip_address", "ServiceCIDR": "k8s_service_cidr", "CronJob": "k8s_cron_job", "": "k8s_",
	} {
		if got := KubernetesType(kind); got != want {
			t.Errorf("KubernetesType(%q) = %s, want %s", kind, got, want)
		}
	}
}
