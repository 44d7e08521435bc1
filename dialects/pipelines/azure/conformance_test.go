package azure

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

func set(path string, v value.Value) resource.Change {
	p, ok := value.ParsePath(path)
	if !ok {
		panic(path)
	}
	return resource.Change{Op: resource.Set, Path: p, Value: v}
}

func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name: "pipeline",
			Files: map[string]string{"azure-pipelines.yml": `# builds the shop
trigger: [main]
parameters:
  - name: title
    type: string
    default: shop
variables:
  tag: "8.0"
  system.debug: true # for now
resources:
  containers:
    - container: tools
      image: $(registry)/tools:1
stages:
  - stage: Build
    jobs:
      - job: compile
        pool:
          vmImage: ubuntu-24.04
        container: mcr.microsoft.com/dotnet/sdk:$(tag)
        steps:
          - checkout: self
            persistCredentials: true
          - script: |
              echo ${{ parameters.title }}
              dotnet build
            displayName: Compile
          - task: Bash@3
            inputs:
              targetType: inline
              script: echo $(Build.SourceBranchName)
  - stage: Live
    jobs:
      - deployment: shop
        environment: production
        container: tools
        strategy:
          runOnce:
            deploy:
              steps:
                - pwsh: ./deploy.ps1
`},
			Addresses: []string{"azure-pipelines.yml", "variables.tag", `variables["system.debug"]`, "resources.containers.tools.image", "Build.compile", "Build.compile.container",
				"Build.compile.checkout", "Build.compile.Compile", "Build.compile.Compile.script", "Build.compile.Bash", "Build.compile.Bash.script",
				"Live.shop", "Live.shop.pwsh", "Live.shop.pwsh.script"},
			Values: []dialecttest.Value{
				{Address: "Build.compile.container", Path: "image", Show: `"mcr.microsoft.com/dotnet/sdk:8.0"`, At: "$(tag)"},
				{Address: "Build.compile.checkout", Path: "persistCredentials", Show: "true", At: "persistCredentials: true"},
				{Address: "resources.containers.tools.image", Path: "image", At: "$(registry)", Wait: "registry"},
				{Address: "Build.compile.Compile.script", Path: "commands[0].variables", Show: `["parameters.title"]`, At: "echo"},
				{Address: "Build.compile.Bash.script", Path: "commands[0].variables", Show: `["Build.SourceBranchName"]`, At: "echo"},
				{Address: "Live.shop", Path: "environment", Show: `"production"`},
				{Address: `variables["system.debug"]`, Path: "value", Show: `"true"`, At: "system.debug: true"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "checkout", Address: "Build.compile.checkout", Changes: []resource.Change{set("persistCredentials", value.Value{Kind: value.Bool})}},
				{Name: "variable", Address: `variables["system.debug"]`, Changes: []resource.Change{set("value", text("false"))}, Shared: nil},
				{Name: "image", Address: "Build.compile.container", Changes: []resource.Change{set("image", text("mcr.microsoft.com/dotnet/sdk:9.0"))}},
				{Name: "new", Address: "Build.compile", Changes: []resource.Change{set("condition", text("succeeded()"))}},
				{Name: "worked out", Address: "Build.compile", Changes: []resource.Change{set("name", text("x"))}, Refused: true},
			},
		},
		{
			Name: "templates",
			Files: map[string]string{"azure-pipelines.yml": `pool: {vmImage: windows-2022}
resources:
  repositories:
    - repository: shared
      type: git
      name: tools/pipelines
      ref: refs/heads/main
jobs:
  - template: ci/job.yml
    parameters:
      name: one
      image: alpine:3.20
      steps:
        - script: dir
  - template: /ci/job.yml
    parameters: {name: two, image: "alpine:3.20", steps: []}
  - template: more.yml@shared
`, "ci/job.yml": `parameters:
  - name: name
  - name: image
    type: string
  - name: steps
    type: stepList
    default: []
  - name: debug
    type: boolean
    default: false
jobs:
  - job: ${{ parameters.name }}
    container: {image: "${{ parameters.image }}"}
    steps:
      - ${{ parameters.steps }}
      - ${{ if parameters.debug }}:
          - bash: env
      - ${{ else }}:
          - bash: make
      - ${{ each x in parameters.steps }}:
          - ${{ x }}
`},
			Addresses: []string{"azure-pipelines.yml", "resources.repositories.shared", "ci/job.yml:one", "ci/job.yml:one.container.image", "one.script", "one.script.script",
				"ci/job.yml:one.bash", "ci/job.yml:one.bash.script"},
			Values: []dialecttest.Value{
				{Address: "ci/job.yml:one.container.image", Path: "image", Show: `"alpine:3.20"`, At: "${{ parameters.image }}"},
				{Address: "resources.repositories.shared", Path: "templates", Show: "true"},
				{Address: "resources.repositories.shared", Path: "ref", Show: `"refs/heads/main"`},
				{Address: "one.script.script", Path: "shell", Show: `"cmd"`, At: "script: dir"},
				{Address: "ci/job.yml:one.bash.script", Path: "text", Show: `"make"`},
			},
			Wishes: []dialecttest.Wish{
				{Name: "ref", Address: "resources.repositories.shared", Changes: []resource.Change{set("ref", text("refs/tags/v1.0.0"))}},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }

// TestFeatures holds what the table in docs/dialects.md says of Azure Pipelines.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/azure-pipelines", New(schema.Load()))
}
