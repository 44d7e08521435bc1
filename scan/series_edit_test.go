package scan_test

import (
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"plumbline.dev/plumbline/source"
)

// synthesise writes a history of an estate: its files, and then small edits as people make them, a few of which add, move and
// remove files.
func synthesise(t testing.TB, h *history, estate fs.FS, n int) {
	t.Helper()
	now := make(map[string][]byte)
	names, _ := source.Walk(estate, ".")
	for _, name := range names {
		text, err := fs.ReadFile(estate, name)
		if err == nil && len(text) < 1<<20 {
			now[name] = text
		}
	}
	h.commit(now)
	e := &editor{rand.New(rand.NewPCG(1, 2)), now}
	for range n {
		h.commit(e.edit())
	}
}

// editor makes edits at random, always the same ones.
type editor struct {
	*rand.Rand
	files map[string][]byte
}

// edit changes one file or two, and returns what it did.
func (e *editor) edit() map[string][]byte {
	out := make(map[string][]byte)
	for range 1 + e.IntN(2) {
		e.once(out)
	}
	for name, text := range out {
		if text == nil {
			delete(e.files, name)
		} else {
			e.files[name] = text
		}
	}
	return out
}

func (e *editor) some() string {
	names := make([]string, 0, len(e.files))
	for name := range e.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names[e.IntN(len(names))]
}

func (e *editor) once(out map[string][]byte) {
	name := e.some()
	if strings.HasSuffix(name, "@") {
		return
	}
	text := e.files[name]
	lines := strings.SplitAfter(string(text), "\n")
	at := e.IntN(len(lines))
	switch k := e.IntN(100); {
	case k < 25: // a word of a line is another one
		swap := [][2]string{{"true", "false"}, {"false", "true"}, {"private", "public-read"}, {"0.0.0.0/0", "10.0.0.0/8"}, {"latest", "1.2.3"}, {"1", "2"}}[e.IntN(6)]
		for i := range lines {
			if j := (at + i) % len(lines); strings.Contains(lines[j], swap[0]) {
				lines[j] = strings.Replace(lines[j], swap[0], swap[1], 1)
				break
			}
		}
	case k < 45: // a line twice
		lines = slices.Insert(lines, at, lines[at])
	case k < 60: // a line less
		lines = slices.Delete(lines, at, at+1)
	case k < 75: // an empty line
		lines = slices.Insert(lines, at, "\n")
	case k < 80: // a line of another place
		lines[at] = lines[e.IntN(len(lines))]
	case k < 85: // a copy
		dir := path.Dir(name)
		if e.IntN(2) == 0 {
			dir = path.Dir(e.some())
		}
		out[path.Join(dir, "copy-"+path.Base(name))] = text
		return
	case k < 90: // another name
		out[name] = nil
		out[path.Join(path.Dir(name), "new-"+path.Base(name))] = text
		return
	case k < 93 && len(e.files) > 3:
		out[name] = nil
		return
	default: // a comment
		lines = slices.Insert(lines, at, "# a word about it\n")
	}
	out[name] = []byte(strings.Join(lines, ""))
}
