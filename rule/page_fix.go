package rule

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// fix reads the list of wishes:
//
//	fix:
//	  - set: {metadata_options.http_tokens: required}
//	  - remove: [acl]
//	  - add: {logging_config: {bucket: "${this.id}"}}
//	  - create: {aws_s3_bucket_public_access_block: {bucket: "${this.id}", block_public_acls: true}}
func (p *page) fix(node *yaml.Node) {
	if node.Kind != yaml.SequenceNode {
		p.problem(node.Line+1, "fix must be a list, like [{set: {encrypted: true}}]")
		return
	}
	for _, item := range node.Content {
		if item.Kind != yaml.MappingNode || len(item.Content) != 2 {
			p.problem(item.Line+1, "a wish must have one of set, remove, add and create")
			continue
		}
		verb, what := item.Content[0], item.Content[1]
		switch op := resource.ChangeOp(verb.Value); op {
		case resource.Remove:
			for _, s := range p.texts(verb, what) {
				p.wish(resource.Change{Op: op, Path: p.path(what, s)})
			}
		case resource.Set, resource.Add, resource.Create:
			if what.Kind != yaml.MappingNode || len(what.Content) == 0 {
				p.problem(what.Line+1, "%s must map names to values", op)
				continue
			}
			for i := 0; i+1 < len(what.Content); i += 2 {
				p.assignment(op, what.Content[i], p.value(what.Content[i+1]))
			}
		default:
			p.problem(verb.Line+1, "unknown wish %q%s", verb.Value, suggest(verb.Value, []string{"set", "remove", "add", "create"}))
		}
	}
}

func (p *page) wish(c resource.Change) {
	if c.Path != nil || c.Op == resource.Create {
		p.rule.Fix = append(p.rule.Fix, c)
	}
}

func (p *page) assignment(op resource.ChangeOp, key *yaml.Node, v value.Value) {
	if op != resource.Set && v.Kind != value.Object {
		p.problem(key.Line+1, "%s of %s must map its attributes to values", op, key.Value)
		return
	}
	if op == resource.Create {
		p.wish(resource.Change{Op: op, New: &resource.Companion{Type: key.Value, Body: v}})
		return
	}
	p.wish(resource.Change{Op: op, Path: p.path(key, key.Value), Value: v})
}

func (p *page) path(node *yaml.Node, s string) value.Path {
	at, ok := value.ParsePath(s)
	if !ok || len(at) == 0 {
		p.problem(node.Line+1, "%q is not a path of attributes, like block.attribute", s)
		return nil
	}
	return at
}

// value reads a wished value. Its range is zero: nobody wrote it in the tree.
func (p *page) value(node *yaml.Node) value.Value {
	switch node.Kind {
	case yaml.SequenceNode:
		list := value.Value{Kind: value.List}
		for _, item := range node.Content {
			list.Items = append(list.Items, p.value(item))
		}
		return list
	case yaml.MappingNode:
		object := value.Value{Kind: value.Object}
		for i := 0; i+1 < len(node.Content); i += 2 {
			object.Fields = append(object.Fields, value.Field{Name: node.Content[i].Value, Value: p.value(node.Content[i+1])})
		}
		slices.SortStableFunc(object.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
		return object
	case yaml.ScalarNode:
		switch node.Tag {
		case "!!bool":
			var b bool
			if node.Decode(&b) == nil {
				return value.Value{Kind: value.Bool, Bool: b}
			}
		case "!!int", "!!float":
			var f float64
			if node.Decode(&f) == nil {
				v := value.Value{Kind: value.Number, Number: f}
				if strconv.FormatFloat(f, 'f', -1, 64) != node.Value {
					v.Text = node.Value
				}
				return v
			}
		case "!!null":
			return value.Value{Kind: value.Null}
		}
		return value.Value{Kind: value.String, Text: node.Value}
	}
	p.problem(node.Line+1, "this is not a value; aliases cannot be used in a page") // they may go in circles
	return value.Value{}
}
