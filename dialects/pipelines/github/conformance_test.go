package github

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

func setTo(path string, v value.Value) resource.Change {
	p, ok := value.ParsePath(path)
	if !ok {
		panic(path)
	}
	return resource.Change{Op: resource.Set, Path: p, Value: v}
}

func without(path string) resource.Change {
	p, _ := value.ParsePath(path)
	return resource.Change{Op: resource.Remove, Path: p}
}

func truly(b bool) value.Value     { return value.Value{Kind: value.Bool, Bool: b} }
func text(s string) value.Value    { return value.Value{Kind: value.String, Text: s} }
func number(n float64) value.Value { return value.Value{Kind: value.Number, Number: n} }
func object(fields ...value.Field) value.Value {
	return value.Value{Kind: value.Object, Fields: fields}
}

const ci = `# builds everything
name: CI
on:
  push:
    branches: [main]
  pull_request:
env:
  LEVEL: info # of the logs

jobs:
  # the build
  build:
    runs-on: ${{ matrix.os }}
    strategy:
      matrix: {os: [ubuntu-24.04, self-hosted]}
    container:
      image: node:22
    services:
      db: {image: "postgres:17", credentials: {username: a, password: "${{ secrets.DB }}"}}
    steps:
      # the source
      - uses: actions/checkout@b4ffde65f46336ab88eb53be808477a3936bae11 # v4.1.1
        with:
          fetch-depth: 0
      - name: Say it
        run: |
          echo "title: ${{ github.event.pull_request.title }}"
          curl -s https://example.com/${{ github.head_ref }} | sh
        env:
          TOKEN: ${{ secrets.TOKEN }}
      - id: out
        run: echo "::set-output name=x::$LEVEL"
        if: ${{ github.actor == 'dependabot[bot]' }} && always()
  call:
    uses: ./.github/workflows/build.yml
    with:
      what: ${{ github.head_ref }}
    secrets: inherit
`

const called = `on:
  workflow_call:
    inputs:
      what: {type: string}
permissions: read-all
jobs:
  use:
    runs-on: ubuntu-24.04
    steps:
      - run: make ${{ inputs.what }}
      - uses: ./.github/actions/say
        with: {text: hello}
`

const say = `name: Say
description: says it
inputs:
  text: {required: true}
runs:
  using: composite
  steps:
    - run: echo ${{ inputs.text }}
      shell: bash
    - uses: docker://alpine:3.20
`

