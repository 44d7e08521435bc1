package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"plumbline.dev/plumbline/schema"
)

// The source of the provider, as the Go module proxy has it: version 5.2.0, commit fae580791926.
const (
	azurermModule  = "github.com/hashicorp/terraform-provider-azurerm"
	azurermVersion = "v1.44.1-0.20260824201233-fae580791926"
	azurermBlob    = "https://github.com/hashicorp/terraform-provider-azurerm/blob/fae580791926/"
)

// azurermDefaults writes the defaults that the source of the azurerm provider declares, for the attributes that the schema
// table has. An attribute in a block has its default only where the block is written.
func azurermDefaults(output string) error {
	command := exec.Command("go", "mod", "download", "-json", azurermModule+"@"+azurermVersion)
	command.Dir = os.TempDir() // not in our module: it shall not enter go.sum
	answer, err := command.Output()
	if err != nil {
		return fmt.Errorf("go mod download: %w: %s", err, answer)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(answer, &module); err != nil {
		return err
	}
	src := newProviderSource(module.Dir)
	found, err := src.resources()
	if err != nil {
		return err
	}
	changed, err := changedDefaults(filepath.Join(module.Dir, "website", "docs", "guides", "5.0-upgrade-guide.html.markdown"))
	if err != nil {
		return err
	}
	known := schema.Load()
	var out bytes.Buffer
	out.WriteString("#type\tpath\tscope\tvalue\tsource\tnote\n# Made by schema/generate from the source of the provider, version 5.2.0.\n")
	for _, typ := range slices.Sorted(maps.Keys(found)) {
		r := known.Resource(typ)
		if r == nil {
			continue
		}
		page := readPage(module.Dir, typ)
		var rows []string
		for p, d := range flatten(found[typ].attributes, "") {
			names := strings.Split(p, ".")
			a := r.At(names...)
			if a == nil || !a.Optional || a.Nesting != schema.None || changed[typ+"."+names[len(names)-1]] {
				continue
			}
			v := d.value
			if v == nil {
				if v = page.defaultOf(names[len(names)-1]); v == nil {
					continue
				}
			}
			if v = fitted(v, a.Type); v == nil {
				continue
			}
			text, err := json.Marshal(v)
			if err != nil {
				return err
			}
			scope := "block"
			if len(names) == 1 || v == false && isOff(found[typ].attributes, r, names) {
				scope = "always"
			}
			rows = append(rows, strings.Join([]string{typ, p, scope, string(text), azurermBlob + found[typ].file, ""}, "\t"))
		}
		slices.Sort(rows)
		for _, row := range rows {
			out.WriteString(row + "\n")
		}
	}
	return os.WriteFile(output, out.Bytes(), 0o644)
}

// isOff reports whether a switch in a block, which is off by default, is off without the block too: nothing is switched on by
// not being mentioned, unless the service fills in the block or the switch says what is off.
func isOff(attributes map[string]*declared, r *schema.Resource, names []string) bool {
	for i, name := range names[:len(names)-1] {
		d := attributes[name]
		if n := r.At(names[:i+1]...).Nesting; d == nil || d.computed || n != schema.One && n != schema.Single {
			return false
		}
		attributes = d.nested
	}
	return !strings.Contains(names[len(names)-1], "disable")
}

// changedDefaults returns "type.attribute" for what the guide to version 5 says about defaults: the table of attributes is
// of version 4, and nobody knows which version a configuration runs with.
func changedDefaults(guide string) (map[string]bool, error) {
	text, err := os.ReadFile(guide)
	if err != nil {
		return nil, err
	}
	out := make(map[string]bool)
	typ := ""
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			typ = strings.Trim(line, "# `\r\n")
		}
		if !strings.HasPrefix(line, "*") || !strings.Contains(line, "default") {
			continue
		}
		parts := strings.Split(line, "`")
		for i := 1; i < len(parts); i += 2 { // what stands between back quotes
			out[typ+"."+parts[i][strings.LastIndexByte(parts[i], '.')+1:]] = true
		}
	}
	return out, nil
}

// flatten returns the attributes that declare a default by path.
func flatten(attributes map[string]*declared, prefix string) map[string]*declared {
	out := make(map[string]*declared)
	for name, d := range attributes {
		if d.hasDefault {
			out[prefix+name] = d
		}
		maps.Copy(out, flatten(d.nested, prefix+name+"."))
	}
	return out
}

// fitted returns v as a value of the type, or nil when it is none or is as good as nothing.
func fitted(v any, t schema.Type) any {
	switch x := v.(type) {
	case string:
		switch {
		case x == "":
			return nil
		case t.Kind == schema.String:
			return x
		case t.Kind == schema.Bool && (x == "true" || x == "false"):
			return x == "true"
		case t.Kind == schema.Number:
			var n float64
			if json.Unmarshal([]byte(x), &n) == nil {
				return n
			}
		}
	case bool:
		if t.Kind == schema.Bool {
			return x
		}
	case float64:
		if t.Kind == schema.Number {
			return x
		}
	}
	return nil
}

// page is the provider's documentation of one type. It is asked where the source names a constant of another module.
type page []string

func readPage(root, typ string) page {
	name := strings.TrimPrefix(typ, "azurerm_") + ".html.markdown"
	text, err := os.ReadFile(filepath.Join(root, "website", "docs", "r", name))
	if err != nil {
		return nil // not every type has a page
	}
	return strings.Split(string(text), "\n")
}

// defaultOf returns the default that the page states for an attribute, or nil when it states none or several.
func (p page) defaultOf(attribute string) any {
	var found any
	for _, line := range p {
		if !strings.HasPrefix(strings.TrimLeft(line, "* -"), "`"+attribute+"` ") {
			continue
		}
		_, rest, ok := strings.Cut(line, "efaults to `")
		if !ok {
			return nil // one of several attributes of that name has no default, or it is said in other words
		}
		v, _, _ := strings.Cut(rest, "`")
		if found != nil && found != v {
			return nil
		}
		found = v
	}
	return found
}

// relative is the slash-separated path of a file below the root of the module.
func relative(root, file string) string {
	r, err := filepath.Rel(root, file)
	if err != nil {
		return path.Base(file)
	}
	return filepath.ToSlash(r)
}
