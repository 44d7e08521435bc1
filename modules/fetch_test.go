package modules

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// web is a server that notes what it is asked.
type web struct {
	*httptest.Server
	*http.ServeMux
	host string

	mu    sync.Mutex
	asked []string // path, and what came with it
}

func newWeb(t *testing.T) *web {
	t.Helper()
	w := &web{ServeMux: http.NewServeMux()}
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		line := r.URL.Path
		if a := r.Header.Get("Authorization"); a != "" {
			line += " " + a
		}
		w.mu.Lock()
		w.asked = append(w.asked, line)
		w.mu.Unlock()
		w.ServeHTTP(rw, r)
	}))
	w.Config.ErrorLog = nil
	t.Cleanup(w.Close)
	w.host = w.Listener.Addr().String()
	return w
}

// took returns what was asked since the last call.
func (w *web) took() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.asked
	w.asked = nil
	return out
}

func (w *web) answer(path, header, value, body string) {
	w.HandleFunc(path, func(rw http.ResponseWriter, r *http.Request) {
		if header != "" {
			rw.Header().Set(header, value)
		}
		if header == "Location" {
			rw.WriteHeader(http.StatusFound)
		}
		rw.Write([]byte(body))
	})
}

// ServeHTTP is the mux's: both embedded types have one.
func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.ServeMux.ServeHTTP(rw, r) }

// bench is a cache and an environment for fetchers.
type bench struct {
	t       *testing.T
	dir     string
	env     map[string]string
	hosts   []string
	roots   *x509.CertPool
	limits  Limits
	offline bool
	said    []string
}

func newBench(t *testing.T, servers ...*web) *bench {
	b := &bench{t: t, dir: t.TempDir(), env: map[string]string{"HOME": t.TempDir()}, roots: x509.NewCertPool(), hosts: []string{"public"}}
	for _, s := range servers {
		b.roots.AddCert(s.Certificate())
		b.hosts = append(b.hosts, s.host)
	}
	return b
}

func (b *bench) fetcher() *Fetcher {
	b.t.Helper()
	hosts, err := ParseHosts(b.hosts)
	if err != nil {
		b.t.Fatal(err)
	}
	f, err := New(Options{Dir: b.dir, Hosts: hosts, Roots: b.roots, Limits: b.limits, Offline: b.offline, Version: "test", Now: time.Now(), Timeout: time.Minute,
		Env:      func(name string) (string, bool) { v, ok := b.env[name]; return v, ok },
		Progress: func(text string) { b.said = append(b.said, text) }})
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

// fetch fetches with a new fetcher, as another run does, and returns the files of the module's directory, or the problem.
func (b *bench) fetch(src, version string) (string, string) {
	b.t.Helper()
	return b.with(b.fetcher(), src, version)
}

func (b *bench) with(f *Fetcher, src, version string) (string, string) {
	b.t.Helper()
	dir, problem := f.Fetch(context.Background(), dialect.ModuleSource{Source: src, Version: version})
	if problem != nil {
		if problem.Kind != source.Unresolved && problem.Kind != source.Limit {
			b.t.Errorf("the problem is a %s: %s", problem.Kind, problem.Message)
		}
		return "", problem.Message
	}
	if !strings.HasPrefix(dir, dialect.ModuleDir+"/") || !fs.ValidPath(dir) {
		b.t.Fatalf("the directory is %s", dir)
	}
	var names []string
	tree := f.Mount(fstest.MapFS{})
	err := fs.WalkDir(tree, dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			text, err := fs.ReadFile(tree, p)
			names = append(names, strings.TrimPrefix(p, dir+"/")+"="+string(text))
			return err
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(names, " "), ""
}

// packed is an archive in one of the forms.
func packed(t *testing.T, form string, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	switch form {
	case "zip":
		z := zip.NewWriter(&out)
		for _, f := range files {
			name, text, _ := strings.Cut(f, "=")
			w, err := z.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			w.Write([]byte(text))
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	case "tar.gz":
		var entries []*tar.Header
		for _, f := range files {
			name, text, _ := strings.Cut(f, "=")
			entries = append(entries, &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text)), PAXRecords: map[string]string{"PLUMBLINE.text": text}})
		}
		return tarred(t, entries...)
	}
	return out.Bytes()
}

// tarred is a tar.gz of headers; the text of files is in their records.
func tarred(t *testing.T, entries ...*tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	g := gzip.NewWriter(&out)
	w := tar.NewWriter(g)
	for _, h := range entries {
		text := h.PAXRecords["PLUMBLINE.text"]
		copied := *h
		h = &copied
		h.PAXRecords, h.Size = nil, int64(len(text))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(text))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	g.Close()
	return out.Bytes()
}

// registry makes a server answer as a registry with one module.
func (w *web) registry(t *testing.T, download string) {
	w.answer("/.well-known/terraform.json", "Content-Type", "application/json", `{"modules.v1": "/v1/modules/"}`)
	w.answer("/v1/modules/acme/vpc/aws/versions", "", "", `{"modules":[{"versions":[{"version":"1.0.0"},{"version":"1.2.0"},{"version":"2.0.0"}]}]}`)
	for _, v := range []string{"1.0.0", "1.2.0", "2.0.0"} {
		w.HandleFunc("/v1/modules/acme/vpc/aws/"+v+"/download", func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("X-Terraform-Get", strings.ReplaceAll(download, "VERSION", v))
			rw.WriteHeader(http.StatusNoContent)
		})
		body := packed(t, "tar.gz", "top-"+v+"/main.tf="+v, "top-"+v+"/sub/s.tf=sub")
		w.answer("/archives/"+v, "", "", string(body))
	}
}

// TestFetch_registry finds a module through discovery, versions and download, and asks only what it has to.
func TestFetch_registry(t *testing.T) {
	w := newWeb(t)
	w.registry(t, "/archives/VERSION//*?archive=tar.gz")
	b := newBench(t, w)
	b.env["TF_TOKEN_127_0_0_1"] = "unused: the host has a port"
	os.WriteFile(filepath.Join(b.env["HOME"], ".terraformrc"), []byte("plugin_cache_dir = \"x\"\ncredentials \""+w.host+"\" {\n  token = \"s3cret\"\n}\n"), 0o600)
	src := w.host + "/acme/vpc/aws"

	got, problem := b.fetch(src, "~> 1.0")
	if got != "main.tf=1.2.0 sub/s.tf=sub" {
		t.Fatalf("the module is %s (%s)", got, problem)
	}
	want := []string{
		"/.well-known/terraform.json Bearer s3cret",
		"/v1/modules/acme/vpc/aws/versions Bearer s3cret",
		"/v1/modules/acme/vpc/aws/1.2.0/download Bearer s3cret",
		"/archives/1.2.0", // tokens of the registry are not for archives
	}
	if diff := cmp.Diff(want, w.took()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"fetching " + src + " 1.2.0", "fetching https://" + w.host + "/archives/1.2.0"}, b.said); diff != "" {
		t.Error(diff)
	}

	if got, _ := b.fetch(src+"//sub", "1.2.0"); got != "s.tf=sub" || len(w.took()) != 0 {
		t.Errorf("an exact version that is in the cache is %s", got)
	}
	if got, _ := b.fetch(src, ">= 1"); got != "main.tf=2.0.0 sub/s.tf=sub" || len(w.took()) != 4 {
		t.Errorf("the newest version is %s", got)
	}
	f := b.fetcher()
	b.with(f, src, "~> 1.0")
	w.took()
	if got, _ := b.with(f, src, "~> 1.0"); got != "main.tf=1.2.0 sub/s.tf=sub" || len(w.took()) != 0 {
		t.Errorf("the same run asks again, or has %s", got)
	}

	b.offline = true
	w.took()
	if got, problem := b.fetch(src, ">= 1"); got != "main.tf=2.0.0 sub/s.tf=sub" {
		t.Errorf("the cache has %s %s", got, problem)
	}
	if _, problem := b.fetch(src, "1.0.0"); !strings.Contains(problem, "is not in the cache: a scan with --modules fetch downloads it") {
		t.Errorf("the problem is %s", problem)
	}
	if asked := w.took(); len(asked) != 0 {
		t.Errorf("without network the server was asked for %v", asked)
	}

	b.offline = false
	for _, c := range []struct{ source, version, want string }{
		{src, "~> 9.0", "has no version of acme/vpc/aws that meets ~> 9.0"},
		{src + "//none", "1.0.0", "the package has no folder top-1.0.0/none"},
		{w.host + "/acme/other/aws", "", "set TF_TOKEN_127_0_0_1"},
		{src, "1.5.0", "does not have the module acme/vpc/aws 1.5.0"},
	} {
		if _, problem := b.fetch(c.source, c.version); !strings.Contains(problem, c.want) {
			t.Errorf("%s %s: the problem is %s", c.source, c.version, problem)
		}
	}
}

// TestFetch_registryAnswers follows the other forms of an answer, and not those that lead where nobody should go.
func TestFetch_registryAnswers(t *testing.T) {
	for _, c := range []struct{ header, body, want string }{
		{"", `{"location": "/archives/2.0.0//*?archive=tar.gz"}`, "main.tf=2.0.0 sub/s.tf=sub"},
		{"../../../../../../archives/2.0.0//*/sub?archive=tar.gz", "", "s.tf=sub"},
		{"", "", "does not say where"},
		{"git::file:///etc", "", "on this machine"},
		{"/etc/passwd", "", "does not have the module"},
		{"s3::https://s3.amazonaws.com/x.zip", "", "modules in buckets"},
		{"git::https://169.254.169.254/x.git", "", "is not a public one"},
		{"https://10.0.0.1/x.zip", "", "is not a public one"},
		{"file:///etc/x.zip", "", "is not followed"},
	} {
		w := newWeb(t)
		w.registry(t, "x")
		w.answer("/v1/modules/acme/new/aws/1.0.0/download", "X-Terraform-Get", c.header, c.body)
		b := newBench(t, w)
		got, problem := b.fetch(w.host+"/acme/new/aws", "1.0.0")
		if got != c.want && (problem == "" || !strings.Contains(problem, c.want)) {
			t.Errorf("%s%s gives %s %s, want %s", c.header, c.body, got, problem, c.want)
		}
	}
}

// TestFetch_archives unpacks the forms, checks sums, and asks whether an archive is still the same.
func TestFetch_archives(t *testing.T) {
	w := newWeb(t)
	body := packed(t, "zip", "m/main.tf=zipped", "m/x/y.tf=y", "other/o.tf=o")
	sum := sha256.Sum256(body)
	served := 0
	w.HandleFunc("/vpc.zip", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Etag", `"one"`)
		if r.Header.Get("If-None-Match") == `"one"` {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
		served++
		rw.Write(body)
	})
	w.answer("/page", "X-Terraform-Get", "./vpc.zip//m", "")
	w.answer("/meta", "", "", `<html><META name="other" content="x"><meta content='./vpc.zip//other' name="terraform-get"/></html>`)
	w.answer("/lost", "", "", "<html></html>")
	b := newBench(t, w)
	base := "https://" + w.host
	for _, c := range []struct{ source, want string }{
		{base + "/vpc.zip//m", "main.tf=zipped x/y.tf=y"},
		{base + "/vpc.zip//m/x", "y.tf=y"},
		{base + "/page", "main.tf=zipped x/y.tf=y"},
		{base + "/page//x", "y.tf=y"},
		{base + "/meta", "o.tf=o"},
		{base + "/vpc.zip//other?checksum=" + hex.EncodeToString(sum[:]), "o.tf=o"},
		{base + "/vpc.zip?checksum=sha256:" + strings.Repeat("0", 64), "error its checksum is not sha256:000"},
		{base + "/vpc.zip?archive=tar.gz", "error is not gzip"},
		{base + "/vpc.zip//*", "error has 2 folders where * wants one"},
		{base + "/lost", "error nor does it tell where the module is"},
		{base + "/gone.zip", "error does not have the archive, or wants a login for it: netrc"},
		{"http://" + w.host + "x/vpc.zip", "error no source that is understood"},
		{"http://example.com/vpc.zip", "error without encryption"},
	} {
		got, problem := b.fetch(c.source, "")
		if want, bad := strings.CutPrefix(c.want, "error "); bad && !strings.Contains(problem, want) || !bad && got != c.want {
			t.Errorf("%s gives %s %s, want %s", c.source, got, problem, c.want)
		}
	}
	if served > 4 { // once, and once for each sum and form
		t.Errorf("the archive was downloaded %d times", served)
	}
}

