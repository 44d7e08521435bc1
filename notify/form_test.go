package notify

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hostile are texts that repositories can carry, each of which means something to one of the receivers.
var hostile = []string{"<!channel>", "<!here|x>", "<@U123>", "<users/all>", "@everyone", "*bold* _it_ `code`", "[press](javascript:alert(1))", "{{DATE(2026-01-01T00:00:00Z,SHORT)}}", "${7*7}", "{{.Base}}",
	"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "a\r\nBcc: eve@example.org", "gpj\u202egnp.exe", "zero\u200bwidth", "</a><a href=https://evil.example>", "&lt;b&gt;", "--plumbline-x--", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "password=hunter2hunter2", "\x00\x1b[31m"}

// hostileMessage says each of them wherever a text of a repository can stand.
func hostileMessage() Message {
	m := Message{Organisation: hostile[0], Repository: strings.Join(hostile[:3], " "), Branch: hostile[12], Commit: "c1", At: time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)}
	g := Group{Happening: New, Count: 40, Severities: map[string]int{"critical": 40}, Query: "id:a,b"}
	for i := range MaxItems {
		at := func(n int) string { return hostile[(i*3+n)%len(hostile)] }
		g.Items = append(g.Items, Item{ID: "a1", Severity: "critical", Rule: at(0), Title: at(1), Address: at(2), Repository: at(3), File: at(4), Line: 3}.Tidy())
	}
	m.Groups = []Group{g, {Happening: ScanFailed, Repository: strings.Join(hostile, " "), ID: "r1", Text: TidyText(strings.Join(hostile, " "))}}
	return m.Tidy()
}

// bodies are the bodies of a message by kind.
func bodies(t *testing.T, m Message) map[Kind][]byte {
	t.Helper()
	s := NewSender(Sender{Base: "https://plumbline.example.org/", Mail: &Mail{From: "plumbline@example.org"}})
	out := map[Kind][]byte{}
	for _, k := range Kinds {
		text, err := s.body(&Delivery{ID: "d1", Kind: k, Channel: "c", Message: m}, []string{"ada@example.org"})
		if err != nil {
			t.Fatalf("%s: %v", k, err)
		}
		if len(text) > limits[k] {
			t.Errorf("%s has %d bytes", k, len(text))
		}
		out[k] = text
	}
	return out
}

// TestForms holds that no text of a repository means anything to a receiver, in any form.
func TestForms(t *testing.T) {
	all := bodies(t, hostileMessage())
	for kind, text := range all {
		for _, secret := range []string{"ghp_0123456789abcdefghij", "hunter2hunter2"} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s has the secret %s", kind, secret)
			}
		}
	}
	// Slack: text elements, and one escaped line.
	var slack struct {
		Text   string
		Blocks []map[string]any
	}
	decode(t, all[Slack], &slack)
	if strings.ContainsAny(slack.Text, "<>") {
		t.Errorf("Slack's line is %q", slack.Text)
	}
	walk(slack.Blocks, func(m map[string]any) {
		switch m["type"] {
		case "mrkdwn", "broadcast", "user", "usergroup":
			t.Errorf("Slack gets %v", m)
		case "link":
			if url := m["url"].(string); !strings.HasPrefix(url, "https://plumbline.example.org/") {
				t.Errorf("Slack's link is %q", url)
			}
		}
	})
	// Teams: runs, of which none is a TextBlock, and no function of cards.
	var teams map[string]any
	decode(t, all[Teams], &teams)
	walk(teams, func(m map[string]any) {
		if m["type"] == "TextBlock" {
			t.Errorf("Teams gets %v", m)
		}
		if text, ok := m["text"].(string); ok && strings.Contains(text, "{{") {
			t.Errorf("Teams gets %q", text)
		}
		if url, ok := m["url"].(string); ok && !strings.HasPrefix(url, "https://plumbline.example.org/") {
			t.Errorf("the link of Teams is %q", url)
		}
	})
	// Google Chat and mail: the only elements are ours.
	var chat map[string]any
	decode(t, all[GoogleChat], &chat)
	walk(chat, func(m map[string]any) {
		if p, ok := m["textParagraph"].(map[string]any); ok {
			onlyOurs(t, "Google Chat", p["text"].(string))
		}
		if _, ok := m["cardsV2"]; !ok && m["text"] != nil && m["textParagraph"] != nil {
			t.Errorf("Google Chat gets %v", m)
		}
	})
	if chat["text"] != nil {
		t.Error("Google Chat gets a text outside of cards, where mentions count")
	}
	header, plain, page := readMail(t, all[Email])
	onlyOurs(t, "the mail", page)
	if len(header["Bcc"]) > 0 || header.Get("To") != "ada@example.org" {
		t.Errorf("the headers of the mail are %v", header)
	}
	for _, r := range plain + page {
		if r == '\u202e' || r == '\u200b' || r == 0x1b || r == 0 {
			t.Errorf("the mail has %U", r)
		}
	}
}

