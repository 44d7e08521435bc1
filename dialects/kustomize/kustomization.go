//lint:file-ignore SA1019 what kustomize calls old it still builds, and people still write it

package kustomize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// kustomization is one kustomization that was read. It is never changed afterwards.
type kustomization struct {
	dir      string
	file     *source.File
	text     *text               // nil when it cannot be read
	spec     types.Kustomization // as it is written, but for fields of old, which are moved to those that have their place
	patches  []patch             // of all three fields
	refs     map[string]*ref     // files and directories of the tree that it names, by the path of the entry
	order    []*ref
	missing  []resource.Missing // what it names and is not at hand
	problems []source.Problem
	looked   []string // paths that were looked for
	aside    []string // files that it names and that are not used
}

// patch is one patch of a kustomization.
type patch struct {
	types.Patch
	at value.Path // in the kustomization
}

// ref is one file or directory of the tree that a kustomization names.
type ref struct {
	at   value.Path // of the entry
	path string
	role role
}

// role says what a kustomization names something as.
type role uint8

const (
	asResource  role = iota // a file of objects
	asBase                  // a directory with a kustomization
	asComponent             // a directory with a component
	asPatch
	asSetting // read by kustomize itself: a file of replacements, of configurations, of plugins
	asData    // read into a config map or secret
)

func (e *estate) isFile(p string) bool {
	info, err := fs.Stat(e.workspace.FS, p)
	return err == nil && !info.IsDir()
}

// reading is one call of readKustomization.
type reading struct {
	*kustomization
	e *estate
}

// readKustomization reads a file. What is wrong with it is told of, and what can be read of it is kept.
func (e *estate) readKustomization(dir string, f *source.File) *kustomization {
	r := reading{&kustomization{dir: dir, file: f, refs: make(map[string]*ref)}, e}
	if f == nil {
		return r.kustomization
	}
	t := e.parseText(f)
	r.problems = append(r.problems, t.problems...)
	if len(t.doc.Roots) == 0 || t.doc.Roots[0].Kind != document.Mapping || slices.ContainsFunc(t.problems, fatal) {
		if len(t.problems) == 0 && len(t.doc.Roots) > 0 {
			r.problem(source.Invalid, nil, "a kustomization is a mapping")
		}
		return r.kustomization
	}
	r.text = t
	r.decode(f.Bytes)
	r.fix()
	r.names()
	return r.kustomization
}

// fatal reports whether nothing can be read of a file because of a problem.
func fatal(p source.Problem) bool {
	return p.Kind == source.Limit || p.Kind == source.Invalid && !strings.HasSuffix(p.Message, "the last one counts")
}

func (k *kustomization) problem(kind source.ProblemKind, at value.Path, format string, args ...any) {
	k.problems = append(k.problems, source.Problem{Kind: kind, Range: k.place(at), Message: fmt.Sprintf(format, args...)})
}

// place is where an entry of the kustomization stands; of one that is not found, its nearest ancestor.
func (k *kustomization) place(at value.Path) source.Range {
	if k.text == nil || len(at) == 0 {
		return source.Range{File: k.file.Path}
	}
	_, r, _ := k.text.find(k.text.doc.Roots[0], at)
	return r
}

// decode reads the fields. Kustomize refuses a file with a field that it does not know; the others are read all the same.
func (r *reading) decode(text []byte) {
	err := r.spec.Unmarshal(text)
	if err == nil {
		return
	}
	message := err.Error()
	var at value.Path
	if _, rest, ok := strings.Cut(message, "unknown field "); ok {
		name := strings.Trim(rest, `"`)
		message = fmt.Sprintf("kustomize knows no field %s", name)
		at = value.Path{{Name: name}}
	} else {
		message = "kustomize cannot read it: " + oneLine(message)
	}
	r.problem(source.Invalid, at, "%s", message)
	if j, err := yaml.YAMLToJSON(text); err == nil {
		_ = json.Unmarshal(j, &r.spec) // what has another shape is left out, and was told of
	}
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "") + "…"
	}
	return s
}

func step(name string, i int, more ...string) value.Path {
	p := value.Path{{Name: name}, {Index: i}}
	for _, m := range more {
		p = append(p, value.Step{Name: m})
	}
	return p
}

