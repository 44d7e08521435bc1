package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestScanUpload holds what is sent, where to, and which exit code follows.
func TestScanUpload(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if err := os.MkdirAll(filepath.Join(dir, "infra"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "infra", "main.tf"), []byte("resource \"aws_s3_bucket_acl\" \"a\" {\n  bucket = \"a\"\n  acl    = \"public-read\"\n}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	git("init", "-q", "-b", "trunk")
	git("remote", "add", "origin", "git@git.example.org:acme/web.git")
	git("add", "-A")
	git("commit", "-q", "-m", "first")
	head := git("rev-parse", "HEAD")
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("plb_CANARY\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	var got []*http.Request
	var bodies []string
	answers := []int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
		}
		body, err := io.ReadAll(z)
		if err != nil {
			t.Error(err)
		}
		got, bodies = append(got, r), append(bodies, string(body))
		status := 200
		if len(answers) > 0 {
			status, answers = answers[0], answers[1:]
		}
		if status == 302 {
			w.Header().Set("Location", "https://evil.example.com/")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, `{"new":2,"detail":"because \u001b[31m"}`)
	}))
	defer server.Close()

	for _, c := range []struct {
		name    string
		args    []string
		env     map[string]string
		answers []int
		code    int
		has     string // of standard error
		query   []string
		sent    int
	}{
		{"in a repository", []string{"--token-file", "token"}, nil, nil, Found, "2 new", []string{"repository=acme%2Fweb", "branch=trunk", "commit=" + head, "author=Ada", "subject=first"}, 1},
		{"in CI", nil, map[string]string{"PLUMBLINE_TOKEN": "plb_CANARY", "GITHUB_REF_NAME": "feature", "GITHUB_REPOSITORY": "acme/other"}, nil, Found, "", []string{"repository=acme%2Fother", "branch=feature"}, 1},
		{"flags win", []string{"--branch", "x", "--repository", "y", "--commit", strings.Repeat("a", 40), "--token-file", "token"}, map[string]string{"GITHUB_REF_NAME": "feature"}, nil, Found, "", []string{"branch=x", "repository=y", "commit=aaaa"}, 1},
		{"a part of the repository", []string{"--token-file", "token", "infra"}, nil, nil, Found, "", []string{"paths=infra"}, 1},
		{"the server is busy at first", []string{"--token-file", "token"}, nil, []int{503}, Found, "2 new", nil, 2},
		{"the token is wrong", []string{"--token-file", "token"}, nil, []int{401}, Failure, "is the token right", nil, 1},
		{"refused", []string{"--token-file", "token"}, nil, []int{422}, Failure, "did not take the results: because", nil, 1},
		{"sent on", []string{"--token-file", "token"}, nil, []int{302}, Failure, "another address", nil, 1},
		{"no token", nil, nil, nil, Usage, "needs a token", nil, 0},
		{"no such file", []string{"--token-file", "none"}, nil, nil, Usage, "none", nil, 0},
		{"a part of the rules", []string{"--token-file", "token", "--severity", "high"}, nil, nil, Usage, "whole scan", nil, 0},
		{"a commit that is none", []string{"--token-file", "token", "--commit", "HEAD"}, nil, nil, Usage, "complete id", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, bodies, answers = nil, nil, c.answers
			var out, errs bytes.Buffer
			env := Env{In: strings.NewReader(""), Out: &out, Err: &errs, Dir: dir, Now: time.Now(), Lookup: func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }}
			code := Main(context.Background(), append([]string{"scan", "--no-cache", "--no-fixes", "--upload", server.URL}, c.args...), env)
			if code != c.code || !strings.Contains(errs.String(), c.has) || len(got) != c.sent {
				t.Fatalf("code %d after %d requests, want %d after %d\n%s", code, len(got), c.code, c.sent, errs.String())
			}
			if text := out.String() + errs.String(); strings.Contains(text, "CANARY") || strings.Contains(text, "\x1b") {
				t.Errorf("the token or what a server wrote is printed:\n%s", text)
			}
			for i, r := range got {
				if r.Header.Get("Authorization") != "Bearer plb_CANARY" || r.URL.Path != "/api/uploads" || r.Header.Get("Idempotency-Key") != got[0].Header.Get("Idempotency-Key") {
					t.Errorf("request %d: %s %v", i, r.URL, r.Header)
				}
				for _, q := range c.query {
					if !strings.Contains(r.URL.RawQuery, q) {
						t.Errorf("%s is not in %s", q, r.URL.RawQuery)
					}
				}
				if !strings.Contains(bodies[i], `"file": "infra/main.tf"`) {
					t.Errorf("the report does not name the file as the repository has it: %.2000s", bodies[i])
				}
			}
		})
	}
}

func TestServerAddress(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"https://plumbline.example.org", "https://plumbline.example.org/api/uploads"},
		{"https://example.org/plumbline/", "https://example.org/plumbline/api/uploads"},
		{"http://127.0.0.1:7420", "http://127.0.0.1:7420/api/uploads"},
		{"http://localhost:7420", "http://localhost:7420/api/uploads"},
		{"http://plumbline.example.org", ""}, {"http://localhost.example.org", ""}, {"https://user:pw@example.org", ""}, {"plumbline.example.org", ""}, {"file:///x", ""}, {"", ""}, {"https://x?y=1", ""},
	} {
		u, err := serverAddress(c.text)
		if (err == nil) != (c.want != "") || err == nil && u.String() != c.want {
			t.Errorf("%q: %v, %v, want %q", c.text, u, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("%v tells the password", err)
		}
	}
}
