package scan_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/scan"
)

// small manifests and programs of every dialect whose units are folders. A %s is what tells two of them apart.
const (
	cachedPod      = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n  containers:\n  - name: c\n    image: nginx:latest\n    securityContext: {privileged: true}\n"
	cachedPolicy   = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n"
	cachedService  = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: %s}\nautomountServiceAccountToken: true\n"
	cachedBucket   = "apiVersion: s3.aws.upbound.io/v1beta1\nkind: Bucket\nmetadata: {name: %s}\nspec: {forProvider: {region: eu-west-1}}\n"
	cachedACL      = "apiVersion: s3.aws.upbound.io/v1beta1\nkind: BucketACL\nmetadata: {name: %[1]s}\nspec: {forProvider: {region: eu-west-1, acl: public-read, bucketRef: {name: %[1]s}}}\n"
	cachedStack    = "AWSTemplateFormatVersion: 2010-09-09\nResources:\n  %s:\n    Type: AWS::S3::Bucket\n    Properties: {AccessControl: PublicRead}\n"
	cachedTF       = "resource \"aws_s3_bucket\" \"%s\" {\n  bucket = \"x\"\n  acl = \"public-read\"\n}\n"
	cachedTemplate = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n  containers:\n  - name: c\n    image: nginx:1\n    securityContext: {privileged: {{ .Values.privileged }}}\n"
	cachedProject  = "name: p\nruntime: yaml\nconfig:\n  acl: {type: string, default: private}\nresources:\n  b:\n    type: aws:s3:Bucket\n    properties: {acl: \"${acl}\"}\n"
	cachedARM      = `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0", "parameters": {"open": {"type": "bool", "defaultValue": false}}, "resources": [{"type": "Microsoft.Storage/storageAccounts", "apiVersion": "2022-09-01", "name": "s", "location": "x", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {"allowBlobPublicAccess": "[parameters('open')]"}}]}`
	cachedARMOpen  = `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#", "contentVersion": "1.0.0.0", "parameters": {"open": {"value": true}}}`
	cachedBicep    = "param open bool = false\nresource s 'Microsoft.Storage/storageAccounts@2022-09-01' = {\n  name: 's'\n  location: 'x'\n  sku: { name: 'Standard_LRS' }\n  kind: 'StorageV2'\n  properties: { allowBlobPublicAccess: open }\n}\n"
)

