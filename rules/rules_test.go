package rules_test

import (
	"testing"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/ansible"
	"plumbline.dev/plumbline/dialects/azure"
	"plumbline.dev/plumbline/dialects/cloudformation"
	"plumbline.dev/plumbline/dialects/crossplane"
	"plumbline.dev/plumbline/dialects/docker/compose"
	"plumbline.dev/plumbline/dialects/docker/dockerfile"
	"plumbline.dev/plumbline/dialects/helm"
	"plumbline.dev/plumbline/dialects/kubernetes"
	"plumbline.dev/plumbline/dialects/kustomize"
	azurepipelines "plumbline.dev/plumbline/dialects/pipelines/azure"
	"plumbline.dev/plumbline/dialects/pipelines/bitbucket"
	"plumbline.dev/plumbline/dialects/pipelines/circleci"
	"plumbline.dev/plumbline/dialects/pipelines/dependabot"
	"plumbline.dev/plumbline/dialects/pipelines/github"
	"plumbline.dev/plumbline/dialects/pipelines/gitlab"
	"plumbline.dev/plumbline/dialects/pulumi"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/internal/ruletest"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/schema"
)

// TestPages runs every page of the catalogue: see package ruletest for what that means.
func TestPages(t *testing.T) {
	set := schema.Load()
	options := ruletest.Options{
		Schema: set,
		Dialects: []dialect.Dialect{
			terraform.New(set), cloudformation.New(set), ansible.New(set), azure.New(set), azure.NewBicep(set), pulumi.New(set), crossplane.New(set),
			helm.New(set), kustomize.New(set), kubernetes.New(set), dockerfile.New(set), compose.New(set), github.New(set), gitlab.New(set),
			azurepipelines.New(set), circleci.New(set), bitbucket.New(set), dependabot.New(set),
		},
		Control: rules.HasControl,
		Fixes:   true,
	}
	names, err := ruletest.Names(rules.Pages())
	if err != nil || len(names) == 0 {
		t.Fatalf("%d pages, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results, err := ruletest.Page(t.Context(), rules.Pages(), name, options)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				t.Error(r)
			}
		})
	}
}

// TestBetweenPages tests what must hold between pages.
func TestBetweenPages(t *testing.T) {
	results, err := ruletest.Between(rules.Pages())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		t.Error(r)
	}
}
