package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/rule"
)

var rulesCommand = func() *command {
	var f estateFlags
	var format, category, typ string
	var byDialect bool
	return &command{
		name:    "rules",
		args:    "[TEXT]",
		summary: "List the rules",
		long:    "TEXT keeps the rules whose id, title, type or alias contains it.",
		flags: func(c *call) {
			f = estateFlags{}
			f.declareRules(c)
			c.set.StringVar(&format, "report", "table", "`FORMAT`: table or json")
			c.set.StringVar(&category, "category", "", "only rules of this `CATEGORY`")
			c.set.BoolVar(&byDialect, "dialects", false, "say in which dialects each rule applies, and with --report json on which of their types")
			c.set.StringVar(&typ, "type", "", "only rules on this resource `TYPE`")
		},
		run: func(ctx context.Context, c *call) error {
			if format != "table" && format != "json" {
				return usage("there is no format %q: use table or json", format)
			}
			e, err := c.openEstate(ctx, &f, nil)
			if err != nil {
				return err
			}
			defer e.Close()
			var categories []string
			for _, known := range rule.Categories() {
				categories = append(categories, string(known))
			}
			if category != "" && !slices.Contains(categories, category) {
				return &failed{Usage, fmt.Sprintf("--category: there is no category %q: use %s", category, strings.Join(categories, ", ")), didYouMean(config.Nearest(category, categories))}
			}
			if typ != "" && e.schema.Resource(typ) == nil && !slices.ContainsFunc(e.options.Rules.All(), func(r *rule.Rule) bool { return covers(r, typ) }) {
				return &failed{Usage, fmt.Sprintf("--type: there is no resource type %q", typ), didYouMean(e.schema.Suggest(typ))}
			}
			var chosen []*rule.Rule
			for _, r := range e.options.Rules.All() {
				if (e.options.Only == nil || e.options.Only(r)) && (category == "" || string(r.Category) == category) &&
					(typ == "" || covers(r, typ)) && mentions(r, strings.ToLower(strings.Join(c.args, " "))) {
					chosen = append(chosen, r)
				}
			}
			var in *application
			if byDialect {
				in = newApplication(e.schema)
			}
			if format == "json" {
				return writeRules(c, chosen, in)
			}
			if byDialect {
				return in.write(c, chosen)
			}
			t := tabwriter.NewWriter(c.Out, 0, 4, 2, ' ', 0)
			fmt.Fprintln(t, "RULE\tSEVERITY\tCATEGORY\tFIX\tTITLE")
			for _, r := range chosen {
				fix := ""
				if len(r.Fix) > 0 {
					fix = "yes"
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Severity, r.Category, fix, r.Title)
			}
			return t.Flush()
		},
	}
}()

func mentions(r *rule.Rule, text string) bool {
	all := append(append([]string{r.ID, r.Title}, r.On...), r.Aliases...)
	return strings.Contains(strings.ToLower(strings.Join(all, "\n")), text)
}

// writeRules writes the rules as a JSON list, and where they apply when in is not nil.
func writeRules(c *call, chosen []*rule.Rule, in *application) error {
	type entry struct {
		ID       string              `json:"id"`
		Title    string              `json:"title"`
		Severity string              `json:"severity"`
		Category string              `json:"category"`
		Types    []string            `json:"types"`
		Fix      bool                `json:"fix"`
		Controls map[string][]string `json:"controls"`
		Aliases  []string            `json:"aliases"`
		Since    string              `json:"since"`
		Dialects map[string][]string `json:"dialects,omitempty"`
	}
	list := make([]entry, 0, len(chosen))
	for _, r := range chosen {
		list = append(list, entry{r.ID, r.Title, r.Severity.String(), string(r.Category), r.On, len(r.Fix) > 0, r.Controls, r.Aliases, r.Since, in.of(r)})
	}
	enc := json.NewEncoder(c.Out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(map[string]any{"rules": list})
}

// covers reports whether a rule is on a resource type, which a type ending in * may stand for.
func covers(r *rule.Rule, typ string) bool {
	return slices.ContainsFunc(r.On, func(on string) bool {
		prefix, glob := strings.CutSuffix(on, "*")
		return on == typ || glob && strings.HasPrefix(typ, prefix)
	})
}
