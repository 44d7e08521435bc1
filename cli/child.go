package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"time"

	"plumbline.dev/plumbline/config"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// Rules of this file: the command is the server's, see jobs.RunChild, and not in the help. It reads one request, gives up all
// that it does not need (confine), and only then opens the repository, which is hostile. It fails by saying why and ending;
// whatever it forgets, the server bounds.

// maxRequest bounds what the server asks in one request, in bytes.
const maxRequest = 256 << 20

// childCommand scans commits for the server.
var childCommand = &command{name: jobs.ChildCommand, summary: "Scan commits for the server", run: runChild}

func runChild(ctx context.Context, c *call) error {
	var q jobs.Request
	in := json.NewDecoder(io.LimitReader(c.In, maxRequest))
	in.DisallowUnknownFields()
	if err := in.Decode(&q); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	q.Limits = q.Limits.Defaults()
	out := jobs.NewChildOutput(c.Out)
	w := &childWork{Request: &q, out: out}
	if err := w.prepare(); err != nil {
		return out.End(nil, "", err.Error())
	}
	held, err := confine(q.GitDir, q.Limits)
	if err != nil {
		return out.End(nil, "", "the process that scans cannot be confined: "+err.Error())
	}
	w.held = held
	w.guard(ctx)
	if err := w.work(ctx); err != nil {
		return out.End(held, "", err.Error())
	}
	return out.End(held, "", "")
}

// childWork is the work on one request.
type childWork struct {
	*jobs.Request
	out     *jobs.ChildOutput
	held    []string
	options scan.Options
	series  *scan.Series
	started chan string // the commits, as their scans begin; "" as they end
	last    *finding.Report
	lastOf  *scan.Result
	known   map[string]jobs.Watched // findings that were there before some commit of the request
	left    map[string]string       // of these, what settings leave out of the last one: why
}

// prepare sets up everything that has nothing to do with the repository.
func (w *childWork) prepare() error {
	set := schema.Load()
	catalogue := rule.NewCatalogue(set)
	if err := catalogue.AddPrepared(rules.Pages(), rules.Prepared()); err != nil {
		return err
	}
	w.options = scan.Options{
		Dialects: dialects(set), Rules: catalogue, Known: known(catalogue), Version: version, Settings: w.Settings,
		Decide: scan.Decisions{Today: w.Today}, LooseVars: true,
	}
	w.options.Limits.FileBytes = w.Limits.FileBytes
	off := make(map[string]bool)
	severity := make(map[string]finding.Severity)
	for _, r := range catalogue.All() {
		if len(w.Only) > 0 && !slices.ContainsFunc(w.Only, func(name string) bool { return config.MatchRule(name, r.ID, r.Aliases...) }) {
			off[r.ID] = true
		}
		for _, s := range w.Rules {
			if !config.MatchRule(s.Rule, r.ID, r.Aliases...) {
				continue
			}
			off[r.ID] = s.Off
			if s.Severity != 0 {
				severity[r.ID] = s.Severity
			}
		}
	}
	w.options.Only = func(r *rule.Rule) bool { return !off[r.ID] }
	w.options.Severity = func(r *rule.Rule) finding.Severity { return severity[r.ID] }
	w.series = scan.NewSeries(w.options)
	return nil
}

// guard ends the process when a scan does not heed its context, and when the processor time is used up.
func (w *childWork) guard(ctx context.Context) {
	w.started = make(chan string)
	spent := make(chan os.Signal, 1)
	notifySpent(spent)
	go func() {
		defer signal.Stop(spent)
		grace := w.Limits.PerCommit + w.Limits.PerCommit/2 + time.Second
		late := time.NewTimer(grace)
		defer late.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case at, more := <-w.started:
				if !more {
					return
				}
				late.Stop()
				if at != "" {
					late.Reset(grace)
				}
			case <-late.C:
				w.die("time", fmt.Sprintf("the scan of one commit took longer than %s and did not stop", w.Limits.PerCommit))
			case <-spent:
				w.die("processor time", fmt.Sprintf("the scan needed more than %s of processor time", w.Limits.CPU))
			}
		}
	}()
}

// die says why and ends at once: the goroutines that scan cannot be ended.
func (w *childWork) die(limit, why string) {
	go func() { // somebody may hold the pipe
		time.Sleep(2 * time.Second)
		os.Exit(Failure)
	}()
	w.out.End(w.held, limit, why)
	os.Exit(Failure)
}

func (w *childWork) work(ctx context.Context) error {
	defer close(w.started)
	objects, err := source.OpenGitObjects(ctx, w.GitDir, w.Limits.Files)
	if err != nil {
		return err
	}
	defer objects.Close()
	for i, at := range w.Commits {
		select {
		case w.started <- at.ID:
		case <-ctx.Done():
			return ctx.Err()
		}
		result := w.commit(ctx, objects, at, i == 0)
		w.started <- ""
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.out.Result(result, len(w.Commits)); err != nil {
			return fmt.Errorf("send a result: %w", err)
		}
	}
	return nil
}

// commit scans one commit. What goes wrong with it is in the result.
func (w *childWork) commit(ctx context.Context, objects *source.GitObjects, at jobs.RequestCommit, first bool) (r *jobs.CommitResult) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, w.Limits.PerCommit)
	defer cancel()
	r = &jobs.CommitResult{Commit: at.ID}
	failed := func(format string, args ...any) *jobs.CommitResult {
		return &jobs.CommitResult{Commit: at.ID, Failure: fmt.Sprintf(format, args...), Took: time.Since(start)}
	}
	defer func() {
		if p := recover(); p != nil {
			r = failed("the scan failed inside of the program, which is a mistake in it: %.200v", p)
		}
	}()
	tree, err := objects.Tree(at.ID)
	switch {
	case errors.Is(err, source.ErrListing):
		return failed("the commit has more than %d files: raise the limit of files to have it scanned", w.Limits.Files)
	case err != nil:
		return failed("the commit cannot be read: %v", err)
	}
	ask := scan.Ask{Fixes: at.Fixes}
	result, err := w.series.Scan(ctx, tree, ask)
	var unusable []finding.Problem
	if mistakes, wrong := errors.AsType[config.Errors](err); wrong {
		// The settings of the repository cannot be used: it is scanned without them, and says so.
		ask.NoSettings = true
		for _, m := range mistakes[:min(len(mistakes), 50)] {
			r.Mistakes = append(r.Mistakes, rule.Masked(m.Error()))
			at := source.Position{Line: m.Line, Column: m.Column}
			unusable = append(unusable, finding.Problem{Kind: source.Invalid, Message: "the settings do not count: " + rule.Masked(m.Message),
				Location: finding.Location{Range: source.Range{File: m.File}, From: at, To: at}})
		}
		result, err = w.series.Scan(ctx, tree, ask)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return failed("the scan of this commit took longer than %s", w.Limits.PerCommit)
	case err != nil:
		return failed("the commit cannot be scanned: %v", err)
	}
	r.Full = at.Full || first || w.last == nil
	w.fill(r, result)
	r.Problems = append(unusable, r.Problems...)
	if at.Snapshot {
		if r.Snapshot, err = w.snapshot(ctx, result.Files); err != nil {
			return failed("the resources of this commit cannot be listed: %v", err)
		}
	}
	w.last, w.lastOf = result.Report, result
	r.Took = time.Since(start)
	return r
}
