package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Git is the tree of a commit, read with the git binary from a repository's objects and without a checkout. It is an
// fs.FS. Close ends the git process.
//
// The repository is not trusted: git is run so that it starts no hook, filter, pager or transport, and fetches nothing.
type Git struct {
	entries map[string]*gitEntry

	mu    sync.Mutex
	batch *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
}

type gitEntry struct {
	name     string
	mode     fs.FileMode
	object   string
	size     int64
	children []fs.DirEntry // of directories, sorted
}

// OpenGit opens the tree that directory dir has in the commit that ref names. dir is a path of the machine inside a
// repository; the tree's root is dir, not the repository's root.
func OpenGit(ctx context.Context, dir, ref string) (*Git, error) {
	return openGit(ctx, gitPlace{dir: dir, listing: 256 << 20}, ref)
}

// OpenGitDir opens the whole tree of a commit of a bare repository that was fetched from somebody, whatever repository the
// environment names. A tree of more than some ten thousand files is an error.
func OpenGitDir(ctx context.Context, dir, ref string) (*Git, error) {
	return openGit(ctx, gitPlace{dir: dir, listing: 8 << 20,
		env: []string{"GIT_DIR=" + dir, "GIT_COMMON_DIR=" + dir, "GIT_OBJECT_DIRECTORY=" + filepath.Join(dir, "objects")}}, ref)
}

// gitPlace is where git works, and what it sees of the environment on top of the process's.
type gitPlace struct {
	dir     string
	env     []string
	listing int // bytes of answers: trees that share their folders can list more files than there is memory
}

// ErrListing says that a commit has more files than are listed.
var ErrListing = errors.New("git lists more files than are read")

func openGit(ctx context.Context, at gitPlace, ref string) (*Git, error) {
	dir := at.dir
	commit, err := at.output(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if err != nil {
		return nil, fmt.Errorf("git does not know a commit %q in %s: %w", ref, dir, err)
	}
	prefix, err := at.output(ctx, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, fmt.Errorf("find the repository of %s: %w", dir, err)
	}
	tree := strings.TrimSpace(string(commit)) + ":" + strings.TrimSuffix(strings.TrimSpace(string(prefix)), "/")
	list, err := at.output(ctx, "ls-tree", "-r", "-l", "-z", "--full-tree", tree)
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", ref, err)
	}
	g := &Git{entries: map[string]*gitEntry{".": {name: ".", mode: fs.ModeDir | 0o755}}}
	for line := range strings.SplitSeq(string(list), "\x00") {
		if meta, name, ok := strings.Cut(line, "\t"); ok {
			g.add(strings.Fields(meta), name)
		}
	}
	for _, e := range g.entries {
		slices.SortFunc(e.children, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	g.batch = at.command(ctx, "cat-file", "--batch")
	if g.in, err = g.batch.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := g.batch.StdoutPipe()
	if err != nil {
		return nil, err
	}
	g.out = bufio.NewReader(out)
	if err := g.batch.Start(); err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	return g, nil
}

// add takes one line of ls-tree -l: mode, kind, object and size.
func (g *Git) add(meta []string, name string) {
	if len(meta) != 4 || !fs.ValidPath(name) {
		return
	}
	e := &gitEntry{name: path.Base(name), mode: 0o644, object: meta[2]}
	switch {
	case meta[1] != "blob":
		return // a submodule: its content is another repository's
	case meta[0] == "120000":
		e.mode = fs.ModeSymlink | 0o777
	}
	e.size, _ = strconv.ParseInt(meta[3], 10, 64)
	for g.entries[name] == nil {
		g.entries[name] = e
		dir := path.Dir(name)
		parent := g.entries[dir]
		known := parent != nil
		if !known {
			parent = &gitEntry{name: path.Base(dir), mode: fs.ModeDir | 0o755}
		}
		parent.children = append(parent.children, fs.FileInfoToDirEntry(e))
		if known {
			return
		}
		name, e = dir, parent
	}
}

func (at gitPlace) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", append([]string{
		"--no-pager", "--no-replace-objects", "-c", "protocol.allow=never", "-c", "core.fsmonitor=false",
		"-c", "core.hooksPath=" + os.DevNull,
	}, args...)...)
	cmd.Dir = at.dir
	cmd.Env = append(append(os.Environ(), at.env...), "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func (at gitPlace) output(ctx context.Context, args ...string) ([]byte, error) {
	cmd := at.command(ctx, args...)
	out := &limited{left: at.listing}
	complaint := &limited{left: 16 << 10}
	cmd.Stdout, cmd.Stderr = out, complaint
	err := cmd.Run()
	switch {
	case out.full:
		return nil, ErrListing
	case err != nil && complaint.buffer.Len() > 0:
		return nil, errors.New(string(bytes.TrimSpace(complaint.buffer.Bytes())))
	}
	return out.buffer.Bytes(), err
}

