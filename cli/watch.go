package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"plumbline.dev/plumbline/outbound"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/store"
	"plumbline.dev/plumbline/trace"
)

// logFlags are the flags of the processes of a server about what they tell.
type logFlags struct {
	format string
	level  string
	otlp   string
}

func (f *logFlags) declare(c *call) {
	c.set.StringVar(&f.format, "log-format", "text", "`FORMAT` of the log: text or json")
	c.set.StringVar(&f.level, "log-level", "info", "least `LEVEL` that is logged: debug, info, warn or error")
	c.set.StringVar(&f.otlp, "otlp-endpoint", "", "`URL` of an OpenTelemetry collector that spans are sent to over HTTP, http://localhost:4318; none are recorded without it")
}

// begin makes the log and what sends spans, nil when there is nowhere to. What it returns with them ends both.
func (f *logFlags) begin(c *call) (*slog.Logger, *trace.Tracer, func(), error) {
	log, err := f.logger(c)
	if err != nil {
		return nil, nil, nil, err
	}
	tracer, sent, err := f.tracer(log)
	return log, tracer, sent, err
}

// logger makes the log.
func (f *logFlags) logger(c *call) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.level)); err != nil {
		return nil, usage("--log-level: %q is none of debug, info, warn and error", f.level)
	}
	if f.format != "text" && f.format != "json" {
		return nil, usage("--log-format: %q is neither text nor json", f.format)
	}
	return server.NewLog(c.Err, f.format == "json", level), nil
}

// tracer begins to send spans, when there is somewhere to; nil otherwise. What it returns with it ends that.
func (f *logFlags) tracer(log *slog.Logger) (*trace.Tracer, func(), error) {
	if f.otlp == "" {
		return nil, func() {}, nil
	}
	t, err := trace.New(trace.Options{Endpoint: f.otlp, Service: "plumbline", Version: version,
		Problem: func(err error) { log.Warn("spans were lost", "error", err) }})
	if err != nil {
		return nil, nil, usage("--otlp-endpoint: %v", err)
	}
	return t, func() {
		last, done := context.WithTimeout(context.Background(), 3*time.Second)
		defer done()
		t.Stop(last)
	}, nil
}

// watchFlags are the flags of a server about its audit log and who may watch it.
type watchFlags struct {
	metricsToken string
	witnesses    list
}

func (f *watchFlags) declare(c *call) {
	c.set.StringVar(&f.metricsToken, "metrics-token-file", "", "`FILE` with a token (16 characters or more) by which /metrics is read from other machines; without it only this machine reads it")
	c.set.Var(&f.witnesses, "audit-witness", "`WITNESS` that cosigns the audit log: its address, a space, its public key; repeatable")
}

// watch is what the flags make.
type watch struct {
	Audit   *store.AuditLog
	Token   string // of the metrics
	Keeper  *server.AuditKeeper
	stopped func()
}

// watched is what start works with.
type watched struct {
	db   *store.Store
	keys *seal.Ring
	log  *slog.Logger
	url  string // of the server; names a new audit log

	hosts outbound.Hosts // that may be reached
}

// start opens the audit log of a database and begins to keep it: checkpoints are signed while it grows. Stop it.
func (f *watchFlags) start(ctx context.Context, c *call, in watched) (*watch, error) {
	w := &watch{}
	var err error
	if w.Audit, err = in.db.AuditLog(ctx, in.keys, auditOrigin(in.url)); err != nil {
		return nil, err
	}
	if w.Token, err = f.token(c); err != nil {
		return nil, err
	}
	w.Keeper = &server.AuditKeeper{Log: w.Audit, Store: in.db, Logger: in.log, Hosts: in.hosts}
	for _, text := range f.witnesses {
		witness, err := server.ParseWitness(text)
		if err != nil {
			return nil, usage("--audit-witness: %v", err)
		}
		w.Keeper.Witnesses = append(w.Keeper.Witnesses, witness)
		w.Audit.Witness = append(w.Audit.Witness, witness.Key)
	}
	keeping, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); w.Keeper.Run(keeping) }()
	w.stopped = func() {
		cancel()
		<-ended
	}
	return w, nil
}

// stop ends what start began.
func (w *watch) stop() { w.stopped() }

// token reads the token of the metrics.
func (f *watchFlags) token(c *call) (string, error) {
	if f.metricsToken == "" {
		return "", nil
	}
	path := c.path(f.metricsToken)
	text, err := readSmall(path)
	if err != nil {
		return "", fmt.Errorf("read the token of the metrics: %w", err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("the token of the metrics, %s, can be read by everybody: chmod 640 it", path)
	}
	token := strings.TrimSpace(string(text))
	if len(token) < 16 {
		return "", errors.New("the token of the metrics has fewer than 16 characters: make one with `openssl rand -hex 32`")
	}
	return token, nil
}
