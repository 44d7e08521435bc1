package ansible

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// task is one task with what it inherits.
type task struct {
	file    *file
	node    *document.Node
	at      source.Range
	call    *call
	frame   *frame
	words   map[string]*document.Member // keywords in effect
	address string                      // without the key of an instance
	name    string
	again   bool // the text makes more than one resource: it is in a loop, or is read more than once
}

// tasksIn evaluates the tasks of a file.
func (u *evaluation) tasksIn(f *file, in *frame) {
	if f.doc == nil {
		return
	}
	for _, root := range f.doc.Roots {
		u.tasksOf(f, root, in)
	}
}

// tasksOf evaluates a list of tasks.
func (u *evaluation) tasksOf(f *file, list *document.Node, in *frame) {
	if list == nil {
		return
	}
	for i, n := range list.Items {
		if u.stop() {
			return
		}
		if n.Kind == document.Mapping {
			u.task(f, n, list.Place(i), in)
		}
	}
}

// task evaluates a task, block or include.
func (u *evaluation) task(f *file, n *document.Node, at source.Range, in *frame) {
	inner := in.child()
	inner.inherit(n)
	if vars := n.Get("vars"); vars != nil {
		inner.scope = in.scope.child()
		strength := fromTask
		if n.Get("block") != nil {
			strength = fromBlock
		}
		inner.scope.defineAll(vars, strength, f.path)
	}
	if block := n.Get("block"); block != nil {
		u.block(f, n, at, inner)
		return
	}
	t := &task{file: f, node: n, at: at, frame: inner, words: inner.words, call: callOf(n, inner.collections)}
	if t.call == nil {
		return
	}
	switch strings.TrimPrefix(t.call.module, "ansible.builtin.") {
	case "include_tasks", "import_tasks", "include":
		u.instances(t, func(i instance) { u.include(t, i) })
	case "include_role", "import_role":
		u.instances(t, func(i instance) { u.includeRole(t, i) })
	default:
		u.call(t)
	}
}

// block evaluates the tasks of a block, and those that run when one of them fails.
func (u *evaluation) block(f *file, n *document.Node, at source.Range, in *frame) {
	inner := in.child()
	switch u.env(in.scope).holds(n.Get("when")) {
	case 0:
		return
	case -1:
		inner.maybe = true
	}
	u.blockResource(f, n, at, inner)
	u.tasksOf(f, n.Get("block"), inner)
	rescue := inner.child()
	rescue.maybe = true
	u.tasksOf(f, n.Get("rescue"), rescue)
	u.tasksOf(f, n.Get("always"), inner)
}

// instance is one round of a loop, or the one of a task without.
type instance struct {
	key   string // of the address: ["a"], [0]; empty without a loop
	scope *scope
	maybe bool
}

// instances calls do for every round of a task whose condition may hold.
func (u *evaluation) instances(t *task, do func(instance)) {
	rounds := u.rounds(t)
	when := t.node.Get("when")
	for _, i := range rounds {
		if u.stop() {
			return
		}
		switch u.env(i.scope).holds(when) {
		case 0:
			continue
		case -1:
			i.maybe = true
		}
		do(i)
	}
}

