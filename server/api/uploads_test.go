package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/internal/storetest"
	"plumbline.dev/plumbline/report"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/store"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

type uploadAnswer struct {
	Repository, Scan                  store.ID
	Name                              string
	Repeated                          bool
	New, Still, Gone, Reopened, Moved int
	Skipped                           []struct {
		Reason string
		Count  int
	}
}

func (a uploadAnswer) counts() string {
	text := fmt.Sprintf("new %d still %d gone %d reopened %d moved %d", a.New, a.Still, a.Gone, a.Reopened, a.Moved)
	for _, s := range a.Skipped {
		text += fmt.Sprintf("; %d %s", s.Count, s.Reason)
	}
	return text
}

// ours is a report as plumbline writes it.
func ours(t *testing.T, names ...string) string {
	t.Helper()
	r := &finding.Report{Coverage: finding.Coverage{Files: 2, Dialects: map[string]int{"terraform": 2}}}
	for _, n := range names {
		f := finding.Finding{ID: "1-" + n, Twin: "1-t" + n, Rule: "aws-s3-public-acl", Severity: finding.High, Outcome: finding.Fail, Message: n,
			Location: finding.Location{Range: source.Range{File: n + ".tf"}, From: source.Position{Line: 3, Column: 1}, To: source.Position{Line: 3, Column: 9}}}
		f.Resource.Address, f.Resource.Dialect = "aws_s3_bucket."+n, "terraform"
		r.Findings = append(r.Findings, f)
	}
	format, _ := report.Lookup("json")
	var b bytes.Buffer
	if err := format.Write(&b, report.Input{Report: r}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

func TestUploadReport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := newDesk(t, s)
		path := "/api/uploads?repository=acme/web&branch=main&at=2026-01-0%dT00:00:00Z&commit=%s"
		send := func(day int, commit, text string) uploadAnswer {
			t.Helper()
			var got uploadAnswer
			d.call("POST", fmt.Sprintf(path, day, commit), text, 200, &got)
			return got
		}
		other := strings.Repeat("b", 40)
		first := send(1, sha, zipped(ours(t, "a", "b")))
		if first.counts() != "new 2 still 0 gone 0 reopened 0 moved 0" || first.Name != "acme/web" {
			t.Errorf("the first one: %+v", first)
		}
		records := func() (n int) {
			t.Helper()
			if err := s.DB.NewRaw("SELECT (SELECT count(*) FROM audit_record) + (SELECT count(*) FROM scan) + (SELECT count(*) FROM event) + (SELECT count(*) FROM notice)").Scan(context.Background(), &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := records()
		if again := send(1, sha, zipped(ours(t, "a", "b"))); !again.Repeated || again.Scan != first.Scan || records() != before {
			t.Errorf("the same once more: %+v, %d records more", again, records()-before)
		}
		if next := send(2, other, ours(t, "b", "c")); next.counts() != "new 1 still 1 gone 1 reopened 0 moved 0" || next.Repeated {
			t.Errorf("the next commit: %+v", next)
		}
		d.call("POST", fmt.Sprintf(path, 1, sha), ours(t, "a"), 409, nil) // older than what is there
		if part := send(3, strings.Repeat("c", 40)+"&paths=c.tf", ours(t)); part.counts() != "new 0 still 0 gone 1 reopened 0 moved 0" {
			t.Errorf("a part of the repository: %+v", part)
		}
		var commits struct{ Items []store.Commit }
		d.call("GET", "/api/repositories/"+first.Repository.String()+"/commits", "", 200, &commits)
		var line []string
		for _, c := range commits.Items {
			line = append(line, fmt.Sprintf("%.1s+%d-%d", c.SHA, c.Added, c.Gone))
		}
		if diff := cmp.Diff([]string{"c+0-1", "b+1-1", "0+2-0"}, line); diff != "" {
			t.Error(diff)
		}
		var row struct{ Category, Message, Address string }
		if err := s.DB.NewRaw("SELECT category, message, address FROM finding WHERE fingerprint = '1-b'").Scan(context.Background(), &row); err != nil || row.Category == "" || row.Address != "aws_s3_bucket.b" {
			t.Errorf("%+v, %v", row, err)
		}
	})
}

func sarif(results string, more ...string) string {
	return `{"$schema":"x","version":"2.1.0","runs":[{` + strings.Join(more, "") + `"tool":{"driver":{"name":"Check Ov","rules":[
{"id":"CKV_AWS_79","defaultConfiguration":{"level":"error"}},
{"id":"OWN_1","shortDescription":{"text":"own rule"},"properties":{"security-severity":"9.8"}},
{"id":"OWN_2","messageStrings":{"default":{"text":"port {0} is open"}}}]}},"results":[` + results + `]}]}`
}

func result(rule, uri string, line int, more string) string {
	return fmt.Sprintf(`{"ruleId":%q,"message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":%q},"region":{"startLine":%d}}}]%s}`, rule, uri, line, more)
}

// TestUploadTools holds that the numbers of a commit are those of all tools together: no tool fixes what another one found, one that says
// something for the first time brings nothing, and one that says it again replaces what it said.
func TestUploadTools(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := newDesk(t, s)
		log := func(tool string, rules ...string) string {
			var list []string
			for i, rule := range rules {
				list = append(list, result(rule, rule+".tf", i+1, ""))
			}
			return strings.ReplaceAll(sarif(strings.Join(list, ",")), "Check Ov", tool)
		}
		first, second := strings.Repeat("a", 40), strings.Repeat("b", 40)
		var repository store.ID
		for i, step := range []struct {
			commit, text string
			want         string // of both commits: findings, what they brought and fixed
		}{
			{first, log("one", "X1", "X2"), "2 +2-0"},
			{first, log("two", "Y1"), "3 +3-0"},
			{second, log("one", "X2", "X3"), "2 +1-1, 3 +3-0"},
			{second, log("two", "Y2"), "3 +2-2, 3 +3-0"},         // Y1 is fixed by it, and X2 and X3 are not
			{second, log("two", "Y1", "Y2"), "4 +2-1, 3 +3-0"},   // it was not fixed after all
			{second, ours(t, "a"), "5 +2-1, 3 +3-0"},             // ours come later than those of others
			{second, log("three", "Z1", "Z2"), "7 +2-1, 3 +3-0"}, // known to nobody whether this commit brought them
			{second, log("three", "Z1"), "6 +2-2, 3 +3-0"},
			{second, log("one", "X2", "X3", "X4"), "7 +3-2, 3 +3-0"},
		} {
			var got uploadAnswer
			d.call("POST", fmt.Sprintf("/api/uploads?repository=acme/web&branch=main&at=2026-01-0%dT00:00:00Z&commit=%s", map[string]int{first: 1, second: 2}[step.commit], step.commit), step.text, 200, &got)
			repository = got.Repository
			var commits struct{ Items []store.Commit }
			d.call("GET", "/api/repositories/"+repository.String()+"/commits", "", 200, &commits)
			var line []string
			for _, c := range commits.Items {
				line = append(line, fmt.Sprintf("%d +%d-%d", c.Findings, c.Added, c.Gone))
			}
			if diff := cmp.Diff(step.want, strings.Join(line, ", ")); diff != "" {
				t.Errorf("step %d (-want +got)\n%s", i, diff)
			}
		}
	})
}

