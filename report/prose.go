package report

import (
	"regexp"
	"strings"
)

var (
	link     = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	emphasis = regexp.MustCompile(`(\*\*|__)(.+?)(\*\*|__)`)
)

// firstParagraph returns the first paragraph of Markdown prose as plain text on one line: links become their text, strong
// words lose their stars, code keeps its backticks.
func firstParagraph(markdown string) string {
	for p := range strings.SplitSeq(strings.ReplaceAll(markdown, "\r\n", "\n"), "\n\n") {
		p = strings.TrimSpace(p)
		if p == "" || strings.HasPrefix(p, "#") || strings.HasPrefix(p, "```") {
			continue
		}
		p = link.ReplaceAllString(p, "$1")
		p = emphasis.ReplaceAllString(p, "$2")
		return visible(p)
	}
	return ""
}
