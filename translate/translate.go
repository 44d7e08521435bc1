// Package translate carries resources from the words of a dialect to Terraform's, and wishes back, as the tables of package
// schema say (schema/names). It knows no dialect by name and no rule.
package translate

import (
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Native is one evaluated resource in the words of its dialect.
type Native struct {
	Dialect string                          // the word for reports: cloudformation
	Type    string                          // AWS::S3::Bucket
	Address string                          // unique in its unit
	Module  string                          // as in resource.Resource
	Name    string                          // the last part of its address, for people
	Body    value.Value                     // Object of the properties that were written, in the dialect's names
	Refs    []resource.Ref                  // paths in Body; Attribute in the dialect's words ("Arn"; "" for what a plain reference yields)
	Range   source.Range                    // the whole declaration
	Header  source.Range                    // its first line
	First   func(source.Range) source.Range // the first line of a range in its file, for the headers of companions; nil means the range
	Calls   []resource.Call
	Maybe   bool
	Tags    []resource.Tag // effective tags that are not in Body: of the stack, of the play; may be nil
	Handle  any            // the dialect's own
}

// Table is the names of one dialect: schema.Names applied. It may be used by several goroutines.
type Table struct {
	set     *schema.Set
	dialect string
}

// New returns the table of a dialect ("cloudformation", "ansible", "arm").
func New(set *schema.Set, dialect string) *Table { return &Table{set: set, dialect: dialect} }

// Knows reports whether the type is in the table.
func (t *Table) Knows(typ string) bool { return false }

// Canonical returns the type as the table spells it, whatever the case of typ; typ itself when the table does not have it.
func (t *Table) Canonical(typ string) string { return typ }

// Resources translates one resource: first the resource itself, then its companions in the order of the table. Their Handle
// is an *Origin. A type that is not in the table gives none.
//
// The attributes of references stay in the dialect's words, because they belong to other resources: call Link when all
// resources of a unit are there.
func (t *Table) Resources(n *Native) []*resource.Resource { return nil }

// Link translates the attributes of the references between the resources of a unit, once all of them are there. What refers
// to a resource that is not translated keeps its word.
func (t *Table) Link(resources []*resource.Resource) {}

// Origin is the Handle of a translated resource.
type Origin struct {
	Native *Native
	// unexported: the block of the table, the native path and index that a companion was made of
}

// Path returns the native path of the value at a Terraform path of r, or of its nearest ancestor that has one; nil for the
// resource as a whole.
func (t *Table) Path(r *resource.Resource, path value.Path) value.Path { return nil }

// Wish is a wish about a native resource.
type Wish struct {
	Op    resource.ChangeOp // Set, Remove or Add with Path and Value; Create with Type, Value and no path
	Path  value.Path        // in the native body
	Value value.Value       // in the dialect's words; a String "${this.NAME}" in a Create means attribute NAME of the resource that is fixed, "${this}" a plain reference
	Type  string            // of Create: the native type
}

// Back translates changes of r, a translated resource, to wishes about its native resource. An error says, for people, what
// has no counterpart in the dialect.
func (t *Table) Back(r *resource.Resource, changes []resource.Change) ([]Wish, error) {
	return nil, nil
}
