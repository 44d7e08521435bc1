package schema

import (
	_ "embed" // see table.go
	"strings"
)

//go:embed data/links.tsv
var links string

// Link says that an attribute names another resource: the bucket of aws_s3_bucket_public_access_block is the id of an
// aws_s3_bucket. It joins what belongs together when no reference was written: bucket = "logs".
type Link struct {
	Attribute        string   // names joined by dots, through blocks of any nesting: network_interface.subnet_id
	Target           string   // the type that it names
	TargetAttributes []string // the attributes of the target any of which it may hold
}

// Links returns the links of a type in order of attribute. An attribute that may name several types has several. The result
// is shared, never to be changed.
func (s *Set) Links(typ string) []Link {
	s.mu.RLock()
	out, ok := s.links[typ]
	s.mu.RUnlock()
	if ok {
		return out
	}
	for key, text := range table(links).rows(typ) {
		attribute, text, _ := strings.Cut(text, "\t")
		target, attributes, _ := strings.Cut(text, "\t")
		out = append(out, Link{Attribute: attribute, Target: target, TargetAttributes: strings.Split(attributes, ",")})
		typ = key // the table's copy: the map must not hold on to the caller's text
	}
	if out == nil && s.Resource(typ) == nil {
		return nil // not remembered: names come from input, and there is no end to them
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[typ] = out
	return out
}

// Link returns the link of an attribute; the first when it may name several types.
func (s *Set) Link(typ, attribute string) (Link, bool) {
	for _, l := range s.Links(typ) {
		if l.Attribute == attribute {
			return l, true
		}
	}
	return Link{}, false
}
