package azure

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// natives evaluates one file and returns its resources in Azure's words: type, name and body, sorted. Those in modules that
// are not at hand in the other form are left out.
func natives(t *testing.T, d dialect.Dialect, tree fs.FS, files, absent []string) (lines, missing []string, problems int) {
	t.Helper()
	e, opened := d.Open(context.Background(), bicepWorkspace(tree), files)
	for _, p := range opened {
		t.Errorf("%s: %+v", files, p)
	}
	for _, name := range e.Units() {
		u := e.Evaluate(context.Background(), name)
		for _, p := range u.Problems {
			t.Logf("%s: %+v", files, p)
			problems++
		}
		for _, m := range u.Graph.Missing {
			missing = append(missing, m.Address)
		}
		seen := map[*translate.Native]bool{}
		for _, r := range u.Graph.Resources {
			o, ok := r.Handle.(*translate.Origin)
			if !ok || seen[o.Native] || slices.ContainsFunc(absent, func(a string) bool {
				return strings.HasPrefix(r.Address, a+".") || r.Address == a || strings.HasPrefix(r.Module, a+"[")
			}) {
				continue
			}
			seen[o.Native] = true
			maybe := ""
			if o.Native.Maybe {
				maybe = " maybe"
			}
			body := o.Native.Body
			lines = append(lines, o.Native.Type+maybe+" "+string(body.AppendJSON(nil, false)))
		}
	}
	sort.Strings(lines)
	return lines, missing, problems
}

// given writes values for parameters as a file of parameters in JSON does. What is unknown is some text, the same in both
// forms.
func given(v *value.Value) []byte {
	var known func(v value.Value) value.Value
	known = func(v value.Value) value.Value {
		if v.Kind == value.Unknown {
			return text(v.Text + "-" + v.Ending)
		}
		v.Open = false
		v.Items, v.Fields = slices.Clone(v.Items), slices.Clone(v.Fields)
		for i := range v.Items {
			v.Items[i] = known(v.Items[i])
		}
		for i := range v.Fields {
			v.Fields[i].Value = known(v.Fields[i].Value)
		}
		return v
	}
	params := value.Value{Kind: value.Object}
	for _, f := range v.Fields {
		params.Fields = append(params.Fields, value.Field{Name: f.Name, Value: object([]value.Field{{Name: "value", Value: known(f.Value)}})})
	}
	file := object([]value.Field{
		{Name: "$schema", Value: text("https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#")},
		{Name: "contentVersion", Value: text("1.0.0.0")},
		{Name: "parameters", Value: params},
	})
	return file.AppendJSON(nil, false)
}

// calls returns what the tests of the modules of the corpus pass to each: sets of parameters by the path of the module.
func callsInTests(tree fs.FS, paths []string) map[string][][]byte {
	out := map[string][][]byte{}
	e, _ := NewBicep(schema.Load()).Open(context.Background(), bicepWorkspace(tree), paths)
	var gather func(s *bicepScope)
	gather = func(s *bicepScope) {
		for _, g := range s.groups {
			for _, i := range g.instances {
				p := i.property("params")
				if p == nil || i.module() == nil {
					continue
				}
				v := i.frame.maybe(p.Value)
				file, params := i.module().file.path, given(&v)
				if !slices.ContainsFunc(out[file], func(have []byte) bool { return string(have) == string(params) }) {
					out[file] = append(out[file], params)
				}
				gather(i.module())
			}
		}
	}
	for _, name := range e.Units() {
		x, _ := e.Evaluate(context.Background(), name).Explainer.(bicepExplainer)
		gather(x.unit.root)
	}
	return out
}

// layered is a tree with one more file.
type layered struct {
	fs.FS
	path string
	text []byte
}

func (l layered) files() fstest.MapFS {
	return fstest.MapFS{l.path: {Data: l.text}}
}

func (l layered) Open(name string) (fs.File, error) {
	if name == l.path {
		return l.files().Open(name)
	}
	return l.FS.Open(name)
}

func (l layered) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(l.FS, name)
	if name == path.Dir(l.path) {
		more, _ := fs.ReadDir(l.files(), name)
		entries = append(entries, more...)
	}
	return entries, err
}

// TestBicepCompiled compares each module of the corpus with the JSON that was compiled from it: with the defaults of its
// parameters, and with what its tests pass, both come to the same resources with the same bodies.
func TestBicepCompiled(t *testing.T) {
	tree, paths := bicepCorpus(t)
	set := schema.Load()
	calls := callsInTests(tree, paths)
	total, same := 0, 0
	for _, p := range paths {
		if path.Base(p) != "main.bicep" {
			continue
		}
		compiled := strings.TrimSuffix(p, ".bicep") + ".json"
		text, err := fs.ReadFile(tree, compiled)
		if err != nil {
			continue
		}
		for _, params := range append([][]byte{nil}, calls[p]...) {
			var with fs.FS = tree
			files := []string{compiled}
			alone := fstest.MapFS{compiled: {Data: text}}
			if params != nil {
				file := strings.TrimSuffix(p, ".bicep") + ".parameters.json"
				with = layered{tree, file, params}
				files = append(files, file)
				alone[file] = &fstest.MapFile{Data: params}
			}
			written, missing, _ := natives(t, NewBicep(set), with, []string{p}, nil)
			made, _, _ := natives(t, New(set), alone, files, missing)
			total += len(made)
			for _, line := range made {
				if slices.Contains(written, line) {
					same++
				}
			}
			report := func(form string, lines, others []string) {
				for _, line := range lines {
					if !slices.Contains(others, line) {
						t.Errorf("%s: only in %s: %s", p, form, line)
					}
				}
			}
			report("Bicep", written, made)
			report("JSON ", made, written)
		}
	}
	t.Logf("%d of %d resources are the same", same, total)
}
