//lint:file-ignore SA1019 what kustomize calls old it still builds, and people still write it

package kustomize

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Limits of one build. Kustomize compares objects with each other: its work grows with their square.
const (
	maxObjects    = 1_500
	maxVisits     = 1_000
	maxWork       = 100_000  // about 10 s: see stage.work
	stagedBytes   = 32 << 20 // of all files
	paddingBytes  = 16 << 20 // of the lines that keep documents apart
	grownBytes    = 256 << 20
	maxAttempts   = 8 // builds of one kustomization, each without what the one before failed at
	maxGenerators = 500
)

// stage is the file system of one build. Every kustomization has a directory of its own there, /p/0, and every use of a file a copy
// beside it with a name that no other has.
type stage struct {
	e         *estate
	fs        filesys.FileSystem
	order     []*kustomization // what is named before who names it
	dirs      map[string]int   // by directory
	leaving   map[string]bool  // paths of the tree, and patches by name, that are left out because the build failed at them
	lenient   bool             // a patch of something that is not there is left out
	plain     bool             // only objects: nothing is done to them
	names     []string         // staged names and what they stand for, in turns
	texts     map[string]*text // by staged name
	declaring []*text          // those that declare objects
	sections  sections
	next      int // the next free line
	padding   int
	bytes     int
	files     int
	touches   []*touch
	reads     map[string]bool
	problems  []source.Problem
	objects   map[string]int  // what the kustomization of a directory builds
	visits    map[string]int  // how many kustomizations are read to build it
	work      map[string]int  // what that costs, in tenths of a millisecond
	copies    int             // growth, as a power of two
	overflow  bool            // a budget is used up
	led       map[string]bool // by directory and file: whether the kustomization leads there
}

// touch is a patch that a build applies, in the order of the kustomizations.
type touch struct {
	text   *text
	target *types.Selector // nil: the documents say
	by     *kustomization
	at     value.Path // in by
}

// newStage copies what a build of a kustomization needs.
func (e *estate) newStage(top string, lenient, plain bool, leaving map[string]bool) *stage {
	s := &stage{e: e, fs: filesys.MakeFsInMemory(), dirs: make(map[string]int), lenient: lenient, plain: plain, leaving: leaving, texts: make(map[string]*text),
		reads: make(map[string]bool), objects: make(map[string]int), visits: make(map[string]int), work: make(map[string]int), next: 1}
	s.order = e.closure(top)
	s.next = 2 * e.made(s.order)
	for i, k := range s.order {
		s.dirs[k.dir] = i
		s.names = append(s.names, dirName(i), k.dir)
	}
	for _, k := range s.order {
		s.kustomization(k, k.dir == top)
		if s.overflow {
			break
		}
	}
	return s
}

func dirName(i int) string { return "/p/" + strconv.Itoa(i) }

// made bounds the lines of what the library writes itself and reads again, as it does for a JSON patch: no document is copied to those.
func (e *estate) made(order []*kustomization) int {
	most, more := 0, 16
	for _, k := range order {
		if k.text != nil {
			more += bytes.Count(k.file.Bytes, []byte("\n")) // patches inside of it, literals
		}
		for _, to := range k.order {
			switch to.role {
			case asResource:
				for _, root := range e.text(to.path).doc.Roots {
					most = max(most, linesOf(root))
				}
			case asPatch:
				for _, root := range e.text(to.path).doc.Roots {
					more += linesOf(root)
				}
			case asData:
				if f, problem := e.workspace.Read(to.path); problem == nil {
					more += bytes.Count(f.Bytes, []byte("\n"))
				}
			}
		}
	}
	return most + more
}

// linesOf bounds the lines of a node that is written anew.
func linesOf(n *document.Node) int {
	lines := 1 + strings.Count(n.Text, "\n")
	for i := range n.Members {
		lines += 1 + linesOf(n.Members[i].Value)
	}
	for _, item := range n.Items {
		lines += linesOf(item)
	}
	return lines
}