// TestFetch_archiveThreats refuses what an archive must not have. Each case fails without its guard.
func TestFetch_archiveThreats(t *testing.T) {
	text := func(h tar.Header, text string) *tar.Header {
		h.PAXRecords = map[string]string{"PLUMBLINE.text": text}
		h.Mode = 0o644
		return &h
	}
	good := text(tar.Header{Name: "main.tf", Typeflag: tar.TypeReg}, "good")
	many := make([]string, 60)
	for i := range many {
		many[i] = fmt.Sprintf("f%d=x", i)
	}
	lots := make([]string, 30)
	for i := range lots {
		lots[i] = fmt.Sprintf("f%d=%s", i, strings.Repeat("0", 3000))
	}
	for name, c := range map[string]struct {
		form string
		body []byte
		want string
	}{
		"parent":          {"tar.gz", tarred(t, good, text(tar.Header{Name: "../evil", Typeflag: tar.TypeReg}, "x")), "error leads out"},
		"parent inside":   {"tar.gz", tarred(t, text(tar.Header{Name: "a/../../evil", Typeflag: tar.TypeReg}, "x")), "error leads out"},
		"absolute":        {"tar.gz", tarred(t, text(tar.Header{Name: "/evil", Typeflag: tar.TypeReg}, "x")), "error leads out"},
		"backslash":       {"tar.gz", tarred(t, text(tar.Header{Name: `..\evil`, Typeflag: tar.TypeReg}, "x")), "error leads out"},
		"zip parent":      {"zip", packed(t, "zip", "../evil=x"), "error leads out"},
		"zip absolute":    {"zip", packed(t, "zip", "/evil=x"), "error leads out"},
		"link out":        {"tar.gz", tarred(t, good, &tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "../../etc/passwd"}), "error leads out"},
		"link absolute":   {"tar.gz", tarred(t, good, &tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), "error leads out"},
		"link inside":     {"tar.gz", tarred(t, good, &tar.Header{Name: "d/l.tf", Typeflag: tar.TypeSymlink, Linkname: "../main.tf"}), "d/l.tf=good main.tf=good"},
		"link to itself":  {"tar.gz", tarred(t, good, &tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "l"}), "main.tf=good"},
		"through a link":  {"tar.gz", tarred(t, &tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "d"}, text(tar.Header{Name: "l/x.tf", Typeflag: tar.TypeReg}, "x")), "l/x.tf=x"},
		"hard link":       {"tar.gz", tarred(t, good, &tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "main.tf"}), "error neither a file nor a folder"},
		"device":          {"tar.gz", tarred(t, &tar.Header{Name: "d", Typeflag: tar.TypeChar}), "error neither a file nor a folder"},
		"pipe":            {"tar.gz", tarred(t, &tar.Header{Name: "d", Typeflag: tar.TypeFifo}), "error neither a file nor a folder"},
		"twice":           {"tar.gz", tarred(t, good, text(tar.Header{Name: "main.tf", Typeflag: tar.TypeReg}, "other")), "error twice"},
		"file and folder": {"tar.gz", tarred(t, good, text(tar.Header{Name: "main.tf/x", Typeflag: tar.TypeReg}, "other")), "error not in a folder"},
		"many files":      {"tar.gz", packed(t, "tar.gz", many...), "error more than 50 files"},
		"zip many files":  {"zip", packed(t, "zip", many...), "error more than 50 files"},
		"large file":      {"zip", packed(t, "zip", "big.tf="+strings.Repeat("0", 5000), "main.tf=x"), "main.tf=x"},
		"bomb":            {"tar.gz", packed(t, "tar.gz", lots...), "error the package has more than"},
		"zip bomb":        {"zip", packed(t, "zip", lots...), "error the package has more than"},
		"one large":       {"tar.gz", packed(t, "tar.gz", "big="+strings.Repeat("0", 1<<20)), "error the package has more than"},
		"broken":          {"tar.gz", packed(t, "tar.gz", "a=b")[:40], "error the archive is damaged"},
		"git's folder":    {"zip", packed(t, "zip", ".git/config=x", "sub/.git/hooks/x=x", "main.tf=x"), "main.tf=x"},
	} {
		w := newWeb(t)
		w.answer("/m."+c.form, "", "", string(c.body))
		b := newBench(t, w)
		b.limits = Limits{Files: 50, File: 4000, Unpacked: 64 << 10}
		got, problem := b.fetch("https://"+w.host+"/m."+c.form, "")
		if want, bad := strings.CutPrefix(c.want, "error "); bad && !strings.Contains(problem, want) || !bad && got != c.want {
			t.Errorf("%s gives %s %q, want %s", name, got, problem, c.want)
		}
		for _, p := range []string{filepath.Join(b.dir, "evil"), filepath.Join(b.dir, "new", "evil"), filepath.Join(filepath.Dir(b.dir), "evil")} {
			if _, err := os.Lstat(p); err == nil {
				t.Errorf("%s wrote %s", name, p)
			}
		}
		if left, _ := os.ReadDir(filepath.Join(b.dir, "new")); len(left) > 0 {
			t.Errorf("%s left %s", name, left[0].Name())
		}
	}
}

// TestFetch_webThreats keeps to allowed hosts, few redirections and limits, and sends credentials to nobody else.
func TestFetch_webThreats(t *testing.T) {
	w, other, stranger := newWeb(t), newWeb(t), newWeb(t)
	body := string(packed(t, "zip", "main.tf=x"))
	for _, s := range []*web{w, other, stranger} {
		s.answer("/m.zip", "", "", body)
	}
	w.answer("/to-other.zip", "Location", "https://"+other.host+"/m.zip", "")
	w.answer("/to-stranger.zip", "Location", "https://"+stranger.host+"/m.zip", "")
	w.answer("/made-up.zip", "Location", "https://made:up@"+other.host+"/m.zip", "")
	w.answer("/to-http.zip", "Location", "http://example.com/m.zip", "")
	w.answer("/to-file.zip", "Location", "file:///etc/passwd", "")
	w.answer("/round.zip", "Location", "/round.zip", "")
	w.answer("/large.zip", "", "", strings.Repeat("x", 200<<10))
	w.answer("/page", "X-Terraform-Get", "./page", "")
	b := newBench(t, w, other)
	b.roots.AddCert(stranger.Certificate())
	b.limits.Archive = 100 << 10
	name, _, _ := strings.Cut(w.host, ":")
	os.WriteFile(filepath.Join(b.env["HOME"], ".netrc"), []byte("machine "+name+"x login a password b\ndefault login d password defaultpw\n"), 0o600)
	for _, c := range []struct{ source, want string }{
		{"https://" + w.host + "/to-other.zip", "main.tf=x"},
		{"https://" + w.host + "/made-up.zip", "main.tf=x"},
		{"https://" + w.host + "/to-stranger.zip", "error is not a public one"},
		{"https://" + stranger.host + "/m.zip", "error allow it with --modules-hosts"},
		{"https://" + w.host + "/to-http.zip", "error without encryption"},
		{"https://" + w.host + "/to-file.zip", "error of the kind file://"},
		{"https://" + w.host + "/round.zip", "error redirects more than 5 times"},
		{"https://" + w.host + "/large.zip", "error the archive has more than 0 MiB"},
		{"https://" + w.host + "/page", "error sends from place to place"},
		{"https://localhost/m.zip", "error is not a public one"},
		{"https://metadata.google.internal/m.zip", "error is not a public one"},
		{"https://[::1]/m.zip", "error is not a public one"},
		{"https://127.1/m.zip", "error"}, // not an address to us, and none that is public to the resolver
		{"https://user:pa55word@" + stranger.host + "/m.zip", "error is not a public one"},
	} {
		got, problem := b.fetch(c.source, "")
		if want, bad := strings.CutPrefix(c.want, "error"); bad && (problem == "" || !strings.Contains(problem, strings.TrimSpace(want))) || !bad && got != c.want {
			t.Errorf("%s gives %s %s, want %s", c.source, got, problem, c.want)
		}
		if strings.Contains(problem, "pa55word") {
			t.Errorf("the problem tells a password: %s", problem)
		}
	}
	if asked := stranger.took(); len(asked) > 0 {
		t.Errorf("a host that is not allowed was asked for %v", asked)
	}
	rounds := 0
	for _, line := range append(w.took(), other.took()...) {
		if line == "/round.zip" {
			rounds++
		}
		if strings.Contains(line, "Basic") {
			t.Errorf("credentials were sent that are for nobody: %s", line)
		}
	}

	if rounds != maxRedirects+1 {
		t.Errorf("%d redirections were followed", rounds-1)
	}

	b.env["NETRC"] = filepath.Join(b.env["HOME"], "netrc")
	os.WriteFile(b.env["NETRC"], []byte("machine "+name+"\nlogin a\npassword b\n"), 0o600)
	if got, problem := b.fetch("https://"+w.host+"/m.zip", ""); got != "main.tf=x" {
		t.Errorf("with netrc: %s %s", got, problem)
	}
	if asked := w.took(); len(asked) != 1 || !strings.Contains(asked[0], "Basic") {
		t.Errorf("netrc was not used: %v", asked)
	}
	b.fetch("https://u:p@"+w.host+"/to-other.zip?x=1", "")
	if asked := w.took(); len(asked) != 1 || !strings.Contains(asked[0], "Basic dTpw") {
		t.Errorf("the source's own credentials were not used: %v", asked)
	}
	if asked := other.took(); len(asked) != 1 || strings.Contains(asked[0], "dTpw") {
		t.Errorf("a redirection took credentials along: %v", asked)
	}

	b.hosts = []string{other.host}
	if _, problem := b.fetch("https://"+w.host+"/m.zip?y=1", ""); !strings.Contains(problem, "not among those that --modules-hosts allows") || len(w.took()) > 0 {
		t.Errorf("a list of hosts does not keep others out: %s", problem)
	}
}

