package github

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/shell"
)

func membersOf(n *document.Node) []document.Member {
	if n == nil {
		return nil
	}
	return n.Members
}

// fetchesArtifact returns the folder into which a step puts an artifact of the run that triggered this one; "" is the workspace.
func (e *evaluation) fetchesArtifact(s *step) (dir string, ok bool) {
	pathOf := func() string {
		m := s.input("path")
		if m == nil {
			return ""
		}
		p := strings.TrimSpace(textOf(m.Value))
		p = strings.TrimSuffix(strings.TrimPrefix(p, "./"), "/")
		if p == "." || strings.EqualFold(strings.ReplaceAll(p, " ", ""), "${{github.workspace}}") {
			return ""
		}
		return p
	}
	switch {
	case s.is("dawidd6/action-download-artifact"), s.is("actions/download-artifact") && s.input("run-id") != nil:
		return pathOf(), true
	}
	if s.text == nil {
		return "", false
	}
	for i := range e.reads(s).Commands {
		c := &e.reads(s).Commands[i]
		if c.Name == "gh" && hasWords(c, "run", "download") {
			for w := range c.Words {
				if (c.Words[w].Text == "-D" || c.Words[w].Text == "--dir") && w+1 < len(c.Words) {
					return strings.Trim(strings.TrimPrefix(c.Words[w+1].Text, "./"), "/"), true
				}
			}
			return "", true
		}
	}
	return "", false
}

// interpreters run the file that they are given.
var interpreters = []string{"bash", "sh", "zsh", "python", "python3", "node", "ruby", "perl", "php", "pwsh", ".", "source", "java"}

// builders run what the workspace says.
var builders = []string{
	"make", "npm", "npx", "yarn", "pnpm", "bun", "pip", "pip3", "poetry", "tox", "pytest", "nox", "uv", "mvn", "mvnw", "gradle", "gradlew", "cargo", "bundle", "rake", "composer",
	"cmake", "ninja", "bazel", "just", "task", "docker", "docker-compose", "pre-commit",
}

// untrustedArtifact names how a step runs what it finds in an artifact of a run that an outsider may have caused.
func (e *evaluation) untrustedArtifact(s *step) notes {
	if e.model.trigger("workflow_run") == nil || s.text == nil || e.guarded(s.of, s) {
		return nil
	}
	for _, before := range s.of.steps {
		if before.index > s.index {
			break
		}
		dir, ok := e.fetchesArtifact(before)
		if !ok || e.guarded(s.of, before) {
			continue
		}
		if n, is := e.runsFrom(s, dir); is {
			return notes{n}
		}
	}
	return nil
}

// runsFrom finds the command of a step that runs, sources or exports what lies in a folder.
func (e *evaluation) runsFrom(s *step, dir string) (note, bool) {
	lies := func(w *shell.Word) bool {
		text := w.Text
		if !w.Known {
			text = w.Prefix
		}
		text = strings.TrimPrefix(text, "./")
		if dir == "" {
			return !strings.HasPrefix(text, "-") && !strings.HasPrefix(text, "/") && text != ""
		}
		return text == dir || strings.HasPrefix(text, dir+"/")
	}
	in := strings.Trim(strings.TrimPrefix(textOf(s.node.Get("working-directory")), "./"), "/")
	inside := dir == "" || in == dir || strings.HasPrefix(in, dir+"/")
	commands := e.reads(s).Commands
	for i := range commands {
		c := &commands[i]
		if len(c.Words) == 0 {
			continue
		}
		place := note{s.text.Text[c.Start:c.End], s.text.Range(c.Start, c.End)}
		first := &c.Words[0]
		program := first.Text
		if !first.Known {
			program = first.Prefix
		}
		switch {
		case strings.Contains(program, "/") && !strings.HasPrefix(program, "/") && (lies(first) || inside && strings.HasPrefix(program, "./")):
			return place, true
		case slices.Contains(interpreters, c.Name) && len(c.Words) > 1 && !slices.ContainsFunc(c.Words, func(w shell.Word) bool { return w.Text == "-c" || w.Text == "-e" || w.Text == "-m" }):
			for w := 1; w < len(c.Words); w++ {
				if strings.HasPrefix(c.Words[w].Text, "-") {
					continue
				}
				if lies(&c.Words[w]) || inside && dir != "" {
					return place, true
				}
				break
			}
		case slices.Contains(builders, c.Name) && inside:
			return place, true
		}
		if _, ok := e.writesTo(commands, i, "GITHUB_ENV", "GITHUB_PATH"); ok {
			for w := range c.Words {
				word := &c.Words[w]
				if c.Name == "cat" && w > 0 && lies(word) || !word.Known && len(word.Variables) == 0 && readsFile(commands, c, dir) {
					return place, true
				}
			}
		}
	}
	return note{}, false
}

// readsFile reports whether a command has the text of a file of a folder in one of its words: $(cat file), $(< file).
func readsFile(commands []shell.Command, c *shell.Command, dir string) bool {
	for i := range commands {
		o := &commands[i]
		if o.Start < c.Start || o.End > c.End || o == c {
			continue
		}
		for w := range o.Words {
			t := strings.TrimPrefix(o.Words[w].Text, "./")
			if (o.Name == "cat" || o.Name == "head" || o.Name == "jq") && w > 0 && !strings.HasPrefix(t, "-") && (dir == "" || strings.HasPrefix(t, dir+"/")) {
				return true
			}
		}
	}
	return false
}
