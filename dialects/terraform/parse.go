package terraform

import (
	"fmt"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// parsed is one file after parsing. It is never changed once it was made, and read by several goroutines.
type parsed struct {
	path     string
	file     *source.File
	body     *hclsyntax.Body // also of a broken file: what could be read of it; never nil
	problems []source.Problem
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

// parseFile parses a file of any form. It never panics: a panic in the parser becomes a problem.
func (e *estate) parseFile(f *source.File) (p *parsed) {
	p = &parsed{path: f.Path, file: f, body: &hclsyntax.Body{}}
	defer func() {
		if r := recover(); r != nil {
			p.problems = append(p.problems, source.Problem{Kind: source.Bug, Range: source.Range{File: f.Path},
				Message: fmt.Sprintf("parsing this file failed inside the program: %v", r)})
		}
	}()
	limit := e.limits.Nesting
	if strings.HasSuffix(f.Path, ".json") {
		p.body, p.problems = e.parseJSON(f)
		return p
	}
	if offset, deep := tooDeep(f.Bytes, limit, false); deep {
		p.problems = []source.Problem{{Kind: source.Limit, Range: source.Range{File: f.Path, Start: offset, End: offset},
			Message: fmt.Sprintf("the file nests deeper than %d brackets, or chains more than %d operators, and was not read", limit, limit*chainFactor)}}
		return p
	}
	tree, diags := hclsyntax.ParseConfig(f.Bytes, f.Path, hcl.InitialPos)
	if tree != nil {
		p.body = tree.Body.(*hclsyntax.Body)
	}
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			p.problems = append(p.problems, problemOf(source.Invalid, d, f.Path))
		}
	}
	rewriteBody(p.body)
	return p
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
