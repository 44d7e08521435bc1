package azure

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"plumbline.dev/plumbline/value"
)

// ofText makes a function of one text.
func ofText(do func(string) (value.Value, error)) func(functions, []value.Value) (value.Value, error) {
	return func(_ functions, args []value.Value) (value.Value, error) {
		if args[0].Kind != value.String {
			return value.Value{}, errText
		}
		return do(args[0].Text)
	}
}

// mapped makes a function that changes every sign of a text by itself: what is known of it stays known.
func mapped(name string, do func(string) string) func(functions, []value.Value) (value.Value, error) {
	return func(_ functions, args []value.Value) (value.Value, error) {
		switch v := &args[0]; v.Kind {
		case value.String:
			return text(do(v.Text)), nil
		case value.Unknown:
			var out []value.Value
			for _, p := range pieces(v) {
				if p.Kind == value.String {
					out = append(out, text(do(p.Text)))
				} else if p.Text == name && p.Ending == "" { // twice is once
					out = append(out, value.Value{Kind: value.Unknown, Items: []value.Value{p}})
				} else {
					out = append(out, symbol(name, "", value.Value{Kind: value.Unknown, Items: []value.Value{p}}))
				}
			}
			return joined(out...), nil
		}
		return value.Value{}, errText
	}
}

// concat joins texts, or lists. What it joins is known by the first argument of which it is known.
func concat(f functions, args []value.Value) (value.Value, error) {
	lists, open := false, false
	for i := range args {
		lists = lists || args[i].Kind == value.List
		open = open || args[i].Kind == value.Unknown
	}
	if !lists {
		for i := range args {
			if a := &args[i]; a.Kind != value.Unknown && !scalar(a) {
				return value.Value{}, errors.New("wants texts or lists")
			}
		}
		if len(args) == 1 && open {
			return args[0], nil
		}
		return joined(args...), nil
	}
	out := list()
	for i := range args {
		switch args[i].Kind {
		case value.List:
			if len(out.Items)+len(args[i].Items) > f.limits.Instances*8 {
				return value.Value{}, errors.New("makes too long a list")
			}
			out.Items = append(out.Items, args[i].Items...)
			out.Open = out.Open || args[i].Open
		case value.Unknown:
			out.Open = true
			out.Items = append(out.Items, several(symbol("element", "", args[i])))
		default:
			return value.Value{}, errors.New("wants texts or lists")
		}
	}
	return out, nil
}

// several marks an element as standing for any number of them.
func several(v value.Value) value.Value {
	v.Maybe = true
	return v
}

// format fills the places of a text in .NET's manner: {0}, {1,10}, {2:D3}; {{ and }} are brackets.
func format(_ functions, args []value.Value) (value.Value, error) {
	if args[0].Kind == value.Unknown {
		return symbol("format", "", args...), nil
	}
	if args[0].Kind != value.String {
		return value.Value{}, errText
	}
	var out []value.Value
	pattern := args[0].Text
	var plain strings.Builder
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if (c == '{' || c == '}') && i+1 < len(pattern) && pattern[i+1] == c {
			plain.WriteByte(c)
			i++
			continue
		}
		if c == '}' {
			return value.Value{}, errors.New("has a bracket in its pattern that nothing opens")
		}
		if c != '{' {
			plain.WriteByte(c)
			continue
		}
		end := strings.IndexByte(pattern[i:], '}')
		if end < 0 {
			return value.Value{}, errors.New("has a bracket in its pattern that nothing closes")
		}
		place := pattern[i+1 : i+end]
		i += end
		number, how, specific := strings.Cut(place, ":")
		number, width, padded := strings.Cut(number, ",")
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || n < 0 || n+1 >= len(args) {
			return value.Value{}, fmt.Errorf("has no value for {%s}", place)
		}
		out = append(out, text(plain.String()))
		plain.Reset()
		arg := args[n+1]
		if specific || padded {
			arg = formatted(arg, strings.TrimSpace(width), how)
		} else if arg.Kind == value.Object || arg.Kind == value.List {
			arg = jsonText(&arg)
		}
		out = append(out, arg)
	}
	return joined(append(out, text(plain.String()))...), nil
}

