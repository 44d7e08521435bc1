package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
)

var explainCommand = func() *command {
	var f estateFlags
	return &command{
		name:    "explain",
		args:    "RULE",
		summary: "Tell what a rule is about, with examples",
		long:    "RULE is the id of a rule, or the id that another scanner has for it.",
		flags:   func(*call) { f = estateFlags{} },
		run: func(ctx context.Context, c *call) error {
			if len(c.args) != 1 {
				return usage("name one rule: plumbline explain aws-s3-public-acl")
			}
			e, err := c.openEstate(ctx, &f, nil)
			if err != nil {
				return err
			}
			defer e.Close()
			r := e.options.Rules.Rule(c.args[0])
			if r == nil {
				_, near := knownRule(e.options.Rules, c.args[0])
				return &failed{Usage, fmt.Sprintf("there is no rule %q", c.args[0]), didYouMean(near)}
			}
			return explain(c.Out, r, c.Width > 0)
		},
	}
}()

// explain writes a rule's page for a terminal or a pipe.
func explain(w io.Writer, r *rule.Rule, colour bool) error {
	bold := func(s string) string { return s }
	if colour {
		bold = func(s string) string { return "\x1b[1m" + s + "\x1b[0m" }
	}
	fmt.Fprintf(w, "%s\n%s · %s · %s\n\n%s\n", bold(r.Title), r.ID, r.Severity, r.Category, strings.TrimSpace(r.Why))
	fmt.Fprintf(w, "\n%s %s\n%s\n", bold("Must hold for"), strings.Join(r.On, ", "), indent(strings.TrimSpace(r.Require)))
	if r.Caution != "" {
		fmt.Fprintf(w, "\n%s %s\n", bold("Caution, the fix:"), r.Caution)
	}
	if len(r.Controls) > 0 {
		fmt.Fprintf(w, "\n%s\n", bold("Controls"))
		for _, id := range slices.Sorted(maps.Keys(r.Controls)) {
			for _, control := range r.Controls[id] {
				fmt.Fprintf(w, "    %-18s %-12s %s\n", id, control, rules.ControlTitle(id, control))
			}
		}
	}
	if len(r.Aliases) > 0 {
		fmt.Fprintf(w, "\n%s %s\n", bold("Known elsewhere as"), strings.Join(r.Aliases, ", "))
	}
	for _, section := range []rule.Section{rule.Flagged, rule.Fixed, rule.NotFlagged} {
		first := true
		for _, x := range r.Examples {
			if x.Section != section {
				continue
			}
			if first {
				fmt.Fprintf(w, "\n%s\n", bold(string(section)))
			} else {
				fmt.Fprintln(w)
			}
			first = false
			for _, file := range x.Files {
				if file.Name != "" {
					fmt.Fprintf(w, "    # %s\n", file.Name)
				}
				fmt.Fprintln(w, indent(strings.TrimRight(file.Shown(), "\n")))
			}
		}
	}
	return nil
}

func indent(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") }
