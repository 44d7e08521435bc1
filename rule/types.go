package rule

import (
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// typing tells cel-go's checker the types of the schema. The name of an object type is its way from the resource type:
// aws_instance/metadata_options. Resources gathered by type (linked, all, targets) are objects whose members are the types,
// so that linked.aws_s3_buckt is a mistake that the checker finds.
type typing struct {
	set     *schema.Set
	this    *types.Type // of the variable this
	untyped bool        // member types that the schema lacks are dyn, not mistakes
}

// The types that are no schema's.
const (
	gathered    = "resources" // of linked, all and target()
	gatheredOf  = "resources/"
	policyType  = "iam.Statement"
	principal   = "iam.Principal"
	conditionOf = "iam.Condition"
	portRange   = "net.Range"
)

// records are the object types of functions' results.
var records = map[string]map[string]*types.Type{
	policyType: {
		"sid":            types.NewNullableType(types.StringType),
		"effect":         types.NewNullableType(types.StringType),
		"actions":        types.NewListType(types.StringType),
		"not_actions":    types.NewListType(types.StringType),
		"resources":      types.NewListType(types.StringType),
		"not_resources":  types.NewListType(types.StringType),
		"principals":     types.NewListType(types.NewObjectType(principal)),
		"not_principals": types.NewListType(types.NewObjectType(principal)),
		"conditions":     types.NewListType(types.NewObjectType(conditionOf)),
	},
	principal: {
		"type": types.StringType,
		"id":   types.StringType,
	},
	conditionOf: {
		"test":     types.StringType,
		"variable": types.StringType,
		"values":   types.NewListType(types.StringType),
	},
	portRange: {
		"from": types.IntType,
		"to":   types.IntType,
	},
}

// attribute is what the evaluator must know of an attribute.
type attribute struct {
	want     want
	computed bool         // when nothing is written, the cloud chooses
	written  *value.Value // the default when the block around it was written, nil when there is none
	absent   *value.Value // the default when the block was not written
}

// EnumValue is part of the checker's contract; there are no enumerations.
func (typing) EnumValue(name string) ref.Val { return types.NewErr("no enumeration %s", name) }

// FindIdent is part of the checker's contract; types are no values here.
func (typing) FindIdent(string) (ref.Val, bool) { return nil, false }

// NewValue is part of the checker's contract; objects cannot be made.
func (typing) NewValue(name string, _ map[string]ref.Val) ref.Val {
	return types.NewErr("%s cannot be made", name)
}

// FindStructType reports whether an object type exists.
func (t typing) FindStructType(name string) (*types.Type, bool) {
	if records[name] == nil && name != gathered && !strings.HasPrefix(name, gatheredOf) && t.set.Resource(owner(name)) == nil {
		return nil, false
	}
	return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
}

// FindStructFieldNames lists the members of an object type; unknown for gathered resources, which have thousands.
func (t typing) FindStructFieldNames(name string) ([]string, bool) {
	var names []string
	for n := range records[name] {
		names = append(names, n)
	}
	for _, a := range t.attributes(name) {
		names = append(names, a.Name)
	}
	return names, names != nil
}

// FindStructFieldType returns the type of a member.
func (t typing) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if r := records[name]; r != nil {
		return &types.FieldType{Type: r[field]}, r[field] != nil
	}
	if prefix, ok := gatherPrefix(name); ok {
		typ := prefix + field
		switch {
		case t.set.Resource(typ) != nil:
			return &types.FieldType{Type: types.NewListType(types.NewObjectType(typ))}, true
		case prefix == "" && (field == "data" || field == "provider" || field == "backend"):
			return &types.FieldType{Type: types.NewObjectType(gatheredOf + field)}, true
		case t.untyped:
			return &types.FieldType{Type: types.NewListType(types.DynType)}, true
		}
		return nil, false
	}
	a := t.attribute(name, field)
	if a == nil {
		return nil, false
	}
	return &types.FieldType{Type: celType(name, a)}, true
}

