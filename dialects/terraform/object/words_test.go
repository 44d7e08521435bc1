package object

import (
	"slices"
	"strings"
	"testing"

	"plumbline.dev/plumbline/schema"
)

// nowhere are the attributes that are no part of the object: those of the provider itself, and what the API server writes.
var nowhere = []string{"auto_approve", "certificate", "default_secret_name", "generation", "id", "resource_version", "status", "timeouts", "uid",
	"wait_for_completion", "wait_for_default_service_account", "wait_for_load_balancer", "wait_for_rollout", "wait_for_service_account_token",
	"wait_until_bound", "binary_data_wo_revision", "data_wo_revision", "target_state"}

// excess are attributes that the provider has where Kubernetes has no field: it has one form of a volume for pods and for persistent volumes.
var excess = []string{"volume.local", "volume.azure_file.secret_namespace", "secret_ref.namespace"}

// TestEveryAttribute holds the provider's attributes against Kubernetes' fields.
func TestEveryAttribute(t *testing.T) {
	set := schema.Load()
	for typ := range types {
		w := wordsOf(set, typ)
		if w == nil {
			t.Errorf("%s: there is no such type, or no kind %s", typ, types[typ].kind)
			continue
		}
		unmatched(t, w.pair, typ)
	}
}

func unmatched(t *testing.T, p pair, at string) {
	for i := range p.ours {
		a := &p.ours[i]
		if slices.Contains(nowhere, a.Name) {
			continue
		}
		if a.Name == around {
			unmatched(t, pair{ours: a.Attributes, theirs: p.theirs}, at+"."+a.Name)
			continue
		}
		k := p.theirsOf(a)
		if k == nil {
			if slices.ContainsFunc(excess, func(e string) bool { return strings.HasSuffix(at+"."+a.Name, "."+e) }) {
				continue
			}
			t.Errorf("%s.%s is no field", at, a.Name)
			continue
		}
		if (a.Nesting == schema.None) != (k.Nesting == schema.None) {
			t.Errorf("%s.%s and %s: %s and %s", at, a.Name, k.Name, a.Nesting, k.Nesting)
			continue
		}
		if a.Nesting != schema.None {
			unmatched(t, pair{ours: a.Attributes, theirs: k.Attributes}, at+"."+a.Name)
		}
	}
}
