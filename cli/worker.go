package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/server/api"
	"plumbline.dev/plumbline/store"
	"plumbline.dev/plumbline/trace"
)

// workFlags are the flags of every command that fetches and scans.
type workFlags struct {
	keys      keyFlags
	hosts     string
	allowFile string
	poll      time.Duration
	scans     int
	history   int
}

func (f *workFlags) declare(c *call) {
	f.keys.declare(c)
	c.set.StringVar(&f.hosts, "git-hosts", "", "`LIST` of hosts that repositories are fetched from, with commas: names, *.example.com, name:port, public (default public)")
	c.set.StringVar(&f.allowFile, "allow-file", "", "`FOLDERS` of this machine, with commas, whose repositories may be connected and fetched (default none)")
	c.set.DurationVar(&f.poll, "poll", 5*time.Minute, "how often every repository is fetched, `DURATION`")
	c.set.IntVar(&f.scans, "scans", 0, "`N` scans at a time (default: one for each processor; serve takes half of them)")
	c.set.IntVar(&f.history, "history", 0, "`N` commits of its history that the first scan of a repository follows (default: its newest commit alone)")
}

// options are those of a worker of this process.
func (f *workFlags) options(at workPlace) (jobs.Options, error) {
	list := strings.FieldsFunc(f.hosts, func(r rune) bool { return r == ',' || r == ' ' })
	for folder := range strings.SplitSeq(f.allowFile, ",") {
		if folder == "" {
			continue
		}
		if len(list) == 0 {
			list = []string{"public"}
		}
		list = append(list, "file://"+at.call.path(folder))
	}
	hosts, err := outbound.Parse(list, "--git-hosts")
	hosts.Folders = "--allow-file"
	if err != nil {
		return jobs.Options{}, usage("--git-hosts: %v", err)
	}
	if f.poll < time.Second {
		return jobs.Options{}, usage("--poll is at least 1s, and 5m when nothing is said")
	}
	return jobs.Options{Store: at.store, Log: at.log, Data: at.data, Hosts: hosts, Scanners: f.scans, Poll: f.poll, Backlog: f.history, Snapshot: jobs.KeepSnapshot,
		Open: func(_ context.Context, repository store.ID, sealed []byte) (mirror.Credential, error) {
			var credential mirror.Credential
			text, err := at.keys.Open(sealed, api.CredentialPlace(repository))
			if err != nil {
				return credential, err
			}
			if err := json.Unmarshal(text, &credential); err != nil {
				return credential, fmt.Errorf("read a credential: %w", err)
			}
			return credential, nil
		},
		Tasks: tasks(at.store)}, nil
}

// workPlace is what a worker of this process works with.
type workPlace struct {
	call  *call
	store *store.Store
	log   *slog.Logger
	data  string
	keys  *seal.Ring
}

// tasks are the upkeep of what the database keeps.
func tasks(s *store.Store) []jobs.Task {
	return []jobs.Task{
		{Name: "mutes", Every: time.Minute, Do: func(ctx context.Context) error { _, err := s.ExpireMutes(ctx); return err }},
		{Name: "sweep", Every: 10 * time.Minute, Do: func(ctx context.Context) error {
			return s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.Sweep(ctx) })
		}},
		{Name: "retention", Every: 24 * time.Hour, Do: s.ForgetOld},
	}
}

type workerFlags struct {
	serverFlags
	workFlags
	log  logFlags
	tell tellFlags
	url  string
}

var workerCommand = func() *command {
	var f workerFlags
	return &command{
		name:    "worker",
		summary: "Fetch and scan for a server, on this machine",
		long: `
Works on the jobs of a server: fetches repositories, scans commits, looks after the database. Any number of workers share one
PostgreSQL database, and they all need the master key of the server (--key-file). Each keeps mirrors of the repositories it scans in its own data directory. What a worker that dies was
working on goes on elsewhere within seconds.`,
		flags: func(c *call) {
			f = workerFlags{}
			f.serverFlags.declare(c)
			f.workFlags.declare(c)
			f.log.declare(c)
			f.tell.declare(c)
			c.set.StringVar(&f.url, "url", "", "address by which people reach the server, for links in messages, https://…, `URL` (default $PLUMBLINE_URL; without one messages have none)")
		},
		run: func(ctx context.Context, c *call) error { return runWorker(ctx, c, &f) },
	}
}()

func runWorker(ctx context.Context, c *call, f *workerFlags) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	data, err := f.dataDir(c)
	if err != nil {
		return err
	}
	db, err := f.openExisting(ctx, c, "worker")
	if err != nil {
		return err
	}
	defer db.Close()
	f.keys.started = true
	ring, err := f.keys.ring(ctx, c, data, db)
	if err != nil {
		return err
	}
	log, tracer, sent, err := f.log.begin(c)
	if err != nil {
		return err
	}
	defer sent()
	ctx = trace.With(ctx, tracer)
	o, err := f.options(workPlace{c, db, log, data, ring})
	if err != nil {
		return err
	}
	go rest(ctx)
	url := f.url
	if url == "" {
		url, _ = c.Lookup("PLUMBLINE_URL")
	}
	sender, err := f.tell.sender(c, url)
	if err != nil {
		return err
	}
	tellThrough(&o, sender, ring)
	fmt.Fprintln(c.Out, "The worker is ready.")
	return jobs.Work(ctx, o)
}
