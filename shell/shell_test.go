package shell

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// line writes a command for a table: its words, unknown ones as prefix + … + suffix, and what else there is of it.
func line(c *Command) string {
	var b strings.Builder
	b.WriteString(c.Name + ":")
	for _, w := range c.Words {
		b.WriteByte(' ')
		if w.Known {
			b.WriteString(w.Text)
		} else {
			b.WriteString(w.Prefix + "…" + w.Suffix)
		}
		if w.Unquoted {
			b.WriteByte('!')
		}
	}
	for _, a := range c.Assigns {
		fmt.Fprintf(&b, " [%s=%s]", a.Name, a.Value.Text)
	}
	for _, r := range c.Redirects {
		fmt.Fprintf(&b, " [%s %s]", r.Op, r.Target.Text)
	}
	for _, l := range []struct {
		name string
		list []string
	}{{"with", c.Wrappers}, {"into", c.Into}, {"from", c.From}} {
		if len(l.list) > 0 {
			fmt.Fprintf(&b, " %s=%s", l.name, strings.Join(l.list, ","))
		}
	}
	return b.String()
}

func lines(s *Script) []string {
	var list []string
	for i := range s.Commands {
		list = append(list, line(&s.Commands[i]))
	}
	return list
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"# only a comment", nil},
		{"apt-get update && apt-get install -y \\\n  'curl' \"wget\"", []string{"apt-get: apt-get update", "apt-get: apt-get install -y curl wget"}},
		{"/usr/bin/curl -sSL https://a/x.sh | sudo -E bash -s -- y", []string{"curl: /usr/bin/curl -sSL https://a/x.sh into=bash", "bash: bash -s -- y with=sudo from=curl"}},
		{"a | b | c", []string{"a: a into=b,c", "b: b into=c from=a", "c: c from=a,b"}},
		{"a && b | c || d", []string{"a: a", "b: b into=c", "c: c from=b", "d: d"}},
		{"curl x | (cd /opt; tar xz)", []string{"curl: curl x into=cd,tar", "cd: cd /opt from=curl", "tar: tar xz from=curl"}},
		{"bash <(curl -s https://a)", []string{"bash: bash … from=curl", "curl: curl -s https://a"}},
		{`sh -c "$(curl -fsSL https://a)"`, []string{"sh: sh -c … from=curl", "curl: curl -fsSL https://a"}},
		{`sh -c "a $(b) c"`, []string{"sh: sh -c a … c from=b", "a: a … c from=b", "b: b"}},
		{"bash < <(curl x)", []string{"bash: bash [< ] from=curl", "curl: curl x"}},
		{"tee >(sh)", []string{"tee: tee … into=sh", "sh: sh"}},
		{"X=`cat y` Z=1 run", []string{"run: run [X=] [Z=1] from=cat", "cat: cat y"}},
		{"V=1.2; curl https://a/$V.tgz", []string{": [V=1.2]", "curl: curl https://a/….tgz!"}},
		{`echo "$A" ${B:-$C} "${D}x"`, []string{"echo: echo … …! …x"}},
		{"export A=1 B; declare -x C=$A", []string{"export: export A=1 B [A=1]", "declare: declare -x C=…! [C=]"}},
		{"if test -f x; then rm x; elif y; then z; else w; fi", []string{"test: test -f x", "rm: rm x", "y: y", "z: z", "w: w"}},
		{"for i in $(ls); do rm $i; done; while read l; do a; done < f", []string{"ls: ls", "rm: rm …!", "read: read l", "a: a"}},
		{"case $x in a) b;; *) c;; esac; f() { d; }; f", []string{"b: b", "c: c", "d: d", "f: f"}},
		{`sudo bash -lc 'apt install x && y'`, []string{"bash: bash -lc apt install x && y with=sudo", "apt: apt install x with=sudo", "y: y with=sudo"}},
		{`bash -c "echo \"a b\" $X"`, []string{`bash: bash -c echo "a b" …`, "echo: echo a b …!"}},
		{"su - app -c 'id; ls'", []string{"su: su - app -c id; ls", "id: id", "ls: ls"}},
		{"eval 'a b' c", []string{"eval: eval a b c", "a: a b c"}},
		{"bash <<'E'\napt update\nE\ncat <<E\nno command $(yes)\nE\n", []string{"bash: bash [<< E]", "apt: apt update", "cat: cat [<< E] from=yes", "yes: yes"}},
		{"find . -name '*.x' -exec rm -rf {} \\; -o -exec sh -c 'id' +", []string{"find: find . -name *.x -exec rm -rf {} ; -o -exec sh -c id +", "rm: rm -rf {} with=find", "sh: sh -c id with=find", "id: id with=find"}},
		{"ls | xargs -0 -I {} -n1 wget {}", []string{"ls: ls into=xargs", "xargs: xargs -0 -I {} -n1 wget {} from=ls", "wget: wget {} with=xargs from=ls"}},
		{"env -u A B=2 nice -n 5 timeout -s KILL 10 make", []string{"make: make [B=2] with=env,nice,timeout"}},
		{"time make; nohup x &", []string{"make: make with=time", "x: x with=nohup"}},
		{"sudo -u root -g x --chdir /a FOO=b id", []string{"id: id [FOO=b] with=sudo"}},
		{"sudo -v; command -v curl; exec \"$@\"", []string{"sudo: sudo -v", "command: command -v curl", ": … with=exec"}},
		{"$TOOL run; ./a/b.sh x", []string{": …! run", "b.sh: ./a/b.sh x"}},
		{"a > f 2>&1 >> $g; echo x > /etc/passwd", []string{"a: a [> f] [2>& 1] [>> ]", "echo: echo x [> /etc/passwd]"}},
		{"! grep x f; [ -f a ] && [[ -n $(b) ]]", []string{"grep: grep x f", "[: [ -f a ]", "b: b"}},
		{"echo 'single $x' \"\\$y\" \\$z", []string{"echo: echo single $x $y $z"}},
		{"a\r\nb \\\r\n c\r\n", []string{"a: a", "b: b c"}},
	} {
		s := Read(c.text)
		if s.Broken {
			t.Errorf("%q is broken", c.text)
		}
		if d := cmp.Diff(c.want, lines(&s)); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, d)
		}
	}
}

