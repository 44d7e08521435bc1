package document

import (
	"bytes"
	"errors"
	"strings"

	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Append writes a mapping as one more YAML document at the end of the file, in the style of the file. A file of JSON has no room for one.
func (d *Document) Append(v value.Value) (source.Edit, error) {
	switch {
	case d.JSON:
		return source.Edit{}, errors.New("a file of JSON holds one document")
	case v.Kind != value.Object || !v.IsWhollyKnown():
		return source.Edit{}, errors.New("a value that is not known cannot be written")
	}
	e := &editor{doc: d}
	e.learn()
	w := &writer{habits: e.style, quote: Plain, keys: Plain}
	text := d.File.Bytes
	var b strings.Builder
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		b.WriteString(e.style.eol)
	}
	if last := bytes.TrimRight(text, " \t\r\n"); !bytes.HasSuffix(last, []byte("\n---")) && !bytes.Equal(withoutMark(last), []byte("---")) && len(withoutMark(last)) > 0 {
		b.WriteString("---" + e.style.eol)
	}
	b.WriteString(strings.TrimRight(strings.TrimLeft(w.block(&v, ""), "\r\n"), "\r\n") + e.style.eol)
	edit := source.Edit{Range: source.Range{File: d.File.Path, Start: len(text), End: len(text)}, Text: b.String()}
	whole, err := source.Apply(text, []source.Edit{edit})
	if err != nil {
		return source.Edit{}, err
	}
	again, problems := Parse(&source.File{Path: d.File.Path, Bytes: whole}, proofLimits)
	if len(problems) > 0 || len(again.Roots) != len(d.Roots)+1 {
		return source.Edit{}, errAround
	}
	have, want := e.shape(again.Roots[len(d.Roots)], nil), normal(v)
	if !have.Equal(&want) {
		return source.Edit{}, errAround
	}
	return edit, nil
}
