package source

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// Mount is a tree in which another one appears below a directory. No listing of a directory above shows it, so that it is
// never walked; who knows a path in it can read what is there. What the tree itself has at that place cannot be reached.
type Mount struct {
	FS    fs.FS  // the tree
	Dir   string // where the other one appears: a/b
	Other fs.FS
}

// within returns the path in the mounted tree, and whether the name leads there.
func (m *Mount) within(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, m.Dir+"/")
	return rest, ok && fs.ValidPath(name)
}

// Open opens a file of either tree.
func (m *Mount) Open(name string) (fs.File, error) {
	if rest, ok := m.within(name); ok {
		return m.Other.Open(rest)
	}
	if name == m.Dir {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return m.FS.Open(name)
}

// Stat describes a file of either tree.
func (m *Mount) Stat(name string) (fs.FileInfo, error) {
	if rest, ok := m.within(name); ok {
		return fs.Stat(m.Other, rest)
	}
	if name == m.Dir {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return fs.Stat(m.FS, name)
}

// ReadDir lists a directory of either tree.
func (m *Mount) ReadDir(name string) ([]fs.DirEntry, error) {
	if rest, ok := m.within(name); ok {
		return fs.ReadDir(m.Other, rest)
	}
	if name == m.Dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	entries, err := fs.ReadDir(m.FS, name)
	if name == path.Dir(m.Dir) {
		kept := make([]fs.DirEntry, 0, len(entries))
		for _, e := range entries {
			if e.Name() != path.Base(m.Dir) {
				kept = append(kept, e)
			}
		}
		entries = kept
	}
	return entries, err
}

// ReadFile reads a file of either tree.
func (m *Mount) ReadFile(name string) ([]byte, error) {
	if rest, ok := m.within(name); ok {
		return fs.ReadFile(m.Other, rest)
	}
	if name == m.Dir {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	return fs.ReadFile(m.FS, name)
}

// committed reports whether a tree is that of a commit.
func committed(fsys fs.FS) bool {
	if m, ok := fsys.(*Mount); ok {
		fsys = m.FS
	}
	switch fsys.(type) {
	case *Git, *GitTree:
		return true
	}
	return false
}
