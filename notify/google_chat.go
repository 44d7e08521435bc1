package notify

import (
	"encoding/json"
	"html"
	"strings"
)

// What Google Chat takes: cards, 32,000 bytes at most (https://developers.google.com/workspace/chat/format-messages). A paragraph of a
// card is a little HTML, so texts are escaped; mentions are for texts outside of cards.

func (d *Delivery) googleChat(base string) ([]byte, error) {
	m := &d.Message
	var sections []any
	for i := range m.Groups {
		g := &m.Groups[i]
		var b strings.Builder
		b.WriteString("<b>" + chatLink(g.Headline(), link(base, g.Path())) + "</b>")
		if g.Text != "" {
			b.WriteString("<br>" + html.EscapeString(g.Text))
		}
		for _, item := range g.Items {
			b.WriteString("<br>• " + html.EscapeString(item.Severity) + ": " + chatLink(item.Title, link(base, item.Path())) + " – " + html.EscapeString(item.Address) + " – " + html.EscapeString(item.where(m)))
		}
		if rest := g.Rest(); rest != "" {
			b.WriteString("<br>" + chatLink(rest, link(base, g.Path())))
		}
		sections = append(sections, map[string]any{"widgets": []any{map[string]any{"textParagraph": map[string]any{"text": b.String()}}}})
	}
	card := map[string]any{"header": map[string]any{"title": m.Title()}, "sections": sections}
	return json.Marshal(map[string]any{"cardsV2": []any{map[string]any{"cardId": d.ID, "card": card}}})
}

func chatLink(text, address string) string {
	if address == "" {
		return html.EscapeString(text)
	}
	return `<a href="` + html.EscapeString(address) + `">` + html.EscapeString(text) + "</a>"
}
