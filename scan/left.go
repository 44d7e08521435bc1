package scan

import (
	"io/fs"
	"path"
	"slices"
	"sync"
)

// left returns Result.Left of a run that evaluated units. Nothing is made ready before somebody asks: most scans are not asked.
func (s *scan) left(units []*unitResult) func(rule, file, unit string) string {
	ready := sync.OnceValue(func() func(rule, file, unit string) string { return s.leftOut(units) })
	return func(rule, file, unit string) string { return ready()(rule, file, unit) }
}

func (s *scan) leftOut(units []*unitResult) func(rule, file, unit string) string {
	read, evaluated := make(map[string]bool), make(map[string]bool)
	for _, u := range units {
		evaluated[u.name.Dir] = true
		for _, f := range u.reads.Files {
			read[f] = true
		}
	}
	ignored := make(map[string]bool, len(s.ignored)) // files and folders
	for _, f := range s.ignored {
		ignored[f] = true
	}
	without := make(map[string]bool, 2*len(s.excluded)) // files, and the folders that they are in: units are the one or the other
	for _, f := range s.excluded {
		without[f], without[path.Dir(f)] = true, true
	}
	ignores := func(p string) bool {
		for at := p; at != "." && at != "/"; at = path.Dir(at) {
			if ignored[at] {
				_, err := fs.Stat(s.FS, p)
				return err == nil
			}
		}
		return false
	}
	return func(rule, file, unit string) string {
		// A module that is left out is looked at all the same where others call it.
		looked := s.claimed[file] != "" || read[file]
		_, excluded := slices.BinarySearch(s.excluded, file)
		switch {
		case looked && (unit == "" || evaluated[unit]):
			if r := s.Rules.Rule(rule); r != nil && !s.choose(r, s.Config.For(file)).on {
				return "The settings switch the rule off for " + file + "."
			}
		case looked && without[unit]:
			return "The settings leave " + unit + " out of the scan."
		case looked && ignores(unit):
			return "An ignore file leaves " + unit + " out of the scan."
		case excluded:
			return "The settings leave " + file + " out of the scan."
		case !looked && ignores(file):
			return "An ignore file leaves " + file + " out of the scan."
		}
		return ""
	}
}
