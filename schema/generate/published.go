package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// published is the resource types of a dialect as its own makers publish them, by name. Names with a "#" are the objects
// within types.
type published map[string]members

// members is the properties of a type or object: their types as typeText describes. The name of an output begins with "@".
type members map[string]string

// The types of properties are written as
//
//	type = ( "string" | "number" | "boolean" | "json" | "any" ) [ "(" word { "|" word } ")" ]    the words that it takes
//	     | "[" type "]"     list
//	     | "{" type "}"     map with free keys
//	     | "#" NAME         the object in the line "TYPE#NAME"
//	     | type "/" type    either
//
// A line is TYPE { TAB NAME ":" type }, both sorted.

// readers is how the types of each dialect are read from a file, or a folder.
var readers = map[string]func(path string) (published, error){
	"ansible":        func(path string) (published, error) { return reading(path, ansibleTypes) },
	"arm":            armTypes,
	"cloudformation": func(path string) (published, error) { return reading(path, cloudformationTypes) },
}

func reading(path string, read func(io.Reader) (published, error)) (published, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(f)
}

// publish makes schema/testdata/DIALECT.txt.gz from what is at the path.
func publish(path, dialect string, plain bool) error {
	read := readers[dialect]
	if read == nil {
		return fmt.Errorf("no types are published for %s; there are those of %s", dialect, strings.Join(slices.Sorted(maps.Keys(readers)), ", "))
	}
	types, err := read(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return types.write(filepath.Join("schema", "testdata"), dialect, plain)
}

// write makes FILE.txt.gz in the folder, and FILE.txt beside it when plain is set.
func (p published) write(folder, file string, plain bool) error {
	var text bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(p)) {
		text.WriteString(name)
		for _, member := range slices.Sorted(maps.Keys(p[name])) {
			fmt.Fprintf(&text, "\t%s:%s", member, p[name][member])
		}
		text.WriteByte('\n')
	}
	if plain {
		if err := os.WriteFile(filepath.Join(folder, file+".txt"), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(text.Bytes()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, file+".txt.gz"), packed.Bytes(), 0o644)
}

// words adds the words that a property takes to its type, unless they cannot be written.
func words(typ string, allowed []string) string {
	for _, w := range allowed {
		if w == "" || strings.ContainsAny(w, "|()\t\n") {
			return typ
		}
	}
	if len(allowed) == 0 {
		return typ
	}
	return typ + "(" + strings.Join(allowed, "|") + ")"
}
