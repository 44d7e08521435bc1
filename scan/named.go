package scan

import (
	"maps"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// A file that is named is understood as it is when its folder is scanned: with what the folder and those below it hold, which
// is where its parameters and callers are looked for. Only the units that hold the file are evaluated, as far as that can be
// told before, and only what they say of the file is reported and counted.

// aside reports whether a path is neither named nor below a directory that is.
func (s *scan) aside(p string) bool {
	return len(s.named) > 0 && !slices.Contains(s.named, p) && !s.below(p)
}

// below reports whether a path lies in a directory among Dirs.
func (s *scan) below(p string) bool {
	return slices.ContainsFunc(s.Dirs, func(dir string) bool {
		dir = path.Clean(dir)
		return !slices.Contains(s.named, dir) && (dir == "." || dir == p || strings.HasPrefix(p, dir+"/"))
	})
}

// rootedIn reports whether a file is what a unit starts from: its template or playbook, its plan, its set of inputs.
func rootedIn(u dialect.UnitName, file string) bool {
	return u.Dir == file || u.Variant != "" && path.Join(u.Dir, u.Variant) == file
}

// unitsOf lists the units of an estate that are evaluated: all of them, or those that may hold a named file. A file that a
// unit starts from, no other unit is asked for; a file in the directory of a unit belongs to that; and any unit may read
// another file.
func (s *scan) unitsOf(estate int) []dialect.UnitName {
	all := s.estates[estate].Units()
	if len(s.named) == 0 {
		return all
	}
	wanted := make(map[dialect.UnitName]bool)
	want := func(which func(dialect.UnitName) bool) (found bool) {
		for _, u := range all {
			if which(u) {
				wanted[u], found = true, true
			}
		}
		return found
	}
	want(func(u dialect.UnitName) bool { return s.below(u.Dir) })
	for _, file := range s.named {
		if at, claimed := s.estateOf[file]; claimed && at != estate {
			continue
		}
		_ = want(func(u dialect.UnitName) bool { return rootedIn(u, file) }) ||
			want(func(u dialect.UnitName) bool { return u.Dir == path.Dir(file) }) ||
			want(func(dialect.UnitName) bool { return true })
	}
	return slices.DeleteFunc(slices.Clone(all), func(u dialect.UnitName) bool { return !wanted[u] })
}

// holds reports whether an evaluated unit is one that was asked for: one below a directory, or that a named file is part of.
func (s *scan) holds(u dialect.UnitName, reads dialect.Reads) bool {
	if len(s.named) == 0 || s.below(u.Dir) {
		return true
	}
	return slices.ContainsFunc(s.named, func(file string) bool {
		_, read := slices.BinarySearch(reads.Files, file)
		return read || rootedIn(u, file)
	})
}

// narrow takes out of the files those of which it is not known who reads them: neither named, nor below a directory, nor of a
// directory that is a unit and is evaluated.
func (s *scan) narrow() {
	if len(s.named) == 0 {
		return
	}
	dirs := make(map[string]bool)
	for i := range s.estates {
		for _, u := range s.unitsOf(i) {
			dirs[u.Dir] = true
		}
	}
	s.files = slices.DeleteFunc(s.files, func(f string) bool { return s.aside(f) && !dirs[path.Dir(f)] })
}

// coverage counts the files that were looked at.
func (s *scan) coverage(units []*unitResult) finding.Coverage {
	c := finding.Coverage{Dialects: make(map[string]int), Verdicts: make(map[string]int)}
	for f, name := range s.claimed {
		if !s.aside(f) || slices.ContainsFunc(units, func(u *unitResult) bool { return u.read(f) }) {
			c.Files++
			c.Dialects[name]++
		}
	}
	count := func(files []string) (n int) {
		for _, f := range files {
			if !s.aside(f) {
				n++
			}
		}
		return n
	}
	c.Skipped, c.Ignored = count(s.skipped), count(s.ignored)
	return c
}

// about keeps the problems met before evaluation that concern what was asked for: in the files that are reported on or that
// their units read, and in the folders around a named file.
func (s *scan) about(problems []unitProblem, read func(file string) bool) []unitProblem {
	return slices.DeleteFunc(slices.Clone(problems), func(p unitProblem) bool {
		at := p.Range.File
		return at != "" && at != "." && s.aside(at) && !read(at) &&
			!slices.ContainsFunc(s.named, func(file string) bool { return strings.HasPrefix(file, at+"/") })
	})
}

// onlyNamed keeps what is in the files that were named, or about resources that are declared there, and what was found with
// inputs or a plan that were named.
func (s *scan) onlyNamed(r *finding.Report, units []*unitResult) {
	if len(s.named) == 0 {
		return
	}
	by := make(map[string]bool) // ids of what named sets of inputs and plans give
	for _, u := range units {
		if slices.Contains(s.named, path.Join(u.name.Dir, u.name.Variant)) && u.name.Variant != "" {
			for i := range u.Findings {
				by[u.Findings[i].ID] = true
			}
		}
	}
	other := func(f finding.Finding) bool {
		return !by[f.ID] && s.aside(f.Location.File) && s.aside(f.Resource.Range.File)
	}
	r.Findings = slices.DeleteFunc(r.Findings, other)
	r.Undecided = slices.DeleteFunc(r.Undecided, other)
}

// around returns a file in the directory that a named file is understood with: its own, but for a file of a Helm chart the chart's,
// because a template means nothing without it. A chart in another one's charts/ belongs to that.
func (s *scan) around(file string) string {
	home := file
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if chart := path.Join(dir, "Chart.yaml"); isFile(s.FS, chart) {
			home = chart
		}
	}
	if isFile(s.FS, "Chart.yaml") {
		home = "Chart.yaml"
	}
	return home
}

// listing lists what a scan looks at: the directories, and for a named file the directory that it lies in.
func (s *scan) listing(dirs []string) (files, ignored []string) {
	add := func(l *source.Listing) {
		files = append(files, l.Files...)
		ignored = append(ignored, l.Ignored...)
		s.note(l.Problems)
	}
	for _, d := range dirs {
		if d == s.Source || !isFile(s.FS, d) {
			add(source.List(s.FS, d))
		} else {
			s.named = append(s.named, path.Clean(d))
		}
	}
	slices.SortStableFunc(s.named, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	seen := make(map[string]bool) // where each directory is listed once, those around others first
	for _, f := range files {
		seen[f] = true
	}
	for _, file := range s.named {
		if seen[file] {
			continue
		}
		l := source.Beside(s.FS, s.around(file))
		add(l)
		for _, f := range l.Files {
			seen[f] = true
		}
	}
	files = slices.Sorted(maps.Keys(seen))
	slices.Sort(ignored)
	ignored = slices.DeleteFunc(slices.Compact(ignored), func(f string) bool {
		return seen[f] || slices.Contains(dirs, f) // listed all the same, because it was named
	})
	return files, ignored
}