// TestUploadSARIF holds how results of other tools are read.
func TestUploadSARIF(t *testing.T) {
	s := storetest.Open(t, storetest.Address(t, store.SQLite))
	d := newDesk(t, s)
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"ruleId":"R%d","message":{"text":"m"}}`, i)
		}
		return b.String()
	}
	for i, c := range []struct {
		name, text string
		status     int
		has        string // of the answer
		row        string // rule, severity, file, line, status, message of the findings
	}{
		{"our rule by another tool's id", sarif(result("CKV_AWS_79", "a/main.tf", 3, "")), 200, `"new":1`, "aws-ec2-imdsv1 4 a/main.tf 3 open m"},
		{"a rule of its own", sarif(result("OWN_1", "main.tf", 3, "")), 200, `"new":1`, "check-ov/OWN_1 5 main.tf 3 open m"},
		{"no severity at all", sarif(result("OWN_2", "main.tf", 3, "")), 200, `"new":1`, "check-ov/OWN_2 3 main.tf 3 open m"},
		{"a level of its own", sarif(result("OWN_2", "main.tf", 3, `,"level":"note"`)), 200, "", "check-ov/OWN_2 2 main.tf 3 open m"},
		{"a message by name", sarif(`{"ruleIndex":2,"message":{"id":"default","arguments":["22"]}}`), 200, "", "check-ov/OWN_2 3  0 open port 22 is open"},
		{"no message", sarif(`{"ruleIndex":1}`), 200, "", "check-ov/OWN_1 5  0 open own rule"},
		{"an index of nothing", sarif(`{"ruleIndex":99,"rule":{"toolComponent":{"index":-4}}}`), 200, "names no rule", ""},
		{"suppressed", sarif(result("OWN_2", "main.tf", 3, `,"suppressions":[{"kind":"inSource","justification":"fine"}]`)), 200, "", "check-ov/OWN_2 3 main.tf 3 muted m"},
		{"passed", sarif(result("OWN_2", "main.tf", 3, `,"kind":"pass"`)), 200, "is no finding (kind pass)", ""},
		{"undecided", sarif(result("OWN_2", "main.tf", 3, `,"kind":"open"`)), 200, `"new":1`, "check-ov/OWN_2 3 main.tf 3 open m"},
		{"gone", sarif(result("OWN_2", "main.tf", 3, `,"baselineState":"absent"`)), 200, "not there any more", ""},
		{"results before the tool", `{"version":"2.1.0","runs":[{"results":[` + result("OWN_1", "x.tf", 1, "") + `],"tool":{"driver":{"name":"T","rules":[{"id":"OWN_1","defaultConfiguration":{"level":"error"}}]}}}]}`, 200, "", "t/OWN_1 4 x.tf 1 open m"},
		{"an absolute address below a base", sarif(result("OWN_1", "file:///home/ci/repo/a%20b/m.tf", 1, ""), `"originalUriBaseIds":{"ROOT":{"uri":"file:///home/ci/repo/"}},`), 200, "", "check-ov/OWN_1 5 a b/m.tf 1 open m"},
		{"bases in a circle", sarif(result("OWN_1", "file:///home/ci/repo/m.tf", 1, ""), `"originalUriBaseIds":{"A":{"uri":"x","uriBaseId":"B"},"B":{"uri":"y","uriBaseId":"A"}},`), 200, "outside of the repository", ""},
		{"artifacts in a circle", sarif(`{"ruleId":"OWN_1","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"index":0}}}]}`, `"artifacts":[{"location":{"index":1}},{"location":{"index":0}}],`), 200, "", "check-ov/OWN_1 5  0 open m"},
		{"a file by index", sarif(`{"ruleId":"OWN_1","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"index":0}}}]}`, `"artifacts":[{"location":{"uri":"i.tf"}}],`), 200, "", "check-ov/OWN_1 5 i.tf 0 open m"},
		{"a file of the machine", sarif(result("OWN_1", "file:///etc/passwd", 1, "")), 200, "outside of the repository", ""},
		{"an absolute path", sarif(result("OWN_1", "/etc/passwd", 1, "")), 200, "outside of the repository", ""},
		{"a way out", sarif(result("OWN_1", "a/../../x", 1, "")), 200, "outside of the repository", ""},
		{"a coded way out", sarif(result("OWN_1", "..%2f..%2fetc/passwd", 1, "")), 200, "outside of the repository", ""},
		{"a Windows path", sarif(result("OWN_1", `C:\x`, 1, "")), 200, "outside of the repository", ""},
		{"a NUL", sarif(result("OWN_1", "a%00b", 1, "")), 200, "outside of the repository", ""},
		{"an overlong slash", sarif(result("OWN_1", "..%c0%af..%c0%afx", 1, "")), 200, "outside of the repository", ""},
		{"a script as address", sarif(result("OWN_1", "javascript:alert(1)", 1, "")), 200, "outside of the repository", ""},
		{"another machine", sarif(result("OWN_1", "https://evil.example.com/x.tf", 1, "")), 200, "outside of the repository", ""},
		{"a negative line", sarif(result("OWN_1", "x.tf", -5, "")), 200, "", "check-ov/OWN_1 5 x.tf 0 open m"},
		{"texts that act", sarif(result("<img src=x onerror=alert(1)>\u202e", "x.tf", 1, "")), 200, "", "check-ov/<img src=x onerror=alert(1)> 3 x.tf 1 open m"},
		{"another version", `{"version":"2.0.0","runs":[]}`, 422, "version 2.1.0", ""},
		{"no tool", `{"version":"2.1.0","runs":[{"results":[]}]}`, 422, "does not name its tool", ""},
		{"most results", sarif(many(25_000)), 200, `"new":25000`, "-"},
		{"one too many", sarif(many(25_001)), 422, "more than 25000 results", ""},
		{"a million places", sarif(`{"ruleId":"x","locations":[{}` + strings.Repeat(`,{"a":1}`, 1_000_000) + `]}`), 422, "4 MiB", ""},
		{"nested deeply", `{"version":"2.1.0","x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, 422, "levels deep", ""},
		{"results nested deeply", sarif(strings.Repeat(`{"properties":{"a":`, 6000) + "1" + strings.Repeat("}}", 6000)), 422, "", ""},
		{"half of it", sarif(result("OWN_1", "x.tf", 1, ""))[:200], 422, "not the JSON", ""},
		{"two texts", sarif("") + "{}", 422, "more than one", ""},
		{"no JSON", "<xml/>", 422, "not the JSON", ""},
		{"a list", "[]", 422, "object should be", ""},
		{"something else", `{"a":1}`, 422, "neither a SARIF", ""},
		{"false gzip", "\x1f\x8bxx", 422, "none", ""},
		{"a bomb", zipped(`{"version":"2.1.0","x":"` + strings.Repeat("a", 64<<20)), 422, "", ""},
		{"a bomb of spaces", zipped(`{"version":"2.1.0","x":` + strings.Repeat(" ", 64<<20)), 422, "", ""},
		{"a bomb in steps", zipped(`{"version":"2.1.0","x":[` + strings.Repeat(`"a",`, 16<<20)), 422, "hundred times", ""},
		{"numbers that are too large", sarif(`{"ruleId":"x","ruleIndex":1e999999}`), 422, "not the JSON", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.T = t
			name := fmt.Sprintf("r%d", i)
			start := time.Now()
			if got := d.call("POST", "/api/uploads?branch=main&commit="+sha+"&repository="+name, c.text, c.status, nil); !strings.Contains(got, c.has) {
				t.Errorf("%s, want %q", got, c.has)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
			var rows []struct {
				Rule, File, Status, Message string
				Severity, Line              int
			}
			if err := s.DB.NewRaw("SELECT f.rule, f.severity, f.file, f.line, f.status, f.message FROM finding f JOIN repository r ON r.id = f.repository WHERE r.name = ? ORDER BY f.rule LIMIT 10", name).Scan(context.Background(), &rows); err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, r := range rows {
				lines = append(lines, fmt.Sprint(r.Rule, " ", r.Severity, " ", r.File, " ", r.Line, " ", r.Status, " ", r.Message))
			}
			if got := strings.Join(lines, "\n"); c.row != "-" && got != c.row {
				t.Errorf("%q, want %q", got, c.row)
			}
		})
	}
	d.T = t
	long := strings.Repeat("x", 11<<20)
	d.call("POST", "/api/uploads?branch=main&repository=x&commit="+sha, long, 413, nil)
}

// TestUploadIdentity holds that findings of other tools are known again when lines and files move.
func TestUploadIdentity(t *testing.T) {
	d := newDesk(t, storetest.Open(t, storetest.Address(t, store.SQLite)))
	n := 0
	send := func(text string) string {
		t.Helper()
		n++
		var got uploadAnswer
		d.call("POST", fmt.Sprintf("/api/uploads?repository=w&branch=main&at=2026-01-%02dT00:00:00Z&commit=%040x", n, n), text, 200, &got)
		return got.counts()
	}
	print := `,"partialFingerprints":{"primaryLocationLineHash":"abc:1"}`
	snippet := func(file string, line int) string {
		return fmt.Sprintf(`{"ruleId":"S","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":%q},"region":{"startLine":%d,"snippet":{"text":"port = 22"}}}}]}`, file, line)
	}
	for _, c := range []struct{ name, text, want string }{
		{"at first", sarif(result("A", "a.tf", 1, print) + "," + snippet("a.tf", 5) + "," + result("B", "a.tf", 9, "")), "new 3 still 0 gone 0 reopened 0 moved 0"},
		{"other lines", sarif(result("A", "a.tf", 11, print) + "," + snippet("a.tf", 15) + "," + result("B", "a.tf", 19, "")), "new 0 still 3 gone 0 reopened 0 moved 0"},
		{"another file", sarif(result("A", "b.tf", 1, print) + "," + snippet("b.tf", 5)), "new 0 still 0 gone 1 reopened 0 moved 2"},
		{"twice the same", sarif(result("A", "b.tf", 1, print) + "," + result("A", "b.tf", 4, print) + "," + snippet("b.tf", 5)), "new 1 still 2 gone 0 reopened 0 moved 0"},
		{"back again", sarif(result("B", "a.tf", 19, "")), "new 0 still 0 gone 3 reopened 1 moved 0"},
		{"nothing", sarif(""), "new 0 still 0 gone 1 reopened 0 moved 0"},
	} {
		if got := send(c.text); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestUploadTarget holds where uploads may go.
func TestUploadTarget(t *testing.T) {
	d := newDesk(t, storetest.Open(t, storetest.Address(t, store.SQLite)))
	var scanned, own store.Repository
	d.call("POST", "/api/repositories", `{"address":"git@git.example.org:acme/web.git"}`, 201, &scanned)
	d.call("POST", "/api/repositories", `{"name":"own"}`, 201, &own)
	d.do("INSERT INTO branch (id, repository, name, head, is_default, head_at) VALUES (5, ?, 'main', 'x', 1, 9)", scanned.ID)
	log := sarif(result("A", "a.tf", 1, ""), `"versionControlProvenance":[{"repositoryUri":"https://git.example.org/acme/web","revisionId":"`+sha+`","branch":"main"}],`)
	at := "&branch=main&commit=" + sha
	for _, c := range []struct {
		name, query, text string
		change            func(*access.Subject)
		status            int
		has               string
	}{
		{"what the log says", "", log, nil, 200, `"name":"acme/web"`},
		{"no repository", "branch=main", sarif(""), nil, 422, "repository=NAME"},
		{"no branch", "repository=own&commit=" + sha, sarif(""), nil, 422, "branch=…"},
		{"no commit", "repository=own&branch=main", sarif(""), nil, 422, "commit=…"},
		{"a short commit", "repository=own&branch=main&commit=abc", sarif(""), nil, 422, "complete id"},
		{"a branch like an option", "repository=own&branch=--x&commit=" + sha, sarif(""), nil, 422, "name of a branch"},
		{"our report for what is scanned here", "repository=acme/web" + at, ours(t, "a"), nil, 409, "scans acme/web itself"},
		{"a branch that was not fetched", "repository=acme/web&branch=x&commit=" + sha, sarif(""), nil, 409, "not fetched"},
		{"a path that leads out", "repository=own&paths=../x" + at, sarif(""), nil, 422, "not a path"},
		{"somebody who reads", "repository=own" + at, sarif(""), func(s *access.Subject) { s.Role = access.Viewer }, 403, ""},
		{"another organisation", "repository=own" + at, sarif(""), func(s *access.Subject) { s.Organisation = 1; s.Only = []access.Permission{access.ReportUpload} }, 404, ""},
		{"a token of another repository", "repository=own" + at, sarif(""), func(s *access.Subject) { s.Repository = int64(scanned.ID) }, 404, ""},
		{"a token of this one", "branch=main&commit=" + sha, sarif(""), func(s *access.Subject) { s.Repository = int64(own.ID) }, 200, `"name":"own"`},
		{"a new one without the right to connect", "repository=fresh" + at, sarif(""), func(s *access.Subject) { s.Only = []access.Permission{access.ReportUpload} }, 404, "connect it first"},
		{"a new one", "repository=fresh" + at, sarif(""), nil, 200, `"name":"fresh"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.T = t
			was := d.subject
			if c.change != nil {
				c.change(&d.subject)
			}
			if got := d.call("POST", "/api/uploads?"+c.query, c.text, c.status, nil); !strings.Contains(got, c.has) {
				t.Errorf("%s, want %q", got, c.has)
			}
			d.subject = was
		})
	}
}
