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

// columns are the dialects of the table of coverage, with the dialect whose tables of names they share.
var columns = []struct{ dialect, title, names string }{
	{"terraform", "Terraform", ""},
	{"cloudformation", "CloudFormation", "cloudformation"},
	{"ansible", "Ansible", "ansible"},
	{"arm", "ARM", "arm"},
	{"bicep", "Bicep", "arm"},
	{"pulumi", "Pulumi", "pulumi"},
	{"crossplane", "Crossplane", "crossplane"},
}

// writeCoverage shows which rule is proved in which dialect. What it says of a page, the test of the page holds true.
func writeCoverage(b *bytes.Buffer) error {
	set := schema.Load()
	catalogue, err := rule.Load(set, rules.Pages())
	if err != nil {
		return err
	}
	proved := make([]struct{ found, fixed, applies int }, len(columns))
	both := 0
	var table bytes.Buffer
	for _, r := range catalogue.All() {
		cells := make([]string, len(columns))
		elsewhere := 0
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
			if i > 0 && cells[i] == "fixed" {
				elsewhere++
			}
		}
		if elsewhere > 0 && cells[0] == "fixed" {
			both++
		}
		if strings.Join(cells[1:], "") != "" {
			fmt.Fprintf(&table, "| `%s` | %s |\n", r.ID, strings.Join(cells, " | "))
		}
	}
	fmt.Fprintf(b, `# Which rule holds in which dialect

A rule is written once, in Terraform's words; the tables in [schema/names](../../schema/names/README.md) carry it over. Each cell
is proved by the test of the rule's page, %s:

- **fixed**: an example in the dialect is found at the right line, and the fix writes, byte for byte, the text that the page
  shows and that passes. Each of CloudFormation's examples runs twice, as YAML and as JSON.
- **found**: an example is found at the right line; the rule has no fix, or none in this dialect.
- **·**: the tables say that it applies; the page shows no example. Pulumi's and Crossplane's names are derived from Terraform's;
  of Crossplane it means that the type's provider has a family, which may leave single types out.

Rules that are in no other dialect than Terraform are left out. %d rules are proved with their fix in Terraform and in at least
one other dialect.

`, "`go test ./rules -run 'TestPages/.*/ID.md'`", both)
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
	return nil
}

func shows(r *rule.Rule, dialect string, section rule.Section) bool {
	return slices.ContainsFunc(r.Examples, func(e rule.Example) bool { return e.Dialect == dialect && e.Section == section })
}

// applies reports whether a table of names leads to one of the types that the rule is on. Terraform has none.
func applies(set *schema.Set, r *rule.Rule, names string) bool {
	return slices.ContainsFunc(r.On, func(typ string) bool { return len(set.Names(names).Natives(typ)) > 0 })
}