// limit notes that a budget is used up: nothing is built.
func (s *stage) limit(at source.Range, message string) {
	if !s.overflow {
		s.problems = append(s.problems, source.Problem{Kind: source.Limit, Range: at, Message: message})
	}
	s.overflow = true
}

// kustomization writes what is left of a kustomization when all that is not in the tree is taken out.
func (s *stage) kustomization(k *kustomization, top bool) {
	s.reads[k.file.Path] = true
	for _, p := range k.looked {
		s.reads[p] = true
	}
	in := &k.spec
	out := types.Kustomization{TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}}
	component := in.Kind == types.ComponentKind
	if component && !top {
		out.TypeMeta = types.TypeMeta{APIVersion: types.ComponentVersion, Kind: types.ComponentKind}
	}
	count, visits, work := 0, 1, 0
	for _, to := range k.order {
		switch to.role {
		case asResource:
			if name, n := s.resources(k, to.path); n > 0 {
				out.Resources = append(out.Resources, name)
				count += n
			}
		case asBase, asComponent:
			i, known := s.dirs[to.path]
			of := s.e.kustomization(to.path)
			if !known || s.e.graph.cut[to] || of == nil {
				continue
			}
			count += s.objects[to.path]
			visits += s.visits[to.path]
			work += s.work[to.path]
			switch isComponent := of.spec.Kind == types.ComponentKind; {
			case isComponent != (to.role == asComponent):
				what := "a component, which is named under components"
				if !isComponent {
					what = "no component, and named under resources"
				}
				s.problems = append(s.problems, source.Problem{Kind: source.Invalid, Range: k.place(to.at), Message: to.path + " is " + what + "; it is left out"})
			case isComponent:
				out.Components = append(out.Components, "../"+strconv.Itoa(i))
			default:
				out.Resources = append(out.Resources, "../"+strconv.Itoa(i))
			}
		}
	}
	count += s.generators(k, &out)
	s.objects[k.dir] = count
	if s.visits[k.dir] = visits; visits > maxVisits {
		s.limit(source.Range{File: k.file.Path}, "kustomize would read more than "+strconv.Itoa(maxVisits)+" kustomizations to build it; it is not built")
		return
	}
	if count > maxObjects {
		s.limit(source.Range{File: k.file.Path}, "kustomize would build more than "+strconv.Itoa(maxObjects)+" objects; it is not built")
		return
	}
	if !s.plain {
		s.transformers(k, &out, component && top)
	}
	if s.work[k.dir] = work + s.workOf(k, &out, count); s.work[k.dir] > maxWork {
		s.limit(source.Range{File: k.file.Path}, "there is more to do to more objects than is done; it is not built")
		return
	}
	text, err := json.Marshal(out)
	if err != nil {
		s.problems = append(s.problems, source.Problem{Kind: source.Invalid, Range: source.Range{File: k.file.Path}, Message: "kustomize cannot read it: " + oneLine(err.Error())})
		return
	}
	s.write(k, fileNames[0], text, k.file.Path)
}

// workOf is about what a kustomization does to objects.
func (s *stage) workOf(k *kustomization, out *types.Kustomization, objects int) int {
	each := 10 + len(out.Images) + len(out.Labels) + len(out.Replicas)
	for _, r := range out.Replacements {
		each += 1 + len(r.Targets)
		for _, t := range r.Targets {
			if t != nil {
				each += len(t.FieldPaths)
			}
		}
	}
	total := 0
	for _, p := range out.Patches {
		t := s.texts[p.Path]
		switch {
		case t != nil && len(t.doc.Roots) == 1 && t.doc.Roots[0].Kind == document.Sequence:
			each += 10 + len(t.doc.Roots[0].Items)/10
		case p.Target != nil:
			each += 5
		case t != nil:
			total += 5 * len(t.doc.Roots)
		}
	}
	if k.spec.Replacements != nil {
		for _, to := range k.order {
			if to.role == asSetting {
				for _, r := range replacementsIn(s.e.text(to.path)) {
					each += 1 + len(r.Targets)
				}
			}
		}
	}
	return total + objects*each + objects*objects/50
}

