package azure

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
	surveyed *surveyed

	address   string          // of the azurepipelines_pipeline
	templates map[string]bool // aliases of repositories that templates come from, in lower case
	missed    map[string]bool
	read      map[string]bool
	aliases   map[string]bool // of container resources, in lower case
	seen      map[*document.Node]bool
	images    map[source.Range][]value.Value
	declared  map[source.Range]bool
	spent     int
	evaluated int
	depth     int
	note      *written.Note // of the value that is being worked out
}

func newPipeline(ctx context.Context, set *schema.Set, u *pipelines.Unit) *pipeline {
	return &pipeline{Unit: u, ctx: ctx, set: set, places: written.New(u), surveyed: u.Index().(*surveyed), templates: map[string]bool{},
		missed: map[string]bool{}, read: map[string]bool{}, aliases: map[string]bool{}, seen: map[*document.Node]bool{},
		images: map[source.Range][]value.Value{}, declared: map[source.Range]bool{}}
}

// owns reports whether the resources of a file belong to this unit: a template that several pipelines take belongs to the first.
func (p *pipeline) owns(file string) bool {
	owner := p.surveyed.owner[file]
	return file == p.Main.Path || owner == "" || owner == p.Main.Path
}

func (p *pipeline) evaluate() {
	root := rootOf(p.Main.Document())
	if root == nil {
		if len(p.Main.Problems()) == 0 {
			p.Problem(source.Invalid, source.Range{File: p.Main.Path}, "the file is no mapping with steps, jobs or stages")
		}
		return
	}
	in := &scope{file: p.Main, chain: []string{p.Main.Path}, variables: map[string]*argument{}}
	in.params = p.parameters(root.Get("parameters"), in, !isTemplate(p.Main.Path))
	p.address = p.Address(path.Base(p.Main.Path))
	ms, _ := p.members(root, in, false)
	r := &resource.Resource{Address: p.address, Type: "azurepipelines_pipeline", Name: path.Base(p.Main.Path), Range: root.Range}
	body := p.attributes(r.Type, ms)
	body.Set("file", pipelines.String(p.Main.Path, root.Range))
	r.Body = body.Object(root.Range)
	r.Handle = p.places.Handle(r, written.Home{Node: root, Only: []string{"name", "pool", "pr", "schedules", "trigger", "variables"}})
	p.Add(r)
	p.aliasesOf(ms)
	p.namesTemplates(root)
	p.body(ms, in, frame{})
	p.resources(ms)
}

// namesTemplates notes the repositories that a file takes templates from: also where what the template is given to is not at hand.
func (p *pipeline) namesTemplates(root *document.Node) {
	for _, text := range templateTexts(root) {
		if _, alias, ok := strings.Cut(text, "@"); ok {
			p.templates[strings.ToLower(alias)] = true
		}
	}
}

// isTemplate reports whether the name of a file says that it is no pipeline of its own.
func isTemplate(file string) bool {
	return strings.Contains(strings.ToLower(file), "template")
}

// frame is where an entry is: its path in stages and jobs, and what jobs around it say.
type frame struct {
	path    value.Path
	job     string // address
	stage   string
	windows bool
	maybe   bool
	calls   []resource.Call
}

func (f frame) at(name string) frame {
	f.path = append(slices.Clone(f.path), value.Step{Name: name})
	return f
}

// find returns the last member of a name; nil when there is none.
func find(ms []member, name string) *member {
	for i := len(ms) - 1; i >= 0; i-- {
		if strings.EqualFold(ms[i].name, name) {
			return &ms[i]
		}
	}
	return nil
}

// text is the text of a member, where it is known.
func (p *pipeline) text(m *member) string {
	if m == nil || m.node.Kind != document.Scalar {
		return ""
	}
	v := p.scalar(m.node, m.in)
	s, _ := textOf(&v)
	return s
}

// attributes copies what a type has of a mapping.
func (p *pipeline) attributes(typ string, ms []member) pipelines.Body {
	var body pipelines.Body
	t := p.set.Resource(typ)
	object := fields(value.Value{Kind: value.Object}, ms, func(m *member) value.Value {
		if a := t.Attribute(m.name); a == nil || a.Computed && !a.Optional {
			return value.Value{}
		}
		return p.valueAt(m.node, m.in, m.at)
	})
	for _, f := range object.Fields {
		if a := t.Attribute(f.Name); a != nil && !(a.Computed && !a.Optional) {
			body.Set(f.Name, f.Value)
		}
	}
	return body
}

