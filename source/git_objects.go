package source

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
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

// GitObjects reads many commits of one bare repository with one git process, and remembers folders by content: commits that
// follow each other share most of theirs. It is safe for use by several goroutines. Close ends the process.
//
// The repository is not trusted, see Git.
type GitObjects struct {
	mu      sync.Mutex
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	broken  error // what made the process useless
	folders map[string]*gitFolder
	sizes   map[string]int64 // of files by object; -1 where the repository does not have it
	held    int              // entries of all folders
	most    int              // files of a tree
	hash    int              // bytes of the name of an object
}

// gitFolder is a folder by content.
type gitFolder struct {
	object  string
	entries []fs.DirEntry // sorted by name
	nodes   map[string]*gitNode
	files   int // below it, those in its folders too
	links   int // symbolic links below it
	depth   int
}

// gitNode is an entry of a folder.
type gitNode struct {
	objects *GitObjects
	name    string
	mode    fs.FileMode
	object  string
	folder  *gitFolder // of folders
}

const (
	maxHeld      = 4_000_000 // entries of folders that are remembered
	maxGitDepth  = 200       // folders in folders
	maxGitFolder = 16 << 20  // bytes of the listing of one folder
	maxGitFile   = 64 << 20  // bytes of a file that is read at all
)

// OpenGitObjects starts a git process in a bare repository that was fetched from somebody. Files is the most files of a tree;
// 0 means 200,000.
func OpenGitObjects(ctx context.Context, dir string, files int) (*GitObjects, error) {
	if files <= 0 {
		files = 200_000
	}
	at := gitPlace{dir: dir, env: []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_DIR=" + dir, "GIT_COMMON_DIR=" + dir, "GIT_OBJECT_DIRECTORY=" + filepath.Join(dir, "objects")}}
	o := &GitObjects{most: files, hash: 20, folders: make(map[string]*gitFolder), sizes: make(map[string]int64)}
	o.cmd = at.command(ctx, "cat-file", "--batch-command")
	var err error
	if o.in, err = o.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	o.out = bufio.NewReaderSize(out, 64<<10)
	if err := o.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	return o, nil
}

// Close ends the git process. Trees cannot be read afterwards.
func (o *GitObjects) Close() error {
	o.in.Close()
	if err := o.cmd.Wait(); err != nil && o.broken == nil {
		return fmt.Errorf("git cat-file: %w", err)
	}
	return nil
}

// ask sends a command and reads the head of the answer: the kind and the size; "missing" when there is no such object.
func (o *GitObjects) ask(command, object string) (kind string, size int64, err error) {
	if o.broken != nil {
		return "", 0, o.broken
	}
	fail := func(err error) (string, int64, error) {
		o.broken = fmt.Errorf("read objects with git: %w", err)
		return "", 0, o.broken
	}
	if _, err := io.WriteString(o.in, command+" "+object+"\n"); err != nil {
		return fail(err)
	}
	head, err := o.out.ReadSlice('\n')
	if err != nil {
		return fail(err)
	}
	fields := strings.Fields(string(head))
	if len(fields) == 2 && fields[1] == "missing" {
		return "missing", 0, nil
	}
	if len(fields) != 3 {
		return fail(fmt.Errorf("it answers %.100q", head))
	}
	size, err = strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return fail(err)
	}
	return fields[1], size, nil
}

var errMissing = errors.New("the repository does not have it: it is larger than what is fetched")

// content reads an object; the lock is held.
func (o *GitObjects) content(object, want string, most int64) ([]byte, error) {
	kind, size, err := o.ask("info", object)
	switch {
	case err != nil:
		return nil, err
	case kind == "missing":
		return nil, errMissing
	case kind != want:
		return nil, fmt.Errorf("it is a %s, not a %s", kind, want)
	case size > most:
		return nil, fmt.Errorf("it has %d MiB, more than are read", size>>20)
	}
	if _, size, err = o.ask("contents", object); err != nil {
		return nil, err
	}
	text := make([]byte, size+1) // with the line end that follows
	if _, err := io.ReadFull(o.out, text); err != nil {
		o.broken = fmt.Errorf("read objects with git: %w", err)
		return nil, o.broken
	}
	return text[:size:size], nil
}

// GitTree is the tree of a commit in GitObjects. It is an fs.FS. Links are followed inside of the tree only.
type GitTree struct {
	objects *GitObjects
	root    *gitNode
}