// formatted writes a number with digits or width; other formats are the cloud's.
func formatted(v value.Value, width, how string) value.Value {
	s := textOf(&v)
	if how != "" {
		n, ok := integer(&v)
		digits, err := strconv.Atoi(how[1:])
		if !ok || err != nil || digits > 99 || strings.ToUpper(how[:1]) != "D" {
			return symbol("format", "", text("{0:"+how+"}"), v)
		}
		s = fmt.Sprintf("%0*d", digits, n)
	}
	w, err := strconv.Atoi(width)
	switch {
	case v.Kind == value.Unknown || width != "" && (err != nil || w > 1000 || w < -1000):
		return symbol("format", "", text("{0,"+width+"}"), v)
	case width != "":
		s = fmt.Sprintf("%*s", w, s)
	}
	return text(s)
}

func toText(_ functions, args []value.Value) (value.Value, error) {
	switch v := &args[0]; v.Kind {
	case value.String:
		return *v, nil
	case value.Unknown:
		if v.Text != "" {
			return *v, nil
		}
		return symbol("string", "", *v), nil
	case value.List, value.Object:
		return jsonText(v), nil
	default:
		return text(textOf(v)), nil
	}
}

// jsonText writes a list or object as the JSON text that Azure makes of it.
func jsonText(v *value.Value) value.Value {
	if !v.IsWhollyKnown() {
		document := settle(*v)
		out := symbol("string", "", *v)
		out.NotNull, out.Document = true, &document
		return out
	}
	return text(string(v.AppendJSON(nil, false)))
}

// substring cuts out signs; of a text of which only the beginning is known, as far as that goes.
func substring(_ functions, args []value.Value) (value.Value, error) {
	start, ok := integer(&args[1])
	count, limited := int64(0), len(args) == 3
	if limited {
		var known bool
		count, known = integer(&args[2])
		ok = ok && known
	}
	v := &args[0]
	if args[1].Kind == value.Unknown || limited && args[2].Kind == value.Unknown {
		return symbol("substring", "", args...), nil
	}
	if !ok || start < 0 || count < 0 {
		return value.Value{}, errNumber
	}
	signs := []rune(v.Text)
	switch {
	case v.Kind == value.Unknown:
		if limited && start+count <= int64(len(signs)) {
			return text(string(signs[start : start+count])), nil
		}
		cut := symbol("substring", "", args...)
		if start < int64(len(signs)) {
			return joined(text(string(signs[start:])), cut), nil
		}
		return cut, nil
	case v.Kind != value.String:
		return value.Value{}, errText
	case start > int64(len(signs)) || start+count > int64(len(signs)):
		return value.Value{}, errors.New("leaves the text")
	case limited:
		return text(string(signs[start : start+count])), nil
	}
	return text(string(signs[start:])), nil
}

func replace(f functions, args []value.Value) (value.Value, error) {
	old, with := &args[1], &args[2]
	if old.Kind != value.String || args[0].Kind == value.Unknown && with.Kind != value.String {
		if old.Kind == value.Unknown || with.Kind == value.Unknown {
			return symbol("replace", "", args...), nil
		}
		return value.Value{}, errText
	}
	if old.Text == "" {
		return args[0], nil
	}
	switch v := &args[0]; v.Kind {
	case value.String:
		if n := strings.Count(v.Text, old.Text); with.Kind == value.Unknown && n > 0 {
			var out []value.Value
			for i, part := range strings.Split(v.Text, old.Text) {
				if i > 0 {
					out = append(out, *with)
				}
				out = append(out, text(part))
			}
			return joined(out...), nil
		} else if len(v.Text)+n*len(with.Text) > f.limits.ValueBytes {
			return value.Value{}, errors.New("makes too long a text")
		}
		return text(strings.ReplaceAll(v.Text, old.Text, with.Text)), nil
	case value.Unknown:
		if utf8.RuneCountInString(old.Text) > 1 { // it could begin in what is known and end in what is not
			return symbol("replace", "", args...), nil
		}
		var out []value.Value
		for _, p := range pieces(v) {
			if p.Kind == value.String {
				out = append(out, text(strings.ReplaceAll(p.Text, old.Text, with.Text)))
			} else {
				out = append(out, symbol("replace", "", value.Value{Kind: value.Unknown, Items: []value.Value{p}}, *old, *with))
			}
		}
		return joined(out...), nil
	}
	return value.Value{}, errText
}