// body goes through what a pipeline, a stage or a job holds.
func (p *pipeline) body(ms []member, in *scope, f frame) {
	if m := find(ms, "variables"); m != nil {
		in = p.variables(m, in, f)
		for i := range ms {
			if ms[i].in.file == in.file {
				inner := *ms[i].in
				inner.variables = in.variables
				ms[i].in = &inner
			}
		}
	}
	if m := find(ms, "pool"); m != nil {
		f.windows = p.isWindows(m)
	}
	if m := find(ms, "container"); m != nil {
		p.container(m, "job", f)
	}
	if m := find(ms, "services"); m != nil {
		all, _ := p.members(m.node, m.in, false)
		for i := range all {
			p.container(&all[i], "service", f)
		}
	}
	if m := find(ms, "extends"); m != nil {
		inner, _ := p.members(m.node, m.in, m.maybe)
		if t := find(inner, "template"); t != nil {
			if s, root := p.template(t, find(inner, "parameters"), m.at); root != nil {
				s.variables = in.variables
				more, _ := p.members(root, s, m.maybe)
				g := f
				g.maybe, g.calls = f.maybe || m.maybe, s.calls
				p.aliasesOf(more)
				p.body(more, s, g)
				p.resources(more)
			}
		}
	}
	for _, m := range ms {
		g := f
		g.maybe = f.maybe || m.maybe
		switch m.name {
		case "stages":
			p.list(m, g, p.stage)
		case "jobs":
			p.list(m, g, p.job)
		case "steps":
			p.list(m, g, p.step)
		}
	}
}

// list goes through the entries of stages, jobs or steps; a template among them is put in place.
func (p *pipeline) list(m member, f frame, each func(it item, ms []member, f frame)) {
	items, _ := p.items(m.node, m.in, f.maybe)
	for _, it := range items {
		if p.ctx.Err() != nil || p.spent >= maxItems {
			return
		}
		if it.node.Kind != document.Mapping {
			continue
		}
		ms, _ := p.members(it.node, it.in, it.maybe)
		g := f
		g.maybe = it.maybe
		g.calls = it.in.calls
		t := find(ms, "template")
		if t == nil {
			each(it, ms, g)
			continue
		}
		s, root := p.template(t, find(ms, "parameters"), it.at)
		if root == nil {
			continue
		}
		more, _ := p.members(root, s, it.maybe)
		if inner := find(more, m.name); inner != nil {
			g.maybe = it.maybe || inner.maybe
			p.list(*inner, g, each)
		}
		if res := find(more, "resources"); res != nil {
			p.aliasesOf(more)
			p.resources(more)
		}
	}
}

func (p *pipeline) stage(_ item, ms []member, f frame) {
	name := p.text(find(ms, "stage"))
	if name == "" {
		name = "stage"
	}
	f.stage = name
	in := scopeOf(ms)
	if in == nil {
		return
	}
	p.body(ms, in, f.at(name))
}

func scopeOf(ms []member) *scope {
	if len(ms) == 0 {
		return nil
	}
	return ms[0].in
}

// job makes an azurepipelines_job and goes into it.
func (p *pipeline) job(it item, ms []member, f frame) {
	name := p.text(find(ms, "job"))
	deployment := find(ms, "deployment")
	if name == "" {
		name = p.text(deployment)
	}
	if name == "" {
		name = "job"
	}
	f = f.at(name)
	in := scopeOf(ms)
	if in == nil {
		return
	}
	if !p.seen[it.node] && p.owns(it.at.File) {
		p.seen[it.node] = true
		r := &resource.Resource{Address: p.Address(fileOf(p.Main.Path, it.at.File) + f.path.String()), Type: "azurepipelines_job", Name: name, Range: it.at,
			Calls: f.calls, Maybe: f.maybe, Refs: []resource.Ref{{Path: value.Path{{Name: "pipeline"}}, Target: p.address}}}
		body := slices.DeleteFunc(p.attributes(r.Type, ms), func(x value.Field) bool { return x.Name == "deployment" || x.Name == "name" || x.Name == "stage" })
		body.Set("name", pipelines.String(name, it.at))
		body.Set("deployment", pipelines.Bool(deployment != nil, it.at))
		body.Set("pipeline", pipelines.String(p.address, it.at))
		if f.stage != "" {
			body.Set("stage", pipelines.String(f.stage, it.at))
		}
		r.Body = body.Object(it.at)
		r.Handle = p.places.Handle(r, written.Home{Node: it.node, Only: []string{"condition", "container", "environment", "pool", "strategy", "variables", "workspace"}})
		f.job = r.Address
		if !p.Add(r) {
			return
		}
	}
	p.body(ms, in, f)
	if s := find(ms, "strategy"); s != nil && deployment != nil {
		p.strategy(s, f, 0)
	}
}

