// Package translate carries resources from the words of a dialect to Terraform's, and wishes back, as the tables of package
// schema say (schema/names). It knows no dialect by name and no rule.
//
//	table := translate.New(set, "cloudformation")
//	for … {
//		resources = append(resources, table.Resources(&translate.Native{…})...)
//	}
//	table.Link(resources)
//
// A report then asks Path where a value stands in the dialect's own words, and a fix asks Back what to write there.
package translate

import (
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Native is one evaluated resource in the words of its dialect.
type Native struct {
	Dialect string         // the word for reports: cloudformation
	Type    string         // AWS::S3::Bucket
	Address string         // unique in its unit
	Module  string         // as in resource.Resource
	Name    string         // the last part of its address, for people
	Body    value.Value    // Object of the properties that were written, in the dialect's names
	Refs    []resource.Ref // paths in Body; Attribute in the dialect's words ("Arn"; "" for what a plain reference yields)
	Range   source.Range   // the whole declaration
	Header  source.Range   // its first line
	Calls   []resource.Call
	Maybe   bool
	When    []string       // as in resource.Resource
	Tags    []resource.Tag // effective tags that are not in Body: of the stack, of the play; may be nil
	Handle  any            // the dialect's own

	// First returns the first line of a range in its file, for the headers of companions; nil means the range as a whole.
	First func(source.Range) source.Range
}

// Table is the names of one dialect: schema.Names applied. It may be used by several goroutines.
type Table struct {
	set   *schema.Set
	names *schema.Names

	mu     sync.RWMutex
	blocks map[string][]*block // by native type, as far as they were asked for
}

// New returns the table of a dialect ("cloudformation", "ansible", "arm").
func New(set *schema.Set, dialect string) *Table { return over(set, set.Names(dialect)) }

func over(set *schema.Set, names *schema.Names) *Table {
	return &Table{set: set, names: names, blocks: make(map[string][]*block)}
}

// Knows reports whether the type is in the table.
func (t *Table) Knows(typ string) bool { return t.names.Canonical(typ) != "" }

// Canonical returns the type as the table spells it, when case does not matter to the dialect; typ itself when the table
// does not have it.
func (t *Table) Canonical(typ string) string {
	if c := t.names.Canonical(typ); c != "" {
		return c
	}
	return typ
}

// Yields reports whether a reference to a resource of a type yields an attribute of Terraform's: with word the dialect's name of
// one of its outputs, "" for what a plain reference yields. Of a type with several blocks it is enough that one says so.
func (t *Table) Yields(typ, word, attribute string) bool {
	for _, b := range t.names.Blocks(t.names.Canonical(typ)) {
		for _, y := range b.Yields {
			if y.Name == word && slices.Contains(y.Attributes, attribute) {
				return true
			}
		}
	}
	return false
}

// Part returns the name under which the body of a resource of a type has what the part of it says: "/TYPE/NAME", with the last
// segment of the part's type and its name; "" when its rows know no such part. Azure has much that is an attribute in Terraform
// as a resource of its own: blobServices/default of a storage account.
func (t *Table) Part(typ, part, name string) string {
	wanted := "/" + part + "/" + name
	for _, b := range t.of(typ) {
		for i := range b.source.Rows {
			if steps := b.source.Rows[i].Native; len(steps) > 0 && strings.EqualFold(steps[0].Name, wanted) {
				return steps[0].Name
			}
		}
	}
	return ""
}

// of returns the blocks of a native type. A row that is wrong, which the tests of the tables do not let pass, does nothing.
func (t *Table) of(typ string) []*block {
	typ = t.names.Canonical(typ) // the table's own text: the map must not hold on to names from input
	if typ == "" {
		return nil
	}
	t.mu.RLock()
	blocks, ok := t.blocks[typ]
	t.mu.RUnlock()
	if ok {
		return blocks
	}
	for _, source := range t.names.Blocks(typ) {
		b, _ := compile(t.set, source)
		blocks = append(blocks, b)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.blocks[typ] = blocks
	return blocks
}

// choose returns the block that holds for a native resource, or nil.
func (t *Table) choose(typ string, body *value.Value) *block {
	for _, b := range t.of(typ) {
		if t.all(b.source.When, body, body) == yes {
			return b
		}
	}
	return nil
}

// Resources translates one resource: first the resource itself, then its companions in the order of the table. Their Handle
// is an *Origin. A type that is not in the table gives none.
//
// The attributes of references stay in the dialect's words, because what they name belongs to other resources: call Link
// when all resources of a unit are there.
func (t *Table) Resources(n *Native) []*resource.Resource {
	b := t.choose(n.Type, &n.Body)
	if b == nil {
		return nil
	}
	run := &run{table: t, native: n}
	run.main(b)
	if b.hook != nil {
		run.made = b.hook(n, run.made)
	}
	return run.made
}

// Origin is the Handle of a translated resource.
type Origin struct {
	Native *Native

	block *block
	path  value.Path // of what a companion was made of, in the native body; empty for the resource itself
	own   int        // how many of its references are in the dialect's words; those to its parent follow

	once  sync.Once
	sites []site // what came from where, found when it is first asked for
}

// Link translates the attributes of the references between the resources of a unit, once all of them are there. What refers
// to a resource that is not translated keeps its word.
func (t *Table) Link(resources []*resource.Resource) {
	blocks := make(map[string]*block, len(resources))
	for _, r := range resources {
		if o, ok := r.Handle.(*Origin); ok && o.block != nil && o.block.companion == nil {
			blocks[r.Address] = o.block
			if i := strings.LastIndexByte(r.Address, '['); i > 0 && strings.HasSuffix(r.Address, "]") {
				blocks[r.Address[:i]] = o.block // named without its key
			}
		}
	}
	for _, r := range resources {
		o, ok := r.Handle.(*Origin)
		if !ok {
			continue
		}
		for i := range r.Refs[:o.own] {
			ref := &r.Refs[i]
			if b := blocks[ref.Target]; b != nil {
				ref.Attribute = b.yield(ref.Attribute)
			}
		}
	}
}

// yield returns the attribute that a reference to a resource of the block yields; the word itself, when the table does not
// say.
func (b *block) yield(word string) string {
	for _, y := range b.source.Yields {
		if y.Name == word {
			return y.Attributes[0]
		}
	}
	return word
}

// word returns the native word for an attribute of the block's resources, the other way round.
func (b *block) word(attribute string) (string, bool) {
	for _, y := range b.source.Yields {
		if slices.Contains(y.Attributes, attribute) {
			return y.Name, true
		}
	}
	return "", false
}

// Path returns the native path of the value at a Terraform path of r, or of its nearest ancestor that has one; nil for the
// resource as a whole.
func (t *Table) Path(r *resource.Resource, path value.Path) value.Path {
	o, ok := r.Handle.(*Origin)
	if !ok {
		return nil
	}
	best, at := o.path, -1
	o.once.Do(func() { o.sites = t.trace(o) })
	for _, s := range o.sites {
		n := len(s.target)
		if n > len(path) || n < at || !slices.Equal(s.target, path[:n]) {
			continue
		}
		best, at = s.native, n
		if s.row != nil && len(s.row.convert) == 0 && !s.row.group {
			best = append(best[:len(best):len(best)], descend(o, s.native, path[n:])...)
		}
	}
	if len(best) == 0 {
		return nil
	}
	return best
}

// descend follows a path into a value that was carried over as it is, as far as there is something.
func descend(o *Origin, native, rest value.Path) value.Path {
	v := o.Native.Body.At(native)
	for i := range rest {
		next := v.At(rest[i : i+1])
		if next.Kind == value.Absent {
			return rest[:i] // also where one value stands for Terraform's list of one
		}
		v = next
	}
	return rest
}

// site says that the value at a Terraform path was made of the one at a native path.
type site struct {
	target, native value.Path
	row            *row
}

// trace translates once more and writes down what came from where.
func (t *Table) trace(o *Origin) []site {
	run := &run{table: t, native: o.Native, tracing: o}
	b := o.block
	for b.parent != nil {
		b = b.parent
	}
	run.main(b)
	return run.sites
}
