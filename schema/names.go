package schema

import (
	"embed"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/value"
)

// The tables of names: names/DIALECT/SERVICE.names, in the language that names/README.md describes.
//
//go:embed names/*/*.names
var names embed.FS

// Names is the table of one dialect: what its resource types and their properties are called in Terraform. It may be used
// by several goroutines. Nothing of it may be changed.
type Names struct {
	Dialect string // cloudformation

	derivation *derivation // nil where there is a table
	set        *Set        // of a derivation

	types map[string]entry  // by native type
	fold  map[string]string // native type in lower case: as the table has it; nil when case matters

	reverse sync.Once
	natives map[string][]string // by Terraform type: the native types that become it, companions included, sorted
	blocks  map[string][]*Block // by Terraform type, without companions
}

// entry is a native type: its name as the table spells it, and its blocks in the order of the files.
type entry struct {
	name     string
	sections []*section
}

// section is the text of a block, which is parsed when somebody asks for it.
type section struct {
	file string
	line int // of its first line, from 1
	text string

	once  sync.Once
	block *Block
}

// Block says what becomes of resources of a native type.
type Block struct {
	Native []string // AWS::S3::Bucket; several when the dialect has several for one thing
	Type   string   // aws_s3_bucket
	When   []Test   // all must hold
	Yields []Yield
	Hook   string // the function that finishes its resources; mostly empty
	Rows   []Row
	Where  string // cloudformation/s3.names:7
}

// Yield says what a reference to a resource yields.
type Yield struct {
	Name       string   // of GetAtt; empty for what a plain reference yields
	Attributes []string // Terraform's; the first is the one that it counts as, the others hold the same
}

// RowKind says what a Row does.
type RowKind uint8

// The kinds of rows.
const (
	Same      RowKind = iota + 1 // the value at Native stands at Target in Terraform
	Nowhere                      // Native has no counterpart
	Companion                    // Native makes a resource of its own
	Constant                     // Target is always Value
	Otherwise                    // Target is Value where nothing is written
)

// Row is one line within a block.
type Row struct {
	Kind    RowKind
	Native  []NameStep   // relative to what encloses the row; empty for "."
	Target  []NameStep   // the same
	Convert []Conversion // of Same
	Value   value.Value  // of Constant and Otherwise; Unknown when the cloud chooses
	Type    string       // of Companion
	Links   []Anchor     // of Companion
	When    []Test       // of Same and Companion
	Rows    []Row        // of Same and Companion
	Where   string       // cloudformation/s3.names:12
}

// NameStep is one step of a path in a table: a name, [] for every element, [0] for one, [Key=word,word] for the first
// element whose member Key is one of the words, [Key!=word,word] for every element whose member Key is none of them, {} for
// every member of a map. In a row within {}, the name $ is that of the member.
type NameStep struct {
	Name    string
	Aliases []string // other names of the same, as Ansible has them
	Each    bool     // [], [Key!=word] and {}
	Map     bool     // {}: every member of an object whose names are the user's
	Index   int
	Key     string
	Words   []string
}

// Conversion is one conversion of a row: enum, with its words.
type Conversion struct {
	Name  string
	Words []string
}

// Anchor says that an attribute of a companion refers to an attribute of the resource that it belongs to.
type Anchor struct {
	Attribute string // of the companion
	Parent    string // of the resource
}

// Test is a condition on a native resource.
type Test struct {
	Path  []NameStep
	Inner bool     // the path is relative to the property of the row, not to the resource
	Op    string   // "=", "!=", "has", "lacks", "set" or "unset"
	Words []string // any of them; none for set and unset
}

// Names returns the table of a dialect; an empty one when it has none. It is read when it is first asked for.
func (s *Set) Names(dialect string) *Names {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.names[dialect]
	if n == nil {
		n = s.derived(dialect)
		s.names[dialect] = n
	}
	if n == nil {
		var err error
		if n, err = ReadNames(names, dialect); err != nil {
			panic("schema: " + err.Error()) // what is embedded can be read
		}
		s.names[dialect] = n
	}
	return n
}

// ReadNames reads the table of a dialect from a tree that has it as names/DIALECT/*.names. It finds where blocks begin, and
// leaves the rest for later.
func ReadNames(tree fs.FS, dialect string) (*Names, error) {
	n := &Names{Dialect: dialect, types: make(map[string]entry)}
	files, err := fs.Glob(tree, "names/"+dialect+"/*.names")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return nil, err
		}
		n.index(strings.TrimPrefix(file, "names/"), string(text))
	}
	return n, nil
}

func (n *Names) index(file, text string) {
	for _, s := range sections(file, text) {
		head, _, _ := strings.Cut(s.text, "\n")
		if head == "ignore case" {
			n.fold = make(map[string]string)
			continue
		}
		before, _, _ := strings.Cut(head, " = ")
		for typ := range strings.SplitSeq(before, ",") {
			typ = strings.TrimSpace(typ)
			n.types[typ] = entry{typ, append(n.types[typ].sections, s)}
		}
	}
	if n.fold != nil {
		for typ := range n.types {
			n.fold[strings.ToLower(typ)] = typ
		}
	}
}

