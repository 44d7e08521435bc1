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
)

// defaultTables hold a row per default: type, path, scope, value as JSON, source, note. A path has one row at most in a
// table; the rows of the first table win. Scope is "always" or "block".
var defaultTables = [...]table{table(defaults), table(defaultsAzurerm)}

// Default is the effective value of an attribute that was not written.
type Default struct {
	Value  value.Value // known; without a range
	Source string      // where it is written: an address, or the provider's page or source file
	Note   string      // what else must be known; may be empty
}

// row is a Default with its scope.
type row struct {
	Default
	always bool // also when a block on the path was not written
}

// Default returns the effective value of the attribute at path when neither it nor, perhaps, a block on the way to it was
// written. The path has names only, joined by dots: metadata_options.http_endpoint. Explicit null counts as not written.
//
// Ask it only for what is absent: the body of the resource is not its business.
func (s *Set) Default(typ, path string) (Default, bool) {
	r, ok := s.rows(typ)[path]
	return r.Default, ok && r.always
}

// DefaultInBlock is Default for an attribute whose enclosing block was written. It knows more: a retention of seven days is
// the default in a retention policy that was written, and says nothing about a resource without a policy.
func (s *Set) DefaultInBlock(typ, path string) (Default, bool) {
	r, ok := s.rows(typ)[path]
	return r.Default, ok
}

// Defaults returns the paths of a type that have a default, sorted; those that hold only in a written block too.
func (s *Set) Defaults(typ string) []string {
	var paths []string
	for path := range s.rows(typ) {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

func (s *Set) rows(typ string) map[string]row {
	s.mu.RLock()
	rows, ok := s.defaults[typ]
	s.mu.RUnlock()
	if ok {
		return rows
	}
	for _, t := range defaultTables {
		for key, text := range t.rows(typ) {
			path, r, err := parseDefault(text)
			if err != nil {
				panic("schema: default of " + key + "." + path + ": " + err.Error()) // a test reads every row
			}
			if rows == nil {
				rows = make(map[string]row)
			}
			if _, ok := rows[path]; !ok {
				rows[path] = r
			}
			typ = key // the table's copy: the map must not hold on to the caller's text
		}
	}
	if rows == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.defaults[typ] = rows
	return rows
}

func parseDefault(text string) (path string, r row, err error) {
	path, text, _ = strings.Cut(text, "\t")
	scope, text, _ := strings.Cut(text, "\t")
	document, text, _ := strings.Cut(text, "\t")
	r.Source, r.Note, _ = strings.Cut(text, "\t")
	r.always = scope == "always"
	var decoded any
	if err := json.Unmarshal([]byte(document), &decoded); err != nil {
		return path, r, err
	}
	r.Value = fromJSON(decoded)
	return path, r, nil
}

func fromJSON(decoded any) value.Value {
	switch d := decoded.(type) {
	case bool:
		return value.Value{Kind: value.Bool, Bool: d}
	case float64:
		return value.Value{Kind: value.Number, Number: d}
	case string:
		return value.Value{Kind: value.String, Text: d}
	case []any:
		list := value.Value{Kind: value.List}
		for _, item := range d {
			list.Items = append(list.Items, fromJSON(item))
		}
		return list
	case map[string]any:
		object := value.Value{Kind: value.Object}
		for name, member := range d {
			object.Fields = append(object.Fields, value.Field{Name: name, Value: fromJSON(member)})
		}
		slices.SortFunc(object.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
		return object
	}
	return value.Value{Kind: value.Null}
}
