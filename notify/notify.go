// Package notify tells people elsewhere what happened: messages, the forms in which webhooks, chats and mail take them, and the way
// there. It knows no database and decides nothing: what is told to whom is package jobs' business.
//
// Texts of findings come from repositories and are hostile. A Message holds them as they are, cleaned of what does not show (see
// Clean) and without what looks like a secret; each form then puts them where nothing in them means anything: text nodes of rich
// text, escaped markup. No template is ever made of them. No code is sent.
package notify

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Kind is what a channel leads to.
type Kind string

// The kinds of channels.
const (
	Webhook    Kind = "webhook"     // JSON, signed
	Slack      Kind = "slack"       // an incoming webhook of Slack, or of what takes the same
	Teams      Kind = "teams"       // a workflow of Microsoft Teams: "when a webhook request is received"
	GoogleChat Kind = "google-chat" // an incoming webhook of Google Chat
	Email      Kind = "email"
)

// Kinds lists the kinds.
var Kinds = []Kind{Webhook, Slack, Teams, GoogleChat, Email}

// Happening is something that people want to be told of.
type Happening string

// The happenings.
const (
	New        Happening = "new"                // a finding that was not there before
	Reopened   Happening = "reopened"           // a fix that did not hold, or a suppression that went from the code
	Fixed      Happening = "fixed"              // a scan that covered it does not have it any more
	MuteEnding Happening = "mute-ending"        // a mute ends within seven days
	MuteEnded  Happening = "mute-ended"         // and the finding is open again
	ScanFailed Happening = "scan-failed"        // and the one before did not, or for another reason
	Trouble    Happening = "repository-problem" // it could not be fetched

	First Happening = "first" // a branch was scanned for the first time: part of New, nobody asks for it by itself
	Test  Happening = "test"  // somebody tries the channel
)

// Happenings lists what channels can ask for, in the order in which messages tell of them.
var Happenings = []Happening{New, Reopened, Fixed, MuteEnding, MuteEnded, ScanFailed, Trouble}

// MaxItems is how many findings a message names, all its groups together. The others are counted.
const MaxItems = 10

// Message is what a channel is told at once. It is kept as JSON until it has arrived.
type Message struct {
	Organisation string    `json:"organisation"`
	Repository   string    `json:"repository,omitempty"` // "" when it is about several
	Branch       string    `json:"branch,omitempty"`
	Commit       string    `json:"commit,omitempty"` // newest one
	Daily        bool      `json:"daily,omitempty"`
	At           time.Time `json:"at"`
	Groups       []Group   `json:"groups"` // not empty
}

// Group is what happened of one kind.
type Group struct {
	Happening  Happening      `json:"happening"`
	Count      int            `json:"count"`                // findings; 0 when it is not about any
	AtLeast    bool           `json:"atLeast,omitempty"`    // there may be more than Count
	Severities map[string]int `json:"severities,omitempty"` // of Count, by word
	Items      []Item         `json:"items,omitempty"`      // the worst
	Query      string         `json:"query,omitempty"`      // asks for exactly these, or, of very many, for those it names
	Repository string         `json:"repository,omitempty"` // of problems and first scans: its name,
	ID         string         `json:"id,omitempty"`         // and its id
	Text       string         `json:"text,omitempty"`       // of problems
}

// Item is a finding.
type Item struct {
	ID         string `json:"id"`
	Severity   string `json:"severity"`
	Rule       string `json:"rule"`
	Title      string `json:"title"`
	Address    string `json:"address"`
	Repository string `json:"repository"`
	File       string `json:"file"`
	Line       int    `json:"line"`
}

// severities are the words for how bad findings are, the worst first.
var severities = [...]string{"critical", "high", "medium", "low", "info"}

