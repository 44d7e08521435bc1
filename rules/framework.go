package rules

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// Framework is a compliance framework in one version.
type Framework struct {
	ID       string    // what pages and --framework say: cis-aws-3.0.0
	Name     string    // CIS AWS Foundations Benchmark
	Version  string    // 3.0.0
	Source   string    // address of its publisher
	Subject  []string  // resource types of which one must be there before anything is said of the framework; empty when it is about whatever is judged
	Controls []Control // in the framework's own order
}

// Control is a requirement of a framework. The title is our own short wording; the binding text is the publisher's.
type Control struct {
	ID    string // as the framework writes it: 5.6, AC-3, 164.312(a)(2)(iv)
	Title string
}

// Control returns the control of that id.
func (f *Framework) Control(id string) (Control, bool) {
	for _, c := range f.Controls {
		if c.ID == id {
			return c, true
		}
	}
	return Control{}, false
}

// Frameworks returns every framework, sorted by id. The slice is shared and must not be changed.
func Frameworks() []Framework { return frameworks() }

// FrameworkOf returns the framework of that id, or nil.
func FrameworkOf(id string) *Framework {
	all := frameworks()
	i := slices.IndexFunc(all, func(f Framework) bool { return f.ID == id })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// HasControl reports whether a framework has a control.
func HasControl(framework, control string) bool {
	f := FrameworkOf(framework)
	if f == nil {
		return false
	}
	_, ok := f.Control(control)
	return ok
}

// ControlTitle returns the title of a control, or "" when the framework or the control does not exist.
func ControlTitle(framework, control string) string {
	f := FrameworkOf(framework)
	if f == nil {
		return ""
	}
	c, _ := f.Control(control)
	return c.Title
}

// Each table has a head of name and value, an empty line, and a row per control; a tab stands between the two columns.
//
//go:embed frameworks/*.tsv
var tables embed.FS

// frameworks parses the tables when they are first asked for: most runs of the program never do.
var frameworks = sync.OnceValue(func() []Framework {
	entries, err := tables.ReadDir("frameworks")
	if err != nil {
		panic(err) // the folder is embedded: only a build that lost it comes here
	}
	var all []Framework
	for _, e := range entries {
		text, err := tables.ReadFile(path.Join("frameworks", e.Name()))
		if err != nil {
			panic(err)
		}
		f, err := parseFramework(string(text))
		if err != nil {
			panic(fmt.Errorf("%s: %w", e.Name(), err)) // a test reads every table
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Framework) int { return strings.Compare(a.ID, b.ID) })
	return all
})

func parseFramework(text string) (Framework, error) {
	var f Framework
	subject := ""
	fields := map[string]*string{"id": &f.ID, "name": &f.Name, "version": &f.Version, "source": &f.Source, "subject": &subject}
	head, rows, ok := strings.Cut(text, "\n\n")
	if !ok {
		return f, fmt.Errorf("no empty line between the head and the controls")
	}
	for line := range strings.SplitSeq(head, "\n") {
		name, value, _ := strings.Cut(line, "\t")
		field := fields[name]
		if field == nil || value == "" || *field != "" {
			return f, fmt.Errorf("%q is not a line of the head", line)
		}
		*field = value
	}
	f.Subject = strings.Fields(subject)
	seen := make(map[string]bool)
	for line := range strings.SplitSeq(strings.TrimSuffix(rows, "\n"), "\n") {
		id, title, _ := strings.Cut(line, "\t")
		if id == "" || title == "" || strings.Contains(title, "\t") || seen[id] {
			return f, fmt.Errorf("%q is not a new control with its title", line)
		}
		seen[id] = true
		f.Controls = append(f.Controls, Control{ID: id, Title: title})
	}
	return f, nil
}
