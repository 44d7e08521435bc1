package azure

import (
	"fmt"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// scope is one template with the parameters that it has got: the template of a unit, or a nested deployment.
type scope struct {
	unit     *evaluation
	template *template
	parent   *scope // of nested deployments: where it is deployed from
	caller   *instance
	outer    *environment          // of nested deployments whose expressions mean the names of the parent; nil for all others
	given    map[string]*argument  // values for parameters, by name in lower case
	memo     map[string]*evaluated // what was evaluated, by kind and name
	address  string                // of the deployment; empty for the template of the unit
	calls    []resource.Call
	maybe    bool
	depth    int // of nested deployments around it

	declared  []*instance // see instances
	listing   bool
	listed    bool
	children  map[*instance]*scope
	bySymbol  map[string]*instance
	byName    map[named]*instance
	plainName map[string]*instance
}

// argument is a value that is given to a parameter.
type argument struct {
	name  string         // dev.parameters.json, --var; the deployment and parameter for nested ones
	node  *document.Node // what is written; nil when value says it
	place source.Range
	env   *environment // in which node evaluates; nil when it is plain JSON
	value value.Value
	given bool // it comes from outside of the tree
}

// evaluated is a name with its value, or the work to find it under way.
type evaluated struct {
	value value.Value
	busy  bool
}

// environment is where an expression evaluates.
type environment struct {
	scope  *scope
	loop   *loop    // innermost
	local  *binding // arguments of functions
	own    bool     // in a user's function: no variables, and no parameters but its own
	plain  bool     // texts are not expressions: files of parameters
	places bool     // values keep where they were written: in resources and outputs, not in what they refer to
}

// loop is one turn of a copy loop.
type loop struct {
	name   string
	index  value.Value // a Number, or a symbol when nobody knows how many turns there are
	plain  bool        // copyIndex() without a name means it: of resources and outputs
	around *loop
}

// binding is one argument of a function.
type binding struct {
	name  string
	value value.Value
	outer *binding
}

func (e *environment) lookup(name string) (value.Value, bool) {
	for b := e.local; b != nil; b = b.outer {
		if strings.EqualFold(b.name, name) {
			return b.value, true
		}
	}
	return value.Value{}, false
}

// named returns what a name of the scope has as its value, and finds it first if need be. A name that needs itself is a
// problem, once, and unknown.
func (s *scope) named(kind, name string, where source.Range, find func() value.Value) value.Value {
	k := kind + name
	m := s.memo[k]
	if m == nil {
		m = &evaluated{busy: true}
		s.memo[k] = m
		if s.unit.enter(where) {
			m.value = find()
			s.unit.leave()
		} else {
			m.value = value.Value{Kind: value.Unknown}
		}
		m.busy = false
		return m.value
	}
	if m.busy {
		s.unit.problem(source.Invalid, where, fmt.Sprintf("the value of %s %s needs itself", kind, name))
		return value.Value{Kind: value.Unknown}
	}
	return m.value
}

// parameter returns the value of a parameter.
func (s *scope) parameter(name string) (value.Value, bool) {
	if s.outer != nil {
		return s.outer.scope.parameter(name)
	}
	low := strings.ToLower(name)
	m := s.template.parameters[low]
	if m == nil {
		return value.Value{}, false
	}
	return s.named("parameter ", low, m.Range, func() value.Value {
		secure := s.template.secure(m.Value)
		if a := s.given[low]; a != nil {
			v := a.value
			if a.node != nil {
				if a.env != nil {
					v = s.unit.value(a.node, a.env)
				} else {
					v = s.unit.value(a.node, &environment{scope: s, plain: true})
				}
			}
			v.Given = v.Given || a.given && (v.Kind == value.String || v.Kind == value.Unknown)
			v.Sensitive = v.Sensitive || secure
			if v.IsSet() || get(m.Value, "defaultValue") == nil {
				return v
			}
		}
		if d := get(m.Value, "defaultValue"); d != nil {
			v := s.unit.value(d, &environment{scope: s})
			v.Sensitive = v.Sensitive || secure
			return v
		}
		if s.template.nullable(m.Value) {
			return null()
		}
		v := symbol(symbolInput, low, text(s.address))
		v.Given, v.NotNull, v.Sensitive = true, true, secure
		return v
	}), true
}

// variable returns the value of a variable.
func (s *scope) variable(name string) (value.Value, bool) {
	if s.outer != nil {
		return s.outer.scope.variable(name)
	}
	low := strings.ToLower(name)
	if m := s.template.variables[low]; m != nil {
		return s.named("variable ", low, m.Range, func() value.Value { return s.unit.value(m.Value, &environment{scope: s}) }), true
	}
	if l := s.template.copies[low]; l != nil {
		return s.named("variable ", low, l.Range, func() value.Value {
			return s.unit.repeated(l, textAt(l, "name"), &environment{scope: s}, "input")
		}), true
	}
	return value.Value{}, false
}

// output returns the value of an output.
func (s *scope) output(name string) (value.Value, bool) {
	low := strings.ToLower(name)
	m := s.template.outputs[low]
	if m == nil {
		return value.Value{}, false
	}
	return s.named("output ", low, m.Range, func() value.Value {
		env := s.environment()
		if c := get(m.Value, "copy"); c != nil {
			return s.unit.repeated(c, "", env, "input")
		}
		v := get(m.Value, "value")
		if v == nil {
			return value.Value{Kind: value.Unknown}
		}
		out := s.unit.value(v, env)
		if c := get(m.Value, "condition"); c != nil {
			if met := s.unit.value(c, env); met.Kind == value.Bool && !met.Bool {
				return null()
			} else if met.Kind != value.Bool {
				out.NotNull = false
			}
		}
		out.Sensitive = out.Sensitive || s.template.secure(m.Value)
		return out
	}), true
}

// environment returns where the expressions of the scope evaluate.
func (s *scope) environment() *environment {
	if s.outer != nil {
		env := *s.outer
		env.places = false
		return &env
	}
	return &environment{scope: s}
}
