package azure

import (
	"cmp"
	"errors"
	"math"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/value"
)

var errBool = errors.New("wants true or false")

// and answers false as soon as one argument is, whatever is unknown.
func and(args []value.Value) (value.Value, error) { return connect("and", args, false) }

// or answers true as soon as one argument is, whatever is unknown.
func or(args []value.Value) (value.Value, error) { return connect("or", args, true) }

// connect answers decides when one of the arguments is that, and otherwise the opposite when all are known.
func connect(name string, args []value.Value, decides bool) (value.Value, error) {
	unknown := false
	for i := range args {
		switch v := truth(&args[i]); {
		case v.Kind == value.Bool && v.Bool == decides:
			return boolean(decides), nil
		case v.Kind == value.Unknown:
			unknown = true
		case v.Kind != value.Bool:
			return value.Value{}, errBool
		}
	}
	if unknown {
		return symbol(name, "", args...), nil
	}
	return boolean(!decides), nil
}

// truth reads a text that says true or false as the truth value it stands for, as Azure does.
func truth(v *value.Value) *value.Value {
	if v.Kind == value.String {
		if strings.EqualFold(v.Text, "true") || strings.EqualFold(v.Text, "false") {
			b := boolean(strings.EqualFold(v.Text, "true"))
			return &b
		}
	}
	return v
}

func not(_ functions, args []value.Value) (value.Value, error) {
	v := truth(&args[0])
	if v.Kind != value.Bool {
		return value.Value{}, errBool
	}
	return boolean(!v.Bool), nil
}

func toBool(_ functions, args []value.Value) (value.Value, error) {
	switch v := truth(&args[0]); {
	case v.Kind == value.Bool:
		return *v, nil
	case v.Kind == value.Number:
		return boolean(v.Number != 0), nil
	case v.Kind == value.String && (v.Text == "1" || v.Text == "0"):
		return boolean(v.Text == "1"), nil
	}
	return value.Value{}, errBool
}

// equals compares; with fold, texts whatever their case (as ~ does in Bicep).
func equals(a, b *value.Value, fold bool) value.Value {
	switch same(a, b, fold) {
	case 1:
		return boolean(true)
	case 0:
		return boolean(false)
	}
	name := "equals"
	if fold {
		name = "equalsIgnoreCase"
	}
	return symbol(name, "", *a, *b)
}

// same returns 1 when two values are the same, 0 when they differ and -1 when that is not known.
func same(a, b *value.Value, fold bool) int {
	if a.Kind == value.Unknown || b.Kind == value.Unknown {
		return sameUnknown(a, b, fold)
	}
	if a.Kind == value.Absent {
		a = &value.Value{Kind: value.Null}
	}
	if b.Kind == value.Absent {
		b = &value.Value{Kind: value.Null}
	}
	if a.Kind != b.Kind {
		return 0
	}
	decided := 1
	switch a.Kind {
	case value.Bool:
		return number(a.Bool == b.Bool)
	case value.Number:
		return number(a.Number == b.Number && (a.Text == "" || b.Text == "" || a.Text == b.Text))
	case value.String:
		return number(a.Text == b.Text || fold && strings.EqualFold(a.Text, b.Text))
	case value.List:
		if a.Open || b.Open {
			return -1
		}
		if len(a.Items) != len(b.Items) {
			return 0
		}
		for i := range a.Items {
			if a.Items[i].Maybe || b.Items[i].Maybe {
				return -1
			}
			decided = weaker(decided, same(&a.Items[i], &b.Items[i], fold))
		}
	case value.Object:
		if a.Open || b.Open {
			return -1
		}
		if len(a.Fields) != len(b.Fields) {
			return 0
		}
		for i := range a.Fields {
			if a.Fields[i].Name != b.Fields[i].Name {
				return 0
			}
			decided = weaker(decided, same(&a.Fields[i].Value, &b.Fields[i].Value, fold))
		}
	}
	return decided
}

