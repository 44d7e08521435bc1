package ansible

import (
	_ "embed"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialects/ansible/jinja"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

//go:embed modules.txt
var modulesText string

// modules are the full names of modules by their short and former ones.
var modules = sync.OnceValue(func() map[string]string {
	all := make(map[string]string, 3000)
	for line := range strings.Lines(modulesText) {
		line = strings.TrimSpace(line)
		if collection, names, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "#") {
			for _, name := range strings.Fields(names) {
				all[name] = collection + "." + name
			}
		} else if from, to, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			all[from] = to
		}
	}
	return all
})

// fullName returns the full name of a module. A short name that is not known stays as it is: it is a module of the project.
func fullName(name string, collections []string) string {
	if rest, ok := strings.CutPrefix(name, "ansible.builtin."); ok {
		name = rest // the routes of short names are those of ansible.builtin
	} else if rest, ok := strings.CutPrefix(name, "ansible.legacy."); ok {
		name = rest
	}
	if full, ok := modules()[name]; ok {
		return full
	}
	if !strings.Contains(name, ".") {
		for _, c := range collections {
			if full, ok := modules()[c+"."+name]; ok {
				return full
			}
		}
	}
	return name
}

// isModule reports whether a key of a task names a module that is known, or one with a full name.
func isModule(name string) bool {
	return strings.Count(name, ".") >= 2 && !strings.ContainsAny(name, " /") || modules()[name] != ""
}

// words are the keywords of tasks; what else is a key of a task names its module.
var words = map[string]bool{
	"action": true, "any_errors_fatal": true, "args": true, "async": true, "become": true, "become_exe": true, "become_flags": true,
	"become_method": true, "become_user": true, "changed_when": true, "check_mode": true, "collections": true, "connection": true,
	"debugger": true, "delay": true, "delegate_facts": true, "delegate_to": true, "diff": true, "environment": true,
	"failed_when": true, "ignore_errors": true, "ignore_unreachable": true, "listen": true, "local_action": true, "loop": true,
	"loop_control": true, "module_defaults": true, "name": true, "no_log": true, "notify": true, "poll": true, "port": true,
	"register": true, "remote_user": true, "retries": true, "run_once": true, "tags": true, "throttle": true, "timeout": true,
	"until": true, "vars": true, "when": true, "block": true, "rescue": true, "always": true, "sudo": true, "sudo_user": true,
}

func isKeyword(name string) bool { return words[name] || strings.HasPrefix(name, "with_") }

// free are the modules whose text is not a list of arguments but something to run, with the argument that it stands for.
var free = map[string]string{
	"ansible.builtin.command": "cmd", "ansible.builtin.shell": "cmd", "ansible.builtin.raw": "cmd", "ansible.builtin.script": "cmd",
	"ansible.windows.win_command": "cmd", "ansible.windows.win_shell": "cmd", "ansible.builtin.meta": "free_form",
	"ansible.builtin.include_tasks": "file", "ansible.builtin.import_tasks": "file", "ansible.builtin.include_vars": "file",
	"ansible.builtin.include": "file", "ansible.builtin.import_playbook": "file",
}

// freeArguments are those that may be written behind the text of a module that runs something.
var freeArguments = map[string]bool{
	"chdir": true, "creates": true, "removes": true, "executable": true, "stdin": true, "warn": true, "stdin_add_newline": true,
	"strip_empty_ends": true, "expand_argument_vars": true, "argv": true, "cmd": true, "apply": true, "vars": true, "tags": true,
	"when": true, "name": true, "depth": true, "extensions": true, "dir": true, "file": true,
}

// argument is one name=value of the short form.
type argument struct {
	name       string
	text       string // without quotes
	start, end int    // of the whole, in the text
}

// shortForm cuts a text into arguments and what stands between them, as Ansible does: at blanks, outside of quotes and braces.
func shortForm(s string) (args []argument, rest string) {
	var loose []string
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r' {
			i++
			continue
		}
		start, quote, braces := i, byte(0), 0
		for ; i < len(s); i++ {
			c := s[i]
			switch {
			case quote != 0:
				if c == '\\' {
					i++
				} else if c == quote {
					quote = 0
				}
				continue
			case braces > 0 && (strings.HasPrefix(s[i:], "}}") || strings.HasPrefix(s[i:], "%}")):
				braces--
				i++
				continue
			case strings.HasPrefix(s[i:], "{{") || strings.HasPrefix(s[i:], "{%"):
				braces++
				i++
				continue
			case braces == 0 && (c == '"' || c == '\''):
				quote = c
				continue
			}
			if braces == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
				break
			}
		}
		i = min(i, len(s))
		word := s[start:i]
		if name, text, ok := strings.Cut(word, "="); ok && isVariable(name) {
			args = append(args, argument{name: name, text: unquote(text), start: start, end: i})
		} else {
			loose = append(loose, word)
		}
	}
	return args, strings.Join(loose, " ")
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

