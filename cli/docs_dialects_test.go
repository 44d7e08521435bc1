package cli

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/internal/golden"
)

// languages are what the table of features shows, with the package whose tests hold it.
var languages = []struct{ name, title, dir string }{
	{"terraform", "Terraform and OpenTofu", "terraform"},
	{"plan", "Plans and states", "terraform"},
	{"terragrunt", "Terragrunt", "terragrunt"},
	{"cloudformation", "CloudFormation, SAM and the CDK", "cloudformation"},
	{"serverless", "The Serverless Framework", "cloudformation"},
	{"ansible", "Ansible", "ansible"},
	{"arm", "ARM templates", "azure"},
	{"bicep", "Bicep", "azure"},
	{"pulumi", "Pulumi YAML", "pulumi"},
	{"crossplane", "Crossplane", "crossplane"},
	{"kubernetes", "Kubernetes manifests", "kubernetes"},
	{"helm", "Helm", "helm"},
	{"kustomize", "Kustomize", "kustomize"},
	{"dockerfile", "Dockerfiles", "docker/dockerfile"},
	{"compose", "Compose", "docker/compose"},
	{"github-actions", "GitHub Actions", "pipelines/github"},
	{"gitlab-ci", "GitLab CI", "pipelines/gitlab"},
	{"azure-pipelines", "Azure Pipelines", "pipelines/azure"},
	{"circleci", "CircleCI", "pipelines/circleci"},
	{"bitbucket-pipelines", "Bitbucket Pipelines", "pipelines/bitbucket"},
	{"dependabot", "Dependabot", "pipelines/dependabot"},
}

// writeDialects shows how much of each language is followed. What it says of a feature, the test of its case holds true.
func writeDialects(b *bytes.Buffer) error {
	fmt.Fprint(b, `# What is followed of each language

Each line is a case that was written from the documentation of the language: a small tree, and what the language makes of it. The
test of the package runs them all (`+"`go test ./dialects/... -run TestFeatures`"+`), and the form of a case is described in
[internal/dialecttest](../internal/dialecttest/features.go).

- **yes**: everything is as the language says; what only a deployment decides is unknown and says what would decide it.
- **unknown**: what depends on the feature is unknown, so that verdicts are undecided. It is never wrong.
- **no**: what depends on the feature is not seen, and a problem tells of it.

`)
	fmt.Fprint(b, "| language | yes | unknown | no |\n|---|--:|--:|--:|\n")
	var tables bytes.Buffer
	for _, l := range languages {
		dir := "dialects/" + l.dir + "/testdata/features/" + l.name
		features, err := dialecttest.ReadFeatures(os.DirFS("../" + dir))
		if err != nil {
			return err
		}
		if len(features) == 0 {
			return fmt.Errorf("there are no cases of features in %s", dir)
		}
		counts := make(map[dialecttest.Support]int)
		for _, f := range features {
			counts[f.Support]++
		}
		fmt.Fprintf(b, "| %s | %d | %d | %d |\n", l.title, counts[dialecttest.Supported], counts[dialecttest.Unknown], counts[dialecttest.Unsupported])
		fmt.Fprintf(&tables, "\n## %s\n\n", l.title)
		dialecttest.WriteFeatures(&tables, features, "../"+dir)
	}
	b.Write(tables.Bytes())
	return nil
}

// TestGeneratedDialects holds the table of features fresh: go test ./cli -run Generated -update writes it.
func TestGeneratedDialects(t *testing.T) {
	var b bytes.Buffer
	fmt.Fprint(&b, "<!-- Written by `go test ./cli -run Generated -update`; a test holds it fresh. -->\n\n")
	if err := writeDialects(&b); err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "../docs/dialects.md", b.Bytes())
}
