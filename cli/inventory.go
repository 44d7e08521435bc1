package cli

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/terraform"
	"plumbline.dev/plumbline/report"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

type inventoryFlags struct {
	estateFlags
	format     string
	attributes bool
	redact     bool
	tolerate   list
}

var inventoryCommand = func() *command {
	var f inventoryFlags
	return &command{
		name:    "inventory",
		args:    "[PATH ...]",
		summary: "List every resource after expansion, with its effective tags",
		long: `
Lists resources and data sources with address, type, provider, tags and where each tag comes from.
With --attributes the json form holds every evaluated attribute as Terraform's plan would, sensitive ones included;
an unknown at any depth is {"__unknown__": true}.`,
		flags: func(c *call) {
			f = inventoryFlags{}
			f.estateFlags.declare(c)
			c.set.StringVar(&f.format, "report", "table", "`FORMAT`: table, csv or json")
			c.set.BoolVar(&f.attributes, "attributes", false, "with every attribute (json only)")
			c.set.BoolVar(&f.redact, "redact", false, "write (sensitive) for sensitive values and (hidden) for what is named or looks like a secret")
			declareTolerate(c, &f.tolerate)
		},
		run: func(ctx context.Context, c *call) error { return runInventory(ctx, c, &f) },
	}
}()

// item is one line of the inventory.
type item struct {
	resource *resource.Resource
	unit     dialect.UnitName
	at       source.Position
	tagLines []int
}

