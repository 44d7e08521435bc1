package github

import (
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/shell"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// envFileWrites are the commands that write to GITHUB_ENV or GITHUB_PATH what an outsider may choose: a line end in it sets any variable,
// and with it what later steps run. Expressions in the command itself are code already, and told of as such.
func (e *evaluation) envFileWrites(s *step) notes {
	if s.text == nil {
		return nil
	}
	var out notes
	commands := e.reads(s).Commands
	for i := range commands {
		file, ok := e.writesTo(commands, i, "GITHUB_ENV", "GITHUB_PATH")
		if !ok {
			continue
		}
		for w := range commands[i].Words {
			word := &commands[i].Words[w]
			if slices.ContainsFunc(word.Variables, func(v string) bool { return strings.ContainsAny(v, ".[(") }) {
				continue
			}
			if e.word(word, s) == outsider {
				out = append(out, note{file, s.text.Range(commands[i].Start, commands[i].End)})
				break
			}
		}
	}
	return out
}

// oldCommands are the commands that a step can print for the runner, and no longer should:
// https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/
var oldCommands = []string{"::set-output", "::save-state", "::set-env", "::add-path"}

func (e *evaluation) deprecatedCommands(s *step) notes {
	if s.text == nil {
		return nil
	}
	var out notes
	commands := e.reads(s).Commands
	for i := range commands {
		c := &commands[i]
		if !slices.Contains([]string{"echo", "printf", "Write-Output", "Write-Host"}, c.Name) {
			continue
		}
		for w := range c.Words {
			begin := c.Words[w].Prefix
			if c.Words[w].Known {
				begin = c.Words[w].Text
			}
			if k := slices.IndexFunc(oldCommands, func(old string) bool { return strings.HasPrefix(begin, old) }); w > 0 && k >= 0 {
				out = append(out, note{strings.TrimPrefix(oldCommands[k], "::"), s.text.Range(c.Start, c.End)})
				break
			}
		}
	}
	return out
}

// newFiles are the files that took the place of the commands.
var newFiles = map[string]string{"set-output": "GITHUB_OUTPUT", "save-state": "GITHUB_STATE", "set-env": "GITHUB_ENV"}

// modernize writes echo "name=value" >> "$GITHUB_OUTPUT" for echo "::set-output name=name::value".
func (e *evaluation) modernize(s *step) (pipelines.Lowering, error) {
	var l pipelines.Lowering
	if name, _, _ := strings.Cut(s.shell(), " "); name != "bash" && name != "sh" {
		return l, fmt.Errorf("nobody knows how the shell %q writes to files", name)
	}
	commands := e.reads(s).Commands
	for i := range commands {
		c := &commands[i]
		text := s.text.Text[c.Start:c.End]
		at := strings.Index(text, "::")
		if c.Name != "echo" || len(c.Words) != 2 || at < 0 || len(c.Redirects) > 0 || len(c.Into) > 0 {
			if at >= 0 && slices.ContainsFunc(oldCommands, func(old string) bool { return strings.HasPrefix(text[at:], old) }) {
				return pipelines.Lowering{}, fmt.Errorf("the command is better changed by hand: %s", text)
			}
			continue
		}
		word, rest, ok := strings.Cut(text[at+2:], "::")
		verb, name, _ := strings.Cut(word, " ")
		file := newFiles[verb]
		if verb == "add-path" {
			file = "GITHUB_PATH"
		}
		if file == "" {
			continue
		}
		name = strings.TrimPrefix(strings.TrimSpace(name), "name=")
		if !ok || strings.Contains(rest, "%0A") || verb != "add-path" && name == "" || strings.ContainsAny(name, " ,;$") && !strings.HasPrefix(name, "$") {
			return pipelines.Lowering{}, fmt.Errorf("the command is better changed by hand: %s", text)
		}
		now := text[:at] + name + "=" + rest + ` >> "$` + file + `"`
		if verb == "add-path" {
			now = text[:at] + rest + ` >> "$` + file + `"`
		}
		if !s.text.Verbatim(e.model.file.File, c.Start, c.End) || s.node.Get("run").Style == document.Double || s.node.Get("run").Style == document.Single {
			return pipelines.Lowering{}, fmt.Errorf("the script stands in a quoted text, which is better changed by hand")
		}
		l.Edits = append(l.Edits, source.Edit{Range: s.text.Range(c.Start, c.End), Text: now})
	}
	if len(l.Edits) > 0 {
		l.Also = []value.Path{{{Name: "run"}}}
		l.Title = "write to the files that took the place of the commands"
	}
	return l, nil
}

// shellsNames are programs that run what they are given on their standard input.
var shellNames = []string{"sh", "bash", "zsh", "dash", "ksh", "python", "python3", "perl", "ruby", "node", "pwsh", "eval"}

// obfuscated are the signs of code that shall not be understood: paths that lead elsewhere than they seem to, texts put together of
// constants, programs in base64.
func (e *evaluation) obfuscated(s *step) notes {
	var out notes
	if s.uses.kind == "action" || s.uses.kind == "local" {
		name, _, _ := strings.Cut(s.uses.text, "@")
		parts := strings.Split(strings.TrimPrefix(strings.TrimSuffix(name, "/"), "./"), "/")
		if s.uses.text != "./" && slices.ContainsFunc(parts, func(p string) bool { return p == "." || p == ".." && s.uses.kind == "action" || p == "" }) && name != "." && name != "./" {
			out = append(out, note{"a path that leads elsewhere than it seems", s.uses.at})
		}
	}
	for i := range s.exprs {
		if x := &s.exprs[i]; x.node != nil && constant(x.node) {
			out = append(out, note{"a text put together of constants", x.at()})
		}
	}
	if s.text == nil {
		return out
	}
	commands := e.reads(s).Commands
	for i := range commands {
		c := &commands[i]
		decodes := c.Name == "base64" && slices.ContainsFunc(c.Words, func(w shell.Word) bool { return w.Text == "-d" || w.Text == "--decode" || w.Text == "-D" })
		if decodes && slices.ContainsFunc(c.Into, func(n string) bool { return slices.Contains(shellNames, n) }) {
			out = append(out, note{"a program in base64", s.text.Range(c.Start, c.End)})
		}
	}
	return out
}