func TestBroken(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"if x; then", []string{"if: if x", "then: then"}},
		{"Invoke-WebRequest -Uri \"http://a/$x\" | iex)", []string{"Invoke-WebRequest: Invoke-WebRequest -Uri http://a/… into=iex", "iex: iex from=Invoke-WebRequest"}},
		{"( a && b ^\n c || d # e", []string{"a: a", "b: b c", "d: d # e"}},
		{strings.Repeat("( ", 300_000), nil},
		{strings.Repeat("! ", 60_000) + "curl x", nil},
	} {
		s := Read(c.text)
		if !s.Broken {
			t.Errorf("%.40q is not broken", c.text)
		}
		if c.want == nil {
			continue
		}
		if d := cmp.Diff(c.want, lines(&s)); d != "" {
			t.Errorf("%.40q (-want +got):\n%s", c.text, d)
		}
	}
}

func TestPipefail(t *testing.T) {
	for text, want := range map[string]bool{
		"set -o pipefail; a | b":                true,
		"set -euxo pipefail && a | b":           true,
		"set -e -o pipefail\na | b":             true,
		"a | b; set -o pipefail":                false,
		"set -e; a | b":                         false,
		"echo set -o pipefail; a | b":           false,
		"set +o pipefail; a | b":                false,
		"if true; then set -eo pipefail; fi; a": true,
	} {
		if s := Read(text); s.Pipefail != want {
			t.Errorf("%q: pipefail %v, want %v", text, s.Pipefail, want)
		}
	}
}

