package schema

// Kind is the outermost part of a Type.
type Kind uint8

// The kinds of types.
const (
	Any Kind = iota // whatever is written
	String
	Number
	Bool
	ListOf
	SetOf
	MapOf
	Object // the attributes of a block
)

// Type is what an attribute holds. The zero Type is any.
type Type struct {
	Kind Kind
	Elem *Type // of ListOf, SetOf and MapOf
}

var kindNames = [...]string{"any", "string", "number", "bool", "list", "set", "map", "object"}

// String writes t as Terraform does: list(string).
func (t Type) String() string {
	if t.Elem != nil {
		return kindNames[t.Kind] + "(" + t.Elem.String() + ")"
	}
	return kindNames[t.Kind]
}