func isVariable(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// call is the module of a task with what it is given.
type call struct {
	module string           // its full name
	key    *document.Member // the member that names it
	args   *document.Node   // mapping of its arguments; nil when they are in short form or missing
	more   *document.Node   // mapping under the keyword args
	spread *document.Node   // what stands there when it is no mapping: a template of one
	short  *document.Node   // the text of the short form
	list   []argument       // of the short form
	text   string           // what of the short form is no argument
}

// callOf finds the module of a task; nil when it has none.
func callOf(task *document.Node, collections []string) *call {
	for i := range task.Members {
		m := &task.Members[i]
		name := m.Key.Text
		c := &call{key: m, more: task.Get("args")}
		if c.more != nil && c.more.Kind != document.Mapping {
			c.more, c.spread = nil, c.more
		}
		switch {
		case name == "action" || name == "local_action":
			if m.Value.Kind == document.Mapping {
				module := m.Value.Get("module")
				if module == nil {
					return nil
				}
				c.module, c.args = fullName(module.Text, collections), m.Value
				return c
			}
			word, rest, _ := strings.Cut(strings.TrimSpace(m.Value.Text), " ")
			if word == "" {
				return nil
			}
			c.module, c.short = fullName(word, collections), m.Value
			c.list, c.text = argumentsOf(c.module, rest, strings.Index(m.Value.Text, word)+len(word))
			return c
		case isKeyword(name):
			continue
		}
		c.module = fullName(name, collections)
		switch m.Value.Kind {
		case document.Mapping:
			c.args = m.Value
		case document.Scalar:
			if !m.Value.IsNull() {
				c.short = m.Value
				c.list, c.text = argumentsOf(c.module, m.Value.Text, 0)
			}
		}
		return c
	}
	return nil
}

// argumentsOf cuts the short form of a module's arguments, which begins at an offset of the text.
func argumentsOf(module, text string, at int) ([]argument, string) {
	args, rest := shortForm(text)
	if free[module] != "" {
		kept := args[:0]
		cut := text
		for _, a := range args {
			if freeArguments[a.name] {
				kept = append(kept, a)
			}
		}
		for i := len(kept) - 1; i >= 0; i-- {
			cut = cut[:kept[i].start] + cut[kept[i].end:]
		}
		args, rest = kept, strings.TrimSpace(cut)
	}
	for i := range args {
		args[i].start += at
		args[i].end += at
	}
	return args, rest
}

// arguments evaluates what a task gives its module, defaults of the module under it.
func (c *call) arguments(v *env, defaults []*document.Node) jinja.Result {
	out := jinja.Result{Value: value.Value{Kind: value.Object, Range: c.key.Range}}
	set := func(name string, r jinja.Result, at source.Range) {
		if r.Omit || name == "" {
			return
		}
		if r.Value.Kind == value.Unknown && !r.MayOmit {
			r.Value.NotNull = true // who writes an argument gives it
		}
		place(&r.Value, at)
		put(&out, name, r)
	}
	for _, d := range defaults {
		c.members(v, d, set)
	}
	c.members(v, c.more, set)
	if c.spread != nil {
		spread(v.node(c.spread), c.spread.Range, &out, set)
	}
	c.members(v, c.args, set)
	if c.short != nil {
		for _, a := range c.list {
			at := c.short.Range
			if r, ok := c.within(v.u.fileOf(at.File), a); ok {
				at = r
			}
			set(a.name, v.text(a.text), at)
		}
		switch name := free[c.module]; {
		case c.text == "":
		case name != "":
			set(name, v.text(c.text), c.key.Range)
		case jinja.Templated(c.text):
			spread(v.text(c.text), c.key.Range, &out, set)
		default:
			set("free_form", v.text(c.text), c.key.Range)
		}
	}
	return out
}

// spread sets all arguments that a template makes. What it makes is not known often: then there may be any.
func spread(r jinja.Result, at source.Range, out *jinja.Result, set func(string, jinja.Result, source.Range)) {
	if r.Value.Kind != value.Object {
		out.Value.Open = true
		return
	}
	out.Value.Open = out.Value.Open || r.Value.Open
	for i := range r.Value.Fields {
		name := r.Value.Fields[i].Name
		set(name, jinja.Member(r, name), at)
	}
}

func (c *call) members(v *env, n *document.Node, set func(string, jinja.Result, source.Range)) {
	if n == nil {
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		if n == c.args && m.Key.Text == "module" && (c.key.Key.Text == "action" || c.key.Key.Text == "local_action") {
			continue
		}
		r := v.node(m.Value)
		// The values of a member keep their own places; a value that a variable gives stands where it is used.
		set(m.Key.Text, r, m.Range)
	}
}

// within returns where an argument of the short form stands in its file, if the text stands there as it is.
func (c *call) within(f *source.File, a argument) (source.Range, bool) {
	start, ok := plainStart(f, c.short)
	if !ok {
		return source.Range{}, false
	}
	return source.Range{File: f.Path, Start: start + a.start, End: start + a.end}, true
}

// plainStart returns where the text of a scalar begins in its file, if it stands there byte for byte.
func plainStart(f *source.File, n *document.Node) (int, bool) {
	if f == nil || n.Range.File != f.Path || n.Range.End > len(f.Bytes) {
		return 0, false
	}
	text := f.Text(n.Range)
	switch n.Style {
	case document.Plain:
		return n.Range.Start, text == n.Text
	case document.Single, document.Double:
		if len(text) >= 2 && text[1:len(text)-1] == n.Text {
			return n.Range.Start + 1, true
		}
	}
	return 0, false
}
