package notify

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Webhooks are signed as https://www.standardwebhooks.com/ has it, for which there are libraries in every language: the headers
// webhook-id, webhook-timestamp (seconds) and webhook-signature, "v1," and the HMAC-SHA-256 of id, timestamp and body, with dots
// between them, in base64. The id stays the same when a message is sent again.

const secretPrefix = "whsec_"

// NewSecret makes a secret to sign with, as it is shown to people.
func NewSecret() string {
	key := make([]byte, 32)
	rand.Read(key)
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// Sign makes the header webhook-signature.
func Sign(secret, id string, at time.Time, body []byte) (string, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < 24 {
		return "", errors.New("the secret of the webhook is not one that this program makes")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// payload is the body of a webhook. Fields are added to it, and never change.
type payload struct {
	Version      int            `json:"version"` // 1
	ID           string         `json:"id"`      // of the delivery, as in webhook-id
	Channel      string         `json:"channel"` // its name
	Title        string         `json:"title"`
	Organisation string         `json:"organisation"`
	Repository   string         `json:"repository,omitempty"`
	Branch       string         `json:"branch,omitempty"`
	Commit       string         `json:"commit,omitempty"`
	Daily        bool           `json:"daily"`
	At           time.Time      `json:"at"`
	Happenings   []payloadGroup `json:"happenings"`
}

type payloadGroup struct {
	Happening  Happening      `json:"happening"`
	Headline   string         `json:"headline"`
	Count      int            `json:"count"`
	AtLeast    bool           `json:"atLeast,omitempty"`
	Severities map[string]int `json:"severities,omitempty"`
	Findings   []payloadItem  `json:"findings"`
	Query      string         `json:"query,omitempty"`
	URL        string         `json:"url,omitempty"`
	Repository string         `json:"repository,omitempty"`
	Text       string         `json:"text,omitempty"`
}

type payloadItem struct {
	Item
	URL string `json:"url,omitempty"`
}

// webhook makes the body of a webhook.
func (d *Delivery) webhook(base string) ([]byte, error) {
	m := &d.Message
	out := payload{Version: 1, ID: d.ID, Channel: d.Channel, Title: m.Title(), Organisation: m.Organisation, Repository: m.Repository, Branch: m.Branch, Commit: m.Commit,
		Daily: m.Daily, At: m.At.UTC(), Happenings: []payloadGroup{}}
	for i := range m.Groups {
		g := &m.Groups[i]
		p := payloadGroup{Happening: g.Happening, Headline: g.Headline(), Count: g.Count, AtLeast: g.AtLeast, Severities: g.Severities, Findings: []payloadItem{},
			Query: g.Query, URL: link(base, g.Path()), Repository: g.Repository, Text: g.Text}
		for _, item := range g.Items {
			p.Findings = append(p.Findings, payloadItem{item, link(base, item.Path())})
		}
		out.Happenings = append(out.Happenings, p)
	}
	return json.Marshal(out)
}

// link is the address of a page; "" when nobody said where the server is, or there is none.
func link(base, path string) string {
	if base == "" || path == "" {
		return ""
	}
	return base + path
}
