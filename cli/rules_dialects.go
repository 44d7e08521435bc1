package cli

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/schema"
)

// application says in which dialects a rule applies, from the tables of names.
type application struct {
	set      *schema.Set
	dialects []string // those that have a table, sorted
}

// ownWords are the prefixes of types that no table leads to: only their dialect has such resources.
var ownWords = map[string]string{"ansible_": "ansible"}

func newApplication(set *schema.Set) *application {
	return &application{set: set, dialects: schema.NamedDialects()}
}

// columns returns the dialects in the order in which they are shown.
func (a *application) columns() []string { return append([]string{"terraform"}, a.dialects...) }

// of returns the types that a rule applies to, by dialect; nil when a is.
func (a *application) of(r *rule.Rule) map[string][]string {
	if a == nil {
		return nil
	}
	out := make(map[string][]string)
	for _, on := range r.On {
		if dialect := dialectOf(on); dialect != "" {
			out[dialect] = append(out[dialect], on)
			continue
		}
		out["terraform"] = append(out["terraform"], on)
		for _, dialect := range a.dialects {
			out[dialect] = append(out[dialect], a.natives(dialect, on)...)
		}
	}
	for dialect, types := range out {
		slices.Sort(types)
		if out[dialect] = slices.Compact(types); len(out[dialect]) == 0 {
			delete(out, dialect)
		}
	}
	return out
}

func dialectOf(typ string) string {
	for prefix, dialect := range ownWords {
		if strings.HasPrefix(typ, prefix) {
			return dialect
		}
	}
	return ""
}

// natives returns the native types that become a Terraform type; one that ends in * stands for several.
func (a *application) natives(dialect, typ string) []string {
	names := a.set.Names(dialect)
	prefix, glob := strings.CutSuffix(typ, "*")
	if !glob {
		return names.Natives(typ)
	}
	var out []string
	for made, natives := range names.Made() {
		if strings.HasPrefix(made, prefix) {
			out = append(out, natives...)
		}
	}
	return out
}

// write writes a table with a column for each dialect.
func (a *application) write(c *call, chosen []*rule.Rule) error {
	t := tabwriter.NewWriter(c.Out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "RULE\tSEVERITY\t%s\tTITLE\n", strings.ToUpper(strings.Join(a.columns(), "\t")))
	count := make(map[string]int)
	for _, r := range chosen {
		types := a.of(r)
		fmt.Fprintf(t, "%s\t%s", r.ID, r.Severity)
		for _, dialect := range a.columns() {
			mark := "-"
			if len(types[dialect]) > 0 {
				mark = "yes"
				count[dialect]++
			}
			fmt.Fprintf(t, "\t%s", mark)
		}
		fmt.Fprintf(t, "\t%s\n", r.Title)
	}
	fmt.Fprintf(t, "%d rules\t", len(chosen))
	for _, dialect := range a.columns() {
		fmt.Fprintf(t, "\t%d", count[dialect])
	}
	fmt.Fprintln(t, "\t")
	return t.Flush()
}
