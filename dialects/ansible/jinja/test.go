package jinja

import (
	"math"
	"regexp"
	"strings"

	"plumbline.dev/plumbline/value"
)

// test answers x is NAME(args). What is not known of here is open.
func (e *evaluation) test(name string, of Result, args []Result) truth {
	v := &of.Value
	var arg *value.Value
	if len(args) > 0 {
		arg = &args[0].Value
	}
	switch name {
	case "defined", "undefined":
		t := yes
		if v.Kind == value.Absent && !of.Omit {
			t = no
		} else if v.Kind == value.Unknown && (of.Undeclared || len(of.Marks) > 0 || !v.NotNull) {
			t = open
		}
		if name == "undefined" {
			return t.not()
		}
		return t
	case "success", "succeeded", "failed", "failure", "changed", "change", "skipped", "skip", "started", "finished", "reachable", "unreachable":
		return open // what a task did
	case "truthy":
		return truthOf(v)
	case "falsy":
		return truthOf(v).not()
	}
	if v.Kind == value.Absent || v.Kind == value.Unknown && name != "none" && name != "match" && name != "eq" && name != "equalto" && name != "ne" {
		return open
	}
	switch name {
	case "none":
		if v.Kind == value.Unknown && !v.NotNull {
			return open
		}
		return decided(v.Kind == value.Null)
	case "string":
		return decided(v.Kind == value.String)
	case "number":
		return decided(v.Kind == value.Number)
	case "integer":
		return decided(v.Kind == value.Number && v.Number == math.Trunc(v.Number))
	case "float":
		return decided(v.Kind == value.Number && v.Number != math.Trunc(v.Number))
	case "boolean":
		return decided(v.Kind == value.Bool)
	case "true":
		return decided(v.Kind == value.Bool && v.Bool)
	case "false":
		return decided(v.Kind == value.Bool && !v.Bool)
	case "mapping":
		return decided(v.Kind == value.Object)
	case "iterable", "sequence":
		return decided(v.Kind == value.List || v.Kind == value.Object || v.Kind == value.String)
	case "odd", "even":
		if v.Kind == value.Number {
			return decided((math.Mod(v.Number, 2) != 0) == (name == "odd"))
		}
		return open
	case "lower":
		return decided(v.Kind == value.String && v.Text == strings.ToLower(v.Text))
	case "upper":
		return decided(v.Kind == value.String && v.Text == strings.ToUpper(v.Text))
	}
	if arg == nil {
		return open
	}
	switch name {
	case "eq", "equalto":
		return e.compare("==", v, arg)
	case "ne":
		return e.compare("!=", v, arg)
	case "lt", "lessthan":
		return e.compare("<", v, arg)
	case "le":
		return e.compare("<=", v, arg)
	case "gt", "greaterthan":
		return e.compare(">", v, arg)
	case "ge":
		return e.compare(">=", v, arg)
	case "in":
		return contains(arg, v)
	case "contains":
		return contains(v, arg)
	case "divisibleby":
		if v.Kind == value.Number && arg.Kind == value.Number && arg.Number != 0 {
			return decided(math.Mod(v.Number, arg.Number) == 0)
		}
	case "match", "search", "regex":
		return matches(name, v, arg, len(args))
	case "subset", "superset":
		if v.Kind != value.List || arg.Kind != value.List {
			return open
		}
		if name == "superset" {
			v, arg = arg, v
		}
		all := yes
		for i := range v.Items {
			all = both(all, contains(arg, &v.Items[i]))
		}
		return all
	}
	return open
}

// matches answers the tests of regular expressions, as far as Go's understand Python's.
func matches(name string, v, arg *value.Value, args int) truth {
	if v.Kind != value.String || arg.Kind != value.String || args > 1 {
		return open
	}
	pattern := arg.Text
	if name == "match" {
		pattern = "^(?:" + pattern + ")"
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return open
	}
	return decided(re.MatchString(v.Text))
}
