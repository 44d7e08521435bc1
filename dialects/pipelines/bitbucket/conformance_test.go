package bitbucket

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

func set(path, v string) resource.Change {
	p, ok := value.ParsePath(path)
	if !ok {
		panic(path)
	}
	return resource.Change{Op: resource.Set, Path: p, Value: value.Value{Kind: value.String, Text: v}}
}

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{{
		Name: "pipelines",
		Files: map[string]string{"bitbucket-pipelines.yml": `image: node:22 # for all
definitions:
  services:
    db:
      image: postgres:16
  steps:
    - step: &build
        name: Build
        image:
          name: $REGISTRY/build:1
        script:
          - npm ci
          - npm run build
pipelines:
  default:
    - step: *build
    - parallel:
        - step:
            name: Unit tests
            services: [db]
            script:
              - npm test
        - step:
            runs-on: [self.hosted]
            script:
              - |
                echo one
                echo two
              - pipe: atlassian/aws-s3-deploy:1.1.0
                variables:
                  S3_BUCKET: logs
  branches:
    main:
      - step: *build
      - stage:
          name: Live
          steps:
            - step:
                script:
                  - ./deploy.sh
                after-script:
                  - ./notify.sh
`},
		Addresses: []string{"image", "definitions.services.db.image", "default.Build", "default.Build.image", "default.Build.script", `default["Unit tests"]`,
			`default["Unit tests"].script`, "default.step", "default.step.script", "default.step.pipe.aws-s3-deploy", "branches.main.step",
			"branches.main.step.script", "branches.main.step.after-script"},
		Values: []dialecttest.Value{
			{Address: "image", Path: "image", Show: `"node:22"`},
			{Address: "default.Build.image", Path: "image", At: "$REGISTRY", Wait: "REGISTRY"},
			{Address: "default.step.pipe.aws-s3-deploy", Path: "version", Show: `"1.1.0"`},
			{Address: "default.step.script", Path: "commands[1].words[1]", Show: `"two"`},
			{Address: "default.step", Path: "runs_on", Show: `["self.hosted"]`, At: "runs-on"},
		},
		Wishes: []dialecttest.Wish{
			{Name: "image", Address: "image", Changes: []resource.Change{set("image", "node:22.11.0")}},
			{Name: "pipe", Address: "default.step.pipe.aws-s3-deploy", Changes: []resource.Change{set("pipe", "atlassian/aws-s3-deploy:1.2.0")}},
			{Name: "of an anchor", Address: "default.Build", Changes: []resource.Change{set("size", "2x")}},
			{Name: "worked out", Address: "default.step", Changes: []resource.Change{set("pipeline", "x")}, Refused: true},
		},
	}},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }

// TestFeatures holds what the table in docs/dialects.md says of Bitbucket.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/bitbucket-pipelines", New(schema.Load()))
}
