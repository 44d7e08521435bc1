package attacks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline.dev/plumbline/store"
)

const publicBucket = "resource \"aws_s3_bucket\" \"b\" {\n  bucket = \"b\"\n}\nresource \"aws_s3_bucket_acl\" \"b\" {\n  bucket = aws_s3_bucket.b.id\n  acl    = \"public-read\"\n}\n"

// tree makes a commit of what mktree reads, on a branch, without files on the disk.
func (r *repository) tree(branch, entries string) string {
	r.Helper()
	commit := r.git("", "commit-tree", "-m", "tree", r.git(entries, "mktree"))
	r.git("", "update-ref", "refs/heads/"+branch, commit)
	return commit
}

func (r *repository) blob(text string) string {
	r.Helper()
	return r.git(text, "hash-object", "-w", "--stdin")
}

// hostile are repositories of people who would like to be more than readers of their own one, or to keep others from being read.
var hostile = []struct {
	name string
	make func(r *repository)
	says string // in what the server tells of the repository or the scan; "" when it has nothing to tell

	unsound bool // nothing of it is fetched
}{
	{"options", func(r *repository) {
		at := r.commit("x", map[string]string{"main.tf": publicBucket, "--output=stolen": "x", "a;touch stolen": "x", "$(touch stolen).tf": publicBucket, "lfs.tf": "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("0", 64) + "\nsize 12345\n",
			".gitattributes": "*.tf filter=lfs diff=x\n", ".lfsconfig": "[lfs]\n\turl = http://169.254.169.254/\n"})
		for _, branch := range []string{"--output=stolen", "-c", "--upload-pack=touch-stolen", "$(touch-stolen)", "a;touch-stolen", "x'y\"z"} {
			r.git("create refs/heads/"+branch+" "+at+"\n", "update-ref", "--stdin")
		}
	}, "", false},
	{"names", func(r *repository) {
		at := r.commit("x", map[string]string{"main.tf": publicBucket})
		packed := at + " refs/heads/@{-1}\n" + at + " refs/heads/../../x\n" + at + " refs/heads/a..b\n" // what git itself does not write
		if err := os.WriteFile(filepath.Join(r.dir, ".git", "packed-refs"), []byte(packed), 0o644); err != nil {
			r.Fatal(err)
		}
	}, "git cannot fetch", true},
	{"pages", func(r *repository) {
		page := "---\nid: %s\nseverity: critical\ncategory: configuration\non: [aws_s3_bucket]\nrequire: %s\nmessage: '{{ .Env }} %%s%%!d ${this}'\nsince: 0.1\n---\n# <script>alert(1)</script>\n\nWhy.\n\n## Flagged\n```terraform\nresource \"aws_s3_bucket\" \"e\" { # want\n}\n```\n"
		list := "[" + strings.TrimSuffix(strings.Repeat("1,", 1000), ",") + "]"
		r.commit("x", map[string]string{"main.tf": publicBucket, ".plumbline.yaml": "version: 1\nrule-pages: [policies]\n",
			"policies/evil-loop.md":  fmt.Sprintf(page, "evil-loop", list+".all(a, "+list+".all(b, "+list+".all(c, a+b+c > 0)))"),
			"policies/evil-regex.md": fmt.Sprintf(page, "evil-regex", "\""+strings.Repeat("a", 5000)+"\".matches(\"(a*)*(a*)*(a|a)*{1000}b\")"),
			"policies/evil-deep.md":  fmt.Sprintf(page, "evil-deep", strings.Repeat("(", 50_000)+"true"+strings.Repeat(")", 50_000)),
			"policies/evil-text.md":  fmt.Sprintf(page, "evil-text", "this.bucket == \"x\" || \"%0100000000d\".format([1]) == \"\"")})
	}, "", false}, // the server does not read pages of repositories at all
	{"links", func(r *repository) {
		dir := r.git("100644 blob "+r.blob(publicBucket)+"\tmain.tf\n", "mktree")
		var b strings.Builder
		for name, to := range map[string]string{"passwd.tf": "/etc/passwd", "environ.yaml": "/proc/self/environ", "up": "../../../..", "loop": "loop", "a": "b", "b": "a", "module": "/etc"} {
			fmt.Fprintf(&b, "120000 blob %s\t%s\n", r.blob(to), name)
		}
		fmt.Fprintf(&b, "040000 tree %s\tok\n100644 blob %s\tmain.tf\n", dir, r.blob("module \"m\" {\n  source = \"./module\"\n}\nlocals {\n  a = file(\"passwd.tf\")\n  b = file(\"/etc/passwd\")\n  c = templatefile(\"../../../../etc/passwd\", {})\n}\noutput \"o\" {\n  value = local.b\n}\n"))
		r.tree("main", b.String())
	}, "symbolic link", false},
	{"git-folder", func(r *repository) {
		r.tree("main", "040000 tree "+r.git("100644 blob "+r.blob("[core]\n\tfsmonitor = touch stolen\n")+"\tconfig\n", "mktree")+"\t.GIT\n")
	}, "git", true},
	{"submodule", func(r *repository) {
		r.tree("main", "100644 blob "+r.blob("[submodule \"x\"]\n\tpath = x\n\turl = -u./stolen\n")+"\t.gitmodules\n")
	}, "submodule", true},
	{"deep", func(r *repository) {
		n := 100_000
		r.commit("x", map[string]string{"main.tf": publicBucket, "a/x.tf": "a = " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n), "b/x.tf": strings.Repeat("b {\n", n), "c/x.tf": "a = \"" + strings.Repeat("${\"", 40_000),
			"d.yaml": "kind: Pod\napiVersion: v1\na: " + strings.Repeat("[", 200_000), "e.json": "{\"Resources\":" + strings.Repeat("[", 20_000), "f/x.tf": "a = " + strings.Repeat("[", n)})
	}, "nest", false},
	{"laughs", func(r *repository) {
		laugh := "apiVersion: v1\nkind: Pod\na: &a [x,x,x,x,x,x,x,x,x]\n"
		for c := 'b'; c < 'k'; c++ {
			laugh += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
		}
		r.commit("x", map[string]string{"main.tf": publicBucket, "pod.yaml": laugh, "n.yaml": "apiVersion: v1\nkind: Pod\na: 1e999999999\nb: !!binary " + strings.Repeat("A", 1<<20) + "\nc: !!python/object/apply:os.system [touch stolen]\n",
			"n/x.tf": "locals {\n  a = 1e999999999\n  b = [for a in range(1000): [for b in range(1000): [for c in range(1000): a+b+c]]]\n}\nresource \"aws_s3_bucket_acl\" \"a\" {\n  acl = length(local.b) > 3 ? \"private\" : \"public-read\"\n}\n"})
	}, "alias", false},
	{"charts", func(r *repository) {
		chart := "apiVersion: v2\nname: x\nversion: 1.0.0\n"
		r.commit("x", map[string]string{"main.tf": publicBucket, "a/Chart.yaml": chart, "a/templates/a.yaml": "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
			"b/Chart.yaml": chart, "b/templates/a.yaml": "{{ range until 1000000000 }}a: {{ . }}\n{{ end }}",
			"c/Chart.yaml": chart, "c/templates/a.yaml": "a: {{ .Files.Get \"/etc/passwd\" | quote }}\nb: {{ getHostByName \"example.com\" }}\nc: {{ env \"PATH\" }}\n",
			"d/Chart.yaml": chart, "d/templates/a.yaml": "{{ $x := \"x\" }}{{ range until 60 }}{{ $x = cat $x $x }}{{ end }}a: {{ $x }}"})
	}, "", false},
	{"settings", func(r *repository) {
		r.commit("x", map[string]string{"main.tf": publicBucket, ".plumbline.yaml": "exclude: [" + strings.Repeat("'*/", 5000) + "']\nrules: ['/etc', '../../..']\nx: &x [*x]\n"})
	}, "plumbline", false},
	{"line", func(r *repository) {
		n := 8 << 20
		if thorough {
			n = 200 << 20
		}
		r.commit("x", map[string]string{"main.tf": publicBucket, "long/x.tf": "a = \"" + strings.Repeat("x", n) + "\"\n", "lines/x.tf": strings.Repeat("# x\n", 1<<20)})
	}, "limit", false},
	{"files", func(r *repository) {
		n := 2000
		if thorough {
			n = 100_000
		}
		var b strings.Builder
		b.WriteString("100644 blob " + r.blob(publicBucket) + "\tmain.tf\n")
		id := r.blob("x = 1\n")
		for i := range n {
			fmt.Fprintf(&b, "100644 blob %s\tf%d.tf\n", id, i)
		}
		r.tree("main", b.String())
	}, "", false},
	{"refs", func(r *repository) {
		n := 2000
		if thorough {
			n = 19_999
		}
		at := r.commit("x", map[string]string{"main.tf": publicBucket})
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "create refs/heads/b%d %s\n", i, at)
		}
		r.git(b.String(), "update-ref", "--stdin")
	}, "", false},
}

