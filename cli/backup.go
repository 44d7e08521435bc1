package cli

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"

	"plumbline.dev/plumbline/store"
)

// A backup is a tar archive of two files: manifest.json, and the database as dumpNames has it.
const manifestName = "manifest.json"

// dumpNames are the names of the database in a backup, by engine: a SQLite file compressed with zstd, or an archive of pg_dump.
var dumpNames = map[store.Engine]string{store.SQLite: "plumbline.db.zst", store.PostgreSQL: "plumbline.pgdump"}

// manifest says what a backup holds.
type manifest struct {
	Format     int          `json:"format"` // 1
	Version    string       `json:"version"`
	Engine     store.Engine `json:"engine"`
	Made       time.Time    `json:"made"`
	Migration  int64        `json:"migration"`
	File       string       `json:"file"`
	Size       int64        `json:"size"`   // of the file in the archive, bytes
	Plain      int64        `json:"plain"`  // uncompressed, bytes; equal to Size when it is not compressed
	SHA256     string       `json:"sha256"` // of the file in the archive
	AuditKey   string       `json:"auditKey"`
	AuditSize  int64        `json:"auditSize"`
	Checkpoint string       `json:"checkpoint"` // the newest one that was signed before; empty when there was none
	MasterKey  string       `json:"masterKey"`  // the number of the key that is needed to open what is sealed: it is not in the backup
}

var backupCommand = func() *command {
	var f serverFlags
	return &command{
		name:    "backup",
		args:    "FILE",
		summary: "Write the database of a server to a file, while it runs",
		long: `
The file holds everything but the master key: findings, people, settings, results of scans, the audit log. Mirrors of repositories
are not in it, they are fetched again. Keep the master key (master.key in the data directory) in another place: without it the
credentials in a backup cannot be opened, and with it whoever has the backup can. restore brings it back.`,
		flags: func(c *call) { f = serverFlags{}; f.declare(c) },
		run: func(ctx context.Context, c *call) error {
			if len(c.args) != 1 {
				return usage("name the file to write")
			}
			return runBackup(ctx, c, &f)
		},
	}
}()

var restoreCommand = func() *command {
	var f serverFlags
	return &command{
		name:    "restore",
		args:    "FILE",
		summary: "Make a server's database of a backup, and prove its audit log",
		long: `
The data directory or the PostgreSQL database that is named must have nothing in it: a server that runs is never overwritten. The
backup is checked before anything is written, and the audit log after it; a backup of an older version is brought up to date.
Put the master key back, too: the server does not start without it.`,
		flags: func(c *call) { f = serverFlags{}; f.declare(c) },
		run: func(ctx context.Context, c *call) error {
			if len(c.args) != 1 {
				return usage("name the backup")
			}
			return runRestore(ctx, c, &f)
		},
	}
}()

func runBackup(ctx context.Context, c *call, f *serverFlags) (err error) {
	path := c.path(c.args[0])
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there already: a backup overwrites nothing", c.args[0])
	}
	address, err := f.databaseAddress(c)
	if err != nil {
		return err
	}
	if err := isThere(address); err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{Address: address, Kind: "command"})
	if err != nil {
		return err
	}
	defer db.Close()
	entry := store.Entry{Actor: "system command line", Action: "backup.make", Object: "backup " + filepath.Base(path)}
	if err := db.Write(ctx, entry, func(context.Context, *store.Tx) error { return nil }); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(path), ".plumbline-backup-")
	if err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	defer os.RemoveAll(work)
	m := &manifest{Format: 1, Version: version, Engine: db.Engine, Made: time.Now().UTC().Truncate(time.Second), File: dumpNames[db.Engine]}
	if err := describe(ctx, db, m); err != nil {
		return err
	}
	plain := filepath.Join(work, "dump")
	if err := db.Dump(ctx, address, plain); err != nil {
		return err
	}
	if err := pack(m, plain, work, path); err != nil {
		return errors.Join(fmt.Errorf("write the backup: %w", err), os.Remove(path))
	}
	fmt.Fprintf(c.Out, "%s: %s of %s, %.1f MB, with %d audit records.\n", c.args[0], m.Engine, m.Made.Format(time.RFC3339), float64(m.Size)/1e6, m.AuditSize)
	if m.MasterKey != "" {
		fmt.Fprintf(c.Out, "The master key %s is not in it: keep that in another place.\n", m.MasterKey)
	}
	return nil
}

// describe fills in what the manifest says of the database. What is in the dump is that or newer.
func describe(ctx context.Context, db *store.Store, m *manifest) error {
	var err error
	if m.Migration, err = db.Version(ctx); err != nil {
		return err
	}
	if m.MasterKey, err = db.KeyNumber(ctx); err != nil {
		return err
	}
	if m.AuditSize, err = db.AuditSize(ctx); err != nil {
		return err
	}
	m.Checkpoint, m.AuditKey, err = db.LastCheckpoint(ctx)
	return err
}

// pack compresses a dump where that is worth it and writes the archive.
func pack(m *manifest, plain, work, path string) error {
	info, err := os.Stat(plain)
	if err != nil {
		return err
	}
	m.Plain = info.Size()
	packed := plain
	if m.Engine == store.SQLite {
		packed = filepath.Join(work, "packed")
		if err := compress(plain, packed); err != nil {
			return err
		}
	}
	in, err := os.Open(packed)
	if err != nil {
		return err
	}
	defer in.Close()
	digest := sha256.New()
	if m.Size, err = io.Copy(digest, in); err != nil {
		return err
	}
	m.SHA256 = hex.EncodeToString(digest.Sum(nil))
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	w := tar.NewWriter(out)
	add := func(name string, size int64, from io.Reader) error {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: m.Made, Format: tar.FormatPAX}); err != nil {
			return err
		}
		_, err := io.Copy(w, from)
		return err
	}
	err = errors.Join(add(manifestName, int64(len(text)), bytes.NewReader(text)), add(m.File, m.Size, in))
	return errors.Join(err, w.Close(), out.Sync(), out.Close())
}

func compress(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	z, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(2))
	if err != nil {
		return errors.Join(err, out.Close())
	}
	_, err = io.Copy(z, in)
	return errors.Join(err, z.Close(), out.Close())
}
