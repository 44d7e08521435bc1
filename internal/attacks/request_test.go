package attacks

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline.dev/plumbline/store"
)

// TestRequests sends a running server what strangers send.
func TestRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t, store.SQLite)
	t.Run("all", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *site){"formulas": testFormulas, "foreign pages": testForeign, "paths": testPaths, "bombs": testBombs, "slow": testSlow} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				inner := *s
				inner.T = t
				test(t, &inner)
			})
		}
	})
	begin := time.Now()
	if a := s.do("GET", "/api/findings", ""); a.status != 200 || time.Since(begin) > 2*time.Second {
		t.Errorf("afterwards: %d after %v", a.status, time.Since(begin))
	}
	if said := s.said.String(); strings.Contains(said, "panic") {
		t.Error("something panicked")
	}
	most := s.memory()
	t.Logf("the server's process had at most %d MiB", most)
	if most > 900 {
		t.Errorf("the server's process had %d MiB", most)
	}
}

// testFormulas looks into every table that is given out: no cell is a formula for a spreadsheet.
func testFormulas(t *testing.T, s *site) {
	formulas := []string{`=HYPERLINK("http://x","y")`, "@SUM(1+1)*cmd|' /C calc'!A0", "-1+cmd|' /C calc'!A0", "+1+1", "\t=1+1", "\r=1+1", " =1+1", "＝1+1", "\u202e=1", "\n=1"}
	var results []any
	for i, f := range formulas {
		results = append(results, map[string]any{"ruleId": f, "message": map[string]any{"text": f}, "locations": []any{map[string]any{"physicalLocation": map[string]any{"artifactLocation": map[string]any{"uri": f}, "region": map[string]any{"startLine": i + 1}},
			"logicalLocations": []any{map[string]any{"fullyQualifiedName": f}}}}})
	}
	log := quoted(map[string]any{"version": "2.1.0", "runs": []any{map[string]any{"tool": map[string]any{"driver": map[string]any{"name": "=Tool"}}, "results": results}}})
	s.must("POST", "/api/repositories", `{"name":"formulas"}`, nil)
	s.must("POST", "/api/uploads?repository=formulas&branch=main&commit="+strings.Repeat("1", 40)+"&author="+url.QueryEscape(formulas[0])+"&subject="+url.QueryEscape(formulas[1]), log, nil)
	var list struct{ Items []struct{ ID string } }
	s.must("GET", "/api/findings", "", &list)
	if len(list.Items) < 5 {
		t.Fatalf("%d findings", len(list.Items))
	}
	mine := []string{"Authorization: ", "Cookie: " + s.signIn()}
	var team struct{ ID string }
	s.must("POST", "/api/teams", quoted(map[string]any{"name": "=1+1"}), &team, mine...)
	s.must("POST", "/api/ownership", quoted(map[string]any{"team": team.ID, "path": "**"}), nil, mine...)
	s.must("POST", "/api/findings/mute", quoted(map[string]any{"ids": []string{list.Items[0].ID}, "reason": "other", "comment": formulas[2]}), nil, mine...)
	s.must("PATCH", "/api/organisation", quoted(map[string]any{"name": formulas[0]}), nil, mine...)
	for _, path := range []string{"/api/findings/export?format=csv&q=", "/api/compliance/soc2/report?format=csv"} {
		rows, err := csv.NewReader(strings.NewReader(s.must("GET", path, "", nil))).ReadAll()
		if err != nil || len(rows) < 3 {
			t.Fatalf("%s: %d rows, %v", path, len(rows), err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if begins := strings.TrimLeft(cell, " \u202e\u200b"); begins != "" && strings.ContainsAny(begins[:1], "=+-@\t\r\n") || strings.HasPrefix(cell, "＝") {
					t.Errorf("%s: a formula: %q", path, cell)
				}
			}
		}
	}
}

// testForeign calls every operation that changes something as pages of others would: with the cookie of somebody who is signed in.
func testForeign(t *testing.T, s *site) {
	var document struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	s.must("GET", "/api/openapi.json", "", &document)
	link, err := http.NewRequest("GET", s.base+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := send(link); err != nil || !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("a page can be framed: %v", err)
	}
	n := 0
	for path, methods := range document.Paths {
		for method := range methods {
			if method = strings.ToUpper(method); method == "GET" || method == "PARAMETERS" {
				continue
			}
			n++
			for how, headers := range map[string][]string{
				"another site":                  {"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"},
				"another host of the site":      {"Sec-Fetch-Site: same-site"},
				"another origin":                {"Sec-Fetch-Site: ", "Origin: https://evil.example"},
				"no origin":                     {"Sec-Fetch-Site: "},
				"an origin that is none":        {"Sec-Fetch-Site: ", "Origin: null"},
				"a form of another site":        {"Sec-Fetch-Site: cross-site", "Content-Type: application/x-www-form-urlencoded"},
				"an origin that begins like us": {"Sec-Fetch-Site: ", "Origin: " + s.base + ".evil.example"},
			} {
				a := s.do(method, strings.NewReplacer("{id}", "1", "{rule}", "x", "{person}", "1").Replace(path), "{}", append([]string{"Authorization: ", "Cookie: plumbline=x"}, headers...)...)
				if a.status != http.StatusForbidden {
					t.Errorf("%s %s from %s: %d %.200s", method, path, how, a.status, a.body)
				}
			}
		}
	}
	if n < 40 {
		t.Errorf("%d operations change something", n)
	}
}

// raw sends a request line as it is and returns the answer.
func (s *site) raw(head string, body ...string) string {
	s.Helper()
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(s.base, "http://"), 5*time.Second)
	if err != nil {
		s.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.Fatal(err)
	}
	fmt.Fprintf(c, "%s\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", head, strings.Join(body, "\r\n"))
	var b bytes.Buffer
	if _, err := b.ReadFrom(c); err != nil && b.Len() == 0 {
		return err.Error()
	}
	return b.String()
}

