package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"plumbline.dev/plumbline/schema"
)

// Kubernetes' client for Go has the schema of every version of every kind that its API server has, as YAML in a constant.
const (
	kubernetesModule  = "k8s.io/client-go"
	kubernetesVersion = "v0.37.2"
	kubernetesSchema  = "applyconfigurations/internal/internal.go"
)

// kubernetesType is an entry of the schema, or the type of a member: a reference, or one of scalar, list and map. What has
// several of them is whatever one writes.
type kubernetesType struct {
	Name      string
	NamedType string `yaml:"namedType"`
	Scalar    string
	List      *struct {
		ElementType kubernetesType `yaml:"elementType"`
	}
	Map *struct {
		Fields []struct {
			Name string
			Type kubernetesType
		}
		ElementType *kubernetesType `yaml:"elementType"`
	}
}

// kubernetesTypes are the entries by name.
type kubernetesTypes map[string]*kubernetesType

// kubernetesNames makes kubernetes.txt: the kinds of the API, and what generate/kubernetes.json has besides or adds to them.
func kubernetesNames(output string) error {
	command := exec.Command("go", "mod", "download", "-json", kubernetesModule+"@"+kubernetesVersion)
	command.Dir = os.TempDir() // not in our module: it shall not enter go.sum
	answer, err := command.Output()
	if err != nil {
		return fmt.Errorf("go mod download: %w: %s", err, answer)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(answer, &module); err != nil {
		return err
	}
	source, err := os.ReadFile(filepath.Join(module.Dir, filepath.FromSlash(kubernetesSchema)))
	if err != nil {
		return err
	}
	_, text, _ := strings.Cut(string(source), "YAMLObject(`")
	text, _, ok := strings.Cut(text, "`)")
	if !ok {
		return errors.New(kubernetesSchema + " has no schema")
	}
	types, err := readKubernetes([]byte(text))
	if err != nil {
		return err
	}
	written, err := readKept("schema/generate/kubernetes.json")
	if err != nil {
		return err
	}
	return tabulate(types.tables(written), output)
}

func readKubernetes(text []byte) (kubernetesTypes, error) {
	var document struct{ Types []*kubernetesType }
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	types := kubernetesTypes{}
	for _, t := range document.Types {
		types[t.Name] = t
	}
	return types, nil
}

// tables returns a row for each kind, with what was written by hand.
func (ts kubernetesTypes) tables(written map[string]attributes) map[string]attributes {
	names := slices.Collect(maps.Keys(ts))
	slices.SortFunc(names, func(a, b string) int { return compareVersions(versionOf(a), versionOf(b)) })
	out := map[string]attributes{}
	for _, name := range names {
		if as := ts.members(ts[name], nil); as["apiVersion"].typ != "" && as["metadata"].typ != "" {
			join(out, schema.KubernetesType(name[strings.LastIndexByte(name, '.')+1:]), as)
		}
	}
	const core = "io.k8s.api.core.v1."
	join(out, "k8s_container", ts.members(ts[core+"Container"], nil))
	join(out, "k8s_container", ts.members(ts[core+"EphemeralContainer"], nil))
	head := ts.members(ts[core+"Namespace"], nil)
	delete(head, "spec")
	for typ, as := range written {
		if strings.HasPrefix(typ, "#") {
			continue
		}
		join(out, typ, ts.expanded(as, written))
		if typ != "k8s_container" && typ != "k8s_component" {
			join(out, typ, head)
		}
	}
	return out
}

// expanded puts members in place of their names: #PodSpec is an object of Kubernetes' core, #argo_spec one of the file itself, and
// #list(…) a list of them.
func (ts kubernetesTypes) expanded(as attributes, written map[string]attributes) attributes {
	out := attributes{}
	for name, a := range as {
		if object, ok := strings.CutPrefix(a.typ, "#"); ok {
			a.typ = "single"
			if elem, ok := strings.CutPrefix(object, "list("); ok {
				a.typ, object = "list", strings.TrimSuffix(elem, ")")
			}
			members := ts.expanded(written["#"+object], written)
			if t := ts["io.k8s.api.core.v1."+object]; t != nil {
				members = ts.members(t, []string{t.Name})
			}
			members.join(ts.expanded(a.nested, written))
			a.nested = members
		} else if a.nested != nil {
			a.nested = ts.expanded(a.nested, written)
		}
		out[name] = a
	}
	return out
}

// join adds attributes to a type. What the type has already stays as it is: the newest version of a kind comes first.
func join(types map[string]attributes, typ string, more attributes) {
	if types[typ] == nil {
		types[typ] = attributes{}
	}
	types[typ].join(more)
}

func (as attributes) join(more attributes) {
	for name, a := range more {
		if old, ok := as[name]; !ok {
			as[name] = a
		} else if old.nested != nil {
			old.nested.join(a.nested)
		}
	}
}

// kubernetesServer are the members that only the API server writes.
var kubernetesServer = map[string]bool{"status": true, "managedFields": true, "selfLink": true, "resourceVersion": true, "uid": true,
	"generation": true, "creationTimestamp": true, "deletionTimestamp": true, "deletionGracePeriodSeconds": true}

// members returns the fields of an object, or nil of what is none. Way holds the names of the types that lead here: one in itself
// is not followed any further.
func (ts kubernetesTypes) members(t *kubernetesType, way []string) attributes {
	if t == nil || t.Map == nil || t.Map.ElementType != nil {
		return nil
	}
	top := len(way) == 0
	as := attributes{}
	for _, field := range t.Map.Fields {
		if kubernetesServer[field.Name] && (top || t.Name == "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta") {
			continue
		}
		as[field.Name] = ts.attribute(field.Type, append(slices.Clip(way), t.Name))
	}
	return as
}

func (ts kubernetesTypes) attribute(t kubernetesType, way []string) attribute {
	if t.NamedType != "" && slices.Contains(way, t.NamedType) {
		return attribute{flags: "o", typ: "any"}
	}
	switch t = ts.resolved(t); {
	case strings.HasSuffix(t.Name, ".v1.Time"), strings.HasSuffix(t.Name, ".v1.MicroTime"):
		return attribute{flags: "o", typ: "string"}
	case t.Map != nil && t.List == nil && t.Map.ElementType == nil:
		return attribute{flags: "o", typ: "single", nested: ts.members(&t, way)}
	case t.List != nil && t.Map == nil:
		elem := t.List.ElementType
		if elem.NamedType != "" && slices.Contains(way, elem.NamedType) {
			return attribute{flags: "o", typ: "list(any)"}
		}
		if elem = ts.resolved(elem); elem.Map != nil && elem.List == nil && elem.Map.ElementType == nil {
			return attribute{flags: "o", typ: "list", nested: ts.members(&elem, way)}
		}
	}
	return attribute{flags: "o", typ: ts.plain(t)}
}

var kubernetesScalars = map[string]string{"string": "string", "numeric": "number", "boolean": "bool"}

// plain writes the type of what is no object of known members.
func (ts kubernetesTypes) plain(t kubernetesType) string {
	switch t = ts.resolved(t); {
	case t.List != nil && t.Map == nil:
		return "list(" + ts.plain(t.List.ElementType) + ")"
	case t.Map != nil && t.Map.ElementType != nil && t.List == nil:
		return "map(" + ts.plain(*t.Map.ElementType) + ")"
	case t.Map == nil && t.List == nil && kubernetesScalars[t.Scalar] != "":
		return kubernetesScalars[t.Scalar]
	}
	return "any"
}

func (ts kubernetesTypes) resolved(t kubernetesType) kubernetesType {
	if to := ts[t.NamedType]; to != nil {
		return *to
	}
	return t
}

// versionOf returns the version in a name: v1beta1 of io.k8s.api.apps.v1beta1.Deployment. The groups extensions is older than any
// other: what is in it moved away.
func versionOf(name string) string {
	parts := strings.Split(name, ".")
	if len(parts) < 3 || parts[len(parts)-3] == "extensions" {
		return ""
	}
	return parts[len(parts)-2]
}

// compareVersions sorts the newest version first: v2, v1, v1beta2, v1beta1, v1alpha1.
func compareVersions(a, b string) int {
	stable := func(s string) int {
		switch {
		case strings.Contains(s, "beta"):
			return 1
		case strings.Contains(s, "alpha"):
			return 2
		case s == "":
			return 3
		}
		return 0
	}
	if d := stable(a) - stable(b); d != 0 {
		return d
	}
	return strings.Compare(b, a)
}