// reading is the wish that a token only reads code.
var reading = setTo("permissions", object(value.Field{Name: "contents", Value: text("read")}))

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name:  "workflow",
			Files: map[string]string{".github/workflows/ci.yml": ci},
			Addresses: []string{
				"workflow.ci", "workflow.ci.env.LEVEL", "jobs.build", "jobs.build.container", "jobs.build.services.db", "jobs.build.actions/checkout", "jobs.build.Say it", "jobs.build.Say it.run",
				"jobs.build.out", "jobs.build.out.run", "jobs.call",
			},
			Values: []dialecttest.Value{
				{Address: "workflow.ci", Path: "triggers", Show: `["pull_request", "push"]`, At: "push"},
				{Address: "workflow.ci", Path: "permissions_unset", Show: "true", At: "on:"},
				{Address: "workflow.ci", Path: "env.LEVEL", Show: `"info"`},
				{Address: "jobs.build", Path: "runs_on", At: "${{ matrix.os }}", Wait: "matrix.os"},
				{Address: "jobs.build", Path: "runner_labels", Show: `["ubuntu-24.04", "self-hosted"]`, At: "matrix.os"},
				{Address: "jobs.build", Path: "self_hosted", Show: "true", At: "matrix.os"},
				{Address: "jobs.build", Path: "services[0].name", Show: `"db"`},
				{Address: "jobs.build", Path: "services[0].credentials.password", At: "secrets.DB", Wait: "secrets.db"},
				{Address: "jobs.build.actions/checkout", Path: "version", Show: `"v4.1.1"`, At: "uses"},
				{Address: "jobs.build.actions/checkout", Path: "pinned", Show: "true", At: "uses"},
				{Address: "jobs.build.actions/checkout", Path: "keeps_credentials", Show: "true", At: "uses"},
				{Address: "jobs.build.actions/checkout", Path: "with.fetch-depth", Show: "0", At: "fetch-depth: 0"},
				{Address: "jobs.build.Say it", Path: "run", At: "run: |", Wait: "github.head_ref"},
				{Address: "jobs.build.Say it", Path: "injects[0]", Show: `"github.event.pull_request.title"`, At: "${{ github.event.pull_request.title }}"},
				{Address: "jobs.build.Say it", Path: "expressions[2].origin", Show: `"secret"`, At: "${{ secrets.TOKEN }}"},
				{Address: "jobs.build.Say it.run", Path: "commands[1].into[0]", Show: `"sh"`, At: "curl"},
				{Address: "jobs.build.Say it.run", Path: "commands[1].words[2]", At: "https://example.com/${{ github.head_ref }}", Wait: "github.head_ref"},
				{Address: "jobs.build.out", Path: "always_true", Show: "true", At: "always()"},
				{Address: "jobs.build.out", Path: "deprecated_commands[0]", Show: `"set-output"`, At: "::set-output name=x"},
				{Address: "jobs.build.container", Path: "image", Show: `"node:22"`, At: "node:22"},
				{Address: "jobs.call", Path: "secrets_inherited", Show: "true", At: "inherit"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "permissions without what is called", Address: "workflow.ci", Changes: []resource.Change{reading}, Refused: true},
				{Name: "permissions of a job", Address: "jobs.build", Changes: []resource.Change{setTo("permissions.contents", text("read"))}},
				{Name: "input", Address: "jobs.build.actions/checkout", Changes: []resource.Change{setTo("with.persist-credentials", truly(false))}},
				{Name: "minutes", Address: "jobs.build", Changes: []resource.Change{setTo("timeout_minutes", number(15))}},
				{Name: "variables for expressions", Address: "jobs.build.Say it", Changes: []resource.Change{without("injects")}},
				{Name: "files for commands", Address: "jobs.build.out", Changes: []resource.Change{without("deprecated_commands")}},
				{Name: "one condition", Address: "jobs.build.out", Changes: []resource.Change{without("always_true")}},
				{Name: "variable", Address: "workflow.ci", Changes: []resource.Change{without("env.LEVEL")}, Comment: true},
				{Name: "what nobody wrote", Address: "jobs.build", Changes: []resource.Change{setTo("self_hosted", truly(false))}, Refused: true},
			},
		},
		{
			Name: "called",
			Files: map[string]string{
				".github/workflows/ci.yml":       ci,
				".github/workflows/build.yml":    called,
				".github/actions/say/action.yml": say,
			},
			Addresses: []string{
				"workflow.ci", "workflow.ci.env.LEVEL", "jobs.build", "jobs.build.container", "jobs.build.services.db", "jobs.build.actions/checkout", "jobs.build.Say it", "jobs.build.Say it.run",
				"jobs.build.out", "jobs.build.out.run", "jobs.call",
				"workflow.build", "jobs.use", "jobs.use.run make", "jobs.use.run make.run", "jobs.use../.github/actions/say",
				"action.say", "steps.run echo", "steps.run echo.run", "steps.docker://alpine:3.20", "steps.docker://alpine:3.20.uses",
			},
			Values: []dialecttest.Value{
				{Address: "jobs.use", Path: "triggers", Show: `["pull_request", "push"]`, At: "use:"},
				{Address: "jobs.use.run make", Path: "injects[0]", Show: `"inputs.what"`, At: "${{ inputs.what }}"},
				{Address: "jobs.use", Path: "permissions_preset", Show: `"read-all"`},
				{Address: "steps.run echo", Path: "injects_input[0]", Show: `"inputs.text"`, At: "${{ inputs.text }}"},
				{Address: "action.say", Path: "callers", Show: `[".github/workflows/build.yml"]`, At: "name: Say"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "permissions", Address: "workflow.ci", Changes: []resource.Change{reading}},
				{Name: "an input as a variable", Address: "steps.run echo", Changes: []resource.Change{without("injects_input")}},
				{Name: "preset", Address: "jobs.use", Changes: []resource.Change{reading}},
			},
		},
		{
			Name: "tokens",
			Files: map[string]string{".github/workflows/a.yaml": `on: push
jobs:
  make:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
        with: {token: "${{ github.token }}"}
      - run: make
  named:
    runs-on: ubuntu-24.04
    steps: [{run: gh pr comment 1, env: {GH_TOKEN: "${{ secrets.GITHUB_TOKEN }}"}}]
  taken:
    runs-on: ubuntu-24.04
    steps: [{uses: actions/stale@v10}]
  pushed:
    runs-on: ubuntu-24.04
    steps: [{run: git push origin v1}]
  calling:
    uses: ./.github/workflows/b.yaml
`, ".github/workflows/b.yaml": `on: workflow_call
permissions: {contents: write}
jobs:
  tag:
    runs-on: ubuntu-24.04
    steps: [{run: make}]
`},
			Addresses: []string{
				"workflow.a", "jobs.make", "jobs.make.actions/checkout", "jobs.make.run make", "jobs.make.run make.run", "jobs.named", "jobs.named.run gh pr", "jobs.named.run gh pr.run",
				"jobs.taken", "jobs.taken.actions/stale", "jobs.pushed", "jobs.pushed.run git push", "jobs.pushed.run git push.run", "jobs.calling",
				"workflow.b", "jobs.tag", "jobs.tag.run make", "jobs.tag.run make.run",
			},
			Wishes: []dialecttest.Wish{
				{Name: "a checkout", Address: "jobs.make", Changes: []resource.Change{reading}},
				{Name: "all jobs", Address: "workflow.a", Changes: []resource.Change{reading}, Refused: true},
				{Name: "named", Address: "jobs.named", Changes: []resource.Change{reading}, Refused: true},
				{Name: "taken", Address: "jobs.taken", Changes: []resource.Change{reading}, Refused: true},
				{Name: "pushed", Address: "jobs.pushed", Changes: []resource.Change{reading}, Refused: true},
				{Name: "calling", Address: "jobs.calling", Changes: []resource.Change{reading}, Refused: true},
				{Name: "enough for it", Address: "jobs.pushed", Changes: []resource.Change{setTo("permissions", object(value.Field{Name: "contents", Value: text("write")}))}},
			},
		},
		{
			Name: "anchors",
			Files: map[string]string{".github/workflows/a.yaml": `"on": [push, workflow_dispatch]
permissions: {}
jobs:
  one: &job
    runs-on: ubuntu-24.04
    timeout-minutes: &minutes 5
    steps: &steps
      - run: 'echo ''it is ${{ github.ref_name }}'''
  two:
    runs-on: [ubuntu-24.04]
    timeout-minutes: *minutes
    steps: *steps
`},
			Addresses: []string{"workflow.a", "jobs.one", "jobs.one.run echo", "jobs.one.run echo.run", "jobs.two", "jobs.two.run echo", "jobs.two.run echo.run"},
			Values: []dialecttest.Value{
				{Address: "jobs.two.run echo", Path: "injects_value[0]", Show: `"github.ref_name"`, At: "${{ github.ref_name }}"},
				{Address: "jobs.two.run echo", Path: "run", At: "run", Wait: "github.ref_name"},
				{Address: "jobs.two", Path: "timeout_minutes", Show: "5", At: "minutes"},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }
