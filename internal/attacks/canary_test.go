package attacks

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"plumbline.dev/plumbline/internal/canary"
	"plumbline.dev/plumbline/store"
)

// prey is a text that must be nowhere.
type prey struct{ kind, text string }

// hunt looks for secrets in what the program lets out.
type hunt struct {
	*testing.T
	prey []prey
	form map[string][]string // by its first eight bytes
	some [1 << 16]bool       // whether a form begins with two bytes
	told map[string]bool
	seen int // bytes
}

// newHunt looks for whole secrets, for their second halves, and for both in the forms that formats give them.
func newHunt(t *testing.T, list []prey) *hunt {
	h := &hunt{T: t, prey: list, told: map[string]bool{}, form: map[string][]string{}}
	for _, p := range list {
		for _, part := range []string{p.text, p.text[len(p.text)/2:]} {
			for _, form := range []string{part, strings.Trim(quoted(part), `"`), url.QueryEscape(part), url.PathEscape(part), html.EscapeString(part), strings.ToLower(part),
				base64.StdEncoding.EncodeToString([]byte(p.text))[:len(p.text)], hex.EncodeToString([]byte(part))} {
				if len(form) < 8 {
					t.Fatalf("%s is too short to be looked for", p.kind)
				}
				if have := h.form[form[:8]]; !slices.Contains(have, form) {
					h.form[form[:8]] = append(have, form)
					h.some[int(form[0])<<8|int(form[1])] = true
				}
			}
		}
	}
	return h
}

// find returns where a form of a secret stands in a text, and which; -1 when there is none.
func (h *hunt) find(text []byte) (int, string) {
	for i := 0; i+8 <= len(text); i++ {
		if !h.some[int(text[i])<<8|int(text[i+1])] {
			continue
		}
		for _, form := range h.form[string(text[i:i+8])] {
			if bytes.HasPrefix(text[i:], []byte(form)) {
				return i, form
			}
		}
	}
	return -1, ""
}

// in looks into a text, and into what is packed in it.
func (h *hunt) in(where string, text []byte) {
	h.Helper()
	h.seen += len(text)
	if at, form := h.find(text); at >= 0 {
		kind := "a form of one"
		for _, p := range h.prey {
			if strings.Contains(p.text, form) {
				kind = p.kind
			}
		}
		if key := where + kind; !h.told[key] {
			h.told[key] = true
			h.Errorf("%s of %q is in %s: …%q…", form, kind, where, text[max(0, at-120):min(len(text), at+len(form)+60)])
		}
	}
	if inner := unpacked(text); inner != nil {
		h.in(where+" (unpacked)", inner)
	}
}

// unpacked is what is in a text that is compressed; nil when it is not.
func unpacked(text []byte) []byte {
	switch {
	case bytes.HasPrefix(text, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil
		}
		defer d.Close()
		out, err := d.DecodeAll(text, nil)
		if err != nil {
			return nil
		}
		return out
	case bytes.HasPrefix(text, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			return nil
		}
		out, err := io.ReadAll(z)
		if err != nil {
			return nil
		}
		return out
	}
	return nil
}

// database looks into every column of every table.
func (h *hunt) database(s *site) {
	h.Helper()
	ctx := context.Background()
	tables := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if strings.HasPrefix(s.address, "postgres:") {
		tables = "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
	}
	var names []string
	if err := s.store.DB.NewRaw(tables).Scan(ctx, &names); err != nil {
		h.Fatal(err)
	}
	if len(names) < 20 {
		h.Fatalf("tables: %v", names)
	}
	for _, name := range names {
		rows, err := s.store.DB.QueryContext(ctx, `SELECT * FROM "`+name+`"`)
		if err != nil {
			h.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			h.Fatal(err)
		}
		for rows.Next() {
			cells := make([]any, len(columns))
			for i := range cells {
				cells[i] = new(any)
			}
			if err := rows.Scan(cells...); err != nil {
				h.Fatal(err)
			}
			for i, c := range cells {
				switch v := (*c.(*any)).(type) {
				case string:
					h.in("column "+name+"."+columns[i], []byte(v))
				case []byte:
					h.in("column "+name+"."+columns[i], v)
				}
			}
		}
		if err := rows.Err(); err != nil {
			h.Fatal(err)
		}
		rows.Close()
	}
}

// folder looks into every file, but not into the objects of mirrors: they are the repositories themselves.
func (h *hunt) folder(dir string) {
	h.Helper()
	if err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.Name() == "objects" {
				return filepath.SkipDir
			}
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil // it was there for a moment
		}
		h.in("file "+strings.TrimPrefix(name, dir), text)
		return nil
	}); err != nil {
		h.Fatal(err)
	}
}

// processes looks at the arguments and the environment of the server's children until it is stopped.
func (h *hunt) processes(root int) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	seen := map[string]bool{}
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
			for _, pid := range descendants(root) {
				for _, what := range []string{"cmdline", "environ"} {
					text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, what))
					if err == nil && len(text) > 0 {
						mu.Lock()
						seen[what+": "+string(text)] = true
						mu.Unlock()
					}
				}
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		git := false
		for text := range seen {
			git = git || strings.Contains(text, "git")
			h.in("a process, "+text[:7], []byte(text))
		}
		if !git {
			h.Error("no child of the server was seen")
		}
	}
}

// descendants are a process and those that it started.
func descendants(root int) []int {
	all := []int{root}
	for i := 0; i < len(all); i++ {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		for _, t := range tasks {
			text, err := os.ReadFile(t)
			if err != nil {
				continue
			}
			for _, f := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(f); err == nil && !slices.Contains(all, pid) {
					all = append(all, pid)
				}
			}
		}
	}
	return all
}

// thorough runs the tests at full size, which takes minutes. Every day each secret stands in some places only, and each kind of answer is read a few times.
var thorough = os.Getenv("PLUMBLINE_ATTACKS") != ""

// infected are the files of a repository in which secrets stand where people leave them.
func infected(list []canary.Secret) map[string]string {
	files := map[string]string{}
	in := func(place, i int) bool { return thorough || (i+place)%4 == 0 }
	hcl := func(s string) string { return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(quoted(s)) }
	var tf, kube, cfn, play, compose, env, docker, action strings.Builder
	line := func(s string) string { return strings.ReplaceAll(s, "\n", " ") }
	cfn.WriteString("AWSTemplateFormatVersion: '2010-09-09'\nParameters:\n")
	for i, c := range list {
		fmt.Fprintf(&cfn, "  P%d:\n    Type: String\n    Default: %s\n", i, quoted(c.Text))
	}
	cfn.WriteString("Resources:\n")
	play.WriteString("- hosts: all\n  vars:\n")
	for i, c := range list {
		fmt.Fprintf(&play, "    v%d: %s\n", i, quoted(c.Text))
	}
	play.WriteString("  tasks:\n")
	compose.WriteString("services:\n")
	docker.WriteString("FROM ubuntu:latest\n")
	action.WriteString("on: pull_request_target\njobs:\n")
	for i, c := range list {
		tf, kube, cfn, play, compose, env, docker, action := &tf, &kube, &cfn, &play, &compose, &env, &docker, &action
		var none strings.Builder
		for place, b := range []**strings.Builder{&tf, &kube, &cfn, &play, &compose, &env, &docker, &action} {
			if !in(place, i) {
				*b = &none
			}
		}
		t, q := c.Text, hcl(c.Text)
		fmt.Fprintf(tf, "variable \"v%d\" {\n  default = %s\n}\n", i, q)
		fmt.Fprintf(tf, "resource \"aws_s3_bucket\" \"b%d\" {\n  # %s\n  bucket = \"bucket-%d\"\n  acl = \"public-read\" # %s\n  tags = {\n    note = %s\n    v = var.v%d\n  }\n}\n", i, line(t), i, line(t), q, i)
		fmt.Fprintf(tf, "resource \"aws_instance\" \"i%d\" {\n  ami = %s\n  associate_public_ip_address = true\n  user_data = <<-EOF\n#!/bin/sh\ncurl -d x https://example.com\n%s\nEOF\n}\n", i, q, strings.NewReplacer("${", "$${", "%{", "%%{").Replace(t))
		fmt.Fprintf(tf, "resource \"aws_db_instance\" \"d%d\" {\n  identifier = \"db-%d\"\n  password = %s\n  publicly_accessible = true\n  storage_encrypted = false\n}\n", i, i, hcl(c.Part))
		fmt.Fprintf(tf, "resource \"aws_security_group\" \"g%d\" {\n  description = %s\n  ingress {\n    description = %s\n    from_port = 22\n    to_port = 22\n    protocol = \"tcp\"\n    cidr_blocks = [\"0.0.0.0/0\"]\n  }\n}\n", i, q, q)
		fmt.Fprintf(tf, "resource \"aws_lambda_function\" \"l%d\" {\n  function_name = \"f%d\"\n  role = \"x\"\n  environment {\n    variables = { WHAT = %s, DB_PASSWORD = %s }\n  }\n}\n", i, i, q, hcl(c.Part))
		fmt.Fprintf(kube, "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p%d\n  annotations: {note: %s}\nspec:\n  containers:\n  - name: c\n    image: nginx:latest\n    args: [--x, %s]\n    env: [{name: WHAT, value: %s}, {name: DB_PASSWORD, value: %s}]\n    securityContext: {privileged: true}\n  - name: d\n    image: nginx:latest\n    securityContext: {privileged: true}\n    env:\n    - name: API_TOKEN\n      value: %s\n",
			i, quoted(t), quoted(t), quoted(t), quoted(c.Part), quoted(c.Part))
		fmt.Fprintf(kube, "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s%d}\nstringData: {a: %s}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m%d}\ndata: {a: %s}\n", i, quoted(t), i, quoted(t))
		fmt.Fprintf(cfn, "  B%d:\n    Type: AWS::S3::Bucket\n    Properties:\n      AccessControl: PublicRead\n      Tags: [{Key: note, Value: %s}, {Key: p, Value: !Ref P%d}]\n", i, quoted(t), i)
		fmt.Fprintf(play, "    - name: task %d\n      amazon.aws.s3_object: {bucket: x, mode: put, permission: public-read, object: %s}\n    - shell: %s\n", i, quoted(t), quoted("echo "+line(t)))
		fmt.Fprintf(compose, "  s%d:\n    image: nginx\n    privileged: true\n    environment:\n      WHAT: %s\n    labels: [%s]\n", i, quoted(t), quoted("x="+t))
		fmt.Fprintf(docker, "ENV WHAT%d=%s\nARG A%d=%s\nRUN curl -H %s http://example.com | sh\nLABEL l%d=%s\n", i, quoted(line(t)), i, quoted(line(t)), quoted(line(t)), i, quoted(line(t)))
		fmt.Fprintf(action, "  j%d:\n    runs-on: ubuntu-latest\n    env: {WHAT: %s}\n    steps:\n    - uses: actions/checkout@v1\n      with: {x: %s, ref: \"${{ github.event.pull_request.head.sha }}\"}\n    - run: |\n        echo ${{ github.event.issue.title }} %s\n", i, quoted(t), quoted(t), line(t))
		fmt.Fprintf(env, "# %s\nWHAT%d=%s\n", line(t), i, line(t))
	}
	files["main.tf"], files["pods.yaml"], files["template.yaml"], files["playbook.yml"], files["compose.yaml"] = tf.String(), kube.String(), cfn.String(), play.String(), compose.String()
	files[".env"], files["Dockerfile"], files[".github/workflows/x.yml"] = env.String(), docker.String(), action.String()
	for i, c := range list { // what cannot be read becomes a problem with its place
		if !in(0, i) {
			continue
		}
		files[fmt.Sprintf("broken/%d/main.tf", i)] = "resource \"aws_s3_bucket\" \"b\" {\n  bucket = " + hcl(c.Text) + " " + hcl(c.Text) + "\n"
		files[fmt.Sprintf("broken/%d/x.yaml", i)] = "apiVersion: v1\nkind: Pod\nspec: *" + line(c.Text) + "\n  a: b: " + line(c.Text) + "\n"
	}
	return files
}

