package rule

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"plumbline.dev/plumbline/value"
)

// shown writes a part of an image: known text, "null", "?" when it may be null, and "a⊙b" of what begins and ends so.
func shownImage(v val) string {
	switch {
	case v.kind == text:
		return v.text
	case v.kind == null:
		return "null"
	case !v.notNull:
		return "?"
	case v.node != nil:
		return v.text + "⊙" + v.node.Ending
	}
	return v.text + "⊙"
}

// partsOf reads an image in which ⊙ is not known.
func partsOf(s string) string {
	v := val{kind: text, text: s}
	if before, after, ok := strings.Cut(s, "⊙"); ok {
		v = view(&value.Value{Kind: value.Unknown, NotNull: true, Text: before, Ending: after}, nil)
	}
	var parts []string
	for i := range imageFunctions {
		parts = append(parts, shownImage(imageFunctions[i].call(nil, []val{v})))
	}
	return strings.Join(parts, " ")
}

func TestImage(t *testing.T) {
	const hash = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, c := range []struct{ image, registry, repository, tag, digest string }{
		{"", "null", "null", "null", "null"},
		{"nginx", "docker.io", "library/nginx", "null", "null"},
		{"nginx:1.29", "docker.io", "library/nginx", "1.29", "null"},
		{"docker.io/nginx", "docker.io", "library/nginx", "null", "null"},
		{"index.docker.io/library/nginx", "docker.io", "library/nginx", "null", "null"},
		{"bitnami/redis:7", "docker.io", "bitnami/redis", "7", "null"},
		{"localhost/app", "localhost", "app", "null", "null"},
		{"localhost:5000/app", "localhost:5000", "app", "null", "null"},
		{"localhost:5000/team/app:1.2", "localhost:5000", "team/app", "1.2", "null"},
		{"registry:5000/app@" + hash, "registry:5000", "app", "null", hash},
		{"ghcr.io/team/app:1@" + hash, "ghcr.io", "team/app", "1", hash},
		// Something else writes a part before the image is pulled.
		{"ghcr.io/team/app:${TAG}", "ghcr.io", "team/app", "⊙", "?"},
		{"ghcr.io/team/app:$TAG", "ghcr.io", "team/app", "⊙", "?"},
		{"ghcr.io/team/app:$TAG-alpine", "ghcr.io", "team/app", "⊙-alpine", "null"},
		{"$(REGISTRY)/app:1.2", "⊙", "⊙app", "1.2", "null"},
		{"<account>.dkr.ecr.eu-west-1.amazonaws.com/app:{{ tag }}", "⊙", "⊙", "?", "?"},
		{"#{Registry}#/app:1", "⊙", "⊙app", "1", "null"},
		// A part is unknown.
		{"⊙", "⊙", "⊙", "?", "?"},
		{"nginx⊙", "⊙", "⊙", "?", "?"},
		{"nginx:⊙", "docker.io", "library/nginx", "⊙", "?"},
		{"nginx:1.⊙", "docker.io", "library/nginx", "1.⊙", "?"},
		{"nginx:⊙-alpine", "docker.io", "library/nginx", "⊙-alpine", "null"},
		{"nginx:⊙.5", "docker.io", "library/nginx", "⊙.5", "null"},
		{"nginx:⊙1", "docker.io", "library/nginx", "⊙", "?"},
		{"⊙:1.2", "⊙", "⊙", "1.2", "null"},
		{"⊙:0123456789abcdef0123456789abcdef", "⊙", "⊙", "?", "?"},
		{"⊙/app", "⊙", "⊙app", "null", "null"},
		{"⊙/team/app:1.2", "⊙", "⊙team/app", "1.2", "null"},
		{"⊙app:1.2", "⊙", "⊙app", "1.2", "null"},
		{"⊙/app@" + hash, "⊙", "⊙app", "null", hash},
		{"⊙@" + hash, "⊙", "⊙", "?", hash},
		{"app@⊙", "docker.io", "library/app", "null", "⊙"},
		{"app:1@sha256:⊙", "docker.io", "library/app", "1", "sha256:⊙"},
		{"gcr.io/⊙", "gcr.io", "⊙", "?", "?"},
		{"gcr.io/⊙/app:1", "gcr.io", "⊙/app", "1", "null"},
		{"gcr.io/proj/⊙", "gcr.io", "proj/⊙", "?", "?"},
		{"team/⊙:1", "docker.io", "team/⊙", "1", "null"},
		{"docker.io/⊙:1", "docker.io", "⊙", "1", "null"},
		{"docker.io/bitnami/⊙:1", "docker.io", "bitnami/⊙", "1", "null"},
		{"⊙.dkr.ecr.eu-west-1.amazonaws.com/app:1", "⊙.dkr.ecr.eu-west-1.amazonaws.com", "app", "1", "null"},
		{"localhost:⊙/app:1", "localhost:⊙", "app", "1", "null"},
		{"⊙.io/nginx", "⊙.io", "⊙nginx", "null", "null"},
	} {
		want := strings.Join([]string{c.registry, c.repository, c.tag, c.digest}, " ")
		if got := partsOf(c.image); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.image, got, want)
		}
	}
	for _, v := range []val{{}, {kind: unknown}} {
		for i := range imageFunctions {
			if got := imageFunctions[i].call(nil, []val{v}); got.kind != v.kind || got.notNull {
				t.Errorf("%s of %s is %s", imageFunctions[i].Name, shownImage(v), shownImage(got))
			}
		}
	}
}

// TestImageParts builds references from parts and reads the parts again, whole and with a part taken out.
func TestImageParts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	for range 20_000 {
		registry := pick("", "", "docker.io", "ghcr.io", "localhost", "localhost:5000", "registry:5000", "a.b.example.com:8443")
		repository := pick("app", "team/app", "a/b/c", "x-y/z.w", "my_app/s__t")
		tag := pick("", "", "1", "1.2.3-alpine", "latest", "beef")
		digest := pick("", "", "sha256:"+fmt.Sprintf("%064x", random.Uint64()))
		s, want := repository, []string{registry, repository, tag, digest}
		if registry != "" {
			s = registry + "/" + s
		} else {
			want[0] = "docker.io"
		}
		if want[0] == "docker.io" && !strings.Contains(repository, "/") {
			want[1] = "library/" + repository
		}
		if tag != "" {
			s += ":" + tag
		}
		if digest != "" {
			s += "@" + digest
		}
		check := func(shown string, v val) {
			t.Helper()
			for i := range imageFunctions {
				got, want := imageFunctions[i].call(nil, []val{v}), want[i]
				end := ""
				if got.node != nil {
					end = got.node.Ending
				}
				ok := true
				switch got.kind {
				case text:
					ok = got.text == want
				case null:
					ok = want == ""
				case unknown:
					ok = strings.HasPrefix(want, got.text) && strings.HasSuffix(want, end) && (want != "" || !got.notNull)
				}
				if !ok {
					t.Fatalf("%s of %s, which is %s, is %s, not %q", imageFunctions[i].Name, shown, s, shownImage(got), want)
				}
			}
		}
		check(s, texts(s))

		from := random.IntN(len(s) + 1)
		to := from + random.IntN(len(s)-from+1)
		// What is taken out holds no slash, unless it is all of the beginning and ends at one.
		if lost := s[from:to]; strings.Contains(lost, "/") && (from > 0 || to < len(s) && s[to] != '/' || strings.ContainsAny(s[to:], "@")) {
			continue
		}
		check(s[:from]+"⊙"+s[to:], view(&value.Value{Kind: value.Unknown, NotNull: true, Text: s[:from], Ending: s[to:]}, nil))
	}
}
