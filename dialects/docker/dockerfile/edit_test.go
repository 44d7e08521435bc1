package dockerfile

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// unitOf evaluates a Dockerfile.
func unitOf(t *testing.T, text string) (*source.File, *dialect.Unit) {
	t.Helper()
	f := &source.File{Path: "Dockerfile", Bytes: []byte(text)}
	w := &dialect.Workspace{Read: func(string) (*source.File, *source.Problem) { return f, nil }}
	e, _ := dockerfile{}.Open(context.Background(), w, []string{"Dockerfile"})
	return f, e.Evaluate(context.Background(), dialect.UnitName{Dir: "Dockerfile"})
}

// TestEdit holds what wishes make of a file, those too that leave another resource in the place of one.
func TestEdit(t *testing.T) {
	for _, c := range []struct {
		name, before, address string
		change                resource.Change
		after                 string
	}{
		{"copy for add", "FROM a\nADD --chown=x go.mod ./\n", `final["COPY ."]`, setTo("instruction", text("COPY")), "FROM a\nCOPY --chown=x go.mod ./\n"},
		{"label for maintainer", "FROM a\nMAINTAINER Ann <ann@example.com>\n", `final["LABEL org.opencontainers.image.authors"]`, setTo("instruction", text("LABEL")), "FROM a\nLABEL org.opencontainers.image.authors=\"Ann <ann@example.com>\"\n"},
		{"first command", "FROM a\n  CMD [\"x\"]\nCMD [\"y\"]", "final", remove("overridden_cmd"), "FROM a\nCMD [\"y\"]"},
		{"user before what only says how it runs", "FROM a\nRUN x\n\nEXPOSE 80\nCMD [\"y\"]", "final", setTo("user", text("10001")), "FROM a\nRUN x\nUSER 10001\n\nEXPOSE 80\nCMD [\"y\"]"},
		{"user at the end", "FROM a\nRUN x", "final", setTo("user", text("10001")), "FROM a\nRUN x\nUSER 10001"},
		{"user with CR LF", "FROM a\r\nRUN x\r\nCMD y\r\n", "final", setTo("user", text("10001")), "FROM a\r\nRUN x\r\nUSER 10001\r\nCMD y\r\n"},
		{"user that is written", "FROM a\nUSER app\nUSER root\n", "final", setTo("user", text("10001")), "FROM a\nUSER app\nUSER 10001\n"},
		{"user of the stage before", "FROM a AS b\nUSER root\nFROM b\nCMD x\n", "final", setTo("user", text("10001")), "FROM a AS b\nUSER root\nFROM b\nUSER 10001\nCMD x\n"},
		{"alone in its line", "FROM a\nRUN apk add --no-cache \\\n    --allow-untrusted \\\n    x\n", `final["RUN apk add x"]`, remove("unsigned_packages"), "FROM a\nRUN apk add --no-cache \\\n    x\n"},
		{"sudo in the middle", "FROM a\nRUN a && sudo -E apt-get install -y b\n", `final["RUN a"]`, remove("sudo"), "FROM a\nRUN a && apt-get install -y b\n"},
		{"one letter of several", "FROM a\nRUN curl -skL https://b\n", `final["RUN curl"]`, remove("insecure_tls"), "FROM a\nRUN curl -sL https://b\n"},
		{"lists of apt", "FROM a\nRUN apt-get update && \\\n  apt-get install -y b\n", `final["RUN apt-get update"]`, remove("cache_left"), "FROM a\nRUN apt-get update && \\\n  apt-get install -y b && rm -rf /var/lib/apt/lists/*\n"},
		{"pipefail", "FROM a\nSHELL [\"/bin/bash\", \"-c\"]\nRUN a | b\n", `final["RUN a"]`, remove("pipe_status_lost"), "FROM a\nSHELL [\"/bin/bash\", \"-c\"]\nRUN set -o pipefail && a | b\n"},
		{"pipefail in a here-document", "FROM a\nRUN <<E\n#!/bin/bash\na | b\nE\n", `final["RUN a"]`, remove("pipe_status_lost"), "FROM a\nRUN <<E\n#!/bin/bash\nset -o pipefail\na | b\nE\n"},
		{"exec form", "FROM a\nCMD npm start\n", `final["CMD"]`, remove("shell_form"), "FROM a\nCMD [\"npm\", \"start\"]\n"},
		{"directory below the one before", "FROM a\nWORKDIR /a\nWORKDIR b\n", `final["WORKDIR #2"]`, remove("relative"), "FROM a\nWORKDIR /a\nWORKDIR /a/b\n"},
		{"only port", "FROM a\nEXPOSE 22\nCMD x\n", "final", remove("ssh"), "FROM a\nCMD x\n"},
		{"stage by its name", "FROM a AS build\nFROM b\nCOPY --from=0 /x /y\n", `final["COPY /y"]`, remove("from_index"), "FROM a AS build\nFROM b\nCOPY --from=build /x /y\n"},
		{"slash", "FROM a\nCOPY a b /c\n", `final["COPY /c"]`, remove("missing_slash"), "FROM a\nCOPY a b /c/\n"},
		{"https", "FROM a\nRUN curl -o x 'http://b/c' && wget --x=http://d\n", `final["RUN curl"]`, remove("plain_http"), "FROM a\nRUN curl -o x 'https://b/c' && wget --x=https://d\n"},
		{"trigger", "FROM a\nONBUILD MAINTAINER x\nCMD y\n", "final", remove("forbidden_trigger"), "FROM a\nCMD y\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, u := unitOf(t, c.before)
			r := u.Graph.ByAddress(c.address)
			if r == nil {
				for _, r := range u.Graph.Resources {
					t.Log(r.Address)
				}
				t.Fatalf("there is no %s", c.address)
			}
			l, err := u.Edit(r, []resource.Change{c.change})
			if err != nil {
				t.Fatal(err)
			}
			after, err := source.Apply(f.Bytes, l.Edits)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.after, string(after)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestRefused holds that a wish is refused where a word cannot be changed without knowing more.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, text, address string
		change              resource.Change
	}{
		{"words of a JSON array", "FROM a\nRUN [\"apt-get\", \"install\", \"b\"]\n", `final["RUN apt-get install b"]`, remove("interactive_install")},
		{"a shell form with variables", "FROM a\nCMD run $A\n", `final["CMD"]`, remove("shell_form")},
		{"a port in a range", "FROM a\nEXPOSE 20-30\n", "final", remove("ssh")},
		{"two words", "FROM a\nUSER root\n", "final", setTo("user", text("a b"))},
		{"a keyword", "FROM a\n", "file", setTo("first", text("ARG"))},
		{"sudo as somebody", "FROM a\nRUN sudo FOO=1 make\n", `final["RUN make"]`, remove("sudo")},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, u := unitOf(t, c.text)
			r := u.Graph.ByAddress(c.address)
			if r == nil {
				t.Fatalf("there is no %s in %v", c.address, u.Graph.Resources)
			}
			if l, err := u.Edit(r, []resource.Change{c.change}); err == nil {
				t.Errorf("it makes %v", l.Edits)
			}
		})
	}
}