// transformers says what is done to the objects. A component that nobody names has none to patch.
func (s *stage) transformers(k *kustomization, out *types.Kustomization, alone bool) {
	in := &k.spec
	out.Namespace, out.NamePrefix, out.NameSuffix = in.Namespace, in.NamePrefix, in.NameSuffix
	out.Labels, out.CommonAnnotations = slices.Clone(in.Labels), in.CommonAnnotations
	if len(in.CommonLabels) > 0 {
		out.Labels = append(out.Labels, types.Label{Pairs: in.CommonLabels, IncludeSelectors: true})
	}
	out.Replicas = in.Replicas
	out.Images = append(slices.Clone(in.Images), in.ImageTags...)
	for i := range in.Configurations {
		if name, ok := s.setting(k, step("configurations", i)); ok {
			out.Configurations = append(out.Configurations, name)
		}
	}
	for i, p := range in.Transformers {
		if name, ok := s.setting(k, step("transformers", i)); ok {
			out.Transformers = append(out.Transformers, name)
		} else if strings.Contains(strings.TrimSpace(p), "\n") && isHarmless(s.e.inline(k, step("transformers", i), p)) {
			out.Transformers = append(out.Transformers, p)
		}
	}
	if alone {
		return
	}
	for i := range k.patches {
		out.Patches = append(out.Patches, s.patch(k, &k.patches[i])...)
	}
	if s.leaving["replacements"] {
		return
	}
	for i, r := range in.Replacements {
		if r.Path != "" {
			name, ok := s.setting(k, step("replacements", i, "path"))
			if !ok {
				continue
			}
			r = types.ReplacementField{Path: name}
		}
		out.Replacements = append(out.Replacements, r)
	}
	if s.copies += s.e.chain(k); s.bytes<<min(s.copies, 40) > grownBytes {
		s.limit(source.Range{File: k.file.Path}, "copies of what was copied would grow without end; it is not built")
	}
}

// write puts a file in the directory of a kustomization. Used is the path of the tree that it stands for.
func (s *stage) write(k *kustomization, name string, text []byte, used string) {
	s.bytes += len(text)
	if s.bytes > stagedBytes+paddingBytes {
		s.limit(source.Range{File: k.file.Path}, "the kustomization names more than "+strconv.Itoa(stagedBytes>>20)+" MiB; it is not built")
		return
	}
	if err := s.fs.WriteFile(dirName(s.dirs[k.dir])+"/"+name, text); err != nil {
		s.problems = append(s.problems, source.Problem{Kind: source.Invalid, Range: source.Range{File: used}, Message: oneLine(err.Error())})
	}
}

// name makes the name of a copy.
func (s *stage) name(of, extension string) string {
	s.files++
	name := "file" + strconv.Itoa(s.files) + extension
	s.names = append(s.names, name, of)
	return name
}

// resources copies the objects of a file.
func (s *stage) resources(k *kustomization, file string) (name string, n int) {
	s.reads[file] = true
	t := s.e.text(file)
	if s.leaving[file] {
		return "", 0
	}
	var roots []*document.Node
	for _, root := range t.doc.Roots {
		switch objects := objectsOf(root); {
		case objects > 0:
			roots = append(roots, root)
			n += objects
		case objects < 0:
			s.problems = append(s.problems, source.Problem{Kind: source.Invalid, Range: t.place(root.Range),
				Message: "kustomize refuses what is no object with an apiVersion, a kind and a name; it is left out"})
		}
	}
	s.problems = append(s.problems, t.problems...)
	if n == 0 {
		return "", 0
	}
	name = s.name(file, ".yaml")
	s.texts[name] = t
	s.declaring = append(s.declaring, t)
	s.write(k, name, s.copy(t, roots), file)
	return name, n
}

