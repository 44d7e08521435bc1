package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

// address returns the address of the server for people: the one of the flags, or else that of the listener. Browsers allow
// passkeys at localhost, not at 127.0.0.1.
func (f *serveFlags) address(c *call, listener string) string {
	url := f.url
	if url == "" {
		url, _ = c.Lookup("PLUMBLINE_URL")
	}
	if url != "" || listener == "" {
		return strings.TrimSuffix(url, "/")
	}
	host, port, err := net.SplitHostPort(listener)
	if ip := net.ParseIP(host); err == nil && ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		listener = net.JoinHostPort("localhost", port)
	}
	return "http://" + listener
}

// linkBase is the address of the server for links in messages: what people are told at the start, as far as that is known before.
func (f *serveFlags) linkBase(c *call) string {
	host, port, err := net.SplitHostPort(f.listen)
	if url := f.address(c, ""); url != "" || err != nil || port == "0" {
		return url
	}
	return f.address(c, net.JoinHostPort(cmp.Or(host, "localhost"), port))
}

// signIn makes what signs people in.
func (f *serveFlags) signIn(c *call, db *store.Store, log *slog.Logger, ring *seal.Ring) (*signin.Service, error) {
	list := f.issuers
	if list == "" {
		list, _ = c.Lookup("PLUMBLINE_ISSUER_HOSTS")
	}
	names := []string{"public"}
	if list != "" {
		names = append(names, strings.Split(list, ",")...)
	}
	hosts, err := outbound.Parse(names, "--issuer-hosts")
	if err != nil {
		return nil, usage("--issuer-hosts: %v", err)
	}
	people, err := signin.New(signin.Options{Store: db, Log: log, URL: f.address(c, ""), Seal: ring, Hosts: hosts})
	if err != nil {
		return nil, usage("--url: %v", err)
	}
	return people, nil
}

// announce says where the server is, and how an administrator signs in.
func (f *serveFlags) announce(c *call, address, link string) {
	fmt.Fprintf(c.Out, "Plumbline is at %s\n", address)
	if link != "" {
		fmt.Fprintf(c.Out, "Sign in as administrator, within 30 minutes and once: %s%s\n", address, link)
		return
	}
	where := ""
	switch {
	case f.database != "":
		where = " with the same --database" // the address may hold a password
	case f.data != "":
		where = " --data " + f.data
	}
	fmt.Fprintf(c.Out, "For a link to sign in as administrator: plumbline admin-link%s\n", where)
}

type adminLinkFlags struct {
	serveFlags
	email string
}

var adminLinkCommand = func() *command {
	var f adminLinkFlags
	return &command{
		name:    "admin-link",
		summary: "Print a one-time link by which an administrator of the server signs in",
		long: `
For who has lost the way in. The link works once, within 30 minutes, and makes older ones of the same person worthless. It
is for those who have the database of the server in hand anyway, and is recorded in the audit log.`,
		flags: func(c *call) {
			f = adminLinkFlags{}
			f.declare(c)
			c.set.StringVar(&f.url, "url", "", "address by which people reach the server, `URL` (default $PLUMBLINE_URL, or http://localhost:7420)")
			c.set.StringVar(&f.email, "email", "", "who signs in, and becomes an administrator when they are none yet, `ADDRESS` (default: the first administrator)")
		},
		run: func(ctx context.Context, c *call) error {
			db, err := f.openExisting(ctx, c, "command")
			if err != nil {
				return err
			}
			defer db.Close()
			people, err := f.signIn(c, db, slog.New(slog.DiscardHandler), nil)
			if err != nil {
				return err
			}
			link, err := people.AdministratorLink(ctx, f.email)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s%s\n", f.address(c, "127.0.0.1:7420"), link)
			return nil
		},
	}
}()
