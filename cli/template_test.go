package cli

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/schema"
)

// TestTemplate uncomments everything in the settings that init writes: it must be right as it stands, names included.
func TestTemplate(t *testing.T) {
	var lines []string
	for line := range strings.Lines(config.Template()) {
		if setting := regexp.MustCompile(`^#( *(- )?[a-z"A-Z_*/0-9-]+:.*\n)`).FindStringSubmatch(line); setting != nil {
			line = setting[1]
		}
		lines = append(lines, line)
	}
	text := strings.Join(lines, "")
	if !strings.Contains(text, "\nrules:\n") || !strings.Contains(text, "\n  - rules: ") {
		t.Fatalf("the settings were not uncommented:\n%s", text)
	}
	loaded, err := config.Load(fstest.MapFS{".plumbline.yaml": &fstest.MapFile{Data: []byte(text)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	catalogue := rule.NewCatalogue(schema.Load())
	if err := catalogue.AddPrepared(rules.Pages(), rules.Prepared()); err != nil {
		t.Fatal(err)
	}
	if err := loaded.Check(known(catalogue)); err != nil {
		t.Error(err)
	}
	if len(loaded.Ignores) == 0 || !slices.Contains(loaded.Ignores[0].Suppression.Rules, "aws-s3-access-log-off") {
		t.Error("the entry of the ignore list was not read")
	}
}