// TestFetch_tokens sends the token of a host nowhere else: not along with a redirection, not to where discovery leads.
func TestFetch_tokens(t *testing.T) {
	w, other := newWeb(t), newWeb(t)
	b := newBench(t, w, other)
	os.MkdirAll(filepath.Join(b.env["HOME"], ".terraform.d"), 0o700)
	os.WriteFile(filepath.Join(b.env["HOME"], ".terraform.d", "credentials.tfrc.json"), []byte(`{"credentials": {"`+w.host+`": {"token": "s3cret"}}}`), 0o600)
	other.registry(t, "/archives/VERSION//*?archive=tar.gz")
	w.answer("/.well-known/terraform.json", "", "", `{"modules.v1": "https://`+other.host+`/v1/modules/"}`)
	if got, problem := b.fetch(w.host+"/acme/vpc/aws", "1.0.0"); got == "" {
		t.Error(problem)
	}
	for _, line := range other.took() {
		if strings.Contains(line, "s3cret") {
			t.Errorf("another host was told the token: %s", line)
		}
	}
	if asked := w.took(); len(asked) != 1 || !strings.HasSuffix(asked[0], "s3cret") {
		t.Errorf("the host was asked %v", asked)
	}
	w.answer("/v1/modules/acme/vpc/aws/versions", "", "", `{}`)
	redirecting := newWeb(t)
	redirecting.answer("/.well-known/terraform.json", "Location", "https://"+other.host+"/.well-known/terraform.json", "")
	b2 := newBench(t, redirecting, other)
	b2.env["TF_CLI_CONFIG_FILE"] = filepath.Join(b2.dir, "rc.tfrc")
	os.WriteFile(b2.env["TF_CLI_CONFIG_FILE"], []byte("credentials \""+redirecting.host+"\" {\n token = \"s3cret\"\n}\ncredentials \""+other.host+"\" {\n token = \"others\"\n}\n"), 0o600)
	b2.fetch(redirecting.host+"/acme/vpc/aws", "1.0.0")
	for _, line := range other.took() {
		if strings.Contains(line, "s3cret") || strings.HasPrefix(line, "/.well-known") && strings.Contains(line, "Bearer") {
			t.Errorf("a redirection took a token along: %s", line)
		}
	}
	if asked := redirecting.took(); len(asked) != 1 || !strings.HasSuffix(asked[0], "s3cret") {
		t.Errorf("the host was asked %v", asked)
	}
}

// FuzzUnpack gives archives that somebody made: no panic, and nothing but plain files inside of the package.
func FuzzUnpack(f *testing.F) {
	t := &testing.T{}
	f.Add(packed(t, "zip", "a.tf=x", "b/c.tf=y"), true)
	f.Add(packed(t, "tar.gz", "a.tf=x", "../b=y"), false)
	f.Add(tarred(t, &tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "../x"}), false)
	f.Fuzz(func(t *testing.T, body []byte, zipped bool) {
		s := &store{dir: t.TempDir()}
		work, done, err := s.work()
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		name := filepath.Join(work, "archive")
		if err := os.WriteFile(name, body, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		u, err := s.unpacking(context.Background(), work, Limits{Files: 50, File: 4000, Unpacked: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		defer u.root.Close()
		form := "tar.gz"
		if zipped {
			form = "zip"
		}
		if u.archive(file, form) != nil || u.finish() != nil {
			return
		}
		tree, err := s.keep(u)
		if err != nil {
			t.Fatal(err)
		}
		if s.tree(tree) == nil {
			t.Error("the tree is not there")
		}
		if entries, _ := os.ReadDir(work); len(entries) != 1 {
			t.Errorf("beside the package there are %v", entries)
		}
	})
}
