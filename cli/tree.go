package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// tree is the part of the machine that a command may read: the repository around what was named on the command line, or
// the named directory itself when it is in none. Modules may lie anywhere in it.
type tree struct {
	root  *os.Root
	Dir   string   // absolute path of the root
	Paths []string // what was named, as paths of the tree
	base  string   // path of the tree that reported paths are relative to; "../" leads above it
	above string   // path from the working directory down to the root when the tree lies below it, else ""
	named string   // as the user wrote it, for the report
}

// openTree finds the tree for the paths on a command line; no path means the working directory.
func (c *call) openTree(args []string) (*tree, error) {
	if len(args) == 0 {
		args = []string{"."}
	}
	t := &tree{named: strings.Join(args, " ")}
	var absolute []string
	for _, a := range args {
		p := a
		if !filepath.IsAbs(p) {
			p = filepath.Join(c.Dir, p)
		}
		if _, err := os.Stat(p); err != nil {
			return nil, usage("%s cannot be read: %v", a, unwrapPath(err))
		}
		// Links on the way to the root are the user's own; from the root on down none is followed out.
		p, err := filepath.EvalSymlinks(p)
		if err != nil {
			return nil, usage("%s cannot be read: %v", a, unwrapPath(err))
		}
		absolute = append(absolute, filepath.Clean(p))
	}
	dir := absolute[0]
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	base := dir
	if work, err := filepath.EvalSymlinks(c.Dir); err == nil && inside(work, dir) {
		base = work
	}
	t.Dir = repository(dir)
	if t.Dir == "" {
		t.Dir = base
	}
	if !inside(t.Dir, base) {
		if down, err := filepath.Rel(base, t.Dir); err == nil {
			t.above = filepath.ToSlash(down)
		}
		base = t.Dir
	}
	for i, p := range absolute {
		if !inside(t.Dir, p) {
			return nil, usage("%s is not below %s: scan one repository at a time", args[i], t.Dir)
		}
		t.Paths = append(t.Paths, t.path(p))
	}
	t.base = t.path(base)
	root, err := os.OpenRoot(t.Dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", t.Dir, err)
	}
	t.root = root
	return t, nil
}

// FS is the tree as a file system that refuses what leads out of it.
func (t *tree) FS() fs.FS { return t.root.FS() }

// Close releases the tree.
func (t *tree) Close() error { return t.root.Close() }

// path turns an absolute path below the root into a path of the tree.
func (t *tree) path(absolute string) string {
	rel, err := filepath.Rel(t.Dir, absolute)
	if err != nil {
		return "."
	}
	return filepath.ToSlash(rel)
}

// shown turns a path of the tree into the path that people see.
func (t *tree) shown(p string) string {
	if p == "" || t.base == "." {
		if p != "" && fs.ValidPath(p) { // else it lies outside and is named as the user did
			return path.Join(t.above, p)
		}
		return p
	}
	rel, err := filepath.Rel(t.base, p)
	if err != nil {
		return p
	}
	return filepath.ToSlash(rel)
}

// hidden is the way back from shown.
func (t *tree) hidden(p string) string {
	if t.above != "" {
		p, _ = strings.CutPrefix(p, t.above+"/")
		return p
	}
	return path.Join(t.base, p)
}

// shownFiles finds the files of the tree by the paths that people see, and names them so. It remembers them, because a
// report asks for the same few again and again.
func (t *tree) shownFiles(files func(path string) *source.File) func(path string) *source.File {
	seen := map[string]*source.File{}
	return func(path string) *source.File {
		f, known := seen[path]
		if !known {
			if f = files(t.hidden(path)); f != nil && f.Path != path {
				f = &source.File{Path: path, Bytes: f.Bytes}
			}
			seen[path] = f
		}
		return f
	}
}

func inside(dir, p string) bool {
	rel, err := filepath.Rel(dir, p)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// repository returns the nearest directory at or above dir that is a git work tree, or "".
func repository(dir string) string {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// unwrapPath leaves the name out of an error that is to be said of another name.
func unwrapPath(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return l.Err
	}
	return err
}

// relocate rewrites every path of a report from the tree's to the one that people see.
func (t *tree) relocate(r *finding.Report) {
	r.Root = t.named
	if t.base == "." && t.above == "" {
		return
	}
	at := func(l *finding.Location) { l.File = t.shown(l.File) }
	related := func(list []finding.Related) {
		for i := range list {
			at(&list[i].Location)
		}
	}
	for _, findings := range [][]finding.Finding{r.Findings, r.Undecided} {
		for i := range findings {
			f := &findings[i]
			at(&f.Location)
			at(&f.Resource.Range)
			related(f.Resource.Calls)
			related(f.Related)
			for j := range f.Evidence {
				related(f.Evidence[j].From)
			}
			for j := range f.Waits {
				at(&f.Waits[j].Location)
			}
			for j := range f.Fixes {
				for k := range f.Fixes[j].Edits {
					at(&f.Fixes[j].Edits[k].Location)
				}
			}
			if f.Suppression != nil {
				at(&f.Suppression.Location)
			}
		}
	}
	for i := range r.Problems {
		at(&r.Problems[i].Location)
	}
	for i := range r.Hygiene {
		at(&r.Hygiene[i].Suppression.Location)
	}
}
