package cli

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"plumbline.dev/plumbline/store"
)

// postgres reports whether an address is of a PostgreSQL database.
func postgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

func runRestore(ctx context.Context, c *call, f *serverFlags) error {
	address, err := f.databaseAddress(c)
	if err != nil {
		return err
	}
	in, err := os.Open(c.path(c.args[0]))
	if err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	defer in.Close()
	archive := tar.NewReader(in)
	m, err := readManifest(archive)
	if err != nil {
		return fmt.Errorf("%s: %w", c.args[0], err)
	}
	if wanted := m.Engine == store.PostgreSQL; wanted != postgres(address) {
		if wanted {
			return usage("the backup is of a PostgreSQL database: name an empty one with --database postgres://…")
		}
		return usage("the backup is of a SQLite database: name the data directory with --data")
	}
	if postgres(address) {
		err = restorePostgres(ctx, archive, m, address)
	} else {
		err = restoreSQLite(archive, m, address)
	}
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{Address: address, Kind: "command"})
	if err != nil {
		return fmt.Errorf("open what was restored: %w", err)
	}
	defer db.Close()
	var kept [][]byte
	if m.Checkpoint != "" {
		kept = append(kept, []byte(m.Checkpoint))
	}
	st, err := db.VerifyAudit(ctx, kept...)
	if err != nil {
		return &failed{Failure, "the database is restored, but its audit log is not what it was: " + err.Error(), "do not start a server on it before you know why; take another backup"}
	}
	if st.Public != m.AuditKey || st.Records < m.AuditSize {
		return &failed{Failure, fmt.Sprintf("the audit log that was restored has %d records under the key %q, the manifest speaks of %d under %q", st.Records, st.Public, m.AuditSize, m.AuditKey), ""}
	}
	entry := store.Entry{Actor: "system command line", Action: "backup.restore", Object: "backup " + filepath.Base(c.args[0]), Data: map[string]string{"made": m.Made.Format(time.RFC3339)}}
	if err := db.Write(ctx, entry, func(context.Context, *store.Tx) error { return nil }); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "Restored the %s database of %s. Its audit log is whole: %d records.\n", m.Engine, m.Made.Format(time.RFC3339), st.Records)
	if m.MasterKey != "" {
		fmt.Fprintf(c.Out, "The server starts with the master key %s: put it into the data directory as master.key, or name it with --key-file.\n", m.MasterKey)
	}
	return nil
}

// readManifest reads the first file of a backup, and goes on to the second.
func readManifest(archive *tar.Reader) (*manifest, error) {
	h, err := archive.Next()
	if err != nil || h.Name != manifestName || h.Size > 1<<20 || h.Typeflag != tar.TypeReg {
		return nil, errors.New("this is no backup of Plumbline")
	}
	text, err := io.ReadAll(io.LimitReader(archive, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	m := &manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	if m.Format != 1 {
		return nil, fmt.Errorf("the backup has format %d, which this version does not know: it was made by %s", m.Format, m.Version)
	}
	if dumpNames[m.Engine] == "" || m.File != dumpNames[m.Engine] {
		return nil, errors.New("the manifest names no database that this version knows")
	}
	h, err = archive.Next()
	if err != nil || h.Name != m.File || h.Size != m.Size || h.Typeflag != tar.TypeReg {
		return nil, errors.New("the backup is cut or changed: the database in it is not the one that the manifest speaks of")
	}
	return m, nil
}

// extract writes the database of a backup to a file and errs unless it is the one that the manifest speaks of.
func extract(archive *tar.Reader, m *manifest, path string) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	digest := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, digest), archive)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	if hex.EncodeToString(digest.Sum(nil)) != m.SHA256 {
		return errors.New("the backup was changed: the digest of its database is not that of the manifest")
	}
	return nil
}

func restoreSQLite(archive *tar.Reader, m *manifest, address string) error {
	dir := filepath.Dir(address)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	for _, name := range []string{address, address + "-wal", address + "-shm"} {
		if _, err := os.Lstat(name); err == nil {
			return &failed{Failure, name + " is there already: nothing is restored over a database", "name another data directory with --data, or move that file away"}
		}
	}
	work, err := os.MkdirTemp(dir, ".plumbline-restore-")
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer os.RemoveAll(work)
	packed, plain := filepath.Join(work, "packed"), filepath.Join(work, "plain")
	if err := extract(archive, m, packed); err != nil {
		return err
	}
	if err := decompress(packed, plain, m.Plain); err != nil {
		return fmt.Errorf("unpack the database: %w", err)
	}
	// A link fails when somebody made the file meanwhile; renaming would overwrite it.
	if err := os.Link(plain, address); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// decompress unpacks a file that must have that many bytes.
func decompress(from, to string, size int64) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(z, size+1))
	if err == nil && n != size {
		err = errors.New("it does not have the size that the manifest says")
	}
	return errors.Join(err, out.Sync(), out.Close())
}

func restorePostgres(ctx context.Context, archive *tar.Reader, m *manifest, address string) error {
	if err := store.PostgresEmpty(ctx, address); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "plumbline-restore-")
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer os.RemoveAll(work)
	path := filepath.Join(work, "dump")
	if err := extract(archive, m, path); err != nil {
		return err
	}
	return store.Undump(ctx, address, path)
}
