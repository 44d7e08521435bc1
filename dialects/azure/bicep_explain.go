package azure

import (
	"maps"
	"slices"
	"sync"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/translate"
	"plumbline.dev/plumbline/value"
)

// bicepExplainer answers questions about a unit. It evaluates on demand, like everything else; its lock sees to it that only
// one goroutine does.
type bicepExplainer struct {
	unit *bicepEvaluation // nil when the unit could not be evaluated
	lock *sync.Mutex
}

// maxBicepTrace bounds how far a value is followed.
const maxBicepTrace = 64

// ask readies the unit for one question: what is wrong is not told again, and the budget is not what evaluating has left.
func (x bicepExplainer) ask() (done func()) {
	x.lock.Lock()
	u := x.unit
	problems, steps, spent := u.problems, u.steps, u.spent
	u.quiet++
	u.steps, u.spent = 0, false
	return func() {
		u.problems, u.steps, u.spent = problems, steps, spent
		u.quiet--
		x.lock.Unlock()
	}
}

// Explain follows the value at path to where it is written, and tells what an unknown waits for.
func (x bicepExplainer) Explain(r *resource.Resource, p value.Path) dialect.Explanation {
	if x.unit == nil {
		return dialect.Explanation{}
	}
	defer x.ask()()
	t := &bicepTracer{unit: x.unit, waits: map[string]dialect.Wait{}, visited: map[bicepVisit]bool{}}
	words, word := "", (*value.Value)(nil)
	switch h := r.Handle.(type) {
	case *bicepValue:
		if h.decl.Value != nil && len(p) > 0 && (p[0].Name == "default" || p[0].Name == "value") {
			t.follow(h.decl.Value, h.scope.frame(), p[1:])
		}
	case *translate.Origin:
		i := instanceOf(h)
		if i == nil {
			return x.json().Explain(r, p)
		}
		native := x.nativePath(r, p)
		if d, rest := h.Native.Handle.(*deployed).within(native); d != nil && len(rest) < len(native) {
			if part, ok := d.handle.(*bicepHandle); ok && part.instance != nil {
				i, native = part.instance, rest
			}
		}
		if r.Type != r.Native {
			var named value.Path
			named, word = x.unit.estate.table.Words(r, p)
			words = named.String()
		}
		if e, rest := i.expression(native); e != nil {
			t.follow(e, i.frame, rest)
		} else if len(p) == 0 {
			t.missing(i.full())
		}
		if len(t.waits) == 0 && r.Body.At(p).Kind == value.Unknown {
			name := r.Address + "." + p.String()
			t.waits[name] = dialect.Wait{Name: name, Kind: "computed", Range: r.Header}
		}
	}
	out := dialect.Explanation{Path: words, Value: word, Trace: t.trace}
	for _, name := range slices.Sorted(maps.Keys(t.waits)) {
		out.Waits = append(out.Waits, t.waits[name])
	}
	return out
}

// json answers questions about what JSON templates that the unit calls have made.
func (x bicepExplainer) json() *explainer {
	return &explainer{unit: x.unit.json, graph: x.unit.graph}
}

// nativePath is the path in Azure's words. A resource of a type that is in no table has kept them.
func (x bicepExplainer) nativePath(r *resource.Resource, p value.Path) value.Path {
	if r.Type == r.Native {
		return p
	}
	return x.unit.estate.table.Path(r, p)
}

// instanceOf returns the instance that a translated resource was made of; nil when it is another dialect's.
func instanceOf(o *translate.Origin) *bicepInstance {
	if o.Native == nil {
		return nil
	}
	d, ok := o.Native.Handle.(*deployed)
	if !ok {
		return nil
	}
	h, ok := d.handle.(*bicepHandle)
	if !ok {
		return nil
	}
	return h.instance
}

// expression finds the expression that the value at a native path of the body was written with, and the steps that lead on
// inside its value; nil for the resource as a whole and for what nobody wrote.
func (i *bicepInstance) expression(p value.Path) (bicep.Expr, value.Path) {
	if len(p) == 0 || i.body == nil {
		return nil, nil
	}
	if m := i.property(p[0].Name); m != nil {
		return m.Value, p[1:]
	}
	for _, m := range i.body.Members {
		if m.Spread {
			return m.Value, p
		}
	}
	return nil, nil
}

