package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/store"
)

// writerEnv makes the test program a writer: it opens the database that the variable names, says so, waits, writes once, and says
// how that ended.
const writerEnv = "PLUMBLINE_TEST_WRITER"

func TestMain(m *testing.M) {
	if address := os.Getenv(writerEnv); address != "" {
		writeOnce(address)
		return
	}
	os.Exit(m.Run())
}

func writeOnce(address string) {
	runtime.LockOSThread() // SQLite works on the thread of its caller: the calls of the write are all of one thread
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{Address: address, Kind: "command", Conns: 1})
	if err != nil {
		fmt.Println("open", err)
		return
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err = s.Write(ctx, entry(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw("INSERT INTO blob (hash, content, made_at) VALUES ('written', ?, ?)", make([]byte, 20_000), tx.Now).Exec(ctx)
		return err
	})
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	fmt.Println("written")
}

// TestEverySystemCall lets each system call of one audited write fail in turn, and kills the process at each, and holds that the
// change and its record are then there together or not at all, and there if the writer was told so.
func TestEverySystemCall(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no strace here")
	}
	if testing.Short() {
		t.Skip("takes long")
	}
	faults := []string{"error=EIO", "error=ENOSPC", "signal=KILL"}
	calls := map[store.Engine][]string{
		store.SQLite:     {"pwrite64", "fsync", "fdatasync", "pread64", "fcntl", "openat", "ftruncate", "unlink", "mmap", "lseek"},
		store.PostgreSQL: {"read", "write"}, // of the client; the server has its own tests
	}
	for engine, calls := range calls {
		t.Run(string(engine), func(t *testing.T) {
			for _, call := range calls {
				t.Run(call, func(t *testing.T) {
					t.Parallel()
					hits := 0
					for _, fault := range faults {
						for n := 1; n <= 40; n++ {
							hit := failAt(t, engine, fmt.Sprintf("inject=%s:%s:when=%d", call, fault, n))
							if !hit {
								break
							}
							hits++
						}
					}
					t.Logf("%d faults", hits)
					if needed := map[string]bool{"pwrite64": true, "fsync": true, "write": true}; needed[call] && hits == 0 {
						t.Error("no fault took place: nothing was tried")
					}
				})
			}
		})
	}
}

// failAt writes once under a fault and tells whether the fault took place.
func failAt(t *testing.T, engine store.Engine, inject string) bool {
	t.Helper()
	address := storetest.Address(t, engine)
	writer := exec.Command(os.Args[0], "-test.run=^$")
	writer.Env = append(os.Environ(), writerEnv+"="+address)
	in, err := writer.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(out)
	if line, err := said.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the writer said %q, %v", line, err)
	}
	call, _, _ := strings.Cut(strings.TrimPrefix(inject, "inject="), ":")
	log := filepath.Join(t.TempDir(), "strace")
	tracer := exec.Command("strace", "-f", "-p", fmt.Sprint(writer.Process.Pid), "-e", "trace="+call, "-e", inject, "-o", log)
	complaint, err := tracer.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tracer.Start(); err != nil {
		t.Fatal(err)
	}
	attached := bufio.NewReader(complaint)
	if line, err := attached.ReadString('\n'); err != nil || !strings.Contains(line, "attached") {
		t.Fatalf("strace said %q, %v", line, err)
	}
	fmt.Fprintln(in, "go")
	told, _ := said.ReadString('\n')
	in.Close()
	writer.Wait() // how it ended is what this is about
	tracer.Wait()

	s, err := store.Open(context.Background(), store.Options{Address: address, Kind: "command"})
	if err != nil {
		t.Fatalf("%s: the database does not open any more: %v", inject, err)
	}
	defer s.Close()
	var rows, records, hashes int
	if err := s.DB.NewRaw("SELECT (SELECT count(*) FROM blob), (SELECT count(*) FROM audit_record), (SELECT count(*) FROM audit_hash)").Scan(context.Background(), &rows, &records, &hashes); err != nil {
		t.Fatalf("%s: %v", inject, err)
	}
	if rows != records || hashes != records || told == "written\n" && rows != 1 {
		t.Errorf("%s: the writer was told %q, there are %d rows, %d records and %d hashes", inject, told, rows, records, hashes)
	}
	text, err := os.ReadFile(log)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Contains(string(text), "INJECTED") || strings.Contains(string(text), "killed by SIGKILL")
}
