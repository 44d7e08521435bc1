package terraform

import (
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/source"
)

// plan is an opened plan or state.
type plan struct {
	file *source.File
	form planForm
	top  map[string]span // members at the top
}

// planned is one instance of a resource in a plan or state.
type planned struct {
	address   string // module.web["a"].aws_instance.this[0]
	module    string // module.web["a"]; empty for the root
	data      bool
	typ       string // aws_instance, also of data sources
	name      string
	provider  string // full name: registry.terraform.io/hashicorp/aws
	whole     span   // its object
	head      span   // the member that names it
	values    span
	unknown   span     // what of the values is known after apply
	sensitive span     // what of the values is sensitive
	secret    []string // attributes that are sensitive, where the form names them
	depends   []string // resources that it depends on, as far as the form tells
	maybe     bool     // nobody knows how many instances there will be
}

// readPlan checks a file and finds its parts. The problem says why it cannot be used.
func readPlan(f *source.File) (*plan, *source.Problem) {
	p := &plan{file: f, top: map[string]span{}, form: planFormOf(f.Path, func() []byte { return f.Bytes })}
	if problem := jsonFault(f); problem != nil {
		return nil, problem
	}
	fail := func(kind source.ProblemKind, at span, format string, args ...any) (*plan, *source.Problem) {
		return nil, &source.Problem{Kind: kind, Range: source.Range{File: f.Path, Start: at.start, End: at.end}, Message: fmt.Sprintf(format, args...)}
	}
	for m := range jsonMembers(f.Bytes, span{jsonStart(f.Bytes), len(f.Bytes)}) {
		p.top[m.name] = m.value
	}
	switch p.form {
	case planJSON, stateJSON:
		at := p.top["format_version"]
		version := jsonText(f.Bytes, at)
		if major, _, _ := strings.Cut(version, "."); major != "0" && major != "1" {
			return fail(source.Invalid, at, "the file has format_version %q, and only 0.x and 1.x are known; it was not scanned", version)
		}
	case stateFile:
		if at := p.top["version"]; string(f.Bytes[at.start:at.end]) != "4" {
			return fail(source.Invalid, at, "the state has version %s, and only version 4 (Terraform 0.12 and later) is known; it was not scanned", f.Bytes[at.start:at.end])
		}
	case stateSecret:
		return fail(source.Unresolved, span{}, "the state is encrypted and was not scanned; scan the output of tofu show -json instead")
	default:
		return fail(source.Invalid, span{}, "the file is no plan or state any more")
	}
	return p, nil
}

// place returns a span as a range of the file.
func (p *plan) place(s span) source.Range {
	if !s.found() {
		return source.Range{}
	}
	return source.Range{File: p.file.Path, Start: s.start, End: s.end}
}

// text returns the string at s.
func (p *plan) text(s span) string { return jsonText(p.file.Bytes, s) }

// tree parses what stands at s; nil when there is nothing, or when it nests too deep.
func (p *plan) tree(s span, limit int) *node {
	if !s.found() {
		return nil
	}
	r := &jsonReader{src: p.file.Bytes[:s.end], at: s.start, limit: limit}
	n, err := r.value()
	if err != nil {
		return nil
	}
	return &n
}

// maxPlanModules bounds how deep modules of a plan lie in each other.
const maxPlanModules = 100

// instances lists the resources that there are after the plan, and the data sources that it read.
func (p *plan) instances() []*planned {
	all := map[string]*planned{}
	var order []string
	put := func(r *planned) {
		if r.address == "" || r.typ == "" {
			return
		}
		if all[r.address] == nil {
			order = append(order, r.address)
		}
		all[r.address] = r
	}
	src := p.file.Bytes
	switch p.form {
	case planJSON:
		p.values(jsonAt(src, p.top["planned_values"], "root_module"), "", 0, put)
		for item := range jsonElements(src, p.top["resource_changes"]) {
			if r, stays := p.change(item); stays {
				put(r)
			} else if r != nil && all[r.address] != nil {
				all[r.address] = nil
			}
		}
		for item := range jsonElements(src, p.top["deferred_changes"]) {
			if r, stays := p.change(jsonAt(src, item, "resource_change")); stays {
				r.maybe = true
				put(r)
			}
		}
		// What data sources gave while planning is only there.
		p.values(jsonAt(src, p.top["prior_state"], "values", "root_module"), "", 0, func(r *planned) {
			if r.data && all[r.address] == nil {
				put(r)
			}
		})
	case stateJSON:
		p.values(jsonAt(src, p.top["values"], "root_module"), "", 0, put)
	case stateFile:
		for item := range jsonElements(src, p.top["resources"]) {
			p.stored(item, put)
		}
	}
	var out []*planned
	for _, address := range order {
		if r := all[address]; r != nil {
			out = append(out, r)
			delete(all, address)
		}
	}
	return out
}

// values reads a module of planned_values or of a state, and those in it.
func (p *plan) values(module span, address string, depth int, put func(*planned)) {
	if depth > maxPlanModules {
		return
	}
	src := p.file.Bytes
	for m := range jsonMembers(src, module) {
		switch m.name {
		case "resources":
			for item := range jsonElements(src, m.value) {
				r := p.resource(item)
				r.module = address
				put(r)
			}
		case "child_modules":
			for child := range jsonElements(src, m.value) {
				p.values(child, p.text(jsonAt(src, child, "address")), depth+1, put)
			}
		}
	}
}

