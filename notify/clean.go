package notify

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"plumbline.dev/plumbline/seal"
)

// The most characters of texts in a message: several fit into what every receiver takes.
const (
	maxTitle   = 200
	maxAddress = 200
	maxText    = 600
)

// Clean makes a text one line in which everything shows: what controls, turns the direction, or takes no room is written as its number.
func Clean(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == '\u3164' || r == '\uFFA0':
			fmt.Fprintf(&b, "‹U+%04X›", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// cut shortens a text to a number of characters.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// Tidy makes an item ready to be kept and told: one line each, bounded, without what looks like a secret.
func (i Item) Tidy() Item {
	tidy := func(text string, most int) string { return cut(Clean(seal.Redact(text)), most) }
	i.Rule, i.Title = tidy(i.Rule, maxTitle), tidy(i.Title, maxTitle)
	i.Address, i.Repository, i.File = tidy(i.Address, maxAddress), tidy(i.Repository, maxAddress), tidy(i.File, maxAddress)
	return i
}

// Tidy makes the names in a message ready to be kept and told; its items and texts are tidy already.
func (m Message) Tidy() Message {
	m.Organisation, m.Repository, m.Branch, m.Commit = tidyName(m.Organisation), tidyName(m.Repository), tidyName(m.Branch), tidyName(m.Commit)
	groups := make([]Group, len(m.Groups))
	for i, g := range m.Groups {
		g.Repository = tidyName(g.Repository)
		groups[i] = g
	}
	m.Groups = groups
	return m
}

func tidyName(text string) string { return cut(Clean(seal.Redact(text)), maxAddress) }

// TidyText makes the text of a problem ready to be kept and told.
func TidyText(text string) string { return cut(Clean(seal.Redact(text)), maxText) }
