package cloudformation

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"weak"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// file is one file of the estate. What was parsed of it lives as long as somebody looks at it: an estate of thousands of
// templates must not hold all their trees at once.
type file struct {
	source  *source.File
	anchors bool // it may have anchors: without them nothing stands outside of its resource
	limits  dialect.Limits
	read    func(*file, *template)

	mu      sync.Mutex
	parsed  weak.Pointer[template]
	outline *outline // nil until somebody asks
}

// outline is what is remembered of a template when its tree is gone.
type outline struct {
	nested     []string        // paths of the templates that it nests
	parameters map[string]bool // its parameters, and whether they have a default
}

func newFile(f *source.File, limits dialect.Limits, read func(*file, *template)) *file {
	return &file{source: f, anchors: bytes.IndexByte(f.Bytes, '&') >= 0, limits: limits, read: read}
}

// template is a parsed template, taken apart. It is never changed once it was made.
type template struct {
	file       *file
	document   *document.Document
	parameters map[string]*parameter
	order      []string // of the parameters
	mappings   *document.Node
	conditions *document.Node
	resources  []*document.Node // one, or several in a file of the Serverless Framework
	outputs    []*document.Node
	globals    *document.Node
	transforms []string
	sam        bool // its Transform has SAM
	opaque     bool // something that is not at hand may add to it: a macro, an include
	problems   []source.Problem
	framework  *framework // of the Serverless Framework; nil in a template
}

// template returns the parsed file. What is wrong with it is in problems; the sections that could be read are there.
func (f *file) template() *template {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.parsed.Value(); t != nil {
		return t
	}
	t := &template{file: f, parameters: map[string]*parameter{}}
	t.document, t.problems = document.Parse(f.source, f.limits)
	if t.document == nil {
		t.document = &document.Document{File: f.source}
	}
	explainMarkup(f.source, t.problems)
	f.read(f, t)
	f.parsed = weak.Make(t)
	if f.outline == nil {
		f.outline = &outline{parameters: map[string]bool{}, nested: nestedIn(t)}
		for name, p := range t.parameters {
			f.outline.parameters[name] = p.fallback != nil
		}
	}
	return t
}

// outlined returns what the units are found by.
func (f *file) outlined() *outline {
	f.mu.Lock()
	o := f.outline
	f.mu.Unlock()
	if o != nil {
		return o
	}
	f.template()
	return f.outline
}

// mayNest reports whether the text can hold a nested stack.
func (f *file) mayNest() bool {
	return bytes.Contains(f.source.Bytes, []byte("AWS::CloudFormation::Stack")) || bytes.Contains(f.source.Bytes, []byte("AWS::Serverless::Application"))
}

// explainMarkup adds to what the parser says of a file that another program has to fill in first.
func explainMarkup(f *source.File, problems []source.Problem) {
	for _, mark := range [...]string{"{%", "{{-", "{{ "} {
		if !bytes.Contains(f.Bytes, []byte(mark)) {
			continue
		}
		for i := range problems {
			if problems[i].Kind == source.Invalid {
				problems[i].Message += "; the file holds " + strings.TrimSpace(mark) + " … marks of a template engine: scan what that makes of it"
			}
		}
		return
	}
}

// readTemplate takes a CloudFormation template apart.
func readTemplate(f *file, t *template) {
	if len(t.document.Roots) == 0 {
		return
	}
	root := t.document.Roots[0]
	if root.Kind != document.Mapping {
		t.problem(source.Invalid, root.Range, "a template is a mapping of sections")
		return
	}
	t.opaque = bytes.Contains(f.source.Bytes, []byte("Rain::")) // directives of another program that makes templates
	t.sections(root)
}

// sections notes the sections of a template.
func (t *template) sections(root *document.Node) {
	for i := range root.Members {
		m := &root.Members[i]
		section := m.Value
		switch m.Key.Text {
		case "Parameters":
			t.readParameters(section)
			continue
		case "Transform":
			t.readTransforms(section)
			continue
		case "Fn::Transform":
			t.opaque = true
			t.problem(source.Unresolved, m.Range, "Fn::Transform includes a part of the template that is not at hand")
			continue
		case "Mappings", "Conditions", "Resources", "Outputs", "Globals":
		default:
			continue // Metadata, Rules, Hooks, Description and the like say nothing about resources
		}
		if section.IsNull() {
			continue
		}
		if section.Kind != document.Mapping {
			t.problem(source.Invalid, m.Range, m.Key.Text+" is not a mapping")
			continue
		}
		switch m.Key.Text {
		case "Mappings":
			t.mappings = section
		case "Conditions":
			t.conditions = section
		case "Resources":
			t.resources = append(t.resources, section)
		case "Outputs":
			t.outputs = append(t.outputs, section)
		case "Globals":
			t.globals = section
		}
	}
}

// The transforms that are evaluated here; everything else is a macro that somebody wrote.
const (
	samTransform       = "AWS::Serverless-2016-10-31"
	extensionTransform = "AWS::LanguageExtensions"
)

func (t *template) readTransforms(n *document.Node) {
	names := []*document.Node{n}
	if n.Kind == document.Sequence {
		names = n.Items
	}
	for _, item := range names {
		name := item.Text
		if item.Kind == document.Mapping {
			name = nodeText(item.Get("Name"))
		}
		switch {
		case item.IsNull():
			continue
		case name == samTransform:
			t.sam = true
		case name == extensionTransform, strings.HasPrefix(name, "AWS::SecretsManager-"), strings.HasPrefix(name, "AWS::CodeDeployBlueGreen"):
		default:
			t.opaque = true
			t.problem(source.Unresolved, item.Range, fmt.Sprintf("the macro %s may change the template and is not at hand; the template was read as it is written", shown(name)))
		}
		t.transforms = append(t.transforms, name)
	}
}

func (t *template) problem(kind source.ProblemKind, r source.Range, message string) {
	if p := (source.Problem{Kind: kind, Range: r, Message: message}); !slices.Contains(t.problems, p) {
		t.problems = append(t.problems, p)
	}
}

// nodeText returns the text of a scalar, and "" of everything else.
func nodeText(n *document.Node) string {
	if n == nil || n.Kind != document.Scalar {
		return ""
	}
	return n.Text
}

// shown writes a name from a file for people.
func shown(name string) string {
	if len(name) > 80 {
		name = strings.ToValidUTF8(name[:80], "") + "…"
	}
	return fmt.Sprintf("%q", name)
}
