// Package golden compares what a test got with a file that a person has looked at.
//
// One flag for all of them: go test ./some/package -update writes the files and removes those that nobody asked for.
package golden

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// asked holds the files that Equal was called for, so that Run can tell the others.
var asked = struct {
	sync.Mutex
	paths map[string]bool
}{paths: map[string]bool{}}

// Equal fails the test when got is not what the file at path (relative to the package, under testdata) holds.
func Equal(t testing.TB, path string, got []byte) {
	t.Helper()
	asked.Lock()
	asked.paths[filepath.Clean(path)] = true
	asked.Unlock()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s does not exist: look at the output, then run the test with -update\n%s", path, got)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(got) {
		if !bytes.Equal(want, got) {
			t.Errorf("%s is not what the test got; -update accepts it", path)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (- is the file, + is what the test got; -update accepts it):\n%s", path, diff)
	}
}

// Run runs the tests of a package and then fails when dir holds a file that no test asked for; call it from TestMain with
// the folder of the goldens: os.Exit(golden.Run(m, "testdata/golden")). A run of chosen tests (-run, -skip, -short) does
// not look for orphans, because their owners may not have run; with -update a full run removes them.
func Run(m *testing.M, dir string) int {
	code := m.Run()
	if code != 0 || partial() {
		return code
	}
	orphans, err := orphans(dir)
	if err != nil {
		os.Stderr.WriteString("golden: " + err.Error() + "\n")
		return 1
	}
	for _, p := range orphans {
		if !*update {
			os.Stderr.WriteString("golden: no test asked for " + p + ": remove it, or run all tests with -update\n")
			code = 1
		} else if err := os.Remove(p); err != nil {
			os.Stderr.WriteString("golden: " + err.Error() + "\n")
			code = 1
		}
	}
	return code
}

// orphans returns the files under dir that no test asked for, sorted. No dir, no orphans.
func orphans(dir string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !asked.paths[filepath.Clean(path)] {
			out = append(out, path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	slices.Sort(out)
	return out, err
}

// partial reports whether the command line chose some of the tests.
func partial() bool {
	chosen := testing.Short()
	flag.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "test.run", "test.skip", "test.list", "test.fuzz", "test.bench":
			chosen = true
		}
	})
	return chosen
}
