// Package storetest gives tests a database of each engine.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that makes and drops databases

	"plumbline.dev/plumbline/store"
)

// Each runs a test on an empty database of each engine. Its half on PostgreSQL is skipped with -short and without PostgreSQL; in CI the
// latter fails.
func Each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	for _, engine := range []store.Engine{store.SQLite, store.PostgreSQL} {
		t.Run(string(engine), func(t *testing.T) {
			if engine == store.PostgreSQL {
				test(t, Open(t, room(t)))
				return
			}
			test(t, Open(t, Address(t, engine)))
		})
	}
}

// room returns the address of an empty schema of PostgreSQL that goes with the test, in the one database of this process: to make a
// database takes longer than most tests.
func room(t testing.TB) string {
	t.Helper()
	base := server(t)
	name, err := house(base)
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("room_%d", time.Now().UnixNano())
	if err := do(base+name, "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := do(base+name, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
	})
	return base + name + "?search_path=" + schema
}

var (
	houseMade sync.Once
	houseName string
	houseErr  error
)

// house returns the database that holds the rooms of this process. Those of processes that are gone are dropped.
func house(base string) (string, error) {
	houseMade.Do(func() {
		houseName = fmt.Sprintf("house_%d", os.Getpid())
		var left []string
		if houseErr = query(base+"postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'house\\_%'", &left); houseErr != nil {
			return
		}
		for _, name := range left {
			pid, _ := strconv.Atoi(strings.TrimPrefix(name, "house_"))
			if pid == os.Getpid() || syscall.Kill(pid, 0) != nil {
				houseErr = errors.Join(houseErr, do(base+"postgres", "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"))
			}
		}
		houseErr = errors.Join(houseErr, do(base+"postgres", "CREATE DATABASE "+houseName))
	})
	return houseName, houseErr
}

// do runs a statement on a connection of its own.
func do(address, statement string) error {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

// query reads one column.
func query(address, text string, to *[]string) error {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Query(text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return err
		}
		*to = append(*to, v)
	}
	return rows.Err()
}

// Open opens a database for the length of a test.
func Open(t testing.TB, address string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{Address: address, Kind: "command"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Address returns the address of a new empty database that goes with the test.
func Address(t testing.TB, engine store.Engine) string {
	t.Helper()
	if engine == store.SQLite {
		return filepath.Join(t.TempDir(), "plumbline.db")
	}
	base := server(t)
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), time.Now().UnixNano())
	if err := do(base+"postgres", "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := do(base+"postgres", "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return base + name
}

// server returns the address of a PostgreSQL server up to the name of the database: TEST_PG_URL, or one of our own that
// all tests of the machine share. It stays up for the next ones; fsync is off, so it is for tests only.
func server(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("short: nothing runs beside the tests")
	}
	if address := os.Getenv("TEST_PG_URL"); address != "" {
		return strings.TrimSuffix(address, "/") + "/"
	}
	address, err := shared()
	switch {
	case err == nil:
		return address
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "":
		t.Skip("there is no PostgreSQL here: TEST_PG_URL names one")
	default:
		t.Fatal(err)
	}
	return ""
}

var shared = sync.OnceValues(start)

// Port starts the server that all tests of the machine share, if it does not run yet, and returns its port.
func Port() (string, error) {
	address, err := shared()
	if err != nil {
		return "", err
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	return u.Port(), nil
}

// start finds the server that an earlier test of this machine left running, or starts one.
func start() (string, error) {
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(os.TempDir(), "plumbline-postgres-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	port := filepath.Join(dir, "port")
	if text, err := os.ReadFile(port); err == nil {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+string(text)); err == nil {
			return "postgres://postgres@127.0.0.1:" + string(text) + "/", conn.Close()
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	number := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	listener.Close()
	data := filepath.Join(dir, "data")
	if err := os.RemoveAll(data); err != nil {
		return "", err
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		return "", err
	}
	as, err := unprivileged(data)
	if err != nil {
		return "", err
	}
	run := func(name string, args ...string) error {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Dir, cmd.SysProcAttr = data, as
		out, err := os.CreateTemp("", "postgres")
		if err != nil {
			return err
		}
		defer os.Remove(out.Name())
		defer out.Close()
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Run(); err != nil {
			text, _ := os.ReadFile(out.Name())
			return fmt.Errorf("%s: %w\n%s", name, err, text)
		}
		return nil
	}
	if err := run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"); err != nil {
		return "", err
	}
	if err := run("pg_ctl", "-D", data, "-l", filepath.Join(data, "log"), "-w", "-o",
		"-p "+number+" -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=300 -c fsync=off -c full_page_writes=off", "start"); err != nil {
		return "", err
	}
	return "postgres://postgres@127.0.0.1:" + number + "/", os.WriteFile(port, []byte(number), 0o600)
}

// binaries returns the folder of PostgreSQL's programs.
func binaries() (string, error) {
	if list, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(list) > 0 {
		return filepath.Dir(list[len(list)-1]), nil
	}
	p, err := exec.LookPath("initdb")
	return filepath.Dir(p), err
}

// unprivileged is how PostgreSQL, which refuses to be root, is started by root.
func unprivileged(data string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setsid: true}
	if os.Getuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(data, uid, gid)
}
