package function

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
)

// Numeral reads the number that src begins with. It returns its length, and whether it has so few digits and so small an
// exponent that it can be calculated with.
func Numeral(src []byte) (n int, ok bool) {
	digits, exponent, end := 0, 0, len(src)
	for n < end {
		c := src[n]
		switch {
		case c >= '0' && c <= '9':
			digits++
			n++
			continue
		case c == '.' && n+1 < end && src[n+1] >= '0' && src[n+1] <= '9':
			n++
			continue
		case c == 'e' || c == 'E':
			at := n + 1
			if at < end && (src[at] == '+' || src[at] == '-') {
				at++
			}
			if at == end || src[at] < '0' || src[at] > '9' {
				return n, digits <= maxDigits
			}
			this := 0
			for ; at < end && src[at] >= '0' && src[at] <= '9'; at++ {
				this = min(this*10+int(src[at]-'0'), maxDigits+1)
			}
			exponent, n = max(exponent, this), at
			continue
		}
		break
	}
	return n, digits <= maxDigits && exponent <= maxDigits
}

// Calculable reports whether a text may be turned into a number: it is none, or one of few digits.
func Calculable(text string) bool {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	if len(text) > 0 && text[0] == '.' {
		text = "0" + text
	}
	if text == "" || text[0] < '0' || text[0] > '9' {
		return true
	}
	n, ok := Numeral([]byte(text))
	return ok || n < len(text) && n <= maxDigits
}

// CheckOperand says whether a value is too large to be calculated with: a number of too many digits, or a text of one.
func CheckOperand(v cty.Value) error {
	v, _ = v.Unmark()
	switch {
	case v.IsNull() || !v.IsKnown():
	case v.Type() == cty.Number:
		return checkNumber(v)
	case v.Type() == cty.String && !Calculable(v.AsString()):
		return fmt.Errorf("number of more than %d digits", maxDigits)
	}
	return nil
}
