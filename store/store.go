// Package store is the database: one file per noun, the same code on SQLite and on PostgreSQL.
//
// Everything that changes goes through Store.Write: one transaction that holds the change, its audit record and the jobs that
// follow from it, so that none is there without the others. Reads take a Scope and see nothing outside of it.
//
// Times are milliseconds since 1970 in UTC. Migrations are in migrations, append-only and in PostgreSQL's words; the two words that SQLite
// has others for are replaced, so that both engines have the same tables.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"golang.org/x/tools/txtar"
	sqlite "modernc.org/sqlite"
)

// Engine is the kind of database.
type Engine string

// The engines.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgres"
)

// Options says which database to open.
type Options struct {
	Address string           // postgres://…, or the path of a SQLite file, which is made when it is not there
	Kind    string           // of the process: serve, worker, command
	Conns   int              // connections at most; 0 means 8
	Now     func() time.Time // nil means time.Now
}

// Store is an open database. It is safe for use by several goroutines.
type Store struct {
	Engine Engine
	DB     *bun.DB       // reads; on SQLite a pool of readers
	Pool   *pgxpool.Pool // nil on SQLite: what jobs are worked on
	Queue  *sql.DB       // nil on PostgreSQL: the one connection that writes
	Now    func() time.Time

	write   *bun.DB       // on SQLite the one connection that writes, else DB
	turn    chan struct{} // on SQLite held by who writes: a channel serves those who wait in order, database/sql's pool does not
	process int64
	ids     ids
	columns columnCache // findings in memory, see column.go
	notices struct {
		mu   sync.Mutex
		next chan struct{} // closed by the next transaction that tells of something; nil when nobody waits
	}
}

//go:embed migrations/*.sql
var migrations embed.FS

// inSQLite says in the words of SQLite what migrations say in those of PostgreSQL.
var inSQLite = strings.NewReplacer("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT", "BYTEA", "BLOB")

// Open opens a database, brings its tables up to date and registers the process. Close it.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{Now: o.Now}
	if s.Now == nil {
		s.Now = time.Now
	}
	if o.Conns == 0 {
		o.Conns = 8
	}
	var err error
	if strings.HasPrefix(o.Address, "postgres://") || strings.HasPrefix(o.Address, "postgresql://") {
		err = s.openPostgres(ctx, o)
	} else {
		err = s.openSQLite(o)
	}
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.register(ctx, o.Kind); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) openPostgres(ctx context.Context, o Options) error {
	s.Engine = PostgreSQL
	config, err := pgxpool.ParseConfig(o.Address)
	if err != nil {
		return errors.New("the address of the database is not right: write postgres://user@host:5432/name (the password may be in PGPASSWORD)")
	}
	config.MaxConns = int32(o.Conns)
	if s.Pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return fmt.Errorf("open the database at %s: %w", config.ConnConfig.Host, err)
	}
	if err := s.Pool.Ping(ctx); err != nil {
		s.Pool.Close()
		return fmt.Errorf("reach the database %s at %s: %w", config.ConnConfig.Database, config.ConnConfig.Host, err)
	}
	s.DB = bun.NewDB(stdlib.OpenDBFromPool(s.Pool), postgresDialect{pgdialect.New()})
	s.write = s.DB
	return nil
}

// openSQLite opens two pools on one file, because SQLite has one writer: a writer that waits inside the process, in order, never
// fails as one does that waits for a lock on the file.
func (s *Store) openSQLite(o Options) error {
	s.Engine = SQLite
	if err := os.MkdirAll(filepath.Dir(o.Address), 0o700); err != nil {
		return fmt.Errorf("make the folder of the database: %w", err)
	}
	if err := private(o.Address); err != nil {
		return err
	}
	pool := func(conns int, more string) *sql.DB {
		db := sql.OpenDB(connector{"file:" + escapePath(o.Address) + "?_time_format=sqlite&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
			"&_pragma=foreign_keys(1)&_pragma=cache_size(-8000)&_pragma=temp_store(2)" + more})
		db.SetMaxOpenConns(conns)
		db.SetMaxIdleConns(conns)
		return db
	}
	s.Queue = pool(1, "&_txlock=immediate")
	s.turn = make(chan struct{}, 1)
	s.write = bun.NewDB(s.Queue, sqliteDialect{sqlitedialect.New()})
	s.DB = bun.NewDB(pool(o.Conns, "&_pragma=query_only(1)"), sqliteDialect{sqlitedialect.New()})
	return nil
}

// private makes the file of a database one that nobody else of the machine reads. SQLite gives the files beside it the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		// Of somebody else's file it is not ours to say.
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("keep others from the database: %w", err)
		}
	}
	return nil
}

// escapePath keeps what means something in an address of SQLite from meaning it in a path.
func escapePath(p string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(p)
}

// connector opens SQLite without a name in database/sql's registry.
type connector struct{ dsn string }

