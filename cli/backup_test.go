package cli

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/canary"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/store"
)

// invoke runs a command in a directory and returns its exit code and what it printed.
func invoke(t *testing.T, dir string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := Main(context.Background(), args, Env{In: strings.NewReader(""), Out: &out, Err: &out, Dir: dir, Lookup: func(string) (string, bool) { return "", false }, Now: time.Now()})
	return code, out.String()
}

// drill makes a database with an audit log, secrets and writers, backs it up under load, restores it elsewhere and proves it.
func drill(t *testing.T, engine store.Engine) {
	ctx := context.Background()
	dir := t.TempDir()
	at := func(address string) []string {
		if engine == store.PostgreSQL {
			return []string{"--database", address, "--data", filepath.Join(dir, "data")}
		}
		return []string{"--data", filepath.Dir(address)}
	}
	address := storetest.Address(t, engine)
	run := func(want int, args ...string) string {
		t.Helper()
		code, out := invoke(t, dir, args...)
		if code != want {
			t.Fatalf("%v: exit code %d, want %d\n%s", args, code, want, out)
		}
		return out
	}
	s := storetest.Open(t, address)
	for i := range 300 {
		if err := s.Write(ctx, store.Entry{Organisation: 1, Actor: "person:1 ada@example.com", Action: "test.write", Object: fmt.Sprintf("test:%d", i)}, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw("INSERT INTO organisation (id, name, revision, created_at) VALUES (?, ?, 0, ?)", s.NewID(), fmt.Sprint("organisation ", i), tx.Now).Exec(ctx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data") // the key that serve would have made
	if engine == store.SQLite {
		data = filepath.Dir(address)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.CreateKeyFile(filepath.Join(data, "master.key")); err != nil {
		t.Fatal(err)
	}
	checkpoint := run(Clean, append([]string{"audit", "checkpoint"}, at(address)...)...)
	if err := os.WriteFile(filepath.Join(dir, "kept"), []byte(checkpoint[strings.Index(checkpoint, "# The key"):]), 0o600); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	done := make(chan bool)
	go func() {
		defer close(done)
		for !stop.Load() {
			if err := s.Write(ctx, store.Entry{Actor: "system", Action: "test.load"}, func(context.Context, *store.Tx) error { return nil }); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	began := time.Now()
	out := run(Clean, append([]string{"backup", "b.tar"}, at(address)...)...)
	stop.Store(true)
	<-done
	if !strings.Contains(out, "The master key ") {
		t.Errorf("it does not say that the master key is not in it: %s", out)
	}
	if info, err := os.Stat(filepath.Join(dir, "b.tar")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if code, out := invoke(t, dir, append([]string{"backup", "b.tar"}, at(address)...)...); code == Clean || !strings.Contains(out, "overwrites nothing") {
		t.Errorf("a backup was overwritten: %s", out)
	}
	if code, out := invoke(t, dir, append([]string{"restore", "b.tar"}, at(address)...)...); code == Clean {
		t.Errorf("a database was overwritten: %s", out)
	}

	fresh := storetest.Address(t, engine)
	if engine == store.SQLite {
		fresh = filepath.Join(dir, "restored", "plumbline.db")
	}
	t.Logf("backup and checks %v", time.Since(began))
	began = time.Now()
	if out := run(Clean, append([]string{"restore", "b.tar"}, at(fresh)...)...); !strings.Contains(out, "audit log is whole") {
		t.Error(out)
	}
	t.Logf("restored in %v", time.Since(began))
	again := storetest.Open(t, fresh)
	var rows int
	if err := again.DB.NewRaw("SELECT count(*) FROM organisation").Scan(ctx, &rows); err != nil || rows != 300 {
		t.Errorf("%d rows, %v", rows, err)
	}

	// The export of the restored log continues the checkpoint that was kept before the backup, under the key that is put back.
	key := filepath.Join(dir, "data", "master.key")
	if engine == store.SQLite {
		key = filepath.Join(filepath.Dir(address), "master.key")
		if code, out := invoke(t, dir, append([]string{"audit", "export", "none.jsonl"}, at(fresh)...)...); code == Clean || !strings.Contains(out, "put the file back") {
			t.Errorf("it started without its key: %s", out)
		}
	}
	run(Clean, append([]string{"audit", "export", "log.jsonl", "--key-file", key}, at(fresh)...)...)
	if out := run(Clean, "audit", "verify", "log.jsonl", "--checkpoint", "kept"); !strings.Contains(out, "is whole") {
		t.Error(out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "log.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.jsonl"), bytes.Replace(text, []byte(`"sequence":100,`), []byte(`"sequence":101,`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(Found, "audit", "verify", "bad.jsonl"); !strings.Contains(out, "record 100 was changed") {
		t.Error(out)
	}
}

func TestBackup(t *testing.T) {
	for _, engine := range []store.Engine{store.SQLite, store.PostgreSQL} {
		t.Run(string(engine), func(t *testing.T) { drill(t, engine) })
	}
}

// TestRestore_changed: a backup that was changed or cut is refused, and nothing is left behind.
func TestRestore_changed(t *testing.T) {
	dir := t.TempDir()
	s := storetest.Open(t, filepath.Join(dir, "data", "plumbline.db"))
	if err := s.Write(context.Background(), store.Entry{Actor: "system", Action: "test.write"}, func(context.Context, *store.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if code, out := invoke(t, dir, "backup", "b.tar", "--data", "data"); code != Clean {
		t.Fatal(out)
	}
	good, err := os.ReadFile(filepath.Join(dir, "b.tar"))
	if err != nil {
		t.Fatal(err)
	}
	entries := func(names ...string) []byte { // an archive with other names for the two files
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		r := tar.NewReader(bytes.NewReader(good))
		for _, name := range names {
			h, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			h.Name = name
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			var body bytes.Buffer
			if _, err := body.ReadFrom(r); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(body.Bytes()); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)*2/3] ^= 1
	for name, text := range map[string][]byte{
		"empty": nil, "no archive": []byte("hello"), "cut": good[:len(good)/2], "flipped": flipped, "swapped names": entries("plumbline.db.zst", manifestName),
		"outside": entries(manifestName, "../../etc/plumbline.db"), "other version": bytes.Replace(good, []byte(`"format": 1`), []byte(`"format": 7`), 1),
		"other engine": bytes.Replace(good, []byte(`"engine": "sqlite"`), []byte(`"engine": "oracle"`), 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, "bad.tar"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out := invoke(t, dir, "restore", "bad.tar", "--data", "new"); code == Clean {
			t.Errorf("%s was restored: %s", name, out)
		}
		left, _ := filepath.Glob(filepath.Join(dir, "new", "*"))
		if len(left) > 0 {
			t.Errorf("%s left %v behind", name, left)
			os.RemoveAll(filepath.Join(dir, "new"))
		}
	}
}

// untilReady is where a server writes to; it stops the server once that says how to sign in.
type untilReady struct {
	mu   sync.Mutex
	text bytes.Buffer
	stop func()
}

func (u *untilReady) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.text.Write(p)
	if bytes.Contains(u.text.Bytes(), []byte("/signin?ticket=")) {
		u.stop()
	}
	return len(p), nil
}

// serveUntilReady runs a server until it is ready, and returns what it wrote.
func serveUntilReady(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	out := &untilReady{stop: stop}
	code := Main(ctx, append([]string{"serve", "--no-work", "--listen", "127.0.0.1:0"}, args...), Env{In: strings.NewReader(""), Out: out, Err: out, Dir: t.TempDir(), Lookup: func(string) (string, bool) { return "", false }})
	if text := out.text.String(); code == Clean && strings.Contains(text, "/signin?ticket=") {
		return text
	}
	t.Fatalf("exit code %d\n%s", code, &out.text)
	return ""
}

// TestKeyFlags: a server makes its key once, never prints it, and does not start without it or with another one.
func TestKeyFlags(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	out := serveUntilReady(t, "--data", data)
	if !strings.Contains(out, "a new master key was made") {
		t.Fatal(out)
	}
	path := filepath.Join(data, "master.key")
	key, err := os.ReadFile(path)
	if err != nil || strings.Contains(out, strings.TrimSpace(string(key))) {
		t.Fatalf("%v %s", err, out)
	}
	if _, err := seal.CreateKeyFile(filepath.Join(dir, "other.key")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"again":          {nil, ""},
		"command":        {[]string{"--key-command", "cat " + path}, ""},
		"other key":      {[]string{"--key-file", filepath.Join(dir, "other.key")}, "is not the one of this database"},
		"both":           {[]string{"--key-file", path, "--key-command", "cat " + path}, "give one of them"},
		"command fails":  {[]string{"--key-command", "false"}, "exit status 1"},
		"no such file":   {[]string{"--key-file", filepath.Join(dir, "none")}, "no such file"},
		"password in it": {[]string{"--key-command", "cat " + filepath.Join(dir, "words")}, "32 bytes"},
	} {
		if name == "password in it" {
			if err := os.WriteFile(filepath.Join(dir, "words"), []byte(canary.All("k")[0].Text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		code, out := invoke(t, dir, append([]string{"audit", "checkpoint", "--data", data}, c.args...)...)
		if (code == Clean) != (c.want == "") || !strings.Contains(out, c.want) || strings.Contains(out, canary.All("k")[0].Part) {
			t.Errorf("%s: %d %s", name, code, out)
		}
	}
	if code, out := invoke(t, dir, "audit", "checkpoint", "--data", data, "--key-file", filepath.Join(dir, "other.key"), "--old-key-file", path); code != Clean || !strings.Contains(out, "1 values are sealed") {
		t.Errorf("rotation: %d %s", code, out)
	}
	if code, out := invoke(t, dir, "audit", "checkpoint", "--data", data); code == Clean {
		t.Errorf("the old key still works: %s", out)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if code, out := invoke(t, dir, "audit", "checkpoint", "--data", data); code == Clean || !strings.Contains(out, "put the file back") {
		t.Errorf("without a key: %d %s", code, out)
	}
}
