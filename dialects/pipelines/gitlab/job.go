package gitlab

import (
	"context"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/dialects/pipelines/written"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// pipeline is the evaluation of one pipeline.
type pipeline struct {
	*pipelines.Unit
	ctx      context.Context
	set      *schema.Set
	places   *written.Places
	dir      string // where local includes begin
	surveyed *surveyed

	files    map[string]int // how often each file was loaded
	loads    int
	gaps     bool                   // something that is included is not at hand
	config   value.Value            // all files in one, references and extends not followed
	jobs     map[string]value.Value // with what they extend
	said     map[string]bool
	address  string // of the gitlabci_pipeline
	declared map[source.Range]bool
	scripts  map[*document.Node]bool
	images   map[source.Range][]value.Value
	included map[source.Range]bool
}

func newPipeline(ctx context.Context, set *schema.Set, u *pipelines.Unit) *pipeline {
	return &pipeline{Unit: u, ctx: ctx, set: set, places: written.New(u), dir: path.Dir(u.Main.Path), surveyed: u.Index().(*surveyed),
		files: map[string]int{}, jobs: map[string]value.Value{}, said: map[string]bool{}, declared: map[source.Range]bool{},
		scripts: map[*document.Node]bool{}, images: map[source.Range][]value.Value{}, included: map[source.Range]bool{}}
}

// once notes a problem that several jobs would tell of.
func (p *pipeline) once(kind source.ProblemKind, at source.Range, format string, args ...any) {
	key := at.File + string(rune(at.Start)) + format
	if !p.said[key] {
		p.said[key] = true
		p.Problem(kind, at, format, args...)
	}
}

// globals are the keys of a configuration that are no jobs.
var globals = []string{"after_script", "before_script", "cache", "default", "image", "include", "services", "spec", "stages", "types", "variables", "workflow"}

// inheritable are the keywords that default, or in the old way the configuration itself, sets for jobs.
var inheritable = []string{"after_script", "artifacts", "before_script", "cache", "hooks", "id_tokens", "image", "interruptible", "retry", "services", "tags", "timeout"}

// evaluate makes the resources.
func (p *pipeline) evaluate() {
	root := configOf(p.Main.Document())
	if root == nil {
		p.load(p.Main.Path, value.Value{}, nil)
		return
	}
	p.address = p.Address(path.Base(p.Main.Path))
	p.config, p.gaps = p.load(p.Main.Path, value.Value{}, nil)
	work := 4 * p.Limits.Resources
	p.addPipeline(root)
	for i := range p.config.Fields {
		f := &p.config.Fields[i]
		if p.ctx.Err() != nil {
			return
		}
		if slices.Contains(globals, f.Name) || strings.HasPrefix(f.Name, ".") || f.Value.Kind != value.Object {
			continue
		}
		job := p.follow(p.extended(f.Name, nil), 0, &work)
		if work < 0 {
			p.Problem(source.Limit, f.Value.Range, "the jobs are larger than is looked at when all that they refer to is in place; those from here on are left out")
			return
		}
		if job.Kind == value.Object && !p.add(f.Name, job) {
			return
		}
	}
}

// attributes copies what a type has of a mapping.
func (p *pipeline) attributes(typ string, from *value.Value) pipelines.Body {
	var body pipelines.Body
	for i := range from.Fields {
		f := &from.Fields[i]
		if a := p.set.Resource(typ).Attribute(f.Name); a != nil && !(a.Computed && !a.Optional) {
			body.Set(f.Name, f.Value)
		}
	}
	return body
}

func (p *pipeline) addPipeline(root *document.Node) {
	body := p.attributes("gitlabci_pipeline", &p.config)
	body.Set("file", pipelines.String(p.Main.Path, root.Range))
	if p.gaps && p.config.Field("workflow").Kind == value.Absent {
		body.Set("workflow", value.Value{Kind: value.Unknown})
	}
	r := &resource.Resource{Address: p.address, Type: "gitlabci_pipeline", Name: path.Base(p.Main.Path), Range: root.Range, Body: body.Object(root.Range)}
	r.Handle = p.places.Handle(r, written.Home{Node: root, Only: []string{"default", "stages", "variables", "workflow"}})
	p.Add(r)
	p.declare(p.config.Field("variables"), "pipeline", "")
	rules := p.config.Field("workflow").Field("rules")
	for i := range rules.Items {
		p.declare(rules.Items[i].Field("variables"), "pipeline", "")
	}
}

// owns reports whether the resources of a file belong to this unit: a file that several pipelines include belongs to the first.
func (p *pipeline) owns(file string) bool {
	owner := p.surveyed.owner[file]
	return file == p.Main.Path || owner == "" || owner == p.Main.Path
}

// addressOf is the address of what stands at a place: its path, behind the file when that is not the unit's.
func (p *pipeline) addressOf(s *written.Spot) string {
	out := s.Path().String()
	if s.Range.File != p.Main.Path {
		out = s.Range.File + ":" + out
	}
	return out
}

// inherits reports whether a job takes a default or a global variable.
func inherits(job *value.Value, what, name string) bool {
	switch v := job.Field("inherit").Field(what); v.Kind {
	case value.Bool:
		return v.Bool
	case value.List:
		return slices.Contains(textsOf(v), name)
	}
	return true
}

// add makes the resources of a job.
func (p *pipeline) add(name string, job value.Value) bool {
	defaults := p.config.Field("default")
	for _, k := range inheritable {
		if job.Field(k).Kind != value.Absent || !inherits(&job, "default", k) {
			continue
		}
		v := *defaults.Field(k)
		if v.Kind == value.Absent {
			v = *p.config.Field(k)
		}
		if v.Kind != value.Absent {
			work := p.Limits.Resources
			job = merge(value.Value{Kind: value.Object, Fields: []value.Field{{Name: k, Value: p.follow(v, 0, &work)}}}, job)
		}
	}
	own := *job.Field("variables")
	variables := own
	var shared value.Value
	for _, f := range p.config.Field("variables").Fields {
		if inherits(&job, "variables", f.Name) {
			shared.Kind = value.Object
			shared.Fields = append(shared.Fields, f)
		}
	}
	variables = merge(shared, own)
	if variables.Kind == value.Object && p.gaps {
		variables.Open = true
	}
	spot := p.places.Member(job.Range)
	if spot == nil || !p.owns(job.Range.File) {
		return true
	}
	body := p.attributes("gitlabci_job", &job)
	set := func(k string, v value.Value) {
		body = slices.DeleteFunc(body, func(f value.Field) bool { return f.Name == k })
		body.Set(k, v)
	}
	image := p.image(*job.Field("image"), &variables)
	set("image", image)
	services := *job.Field("services")
	if services.Kind == value.List {
		services = flat(services)
		for i := range services.Items {
			services.Items[i] = p.image(services.Items[i], &variables)
		}
	}
	set("services", services)
	set("variables", variables)
	if rules := job.Field("rules"); rules.Kind == value.List {
		set("rules", flat(*rules))
	}
	body.Set("name", pipelines.String(name, job.Range))
	body.Set("pipeline", pipelines.String(p.address, job.Range))
	address := p.Address(value.Path{{Name: name}}.String())
	r := &resource.Resource{Address: address, Type: "gitlabci_job", Name: name, Range: job.Range, Body: body.Object(job.Range),
		Refs: []resource.Ref{{Path: value.Path{{Name: "pipeline"}}, Target: p.address}}}
	r.Body.Open = job.Open
	r.Handle = p.places.Handle(r, written.Home{Node: spot.Node, Only: writable})
	if !p.Add(r) {
		return false
	}
	p.declare(job.Field("variables"), "job", address)
	rules := r.Body.Field("rules")
	for i := range rules.Items {
		p.declare(rules.Items[i].Field("variables"), "job", address)
	}
	p.addImage(image.Field("name"), "job", address)
	for i := range services.Items {
		p.addImage(services.Items[i].Field("name"), "service", address)
	}
	for _, k := range []string{"before_script", "script", "after_script"} {
		p.addScripts(job.Field(k), address)
	}
	p.addScripts(job.Field("hooks").Field("pre_get_sources_script"), address)
	run := job.Field("run")
	for i := range run.Items {
		p.addScripts(run.Items[i].Field("script"), address)
	}
	return true
}

// writable are the keywords that may be added to a job.
var writable = []string{"after_script", "allow_failure", "artifacts", "before_script", "cache", "environment", "except", "id_tokens", "image", "inherit",
	"needs", "only", "parallel", "release", "rules", "secrets", "services", "stage", "tags", "variables", "when"}

// flat is a list without the lists in it: what !reference tags and anchors put in the place of an item.
func flat(v value.Value) value.Value {
	out := v
	out.Items = nil
	for _, item := range v.Items {
		switch {
		case item.Kind == value.List:
			out.Items = append(out.Items, flat(item).Items...)
		case item.Kind == value.Unknown && !item.NotNull:
			out.Open = true
		default:
			out.Items = append(out.Items, item)
		}
	}
	return out
}

// image is an image or service as an object with a name.
func (p *pipeline) image(v value.Value, variables *value.Value) value.Value {
	switch v.Kind {
	case value.String:
		return value.Value{Kind: value.Object, Range: v.Range, Fields: []value.Field{{Name: "name", Value: p.expand(v, variables)}}}
	case value.Object:
		v.Fields = slices.Clone(v.Fields)
		for i := range v.Fields {
			if f := &v.Fields[i]; f.Name == "name" {
				f.Value = p.expand(f.Value, variables)
			}
		}
	case value.Unknown:
		return value.Value{Kind: value.Object, Open: true, Range: v.Range, Fields: []value.Field{{Name: "name", Value: v}}}
	}
	return v
}

// addImage adds a ci_image, once for each place and text.
func (p *pipeline) addImage(v *value.Value, use, job string) {
	if !v.IsSet() || !p.owns(v.Range.File) || slices.ContainsFunc(p.images[v.Range], func(o value.Value) bool { return o.Equal(v) }) {
		return
	}
	p.images[v.Range] = append(p.images[v.Range], *v)
	spot := p.places.Member(v.Range)
	if spot == nil {
		spot = p.places.Item(v.Range)
	}
	if spot == nil {
		return
	}
	made := pipelines.Image{Address: p.Address(p.addressOf(spot)), Use: use, Image: *v, Range: spot.Range, Job: job}
	r := made.Resource(system)
	r.Handle = p.places.Handle(r, written.Home{Only: []string{"image"}})
	p.Add(r)
}

// addScripts adds a ci_script for each list of lines, or line alone, that a script is put together of: a list that several jobs take
// over is one resource.
func (p *pipeline) addScripts(v *value.Value, job string) {
	switch v.Kind {
	case value.List:
		for i := range v.Items {
			p.addScripts(&v.Items[i], job)
		}
		return
	case value.String:
	default:
		return
	}
	var at *document.Node
	var lines []*document.Node
	spot := p.places.Item(v.Range)
	if spot != nil && spot.In.Kind == document.Sequence {
		at, spot = spot.In, spot.Up
		for _, item := range at.Items {
			if item.Kind == document.Scalar {
				lines = append(lines, item)
			}
		}
	} else if spot = p.places.Member(v.Range); spot != nil {
		at, lines = spot.Node, []*document.Node{spot.Node}
	}
	if spot == nil || p.scripts[at] || !p.owns(at.Range.File) {
		return
	}
	p.scripts[at] = true
	text := p.Text(lines...)
	made := pipelines.Script{Address: p.Address(p.addressOf(spot)), Text: text, Range: spot.Range, Job: job, Placeholders: placeholders(text.Text)}
	r := made.Resource(system)
	r.Handle = p.places.Handle(r, written.Home{})
	p.Add(r)
}

// placeholders are the parts of a script that GitLab replaces before a shell reads it: inputs.
func placeholders(text string) []pipelines.Placeholder {
	var out []pipelines.Placeholder
	for at := 0; ; {
		i := strings.Index(text[at:], "$[[")
		if i < 0 {
			return out
		}
		start := at + i
		n := strings.Index(text[start:], "]]")
		if n < 0 {
			return out
		}
		out = append(out, pipelines.Placeholder{Start: start, End: start + n + 2, Name: strings.TrimSpace(text[start+3 : start+n])})
		at = start + n + 2
	}
}

// includeResource adds the gitlabci_include of an entry, once for each place.
func (p *pipeline) includeResource(e entry, in *inputsOf, file string) *resource.Resource {
	if p.included[e.node.Range] || e.kind == "artifact" {
		return nil
	}
	p.included[e.node.Range] = true
	if !p.owns(file) {
		return nil
	}
	at := e.node.Range
	var body pipelines.Body
	if e.node.Kind == document.Mapping {
		v := e.node.Value(true, nil)
		in.fill(&v)
		body = p.attributes("gitlabci_include", &v)
	} else {
		body.Set(e.kind, pipelines.String(e.node.Text, at))
	}
	body.Set("kind", pipelines.String(e.kind, at))
	body.Set("pipeline", pipelines.String(p.address, at))
	name := e.kind
	if c := e.node.Get("component"); c != nil && c.Kind == document.Scalar {
		v := e.node.Value(true, nil)
		if i := strings.LastIndexByte(c.Text, '@'); i >= 0 {
			version := value.Value{Kind: value.String, Text: c.Text[i+1:], Range: v.Field("component").Range}
			if strings.Contains(version.Text, "$") {
				version = value.Value{Kind: value.Unknown, NotNull: true, Range: version.Range}
			}
			body.Set("version", version)
		}
	}
	for i := range body {
		if f := &body[i]; f.Value.Kind == value.String && strings.Contains(f.Value.Text, "$") && f.Name != "component" && f.Name != "pipeline" {
			variables := p.config.Field("variables")
			f.Value = p.expand(f.Value, variables)
		}
	}
	r := &resource.Resource{Address: p.Address("include." + name + "." + nameOf(e.node, e.kind)), Type: "gitlabci_include", Name: name, Range: at, Body: body.Object(at),
		Refs: []resource.Ref{{Path: value.Path{{Name: "pipeline"}}, Target: p.address}}}
	home := written.Home{}
	if e.node.Kind == document.Mapping {
		home = written.Home{Node: e.node, Only: []string{"ref", "integrity", "inputs", "rules"}}
	}
	r.Handle = p.places.Handle(r, home)
	p.Add(r)
	return r
}

// nameOf is what an entry includes, as one word.
func nameOf(n *document.Node, kind string) string {
	if n.Kind == document.Mapping {
		if f := n.Get("file"); f != nil && f.Kind == document.Scalar {
			return squeeze(n.Get(kind).Text + "/" + f.Text)
		}
		n = n.Get(kind)
	}
	return squeeze(n.Text)
}

// squeeze takes the white space out of a name.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "_") }
