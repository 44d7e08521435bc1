package rule

import (
	"strings"

	"plumbline.dev/plumbline/value"
)

var imageFunctions = []function{
	{
		Function: Function{
			Name:       "image.registry",
			Signatures: []string{"image.registry(string) -> string"},
			Doc:        "The registry of a container image: docker.io when none is named.",
			Example:    `image.registry("ghcr.io/team/app:1.2") == "ghcr.io" && image.registry("nginx") == "docker.io"`,
		},
		call: ofImage(func(i image) val { return i.registry }),
	},
	{
		Function: Function{
			Name:       "image.repository",
			Signatures: []string{"image.repository(string) -> string"},
			Doc:        "The repository of a container image within its registry; Docker's official images are in library.",
			Example:    `image.repository("ghcr.io/team/app:1.2") == "team/app" && image.repository("nginx:1.29") == "library/nginx"`,
		},
		call: ofImage(func(i image) val { return i.repository }),
	},
	{
		Function: Function{
			Name:       "image.tag",
			Signatures: []string{"image.tag(string) -> string"},
			Doc:        "The tag of a container image; null when none is written.",
			Example:    `image.tag("localhost:5000/app:1.2") == "1.2" && image.tag("localhost:5000/app") == null`,
		},
		call: ofImage(func(i image) val { return i.tag }),
	},
	{
		Function: Function{
			Name:       "image.digest",
			Signatures: []string{"image.digest(string) -> string"},
			Doc:        "The digest that a container image is pinned to; null when it is not.",
			Example:    `image.digest("nginx:1.29@sha256:1f2e") == "sha256:1f2e" && image.digest("nginx:1.29") == null`,
		},
		call: ofImage(func(i image) val { return i.digest }),
	},
}

// image is a reference to a container image, [host[:port]/]path[:tag][@digest], as the registries' clients read it. Each part is
// known, null, or unknown with what is known of it.
type image struct{ registry, repository, tag, digest val }

func ofImage(part func(image) val) func(*frame, []val) val {
	return func(_ *frame, args []val) val {
		switch v := &args[0]; {
		case v.kind == text:
			return part(parseImage(pierced(v.text)))
		case v.kind == unknown && (v.notNull || v.node != nil && v.node.Ending != ""):
			t := partly{before: v.text, holed: true}
			if v.node != nil {
				t.after = v.node.Ending
			}
			return part(parseImage(t))
		case v.kind == unknown:
			return unsure
		}
		return val{}
	}
}

// partly is a text of which a part may not be known: what is before it and what is after it is.
type partly struct {
	before string // all of it when nothing is missing
	holed  bool
	after  string
}

// val shows the text as a value that is not null.
func (t partly) val() val {
	if !t.holed {
		return texts(t.before)
	}
	v := val{kind: unknown, notNull: true, text: t.before}
	if t.after != "" {
		v.node = &value.Value{Kind: value.Unknown, NotNull: true, Text: t.before, Ending: t.after}
	}
	return v
}

// pierced takes out what something else replaces before the image is ever pulled, ${TAG} and its like: no image has such
// characters.
func pierced(s string) partly {
	open := strings.IndexAny(s, "$({<%#")
	if open < 0 {
		return partly{before: s}
	}
	end := max(open, strings.LastIndexAny(s, ")}>%#"))
	if i := strings.LastIndexByte(s, '$'); i >= end {
		for end = i; end+1 < len(s) && isWordByte(s[end+1]); end++ {
		}
	}
	return partly{s[:open], true, s[end+1:]}
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// parseImage reads a reference. A part that is not known is believed to hold no slash when it stands behind the colon of a tag or
// beside known letters of a host.
func parseImage(t partly) image {
	if t == (partly{}) {
		return image{}
	}
	var i image
	pinned := false // the unknown part may have begun a digest
	switch at := strings.LastIndexByte(t.after, '@'); {
	case at >= 0:
		i.digest = texts(t.after[at+1:])
		t.after = t.after[:at]
	case strings.Contains(t.before, "@"):
		name, digest, _ := strings.Cut(t.before, "@")
		i.digest = partly{digest, t.holed, t.after}.val()
		t = partly{before: name}
	case t.holed && perhapsDigest(t.after):
		i.digest, pinned = unsure, true
	}

	label := strings.LastIndexByte(t.before, '/') + 1
	last := t.before[label:]
	switch end := t.after[strings.LastIndexByte(t.after, '/')+1:]; {
	case t.holed && len(end) < len(t.after): // all of the last part is known
		name, tag, found := strings.Cut(end, ":")
		if found {
			i.tag = texts(tag)
		}
		t.after = t.after[:len(t.after)-len(end)] + name
	case strings.Contains(last, ":"):
		name, tag, _ := strings.Cut(last, ":")
		rest := partly{tag, t.holed, t.after}
		if pinned {
			rest.after = "" // it may be the digest's
		}
		i.tag = rest.val()
		t = partly{before: t.before[:label] + name}
	case t.holed && pinned:
		i.tag = unsure
		t.after = "" // it may be the tag's
	case t.holed:
		name, tag, found := strings.Cut(t.after, ":")
		if i.tag = unsure; found {
			i.tag = texts(tag)
			t.after = name
		} else {
			t.after = ""
		}
	}
	i.registry, i.repository = t.place()
	return i
}

// perhapsDigest says whether a text may be the end of a digest: hexadecimal digits, or an algorithm and many of them.
func perhapsDigest(end string) bool {
	algorithm, digits, found := strings.Cut(end, ":")
	if !found {
		algorithm, digits = "", end
	}
	for i := range len(digits) {
		if c := digits[i] | 0x20; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return !strings.Contains(algorithm, "/") && (!found || len(digits) >= 32)
}

// place splits a name without tag and digest into registry and repository.
func (t partly) place() (registry, repository val) {
	const hub, old = "docker.io", "index.docker.io"
	if !t.holed {
		host, path, found := strings.Cut(t.before, "/")
		switch {
		case !found || !isHost(host):
			host, path = hub, t.before
		case host == old:
			host = hub
		}
		if host == hub && !strings.Contains(path, "/") {
			path = "library/" + path
		}
		return texts(host), texts(path)
	}
	something := partly{holed: true}
	if host, path, found := strings.Cut(t.before, "/"); found {
		rest := partly{path, true, t.after}
		switch {
		case !isHost(host):
			return texts(hub), t.val()
		case host == hub || host == old:
			if !strings.Contains(path, "/") {
				rest.before = "" // library is in front of it, or is not
			}
			return texts(hub), rest.val()
		}
		return texts(host), rest.val()
	}
	host, path, found := strings.Cut(t.after, "/")
	if !found {
		return something.val(), partly{"", true, t.after}.val()
	}
	folders := partly{"", true, path}
	if !strings.ContainsAny(t.before+host, ".:") {
		return something.val(), folders.val()
	}
	registry = partly{t.before, true, host}.val()
	for _, docker := range []string{hub, old} {
		if strings.HasPrefix(docker, t.before) && strings.HasSuffix(docker, host) && !strings.Contains(path, "/") {
			return registry, folders.val()
		}
	}
	return registry, texts(path)
}

// isHost says whether the first part of a name is a registry and not a folder of Docker's.
func isHost(s string) bool { return strings.ContainsAny(s, ".:") || s == "localhost" }
