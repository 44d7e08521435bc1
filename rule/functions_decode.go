package rule

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

var decodeFunctions = []function{
	{
		Function: Function{
			Name:       "json.decode",
			Signatures: []string{"json.decode(dyn) -> dyn"},
			Doc:        "What a JSON document holds, also when parts of it are unknown; null when it is no JSON.",
			Example:    `json.decode("{\"privileged\": true}").privileged`,
		},
		call: func(f *frame, args []val) val {
			v := &args[0]
			switch {
			case (v.kind == text || v.kind == unknown) && v.node != nil && v.node.Document != nil:
				return view(v.node.Document, f.within(v.at))
			case v.kind == text:
				if n, ok := parseJSON(v.text); ok {
					if v.given {
						giveAll(n)
					}
					return view(n, f.within(v.at))
				}
				return val{at: v.at}
			case v.kind == unknown:
				return val{kind: unknown, given: v.given, at: v.at}
			}
			return *v // decoded already
		},
	},
	{
		Function: Function{
			Name:       "base64.decode",
			Signatures: []string{"base64.decode(string) -> string"},
			Doc:        "The text that is encoded in base64; null when it is none.",
			Example:    `base64.decode("aGVsbG8=") == "hello"`,
		},
		call: keepGiven(onText(func(s string) val {
			s = strings.Map(func(r rune) rune {
				if strings.ContainsRune(" \t\r\n", r) {
					return -1
				}
				return r
			}, s)
			if b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "=")); err == nil {
				return texts(string(b))
			}
			return val{}
		}, val{})),
	},
}

// keepGiven makes what a function of one text returns come from where the text comes from.
func keepGiven(fn func(*frame, []val) val) func(*frame, []val) val {
	return func(f *frame, args []val) val {
		out := fn(f, args)
		out.given = args[0].given
		return out
	}
}

// giveAll marks every text in a value as one that is not in the code.
func giveAll(v *value.Value) {
	v.Given = true
	for i := range v.Items {
		giveAll(&v.Items[i])
	}
	for i := range v.Fields {
		giveAll(&v.Fields[i].Value)
	}
}

// parseJSON reads a JSON document; the values have no ranges.
func parseJSON(s string) (*value.Value, bool) {
	if t := strings.TrimSpace(s); t == "" || !strings.ContainsRune("[{", rune(t[0])) {
		return nil, false
	}
	var decoded any
	if json.Unmarshal([]byte(s), &decoded) != nil {
		return nil, false
	}
	v := value.Decoded(decoded)
	return &v, true
}

func sortFields(fields []value.Field) {
	slices.SortFunc(fields, func(a, b value.Field) int { return strings.Compare(a.Name, b.Name) })
}