func runInventory(ctx context.Context, c *call, f *inventoryFlags) error {
	write := map[string]func(*inventory, io.Writer) error{"table": (*inventory).table, "csv": (*inventory).csv, "json": (*inventory).json}[f.format]
	if write == nil {
		return usage("there is no inventory format %q: use table, csv or json", f.format)
	}
	if f.attributes && f.format != "json" {
		return usage("--attributes goes with --report json")
	}
	e, err := c.openEstate(ctx, &f.estateFlags, c.args)
	if err != nil {
		return err
	}
	defer e.Close()
	policy, err := e.policy(&scanFlags{tolerate: f.tolerate})
	if err != nil {
		return err
	}
	inv := &inventory{estate: e, attributes: f.attributes, redact: f.redact}
	visited, err := scan.Visit(ctx, e.options, func(u *dialect.Unit) error {
		for _, r := range u.Graph.Resources {
			if isDeployed(r) {
				inv.items = append(inv.items, item{resource: r, unit: u.Name})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	inv.place(visited.Files)
	out := bufio.NewWriter(c.Out)
	if err := write(inv, out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	incomplete := false
	for _, p := range visited.Problems {
		fmt.Fprintf(c.Err, "%s: %s\n", report.Place(e.tree.shown(p.Location.File), p.Location.From), p.Message)
		incomplete = incomplete || !policy.tolerated[p.Kind]
	}
	if incomplete {
		return &failed{code: Incomplete}
	}
	return nil
}

// isDeployed tells resources and data sources from what only configures them.
func isDeployed(r *resource.Resource) bool {
	kind, _, dotted := strings.Cut(r.Type, ".")
	switch kind {
	case "variable", "output", "module":
		return false
	case "provider", "backend":
		return !dotted
	}
	return true
}

type inventory struct {
	estate     *estate
	items      []item
	attributes bool
	redact     bool
}

// place computes lines from byte offsets.
func (inv *inventory) place(files func(string) *source.File) {
	line := func(r source.Range) source.Position {
		if f := files(r.File); f != nil {
			return f.Position(r.Start)
		}
		return source.Position{}
	}
	for i := range inv.items {
		it := &inv.items[i]
		it.at = line(it.resource.Range)
		for _, t := range it.resource.Tags {
			it.tagLines = append(it.tagLines, line(t.Range).Line)
		}
	}
}

// redacted returns what is to be shown of a value of that name.
func (inv *inventory) redacted(name string, v *value.Value) *value.Value {
	if !inv.redact {
		return v
	}
	shown := rule.Conceal(value.Path{{Name: name}}, v, false)
	return &shown
}

func (inv *inventory) show(name string, v *value.Value) string {
	v = inv.redacted(name, v)
	if v.Kind == value.String && !v.Sensitive {
		return v.Text
	}
	return value.Show(v)
}

func (inv *inventory) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ADDRESS\tPROVIDER\tTAGS\tWHERE")
	for _, it := range inv.items {
		where := fmt.Sprintf("%s:%d", inv.estate.tree.shown(it.resource.Range.File), it.at.Line)
		if it.unit.Variant != "" {
			where += " (" + it.unit.Variant + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", report.Visible(it.resource.Address), it.resource.Provider, len(it.resource.Tags), report.Visible(where))
		for i, tag := range it.resource.Tags {
			fmt.Fprintf(t, "  %s = %s\t\t\t%s %s:%d\n", report.Visible(tag.Key), report.Visible(inv.show(tag.Key, &tag.Value)), tag.Origin,
				report.Visible(inv.estate.tree.shown(tag.Range.File)), it.tagLines[i])
		}
	}
	return t.Flush()
}

func (inv *inventory) csv(w io.Writer) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"address", "type", "provider", "unit", "variant", "file", "line", "tag", "value", "origin", "tag_file", "tag_line"}}
	for _, it := range inv.items {
		r := it.resource
		row := []string{r.Address, r.Type, r.Provider, it.unit.Dir, it.unit.Variant, inv.estate.tree.shown(r.Range.File), strconv.Itoa(it.at.Line)}
		if len(r.Tags) == 0 {
			rows = append(rows, append(row, "", "", "", "", ""))
		}
		for i, tag := range r.Tags {
			rows = append(rows, append(row[:len(row):len(row)], tag.Key, inv.show(tag.Key, &tag.Value), tag.Origin,
				inv.estate.tree.shown(tag.Range.File), strconv.Itoa(it.tagLines[i])))
		}
	}
	for _, row := range rows {
		for i := range row {
			row[i] = report.Cell(row[i])
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// json writes by hand, because values write themselves.
func (inv *inventory) json(w io.Writer) error {
	text := func(s string) string {
		return string((&value.Value{Kind: value.String, Text: s}).AppendJSON(nil, false))
	}
	shown := inv.estate.tree.shown
	fmt.Fprint(w, `{"resources":[`)
	for i, it := range inv.items {
		r := it.resource
		if i > 0 {
			fmt.Fprint(w, ",")
		}
		mode, typ := "managed", r.Type
		if rest, ok := strings.CutPrefix(r.Type, "data."); ok {
			mode, typ = "data", rest
		}
		fmt.Fprintf(w, "\n{\"address\":%s,\"mode\":%s,\"type\":%s,\"name\":%s,\"provider\":%s,\"dialect\":%s,\"unit\":%s,\"variant\":%s,\"file\":%s,\"line\":%d,\"maybe\":%t,\"tags\":[",
			text(r.Address), text(mode), text(typ), text(r.Name), text(r.Provider), text(r.Dialect), text(it.unit.Dir), text(it.unit.Variant),
			text(shown(r.Range.File)), it.at.Line, r.Maybe)
		for j, tag := range r.Tags {
			if j > 0 {
				fmt.Fprint(w, ",")
			}
			fmt.Fprintf(w, `{"key":%s,"value":%s,"origin":%s,"file":%s,"line":%d}`,
				text(tag.Key), inv.redacted(tag.Key, &tag.Value).AppendJSON(nil, inv.redact), text(tag.Origin), text(shown(tag.Range.File)), it.tagLines[j])
		}
		fmt.Fprint(w, "]")
		if inv.attributes {
			body := terraform.Attributes(inv.estate.schema, r)
			fmt.Fprintf(w, `,"attributes":%s`, inv.redacted("", body).AppendJSON(nil, inv.redact))
		}
		fmt.Fprint(w, "}")
	}
	_, err := fmt.Fprint(w, "\n]}\n")
	return err
}
