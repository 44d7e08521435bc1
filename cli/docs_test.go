package cli

import (
	"bytes"
	"fmt"
	"testing"

	"plumbline.dev/plumbline/internal/golden"
	"plumbline.dev/plumbline/report"
	"plumbline.dev/plumbline/rule"
)

// TestGenerated holds the reference documents fresh: go test ./cli -run Generated -update writes them.
func TestGenerated(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"commands.md":  writeCommands,
		"coverage.md":  writeCoverage,
		"functions.md": writeFunctions,
		"reports.md":   writeFormats,
	} {
		var b bytes.Buffer
		fmt.Fprint(&b, "<!-- Written by `go test ./cli -run Generated -update`; a test holds it fresh. -->\n\n")
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden.Equal(t, "../docs/reference/"+name, b.Bytes())
	}
}

func writeCommands(b *bytes.Buffer) error {
	fmt.Fprint(b, "# Commands\n\n```\n")
	printHelp(b)
	fmt.Fprint(b, "```\n")
	for _, cmd := range commands() {
		if cmd.hidden {
			continue
		}
		c := newCall(Env{}, cmd)
		fmt.Fprintf(b, "\n## %s\n\n```\n", cmd.name)
		c.printHelp(b)
		fmt.Fprint(b, "```\n")
	}
	return nil
}

func writeFunctions(b *bytes.Buffer) error {
	fmt.Fprint(b, "# Functions of expressions\n\nBesides CEL's own operators and macros. Each example is true, and a test says so.\n")
	for _, f := range rule.Functions() {
		fmt.Fprintf(b, "\n## %s\n\n", f.Name)
		for _, s := range f.Signatures {
			fmt.Fprintf(b, "    %s\n", s)
		}
		fmt.Fprintf(b, "\n%s\n\n```\n%s\n```\n", f.Doc, f.Example)
	}
	return nil
}

func writeFormats(b *bytes.Buffer) error {
	fmt.Fprint(b, "# Report formats\n\n`plumbline scan --report FORMAT[=FILE]`, repeatable.\n\n| format | what it is | media type |\n|---|---|---|\n")
	for _, f := range report.Formats() {
		fmt.Fprintf(b, "| `%s` | %s | `%s` |\n", f.Name, f.Title, f.MediaType)
	}
	fmt.Fprint(b, "\nThe schema of `json` is [report/json.schema.json](../../report/json.schema.json): fields are only ever added to a format.\n")
	return nil
}