// bicepVisit is a name in a scope.
type bicepVisit struct {
	scope *bicepScope
	name  string
}

// bicepTracer walks from expressions to what they name.
type bicepTracer struct {
	unit    *bicepEvaluation
	trace   []dialect.Step
	waits   map[string]dialect.Wait
	visited map[bicepVisit]bool
	depth   int
}

func (t *bicepTracer) note(name string, at source.Range) {
	t.trace = append(t.trace, dialect.Step{Name: name, Range: at})
}

func (t *bicepTracer) wait(kind, name string, at source.Range) {
	if _, ok := t.waits[name]; !ok {
		t.waits[name] = dialect.Wait{Name: name, Kind: kind, Range: at}
	}
}

// missing notes the modules that are not at hand and know the resource: they may declare what belongs to it.
func (t *bicepTracer) missing(address string) {
	for _, m := range t.unit.missing {
		if slices.Contains(m.Refs, address) {
			t.wait("module", m.Address, source.Range{})
		}
	}
}

// follow follows e as long as it only names a value, and then gathers what it waits for.
func (t *bicepTracer) follow(e bicep.Expr, f frame, rest value.Path) {
	e, f, _ = t.origin(e, f, rest)
	t.gather(e, f)
}

// origin follows e along the path as long as it only names a value, or chooses one by what is known. It returns the
// expression that makes the value, where that evaluates, and the steps left inside its value.
func (t *bicepTracer) origin(e bicep.Expr, f frame, rest value.Path) (bicep.Expr, frame, value.Path) {
	f.placed = false
	for range maxBicepTrace {
		next, g, steps, ok := t.step(e, f, rest)
		if !ok {
			break
		}
		e, f, rest = next, g, steps
	}
	return e, f, rest
}

// step goes one step of origin; false when there is none to go.
func (t *bicepTracer) step(e bicep.Expr, f frame, rest value.Path) (bicep.Expr, frame, value.Path, bool) {
	stop := func() (bicep.Expr, frame, value.Path, bool) { return e, f, rest, false }
	switch x := e.(type) {
	case *bicep.Paren:
		return x.Value, f, rest, true
	case *bicep.NotNull:
		return x.Value, f, rest, true
	case *bicep.Object:
		if len(rest) > 0 && rest[0].Name != "" {
			for _, m := range slices.Backward(x.Members) {
				if m.Spread || m.Key != nil {
					return stop()
				}
				if m.Name == rest[0].Name {
					return m.Value, f, rest[1:], true
				}
			}
		}
	case *bicep.Array:
		spread := slices.ContainsFunc(x.Items, func(i bicep.Expr) bool { _, ok := i.(*bicep.Spread); return ok })
		if len(rest) > 0 && rest[0].Name == "" && rest[0].Index < len(x.Items) && !spread {
			return x.Items[rest[0].Index], f, rest[1:], true
		}
	case *bicep.For:
		if len(rest) > 0 && rest[0].Name == "" {
			var at *frame
			f.each(x, func(inner frame, i int, certain bool) {
				if i == rest[0].Index || !certain && at == nil {
					at = &inner
				}
			})
			if at != nil {
				return x.Body, *at, rest[1:], true
			}
		}
	case *bicep.Conditional:
		v := f.eval(x.Condition)
		if c := truth(&v); c.Kind == value.Bool {
			if c.Bool {
				return x.Then, f, rest, true
			}
			return x.Else, f, rest, true
		}
	case *bicep.Binary:
		if x.Op == "??" {
			if v := f.eval(x.Left); certain(&v) {
				return x.Left, f, rest, true
			} else if !v.IsSet() {
				return x.Right, f, rest, true
			}
		}
	case *bicep.Call:
		if x.Of == nil && x.Name == "any" && len(x.Args) == 1 {
			return x.Args[0], f, rest, true
		}
	case *bicep.Member:
		return t.access(e, x.Of, f, append(value.Path{{Name: x.Name}}, rest...))
	case *bicep.Index:
		at := f.eval(x.Index)
		if n, ok := integer(&at); ok && n >= 0 && !x.FromEnd {
			return t.access(e, x.Of, f, append(value.Path{{Index: int(n)}}, rest...))
		}
		if at.Kind == value.String {
			return t.access(e, x.Of, f, append(value.Path{{Name: at.Text}}, rest...))
		}
	case *bicep.Name:
		return t.name(x, f, rest)
	}
	return stop()
}

