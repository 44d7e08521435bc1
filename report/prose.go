package report

import (
	"regexp"
	"strings"
)

var (
	proseLink     = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	proseEmphasis = regexp.MustCompile(`(\*\*|__)(.+?)(\*\*|__)`)
)

// plain takes the markup of Markdown out of prose: links become their text, strong words lose their stars, code keeps its
// backticks.
func plain(markdown string) string {
	return Visible(proseEmphasis.ReplaceAllString(proseLink.ReplaceAllString(markdown, "$1"), "$2"))
}

// firstParagraph returns the first paragraph of Markdown prose as plain text on one line.
func firstParagraph(markdown string) string {
	for _, p := range paragraphs(markdown) {
		if !strings.HasPrefix(p, "#") && !strings.HasPrefix(p, "```") {
			return plain(p)
		}
	}
	return ""
}

// paragraphs cuts Markdown at empty lines, except inside of blocks of code.
func paragraphs(markdown string) []string {
	var out, now []string
	fenced := false
	flush := func() {
		if len(now) > 0 {
			out = append(out, strings.Join(now, "\n"))
			now = nil
		}
	}
	for l := range strings.SplitSeq(strings.ReplaceAll(markdown, "\r\n", "\n"), "\n") {
		switch fence := strings.HasPrefix(strings.TrimSpace(l), "```"); {
		case fence && !fenced:
			flush()
			now, fenced = append(now, strings.TrimSpace(l)), true
		case fence:
			now, fenced = append(now, l), false
			flush()
		case !fenced && strings.TrimSpace(l) == "":
			flush()
		case fenced:
			now = append(now, l)
		default:
			now = append(now, strings.TrimSpace(l))
		}
	}
	flush()
	return out
}

// htmlProse is a paragraph, a list or a block of code of a reason.
type htmlProse struct {
	Kind  string       // "", "list" or "code"
	Items [][]htmlSpan // of a paragraph one, of a list one for each point
	Text  string       // of code
}

// htmlSpan is a run of words or of code.
type htmlSpan struct {
	Text string
	Code bool
}

// proseOf reads the little Markdown that reasons use. Links are shown as their text: the page leads nowhere.
func proseOf(markdown string) []htmlProse {
	var out []htmlProse
	for _, p := range paragraphs(markdown) {
		switch {
		case strings.HasPrefix(p, "```"):
			_, text, _ := strings.Cut(p, "\n")
			text = strings.TrimSuffix(strings.TrimRight(text, " `"), "\n")
			out = append(out, htmlProse{Kind: "code", Text: visibleLines(text)})
		case strings.HasPrefix(p, "- ") || strings.HasPrefix(p, "* "):
			list := htmlProse{Kind: "list"}
			var points []string
			for l := range strings.SplitSeq(p, "\n") {
				if strings.HasPrefix(l, "- ") || strings.HasPrefix(l, "* ") {
					points = append(points, l[2:])
				} else {
					points[len(points)-1] += " " + l
				}
			}
			for _, x := range points {
				list.Items = append(list.Items, spans(x))
			}
			out = append(out, list)
		default:
			out = append(out, htmlProse{Items: [][]htmlSpan{spans(strings.TrimLeft(p, "# "))}})
		}
	}
	return out
}

// spans cuts prose into words and code. A backtick without a partner is a character.
func spans(prose string) []htmlSpan {
	var out []htmlSpan
	parts := strings.Split(plain(prose), "`")
	for i, s := range parts {
		code := i%2 == 1
		if code && i == len(parts)-1 {
			s, code = "`"+s, false
		}
		if s != "" {
			out = append(out, htmlSpan{Text: s, Code: code})
		}
	}
	return out
}
