package jinja

import (
	"math"
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// evaluation is the evaluation of one template.
type evaluation struct {
	scope  Scope
	limits Limits
	depth  int
}

// Evaluate says what the template comes to. A template that is one expression keeps the type of its value; every other is a
// text.
func (t *Template) Evaluate(scope Scope, limits Limits) Result {
	e := &evaluation{scope: scope, limits: limits}
	if len(t.Parts) == 1 && t.Parts[0].Expr != nil {
		r := e.eval(t.Parts[0].Expr)
		if r.Value.Kind == value.Absent && !r.Omit {
			return Result{Value: value.Value{Kind: value.Unknown}, Undeclared: r.Undeclared}
		}
		return r
	}
	results := make([]Result, len(t.Parts))
	for i, p := range t.Parts {
		switch {
		case p.Dark:
			results[i] = undecided()
		case p.Expr != nil:
			results[i] = e.eval(p.Expr)
		default:
			results[i] = Text(p.Text)
		}
	}
	return e.concat(results)
}

// Evaluate says what the expression comes to.
func (x *Expr) Evaluate(scope Scope, limits Limits) Result {
	return (&evaluation{scope: scope, limits: limits}).eval(x)
}

// concat joins texts, and keeps what is known of the beginning and the end.
func (e *evaluation) concat(parts []Result) Result {
	var before, after strings.Builder
	out := Result{}
	open := false
	for i := range parts {
		p := &parts[i]
		out.Marks = append(out.Marks, rooted(p.Marks)...)
		out.Value.Given = out.Value.Given || isGiven(&p.Value)
		out.Value.Sensitive = out.Value.Sensitive || p.Value.Sensitive
		if s, ok := display(&p.Value); ok {
			if open {
				after.WriteString(s)
			} else {
				before.WriteString(s)
			}
		} else {
			if !open && p.Value.Kind == value.Unknown {
				before.WriteString(p.Value.Text)
			}
			after.Reset()
			after.WriteString(p.Value.Ending)
			open = true
		}
		if before.Len()+after.Len() > e.limits.Bytes {
			return Result{Value: value.Value{Kind: value.Unknown, NotNull: true, Given: out.Value.Given}, Marks: out.Marks}
		}
	}
	out.Value.Text = before.String()
	if !open {
		out.Value.Kind = value.String
		return out
	}
	out.Value.Kind, out.Value.NotNull = value.Unknown, true
	if out.Value.Text != "" {
		out.Value.Ending = after.String()
	}
	return out
}

// rooted moves marks to the value as a whole.
func rooted(marks []Mark) []Mark {
	out := slices.Clone(marks)
	for i := range out {
		out[i].Path = nil
	}
	return out
}

// isGiven reports whether a part of a value comes from outside.
func isGiven(v *value.Value) bool {
	if v.Given {
		return true
	}
	for i := range v.Items {
		if isGiven(&v.Items[i]) {
			return true
		}
	}
	for i := range v.Fields {
		if isGiven(&v.Fields[i].Value) {
			return true
		}
	}
	return false
}

// display is how a value is written into a text; false when that is not known.
func display(v *value.Value) (string, bool) {
	if v.Maybe || v.Open {
		return "", false
	}
	switch v.Kind {
	case value.String:
		return v.Text, true
	case value.Number:
		return v.Digits(), true
	case value.Bool:
		if v.Bool {
			return "True", true
		}
		return "False", true
	case value.List, value.Object:
		if !v.IsWhollyKnown() {
			return "", false
		}
		return python(v), true
	}
	return "", false // None is written in two ways, and what is undefined in none
}

// python writes a value as Python shows it.
func python(v *value.Value) string {
	switch v.Kind {
	case value.String:
		quote := "'"
		if strings.Contains(v.Text, "'") && !strings.Contains(v.Text, `"`) {
			quote = `"`
		}
		return quote + strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, quote, `\`+quote).Replace(v.Text) + quote
	case value.Null, value.Absent:
		return "None"
	case value.List:
		parts := make([]string, len(v.Items))
		for i := range v.Items {
			parts[i] = python(&v.Items[i])
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case value.Object:
		parts := make([]string, len(v.Fields))
		for i := range v.Fields {
			parts[i] = python(&value.Value{Kind: value.String, Text: v.Fields[i].Name}) + ": " + python(&v.Fields[i].Value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	s, _ := display(v)
	return s
}

func (e *evaluation) eval(x *Expr) Result {
	if x == nil {
		return Result{}
	}
	if e.depth++; e.depth > e.limits.Depth {
		e.depth--
		return undecided()
	}
	defer func() { e.depth-- }()
	switch x.Op {
	case Literal:
		return Result{Value: x.Value}
	case Variable:
		if x.Name == "omit" {
			return Result{Omit: true}
		}
		return e.scope.Variable(x.Name)
	case Attribute:
		return Member(e.eval(x.Args[0]), x.Name)
	case Index:
		return e.index(e.eval(x.Args[0]), e.eval(x.Args[1]))
	case Slice:
		return e.slice(x)
	case Call:
		return e.call(x)
	case Filter:
		return e.filter(x)
	case Test:
		return e.test(x.Name, e.eval(x.Args[0]), e.all(x.Args[1:])).result()
	case Unary:
		return e.unary(x)
	case Binary:
		return e.binary(x)
	case Condition:
		return e.condition(x)
	case ListOf:
		out := list(make([]value.Value, 0, len(x.Args)))
		for i, a := range x.Args {
			out.push(value.Path{{Index: i}}, e.eval(a), func(v value.Value) { out.Value.Items = append(out.Value.Items, v) })
		}
		return out
	case DictOf:
		out := Result{Value: value.Value{Kind: value.Object}}
		for i := 0; i+1 < len(x.Args); i += 2 {
			key := e.eval(x.Args[i])
			name, ok := display(&key.Value)
			if !ok {
				out.Value.Open = true
				continue
			}
			out.push(value.Path{{Name: name}}, e.eval(x.Args[i+1]), func(v value.Value) { set(&out.Value, name, v) })
		}
		return out
	}
	return undecided()
}

// push adds a part to a value that is being made, with its marks.
func (r *Result) push(at value.Path, part Result, add func(value.Value)) {
	if part.Value.Kind == value.Absent {
		part.Value = value.Value{Kind: value.Unknown}
	}
	add(part.Value)
	for _, m := range part.Marks {
		m.Path = slices.Concat(at, m.Path)
		r.Marks = append(r.Marks, m)
	}
}

// set sets a member of an object that is being made.
func set(v *value.Value, name string, to value.Value) {
	i, found := slices.BinarySearchFunc(v.Fields, name, func(f value.Field, n string) int { return strings.Compare(f.Name, n) })
	if found {
		v.Fields[i].Value = to
	} else {
		v.Fields = slices.Insert(v.Fields, i, value.Field{Name: name, Value: to})
	}
}

func (e *evaluation) all(args []*Expr) []Result {
	out := make([]Result, len(args))
	for i, a := range args {
		out[i] = e.eval(a)
	}
	return out
}

// Member returns a member of what r holds.
func Member(r Result, name string) Result {
	switch r.Value.Kind {
	case value.Object:
		out := Result{Value: *r.Value.Field(name), Marks: inside(r.Marks, value.Step{Name: name})}
		if out.Value.Kind == value.Absent && r.Value.Open {
			out.Value.Kind = value.Unknown
		}
		return out
	case value.Unknown:
		return Result{Value: value.Value{Kind: value.Unknown, Given: r.Value.Given, Sensitive: r.Value.Sensitive},
			Undeclared: r.Undeclared, Marks: deeper(r.Marks, name)}
	}
	return Result{}
}

// Element returns an element of what r holds; of what may be more than is known, it is unknown.
func Element(r Result, i int) Result {
	switch r.Value.Kind {
	case value.List:
		if i < 0 {
			i += len(r.Value.Items)
		}
		for n := range r.Value.Items[:max(0, min(i+1, len(r.Value.Items)))] {
			if r.Value.Items[n].Maybe {
				return Result{Value: value.Value{Kind: value.Unknown}, Marks: rooted(r.Marks)}
			}
		}
		if i < 0 || i >= len(r.Value.Items) {
			if r.Value.Open {
				return undecided()
			}
			return Result{}
		}
		return Result{Value: r.Value.Items[i], Marks: inside(r.Marks, value.Step{Index: i})}
	case value.Unknown:
		return Result{Value: value.Value{Kind: value.Unknown, Given: r.Value.Given, Sensitive: r.Value.Sensitive},
			Undeclared: r.Undeclared, Marks: deeper(r.Marks, "")}
	}
	return Result{}
}

// inside keeps the marks that hold for one step into a value.
func inside(marks []Mark, step value.Step) []Mark {
	var out []Mark
	for _, m := range marks {
		switch {
		case len(m.Path) == 0:
			out = append(out, m)
		case m.Path[0] == step:
			m.Path = m.Path[1:]
			out = append(out, m)
		}
	}
	return out
}

// deeper moves marks to an attribute of the result that they name. The results of a loop are those of its instances.
func deeper(marks []Mark, name string) []Mark {
	out := slices.Clone(marks)
	for i := range out {
		m := &out[i]
		switch {
		case name == "" || name == "results" && m.Attribute == "":
		case m.Attribute == "":
			m.Attribute = name
		default:
			m.Attribute += "." + name
		}
	}
	return out
}

func (e *evaluation) index(of, at Result) Result {
	switch at.Value.Kind {
	case value.String:
		return Member(of, at.Value.Text)
	case value.Number:
		if at.Value.Number == math.Trunc(at.Value.Number) && math.Abs(at.Value.Number) < 1<<31 {
			return Element(of, int(at.Value.Number))
		}
		return Result{}
	}
	return Result{Value: value.Value{Kind: value.Unknown, Given: isGiven(&of.Value)}, Marks: rooted(of.Marks)}
}

func (e *evaluation) slice(x *Expr) Result {
	of := e.eval(x.Args[0])
	bounds := []int{0, math.MaxInt}
	if len(x.Args) > 3 && x.Args[3] != nil {
		return undecided()
	}
	n := len(of.Value.Items)
	text := []rune(of.Value.Text)
	if of.Value.Kind == value.String {
		n = len(text)
	}
	for i := range bounds {
		if i+1 < len(x.Args) && x.Args[i+1] != nil {
			b := e.eval(x.Args[i+1]).Value
			if b.Kind != value.Number || math.Abs(b.Number) > 1<<31 {
				return Result{Value: value.Value{Kind: value.Unknown}, Marks: rooted(of.Marks)}
			}
			bounds[i] = int(b.Number)
			if bounds[i] < 0 {
				bounds[i] = max(0, n+bounds[i])
			}
		}
	}
	from, to := min(bounds[0], n), min(bounds[1], n)
	to = max(from, to)
	switch {
	case of.Value.Kind == value.String:
		return like(of, Text(string(text[from:to])))
	case of.Value.Kind == value.List && of.Value.IsWhollyKnown():
		return like(of, list(of.Value.Items[from:to]))
	}
	return Result{Value: value.Value{Kind: value.Unknown, Given: isGiven(&of.Value)}, Marks: rooted(of.Marks)}
}

// like gives a result that was made of another one its marks, and says whether it comes from outside.
func like(of, r Result) Result {
	r.Marks = append(slices.Clone(r.Marks), rooted(of.Marks)...)
	if r.Value.Kind == value.String || r.Value.Kind == value.Unknown {
		r.Value.Given = r.Value.Given || isGiven(&of.Value)
	}
	r.Value.Sensitive = r.Value.Sensitive || of.Value.Sensitive
	return r
}

func (e *evaluation) unary(x *Expr) Result {
	r := e.eval(x.Args[0])
	if x.Name == "not" {
		return truthOf(&r.Value).not().result()
	}
	if r.Value.Kind != value.Number {
		return undecided()
	}
	if x.Name == "-" {
		return number(-r.Value.Number)
	}
	return r
}

func (e *evaluation) condition(x *Expr) Result {
	test := e.eval(x.Args[0])
	switch truthOf(&test.Value) {
	case yes:
		return e.eval(x.Args[1])
	case no:
		return e.eval(x.Args[2])
	}
	return e.either(e.eval(x.Args[1]), e.eval(x.Args[2]))
}

// either is one of two results, nobody knows which.
func (e *evaluation) either(a, b Result) Result {
	if a.Omit == b.Omit && a.Value.Equal(&b.Value) {
		a.Marks = append(slices.Clone(a.Marks), b.Marks...)
		return a
	}
	return Result{Value: value.Value{Kind: value.Unknown, NotNull: a.Value.IsSet() && b.Value.IsSet(), Given: isGiven(&a.Value) || isGiven(&b.Value),
		Sensitive: a.Value.Sensitive || b.Value.Sensitive}, Marks: append(rooted(a.Marks), rooted(b.Marks)...),
		MayOmit: a.Omit || b.Omit || a.MayOmit || b.MayOmit}
}

func (e *evaluation) binary(x *Expr) Result {
	left := e.eval(x.Args[0])
	switch x.Name {
	case "and", "or":
		return e.logic(x, left)
	}
	right := e.eval(x.Args[1])
	switch x.Name {
	case "~":
		return e.concat([]Result{left, right})
	case "==", "!=", "<", "<=", ">", ">=", "in", "not in":
		return e.compare(x.Name, &left.Value, &right.Value).result()
	case "+":
		switch {
		case left.Value.Kind == value.List && right.Value.Kind == value.List && len(left.Value.Items)+len(right.Value.Items) <= e.limits.Items:
			out := Result{Value: value.Value{Kind: value.List, Items: slices.Concat(left.Value.Items, right.Value.Items), Open: left.Value.Open || right.Value.Open},
				Marks: slices.Clone(left.Marks)}
			for _, m := range right.Marks {
				if len(m.Path) > 0 && m.Path[0].Name == "" {
					m.Path = slices.Clone(m.Path)
					m.Path[0].Index += len(left.Value.Items)
				}
				out.Marks = append(out.Marks, m)
			}
			return out
		case isText(&left.Value) || isText(&right.Value):
			return e.concat([]Result{left, right})
		}
	}
	if left.Value.Kind == value.Number && right.Value.Kind == value.Number {
		if f, ok := calculate(x.Name, left.Value.Number, right.Value.Number); ok {
			return number(f)
		}
	}
	if x.Name == "%" && left.Value.Kind == value.String {
		return like(left, Result{Value: value.Value{Kind: value.Unknown, NotNull: true, Given: isGiven(&right.Value)}, Marks: rooted(right.Marks)})
	}
	return like(left, like(right, undecided()))
}

func isText(v *value.Value) bool {
	return v.Kind == value.String || v.Kind == value.Unknown && v.Text != ""
}

func calculate(op string, a, b float64) (float64, bool) {
	switch op {
	case "+":
		return a + b, true
	case "-":
		return a - b, true
	case "*":
		return a * b, true
	case "/":
		return a / b, b != 0
	case "//":
		return math.Floor(a / b), b != 0
	case "%":
		return a - b*math.Floor(a/b), b != 0
	case "**":
		f := math.Pow(a, b)
		return f, !math.IsInf(f, 0) && !math.IsNaN(f)
	}
	return 0, false
}

// logic evaluates and and or, which yield one of their sides.
func (e *evaluation) logic(x *Expr, left Result) Result {
	t := truthOf(&left.Value)
	if x.Name == "and" && t == no || x.Name == "or" && t == yes {
		return left
	}
	right := e.eval(x.Args[1])
	if t != open {
		return right
	}
	switch u := truthOf(&right.Value); {
	case x.Name == "and" && u == no, x.Name == "or" && u == yes:
		if right.Value.Kind == value.Bool {
			return right
		}
	}
	return e.either(left, right)
}
