package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"plumbline.dev/plumbline/audit"
	"plumbline.dev/plumbline/seal"
)

// Dump writes all of the database to a new file while others read and write: a SQLite database without its free space, or an
// archive of pg_dump. It is one state of the database, that of a moment after the call.
func (s *Store) Dump(ctx context.Context, address, path string) error {
	if s.Engine == PostgreSQL {
		return postgresTool(ctx, address, "pg_dump", "--format=custom", "--compress=1", "--no-owner", "--file="+path)
	}
	// The readers of the store may not write at all, so the copy is made by a connection of its own.
	db := sql.OpenDB(connector{"file:" + escapePath(address) + "?_pragma=busy_timeout(10000)"})
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	return os.Chmod(path, 0o600)
}

// Undump makes a PostgreSQL database of an archive that Dump wrote; the database must be there and empty. It is all there
// afterwards, or nothing.
func Undump(ctx context.Context, address, path string) error {
	return postgresTool(ctx, address, "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", path)
}

// PostgresEmpty errs unless a PostgreSQL database has no table of its own.
func PostgresEmpty(ctx context.Context, address string) error {
	s := &Store{}
	if err := s.openPostgres(ctx, Options{Address: address, Conns: 2}); err != nil {
		return err
	}
	defer s.Close()
	var tables int
	err := s.DB.NewRaw("SELECT count(*) FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')").Scan(ctx, &tables)
	if err != nil {
		return fmt.Errorf("look into the database: %w", err)
	}
	if tables > 0 {
		return fmt.Errorf("the database has %d tables already: nothing is restored over them; name an empty one (createdb)", tables)
	}
	return nil
}

// postgresTool runs a program of PostgreSQL. The password goes through the environment: arguments are seen by every user of the
// machine.
func postgresTool(ctx context.Context, address, tool string, args ...string) error {
	path, err := exec.LookPath(tool)
	if err != nil {
		return fmt.Errorf("%s is not installed here: it comes with PostgreSQL's client programs, in the version of the server or a newer one", tool)
	}
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("the address of the database is not right: write postgres://user@host:5432/name")
	}
	env := os.Environ()
	if password, has := u.User.Password(); has {
		u.User = url.User(u.User.Username())
		env = append(env, "PGPASSWORD="+password)
	}
	q := u.Query()
	if password := q.Get("password"); password != "" {
		q.Del("password")
		u.RawQuery = q.Encode()
		env = append(env, "PGPASSWORD="+password)
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"--dbname=" + u.String()}, args...)...)
	var complaint bytes.Buffer
	cmd.Env, cmd.Stderr = env, &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %.500s", tool, err, seal.Redact(strings.TrimSpace(complaint.String())))
	}
	return nil
}

// Version is the number of the newest migration that the database has.
func (s *Store) Version(ctx context.Context) (int64, error) {
	p, err := s.provider()
	if err != nil {
		return 0, fmt.Errorf("read the migrations: %w", err)
	}
	v, err := p.GetDBVersion(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the version of the database: %w", err)
	}
	return v, nil
}

// Current errs unless the database has every migration that this program knows.
func (s *Store) Current(ctx context.Context) error {
	p, err := s.provider()
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the database: %w", err)
	}
	if pending {
		return errors.New("the database lacks migrations of this version")
	}
	return nil
}

// AuditState is what VerifyAudit found.
type AuditState struct {
	Records     int64 // in the tree
	Forgotten   int64 // those whose text was deleted after their time
	Checkpoints int
	Public      string // key of the log; "" before it has one
}

// VerifyAudit reads the whole log in the database and errs at the first record that is not what its hash says, at a hash that is
// not what the tree says, at a checkpoint that is not signed or not true, and when a checkpoint that was kept elsewhere is not a
// beginning of the log.
func (s *Store) VerifyAudit(ctx context.Context, kept ...[]byte) (AuditState, error) {
	var st AuditState
	head, err := s.auditHead(ctx)
	if err != nil {
		return st, err
	}
	if err := s.DB.NewRaw("SELECT public FROM audit_key WHERE id = 1").Scan(ctx, &st.Public); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return st, fmt.Errorf("read the key of the audit log: %w", err)
	}
	roots, err := s.auditRoots(ctx, &st, kept)
	if err != nil {
		return st, err
	}
	var tree audit.Frontier
	const page = 2000
	for at := int64(0); at < head.Size; at += page {
		if err := s.verifyPage(ctx, span{at, min(at+page, head.Size)}, &tree, roots, &st); err != nil {
			return st, err
		}
	}
	for size := range roots {
		if size > head.Size {
			return st, fmt.Errorf("a checkpoint says that the audit log had %d records, and it has %d: it was cut, or an older state restored", size, head.Size)
		}
	}
	if tree.Root() != head.Root() {
		return st, errors.New("the edge of the audit log is not that of its records: the database was changed")
	}
	st.Records = head.Size
	return st, nil
}

// auditRoots are the roots of checkpoints by size: those in the database and those kept elsewhere.
func (s *Store) auditRoots(ctx context.Context, st *AuditState, kept [][]byte) (map[int64]tlog.Hash, error) {
	var notes []string
	if err := s.DB.NewRaw("SELECT note FROM audit_checkpoint ORDER BY size").Scan(ctx, &notes); err != nil {
		return nil, fmt.Errorf("read the checkpoints of the audit log: %w", err)
	}
	st.Checkpoints = len(notes)
	for _, k := range kept {
		notes = append(notes, string(k))
	}
	roots := map[int64]tlog.Hash{}
	for _, n := range notes {
		c, err := audit.OpenCheckpoint([]byte(n), st.Public, nil)
		if err != nil {
			return nil, err
		}
		if other, twice := roots[c.Size]; twice && other != c.Root {
			return nil, fmt.Errorf("size %d: %w", c.Size, audit.ErrFork)
		}
		roots[c.Size] = c.Root
	}
	return roots, nil
}

func (s *Store) verifyPage(ctx context.Context, p span, tree *audit.Frontier, roots map[int64]tlog.Hash, st *AuditState) error {
	leaves, err := (&AuditLog{store: s}).leaves(ctx, p)
	if err != nil {
		return err
	}
	var rows []struct {
		Sequence int64
		Record   string
	}
	err = s.DB.NewRaw("SELECT sequence, record FROM audit_record WHERE sequence >= ? AND sequence < ? ORDER BY sequence", p.from, p.to).Scan(ctx, &rows)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	for i, leaf := range leaves {
		n := p.from + int64(i)
		if len(rows) > 0 && rows[0].Sequence == n {
			if audit.Leaf([]byte(rows[0].Record)) != leaf {
				return fmt.Errorf("record %d of the audit log was changed", n)
			}
			rows = rows[1:]
		} else {
			st.Forgotten++
		}
		tree.Append(leaf)
		if root, has := roots[tree.Size]; has && root != tree.Root() {
			return fmt.Errorf("the audit log is not the one that the checkpoint of size %d was made of: one of the %d records before it was changed, with its hashes", tree.Size, tree.Size)
		}
	}
	return nil
}
