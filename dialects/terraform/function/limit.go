package function

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// A function may not make much from little: guards look at the arguments first and refuse what would grow beyond the
// limits. What a function takes is weighed as well, because values can share parts and so be far larger than their memory.

const (
	maxDepth    = 250      // nesting of values, documents and templates
	maxDigits   = 4096     // digits of a number written as text
	maxExponent = 1 << 15  // binary exponent of a number: its decimal text stays below ten thousand digits
	maxPattern  = 16 << 10 // bytes of a regular expression
	maxMatching = 50 << 20 // steps of matching: bytes of the text times size of the compiled expression
)

type limits struct {
	bytes    int // of one text that is made
	elements int // of one value at any depth
	charge   func(steps int)
}

func (o Options) limits() limits {
	l := limits{bytes: o.ValueBytes, elements: o.Elements, charge: o.Charge}
	if l.charge == nil {
		l.charge = func(int) {}
	}
	return l
}

// Work that functions ask to be charged for: a step is what costs about as much as a reference.
const (
	elementsPerStep = 8
	bytesPerStep    = 32
	matchesPerStep  = 50
	decryption      = 20_000
	rendering       = 2000
)

func tooLong(most int) error { return fmt.Errorf("text of more than %d bytes", most) }
func tooMany(most int) error { return fmt.Errorf("more than %d elements", most) }

var errDepth = fmt.Errorf("nested deeper than %d levels", maxDepth)

// bound wraps f so that arguments and result stay within the limits. The wrapper takes everything as it is: marks, unknowns
// and nulls are f's to deal with, by its own parameters.
func (l limits) bound(f function.Function, guard guard) function.Function {
	params, rest := f.Params(), f.VarParam()
	opened := slices.Clone(params)
	for i := range opened {
		opened[i] = open(opened[i])
	}
	var openedRest *function.Parameter
	if rest != nil {
		p := open(*rest)
		openedRest = &p
	}
	return function.New(&function.Spec{
		Params:   opened,
		VarParam: openedRest,
		Type:     function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !guard.shallow {
				w := weight{elements: l.elements, bytes: 4 * l.bytes}
				for i, arg := range args {
					before := w
					err := w.take(arg, 0)
					l.charge((before.elements-w.elements)/elementsPerStep + (before.bytes-w.bytes)/bytesPerStep)
					if err != nil {
						return cty.NilVal, function.NewArgError(i, err)
					}
				}
			}
			for i, arg := range args {
				p := rest
				if i < len(params) {
					p = &params[i]
				}
				if p == nil || p.Type != cty.Number {
					continue
				}
				if err := CheckOperand(arg); err != nil {
					return cty.NilVal, function.NewArgError(i, err)
				}
				number, err := convert.Convert(arg, cty.Number)
				if err != nil {
					return cty.NilVal, function.NewArgError(i, err)
				}
				args[i] = number
			}
			if guard.check != nil {
				if err := guard.check(args); err != nil {
					return cty.NilVal, err
				}
			}
			out, err := f.Call(args)
			if err != nil {
				return out, err
			}
			if err := l.result(out); err != nil {
				return cty.NilVal, err
			}
			for i, arg := range args {
				p := rest
				if i < len(params) {
					p = &params[i]
				}
				out = out.WithMarks(dropped(p, arg))
			}
			return out, nil
		},
	})
}

// dropped returns the marks of an argument that a call has lost: the cty library does not show a function an unknown argument
// that it would rather not see, but leaves the argument's marks to it all the same.
func dropped(p *function.Parameter, arg cty.Value) cty.ValueMarks {
	if !p.AllowMarked || p.AllowUnknown && p.AllowDynamicType || !arg.IsMarked() {
		return nil
	}
	if arg.IsKnown() && arg.Type() != cty.DynamicPseudoType {
		return nil
	}
	return arg.Marks()
}

