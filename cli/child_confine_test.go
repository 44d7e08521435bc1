//go:build linux && (amd64 || arm64)

package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plumbline.dev/plumbline/jobs"
)

// probe confines this process and says whether something is still possible: "yes", or why not.
func probe(what string) string {
	what, arg, _ := strings.Cut(what, " ")
	l := jobs.ChildLimits{Memory: 512 << 20, CPU: time.Second}.Defaults()
	before, err := net.Listen("tcp", "127.0.0.1:0") // the network of the test's own namespace, or none
	if err == nil {
		defer before.Close()
	}
	if what != "nothing" {
		if _, err := confine(os.TempDir()+"/nowhere", l); err != nil {
			return "not confined: " + err.Error()
		}
	}
	answer := func(err error) string {
		if err == nil {
			return "yes"
		}
		return err.Error()
	}
	switch what {
	case "tcp", "nothing":
		c, err := net.DialTimeout("tcp", arg, 5*time.Second)
		if err == nil {
			c.Close()
		}
		return answer(err)
	case "socket":
		for _, domain := range []int{syscall.AF_INET, syscall.AF_INET6, syscall.AF_UNIX, syscall.AF_NETLINK, syscall.AF_PACKET} {
			if fd, err := syscall.Socket(domain, syscall.SOCK_STREAM, 0); err == nil {
				syscall.Close(fd)
				return fmt.Sprintf("yes, of domain %d", domain)
			} else if !errors.Is(err, syscall.EPERM) {
				return fmt.Sprintf("domain %d: %v", domain, err)
			}
		}
		return "operation not permitted"
	case "read":
		_, err := os.ReadFile(arg)
		return answer(err)
	case "list":
		_, err := os.ReadDir(arg)
		return answer(err)
	case "write":
		return answer(os.WriteFile(arg, []byte("x"), 0o600))
	case "ptrace":
		return answer(syscall.PtraceAttach(os.Getppid()))
	case "mount":
		return answer(syscall.Mount("none", "/mnt", "tmpfs", 0, ""))
	case "program": // what is started is held too
		out, err := exec.Command("git", "--version").Output()
		if err != nil || !strings.HasPrefix(string(out), "git version") {
			return fmt.Sprintf("git does not run: %v %s", err, out)
		}
		return answer(exec.Command("/bin/cat", arg).Run())
	case "kill":
		return answer(syscall.Kill(os.Getppid(), 0))
	case "memory":
		var all [][]byte
		for range 64 {
			b := make([]byte, 64<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			all = append(all, b)
		}
		return fmt.Sprint("yes ", len(all))
	case "processor":
		for start := time.Now(); time.Since(start) < 2*time.Minute; {
		}
		return "yes"
	}
	return "what?"
}

// ask runs a probe in a process of its own.
func ask(t *testing.T, what string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestChildProcess$")
	cmd.Env = []string{"PLUMBLINE_TEST_CHILD=" + what, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestConfine(t *testing.T) {
	dir := t.TempDir()
	canary := filepath.Join(dir, "canary")
	if err := os.WriteFile(canary, []byte("canary"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got, err := ask(t, "nothing "+l.Addr().String()); got != "yes" {
		t.Fatalf("without a sandbox the probe does not connect either: %s %v", got, err)
	}
	landlock := true
	if _, err := os.Stat("/sys/kernel/security/landlock"); err != nil {
		_, _, e := syscall.Syscall(444, 0, 0, 1)
		landlock = e == 0
	}
	for what, want := range map[string]string{
		"tcp " + l.Addr().String():         "operation not permitted",
		"socket":                           "operation not permitted",
		"ptrace":                           "operation not permitted",
		"mount":                            "operation not permitted",
		"read " + canary:                   "permission denied",
		"read /etc/passwd":                 "permission denied",
		"list /":                           "permission denied",
		"list /proc":                       "permission denied",
		"write " + filepath.Join(dir, "x"): "permission denied",
		"program " + canary:                "permission denied",
	} {
		t.Run(strings.Fields(what)[0], func(t *testing.T) {
			if want == "permission denied" && !landlock {
				t.Skip("the kernel has no Landlock")
			}
			got, err := ask(t, what)
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s (%v)", what, got, err)
			}
		})
	}
	if got, err := ask(t, "memory"); err == nil || !strings.Contains(got, "out of memory") && !strings.Contains(got, "cannot allocate memory") {
		t.Errorf("memory beyond the limit: %.300s (%v)", got, err)
	}
	start := time.Now()
	if got, err := ask(t, "processor"); err == nil || time.Since(start) > 80*time.Second { // on a busy machine two seconds of a processor take long
		t.Errorf("processor time beyond the limit: %s (%v)", got, err)
	}
}