// strategy finds the steps of a deployment: under runOnce, rolling or canary, in each of its phases.
func (p *pipeline) strategy(m *member, f frame, depth int) {
	if depth > 4 {
		return
	}
	ms, _ := p.members(m.node, m.in, m.maybe)
	for i := range ms {
		switch ms[i].name {
		case "runOnce", "rolling", "canary", "preDeploy", "deploy", "routeTraffic", "postRouteTraffic", "on", "success", "failure":
			p.strategy(&ms[i], f, depth+1)
		case "steps":
			p.list(ms[i], f, p.step)
		}
	}
}

// isWindows reports whether a pool runs Windows, where a script is one of its own shell.
func (p *pipeline) isWindows(m *member) bool {
	if m.node.Kind != document.Mapping {
		return false
	}
	ms, _ := p.members(m.node, m.in, false)
	image := strings.ToLower(p.text(find(ms, "vmImage")))
	return strings.HasPrefix(image, "windows") || strings.HasPrefix(image, "vs")
}

// variables adds what a section of variables sets, and returns the scope that knows it.
func (p *pipeline) variables(m *member, in *scope, f frame) *scope {
	out := *in
	out.variables = map[string]*argument{}
	for k, v := range in.variables {
		out.variables[k] = v
	}
	p.addVariables(m, &out, f, 0)
	return &out
}

func (p *pipeline) addVariables(m *member, into *scope, f frame, depth int) {
	if depth > 10 {
		return
	}
	kind := "pipeline"
	if f.job != "" {
		kind = "job"
	} else if f.stage != "" {
		kind = "stage"
	}
	if m.node.Kind == document.Mapping {
		ms, _ := p.members(m.node, m.in, m.maybe)
		for i := range ms {
			into.variables[strings.ToLower(ms[i].name)] = &argument{node: ms[i].node, in: ms[i].in, at: ms[i].at}
			p.variable(ms[i].name, &ms[i], kind, f)
		}
		return
	}
	items, _ := p.items(m.node, m.in, m.maybe)
	for _, it := range items {
		ms, _ := p.members(it.node, it.in, it.maybe)
		if t := find(ms, "template"); t != nil {
			if s, root := p.template(t, find(ms, "parameters"), it.at); root != nil {
				more, _ := p.members(root, s, it.maybe)
				if v := find(more, "variables"); v != nil {
					p.addVariables(v, into, f, depth+1)
				}
			}
			continue
		}
		name, v := p.text(find(ms, "name")), find(ms, "value")
		if name == "" || v == nil {
			continue
		}
		into.variables[strings.ToLower(name)] = &argument{node: v.node, in: v.in, at: v.at}
		p.variable(name, v, kind, f)
	}
}

// variable makes a ci_variable, once for each place.
func (p *pipeline) variable(name string, m *member, kind string, f frame) {
	spot := p.places.Member(m.at)
	if spot == nil || p.declared[m.at] || m.node.Kind != document.Scalar || !p.owns(m.at.File) {
		return
	}
	p.declared[m.at] = true
	v := p.valueAt(m.node, m.in, m.at)
	if s, ok := textOf(&v); ok && v.Kind != value.Null {
		if v.Kind == value.Bool {
			s = strings.ToLower(s)
		}
		v = value.Value{Kind: value.String, Text: s, Range: m.at}
	}
	address := append(slices.Clone(f.path), value.Step{Name: "variables"}, value.Step{Name: name}).String()
	made := pipelines.Variable{Address: p.Address(fileOf(p.Main.Path, m.at.File) + address), Name: name, Value: v, Scope: kind, Range: m.at, Job: f.job}
	r := made.Resource(system)
	r.Calls = m.in.calls
	r.Handle = p.places.Handle(r, written.Home{Only: []string{"value"}})
	p.Add(r)
}

