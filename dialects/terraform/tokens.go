package terraform

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"plumbline.dev/plumbline/dialects/terraform/function"
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

// opening is a token that waits for its end.
type opening struct {
	end   hclsyntax.TokenType
	lines bool // a line end separates items here
	chain int
}

// refuseTokens decides as the scanner does, on what HCL's own scanner has seen. What closes without having been opened does
// not count, so that no error in a text makes it look flatter than it is to the parser.
func refuseTokens(tokens hclsyntax.Tokens, limit int) *refusal {
	open := []opening{{lines: true}}
	directives, chained := 0, 0
	for i, t := range tokens {
		top := &open[len(open)-1]
		end, opens := closes[t.Type]
		switch {
		case opens:
			open = append(open, opening{end: end, lines: t.Type == hclsyntax.TokenOBrace})
		case len(open) > 1 && t.Type == top.end:
			chained -= top.chain
			open = open[:len(open)-1]
			switch t.Type {
			case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace:
				open[len(open)-1].chain++
				chained++
			}
		}
		switch t.Type {
		case hclsyntax.TokenTemplateControl:
			next := i + 1
			for next < len(tokens) && (tokens[next].Type == hclsyntax.TokenComment || tokens[next].Type == hclsyntax.TokenNewline) {
				next++
			}
			if next < len(tokens) {
				switch string(tokens[next].Bytes) {
				case "if", "for":
					directives++
				case "endif", "endfor":
					directives = max(directives-1, 0)
				}
			}
		case hclsyntax.TokenComma:
			chained, top.chain = chained-top.chain, 0
		case hclsyntax.TokenNewline:
			if top.lines {
				chained, top.chain = chained-top.chain, 0
			}
		case hclsyntax.TokenNumberLit:
			if _, ok := function.Numeral(t.Bytes); !ok {
				return tooPrecise(t.Range.Start.Byte)
			}
		case hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenPercent,
			hclsyntax.TokenEqual, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan,
			hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd,
			hclsyntax.TokenOr, hclsyntax.TokenBang, hclsyntax.TokenDot, hclsyntax.TokenQuestion, hclsyntax.TokenColon,
			hclsyntax.TokenDoubleColon, hclsyntax.TokenEllipsis, hclsyntax.TokenFatArrow:
			top.chain++
			chained++
		}
		if len(open)-1+directives > limit || chained > limit*chainFactor {
			return tooNested(t.Range.Start.Byte, limit)
		}
	}
	return nil
}

// words counts the words and signs of a text from above, without knowing what is a string.
func words(src []byte) int {
	n, inside := 0, false
	for _, c := range src {
		switch {
		case isWord(c) && c != '-' || c >= 0x80:
			if !inside {
				n++
			}
			inside = true
		case c == ' ' || c == '\t':
			inside = false
		default:
			n++
			inside = false
		}
	}
	return n
}
