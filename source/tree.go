package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// DefaultFileBytes is the size of the largest file that a Reader reads unless told otherwise.
const DefaultFileBytes = 8 << 20

// Reader reads the files of a tree, each once, and remembers them. It is safe for use by several goroutines.
type Reader struct {
	FS    fs.FS // the tree; it must refuse paths and links that lead out of it, as os.Root does
	Limit int64 // largest file in bytes; 0 means DefaultFileBytes
	Kept  *Kept // files of other trees, where FS is an Identifier; nil means none

	mu    sync.Mutex
	files map[string]*readResult
}

type readResult struct {
	once    sync.Once
	file    *File
	problem *Problem
	keep    bool // of a Kept: what is made of the file is remembered with it
}

// Read returns the file at a path of the tree, or the problem that kept it from being read. Only regular files of valid
// UTF-8 are read; a FIFO or device is never opened.
func (r *Reader) Read(name string) (*File, *Problem) {
	r.mu.Lock()
	if r.files == nil {
		r.files = make(map[string]*readResult)
	}
	res := r.files[name]
	if res == nil {
		if res = r.kept(name); res == nil {
			res = new(readResult)
		}
		r.files[name] = res
	}
	r.mu.Unlock()
	res.once.Do(func() {
		if res.file, res.problem = r.read(name); res.file != nil && res.keep {
			res.file.memos = new(memos)
		}
	})
	return res.file, res.problem
}

// kept returns what is remembered of a file, or is to be.
func (r *Reader) kept(name string) *readResult {
	if r.Kept == nil {
		return nil
	}
	tree, ok := r.FS.(Identifier)
	if !ok {
		return nil
	}
	identity := tree.Identity(name)
	if identity == "" {
		return nil
	}
	return r.Kept.result(name, identity)
}

// headBytes is how much Head returns of a file that Read refuses.
const headBytes = 64 << 10

// Head returns what there is to recognise a file by: its whole content, or of a file that Read refuses its first 64 KiB, in
// UTF-8 where they are UTF-16; nil when not even they can be read.
func (r *Reader) Head(name string) []byte {
	file, problem := r.Read(name)
	if problem == nil {
		return file.Bytes
	}
	info, err := fs.Stat(r.FS, name)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := r.FS.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, headBytes))
	if err != nil {
		return nil
	}
	return narrow(head)
}

// Forget drops what was read of a file that nobody will ask for again.
func (r *Reader) Forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.files, name)
	if r.Kept != nil {
		r.Kept.forget(name)
	}
}

// With returns a Reader over the same tree in which some files have other content. What r has read is shared.
func (r *Reader) With(changed ...*File) *Reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := &Reader{FS: r.FS, Limit: r.Limit, Kept: r.Kept, files: make(map[string]*readResult, len(r.files))}
	for name, res := range r.files {
		w.files[name] = res
	}
	for _, f := range changed {
		res := &readResult{file: f}
		res.once.Do(func() {})
		w.files[f.Path] = res
	}
	return w
}

func (r *Reader) read(name string) (*File, *Problem) {
	unreadable := func(format string, args ...any) (*File, *Problem) {
		return nil, &Problem{Kind: Unreadable, Range: Range{File: name}, Message: fmt.Sprintf(format, args...)}
	}
	limit := r.Limit
	if limit == 0 {
		limit = DefaultFileBytes
	}
	info, err := fs.Stat(r.FS, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return unreadable("the file does not exist")
	case errors.Is(err, fs.ErrPermission):
		return unreadable("the file cannot be read: permission denied")
	case err != nil:
		return unreadable("the file cannot be read: %s", reason(err))
	case !info.Mode().IsRegular():
		return unreadable("not a regular file (%s); it is never opened", kindOf(info.Mode()))
	case info.Size() > limit:
		return unreadable("the file has %d MiB, more than the limit of %d MiB", info.Size()>>20, limit>>20)
	}
	f, err := r.FS.Open(name)
	if err != nil {
		return unreadable("the file cannot be read: %s", reason(err))
	}
	defer f.Close()
	// The size was checked above, but a file can grow between the two calls.
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return unreadable("the file cannot be read: %s", reason(err))
	}
	if int64(len(content)) > limit {
		return unreadable("the file has more than the limit of %d MiB", limit>>20)
	}
	if order, _ := wide(content); order != nil {
		return unreadable("the file is in UTF-16; save it as UTF-8")
	}
	if !utf8.Valid(content) {
		file := &File{Path: name, Bytes: content}
		at := invalidAt(content)
		return nil, &Problem{Kind: Unreadable, Range: Range{File: name, Start: at, End: at},
			Message: fmt.Sprintf("the file is not valid UTF-8 at line %d; save it as UTF-8", file.Position(at).Line)}
	}
	return &File{Path: name, Bytes: content}, nil
}

