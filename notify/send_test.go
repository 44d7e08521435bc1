package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"plumbline.dev/plumbline/outbound"
)

func hosts(t *testing.T, list ...string) outbound.Hosts {
	t.Helper()
	h, err := outbound.Parse(append([]string{"public"}, list...), "--outbound-hosts")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestParseTarget refuses what leads inside, or holds what must not be kept.
func TestParseTarget(t *testing.T) {
	public := hosts(t)
	for _, bad := range []string{"", "ftp://example.org/", "https://", "example.org/hook", "http://example.org/hook", "https://ada:pw@example.org/", "https://example.org/#x", "https://exa mple.org/",
		"https://127.0.0.1/", "https://[::1]/", "https://[::ffff:169.254.169.254]/", "https://169.254.169.254/latest/meta-data", "https://localhost/", "https://metadata.google.internal/", "https://10.0.0.1:8443/x",
		"https://intranet/hook", "https://db.corp/hook", "https://example.org:0/", "https://example.org:99999/", "https://example.org/\r\nHost: x", "file:///etc/passwd", "gopher://example.org/", "https://" + strings.Repeat("a", 3000) + ".example.org/"} {
		if got, err := ParseTarget(Webhook, bad, public); err == nil {
			t.Errorf("%q is taken as %+v", bad, got)
		} else if strings.Contains(err.Error(), "pw") && strings.Contains(bad, "ada:pw") {
			t.Errorf("the error has the password: %v", err)
		}
	}
	got, err := ParseTarget(Slack, " https://hooks.slack.com/services/T0/B0/canary?x=1 ", public)
	if err != nil || got.Shown != "https://hooks.slack.com/…" || got.Text != "https://hooks.slack.com/services/T0/B0/canary?x=1" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ParseTarget(Webhook, "http://10.1.2.3:8080/x", hosts(t, "10.1.2.3:8080")); err != nil {
		t.Errorf("what the operator names is refused: %v", err)
	}
	for _, bad := range []string{"", "ada", "ada@", "Ada <ada@example.org>", "ada@example.org\r\nBcc: eve@example.org", "a@b,<script>@x", strings.Repeat("a@example.org,", 30)} {
		if got, err := ParseTarget(Email, bad, public); err == nil && !strings.Contains(bad, "Bcc") {
			t.Errorf("%q is taken as %+v", bad, got)
		} else if err == nil {
			t.Errorf("a header is taken: %+v", got)
		}
	}
	if got, err := ParseTarget(Email, "ada@example.org; grace@example.org", public); err != nil || got.Text != "ada@example.org, grace@example.org" {
		t.Errorf("%+v, %v", got, err)
	}
}

// test is a delivery of a test message.
func test(kind Kind, target string) Delivery {
	return Delivery{ID: "d1", Kind: kind, Channel: "c", Target: target, Secret: NewSecret(), Message: Message{Organisation: "Acme", At: time.Unix(1, 0), Groups: []Group{{Happening: Test}}}}
}

func TestSend(t *testing.T) {
	var asked []string
	secret := "https://" // what must not stand in errors
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/inside", http.StatusFound)
		case "/busy":
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		case "/gone":
			w.WriteHeader(http.StatusGone)
		case "/no":
			w.WriteHeader(http.StatusNotFound)
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		case "/endless":
			w.WriteHeader(http.StatusOK)
			for range 1000 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}
	}))
	defer server.Close()
	u, _ := url.Parse(server.URL)
	s := NewSender(Sender{Hosts: hosts(t, u.Host)})
	now := time.Unix(1_800_000_000, 0)
	for path, want := range map[string]Answer{"/ok": {Status: 200}, "/moved": {Status: 302, Final: true}, "/busy": {Status: 429, Wait: 7 * time.Second}, "/gone": {Status: 410, Final: true, Gone: true},
		"/no": {Status: 404, Final: true}, "/broken": {Status: 502}, "/endless": {Status: 200}} {
		got := s.Send(context.Background(), test(Webhook, server.URL+path+"?key=canary"), now)
		if (got.Err == nil) != (want.Status == 200) || got.Err != nil && (strings.Contains(got.Err.Error(), "canary") || strings.Contains(got.Err.Error(), secret)) {
			t.Errorf("%s: %v", path, got.Err)
		}
		if got.Err = nil; got != want {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
	for _, path := range asked {
		if path == "/inside" {
			t.Error("a redirection was followed")
		}
	}
	// What was allowed when it was kept may not be now; and nothing is said about what is inside.
	before := len(asked)
	for _, address := range []string{server.URL, "https://" + u.Host + "/", "https://localhost:" + u.Port() + "/"} {
		got := NewSender(Sender{Hosts: hosts(t)}).Send(context.Background(), test(Webhook, address), now)
		if got.Err == nil || got.Status != 0 {
			t.Errorf("%s: %+v", address, got)
		}
	}
	// A name that is public and leads inside is caught when it is connected to.
	if w, err := NewSender(Sender{Hosts: hosts(t)}).client.Get(server.URL + "/ok"); err == nil {
		w.Body.Close()
		t.Error("the connection itself is not guarded")
	}
	if len(asked) != before {
		t.Error("there was a request inside")
	}
	server.Close()
	if got := s.Send(context.Background(), test(Slack, server.URL+"/canary"), now); got.Err == nil || strings.Contains(got.Err.Error(), "canary") || got.Final {
		t.Errorf("nobody is there: %+v", got)
	}
}

// smtpServer is a server that takes mail, with STARTTLS when it has a certificate.
func smtpServer(t *testing.T, certificate *tls.Certificate, refuse string) (address string, lines chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	lines = make(chan string, 1000)
	serve := func(c net.Conn) {
		defer c.Close()
		in := bufio.NewReader(c)
		say := func(text string) { fmt.Fprint(c, text+"\r\n") }
		say("220 ready")
		data := false
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimRight(line, "\r\n")
			lines <- line
			word, _, _ := strings.Cut(line, " ")
			switch {
			case data && line == ".":
				data = false
				say("250 taken")
			case data:
			case word == refuse:
				say("550 no such person canary")
			case word == "EHLO":
				say("250-hello")
				if certificate != nil {
					say("250-STARTTLS")
				}
				say("250 AUTH PLAIN")
			case word == "STARTTLS":
				say("220 go")
				tc := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*certificate}})
				c, in = tc, bufio.NewReader(tc)
			case word == "AUTH":
				say("235 yes")
			case word == "DATA":
				data = true
				say("354 go")
			case word == "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().String(), lines
}

