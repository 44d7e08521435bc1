package source

import (
	"io/fs"
	"sync"
)

// Identifier is a tree that knows its files by content, see GitTree.
type Identifier interface {
	fs.FS
	Identity(name string) string // "" for what cannot be told
}

// Kept remembers files across trees that are read one after the other: what is the same at a path of the next tree is the same
// *File there, with what was made of it (Memo). Of each path it remembers the last content. It is safe for use by several
// goroutines.
type Kept struct {
	mu    sync.Mutex
	files map[string]keptFile
}

type keptFile struct {
	identity string
	result   *readResult
}

// result returns what was read of a path before, or a place for it.
func (k *Kept) result(name, identity string) *readResult {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.files == nil {
		k.files = make(map[string]keptFile)
	}
	if f := k.files[name]; f.result != nil && f.identity == identity {
		return f.result
	}
	res := &readResult{keep: true}
	k.files[name] = keptFile{identity, res}
	return res
}

func (k *Kept) forget(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.files, name)
}

// Sweep forgets the paths that are no longer of use.
func (k *Kept) Sweep(used func(name string) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range k.files {
		if !used(name) {
			delete(k.files, name)
		}
	}
}

// memos is what was made of a file.
type memos struct {
	mu   sync.Mutex
	made map[any]*memo
}

type memo struct {
	mu    sync.Mutex
	made  bool // false too after a panic
	value any
}

// Memo returns what how makes of the file. For a file that a Kept remembers it is made once for each key, and must then not
// be changed by anybody; for others it is made each time. Key is comparable and of a type of the caller's own, and holds
// everything besides the file that the result depends on.
func (f *File) Memo(key any, how func() any) any {
	if f.memos == nil {
		return how()
	}
	m := f.memos.of(key)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.made {
		m.value = how()
		m.made = true
	}
	return m.value
}

func (m *memos) of(key any) *memo {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made == nil {
		m.made = make(map[any]*memo)
	}
	made := m.made[key]
	if made == nil {
		made = new(memo)
		m.made[key] = made
	}
	return made
}
