package dependabot

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

func pathOf(s string) value.Path {
	p, ok := value.ParsePath(s)
	if !ok {
		panic(s)
	}
	return p
}

func number(n float64) value.Value { return value.Value{Kind: value.Number, Number: n} }

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{{
		Name: "updates",
		Files: map[string]string{".github/dependabot.yml": `version: 2
# what is kept up to date
registries:
  npm:
    type: npm-registry
    url: https://npm.example.com
updates:
  - package-ecosystem: "npm" # the shop
    directory: "/web"
    insecure-external-code-execution: allow
    schedule:
      interval: weekly
  - package-ecosystem: github-actions
    directories: ["/", "/actions/*"]
    schedule: {interval: daily}
    cooldown:
      default-days: 7
`},
		Addresses: []string{"npm:/web", "github-actions:/"},
		Values: []dialecttest.Value{
			{Address: "npm:/web", Path: "insecure_external_code_execution", Show: `"allow"`},
			{Address: "github-actions:/", Path: "cooldown.default_days", Show: "7", At: "default-days: 7"},
		},
		Wishes: []dialecttest.Wish{
			{Name: "remove", Address: "npm:/web", Changes: []resource.Change{{Op: resource.Remove, Path: pathOf("insecure_external_code_execution")}}},
			{Name: "new", Address: "npm:/web", Changes: []resource.Change{{Op: resource.Set, Path: pathOf("cooldown.default_days"), Value: number(7)}}},
			{Name: "beside", Address: "github-actions:/", Changes: []resource.Change{{Op: resource.Set, Path: pathOf("cooldown.semver_major_days"), Value: number(30)}}},
			{Name: "other", Address: "github-actions:/", Changes: []resource.Change{{Op: resource.Set, Path: pathOf("cooldown.default_days"), Value: number(14)}}},
			{Name: "no such option", Address: "npm:/web", Changes: []resource.Change{{Op: resource.Set, Path: pathOf("nothing"), Value: number(1)}}, Refused: true},
		},
	}},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }

// TestFeatures holds what the table in docs/dialects.md says of Dependabot.
func TestFeatures(t *testing.T) {
	dialecttest.Features(t, "testdata/features/dependabot", New(schema.Load()))
}
