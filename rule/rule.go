// Package rule turns Markdown pages into judgements. A page is parsed (Parse), its expression is compiled against the
// schema of the resource types it is on (Compile), and the program judges resources of a graph (Program.Judge).
//
// Expressions are CEL. cel-go parses, expands macros and checks types; the evaluation is ours, because a judgement has three
// outcomes and names its witnesses:
//
//   - What is absent takes its effective default from the schema. Where the cloud would choose, it is unknown; otherwise it
//     is null. Null is false where a bool is needed, empty where a list, map or string is needed, equals only null, and is
//     neither less nor greater than anything. An explicit null is the same as nothing written.
//   - An unknown value makes the result unknown only when its possible values disagree: false && unknown is false, a list
//     with one known open network has an open network whatever its other elements are, a text with a known beginning does
//     not start with another beginning. Making an unknown known may decide what was undecided; it never turns a pass into
//     a fail or a fail into a pass.
//   - Witnesses are the attributes that decided. What was absorbed (the right side of false && x, the elements that did not
//     match) is no witness.
package rule

import (
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
)

// Rule is a page: what must hold of which resources, why, and how it is mended. Parse makes it; it is never changed.
type Rule struct {
	ID       string
	Title    string // the heading
	Severity finding.Severity
	Category Category
	On       []string          // resource types; a * at the end stands for any ending
	Dialects []string          // the only dialects that can write what mends it, and so in which it is judged; nil means all
	Untyped  bool              // schema: none: the types are not in the schema, and attribute names are not checked
	Require  string            // the CEL expression that must hold; with Clauses, all of them for people to read
	Clauses  map[string]Clause // on a page that has an expression for each type: by type, as On writes it; else nil
	About    string            // a CEL expression that tells which resources the rule is about; empty for all. A pass of another one is no evidence
	Abouts   map[string]string // on a page that says so for some types only: by type, as On writes it; else nil
	Message  string            // what is wrong where it does not hold; {path} stands for a value
	Why      string            // Markdown
	Fix      []resource.Change
	Caution  string              // what the fix may break that works today, in one line; empty when nothing does
	Controls map[string][]string // framework id to control ids, in the order of the page
	Aliases  []string            // ids of the same rule in other scanners
	Since    string              // the first version that has it
	Examples []Example
	Path     string // of the page
	Line     int    // where the expression starts in the page
}

// Category says what a rule is about.
type Category string

// The categories.
const (
	AccessControl Category = "access-control"
	Encryption    Category = "encryption"
	Network       Category = "network"
	Logging       Category = "logging"
	Secrets       Category = "secrets"
	Resilience    Category = "resilience"
	SupplyChain   Category = "supply-chain"
	Configuration Category = "configuration"
	CostAndTags   Category = "cost-and-tags"
)

// Categories lists every category.
func Categories() []Category {
	return []Category{AccessControl, Encryption, Network, Logging, Secrets, Resilience, SupplyChain, Configuration, CostAndTags}
}

// Section is the part of a page that an example stands in: what the rule must say of it.
type Section string

// The sections with examples.
const (
	Flagged    Section = "Flagged"
	Fixed      Section = "Fixed" // the flagged examples after their fix, in the same order within a dialect
	NotFlagged Section = "Not flagged"
	Undecided  Section = "Undecided"
)

// Example is a piece of configuration in one dialect, of one file or several.
type Example struct {
	Section Section
	Dialect string // terraform
	Files   []File
}

// File is one fenced block of a page.
type File struct {
	Name string // main.tf; empty when the fence names none
	Text string
	Line int // line of the page that holds the first line of Text
}

// Shown is the text for people: without the marks that say to the tests where a finding is.
func (f File) Shown() string {
	lines := strings.Split(f.Text, "\n")
	for i, line := range lines {
		for _, mark := range []string{"# want", "// want"} {
			if at := strings.LastIndex(line, mark); at >= 0 && strings.Trim(line[at+len(mark):], " 0123456789") == "" {
				lines[i] = strings.TrimRight(line[:at], " ")
			}
		}
	}
	return strings.Join(lines, "\n")
}

// Problem is a mistake in a page.
type Problem struct {
	Line    int // from 1; 0 when it is about the page as a whole
	Message string
}
