package rules_test

import (
	"bytes"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// estate is a hardened estate in YAML that can be weakened.
type estate struct {
	objects []*yaml.Node
	names   map[string]place // what a path of a change may begin with
}

// place is a node of an object.
type place struct {
	object int
	path   string
}

// readEstate reads a file of testdata/pairs. Objects of Kubernetes are named Kind/name; one without a kind has no name.
func readEstate(t *testing.T, name string) *estate {
	t.Helper()
	e := &estate{objects: parse(t, read(t, name)), names: map[string]place{}}
	for i, o := range e.objects {
		if kind, _ := find(o, "kind"); kind != nil {
			name, _ := find(o, "metadata.name")
			e.names[kind.Value+"/"+name.Value] = place{i, ""}
		}
	}
	return e
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(path.Join("testdata/pairs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parse reads the documents of a YAML text.
func parse(t *testing.T, text string) []*yaml.Node {
	t.Helper()
	var out []*yaml.Node
	for d := yaml.NewDecoder(strings.NewReader(text)); ; {
		var n yaml.Node
		if err := d.Decode(&n); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		out = append(out, n.Content[0])
	}
}

// text writes the estate.
func (e *estate) text(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := yaml.NewEncoder(&b)
	w.SetIndent(2)
	for _, o := range e.objects {
		if o == nil {
			continue
		}
		if err := w.Encode(o); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// weaken does what a change says: steps with "; " between them, each "new OBJECT", "rm PATH", "PATH = VALUE" or "PATH += ITEM".
func (e *estate) weaken(t *testing.T, change string) {
	t.Helper()
	for _, step := range strings.Split(change, " ; ") {
		if object, ok := strings.CutPrefix(step, "new "); ok {
			e.objects = append(e.objects, parse(t, object)[0])
		} else if p, ok := strings.CutPrefix(step, "rm "); ok {
			at := e.place(t, p)
			if at.path == "" {
				e.objects[at.object] = nil
			} else {
				remove(t, e.objects[at.object], at.path)
			}
		} else if p, value, ok := strings.Cut(step, " += "); ok {
			at := e.place(t, p)
			list, rest := find(e.objects[at.object], at.path)
			if len(rest) > 0 {
				set(t, e.objects[at.object], at.path, parse(t, "["+value+"]")[0])
				continue
			}
			list.Content = append(list.Content, parse(t, value)[0])
		} else if p, value, ok := strings.Cut(step, " = "); ok {
			at := e.place(t, p)
			set(t, e.objects[at.object], at.path, parse(t, value)[0])
		} else {
			t.Fatalf("%q is no change", step)
		}
	}
}

// place is where a path of a change leads.
func (e *estate) place(t *testing.T, p string) place {
	t.Helper()
	head, rest, _ := strings.Cut(p, ".")
	start, ok := e.names[head]
	if !ok {
		if strings.Contains(head, "/") || len(e.objects) > 1 {
			t.Fatalf("the estate has no %s", head)
		}
		return place{0, p}
	}
	return place{start.object, strings.Trim(start.path+"."+rest, ".")}
}

// steps splits a path: words with points between them, in quotes where they have points themselves, and numbers of items in brackets.
func steps(p string) []string {
	var out []string
	for p != "" {
		switch {
		case p[0] == '.':
			p = p[1:]
		case p[0] == '"':
			quoted, _ := strconv.QuotedPrefix(p)
			word, _ := strconv.Unquote(quoted)
			out, p = append(out, word), p[max(1, len(quoted)):]
		case p[0] == '[':
			end := strings.IndexByte(p, ']')
			out, p = append(out, p[1:end]), p[end+1:]
		default:
			end := strings.IndexAny(p, ".[")
			if end < 0 {
				end = len(p)
			}
			out, p = append(out, p[:end]), p[end:]
		}
	}
	return out
}

// find follows a path as far as it leads, and returns what is left of it.
func find(n *yaml.Node, p string) (*yaml.Node, []string) {
	rest := steps(p)
	for len(rest) > 0 {
		i := child(n, rest[0])
		if i < 0 {
			break
		}
		n, rest = n.Content[i], rest[1:]
	}
	if len(rest) == len(steps(p)) && p != "" {
		return nil, rest
	}
	return n, rest
}

// child is the index of the node that a step leads to, -1 when there is none.
func child(n *yaml.Node, step string) int {
	if n.Kind == yaml.SequenceNode {
		if i, err := strconv.Atoi(step); err == nil && i < len(n.Content) {
			return i
		}
		return -1
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Kind == yaml.MappingNode && n.Content[i].Value == step {
			return i + 1
		}
	}
	return -1
}

// set sets what a path leads to, and makes the mappings on the way.
func set(t *testing.T, n *yaml.Node, p string, value *yaml.Node) {
	t.Helper()
	way := steps(p)
	for i, step := range way {
		at := child(n, step)
		if at < 0 {
			if n.Kind != yaml.MappingNode {
				t.Fatalf("%s: there is no %s", p, step)
			}
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: step}, &yaml.Node{Kind: yaml.MappingNode})
			at = len(n.Content) - 1
		}
		if i == len(way)-1 {
			n.Content[at] = value
		}
		n = n.Content[at]
	}
}

// remove removes what a path leads to, which must be there.
func remove(t *testing.T, n *yaml.Node, p string) {
	t.Helper()
	way := steps(p)
	for i, step := range way {
		at := child(n, step)
		if at < 0 {
			t.Fatalf("%s: there is no %s", p, step)
		}
		if i < len(way)-1 {
			n = n.Content[at]
		} else if n.Kind == yaml.SequenceNode {
			n.Content = slices.Delete(n.Content, at, at+1)
		} else {
			n.Content = slices.Delete(n.Content, at-1, at+1)
		}
	}
}
