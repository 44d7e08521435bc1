package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"plumbline.dev/plumbline/audit"
	"plumbline.dev/plumbline/store"
)

type auditFlags struct {
	serverFlags
	keyFlags
	key         string
	checkpoints list
	witnesses   list
}

var auditCommand = func() *command {
	var f auditFlags
	return &command{
		name:    "audit",
		args:    "verify FILE | export FILE | checkpoint",
		summary: "Prove that the audit log of a server is whole",
		long: `
verify FILE reads an export of the audit log and needs nothing else: no server, no database, no network. It proves that each
record is the one that was signed, in its place, with none missing, and names the first one that is not. Exit code 1 says that
something was changed. Write down the key of the log (checkpoint prints it) and give it with --key; keep checkpoints outside of the
server and give them with --checkpoint: then even the holder of the key cannot have written another log since.

export FILE writes the log of the server whose data is named; checkpoint prints its key and a signed checkpoint to keep.`,
		flags: func(c *call) {
			f = auditFlags{}
			f.serverFlags.declare(c)
			f.keyFlags.declare(c)
			c.set.StringVar(&f.key, "key", "", "verify: the `KEY` of the log as it was written down")
			c.set.Var(&f.checkpoints, "checkpoint", "verify: `FILE` with a signed checkpoint that was kept; repeatable")
			c.set.Var(&f.witnesses, "witness", "verify: the public `KEY` of a witness; repeatable")
		},
		run: func(ctx context.Context, c *call) error {
			switch {
			case len(c.args) == 2 && c.args[0] == "verify":
				return auditVerify(c, &f)
			case len(c.args) == 2 && c.args[0] == "export":
				return auditExport(ctx, c, &f)
			case len(c.args) == 1 && c.args[0] == "checkpoint":
				return auditCheckpoint(ctx, c, &f)
			}
			return usage("write audit verify FILE, audit export FILE or audit checkpoint")
		},
	}
}()

func auditVerify(c *call, f *auditFlags) error {
	trust := audit.Trust{Key: f.key, Witnesses: f.witnesses}
	for _, name := range f.checkpoints {
		text, err := readSmall(c.path(name))
		if err != nil {
			return fmt.Errorf("read a checkpoint: %w", err)
		}
		trust.Checkpoints = append(trust.Checkpoints, signedPart(text))
	}
	in := c.In
	if c.args[1] != "-" {
		file, err := os.Open(c.path(c.args[1]))
		if err != nil {
			return fmt.Errorf("read the export: %w", err)
		}
		defer file.Close()
		in = file
	}
	r, err := audit.Verify(in, trust)
	if fault, ok := errors.AsType[*audit.Fault](err); ok {
		return &failed{code: Found, text: c.args[1] + ": " + fault.Error()}
	}
	if err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	out := bufio.NewWriter(c.Out)
	fmt.Fprintf(out, "The audit log %s is whole: %d records, %d of them only as hashes, under %d checkpoints.\n", r.Origin, r.Records, r.Withheld, r.Checkpoints)
	if r.Records > r.Withheld {
		fmt.Fprintf(out, "From %s to %s; exported %s.\n", r.From.Format(time.RFC3339), r.To.Format(time.RFC3339), r.Exported.Format(time.RFC3339))
	}
	for _, w := range r.Cosigned {
		fmt.Fprintf(out, "The witness %s had seen %d records at %s.\n", w.Witness, w.Size, w.Time.Format(time.RFC3339))
	}
	if r.ClockBack >= 0 {
		fmt.Fprintf(out, "The clock of the server was set back before record %d.\n", r.ClockBack)
	}
	if f.key == "" {
		fmt.Fprintf(out, "Its key is the one in the file. Compare it with the one that was written down, or give that with --key:\n  %s\n", r.Key)
	}
	return out.Flush()
}

// signedPart cuts what audit checkpoint prints before the checkpoint itself.
func signedPart(text []byte) []byte {
	for {
		line, rest, more := cutLine(text)
		if len(line) > 0 && line[0] != '#' || !more {
			return text
		}
		text = rest
	}
}

func cutLine(b []byte) (line, rest []byte, more bool) {
	for i, c := range b {
		if c == '\n' {
			return b[:i], b[i+1:], true
		}
	}
	return b, nil, false
}

// readSmall reads a file of at most 64 KB.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}

// openAudit opens the log of the server that the flags name.
func openAudit(ctx context.Context, c *call, f *auditFlags) (*store.Store, *store.AuditLog, error) {
	data, err := f.dataDir(c)
	if err != nil {
		return nil, nil, err
	}
	db, err := f.openExisting(ctx, c, "command")
	if err != nil {
		return nil, nil, err
	}
	f.started = true
	ring, err := f.ring(ctx, c, data, db)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	log, err := db.AuditLog(ctx, ring, auditOrigin(""))
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, log, nil
}

func auditExport(ctx context.Context, c *call, f *auditFlags) (err error) {
	db, log, err := openAudit(ctx, c, f)
	if err != nil {
		return err
	}
	defer db.Close()
	path := c.path(c.args[1])
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	entry := store.Entry{Actor: "system command line", Action: "audit.export", Object: "audit " + filepath.Base(path)}
	if err := db.Write(ctx, entry, func(context.Context, *store.Tx) error { return nil }); err != nil {
		return errors.Join(err, out.Close(), os.Remove(path))
	}
	if err := errors.Join(log.Export(ctx, out, 0), out.Sync(), out.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	_, err = fmt.Fprintf(c.Out, "The audit log is in %s. Prove it anywhere: plumbline audit verify --key %s %s\n", c.args[1], log.Public, c.args[1])
	return err
}

func auditCheckpoint(ctx context.Context, c *call, f *auditFlags) error {
	db, log, err := openAudit(ctx, c, f)
	if err != nil {
		return err
	}
	defer db.Close()
	signed, err := log.Checkpoint(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "# The key of the audit log: %s\n%s", log.Public, signed)
	return err
}
