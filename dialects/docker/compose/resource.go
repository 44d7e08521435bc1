package compose

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// types are the types of what a section declares.
var types = map[string]string{
	"services": "compose_service", "volumes": "compose_volume", "networks": "compose_network", "secrets": "compose_secret", "configs": "compose_config",
}

// declared is what stands behind a resource.
type declared struct {
	section string // services; empty for the project
	name    string
	node    *node // merged; of a service with the variables of its files
	shapes  map[string]shape
}

// evaluate makes the resources of a project.
func (e *estate) evaluate(_ context.Context, u *unit) *dialect.Unit {
	p := u.load()
	out := &dialect.Unit{Name: u.name}
	l := &loader{estate: e, ctx: context.Background(), limits: limits{e.limits.Modules, e.limits.ValueBytes},
		out: &project{reads: make(map[string]bool)}, said: make(map[source.Problem]bool)}
	var resources []*resource.Resource
	if p.root != nil {
		resources = l.resources(u, p)
	}
	if len(resources) > e.limits.Resources {
		l.problem(source.Limit, p.root.at, "the project declares too many things")
		resources = resources[:e.limits.Resources]
	}
	out.Graph = resource.NewGraph(resources, p.missing)
	out.Problems = append(slices.Clone(p.problems), l.out.problems...)
	reads := maps.Clone(p.reads) // p is everybody's
	maps.Copy(reads, l.out.reads)
	out.Reads = dialect.Reads{Files: slices.Sorted(maps.Keys(reads))}
	out.Explainer = &explainer{estate: e, unit: u}
	return out
}

func (l *loader) resources(u *unit, p *project) []*resource.Resource {
	out := []*resource.Resource{projectResource(u, p.root)}
	for _, section := range sections {
		all := p.root.get(section)
		if all == nil {
			continue
		}
		for _, f := range all.fields {
			if f.reset || f.null && section == "services" && len(u.files) > 1 {
				continue
			}
			if section == "services" && f.kind != document.Mapping {
				l.problem(source.Invalid, f.at, "services."+f.name+" must be a mapping")
				continue
			}
			if f.get("provider") != nil && section == "services" {
				continue // no container: Compose asks another program
			}
			if r := l.resource(section, f.name, f.node, p.root); r != nil {
				out = append(out, r)
			}
		}
	}
	return out
}

// projectResource is the project itself. It stands at its name, or at the beginning of its first file.
func projectResource(u *unit, root *node) *resource.Resource {
	body := value.Value{Kind: value.Object, Range: root.at}
	at := root.at
	if n := root.get("name"); n != nil && n.kind == document.Scalar && !n.null {
		body.Fields = append(body.Fields, value.Field{Name: "name", Value: n.text.value(n.at)})
		at = n.at
	}
	if n := root.get("version"); n != nil && n.kind == document.Scalar && !n.null {
		body.Fields = append(body.Fields, value.Field{Name: "version", Value: n.text.value(n.at)})
	}
	name := path.Base(u.dir)
	return &resource.Resource{Address: "project", Type: "compose_project", Native: "project", Name: name, Dialect: "compose", Body: body, Range: at, Header: source.Range{File: at.File, Start: at.Start, End: at.Start},
		Handle: &declared{node: root, shapes: map[string]shape{"name": word, "version": word}}}
}

// resource makes one resource.
func (l *loader) resource(section, name string, n *node, root *node) *resource.Resource {
	d := &declared{section: section, name: name, node: n, shapes: sectionShapes[section]}
	if section == "services" {
		d.shapes = serviceShape
		d.node = l.withEnvFiles(n)
	}
	r := &resource.Resource{Address: section + "." + name, Type: types[section], Native: strings.TrimSuffix(section, "s"), Name: name,
		Dialect: "compose", Range: n.at, Header: header(n), Handle: d}
	s := &shaper{problem: l.problem, name: r.Address}
	if n.kind == document.Mapping {
		r.Body = s.body(d.node, "", d.shapes)
	} else {
		r.Body = value.Value{Kind: value.Object}
	}
	r.Body.Range = n.at
	key := "key" // what the file calls it: the name in Docker may be another one
	if section == "services" {
		key = "name"
	}
	if i, there := slices.BinarySearchFunc(r.Body.Fields, key, func(f value.Field, key string) int { return strings.Compare(f.Name, key) }); !there {
		r.Body.Fields = slices.Insert(r.Body.Fields, i, value.Field{Name: key, Value: value.Value{Kind: value.String, Text: name, Range: r.Header}})
	}
	if section == "services" {
		if run := commands(n); run.Kind != value.Absent {
			i, _ := slices.BinarySearchFunc(r.Body.Fields, "commands", func(f value.Field, key string) int { return strings.Compare(f.Name, key) })
			r.Body.Fields = slices.Insert(r.Body.Fields, i, value.Field{Name: "commands", Value: run})
		}
	}
	for _, label := range r.Body.Field("labels").Fields {
		r.Tags = append(r.Tags, resource.Tag{Key: label.Name, Value: label.Value, Origin: "resource", Range: label.Value.Range})
	}
	if section == "services" {
		r.Refs = references(&r.Body, root)
	}
	return r
}

