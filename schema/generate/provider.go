package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// providerSource reads the schemas of resources out of a provider's Go source: composite literals, and the functions that
// return them. What it does not understand it leaves out: a default that is missing does less harm than a wrong one.
type providerSource struct {
	root     string // folder of the module
	packages map[string]*providerPackage
	files    *token.FileSet
	depth    int // of the evaluation
}

// providerPackage is the declarations of one folder.
type providerPackage struct {
	functions map[string]function // by name, methods by "Type.Name"
	constants map[string]binding
}

type function struct {
	declaration *ast.FuncDecl
	scope       *scope // of its file
}

// scope says what names mean at some place.
type scope struct {
	file     string // below the root of the module
	pkg      *providerPackage
	imports  map[string]string // by local name: the folder in the module; others are missing
	receiver [2]string         // name and type
	names    map[string]binding
	changes  map[string][]change // by variable, or variable.Schema
}

// change is a statement that alters an entry of a map of attributes after its literal.
type change struct {
	key     string
	value   ast.Expr // nil when it is not certain what happens: nothing is known of the entry then
	removes bool
}

type binding struct {
	expr  ast.Expr
	scope *scope
}

// declared is an attribute as the source declares it.
type declared struct {
	hasDefault bool
	value      any  // bool, float64 or string; nil when the source names a constant that is not at hand
	computed   bool // the service chooses when nothing is written
	nested     map[string]*declared
}

type resourceSource struct {
	file       string
	attributes map[string]*declared
}

func newProviderSource(root string) *providerSource {
	return &providerSource{root: root, packages: make(map[string]*providerPackage), files: token.NewFileSet()}
}

// resources returns the managed resources by type.
func (s *providerSource) resources() (map[string]resourceSource, error) {
	services := filepath.Join(s.root, "internal", "services")
	folders, err := os.ReadDir(services)
	if err != nil {
		return nil, err
	}
	out := make(map[string]resourceSource)
	for _, folder := range folders {
		pkg := s.load(filepath.Join("internal", "services", folder.Name()))
		for name, f := range pkg.functions {
			typ, method, isMethod := strings.Cut(name, ".")
			switch {
			case isMethod && method == "SupportedResources":
				s.registered(f, out)
			case isMethod && method == "ResourceType":
				// A data source has the same methods but does not create.
				arguments, ok := pkg.functions[typ+".Arguments"]
				_, creates := pkg.functions[typ+".Create"]
				resourceType, isText := s.constant(s.call(f, nil)).(string)
				if !ok || !creates || !isText {
					continue
				}
				if attributes := s.attributes(s.call(arguments, nil), nil); attributes != nil {
					out[resourceType] = resourceSource{file: arguments.scope.file, attributes: attributes}
				}
			}
		}
	}
	return out, nil
}

// registered reads the map from type to constructor that a service registers.
func (s *providerSource) registered(f function, out map[string]resourceSource) {
	b := s.call(f, nil)
	literal, ok := b.expr.(*ast.CompositeLit)
	if !ok {
		return
	}
	for _, e := range literal.Elts {
		kv := e.(*ast.KeyValueExpr)
		typ, ok := s.constant(binding{kv.Key, b.scope}).(string)
		constructor, isCall := kv.Value.(*ast.CallExpr)
		if !ok || !isCall {
			continue
		}
		target, found := s.lookup(constructor.Fun, b.scope)
		if !found {
			continue
		}
		schema, changes := s.schema(s.call(target, s.bind(target, constructor, b.scope)))
		if attributes := s.attributes(schema, changes); attributes != nil {
			out[typ] = resourceSource{file: target.scope.file, attributes: attributes}
		}
	}
}

// load parses a folder of the module once. A folder without Go gives an empty package.
func (s *providerSource) load(folder string) *providerPackage {
	if pkg := s.packages[folder]; pkg != nil {
		return pkg
	}
	pkg := &providerPackage{functions: make(map[string]function), constants: make(map[string]binding)}
	s.packages[folder] = pkg
	paths, _ := filepath.Glob(filepath.Join(s.root, folder, "*.go"))
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(s.files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		in := &scope{file: relative(s.root, path), pkg: pkg, imports: make(map[string]string)}
		for _, i := range file.Imports {
			address, _ := strconv.Unquote(i.Path.Value)
			if folder, ok := strings.CutPrefix(address, azurermModule+"/"); ok {
				name := filepath.Base(folder)
				if i.Name != nil {
					name = i.Name.Name
				}
				in.imports[name] = folder
			}
		}
		for _, d := range file.Decls {
			pkg.declare(d, in)
		}
	}
	return pkg
}

func (p *providerPackage) declare(d ast.Decl, in *scope) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if t := receiverType(d); t != "" {
			name = t + "." + name
		}
		p.functions[name] = function{d, in}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
				for i, n := range v.Names {
					p.constants[n.Name] = binding{v.Values[i], in}
				}
			}
		}
	}
}

func receiverType(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}
