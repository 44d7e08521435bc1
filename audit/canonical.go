package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
)

// maxDepth bounds how deep data may be nested.
const maxDepth = 32

// Canonical gives the one encoding of a value that encoding/json can write: no space, keys sorted by their bytes, strings with
// the shortest escapes, whole numbers in digits, others in the shortest form that reads back as the same float64. nil is {}.
// It errs on numbers beyond int64 and float64, on keys that occur twice, and on nesting over 32 levels.
func Canonical(v any) (json.RawMessage, error) {
	if v == nil {
		return json.RawMessage("{}"), nil
	}
	text, ok := v.(json.RawMessage)
	if !ok {
		var err error
		if text, err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("audit data: %w", err)
		}
	}
	if len(text) == 0 {
		return json.RawMessage("{}"), nil
	}
	if len(text) > 4*MaxRecord {
		return nil, fmt.Errorf("audit data: %d bytes are more than a record may have", len(text))
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	b, err := appendValue(make([]byte, 0, len(text)), dec, 0)
	if err != nil {
		return nil, fmt.Errorf("audit data: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("audit data: something follows the value")
	}
	return b, nil
}

func appendValue(b []byte, dec *json.Decoder, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, errors.New("it is nested too deep")
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, t), nil
	case string:
		return appendString(b, t), nil
	case json.Number:
		return appendNumber(b, t)
	case json.Delim:
		if t == '[' {
			return appendArray(b, dec, depth)
		}
		return appendObject(b, dec, depth)
	}
	return nil, fmt.Errorf("%v is no JSON", tok)
}

func appendArray(b []byte, dec *json.Decoder, depth int) ([]byte, error) {
	b = append(b, '[')
	for first := true; dec.More(); first = false {
		if !first {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(b, dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return append(b, ']'), err
}

func appendObject(b []byte, dec *json.Decoder, depth int) ([]byte, error) {
	values := map[string][]byte{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := tok.(string) // a key is a string, or the decoder had erred
		if _, twice := values[key]; twice {
			return nil, fmt.Errorf("the key %.40q occurs twice", key)
		}
		if values[key], err = appendValue(nil, dec, depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, key)
		b = append(b, ':')
		b = append(b, values[key]...)
	}
	return append(b, '}'), nil
}

func appendNumber(b []byte, n json.Number) ([]byte, error) {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return strconv.AppendInt(b, i, 10), nil
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, fmt.Errorf("the number %.40q is out of range", string(n))
	}
	if f == 0 {
		return append(b, '0'), nil
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.AppendInt(b, int64(f), 10), nil
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64), nil
}
