package cli

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"

	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/notify"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/server/api"
	"plumbline.dev/plumbline/store"
)

// tellFlags are the flags of processes that send messages about where these may go.
type tellFlags struct {
	hosts    list
	smtp     string
	from     string
	password string
}

func (f *tellFlags) declare(c *call) {
	c.set.Var(&f.hosts, "outbound-hosts", "`HOST` that may be reached although it is not on the internet (localhost:8080, *.corp.example); repeatable")
	c.set.StringVar(&f.smtp, "smtp", "", "`ADDRESS` of the server that takes mail: smtp://user@mail.example.org:587 (STARTTLS) or smtps://user@mail.example.org (TLS); no mail is sent without it")
	c.set.StringVar(&f.from, "smtp-from", "", "`ADDRESS` that mail comes from (default: the user of --smtp)")
	c.set.StringVar(&f.password, "smtp-password-file", "", "`FILE` with the password of the user of --smtp")
}

// sender makes what sends messages. Its links lead to the server at base; "" makes none.
func (f *tellFlags) sender(c *call, base string) (*notify.Sender, error) {
	hosts, err := outbound.Parse(append([]string{"public"}, f.hosts...), "--outbound-hosts")
	if err != nil {
		return nil, usage("--outbound-hosts: %v", err)
	}
	if base != "" {
		if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, usage("--url: %q is not the address of a server: write https://plumbline.example.org", base)
		}
	}
	s := notify.Sender{Hosts: hosts, Base: base}
	if f.smtp == "" {
		if f.from != "" || f.password != "" {
			return nil, usage("--smtp-from and --smtp-password-file are about the mail server that --smtp names")
		}
		return notify.NewSender(s), nil
	}
	password := ""
	if f.password != "" {
		path := c.path(f.password)
		text, err := readSmall(path)
		if err != nil {
			return nil, fmt.Errorf("read the password of the mail server: %w", err)
		}
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o007 != 0 {
			return nil, fmt.Errorf("the password of the mail server, %s, can be read by everybody: chmod 640 it", path)
		}
		password = strings.TrimSpace(string(text))
	}
	if s.Mail, err = notify.ParseMail(f.smtp, password, f.from); err != nil {
		return nil, usage("--smtp: %v", err)
	}
	return notify.NewSender(s), nil
}

// tellThrough lets a worker send messages.
func tellThrough(o *jobs.Options, sender *notify.Sender, keys *seal.Ring) {
	o.Send, o.Rules = sender, sync.OnceValues(rulebook)
	o.OpenChannel = func(c *store.Channel) (target, secret string, err error) {
		text, err := keys.Open(c.Target, api.TargetPlace(c.ID))
		if err != nil || len(c.Secret) == 0 {
			return string(text), "", err
		}
		signed, err := keys.Open(c.Secret, api.ChannelSecretPlace(c.ID))
		return string(text), string(signed), err
	}
}

// rulebook is what messages and filters know of rules. It is read when it is first needed, and most of what is read is let go again.
func rulebook() (store.Rulebook, error) {
	catalogue := rule.NewCatalogue(schema.Load())
	if err := catalogue.AddPrepared(rules.Pages(), rules.Prepared()); err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	book := store.Rulebook{}
	for _, r := range catalogue.All() {
		book[r.ID] = store.RuleFacts{Title: r.Title, Controls: r.Controls}
	}
	return book, nil
}
