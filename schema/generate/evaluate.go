package main

import (
	"go/ast"
	"go/token"
	"strconv"
)

// deepest bounds the calls that are followed: schemas may refer to themselves.
const deepest = 40

// call gives what a function returns: the only return of its body, with the scope to read it in. The zero binding stands
// for functions that decide between several.
func (s *providerSource) call(f function, arguments map[string]binding) binding {
	if s.depth > deepest || f.declaration.Body == nil {
		return binding{}
	}
	in := *f.scope
	in.names, in.changes = make(map[string]binding), make(map[string][]change)
	for name, b := range arguments {
		in.names[name] = b
	}
	if r := f.declaration.Recv; r != nil && len(r.List[0].Names) > 0 {
		in.receiver = [2]string{r.List[0].Names[0].Name, receiverType(f.declaration)}
	}
	var result binding
	returns := 0
	for _, statement := range f.declaration.Body.List {
		if r, ok := statement.(*ast.ReturnStmt); ok && len(r.Results) > 0 {
			result = binding{r.Results[0], &in}
		}
		s.perform(statement, &in)
	}
	ast.Inspect(f.declaration.Body, func(n ast.Node) bool {
		if _, ok := n.(*ast.ReturnStmt); ok {
			returns++
		}
		_, isFunction := n.(*ast.FuncLit)
		return !isFunction
	})
	if returns != 1 {
		return binding{}
	}
	return result
}

// perform notes what a statement does to variables and to maps of attributes.
func (s *providerSource) perform(statement ast.Stmt, in *scope) {
	switch st := statement.(type) {
	case *ast.AssignStmt:
		if len(st.Lhs) != len(st.Rhs) {
			return
		}
		for i := range st.Lhs {
			s.assign(st.Lhs[i], st.Rhs[i], in)
		}
	case *ast.DeclStmt:
		if d, ok := st.Decl.(*ast.GenDecl); ok {
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
					for i, n := range v.Names {
						in.names[n.Name] = binding{v.Values[i], in}
					}
				}
			}
		}
	case *ast.ExprStmt:
		if name, key, ok := s.deletion(st.X, in); ok {
			in.changes[name] = append(in.changes[name], change{key: key, removes: true})
		}
	default:
		ast.Inspect(statement, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt: // who knows whether it is reached
				for _, l := range n.Lhs {
					s.assign(l, nil, in)
				}
			case *ast.ExprStmt:
				if name, key, ok := s.deletion(n.X, in); ok {
					in.changes[name] = append(in.changes[name], change{key: key})
				}
			}
			return true
		})
	}
}

// assign notes x = value, x["key"] = value, x.Schema["key"] = value and x["key"].Field = value. Without a value it is not
// certain what is assigned.
func (s *providerSource) assign(target, value ast.Expr, in *scope) {
	if field, ok := target.(*ast.SelectorExpr); ok {
		if _, ok := field.X.(*ast.IndexExpr); ok {
			target, value = field.X, nil
		}
	}
	switch t := target.(type) {
	case *ast.Ident:
		if value == nil {
			delete(in.names, t.Name)
		} else {
			in.names[t.Name] = binding{value, in}
		}
	case *ast.IndexExpr:
		key, ok := s.constant(binding{t.Index, in}).(string)
		if name := variable(t.X); ok && name != "" {
			in.changes[name] = append(in.changes[name], change{key: key, value: value})
		}
	}
}

// deletion recognises delete(x, "key").
func (s *providerSource) deletion(e ast.Expr, in *scope) (name, key string, ok bool) {
	c, isCall := e.(*ast.CallExpr)
	if !isCall || len(c.Args) != 2 {
		return "", "", false
	}
	if f, isName := c.Fun.(*ast.Ident); !isName || f.Name != "delete" {
		return "", "", false
	}
	key, ok = s.constant(binding{c.Args[1], in}).(string)
	return variable(c.Args[0]), key, ok
}

// variable is x of x, and x.Schema of x.Schema.
func variable(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if id, ok := e.X.(*ast.Ident); ok && e.Sel.Name == "Schema" {
			return id.Name + ".Schema"
		}
	}
	return ""
}

// schema gives the map of attributes of a resource or of a block's element, and what is changed in it afterwards.
func (s *providerSource) schema(b binding) (binding, []change) {
	s.depth++
	defer func() { s.depth-- }()
	if s.depth > deepest {
		return binding{}, nil
	}
	switch e := b.expr.(type) {
	case *ast.UnaryExpr:
		return s.schema(binding{e.X, b.scope})
	case *ast.ParenExpr:
		return s.schema(binding{e.X, b.scope})
	case *ast.CompositeLit:
		if v := field(e, "Schema"); v != nil {
			return binding{v, b.scope}, nil
		}
	case *ast.Ident:
		inner, changes := s.schema(b.scope.names[e.Name])
		return inner, append(changes, b.scope.changes[e.Name+".Schema"]...)
	case *ast.CallExpr:
		if f, ok := s.lookup(e.Fun, b.scope); ok {
			return s.schema(s.call(f, s.bind(f, e, b.scope)))
		}
	}
	return binding{}, nil
}

