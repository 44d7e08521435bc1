package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/server/api"
	"plumbline.dev/plumbline/store"
	"plumbline.dev/plumbline/trace"
	"plumbline.dev/plumbline/web"
)

// serverFlags are the flags of every command that works on the database of a server.
type serverFlags struct {
	data     string
	database string
}

func (f *serverFlags) declare(c *call) {
	c.set.StringVar(&f.data, "data", "", "`DIR` of the server's data (default $PLUMBLINE_DATA, or plumbline in the user's folder of data)")
	c.set.StringVar(&f.database, "database", "", "address of a PostgreSQL database, postgres://…, `URL` (default $PLUMBLINE_DATABASE, or SQLite in the data directory)")
}

// dataDir returns the absolute data directory, which need not exist.
func (f *serverFlags) dataDir(c *call) (string, error) {
	dir := f.data
	if dir == "" {
		dir, _ = c.Lookup("PLUMBLINE_DATA")
	}
	if dir == "" {
		home, ok := c.Lookup("XDG_DATA_HOME")
		if !ok || home == "" {
			user, err := os.UserHomeDir()
			if err != nil {
				return "", usage("there is no folder of the user to keep data in: name one with --data DIR")
			}
			home = filepath.Join(user, ".local", "share")
		}
		dir = filepath.Join(home, "plumbline")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(c.Dir, dir)
	}
	return dir, nil
}

// databaseAddress returns the address of the database of the flags: postgres://…, or the path of a file.
func (f *serverFlags) databaseAddress(c *call) (string, error) {
	address := f.database
	if address == "" {
		address, _ = c.Lookup("PLUMBLINE_DATABASE")
	}
	if address != "" {
		return address, nil
	}
	dir, err := f.dataDir(c)
	return filepath.Join(dir, "plumbline.db"), err
}

// open opens the database of the flags.
func (f *serverFlags) open(ctx context.Context, c *call, kind string) (*store.Store, error) {
	address, err := f.databaseAddress(c)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Options{Address: address, Kind: kind})
}

// openExisting opens the database of a server that was started before. Only serve makes one: who names the wrong place must not be
// answered out of an empty one.
func (f *serverFlags) openExisting(ctx context.Context, c *call, kind string) (*store.Store, error) {
	address, err := f.databaseAddress(c)
	if err != nil {
		return nil, err
	}
	if err := isThere(address); err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Options{Address: address, Kind: kind})
}

// isThere errs when there is no database at an address. A database of PostgreSQL says so itself when it is opened.
func isThere(address string) error {
	if _, err := os.Stat(address); err != nil && !postgres(address) {
		return &failed{Failure, "there is no database at " + address, "name the data directory of the server with --data, or its database with --database"}
	}
	return nil
}

// free errs when nobody can listen on an address: a server that cannot start leaves nothing behind.
func free(ctx context.Context, address string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return &failed{Failure, "another program listens on " + address + " already, perhaps another server", "give this one an address of its own with --listen, as --listen 127.0.0.1:7421"}
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	return l.Close()
}

type serveFlags struct {
	serverFlags
	work    workFlags
	noWork  bool
	log     logFlags
	watch   watchFlags
	tell    tellFlags
	listen  string
	url     string
	connect list   // addresses
	issuers string // hosts, separated by commas
	proxies string // addresses and networks, separated by commas
}

var serveCommand = func() *command {
	var f serveFlags
	return &command{
		name:    "serve",
		summary: "Keep watch over repositories, with a web interface",
		long: `
Serves the interface and the API, fetches the repositories that are connected and scans every commit of every branch. State is
one SQLite file in the data directory, or a PostgreSQL database that any number of servers and workers share.`,
		flags: func(c *call) {
			f = serveFlags{}
			f.declare(c)
			f.work.declare(c)
			f.log.declare(c)
			f.watch.declare(c)
			f.tell.declare(c)
			c.set.BoolVar(&f.noWork, "no-work", false, "neither fetch nor scan in this process: workers do")
			c.set.Var(&f.connect, "connect", "connect the repository at `ADDRESS` (or a folder of this machine, see --allow-file) if it is not; repeatable")
			c.set.StringVar(&f.listen, "listen", "127.0.0.1:7420", "`ADDRESS` to listen on")
			c.set.StringVar(&f.url, "url", "", "address by which people reach the server, https://…, `URL` (default $PLUMBLINE_URL, or http and the host they ask for)")
			c.set.StringVar(&f.issuers, "issuer-hosts", "", "hosts of sign-in providers and of issuers of CI's tokens that are not on the internet, separated by commas, `LIST` (default $PLUMBLINE_ISSUER_HOSTS)")
			c.set.StringVar(&f.proxies, "trusted-proxies", "", "addresses and networks (10.0.0.0/8) of the proxies that pass requests on: they say who the client is, separated by commas, `LIST` (default $PLUMBLINE_TRUSTED_PROXIES)")
		},
		run: func(ctx context.Context, c *call) error { return runServe(ctx, c, &f) },
	}
}()