func TestMail(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate, which is of 127.0.0.1
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	address, lines := smtpServer(t, &web.TLS.Certificates[0], "")
	m, err := ParseMail("smtp://plumbline@"+address, "canary-password", "plumbline@example.org")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1, 0)
	send := func(m *Mail) Answer {
		return NewSender(Sender{Mail: m}).Send(context.Background(), test(Email, "ada@example.org"), now)
	}
	if got := send(m); got.Err == nil || strings.Contains(got.Err.Error(), "canary") {
		t.Errorf("a certificate of nobody is taken: %+v", got)
	}
	m.Roots = roots
	if got := send(m); got.Err != nil || got.Status != 250 {
		t.Errorf("%+v", got)
	}
	var all strings.Builder
	for len(lines) > 0 {
		all.WriteString(<-lines + "\n")
	}
	if text := all.String(); strings.Index(text, "STARTTLS") > strings.Index(text, "AUTH PLAIN ") || !strings.Contains(text, "RCPT TO:<ada@example.org>") || !strings.Contains(text, "Subject: Acme: a test") {
		t.Errorf("it was said:\n%s", text)
	}
	address, _ = smtpServer(t, nil, "RCPT")
	if m, err = ParseMail("smtp://"+address, "", "plumbline@example.org"); err != nil {
		t.Fatal(err)
	}
	if got := send(m); got.Status != 550 || !got.Final || got.Err == nil || strings.Contains(got.Err.Error(), "canary") {
		t.Errorf("a refusal: %+v", got)
	}
	if got := NewSender(Sender{}).Send(context.Background(), test(Email, "ada@example.org"), now); got.Err == nil {
		t.Error("mail is sent without a server")
	}
	for _, bad := range [][3]string{{"mail.example.org", "", "a@example.org"}, {"smtp://u:pw@mail.example.org", "", "a@example.org"}, {"smtp://u@mail.example.org", "", "a@example.org"}, {"smtp://mail.example.org", "", ""},
		{"smtp://mail.example.org/x", "", "a@example.org"}, {"http://mail.example.org", "", "a@example.org"}} {
		if _, err := ParseMail(bad[0], bad[1], bad[2]); err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if m, err := ParseMail("smtps://ada@example.org@mail.example.org", "x", ""); err == nil && (m.Host != "mail.example.org:465" || m.From != "ada@example.org" || !m.TLS) {
		t.Errorf("%+v", m)
	}
}

// TestMailInTheClear holds that no other machine gets a mail without encryption.
func TestMailInTheClear(t *testing.T) {
	near, far := net.Pipe()
	go func() {
		in := bufio.NewReader(far)
		io.WriteString(far, "220 ready\r\n")
		in.ReadString('\n')
		io.WriteString(far, "250 ok\r\n")
		in.ReadString('\n')
		far.Close()
	}()
	m := &Mail{Host: "mail.example.org:587", From: "a@example.org"}
	if err := m.talk(near, []string{"ada@example.org"}, []byte("x")); err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("%v", err)
	}
}
