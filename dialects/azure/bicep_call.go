package azure

import (
	"encoding/base64"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// calls evaluates a call: of a function of a resource, of one that somebody declared, or of one of the language.
func (f frame) calls(x *bicep.Call) value.Value {
	if d, s, ok := f.function(x); ok {
		return f.declared(x, d, s)
	}
	if x.Of != nil {
		return f.method(x)
	}
	name := strings.ToLower(x.Name)
	if isLambda(name) {
		return f.lambdas(x)
	}
	switch name {
	case "nameof":
		return f.nameOf(x)
	case "loadtextcontent", "loadjsoncontent", "loadyamlcontent", "loadfileasbase64", "loaddirectoryfileinfo":
		return f.load(x, name)
	case "readenvironmentvariable":
		return f.environmentVariable(x)
	}
	args := make([]value.Value, len(x.Args))
	for i, a := range x.Args {
		args[i] = f.eval(a)
	}
	switch {
	case len(args) > 0 && (name == "resourcegroup" || name == "subscription" || name == "managementgroup"):
		return surrounding(name, args)
	case name == "tenant":
		return value.Value{Kind: value.Object, Open: true}
	case name == "reference" && len(args) > 0:
		v := symbol(symbolReference, "", args[0])
		v.Given = true
		return v
	case strings.HasPrefix(name, "list") && len(args) > 0:
		return listed(x.Name, args[0])
	case name == "newguid" || name == "utcnow" || f.scope.unit.known(name):
		return f.apply(x.Span, x.Name, args...)
	}
	if !f.scope.static || f.scope.file.names[x.Name] == nil {
		f.invalid(x.NameSpan, "there is no function %s", x.Name)
	}
	return unknown()
}

// listed is what a resource yields of its secrets.
func listed(function string, of value.Value) value.Value {
	v := symbol(function, "", of)
	v.Given, v.Sensitive = true, true
	return v
}

// surrounding is a resource group, subscription or management group that is named.
func surrounding(name string, args []value.Value) value.Value {
	last := args[len(args)-1]
	fields := []value.Field{{Name: "name", Value: last}}
	switch name {
	case "resourcegroup":
		var in *value.Value
		if len(args) > 1 {
			in = &args[0]
		}
		fields = append(fields, value.Field{Name: "id", Value: groupPath(in, &last)})
	case "subscription":
		fields = append(fields, value.Field{Name: "id", Value: subscriptionPath(&last)}, value.Field{Name: "subscriptionId", Value: last})
	default:
		fields = append(fields, value.Field{Name: "id", Value: joined(text("/providers/Microsoft.Management/managementGroups/"), last)})
	}
	v := object(fields)
	v.Open = true
	return v
}

// declared calls a function that somebody declared. Its body knows its own parameters and what stands in its file.
func (f frame) declared(x *bicep.Call, d *bicep.Declaration, s *bicepScope) value.Value {
	if d == nil || d.Broken || d.Value == nil {
		return unknown()
	}
	if len(x.Args) > len(d.Params) {
		f.invalid(x.Span, "%s takes %s, and has %d", x.Name, arity(len(d.Params), len(d.Params)), len(x.Args))
		return unknown()
	}
	inner := s.frame()
	for i, p := range d.Params {
		v := null()
		if i < len(x.Args) {
			v = f.eval(x.Args[i])
		} else if !s.nullable(p.Type) {
			f.invalid(x.Span, "%s takes %s, and has %d", x.Name, arity(len(d.Params), len(d.Params)), len(x.Args))
			return unknown()
		}
		inner = inner.bind(p.Name, v)
	}
	return inner.eval(d.Value)
}

// method calls a function of a resource.
func (f frame) method(x *bicep.Call) value.Value {
	r, ok := f.entity(x.Of)
	if !ok {
		if n, named := x.Of.(*bicep.Name); named {
			if _, ok := f.scope.file.wildcard[n.Text]; ok { // of an extension, or of a file that is not at hand
				return unknown()
			}
		}
		v := f.eval(x.Of)
		if v.Kind != value.Unknown {
			f.invalid(x.NameSpan, "there is no function %s of this value", x.Name)
		}
		return listed(x.Name, v)
	}
	of := stateOf(within(r.group.scope.prefix, r.group.address), "")
	if r.instance != nil {
		of = r.instance.id()
		if r.instance.absent {
			return unknown()
		}
	}
	if strings.EqualFold(x.Name, "getSecret") {
		args := []value.Value{of}
		for _, a := range x.Args[:min(2, len(x.Args))] {
			args = append(args, f.eval(a))
		}
		return f.apply(x.Span, "getSecret", args...)
	}
	if !strings.HasPrefix(x.Name, "list") && r.group.decl.Keyword == bicep.Resource && !strings.HasPrefix(x.Name, "get") {
		f.invalid(x.NameSpan, "a resource has no function %s", x.Name)
	}
	return listed(x.Name, of)
}

// lambdas calls a function that takes functions.
func (f frame) lambdas(x *bicep.Call) value.Value {
	var args []value.Value
	var do []lambda
	var take []int
	for _, a := range x.Args {
		l, ok := a.(*bicep.Lambda)
		if !ok {
			args = append(args, f.eval(a))
			continue
		}
		take = append(take, len(l.Params))
		do = append(do, func(given ...value.Value) value.Value {
			inner := f
			for i, p := range l.Params {
				v := unknown()
				if i < len(given) {
					v = given[i]
					v.Maybe = false
				}
				inner = inner.bind(p, v)
			}
			return inner.eval(l.Body)
		})
	}
	v, err := f.scope.unit.lambda(x.Name, args, do, take)
	if err != nil {
		f.invalid(x.Span, "%s", err)
	}
	if n := len(v.Items) + len(v.Fields); n > 16 {
		f.spend(8*n, x.Span)
	}
	return v
}

// nameOf is the last name in an expression.
func (f frame) nameOf(x *bicep.Call) value.Value {
	if len(x.Args) == 1 {
		switch a := x.Args[0].(type) {
		case *bicep.Name:
			return text(a.Text)
		case *bicep.Member:
			return text(a.Name)
		case *bicep.Nested:
			return text(a.Name)
		}
	}
	f.invalid(x.Span, "nameof takes a name")
	return unknown()
}

// environmentVariable reads what whoever deploys has set. It is never in the code.
func (f frame) environmentVariable(x *bicep.Call) value.Value {
	v := value.Value{Kind: value.Unknown, Given: true, NotNull: true}
	if len(x.Args) > 0 {
		v = symbol("readEnvironmentVariable", "", f.eval(x.Args[0]))
		v.Given, v.NotNull = true, true
	}
	return v
}

// load reads a file of the tree: its text, or the document in it.
func (f frame) load(x *bicep.Call, name string) value.Value {
	if len(x.Args) == 0 {
		f.invalid(x.Span, "%s wants a path", x.Name)
		return unknown()
	}
	where := f.eval(x.Args[0])
	if where.Kind != value.String || name == "loaddirectoryfileinfo" {
		return unknown()
	}
	u := f.scope.unit
	p, ok := f.scope.file.relative(where.Text)
	if !ok {
		u.unresolved(f.scope.file.at(x.Span), "the file %s is not in the tree", path.Join(path.Dir(f.scope.file.path), where.Text))
		return unknown()
	}
	u.read(p)
	file, problem := u.estate.workspace.Read(p)
	if problem != nil {
		u.unresolved(f.scope.file.at(x.Span), "the file %s cannot be read: %s", p, problem.Message)
		return unknown()
	}
	if len(file.Bytes) > u.limits.ValueBytes {
		f.exceed("bytes", x.Span, "the file %s has more than %d KiB and is taken as unknown", p, u.limits.ValueBytes>>10)
		return unknown()
	}
	f.spend(len(file.Bytes)>>8, x.Span)
	switch name {
	case "loadtextcontent":
		if !utf8.Valid(file.Bytes) {
			return unknown()
		}
		return text(strings.TrimPrefix(string(file.Bytes), "\ufeff"))
	case "loadfileasbase64":
		return text(base64.StdEncoding.EncodeToString(file.Bytes))
	}
	return f.document(x, file)
}

// document reads a file as JSON or YAML, or the part of it that a path in it names.
func (f frame) document(x *bicep.Call, file *source.File) value.Value {
	u := f.scope.unit
	d, problems := document.Parse(file, u.limits)
	for _, p := range problems {
		u.problem(p)
	}
	if d == nil || len(d.Roots) == 0 || len(problems) > 0 {
		return unknown()
	}
	v := stripped(d.Roots[0].Value(false, nil))
	if len(x.Args) > 1 {
		at := f.eval(x.Args[1])
		steps, ok := value.ParsePath(strings.TrimPrefix(strings.TrimPrefix(at.Text, "$"), "."))
		if at.Kind != value.String || !ok {
			return unknown()
		}
		found := v.At(steps)
		if !found.IsSet() && !v.Open {
			f.invalid(x.Args[1].Extent(), "there is no %s in %s", at.Text, file.Path)
			return unknown()
		}
		v = *found
	}
	return v
}

// stripped takes the places off a value: it is used elsewhere.
func stripped(v value.Value) value.Value {
	v.Range = source.Range{}
	for i := range v.Items {
		v.Items[i] = stripped(v.Items[i])
	}
	for i := range v.Fields {
		v.Fields[i].Value = stripped(v.Fields[i].Value)
	}
	return v
}

func (u *bicepEvaluation) unresolved(at source.Range, format string, args ...any) {
	if u.quiet == 0 {
		u.problem(source.Problem{Kind: source.Unresolved, Range: at, Message: fmt.Sprintf(format, args...)})
	}
}
