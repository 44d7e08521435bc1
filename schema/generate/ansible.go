package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// collections are those whose modules are read.
var collections = []string{"amazon.aws", "community.aws", "azure.azcollection", "google.cloud"}

// option is an option of a module, as its documentation describes it.
type option struct {
	Type       string            `yaml:"type"`
	Elements   string            `yaml:"elements"`
	Choices    yaml.Node         `yaml:"choices"`
	Aliases    []string          `yaml:"aliases"`
	Suboptions map[string]option `yaml:"suboptions"`
}

type documentation struct {
	Options   map[string]option `yaml:"options"`
	Fragments yaml.Node         `yaml:"extends_documentation_fragment"`
}

// returned is a value that a module returns.
type returned struct {
	Contains map[string]returned `yaml:"contains"`
}

// ansibleTypes reads the wheel of PyPI's ansible: the documentation that stands in every module.
func ansibleTypes(r io.Reader) (published, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	wheel, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, err
	}
	files := make(map[string]*zip.File)
	for _, f := range wheel.File {
		files[f.Name] = f
	}
	m := modules{files: files, out: published{}}
	for _, collection := range collections {
		folder := "ansible_collections/" + strings.ReplaceAll(collection, ".", "/") + "/plugins/modules/"
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if file, ok := strings.CutPrefix(name, folder); ok && path.Ext(file) == ".py" && file != "__init__.py" {
				if err := m.add(collection+"."+strings.TrimSuffix(file, ".py"), name); err != nil {
					return nil, fmt.Errorf("%s: %w", name, err)
				}
			}
		}
	}
	return m.out, nil
}

// undocumented are the options that modules read, as their code or their examples show, and that their documentation leaves out
// or has one level too deep: by module, and by the option that they are in.
var undocumented = map[string]map[string]members{
	"community.aws.cloudfront_distribution": {
		"#default_cache_behavior": behavior("default_cache_behavior"),
		"#cache_behaviors":        behavior("cache_behaviors"),
	},
	// Lists and dictionaries that go to the service as they are.
	"amazon.aws.elb_application_lb":    {"#listeners.DefaultActions": {"RedirectConfig": "{any}"}},
	"community.aws.codebuild_project":  {"#artifacts": {"encryption_disabled": "boolean"}, "#environment": {"environment_variables": "[{any}]"}},
	"community.aws.codepipeline":       {"#artifact_store": {"encryption_key": "{any}"}},
	"community.aws.ecs_taskdefinition": {"#volumes": {"host": "{any}", "efsVolumeConfiguration": "{any}"}},
	"community.aws.wafv2_web_acl":      {"#rules": {"override_action": "{any}"}},
}

func behavior(at string) members {
	inner := "#" + at + ".forwarded_values."
	return members{"viewer_protocol_policy": "string", "field_level_encryption_id": "string", "compress": "boolean", "smooth_streaming": "boolean",
		"default_ttl": "number", "max_ttl": "number", "min_ttl": "number", "allowed_methods": inner + "allowed_methods",
		"trusted_signers": inner + "trusted_signers", "lambda_function_associations": "[" + inner + "lambda_function_associations]"}
}

type modules struct {
	files map[string]*zip.File
	out   published
}

func (m *modules) add(typ, file string) error {
	var doc documentation
	if found, err := m.variable(file, "DOCUMENTATION", &doc); err != nil || !found {
		return err // files without documentation are no modules
	}
	options := map[string]option{}
	var fragments []string
	if doc.Fragments.Kind == yaml.ScalarNode {
		fragments = []string{doc.Fragments.Value}
	} else if err := doc.Fragments.Decode(&fragments); err != nil && !doc.Fragments.IsZero() {
		return err
	}
	for _, fragment := range fragments {
		if err := m.fragment(fragment, options); err != nil {
			return err
		}
	}
	maps.Copy(options, doc.Options)
	m.members(typ, "", options)
	for inner, more := range undocumented[typ] {
		maps.Copy(m.out[typ+inner], more)
	}
	var values map[string]returned
	if _, err := m.variable(file, "RETURN", &values); err != nil {
		return nil // what modules return is not always written with care, and nothing depends on all of it
	}
	m.outputs(m.out[typ], "@", values)
	return nil
}

// fragment adds the options of a shared piece of documentation: amazon.aws.common.modules is MODULES in common.py.
func (m *modules) fragment(name string, into map[string]option) error {
	parts := strings.Split(strings.TrimSpace(name), ".")
	if len(parts) < 3 {
		return nil // of Ansible itself: about how modules run
	}
	variable := "DOCUMENTATION"
	if len(parts) > 3 {
		variable = strings.ToUpper(parts[3])
	}
	var doc documentation
	file := "ansible_collections/" + parts[0] + "/" + parts[1] + "/plugins/doc_fragments/" + parts[2] + ".py"
	found, err := m.variable(file, variable, &doc)
	if err == nil && !found && variable != "DOCUMENTATION" {
		_, err = m.variable(file, "DOCUMENTATION", &doc) // a class may give it the other name when it is made
	}
	if err != nil {
		return err
	}
	maps.Copy(into, doc.Options)
	return nil
}

// variable decodes the YAML text that a Python file keeps in a variable.
func (m *modules) variable(file, name string, into any) (found bool, err error) {
	f := m.files[file]
	if f == nil {
		return false, nil
	}
	r, err := f.Open()
	if err != nil {
		return false, err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return false, err
	}
	for _, quote := range []string{`"""`, `'''`} {
		match := regexp.MustCompile(`(?s)\b` + name + `\s*=\s*r?` + quote + `(.*?)` + quote).FindSubmatch(text)
		if match != nil {
			return true, yaml.Unmarshal(match[1], into)
		}
	}
	return false, nil
}

// members writes the options of a module, or of an option that has some of its own.
func (m *modules) members(typ, inner string, options map[string]option) {
	name := typ
	if inner != "" {
		name += "#" + inner
	}
	out := members{}
	m.out[name] = out
	for key, o := range options {
		at := strings.TrimPrefix(inner+"."+key, ".")
		text := m.text(typ, at, o)
		out[key] = text
		for _, alias := range o.Aliases {
			out[alias] = text
		}
	}
}

var plainTypes = map[string]string{"": "string", "str": "string", "path": "string", "bool": "boolean", "int": "number", "float": "number",
	"json": "json/string", "jsonarg": "json/string", "raw": "any", "any": "any", "dict": "{any}", "sid": "string", "bytes": "string"}

func (m *modules) text(typ, at string, o option) string {
	if len(o.Suboptions) > 0 {
		m.members(typ, at, o.Suboptions)
		if o.Type == "list" {
			return "[#" + at + "]"
		}
		return "#" + at
	}
	if o.Type == "list" {
		return "[" + m.text(typ, at, option{Type: o.Elements, Choices: o.Choices}) + "]"
	}
	text, ok := plainTypes[o.Type]
	if !ok {
		text = "any"
	}
	var choices []string
	switch o.Choices.Kind {
	case yaml.SequenceNode:
		for _, c := range o.Choices.Content {
			choices = append(choices, c.Value)
		}
	case yaml.MappingNode:
		for i := 0; i < len(o.Choices.Content); i += 2 {
			choices = append(choices, o.Choices.Content[i].Value)
		}
	}
	if text == "string" || text == "number" {
		return words(text, choices)
	}
	return text
}

func (m *modules) outputs(into members, at string, values map[string]returned) {
	for name, v := range values {
		into[at+name] = "any"
		m.outputs(into, at+name+".", v.Contains)
	}
}
