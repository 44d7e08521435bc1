package function

import (
	"errors"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v3"
)

// json refuses documents that nest too deeply or hold too much, before a recursive decoder sees them.
func (l limits) json(args []cty.Value) error {
	s := text(args[0])
	depth, commas, digits := 0, 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return errDepth
			}
		case c == ']' || c == '}':
			depth--
		case c == ',':
			commas++
		case c >= '0' && c <= '9':
			if digits++; digits > maxDigits {
				return fmt.Errorf("number of more than %d digits", maxDigits)
			}
			continue
		case c == 'e' || c == 'E':
			if digits > 0 && longExponent(s[i+1:]) {
				return errors.New("number is too large or too small")
			}
		}
		digits = 0
	}
	if commas > l.elements {
		return tooMany(l.elements)
	}
	return nil
}

// longExponent reports whether s starts with an exponent of more than four digits.
func longExponent(s string) bool {
	s = strings.TrimLeft(s, "+-")
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return len(strings.TrimLeft(s[:n], "0")) > 4
}

// yaml refuses documents that nest too deeply or hold too much when their aliases are followed. It looks at the nodes of
// another parser of YAML, which does not follow aliases.
func (l limits) yaml(args []cty.Value) error {
	s := text(args[0])
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(s), &doc); err != nil {
		// The two parsers may differ about odd corners. What cannot be measured goes on only when it is too simple to harm.
		if len(s) > 1<<10 || strings.Contains(s, "*") {
			return err
		}
		return nil
	}
	y := yamlSize{done: map[*yaml.Node]size{}, most: l.elements}
	_, err := y.measure(&doc)
	return err
}

type size struct{ nodes, depth int }

type yamlSize struct {
	done map[*yaml.Node]size
	most int
}

// measure returns the size of n with aliases followed. An alias inside its own anchor is left to the decoder to refuse.
func (y *yamlSize) measure(n *yaml.Node) (size, error) {
	if s, ok := y.done[n]; ok {
		return s, nil
	}
	y.done[n] = size{nodes: 1} // for cycles
	s := size{nodes: 1}
	children := n.Content
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		children = []*yaml.Node{n.Alias}
	}
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		if len(n.Value) > maxDigits && strings.Trim(n.Value, "0123456789+-.:_xXoOabcdefABCDEF") == "" {
			return s, fmt.Errorf("number of more than %d digits", maxDigits)
		}
		if i := strings.IndexAny(n.Value, "eE"); i > 0 && n.Value[i-1] >= '0' && n.Value[i-1] <= '9' && longExponent(n.Value[i+1:]) {
			return s, errors.New("number is too large or too small")
		}
	}
	for _, c := range children {
		m, err := y.measure(c)
		if err != nil {
			return s, err
		}
		s.nodes += m.nodes
		s.depth = max(s.depth, m.depth+1)
		if s.nodes > y.most {
			return s, tooMany(y.most)
		}
	}
	if s.depth > maxDepth {
		return s, errDepth
	}
	y.done[n] = s
	return s, nil
}
