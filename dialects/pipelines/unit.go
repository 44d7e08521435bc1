package pipelines

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// Unit gathers what the evaluation of one file makes. It belongs to one goroutine.
type Unit struct {
	*Estate
	Main *File

	resources []*resource.Resource
	addresses map[string]bool
	missing   []resource.Missing
	problems  []source.Problem
	reads     map[string]bool
	dirs      map[string]bool
	others    map[string]*File // files that were read although nobody claimed them
	full      bool
}

// Read returns a file of the tree, one that was claimed or another, and notes that the unit depends on it. Nil: it cannot be read,
// for the reason returned.
func (u *Unit) Read(path string) (*File, *source.Problem) {
	u.reads[path] = true
	if f := u.files[path]; f != nil {
		return f, nil
	}
	if f := u.others[path]; f != nil {
		return f, nil
	}
	if !fs.ValidPath(path) {
		return nil, &source.Problem{Kind: source.Unresolved, Message: fmt.Sprintf("%q is not a path in the tree", path)}
	}
	f, problem := u.workspace.Read(path)
	if problem != nil {
		return nil, problem
	}
	u.others[path] = u.open(f)
	return u.others[path], nil
}

// Depends notes that the unit depends on files, whether they are there or not.
func (u *Unit) Depends(paths ...string) {
	for _, p := range paths {
		u.reads[p] = true
	}
}

// List returns the names in a directory of the tree, sorted, and notes that the unit depends on it; nil when there is none.
func (u *Unit) List(dir string) []fs.DirEntry {
	u.dirs[dir] = true
	if !fs.ValidPath(dir) || u.workspace.FS == nil {
		return nil
	}
	entries, err := fs.ReadDir(u.workspace.FS, dir)
	if err != nil {
		return nil // nothing is listed in what cannot be listed
	}
	return entries
}

// Problem notes what is wrong with the input.
func (u *Unit) Problem(kind source.ProblemKind, at source.Range, format string, args ...any) {
	u.problems = append(u.problems, source.Problem{Kind: kind, Range: at, Message: fmt.Sprintf(format, args...)})
}

// Problems notes what is wrong with the text of a file that is not the unit's own.
func (u *Unit) Problems(all []source.Problem) { u.problems = append(u.problems, all...) }

// Miss notes what is declared in something that is not at hand.
func (u *Unit) Miss(m resource.Missing) { u.missing = append(u.missing, m) }

// Address returns an address that no resource has: the one given, with a number behind it from the second on.
func (u *Unit) Address(wanted string) string {
	address := wanted
	for n := 2; u.addresses[address]; n++ {
		address = wanted + " #" + strconv.Itoa(n)
	}
	u.addresses[address] = true
	return address
}

// Add adds a resource, whose address came from Address. It reports false when there are more than the unit may have: evaluation
// then ends.
func (u *Unit) Add(r *resource.Resource) bool {
	if u.full {
		return false
	}
	if len(u.resources) >= u.Limits.Resources {
		u.full = true
		u.Problem(source.Limit, r.Range, "there are more resources than are looked at; those from here on are left out")
		return false
	}
	r.Dialect = u.system.Name
	if r.Header.IsZero() {
		r.Header = u.FirstLine(r.Range)
	}
	u.resources = append(u.resources, r)
	return true
}

// FirstLine returns the first line of a range.
func (u *Unit) FirstLine(r source.Range) source.Range {
	f := u.source(r.File)
	if f == nil || r.End > len(f.Bytes) {
		return r
	}
	for i := r.Start; i < r.End; i++ {
		if c := f.Bytes[i]; c == '\n' || c == '\r' {
			r.End = i
		}
	}
	return r
}

// source returns a file that the unit has read, or nil.
func (u *Unit) source(path string) *source.File {
	if f := cmp.Or(u.files[path], u.others[path]); f != nil {
		return f.File
	}
	return nil
}

func (u *Unit) finish(name dialect.UnitName) *dialect.Unit {
	out := &dialect.Unit{Name: name, Graph: resource.NewGraph(u.resources, u.missing), Explainer: &explainer{u}}
	out.Reads.Files = slices.Sorted(maps.Keys(u.reads))
	out.Reads.Dirs = slices.Sorted(maps.Keys(u.dirs))
	slices.SortStableFunc(u.problems, func(a, b source.Problem) int {
		return cmp.Or(cmp.Compare(a.Range.File, b.Range.File), cmp.Compare(a.Range.Start, b.Range.Start))
	})
	out.Problems = slices.CompactFunc(u.problems, func(a, b source.Problem) bool { return a == b })
	return out
}
