package modules

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"plumbline.dev/plumbline/dialect"
)

// stored puts a package into a store, as a process of its own does.
func stored(t *testing.T, s *store, files ...string) string {
	t.Helper()
	work, done, err := s.work()
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	limits := Limits{}
	limits.complete()
	u, err := s.unpacking(context.Background(), work, limits)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		if err := u.file(name, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	name, err := s.keep(u)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestStore_contents names trees by what is in them, believes nothing else, and forgets what nobody uses.
func TestStore_contents(t *testing.T) {
	dir := t.TempDir()
	s := &store{dir: dir}
	one := stored(t, s, "a.tf=a", "b/c.tf=c")
	if again := stored(t, &store{dir: dir}, "b/c.tf=c", "a.tf=a"); again != one {
		t.Errorf("the same files are %s and %s", one, again)
	}
	for _, other := range [][]string{{"a.tf=a", "b/c.tf=d"}, {"a.tf=a", "b/d.tf=c"}, {"a.tf=a"}} {
		if stored(t, s, other...) == one {
			t.Errorf("%v has the name of others", other)
		}
	}
	s.note("k", entry{Tree: one})
	if e, ok := (&store{dir: dir}).find("k"); !ok || e.Tree != one {
		t.Error("the index has nothing")
	}
	info, err := os.Stat(filepath.Join(dir, "trees", one, "a.tf"))
	if err != nil || info.Mode().Perm()&0o222 != 0 {
		t.Errorf("the file can be written: %v %v", info, err)
	}

	changed := filepath.Join(dir, "trees", one, "a.tf")
	os.Chmod(changed, 0o600)
	os.WriteFile(changed, []byte("evil"), 0o600)
	fresh := &store{dir: dir}
	if fresh.tree(one) != nil {
		t.Error("a tree that was changed is believed")
	}
	if _, ok := fresh.find("k"); ok {
		t.Error("the index names a tree that is gone")
	}
	if stored(t, fresh, "a.tf=a", "b/c.tf=c") != one || fresh.tree(one) == nil {
		t.Error("it cannot be stored again")
	}
	for _, name := range []string{"", "..", "../x", strings.Repeat("a", 32), strings.ToUpper(one)} {
		if fresh.tree(name) != nil {
			t.Errorf("there is a tree %q", name)
		}
	}

	old := time.Now().Add(-40 * 24 * time.Hour)
	os.Chtimes(filepath.Join(dir, "trees", one), old, old)
	kept := stored(t, fresh, "kept.tf=x")
	(&store{dir: dir}).prune(time.Now())
	if _, err := os.Stat(filepath.Join(dir, "trees", one)); err == nil {
		t.Error("what nobody used for a month is still there")
	}
	if _, err := os.Stat(filepath.Join(dir, "trees", kept)); err != nil {
		t.Error("what is new was removed")
	}
}

// TestStore_processes stores the same package in many processes at once.
func TestStore_processes(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	names := make([]string, 8)
	for i := range names {
		wg.Go(func() { names[i] = stored(t, &store{dir: dir}, "a.tf=a", "b/c.tf=c", "d.tf=d") })
	}
	wg.Wait()
	for _, n := range names {
		if n != names[0] || (&store{dir: dir}).tree(n) == nil {
			t.Errorf("one process has %s, another %s", names[0], n)
		}
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "new")); len(left) > 0 {
		t.Error("work in progress was left")
	}
}

// TestMount_withoutCall reads a package that was fetched before, in a process that fetched nothing.
func TestMount_withoutCall(t *testing.T) {
	b := newBench(t)
	name := stored(t, &store{dir: b.dir}, "main.tf=x")
	b.offline = true
	tree := b.fetcher().Mount(fstest.MapFS{"a.tf": {}})
	if text, err := fs.ReadFile(tree, dialect.ModuleDir+"/vpc-1.0-"+name+"/main.tf"); err != nil || string(text) != "x" {
		t.Errorf("it is %s %v", text, err)
	}
	for _, p := range []string{name + "x", "../" + name, "vpc" + name, strings.Repeat("b", 32)} {
		if _, err := fs.Stat(tree, dialect.ModuleDir+"/"+p); err == nil {
			t.Errorf("there is a package %s", p)
		}
	}
	entries, err := fs.ReadDir(tree, ".")
	if err != nil || len(entries) != 1 {
		t.Errorf("the tree lists %v %v", entries, err)
	}
}