// objectsOf counts the objects of a document; -1 for what kustomize refuses.
func objectsOf(root *document.Node) int {
	kind, version := root.Get("kind"), root.Get("apiVersion")
	if root.IsNull() {
		return 0
	}
	if kind == nil || version == nil || kind.Kind != document.Scalar || version.Kind != document.Scalar || kind.Text == "" {
		return -1
	}
	if items := root.Get("items"); items != nil && strings.HasSuffix(kind.Text, "List") {
		for _, item := range items.Items {
			if objectsOf(item) != 1 {
				return -1
			}
		}
		return len(items.Items)
	}
	if name := root.Get("metadata").Get("name"); name == nil || name.Kind != document.Scalar || name.Text == "" {
		return -1
	}
	return 1
}

// copy writes documents to lines that no other document of the build has.
func (s *stage) copy(t *text, roots []*document.Node) []byte {
	var b strings.Builder
	for i, root := range roots {
		if i > 0 {
			b.WriteString("---\n")
		}
		body := t.own.Text(root.Range)
		start := t.own.Position(root.Range.Start)
		// Some line ends of YAML are none for people.
		odd := strings.ContainsAny(strings.ReplaceAll(body, "\r\n", "\n"), "\r\u0085\u2028\u2029") || strings.HasPrefix(string(t.own.Bytes), "\ufeff") && start.Line == 1
		lines := strings.Count(body, "\n") + 1
		if !odd && s.padding+s.next <= paddingBytes {
			s.padding += s.next
			b.WriteString(strings.Repeat("\n", s.next))
			s.sections = append(s.sections, section{t, root, s.next + 1, lines, s.next + 1 - start.Line})
			s.next += lines + 1
		}
		if !odd {
			b.WriteString(strings.Repeat(" ", start.Column-1))
		}
		b.WriteString(body)
		b.WriteString("\n")
	}
	return []byte(b.String())
}

// setting copies a file as it is.
func (s *stage) setting(k *kustomization, at value.Path) (string, bool) {
	to := k.refs[at.String()]
	if to == nil || s.leaving[to.path] {
		return "", false
	}
	s.reads[to.path] = true
	t := s.e.text(to.path)
	if slices.ContainsFunc(t.problems, func(p source.Problem) bool { return fatal(p) || p.Kind == source.Unreadable }) {
		s.problems = append(s.problems, t.problems...)
		return "", false
	}
	name := s.name(to.path, path.Ext(to.path))
	s.write(k, name, t.own.Bytes, to.path)
	return name, true
}

// patch copies a patch. One of something that is not there fails a build, unless it is lenient: then each document is a patch with a
// target, of which kustomize wants no more than that it is there.
func (s *stage) patch(k *kustomization, p *patch) []types.Patch {
	var t *text
	switch {
	case p.Path != "":
		at := p.at.String()
		if at[:min(len(at), len("patchesStrategicMerge"))] != "patchesStrategicMerge" {
			at += ".path"
		}
		to := k.refs[at]
		if to == nil || s.leaving[to.path] {
			return nil
		}
		s.reads[to.path] = true
		t = s.e.text(to.path)
	case strings.TrimSpace(p.Patch.Patch) == "":
		return nil
	default:
		at := p.at
		if at[0].Name != "patchesStrategicMerge" {
			at = append(at[:len(at):len(at)], value.Step{Name: "patch"})
		}
		t = s.e.inline(k, at, p.Patch.Patch)
	}
	if slices.ContainsFunc(t.problems, func(x source.Problem) bool { return fatal(x) || x.Kind == source.Unreadable }) {
		s.problems = append(s.problems, t.problems...)
		return nil
	}
	if s.leaving[t.name] {
		return nil
	}
	s.touches = append(s.touches, &touch{t, p.Target, k, p.at})
	one := func(roots []*document.Node, target *types.Selector) types.Patch {
		name := s.name(t.name, ".yaml")
		s.texts[name] = t
		if len(roots) == 1 && roots[0].Kind == document.Sequence {
			s.write(k, name, t.own.Bytes, t.file.Path)
			s.copies += strings.Count(string(t.own.Bytes), "copy")
		} else {
			s.write(k, name, s.copy(t, roots), t.file.Path)
		}
		return types.Patch{Path: name, Target: target, Options: p.Options}
	}
	if !s.lenient || p.Target != nil || len(t.doc.Roots) == 0 || t.doc.Roots[0].Kind != document.Mapping {
		return []types.Patch{one(t.doc.Roots, p.Target)}
	}
	var out []types.Patch
	for _, root := range t.doc.Roots {
		out = append(out, one([]*document.Node{root}, targetOf(root)))
	}
	return out
}