// testPaths asks for what is outside of the interface and of repositories, and for ways out to other sites.
func testPaths(t *testing.T, s *site) {
	for _, path := range []string{"/../../../../etc/passwd", "/..%2f..%2f..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc%2fpasswd", "/assets/..%5c..%5cetc%5cpasswd", "/assets/%00", "/%2fetc%2fpasswd", "//etc/passwd",
		"/assets/....//....//etc/passwd", "/assets/%c0%ae%c0%ae/etc/passwd", "/C:/Windows/win.ini", "/file:///etc/passwd", "/.git/config", "/master.key", "/plumbline.db", "/api/../master.key", "/assets/",
		"//evil.example/%2f..", "//evil.example", "/\\evil.example", "/%5cevil.example", "/%2f%2fevil.example", "///evil.example/..", "/.//evil.example", "/x/..//evil.example/", "http://evil.example/", "/signin?next=//evil.example", "/signin/callback?state=//evil.example"} {
		for _, prefix := range []string{"", "/api/repositories/1/file?ref=main&path=", "/api/audit/"} {
			a := s.raw("GET " + prefix + path + " HTTP/1.1")
			if strings.Contains(a, "root:x:") || strings.Contains(a, "SQLite format") || strings.Contains(a, "[core]") {
				t.Errorf("%s: %.200s", prefix+path, a)
			}
			head, _, _ := strings.Cut(a, "\r\n\r\n")
			for line := range strings.SplitSeq(head, "\r\n") {
				if to, ok := strings.CutPrefix(line, "Location: "); ok {
					u, err := url.Parse(to)
					if err != nil || u.Host != "" || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`) {
						t.Errorf("%s leads to %s", prefix+path, to)
					}
				}
			}
			if strings.HasPrefix(a, "HTTP/1.1 5") {
				t.Errorf("%s: %.200s", prefix+path, a)
			}
		}
	}
	r := s.newRepository("paths")
	at := r.commit("x", map[string]string{"main.tf": publicBucket, "a/b.tf": publicBucket})
	id := s.connect(r)
	s.scanned(id, at, time.Minute)
	if a := s.do("GET", "/api/repositories/"+id.String()+"/file?ref=main&path=a/b.tf", ""); a.status != 200 {
		t.Fatalf("a file: %d %s", a.status, a.body)
	}
	for _, path := range []string{"../../../etc/passwd", "/etc/passwd", "a/../../x", "a/../main.tf", `..\..\x`, "main.tf\x00.png", ".git/config", "a", "", ".", "file:///etc/passwd", "%2e%2e/x", "main.tf/", ":(top)main.tf", "HEAD:main.tf", "--output=x", "a/b.tf/../b.tf"} {
		for _, ref := range []string{"main", at} {
			if a := s.do("GET", "/api/repositories/"+id.String()+"/file?ref="+url.QueryEscape(ref)+"&path="+url.QueryEscape(path), ""); a.status != 404 && a.status != 422 {
				t.Errorf("path %q: %d %.200s", path, a.status, a.body)
			}
		}
	}
	for _, ref := range []string{"main^", "HEAD", "@{-1}", "--output=x", at[:10], "../main", "refs/heads/main", "main:a"} {
		if a := s.do("GET", "/api/repositories/"+id.String()+"/file?path=main.tf&ref="+url.QueryEscape(ref), ""); a.status != 404 && a.status != 422 {
			t.Errorf("ref %q: %d %.200s", ref, a.status, a.body)
		}
	}
}

// testBombs sends what is small and gets large, or is large at once. Each is refused or taken within seconds.
func testBombs(t *testing.T, s *site) {
	s.must("POST", "/api/repositories", `{"name":"bombs"}`, nil)
	zip := func(begin string, n int, of string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		fmt.Fprint(z, begin)
		chunk := []byte(strings.Repeat(of, 1<<20/len(of)))
		for range n {
			if _, err := z.Write(chunk); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	log := func(results string) string {
		return `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[` + results + `]}]}`
	}
	result := func(more string) string { return `{"ruleId":"a","message":{"text":"m"}` + more + `}` }
	megabytes := 200
	if thorough {
		megabytes = 10_000
	}
	for name, body := range map[string]string{
		"gzip of spaces":       zip("{", megabytes, " "),
		"gzip of a text":       zip(`{"version":"`, megabytes, "x"),
		"gzip of results":      zip(log(""), 40, result("")+","),
		"gzip in gzip":         zip("", 1, zip("", 50, "\x00")),
		"cut gzip":             zip("{", 1, " ")[:500],
		"levels":               strings.Repeat("[", 1<<20),
		"levels of objects":    `{"runs":` + strings.Repeat(`{"a":`, 1<<20),
		"levels in a result":   log(result(`,"properties":` + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000))),
		"26 MB":                strings.Repeat(" ", 26<<20),
		"25,001 results":       log(strings.TrimSuffix(strings.Repeat(result("")+",", 25_001), ",")),
		"a million places":     log(result(`,"locations":[` + strings.TrimSuffix(strings.Repeat("{},", 1_000_000), ",") + `]`)),
		"a cycle":              `{"version":"2.1.0","$ref":"#","runs":[{"$ref":"#/runs/0","tool":{"driver":{"name":"x","$ref":"#/runs/0/tool"}},"artifacts":[{"location":{"uri":"a","uriBaseId":"X","index":0}}],"originalUriBaseIds":{"X":{"uri":"b/","uriBaseId":"X"}},"results":[` + result(`,"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a","uriBaseId":"X","index":0}}}]`) + `]}]}`,
		"numbers":              log(result(`,"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a","index":1e999999},"region":{"startLine":1e999999,"endLine":-99999999999999999999}}}],"properties":{"security-severity":1e999999}`)),
		"duplicate keys":       `{"version":"1.0","version":"2.1.0","runs":[],"runs":[{"tool":{"driver":{"name":"x"}},"results":[` + result(`,"message":{"text":"other"}`) + `]}]}`,
		"a very long name":     log(`{"ruleId":"` + strings.Repeat("x", 1<<20) + `","message":{"text":"` + strings.Repeat("y", 1<<20) + `"}}`),
		"no UTF-8":             log(result(`,"locations":[{"physicalLocation":{"artifactLocation":{"uri":"` + "\xff\xfe\xed\xa0\x80" + `"}}}]`)),
		"nothing":              "",
		"a report with levels": `{"format":1,"findings":` + strings.Repeat("[", 1<<20),
	} {
		begin := time.Now()
		a := s.do("POST", "/api/uploads?repository=bombs&branch="+url.QueryEscape(strings.ReplaceAll(name, " ", "-"))+"&commit="+strings.Repeat("1", 40), body)
		took := time.Since(begin)
		if a.status >= 500 || took > 20*time.Second {
			t.Errorf("%s: %d after %v: %.300s", name, a.status, took, a.body)
		}
		if large := strings.HasPrefix(name, "gzip") || strings.HasPrefix(name, "levels") || name == "26 MB" || name == "25,001 results"; large && name != "levels in a result" && a.status < 400 {
			t.Errorf("%s is taken: %d", name, a.status)
		}
		if testing.Verbose() {
			t.Logf("%s: %d after %v, %d MiB: %.120s", name, a.status, took, s.memory(), a.body)
		}
	}
	words := strings.TrimSuffix(strings.Repeat("severity:high OR ", 5000), " OR ")
	for name, query := range map[string]string{"limit": "limit=1000000000", "a float as limit": "limit=1e9", "below zero": "limit=-1", "parentheses": "q=" + strings.Repeat("(", 20_000) + "a" + strings.Repeat(")", 20_000), "nots": "q=" + strings.Repeat("-", 20_000) + "a",
		"ors": "q=" + url.QueryEscape(words), "wildcards": "q=" + url.QueryEscape(strings.Repeat("message:*a*b*c*d* ", 3000)), "one wildcard": "q=" + url.QueryEscape("message:"+strings.Repeat("*a", 1900)), "quotes": "q=" + url.QueryEscape(strings.Repeat(`"`, 3999)),
		"a cursor": "cursor=" + strings.Repeat("A", 5000), "twice": "q=a&q=b", "sort": "sort=" + url.QueryEscape("severity; DROP TABLE finding"), "no UTF-8": "q=%ff%fe", "a NUL": "q=%00"} {
		begin := time.Now()
		a := s.do("GET", "/api/findings?"+query, "")
		if a.status >= 500 || time.Since(begin) > 3*time.Second {
			t.Errorf("%s: %d after %v: %.300s", name, a.status, time.Since(begin), a.body)
		}
		if name != "quotes" && name != "twice" && name != "a NUL" && name != "no UTF-8" && a.status == 200 {
			t.Errorf("%s is answered: %.200s", name, a.body)
		}
	}
	for name, answer := range map[string]string{
		"a huge header":    s.raw("GET /api/session HTTP/1.1", "X: "+strings.Repeat("x", 1<<20)),
		"many headers":     s.raw("GET /api/session HTTP/1.1", strings.Repeat("X: y\r\n", 50_000)),
		"a huge address":   s.raw("GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1"),
		"two lengths":      s.raw("POST /api/session/link HTTP/1.1", "Content-Length: 1", "Content-Length: 20", "", "{}"),
		"length and parts": s.raw("POST /api/session/link HTTP/1.1", "Content-Length: 3", "Transfer-Encoding: chunked", "", "0", "", "GET /admin HTTP/1.1"),
		"a bad method":     s.raw("G\x00T / HTTP/1.1"),
		"a trace":          s.raw("TRACE /api/session HTTP/1.1"),
	} {
		if strings.HasPrefix(answer, "HTTP/1.1 5") && !strings.HasPrefix(answer, "HTTP/1.1 501") || strings.HasPrefix(answer, "HTTP/1.1 20") {
			t.Errorf("%s: %.200s", name, answer)
		}
	}
}