// rounds spells out the loop of a task.
func (u *evaluation) rounds(t *task) []instance {
	var loop *document.Member
	for i := range t.node.Members {
		if m := &t.node.Members[i]; m.Key.Text == "loop" || strings.HasPrefix(m.Key.Text, "with_") {
			loop = m
			break
		}
	}
	if loop == nil {
		return []instance{{scope: t.frame.scope, maybe: t.frame.maybe}}
	}
	item, index := "item", ""
	if control := t.node.Get("loop_control"); control != nil {
		if n := control.Get("loop_var"); n != nil {
			item = n.Text
		}
		if n := control.Get("index_var"); n != nil {
			index = n.Text
		}
	}
	items := u.items(t, loop)
	symbolic := func(from *jinja.Result) instance {
		r := jinja.Result{Value: value.Value{Kind: value.Unknown, Given: from.Value.Given}}
		if from.Value.Kind == value.Unknown {
			r = jinja.Element(*from, 0)
			r.Undeclared = false
		}
		s := t.frame.scope.child()
		s.define(&definition{name: item, level: fromLoop, label: loop.Key.Text, result: &r, entry: loop.Range})
		if index != "" {
			s.define(&definition{name: index, level: fromLoop, label: "loop_control", result: &jinja.Result{Value: value.Value{Kind: value.Unknown}}, entry: loop.Range})
		}
		return instance{key: "[*]", scope: s, maybe: true}
	}
	if items.Value.Kind != value.List {
		return []instance{symbolic(&items)}
	}
	n := len(items.Value.Items)
	if n > u.estate.limits.Instances {
		u.problem(source.Limit, loop.Range, "the loop has "+strconv.Itoa(n)+" rounds, of which "+strconv.Itoa(u.estate.limits.Instances)+" are evaluated")
		n = u.estate.limits.Instances
	}
	keys := keysOf(items.Value.Items[:n])
	var out []instance
	for i := range n {
		r := jinja.Element(items, i)
		if items.Value.Items[i].Maybe || r.Value.Kind == value.Absent {
			r = jinja.Result{Value: items.Value.Items[i]}
			r.Value.Maybe = false
		}
		s := t.frame.scope.child()
		d := &definition{name: item, level: fromLoop, label: loop.Key.Text, result: &r, entry: loop.Range}
		if loop.Value.Kind == document.Sequence && len(loop.Value.Items) == len(items.Value.Items) && straight[loop.Key.Text] &&
			(loop.Key.Text != "with_items" || loop.Value.Items[i].Kind != document.Sequence) && !jinja.Templated(loop.Value.Items[i].Text) {
			d.node, d.entry = loop.Value.Items[i], loop.Value.Place(i)
		}
		s.define(d)
		if index != "" {
			s.define(&definition{name: index, level: fromLoop, label: "loop_control", result: &jinja.Result{Value: value.Value{Kind: value.Number, Number: float64(i)}}, entry: loop.Range})
		}
		out = append(out, instance{key: keys[i], scope: s, maybe: t.frame.maybe || items.Value.Items[i].Maybe})
	}
	if items.Value.Open {
		out = append(out, symbolic(&items))
	}
	return out
}

// straight are the loops that go through what is written, one after another.
var straight = map[string]bool{"loop": true, "with_list": true, "with_items": true}

// keysOf names the rounds of a loop: by what is looped over where that is unique, for then they stay the same when others
// come and go, else by number.
func keysOf(items []value.Value) []string {
	out := make([]string, len(items))
	seen := map[string]bool{}
	for i := range items {
		v := &items[i]
		name := v
		for _, member := range []string{"name", "key", "id"} {
			if v.Kind == value.Object && v.Field(member).Kind == value.String {
				name = v.Field(member)
				break
			}
		}
		if name.Kind != value.String || name.Sensitive || len(name.Text) > 60 || seen[name.Text] || v.Maybe {
			for i := range out {
				out[i] = "[" + strconv.Itoa(i) + "]"
			}
			return out
		}
		seen[name.Text] = true
		out[i] = "[" + quoted(name.Text) + "]"
	}
	return out
}

// items says what a loop goes through.
func (u *evaluation) items(t *task, loop *document.Member) jinja.Result {
	env := u.env(t.frame.scope)
	r := env.node(loop.Value)
	unknown := jinja.Result{Value: value.Value{Kind: value.Unknown, Given: r.Value.Given}}
	switch strings.TrimPrefix(loop.Key.Text, "with_") {
	case "loop", "list":
		return r
	case "items":
		if r.Value.Kind == value.List && slices.ContainsFunc(r.Value.Items, func(v value.Value) bool { return v.Kind == value.List || v.Kind == value.Unknown }) {
			return flat(r)
		}
		if r.Value.Kind == value.Object || r.Value.Kind == value.String { // one item
			return jinja.Result{Value: value.Value{Kind: value.List, Items: []value.Value{r.Value}}}
		}
		return r
	case "dict":
		return jinja.Pairs(r)
	case "indexed_items":
		if r.Value.Kind != value.List || r.Value.Open {
			return unknown
		}
		out := value.Value{Kind: value.List}
		for i := range r.Value.Items {
			out.Items = append(out.Items, value.Value{Kind: value.List, Items: []value.Value{{Kind: value.Number, Number: float64(i)}, r.Value.Items[i]}})
		}
		return jinja.Result{Value: out}
	case "nested", "cartesian":
		return crossed(r, u.estate.limits.Instances)
	case "together":
		return zipped(r, u.estate.limits.Instances)
	case "subelements":
		return subelements(r, u.estate.limits.Instances)
	}
	return unknown
}