func runServe(ctx context.Context, c *call, f *serveFlags) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := free(ctx, f.listen); err != nil {
		return err
	}
	db, err := f.open(ctx, c, "serve")
	if err != nil {
		return err
	}
	defer db.Close()
	log, tracer, sent, err := f.log.begin(c)
	if err != nil {
		return err
	}
	defer sent()
	ctx = trace.With(ctx, tracer)
	data, err := f.dataDir(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	ring, err := f.work.keys.ring(ctx, c, data, db)
	if err != nil {
		return err
	}
	sender, err := f.tell.sender(c, f.linkBase(c))
	if err != nil {
		return err
	}
	w, err := f.watch.start(ctx, c, watched{db: db, keys: ring, log: log, url: f.address(c, ""), hosts: sender.Hosts})
	if err != nil {
		return err
	}
	defer w.stop()
	queue, err := jobs.NewQueue(ctx, db, log)
	if err != nil {
		return err
	}
	if f.work.scans == 0 {
		f.work.scans = max(1, runtime.NumCPU()/2) // people wait for the rest
	}
	work, err := f.work.options(workPlace{c, db, log, data, ring})
	if err != nil {
		return err
	}
	tellThrough(&work, sender, ring)
	people, err := f.signIn(c, db, log, ring)
	if err != nil {
		return err
	}
	proxies, err := f.trusted(c)
	if err != nil {
		return err
	}
	link, err := people.Bootstrap(ctx)
	if err != nil {
		return err
	}
	if err := connect(ctx, c, db, queue, f.connect); err != nil {
		return err
	}
	here := &work.Hosts
	if f.noWork {
		here = nil // what is there for the workers is not known here
	}
	o := server.Options{Listen: f.listen, Store: db, Log: log, Version: version, SignIn: people, Keys: ring, Data: data, Queue: queue,
		Audit: w.Audit, Tracer: tracer, MetricsToken: w.Token, TrustedProxies: proxies, Channels: api.Channels{Keys: ring, Hosts: sender.Hosts, Mail: sender.Mail != nil},
		Limits: server.DefaultLimits, Repositories: api.Repositories{AllowFile: f.work.allowFile != "", Hosts: here, Keys: ring, Fetch: queue.FetchNow,
			Mirror: func(repository store.ID) mirror.Mirror { return jobs.MirrorOf(data, repository) }},
		Ready: func(address string) { f.announce(c, f.address(c, address), link) }}
	if files, built := web.Files(); built {
		o.Web = files
	}
	go rest(ctx)
	go func() { // who asks first need not wait for what filters to be read
		if err := db.Warm(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "read what findings are filtered by", "error", err)
		}
	}()
	if f.noWork {
		return server.New(o).Run(ctx)
	}
	return both(ctx, server.New(o).Run, func(ctx context.Context) error { return jobs.Work(ctx, work) })
}

// trusted returns the proxies that may say who a client is.
func (f *serveFlags) trusted(c *call) (list []netip.Prefix, err error) {
	text := f.proxies
	if text == "" {
		text, _ = c.Lookup("PLUMBLINE_TRUSTED_PROXIES")
	}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		p, err := netip.ParsePrefix(part)
		if a, one := netip.ParseAddr(part); one == nil && a.Zone() == "" {
			a = a.Unmap()
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		switch {
		case err != nil:
			return nil, usage("--trusted-proxies: %q is neither an address nor a network: write 10.1.2.3 or 10.0.0.0/8", part)
		case p.Bits() == 0:
			return nil, usage("--trusted-proxies: %s is everybody: name the proxies alone", part)
		case p.Addr().Is4In6():
			return nil, usage("--trusted-proxies: write %s as an IPv4 network", part)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

// both runs two things until the context ends or one of them does, and waits for both.
func both(ctx context.Context, one, other func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 2)
	for _, run := range [...]func(context.Context) error{one, other} {
		go func() {
			err := run(ctx)
			stop()
			ended <- err
		}()
	}
	return errors.Join(<-ended, <-ended)
}

var openAPICommand = &command{
	name:    "openapi",
	summary: "Print the OpenAPI document of the server",
	hidden:  true,
	run: func(_ context.Context, c *call) error {
		text, err := json.MarshalIndent(server.New(server.Options{}).API.OpenAPI(), "", "  ")
		if err != nil {
			return fmt.Errorf("write the OpenAPI document: %w", err)
		}
		_, err = fmt.Fprintln(c.Out, string(text))
		return err
	},
}
