package azure

import (
	"strings"

	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// bicepScope is a file in evaluation: the root, or one instance of a module with the parameters of its call.
type bicepScope struct {
	unit   *bicepEvaluation
	file   *bicepFile
	caller *bicepInstance // the call; nil for the root and for files that are imported from
	prefix string         // address of the module instance; empty for the root
	calls  []resource.Call
	maybe  bool // it stands for zero or more instances
	static bool // it is imported from: there are no parameters and resources

	memo   map[*bicep.Declaration]*bicepMemo
	groups map[*bicep.Declaration]*bicepGroup
}

// bicepMemo is the value of a name, once it is known.
type bicepMemo struct {
	value value.Value
	done  bool
}

func (u *bicepEvaluation) scopeOf(f *bicepFile) *bicepScope {
	return &bicepScope{unit: u, file: f, memo: map[*bicep.Declaration]*bicepMemo{}, groups: map[*bicep.Declaration]*bicepGroup{}}
}

// bicepLocal is a name that a loop or a function gives a value.
type bicepLocal struct {
	name  string
	value value.Value
	from  *bicep.For // the loop of which it is the element; nil for everything else
	at    int        // the element's place in it, -1 when nobody knows
	next  *bicepLocal
}

// frame is where an expression is evaluated.
type frame struct {
	scope  *bicepScope
	local  *bicepLocal
	within *bicepGroup // the resource whose body it stands in: the names of what is nested there are known
	placed bool        // the value is written where it is used: its parts get their places
}

func (s *bicepScope) frame() frame { return frame{scope: s} }

// bind adds a name.
func (f frame) bind(name string, v value.Value) frame {
	f.local = &bicepLocal{name: name, value: v, next: f.local, at: -1}
	return f
}

func (f frame) find(name string) *bicepLocal {
	for b := f.local; b != nil; b = b.next {
		if b.name == name {
			return b
		}
	}
	return nil
}

func unknown() value.Value { return value.Value{Kind: value.Unknown} }

// name evaluates a name.
func (f frame) name(x *bicep.Name) value.Value {
	if b := f.find(x.Text); b != nil {
		return b.value
	}
	if v, ok := f.reference(x); ok {
		return v
	}
	s := f.scope
	if d := s.file.names[x.Text]; d != nil {
		switch d.Keyword {
		case bicep.Param:
			return s.param(d)
		case bicep.Var:
			return s.variable(d)
		}
		return unknown() // a function is no value: the compiler tells
	}
	if from, ok := s.file.imported[x.Text]; ok {
		return s.unit.constantOf(from)
	}
	if _, ok := s.file.wildcard[x.Text]; ok || s.static {
		return unknown()
	}
	f.invalid(x.Span, "there is no %s", x.Text)
	return unknown()
}

// once evaluates a name, unless it was, and bounds what it yields. A name that needs itself is unknown.
func (s *bicepScope) once(d *bicep.Declaration, evaluate func(f frame) value.Value) value.Value {
	if m := s.memo[d]; m != nil {
		if !m.done {
			m.value = unknown()
			s.frame().invalid(d.NameSpan, "%s is made from itself", d.Name)
		}
		return m.value
	}
	m := &bicepMemo{}
	s.memo[d] = m
	quiet := s.unit.quiet
	s.unit.quiet = 0 // whoever asks for it first must not decide whether its mistakes are told
	s.unit.pending++
	v := evaluate(s.frame())
	s.unit.pending--
	s.unit.quiet = quiet
	n := size(&v, maxBicepParts)
	if n > maxBicepParts {
		s.frame().exceed("parts", d.NameSpan, "%s has more than %d parts and is taken as unknown", d.Name, maxBicepParts)
		v = unknown()
	}
	s.frame().spend(n/8, d.NameSpan)
	m.value, m.done = v, true
	return v
}

func (s *bicepScope) variable(d *bicep.Declaration) value.Value {
	if d.Broken || d.Value == nil {
		return unknown()
	}
	return s.once(d, func(f frame) value.Value { return f.eval(d.Value) })
}

// param returns what a parameter is given: by the caller, by a file of parameters, or by its own default.
func (s *bicepScope) param(d *bicep.Declaration) value.Value {
	return s.once(d, func(f frame) value.Value {
		v, given := s.argument(d)
		if given && v.Kind == value.Unknown && !v.NotNull && d.Value != nil && s.caller != nil {
			// A null leaves the default in its place, and nobody knows whether this is one.
			standard := f.maybe(d.Value)
			if chosen, err := s.unit.call("coalesce", []value.Value{v, standard}); err == nil {
				v = chosen
			}
		}
		if !given || v.Kind == value.Null && d.Value != nil {
			switch {
			case d.Value != nil && !d.Broken:
				v = f.eval(d.Value)
			case d.Type != nil && s.nullable(d.Type):
				v = null()
			default:
				v = symbol(symbolInput, strings.ToLower(d.Name), text(s.prefix))
				v.NotNull, v.Given = true, true
			}
		}
		if s.secure(d) {
			v.Sensitive = true
		}
		return v
	})
}

// nullable reports whether a type admits null.
func (s *bicepScope) nullable(t *bicep.Type) bool {
	for range 32 { // an alias of an alias of …
		if t.Nullable {
			return true
		}
		if t.Kind != bicep.Named || s.file.types[t.Name] == nil || s.file.types[t.Name].Type == nil {
			return false
		}
		t = s.file.types[t.Name].Type
	}
	return false
}

// secure reports whether a parameter is, or its type.
func (s *bicepScope) secure(d *bicep.Declaration) bool {
	for range 32 {
		if d.Decorated("secure") != nil {
			return true
		}
		if d.Type == nil || d.Type.Kind != bicep.Named || s.file.types[d.Type.Name] == nil {
			return false
		}
		d = s.file.types[d.Type.Name]
	}
	return false
}

// output returns the value of an output; false when there is no such output.
func (s *bicepScope) output(name string) (value.Value, bool) {
	d := s.file.names[outputName(name)]
	if d == nil {
		return unknown(), false
	}
	if d.Broken || d.Value == nil {
		return unknown(), true
	}
	return s.once(d, func(f frame) value.Value {
		v := f.eval(d.Value)
		if d.Decorated("secure") != nil {
			v.Sensitive = true
		}
		return v
	}), true
}

// constantOf returns an exported variable of another file.
func (u *bicepEvaluation) constantOf(from importedName) value.Value {
	s := u.imports(from.file)
	if s == nil {
		return unknown()
	}
	d := s.file.names[from.name]
	if d == nil || d.Keyword != bicep.Var {
		return unknown()
	}
	return s.variable(d)
}

// imports returns the scope in which what a file exports is evaluated; nil when there is no such file.
func (u *bicepEvaluation) imports(path string) *bicepScope {
	if path == "" {
		return nil
	}
	if s, ok := u.constant[path]; ok {
		return s
	}
	u.constant[path] = nil
	if f := u.file(path); f != nil {
		s := u.scopeOf(f)
		s.static = true
		u.constant[path] = s
	}
	return u.constant[path]
}

// function finds a function that somebody declared, and the scope that its body is evaluated in.
func (f frame) function(x *bicep.Call) (*bicep.Declaration, *bicepScope, bool) {
	s := f.scope
	from := importedName{}
	switch of := x.Of.(type) {
	case nil:
		if d := s.file.names[x.Name]; d != nil && d.Keyword == bicep.Func {
			return d, s, true
		}
		var ok bool
		if from, ok = s.file.imported[x.Name]; !ok {
			return nil, nil, false
		}
	case *bicep.Name:
		file, ok := s.file.wildcard[of.Text]
		if !ok || f.find(of.Text) != nil {
			return nil, nil, false
		}
		from = importedName{file, x.Name}
	default:
		return nil, nil, false
	}
	there := s.unit.imports(from.file)
	if there == nil {
		return nil, nil, true // it is not at hand
	}
	d := there.file.names[from.name]
	if d == nil || d.Keyword != bicep.Func {
		return nil, nil, true
	}
	return d, there, true
}