// words is what happened of one kind, in few words, for titles.
func words(h Happening, groups, count int) string {
	switch h {
	case New:
		return fmt.Sprint(count, " new")
	case Reopened:
		return fmt.Sprint(count, " open again")
	case Fixed:
		return fmt.Sprint(count, " fixed")
	case MuteEnding:
		return fmt.Sprint(count, many(count, " mute ends soon", " mutes end soon"))
	case MuteEnded:
		return fmt.Sprint(count, many(count, " mute has ended", " mutes have ended"))
	case First:
		return many(groups, "scanned for the first time, "+fmt.Sprint(count, " open"), fmt.Sprint(groups, " repositories scanned for the first time"))
	case ScanFailed:
		return many(groups, "the scan failed", fmt.Sprint(groups, " repositories could not be scanned"))
	case Trouble:
		return many(groups, "cannot be fetched", fmt.Sprint(groups, " repositories cannot be fetched"))
	}
	return "a test"
}

func many(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// Title is the message in one line: what it is about, and what happened.
func (m *Message) Title() string {
	about := m.Repository
	if about == "" {
		about = m.Organisation
	}
	if m.Branch != "" {
		about += " (" + m.Branch + ")"
	}
	if m.Daily {
		about += ", " + m.At.UTC().Format("2 January")
	}
	var list []string
	for _, h := range append([]Happening{Test, First}, Happenings...) {
		groups, count := 0, 0
		for i := range m.Groups {
			if m.Groups[i].Happening == h {
				groups++
				count += m.Groups[i].Count
			}
		}
		if groups > 0 {
			list = append(list, words(h, groups, count))
		}
	}
	return cut(Clean(about+": "+strings.Join(list, ", ")), 140)
}

// Headline is a group in one line: what happened, and how bad it is.
func (g *Group) Headline() string {
	out := ""
	switch g.Happening {
	case New:
		out = many(g.Count, " new finding", " new findings")
	case Reopened:
		out = many(g.Count, " finding is open again", " findings are open again")
	case Fixed:
		out = many(g.Count, " finding is fixed", " findings are fixed")
	case MuteEnding:
		out = many(g.Count, " mute ends within seven days", " mutes end within seven days")
	case MuteEnded:
		out = many(g.Count, " mute has ended: the finding is open again", " mutes have ended: the findings are open again")
	case First:
		out = many(g.Count, " open finding", " open findings")
	case ScanFailed:
		return "The scan of " + Clean(g.Repository) + " failed"
	case Trouble:
		return Clean(g.Repository) + " cannot be fetched"
	case Test:
		return "This is a test: messages arrive here"
	}
	out = fmt.Sprint(g.Count) + out
	if g.AtLeast {
		out = "At least " + out
	}
	if g.Happening == First {
		out = Clean(g.Repository) + " was scanned for the first time: " + out
	}
	var counts []string
	for _, s := range severities {
		if n := g.Severities[s]; n > 0 {
			counts = append(counts, fmt.Sprint(n, " ", s))
		}
	}
	if len(counts) > 0 {
		out += " (" + strings.Join(counts, ", ") + ")"
	}
	return out
}

// Rest says how many findings of a group are not named; "" when all are.
func (g *Group) Rest() string {
	if n := g.Count - len(g.Items); n > 0 && len(g.Items) > 0 {
		return fmt.Sprintf("and %d more", n)
	}
	return ""
}

// Place is where a finding stands, in one line.
func (i *Item) Place() string { return fmt.Sprintf("%s:%d", i.File, i.Line) }

// Path is the page of the interface about a group, "" when there is none.
func (g *Group) Path() string {
	switch {
	case g.Query != "":
		return "/findings?q=" + url.QueryEscape(g.Query)
	case g.ID != "":
		return "/repositories/" + url.PathEscape(g.ID)
	}
	return ""
}

// Path is the page of the interface about a finding.
func (i *Item) Path() string {
	return "/findings?q=" + url.QueryEscape("id:"+i.ID) + "&finding=" + url.QueryEscape(i.ID)
}
