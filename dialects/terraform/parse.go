package terraform

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/source"
)

// parsed is a file: its outline at once, and its tree when somebody asks. It is read by several goroutines.
type parsed struct {
	path    string
	file    *source.File
	outline outline
	nesting int                                        // deepest that is read
	read    func() (*hclsyntax.Body, []source.Problem) // parses the text

	mu       sync.Mutex
	body     *hclsyntax.Body // also of a broken file: what could be read of it; nil while nobody needs it
	problems []source.Problem
}

// parse parses the file, if nobody has yet.
func (p *parsed) parse() (*hclsyntax.Body, []source.Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.body == nil {
		p.body, p.problems = p.read()
	}
	return p.body, p.problems
}

// tree returns the content of the file. It is never nil.
func (p *parsed) tree() *hclsyntax.Body {
	body, _ := p.parse()
	return body
}

// mistakes returns what is wrong with the text of the file.
func (p *parsed) mistakes() []source.Problem {
	_, problems := p.parse()
	return problems
}

// release lets go of the content, which is parsed again should somebody ask.
func (p *parsed) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.body, p.problems = nil, nil
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
	p := &parsed{path: f.Path, file: f, nesting: e.limits.Nesting}
	var refused *refusal
	if json := strings.HasSuffix(f.Path, ".json"); !json {
		again := f.Memo(outlineKey{e.limits.Nesting}, func() any {
			o, r := scanFile(f.Bytes, e.limits.Nesting)
			return scanned{o, r}
		}).(scanned)
		p.outline, refused = again.outline, again.refused
	}
	p.read = func() (body *hclsyntax.Body, problems []source.Problem) {
		defer func() {
			if r := recover(); r != nil {
				problems = append(problems, source.Problem{Kind: source.Bug, Range: source.Range{File: f.Path},
					Message: fmt.Sprintf("parsing this file failed inside the program: %v", r)})
			}
			if body == nil {
				body = &hclsyntax.Body{}
			}
		}()
		if refused != nil {
			return nil, []source.Problem{refused.problem(f.Path)}
		}
		again := f.Memo(treeKey{e.limits.Nesting}, func() any {
			body, problems := e.parse(f)
			return tree{body, slices.Clip(problems)}
		}).(tree)
		return again.body, again.problems
	}
	if refused == nil && !p.outline.sure {
		p.outline = outlineOf(p.tree())
	}
	return p
}

// treeKey is what a file's tree depends on besides its text; tree is what is remembered with a file that several estates read.
type treeKey struct{ nesting int }

// outlineKey and scanned are the same for its outline.
type outlineKey struct{ nesting int }

type scanned struct {
	outline outline
	refused *refusal
}

type tree struct {
	body     *hclsyntax.Body
	problems []source.Problem
}

// parse parses a file of any form. The content is nil when nothing of it could be read.
func (e *estate) parse(f *source.File) (body *hclsyntax.Body, problems []source.Problem) {
	if strings.HasSuffix(f.Path, ".json") {
		return e.parseJSON(f)
	}
	tree, diags := hclsyntax.ParseConfig(f.Bytes, f.Path, hcl.InitialPos)
	if tree != nil {
		body = tree.Body.(*hclsyntax.Body)
	}
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			problems = append(problems, problemOf(source.Invalid, d, f.Path))
		}
	}
	if body != nil {
		rewriteBody(body)
	}
	return body, problems
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