// Tree opens the tree of a commit, given by its complete id.
func (o *GitObjects) Tree(commit string) (*GitTree, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := hex.DecodeString(commit); err != nil || len(commit) != 40 && len(commit) != 64 {
		return nil, fmt.Errorf("%q is not the id of a commit", commit)
	}
	o.hash = len(commit) / 2
	text, err := o.content(commit, "commit", maxGitFolder)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", commit, err)
	}
	tree, ok := bytes.CutPrefix(text, []byte("tree "))
	if !ok || len(tree) < len(commit) {
		return nil, fmt.Errorf("commit %s has no tree", commit)
	}
	if o.held > maxHeld {
		clear(o.folders)
		o.held = 0
	}
	if len(o.sizes) > maxHeld {
		clear(o.sizes)
	}
	root, err := o.folder(string(tree[:len(commit)]), 0)
	if err != nil {
		return nil, fmt.Errorf("read the tree of commit %s: %w", commit, err)
	}
	if root.files > o.most {
		return nil, fmt.Errorf("commit %s has more than %d files: %w", commit, o.most, ErrListing)
	}
	return &GitTree{o, &gitNode{objects: o, name: ".", mode: fs.ModeDir | 0o755, object: root.object, folder: root}}, nil
}

// folder reads a folder and those in it. The same content is read once, so that a tree which names one folder a thousand times
// on each of ten floors costs ten folders.
func (o *GitObjects) folder(object string, depth int) (*gitFolder, error) {
	if f := o.folders[object]; f != nil {
		if depth+f.depth > maxGitDepth {
			return nil, errors.New("its folders are nested too deeply")
		}
		return f, nil
	}
	if depth > maxGitDepth {
		return nil, errors.New("its folders are nested too deeply")
	}
	text, err := o.content(object, "tree", maxGitFolder)
	if err != nil {
		return nil, err
	}
	f := &gitFolder{object: object, nodes: make(map[string]*gitNode)}
	for len(text) > 0 {
		head, rest, ok := bytes.Cut(text, []byte{0})
		mode, name, named := bytes.Cut(head, []byte{' '})
		if !ok || !named || len(rest) < o.hash {
			return nil, errors.New("git has no sound listing of a folder")
		}
		n := &gitNode{objects: o, name: string(name), mode: 0o644, object: hex.EncodeToString(rest[:o.hash])}
		text = rest[o.hash:]
		if !fs.ValidPath(n.name) || strings.Contains(n.name, "/") || n.name == "." || f.nodes[n.name] != nil {
			continue
		}
		switch string(mode) {
		case "40000", "040000":
			n.mode = fs.ModeDir | 0o755
			if n.folder, err = o.folder(n.object, depth+1); err != nil {
				return nil, err
			}
			if n.folder.files == 0 {
				continue
			}
			// The count stops at the limit, so that it cannot overflow.
			f.files = min(f.files+n.folder.files, o.most+1)
			f.links = min(f.links+n.folder.links, o.most+1)
			f.depth = max(f.depth, n.folder.depth+1)
		case "160000":
			continue // a submodule: its content is another repository's
		case "120000":
			n.mode = fs.ModeSymlink | 0o777
			f.files++
			f.links++
		default:
			f.files++
		}
		f.nodes[n.name] = n
		f.entries = append(f.entries, n)
	}
	slices.SortFunc(f.entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	o.folders[object] = f
	o.held += len(f.entries) + 1
	return f, nil
}

// size returns the size of a file.
func (o *GitObjects) size(object string) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	size, known := o.sizes[object]
	if !known {
		kind, n, err := o.ask("info", object)
		if err != nil {
			return 0, err
		}
		if size = n; kind != "blob" {
			size = -1
		}
		o.sizes[object] = size
	}
	if size < 0 {
		return 0, errMissing
	}
	return size, nil
}

func (o *GitObjects) read(object string) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.content(object, "blob", maxGitFile)
}

// lookup finds a node, following links inside of the tree.
func (t *GitTree) lookup(op, name string, hops int) (*gitNode, error) {
	fail := func(err error) (*gitNode, error) { return nil, &fs.PathError{Op: op, Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	at := t.root
	if name == "." {
		return at, nil
	}
	for from := 0; ; {
		end := strings.IndexByte(name[from:], '/')
		last := end < 0
		if last {
			end = len(name)
		} else {
			end += from
		}
		if at.folder == nil {
			return fail(fs.ErrNotExist)
		}
		next := at.folder.nodes[name[from:end]]
		if next == nil {
			return fail(fs.ErrNotExist)
		}
		if next.mode&fs.ModeSymlink != 0 {
			to, err := t.target(next, path.Dir(name[:end]))
			if err == nil && hops == 0 {
				err = errors.New("too many symbolic links")
			}
			if err != nil {
				return fail(err)
			}
			return t.lookup(op, path.Join(to, strings.TrimPrefix(name[end:], "/")), hops-1)
		}
		if last {
			return next, nil
		}
		at, from = next, end+1
	}
}

// target is where a link in a folder leads.
func (t *GitTree) target(link *gitNode, dir string) (string, error) {
	size, err := t.objects.size(link.object)
	if err != nil {
		return "", err
	}
	if size > maxLink {
		return "", errors.New("the symbolic link is too long")
	}
	text, err := t.objects.read(link.object)
	if err != nil {
		return "", err
	}
	to := path.Join(dir, string(text))
	if path.IsAbs(string(text)) || !fs.ValidPath(to) {
		return "", errors.New("path escapes from parent")
	}
	return to, nil
}

const gitHops = 10

// Stat follows symbolic links that stay in the tree.
func (t *GitTree) Stat(name string) (fs.FileInfo, error) {
	n, err := t.lookup("stat", name, gitHops)
	if err != nil {
		return nil, err
	}
	info, err := n.Info()
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return info, nil
}

// ReadDir lists a directory. The list is shared and must not be changed.
func (t *GitTree) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := t.lookup("readdir", name, gitHops)
	if err != nil {
		return nil, err
	}
	if n.folder == nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return slices.Clip(n.folder.entries), nil
}

// ReadFile reads a file.
func (t *GitTree) ReadFile(name string) ([]byte, error) {
	n, err := t.lookup("open", name, gitHops)
	if err != nil {
		return nil, err
	}
	if n.folder != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("is a directory")}
	}
	text, err := t.objects.read(n.object)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return text, nil
}