func invalidAt(b []byte) int {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(b)
}

// reason is the last part of a file system's error: the paths in front of it are shown already, and may be the machine's.
func reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	if strings.Contains(err.Error(), "escapes") {
		return "it leads out of the tree that is scanned"
	}
	return err.Error()
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "irregular"
}

// leftOut are folders that hold what tools generated or fetched: nobody's own code.
var leftOut = []string{".git", ".hg", ".svn", ".terraform", ".terragrunt-cache", "node_modules"}

// Listing is what lies below a directory.
type Listing struct {
	Files    []string // sorted
	Ignored  []string // the files and folders that an ignore file left out, sorted; what lies in such a folder is not looked at
	Problems []Problem
}

// Walk lists the files below a directory of the tree, sorted, without those that List leaves out.
func Walk(fsys fs.FS, dir string) ([]string, []Problem) {
	l := List(fsys, dir)
	return l.Files, l.Problems
}

// List lists the files below a directory of the tree, without the folders that tools generate and without what .gitignore and
// .plumblineignore files name, in the directory, below it and above it in the tree. A directory that these would leave out
// itself is listed all the same, because it was asked for. In the tree of a commit .gitignore does not count: what it names
// and is there was added in spite of it.
//
// Links to directories are not followed (what they lead to is walked where it is); links and directories that cannot be read
// or lead out of the tree are problems. A named pipe or device is listed: reading it is what reports it.
func List(fsys fs.FS, dir string) *Listing {
	l := &lister{fsys: fsys}
	dir = path.Clean(dir)
	l.list(dir, above(fsys, dir))
	slices.Sort(l.Files)
	slices.Sort(l.Ignored)
	return &l.Listing
}

// Beside lists the directory that a file lies in: the file itself though an ignore file names it, and of the others those that
// List would list.
func Beside(fsys fs.FS, name string) *Listing {
	l := &lister{fsys: fsys}
	name = path.Clean(name)
	dir := path.Dir(name)
	l.list(dir, above(fsys, dir))
	slices.Sort(l.Ignored)
	if i, found := slices.BinarySearch(l.Ignored, name); found {
		l.Ignored = slices.Delete(l.Ignored, i, i+1)
		l.Files = append(l.Files, name)
	}
	slices.Sort(l.Files)
	return &l.Listing
}

// lister collects a Listing.
type lister struct {
	Listing
	fsys fs.FS
}

func (l *lister) problem(name, message string) {
	l.Problems = append(l.Problems, Problem{Kind: Unreadable, Range: Range{File: name}, Message: message})
}

// list adds what lies below a directory.
func (l *lister) list(dir string, ignored *ignores) {
	entries, err := fs.ReadDir(l.fsys, dir)
	if err != nil {
		l.problem(dir, "the directory cannot be read: "+reason(err))
	}
	ignored, problems := ignored.with(l.fsys, dir, entries)
	l.Problems = append(l.Problems, problems...)
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() && slices.Contains(leftOut, e.Name()) {
			continue
		}
		if ignored != nil && ignored.ignored(name, e.IsDir()) {
			l.Ignored = append(l.Ignored, name)
			continue
		}
		switch {
		case e.IsDir():
			l.list(name, ignored)
		case e.Type()&fs.ModeSymlink != 0:
			info, err := fs.Stat(l.fsys, name)
			switch {
			case err == nil && !info.IsDir():
				l.Files = append(l.Files, name)
			case err != nil && !errors.Is(err, fs.ErrNotExist):
				l.problem(name, "the symbolic link is not followed: "+reason(err))
			}
		default:
			l.Files = append(l.Files, name)
		}
	}
}
