package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Entry is one value of a settings text: a scalar, or a list as a whole.
type Entry struct {
	Path  []string // keys from the top: rules, aws-s3-unversioned
	Value string   // as YAML on one line
	Line  int      // from 1
}

// Key joins the path for people: rules.aws-s3-unversioned.
func (e Entry) Key() string { return strings.Join(e.Path, ".") }

// gathers are the lists that a settings text further down adds to; every other one it replaces.
var gathers = []string{"ignore", "paths.exclude"}

// Gathers tells whether a value stands beside that of the settings below it, and does not take its place.
func (e Entry) Gathers() bool { return slices.Contains(gathers, e.Key()) }

// Entries lists the values of a settings text in the order written. Mistakes in it are Load's to find; what cannot be read as YAML is
// an error here too.
func Entries(text []byte) ([]Entry, error) {
	root, err := mapping(text)
	if err != nil {
		return nil, err
	}
	var out []Entry
	var walk func(path []string, n *yaml.Node)
	walk = func(path []string, n *yaml.Node) {
		if n.Kind == yaml.MappingNode && len(n.Content) > 0 && len(path) < 6 {
			for i := 0; i+1 < len(n.Content); i += 2 {
				walk(append(slices.Clone(path), n.Content[i].Value), n.Content[i+1])
			}
			return
		}
		if isNull(n) || len(path) == 1 && path[0] == "version" {
			return
		}
		out = append(out, Entry{path, inline(n), n.Line})
	}
	if root != nil {
		walk(nil, root)
	}
	return out, nil
}

// inline writes a value on one line.
func inline(n *yaml.Node) string {
	c := withoutComments(n)
	text, err := yaml.Marshal(c)
	if err != nil {
		return n.Value
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// withoutComments copies a value without comments, in flow style.
func withoutComments(n *yaml.Node) *yaml.Node {
	c := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style &^ (yaml.LiteralStyle | yaml.FoldedStyle)}
	if n.Kind != yaml.ScalarNode {
		c.Style |= yaml.FlowStyle
	}
	for _, child := range n.Content {
		c.Content = append(c.Content, withoutComments(child))
	}
	return c
}

// mapping reads a settings text as far as YAML goes; nil for an empty one. Aliases are refused, as Load does.
func mapping(text []byte) (*yaml.Node, error) {
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("the settings are larger than %d bytes", maxFileBytes)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("read settings as YAML: %w", err)
	}
	if doc.Kind == 0 || len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return nil, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: settings are keys with values", root.Line)
	}
	if hasAlias(root) {
		return nil, fmt.Errorf("settings have no YAML aliases: write the value out")
	}
	return root, nil
}

func hasAlias(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAlias)
}

// Overlay lays one settings text over another and returns a text that means both: values of above win, maps are merged key by key,
// and ignore and paths.exclude are gathered. Either may be empty.
func Overlay(below, above []byte) ([]byte, error) {
	b, err := mapping(below)
	if err != nil {
		return nil, err
	}
	a, err := mapping(above)
	switch {
	case err != nil:
		return nil, err
	case b == nil:
		return above, nil
	case a == nil:
		return below, nil
	}
	lay(b, a, nil)
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(b); err != nil {
		return nil, fmt.Errorf("write settings: %w", err)
	}
	return out.Bytes(), nil
}

func lay(below, above *yaml.Node, path []string) {
	for i := 0; i+1 < len(above.Content); i += 2 {
		key, value := above.Content[i], above.Content[i+1]
		if isNull(value) {
			continue
		}
		at := append(slices.Clone(path), key.Value)
		n := -1
		for j := 0; j+1 < len(below.Content); j += 2 {
			if below.Content[j].Value == key.Value {
				n = j + 1
			}
		}
		switch {
		case n < 0:
			below.Content = append(below.Content, key, value)
		case below.Content[n].Kind == yaml.MappingNode && value.Kind == yaml.MappingNode && len(at) < 6 && (Entry{Path: at}).Key() != "ignore":
			lay(below.Content[n], value, at)
		case (Entry{Path: at}).Gathers() && !isNull(below.Content[n]):
			below.Content[n] = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: slices.Concat(listed(below.Content[n]), listed(value))}
		default:
			below.Content[n] = value
		}
	}
}

// listed is a value as a list: one alone counts as a list of one.
func listed(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}