// sections splits a file where lines are not indented.
func sections(file, text string) []*section {
	var out []*section
	for i, line := range strings.SplitAfter(text, "\n") {
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
			line = "\n"
		case line[0] != ' ':
			out = append(out, &section{file: file, line: i + 1})
		}
		if len(out) > 0 {
			out[len(out)-1].text += line
		}
	}
	return out
}

// Folds reports whether upper and lower case are the same in the dialect's names.
func (n *Names) Folds() bool { return n.fold != nil }

// Canonical returns a native type as the table spells it, or "" when it has none such.
func (n *Names) Canonical(native string) string {
	if n.derivation != nil {
		if n.derivation.terraform(native) == "" {
			return ""
		}
		return strings.Clone(native) // what holds on to it must not hold on to the file
	}
	if e, ok := n.types[native]; ok {
		return e.name
	}
	if n.fold != nil {
		return n.fold[strings.ToLower(native)]
	}
	return ""
}

// Types returns the native types of the table, sorted.
func (n *Names) Types() []string {
	out := make([]string, 0, len(n.types))
	for typ := range n.types {
		out = append(out, typ)
	}
	slices.Sort(out)
	return out
}

// Blocks returns the blocks of a native type in the order in which they are tried, or nil. The type is spelt as Canonical
// returns it.
func (n *Names) Blocks(native string) []*Block {
	if n.derivation != nil {
		if b := n.derivation.block(n.set, native); b != nil {
			return []*Block{b}
		}
		return nil
	}
	var out []*Block
	for _, s := range n.types[native].sections {
		s.once.Do(func() {
			b, err := parseBlock(s)
			if err != nil {
				panic("schema: names: " + err.Error()) // a test reads every block
			}
			s.block = b
		})
		out = append(out, s.block)
	}
	return out
}

// Natives returns the native types whose resources become the Terraform type, as themselves or as a companion, sorted. It
// reads the whole table when it is first called. One that begins with *. is some type of a family, whose name cannot be derived.
func (n *Names) Natives(terraform string) []string {
	if n.derivation != nil {
		return n.derivation.shown(n.set, terraform)
	}
	n.invert()
	return n.natives[terraform]
}

// Made yields every Terraform type that native types become, in no order, with these types as Natives returns them. It reads
// the whole table when it is first called.
func (n *Names) Made() iter.Seq2[string, []string] {
	if n.derivation != nil {
		return func(yield func(string, []string) bool) {
			for typ := range n.set.Types() {
				if natives := n.derivation.shown(n.set, typ); len(natives) > 0 && !yield(typ, natives) {
					return
				}
			}
		}
	}
	n.invert()
	return maps.All(n.natives)
}

// Making returns the blocks whose resources become the Terraform type themselves. It reads the whole table when it is first
// called.
func (n *Names) Making(terraform string) []*Block {
	if n.derivation != nil {
		natives := n.derivation.natives(terraform)
		if len(natives) == 0 {
			return nil
		}
		return n.Blocks(natives[0])
	}
	n.invert()
	return n.blocks[terraform]
}

// invert makes the index by Terraform type.
func (n *Names) invert() {
	n.reverse.Do(func() {
		n.natives, n.blocks = make(map[string][]string), make(map[string][]*Block)
		for _, native := range n.Types() {
			for _, b := range n.Blocks(native) {
				if native == b.Native[0] {
					n.blocks[b.Type] = append(n.blocks[b.Type], b)
				}
				n.makes(native, b.Type, b.Rows)
			}
		}
	})
}

func (n *Names) makes(native, terraform string, rows []Row) {
	if terraform != "" {
		if known := n.natives[terraform]; len(known) == 0 || known[len(known)-1] != native { // natives come in order
			n.natives[terraform] = append(known, native)
		}
	}
	for i := range rows {
		n.makes(native, rows[i].Type, rows[i].Rows)
	}
}

// CheckNames parses every table and returns what is wrong with them, one error per block.
func CheckNames(dialect string) []error {
	var errs []error
	files, _ := fs.Glob(names, "names/"+dialect+"/*.names")
	for _, file := range files {
		text, err := fs.ReadFile(names, file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, s := range sections(strings.TrimPrefix(file, "names/"), string(text)) {
			if strings.TrimSpace(s.text) == "ignore case" {
				continue
			}
			if _, err := parseBlock(s); err != nil {
				errs = append(errs, fmt.Errorf("schema/names/%w", err))
			}
		}
	}
	return errs
}

// derivedDialects are those whose names are derived: see derive.go.
var derivedDialects = [...]string{"crossplane", "pulumi"}

// NamedDialects returns the dialects whose names are known, from a table or by derivation, sorted.
func NamedDialects() []string {
	var out []string
	entries, err := fs.ReadDir(names, "names")
	if err != nil {
		return nil // an empty tree
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	out = append(out, derivedDialects[:]...)
	slices.Sort(out)
	return out
}

// Terraform returns the type in Terraform of a native type whose names are derived, or "".
func (n *Names) Terraform(native string) string {
	if n.derivation == nil {
		return ""
	}
	return n.derivation.terraform(native)
}