// fix brings patches of three fields to one list.
func (r *reading) fix() {
	s := &r.spec
	for i, p := range s.PatchesStrategicMerge {
		at := step("patchesStrategicMerge", i)
		if text := string(p); strings.Contains(strings.TrimSpace(text), "\n") {
			r.patches = append(r.patches, patch{types.Patch{Patch: text}, at})
		} else {
			r.patches = append(r.patches, patch{types.Patch{Path: text}, at})
		}
	}
	for i, p := range s.Patches {
		r.patches = append(r.patches, patch{p, step("patches", i)})
	}
	for i, p := range s.PatchesJson6902 {
		r.patches = append(r.patches, patch{p, step("patchesJson6902", i)})
	}
}

// names finds what the kustomization names.
func (r *reading) names() {
	s := &r.spec
	for i, p := range s.Resources {
		r.resource(p, step("resources", i))
	}
	for i, p := range s.Bases {
		r.resource(p, step("bases", i))
	}
	for i, p := range s.Components {
		r.directory(p, step("components", i), asComponent)
	}
	for _, p := range r.patches {
		if p.Path != "" {
			at := p.at
			if at[0].Name != "patchesStrategicMerge" {
				at = append(at[:len(at):len(at)], value.Step{Name: "path"})
			}
			r.named(p.Path, at, asPatch)
		}
	}
	for i, p := range s.Replacements {
		if p.Path != "" {
			r.named(p.Path, step("replacements", i, "path"), asSetting)
		}
	}
	for i, p := range s.Configurations {
		r.named(p, step("configurations", i), asSetting)
	}
	for i := range s.ConfigMapGenerator {
		r.sources(&s.ConfigMapGenerator[i].KvPairSources, step("configMapGenerator", i))
	}
	for i := range s.SecretGenerator {
		r.sources(&s.SecretGenerator[i].KvPairSources, step("secretGenerator", i))
	}
	for i, p := range s.Generators {
		r.plugin(p, step("generators", i))
	}
	for i, p := range s.Transformers {
		r.plugin(p, step("transformers", i))
	}
	charts := len(s.HelmCharts) + len(s.HelmChartInflationGenerator)
	for i := range charts {
		at, name := step("helmCharts", i), ""
		if i < len(s.HelmCharts) {
			name = s.HelmCharts[i].Name
		} else {
			i -= len(s.HelmCharts)
			at, name = step("helmChartInflationGenerator", i), s.HelmChartInflationGenerator[i].ChartName
		}
		r.absent(at, "chart."+name, "charts are not rendered for kustomizations, and what the chart %s installs is not looked at", name)
	}
}

// absent notes that something with objects in it is not at hand.
func (k *kustomization) absent(at value.Path, address, format string, args ...any) {
	k.problem(source.Unresolved, at, format, args...)
	k.missing = append(k.missing, resource.Missing{Address: address})
}

// sources are the files that a generator reads.
func (r *reading) sources(s *types.KvPairSources, at value.Path) {
	for i, f := range s.FileSources {
		if _, file, ok := strings.Cut(f, "="); ok {
			f = file
		}
		r.named(f, append(at[:len(at):len(at)], step("files", i)...), asData)
	}
	for i, f := range s.EnvSources {
		r.named(f, append(at[:len(at):len(at)], step("envs", i)...), asData)
	}
	if s.EnvSource != "" {
		r.named(s.EnvSource, append(at[:len(at):len(at)], value.Step{Name: "env"}), asData)
	}
}

// plugin is a generator or transformer of one's own. Those that are kustomize's and read no files are run.
func (r *reading) plugin(p string, at value.Path) {
	if strings.Contains(strings.TrimSpace(p), "\n") {
		if !isHarmless(r.e.inline(r.kustomization, at, p)) {
			r.absent(at, at.String(), "plugins are never run, and what this one does is not looked at")
		}
		return
	}
	to, ok := r.local(p, at)
	if !ok {
		return
	}
	r.looked = append(r.looked, to)
	if !r.e.isFile(to) || !isHarmless(r.e.text(to)) {
		r.aside = append(r.aside, to)
		r.absent(at, p, "plugins are never run, and what %s does is not looked at", p)
		return
	}
	r.add(&ref{at, to, asSetting})
}

// harmless are the plugins of kustomize's own that are run.
var harmless = [...]string{"AnnotationsTransformer", "ImageTagTransformer", "LabelTransformer", "NamespaceTransformer", "PatchTransformer",
	"PatchJson6902Transformer", "PatchStrategicMergeTransformer", "PrefixTransformer", "ReplicaCountTransformer", "SuffixTransformer"}