// sarif is a log in which secrets stand wherever there is text.
func sarif(list []canary.Secret) string {
	var results, rules []any
	for i, c := range list {
		at := map[string]any{"physicalLocation": map[string]any{"artifactLocation": map[string]any{"uri": fmt.Sprintf("f%d.tf", i)},
			"region": map[string]any{"startLine": 3, "snippet": map[string]any{"text": c.Text}}, "contextRegion": map[string]any{"startLine": 1, "endLine": 5, "snippet": map[string]any{"text": "a\nb\n" + c.Text + "\nc\nd"}}},
			"logicalLocations": []any{map[string]any{"fullyQualifiedName": "aws_x.y", "name": c.Text}}}
		results = append(results, map[string]any{"ruleId": fmt.Sprintf("R%d", i), "message": map[string]any{"text": "found " + c.Text + " here"}, "locations": []any{at},
			"fingerprints": map[string]any{"x": c.Text}, "suppressions": []any{map[string]any{"justification": c.Text}}},
			map[string]any{"ruleId": fmt.Sprintf("R%d", i), "message": map[string]any{"text": "found " + c.Text}, "locations": []any{at}})
		rules = append(rules, map[string]any{"id": fmt.Sprintf("R%d", i), "shortDescription": map[string]any{"text": c.Text}, "help": map[string]any{"text": c.Text, "markdown": c.Text}})
	}
	return quoted(map[string]any{"version": "2.1.0", "runs": []any{map[string]any{"tool": map[string]any{"driver": map[string]any{"name": "Other", "rules": rules}}, "results": results,
		"versionControlProvenance": []any{map[string]any{"repositoryUri": list[32].Text, "branch": "main"}}}}})
}

// TestCanaries: secrets of every known form wherever they get into the program. They are in no log, span, page, answer, export, column,
// backup, file, argument or environment.
func TestCanaries(t *testing.T) {
	for _, engine := range []store.Engine{store.SQLite, store.PostgreSQL} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			testCanaries(t, engine)
		})
	}
}

func testCanaries(t *testing.T, engine store.Engine) {
	secrets := canary.All("A" + string(engine[:1]))
	var list []prey
	for _, c := range secrets {
		list = append(list, prey{c.Kind, c.Part})
	}
	own := func(kind string) string {
		text := fmt.Sprintf("Zq%dw%sKx7Rj", len(list), strings.ReplaceAll(kind, " ", "9"))
		list = append(list, prey{kind, text})
		return text
	}
	var mu sync.Mutex
	var spans bytes.Buffer
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		spans.Write(text)
		if inner := unpacked(text); inner != nil {
			spans.Write(inner)
		}
	}))
	defer collector.Close()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", "Basic realm=x") // whatever it is given: the errors are what is looked at
		time.Sleep(30 * time.Millisecond)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer upstream.Close()
	metrics := filepath.Join(t.TempDir(), "metrics")
	if err := os.WriteFile(metrics, []byte(own("token of the metrics")), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, engine, "--otlp-endpoint", collector.URL, "--metrics-token-file", metrics, "--git-hosts", "public,"+strings.TrimPrefix(upstream.URL, "http://"), "--history", "50")
	list = append(list, prey{"token of the administrator", s.token})

	// What people give.
	password, client := own("password of a person"), own("secret of a client")
	cookie := s.signIn()
	mine := []string{"Authorization: ", "Cookie: " + cookie}
	var app struct{ Secret string }
	s.must("POST", "/api/account/app", "", &app, mine...)
	var recovery struct{ RecoveryCodes []string }
	s.must("PUT", "/api/account/password", quoted(map[string]any{"password": password, "code": codeOf(t, app.Secret, time.Now())}), &recovery, mine...)
	var token struct{ Token string }
	s.must("POST", "/api/tokens", quoted(map[string]any{"name": "ci", "permissions": []string{"finding:read"}, "expiresAt": time.Now().Add(time.Hour)}), &token,
		append(mine, "Idempotency-Key: "+own("key of a request"))...)
	_, session, _ := strings.Cut(cookie, "=")
	list = append(list, prey{"ticket of the first link", s.link}, prey{"session", session}, prey{"secret of an app", app.Secret}, prey{"API token", token.Token}, prey{"recovery code", recovery.RecoveryCodes[0]})
	s.must("POST", "/api/repositories", quoted(map[string]any{"name": "behind", "address": "https://" + strings.TrimPrefix(upstream.URL, "http://") + "/a.git",
		"credential": map[string]any{"kind": "token", "secret": own("token of a repository")}}), nil)
	s.must("POST", "/api/providers", quoted(map[string]any{"name": "Login", "issuer": "https://login.example.com", "client": "x", "secret": client}), nil)

	h := newHunt(t, list)
	stop := h.processes(s.process.Process.Pid)
	s.change("UPDATE repository SET address = ? WHERE name = 'behind'", upstream.URL+"/a.git") // over https it would not trust us

	// What repositories and uploads bring.
	r := s.newRepository("infected")
	files := infected(secrets)
	for _, c := range secrets {
		r.commitAs(strings.NewReplacer("\n", " ", "<", " ").Replace(c.Text), c.Text, nil)
	}
	head := r.commit("all", files)
	id := s.connect(r)
	s.must("POST", "/api/repositories", `{"name":"uploads"}`, nil)
	log := sarif(secrets)
	s.must("POST", "/api/uploads?repository=uploads&branch=main&commit="+strings.Repeat("1", 40), log, nil)
	for i, c := range secrets {
		e := url.QueryEscape(c.Text)
		for _, at := range []string{"/api/findings?q=" + e, "/api/findings?limit=" + e, "/api/findings?q=severity%3A" + e, "/api/findings/" + url.PathEscape(c.Text), "/nowhere?ticket=" + e, "/signin/callback?code=" + e + "&state=x",
			"/api/audit?actor=" + e, "/api/findings?" + e + "=1"} {
			s.do("GET", at, "", "Cookie: session="+url.QueryEscape(c.Part)+"; __Host-plumbline="+url.QueryEscape(c.Part), "X-Secret: "+strings.ReplaceAll(c.Text, "\n", " "), "User-Agent: "+strings.ReplaceAll(c.Text, "\n", " "))
		}
		if i%8 == 0 { // more tokens that are none would shut this address out for a minute
			s.do("GET", "/api/findings", "", "Authorization: Bearer "+c.Part)
		}
		for _, body := range []string{quoted(map[string]any{"address": c.Text}), quoted(map[string]any{"address": "https://user:" + url.PathEscape(c.Part) + "@git.example.com/a.git"}),
			quoted(map[string]any{"address": "https://git.example.com/a.git", "credential": c.Text}), quoted(map[string]any{"address": "https://git.example.com/a.git", "credential": map[string]any{"kind": "ssh-key", "secret": c.Text}})} {
			h.in("the answer to "+body[:12], []byte(s.do("POST", "/api/repositories", body).body))
		}
		h.in("the answer about an issuer", []byte(s.do("POST", "/api/providers", quoted(map[string]any{"name": "x", "issuer": "https://user:" + url.PathEscape(c.Part) + "@login.example.com", "client": "x", "secret": c.Text})).body))
		s.do("POST", "/api/session/password", quoted(map[string]any{"email": "ada@example.org", "password": c.Text, "code": "123456"}), "Authorization: ")
		s.do("POST", "/api/session/link", quoted(map[string]any{"ticket": c.Text}), "Authorization: ")
	}
	s.scanned(id, head, 2*time.Minute)
	time.Sleep(time.Second)
	stop()

	for where, text := range s.everything() {
		h.in("answer "+where, []byte(text))
	}
	for name := range files {
		a := s.do("GET", "/api/repositories/"+id.String()+"/file?ref=main&path="+url.QueryEscape(name), "")
		if a.status != 200 {
			t.Errorf("file %s: %d %s", name, a.status, a.body)
		}
		h.in("file view "+name, []byte(a.body))
	}
	h.database(s)
	backup := filepath.Join(t.TempDir(), "backup.tar")
	if out, err := exec.Command(built, "backup", backup, "--data", s.data, "--database", s.address).CombinedOutput(); err != nil {
		t.Errorf("backup: %v\n%s", err, out)
	}
	h.folder(filepath.Dir(backup))
	h.folder(s.data)
	mu.Lock()
	h.in("spans", spans.Bytes())
	mu.Unlock()
	h.in("the log", []byte(strings.Replace(s.said.String(), s.link, "", 1))) // which shows the link once, to who started it
	t.Logf("looked for %d secrets in %d KiB", len(list), h.seen>>10)
}

