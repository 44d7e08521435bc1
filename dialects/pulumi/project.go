package pulumi

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// role is what a file is for, by its name.
type role uint8

const (
	otherFile role = iota
	projectFile
	mainFile
	stackFile
)

// roleOf tells by its name what a file is for; of a stack's, its stack too.
func roleOf(p string) (role, string) {
	base := path.Base(p)
	ext := path.Ext(base)
	if ext != ".yaml" && ext != ".yml" && ext != ".json" {
		return otherFile, ""
	}
	switch name := strings.TrimSuffix(base, ext); {
	case name == "Pulumi":
		return projectFile, ""
	case name == "Main":
		return mainFile, ""
	case strings.HasPrefix(name, "Pulumi."):
		return stackFile, name[len("Pulumi."):]
	}
	return otherFile, ""
}

// isProject reports whether a project's runtime is YAML: runtime: yaml, or runtime: with name: yaml. It looks at the lines.
func isProject(content []byte) bool {
	i := bytes.Index(content, []byte("runtime"))
	for i >= 0 {
		rest := bytes.TrimLeft(content[i+len("runtime"):], "\"' ")
		if after, ok := bytes.CutPrefix(rest, []byte(":")); ok {
			after = bytes.TrimLeft(after, "{ \t\r\n")
			if inner, ok := bytes.CutPrefix(bytes.TrimLeft(after, `"'`), []byte("name")); ok {
				after = bytes.TrimLeft(inner, "\"': \t")
			}
			return bytes.HasPrefix(bytes.TrimLeft(after, `"' `), []byte("yaml"))
		}
		next := bytes.Index(content[i+1:], []byte("runtime"))
		if next < 0 {
			return false
		}
		i += next + 1
	}
	return false
}

// isProgram reports whether a file has resources with the types of Pulumi: PACKAGE:MODULE:NAME.
func isProgram(content []byte) bool {
	if !bytes.Contains(content, []byte("resources")) {
		return false
	}
	for line := range bytes.Lines(content) {
		_, typ, ok := bytes.Cut(line, []byte("type"))
		if !ok {
			continue
		}
		typ = bytes.Trim(bytes.TrimLeft(typ, "\"' :"), "\"' ,\r\n")
		if a, b, ok := bytes.Cut(typ, []byte(":")); ok && isWord(a) && len(b) > 0 && b[0] != ' ' && b[0] != ':' {
			return true
		}
	}
	return false
}

func isWord(b []byte) bool {
	for _, c := range b {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(b) > 0
}

// isStack reports whether a file is the settings of a stack.
func isStack(content []byte) bool {
	for _, word := range [...]string{"config", "encryptionsalt", "secretsprovider", "encryptedkey", "environment"} {
		if bytes.Contains(content, []byte(word+":")) || bytes.Contains(content, []byte(word+`"`)) {
			return true
		}
	}
	return len(bytes.TrimSpace(content)) == 0
}

// unit is a project with a stack.
type unit struct {
	name    dialect.UnitName
	project *file   // Pulumi.yaml
	program *file   // what has the resources: the project's file or Main.yaml
	stacks  []*file // settings, weakest first
	missing []source.Problem
}

// setUnits finds the projects: a Pulumi.yaml with the Main.yaml beside it.
func (e *estate) setUnits() {
	e.units = nil
	stacks := map[string]map[string]*file{} // by directory and stack
	projects := map[string]*file{}
	mains := map[string]*file{}
	for p, f := range e.files {
		dir := dirOf(p)
		switch role, stack := roleOf(p); role {
		case projectFile:
			projects[dir] = f
		case mainFile:
			mains[dir] = f
		case stackFile:
			if stacks[dir] == nil {
				stacks[dir] = map[string]*file{}
			}
			stacks[dir][stack] = f
		}
	}
	for dir, f := range mains { // without a project it cannot be deployed; it is looked at all the same
		if projects[dir] == nil {
			projects[dir] = f
		}
	}
	for dir, project := range projects {
		u := unit{name: dialect.UnitName{Dir: dir}, project: project, program: project}
		if root := project.read().root; root.Get("resources") == nil {
			if main := textOf(root.Get("main")); main != "" { // a folder with the program in it
				if f := mains[path.Join(dir, main)]; f != nil {
					u.program = f
				}
			}
			if mains[dir] != nil {
				u.program = mains[dir]
			}
		}
		e.units = append(e.units, e.variants(u, stacks[dir])...)
	}
	slices.SortFunc(e.units, func(a, b unit) int {
		if c := strings.Compare(a.name.Dir, b.name.Dir); c != 0 {
			return c
		}
		return strings.Compare(a.name.Variant, b.name.Variant)
	})
}

// variants makes a unit for each stack: those that the settings name, or those beside the project.
func (e *estate) variants(u unit, beside map[string]*file) []unit {
	var sets []dialect.InputSet
	if e.workspace.Inputs != nil {
		sets = e.workspace.Inputs(u.name.Dir).Sets
	}
	var out []unit
	for _, set := range sets {
		v := u
		v.name.Variant = set.Name
		for _, p := range set.Files {
			if f := e.files[p]; f != nil {
				v.stacks = append(v.stacks, f)
			} else if f, problem := e.workspace.Read(p); problem == nil && fs.ValidPath(p) {
				v.stacks = append(v.stacks, e.open(f))
			} else if problem != nil {
				v.missing = append(v.missing, *problem)
			}
		}
		out = append(out, v)
	}
	if len(e.named) > 0 { // in the place of those beside it
		return append(out, u)
	}
	if len(out) == 0 {
		for stack, f := range beside {
			v := u
			v.name.Variant = stack
			v.stacks = []*file{f}
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		out = append(out, u)
	}
	return out
}

// declared returns the entries of the configuration that the project and the program declare, by name without the project's.
func (u *unit) declared() map[string]*document.Member {
	out := map[string]*document.Member{}
	for _, f := range [...]*file{u.project, u.program} {
		root := f.read().root
		for _, section := range [...]string{"configuration", "config"} {
			n := root.Get(section)
			if n == nil {
				continue
			}
			for i := range n.Members {
				if m := &n.Members[i]; m.Key.Kind == document.Scalar {
					out[u.bare(m.Key.Text)] = m
				}
			}
		}
	}
	return out
}

// bare is the name of an entry of the configuration without the project's before it; that of another package keeps it.
func (u *unit) bare(name string) string {
	if rest, ok := strings.CutPrefix(name, u.projectName()+":"); ok && rest != "" {
		return rest
	}
	return name
}

func (u *unit) projectName() string { return textOf(u.project.read().root.Get("name")) }

// textOf is the text of a scalar, "" of anything else.
func textOf(n *document.Node) string {
	if n == nil || n.Kind != document.Scalar {
		return ""
	}
	return n.Text
}
