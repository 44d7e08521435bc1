package main

import (
	"archive/zip"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// armTypes reads a folder of wheels of PyPI's azure-mgmt-* packages, of the generation whose models say how they are
// serialized: which class is the body of which PUT, and which JSON keys its attributes have.
func armTypes(folder string) (published, error) {
	wheels, err := filepath.Glob(filepath.Join(folder, "azure_mgmt_*.whl"))
	if err != nil {
		return nil, err
	}
	out := published{}
	for _, wheel := range wheels {
		if err := readSDK(wheel, out); err != nil {
			return nil, fmt.Errorf("%s: %w", wheel, err)
		}
	}
	return out, nil
}

// readSDK adds the types of one wheel. A wheel may hold several versions of a service; the last one that has a type counts.
func readSDK(wheel string, out published) error {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer z.Close()
	folders := map[string]*sdk{}
	for _, f := range z.File {
		dir, file := path.Split(f.Name)
		kind := path.Base(dir)
		if strings.Contains(dir, "/aio/") || kind != "models" && kind != "operations" || path.Ext(file) != ".py" {
			continue
		}
		version := path.Dir(path.Clean(dir))
		if strings.Contains(version, "preview") {
			continue
		}
		s := folders[version]
		if s == nil {
			s = &sdk{classes: map[string]*armClass{}, puts: map[string]string{}}
			folders[version] = s
		}
		text, err := read(f)
		if err != nil {
			return err
		}
		if kind == "models" {
			s.models(text)
		} else {
			s.operations(text)
		}
	}
	for _, version := range slices.Sorted(maps.Keys(folders)) {
		folders[version].write(out)
	}
	return nil
}

func read(f *zip.File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

// sdk is one version of one service.
type sdk struct {
	classes map[string]*armClass
	puts    map[string]string // resource type: class of the body
}

// armClass is a model: the types of its JSON keys, which may have dots where objects are flattened.
type armClass struct {
	base string
	keys map[string]string
	own  bool // it says its keys; else they are those of its base
}

var (
	modelLine = regexp.MustCompile(`(?m)^class (\w+)\(([\w.]*)`)
	modelKey  = regexp.MustCompile(`["']\w+["']:\s*\{\s*["']key["']:\s*["']([^"']+)["'],\s*["']type["']:\s*["']([^"']+)["']`)
	bodyOf    = regexp.MustCompile(`_serialize\.body\(\s*\w+,\s*["'](\w+)["']`)
	builderOf = regexp.MustCompile(`\b(build_\w+_request)\(`)
	template  = regexp.MustCompile(`["'](/[^"'\s]*/providers/[^"'\s]+)["']`)
	placeName = regexp.MustCompile(`^\{.*\}$`)
)

func (s *sdk) models(text string) {
	lines := modelLine.FindAllStringSubmatchIndex(text, -1)
	for i, m := range lines {
		end := len(text)
		if i+1 < len(lines) {
			end = lines[i+1][0]
		}
		c := &armClass{base: path.Ext("." + text[m[4]:m[5]]), keys: map[string]string{}}
		c.base = strings.TrimPrefix(c.base, ".")
		if _, after, ok := strings.Cut(text[m[0]:end], "_attribute_map = {"); ok {
			c.own = true
			entries, _, _ := strings.Cut(after, "\n    }")
			for _, e := range modelKey.FindAllStringSubmatch(entries, -1) {
				c.keys[e[1]] = e[2]
			}
		}
		if name := text[m[2]:m[3]]; s.classes[name] == nil || c.own {
			s.classes[name] = c
		}
	}
}

func (s *sdk) operations(text string) {
	urls := map[string]string{} // by builder, of PUTs
	chunks := strings.Split(text, "\ndef ")
	for _, chunk := range chunks[1:] {
		name, _, _ := strings.Cut(chunk, "(")
		if url := template.FindStringSubmatch(chunk); url != nil && strings.Contains(chunk, `method="PUT"`) {
			urls[name] = url[1]
		}
	}
	for chunk := range strings.SplitSeq(text, "\n    def ") {
		body := bodyOf.FindStringSubmatch(chunk)
		if body == nil {
			continue
		}
		url := ""
		if b := builderOf.FindAllStringSubmatch(chunk, -1); b != nil {
			url = urls[b[len(b)-1][1]]
		} else if t := template.FindStringSubmatch(chunk); t != nil && strings.Contains(chunk, "_client.put(") {
			url = t[1]
		}
		if typ := resourceType(url); typ != "" {
			s.puts[typ] = body[1]
		}
	}
}

// resourceType is the type of the resource at an address: Microsoft.Web/sites/config of …/providers/Microsoft.Web/sites/{n}/config/web.
func resourceType(url string) string {
	_, rest, ok := strings.Cut(url, "/providers/")
	if i := strings.LastIndex(rest, "/providers/"); i >= 0 {
		rest = rest[i+len("/providers/"):]
	}
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	if !ok || len(parts) < 3 || len(parts)%2 == 0 || placeName.MatchString(parts[0]) {
		return ""
	}
	typ := parts[0]
	for i := 1; i < len(parts); i += 2 {
		if placeName.MatchString(parts[i]) {
			return ""
		}
		typ += "/" + parts[i]
	}
	return typ
}

func (s *sdk) write(out published) {
	for typ, body := range s.puts {
		for name := range out { // an earlier version's
			if name == typ || strings.HasPrefix(name, typ+"#") {
				delete(out, name)
			}
		}
		w := armWriter{sdk: s, out: out, typ: typ, seen: map[string]bool{}}
		w.object("", s.keys(body))
	}
}

// keys returns the keys of a class with those of its bases and of the classes that are special cases of it.
func (s *sdk) keys(name string) map[string]string {
	out := map[string]string{}
	for n := name; s.classes[n] != nil; n = s.classes[n].base {
		for key, typ := range s.classes[n].keys {
			if _, ok := out[key]; !ok {
				out[key] = typ
			}
		}
		if s.classes[n].base == n {
			break
		}
	}
	for _, c := range s.classes {
		if c.base == name && name != "" {
			for key, typ := range c.keys {
				if _, ok := out[key]; !ok {
					out[key] = typ
				}
			}
		}
	}
	return out
}

type armWriter struct {
	sdk  *sdk
	out  published
	typ  string
	seen map[string]bool
}

// object writes an object whose keys may have dots.
func (w *armWriter) object(name string, keys map[string]string) {
	m := members{}
	at := w.typ
	if name != "" {
		at += "#" + name
	}
	w.out[at] = m
	nested := map[string]map[string]string{}
	for key, typ := range keys {
		key = strings.ReplaceAll(key, `\\.`, "\x00")
		first, rest, ok := strings.Cut(key, ".")
		first = strings.ReplaceAll(first, "\x00", ".")
		if !ok {
			m[first] = w.text(typ)
			continue
		}
		if nested[first] == nil {
			nested[first] = map[string]string{}
		}
		nested[first][strings.ReplaceAll(rest, "\x00", `\\.`)] = typ
	}
	for first, keys := range nested {
		inner := strings.TrimPrefix(name+"."+first, ".")
		m[first] = "#" + inner
		w.object(inner, keys)
	}
}

func (w *armWriter) text(typ string) string {
	if strings.HasPrefix(typ, "[") {
		return "[" + w.text(strings.TrimSuffix(typ[1:], "]")) + "]"
	}
	if strings.HasPrefix(typ, "{") {
		return "{" + w.text(strings.TrimSuffix(typ[1:], "}")) + "}"
	}
	switch typ {
	case "bool":
		return "boolean"
	case "int", "long", "float":
		return "number"
	case "object":
		return "any"
	}
	if w.sdk.classes[typ] == nil || len(w.sdk.keys(typ)) == 0 {
		return "string" // and what is written as one: times, durations, enumerations
	}
	if !w.seen[typ] {
		w.seen[typ] = true
		w.object(typ, w.sdk.keys(typ))
	}
	return "#" + typ
}