// weaker joins two answers: a difference anywhere decides.
func weaker(a, b int) int {
	switch {
	case a == 0 || b == 0:
		return 0
	case a < 0 || b < 0:
		return -1
	}
	return 1
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func sameUnknown(a, b *value.Value, fold bool) int {
	known := func(v *value.Value) bool { return v.Kind != value.Unknown }
	if known(a) {
		a, b = b, a
	}
	if known(b) {
		if !b.IsSet() {
			if a.NotNull || a.Text != "" {
				return 0
			}
			return -1
		}
		if b.Kind != value.String {
			if a.Text != "" {
				return 0
			}
			return -1
		}
	}
	if x, ok := key(a); ok {
		if y, ok := key(b); ok && (x == y || fold && strings.EqualFold(x, y)) {
			return 1
		}
	}
	lower := func(s string) string { return s }
	if fold {
		lower = strings.ToLower
	}
	other, otherEnd := b.Text, b.Ending
	if known(b) {
		otherEnd = b.Text
		if len(b.Text) < len(a.Text)+len(a.Ending) {
			return 0
		}
	}
	if !overlap(lower(a.Text), lower(other), strings.HasPrefix) || !overlap(lower(a.Ending), lower(otherEnd), strings.HasSuffix) {
		return 0
	}
	return -1
}

// overlap reports whether one of two beginnings (or endings) could be that of the other.
func overlap(a, b string, has func(string, string) bool) bool { return has(a, b) || has(b, a) }

func compared(holds func(int) bool) func(functions, []value.Value) (value.Value, error) {
	return func(_ functions, a []value.Value) (value.Value, error) {
		switch {
		case a[0].Kind == value.Number && a[1].Kind == value.Number:
			return boolean(holds(cmp.Compare(a[0].Number, a[1].Number))), nil
		case a[0].Kind == value.String && a[1].Kind == value.String:
			return boolean(holds(strings.Compare(a[0].Text, a[1].Text))), nil
		}
		return value.Value{}, errors.New("wants two numbers or two texts")
	}
}

// coalesce returns the first argument that is not null, as far as that is known.
func coalesce(_ functions, args []value.Value) (value.Value, error) {
	for i := range args {
		switch {
		case args[i].Kind == value.Unknown && !args[i].NotNull:
			if rest := args[i:]; len(rest) > 1 {
				return symbol("coalesce", "", rest...), nil
			}
			return args[i], nil
		case args[i].IsSet():
			return args[i], nil
		}
	}
	return null(), nil
}

// either returns what a condition chooses. Of two values between which nobody can choose yet, it keeps what they share.
func either(condition, yes, no value.Value) (value.Value, error) {
	c := truth(&condition)
	switch {
	case c.Kind == value.Bool && c.Bool:
		return yes, nil
	case c.Kind == value.Bool:
		return no, nil
	case c.Kind != value.Unknown:
		return value.Value{}, errBool
	}
	if yes.Equal(&no) && yes.Kind != value.Unknown || yes.Kind == value.Unknown && same(&yes, &no, false) == 1 {
		return yes, nil
	}
	if yes.Kind == value.Object && no.Kind == value.Object {
		return eitherObject(condition, &yes, &no), nil
	}
	v := symbol(symbolEither, "", condition, yes, no)
	v.NotNull = certain(&yes) && certain(&no)
	v.Given = yes.Given || no.Given
	if start := common(&yes, &no); start != "" {
		v = joined(text(start), v)
	}
	return v, nil
}

// certain reports whether a value will not be null.
func certain(v *value.Value) bool {
	return v.IsSet() && (v.Kind != value.Unknown || v.NotNull || v.Text != "")
}

// common returns the text that both values begin with, short of the whole of either.
func common(a, b *value.Value) string {
	textual := func(v *value.Value) bool { return v.Kind == value.String || v.Kind == value.Unknown }
	if !textual(a) || !textual(b) {
		return ""
	}
	n := 0
	for n < len(a.Text) && n < len(b.Text) && a.Text[n] == b.Text[n] {
		n++
	}
	return strings.ToValidUTF8(a.Text[:n], "")
}

// eitherObject chooses member by member. A member that only one of the two has may be there or not.
func eitherObject(condition value.Value, yes, no *value.Value) value.Value {
	var fields []value.Field
	for i := range yes.Fields {
		f := yes.Fields[i]
		other := *no.Field(f.Name)
		if other.Kind == value.Absent {
			other = null()
		}
		f.Value = chosen(condition, f.Value, other)
		fields = append(fields, f)
	}
	for i := range no.Fields {
		if f := no.Fields[i]; yes.Field(f.Name).Kind == value.Absent {
			f.Value = chosen(condition, null(), f.Value)
			fields = append(fields, f)
		}
	}
	v := object(fields)
	v.Open = yes.Open || no.Open
	v.Range = yes.Range
	return v
}

func chosen(condition, yes, no value.Value) value.Value {
	v, err := either(condition, yes, no)
	if err != nil { // the condition is unknown, and that is no error
		return value.Value{Kind: value.Unknown}
	}
	if v.Range = yes.Range; v.Range.IsZero() {
		v.Range = no.Range
	}
	return v
}

// integer reads a whole number.
func integer(v *value.Value) (int64, bool) {
	if v.Kind != value.Number {
		return 0, false
	}
	if v.Text != "" {
		n, err := strconv.ParseInt(v.Text, 10, 64)
		return n, err == nil
	}
	if v.Number != math.Trunc(v.Number) || math.Abs(v.Number) > 1<<53 {
		return 0, false
	}
	return int64(v.Number), true
}

// whole makes a Number.
func whole(n int64) value.Value {
	v := value.Value{Kind: value.Number, Number: float64(n)}
	if n > 1<<53 || n < -1<<53 {
		v.Text = strconv.FormatInt(n, 10)
	}
	return v
}

func arithmetic(do func(a, b int64) (int64, error)) func(functions, []value.Value) (value.Value, error) {
	return func(_ functions, args []value.Value) (value.Value, error) {
		a, ok := integer(&args[0])
		b, also := integer(&args[1])
		if !ok || !also {
			return value.Value{}, errNumber
		}
		n, err := do(a, b)
		return whole(n), err
	}
}

var errZero = errors.New("divides by zero")

func divide(a, b int64) (int64, error) {
	if b == 0 {
		return 0, errZero
	}
	return a / b, nil
}

func remainder(a, b int64) (int64, error) {
	if b == 0 {
		return 0, errZero
	}
	return a % b, nil
}

func toInt(_ functions, args []value.Value) (value.Value, error) {
	switch v := args[0]; v.Kind {
	case value.Number:
		if v.Text == "" {
			return whole(int64(v.Number)), nil
		}
		return v, nil
	case value.String:
		n, err := strconv.ParseInt(strings.TrimSpace(v.Text), 10, 64)
		if err != nil {
			return value.Value{}, errors.New("cannot read " + strconv.Quote(v.Text) + " as a whole number")
		}
		return whole(n), nil
	}
	return value.Value{}, errNumber
}

func toFloat(_ functions, args []value.Value) (value.Value, error) {
	switch v := args[0]; v.Kind {
	case value.Number:
		return v, nil
	case value.String:
		if n, err := strconv.ParseFloat(strings.TrimSpace(v.Text), 64); err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
			return value.Value{Kind: value.Number, Number: n}, nil
		}
	}
	return value.Value{}, errors.New("wants a number")
}

func extreme(name string, better func(a, b int64) bool) func(functions, []value.Value) (value.Value, error) {
	return func(_ functions, args []value.Value) (value.Value, error) {
		if len(args) == 1 && args[0].Kind == value.List {
			if args[0].Open || len(args[0].Items) == 0 {
				return symbol(name, "", args...), nil
			}
			args = args[0].Items
		}
		best := args[0]
		for i := range args {
			n, ok := integer(&args[i])
			if !ok {
				if args[i].Kind == value.Unknown {
					return symbol(name, "", args...), nil
				}
				return value.Value{}, errNumber
			}
			if b, _ := integer(&best); i > 0 && better(n, b) {
				best = args[i]
			}
		}
		return best, nil
	}
}
