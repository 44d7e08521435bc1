package chart

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"text/template"

	"github.com/BurntSushi/toml"
	"github.com/Masterminds/sprig/v3"
	"github.com/gobwas/glob"
	"sigs.k8s.io/yaml"
	goyaml "sigs.k8s.io/yaml/goyaml.v3"
)

// builtin stands for a function that text/template has itself.
type builtin struct{}

// functions returns Helm's functions: sprig's but for those that read the environment, its own, and in the place of what would
// look outside or differ from run to run something that does not.
func (r *renderer) functions() map[string]any {
	f := map[string]any{}
	for name, fn := range sprig.TxtFuncMap() {
		f[name] = fn
	}
	delete(f, "env")
	delete(f, "expandenv")
	for name := range builtins {
		f[name] = builtin{}
	}
	for _, name := range []string{"and", "or", "not"} {
		f[name] = builtin{}
	}
	more := map[string]any{
		"toYaml": toYAML, "toYamlPretty": toYAMLPretty, "fromYaml": fromYAML, "fromYamlArray": fromYAMLArray,
		"toJson": toJSON, "fromJson": fromJSON, "fromJsonArray": fromJSONArray, "toToml": toTOML, "fromToml": fromTOML,
		"include": r.include, "tpl": r.tpl, "required": r.required, "fail": r.fail,
		"lookup":        func(string, string, string, string) (map[string]any, error) { return map[string]any{}, nil },
		"getHostByName": func(string) string { return "" },
		// text/template's own, which may look at marked text.
		"print": fmt.Sprint, "printf": fmt.Sprintf, "println": fmt.Sprintln,
		"html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper,
		"typeOf":     func(v any) string { return typeName(v) },
		"typeIs":     func(want string, v any) bool { return want == typeName(v) },
		"typeIsLike": func(want string, v any) bool { return want == typeName(v) || "*"+want == typeName(v) },
	}
	for name, fn := range more {
		f[name] = fn
	}
	for name, fn := range r.inert(f) {
		f[name] = fn
	}
	return f
}

// typeName is the name that Helm's own types have in Go.
func typeName(v any) string {
	name := fmt.Sprintf("%T", v)
	switch v.(type) {
	case Values:
		return "chartutil.Values"
	case Files:
		return "engine.files"
	case *Capabilities, KubeVersion, *KubeVersion, VersionSet:
		return strings.Replace(name, "chart.", "chartutil.", 1)
	}
	return name
}

// The functions below never fail: what is wrong is what they return, as Helm has it.

func toYAML(v any) string {
	b, err := yaml.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}

func toYAMLPretty(v any) string {
	var b bytes.Buffer
	e := goyaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

func toTOML(v any) string {
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(v); err != nil {
		return err.Error()
	}
	return b.String()
}

func fromYAML(s string) map[string]any {
	m := map[string]any{}
	if err := yaml.Unmarshal([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func fromYAMLArray(s string) []any {
	a := []any{}
	if err := yaml.Unmarshal([]byte(s), &a); err != nil {
		a = []any{err.Error()}
	}
	return a
}

func fromJSON(s string) map[string]any {
	m := map[string]any{}
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func fromJSONArray(s string) []any {
	a := []any{}
	if err := json.Unmarshal([]byte(s), &a); err != nil {
		a = []any{err.Error()}
	}
	return a
}

func fromTOML(s string) map[string]any {
	m := map[string]any{}
	if tooNested(s) {
		m["Error"] = "brackets are nested too deeply"
		return m
	}
	if err := toml.Unmarshal([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

// Files is what templates see as .Files: the chart's files that are no templates, by name. Its methods are called in templates.
type Files map[string][]byte

// GetBytes returns a file, nothing when there is none.
func (f Files) GetBytes(name string) []byte {
	if v, ok := f[name]; ok {
		return v
	}
	return []byte{}
}

// Get returns a file as text.
func (f Files) Get(name string) string { return string(f.GetBytes(name)) }

// Glob returns the files that match a pattern; all when it is no pattern.
func (f Files) Glob(pattern string) Files {
	out := Files{}
	g, err := glob.Compile(pattern, '/')
	for name, data := range f {
		if err != nil || g.Match(name) {
			out[name] = data
		}
	}
	return out
}

// AsConfig returns the files as the data of a config map.
func (f Files) AsConfig() string {
	if f == nil {
		return ""
	}
	m := map[string]string{}
	for _, name := range sortedKeys(f) {
		m[path.Base(name)] = string(f[name])
	}
	return toYAML(m)
}

// AsSecrets returns the files as the data of a secret.
func (f Files) AsSecrets() string {
	if f == nil {
		return ""
	}
	m := map[string]string{}
	for _, name := range sortedKeys(f) {
		m[path.Base(name)] = base64.StdEncoding.EncodeToString(f[name])
	}
	return toYAML(m)
}

// Lines returns the lines of a file.
func (f Files) Lines(name string) []string {
	if len(f[name]) == 0 {
		return []string{}
	}
	return strings.Split(strings.TrimSuffix(string(f[name]), "\n"), "\n")
}
