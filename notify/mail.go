package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"html/template"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"plumbline.dev/plumbline/outbound"
)

// Mail is how mail is sent: the server that takes it. The operator names it, so that it may be anywhere.
type Mail struct {
	Host     string // with port
	TLS      bool   // from the first byte; else STARTTLS, without which only this machine is spoken to
	User     string // "" signs in as nobody
	Password string
	From     string         // address
	Roots    *x509.CertPool // that its certificate is of; nil is the system's

	hosts outbound.Hosts
}

// ParseMail reads where mail is sent: smtp://user@mail.example.org:587 (STARTTLS), smtps://user@mail.example.org (TLS).
func ParseMail(address, password, from string) (*Mail, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the address of the mail server is not right: write smtp://user@mail.example.org:587, or smtps://user@mail.example.org for TLS from the first byte")
	}
	if _, has := u.User.Password(); has {
		return nil, errors.New("the address of the mail server holds a password, which every user of the machine could see: put it into a file")
	}
	m := &Mail{TLS: u.Scheme == "smtps", User: u.User.Username(), Password: password, From: from}
	port := u.Port()
	if port == "" {
		port = map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme]
	}
	m.Host = net.JoinHostPort(u.Hostname(), port)
	if m.From == "" && strings.Contains(m.User, "@") {
		m.From = m.User
	}
	sender, err := mail.ParseAddress(m.From)
	if err != nil {
		return nil, errors.New("say from which address mail is sent: plumbline@example.org")
	}
	if m.User != "" && password == "" {
		return nil, errors.New("the mail server asks for a password: name the file that has it")
	}
	m.From = sender.Address
	m.hosts, err = outbound.Parse([]string{m.Host}, "the address of the mail server")
	return m, err
}