// targetOf is the target that a document of a patch says by itself.
func targetOf(root *document.Node) *types.Selector {
	scalar := func(n *document.Node) string {
		if n == nil || n.Kind != document.Scalar {
			return ""
		}
		return n.Text
	}
	group, _, ok := strings.Cut(scalar(root.Get("apiVersion")), "/")
	if !ok {
		group = ""
	}
	return &types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Group: regexp.QuoteMeta(group), Kind: regexp.QuoteMeta(scalar(root.Get("kind")))},
		Name: regexp.QuoteMeta(scalar(root.Get("metadata").Get("name")))}}
}

// generators copies what config maps and secrets are made of.
func (s *stage) generators(k *kustomization, out *types.Kustomization) int {
	in := &k.spec
	if len(in.ConfigMapGenerator)+len(in.SecretGenerator) > maxGenerators {
		s.limit(source.Range{File: k.file.Path}, "there are more than "+strconv.Itoa(maxGenerators)+" generators; it is not built")
		return 0
	}
	out.GeneratorOptions = &types.GeneratorOptions{DisableNameSuffixHash: true}
	if o := in.GeneratorOptions; o != nil {
		out.GeneratorOptions.Labels, out.GeneratorOptions.Annotations, out.GeneratorOptions.Immutable = o.Labels, o.Annotations, o.Immutable
	}
	made := 0
	for i, g := range in.ConfigMapGenerator {
		if g.Name == "" {
			continue
		}
		g.KvPairSources = s.sources(k, &g.KvPairSources, step("configMapGenerator", i))
		g.Options = options(g.Options)
		out.ConfigMapGenerator = append(out.ConfigMapGenerator, g)
		made++
	}
	for i, g := range in.SecretGenerator {
		if g.Name == "" {
			continue
		}
		g.KvPairSources = s.sources(k, &g.KvPairSources, step("secretGenerator", i))
		g.Options = options(g.Options)
		out.SecretGenerator = append(out.SecretGenerator, g)
		made++
	}
	return made
}

// options are those of a generator without the hash behind the name.
func options(o *types.GeneratorOptions) *types.GeneratorOptions {
	if o == nil {
		return nil
	}
	c := *o
	c.DisableNameSuffixHash = true
	return &c
}

func (s *stage) sources(k *kustomization, in *types.KvPairSources, at value.Path) types.KvPairSources {
	out := types.KvPairSources{LiteralSources: in.LiteralSources}
	for i, f := range in.FileSources {
		key, _, ok := strings.Cut(f, "=")
		if !ok {
			key = path.Base(f)
		}
		if name, ok := s.data(k, append(at[:len(at):len(at)], step("files", i)...)); ok {
			out.FileSources = append(out.FileSources, key+"="+name)
		}
	}
	envs := make([]value.Path, 0, len(in.EnvSources)+1)
	for i := range in.EnvSources {
		envs = append(envs, append(at[:len(at):len(at)], step("envs", i)...))
	}
	if in.EnvSource != "" {
		envs = append(envs, append(at[:len(at):len(at)], value.Step{Name: "env"}))
	}
	for _, at := range envs {
		if name, ok := s.data(k, at); ok {
			out.EnvSources = append(out.EnvSources, name)
		}
	}
	return out
}

