package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/schema"
)

// column is a dialect of a table of coverage.
type column struct {
	dialect, title string
	names          string // the dialect whose tables of names it shares; empty where none lead to it
}

var (
	clouds = []column{
		{"terraform", "Terraform", ""},
		{"cloudformation", "CloudFormation", "cloudformation"},
		{"ansible", "Ansible", "ansible"},
		{"arm", "ARM", "arm"},
		{"bicep", "Bicep", "arm"},
		{"pulumi", "Pulumi", "pulumi"},
		{"crossplane", "Crossplane", "crossplane"},
	}
	clusters = []column{
		{"kubernetes", "Manifests", ""},
		{"helm", "Helm", ""},
		{"kustomize", "Kustomize", ""},
		{"terraform", "Terraform", ""},
		{"dockerfile", "Dockerfile", ""},
		{"compose", "Compose", ""},
	}
	systems = []column{
		{"github-actions", "GitHub", ""},
		{"gitlab-ci", "GitLab", ""},
		{"azure-pipelines", "Azure", ""},
		{"circleci", "CircleCI", ""},
		{"bitbucket-pipelines", "Bitbucket", ""},
		{"dependabot", "Dependabot", ""},
	}
)

// writeCoverage shows which rule is proved in which dialect. What it says of a page, the test of the page holds true.
func writeCoverage(b *bytes.Buffer) error {
	set := schema.Load()
	catalogue, err := rule.Load(set, rules.Pages())
	if err != nil {
		return err
	}
	groups := map[string][]*rule.Rule{}
	both := 0
	for _, r := range catalogue.All() {
		folder, _, _ := strings.Cut(r.Path, "/")
		switch folder {
		case "kubernetes", "docker", "pipelines":
		default:
			folder = "clouds"
			if provedTwice(r) {
				both++
			}
		}
		groups[folder] = append(groups[folder], r)
	}
	fmt.Fprintf(b, `# Which rule holds in which dialect

Each cell is proved by the test of the rule's page, %s:

- **fixed**: an example in the dialect is found at the right line, and the fix writes, byte for byte, the text that the page
  shows and that passes. Each of CloudFormation's examples runs twice, as YAML and as JSON.
- **found**: an example is found at the right line; the rule has no fix, or none in this dialect.
- **·**: the tables of names say that it applies; the page shows no example. Pulumi's and Crossplane's names are derived from
  Terraform's; of Crossplane it means that the type's provider has a family, which may leave single types out.

## Clouds

A rule is written once, in Terraform's words; the tables in [schema/names](../../schema/names/README.md) carry it over. Rules that
are in no other dialect than Terraform are left out. %d rules are proved with their fix in Terraform and in at least one other
dialect.

`, "`go test ./rules -run 'TestPages/.*/ID.md'`", both)
	coverageTable(b, set, groups["clouds"], clouds)
	fmt.Fprint(b, `
## Kubernetes and containers

A rule on pods and containers is written once and holds for every workload of every kind, whatever it is written in: manifests,
charts, overlays and Terraform's resources all become the same types. The cells are the examples that the pages show.

`)
	coverageTable(b, set, append(groups["kubernetes"], groups["docker"]...), clusters)
	fmt.Fprint(b, `
## Pipelines

Rules on scripts and images (`+"`ci-*`"+`) hold in every system. The cells are the examples that the pages show.

`)
	coverageTable(b, set, groups["pipelines"], systems)
	return nil
}

// provedTwice reports whether a rule is proved with its fix in Terraform and in another dialect of clouds.
func provedTwice(r *rule.Rule) bool {
	fixed := func(c column) bool { return shows(r, c.dialect, rule.Flagged) && shows(r, c.dialect, rule.Fixed) }
	return fixed(clouds[0]) && slices.ContainsFunc(clouds[1:], fixed)
}

// coverageTable writes a table of rules and the dialects that their pages show. Rules that no column but Terraform's has are left out.
func coverageTable(b *bytes.Buffer, set *schema.Set, list []*rule.Rule, columns []column) {
	proved := make([]struct{ found, fixed, applies int }, len(columns))
	var table bytes.Buffer
	for _, r := range list {
		cells := make([]string, len(columns))
		elsewhere := false
		for i, c := range columns {
			switch flagged, fixed := shows(r, c.dialect, rule.Flagged), shows(r, c.dialect, rule.Fixed); {
			case flagged && fixed:
				cells[i] = "fixed"
				proved[i].fixed++
			case flagged:
				cells[i] = "found"
				proved[i].found++
			case c.names != "" && applies(set, r, c.names):
				cells[i] = "·"
				proved[i].applies++
			}
			elsewhere = elsewhere || cells[i] != "" && c.dialect != "terraform"
		}
		if elsewhere {
			fmt.Fprintf(&table, "| `%s` | %s |\n", r.ID, strings.Join(cells, " | "))
		}
	}
	fmt.Fprint(b, "| dialect | fixed | found | applies |\n|---|--:|--:|--:|\n")
	for i, c := range columns {
		fmt.Fprintf(b, "| %s | %d | %d | %d |\n", c.title, proved[i].fixed, proved[i].found, proved[i].applies)
	}
	fmt.Fprint(b, "\n| rule |")
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", c.title)
	}
	fmt.Fprint(b, "\n|---|", strings.Repeat("---|", len(columns)), "\n")
	b.Write(table.Bytes())
}

func shows(r *rule.Rule, dialect string, section rule.Section) bool {
	return slices.ContainsFunc(r.Examples, func(e rule.Example) bool { return e.Dialect == dialect && e.Section == section })
}

// applies reports whether a table of names leads to one of the types that the rule is on. Terraform has none.
func applies(set *schema.Set, r *rule.Rule, names string) bool {
	return slices.ContainsFunc(r.On, func(typ string) bool { return len(set.Names(names).Natives(typ)) > 0 })
}
