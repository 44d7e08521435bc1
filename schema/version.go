package schema

import (
	_ "embed" // see table.go
	"slices"
	"strings"
)

// versions has the types and attributes that other versions of a provider have: enable_https_traffic_only, which version 4 of
// azurerm calls https_traffic_only_enabled. Code stays on an old version for years, and rules must see what it says.
//
//go:embed data/versions.txt
var versions string

// merge adds attributes to those of a type, also within blocks that both have. Where both have an attribute, the first one's
// flags and type stand. Both are sorted by name, and so is the result; neither is changed.
func merge(to, more []Attribute) []Attribute {
	out := slices.Clone(to)
	for _, a := range more {
		i, ok := slices.BinarySearchFunc(out, a.Name, func(a Attribute, n string) int { return strings.Compare(a.Name, n) })
		if !ok {
			out = slices.Insert(out, i, a)
		} else if out[i].Nesting != None {
			out[i].Attributes = merge(out[i].Attributes, a.Attributes)
		}
	}
	return out
}