// Open opens a file for reading; its content is read at once.
func (t *GitTree) Open(name string) (fs.File, error) {
	n, err := t.lookup("open", name, gitHops)
	if err != nil {
		return nil, err
	}
	if n.folder != nil {
		return &gitTreeFile{gitInfo{n, 0}, bytes.NewReader(nil)}, nil
	}
	text, err := t.objects.read(n.object)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &gitTreeFile{gitInfo{n, int64(len(text))}, bytes.NewReader(text)}, nil
}

// Identity is what a path leads to, by content: two trees in which a path has the same identity have the same file or folder
// there, with all that is in the folder. It is empty when the path leads nowhere, or out of the tree.
func (t *GitTree) Identity(name string) string {
	n, err := t.lookup("stat", name, gitHops)
	if err != nil {
		return ""
	}
	return n.object
}

// Differs lists the paths at which two trees do not have the same file, or one of them has none, and the folders whose lists of
// names and kinds of entries differ. Both of t and before have the same GitObjects. Links are compared as what they say, so
// that with links in either tree (Links) a path may lead to something else although it is not listed.
func (t *GitTree) Differs(before *GitTree) (files, folders map[string]bool) {
	files, folders = make(map[string]bool), make(map[string]bool)
	var all func(dir string, f *gitFolder)
	all = func(dir string, f *gitFolder) {
		folders[dir] = true
		for _, e := range f.entries {
			n, name := e.(*gitNode), path.Join(dir, e.Name())
			if files[name] = true; n.folder != nil {
				all(name, n.folder)
			}
		}
	}
	var compare func(dir string, a, b *gitFolder)
	compare = func(dir string, a, b *gitFolder) {
		if a.object == b.object {
			return
		}
		list := len(a.entries) != len(b.entries)
		for _, e := range a.entries {
			n, name := e.(*gitNode), path.Join(dir, e.Name())
			was := b.nodes[n.name]
			switch {
			case was == nil || was.mode != n.mode:
				list, files[name] = true, true
				if n.folder != nil {
					all(name, n.folder)
				}
				if was != nil && was.folder != nil {
					all(name, was.folder)
				}
			case n.folder != nil:
				compare(name, n.folder, was.folder)
			case n.object != was.object:
				files[name] = true
			}
		}
		for _, e := range b.entries {
			n, name := e.(*gitNode), path.Join(dir, e.Name())
			if a.nodes[n.name] == nil {
				list, files[name] = true, true
				if n.folder != nil {
					all(name, n.folder)
				}
			}
		}
		if list {
			folders[dir] = true
		}
	}
	compare(".", t.root.folder, before.root.folder)
	return files, folders
}

// Links reports whether the tree has symbolic links.
func (t *GitTree) Links() bool { return t.root.folder.links > 0 }

// Name, IsDir, Type and Info make a node an fs.DirEntry.
func (n *gitNode) Name() string      { return n.name }
func (n *gitNode) IsDir() bool       { return n.folder != nil }
func (n *gitNode) Type() fs.FileMode { return n.mode.Type() }

// Info asks git for the size.
func (n *gitNode) Info() (fs.FileInfo, error) {
	if n.folder != nil {
		return gitInfo{n, 0}, nil
	}
	size, err := n.objects.size(n.object)
	if err != nil {
		return nil, err
	}
	return gitInfo{n, size}, nil
}

type gitInfo struct {
	node *gitNode
	size int64
}

// Name, Size, Mode, ModTime, IsDir and Sys make it an fs.FileInfo.
func (i gitInfo) Name() string       { return i.node.name }
func (i gitInfo) Size() int64        { return i.size }
func (i gitInfo) Mode() fs.FileMode  { return i.node.mode }
func (i gitInfo) ModTime() time.Time { return time.Time{} }
func (i gitInfo) IsDir() bool        { return i.node.mode.IsDir() }
func (i gitInfo) Sys() any           { return nil }

type gitTreeFile struct {
	info gitInfo
	*bytes.Reader
}

func (f *gitTreeFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *gitTreeFile) Close() error               { return nil }
