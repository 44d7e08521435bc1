package chart

import "slices"

// Capabilities is what templates see as .Capabilities: the cluster that Helm assumes when it is not asked to look at one.
type Capabilities struct {
	KubeVersion KubeVersion
	APIVersions VersionSet
	HelmVersion BuildInfo
}

// KubeVersion is a version of Kubernetes.
type KubeVersion struct {
	Version string // v1.37.0
	Major   string
	Minor   string
}

// String and GitVersion return the version; templates print and call them.
func (kv *KubeVersion) String() string { return kv.Version }

// GitVersion is an older name of Version.
func (kv *KubeVersion) GitVersion() string { return kv.Version }

// VersionSet is what APIs there are: apps/v1. Helm asks it for kinds too: apps/v1/Deployment is in no default.
type VersionSet []string

// Has reports whether there is an API.
func (v VersionSet) Has(api string) bool { return slices.Contains(v, api) }

// BuildInfo is what templates see of Helm.
type BuildInfo struct {
	Version      string `json:"version,omitempty"`
	GitCommit    string `json:"git_commit,omitempty"`
	GitTreeState string `json:"git_tree_state,omitempty"`
	GoVersion    string `json:"go_version,omitempty"`
}

// DefaultCapabilities returns those of Helm 3.22 without a cluster: helm template says so, and its client is made for that version.
func DefaultCapabilities() *Capabilities {
	return &Capabilities{KubeVersion: KubeVersion{"v1.37.0", "1", "37"}, APIVersions: slices.Clone(defaultAPIs), HelmVersion: BuildInfo{Version: "v3.22"}}
}

// Accepts reports whether a chart may be installed on the cluster: what its kubeVersion asks for.
func (c *Capabilities) Accepts(m *Metadata) bool {
	return m.KubeVersion == "" || inRange(m.KubeVersion, c.KubeVersion.Version)
}
