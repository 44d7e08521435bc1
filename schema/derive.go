package schema

import (
	"slices"
	"strings"
	"sync"
)

// Some dialects descend from Terraform: a machine made their names of Terraform's. For them there is no table of names but a
// derivation: what a table would say is computed for each type when somebody asks for it.

// derivation is how the names of a dialect follow from Terraform's.
type derivation struct {
	terraform func(native string) string      // the type in Terraform; empty when there is none
	natives   func(terraform string) []string // the other way round; the first is what a fix writes

	// family returns what stands for the native types of a Terraform type, "" when it has none. It is nil where natives knows
	// them.
	family func(terraform string) string

	// words returns what an attribute is called in the dialect: first what is right, then what is understood all the same.
	words func(native, path string, a *Attribute) []string

	// listed reports whether a block that occurs at most once is written as a list.
	listed func(native string) bool

	mu     sync.Mutex
	blocks map[string]*Block // by native type, as far as they were asked for
}

// shown returns the native types of a Terraform type for people.
func (d *derivation) shown(s *Set, terraform string) []string {
	if d.family == nil {
		return d.natives(terraform)
	}
	if family := d.family(terraform); family != "" && s.Resource(terraform) != nil {
		return []string{family}
	}
	return nil
}

// deepest is how many blocks within blocks are carried over: some types of the clouds nest the same statement in itself without
// end, of which the schema has as much as fits.
const deepest = 12

// block makes the block of a native type.
func (d *derivation) block(s *Set, native string) *Block {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b := d.blocks[native]; b != nil {
		return b
	}
	r := s.Resource(d.terraform(native))
	if r == nil {
		return nil
	}
	b := &Block{Native: []string{native}, Type: r.Name, Where: native}
	b.Rows = d.rows(native, "", r.Attributes, deepest)
	for i := range r.Attributes {
		a := &r.Attributes[i]
		for _, word := range d.words(native, a.Name, a) {
			if !slices.ContainsFunc(b.Yields, func(y Yield) bool { return y.Name == word }) {
				b.Yields = append(b.Yields, Yield{Name: word, Attributes: []string{a.Name}})
			}
		}
	}
	if r.Attribute("id") != nil {
		b.Yields = append(b.Yields, Yield{Attributes: []string{"id"}})
	}
	if d.blocks == nil {
		d.blocks = make(map[string]*Block)
	}
	d.blocks[native] = b
	return b
}

// rows makes a row for each attribute that can be written.
func (d *derivation) rows(native, path string, attributes []Attribute, depth int) []Row {
	var out []Row
	taken := make(map[string]bool) // words that are right for some attribute
	for i := range attributes {
		a := &attributes[i]
		taken[d.words(native, path+a.Name, a)[0]] = true
	}
	for i := range attributes {
		a := &attributes[i]
		if depth == 0 || a.Computed && !a.Optional && a.Nesting != None {
			continue
		}
		words := d.words(native, path+a.Name, a)
		aliases := slices.DeleteFunc(slices.Clone(words[1:]), func(w string) bool { return taken[w] })
		row := Row{Kind: Same, Native: []NameStep{{Name: words[0], Aliases: aliases}}, Target: []NameStep{{Name: a.Name}}, Where: native}
		switch {
		case a.Nesting == None:
		case len(a.Attributes) == 0: // an object without a form: carried over as it is
		case a.Nesting == One || a.Nesting == Single:
			if a.Nesting == One && d.listed != nil && d.listed(native) {
				row.Native = append(row.Native, NameStep{}) // the first of the list
			}
			row.Rows = d.rows(native, path+a.Name+".", a.Attributes, depth-1)
		default:
			row.Native = append(row.Native, NameStep{Each: true})
			row.Target = append(row.Target, NameStep{Each: true})
			row.Rows = d.rows(native, path+a.Name+".", a.Attributes, depth-1)
		}
		out = append(out, row)
	}
	return out
}

// camel writes a name of Terraform's as programs do: kms_key_id is kmsKeyId.
func camel(name string) string {
	var b strings.Builder
	up := false
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_' && i > 0:
			up = true
		case up && 'a' <= c && c <= 'z':
			b.WriteByte(c - 'a' + 'A')
			up = false
		default:
			b.WriteByte(c)
			up = false
		}
	}
	return b.String()
}

// squash is what is left of a name when case and underscores do not count.
func squash(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
