package terraform

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// parsed is a file: its outline at once, and its tree when somebody asks. It is read by several goroutines.
type parsed struct {
	path    string
	file    *source.File
	outline outline
	parse   func() // makes what follows, once

	body     *hclsyntax.Body // also of a broken file: what could be read of it; never nil after tree
	problems []source.Problem
}

// tree parses the file, if nobody has yet, and returns its content.
func (p *parsed) tree() *hclsyntax.Body {
	p.parse()
	return p.body
}

// mistakes returns what is wrong with the text of the file.
func (p *parsed) mistakes() []source.Problem {
	p.parse()
	return p.problems
}

// extension returns the ending of a file of the language (".tf.json") and "" for any other file, hidden ones included,
// which editors leave behind and the language does not read.
func extension(file string) string {
	if base := path.Base(file); strings.HasPrefix(base, ".") && !strings.Contains(base, ".tfvars") {
		return ""
	}
	for _, e := range [...]string{".tf", ".tofu", ".tf.json", ".tofu.json", ".tfvars", ".tfvars.json"} {
		if strings.HasSuffix(file, e) {
			return e
		}
	}
	return ""
}

func isConfig(path string) bool {
	e := extension(path)
	return e != "" && !strings.Contains(e, "tfvars")
}

// open looks a file of any form over. It is parsed later, or now when nothing less tells its outline.
func (e *estate) open(f *source.File) *parsed {
	p := &parsed{path: f.Path, file: f, body: &hclsyntax.Body{}}
	var refused *refusal
	if json := strings.HasSuffix(f.Path, ".json"); !json {
		p.outline, refused = scanFile(f.Bytes, e.limits.Nesting)
	}
	p.parse = sync.OnceFunc(func() {
		defer func() {
			if r := recover(); r != nil {
				p.problems = append(p.problems, source.Problem{Kind: source.Bug, Range: source.Range{File: f.Path},
					Message: fmt.Sprintf("parsing this file failed inside the program: %v", r)})
			}
		}()
		if refused != nil {
			p.problems = []source.Problem{refused.problem(f.Path)}
			return
		}
		e.parseInto(p)
	})
	if refused == nil && !p.outline.sure {
		p.outline = outlineOf(p.tree())
	}
	return p
}

func (e *estate) parseInto(p *parsed) {
	if strings.HasSuffix(p.path, ".json") {
		p.body, p.problems = e.parseJSON(p.file)
		return
	}
	tree, diags := hclsyntax.ParseConfig(p.file.Bytes, p.path, hcl.InitialPos)
	if tree != nil {
		p.body = tree.Body.(*hclsyntax.Body)
	}
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			p.problems = append(p.problems, problemOf(source.Invalid, d, p.path))
		}
	}
	rewriteBody(p.body)
}

// problemOf turns a diagnostic into a problem. It is placed in the file when the diagnostic has no place.
func problemOf(kind source.ProblemKind, d *hcl.Diagnostic, path string) source.Problem {
	p := source.Problem{Kind: kind, Range: source.Range{File: path}, Message: d.Summary}
	if d.Subject != nil {
		p.Range = place(*d.Subject)
	}
	if d.Detail != "" {
		p.Message += ": " + d.Detail
	}
	p.Message = strings.TrimSuffix(strings.Join(strings.Fields(p.Message), " "), ".")
	if len(p.Message) > 600 {
		p.Message = strings.ToValidUTF8(p.Message[:600], "") + "…"
	}
	return p
}

// withDefaults fills in the limits that are not set.
func withDefaults(l dialect.Limits) dialect.Limits {
	or := func(n *int, standard int) {
		if *n <= 0 {
			*n = standard
		}
	}
	if l.FileBytes <= 0 {
		l.FileBytes = 8 << 20
	}
	or(&l.Nesting, 250)
	or(&l.Instances, 2000)
	or(&l.Resources, 50_000)
	or(&l.Modules, 32)
	or(&l.ValueBytes, 4<<20)
	return l
}
