package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// packages are the npm packages that hold the typed bindings of each provider. They are generated from the provider's schema
// and keep the TypeScript they were compiled from in their source maps.
var packages = map[string]string{
	"aws":                 "@cdktf/provider-aws@21.22.1",
	"azurerm":             "@cdktf/provider-azurerm@14.23.1",
	"google":              "@cdktf/provider-google@16.12.1",
	"kubernetes-provider": "@cdktf/provider-kubernetes@12.1.1",
}

// download fetches a package with npm and returns the types of the provider.
func download(pkg string) (map[string]attributes, error) {
	folder, err := os.MkdirTemp("", "plumbline-schema-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	command := exec.Command("npm", "pack", "--silent", pkg)
	command.Dir, command.Stderr = folder, os.Stderr
	name, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("npm pack %s: %w", pkg, err)
	}
	return readPackage(filepath.Join(folder, strings.TrimSpace(string(name))))
}

// readPackage reads the types out of a downloaded package.
func readPackage(file string) (map[string]attributes, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	folders := make(map[string]classes) // one per resource: big ones have several files
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if path.Ext(h.Name) != ".js" || !strings.HasPrefix(h.Name, "package/lib/") {
			continue
		}
		text, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		source, err := typescript(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
		folder := strings.Split(h.Name, "/")[2]
		if folders[folder] == nil {
			folders[folder] = make(classes)
		}
		folders[folder].read(source)
	}
	out := make(map[string]attributes)
	for _, all := range folders {
		for _, c := range all {
			if c.resource != "" && !c.provider {
				out[c.resource] = all.attributes(c)
			}
		}
	}
	return out, nil
}

// typescript returns the source that a compiled file carries in its source map; empty when it carries none.
func typescript(text string) (string, error) {
	_, encoded, ok := strings.Cut(text, "sourceMappingURL=data:application/json;base64,")
	if !ok {
		return "", nil
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", err
	}
	var sources struct{ SourcesContent []string }
	if err := json.Unmarshal(decoded, &sources); err != nil {
		return "", err
	}
	return strings.Join(sources.SourcesContent, "\n"), nil
}

// classes are the classes of one resource by name: the resource itself, and one per block.
type classes map[string]*class

type class struct {
	resource string // Terraform's name, data sources with "data."; empty for blocks
	provider bool   // its configuration, which core.json has
	nesting  string // of blocks: list1, set1 or single
	members  []member
}

type member struct {
	name, flags string
	field       string // what follows "private _x": a type or a constructor; empty for computed attributes
	getter      string // what reads it
}

var (
	classLine   = regexp.MustCompile(`^export class (\w+) extends cdktf\.(\w+)`)
	typeLine    = regexp.MustCompile(`public static readonly tfResourceType = "(\w+)"`)
	memberLine  = regexp.MustCompile(`^  // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)`)
	fieldLine   = regexp.MustCompile(`^  private _\w+(\?: | = )(.*);`)
	getterLine  = regexp.MustCompile(`^    return (.*);`)
	superLine   = regexp.MustCompile(`^    super\(terraformResource, terraformAttribute(.*)\);`)
	constructor = regexp.MustCompile(`^new ([\w.]+)\(this, "\w+"(.*)\)`)
	readerCall  = regexp.MustCompile(`this\.(\w+)\(`)
)

func (cs classes) read(source string) {
	var c *class
	var m *member
	prefix := ""
	for line := range strings.Lines(source) {
		line = strings.TrimRight(line, "\r\n")
		if p := classLine.FindStringSubmatch(line); p != nil {
			c, m = &class{provider: p[2] == "TerraformProvider"}, nil
			cs[p[1]] = c
			prefix = ""
			if p[2] == "TerraformDataSource" {
				prefix = "data."
			}
			continue
		}
		if c == nil {
			continue
		}
		if p := typeLine.FindStringSubmatch(line); p != nil {
			c.resource = prefix + p[1]
		} else if p := superLine.FindStringSubmatch(line); p != nil {
			c.nesting = map[string]string{", false, 0": "list1", ", true, 0": "set1"}[p[1]]
			if c.nesting == "" {
				c.nesting = "single"
			}
		} else if p := memberLine.FindStringSubmatch(line); p != nil {
			flags := ""
			for i, flag := range []string{"c", "o", "r"} {
				if p[i+2] == "true" {
					flags += flag
				}
			}
			if flags == "co" {
				flags = "oc"
			}
			c.members = append(c.members, member{name: p[1], flags: flags})
			m = &c.members[len(c.members)-1]
		} else if p := fieldLine.FindStringSubmatch(line); p != nil && m != nil && m.field == "" && m.getter == "" {
			m.field = strings.TrimSpace(p[2])
		} else if p := getterLine.FindStringSubmatch(line); p != nil && m != nil && m.getter == "" {
			m.getter = p[1]
		}
	}
}

func (cs classes) attributes(c *class) attributes {
	out := make(attributes)
	for _, m := range c.members {
		out[m.name] = cs.attribute(m)
	}
	return out
}

// mapTypes and getters are the types that the bindings name or read as.
var (
	mapTypes = map[string]string{"cdktf.StringMap": "map(string)", "cdktf.NumberMap": "map(number)", "cdktf.BooleanMap": "map(bool)", "cdktf.AnyMap": "any"}
	getters  = map[string]string{
		"getStringAttribute": "string", "getNumberAttribute": "number", "getBooleanAttribute": "bool",
		"getListAttribute": "list(string)", "getNumberListAttribute": "list(number)",
		"getStringMapAttribute": "map(string)", "getNumberMapAttribute": "map(number)", "getBooleanMapAttribute": "map(bool)",
	}
)

func (cs classes) attribute(m member) attribute {
	if p := constructor.FindStringSubmatch(m.field); p != nil {
		if t, ok := mapTypes[p[1]]; ok {
			return attribute{flags: m.flags, typ: t}
		}
		if name, ok := strings.CutSuffix(p[1], "List"); ok && cs[name+"OutputReference"] != nil {
			nesting := "list"
			if p[2] == ", true" {
				nesting = "set"
			}
			return attribute{m.flags, nesting, cs.attributes(cs[name+"OutputReference"])}
		}
		if strings.HasSuffix(p[1], "Map") {
			return attribute{flags: m.flags, typ: "map"} // of objects: one attribute of one provider
		}
		if block := cs[p[1]]; block != nil && block.nesting != "" {
			return attribute{m.flags, block.nesting, cs.attributes(block)}
		}
		return attribute{flags: m.flags, typ: "any"}
	}
	typ := "any"
	if p := readerCall.FindStringSubmatch(m.getter); p != nil && getters[p[1]] != "" {
		typ = getters[p[1]]
	}
	if strings.Contains(m.getter, "cdktf.Fn.tolist(") {
		typ = strings.Replace(typ, "list(", "set(", 1)
	}
	return attribute{flags: m.flags, typ: typ}
}
