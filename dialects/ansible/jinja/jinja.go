// Package jinja reads the expressions that Ansible writes between braces, and says what they come to as far as that can be
// decided without running anything.
//
// A text is cut into a Template (template.go), its expressions are parsed (lex.go, parse.go) and evaluated (evaluate.go) over
// values that may be unknown: an unknown part makes unknown only what depends on it, and a text keeps what is known of its
// beginning and end. Filters (filter.go, collection.go), tests (test.go) and methods (method.go) are those in common use; of any
// other the result is unknown. Statements, {% … %}, are not run: what follows the first of them is unknown.
package jinja

import (
	"plumbline.dev/plumbline/value"
)

// Result is what an expression came to.
type Result struct {
	Value value.Value // Absent: it is undefined for certain

	// Undeclared is set of an unknown whose name nobody declares: unless somebody gives it from outside, it is undefined.
	// The filter default answers for it.
	Undeclared bool

	// Omit is set of the special value omit: an argument that has it is not there.
	Omit bool

	// MayOmit is set of an unknown that may turn out to be omit.
	MayOmit bool

	Marks []Mark // where parts of it come from
}

// Mark says that the value at Path was made from what a task returned.
type Mark struct {
	Path      value.Path
	Target    string // address of the task's resource
	Attribute string // what was read of the result: vpc.id; empty for the result as a whole
}

// Scope answers what variables stand for.
type Scope interface {
	// Variable returns the value of a variable. Nothing that a scope returns may be changed.
	Variable(name string) Result
}

// Limits bounds what an evaluation may make.
type Limits struct {
	Bytes int // of a text
	Items int // of a list
	Depth int // of nested expressions
}

// Unknown is a value of which nothing is known but that it comes from outside.
func Unknown() Result {
	return Result{Value: value.Value{Kind: value.Unknown, Given: true}}
}

func undecided() Result { return Result{Value: value.Value{Kind: value.Unknown}} }

// Text is a known text.
func Text(s string) Result { return Result{Value: value.Value{Kind: value.String, Text: s}} }

func boolean(b bool) Result { return Result{Value: value.Value{Kind: value.Bool, Bool: b}} }

func number(f float64) Result { return Result{Value: value.Value{Kind: value.Number, Number: f}} }

func list(items []value.Value) Result {
	return Result{Value: value.Value{Kind: value.List, Items: items}}
}
