package terraform

import (
	"context"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"plumbline.dev/plumbline/source"
)

// folder is the files of configuration in one directory. They are parsed and gathered when somebody asks for the module.
type folder struct {
	dir    string
	files  []*parsed        // in the order in which the language reads them
	unread []source.Problem // of files that cannot be read
	users  atomic.Int32     // units that lead to it and were not evaluated yet

	mu       sync.Mutex
	gathered *module // nil while nobody needs it
}

func newFolder(dir string, files []*parsed, unread []source.Problem) *folder {
	f := &folder{dir: dir, files: slices.Clone(files), unread: unread}
	slices.SortStableFunc(f.files, func(a, b *parsed) int {
		if x, y := isOverride(a.path), isOverride(b.path); x != y {
			if x {
				return 1
			}
			return -1
		}
		return strings.Compare(a.path, b.path)
	})
	return f
}

// module returns what the files declare.
func (f *folder) module() *module {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gathered == nil {
		parseTogether(f.files)
		f.gathered = newModule(f.dir, f.files)
		f.gathered.problems = append(slices.Clone(f.unread), f.gathered.problems...)
	}
	return f.gathered
}

// leave says that a unit which leads to the folder was evaluated. Behind the last one nobody is likely to ask for the
// module again: a scan of a hundred estates shall not hold the trees of all of them. Whoever asks parses again.
func (f *folder) leave() {
	if f.users.Add(-1) != 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gathered = nil
	for _, file := range f.files {
		file.release()
	}
}

// parseTogether parses files on all cores.
func parseTogether(files []*parsed) {
	if len(files) < 2 {
		for _, f := range files {
			f.parse()
		}
		return
	}
	var wg sync.WaitGroup
	next := make(chan *parsed)
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		wg.Go(func() {
			for f := range next {
				f.parse()
			}
		})
	}
	for _, f := range files {
		next <- f
	}
	close(next)
	wg.Wait()
}

// callees returns the directories that the module calls by a literal local source, in order and once each. They are known
// without parsing.
func (f *folder) callees() []string {
	sources := map[string]string{}
	for _, file := range f.files {
		for _, c := range file.outline.calls {
			if _, again := sources[c.name]; again && (!isOverride(file.path) || !c.literal) {
				continue
			}
			if c.literal {
				sources[c.name] = c.source
			}
		}
	}
	var dirs []string
	for _, name := range sortedNames(sources) {
		if to, local := localDir(f.dir, sources[name]); local && !slices.Contains(dirs, to) {
			dirs = append(dirs, to)
		}
	}
	return dirs
}

// variables returns the names of the module's variables, and for each whether it has a default. They are known without
// parsing.
func (f *folder) variables() map[string]bool {
	out := map[string]bool{}
	for _, file := range f.files {
		for _, v := range file.outline.variables {
			out[v.name] = out[v.name] || v.fallback
		}
	}
	return out
}

// openAll reads files on all cores and looks them over. The result is in the order of the paths.
func (e *estate) openAll(ctx context.Context, paths []string) ([]*parsed, []source.Problem) {
	files := make([]*parsed, len(paths))
	unread := make([]*source.Problem, len(paths))
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), len(paths)) {
		wg.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					continue
				}
				f, problem := e.workspace.Read(paths[i])
				if problem != nil {
					unread[i] = problem
					continue
				}
				files[i] = e.open(f)
			}
		})
	}
	for i := range paths {
		next <- i
	}
	close(next)
	wg.Wait()
	var problems []source.Problem
	for _, p := range unread {
		if p != nil {
			problems = append(problems, *p)
		}
	}
	return slices.DeleteFunc(files, func(f *parsed) bool { return f == nil }), problems
}

// load returns the folder of a directory; nil when there is no configuration in it. Directories that were not among the
// files given are read now.
func (e *estate) load(dir string) *folder {
	if f := e.folderAt(dir); f != nil {
		return f
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if f, ok := e.loaded[dir]; ok {
		return f
	}
	e.loaded[dir] = nil
	entries, err := readDir(e.workspace.FS, dir)
	if err != nil {
		return nil
	}
	var paths []string
	for _, name := range entries {
		if p := path.Join(dir, name); isConfig(p) {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	files, unread := e.openAll(context.Background(), shadowed(paths))
	f := newFolder(dir, files, unread)
	e.loaded[dir] = f
	return f
}

// loadedAt returns a file of a directory that was read later; nil when none was.
func (e *estate) loadedAt(file string) *parsed {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f := e.loaded[path.Dir(file)]; f != nil {
		for _, p := range f.files {
			if p.path == file {
				return p
			}
		}
	}
	return nil
}