// flat takes the lists in a list apart, one level deep, as with_items does.
func flat(r jinja.Result) jinja.Result {
	out := jinja.Result{Value: value.Value{Kind: value.List, Open: r.Value.Open}}
	for i := range r.Value.Items {
		v := r.Value.Items[i]
		marks := func() {
			for _, m := range r.Marks {
				if len(m.Path) > 0 && m.Path[0].Index == i && m.Path[0].Name == "" {
					m.Path = append(value.Path{{Index: len(out.Value.Items)}}, m.Path[1:]...)
					out.Marks = append(out.Marks, m)
				}
			}
		}
		switch v.Kind {
		case value.List:
			out.Value.Items = append(out.Value.Items, v.Items...)
			out.Value.Open = out.Value.Open || v.Open
		case value.Unknown:
			if len(r.Value.Items) == 1 {
				v.Range = source.Range{}
				return jinja.Result{Value: v, Marks: stripFirst(r.Marks)}
			}
			marks()
			v.Maybe = true
			out.Value.Items, out.Value.Open = append(out.Value.Items, v), true
		default:
			marks()
			out.Value.Items = append(out.Value.Items, v)
		}
	}
	return out
}

func stripFirst(marks []jinja.Mark) []jinja.Mark {
	out := slices.Clone(marks)
	for i := range out {
		if len(out[i].Path) > 0 {
			out[i].Path = out[i].Path[1:]
		}
	}
	return out
}

// crossed makes every combination of the elements of lists.
func crossed(r jinja.Result, limit int) jinja.Result {
	dark := jinja.Result{Value: value.Value{Kind: value.Unknown}}
	if r.Value.Kind != value.List || r.Value.Open {
		return dark
	}
	rows := [][]value.Value{nil}
	for i := range r.Value.Items {
		list := &r.Value.Items[i]
		if list.Kind != value.List || list.Open || len(rows)*len(list.Items) > limit {
			return dark
		}
		var next [][]value.Value
		for _, row := range rows {
			for _, v := range list.Items {
				next = append(next, append(slices.Clone(row), v))
			}
		}
		rows = next
	}
	out := value.Value{Kind: value.List}
	for _, row := range rows {
		out.Items = append(out.Items, value.Value{Kind: value.List, Items: row})
	}
	return jinja.Result{Value: out}
}

// certain reports whether a value is a list of which every element is there for certain.
func certain(v *value.Value) bool {
	return v.Kind == value.List && !v.Open && !slices.ContainsFunc(v.Items, func(v value.Value) bool { return v.Maybe })
}

// zipped takes the first elements of some lists, then the second ones and so on, as with_together does. A list that has ended
// gives null.
func zipped(r jinja.Result, limit int) jinja.Result {
	dark := jinja.Result{Value: value.Value{Kind: value.Unknown}}
	if !certain(&r.Value) {
		return dark
	}
	longest := 0
	for i := range r.Value.Items {
		if !certain(&r.Value.Items[i]) {
			return dark
		}
		longest = max(longest, len(r.Value.Items[i].Items))
	}
	if longest*len(r.Value.Items) > limit {
		return dark
	}
	out := value.Value{Kind: value.List}
	for i := range longest {
		row := value.Value{Kind: value.List}
		for j := range r.Value.Items {
			v := value.Value{Kind: value.Null}
			if items := r.Value.Items[j].Items; i < len(items) {
				v = items[i]
			}
			row.Items = append(row.Items, v)
		}
		out.Items = append(out.Items, row)
	}
	return jinja.Result{Value: out}
}

// subelements pairs each of some mappings with each element of a list in it, as with_subelements does: the mappings, the name of the
// list, and perhaps what to do with a mapping that does not have it.
func subelements(r jinja.Result, limit int) jinja.Result {
	dark := jinja.Result{Value: value.Value{Kind: value.Unknown}}
	if !certain(&r.Value) || len(r.Value.Items) < 2 {
		return dark
	}
	of, name := &r.Value.Items[0], &r.Value.Items[1]
	if !certain(of) || name.Kind != value.String {
		return dark
	}
	skip := false
	if len(r.Value.Items) > 2 {
		skip = r.Value.Items[2].Field("skip_missing").Bool
	}
	out := value.Value{Kind: value.List}
	for i := range of.Items {
		list := &of.Items[i]
		for step := range strings.SplitSeq(name.Text, ".") {
			if list.Kind == value.Absent {
				break
			}
			if list.Kind != value.Object || list.Open && list.Field(step).Kind == value.Absent {
				return dark
			}
			list = list.Field(step)
		}
		if list.Kind == value.Absent && skip {
			continue
		}
		if !certain(list) || len(out.Items)+len(list.Items) > limit {
			return dark
		}
		for j := range list.Items {
			out.Items = append(out.Items, value.Value{Kind: value.List, Items: []value.Value{of.Items[i], list.Items[j]}})
		}
	}
	return jinja.Result{Value: out}
}

