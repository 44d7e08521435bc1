package cli

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOtherServers holds that nothing but serve makes a database or a key: a command that is told the wrong place must not answer out of an empty one.
func TestOtherServers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"audit export":     {[]string{"audit", "export", "a.jsonl"}, "there is no database at "},
		"audit checkpoint": {[]string{"audit", "checkpoint"}, "there is no database at "},
		"admin-link":       {[]string{"admin-link"}, "there is no database at "},
		"worker":           {[]string{"worker"}, "there is no database at "},
		"backup":           {[]string{"backup", "b"}, "there is no database at "},
		"a port in use":    {[]string{"serve", "--listen", l.Addr().String()}, "another program listens on " + l.Addr().String()},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var out bytes.Buffer
			code := Main(context.Background(), append(c.args, "--data", filepath.Join(dir, "data")), Env{In: strings.NewReader(""), Out: &out, Err: &out, Dir: dir, Lookup: func(string) (string, bool) { return "", false }})
			if code != Failure || !strings.Contains(out.String(), c.want) || strings.Contains(out.String(), "canceled") {
				t.Errorf("exit code %d\n%s", code, &out)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("it leaves %v, %v", left, err)
			}
		})
	}
}
