package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// attributes are the members of a type or a block.
type attributes map[string]attribute

// attribute is [flags, type] or [flags, type, {nested attributes}] in JSON.
type attribute struct {
	flags, typ string
	nested     attributes
}

func (a *attribute) UnmarshalJSON(text []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return err
	}
	targets := []any{&a.flags, &a.typ, &a.nested}
	if len(parts) < 2 || len(parts) > len(targets) {
		return fmt.Errorf("attribute of %d parts: %s", len(parts), text)
	}
	for i, p := range parts {
		if err := json.Unmarshal(p, targets[i]); err != nil {
			return err
		}
	}
	return nil
}

var (
	flagLetters  = map[string]string{"r": "r", "o": "o", "c": "c", "oc": "b"}
	plainLetters = map[string]string{"string": "s", "number": "n", "bool": "b", "any": "a", "map": "ma"}
	nestLetters  = map[string]string{"list1": "1", "set1": "1", "list": "L", "set": "T", "single": "S"}
	ofLetters    = map[string]string{"list(": "l", "set(": "t", "map(": "m"}
)

// encode writes the table that package schema reads; the grammar is in its decode.go.
func encode(types map[string]attributes) ([]byte, error) {
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(types)) {
		text, err := types[name].encode()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(&out, "%s\t%s\n", name, text)
	}
	return out.Bytes(), nil
}

func (as attributes) encode() (string, error) {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(as)) {
		text, err := as[name].encode()
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		parts = append(parts, name+"="+text)
	}
	return strings.Join(parts, ","), nil
}

func (a attribute) encode() (string, error) {
	letter, ok := flagLetters[a.flags]
	if !ok {
		return "", fmt.Errorf("unknown flags %q", a.flags)
	}
	if nest, ok := nestLetters[a.typ]; ok {
		inner, err := a.nested.encode()
		return letter + nest + "{" + inner + "}", err
	}
	typ, err := plain(a.typ)
	return letter + typ, err
}

func plain(typ string) (string, error) {
	if letter, ok := plainLetters[typ]; ok {
		return letter, nil
	}
	for prefix, letter := range ofLetters {
		if elem, ok := strings.CutPrefix(typ, prefix); ok && strings.HasSuffix(elem, ")") {
			inner, err := plain(strings.TrimSuffix(elem, ")"))
			return letter + inner, err
		}
	}
	return "", fmt.Errorf("unknown type %q", typ)
}
