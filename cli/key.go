package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

// keyFlags say where the master key is that seals credentials and other secrets of a server.
type keyFlags struct {
	file    string
	command string
	old     string
	started bool // the key is that of a server that was started before: none is made
}

func (f *keyFlags) declare(c *call) {
	c.set.StringVar(&f.file, "key-file", "", "`FILE` with the master key, 32 bytes in base64 (default $PLUMBLINE_KEY_FILE, or master.key in the data directory, made on the first start)")
	c.set.StringVar(&f.command, "key-command", "", "`COMMAND` that prints the master key, for key services; no shell sees it (default $PLUMBLINE_KEY_COMMAND)")
	c.set.StringVar(&f.old, "old-key-file", "", "`FILE` with the master key before this one: what it sealed is sealed anew")
}

// ring returns the master key of a database and errs when it is missing or another one. On a database that has sealed nothing
// yet it makes one, in the data directory, unless another place was named.
func (f *keyFlags) ring(ctx context.Context, c *call, data string, db *store.Store) (*seal.Ring, error) {
	key, err := f.read(ctx, c, data, db)
	if err != nil {
		return nil, err
	}
	ring := seal.NewRing(key)
	if f.old != "" {
		old, err := seal.ReadKeyFile(f.old)
		if err != nil {
			return nil, err
		}
		ring = seal.NewRing(key, old)
	}
	if err := db.CheckKey(ctx, ring); err != nil {
		return nil, err
	}
	if f.old != "" {
		n, err := db.Rewrap(ctx, ring)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(c.Err, "plumbline: %d values are sealed with the master key %s now; --old-key-file is not needed any more\n", n, ring.Current())
	}
	return ring, nil
}

func (f *keyFlags) read(ctx context.Context, c *call, data string, db *store.Store) (seal.Key, error) {
	command, file := f.command, f.file
	if command == "" && file == "" {
		command, _ = c.Lookup("PLUMBLINE_KEY_COMMAND")
		file, _ = c.Lookup("PLUMBLINE_KEY_FILE")
	}
	if command != "" && file != "" {
		return seal.Key{}, usage("--key-file and --key-command both say where the master key is: give one of them")
	}
	if command != "" {
		return seal.KeyFromCommand(ctx, command)
	}
	if file != "" {
		return seal.ReadKeyFile(file)
	}
	file = filepath.Join(data, "master.key")
	key, err := seal.ReadKeyFile(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	number, err := db.KeyNumber(ctx)
	if err != nil {
		return seal.Key{}, err
	}
	if number != "" {
		return seal.Key{}, &failed{Failure, fmt.Sprintf("the master key %s, which this database was sealed with, is not at %s", number, file),
			"put the file back (it is in no backup of the database); on another machine, give the key of the server with --key-file or --key-command"}
	}
	if f.started {
		return seal.Key{}, &failed{Failure, "no server has started on this database yet, and there is no master key at " + file,
			"start plumbline serve on it first; then give the key of the server with --key-file or --key-command"}
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return seal.Key{}, fmt.Errorf("make the data directory: %w", err)
	}
	if key, err = seal.CreateKeyFile(file); err != nil {
		return key, err
	}
	fmt.Fprintf(c.Err, "plumbline: a new master key was made: keep a copy of %s in a safe place, apart from backups of the database\n", file)
	return key, nil
}

// path returns a path that was given on the command line as an absolute one.
func (c *call) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.Dir, name)
}

// auditOrigin names the audit log of a new server: the host of its address, or of the machine. It only has to tell logs apart;
// the key does the proving.
func auditOrigin(address string) string {
	host := ""
	if u, err := url.Parse(address); err == nil {
		host = u.Host
	}
	if host == "" {
		host, _ = os.Hostname()
	}
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == ':' {
			return r
		}
		return -1
	}, strings.ToLower(host))
	if host == "" {
		host = "plumbline"
	}
	return host + "/audit"
}
