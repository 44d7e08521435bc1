package circleci

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
		Name: "config",
		Files: map[string]string{".circleci/config.yml": `version: 2.1
# from the registry
orbs:
  node: circleci/node@5.2.0
  own:
    commands:
      greet:
        parameters:
          to: {type: string, default: world}
        steps:
          - run: echo "Hello << parameters.to >>"
executors:
  default:
    parameters:
      tag:
        type: string
        default: "22.11"
    docker:
      - image: cimg/node:<< parameters.tag >> # ours
      - image: $REGISTRY/db:1
jobs:
  build:
    executor: default
    environment: {A: "1"}
    steps:
      - checkout
      - run:
          name: Install and test
          command: |
            npm ci
            npm test
      - own/greet:
          to: << pipeline.git.branch >>
      - when:
          condition: << pipeline.parameters.deploy >>
          steps:
            - run: ./deploy.sh
  lint:
    docker:
      - image: cimg/base:2024.01
    steps: [run: make lint]
workflows:
  all:
    jobs:
      - build:
          context: prod
          post-steps:
            - run: ./report.sh
      - lint
`},
		Addresses: []string{"config.yml", "orbs.node", "orbs.own.commands.greet.run", "executors.default.docker[0].image", "executors.default.docker[1].image",
			"jobs.build", `jobs.build["Install and test"]`, "jobs.build.run", "jobs.lint", "jobs.lint.docker[0].image", "jobs.lint.run", "workflows.all.build.post-steps.run"},
		Values: []dialecttest.Value{
			{Address: "executors.default.docker[0].image", Path: "image", Show: `"cimg/node:22.11"`, At: "<< parameters.tag >>"},
			{Address: "orbs.node", Path: "version", Show: `"5.2.0"`},
			{Address: "jobs.lint.docker[0].image", Path: "image", Show: `"cimg/base:2024.01"`},
			{Address: `jobs.build["Install and test"]`, Path: "commands[1].words[1]", Show: `"test"`},
			{Address: "orbs.own.commands.greet.run", Path: "commands[0].variables", Show: `["pipeline.git.branch"]`, At: "echo"},
			{Address: "orbs.own.commands.greet.run", Path: "text", At: "echo", Wait: "orbs.own.commands.greet.run.text"},
		},
		Wishes: []dialecttest.Wish{
			{Name: "orb", Address: "orbs.node", Changes: []resource.Change{set("source", "circleci/node@6.0.0")}},
			{Name: "image", Address: "jobs.lint.docker[0].image", Changes: []resource.Change{set("image", "cimg/base:2024.02")}},
			{Name: "keyword", Address: "jobs.build", Changes: []resource.Change{set("resource_class", "small")}},
			{Name: "entry", Address: "jobs.build", Changes: []resource.Change{set("environment.B", "2")}},
			{Name: "worked out", Address: "orbs.node", Changes: []resource.Change{set("version", "6.0.0")}, Refused: true},
		},
	}},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }

// TestFeatures holds what the table in docs/dialects.md says of CircleCI.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/circleci", New(schema.Load()))
}
