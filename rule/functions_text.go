package rule

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var textFunctions = []function{
	{
		Function: Function{
			Name:       "startsWith",
			Signatures: []string{"string.startsWith(string) -> bool"},
			Doc:        "Whether a text starts with another. The known beginning of an unknown text often decides.",
			Example:    `"arn:aws:s3:::logs".startsWith("arn:")`,
		},
		call: func(_ *frame, args []val) val {
			s, prefix := &args[0], &args[1]
			switch {
			case s.kind == null || prefix.kind == null:
				return isFalse
			case s.kind == unknown && prefix.kind == text:
				switch {
				case strings.HasPrefix(s.text, prefix.text) && s.notNull:
					return isTrue
				case !strings.HasPrefix(s.text, prefix.text) && !strings.HasPrefix(prefix.text, s.text):
					return isFalse
				}
				return unsure
			case s.kind == text && prefix.kind == unknown && !strings.HasPrefix(s.text, prefix.text):
				return isFalse
			case s.kind == unknown || prefix.kind == unknown:
				return unsure
			}
			return decided(strings.HasPrefix(s.text, prefix.text)).val()
		},
	},
	{
		Function: Function{
			Name:       "endsWith",
			Signatures: []string{"string.endsWith(string) -> bool"},
			Doc:        "Whether a text ends with another. The known end of an unknown text often decides.",
			Example:    `"main.tf".endsWith(".tf")`,
		},
		call: func(f *frame, args []val) val {
			if s, suffix := &args[0], &args[1]; s.kind == unknown && s.node != nil && suffix.kind == text {
				switch end := s.node.Ending; {
				case strings.HasSuffix(end, suffix.text) && s.notNull:
					return isTrue
				case !strings.HasSuffix(end, suffix.text) && !strings.HasSuffix(suffix.text, end):
					return isFalse
				}
				return unsure
			}
			return endsText(f, args)
		},
	},
	{
		Function: Function{
			Name:       "contains",
			Signatures: []string{"string.contains(string) -> bool"},
			Doc:        "Whether a text has another in it. The known beginning of an unknown text may decide.",
			Example:    `"0.0.0.0/0,10.0.0.0/8".contains("0.0.0.0/0")`,
		},
		call: func(f *frame, args []val) val {
			if s, part := &args[0], &args[1]; s.kind == unknown && s.notNull && part.kind == text && strings.Contains(s.text, part.text) {
				return isTrue
			}
			return containsText(f, args)
		},
	},
	{
		Function: Function{
			Name:       "matches",
			Signatures: []string{"string.matches(string) -> bool"},
			Doc:        "Whether a regular expression (RE2) matches somewhere in a text.",
			Example:    `"prod-db-1".matches("^prod-")`,
		},
		call: onTexts(func(s, pattern string) val {
			re, err := regexp.Compile(pattern)
			if err != nil {
				return fails(err.Error())
			}
			return decided(re.MatchString(s)).val()
		}),
		prepare: func(constants []val) (func(*frame, []val) val, error) {
			if constants[1].kind != text {
				return nil, nil
			}
			re, err := regexp.Compile(constants[1].text)
			if err != nil {
				return nil, fmt.Errorf("the pattern %q: %w", constants[1].text, err)
			}
			return onText(func(s string) val { return decided(re.MatchString(s)).val() }, isFalse), nil
		},
	},
	{
		Function: Function{
			Name:       "lowerAscii",
			Signatures: []string{"string.lowerAscii() -> string"},
			Doc:        "The text with its ASCII letters in lower case.",
			Example:    `"TLSv1_2".lowerAscii() == "tlsv1_2"`,
		},
		call: onPrefix(strings.ToLower),
	},
	{
		Function: Function{
			Name:       "upperAscii",
			Signatures: []string{"string.upperAscii() -> string"},
			Doc:        "The text with its ASCII letters in upper case.",
			Example:    `"tls1_2".upperAscii() == "TLS1_2"`,
		},
		call: onPrefix(strings.ToUpper),
	},
	{
		Function: Function{
			Name:       "trim",
			Signatures: []string{"string.trim() -> string"},
			Doc:        "The text without white space around it.",
			Example:    `" a ".trim() == "a"`,
		},
		call: onText(func(s string) val { return texts(strings.TrimSpace(s)) }, texts("")),
	},
	{
		Function: Function{
			Name:       "split",
			Signatures: []string{"string.split(string) -> list(string)"},
			Doc:        "The parts of a text between separators; null has none.",
			Example:    `"22-80".split("-") == ["22", "80"]`,
		},
		call: func(_ *frame, args []val) val {
			switch {
			case args[0].kind == null:
				return computed(nil)
			case args[0].kind != text || args[1].kind != text:
				return unsure
			}
			var parts []val
			for _, s := range strings.Split(args[0].text, args[1].text) {
				parts = append(parts, texts(s))
			}
			return computed(parts)
		},
	},
	{
		Function: Function{
			Name:       "replace",
			Signatures: []string{"string.replace(string, string) -> string"},
			Doc:        "The text with every occurrence of the first argument replaced by the second.",
			Example:    `"a_b".replace("_", "-") == "a-b"`,
		},
		call: func(_ *frame, args []val) val {
			for i := range args {
				if args[i].kind == unknown {
					return val{kind: unknown, notNull: true}
				}
			}
			return texts(strings.ReplaceAll(args[0].text, args[1].text, args[2].text))
		},
	},
	{
		Function: Function{
			Name:       "size",
			Signatures: []string{"size(string) -> int", "size(list(A)) -> int", "size(map(A, B)) -> int", "string.size() -> int", "list(A).size() -> int", "map(A, B).size() -> int"},
			Doc:        "How many characters, elements or keys there are; null has none. Of a partly known list it is at least what is known.",
			Example:    `["a", "b"].size() == 2`,
		},
		call: size,
	},
	{
		Function: Function{
			Name:       "string",
			Signatures: []string{"string(dyn) -> string"},
			Doc:        "A number, bool or text as text; null stays null.",
			Example:    `string(22) == "22"`,
		},
		call: func(_ *frame, args []val) val {
			switch v := args[0]; v.kind {
			case text, number, boolean:
				return texts(v.print())
			case unknown:
				return val{kind: unknown, text: v.text, notNull: v.notNull}
			}
			return val{}
		},
	},
	{
		Function: Function{
			Name:       "int",
			Signatures: []string{"int(dyn) -> int"},
			Doc:        "The whole number that a text or number holds, cut towards zero; null when it holds none.",
			Example:    `int("22") == 22`,
		},
		call: toNumber(func(x float64) val { return numbers(math.Trunc(x)) }),
	},
	{
		Function: Function{
			Name:       "double",
			Signatures: []string{"double(dyn) -> double"},
			Doc:        "The number that a text or number holds; null when it holds none.",
			Example:    `double("1.5") > 1.25`,
		},
		call: toNumber(func(x float64) val { return val{kind: number, num: x, double: true} }),
	},
}