func split(_ functions, args []value.Value) (value.Value, error) {
	if args[0].Kind != value.String {
		return value.Value{}, errText
	}
	var by []string
	switch d := &args[1]; d.Kind {
	case value.String:
		by = []string{d.Text}
	case value.List:
		for i := range d.Items {
			if d.Items[i].Kind != value.String {
				return symbol("split", "", args...), nil
			}
			by = append(by, d.Items[i].Text)
		}
	default:
		return value.Value{}, errText
	}
	parts := []string{args[0].Text}
	for _, d := range by {
		if d == "" {
			continue
		}
		var next []string
		for _, p := range parts {
			next = append(next, strings.Split(p, d)...)
		}
		parts = next
	}
	out := list()
	for _, p := range parts {
		out.Items = append(out.Items, text(p))
	}
	return out, nil
}

func join(f functions, args []value.Value) (value.Value, error) {
	l, by := &args[0], &args[1]
	if l.Kind == value.Unknown || l.Open {
		return symbol("join", "", args...), nil
	}
	if l.Kind != value.List {
		return value.Value{}, errList
	}
	var out []value.Value
	size := 0
	for i := range l.Items {
		if l.Items[i].Maybe || l.Items[i].Kind == value.List || l.Items[i].Kind == value.Object {
			return symbol("join", "", args...), nil
		}
		if i > 0 {
			out = append(out, *by)
		}
		out = append(out, l.Items[i])
		if size += len(l.Items[i].Text) + len(by.Text); size > f.limits.ValueBytes {
			return value.Value{}, errors.New("makes too long a text")
		}
	}
	return joined(out...), nil
}

func startsWith(_ functions, args []value.Value) (value.Value, error) {
	v, start := &args[0], &args[1]
	known, want := strings.ToLower(v.Text), strings.ToLower(start.Text)
	switch {
	case start.Kind == value.Unknown || v.Kind == value.Unknown && start.Kind == value.String && strings.HasPrefix(want, known) && known != want:
		return symbol("startsWith", "", args...), nil
	case (v.Kind != value.String && v.Kind != value.Unknown) || start.Kind != value.String:
		return value.Value{}, errText
	}
	return boolean(strings.HasPrefix(known, want)), nil
}

func endsWith(_ functions, args []value.Value) (value.Value, error) {
	v, end := &args[0], &args[1]
	known := strings.ToLower(v.Text)
	if v.Kind == value.Unknown {
		known = strings.ToLower(v.Ending)
	}
	want := strings.ToLower(end.Text)
	switch {
	case end.Kind == value.Unknown || v.Kind == value.Unknown && end.Kind == value.String && strings.HasSuffix(want, known) && known != want:
		return symbol("endsWith", "", args...), nil
	case (v.Kind != value.String && v.Kind != value.Unknown) || end.Kind != value.String:
		return value.Value{}, errText
	}
	return boolean(strings.HasSuffix(known, want)), nil
}

func indexOf(_ functions, args []value.Value) (value.Value, error) {
	if args[0].Kind == value.List {
		for i := range args[0].Items {
			switch item := &args[0].Items[i]; {
			case item.Maybe || same(item, &args[1], false) < 0:
				return symbol("indexOf", "", args...), nil
			case same(item, &args[1], false) == 1:
				return whole(int64(i)), nil
			}
		}
		if args[0].Open {
			return symbol("indexOf", "", args...), nil
		}
		return whole(-1), nil
	}
	return index(args, strings.Index)
}

func lastIndexOf(_ functions, args []value.Value) (value.Value, error) {
	if args[0].Kind == value.List {
		if args[0].Open {
			return symbol("lastIndexOf", "", args...), nil
		}
		for i := len(args[0].Items) - 1; i >= 0; i-- {
			switch item := &args[0].Items[i]; {
			case item.Maybe || same(item, &args[1], false) < 0:
				return symbol("lastIndexOf", "", args...), nil
			case same(item, &args[1], false) == 1:
				return whole(int64(i)), nil
			}
		}
		return whole(-1), nil
	}
	return index(args, strings.LastIndex)
}