// TestCache_dialects walks through changes of which files there are and whose they are. Every state is met twice, the second time
// on the way back, when the cache has seen it before.
func TestCache_dialects(t *testing.T) {
	pod := func(name string) string { return fmt.Sprintf(cachedPod, name) }
	chart := map[string]string{
		"c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "c/values.yaml": "privileged: true\n", "c/templates/a.yaml": fmt.Sprintf(cachedTemplate, "a"),
	}
	cases := []struct {
		name  string
		steps []map[string]string // files that are written; "-" removes one
	}{
		{"kubernetes: files come and go", []map[string]string{
			{"k/a.yaml": pod("a")}, {"k/b.yaml": pod("b")}, {"k/n.yaml": cachedPolicy}, {"k/a.yaml": "-"}, {"k/sub/a.yaml": pod("a")}, {"k/b.yaml": "-"}, {"a.yaml": pod("a")},
		}},
		{"kubernetes: what a file is changes", []map[string]string{
			{"k/a.yaml": pod("a"), "k/b.yaml": "a: 1\n"}, {"k/b.yaml": pod("b")}, {"k/b.yaml": fmt.Sprintf(cachedBucket, "b")}, {"k/b.yaml": fmt.Sprintf(cachedStack, "B")},
			{"k/b.yaml": pod("b") + "---\n" + cachedPolicy}, {"k/b.yaml": "a: 1\n"},
		}},
		{"kubernetes: what is left out", []map[string]string{
			{"k/a.yaml": pod("a"), "k/b.yaml": pod("b")}, {".plumblineignore": "k/b.yaml\n"}, {".gitignore": "a.yaml\n"}, {".plumblineignore": "-"}, {".gitignore": "-"},
		}},
		{"kustomize: kustomizations far away", []map[string]string{
			{"k/a.yaml": pod("a"), "k/b.yaml": pod("b"), "k/c.yaml": cachedPolicy},
			{"o/kustomization.yaml": "resources: [../k/a.yaml]\n"},
			{"o/kustomization.yaml": "resources: [../k/b.yaml]\n"},
			{"o/kustomization.yaml": "resources: [../k/b.yaml]\npatches: [{path: p.yaml}]\n", "o/p.yaml": pod("b")},
			{"o/kustomization.yaml": "resources: [../p]\n"},
			{"p/kustomization.yaml": "resources: [../k/a.yaml]\nnamePrefix: x-\n"},
			{"p/kustomization.yaml": "-"},
			{"k/kustomization.yaml": "resources: [a.yaml]\n"},
			{"k/kustomization.yaml": "resources: [a.yaml, b.yaml, c.yaml]\n"},
			{"k/d.yaml": pod("d")},
			{"k/kustomization.yml": "resources: [d.yaml]\n"},
			{"k/kustomization.yaml": "-"},
			{"o/kustomization.yaml": "-"},
			{"k/kustomization.yml": "-"},
			{"k/kustomization.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: f}\nspec: {}\n"},
		}},
		{"kustomize: circles", []map[string]string{
			{"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a, p.yaml]\n", "b/p.yaml": pod("b"), "d/kustomization.yaml": "resources: [../a]\n"},
			{"c/kustomization.yaml": "resources: [../b]\n"}, {"c/kustomization.yaml": "resources: []\n"}, {"d/kustomization.yaml": "-"}, {"b/kustomization.yaml": "resources: [p.yaml]\n"},
		}},
		{"kustomize: what a kustomization names comes later", []map[string]string{
			{"o/kustomization.yaml": "resources: [a.yaml, ../base]\nconfigMapGenerator: [{name: m, files: [x.txt]}]\n"},
			{"o/a.yaml": pod("a")}, {"more/kustomization.yaml": "components: [../part]\nresources: [../k/a.yaml]\n"}, {"part/kustomization.yaml": "kind: Component\nnamespace: x\nresources: [a.yaml]\n", "part/a.yaml": pod("p")},
			{"k/a.yaml": pod("k")}, {"base/a.yaml": pod("a"), "base/kustomization.yml": "resources: [a.yaml]\n"}, {"o/x.txt": "x"}, {"base/Kustomization": "resources: []\n"}, {"base/kustomization.yml": "-"}, {"o/a.yaml": "-"},
		}},
		{"helm", []map[string]string{
			chart, {"c/templates/b.yaml": fmt.Sprintf(cachedTemplate, "b")}, {"c/templates/sub/d.yaml": pod("d")}, {"c/crds/x.yaml": pod("x")},
			{"c/values-prod.yaml": "privileged: false\n"}, {"c/.helmignore": "templates/b.yaml\n"}, {"c/e.yaml": pod("e")}, {"c/templates/b.yaml": "-"},
			{"c/charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "c/charts/s/templates/p.yaml": pod("p")}, {"c/Chart.yaml": "-"}, {"c/Chart.yaml": chart["c/Chart.yaml"]},
			{".plumblineignore": "c/templates/sub\n"}, {"c/values.yaml": "-"},
		}},
		{"a chart at the root", []map[string]string{
			{"Chart.yaml": chart["c/Chart.yaml"], "templates/a.yaml": fmt.Sprintf(cachedTemplate, "a"), "values.yaml": "privileged: true\n"}, {"templates/b.yaml": pod("b")},
			{"crds/b.yaml": pod("b")}, {"charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "charts/s/templates/p.yaml": pod("p")}, {"templates/deep/er/b.yaml": pod("b")}, {"k/a.yaml": pod("a")},
		}},
		{"crossplane", []map[string]string{
			{"k/a.yaml": fmt.Sprintf(cachedBucket, "a")}, {"k/b.yaml": fmt.Sprintf(cachedACL, "a")}, {"k/p.yaml": pod("p")}, {"k/q.yaml": fmt.Sprintf(cachedService, "q")}, {"k/b.yaml": "-"}, {"k/a.yaml": "-"},
			{"k/a.yaml": pod("a")}, {"k/p.yaml": "-"},
		}},
		{"several dialects in one folder", []map[string]string{
			{"a.yaml": pod("a"), "b.yaml": fmt.Sprintf(cachedBucket, "b"), "c.yaml": fmt.Sprintf(cachedStack, "C"), "main.tf": fmt.Sprintf(cachedTF, "d"), "Pulumi.yaml": cachedProject, "Dockerfile": "FROM alpine:latest\n"},
			{"more.tf": fmt.Sprintf(cachedTF, "e")}, {"a.yaml": "-"}, {"b.yaml": "-"}, {"main.tf": "-", "more.tf": "-"}, {"Pulumi.yaml": "-"}, {"c.yaml": "-"},
		}},
		{"pulumi", []map[string]string{
			{"p/Pulumi.yaml": cachedProject}, {"p/Pulumi.dev.yaml": "config: {\"p:acl\": public-read}\n"}, {"p/Pulumi.prod.yaml": "config: {}\n"}, {"p/Pulumi.dev.yaml": "-"},
			{"p/Pulumi.yaml": "name: p\nruntime: yaml\n", "p/Main.yaml": "resources:\n  b:\n    type: aws:s3:Bucket\n    properties: {acl: public-read}\n"}, {"p/Main.yaml": "-"},
			{"p/Pulumi.yaml": "name: p\nruntime: yaml\nmain: prog\n"}, {"p/prog/Main.yaml": "resources:\n  b:\n    type: aws:s3:Bucket\n    properties: {acl: public-read}\n"}, {"p/prog/Main.yaml": "-"},
		}},
		{"ansible", []map[string]string{
			{"site.yml": "- hosts: all\n  roles: [r]\n", "roles/r/tasks/main.yml": "- amazon.aws.s3_bucket: {name: x, acl: \"{{ acl }}\"}\n- import_tasks: more.yml\n"},
			{"roles/r/defaults/main.yml": "acl: public-read\n"}, {"group_vars/all.yml": "acl: private\n"}, {"roles/r/tasks/more.yml": "- amazon.aws.s3_bucket: {name: y, acl: public-read}\n"},
			{"group_vars/all/x.yml": "acl: public-read\n", "group_vars/all.yml": "-"}, {"inventory/hosts.ini": "[web]\nh acl=private\n"}, {"inventory/group_vars/web.yml": "acl: public-read\n"},
			{"ansible.cfg": "[defaults]\ninventory = inventory\nroles_path = other\n"}, {"other/r/tasks/main.yml": "- amazon.aws.s3_bucket: {name: z, acl: public-read}\n"}, {"inventory/hosts.ini": "-"},
			{"all.yml": "- import_playbook: site.yml\n"}, {"all.yml": "-"}, {"roles/r/tasks/more.yml": "-"}, {"host_vars/h.yml": "acl: public-read\n"},
		}},
		{"azure", []map[string]string{
			{"a/main.json": cachedARM}, {"a/main.parameters.json": cachedARMOpen}, {"a/azuredeploy.parameters.json": cachedARMOpen}, {"a/main.parameters.json": "-"}, {"a/azuredeploy.json": cachedARM},
			{"b/main.bicep": cachedBicep}, {"b/main.parameters.json": cachedARMOpen}, {"b/root.bicep": "module m 'main.bicep' = {\n  name: 'm'\n  params: { open: true }\n}\n"},
			{"b/main.bicepparam": "using 'main.bicep'\nparam open = true\n"}, {"b/root.bicep": "-"}, {"b/bicepconfig.json": "{}"}, {"b/main.parameters.json": "-"}, {"b/main.bicep": "-"},
		}},
		{"cloudformation", []map[string]string{
			{"t/a.yaml": fmt.Sprintf(cachedStack, "A")}, {"t/b.yaml": fmt.Sprintf(cachedStack, "B")},
			{"t/root.yaml": "AWSTemplateFormatVersion: 2010-09-09\nResources:\n  N:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: a.yaml}\n"}, {"t/a.yaml": "-"}, {"t/root.yaml": "-"},
			{"t/samconfig.toml": "version = 0.1\n"}, {"t/serverless.yml": "service: s\nprovider: {name: aws}\nresources:\n  Resources:\n    C:\n      Type: AWS::S3::Bucket\n      Properties: {AccessControl: PublicRead}\n"}, {"t/package.json": "{}"},
		}},
		{"terraform", []map[string]string{
			{"r/main.tf": fmt.Sprintf(cachedTF, "a")}, {"r/b.tf": fmt.Sprintf(cachedTF, "b")}, {"r/b_override.tf": "resource \"aws_s3_bucket\" \"b\" {\n  acl = \"private\"\n}\n"}, {"r/c.tf.json": "{}"},
			{"s/main.tf": "module \"r\" {\n  source = \"../r\"\n}\n"}, {"r/b.tf": "-"}, {"r/b_override.tf": "-"}, {"s/main.tf": "-"}, {".plumblineignore": "r/main.tf\n"}, {"r/main.tofu": fmt.Sprintf(cachedTF, "c")},
		}},
		{"terragrunt", []map[string]string{
			{"m/main.tf": "variable \"acl\" {}\nresource \"aws_s3_bucket\" \"b\" {\n  acl = var.acl\n}\n"}, {"live/a/terragrunt.hcl": "terraform {\n  source = \"../../m\"\n}\ninputs = { acl = \"public-read\" }\n"},
			{"live/terragrunt.hcl": "inputs = { acl = \"private\" }\n"}, {"live/a/terragrunt.hcl": "include \"root\" {\n  path = find_in_parent_folders()\n}\nterraform {\n  source = \"../../m\"\n}\n"}, {"m/more.tf": fmt.Sprintf(cachedTF, "x")},
			{"live/b/terragrunt.hcl": "terraform {\n  source = \"../../m\"\n}\ninputs = { acl = \"public-read\" }\n"}, {"live/terragrunt.hcl": "-"}, {"live/a/terragrunt.hcl": "-"},
		}},
		{"pipelines", []map[string]string{
			{".github/workflows/a.yml": "on: pull_request_target\njobs: {a: {runs-on: x, steps: [{uses: ./.github/actions/b}]}}\n"}, {".github/actions/b/action.yml": "runs: {using: composite, steps: [{uses: actions/checkout@v3}]}\n"},
			{".github/workflows/c.yml": "on: push\njobs: {a: {uses: ./.github/workflows/a.yml}}\n"}, {".gitlab-ci.yml": "include: [{local: x.yml}]\n"}, {"x.yml": "job: {script: [echo], image: alpine:latest}\n"}, {".gitlab-ci.yml": "-"}, {".github/actions/b/action.yml": "-"},
		}},
	}
	o := everything(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cache := &scan.Cache{Dir: t.TempDir(), Salt: "test"}
			var states []fstest.MapFS
			var wants []*finding.Report
			now := fstest.MapFS{}
			for _, step := range c.steps {
				now = maps.Clone(now)
				for name, text := range step {
					if now[name] = &(fstest.MapFile{Data: []byte(text)}); text == "-" {
						delete(now, name)
					}
				}
				states = append(states, now)
			}
			check := func(i int, way string) {
				run := o
				run.FS, run.Cache = states[i], cache
				got, err := scan.Run(context.Background(), run)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(wants[i], got.Report, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s step %d, %v (-without a cache +with it):\n%s", way, i, c.steps[i], diff)
				}
			}
			told := 0
			for i := range states {
				run := o
				run.FS = states[i]
				want, err := scan.Run(context.Background(), run)
				if err != nil {
					t.Fatal(err)
				}
				wants = append(wants, want.Report)
				if i > 0 && !cmp.Equal(wants[i-1], wants[i], cmpopts.EquateEmpty()) {
					told++
				}
				check(i, "after")
			}
			if told == 0 {
				t.Error("no step changes the report")
			}
			for i := len(states) - 1; i >= 0; i-- {
				check(i, "back at")
			}
		})
	}
}
