package store

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSealedColumns: every column that the migrations call sealed is one that Rewrap knows.
func TestSealedColumns(t *testing.T) {
	table := regexp.MustCompile(`^CREATE TABLE (\w+)`)
	column := regexp.MustCompile(`^\s+(\w+)\s+BYTEA\b.*--.*\bsealed\b`)
	var found []string
	err := fs.WalkDir(migrations, "migrations", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations, path)
		in := ""
		for line := range strings.Lines(string(text)) {
			if m := table.FindStringSubmatch(line); m != nil {
				in = m[1]
			}
			if m := column.FindStringSubmatch(line); m != nil {
				found = append(found, in+"."+m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, c := range sealedColumns {
		known = append(known, c.table+"."+c.column)
	}
	for _, c := range found {
		if c != "idempotency.answer" && !slices.Contains(known, c) { // that one is sealed with a key of the client
			t.Errorf("%s is sealed, and not in sealedColumns: a change of the master key would lose it", c)
		}
	}
	if len(found) < 4 {
		t.Errorf("only %v were found", found)
	}
}