// send hands a message to the server. The answer is the code of SMTP that refused it, 250 when it was taken.
func (m *Mail) send(ctx context.Context, to []string, body []byte) Answer {
	conn, err := m.hosts.Dial(ctx, "tcp", m.Host)
	if err != nil {
		return Answer{Err: fmt.Errorf("the mail server cannot be reached: %w", reason(err))}
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := m.talk(conn, to, body); err != nil {
		if refusal, ok := errors.AsType[*textproto.Error](err); ok {
			return Answer{Status: refusal.Code, Err: fmt.Errorf("the mail server answered with %d", refusal.Code), Final: refusal.Code >= 550 && refusal.Code < 560}
		}
		if ctx.Err() != nil {
			err = errTooLong
		}
		return Answer{Err: fmt.Errorf("the mail server did not take it: %w", reason(err))}
	}
	return Answer{Status: 250}
}

// errTooLong is that nothing came back in time.
var errTooLong = errors.New("it took longer than ten seconds")

func (m *Mail) talk(conn net.Conn, to []string, body []byte) error {
	host, _, err := net.SplitHostPort(m.Host)
	if err != nil {
		return err
	}
	secure := &tls.Config{ServerName: host, RootCAs: m.Roots, MinVersion: tls.VersionTLS12}
	if m.TLS {
		conn = tls.Client(conn, secure)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	defer c.Close()
	if !m.TLS {
		if ok, _ := c.Extension("STARTTLS"); ok {
			if err := c.StartTLS(secure); err != nil {
				return err
			}
		} else if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return errors.New("it does not offer STARTTLS, and nothing is sent without encryption")
		}
	}
	if m.User != "" {
		if err := c.Auth(smtp.PlainAuth("", m.User, m.Password, host)); err != nil {
			return err
		}
	}
	if err := c.Mail(m.From); err != nil {
		return err
	}
	for _, address := range to {
		if err := c.Rcpt(address); err != nil {
			return err
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = c.Quit() // it has the message
	return nil
}

// mail makes the text of a mail with its headers. Nothing of a repository is in a header but the subject, which is encoded.
func (d *Delivery) mail(base, from string, to []string) ([]byte, error) {
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	_, domain, _ := strings.Cut(from, "@")
	boundary := "plumbline-" + d.ID
	header("From", (&mail.Address{Name: "Plumbline", Address: from}).String())
	header("To", strings.Join(to, ", "))
	header("Subject", mime.QEncoding.Encode("utf-8", d.Message.Title()))
	header("Date", d.Message.At.UTC().Format(time.RFC1123Z))
	header("Message-ID", "<"+d.ID+".plumbline@"+domain+">")
	header("Auto-Submitted", "auto-generated")
	header("MIME-Version", "1.0")
	header("Content-Type", `multipart/alternative; boundary="`+boundary+`"`)
	b.WriteString("\r\n")
	part := func(kind string, text []byte) error {
		fmt.Fprintf(&b, "--%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", boundary, kind)
		w := quotedprintable.NewWriter(&b)
		if _, err := w.Write(text); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		b.WriteString("\r\n")
		return nil
	}
	if err := part("text/plain", []byte(d.plain(base))); err != nil {
		return nil, err
	}
	var page bytes.Buffer
	if err := mailPage.Execute(&page, mailView{&d.Message, base}); err != nil {
		return nil, fmt.Errorf("write a mail: %w", err)
	}
	if err := part("text/html", page.Bytes()); err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return b.Bytes(), nil
}

// plain is the message as text.
func (d *Delivery) plain(base string) string {
	m := &d.Message
	var b strings.Builder
	b.WriteString(m.Title() + "\n")
	for i := range m.Groups {
		g := &m.Groups[i]
		b.WriteString("\n" + g.Headline() + "\n")
		if to := link(base, g.Path()); to != "" {
			b.WriteString(to + "\n")
		}
		if g.Text != "" {
			b.WriteString(g.Text + "\n")
		}
		for _, item := range g.Items {
			b.WriteString("- " + item.Severity + ": " + item.Title + "\n  " + item.Address + "\n  " + item.where(m) + "\n")
		}
		if rest := g.Rest(); rest != "" {
			b.WriteString(rest + "\n")
		}
	}
	return b.String()
}

// mailView is what mailPage is made of.
type mailView struct {
	*Message
	Base string
}

// Link is the address of a page of the interface.
func (v mailView) Link(path string) string { return link(v.Base, path) }

// Where is the place of a finding.
func (v mailView) Where(i Item) string { return i.where(v.Message) }

// PathOf is the page about a finding.
func (v mailView) PathOf(i Item) string { return i.Path() }

// mailPage is a mail as a page: html/template puts texts where they are texts.
var mailPage = template.Must(template.New("mail").Parse(`<!doctype html>
<html lang="en"><body style="font-family: system-ui, sans-serif; color: #1b2430; max-width: 680px">
<h1 style="font-size: 18px">{{.Title}}</h1>
{{range .Groups}}{{$to := $.Link .Path}}<h2 style="font-size: 15px; margin: 20px 0 6px">{{if $to}}<a href="{{$to}}">{{.Headline}}</a>{{else}}{{.Headline}}{{end}}</h2>
{{if .Text}}<p>{{.Text}}</p>{{end}}{{if .Items}}<ul style="padding-left: 18px">{{range .Items}}{{$one := $.Link ($.PathOf .)}}
<li style="margin: 4px 0"><b>{{.Severity}}</b>: {{if $one}}<a href="{{$one}}">{{.Title}}</a>{{else}}{{.Title}}{{end}}<br><code>{{.Address}}</code><br><span style="color: #5a6675">{{$.Where .}}</span></li>{{end}}</ul>{{end}}
{{with .Rest}}<p>{{.}}</p>{{end}}{{end}}
</body></html>
`))

// addressesOf reads addresses of mail, separated by commas or spaces.
func addressesOf(text string) ([]string, error) {
	var out []string
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\t' }) {
		a, err := mail.ParseAddress(one)
		if err != nil || a.Address != one || len(one) > 254 || strings.ContainsFunc(one, func(r rune) bool { return r < '!' || r > '~' || strings.ContainsRune(`"<>()[]\`, r) }) {
			return nil, fmt.Errorf("%q is not an address of mail", cut(Clean(one), 80))
		}
		out = append(out, one)
	}
	if len(out) == 0 || len(out) > maxReceivers {
		return nil, fmt.Errorf("name between one and %d addresses of mail", maxReceivers)
	}
	return out, nil
}

// maxReceivers is how many addresses a channel of mail has: more is what mailing lists are for.
const maxReceivers = 20