func index(args []value.Value, find func(string, string) int) (value.Value, error) {
	if args[0].Kind != value.String || args[1].Kind != value.String {
		return value.Value{}, errText
	}
	s := strings.ToLower(args[0].Text)
	at := find(s, strings.ToLower(args[1].Text))
	if at > 0 {
		at = utf8.RuneCountInString(s[:at])
	}
	return whole(int64(at)), nil
}

func padLeft(_ functions, args []value.Value) (value.Value, error) {
	if !scalar(&args[0]) {
		return value.Value{}, errText
	}
	n, ok := integer(&args[1])
	if !ok || n < 0 || n > 1<<16 {
		return value.Value{}, errNumber
	}
	with := " "
	if len(args) == 3 {
		if with = textOf(&args[2]); utf8.RuneCountInString(with) != 1 {
			return value.Value{}, errors.New("pads with one sign")
		}
	}
	s := textOf(&args[0])
	return text(strings.Repeat(with, max(0, int(n)-utf8.RuneCountInString(s))) + s), nil
}

func base64Encode(s string) (value.Value, error) {
	return text(base64.StdEncoding.EncodeToString([]byte(s))), nil
}

func base64Decode(s string) (value.Value, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || !utf8.Valid(b) {
		return value.Value{}, errors.New("cannot read its argument as base64")
	}
	return text(string(b)), nil
}

func base64JSON(s string) (value.Value, error) {
	v, err := base64Decode(s)
	if err != nil {
		return v, err
	}
	return decodeJSON(v.Text)
}

func dataURI(s string) (value.Value, error) {
	return text("data:text/plain;charset=utf8;base64," + base64.StdEncoding.EncodeToString([]byte(s))), nil
}

func dataURIText(s string) (value.Value, error) {
	head, body, ok := strings.Cut(strings.TrimPrefix(s, "data:"), ",")
	if !ok || !strings.HasPrefix(s, "data:") {
		return value.Value{}, errors.New("wants a data: address")
	}
	if strings.HasSuffix(head, ";base64") {
		return base64Decode(body)
	}
	return uriComponentText(body)
}

func uri(_ functions, args []value.Value) (value.Value, error) {
	if args[0].Kind != value.String || args[1].Kind != value.String {
		return value.Value{}, errText
	}
	base, err := url.Parse(args[0].Text)
	if err != nil {
		return value.Value{}, errors.New("wants an address")
	}
	to, err := base.Parse(args[1].Text)
	if err != nil {
		return value.Value{}, errors.New("wants an address")
	}
	return text(to.String()), nil
}

func uriComponent(s string) (value.Value, error) {
	return text(strings.ReplaceAll(url.QueryEscape(s), "+", "%20")), nil
}

func uriComponentText(s string) (value.Value, error) {
	out, err := url.PathUnescape(s)
	if err != nil || !utf8.ValidString(out) {
		return value.Value{}, errors.New("cannot read its argument as an escaped text")
	}
	return text(out), nil
}

// maxJSON is the deepest document that json() reads.
const maxJSON = 100

func decodeJSON(s string) (value.Value, error) {
	depth := 0
	for _, c := range s { // brackets within texts count too: that only errs on the safe side
		if c == '{' || c == '[' {
			depth++
		} else if c == '}' || c == ']' {
			depth--
		}
		if depth > maxJSON {
			return value.Value{}, errors.New("nests too deep")
		}
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var document any
	if err := d.Decode(&document); err != nil || d.More() {
		return value.Value{}, errors.New("cannot read its argument as JSON")
	}
	return fromJSON(document), nil
}

func fromJSON(d any) value.Value {
	switch d := d.(type) {
	case bool:
		return boolean(d)
	case json.Number:
		return digits(d.String())
	case string:
		return text(d)
	case []any:
		v := list()
		for _, item := range d {
			v.Items = append(v.Items, fromJSON(item))
		}
		return v
	case map[string]any:
		var fields []value.Field
		for name, item := range d {
			fields = append(fields, value.Field{Name: name, Value: fromJSON(item)})
		}
		return object(fields)
	}
	return null()
}

// digits reads a number as JSON writes it.
func digits(s string) value.Value {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return whole(n)
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return value.Value{Kind: value.Number, Number: n, Text: s}
	}
	return value.Value{Kind: value.Number, Number: n}
}
