package function

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const (
	maxTemplate  = 512 << 10 // bytes of a template
	maxOperators = 2000      // in one interpolation: chains of operators make the parser and the evaluation recursive
)

// closes says which token ends what another one begins.
var closes = map[hclsyntax.TokenType]hclsyntax.TokenType{
	hclsyntax.TokenOParen:          hclsyntax.TokenCParen,
	hclsyntax.TokenOBrack:          hclsyntax.TokenCBrack,
	hclsyntax.TokenOBrace:          hclsyntax.TokenCBrace,
	hclsyntax.TokenOQuote:          hclsyntax.TokenCQuote,
	hclsyntax.TokenOHeredoc:        hclsyntax.TokenCHeredoc,
	hclsyntax.TokenTemplateInterp:  hclsyntax.TokenTemplateSeqEnd,
	hclsyntax.TokenTemplateControl: hclsyntax.TokenTemplateSeqEnd,
}

// checkTemplate refuses templates that nest too deeply, before HCL's recursive parser sees them. It counts the tokens of
// HCL's own scanner, so that strings, comments, escapes and heredocs are what they are to the parser. What closes without
// having been opened does not count, so that no error in the text makes it look flatter than it is.
func checkTemplate(src, name string) error {
	if len(src) > maxTemplate {
		return fmt.Errorf("template of more than %d bytes", maxTemplate)
	}
	tokens, _ := hclsyntax.LexTemplate([]byte(src), name, hcl.InitialPos)
	var open []hclsyntax.TokenType // what is to close, innermost last
	operators, directives := 0, 0
	for i, token := range tokens {
		if end, ok := closes[token.Type]; ok {
			if len(open) == 0 {
				operators = 0
			}
			if open = append(open, end); len(open)+directives > maxDepth {
				return errDepth
			}
		} else if len(open) > 0 && token.Type == open[len(open)-1] {
			open = open[:len(open)-1]
		}
		switch token.Type {
		case hclsyntax.TokenNumberLit:
			if _, ok := Numeral(token.Bytes); !ok {
				return fmt.Errorf("number of more than %d digits", maxDigits)
			}
		case hclsyntax.TokenTemplateControl:
			if i+1 < len(tokens) {
				switch string(tokens[i+1].Bytes) {
				case "if", "for":
					directives++
				case "endif", "endfor":
					directives = max(directives-1, 0)
				}
			}
		case hclsyntax.TokenComment, hclsyntax.TokenIdent, hclsyntax.TokenComma, hclsyntax.TokenNewline,
			hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenOQuote, hclsyntax.TokenCQuote:
		default:
			if operators++; len(open) > 0 && operators > maxOperators {
				return errors.New("too many operators in one expression")
			}
		}
	}
	return nil
}