func open(p function.Parameter) function.Parameter {
	p.AllowMarked, p.AllowUnknown, p.AllowNull, p.AllowDynamicType = true, true, true, true
	if p.Type == cty.Number { // the text of a number is converted when its digits are counted
		p.Type = cty.DynamicPseudoType
	}
	return p
}

// result refuses a text or number that is too large to be handled any further.
func (l limits) result(v cty.Value) error {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	switch v.Type() {
	case cty.String:
		if len(v.AsString()) > l.bytes {
			return tooLong(l.bytes)
		}
	case cty.Number:
		return checkNumber(v)
	}
	return nil
}

func checkNumber(v cty.Value) error {
	if e := v.AsBigFloat().MantExp(nil); e > maxExponent || e < -maxExponent {
		return errors.New("number is too large or too small")
	}
	return nil
}

// Check says whether a value is too large to be given to a function: too many elements, too much text, too deep, or a number
// of too many digits. Shared parts count as often as they occur, and the walk ends where the limits do. An evaluator must
// ask before it keeps a value that it has put together: the cty library walks through all of an argument before a function
// of this package sees it.
func Check(v cty.Value, o Options) error {
	o = o.withDefaults()
	w := weight{elements: o.Elements, bytes: 4 * o.ValueBytes}
	return w.take(v, 0)
}

// weight is what may still be taken.
type weight struct{ elements, bytes int }

