// Package program gives tests the program as its users have it, and somebody in its database who may do everything.
package program

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/server/signin"
	"plumbline.dev/plumbline/store"
)

// Run builds the program once for all tests of a package, says in path where it is, and runs the tests. $PLUMBLINE_PROGRAM names one that
// is built already. It returns the exit code.
func Run(m *testing.M, path *string) int {
	if *path = os.Getenv("PLUMBLINE_PROGRAM"); *path == "" {
		dir, err := os.MkdirTemp("", "plumbline-program")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		*path = filepath.Join(dir, "plumbline")
		if out, err := exec.Command("go", "build", "-o", *path, "plumbline.dev/plumbline/cmd/plumbline").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
			return 1
		}
	}
	return m.Run()
}

// Administrator makes a token of the first administrator of a server, with every right that a token can have, for a hundred days.
func Administrator(t testing.TB, s *store.Store) (organisation store.ID, token string) {
	t.Helper()
	ctx := context.Background()
	o, err := s.FirstOrganisation(ctx)
	if err != nil {
		t.Fatal(err)
	}
	person, _, err := s.FirstAdministrator(ctx, o.ID)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range access.Permissions() {
		if p.Grantable() {
			all = append(all, string(p))
		}
	}
	token, hint := signin.NewToken()
	if err := s.Quiet(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw("INSERT INTO token (id, organisation, person, name, hash, hint, permissions, created_by, created_at, expires_at) VALUES (?, ?, ?, 'test', ?, ?, ?, 'test', ?, ?)",
			s.NewID(), o.ID, person, signin.Hash(token), hint, strings.Join(all, " "), tx.Now, tx.Now+store.Millis(100*24*time.Hour/time.Millisecond)).Exec(ctx)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return o.ID, token
}
