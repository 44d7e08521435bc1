package kustomize

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"plumbline.dev/plumbline/source"
)

// built is what a build made.
type built struct {
	*stage
	objects resmap.ResMap // nil when nothing could be built
}

// build builds a kustomization. What it fails at is told of and left out, so that the rest is judged all the same: first a file that the
// failure names, then patches of what is not there, then replacements, and in the end everything that is done to the objects.
func (e *estate) build(ctx context.Context, top string) built {
	leaving := make(map[string]bool)
	lenient, plain := false, false
	for _, k := range e.closure(top) {
		lenient = lenient || len(k.missing) > 0
	}
	var failures []source.Problem
	for attempt := 0; ; attempt++ {
		s := e.newStage(top, lenient, plain, leaving)
		if s.overflow || ctx.Err() != nil {
			s.problems = append(s.problems, failures...)
			return built{stage: s}
		}
		if s.empty() {
			s.problems = append(s.problems, failures...)
			return built{stage: s}
		}
		m, err := run(&cancelled{FileSystem: s.fs, ctx: ctx}, dirName(s.dirs[top]))
		if err == nil {
			s.problems = append(s.problems, failures...)
			return built{s, m}
		}
		if ctx.Err() != nil {
			return built{stage: s}
		}
		problem, file := s.failure(err, top)
		failures = append(failures, problem)
		switch {
		case attempt >= maxAttempts:
			s.problems = append(s.problems, failures...)
			return built{stage: s}
		case file != "" && !leaving[file] && attempt < maxAttempts-4:
			leaving[file] = true
		case !lenient:
			lenient = true
		case !leaving["replacements"]:
			leaving["replacements"] = true
			failures = failures[:len(failures)-1] // it was told of
		case !plain:
			plain = true
			failures = failures[:len(failures)-1]
		default:
			s.problems = append(s.problems, failures[:1]...)
			return built{stage: s}
		}
	}
}

// empty reports whether there is nothing to build.
func (s *stage) empty() bool {
	if len(s.order) == 0 {
		return true
	}
	return s.objects[s.order[len(s.order)-1].dir] == 0
}

// building is held by a build: the library has one schema of Kubernetes' kinds for the whole program, and reads it unguarded while another
// build may be making it.
var building sync.Mutex

// run builds what is staged. No plugin is run, and nothing but the staged files is seen.
func run(staged filesys.FileSystem, dir string) (m resmap.ResMap, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("it cannot be built: %v", r)
		}
	}()
	building.Lock()
	defer building.Unlock()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone
	return krusty.MakeKustomizer(options).Run(staged, dir)
}

// cancelled is a file system that ends a build with its context.
type cancelled struct {
	filesys.FileSystem
	ctx context.Context
}

// ReadFile returns a staged file.
func (c *cancelled) ReadFile(name string) ([]byte, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	return c.FileSystem.ReadFile(name)
}

// failure tells of a build that failed, in words of the tree, with the file that it failed at where the failure names one.
func (s *stage) failure(err error, top string) (source.Problem, string) {
	text := oneLine(err.Error())
	p := source.Problem{Kind: source.Invalid, Range: source.Range{File: s.order[len(s.order)-1].file.Path}}
	file := ""
	for name, t := range s.texts {
		if mentions(text, name) && (file == "" || t.name < file) {
			file, p.Range = t.name, source.Range{File: t.file.Path}
			if t.patch {
				p.Range = t.whole
			}
		}
	}
	for i := len(s.names) - 2; i >= 0; i -= 2 {
		text = replaceName(text, s.names[i], s.names[i+1])
	}
	// What is wrong stands behind the way to it.
	if i := strings.LastIndex(text, "accumulation err="); i > 0 {
		text = text[:i]
	}
	text = strings.ReplaceAll(text, path.Join(top, fileNames[0]), s.order[len(s.order)-1].file.Path)
	p.Message = "kustomize cannot build it as it is: " + strings.Trim(text, " :'\"")
	return p, file
}

// mentions reports whether a text has a name in it that does not go on.
func mentions(text, name string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		at += i + len(name)
		if at >= len(text) || !isDigit(text[at]) {
			return true
		}
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// replaceName puts another name in the place of one that does not go on.
func replaceName(text, name, by string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, name)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		text = text[i+len(name):]
		if text != "" && isDigit(text[0]) {
			b.WriteString(name)
		} else {
			b.WriteString(by)
		}
	}
}