// unreadData stands for what is in a file that is no text.
const unreadData = "plumbline: this file is no text"

// data copies a file that a generator reads.
func (s *stage) data(k *kustomization, at value.Path) (string, bool) {
	to := k.refs[at.String()]
	if to == nil {
		return "", false
	}
	s.reads[to.path] = true
	content := []byte(unreadData)
	if f, problem := s.e.workspace.Read(to.path); problem == nil && utf8.Valid(f.Bytes) {
		content = f.Bytes
	}
	name := s.name(to.path, "")
	s.write(k, name, content, to.path)
	return name, true
}

// chain returns how many replacements, one after the other, read what the one before may have written. A value can double with each.
func (e *estate) chain(k *kustomization) int {
	type link struct {
		reads  string
		writes []string
	}
	var links []link
	for i, r := range k.spec.Replacements {
		list := []types.Replacement{r.Replacement}
		if r.Path != "" {
			to := k.refs[step("replacements", i, "path").String()]
			if to == nil {
				continue
			}
			list = replacementsIn(e.text(to.path))
		}
		for _, r := range list {
			l := link{reads: "metadata.name"}
			if r.Source != nil && r.Source.FieldPath != "" {
				l.reads = r.Source.FieldPath
			}
			for _, t := range r.Targets {
				if t != nil {
					l.writes = append(l.writes, t.FieldPaths...)
				}
			}
			links = append(links, l)
		}
	}
	longest := make([]int, len(links))
	most := 0
	for i := range links {
		if i > 2_000 {
			return 64
		}
		for j := range i {
			if slices.ContainsFunc(links[j].writes, func(w string) bool { return related(links[i].reads, w) }) {
				longest[i] = max(longest[i], longest[j])
			}
		}
		own := slices.ContainsFunc(links[i].writes, func(w string) bool { return related(links[i].reads, w) })
		if longest[i] > 0 || own || slices.ContainsFunc(links[:i], func(l link) bool {
			return slices.ContainsFunc(l.writes, func(w string) bool { return related(links[i].reads, w) })
		}) {
			longest[i]++
		}
		most = max(most, longest[i])
	}
	return most
}

// related reports whether two field paths may lead to the same place, by their first two steps.
func related(a, b string) bool {
	x, y := strings.SplitN(a, ".", 3), strings.SplitN(b, ".", 3)
	for i := range min(len(x), len(y), 2) {
		if x[i] != y[i] && x[i] != "*" && y[i] != "*" && !strings.HasPrefix(x[i], "[") && !strings.HasPrefix(y[i], "[") {
			return false
		}
	}
	return true
}

// replacementsIn reads a file of replacements as far as their paths go.
func replacementsIn(t *text) []types.Replacement {
	var out []types.Replacement
	var read func(n *document.Node)
	read = func(n *document.Node) {
		for _, item := range n.Items {
			read(item)
		}
		if n.Kind != document.Mapping {
			return
		}
		r := types.Replacement{Source: &types.SourceSelector{}}
		if f := n.Get("source").Get("fieldPath"); f != nil {
			r.Source.FieldPath = f.Text
		}
		if targets := n.Get("targets"); targets != nil {
			for _, item := range targets.Items {
				if paths := item.Get("fieldPaths"); paths != nil {
					to := &types.TargetSelector{}
					for _, p := range paths.Items {
						to.FieldPaths = append(to.FieldPaths, p.Text)
					}
					r.Targets = append(r.Targets, to)
				}
			}
		}
		out = append(out, r)
	}
	for _, root := range t.doc.Roots {
		read(root)
	}
	return out
}
