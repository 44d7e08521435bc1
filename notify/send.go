package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"plumbline.dev/plumbline/outbound"
)

// Target is where a channel leads to, ready to be kept.
type Target struct {
	Text  string // the address, or those of mail; whoever knows that of a chat can write there
	Shown string // what people may see of it
}

// ParseTarget reads where a channel of a kind leads to and refuses what may not be reached. Errors are for people and hold nothing secret.
func ParseTarget(kind Kind, text string, hosts outbound.Hosts) (Target, error) {
	text = strings.TrimSpace(text)
	if kind == Email {
		list, err := addressesOf(text)
		all := strings.Join(list, ", ")
		return Target{all, all}, err
	}
	u, err := url.Parse(text)
	if err != nil || len(text) > maxTarget || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Fragment != "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return Target{}, errors.New("this is not the address of a webhook: it begins with https:// and has neither spaces nor a #")
	}
	if u.User != nil {
		return Target{}, errors.New("the address holds a name or a password before the host, which is not sent: messages are signed instead")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return Target{}, errors.New("the port of the address is none")
		}
	}
	if !outbound.IsHost(u.Hostname()) && !outbound.IsAddress(u.Hostname()) {
		return Target{}, errors.New("the host of the address is none")
	}
	if u.Scheme == "http" && !hosts.Named(u.Hostname(), portOf(u)) {
		return Target{}, errors.New("messages are sent with encryption: write https://, or have the server's --outbound-hosts name the host")
	}
	if err := hosts.Check(u.Hostname(), portOf(u)); err != nil {
		return Target{}, err
	}
	return Target{text, u.Scheme + "://" + u.Host + "/…"}, nil
}

// maxTarget is the most bytes of an address.
const maxTarget = 2000

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"https": "443", "http": "80"}[u.Scheme]
}

// Delivery is a message on its way to a channel.
type Delivery struct {
	ID      string // the same when it is sent again
	Kind    Kind
	Channel string // its name
	Target  string
	Secret  string // of webhooks
	Message Message
}

// Answer is what became of a delivery.
type Answer struct {
	Status int           // of HTTP or SMTP; 0 when nobody answered
	Err    error         // why it did not arrive, for people; nil when it did
	Wait   time.Duration // how long the receiver asks to be left alone
	Final  bool          // sending it again would not help
	Gone   bool          // there is no such receiver any more
}

// Sender sends messages. It is safe for use by several goroutines.
type Sender struct {
	Hosts outbound.Hosts // that may be reached
	Mail  *Mail          // nil: no mail is sent
	Base  string         // address of the server for links, https://plumbline.example.org; "" makes no links

	client *http.Client
}

// patience is how long a delivery may take.
const patience = 10 * time.Second

// NewSender makes a sender.
func NewSender(s Sender) *Sender {
	s.Base = strings.TrimSuffix(s.Base, "/")
	s.client = &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: s.Hosts.Dial, TLSHandshakeTimeout: patience, ResponseHeaderTimeout: patience, MaxResponseHeaderBytes: 32 << 10,
			DisableKeepAlives: true, DisableCompression: true}}
	return &s
}

// Most bytes of bodies: what receivers take, with some room. Teams says 28 KB and was seen to refuse 22.
var limits = map[Kind]int{Webhook: 256 << 10, Slack: 60_000, Teams: 20_000, GoogleChat: 30_000, Email: 256 << 10}

