package document

import (
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Change is a wish about a document.
type Change struct {
	Op    resource.ChangeOp // Set, Remove or Add (append to the sequence at Path); Create is no change of a document
	At    *Node             // the mapping or sequence in which Path starts
	Path  value.Path        // what is missing of it is made, where Op is Set or Add
	Value value.Value       // of Set and Add; wholly known
}

// Edit lowers changes to the smallest edits: comments, anchors, quotes, indentation and line ends stay as they are, new text
// is written in the style of its neighbours. Changes that make the same missing mapping share it. Changes to what is
// already so make no edits. What is written through an alias changes at its anchor. An error says what stands in the way,
// for people.
func (d *Document) Edit(changes []Change) ([]source.Edit, error) { panic("not yet") }
