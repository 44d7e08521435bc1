package modules

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// store keeps packages by what is in them: a tree's name is the digest of its files. Below dir lie
//
//	trees/DIGEST/…   a package, unpacked, read-only, complete from the moment it is there
//	index/KEY        what was found where: which tree a version or commit is
//	new/…            work in progress
//
// Any number of processes may share it. A tree is checked against its name when it is first used.
type store struct {
	dir string

	mu      sync.Mutex
	checked map[string]fs.FS // nil: not there, or not as its name says
}

// entry is what the index remembers.
type entry struct {
	Tree    string
	Subdir  string `json:",omitempty"` // of the module in the package
	Etag    string `json:",omitempty"`
	Version string `json:",omitempty"` // of the registry
}

// storeAge is how long a package is kept after its last use.
const storeAge = 30 * 24 * time.Hour

var (
	treeName    = lazy(`^[a-z2-7]{32}$`)
	packageName = lazy(`^(?:[A-Za-z0-9_.-]+-)?([a-z2-7]{32})$`)
	encoding    = base32.StdEncoding.WithPadding(base32.NoPadding)
)

func (s *store) indexFile(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.dir, "index", hex.EncodeToString(sum[:]))
}

// find returns what the index has of a key, when the tree is there too.
func (s *store) find(key string) (entry, bool) {
	var e entry
	text, err := os.ReadFile(s.indexFile(key))
	if err != nil || json.Unmarshal(text, &e) != nil || s.tree(e.Tree) == nil {
		return entry{}, false
	}
	now := time.Now()
	for _, used := range []string{s.indexFile(key), s.treeDir(e.Tree)} {
		if info, err := os.Stat(used); err == nil && now.Sub(info.ModTime()) > time.Hour {
			os.Chtimes(used, now, now) // what cannot be marked is fetched again some day
		}
	}
	return e, true
}

// note adds to the index. An index that cannot be written costs another fetch.
func (s *store) note(key string, e entry) {
	text, err := json.Marshal(e)
	if err != nil || os.MkdirAll(filepath.Join(s.dir, "index"), 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Join(s.dir, "index"), "new-*")
	if err != nil {
		return
	}
	_, err = f.Write(text)
	if f.Close() != nil || err != nil || os.Rename(f.Name(), s.indexFile(key)) != nil {
		os.Remove(f.Name())
	}
}

func (s *store) treeDir(name string) string { return filepath.Join(s.dir, "trees", name) }

// tree returns a package by its digest; nil when it is not there. One that is not what its name says is taken away.
func (s *store) tree(name string) fs.FS {
	if !treeName().MatchString(name) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.checked[name]; t != nil {
		return t
	}
	root, err := os.OpenRoot(s.treeDir(name))
	if err != nil {
		return nil
	}
	t := root.FS()
	if digest, err := digestOf(t); err != nil || digest != name {
		root.Close()
		os.RemoveAll(s.treeDir(name))
		return nil
	}
	if s.checked == nil {
		s.checked = make(map[string]fs.FS)
	}
	s.checked[name] = t
	return t
}

// digestOf names a tree by what is in it.
func digestOf(t fs.FS) (string, error) {
	sums := make(map[string][sha256.Size]byte)
	err := fs.WalkDir(t, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return errors.New("not a regular file")
		}
		f, err := t.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			return err
		}
		sums[name] = [sha256.Size]byte(h.Sum(nil))
		return nil
	})
	return digest(sums), err
}

// digest joins the digests of files.
func digest(sums map[string][sha256.Size]byte) string {
	names := make([]string, 0, len(sums))
	for name := range sums {
		names = append(names, name)
	}
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		sum := sums[name]
		fmt.Fprintf(h, "%q %x\n", name, sum)
	}
	return strings.ToLower(encoding.EncodeToString(h.Sum(nil)[:20]))
}