// onlyOurs fails when HTML has an element or an address that a message is not made of.
func onlyOurs(t *testing.T, what, page string) {
	t.Helper()
	for part := range strings.SplitSeq(page, "<") {
		name := strings.ToLower(strings.TrimLeft(part, "/!"))
		name = name[:strings.IndexFunc(name+" ", func(r rune) bool { return r == ' ' || r == '>' || r == '\n' })]
		if part != "" && !strings.Contains(" doctype html body h1 h2 ul li b br code span p a ", " "+name+" ") {
			t.Errorf("%s has <%.60s", what, part)
		}
		if at, ok := strings.CutPrefix(part, "a "); ok && !strings.HasPrefix(at, `href="https://plumbline.example.org/`) {
			t.Errorf("%s has <a %.60s", what, at)
		}
		if strings.Contains(strings.SplitN(part, ">", 2)[0], "onerror") {
			t.Errorf("%s has <%.60s", what, part)
		}
	}
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
}

// walk visits every object of a JSON value.
func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, x := range v {
			walk(x, visit)
		}
	case []any:
		for _, x := range v {
			walk(x, visit)
		}
	case []map[string]any:
		for _, x := range v {
			walk(x, visit)
		}
	}
}

// readMail reads a mail as programs do.
func readMail(t *testing.T, text []byte) (header mail.Header, plain, page string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, parameters["boundary"])
	var texts []string
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(body))
	}
	if len(texts) != 2 {
		t.Fatalf("the mail has %d parts", len(texts))
	}
	return m.Header, texts[0], texts[1]
}

// TestFormsFit holds that the longest texts in the longest encoding fit, with fewer findings if they must.
func TestFormsFit(t *testing.T) {
	m := hostileMessage()
	for i := range m.Groups[0].Items {
		long := strings.Repeat("<😀", 400)
		m.Groups[0].Items[i] = Item{ID: "a1", Severity: "critical", Title: long, Address: long, Repository: long, File: long}.Tidy()
	}
	m.Groups[0].Query = "id:" + strings.Repeat("2wr58fjaneo0,", 150)
	all := bodies(t, m)
	if !bytes.Contains(all[Teams], []byte("and ")) {
		t.Error("Teams is not told how many findings are not named")
	}
}

func TestTitle(t *testing.T) {
	for want, m := range map[string]Message{
		"infra: 1 new, 2 fixed":       {Organisation: "Acme", Repository: "infra", Groups: []Group{{Happening: New, Count: 1}, {Happening: Fixed, Count: 2}}},
		"infra (topic): 3 open again": {Repository: "infra", Branch: "topic", Groups: []Group{{Happening: Reopened, Count: 3}}},
		"Acme: 1 mute ends soon":      {Organisation: "Acme", Groups: []Group{{Happening: MuteEnding, Count: 1}}},
		"infra: the scan failed":      {Repository: "infra", Groups: []Group{{Happening: ScanFailed}}},
		"Acme, 22 November: 5 new, 2 repositories cannot be fetched": {Organisation: "Acme", Daily: true, At: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
			Groups: []Group{{Happening: New, Count: 5}, {Happening: Trouble, Repository: "a"}, {Happening: Trouble, Repository: "b"}}},
	} {
		if got := m.Title(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	g := Group{Happening: New, Count: 12, AtLeast: true, Severities: map[string]int{"low": 2, "critical": 10}, Items: make([]Item, 10)}
	if diff := cmp.Diff([]string{"At least 12 new findings (10 critical, 2 low)", "and 2 more"}, []string{g.Headline(), g.Rest()}); diff != "" {
		t.Error(diff)
	}
}

// TestSign holds the signature to one that others compute: printf '%s' 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}' | openssl dgst -sha256 -mac HMAC …
func TestSign(t *testing.T) {
	got, err := Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("%s (%v), want %s", got, err, want)
	}
	for _, bad := range []string{"", "whsec_", "whsec_!!", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		if _, err := Sign(bad, "a", time.Unix(1, 0), nil); err == nil {
			t.Errorf("%q signs", bad)
		}
	}
	one, other := NewSecret(), NewSecret()
	if _, err := Sign(one, "a", time.Unix(1, 0), nil); err != nil || one == other {
		t.Errorf("a new secret does not sign, or is not new: %v", err)
	}
}
