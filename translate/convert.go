package translate

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// conversion makes Terraform's value of a native one, and back.
type conversion struct {
	// to gets what was written: never an absent value, often an unknown one.
	to func(v value.Value) value.Value
	// back gets a wholly known value and the native value that it replaces; nil when there is no way back. An absent value
	// means that nothing shall be written.
	back func(v value.Value, was *value.Value) (value.Value, error)
}

var errNoWayBack = errors.New("it is derived from other properties")

// conversions reads the conversions of a row.
func conversions(sources []schema.Conversion) ([]conversion, error) {
	var out []conversion
	for _, s := range sources {
		c, err := conversionOf(s)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func conversionOf(s schema.Conversion) (conversion, error) {
	need := map[string]int{"not": 0, "json": 0, "wrap": 0, "unwrap": 0, "lower": 0, "upper": 0, "present": 0, "base64": 0,
		"pairs": 2, "under": 1, "has": 1, "split": 1, "join": 1, "times": 1, "hook": 1, "after": 1}
	if n, ok := need[s.Name]; ok && len(s.Words) != n {
		return conversion{}, fmt.Errorf("%s takes %d words", s.Name, n)
	}
	switch s.Name {
	case "enum":
		return enum(s.Words)
	case "not":
		return conversion{to: not, back: func(v value.Value, _ *value.Value) (value.Value, error) {
			if v = not(v); v.Kind != value.Bool {
				return v, errors.New("it is not a boolean")
			}
			return v, nil
		}}, nil
	case "pairs":
		return pairs(s.Words[0], s.Words[1]), nil
	case "has":
		return has(s.Words[0]), nil
	case "after":
		return after(s.Words[0]), nil
	case "under":
		return conversion{
			to: func(v value.Value) value.Value {
				out := value.Value{Kind: value.Object, Range: v.Range, Maybe: v.Maybe}
				set(&out, s.Words[0], v)
				return out
			},
			back: func(v value.Value, _ *value.Value) (value.Value, error) {
				if len(v.Fields) != 1 || v.Fields[0].Name != s.Words[0] {
					return v, fmt.Errorf("there is room for %s and nothing else", s.Words[0])
				}
				return v.Fields[0].Value, nil
			},
		}, nil
	case "json":
		return conversion{to: toJSON, back: fromJSON}, nil
	case "camel":
		return conversion{
			to: func(v value.Value) value.Value { return recase(v, strings.ToLower, s.Words) },
			back: func(v value.Value, _ *value.Value) (value.Value, error) {
				return recase(v, strings.ToUpper, s.Words), nil
			},
		}, nil
	case "wrap":
		return conversion{to: wrap, back: unwrapBack}, nil
	case "unwrap":
		return conversion{to: unwrap, back: func(v value.Value, _ *value.Value) (value.Value, error) { return wrap(v), nil }}, nil
	case "split":
		return conversion{
			to:   func(v value.Value) value.Value { return splitText(v, s.Words[0]) },
			back: func(v value.Value, _ *value.Value) (value.Value, error) { return joinText(v, s.Words[0]), nil },
		}, nil
	case "join":
		return conversion{
			to:   func(v value.Value) value.Value { return joinText(v, s.Words[0]) },
			back: func(v value.Value, _ *value.Value) (value.Value, error) { return splitText(v, s.Words[0]), nil },
		}, nil
	case "lower", "upper":
		change := strings.ToLower
		if s.Name == "upper" {
			change = strings.ToUpper
		}
		return conversion{to: func(v value.Value) value.Value {
			return each(v, func(v value.Value) value.Value { return cased(v, change) })
		}, back: same}, nil
	case "times":
		factor, err := strconv.ParseFloat(s.Words[0], 64)
		if err != nil || factor == 0 {
			return conversion{}, fmt.Errorf("times %s: not a factor", s.Words[0])
		}
		return times(factor), nil
	case "present":
		return conversion{to: present, back: func(v value.Value, _ *value.Value) (value.Value, error) {
			if v.Kind == value.Bool && !v.Bool {
				return value.Value{}, nil
			}
			return v, errNoWayBack
		}}, nil
	case "base64":
		return conversion{to: toBase64, back: func(v value.Value, _ *value.Value) (value.Value, error) {
			text, err := base64.StdEncoding.DecodeString(v.Text)
			return value.Value{Kind: value.String, Text: string(text)}, err
		}}, nil
	case "hook":
		c, ok := converters[s.Words[0]]
		if !ok {
			return conversion{}, fmt.Errorf("there is no hook %s for values", s.Words[0])
		}
		return c, nil
	}
	return conversion{}, fmt.Errorf("there is no conversion %q", s.Name)
}

func same(v value.Value, _ *value.Value) (value.Value, error) { return v, nil }

// unknown is what a value becomes that cannot be told, at the same place.
func unknown(of value.Value) value.Value {
	return scalar(of, value.Value{Kind: value.Unknown, NotNull: of.Kind != value.Unknown || of.NotNull})
}

// after is the text behind a beginning; nothing for texts that begin otherwise.
func after(beginning string) conversion {
	return conversion{
		to: func(v value.Value) value.Value {
			return each(v, func(v value.Value) value.Value {
				if v.Kind != value.String {
					return unknown(v)
				}
				if len(v.Text) < len(beginning) || !strings.EqualFold(v.Text[:len(beginning)], beginning) {
					return value.Value{}
				}
				v.Text = v.Text[len(beginning):]
				return v
			})
		},
		back: func(v value.Value, _ *value.Value) (value.Value, error) {
			if v.Kind != value.String {
				return v, errors.New("it is no text")
			}
			v.Text = beginning + v.Text
			return v, nil
		},
	}
}

// each applies a change to a value, or to every element of a list.
func each(v value.Value, change func(value.Value) value.Value) value.Value {
	if v.Kind != value.List {
		return change(v)
	}
	v.Items = fitItems(v.Items, change)
	return v
}

// word writes a scalar as the text that tables have for it.
func word(v *value.Value) (string, bool) {
	switch v.Kind {
	case value.String:
		return v.Text, true
	case value.Bool:
		return strconv.FormatBool(v.Bool), true
	case value.Number:
		return v.Digits(), true
	}
	return "", false
}

func enum(words []string) (conversion, error) {
	if len(words) == 0 {
		return conversion{}, errors.New("enum takes pairs: A=a B=b")
	}
	var from, to []string
	for _, w := range words {
		f, t, ok := strings.Cut(w, "=")
		if !ok {
			return conversion{}, fmt.Errorf("%q is no pair: A=a", w)
		}
		from, to = append(from, f), append(to, t)
	}
	translate := func(v value.Value, from, to []string, ignoreCase bool) value.Value {
		text, ok := word(&v)
		if !ok {
			if v.Kind == value.Unknown {
				return unknown(v)
			}
			return v
		}
		i := slices.Index(from, text)
		if i < 0 && ignoreCase {
			i = slices.IndexFunc(from, func(f string) bool { return strings.EqualFold(f, text) })
		}
		if i < 0 {
			return v
		}
		switch to[i] {
		case "true", "false":
			return scalar(v, value.Value{Kind: value.Bool, Bool: to[i] == "true"})
		}
		return scalar(v, value.Value{Kind: value.String, Text: to[i]})
	}
	return conversion{
		to: func(v value.Value) value.Value {
			return each(v, func(v value.Value) value.Value { return translate(v, from, to, true) })
		},
		back: func(v value.Value, _ *value.Value) (value.Value, error) {
			return each(v, func(v value.Value) value.Value { return translate(v, to, from, false) }), nil
		},
	}, nil
}

func not(v value.Value) value.Value {
	if v.Kind == value.String {
		if b, ok := truth(v.Text); ok {
			v = scalar(v, value.Value{Kind: value.Bool, Bool: b})
		}
	}
	if v.Kind != value.Bool {
		return unknown(v)
	}
	v.Bool = !v.Bool
	return v
}

// sortFields sorts the members of an object that was made; of those with one name, the last stays.
func sortFields(o *value.Value) {
	slices.SortStableFunc(o.Fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
	out := o.Fields[:0]
	for i, f := range o.Fields {
		if i+1 == len(o.Fields) || o.Fields[i+1].Name != f.Name {
			out = append(out, f)
		}
	}
	o.Fields = out
}

// set puts a member into an object that is being made.
func set(o *value.Value, name string, v value.Value) {
	if i, found := find(o.Fields, name); found {
		o.Fields[i].Value = v
	} else {
		o.Fields = slices.Insert(o.Fields, i, value.Field{Name: name, Value: v})
	}
}

// recase changes the case of the first letter of all members' names at every depth, but for what is in the members whose
// keys are the user's.
func recase(v value.Value, change func(string) string, keep []string) value.Value {
	v.Items = fitItems(v.Items, func(item value.Value) value.Value { return recase(item, change, keep) })
	if v.Kind != value.Object {
		return v
	}
	fields := v.Fields
	v.Fields = nil
	for _, f := range fields {
		name := f.Name
		if name != "" {
			name = change(name[:1]) + name[1:]
		}
		if !slices.ContainsFunc(keep, func(k string) bool { return strings.EqualFold(k, name) }) {
			f.Value = recase(f.Value, change, keep)
		}
		v.Fields = append(v.Fields, value.Field{Name: name, Value: f.Value})
	}
	sortFields(&v)
	return v
}

func wrap(v value.Value) value.Value {
	if v.Kind == value.List {
		return v
	}
	return listOf(v)
}

func unwrapBack(v value.Value, _ *value.Value) (value.Value, error) {
	if v.Kind != value.List {
		return v, nil
	}
	if len(v.Items) != 1 {
		return v, fmt.Errorf("it takes one element, not %d", len(v.Items))
	}
	return v.Items[0], nil
}

func unwrap(v value.Value) value.Value {
	if v.Kind != value.List {
		return v
	}
	return only(v)
}

func splitText(v value.Value, sep string) value.Value {
	switch v.Kind {
	case value.Unknown:
		return unknown(v)
	case value.String:
	default:
		return v
	}
	out := value.Value{Kind: value.List, Range: v.Range, Sensitive: v.Sensitive}
	for part := range strings.SplitSeq(v.Text, sep) {
		if part = strings.TrimSpace(part); part != "" {
			out.Items = append(out.Items, scalar(v, value.Value{Kind: value.String, Text: part}))
		}
	}
	return out
}

func joinText(v value.Value, sep string) value.Value {
	if v.Kind != value.List {
		return v
	}
	var parts []string
	sensitive, given := v.Sensitive, v.Given
	for i := range v.Items {
		text, ok := word(&v.Items[i])
		sensitive, given = sensitive || v.Items[i].Sensitive, given || v.Items[i].Given
		if !ok || v.Items[i].Maybe {
			return value.Value{Kind: value.Unknown, NotNull: true, Range: v.Range, Sensitive: sensitive, Given: given}
		}
		parts = append(parts, text)
	}
	if v.Open {
		return unknown(v)
	}
	return value.Value{Kind: value.String, Text: strings.Join(parts, sep), Range: v.Range, Sensitive: sensitive, Given: given}
}

func cased(v value.Value, change func(string) string) value.Value {
	switch v.Kind {
	case value.String, value.Unknown:
		v.Text, v.Ending = change(v.Text), change(v.Ending)
	}
	return v
}

func times(factor float64) conversion {
	return conversion{
		to: func(v value.Value) value.Value {
			if v.Kind == value.String {
				if n, ok := number(v.Text); ok {
					v = scalar(v, n)
				}
			}
			if v.Kind != value.Number {
				return unknown(v)
			}
			return scalar(v, value.Value{Kind: value.Number, Number: v.Number * factor})
		},
		back: func(v value.Value, _ *value.Value) (value.Value, error) {
			if v.Kind != value.Number {
				return v, errors.New("it is not a number")
			}
			return scalar(v, value.Value{Kind: value.Number, Number: v.Number / factor}), nil
		},
	}
}

// has makes a boolean of a list of texts: whether a word is among them.
func has(what string) conversion {
	is := func(item *value.Value) bool {
		text, ok := word(item)
		return ok && text == what
	}
	return conversion{
		to: func(v value.Value) value.Value {
			v = wrap(v)
			out := scalar(v, value.Value{Kind: value.Bool})
			sure := !v.Open
			for i := range v.Items {
				item := &v.Items[i]
				if is(item) && !item.Maybe {
					out.Bool = true
					return out
				}
				sure = sure && item.Kind != value.Unknown && !is(item)
			}
			if !sure {
				return unknown(v)
			}
			return out
		},
		back: func(v value.Value, was *value.Value) (value.Value, error) {
			if v.Kind != value.Bool {
				return v, errors.New("it is not a boolean")
			}
			if was.Kind == value.Unknown || was.Open {
				return v, errors.New("what is in the list now is not known")
			}
			list := value.Value{Kind: value.List}
			if was.IsSet() {
				list.Items = slices.DeleteFunc(slices.Clone(wrap(*was).Items), func(item value.Value) bool { return is(&item) })
			}
			if v.Bool {
				list.Items = append(list.Items, value.Value{Kind: value.String, Text: what})
			}
			return list, nil
		},
	}
}

func present(v value.Value) value.Value {
	if v.Kind == value.Unknown && !v.NotNull {
		return unknown(v)
	}
	return scalar(v, value.Value{Kind: value.Bool, Bool: true})
}

func toBase64(v value.Value) value.Value {
	if v.Kind != value.String {
		return unknown(v)
	}
	return scalar(v, value.Value{Kind: value.String, Text: base64.StdEncoding.EncodeToString([]byte(v.Text))})
}
