// Command generate makes the tables of package schema that are not kept by hand.
//
//	go run ./schema/generate             core.txt from generate/core.json
//	go run ./schema/generate -from DIR   aws.txt, azurerm.txt and google.txt too, from DIR/<provider>.json.gz
//	go run ./schema/generate -azurerm    defaults-azurerm.tsv, from the provider's source, which it downloads
//
// It is run from the root of the repository. The form of the input, core.json's too, is
//
//	{resource type: {attribute: [flags, type, {nested attributes}?]}}
//
// with flags r required, o optional, c computed, oc optional and computed; type string, number, bool, any, map(T), list(T),
// set(T) and, of blocks, list1 and set1 (at most one), list, set and single. See data/ORIGIN.md for where it comes from.
package main

import (
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

var providers = []string{"aws", "azurerm", "google"}

func main() {
	from := flag.String("from", "", "folder of <provider>.json.gz")
	azurerm := flag.Bool("azurerm", false, "make the defaults of the azurerm provider")
	into := flag.String("into", "schema/data", "folder of the tables")
	flag.Parse()
	err := run(*from, *into)
	if err == nil && *azurerm {
		err = azurermDefaults(filepath.Join(*into, "defaults-azurerm.tsv"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(from, into string) error {
	if err := tabulate("schema/generate/core.json", filepath.Join(into, "core.txt")); err != nil || from == "" {
		return err
	}
	for _, p := range providers {
		if err := tabulate(filepath.Join(from, p+".json.gz"), filepath.Join(into, p+".txt")); err != nil {
			return err
		}
	}
	return nil
}

// tabulate writes the table of the types in a JSON file, which may be compressed.
func tabulate(input, output string) error {
	f, err := os.Open(input)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(input, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return fmt.Errorf("%s: %w", input, err)
		}
	}
	var types map[string]attributes
	if err := json.NewDecoder(r).Decode(&types); err != nil {
		return fmt.Errorf("%s: %w", input, err)
	}
	text, err := encode(types)
	if err != nil {
		return fmt.Errorf("%s: %w", input, err)
	}
	return os.WriteFile(output, text, 0o644)
}