// testSlow holds connections open with headers that never end. They are closed, and others are served meanwhile.
func testSlow(t *testing.T, s *site) {
	n := 200
	var wait sync.WaitGroup
	var mu sync.Mutex
	var longest time.Duration
	for range n {
		wait.Go(func() {
			c, err := net.DialTimeout("tcp", strings.TrimPrefix(s.base, "http://"), 5*time.Second)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			begin := time.Now()
			fmt.Fprint(c, "GET /api/session HTTP/1.1\r\nHost: x\r\n")
			go func() {
				for time.Since(begin) < 30*time.Second {
					if _, err := fmt.Fprint(c, "X: y\r\n"); err != nil {
						return
					}
					time.Sleep(500 * time.Millisecond)
				}
			}()
			if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Error(err)
			}
			_, err = bufio.NewReader(c).ReadString('\n')
			mu.Lock()
			defer mu.Unlock()
			longest = max(longest, time.Since(begin))
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Error("a connection whose headers never end is kept")
			}
		})
	}
	time.Sleep(2 * time.Second)
	begin := time.Now()
	if a := s.do("GET", "/api/findings", ""); a.status != 200 || time.Since(begin) > time.Second {
		t.Errorf("others meanwhile: %d after %v", a.status, time.Since(begin))
	}
	wait.Wait()
	t.Logf("%d connections were closed after at most %v", n, longest)
}
