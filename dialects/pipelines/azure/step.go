package azure

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/dialects/pipelines/written"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// kinds are the keys that say what a step is, in the order in which they are looked for.
var kinds = []string{"script", "bash", "pwsh", "powershell", "checkout", "task", "download", "downloadBuild", "getPackage", "publish", "reviewApp"}

// inline says where tasks have a script, and in what language; https://learn.microsoft.com/azure/devops/pipelines/tasks/reference/.
var inline = map[string]struct{ input, shell string }{
	"bash":                {"script", "bash"},
	"shellscript":         {"script", "sh"},
	"cmdline":             {"script", ""},
	"powershell":          {"script", "powershell"},
	"powershellonwindows": {"script", "powershell"},
	"azurecli":            {"inlineScript", ""},
	"azurepowershell":     {"Inline", "powershell"},
	"ssh":                 {"inline", "sh"},
	"kubeloginscript":     {"script", "bash"},
}

// step makes an azurepipelines_step, and the ci_script of one that runs a script.
func (p *pipeline) step(it item, ms []member, f frame) {
	if p.seen[it.node] || !p.owns(it.at.File) {
		return
	}
	p.seen[it.node] = true
	kind, name := "", ""
	var m *member
	for _, k := range kinds {
		if m = find(ms, k); m != nil {
			kind = k
			break
		}
	}
	if m == nil {
		return
	}
	name = kind
	task, version, _ := strings.Cut(p.text(find(ms, "task")), "@")
	if task != "" {
		name = task
	}
	for _, k := range []string{"name", "displayName"} {
		if s := p.text(find(ms, k)); s != "" && !strings.Contains(s, "\n") {
			name = s
		}
	}
	if kind == "checkout" {
		name = "checkout"
	}
	address := p.Address(fileOf(p.Main.Path, it.at.File) + f.at(name).path.String())
	r := &resource.Resource{Address: address, Type: "azurepipelines_step", Name: name, Range: it.at, Calls: f.calls, Maybe: f.maybe}
	body := slices.DeleteFunc(p.attributes(r.Type, ms), func(x value.Field) bool { return x.Name == "task" })
	body.Set("kind", pipelines.String(kind, it.at))
	if task != "" {
		body.Set("task", pipelines.String(task, find(ms, "task").at))
		body.Set("version", pipelines.String(version, find(ms, "task").at))
	}
	if f.job != "" {
		body.Set("job", pipelines.String(f.job, it.at))
		r.Refs = []resource.Ref{{Path: value.Path{{Name: "job"}}, Target: f.job}}
	}
	r.Body = body.Object(it.at)
	r.Handle = p.places.Handle(r, written.Home{Node: it.node, Only: []string{"condition", "continueOnError", "enabled", "env", "inputs", "persistCredentials", "target"}})
	if !p.Add(r) {
		return
	}
	shell := ""
	switch kind {
	case "script":
		if f.windows {
			shell = "cmd"
		}
	case "bash", "pwsh", "powershell":
		shell = kind
	case "task":
		known, ok := inline[strings.ToLower(task)]
		inputs := find(ms, "inputs")
		if !ok || inputs == nil {
			return
		}
		all, _ := p.members(inputs.node, inputs.in, inputs.maybe)
		if m = find(all, known.input); m == nil {
			return
		}
		shell = known.shell
		if s := strings.ToLower(p.text(find(all, "scriptType"))); strings.HasPrefix(s, "ps") {
			shell = "pwsh"
		} else if s == "batch" || s == "" && f.windows && shell == "" {
			shell = "cmd"
		}
	default:
		return
	}
	p.script(m, shell, address, f)
}