// Send sends a message once.
func (s *Sender) Send(ctx context.Context, d Delivery, now time.Time) Answer {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if d.Kind == Email {
		return s.mail(ctx, &d)
	}
	target, err := ParseTarget(d.Kind, d.Target, s.Hosts)
	if err != nil {
		return Answer{Err: err, Final: true}
	}
	body, err := s.body(&d, nil)
	if err != nil {
		return Answer{Err: err, Final: true}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target.Text, bytes.NewReader(body))
	if err != nil {
		return Answer{Err: errors.New("the address is none"), Final: true}
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Plumbline")
	r.Header.Set("Webhook-Id", d.ID)
	if d.Kind == Webhook {
		signature, err := Sign(d.Secret, d.ID, now, body)
		if err != nil {
			return Answer{Err: err, Final: true}
		}
		r.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
		r.Header.Set("Webhook-Signature", signature)
	}
	w, err := s.client.Do(r)
	if err != nil {
		return Answer{Err: reason(err)}
	}
	defer w.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(w.Body, 64<<10)) // what it says is not shown: it could be anybody
	return answerOf(w, now)
}

// answerOf judges an answer.
func answerOf(w *http.Response, now time.Time) Answer {
	a := Answer{Status: w.StatusCode}
	switch code := w.StatusCode; {
	case code >= 200 && code < 300:
		return a
	case code >= 300 && code < 400:
		a.Err, a.Final = fmt.Errorf("it answered with a redirection (%d), which is not followed: give the address that it leads to", code), true
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		a.Err, a.Wait = fmt.Errorf("it answered with %d: too much at once", code), retryAfter(w.Header.Get("Retry-After"), now)
	case code == http.StatusGone:
		a.Err, a.Final, a.Gone = fmt.Errorf("it answered with %d: the receiver was removed", code), true, true
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly || code >= 500:
		a.Err = fmt.Errorf("it answered with %d", code)
	default:
		a.Err, a.Final = fmt.Errorf("it answered with %d: it does not take the message", code), true
	}
	return a
}

// retryAfter reads how long to wait: seconds or a time, an hour at most.
func retryAfter(text string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if n, err := strconv.Atoi(text); err == nil {
		wait = time.Duration(min(max(n, 0), 3600)) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), time.Hour)
}

// reason is an error without the address at which it happened: that may be a secret.
func reason(err error) error {
	if refused, ok := errors.AsType[*outbound.Refused](err); ok {
		return refused
	}
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return errTooLong
	}
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return errors.New("it could not be reached: " + TidyText(err.Error()))
}

// mail sends a message by mail.
func (s *Sender) mail(ctx context.Context, d *Delivery) Answer {
	if s.Mail == nil {
		return Answer{Err: errors.New("the process that sends has no mail server: start it with --smtp"), Final: true}
	}
	to, err := addressesOf(d.Target)
	if err != nil {
		return Answer{Err: err, Final: true}
	}
	body, err := s.body(d, to)
	if err != nil {
		return Answer{Err: err, Final: true}
	}
	return s.Mail.send(ctx, to, body)
}

// body writes a message in the form of its kind. One that is too long names fewer findings.
func (s *Sender) body(d *Delivery, to []string) ([]byte, error) {
	d.Message.Groups = append([]Group{}, d.Message.Groups...)
	for {
		text, err := s.form(d, to)
		if err != nil || len(text) <= limits[d.Kind] || !d.Message.shorten() {
			return text, err
		}
	}
}

func (s *Sender) form(d *Delivery, to []string) ([]byte, error) {
	switch d.Kind {
	case Webhook:
		return d.webhook(s.Base)
	case Slack:
		return d.slack(s.Base)
	case Teams:
		return d.teams(s.Base)
	case GoogleChat:
		return d.googleChat(s.Base)
	case Email:
		return d.mail(s.Base, s.Mail.From, to)
	}
	return nil, fmt.Errorf("nobody knows how to send to %q", d.Kind)
}

// shorten takes the last finding away, or else the last group; false when nothing can go.
func (m *Message) shorten() bool {
	for i := len(m.Groups) - 1; i >= 0; i-- {
		if n := len(m.Groups[i].Items); n > 1 {
			m.Groups[i].Items = m.Groups[i].Items[:n-1]
			return true
		}
	}
	if n := len(m.Groups); n > 1 {
		m.Groups = m.Groups[:n-1]
		return true
	}
	return false
}
