package schema

import (
	_ "embed" // see table.go
	"encoding/json"
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

var (
	//go:embed data/defaults.tsv
	defaults string
	//go:embed data/defaults-azurerm.tsv
	defaultsAzurerm string
	//go:embed data/defaults-kubernetes.tsv
	defaultsKubernetes string
)

// defaultTables hold a row per default: type, path, scope, value as JSON, source, note. The scope is "always", "block" (only
// where the enclosing block was written) or "absent" (only where it was not). The rows of the first table win.
var defaultTables = [...]table{table(defaults), table(defaultsAzurerm), table(defaultsKubernetes)}

// Default is the effective value of an attribute that was not written.
type Default struct {
	Value  value.Value // known; without a range
	Source string      // where it is written: an address, or the provider's source file
	Note   string      // what else must be known, such as who else may set it; may be empty
}

// pair is what is known of one attribute; a side without a default is nil. Both sides are the same when the value does not
// depend on the block.
type pair struct {
	written, absent *Default // with the enclosing block written, or not
}

// Default returns the effective value of the attribute at path, which was not written, whether its enclosing block was or
// not. The path has names only, joined by dots: metadata_options.http_endpoint. Explicit null counts as not written.
//
// Ask it only for what is absent: the body of the resource is not its business.
func (s *Set) Default(typ, path string) (Default, bool) {
	if p := s.defaultsOf(typ)[path]; p.written != nil && p.written == p.absent {
		return *p.written, true
	}
	return Default{}, false
}

// DefaultInBlock is Default for those who know whether the enclosing block was written, and so get more and better answers:
// seven days are the default of a retention policy that was written, and say nothing about a resource without a policy.
// Attributes that are in no block always count as enclosed by one that was written.
func (s *Set) DefaultInBlock(typ, path string, written bool) (Default, bool) {
	p := s.defaultsOf(typ)[path]
	d := p.absent
	if written || !strings.Contains(path, ".") {
		d = p.written
	}
	if d == nil {
		return Default{}, false
	}
	return *d, true
}

// Defaults returns the paths of a type that have a default of any scope, sorted.
func (s *Set) Defaults(typ string) []string {
	var paths []string
	for path := range s.defaultsOf(typ) {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

func (s *Set) defaultsOf(typ string) map[string]pair {
	s.mu.RLock()
	pairs, ok := s.defaults[typ]
	s.mu.RUnlock()
	if ok {
		return pairs
	}
	for _, t := range defaultTables {
		found := make(map[string]pair)
		for key, text := range t.rows(typ) {
			path, scope, d, err := parseDefault(text)
			if err != nil {
				panic("schema: default of " + key + "." + path + ": " + err.Error()) // a test reads every row
			}
			p := found[path]
			if scope != "absent" {
				p.written = d
			}
			if scope != "block" {
				p.absent = d
			}
			found[path] = p
			typ = key // the table's copy: the map must not hold on to the caller's text
		}
		if pairs == nil {
			pairs = found
			continue
		}
		for path, p := range found {
			if _, ok := pairs[path]; !ok {
				pairs[path] = p
			}
		}
	}
	if s.Resource(typ) == nil {
		return nil // not remembered: names come from input, and there is no end to them
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.defaults[typ] = pairs
	return pairs
}

func parseDefault(text string) (path, scope string, d *Default, err error) {
	path, text, _ = strings.Cut(text, "\t")
	scope, text, _ = strings.Cut(text, "\t")
	document, text, _ := strings.Cut(text, "\t")
	d = new(Default)
	d.Source, d.Note, _ = strings.Cut(text, "\t")
	var decoded any
	if err := json.Unmarshal([]byte(document), &decoded); err != nil {
		return path, scope, nil, err
	}
	d.Value = value.Decoded(decoded)
	return path, scope, d, nil
}