// everything asks every operation that reads, and every export, and returns the answers.
func (s *site) everything() map[string]string {
	s.Helper()
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Parameters  []struct {
				Name     string
				In       string
				Required bool
			}
		}
	}
	s.must("GET", "/api/openapi.json", "", &document)
	out := map[string]string{}
	var frontier []string
	ask := func(path string) {
		if _, done := out[path]; done || len(out) > 4000 {
			return
		}
		a := s.do("GET", path, "")
		out[path] = a.body
		if a.status == 500 {
			s.Errorf("%s: %s", path, a.body)
		}
		frontier = append(frontier, path)
	}
	for path, methods := range document.Paths {
		if _, ok := methods["get"]; ok && !strings.Contains(path, "{") && path != "/api/events" {
			switch path {
			case "/api/findings/groups":
				for _, by := range []string{"rule", "file", "repository", "author", "resource"} {
					ask(path + "?by=" + by)
				}
			case "/api/findings/export":
				for _, f := range []string{"csv", "json", "sarif"} {
					ask(path + "?format=" + f)
				}
			case "/api/findings/facets":
				ask(path + "?limit=500")
			default:
				ask(path)
			}
		}
	}
	ask("/api/findings?limit=500")
	ask("/api/audit?limit=500")
	for _, token := range []string{"g", "h", "t", "a", "d", "S", "x", "E", "p", "C4n"} {
		ask("/api/findings/suggest?at=8&q=" + url.QueryEscape("author:"+token))
	}
	for _, format := range []string{"csv", "json", "html", "markdown"} {
		ask("/api/compliance/soc2/report?format=" + format)
	}
	// One of each noun, and as many findings as there are kinds.
	most := 25
	if thorough {
		most = 600
	}
	ids := regexp.MustCompile(`"id":"?([0-9A-Za-z_-]+)"?`)
	for len(frontier) > 0 {
		path := frontier[0]
		frontier = frontier[1:]
		noun, _, _ := strings.Cut(path, "?")
		for template, methods := range document.Paths {
			if _, ok := methods["get"]; !ok || !strings.HasPrefix(template, noun+"/{") {
				continue
			}
			for i, m := range ids.FindAllStringSubmatch(out[path], -1) {
				if i > most {
					break
				}
				next := regexp.MustCompile(`^`+regexp.QuoteMeta(noun)+`/\{[a-z]+\}`).ReplaceAllString(template, noun+"/"+m[1])
				if !strings.Contains(next, "{") && !strings.HasSuffix(next, "/file") {
					ask(next)
				}
			}
		}
	}
	var commits struct{ Items []struct{ SHA string } }
	for path, text := range out {
		if strings.HasSuffix(path, "/commits") && json.Unmarshal([]byte(text), &commits) == nil {
			for _, c := range commits.Items[:min(len(commits.Items), most)] {
				ask(path + "/" + c.SHA)
			}
		}
	}
	a := s.do("POST", "/api/audit/export", "")
	out["audit export"] = a.body
	return out
}
