package api_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/mirror"
	"plumbline.dev/plumbline/server"
	"plumbline.dev/plumbline/store"
)

// bare makes a bare repository with one commit per set of files, and returns its folder and the commits. "-> x" is a symbolic link.
func bare(t *testing.T, commits ...map[string]string) (dir string, ids []string) {
	t.Helper()
	work, dir := t.TempDir(), filepath.Join(t.TempDir(), "bare")
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "-b", "main")
	for _, files := range commits {
		for name, text := range files {
			p := filepath.Join(work, name)
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if to, link := strings.CutPrefix(text, "-> "); link {
				if err := os.Symlink(to, p); err != nil {
					t.Fatal(err)
				}
			} else if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		git("add", "-A")
		git("commit", "-q", "-m", "x")
		ids = append(ids, git("rev-parse", "HEAD"))
	}
	git("clone", "-q", "--bare", work, dir)
	return dir, ids
}

// TestFile holds that only files of scanned commits are shown, to those who may see them, and no secrets in them.
func TestFile(t *testing.T) {
	dir, ids := bare(t, map[string]string{"a.tf": "one\npassword = \"hunter2CANARY\"\nthree\n", "x/b.tf": "b\n", "link": "-> /etc/passwd", "dir/c": "-> ..",
		"bin": "a\x00b", "key.pem": "first\n-----BEGIN RSA PRIVATE KEY-----\nCANARY\n-----END RSA PRIVATE KEY-----\nlast\n", "big": strings.Repeat("x", 2<<20)},
		map[string]string{"later.tf": "later\n"})
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	d := newDesk(t, s, func(o *server.Options) {
		o.Repositories.Mirror = func(store.ID) mirror.Mirror { return mirror.Mirror{Dir: dir} }
	})
	var r store.Repository
	d.call("POST", "/api/repositories", `{"name":"web"}`, 201, &r)
	if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		target, err := tx.OpenUpload(ctx, &r, "main", store.CommitInfo{SHA: ids[0], At: 1})
		if err != nil {
			return err
		}
		_, err = tx.Ingest(ctx, store.Ingest{Repository: r.ID, Branch: target.Branch, Results: []store.Result{{Commit: store.CommitInfo{SHA: ids[0], At: 1}, Full: true,
			Found: []store.Found{{Fingerprint: "1-a", Rule: "r", Outcome: "fail", Severity: 4, Category: "secrets", File: "a.tf", Line: 2, Detail: []byte("{}")}}}}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	path := "/api/repositories/" + r.ID.String() + "/file?ref="
	for _, c := range []struct {
		name, query string
		status      int
		has         string
	}{
		{"a file", ids[0] + "&path=a.tf", 200, `["one","(hidden: this line holds a secret)","three"]`},
		{"of a branch", "main&path=x/b.tf", 200, `"commit":"` + ids[0] + `"`},
		{"a private key", "main&path=key.pem", 200, `["first","(hidden: this line holds a secret)","(hidden: this line holds a secret)","(hidden: this line holds a secret)","last"]`},
		{"no text", "main&path=bin", 200, `"binary":true`},
		{"too large", "main&path=big", 422, "1 MiB"},
		{"a commit that was not scanned", ids[1] + "&path=later.tf", 404, ""},
		{"a commit that is none", strings.Repeat("0", 40) + "&path=a.tf", 404, ""},
		{"another object", "HEAD:a.tf&path=a.tf", 404, ""},
		{"an option", "--help&path=a.tf", 404, ""},
		{"a link", "main&path=link", 404, ""},
		{"through a link", "main&path=dir/c/a.tf", 404, ""},
		{"a folder", "main&path=x", 404, ""},
		{"a way out", "main&path=../../../../etc/passwd", 404, ""},
		{"an absolute way", "main&path=/etc/passwd", 404, ""},
		{"a coded way out", "main&path=..%2f..%2fetc%2fpasswd", 404, ""},
		{"magic of git", "main&path=:(top)a.tf", 404, ""},
		{"a NUL", "main&path=a.tf%00", 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.T = t
			if got := d.call("GET", path+c.query, "", c.status, nil); !strings.Contains(got, c.has) || strings.Contains(got, "CANARY") || strings.Contains(got, "root:") {
				t.Errorf("%s, want %q", got, c.has)
			}
		})
	}
	d.T = t
	team := s.NewID()
	d.do("INSERT INTO team (id, organisation, name, created_at) VALUES (?, ?, 'x', 1)", team, d.subject.Organisation)
	d.do("INSERT INTO ownership (id, organisation, team, repository, path, position) VALUES (1, ?, ?, ?, 'x/**', 1)", d.subject.Organisation, team, r.ID)
	d.subject.Role, d.subject.Teams = "", map[int64]access.Role{int64(team): access.Viewer}
	d.call("GET", path+"main&path=x/b.tf", "", 200, nil)
	d.call("GET", path+"main&path=a.tf", "", 404, nil)
}

func TestCoverage(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	d := newDesk(t, s)
	var r store.Repository
	d.call("POST", "/api/repositories", `{"name":"web"}`, 201, &r)
	path := "/api/repositories/" + r.ID.String() + "/coverage"
	var got struct {
		Commit    string
		Files     int
		Dialects  []struct{ Name string }
		Problems  []struct{ File, Message string }
		Undecided []struct {
			Name     string
			Findings int
		}
	}
	d.call("GET", path, "", 200, &got)
	if got.Commit != "" || got.Problems == nil {
		t.Errorf("before the first scan: %+v", got)
	}
	kept, err := json.Marshal(struct {
		Coverage finding.Coverage
		Problems []finding.Problem
	}{finding.Coverage{Files: 3, Dialects: map[string]int{"helm": 1, "terraform": 2}}, []finding.Problem{{Message: "no end of a block"}}})
	if err != nil {
		t.Fatal(err)
	}
	wait := func(names ...string) []byte {
		var detail struct{ Waits []finding.Wait }
		for _, n := range names {
			detail.Waits = append(detail.Waits, finding.Wait{Name: n, Kind: "variable"})
		}
		text, err := json.Marshal(detail)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if err := s.Quiet(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		target, err := tx.OpenUpload(ctx, &r, "main", store.CommitInfo{SHA: "c1", At: 1})
		if err != nil {
			return err
		}
		_, err = tx.Ingest(ctx, store.Ingest{Repository: r.ID, Branch: target.Branch, Results: []store.Result{{Commit: store.CommitInfo{SHA: "c1", At: 1}, Full: true, Coverage: kept,
			Found: []store.Found{{Fingerprint: "1-a", Outcome: "undecided", Severity: 1, Detail: wait("var.a", "var.b")}, {Fingerprint: "1-b", Outcome: "undecided", Severity: 1, Detail: wait("var.b")},
				{Fingerprint: "1-c", Outcome: "fail", Severity: 1, Detail: wait()}}}}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	d.call("GET", path+"?branch=main", "", 200, &got)
	if got.Commit != "c1" || got.Files != 3 || len(got.Dialects) != 2 || got.Dialects[0].Name != "terraform" || len(got.Problems) != 1 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]struct {
		Name     string
		Findings int
	}{{"var.b", 2}, {"var.a", 1}}, got.Undecided); diff != "" {
		t.Error(diff)
	}
	d.call("GET", path+"?branch=none", "", 404, nil)
	var list struct{ Items []store.Commit }
	d.call("GET", "/api/repositories/"+r.ID.String()+"/commits", "", 200, &list)
	if len(list.Items) != 1 || list.Items[0].Added != 1 {
		t.Errorf("%+v", list)
	}
	var one struct {
		Added []struct{ Severity string }
	}
	d.call("GET", "/api/repositories/"+r.ID.String()+"/commits/c1", "", 200, &one)
	if len(one.Added) != 1 || one.Added[0].Severity != "info" {
		t.Errorf("%+v", one)
	}
	d.call("GET", "/api/repositories/"+r.ID.String()+"/branches", "", 200, nil)
}
