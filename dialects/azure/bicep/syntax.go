// Package bicep is the syntax of the Bicep language: a lexer, a recursive-descent parser and the tree they make, with the bytes
// of every node. It evaluates nothing and knows neither Azure nor the rest of the program's dialects.
//
// What is broken is one mistake per declaration; the declaration stays in the tree, marked as broken, so that what refers to
// it is not said to be wrong too, and the declarations behind it are read as if nothing had been.
package bicep

// Span is a half-open range of bytes in the file.
type Span struct {
	Start, End int
}

// Extent returns the span. Nodes embed it.
func (s Span) Extent() Span { return s }

// Contains reports whether o lies wholly inside s.
func (s Span) Contains(o Span) bool { return s.Start <= o.Start && o.End <= s.End }

// File is a parsed file.
type File struct {
	Declarations []*Declaration
	Comments     []Span // with their marks, in order
	Mistakes     []Mistake
}

// Mistake is what is wrong with the text at a place.
type Mistake struct {
	Span
	Message string
	Limit   bool // a budget ended the work, not the text's fault
}

// Keyword says what a declaration declares.
type Keyword string

// The declarations of the language, by the word that they begin with.
const (
	TargetScope Keyword = "targetScope"
	Metadata    Keyword = "metadata"
	Param       Keyword = "param"
	Var         Keyword = "var"
	Resource    Keyword = "resource"
	Module      Keyword = "module"
	Output      Keyword = "output"
	TypeAlias   Keyword = "type"
	Func        Keyword = "func"
	Import      Keyword = "import"    // of names of another file
	Extension   Keyword = "extension" // also import and provider of what is no file
	Using       Keyword = "using"     // of files of parameters
	Extends     Keyword = "extends"   // of files of parameters
	Assert      Keyword = "assert"
	Test        Keyword = "test"
)

// Declaration is one statement of a file, or a resource nested in another.
type Declaration struct {
	Span       // from the keyword on, without decorators
	Keyword    Keyword
	Decorators []*Decorator
	Name       string // what it declares; empty for targetScope, using, extends and imports
	NameSpan   Span
	Header     Span    // its first line, or as much of it as names it
	Text       *Text   // of Resource, Module, Test: type or path; of Import, Extension, Using, Extends: from where; nil when there is none
	Type       *Type   // of Param, Var, Output, TypeAlias, and the result of Func; nil when none is written
	Value      Expr    // default, value, body; nil when none is written
	Params     []Field // of Func: its parameters
	Existing   bool    // of Resource: it is only referred to
	Imports    []Symbol
	Alias      string // of Import of everything, and of Extension: behind as
	Broken     bool   // it could not be read to its end
}

// Whole is the declaration with its decorators.
func (d *Declaration) Whole() Span {
	if len(d.Decorators) > 0 {
		return Span{d.Decorators[0].Start, d.End}
	}
	return d.Span
}

// Decorated returns the decorator of that name, with or without sys. in front; nil when there is none.
func (d *Declaration) Decorated(name string) *Decorator { return decorated(d.Decorators, name) }

func decorated(decorators []*Decorator, name string) *Decorator {
	for _, x := range decorators {
		if x.Name == name {
			return x
		}
	}
	return nil
}

// Symbol is one name of an import, and the name that it has here.
type Symbol struct {
	Name, As string
}

// Decorator is one @name(arguments).
type Decorator struct {
	Span
	Name string // without sys.
	Args []Expr
}

// Expr is an expression. It is one of the pointers to the types below.
type Expr interface{ Extent() Span }

// Literal is null, true, false or a whole number.
type Literal struct {
	Span
	Kind   LiteralKind
	Digits string // of Number
}

// LiteralKind says what a Literal is.
type LiteralKind uint8

// The kinds of literals.
const (
	Null LiteralKind = iota
	True
	False
	Number
)

// Text is a text in one or three quotes: parts, decoded, with an expression between each two of them.
type Text struct {
	Span
	Parts  []string // one more than Values
	Values []Expr
	Block  bool // in three quotes
}

// Plain returns the text when it has no interpolation.
func (t *Text) Plain() (string, bool) {
	if t == nil || len(t.Values) > 0 {
		return "", false
	}
	return t.Parts[0], true
}

// Array is a list that is written out. Items may be *Spread.
type Array struct {
	Span
	Items []Expr
}

// Object is an object that is written out, or the body of a resource with the resources nested in it.
type Object struct {
	Span
	Members   []*Property
	Resources []*Declaration
}

// Property is one entry of an Object: a key and a value, or a spread.
type Property struct {
	Span
	Name   string // the key, when it is known from the text alone
	Key    *Text  // the key that has interpolation; nil otherwise
	Value  Expr
	Spread bool // ...Value
}

// Spread is ...Value in an Array.
type Spread struct {
	Span
	Value Expr
}

// Name is a name standing for a value.
type Name struct {
	Span
	Text string
}

// Call is a call of a function, or of a function of what Of is.
type Call struct {
	Span
	Of       Expr // nil for name(…)
	Name     string
	NameSpan Span
	Args     []Expr
	Safe     bool // .?name(…)
}

// Member is .name, or .?name.
type Member struct {
	Span
	Of   Expr
	Name string
	Safe bool
}

// Index is [index], or with a ? or ^ before it.
type Index struct {
	Span
	Of, Index Expr
	Safe      bool // null when there is no such element
	FromEnd   bool
}

// Nested is ::name, a resource nested in another.
type Nested struct {
	Span
	Of   Expr
	Name string
}

// NotNull is Value!, which changes nothing but what the compiler thinks.
type NotNull struct {
	Span
	Value Expr
}

// Paren is an expression in parentheses.
type Paren struct {
	Span
	Value Expr
}

// Unary is an operator before an expression: ! - +
type Unary struct {
	Span
	Op    string
	Value Expr
}

// Binary is an operator between two expressions.
type Binary struct {
	Span
	Op          string
	Left, Right Expr
}

// Conditional is Condition ? Then : Else.
type Conditional struct {
	Span
	Condition, Then, Else Expr
}

// Lambda is a function written as an argument.
type Lambda struct {
	Span
	Params []string
	Body   Expr
}

// For is [for Item, Index in In: Body].
type For struct {
	Span
	Item, Index string // Index is empty when it is not named
	In, Body    Expr
}

// If is if (Condition) Body, in the place of the body of a resource, module or loop.
type If struct {
	Span
	Condition, Body Expr
}

// Bad stands where an expression is missing or broken.
type Bad struct{ Span }

// Type is the type of a parameter, output or alias, as far as evaluation asks for it.
type Type struct {
	Span
	Kind     TypeKind
	Name     string  // of Named: string, int, an alias, with what follows behind dots: types.lock
	Items    []*Type // of Union, Tuple: the alternatives or elements; of List: the one element
	Fields   []Field // of ObjectType
	Literal  Expr    // of LiteralType
	Nullable bool
}

// TypeKind says what a Type is.
type TypeKind uint8

// The kinds of types.
const (
	Named TypeKind = iota
	LiteralType
	Union
	List
	Tuple
	ObjectType
	Derived // a part of another type, or the type of a resource's property: nothing is known of it
)

// Field is a property of an object type, or a parameter of a function. Name is * for properties that are not named.
type Field struct {
	Name       string
	Type       *Type
	Decorators []*Decorator
}

// Decorated returns the decorator of that name; nil when there is none.
func (f *Field) Decorated(name string) *Decorator { return decorated(f.Decorators, name) }