// include evaluates the tasks of another file.
func (u *evaluation) include(t *task, i instance) {
	env := u.env(i.scope)
	args := t.call.arguments(env, nil)
	name := args.Value.Field("file")
	pattern := ""
	switch name.Kind {
	case value.String:
		pattern = name.Text
	case value.Unknown:
		if name.Text != "" || name.Ending != "" {
			pattern = name.Text + "*" + name.Ending
		} else if t.call.short != nil {
			pattern = wildcard(stripArguments(t.call.short.Text))
		} else if n := t.call.args.Get("file"); n != nil {
			pattern = wildcard(n.Text)
		}
	}
	dir := path.Dir(t.file.path)
	found := u.estate.fitting(pattern, dir, t.frame.role)
	if len(found) == 0 && t.frame.dir != dir {
		found = u.estate.fitting(pattern, t.frame.dir, "")
	}
	u.dirs[dir] = true
	if len(found) == 0 {
		if name.Kind == value.String {
			u.files[path.Join(dir, pattern)] = true
			u.problem(source.Unresolved, t.at, "the tasks "+pattern+" that are included here are not there")
		}
		return
	}
	for _, p := range found {
		f := u.load(p)
		if f == nil {
			continue
		}
		inner := t.frame.child()
		inner.maybe = i.maybe || len(found) > 1
		stem := strings.TrimSuffix(path.Base(p), path.Ext(p))
		inner.module = joined(t.frame.module, "tasks."+shown(stem)) + i.key
		inner.calls = append(slices.Clone(t.frame.calls), resource.Call{Address: joined(u.play, inner.module), Range: firstLine(t.file.source, t.at)})
		inner.scope = i.scope
		if t.call.short != nil && len(t.call.list) > 0 {
			inner.scope = i.scope.child()
			for _, a := range t.call.list {
				r := env.text(a.text)
				inner.scope.define(&definition{name: a.name, level: fromIncludeParams, label: t.file.path, result: &r, entry: t.call.short.Range})
			}
		}
		if inner.enter(u, p, t.at, "the file "+path.Base(p)) {
			u.tasksIn(f, inner)
		}
	}
}

// includeRole evaluates a role that a task includes.
func (u *evaluation) includeRole(t *task, i instance) {
	var name *document.Node
	from := ""
	if t.call.args != nil {
		name = t.call.args.Get("name")
		if n := t.call.args.Get("tasks_from"); n != nil {
			r := u.env(i.scope).node(n)
			if r.Value.Kind != value.String {
				return // what is not evaluated from here is evaluated on its own
			}
			from = strings.TrimSuffix(strings.TrimSuffix(r.Value.Text, ".yml"), ".yaml")
		}
	} else {
		for _, a := range t.call.list {
			if a.name == "name" {
				name = &document.Node{Kind: document.Scalar, Text: a.text, Range: t.call.short.Range}
			}
		}
	}
	if name == nil {
		return
	}
	inner := t.frame.child()
	inner.scope, inner.maybe = i.scope, i.maybe
	u.role(useRole{name: name, at: t.at, from: from, maybe: i.maybe, params: written(t.node.Get("vars"), fromIncludeParams, t.file.path)}, inner)
}

// facts defines what set_fact, include_vars and registered results leave behind.
func (u *evaluation) learn(t *task, i instance, args *jinja.Result, target string, loops bool) {
	uncertain := i.maybe || loops
	switch t.call.module {
	case "ansible.builtin.set_fact":
		for n := range args.Value.Fields {
			f := &args.Value.Fields[n]
			if f.Name == "cacheable" {
				continue
			}
			r := jinja.Member(*args, f.Name)
			d := &definition{name: f.Name, level: fromFacts, label: "set_fact", result: &r, entry: f.Value.Range, partial: uncertain}
			u.facts.define(d)
		}
	case "ansible.builtin.include_vars":
		if name := args.Value.Field("file"); name.Kind == value.String {
			if p, ok := u.findFile(name.Text, "vars", t.frame); ok {
				for _, d := range u.varsIn(p) {
					c := *d
					c.level, c.partial = fromIncludeVars, uncertain
					u.facts.define(&c)
				}
				if u.estate.files[p] == nil {
					u.variablesOf(p, t.frame)
				}
			} else if !i.maybe {
				u.problem(source.Unresolved, t.at, "the file of variables "+name.Text+" is not there")
			}
		}
	}
	if n := t.node.Get("register"); n != nil && isVariable(n.Text) {
		r := jinja.Result{Value: value.Value{Kind: value.Unknown, NotNull: true, Given: true}}
		if target != "" {
			r.Marks = []jinja.Mark{{Target: target}}
		}
		u.facts.define(&definition{name: n.Text, level: fromFacts, label: "register", result: &r, entry: t.node.Member("register").Range})
	}
}
