package jinja

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"

	"plumbline.dev/plumbline/value"
)

// filter evaluates x | NAME(args).
func (e *evaluation) filter(x *Expr) Result {
	of := e.eval(x.Args[0])
	args := e.all(x.Args[1:])
	var named map[string]Result
	if len(x.Named) > 0 {
		named = make(map[string]Result, len(x.Named))
		for _, n := range x.Named {
			named[n.Name] = e.eval(n.Value)
		}
	}
	return e.apply(x.Name, of, args, named)
}

// argument returns the argument of that place or name; absent when there is none.
func argument(args []Result, i int, named map[string]Result, name string) Result {
	if i < len(args) {
		return args[i]
	}
	return named[name]
}

// apply applies a filter.
func (e *evaluation) apply(name string, of Result, args []Result, named map[string]Result) Result {
	switch name {
	case "default", "d":
		return e.otherwise(of, args, named)
	case "mandatory":
		return of
	case "ternary":
		if len(args) < 2 {
			return undecided()
		}
		if of.Value.Kind == value.Null && len(args) > 2 {
			return args[2]
		}
		switch truthOf(&of.Value) {
		case yes:
			return args[0]
		case no:
			return args[1]
		}
		return e.either(args[0], args[1])
	}
	dark := like(of, undecided())
	dark.Undeclared = of.Undeclared
	for i := range args {
		dark = like(args[i], dark)
	}
	if of.Value.Kind == value.Absent {
		return dark
	}
	if r, ok := e.scalar(name, of, args, named); ok {
		return like(of, r)
	}
	if r, ok := e.collection(name, of, args, named); ok {
		return r
	}
	switch name {
	case "password_hash", "hash", "md5", "sha1", "checksum", "vault", "unvault", "to_uuid":
		dark.Value.NotNull = true
		if name == "vault" || name == "unvault" {
			dark.Value.Sensitive = true
		}
	case "to_json", "tojson", "to_nice_json", "to_yaml", "to_nice_yaml", "b64encode", "lower", "upper", "trim", "string", "quote", "join", "regex_replace", "replace":
		dark.Value.NotNull, dark.Undeclared = true, false
	}
	return dark
}

// otherwise is the filter default.
func (e *evaluation) otherwise(of Result, args []Result, named map[string]Result) Result {
	fallback := Text("")
	if len(args) > 0 {
		fallback = args[0]
	} else if v, ok := named["default_value"]; ok {
		fallback = v
	}
	falsy := argument(args, 1, named, "boolean")
	switch {
	case of.Value.Kind == value.Absent && !of.Omit, of.Undeclared:
		return fallback
	case truthOf(&falsy.Value) != no:
		switch truthOf(&of.Value) {
		case no:
			return fallback
		case open:
			return e.either(of, fallback)
		}
	}
	return of
}

// scalar applies the filters that make one text, number or boolean of one.
func (e *evaluation) scalar(name string, of Result, args []Result, named map[string]Result) (Result, bool) {
	v := &of.Value
	switch name {
	case "bool":
		if b, ok := Bool(v); ok {
			return boolean(b), true
		}
		return Result{}, false
	case "int":
		if n, ok := integer(v); ok {
			return number(float64(n)), true
		}
		if v.Kind == value.String {
			if d := argument(args, 0, named, "default"); d.Value.Kind == value.Number {
				return d, true
			}
			return number(0), true
		}
		return Result{}, false
	case "float":
		if f, ok := numeric(v); ok {
			return number(f), true
		}
		return Result{}, false
	case "abs":
		return number(math.Abs(v.Number)), v.Kind == value.Number
	case "string", "to_text", "safe", "e", "escape", "forceescape":
		if v.Kind == value.Unknown && v.Text != "" {
			return Result{Value: *v}, true
		}
		s, ok := display(v)
		return Text(s), ok && (len(name) > 1 && name != "escape" && name != "forceescape" || !strings.ContainsAny(s, `&<>'"`))
	case "type_debug":
		return Result{}, false
	case "to_json", "tojson":
		return e.toJSON(of)
	case "to_nice_json":
		r, ok := e.toJSON(of)
		return r, ok
	case "round":
		if v.Kind == value.Number && len(args) == 0 {
			return number(math.RoundToEven(v.Number)), true
		}
		return Result{}, false
	}
	if v.Kind == value.Unknown && v.Text != "" { // what is known of the beginning stays known
		switch name {
		case "lower":
			return Result{Value: value.Value{Kind: value.Unknown, NotNull: true, Text: strings.ToLower(v.Text), Ending: strings.ToLower(v.Ending)}}, true
		case "upper":
			return Result{Value: value.Value{Kind: value.Unknown, NotNull: true, Text: strings.ToUpper(v.Text), Ending: strings.ToUpper(v.Ending)}}, true
		}
	}
	s, ok := display(v)
	if !ok || v.Kind == value.List || v.Kind == value.Object {
		return Result{}, false
	}
	switch name {
	case "lower":
		return Text(strings.ToLower(s)), true
	case "upper":
		return Text(strings.ToUpper(s)), true
	case "capitalize":
		if s != "" {
			s = strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
		}
		return Text(s), true
	case "trim":
		return Text(strings.TrimSpace(s)), len(args) == 0
	case "quote":
		if s != "" && plainWord().MatchString(s) {
			return Text(s), true
		}
		return Text("'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"), true
	case "b64encode":
		return Text(base64.StdEncoding.EncodeToString([]byte(s))), true
	case "b64decode":
		b, err := base64.StdEncoding.DecodeString(s)
		return Text(string(b)), err == nil
	case "basename":
		return Text(s[strings.LastIndexByte(s, '/')+1:]), true
	case "dirname":
		if i := strings.LastIndexByte(s, '/'); i > 0 {
			return Text(path.Clean(s[:i])), true
		}
		return Text(""), !strings.HasPrefix(s, "/")
	case "urlencode":
		return Text(strings.ReplaceAll(url.QueryEscape(s), "%2F", "/")), true
	case "regex_escape":
		return Text(regexp.QuoteMeta(s)), true
	case "replace":
		if from, to, ok := twoTexts(args); ok && len(s)+strings.Count(s, from)*len(to) <= e.limits.Bytes {
			return Text(strings.ReplaceAll(s, from, to)), true
		}
	case "regex_replace":
		return e.replace(s, args, named)
	case "from_json":
		var doc any
		if len(s) <= e.limits.Bytes && json.Unmarshal([]byte(s), &doc) == nil {
			return Result{Value: value.Decoded(doc)}, true
		}
	case "comment", "indent":
		return Result{Value: value.Value{Kind: value.Unknown, NotNull: true}}, true
	}
	return Result{}, false
}