// aliasesOf notes the names of container resources, which jobs use in the place of images.
func (p *pipeline) aliasesOf(ms []member) {
	m := find(ms, "resources")
	if m == nil {
		return
	}
	inner, _ := p.members(m.node, m.in, false)
	for i := range inner {
		if inner[i].name != "containers" {
			continue
		}
		items, _ := p.items(inner[i].node, inner[i].in, false)
		for _, it := range items {
			all, _ := p.members(it.node, it.in, false)
			p.aliases[strings.ToLower(p.text(find(all, "container")))] = true
		}
	}
}

// resources makes the repositories and container images of a file. It comes last: which repositories hold templates is known then.
func (p *pipeline) resources(ms []member) {
	m := find(ms, "resources")
	if m == nil {
		return
	}
	inner, _ := p.members(m.node, m.in, m.maybe)
	for i := range inner {
		if inner[i].name != "containers" && inner[i].name != "repositories" {
			continue
		}
		items, _ := p.items(inner[i].node, inner[i].in, m.maybe)
		for _, it := range items {
			all, _ := p.members(it.node, it.in, it.maybe)
			if inner[i].name == "containers" {
				if image := find(all, "image"); image != nil {
					p.image(image, "job", frame{path: value.Path{{Name: "resources"}, {Name: "containers"}, {Name: p.text(find(all, "container"))}}})
				}
				continue
			}
			p.repository(it, all)
		}
	}
}

// repository makes an azurepipelines_repository.
func (p *pipeline) repository(it item, ms []member) {
	alias := p.text(find(ms, "repository"))
	if alias == "" || p.seen[it.node] || !p.owns(it.at.File) {
		return
	}
	p.seen[it.node] = true
	address := value.Path{{Name: "resources"}, {Name: "repositories"}, {Name: alias}}.String()
	r := &resource.Resource{Address: p.Address(fileOf(p.Main.Path, it.at.File) + address), Type: "azurepipelines_repository", Name: alias, Range: it.at,
		Calls: it.in.calls, Maybe: it.maybe, Refs: []resource.Ref{{Path: value.Path{{Name: "pipeline"}}, Target: p.address}}}
	body := p.attributes(r.Type, ms)
	body.Set("pipeline", pipelines.String(p.address, it.at))
	body.Set("templates", pipelines.Bool(p.templates[strings.ToLower(alias)], it.at))
	r.Body = body.Object(it.at)
	r.Handle = p.places.Handle(r, written.Home{Node: it.node, Only: []string{"endpoint", "name", "ref", "trigger", "type"}})
	p.Add(r)
}

// container makes the image of a job or service: the name of a container resource, an image, or a mapping with one.
func (p *pipeline) container(m *member, use string, f frame) {
	switch m.node.Kind {
	case document.Mapping:
		ms, _ := p.members(m.node, m.in, m.maybe)
		if image := find(ms, "image"); image != nil {
			p.image(image, use, f.at(m.name))
		}
	case document.Scalar:
		if s := p.text(m); s != "" && p.aliases[strings.ToLower(s)] {
			return
		}
		p.image(m, use, f)
	}
}

// image makes a ci_image, once for each place and text.
func (p *pipeline) image(m *member, use string, f frame) {
	if m.node.Kind != document.Scalar || m.node.IsNull() || !p.owns(m.at.File) {
		return
	}
	v := p.macros(p.valueAt(m.node, m.in, m.at), m.in)
	spot := p.places.Member(m.at)
	if spot == nil || slices.ContainsFunc(p.images[m.at], func(o value.Value) bool { return o.Equal(&v) }) {
		return
	}
	p.images[m.at] = append(p.images[m.at], v)
	made := pipelines.Image{Address: p.Address(fileOf(p.Main.Path, m.at.File) + f.at(m.name).path.String()), Use: use, Image: v, Range: m.at, Job: f.job}
	r := made.Resource(system)
	r.Calls, r.Maybe = m.in.calls, f.maybe || m.maybe
	r.Handle = p.places.Handle(r, written.Home{Only: []string{"image"}})
	p.Add(r)
}
