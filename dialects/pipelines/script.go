package pipelines

import (
	"slices"
	"sort"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/shell"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Placeholder is a part of a script that the CI system replaces before a shell sees it: ${{ github.ref }}, $(macro), << parameters.x >>.
type Placeholder struct {
	Start, End int    // bytes of the script
	Name       string // what it stands for, without its brackets: secrets.TOKEN
}

// Script is what one step runs. Resource makes a ci_script of it.
type Script struct {
	Address      string        // of the ci_script, from Unit.Address
	Shell        string        // bash, sh, pwsh, …; empty when nobody says
	Text         *Text         // from Unit.Text
	Range        source.Range  // the whole entry that holds the script; zero means that of its text
	Placeholders []Placeholder // in the order in which they stand
	Environment  value.Value   // variables by name; Absent when there are none
	Job          string        // address of the job; empty for none
	Step         string        // address of the step; empty for none
	Handle       *Handle       // nil when the script cannot be edited
	Commands     *shell.Script // what Read returned; nil when nobody has read it yet
}

// Resource makes the ci_script.
func (s *Script) Resource(system string) *resource.Resource {
	at := s.Range
	if at.IsZero() {
		at = s.Text.Whole()
	}
	var body Body
	body.Set("system", String(system, at))
	text := String(s.Text.Text, at)
	if len(s.Placeholders) > 0 {
		text = value.Value{Kind: value.Unknown, NotNull: true, Text: s.Text.Text[:s.Placeholders[0].Start], Range: at}
	}
	body.Set("text", text)
	if s.Shell != "" {
		body.Set("shell", String(s.Shell, at))
	}
	body.Set("environment", s.Environment)
	read := s.Commands
	if read == nil {
		fresh := s.Read()
		read = &fresh
	}
	commands := read.Value(s.Text.Range)
	commands.Range = at
	body.Set("commands", commands)
	r := &resource.Resource{Address: s.Address, Type: "ci_script", Name: s.Address, Range: at}
	refer(&body, r, "job", s.Job)
	refer(&body, r, "step", s.Step)
	r.Body = body.Object(at)
	if s.Handle != nil {
		r.Handle = s.Handle
	}
	return r
}

// refer makes an attribute that names another resource.
func refer(body *Body, r *resource.Resource, attribute, target string) {
	if target == "" {
		return
	}
	body.Set(attribute, String(target, r.Range))
	r.Refs = append(r.Refs, resource.Ref{Path: value.Path{{Name: attribute}}, Target: target})
}

// shells are those whose language package shell reads; the words of others are read line by line.
var shells = []string{"", "bash", "sh", "dash", "ash", "ksh", "zsh"}

// Read reads the commands of the script; words that hold a placeholder are not known.
func (s *Script) Read() shell.Script {
	name, _, _ := strings.Cut(strings.TrimSpace(s.Shell), " ")
	name = name[strings.LastIndexByte(name, '/')+1:]
	text := s.Text.Text
	blanked := []byte(text)
	for _, p := range s.Placeholders {
		// Letters that are a word wherever they stand, in quotes or not.
		for i := p.Start; i < p.End && i < len(blanked); i++ {
			blanked[i] = '_'
		}
	}
	var read shell.Script
	if slices.Contains(shells, name) {
		read = shell.Read(string(blanked))
	} else {
		read = shell.Words(string(blanked))
	}
	read.Text = text
	for i := range read.Commands {
		s.fill(&read.Commands[i])
	}
	return read
}

// fill makes the words of a command unknown that hold a placeholder.
func (s *Script) fill(c *shell.Command) {
	c.Words = slices.Clone(c.Words)
	for i := range c.Words {
		if s.mark(&c.Words[i]) && i == 0 {
			c.Name = ""
		}
	}
	c.Assigns = slices.Clone(c.Assigns)
	for i := range c.Assigns {
		s.mark(&c.Assigns[i].Value)
	}
	c.Redirects = slices.Clone(c.Redirects)
	for i := range c.Redirects {
		s.mark(&c.Redirects[i].Target)
	}
}

// mark makes a word unknown when a placeholder is in it.
func (s *Script) mark(w *shell.Word) bool {
	marked := false
	first := sort.Search(len(s.Placeholders), func(i int) bool { return s.Placeholders[i].End > w.Start })
	for _, p := range s.Placeholders[first:] {
		if p.Start >= w.End {
			break
		}
		blank := strings.Repeat("_", max(1, min(p.End, w.End)-max(p.Start, w.Start)))
		if w.Known {
			w.Known, w.Prefix, w.Suffix = false, w.Text, w.Text
		}
		w.Prefix, _, _ = strings.Cut(w.Prefix, blank)
		if i := strings.LastIndex(w.Suffix, blank); i >= 0 {
			w.Suffix = w.Suffix[i+len(blank):]
		}
		w.Text = strings.Replace(w.Text, blank, "", 1)
		w.Variables = append(slices.Clone(w.Variables), p.Name)
		marked = true
	}
	return marked
}