func twoTexts(args []Result) (a, b string, ok bool) {
	if len(args) != 2 || args[0].Value.Kind != value.String || args[1].Value.Kind != value.String {
		return "", "", false
	}
	return args[0].Value.Text, args[1].Value.Text, true
}

// plainWord matches what a shell needs no quotes for.
var plainWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w@%+=:,./-]+$`) })

// backreference is how Python writes a group in a replacement.
var backreference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\\(?:g<(\w+)>|(\d))`) })

// replace is the filter regex_replace, as far as Go's expressions understand Python's.
func (e *evaluation) replace(s string, args []Result, named map[string]Result) (Result, bool) {
	pattern, to := argument(args, 0, named, "pattern").Value, argument(args, 1, named, "replacement").Value
	if to.Kind == value.Absent {
		to = value.Value{Kind: value.String}
	}
	if pattern.Kind != value.String || to.Kind != value.String || len(args) > 2 {
		return Result{}, false
	}
	flags := ""
	for name, v := range named {
		switch {
		case name == "pattern" || name == "replacement":
		case name == "multiline" && v.Value.Kind == value.Bool:
			if v.Value.Bool {
				flags += "m"
			}
		case name == "ignorecase" && v.Value.Kind == value.Bool:
			if v.Value.Bool {
				flags += "i"
			}
		default:
			return Result{}, false
		}
	}
	text := pattern.Text
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	re, err := regexp.Compile(text)
	if err != nil || len(s) > 1<<16 {
		return Result{}, false
	}
	template := backreference().ReplaceAllString(strings.ReplaceAll(to.Text, "$", "$$"), "$${$1$2}")
	out := re.ReplaceAllString(s, template)
	return Text(out), len(out) <= e.limits.Bytes
}

// Bool reads a value as Ansible reads booleans.
func Bool(v *value.Value) (b, ok bool) {
	switch v.Kind {
	case value.Bool:
		return v.Bool, true
	case value.Null:
		return false, true
	case value.Number:
		return v.Number == 1, v.Number == 0 || v.Number == 1
	case value.String:
		switch strings.ToLower(v.Text) {
		case "yes", "on", "1", "true", "y", "t":
			return true, true
		case "no", "off", "0", "false", "n", "f":
			return false, true
		}
	}
	return false, false
}

// toJSON writes a value as JSON. The document stays with the text, so that one with unknown parts can be read.
func (e *evaluation) toJSON(of Result) (Result, bool) {
	if of.Value.Kind == value.Unknown || of.Value.Kind == value.Absent {
		return Result{}, false
	}
	doc := of.Value
	if !doc.IsWhollyKnown() {
		return Result{Value: value.Value{Kind: value.Unknown, NotNull: true, Document: &doc}}, true
	}
	text := doc.AppendJSON(nil, false)
	r := Text(string(text))
	r.Value.Document = &doc
	return r, len(text) <= e.limits.Bytes
}