// work makes a directory for work in progress; done takes it away.
func (s *store) work() (dir string, done func(), err error) {
	if err := os.MkdirAll(filepath.Join(s.dir, "new"), 0o700); err != nil {
		return "", nil, fmt.Errorf("the cache of modules cannot be written: %w", reason(err))
	}
	dir, err = os.MkdirTemp(filepath.Join(s.dir, "new"), "")
	if err != nil {
		return "", nil, fmt.Errorf("the cache of modules cannot be written: %w", reason(err))
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}

// keep moves a finished package to its place and returns its name.
func (s *store) keep(u *unpacking) (string, error) {
	name := digest(u.sums)
	if err := u.root.Close(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "trees"), 0o700); err != nil {
		return "", fmt.Errorf("the cache of modules cannot be written: %w", reason(err))
	}
	if s.tree(name) != nil {
		return name, nil
	}
	err := os.Rename(u.dir, s.treeDir(name))
	if s.tree(name) != nil { // ours, or that of another process
		return name, nil
	}
	if err == nil {
		err = errors.New("it does not hold what was written")
	}
	return "", fmt.Errorf("the cache of modules cannot be written: %w", err)
}

// prune removes what was not used for a month, at most once a day.
func (s *store) prune(now time.Time) {
	mark := filepath.Join(s.dir, "pruned")
	if info, err := os.Stat(mark); err == nil && now.Sub(info.ModTime()) < 24*time.Hour {
		return
	}
	if os.MkdirAll(s.dir, 0o700) != nil || os.WriteFile(mark, nil, 0o600) != nil {
		return
	}
	for sub, age := range map[string]time.Duration{"trees": storeAge, "index": storeAge, "new": 24 * time.Hour} {
		entries, _ := os.ReadDir(filepath.Join(s.dir, sub))
		for _, e := range entries {
			if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > age {
				os.RemoveAll(filepath.Join(s.dir, sub, e.Name()))
			}
		}
	}
}

// packages is the store as a tree: PACKAGE/path, where PACKAGE ends with the digest of a tree.
type packages struct{ store *store }

func (p packages) find(op, name string) (fs.FS, string, error) {
	pkg, rest, _ := strings.Cut(name, "/")
	if rest == "" {
		rest = "."
	}
	if m := packageName().FindStringSubmatch(pkg); m != nil && fs.ValidPath(name) {
		if t := p.store.tree(m[1]); t != nil {
			return t, rest, nil
		}
	}
	return nil, "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Open opens a file of a package.
func (p packages) Open(name string) (fs.File, error) {
	t, rest, err := p.find("open", name)
	if err != nil {
		return nil, err
	}
	return t.Open(rest)
}

// Stat describes a file of a package.
func (p packages) Stat(name string) (fs.FileInfo, error) {
	t, rest, err := p.find("stat", name)
	if err != nil {
		return nil, err
	}
	return fs.Stat(t, rest)
}

// ReadDir lists a directory of a package.
func (p packages) ReadDir(name string) ([]fs.DirEntry, error) {
	t, rest, err := p.find("readdir", name)
	if err != nil {
		return nil, err
	}
	return fs.ReadDir(t, rest)
}

// subdirIn finds the directory of a module in a package; a * as a name stands for the one directory there is.
func subdirIn(t fs.FS, subdir string) (string, error) {
	at := "."
	if subdir != "" {
		for part := range strings.SplitSeq(subdir, "/") {
			if part == "*" {
				entries, err := fs.ReadDir(t, at)
				if err != nil {
					return "", failure("the package has no folder %s", clip(subdir))
				}
				entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !e.IsDir() })
				if len(entries) != 1 {
					return "", failure("the package has %d folders where %s wants one", len(entries), clip(subdir))
				}
				part = entries[0].Name()
			}
			at = path.Join(at, part)
		}
	}
	if info, err := fs.Stat(t, at); err != nil || !info.IsDir() {
		return "", failure("the package has no folder %s", clip(subdir))
	}
	return at, nil
}