// resource reads the members that all forms but that of terraform.tfstate share.
func (p *plan) resource(item span) *planned {
	r := &planned{whole: item}
	for m := range jsonMembers(p.file.Bytes, item) {
		switch m.name {
		case "address":
			r.address, r.head = p.text(m.value), m.whole
		case "module_address":
			r.module = p.text(m.value)
		case "mode":
			r.data = p.text(m.value) == "data"
		case "type":
			r.typ = p.text(m.value)
		case "name":
			r.name = p.text(m.value)
		case "provider_name":
			r.provider = p.text(m.value)
		case "values":
			r.values = m.value
		case "sensitive_values":
			r.sensitive = m.value
		case "depends_on":
			r.depends = jsonTexts(p.file.Bytes, m.value)
		}
	}
	return r
}

// change reads a resource change. It reports whether the resource is there afterwards; nil stands for an object that is only
// left over.
func (p *plan) change(item span) (*planned, bool) {
	src := p.file.Bytes
	r := p.resource(item)
	change := span{}
	for m := range jsonMembers(src, item) {
		switch m.name {
		case "change":
			change = m.value
		case "deposed":
			return nil, false
		}
	}
	var actions []string
	for m := range jsonMembers(src, change) {
		switch m.name {
		case "actions":
			actions = jsonTexts(src, m.value)
		case "after":
			r.values = m.value
		case "after_unknown":
			r.unknown = m.value
		case "after_sensitive":
			r.sensitive = m.value
		}
	}
	stays := len(actions) == 0 || slices.ContainsFunc(actions, func(a string) bool { return a != "delete" && a != "forget" })
	return r, stays
}

// stored reads a resource of terraform.tfstate with its instances.
func (p *plan) stored(item span, put func(*planned)) {
	src := p.file.Bytes
	var base planned
	var instances span
	for m := range jsonMembers(src, item) {
		switch m.name {
		case "module":
			base.module = p.text(m.value)
		case "mode":
			base.data = p.text(m.value) == "data"
		case "type":
			base.typ = p.text(m.value)
		case "name":
			base.name = p.text(m.value)
		case "provider":
			if _, name, ok := strings.Cut(p.text(m.value), `provider["`); ok {
				base.provider, _, _ = strings.Cut(name, `"`)
			}
		case "instances":
			instances = m.value
		}
	}
	for i := range jsonElements(src, instances) {
		r := base
		r.whole = i
		key, deposed := "", false
		for m := range jsonMembers(src, i) {
			if !r.head.found() {
				r.head = m.whole
			}
			switch m.name {
			case "index_key":
				key = p.key(m.value)
			case "deposed":
				deposed = p.text(m.value) != ""
			case "attributes":
				r.values = m.value
			case "sensitive_attributes":
				for path := range jsonElements(src, m.value) {
					for step := range jsonElements(src, path) {
						r.secret = append(r.secret, p.text(jsonAt(src, step, "value")))
						break
					}
				}
			case "dependencies":
				r.depends = jsonTexts(src, m.value)
			}
		}
		r.address = inModule(r.module, r.local()) + key
		if !deposed {
			put(&r)
		}
	}
}

// local returns the address in the module, without key.
func (r *planned) local() string {
	if r.data {
		return "data." + r.typ + "." + r.name
	}
	return r.typ + "." + r.name
}

// key writes an instance key as addresses do.
func (p *plan) key(s span) string {
	if !s.found() || p.file.Bytes[s.start] == 'n' {
		return ""
	}
	if p.file.Bytes[s.start] == '"' {
		return textKey(p.text(s))
	}
	return "[" + string(p.file.Bytes[s.start:s.end]) + "]"
}

// inModule puts an address in a module.
func inModule(module, local string) string {
	if module == "" {
		return local
	}
	return module + "." + local
}

// addressSteps splits an address at its dots and keys: module.web["a.b"].aws_instance.this[0] has the steps module, web,
// ["a.b"], aws_instance, this and [0].
func addressSteps(address string) []string {
	var out []string
	for i := 0; i < len(address); {
		start := i
		switch address[i] {
		case '.':
			i++
			continue
		case '[':
			quoted := false
			for ; i < len(address); i++ {
				if c := address[i]; quoted && c == '\\' {
					i++
				} else if c == '"' {
					quoted = !quoted
				} else if c == ']' && !quoted {
					i++
					break
				}
			}
			i = min(i, len(address))
		default:
			for i < len(address) && address[i] != '.' && address[i] != '[' {
				i++
			}
		}
		out = append(out, address[start:i])
	}
	return out
}

// withoutKeys takes all instance keys off an address.
func withoutKeys(address string) string {
	steps := slices.DeleteFunc(addressSteps(address), func(s string) bool { return s[0] == '[' })
	return strings.Join(steps, ".")
}

// moduleSteps returns the addresses of the module instances that lead to one, outermost first: module.a, module.a.module.b["x"].
func moduleSteps(module string) []string {
	var out []string
	at := ""
	steps := addressSteps(module)
	for i := 0; i < len(steps); i++ {
		switch {
		case steps[i][0] == '[':
			at += steps[i]
			if len(out) > 0 {
				out[len(out)-1] = at
			}
		case steps[i] == "module" && i+1 < len(steps):
			at = inModule(at, "module."+steps[i+1])
			out = append(out, at)
			i++
		}
	}
	return out
}