func (w *weight) take(v cty.Value, depth int) error {
	v, _ = v.Unmark()
	w.elements--
	if w.elements < 0 {
		return errors.New("value with too many elements")
	}
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	switch t := v.Type(); {
	case t == cty.String:
		w.bytes -= len(v.AsString())
		if w.bytes < 0 {
			return errors.New("value with too much text")
		}
	case t == cty.Number:
		return checkNumber(v)
	case t.IsCollectionType() || t.IsTupleType() || t.IsObjectType():
		if depth == maxDepth {
			return errDepth
		}
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if err := w.take(e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// guard is what is known of a function before it is called. The zero value only weighs.
type guard struct {
	shallow bool                         // the function looks at the top of its arguments only, so that weighing would cost more than it
	check   func(args []cty.Value) error // the arguments may be marked, unknown or null
}

// guard returns the guard of a function by its name.
func (l limits) guard(name string) guard {
	switch name {
	case "length", "lookup", "element", "sensitive", "nonsensitive", "issensitive":
		return guard{shallow: true}
	case "csvdecode":
		return guard{check: l.csv}
	case "format", "formatlist":
		return guard{check: l.format}
	case "indent":
		return guard{check: l.indent}
	case "join":
		return guard{check: l.join}
	case "jsondecode":
		return guard{check: l.json}
	case "parseint", "tonumber":
		return guard{check: digits}
	case "regex", "regexall":
		return guard{check: func(args []cty.Value) error { return l.match(text(args[0]), len(text(args[1]))) }}
	case "replace":
		return guard{check: l.replace}
	case "setproduct":
		return guard{check: l.product}
	case "split":
		return guard{check: l.split}
	case "rsadecrypt":
		return guard{check: func([]cty.Value) error { l.charge(decryption); return nil }}
	case "trim":
		return guard{check: l.trim}
	case "yamldecode":
		return guard{check: l.yaml}
	}
	return guard{}
}

// text returns the text of a known string and "" for all else.
func text(v cty.Value) string {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}

// length returns the number of elements of a known collection and 0 for all else.
func length(v cty.Value) int {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.CanIterateElements() {
		return 0
	}
	return v.LengthInt()
}

// atMost reports whether the product of counts stays within most; none may be negative.
func atMost(most int, counts ...int) bool {
	p := 1
	for _, n := range counts {
		if n == 0 {
			return true
		}
		if p > most/n {
			return false
		}
		p *= n
	}
	return true
}

func (l limits) csv(args []cty.Value) error {
	s := text(args[0])
	if strings.Count(s, ",")+strings.Count(s, "\n") > l.elements {
		return tooMany(l.elements)
	}
	return nil
}

// format adds up widths and precisions, and refuses a few arguments that are repeated very often.
func (l limits) format(args []cty.Value) error {
	f := text(args[0])
	padding, verbs := 0, 0
	for i := 0; i < len(f); i++ {
		if f[i] != '%' {
			continue
		}
		verbs++
		n := 0
		for i++; i < len(f) && strings.IndexByte("0123456789.[]+-# ", f[i]) >= 0; i++ {
			if f[i] < '0' || f[i] > '9' {
				padding, n = padding+n, 0
			} else if n = 10*n + int(f[i]-'0'); n > l.bytes {
				return tooLong(l.bytes)
			}
		}
		padding += n
	}
	rows, bytes := 1, 0
	for _, arg := range args[1:] {
		rows = max(rows, length(arg))
		w := weight{elements: l.elements, bytes: 16 * l.bytes}
		if err := w.take(arg, 0); err != nil {
			return err
		}
		bytes = max(bytes, 16*l.bytes-w.bytes+16*(l.elements-w.elements))
	}
	if padding > l.bytes || !atMost(16*l.bytes, rows, padding+len(f)) || !atMost(16*l.bytes, verbs, bytes) {
		return tooLong(l.bytes)
	}
	return nil
}

func (l limits) indent(args []cty.Value) error {
	n, _ := args[0].Unmark()
	if n.IsNull() || !n.IsKnown() {
		return nil
	}
	spaces, _ := n.AsBigFloat().Int64()
	if s := text(args[1]); spaces > int64(l.bytes) || spaces > 0 && !atMost(l.bytes, int(spaces), 1+strings.Count(s, "\n")) {
		return tooLong(l.bytes)
	}
	return nil
}

func (l limits) join(args []cty.Value) error {
	count := 0
	for _, list := range args[1:] {
		count += length(list)
	}
	if !atMost(l.bytes, len(text(args[0])), count) {
		return tooLong(l.bytes)
	}
	return nil
}

func digits(args []cty.Value) error {
	if len(text(args[0])) > maxDigits {
		return fmt.Errorf("number of more than %d digits", maxDigits)
	}
	return nil
}

// match refuses patterns whose matching against n bytes takes too long. Matching time is linear in both.
func (l limits) match(pattern string, n int) error {
	if len(pattern) > maxPattern {
		return fmt.Errorf("pattern of more than %d bytes", maxPattern)
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil // the function itself says what is wrong with it
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil
	}
	if !atMost(maxMatching, len(prog.Inst), n+1) || !atMost(20*l.elements, re.MaxCap()+1, n+1) && n > l.elements {
		return errors.New("pattern and text are too large to be matched")
	}
	l.charge(10*len(prog.Inst) + len(prog.Inst)*(n+1)/matchesPerStep)
	return nil
}

// trim looks every character up in the other text, which takes a search when that is not plain ASCII.
func (l limits) trim(args []cty.Value) error {
	s, set := text(args[0]), text(args[1])
	if !atMost(maxMatching, len(s)+1, len(set)+1) {
		return errors.New("texts are too large to be trimmed")
	}
	l.charge(len(s) * len(set) / (4 * matchesPerStep))
	return nil
}

func (l limits) replace(args []cty.Value) error {
	s, sub, with := text(args[0]), text(args[1]), text(args[2])
	if pattern, ok := slashed(sub); ok {
		return l.match(pattern, len(s))
	}
	if len(with) > len(sub) && !atMost(l.bytes, strings.Count(s, sub), len(with)) {
		return tooLong(l.bytes)
	}
	return nil
}

func (l limits) product(args []cty.Value) error {
	counts := []int{len(args)}
	for _, set := range args {
		counts = append(counts, length(set))
	}
	for _, n := range counts {
		if n == 0 {
			return nil
		}
	}
	if !atMost(l.elements, counts...) {
		return tooMany(l.elements)
	}
	return nil
}

func (l limits) split(args []cty.Value) error {
	if strings.Count(text(args[1]), text(args[0])) > l.elements {
		return tooMany(l.elements)
	}
	return nil
}
