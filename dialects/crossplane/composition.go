package crossplane

import (
	"strconv"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// compositionGroup is the group of compositions, https://docs.crossplane.io/latest/composition/compositions/.
const compositionGroup = "apiextensions.crossplane.io/"

// component is one resource of a composition.
type component struct {
	name    string
	base    *document.Member
	entry   *document.Node // name, base, patches
	holder  *document.Node // what has the resources, and their sets of patches
	patches []patch
}

// patch says that the composite resource, or the environment, decides what stands at a path of a composed resource.
type patch struct {
	from string
	to   []pathStep // within the parameters
	at   *document.Node
}

// pathStep is a step of a field path: a name, an index, or every element.
type pathStep struct {
	name  string
	index int
	every bool
}

// composed returns the resources of a composition: in its own list, or in the input of the function that patches and
// transforms. Of anything else it returns nothing.
func composed(root *document.Node) []component {
	if root.Kind != document.Mapping || textOf(root.Get("kind")) != "Composition" || !strings.HasPrefix(textOf(root.Get("apiVersion")), compositionGroup) {
		return nil
	}
	var out []component
	take := func(holder *document.Node) {
		n := holder.Get("resources")
		if n == nil {
			return
		}
		for _, item := range n.Items {
			if base := item.Member("base"); base != nil && base.Value.Kind == document.Mapping {
				c := component{name: textOf(item.Get("name")), base: base, entry: item, holder: holder}
				c.patches = patchesOf(item.Get("patches"), holder, 0)
				out = append(out, c)
			}
		}
	}
	spec := root.Get("spec")
	take(spec)
	if pipeline := spec.Get("pipeline"); pipeline != nil {
		for _, step := range pipeline.Items {
			take(step.Get("input"))
		}
	}
	for i := range out {
		if out[i].name == "" {
			out[i].name = strconv.Itoa(i)
		}
	}
	return out
}

// patchesOf reads patches that write into a composed resource, with those of the sets that they name.
func patchesOf(n, holder *document.Node, depth int) []patch {
	if n == nil || depth > 1 { // a set of patches has no sets in it
		return nil
	}
	var out []patch
	for _, item := range n.Items {
		switch textOf(item.Get("type")) {
		case "PatchSet":
			if sets := holder.Get("patchSets"); sets != nil {
				for _, set := range sets.Items {
					if name := textOf(set.Get("name")); name != "" && name == textOf(item.Get("patchSetName")) {
						out = append(out, patchesOf(set.Get("patches"), holder, depth+1)...)
					}
				}
			}
		case "", "FromCompositeFieldPath", "CombineFromComposite", "FromEnvironmentFieldPath", "CombineFromEnvironment":
			from := textOf(item.Get("fromFieldPath"))
			to := item.Get("toFieldPath")
			if to == nil {
				to = item.Get("fromFieldPath")
			}
			steps := fieldPath(textOf(to))
			if len(steps) > 2 && steps[0].name == "spec" && (steps[1].name == "forProvider" || steps[1].name == "initProvider") {
				out = append(out, patch{from: from, to: steps[2:], at: to})
			} else if len(steps) == 2 && steps[0].name == "spec" && steps[1].name == "forProvider" {
				out = append(out, patch{from: from, at: to})
			}
		}
	}
	return out
}

// fieldPath reads spec.forProvider.tags[owner], list[0].name and list[*].
func fieldPath(s string) []pathStep {
	var out []pathStep
	for s != "" {
		switch {
		case s[0] == '.':
			s = s[1:]
		case s[0] == '[':
			inner, rest, ok := strings.Cut(s[1:], "]")
			if !ok {
				return nil
			}
			s = rest
			if n, err := strconv.Atoi(inner); err == nil && n >= 0 {
				out = append(out, pathStep{index: n})
			} else if inner == "*" {
				out = append(out, pathStep{every: true})
			} else if name := strings.Trim(inner, `'"`); name != "" {
				out = append(out, pathStep{name: name})
			}
		default:
			end := strings.IndexAny(s, ".[")
			if end < 0 {
				end = len(s)
			}
			out = append(out, pathStep{name: s[:end]})
			s = s[end:]
		}
	}
	return out
}

// apply makes what the patch writes unknown.
func (p *patch) apply(body *value.Value) { *body = patched(*body, p.to, p.at.Range) }

func patched(v value.Value, to []pathStep, at source.Range) value.Value {
	if len(to) == 0 {
		if v.Kind == value.Object { // its members may be others, or more
			v.Open = true
			return v
		}
		out := value.Value{Kind: value.Unknown, Given: true, Range: v.Range}
		if out.Range.IsZero() {
			out.Range = at
		}
		return out
	}
	step := to[0]
	switch {
	case step.name != "":
		if v.Kind != value.Object && v.IsSet() {
			return v
		}
		if v.Kind != value.Object {
			v = value.Value{Kind: value.Object, Range: at}
		}
		fields := append([]value.Field{}, v.Fields...)
		for i := range fields {
			if fields[i].Name == step.name {
				fields[i].Value = patched(fields[i].Value, to[1:], at)
				v.Fields = fields
				return v
			}
		}
		v.Fields = insert(fields, value.Field{Name: step.name, Value: patched(value.Value{}, to[1:], at)})
	case v.Kind != value.List && v.IsSet():
		return v
	default:
		if v.Kind != value.List {
			v = value.Value{Kind: value.List, Range: at}
		}
		v.Items = append([]value.Value{}, v.Items...)
		if !step.every && step.index == len(v.Items) {
			v.Items = append(v.Items, value.Value{})
		}
		for i := range v.Items {
			if step.every || i == step.index {
				v.Items[i] = patched(v.Items[i], to[1:], at)
			}
		}
	}
	return v
}

// covers reports whether the patch writes something at a path, around it or within it.
func (p *patch) covers(path value.Path) bool {
	for i := range min(len(p.to), len(path)) {
		s := p.to[i]
		if s.name != path[i].Name || s.name == "" && !s.every && s.index != path[i].Index {
			return false
		}
	}
	return true
}