// script makes the ci_script of a step.
func (p *pipeline) script(m *member, shell, step string, f frame) {
	if m.node.Kind != document.Scalar || m.node.IsNull() {
		return
	}
	node, in := m.node, m.in
	if a := p.referred(node, in); a != nil && a.node != nil && a.node.Kind == document.Scalar && p.places.Member(a.at) != nil && p.owns(a.at.File) {
		node, in = a.node, a.in // what a caller gives as a whole is a script of its own
	}
	text := p.Text(node)
	spot := m.at
	if node != m.node {
		spot = node.Range
	}
	holes := p.placeholders(text.Text, in)
	made := pipelines.Script{Address: p.Address(step + ".script"), Shell: shell, Text: text, Range: spot, Placeholders: holes, Job: f.job, Step: step}
	r := made.Resource(system)
	r.Calls, r.Maybe = f.calls, f.maybe
	r.Handle = p.places.Handle(r, written.Home{})
	p.Add(r)
}

// placeholders are what Azure puts into a script before a shell reads it: template expressions, and macros.
func (p *pipeline) placeholders(text string, in *scope) []pipelines.Placeholder {
	var out []pipelines.Placeholder
	for at := 0; at < len(text); {
		i := strings.IndexByte(text[at:], '$')
		if i < 0 {
			break
		}
		start := at + i
		at = start + 1
		switch rest := text[start:]; {
		case strings.HasPrefix(rest, "${{"):
			n := strings.Index(rest, "}}")
			if n < 0 {
				continue
			}
			out = append(out, pipelines.Placeholder{Start: start, End: start + n + 2, Name: p.behind(strings.TrimSpace(rest[3:n]), in, 0)})
			at = start + n + 2
		case strings.HasPrefix(rest, "$("):
			name, ok := p.macro(rest, in)
			if !ok {
				continue
			}
			end := start + len(name) + 3
			out = append(out, pipelines.Placeholder{Start: start, End: end, Name: p.behindVariable(name, in, 0)})
			at = end
		}
	}
	return out
}

// commands are names in $(…) that a shell runs: where nobody declares a variable of the name, they are no macros.
var commands = []string{"arch", "base", "date", "dirname", "env", "expr", "groups", "hostname", "id", "locale", "logname", "ls", "mktemp", "nproc",
	"ps", "pwd", "tty", "umask", "uname", "users", "uuidgen", "whoami"}

// macro reads a macro at the start of a text: its name, as it is written.
func (p *pipeline) macro(text string, in *scope) (string, bool) {
	n := 2
	for n < len(text) && (isWord(text[n]) || text[n] == '.') {
		n++
	}
	if n == 2 || n >= len(text) || text[n] != ')' {
		return "", false
	}
	name := text[2:n]
	if in.variables[strings.ToLower(name)] == nil && slices.Contains(commands, strings.ToLower(name)) {
		return "", false
	}
	return name, true
}

// outside are the variables whose text somebody chooses who may only open a pull request, push a branch or write a commit message;
// https://learn.microsoft.com/azure/devops/pipelines/build/variables.
var outside = []string{"Build.SourceVersionMessage", "Build.SourceVersionAuthor", "Build.SourceBranch", "Build.SourceBranchName",
	"System.PullRequest.SourceBranch", "System.PullRequest.SourceBranchName"}

// canonical is the name of a predefined variable as the documentation has it: case does not matter.
func canonical(name string) string {
	for _, o := range outside {
		if strings.EqualFold(o, name) {
			return o
		}
	}
	return name
}

