package edit

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Companion is a new resource block that shall stand beside another.
type Companion struct {
	Type   string
	Name   string
	Body   value.Value        // Object
	Schema []schema.Attribute // of Type
	Meta   []Argument         // meta-arguments that it repeats
}

// Argument is an attribute with the text of its expression.
type Argument struct{ Name, Text string }

// Create writes a companion behind the target's block, separated by an empty line.
func Create(t Target, c Companion) (source.Edit, error) {
	e := &editor{file: t.File, writer: writer{ref: t.Ref}}
	lay := e.layout(t.Block)
	lines, err := e.body(c.Body.Fields, c.Schema, lay.outer+lay.unit, lay.unit)
	if err != nil {
		return source.Edit{}, err
	}
	if len(c.Meta) > 0 {
		list := make([]assignment, len(c.Meta))
		for i, a := range c.Meta {
			list[i] = assignment{a.Name, a.Text}
		}
		meta := align(list, 0)
		for i := range meta {
			meta[i] = lay.outer + lay.unit + meta[i]
		}
		if len(lines) > 0 {
			meta = append(meta, "")
		}
		lines = append(meta, lines...)
	}
	head := lay.outer + `resource "` + c.Type + `" "` + c.Name + `" {`
	if len(lines) == 0 {
		lines = []string{head + "}"}
	} else {
		lines = append(append([]string{head}, lines...), lay.outer+"}")
	}
	at := e.afterConstruct(t.Block.CloseBraceRange.End.Byte)
	text := lay.eol + lay.eol + strings.Join(lines, lay.eol)
	if next := e.nextLine(at); next < len(e.file.Bytes) && !e.blankLine(next) {
		text += lay.eol
	}
	return source.Edit{Range: source.Range{File: t.File.Path, Start: at, End: at}, Text: text}, nil
}

// Block returns the block of a body that starts at an offset, or nil.
func Block(body *hclsyntax.Body, start int) *hclsyntax.Block {
	for _, b := range body.Blocks {
		if b.TypeRange.Start.Byte == start {
			return b
		}
	}
	return nil
}
