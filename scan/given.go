package scan

import (
	"path"
	"slices"
	"sync"

	"plumbline.dev/plumbline/dialect"
)

// Which files a dialect has does not show in what an evaluation read: a file comes into a folder whose files make up a unit, a
// text becomes a manifest, an ignore file leaves one out, a kustomization far away takes one. So what is remembered of a unit
// holds for the files that its dialect had around it then, by name.

// given is the files that were given to one dialect.
type given struct {
	dialect string
	folders func() map[string]string // digest of the names in each folder that has any; made when somebody asks
}

// newGiven keeps the files of a dialect, which may be in any order.
func newGiven(name string, claimed []string) *given {
	return &given{name, sync.OnceValue(func() map[string]string {
		byFolder := make(map[string][]string)
		for _, f := range claimed {
			dir := path.Dir(f)
			byFolder[dir] = append(byFolder[dir], f)
		}
		digests := make(map[string]string, len(byFolder))
		for dir, files := range byFolder {
			slices.Sort(files)
			digests[dir] = hash(files...)
		}
		return digests
	})}
}

// around sums up what a dialect had around a unit: the names of its files in every folder that the unit is rooted in, read from
// or listed, and the files that the estate says the unit is of.
func (g *given) around(name dialect.UnitName, estate dialect.Estate, r dialect.Reads) string {
	folders := append([]string{name.Dir, path.Dir(name.Dir)}, r.Dirs...) // some units are named for a file
	for i, f := range r.Files {
		if dir := path.Dir(f); i == 0 || path.Dir(r.Files[i-1]) != dir {
			folders = append(folders, dir)
		}
	}
	slices.Sort(folders)
	known, parts := g.folders(), []string{g.dialect}
	for _, dir := range slices.Compact(folders) {
		if h := known[dir]; h != "" {
			parts = append(parts, dir, h)
		}
	}
	if m, ok := estate.(dialect.Membered); ok {
		parts = append(append(parts, "members"), m.Members(name)...)
	}
	return hash(parts...)
}
