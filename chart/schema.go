package chart

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"plumbline.dev/plumbline/source"
)

// Violations holds the values of a chart, and of all that it depends on, against their schemas.
func (c *Chart) Violations(values Values) []source.Problem {
	var out []source.Problem
	if c.Schema != nil {
		if err := c.validate(values); err != nil {
			at := c.Schema
			if c.ValuesFile != nil {
				at = c.ValuesFile
			}
			out = append(out, source.Problem{Kind: source.Invalid, Range: at.Place(0, 0), Message: err.Error()})
		}
	}
	for _, d := range c.Dependencies {
		switch v := values[d.Name()].(type) {
		case map[string]any:
			out = append(out, d.Violations(v)...)
		case nil:
		default:
			out = append(out, source.Problem{Kind: source.Invalid, Range: c.Definition.Place(0, 0), Message: fmt.Sprintf("the values of %s are no table", d.Name())})
		}
	}
	return out
}

// nothing refuses schemas that are somewhere else: none is fetched, and no file is read.
type nothing struct{}

func (nothing) Load(string) (any, error) { return nil, errElsewhere }

var errElsewhere = errors.New("the schema is not in the chart")

func (c *Chart) validate(values Values) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the schema of the values cannot be used: %v", p)
		}
	}()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.Schema.Data))
	if err != nil {
		return fmt.Errorf("values.schema.json is no JSON: %s", firstLine(err))
	}
	// The definitions themselves are counted too: what is never referred to costs little.
	if w := (&weigher{document: doc, known: map[string]int{}}); w.of(doc) > mostSchema {
		return fmt.Errorf("values.schema.json is not used: with its references followed it has more than %d parts", mostSchema)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(nothing{})
	const name = "file:///values.schema.json"
	if err := compiler.AddResource(name, doc); err != nil {
		return fmt.Errorf("values.schema.json cannot be used: %s", firstLine(err))
	}
	schema, err := compiler.Compile(name)
	if errors.Is(err, errElsewhere) {
		return nil // what is elsewhere cannot be held against
	}
	if err != nil {
		return fmt.Errorf("values.schema.json cannot be used: %s", firstLine(err))
	}
	err = schema.Validate(values.AsMap())
	var v *jsonschema.ValidationError
	if errors.As(err, &v) {
		for len(v.Causes) > 0 {
			v = v.Causes[0]
		}
		at := "the values"
		if len(v.InstanceLocation) > 0 {
			at = strings.Join(v.InstanceLocation, ".")
		}
		what := strings.TrimSpace(v.Error())
		if _, rest, ok := strings.Cut(what, "': "); ok {
			what = rest
		}
		return fmt.Errorf("the values break values.schema.json: %s: %s", at, what)
	}
	return err
}