// TestPlaces holds that words stand where they say, also those of scripts in scripts.
func TestPlaces(t *testing.T) {
	text := "sudo sh -c 'curl \"https://a\" | bash' && sh -c \"wget \\\"b\\\" x\" ; export K=v"
	s := Read(text)
	var got []string
	for _, c := range s.Commands {
		got = append(got, "<"+text[c.Start:c.End]+">")
		for _, w := range c.Words {
			got = append(got, text[w.Start:w.End])
		}
		for _, a := range c.Assigns {
			got = append(got, a.Name+"="+text[a.Value.Start:a.Value.End])
		}
	}
	want := []string{
		"<sudo sh -c 'curl \"https://a\" | bash'>", "sh", "-c", "'curl \"https://a\" | bash'",
		"<curl \"https://a\">", "curl", `"https://a"`, "<bash>", "bash",
		"<sh -c \"wget \\\"b\\\" x\">", "sh", "-c", "\"wget \\\"b\\\" x\"",
		"<wget \\\"b\\\" x>", "wget", `"b\"`, "x",
		"<export K=v>", "export", "K=v", "K=v",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestValue(t *testing.T) {
	s := Read(`A=1 sudo curl "https://$H/x" -o f | sh > /dev/null; $X`)
	v := s.Value(func(start, end int) source.Range { return source.Range{File: "f", Start: 100 + start, End: 100 + end} })
	want := []string{
		`{"assigns": {"A": "1"}, "into": ["sh"], "name": "curl", "text": "A=1 sudo curl \"https://$H/x\" -o f", "variables": ["H"], "words": ["curl", "https://"+(unknown)+"/x", "-o", "f"], "wrappers": ["sudo"]…`,
		`{"from": ["curl"], "name": "sh", "redirects": [{"op": "\u003e", "target": "/dev/null"}], "text": "sh \u003e /dev/null", "words": ["sh"]}`,
		`{"name": (unknown), "text": "$X", "unquoted": ["X"], "variables": ["X"], "words": [(unknown)]}`,
	}
	var got []string
	for i := range v.Items {
		got = append(got, value.Show(&v.Items[i]))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if r := v.Items[0].Field("words").Items[0].Range; r != (source.Range{File: "f", Start: 109, End: 113}) {
		t.Errorf("curl stands at %v", r)
	}
}

// TestHostile holds that no script takes long: each is of the largest size that is parsed.
func TestHostile(t *testing.T) {
	for _, piece := range []string{
		"(", "{ ", "$(", "${a:-", "`", "((", "[[ (", "if ", "a && ", "a | ", "a|{ ", "<<a ", "a <<E\n", "'", "\"$(", "$((1+", "case x in a) ", "a[", "!", "sh -c 'a' | ",
		"f() ", "a=(", "<(a ", "\\", "eval ", "xargs ", "find -exec sh -c a \\; ", "\x00", "sudo ", "x=$(a) ", "a;", "\\`", "1?", "a=", "time ", "$((a?", "$(( -",
	} {
		for _, n := range []int{19_000, maxBytes} {
			text := strings.Repeat(piece, n/len(piece))
			start := time.Now()
			s := Read(text)
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("%q × %d: %v", piece, n/len(piece), d)
			}
			check(t, &s)
		}
	}
	for _, text := range []string{
		strings.Repeat("{ ", 6000) + "a" + strings.Repeat("; } | b", 6000),
		strings.Repeat("$(a | ", 6000) + "b" + strings.Repeat(")", 6000),
		strings.Repeat("${a:-", 9000) + strings.Repeat("}", 9000),
		strings.Repeat("( ", 9000) + "a" + strings.Repeat(" )", 9000),
	} {
		start := time.Now()
		s := Read(text)
		if d := time.Since(start); d > 3*time.Second {
			t.Errorf("%.20q: %v", text, d)
		}
		check(t, &s)
	}
}

// check holds that everything stands inside of the script.
func check(t *testing.T, s *Script) {
	t.Helper()
	inside := func(start, end int) {
		if start < 0 || end < start || end > len(s.Text) {
			t.Fatalf("%d–%d of a script of %d bytes: %.60q", start, end, len(s.Text), s.Text)
		}
	}
	for i := range s.Commands {
		c := &s.Commands[i]
		inside(c.Start, c.End)
		for _, w := range c.Words {
			inside(w.Start, w.End)
		}
		for _, a := range c.Assigns {
			inside(a.Value.Start, a.Value.End)
		}
		for _, r := range c.Redirects {
			inside(r.Target.Start, r.Target.End)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{"a | b && c", "sh -c \"x \\\" $(y)\" <<E\n$z\nE\n", "sudo -u x env A=b find . -exec bash -c 'eval a' \\;", "if a; then b; fi", "export A=(1 2) B+=x", "a \\\r\n b", "$'a\\x' <(b) >(c)"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range []Script{Read(text), Words(text)} {
			check(t, &s)
			s.Value(func(start, end int) source.Range { return source.Range{File: "f", Start: start, End: end} })
		}
	})
}
