package gitlab

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

func setTo(path string, v value.Value) resource.Change {
	p, ok := value.ParsePath(path)
	if !ok {
		panic(path)
	}
	return resource.Change{Op: resource.Set, Path: p, Value: v}
}

func remove(path string) resource.Change {
	p, _ := value.ParsePath(path)
	return resource.Change{Op: resource.Remove, Path: p}
}

func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name: "pipeline",
			Files: map[string]string{".gitlab-ci.yml": `# the pipeline of the shop
variables:
  RUBY: "3.3"
  MODE: {value: fast, description: how}

default:
  image: ruby:$RUBY # as in production
  before_script:
    - bundle install

.deploy: &deploy
  stage: deploy
  script:
    - ./deploy.sh "$TARGET"

test:
  stage: test
  services:
    - postgres:16
    - name: $REGISTRY/redis:7
      alias: cache
  script:
    - |
      bundle exec rspec
      echo done
  variables:
    DEBUG: "1"

staging:
  extends: .deploy
  image: {name: "alpine:3.20", entrypoint: [""]}
  environment: staging

live:
  <<: *deploy
  when: manual
  needs:
    - job: test
`},
			Addresses: []string{".gitlab-ci.yml", "variables.MODE", "variables.RUBY", "test", "staging", "live", "default.image", "default.before_script",
				"test.services[0]", "test.services[1].name", "test.script", "test.variables.DEBUG", "staging.image.name", `[".deploy"].script`},
			Values: []dialecttest.Value{
				{Address: "default.image", Path: "image", Show: `"ruby:3.3"`, At: "ruby:$RUBY"},
				{Address: "test", Path: "image.name", Show: `"ruby:3.3"`, At: "ruby:$RUBY"},
				{Address: "test", Path: "variables.RUBY", Show: `"3.3"`},
				{Address: "staging", Path: "stage", Show: `"deploy"`},
				{Address: "live", Path: "stage", Show: `"deploy"`},
				{Address: "test.services[1].name", Path: "image", At: "$REGISTRY", Wait: "REGISTRY"},
				{Address: "variables.MODE", Path: "value", Show: `"fast"`},
				{Address: `[".deploy"].script`, Path: "commands[0].name", Show: `"deploy.sh"`, At: "./deploy.sh"},
				{Address: "test.script", Path: "commands[1].name", Show: `"echo"`},
			},
			Wishes: []dialecttest.Wish{
				{Name: "variable", Address: "variables.RUBY", Changes: []resource.Change{setTo("value", text("3.4"))}, Shared: []string{"default.image", "test", "staging", "live"}},
				{Name: "variable with a description", Address: "variables.MODE", Changes: []resource.Change{setTo("value", text("slow"))}, Shared: []string{"test", "staging", "live"}},
				{Name: "image", Address: "default.image", Changes: []resource.Change{setTo("image", text("ruby:3.4"))}, Shared: []string{"test", "live"}},
				{Name: "image with an entrypoint", Address: "staging", Changes: []resource.Change{setTo("image.name", text("alpine:3.21"))}},
				{Name: "new keyword", Address: "staging", Changes: []resource.Change{setTo("when", text("manual"))}},
				{Name: "new variable", Address: "test", Changes: []resource.Change{setTo("variables.MORE", text("1"))}},
				{Name: "remove", Address: "test", Changes: []resource.Change{remove("variables.DEBUG")}},
				{Name: "item of one member", Address: "live", Changes: []resource.Change{setTo("needs[0]", text("staging"))}},
				{Name: "worked out", Address: "test", Changes: []resource.Change{setTo("name", text("x"))}, Refused: true},
				{Name: "script", Address: "test.script", Changes: []resource.Change{setTo("text", text("x"))}, Refused: true},
			},
		},
		{
			Name: "includes",
			Files: map[string]string{".gitlab-ci.yml": `include:
  - local: /ci/*.yml
  - project: tools/ci
    ref: main
    file: build.yml

test:
  extends: .tests
  image: !reference [.images, ruby]
  script:
    - !reference [.tests, prepare]
    - make test
`, "ci/tests.yml": `spec:
  inputs:
    version:
      default: "16"
---
.tests:
  services: ["postgres:$[[ inputs.version ]]"]
  prepare:
    - apt-get update
.images:
  ruby: ruby:3.3
lint:
  image: alpine:3.20
  script: [make lint]
`},
			Quiet: true,
			Addresses: []string{".gitlab-ci.yml", "include.local./ci/*.yml", "include.project.tools/ci/build.yml", "test", "lint", "ci/tests.yml:lint.image",
				"ci/tests.yml:lint.script", `ci/tests.yml:[".images"].ruby`, `ci/tests.yml:[".tests"].services[0]`, `ci/tests.yml:[".tests"].prepare`, "test.script"},
			Values: []dialecttest.Value{
				{Address: "test", Path: "image.name", Show: `"ruby:3.3"`},
				{Address: `ci/tests.yml:[".tests"].services[0]`, Path: "image", Show: `"postgres:16"`, At: "$[[ inputs.version ]]"},
				{Address: "include.project.tools/ci/build.yml", Path: "ref", Show: `"main"`},
			},
			Wishes: []dialecttest.Wish{
				{Name: "in another file", Address: "ci/tests.yml:lint.image", Changes: []resource.Change{setTo("image", text("alpine:3.21"))}},
				{Name: "ref", Address: "include.project.tools/ci/build.yml", Changes: []resource.Change{setTo("ref", text("v1.2.3"))}},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }

// TestFeatures holds what the table in docs/dialects.md says of GitLab.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/gitlab-ci", New(schema.Load()))
}
