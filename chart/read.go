package chart

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/source"
)

// What a chart may have at most.
const (
	mostFiles   = 20_000
	mostBytes   = 64 << 20
	mostFolder  = 24 // folders in folders
	mostFolders = 5_000
)

// ReadDir reads the files of the chart in a directory, those left out that .helmignore leaves out. Instead, when it is not nil,
// returns the content of a file that is not read from the tree, or nil. What cannot be read is a problem, and the rest is read.
// Files that only .Files could show are left out when no template asks for it: beside a chart there may lie a whole program.
func ReadDir(fsys fs.FS, dir string, instead func(name string) []byte) ([]*File, []source.Problem) {
	r := &reader{fs: fsys, dir: dir, instead: instead}
	if text, err := r.content(path.Join(dir, ".helmignore")); err == nil {
		var err error
		if r.ignore, err = ParseIgnore(text); err != nil {
			r.problem(source.Invalid, path.Join(dir, ".helmignore"), err.Error())
		}
	}
	if info, err := fs.Stat(fsys, dir); err == nil {
		r.above = append(r.above, info)
	}
	r.walk(dir, 0)
	if slices.ContainsFunc(r.files, func(f *File) bool { return bytes.Contains(f.Data, []byte("Files")) }) {
		for _, name := range r.others {
			if r.full {
				break
			}
			r.add(name, r.within(name))
		}
	}
	return r.files, r.problems
}

// renders reports whether a file of a chart counts whatever its templates ask for.
func renders(name string) bool {
	for {
		first, rest, nested := strings.Cut(name, "/")
		switch {
		case !nested:
			return slices.Contains([]string{"Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json", "requirements.yaml", "requirements.lock"}, name)
		case first == "templates", first == "crds":
			return true
		case first != "charts":
			return false
		}
		if _, inner, ok := strings.Cut(rest, "/"); ok {
			name = inner
			continue
		}
		return path.Ext(rest) == ".tgz"
	}
}

func (r *reader) within(name string) string {
	if r.dir == "." {
		return name
	}
	return name[len(r.dir)+1:]
}

type reader struct {
	fs       fs.FS
	dir      string
	instead  func(string) []byte
	ignore   *Ignore
	files    []*File
	bytes    int
	full     bool
	others   []string // that only .Files shows
	folders  int
	above    []fs.FileInfo // the folders that are being walked
	problems []source.Problem
}

func (r *reader) problem(kind source.ProblemKind, name, message string) {
	r.problems = append(r.problems, source.Problem{Kind: kind, Range: source.Range{File: name}, Message: message})
}

func (r *reader) walk(dir string, depth int) {
	if r.folders++; r.folders > mostFolders {
		r.full = true
		r.problem(source.Limit, r.dir, fmt.Sprintf("the chart has more than %d folders", mostFolders))
		return
	}
	if depth > mostFolder {
		r.problem(source.Limit, dir, "the folders of the chart are nested too deeply")
		return
	}
	entries, err := fs.ReadDir(r.fs, dir)
	if err != nil {
		r.problem(source.Unreadable, dir, "the folder of the chart cannot be listed")
		return
	}
	for _, e := range entries {
		if r.full {
			return
		}
		name := path.Join(dir, e.Name())
		rel := r.within(name)
		info, err := fs.Stat(r.fs, name) // links are followed where they stay in the tree
		switch {
		case err != nil:
			if !r.ignore.Leaves(rel, false) {
				r.problem(source.Unreadable, name, "the file of the chart cannot be read, or leads out of the tree")
			}
		case info.IsDir():
			switch {
			case r.ignore.Leaves(rel, true) || e.Name() == ".git":
			case slices.ContainsFunc(r.above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }):
				r.problem(source.Invalid, name, "the link leads to a folder that it is in")
			default:
				r.above = append(r.above, info)
				r.walk(name, depth+1)
				r.above = r.above[:len(r.above)-1]
			}
		case r.ignore.Leaves(rel, false):
		case !info.Mode().IsRegular():
			r.problem(source.Unreadable, name, "it is no regular file")
		case !renders(rel):
			r.others = append(r.others, name)
		default:
			r.add(name, rel)
		}
	}
}

func (r *reader) add(name, rel string) {
	data, err := r.content(name)
	if err != nil {
		r.problem(source.Unreadable, name, "the file of the chart cannot be read")
		return
	}
	if len(data) > archiveFile {
		r.problem(source.Limit, name, fmt.Sprintf("the file is larger than the %d bytes that a chart's file may have", archiveFile))
		return
	}
	if r.bytes += len(data); r.bytes > mostBytes || len(r.files) >= mostFiles {
		r.full = true
		r.problem(source.Limit, r.dir, fmt.Sprintf("the chart has more than %d files or %d bytes", mostFiles, mostBytes))
		return
	}
	plain := bytes.TrimPrefix(data, bom)
	r.files = append(r.files, &File{Name: rel, Path: name, Data: plain, Skipped: len(data) - len(plain)})
}

func (r *reader) content(name string) ([]byte, error) {
	if r.instead != nil {
		if b := r.instead(name); b != nil {
			return b, nil
		}
	}
	f, err := r.fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, archiveFile+1))
}
