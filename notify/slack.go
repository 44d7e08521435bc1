package notify

import (
	"encoding/json"
	"strings"
)

// What Slack takes: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
// https://docs.slack.dev/reference/block-kit/blocks/rich-text-block. The texts of findings are text elements of rich text, in which
// no character means anything: neither <!channel> nor *bold*. Only the line for small screens has to be escaped.

type (
	slackText struct {
		Type  string          `json:"type"`
		Text  string          `json:"text,omitempty"`
		URL   string          `json:"url,omitempty"`
		Style map[string]bool `json:"style,omitempty"`
	}
	slackElement struct {
		Type     string `json:"type"`
		Style    string `json:"style,omitempty"`
		Elements []any  `json:"elements"`
	}
	slackBlock struct {
		Type     string         `json:"type"`
		Text     *slackText     `json:"text,omitempty"`
		Elements []slackElement `json:"elements,omitempty"`
	}
)

// slackEscape is all that Slack's own markup needs escaped: mentions and links begin with <.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (d *Delivery) slack(base string) ([]byte, error) {
	m := &d.Message
	title := m.Title()
	blocks := []slackBlock{{Type: "header", Text: &slackText{Type: "plain_text", Text: title}}} // 150 characters at most
	for i := range m.Groups {
		g := &m.Groups[i]
		headline := slackPiece(g.Headline(), link(base, g.Path()))
		headline.Style = map[string]bool{"bold": true}
		rich := slackBlock{Type: "rich_text", Elements: []slackElement{{Type: "rich_text_section", Elements: []any{headline}}}}
		if g.Text != "" {
			rich.Elements = append(rich.Elements, slackElement{Type: "rich_text_section", Elements: []any{slackPiece(g.Text, "")}})
		}
		if len(g.Items) > 0 {
			list := slackElement{Type: "rich_text_list", Style: "bullet"}
			for _, item := range g.Items {
				list.Elements = append(list.Elements, slackElement{Type: "rich_text_section", Elements: []any{slackPiece(item.Severity+": ", ""), slackPiece(item.Title, link(base, item.Path())),
					slackPiece(" – "+item.Address+" – "+item.where(m), "")}})
			}
			rich.Elements = append(rich.Elements, list)
		}
		if rest := g.Rest(); rest != "" {
			rich.Elements = append(rich.Elements, slackElement{Type: "rich_text_section", Elements: []any{slackPiece(rest, link(base, g.Path()))}})
		}
		blocks = append(blocks, rich)
	}
	return json.Marshal(map[string]any{"text": slackEscape.Replace(title), "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
}

// slackPiece is a text, or a link when there is an address. Neither may be empty.
func slackPiece(text, address string) slackText {
	if text == "" {
		text = "–"
	}
	if address != "" {
		return slackText{Type: "link", Text: text, URL: address}
	}
	return slackText{Type: "text", Text: text}
}

// where is the place of a finding, with its repository when the message is about several.
func (i *Item) where(m *Message) string {
	if m.Repository == "" {
		return i.Repository + " " + i.Place()
	}
	return i.Place()
}
