package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The database of npm @aws-cdk/aws-service-spec, as much of it as is needed.
type serviceSpec struct {
	Schema struct {
		Resource struct {
			Entities []struct {
				Type       string                  `json:"cloudFormationType"`
				Properties map[string]specProperty `json:"properties"`
				Attributes map[string]specProperty `json:"attributes"`
			} `json:"entities"`
		} `json:"resource"`
		TypeDefinition struct {
			Entities []specDefinition `json:"entities"`
		} `json:"typeDefinition"`
	} `json:"schema"`
}

type specDefinition struct {
	ID         string                  `json:"$id"`
	Name       string                  `json:"name"`
	Properties map[string]specProperty `json:"properties"`
}

type specProperty struct {
	Type specType `json:"type"`
}

type specType struct {
	Type          string     `json:"type"`
	Element       *specType  `json:"element"`
	Types         []specType `json:"types"`
	AllowedValues []any      `json:"allowedValues"`
	Reference     struct {
		ID string `json:"$ref"`
	} `json:"reference"`
}

// cloudformationTypes reads db.json.gz.
func cloudformationTypes(r io.Reader) (published, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	var spec serviceSpec
	if err := json.NewDecoder(z).Decode(&spec); err != nil {
		return nil, err
	}
	c := converter{definitions: make(map[string]specDefinition), out: published{}}
	for _, d := range spec.Schema.TypeDefinition.Entities {
		c.definitions[d.ID] = d
	}
	for _, t := range spec.Schema.Resource.Entities {
		c.typ, c.names = t.Type, map[string]string{}
		m := members{}
		c.out[t.Type] = m
		for name, p := range t.Properties {
			m[name] = c.text(p.Type)
		}
		for name, p := range t.Attributes {
			m["@"+name] = c.text(p.Type)
		}
	}
	return c.out, nil
}

// converter writes the properties of one resource type after another.
type converter struct {
	definitions map[string]specDefinition
	out         published
	typ         string
	names       map[string]string // of this resource type: which definition has the name
}

func (c *converter) text(t specType) string {
	switch t.Type {
	case "array":
		return "[" + c.text(*t.Element) + "]"
	case "map":
		return "{" + c.text(*t.Element) + "}"
	case "ref":
		return "#" + c.definition(c.definitions[t.Reference.ID])
	case "tag":
		return "#" + c.definition(specDefinition{ID: "tag", Name: "Tag", Properties: map[string]specProperty{
			"Key": {specType{Type: "string"}}, "Value": {specType{Type: "string"}},
		}})
	case "union":
		var sides []string
		for _, side := range t.Types {
			if s := c.text(side); !slices.Contains(sides, s) {
				sides = append(sides, s)
			}
		}
		return strings.Join(sides, "/")
	case "integer":
		return "number"
	case "date-time":
		return "string"
	}
	var allowed []string
	for _, w := range t.AllowedValues {
		allowed = append(allowed, fmt.Sprint(w))
	}
	return words(t.Type, allowed)
}

// definition writes an object once for each resource type and returns its name.
func (c *converter) definition(d specDefinition) string {
	name := d.Name
	for c.names[name] != "" && c.names[name] != d.ID {
		name += "_"
	}
	if c.names[name] == "" {
		c.names[name] = d.ID
		m := members{}
		c.out[c.typ+"#"+name] = m
		for property, p := range d.Properties {
			m[property] = c.text(p.Type)
		}
	}
	return name
}
