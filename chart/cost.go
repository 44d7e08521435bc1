package chart

import (
	"reflect"
	"strings"
)

// cost is what a call costs beyond what it looks at: one step is about a microsecond.
func cost(name string, args []reflect.Value, p *plainer) int {
	text := func(i int) int {
		if i < len(args) && args[i].Kind() == reflect.String {
			return args[i].Len()
		}
		return 0
	}
	switch name {
	case "toYaml", "toYamlPretty", "toToml":
		return 10 + 6*p.nodes + p.size/16
	case "toJson", "toPrettyJson", "toRawJson", "mustToJson", "mustToPrettyJson", "mustToRawJson":
		return 2 + 2*p.nodes + p.size/64
	case "fromYaml", "fromYamlArray", "fromToml":
		return 10 + text(0)/4
	case "fromJson", "fromJsonArray":
		return 4 + text(0)/16
	case "regexMatch", "mustRegexMatch", "regexFind", "mustRegexFind", "regexReplaceAll", "mustRegexReplaceAll",
		"regexReplaceAllLiteral", "mustRegexReplaceAllLiteral":
		return pattern(args[0].String(), text(1))
	case "regexFindAll", "mustRegexFindAll", "regexSplit", "mustRegexSplit":
		return pattern(args[0].String(), text(1)) + text(1)
	case "split", "splitList", "splitn", "trimAll":
		return text(len(args)-1) / 4
	case "keys", "values", "omit", "pick", "pluck", "append", "mustAppend", "push", "mustPush", "prepend", "mustPrepend",
		"concat", "reverse", "mustReverse", "chunk", "mustChunk", "compact", "mustCompact", "rest", "initial", "without", "uniq":
		n := 0
		for _, a := range args {
			n += parts(a)
		}
		return n / 4
	}
	return 0
}

// parts is how many elements a table or a list has, with those of lists in what a variadic function is given.
func parts(v reflect.Value) int {
	for v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Map:
		return v.Len()
	case reflect.Slice:
		n := v.Len()
		if n <= 16 {
			for i := range n {
				n += shallow(v.Index(i))
			}
		}
		return n
	}
	return 0
}

func shallow(v reflect.Value) int {
	for v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() == reflect.Map || v.Kind() == reflect.Slice {
		return v.Len()
	}
	return 0
}

// pattern is what it costs to compile a regular expression and to hold a text against it: both grow with what is repeated in it.
func pattern(expression string, text int) int {
	const most = 10_000
	size := len(expression)
	for rest := expression; size < most; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			break
		}
		rest = after
		n, largest := 0, 0
		for i := 0; i < len(after) && (after[i] >= '0' && after[i] <= '9' || after[i] == ','); i++ {
			if n = 10*n + int(after[i]-'0'); after[i] == ',' || n > most {
				n = 0
			}
			largest = max(largest, n)
		}
		size *= max(largest, 1)
	}
	size = min(size, most)
	return 2 + size/4 + size*min(text, 1<<24)/512
}

// tooNested reports whether a text has brackets in brackets that a recursive reader has no end for.
func tooNested(text string) bool {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '[', '{':
			if depth++; depth > 1000 {
				return true
			}
		case ']', '}':
			depth--
		}
	}
	return false
}
