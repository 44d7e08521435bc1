package cloudformation

import (
	"slices"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/value"
)

// Whether a boolean or a number is written as a text is no matter to CloudFormation and one to people.

// inQuotes reports whether a node is a scalar in quotes. CloudFormation takes 'true' for true: who writes the one shall not find
// the other.
func inQuotes(n *document.Node) bool {
	return n != nil && n.Kind == document.Scalar && n.Tag == "" && (n.Style == document.Single || n.Style == document.Double)
}

// paired writes the values of lists of Key and Value as texts, which they are in every type that has such a list.
func paired(v value.Value) value.Value {
	switch v.Kind {
	case value.List:
		v.Items = slices.Clone(v.Items)
		for i := range v.Items {
			v.Items[i] = paired(v.Items[i])
		}
	case value.Object:
		v.Fields = slices.Clone(v.Fields)
		pair := len(v.Fields) == 2 && v.Field("Key").Kind == value.String
		for i := range v.Fields {
			f := &v.Fields[i]
			if f.Value = paired(f.Value); pair && f.Name == "Value" {
				f.Value = worded(f.Value)
			}
		}
	}
	return v
}

// worded writes a number or a boolean as a text.
func worded(v value.Value) value.Value {
	if v.Kind != value.Bool && v.Kind != value.Number {
		return v
	}
	s, _ := v.Word()
	return text(s)
}
