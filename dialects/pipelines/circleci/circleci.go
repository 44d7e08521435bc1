// Package circleci evaluates .circleci/config.yml and the files beside it: jobs, commands, executors, workflows, and orbs, those of the
// registry and those that are written in the file.
//
// A script or an image is one resource where it is written, however many jobs and workflows use it. Parameters in the name of an image
// are followed (parameter.go): what each caller gives, else the default. In scripts, << … >> stands for text that CircleCI puts in before
// a shell reads it. The facts are those of https://circleci.com/docs/reference/configuration-reference/ and
// https://circleci.com/docs/reference/reusing-config/.
//
// The package knows nothing of rules or findings.
package circleci

import (
	"context"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/dialects/pipelines/written"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

const system = "circleci"

// New returns the dialect.
func New(set *schema.Set) dialect.Dialect {
	return pipelines.New(pipelines.System{
		Name:   system,
		Claims: claims,
		Blocks: blocks,
		Evaluate: func(_ context.Context, u *pipelines.Unit) {
			e := &evaluation{Unit: u, set: set, places: written.New(u), runs: map[*document.Node]bool{}, images: map[source.Range][]value.Value{},
				calls: map[string]map[string][]argument{}}
			e.evaluate()
		},
	})
}

// claims takes the files of a .circleci folder: dynamic configuration goes on in others than config.yml.
func claims(file string, _ func() []byte) bool {
	ext := path.Ext(file)
	return (ext == ".yml" || ext == ".yaml") && path.Base(path.Dir(file)) == ".circleci"
}

// evaluation is the evaluation of one file.
type evaluation struct {
	*pipelines.Unit
	set      *schema.Set
	places   *written.Places
	address  string
	runs     map[*document.Node]bool
	images   map[source.Range][]value.Value
	calls    map[string]map[string][]argument // by what is called: commands.NAME, jobs.NAME, executors.NAME; by parameter
	pipe     *document.Node                   // the parameters of the pipeline
	followed int
}

// sections hold what can be reused; an orb that is written in the file has them too.
var sections = []string{"jobs", "commands", "executors"}

func (e *evaluation) evaluate() {
	root := e.Main.Root()
	if root == nil {
		if len(e.Main.Problems()) == 0 {
			e.Problem(source.Invalid, source.Range{File: e.Main.Path}, "the file is no mapping with jobs")
		}
		return
	}
	e.pipe = root.Get("parameters")
	e.address = e.Address(path.Base(e.Main.Path))
	body := e.attributes("circleci_config", root)
	body.Set("file", pipelines.String(e.Main.Path, root.Range))
	r := &resource.Resource{Address: e.address, Type: "circleci_config", Name: path.Base(e.Main.Path), Range: root.Range, Body: body.Object(root.Range)}
	r.Handle = e.places.Handle(r, written.Home{Node: root, Only: []string{"parameters", "setup", "version", "workflows"}})
	e.Add(r)
	e.collectCalls(root, nil, 0)
	e.section(root, nil, 0)
	workflows := root.Get("workflows")
	if workflows == nil {
		return
	}
	for i := range workflows.Members {
		m := &workflows.Members[i]
		jobs := m.Value.Get("jobs")
		if jobs == nil || jobs.Kind != document.Sequence {
			continue
		}
		for _, item := range jobs.Items {
			for j := range item.Members {
				call := &item.Members[j]
				for _, k := range []string{"pre-steps", "post-steps"} {
					e.steps(call.Value.Get(k), place{path: value.Path{{Name: "workflows"}, {Name: m.Key.Text}, {Name: call.Key.Text}, {Name: k}}}, 0)
				}
			}
		}
	}
}

// place is where steps stand.
type place struct {
	path  value.Path
	key   string         // of what is called: jobs.build
	owner *document.Node // the job or command, whose parameters count; nil for none
	job   string         // address of the job
	shell string
}

func (e *evaluation) attributes(typ string, n *document.Node) pipelines.Body {
	var body pipelines.Body
	t := e.set.Resource(typ)
	v := n.Value(false, nil)
	for _, f := range v.Fields {
		if a := t.Attribute(f.Name); a != nil && !(a.Computed && !a.Optional) {
			body.Set(f.Name, f.Value)
		}
	}
	return body
}

// section makes the resources of a file, or of an orb that is written in it.
func (e *evaluation) section(n *document.Node, prefix value.Path, depth int) {
	if depth > 5 {
		e.Problem(source.Limit, n.Range, "orbs are nested more than 5 deep")
		return
	}
	join := func(names ...string) value.Path {
		p := slices.Clone(prefix)
		for _, name := range names {
			p = append(p, value.Step{Name: name})
		}
		return p
	}
	e.orbs(n.Get("orbs"), prefix, depth)
	for _, section := range sections {
		all := n.Get(section)
		if all == nil {
			continue
		}
		for i := range all.Members {
			m := &all.Members[i]
			if m.Value.Kind != document.Mapping {
				continue
			}
			at := place{path: join(section, m.Key.Text), owner: m.Value}
			at.key = at.path.String()
			switch section {
			case "jobs":
				if at.job = e.job(m, at); at.job == "" {
					return
				}
			case "executors":
				e.docker(m.Value, at)
			}
			if s := m.Value.Get("shell"); s != nil && s.Kind == document.Scalar {
				at.shell = s.Text
			}
			e.steps(m.Value.Get("steps"), at, 0)
		}
	}
}

// orbs makes a circleci_orb of each orb of the registry, and goes into those that are written here.
func (e *evaluation) orbs(n *document.Node, prefix value.Path, depth int) {
	if n == nil {
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		at := append(slices.Clone(prefix), value.Step{Name: "orbs"}, value.Step{Name: m.Key.Text})
		if m.Value.Kind == document.Mapping {
			e.section(m.Value, at, depth+1)
			continue
		}
		if m.Value.Kind != document.Scalar || m.Merged {
			continue
		}
		var body pipelines.Body
		text := e.expand(m.Value.Text, m.Range, place{})
		body.Set("source", text)
		body.Set("name", pipelines.String(m.Key.Text, m.Range))
		body.Set("config", pipelines.String(e.address, m.Range))
		name, _, versioned := strings.Cut(m.Value.Text, "@")
		if namespace, orb, ok := strings.Cut(name, "/"); ok && text.Kind == value.String {
			body.Set("namespace", pipelines.String(namespace, m.Range))
			body.Set("orb", pipelines.String(orb, m.Range))
		}
		switch {
		case text.Kind == value.Unknown:
			body.Set("version", value.Value{Kind: value.Unknown, NotNull: true, Range: m.Range})
		case versioned:
			_, version, _ := strings.Cut(text.Text, "@")
			body.Set("version", pipelines.String(version, m.Range))
		}
		r := &resource.Resource{Address: e.Address(at.String()), Type: "circleci_orb", Name: m.Key.Text, Range: m.Range, Body: body.Object(m.Range),
			Refs: []resource.Ref{{Path: value.Path{{Name: "config"}}, Target: e.address}}}
		r.Handle = e.places.Handle(r, written.Home{Only: []string{"source"}})
		e.Add(r)
		e.Miss(resource.Missing{Address: r.Address})
	}
}

// job makes a circleci_job and returns its address, or nothing when there are too many.
func (e *evaluation) job(m *document.Member, at place) string {
	body := e.attributes("circleci_job", m.Value)
	body.Set("name", pipelines.String(m.Key.Text, m.Range))
	body.Set("config", pipelines.String(e.address, m.Range))
	r := &resource.Resource{Address: e.Address(at.path.String()), Type: "circleci_job", Name: m.Key.Text, Range: m.Range, Body: body.Object(m.Range),
		Refs: []resource.Ref{{Path: value.Path{{Name: "config"}}, Target: e.address}}}
	r.Handle = e.places.Handle(r, written.Home{Node: m.Value, Only: []string{"docker", "environment", "executor", "machine", "resource_class", "shell"}})
	if !e.Add(r) {
		return ""
	}
	at.job = r.Address
	e.docker(m.Value, at)
	return r.Address
}

// docker makes the images of a job or an executor.
func (e *evaluation) docker(n *document.Node, at place) {
	list := n.Get("docker")
	if list == nil || list.Kind != document.Sequence {
		return
	}
	for i, item := range list.Items {
		m := item.Member("image")
		if m == nil || m.Value.Kind != document.Scalar || m.Value.IsNull() {
			continue
		}
		use := "service"
		if i == 0 {
			use = "job"
		}
		spot := e.places.Member(m.Range)
		if spot == nil {
			continue
		}
		for _, v := range e.variants(m.Value.Text, m.Range, at) {
			if slices.ContainsFunc(e.images[m.Range], func(o value.Value) bool { return o.Equal(&v) }) {
				continue
			}
			e.images[m.Range] = append(e.images[m.Range], v)
			made := pipelines.Image{Address: e.Address(spot.Path().String()), Use: use, Image: v, Range: m.Range, Job: at.job}
			r := made.Resource(system)
			r.Handle = e.places.Handle(r, written.Home{Only: []string{"image"}})
			e.Add(r)
		}
	}
}

// steps makes the scripts of a list of steps, those in when, unless and parameters included.
func (e *evaluation) steps(n *document.Node, at place, depth int) {
	if n == nil || n.Kind != document.Sequence || depth > 20 {
		return
	}
	for _, item := range n.Items {
		for i := range item.Members {
			m := &item.Members[i]
			switch m.Key.Text {
			case "run", "deploy":
				e.run(m, at)
			case "when", "unless":
				e.steps(m.Value.Get("steps"), at, depth+1)
			default: // a command that takes steps
				for j := range m.Value.Members {
					if v := m.Value.Members[j].Value; v.Kind == document.Sequence {
						e.steps(v, at, depth+1)
					}
				}
			}
		}
	}
}

// run makes the ci_script of a run step.
func (e *evaluation) run(m *document.Member, at place) {
	command, name, shell, whole := m.Value, "run", at.shell, m.Range
	if m.Value.Kind == document.Mapping {
		c := m.Value.Member("command")
		if c == nil {
			return
		}
		command = c.Value
		if n := m.Value.Get("name"); n != nil && n.Kind == document.Scalar && n.Text != "" {
			name = n.Text
		}
		if s := m.Value.Get("shell"); s != nil && s.Kind == document.Scalar {
			shell = s.Text
		}
	}
	if command.Kind != document.Scalar || command.IsNull() || e.runs[command] {
		return
	}
	e.runs[command] = true
	if !whole.Contains(command.Range) {
		whole = command.Range // an alias: it stands at its anchor
	}
	text := e.Text(command)
	made := pipelines.Script{Address: e.Address(append(slices.Clone(at.path), value.Step{Name: name}).String()), Shell: shell, Text: text,
		Range: whole, Placeholders: e.placeholders(text.Text, at), Job: at.job}
	r := made.Resource(system)
	r.Handle = e.places.Handle(r, written.Home{})
	e.Add(r)
}

// blocks are the jobs, commands and executors, their steps, and the orbs.
func blocks(f *pipelines.File) []source.Range {
	var out []source.Range
	root := f.Root()
	for _, section := range append([]string{"orbs"}, sections...) {
		if all := root.Get(section); all != nil {
			for i := range all.Members {
				out = append(out, all.Members[i].Range)
			}
		}
	}
	return out
}