// GitIgnored lists what lies below a directory of a work tree and is in no commit because git ignores it: files, and folders
// that hold nothing else, as paths below the directory. dir is a path of the machine.
func GitIgnored(ctx context.Context, dir string) ([]string, error) {
	list, err := gitPlace{dir: dir, listing: 64 << 20}.output(ctx, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
	if err != nil {
		return nil, fmt.Errorf("list what git ignores in %s: %w", dir, err)
	}
	var out []string
	for name := range strings.SplitSeq(string(list), "\x00") {
		if name != "" {
			out = append(out, path.Clean(name))
		}
	}
	return out, nil
}

// limited is a buffer that takes no more than it may, which ends the program that writes to it.
type limited struct {
	buffer bytes.Buffer
	left   int
	full   bool
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		l.full = true
		return 0, io.ErrShortWrite
	}
	l.left -= len(p)
	return l.buffer.Write(p)
}

// Close ends the git process. The tree cannot be read afterwards.
func (g *Git) Close() error {
	g.in.Close()
	return g.batch.Wait()
}

// maxLink is the longest path that a symbolic link may hold; what is longer is no path.
const maxLink = 4096

// resolve follows symbolic links, in the last element and in the directories before it, inside the tree.
func (g *Git) resolve(op, name string, hops int) (*gitEntry, error) {
	fail := func(err error) (*gitEntry, error) { return nil, &fs.PathError{Op: op, Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	at := "."
	for part := range strings.SplitSeq(name, "/") {
		at = path.Join(at, part)
		e := g.entries[at]
		if e == nil {
			return fail(fs.ErrNotExist)
		}
		if e.mode&fs.ModeSymlink == 0 {
			continue
		}
		if hops == 0 {
			return fail(errors.New("too many symbolic links"))
		}
		if e.size > maxLink {
			return fail(errors.New("the symbolic link is too long"))
		}
		target, err := g.read(e)
		if err != nil {
			return fail(err)
		}
		to := path.Join(path.Dir(at), string(target))
		if path.IsAbs(string(target)) || !fs.ValidPath(to) {
			return fail(errors.New("path escapes from parent"))
		}
		rest := strings.TrimPrefix(strings.TrimPrefix(path.Clean(name), at), "/")
		return g.resolve(op, path.Join(to, rest), hops-1)
	}
	return g.entries[at], nil
}

// Stat follows symbolic links that stay in the tree.
func (g *Git) Stat(name string) (fs.FileInfo, error) {
	e, err := g.resolve("stat", name, 10)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// ReadDir lists a directory.
func (g *Git) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := g.resolve("readdir", name, 10)
	if err != nil {
		return nil, err
	}
	if !e.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return slices.Clone(e.children), nil
}

// Open opens a file for reading; its content is read at once.
func (g *Git) Open(name string) (fs.File, error) {
	e, err := g.resolve("open", name, 10)
	if err != nil {
		return nil, err
	}
	if e.IsDir() {
		return &gitFile{entry: e, Reader: bytes.NewReader(nil)}, nil
	}
	content, err := g.read(e)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &gitFile{entry: e, Reader: bytes.NewReader(content)}, nil
}

func (g *Git) read(e *gitEntry) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := io.WriteString(g.in, e.object+"\n"); err != nil {
		return nil, fmt.Errorf("ask git for %s: %w", e.object, err)
	}
	head, err := g.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("read %s from git: %w", e.object, err)
	}
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return nil, fmt.Errorf("git has no object %s", e.object)
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("git answered %q", head)
	}
	content := make([]byte, size+1) // with the line end that follows the content
	if _, err := io.ReadFull(g.out, content); err != nil {
		return nil, fmt.Errorf("read %s from git: %w", e.object, err)
	}
	return content[:size], nil
}

// Name, Size, Mode, ModTime, IsDir and Sys make an entry an fs.FileInfo.
func (e *gitEntry) Name() string       { return e.name }
func (e *gitEntry) Size() int64        { return e.size }
func (e *gitEntry) Mode() fs.FileMode  { return e.mode }
func (e *gitEntry) ModTime() time.Time { return time.Time{} }
func (e *gitEntry) IsDir() bool        { return e.mode.IsDir() }
func (e *gitEntry) Sys() any           { return nil }

type gitFile struct {
	entry *gitEntry
	*bytes.Reader
}

func (f *gitFile) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (f *gitFile) Close() error               { return nil }