// attributes reads a map of attributes. Nil means that it was not understood.
func (s *providerSource) attributes(b binding, changes []change) map[string]*declared {
	s.depth++
	defer func() { s.depth-- }()
	if s.depth > deepest {
		return nil
	}
	var out map[string]*declared
	switch e := b.expr.(type) {
	case *ast.CompositeLit:
		out = make(map[string]*declared)
		for _, element := range e.Elts {
			kv, ok := element.(*ast.KeyValueExpr)
			if !ok {
				return nil
			}
			if key, ok := s.constant(binding{kv.Key, b.scope}).(string); ok {
				out[key] = s.attribute(binding{kv.Value, b.scope})
			}
		}
	case *ast.Ident:
		out = s.attributes(b.scope.names[e.Name], b.scope.changes[e.Name])
	case *ast.CallExpr:
		if f, ok := s.lookup(e.Fun, b.scope); ok {
			out = s.attributes(s.call(f, s.bind(f, e, b.scope)), nil)
		}
	}
	if out == nil {
		return nil
	}
	for _, c := range changes {
		delete(out, c.key)
		if c.value != nil {
			out[c.key] = s.attribute(binding{c.value, b.scope})
		}
	}
	return out
}

// attribute reads one attribute; what it does not understand has no default and nothing in it.
func (s *providerSource) attribute(b binding) *declared {
	s.depth++
	defer func() { s.depth-- }()
	out := &declared{}
	if s.depth > deepest {
		return out
	}
	switch e := b.expr.(type) {
	case *ast.UnaryExpr:
		return s.attribute(binding{e.X, b.scope})
	case *ast.ParenExpr:
		return s.attribute(binding{e.X, b.scope})
	case *ast.Ident:
		return s.attribute(b.scope.names[e.Name])
	case *ast.CallExpr:
		if f, ok := s.lookup(e.Fun, b.scope); ok {
			return s.attribute(s.call(f, s.bind(f, e, b.scope)))
		}
	case *ast.CompositeLit:
		if v := field(e, "Default"); v != nil {
			out.hasDefault = true
			out.value = s.constant(binding{v, b.scope})
		}
		out.computed = s.constant(binding{field(e, "Computed"), b.scope}) == true
		if v := field(e, "Elem"); v != nil {
			out.nested = s.attributes(s.schema(binding{v, b.scope}))
		}
	}
	return out
}

// field returns the value of a field of a literal, or nil.
func field(literal *ast.CompositeLit, name string) ast.Expr {
	for _, e := range literal.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok && id.Name == name {
				return kv.Value
			}
		}
	}
	return nil
}

// lookup finds the function that an expression names, in this module.
func (s *providerSource) lookup(fun ast.Expr, in *scope) (function, bool) {
	switch e := fun.(type) {
	case *ast.Ident:
		f, ok := in.pkg.functions[e.Name]
		return f, ok
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		if !ok {
			break
		}
		if x.Name == in.receiver[0] && x.Name != "" {
			f, ok := in.pkg.functions[in.receiver[1]+"."+e.Sel.Name]
			return f, ok
		}
		if folder := in.imports[x.Name]; folder != "" {
			f, ok := s.load(folder).functions[e.Sel.Name]
			return f, ok
		}
	}
	return function{}, false
}

// bind gives the parameters of f the arguments of a call.
func (s *providerSource) bind(f function, c *ast.CallExpr, in *scope) map[string]binding {
	out := make(map[string]binding)
	i := 0
	for _, p := range f.declaration.Type.Params.List {
		for _, n := range p.Names {
			if i < len(c.Args) {
				out[n.Name] = binding{c.Args[i], in}
			}
			i++
		}
	}
	return out
}

// constant gives a bool, float64 or string, or nil when the expression is none or names something of another module.
func (s *providerSource) constant(b binding) any {
	s.depth++
	defer func() { s.depth-- }()
	if s.depth > deepest {
		return nil
	}
	switch e := b.expr.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, _ := strconv.Unquote(e.Value)
			return text
		}
		if n, err := strconv.ParseFloat(e.Value, 64); err == nil {
			return n
		}
	case *ast.ParenExpr:
		return s.constant(binding{e.X, b.scope})
	case *ast.UnaryExpr:
		switch v := s.constant(binding{e.X, b.scope}).(type) {
		case bool:
			if e.Op == token.NOT {
				return !v
			}
		case float64:
			if e.Op == token.SUB {
				return -v
			}
		}
	case *ast.Ident:
		if e.Name == "true" || e.Name == "false" {
			return e.Name == "true"
		}
		if v, ok := b.scope.names[e.Name]; ok {
			return s.constant(v)
		}
		return s.constant(b.scope.pkg.constants[e.Name])
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok {
			if folder := b.scope.imports[x.Name]; folder != "" {
				return s.constant(s.load(folder).constants[e.Sel.Name])
			}
		}
	case *ast.CallExpr:
		if len(e.Args) == 1 && isConversion(e.Fun) {
			return s.constant(binding{e.Args[0], b.scope})
		}
		if f, ok := s.lookup(e.Fun, b.scope); ok {
			return s.constant(s.call(f, s.bind(f, e, b.scope)))
		}
	}
	return nil
}

func isConversion(fun ast.Expr) bool {
	id, ok := fun.(*ast.Ident)
	return ok && (id.Name == "string" || id.Name == "int" || id.Name == "bool" || id.Name == "float64")
}