// behind is what an expression in a script stands for. A parameter that whoever starts the pipeline fills with any text keeps its name;
// one that a caller sets to something that an outsider chooses is that.
func (p *pipeline) behind(text string, in *scope, depth int) string {
	t, ok := parse(text)
	if !ok || depth > 8 {
		return "expression"
	}
	names := []term{t}
	for len(names) > 0 {
		t := names[0]
		names = append(names[1:], t.args...)
		if len(t.path) < 2 && (t.path == nil || in.locals[strings.ToLower(t.path[0])] == nil) {
			continue
		}
		first := strings.ToLower(t.path[0])
		if first == "variables" {
			if found := p.behindVariable(strings.Join(t.path[1:], "."), in, depth+1); slices.Contains(outside, found) || strings.HasPrefix(found, "parameters.") {
				return found
			}
			continue
		}
		var a *argument
		switch {
		case first == "parameters":
			a = in.params[strings.ToLower(t.path[1])]
		default:
			a = in.locals[first]
		}
		switch {
		case a == nil:
		case a.free:
			return "parameters." + t.path[1]
		case a.node != nil && a.node.Kind == document.Scalar && a.in != nil:
			for _, h := range p.placeholdersAt(a.node.Text, a.in, depth+1) {
				if slices.Contains(outside, h) || strings.HasPrefix(h, "parameters.") {
					return h
				}
			}
		}
	}
	return "expression " + strings.Join(strings.Fields(text), " ")
}

// behindVariable is what a macro stands for: through the pipeline's own variables.
func (p *pipeline) behindVariable(name string, in *scope, depth int) string {
	a := in.variables[strings.ToLower(name)]
	if a == nil || a.node == nil || a.node.Kind != document.Scalar || depth > 8 {
		return canonical(name)
	}
	for _, h := range p.placeholdersAt(a.node.Text, a.in, depth+1) {
		if slices.Contains(outside, h) || strings.HasPrefix(h, "parameters.") {
			return h
		}
	}
	return canonical(name)
}

// placeholdersAt are the names of what a text has put into it, with a bound on how far they are followed.
func (p *pipeline) placeholdersAt(text string, in *scope, depth int) []string {
	if p.evaluated++; depth > 8 || in == nil || p.evaluated > maxEvaluated {
		return nil
	}
	var out []string
	for at := 0; at < len(text); {
		i := strings.IndexByte(text[at:], '$')
		if i < 0 {
			break
		}
		rest := text[at+i:]
		at += i + 1
		switch {
		case strings.HasPrefix(rest, "${{"):
			if n := strings.Index(rest, "}}"); n > 0 {
				out = append(out, p.behind(strings.TrimSpace(rest[3:n]), in, depth+1))
			}
		case strings.HasPrefix(rest, "$[variables['"):
			if n := strings.Index(rest, "']"); n > 0 {
				out = append(out, p.behindVariable(rest[len("$[variables['"):n], in, depth+1))
			}
		case strings.HasPrefix(rest, "$("):
			if name, ok := p.macro(rest, in); ok {
				out = append(out, p.behindVariable(name, in, depth+1))
			}
		}
		if len(out) > 50 {
			break
		}
	}
	return out
}

// macros puts the pipeline's own variables into the name of an image.
func (p *pipeline) macros(v value.Value, in *scope) value.Value {
	if v.Kind != value.String || !strings.Contains(v.Text, "$(") {
		return v
	}
	var note written.Note
	text, done, open := v.Text, "", false
	for range 50 {
		i := strings.Index(text, "$(")
		if i < 0 {
			break
		}
		name, ok := p.macro(text[i:], in)
		if !ok {
			done, text = done+text[:i+2], text[i+2:]
			continue
		}
		done += text[:i]
		text = text[i+len(name)+3:]
		if a := in.variables[strings.ToLower(name)]; a != nil && a.node != nil && a.node.Kind == document.Scalar {
			inner := p.scalar(a.node, a.in)
			if s, ok := textOf(&inner); ok && !strings.Contains(s, "$(") {
				note.Trace = append(note.Trace, dialect.Step{Name: "variables." + name, Range: a.at})
				done += s
				continue
			}
		}
		note.Waits = append(note.Waits, dialect.Wait{Name: name, Kind: "variable"})
		open = true
		break
	}
	p.places.Note(v.Range, note)
	if !open {
		v.Text = done + text
		return v
	}
	out := value.Value{Kind: value.Unknown, NotNull: true, Text: done, Range: v.Range}
	if done != "" && !strings.Contains(text, "$(") {
		out.Ending = text
	}
	return out
}