// isHarmless reports whether all of a text configures plugins of kustomize's own, and names no file.
func isHarmless(t *text) bool {
	if t == nil || t.doc == nil || len(t.doc.Roots) == 0 || slices.ContainsFunc(t.problems, fatal) {
		return false
	}
	if bytes.Contains(t.own.Bytes, []byte("copy")) {
		return false // copies of copies grow without end, see stage.growth
	}
	for _, root := range t.doc.Roots {
		kind, version := root.Get("kind"), root.Get("apiVersion")
		if kind == nil || version == nil || version.Text != "builtin" || !slices.Contains(harmless[:], kind.Text) {
			return false
		}
		if root.Get("path") != nil || root.Get("paths") != nil || root.Get("Path") != nil || root.Get("Paths") != nil {
			return false
		}
		if n := root.Get("metadata"); n.Get("annotations") != nil {
			return false // a function says by an annotation what is run
		}
	}
	return true
}

// resource is an entry of resources: a file of objects, or a directory.
func (r *reading) resource(p string, at value.Path) {
	to, ok := r.local(p, at)
	if !ok {
		return
	}
	info, err := fs.Stat(r.e.workspace.FS, to)
	switch {
	case err == nil && info.IsDir():
		r.directory(p, at, asBase)
	case err == nil:
		r.add(&ref{at, to, asResource})
	default:
		r.looked = append(r.looked, to) // as a file
		for _, name := range fileNames {
			r.looked = append(r.looked, path.Join(to, name)) // as a directory
		}
		r.lacks(p, to, at)
	}
}

// lacks tells of something that is named and not there.
func (r *reading) lacks(p, to string, at value.Path) {
	if _, ok := r.remote(p); ok {
		return
	}
	if first, _, nested := strings.Cut(p, "/"); nested && strings.Contains(strings.Trim(first, "."), ".") {
		r.away(p, at) // github.com/…
		return
	}
	r.absent(at, p, "there is no %s", to)
}

func (r *reading) away(p string, at value.Path) {
	r.absent(at, p, "%s is not in the tree: what it declares is not looked at", p)
}

// remote reports whether an entry is an address.
func (r *reading) remote(p string) (string, bool) {
	p = strings.TrimSpace(p)
	return p, strings.Contains(p, "://") || strings.HasPrefix(p, "git@") || strings.HasPrefix(p, "git::") || strings.Contains(p, "?ref=") || strings.Contains(p, "?version=")
}

// local returns the path in the tree that an entry names; false, and a problem, when it names none.
func (r *reading) local(p string, at value.Path) (string, bool) {
	if _, is := r.remote(p); is {
		r.away(p, at)
		return "", false
	}
	to := path.Join(r.dir, p)
	switch {
	case p == "":
		r.problem(source.Invalid, at, "the entry names nothing")
		return "", false
	case path.IsAbs(p), to == "..", strings.HasPrefix(to, "../"), strings.ContainsAny(p, "\x00\\\n"):
		r.problem(source.Unresolved, at, "%s leads out of the tree that is scanned; it is not read", oneLine(p))
		r.missing = append(r.missing, resource.Missing{Address: oneLine(p)})
		return "", false
	}
	return to, true
}

// directory is an entry that names another kustomization.
func (r *reading) directory(p string, at value.Path, as role) {
	to, ok := r.local(p, at)
	if !ok {
		return
	}
	for _, name := range fileNames {
		r.looked = append(r.looked, path.Join(to, name))
	}
	if info, err := fs.Stat(r.e.workspace.FS, to); err != nil || !info.IsDir() {
		r.lacks(p, to, at)
		return
	}
	if !slices.ContainsFunc(fileNames[:], func(name string) bool { return r.e.isFile(path.Join(to, name)) }) {
		r.absent(at, p, "the directory %s has no kustomization.yaml", to)
		return
	}
	r.add(&ref{at, to, as})
}

// named is an entry that names a file which is not one of objects.
func (r *reading) named(p string, at value.Path, as role) {
	to, ok := r.local(p, at)
	switch {
	case !ok:
	case !r.e.isFile(to):
		r.looked = append(r.looked, to)
		r.problem(source.Unresolved, at, "there is no file %s", to)
	default:
		r.add(&ref{at, to, as})
	}
}

func (r *reading) add(to *ref) {
	r.looked = append(r.looked, to.path)
	r.refs[to.at.String()] = to
	r.order = append(r.order, to)
}
