package value

import (
	"strings"
	"testing"
)

func TestShowDocument(t *testing.T) {
	for text, want := range map[string]string{
		`{"Statement": [{"Effect":"Allow","Action":"*"}], "N": 12345678901234567890, "x": null, "y": true}`: `{"N": 12345678901234567890, "Statement": [{"Action": "*", "Effect": "Allow"}], "x": null, "y": true}`,
		`["a", {}]`:                  `["a", {}]`,
		`{"a": 1} and more`:          `"{\"a\": 1} and more"`,
		`{"a": 1}{"b": 2}`:           `"{\"a\": 1}{\"b\": 2}"`,
		`{broken`:                    `"{broken"`,
		`12`:                         `"12"`,
		`"quoted"`:                   `"\"quoted\""`,
		strings.Repeat("[", 100_000): `"` + strings.Repeat("[", maxShown-1) + "…",
		``:                           `""`,
	} {
		if got := Show(&Value{Kind: String, Text: text}); got != want {
			t.Errorf("%.60s: %.200s, want %.200s", text, got, want)
		}
	}
}