// access goes from a member to what has it: an output of a module, a property of a resource, or a part of any other value.
func (t *bicepTracer) access(e, of bicep.Expr, f frame, rest value.Path) (bicep.Expr, frame, value.Path, bool) {
	r, path, ok := f.target(e)
	if !ok {
		return of, f, rest, true
	}
	stop := func() (bicep.Expr, frame, value.Path, bool) { return e, f, rest[1:], false }
	i := r.instance
	if i == nil || len(path) == 0 || i.body == nil {
		return stop()
	}
	var steps value.Path
	for _, a := range path {
		if n, ok := integer(&a.at); ok && n >= 0 {
			steps = append(steps, value.Step{Index: int(n)})
		} else {
			steps = append(steps, value.Step{Name: a.at.Text})
		}
	}
	steps = append(steps, rest[1:]...) // rest begins with the last of the path
	if r.group.decl.Keyword == bicep.Module {
		if len(path) < 2 || path[0].at.Text != "outputs" {
			return stop()
		}
		s := i.module()
		if s == nil {
			return stop()
		}
		d := s.file.names[outputName(path[1].at.Text)]
		if d == nil || d.Value == nil {
			return stop()
		}
		t.note(i.address()+".outputs."+d.Name, s.file.at(d.Span))
		return d.Value, s.frame(), steps[2:], true
	}
	if m := i.property(steps[0].Name); m != nil && (steps[0].Name == "name" || !i.group.decl.Existing) {
		inner := i.frame
		inner.placed = false
		t.note(i.address()+"."+steps.String(), i.frame.scope.file.at(m.Span))
		return m.Value, inner, steps[1:], true
	}
	return stop()
}

// name goes from a name to the expression behind it.
func (t *bicepTracer) name(x *bicep.Name, f frame, rest value.Path) (bicep.Expr, frame, value.Path, bool) {
	if b := f.find(x.Text); b != nil {
		if b.from == nil || b.at < 0 {
			return x, f, rest, false
		}
		f.local = b.next
		return b.from.In, f, append(value.Path{{Index: b.at}}, rest...), true
	}
	s := f.scope
	d := s.file.names[x.Text]
	if d == nil {
		if from, ok := s.file.imported[x.Text]; ok {
			if there := t.unit.imports(from.file); there != nil {
				if d := there.file.names[from.name]; d != nil && d.Keyword == bicep.Var && d.Value != nil {
					t.note("var."+d.Name, there.file.at(d.Span))
					return d.Value, there.frame(), rest, true
				}
			}
		}
		return x, f, rest, false
	}
	switch {
	case d.Keyword == bicep.Var && d.Value != nil:
		t.note("var."+d.Name, s.file.at(d.Span))
		return d.Value, s.frame(), rest, true
	case d.Keyword == bicep.Param:
		t.note("param."+d.Name, s.file.at(d.Span))
		return t.param(d, s, rest, x, f)
	}
	return x, f, rest, false
}

// param goes from a parameter to what it is given.
func (t *bicepTracer) param(d *bicep.Declaration, s *bicepScope, rest value.Path, x *bicep.Name, f frame) (bicep.Expr, frame, value.Path, bool) {
	if v, given := s.argument(d); given && !(v.Kind == value.Null && d.Value != nil) {
		if s.caller == nil {
			g := t.unit.given[d.Name]
			t.note(g.name, g.rng)
			if g.expr != nil {
				return g.expr, g.scope.frame(), rest, true
			}
			return x, f, rest, false
		}
		one, g, all := s.passed(d.Name)
		if one == nil {
			one, rest = all, append(value.Path{{Name: d.Name}}, rest...)
		}
		t.note(s.caller.address()+".params."+d.Name, g.scope.file.at(one.Extent()))
		return one, g, rest, true
	}
	if d.Value != nil {
		return d.Value, s.frame(), rest, true
	}
	return x, f, rest, false
}