// TestHostileRepositories connects repositories that attack whoever reads them. Each ends in a scan or in a problem of its own; another
// repository goes on being scanned; nothing outside of a repository is read, written or run; the server stays small.
func TestHostileRepositories(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	t.Parallel()
	s := newSite(t, store.SQLite)
	good := s.newRepository("good")
	head := good.commit("one", map[string]string{"main.tf": publicBucket})
	id := s.connect(good)
	s.scanned(id, head, time.Minute)
	ids := map[string]store.ID{}
	for _, h := range hostile {
		r := s.newRepository(h.name)
		h.make(r)
		ids[h.name] = s.connect(r)
	}
	head = good.commit("two", map[string]string{"more.tf": strings.ReplaceAll(publicBucket, `"b"`, `"c"`)})
	took := s.scanned(id, head, 2*time.Minute)
	t.Logf("the other repository is scanned after %v", took)
	patience := 2 * time.Minute
	if thorough {
		patience = 8 * time.Minute
	}
	for _, h := range hostile {
		var r struct {
			Problem string
			Scan    *struct{ State, Problem string }
			Head    *struct{ Scanned bool }
		}
		took := s.eventually(h.name+" comes to an end", patience, func() error {
			r.Head = nil
			text := s.must("GET", "/api/repositories/"+ids[h.name].String(), "", &r)
			if (h.unsound || r.Problem == "") && r.Head != nil && r.Head.Scanned || h.unsound && r.Problem != "" {
				return nil
			}
			if r.Head == nil || !r.Head.Scanned {
				return fmt.Errorf("%s", text)
			}
			return nil
		})
		said := s.do("GET", "/api/repositories/"+ids[h.name].String()+"/coverage", "").body + r.Problem
		if !strings.Contains(said, h.says) {
			t.Errorf("%s: %q is not in %.600s", h.name, h.says, said)
		}
		if strings.Contains(r.Problem, "went wrong") {
			t.Errorf("%s: %s", h.name, r.Problem)
		}
		t.Logf("%s: %v %s", h.name, took, r.Problem)
	}
	for _, h := range hostile {
		n := s.count("SELECT count(*) FROM finding WHERE repository = ? AND rule = 'aws-s3-public-acl'", ids[h.name])
		if n == 0 && !h.unsound && h.name != "links" {
			t.Errorf("%s: what can be read in it was not scanned", h.name)
		}
	}
	for where, text := range s.everything() {
		if strings.Contains(text, "root:x:0") || strings.Contains(text, "daemon:x:1") {
			t.Errorf("/etc/passwd is in %s", where)
		}
	}
	for _, dir := range []string{s.data, s.repos, "."} {
		if err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(d.Name(), "stolen") && d.Name() != "--output=stolen" && d.Name() != "a;touch stolen" && !strings.Contains(name, "refs") {
				t.Errorf("a repository made %s", name)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	most := s.memory()
	t.Logf("the server's process had at most %d MiB", most)
	if most > 500 {
		t.Errorf("the server's process had %d MiB", most)
	}
	if said := s.said.String(); strings.Contains(said, "panic") || strings.Contains(said, "fatal error") {
		t.Errorf("it says %.2000s", said[strings.Index(said, "a"):])
	}
}

// count is the number that a query gives.
func (s *site) count(query string, args ...any) (n int) {
	s.Helper()
	if err := s.store.DB.NewRaw(query, args...).Scan(context.Background(), &n); err != nil {
		s.Fatal(err)
	}
	return n
}

// memory is the most that the server's process has had, in MiB; its children are bounded by themselves.
func (s *site) memory() int {
	s.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		s.Skip("this system does not say how much memory a process has had")
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		s.Skip("this system does not say how much memory a process has had")
	}
	kib, _ := strconv.Atoi(string(m[1])) // digits
	return kib >> 10
}
