package azure

import (
	"errors"
	"fmt"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// evaluate evaluates an expression. where is the text it stands in: where its problems are told.
func (u *evaluation) evaluate(e *expression, env *environment, where source.Range) value.Value {
	if !u.room(where) || !u.enter(where) {
		return value.Value{Kind: value.Unknown}
	}
	defer u.leave()
	switch e.kind {
	case literal:
		return e.value
	case element:
		return u.element(e, env, where)
	}
	v, err := u.call(e, env, where)
	if err != nil {
		kind := source.Invalid
		if _, is := errors.AsType[undeclaredError](err); is {
			kind = source.Unresolved
		}
		u.problem(kind, where, err.Error())
	}
	return u.bounded(v, where)
}

// undeclaredError is a name that nothing declares: a gap, as it is in other languages.
type undeclaredError string

func (e undeclaredError) Error() string { return string(e) }

// element goes into a value: one step, and what a nested deployment or a resource of the template says for itself.
func (u *evaluation) element(e *expression, env *environment, where source.Range) value.Value {
	base := u.evaluate(e.args[0], env, where)
	at := u.evaluate(e.args[1], env, where)
	v, err := into(base, at, false)
	if err != nil {
		err = fmt.Errorf("%s: %w", textOf(&at), err)
		u.problem(source.Invalid, where, err.Error())
		return value.Value{Kind: value.Unknown}
	}
	if s := leaf(&v); s != nil && s.Text == symbolReference {
		if known, ok := u.state(s, env); ok {
			return known
		}
	}
	return v
}

// call calls a function. An error says what is wrong with the call; the value then is a symbol of it.
func (u *evaluation) call(e *expression, env *environment, where source.Range) (value.Value, error) {
	name := strings.ToLower(e.name)
	if !strings.Contains(name, ".") {
		name = strings.TrimPrefix(name, "sys.")
	}
	switch name {
	case "parameters", "variables", "lambdavariables":
		return u.name(name, e, env, where)
	case "if":
		return u.choose(e, env, where)
	case "and", "or":
		return u.connected(name, e, env, where)
	case "coalesce":
		return u.firstSet(e, env, where)
	case "copyindex":
		return u.copyIndex(e, env, where)
	case "tryget", "contains", "empty", "equals", "not":
		// They are asked about what may not be there: fine.
	case "lambda":
		return value.Value{Kind: value.Unknown}, errors.New("lambda stands where no function is wanted")
	}
	if isLambda(name) {
		return u.callLambda(e, env, where)
	}
	args := make([]value.Value, 0, len(e.args))
	for _, a := range e.args {
		args = append(args, u.evaluate(a, env, where))
	}
	switch name {
	case "reference", "references", "referenceall":
		return u.reference(name, args, env)
	case "deployment":
		return u.deployment(env), nil
	}
	if strings.HasPrefix(name, "list") && !u.functions.known(name) { // listKeys, listAccountSas, …: a secret that Azure keeps
		v := symbol(e.name, "", u.addressed(args, env)...)
		v.Given, v.Sensitive, v.NotNull = true, true, true
		return v, nil
	}
	if f := env.scope.userFunction(name); f != nil {
		return u.callUser(f, e.name, args, env)
	}
	return u.functions.call(strings.TrimPrefix(e.name, "sys."), args)
}

// name resolves parameters('x'), variables('x') and lambdaVariables('x').
func (u *evaluation) name(kind string, e *expression, env *environment, where source.Range) (value.Value, error) {
	if len(e.args) != 1 {
		return value.Value{Kind: value.Unknown}, fmt.Errorf("%s takes one argument, and has %d", e.name, len(e.args))
	}
	name := u.evaluate(e.args[0], env, where)
	if name.Kind != value.String {
		return symbol(kind+" of", "", name), nil
	}
	var v value.Value
	var ok bool
	switch {
	case kind == "lambdavariables", kind == "parameters" && env.own:
		v, ok = env.lookup(name.Text)
	case kind == "parameters":
		v, ok = env.scope.parameter(name.Text)
	case !env.own:
		v, ok = env.scope.variable(name.Text)
	}
	if !ok {
		return value.Value{Kind: value.Unknown}, undeclaredError("there is no " + map[string]string{"parameters": "parameter", "variables": "variable", "lambdavariables": "argument"}[kind] + " " + name.Text)
	}
	return v, nil
}

// choose evaluates the branch that is taken; both, silently, when nobody knows which.
func (u *evaluation) choose(e *expression, env *environment, where source.Range) (value.Value, error) {
	if len(e.args) != 3 {
		return value.Value{Kind: value.Unknown}, fmt.Errorf("if takes 3 arguments, and has %d", len(e.args))
	}
	condition := u.evaluate(e.args[0], env, where)
	switch c := truth(&condition); {
	case c.Kind == value.Bool && c.Bool:
		return u.evaluate(e.args[1], env, where), nil
	case c.Kind == value.Bool:
		return u.evaluate(e.args[2], env, where), nil
	}
	u.quiet++
	yes, no := u.evaluate(e.args[1], env, where), u.evaluate(e.args[2], env, where)
	u.quiet--
	v, err := either(condition, yes, no)
	if err != nil {
		err = fmt.Errorf("if %w", err)
		v = value.Value{Kind: value.Unknown}
	}
	return v, err
}

// connected evaluates and() and or() from left to right, as far as it needs to.
func (u *evaluation) connected(name string, e *expression, env *environment, where source.Range) (value.Value, error) {
	var args []value.Value
	quiet := u.quiet
	defer func() { u.quiet = quiet }()
	for _, a := range e.args {
		v := u.evaluate(a, env, where)
		args = append(args, v)
		if t := truth(&v); t.Kind == value.Bool && t.Bool == (name == "or") {
			break
		} else if t.Kind == value.Unknown {
			u.quiet++ // what follows may guard itself by what is not known
		}
	}
	if len(args) == 0 {
		return value.Value{Kind: value.Unknown}, fmt.Errorf("%s takes at least one argument, and has none", e.name)
	}
	return u.functions.call(name, args)
}

func (u *evaluation) firstSet(e *expression, env *environment, where source.Range) (value.Value, error) {
	var args []value.Value
	for _, a := range e.args {
		v := u.evaluate(a, env, where)
		args = append(args, v)
		if certain(&v) {
			break
		}
	}
	return u.functions.call("coalesce", args)
}

// copyIndex is the number of the turn of a loop around.
func (u *evaluation) copyIndex(e *expression, env *environment, where source.Range) (value.Value, error) {
	name, offset := "", int64(0)
	for _, a := range e.args {
		switch v := u.evaluate(a, env, where); v.Kind {
		case value.String:
			name = v.Text
		case value.Number:
			offset, _ = integer(&v)
		default:
			return symbol("copyIndex", "", v), nil
		}
	}
	var nearest *loop
	for l := env.loop; l != nil; l = l.around {
		if name != "" && strings.EqualFold(l.name, name) || name == "" && l.plain {
			nearest = l
			break
		}
	}
	if nearest == nil && name == "" {
		nearest = env.loop
	}
	if nearest == nil {
		return value.Value{Kind: value.Unknown}, errors.New("copyIndex stands in no loop" + map[bool]string{true: " of the name " + name}[name != ""])
	}
	if n, ok := integer(&nearest.index); ok {
		return whole(n + offset), nil
	}
	if offset == 0 {
		return nearest.index, nil
	}
	return symbol("add", "", nearest.index, whole(offset)), nil
}

// callLambda calls a function that takes functions, written lambda('a', 'b', body).
func (u *evaluation) callLambda(e *expression, env *environment, where source.Range) (value.Value, error) {
	var args []value.Value
	var do []lambda
	var take []int
	for _, a := range e.args {
		if a.kind != calling || !strings.EqualFold(a.name, "lambda") {
			args = append(args, u.evaluate(a, env, where))
			continue
		}
		if len(a.args) == 0 {
			return value.Value{Kind: value.Unknown}, errors.New("lambda has no body")
		}
		var names []string
		for _, p := range a.args[:len(a.args)-1] {
			names = append(names, p.value.Text)
		}
		body := a.args[len(a.args)-1]
		take = append(take, len(names))
		do = append(do, func(args ...value.Value) value.Value {
			inner := *env
			for i, name := range names {
				v := value.Value{Kind: value.Unknown}
				if i < len(args) {
					v = args[i]
				}
				v.Maybe = false
				inner.local = &binding{name: name, value: v, outer: inner.local}
			}
			return u.evaluate(body, &inner, where)
		})
	}
	return u.functions.lambda(e.name, args, do, take)
}

// userFunction returns a function that the template defines, by namespace.name in lower case.
func (s *scope) userFunction(name string) *document.Node {
	for at := s; at != nil; at = at.parent {
		if f := at.template.functions[name]; f != nil {
			return f
		}
		if at.outer == nil {
			return nil
		}
	}
	return nil
}

// callUser calls a function that the template defines: it sees its parameters and nothing else.
func (u *evaluation) callUser(f *document.Node, name string, args []value.Value, env *environment) (value.Value, error) {
	inner := &environment{scope: env.scope, own: true}
	parameters := get(f, "parameters")
	if parameters == nil {
		parameters = &document.Node{}
	}
	if len(args) > len(parameters.Items) {
		return value.Value{Kind: value.Unknown}, fmt.Errorf("%s takes %d arguments, and has %d", name, len(parameters.Items), len(args))
	}
	for i, p := range parameters.Items {
		v := null()
		if i < len(args) {
			v = args[i]
		}
		inner.local = &binding{name: textAt(p, "name"), value: v, outer: inner.local}
	}
	out := get(get(f, "output"), "value")
	if out == nil {
		return value.Value{Kind: value.Unknown}, fmt.Errorf("%s has no output", name)
	}
	return u.value(out, inner), nil
}

// deployment is what is known of the deployment itself: the parameters and the template are not told.
func (u *evaluation) deployment(env *environment) value.Value {
	v := symbol("deployment", "", text(env.scope.address))
	v.Given, v.NotNull = true, true
	return v
}