// header is the key of a declaration.
func header(n *node) source.Range {
	if n.in != nil {
		if m := n.in.Member(n.name); m != nil && m.Range == n.at {
			return m.Key.Range
		}
	}
	return n.at
}

// withEnvFiles puts what stands in files of variables below the environment of a service.
func (l *loader) withEnvFiles(n *node) *node {
	files := n.get("env_file")
	if files == nil || files.kind != document.Sequence {
		return n
	}
	below := &node{kind: document.Mapping, at: files.at}
	for _, item := range files.items {
		if item.kind == document.Mapping && item.origin != nil {
			l.envEntries(below, item)
		} else {
			below.more = true
		}
	}
	below.fields = sortFields(below.fields)
	environment := n.get("environment")
	if environment != nil && environment.null {
		environment = nil
	}
	merged := l.merge(below, environment, []string{"services", n.name, "environment"}, true)
	if environment == nil {
		merged.at = files.at
	}
	out := *n
	out.fields = slices.Clone(n.fields)
	if i, ok := out.find("environment"); ok {
		out.fields[i].node = merged
	} else {
		out.fields = slices.Insert(out.fields, i, field{"environment", merged})
	}
	return &out
}

// envEntries adds the settings of one file. Of a file that is not there nobody knows what it sets: such files are rarely kept with
// the code, so that is no problem.
func (l *loader) envEntries(below, item *node) {
	text, known := item.get("path").scalar()
	p := path.Join(item.origin.dir, text)
	if !known || path.IsAbs(text) {
		below.more = true
		return
	}
	f := l.envFile(p)
	if f == nil {
		required, _ := item.get("required").scalar()
		below.more = below.more || required != "false" || !l.claimed[p]
		return
	}
	format, _ := item.get("format").scalar()
	for _, s := range l.readEnv(f, item.origin.scope, format == "raw") {
		c := &node{kind: document.Scalar, at: s.at, text: s.text, name: s.name}
		if s.alone {
			x := &expander{scope: item.origin.scope, most: l.limits.ValueBytes}
			c.text = x.braced(s.name, "", 0)
		}
		if !l.claimed[p] {
			c.text = slices.Clone(c.text)
			for i := range c.text {
				c.text[i].given = true
			}
		}
		below.fields = append(below.fields, field{s.name, c})
	}
}

// references are the edges from a service to what it uses. What the project does not declare is none.
func references(body *value.Value, root *node) []resource.Ref {
	var out []resource.Ref
	add := func(section, name string, p ...value.Step) {
		if name != "" && root.get(section).get(name) != nil {
			out = append(out, resource.Ref{Path: p, Target: section + "." + name})
		}
	}
	step := func(name string) value.Step { return value.Step{Name: name} }
	for i := range body.Field("volumes").Items {
		v := &body.Field("volumes").Items[i]
		if v.Field("type").Text != "bind" && v.Field("source").Kind == value.String {
			add("volumes", v.Field("source").Text, step("volumes"), value.Step{Index: i}, step("source"))
		}
	}
	for _, section := range [...]string{"secrets", "configs"} {
		for i := range body.Field(section).Items {
			if v := body.Field(section).Items[i].Field("source"); v.Kind == value.String {
				add(section, v.Text, step(section), value.Step{Index: i}, step("source"))
			}
		}
	}
	for i := range body.Field("build").Field("secrets").Items {
		if v := body.Field("build").Field("secrets").Items[i].Field("source"); v.Kind == value.String {
			add("secrets", v.Text, step("build"), step("secrets"), value.Step{Index: i}, step("source"))
		}
	}
	for _, f := range body.Field("networks").Fields {
		add("networks", f.Name, step("networks"), step(f.Name))
	}
	for _, f := range body.Field("depends_on").Fields {
		add("services", f.Name, step("depends_on"), step(f.Name))
	}
	for _, name := range [...]string{"links", "volumes_from"} {
		for i, item := range body.Field(name).Items {
			service, _, _ := strings.Cut(item.Text, ":")
			if item.Kind == value.String {
				add("services", service, step(name), value.Step{Index: i})
			}
		}
	}
	for _, name := range [...]string{"network_mode", "pid", "ipc"} {
		if service, ok := strings.CutPrefix(body.Field(name).Text, "service:"); ok && body.Field(name).Kind == value.String {
			add("services", service, step(name))
		}
	}
	return out
}