// Connect opens a connection.
func (c connector) Connect(context.Context) (conn sqlConn, err error) {
	return new(sqlite.Driver).Open(c.dsn)
}

// Driver returns the driver.
func (c connector) Driver() sqlDriver { return new(sqlite.Driver) }

// Close closes every connection.
func (s *Store) Close() error {
	err := s.DB.Close()
	if s.write != s.DB {
		err = errors.Join(err, s.write.Close())
	}
	if s.Pool != nil {
		s.Pool.Close()
	}
	return err
}

// migrations are the migrations in the words of the engine.
func (s *Store) migrations() (fs.FS, error) {
	if s.Engine == PostgreSQL {
		return fs.Sub(migrations, "migrations")
	}
	list, err := migrations.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	var out txtar.Archive
	for _, e := range list {
		text, err := migrations.ReadFile("migrations/" + e.Name())
		if err != nil {
			return nil, err
		}
		out.Files = append(out.Files, txtar.File{Name: e.Name(), Data: []byte(inSQLite.Replace(string(text)))})
	}
	return txtar.FS(&out)
}

// provider is what runs the migrations of the engine.
func (s *Store) provider() (*goose.Provider, error) {
	files, err := s.migrations()
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	var options []goose.ProviderOption
	if s.Engine == PostgreSQL {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(dialect, s.write.DB, files, options...)
}

func (s *Store) migrate(ctx context.Context) error {
	return s.MigrateTo(ctx, -1)
}

// MigrateTo brings the tables to a version, up or down; -1 is the newest. Down loses what only newer versions keep.
func (s *Store) MigrateTo(ctx context.Context, version int64) error {
	p, err := s.provider()
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if version < 0 {
		if err := notNewer(ctx, p); err != nil {
			return err
		}
		_, err = p.Up(ctx)
	} else {
		_, err = p.DownTo(ctx, version)
	}
	if err != nil {
		return fmt.Errorf("bring the tables of the database to another version: %w", err)
	}
	return nil
}

// notNewer refuses a database that a newer program has changed: what this one writes could be wrong there.
func notNewer(ctx context.Context, p *goose.Provider) error {
	has, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the database: %w", err)
	}
	if sources := p.ListSources(); len(sources) > 0 && has > sources[len(sources)-1].Version {
		return fmt.Errorf("the database is of a newer version of the program (%d, this one knows %d): start that one, or restore a backup of before", has, sources[len(sources)-1].Version)
	}
	return nil
}

// Tx is a transaction of Store.Write: bun's queries run in it, and whoever works with jobs inserts them into it.
type Tx struct {
	bun.IDB
	Store *Store
	SQL   *sql.Tx // SQLite; nil on PostgreSQL
	PGX   pgx.Tx  // PostgreSQL; nil on SQLite
	Now   Millis  // one time for everything in it

	noticed bool    // Notify was called
	entries []Entry // of Record
}

// Write changes the database: do's changes, the audit record of entry and the jobs that do inserts are there together or not at
// all. It waits for its turn; the context limits how long.
func (s *Store) Write(ctx context.Context, entry Entry, do func(context.Context, *Tx) error) error {
	return s.transact(ctx, func(ctx context.Context, tx *Tx) error {
		if err := do(ctx, tx); err != nil {
			return err
		}
		if err := tx.changed(ctx); err != nil { // before the audit log, after whose lock nothing is waited for
			return err
		}
		return tx.record(ctx, entry)
	})
}

// Quiet is Write for what is no change in the eyes of an auditor: heartbeats, caches, what can be made again. Nothing is recorded.
func (s *Store) Quiet(ctx context.Context, do func(context.Context, *Tx) error) error {
	return s.transact(ctx, do)
}

func (s *Store) transact(ctx context.Context, do func(context.Context, *Tx) error) (err error) {
	tx := &Tx{Store: s, Now: MillisOf(s.Now())}
	defer func() {
		if err == nil && tx.noticed {
			s.wake()
		}
	}()
	if s.Engine == SQLite {
		select {
		case s.turn <- struct{}{}:
			defer func() { <-s.turn }()
		case <-ctx.Done():
			return fmt.Errorf("wait for the turn to write: %w", ctx.Err())
		}
		return s.write.RunInTx(ctx, nil, func(ctx context.Context, t bun.Tx) error {
			tx.IDB, tx.SQL = t, t.Tx
			return do(ctx, tx)
		})
	}
	conn, err := s.DB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	defer conn.Close()
	var session *pgx.Conn // bun's queries on conn and the transaction are of one session
	if err := conn.Raw(func(raw any) error { session = raw.(*stdlib.Conn).Conn(); return nil }); err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	t, err := session.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	tx.IDB, tx.PGX = conn, t
	if err := do(ctx, tx); err != nil {
		return errors.Join(err, rolledBack(t.Rollback(context.WithoutCancel(ctx))))
	}
	return t.Commit(ctx)
}

func rolledBack(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) {
		return nil
	}
	return err
}