var containsText = onTexts(func(s, part string) val { return decided(strings.Contains(s, part)).val() })

// onText makes a function of one text; the other arguments are not looked at.
func onText(fn func(string) val, ofNull val) func(*frame, []val) val {
	return func(_ *frame, args []val) val {
		switch args[0].kind {
		case text:
			return fn(args[0].text)
		case unknown:
			return unsure
		}
		return ofNull
	}
}

// onTexts makes a predicate of two texts, false for null.
func onTexts(fn func(a, b string) val) func(*frame, []val) val {
	return func(_ *frame, args []val) val {
		a, b := args[0].kind, args[1].kind
		switch {
		case a == text && b == text:
			return fn(args[0].text, args[1].text)
		case (a == text || a == unknown) && (b == text || b == unknown):
			return unsure
		}
		return isFalse
	}
}

var endsText = onTexts(func(s, suffix string) val { return decided(strings.HasSuffix(s, suffix)).val() })

// onPrefix makes a function that works character by character, and so on the known prefix of an unknown text too. Null
// stays null.
func onPrefix(fn func(string) string) func(*frame, []val) val {
	return func(_ *frame, args []val) val {
		switch v := args[0]; v.kind {
		case text:
			return texts(ascii(v.text, fn))
		case unknown:
			return val{kind: unknown, text: ascii(v.text, fn), notNull: v.notNull}
		}
		return val{}
	}
}

// ascii applies fn to the ASCII characters only.
func ascii(s string, fn func(string) string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return fn(s)
	}
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteString(fn(string(r)))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func toNumber(fn func(float64) val) func(*frame, []val) val {
	return func(_ *frame, args []val) val {
		switch v := args[0]; v.kind {
		case number:
			return fn(v.num)
		case text:
			if x, err := strconv.ParseFloat(strings.TrimSpace(v.text), 64); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
				return fn(x)
			}
		case unknown:
			return unsure
		}
		return val{}
	}
}

func size(_ *frame, args []val) val {
	v := &args[0]
	switch v.kind {
	case text:
		return numbers(float64(utf8.RuneCountInString(v.text)))
	case unknown:
		return val{kind: unknown, notNull: true, span: &span{float64(utf8.RuneCountInString(v.text)), math.Inf(1)}}
	case list, object:
		if v.fixed() {
			return numbers(float64(v.size()))
		}
		bounds := &span{float64(v.certain()), float64(v.size())}
		if v.open() {
			bounds.high = math.Inf(1)
		}
		return val{kind: unknown, notNull: true, span: bounds}
	}
	return numbers(0)
}
