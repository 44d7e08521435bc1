package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"plumbline.dev/plumbline/store"
)

// Rules of the files upload_*.go: what is uploaded is hostile. It is read as a stream, one result at a time, and everything has a
// bound: bytes as they come, bytes unfolded, bytes of one value, depth, results. What is refused is refused as a whole, so that
// half a report never makes the other half look fixed.

const (
	maxUpload     = 10 << 20  // bytes of a request
	maxUnfolded   = 512 << 20 // bytes of its text
	maxRatio      = 100       // unfolded bytes for one
	maxValue      = 4 << 20   // bytes of one result, rule or other value
	maxDepth      = 64
	maxResults    = 25_000
	maxProblems   = 10_000
	maxMessage    = 2_000  // characters of a message that are kept
	maxIdentifier = 300    // characters of a rule id, an address, a name
	maxDetail     = 64_000 // bytes of a finding's details
)

// unfold opens an upload, compressed or not.
func unfold(body []byte) (*meter, error) {
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return &meter{r: bytes.NewReader(body), total: int64(len(body))}, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, store.Refuse(store.Invalid, "The upload begins like gzip but is none.")
	}
	return &meter{r: z, total: min(maxUnfolded, int64(len(body))*maxRatio)}, nil
}

// meter counts what is read, as a whole and of one value.
type meter struct {
	r     io.Reader
	total int64 // bytes left
	value int64 // bytes since mark
}

var (
	errUnfolded = store.Refuse(store.Invalid, "The upload unfolds to more than a hundred times its size or 512 MiB.")
	errValue    = store.Refuse(store.Invalid, "One value of the upload has more than 4 MiB.")
)

func (m *meter) Read(p []byte) (int, error) {
	switch {
	case m.total <= 0:
		var one [1]byte // the text may end exactly here
		if n, err := m.r.Read(one[:]); n == 0 && err != nil {
			return 0, err
		}
		return 0, errUnfolded
	case m.value > maxValue:
		return 0, errValue
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.total, maxValue+1-m.value)])
	m.total -= int64(n)
	m.value += int64(n)
	return n, err
}

// stream is a JSON text that is read value by value.
type stream struct {
	*json.Decoder
	meter *meter
}

func newStream(m *meter) *stream { return &stream{json.NewDecoder(m), m} }

// mistake makes a refusal of what the decoder says.
func mistake(err error) error {
	if fault, ok := errors.AsType[*store.Fault](err); ok {
		return fault
	}
	return store.Refuse(store.Invalid, "The upload is not the JSON that it should be: %s.", clip(err.Error()))
}

// next reads a token; the next value has its bytes before it.
func (s *stream) next() (json.Token, error) {
	s.meter.value = 0
	t, err := s.Token()
	if err != nil {
		return nil, mistake(err)
	}
	return t, nil
}

// object reads the members of an object that begins here. Each value is read by member.
func (s *stream) object(member func(name string) error) error {
	t, err := s.next()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return store.Refuse(store.Invalid, "The upload has %s where an object should be.", clip(fmt.Sprint(t)))
	}
	for s.More() {
		t, err := s.next()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if err := member(name); err != nil {
			return err
		}
	}
	_, err = s.next()
	return err
}

// array reads the items of an array that begins here; null is an empty one.
func (s *stream) array(item func() error) error {
	t, err := s.next()
	if err != nil || t == nil {
		return err
	}
	if t != json.Delim('[') {
		return store.Refuse(store.Invalid, "The upload has %s where a list should be.", clip(fmt.Sprint(t)))
	}
	for s.More() {
		if err := item(); err != nil {
			return err
		}
	}
	_, err = s.next()
	return err
}

// value reads one value into v.
func (s *stream) value(v any) error {
	s.meter.value = 0
	if err := s.Decode(v); err != nil {
		return mistake(err)
	}
	return nil
}

// skip reads over a value.
func (s *stream) skip() error {
	depth := 0
	for {
		t, err := s.next()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxDepth {
				return store.Refuse(store.Invalid, "The upload is nested more than %d levels deep.", maxDepth)
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// end refuses what follows the text.
func (s *stream) end() error {
	if _, err := s.Token(); !errors.Is(err, io.EOF) {
		if fault, ok := errors.AsType[*store.Fault](err); ok {
			return fault
		}
		return store.Refuse(store.Invalid, "The upload has more than one JSON text.")
	}
	return nil
}

// cut shortens a text to a number of characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + "…"
		}
		n++
	}
	return text
}