// gatherPrefix returns what stands before the member's name in the resource type: data. for resources/data.
func gatherPrefix(name string) (string, bool) {
	if name == gathered {
		return "", true
	}
	group, ok := strings.CutPrefix(name, gatheredOf)
	return group + ".", ok
}

// owner returns the resource type of an object type.
func owner(name string) string {
	typ, _, _ := strings.Cut(name, "/")
	return typ
}

func (t typing) attributes(name string) []schema.Attribute {
	typ, at, nested := strings.Cut(name, "/")
	r := t.set.Resource(typ)
	switch {
	case r == nil:
		return nil
	case !nested:
		return r.Attributes
	}
	if a := r.At(strings.Split(at, "/")...); a != nil {
		return a.Attributes
	}
	return nil
}

func (t typing) attribute(name, field string) *schema.Attribute {
	typ, at, nested := strings.Cut(name, "/")
	r := t.set.Resource(typ)
	switch {
	case r == nil:
		return nil
	case !nested:
		return r.Attribute(field)
	}
	if block := r.At(strings.Split(at, "/")...); block != nil {
		return block.Attribute(field)
	}
	return nil
}

// facts gathers what the evaluator needs about a member of an object type; nil when the schema does not know it.
func (t typing) facts(name, field string) *attribute {
	a := t.attribute(name, field)
	if a == nil {
		return nil
	}
	out := &attribute{want: wanted(a), computed: a.Computed}
	typ, at, nested := strings.Cut(name, "/")
	path := field
	if nested {
		path = strings.ReplaceAll(at, "/", ".") + "." + field
	}
	if d, ok := t.set.DefaultInBlock(typ, path, true); ok {
		out.written = &d.Value
	}
	if d, ok := t.set.DefaultInBlock(typ, path, false); ok {
		out.absent = &d.Value
	}
	return out
}

// celType gives an attribute its CEL type. Scalars may be null, numbers compare with 22 and with 1.5 (see functions.go).
func celType(parent string, a *schema.Attribute) *types.Type {
	object := types.NewObjectType(parent + "/" + a.Name)
	switch a.Nesting {
	case schema.One, schema.Single:
		return object
	case schema.List, schema.Unordered:
		return types.NewListType(object)
	}
	return plainType(&a.Type, true)
}

func plainType(t *schema.Type, nullable bool) *types.Type {
	var scalar *types.Type
	switch t.Kind {
	case schema.String:
		scalar = types.StringType
	case schema.Number:
		scalar = types.IntType
	case schema.Bool:
		scalar = types.BoolType
	case schema.ListOf, schema.SetOf:
		return types.NewListType(elemType(t, false))
	case schema.MapOf:
		return types.NewMapType(types.StringType, elemType(t, true))
	default:
		return types.DynType
	}
	if nullable {
		return types.NewNullableType(scalar)
	}
	return scalar
}

func elemType(t *schema.Type, nullable bool) *types.Type {
	if t.Elem == nil {
		return types.DynType
	}
	return plainType(t.Elem, nullable)
}

// wanted tells the evaluator the same as celType tells the checker.
func wanted(a *schema.Attribute) want {
	switch a.Nesting {
	case schema.One, schema.Single:
		return want{kind: wantObject}
	case schema.List, schema.Unordered:
		return want{kind: wantList, elem: &want{kind: wantObject}}
	}
	return wantedPlain(&a.Type)
}

func wantedPlain(t *schema.Type) want {
	switch t.Kind {
	case schema.String:
		return want{kind: wantText}
	case schema.Number:
		return want{kind: wantNumber}
	case schema.Bool:
		return want{kind: wantBool}
	case schema.ListOf, schema.SetOf, schema.MapOf:
		w := want{kind: wantList}
		if t.Kind == schema.MapOf {
			w.kind = wantMap
		}
		if t.Elem != nil {
			elem := wantedPlain(t.Elem)
			w.elem = &elem
		}
		return w
	}
	return want{}
}
