package notify

import (
	"encoding/json"
	"strings"
)

// What workflows of Teams take ("when a Teams webhook request is received"): a message with an Adaptive Card 1.4, 28 KB at most. The
// texts of findings are runs of rich text, which know no markup (https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features).

type teamsRun struct {
	Type   string         `json:"type"`
	Text   string         `json:"text"`
	Weight string         `json:"weight,omitempty"`
	Size   string         `json:"size,omitempty"`
	Action map[string]any `json:"selectAction,omitempty"`
}

type teamsBlock struct {
	Type    string     `json:"type"`
	Inlines []teamsRun `json:"inlines"`
	Spacing string     `json:"spacing,omitempty"`
}

// teamsRunOf is a text, which leads somewhere when there is an address. Cards turn {{DATE(…)}} into dates.
func teamsRunOf(text, address string) teamsRun {
	r := teamsRun{Type: "TextRun", Text: strings.ReplaceAll(text, "{{", "{ {")}
	if address != "" {
		r.Action = map[string]any{"type": "Action.OpenUrl", "url": address}
	}
	return r
}

func (d *Delivery) teams(base string) ([]byte, error) {
	m := &d.Message
	title := teamsRunOf(m.Title(), "")
	title.Weight, title.Size = "Bolder", "Medium"
	body := []teamsBlock{{Type: "RichTextBlock", Inlines: []teamsRun{title}}}
	var actions []map[string]any
	for i := range m.Groups {
		g := &m.Groups[i]
		headline := teamsRunOf(g.Headline(), link(base, g.Path()))
		headline.Weight = "Bolder"
		body = append(body, teamsBlock{Type: "RichTextBlock", Inlines: []teamsRun{headline}})
		if g.Text != "" {
			body = append(body, teamsBlock{Type: "RichTextBlock", Inlines: []teamsRun{teamsRunOf(g.Text, "")}, Spacing: "Small"})
		}
		for _, item := range g.Items {
			body = append(body, teamsBlock{Type: "RichTextBlock", Spacing: "Small", Inlines: []teamsRun{teamsRunOf("• "+item.Severity+": ", ""),
				teamsRunOf(item.Title, link(base, item.Path())), teamsRunOf(" – "+item.Address+" – "+item.where(m), "")}})
		}
		if rest := g.Rest(); rest != "" {
			body = append(body, teamsBlock{Type: "RichTextBlock", Inlines: []teamsRun{teamsRunOf(rest, "")}, Spacing: "Small"})
		}
		if to := link(base, g.Path()); to != "" && len(actions) == 0 {
			actions = append(actions, map[string]any{"type": "Action.OpenUrl", "title": "Open in Plumbline", "url": to})
		}
	}
	card := map[string]any{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body, "msteams": map[string]any{"width": "Full"}}
	if len(actions) > 0 {
		card["actions"] = actions
	}
	return json.Marshal(map[string]any{"type": "message", "attachments": []any{map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card}}})
}
