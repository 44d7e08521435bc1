package cli_test

import (
	"context"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"plumbline.dev/plumbline/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"plumbline": func() { os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Process())) },
	})
}

// TestScripts runs the sessions in testdata/script: each is a file tree and what a user does in it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CACHE_HOME", env.WorkDir+"/.cache")
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
	})
}

// exits runs plumbline and wants an exit code: exits 3 scan .
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARGUMENT...")
	}
	err := ts.Exec("plumbline", args[1:]...)
	got := "0"
	if err != nil {
		got = err.Error()
		if n, ok := cutExit(got); ok {
			got = n
		}
	}
	if got != args[0] {
		ts.Fatalf("plumbline %v ended with %s, want exit code %s", args[1:], got, args[0])
	}
}

func cutExit(s string) (string, bool) {
	const prefix = "exit status "
	if len(s) > len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}
