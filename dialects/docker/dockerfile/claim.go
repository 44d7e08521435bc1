package dockerfile

import (
	"bytes"
	"path"
	"strings"
)

// keywords are the instructions of the language.
var keywords = map[string]bool{
	"ADD": true, "ARG": true, "CMD": true, "COPY": true, "ENTRYPOINT": true, "ENV": true, "EXPOSE": true, "FROM": true,
	"HEALTHCHECK": true, "LABEL": true, "MAINTAINER": true, "ONBUILD": true, "RUN": true, "SHELL": true, "STOPSIGNAL": true,
	"USER": true, "VOLUME": true, "WORKDIR": true,
}

// Claims takes files that are named as the builders look for them, when their first instruction is one of the language's:
// Dockerfile, Containerfile, Dockerfile.prod, web.Dockerfile.
func (dockerfile) Claims(file string, content func() []byte) bool {
	return isNamed(path.Base(file)) && startsWell(content())
}

// templates are endings of files that something else fills in first, and of those beside a Dockerfile.
var templates = map[string]bool{".j2": true, ".jinja": true, ".jinja2": true, ".tmpl": true, ".tpl": true, ".erb": true,
	".template": true, ".dockerignore": true, ".md": true, ".mustache": true, ".gotmpl": true}

func isNamed(name string) bool {
	name = strings.ToLower(name)
	if templates[path.Ext(name)] {
		return false
	}
	for _, word := range []string{"dockerfile", "containerfile"} {
		if rest, ok := strings.CutPrefix(name, word); ok && (rest == "" || strings.ContainsAny(rest[:1], ".-_")) {
			return true
		}
		if strings.HasSuffix(name, "."+word) {
			return true
		}
	}
	return false
}

// startsWell reports whether the first word that is no comment is an instruction.
func startsWell(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			if i := bytes.IndexAny(line, " \t"); i >= 0 {
				line = line[:i]
			}
			return len(line) < 16 && keywords[strings.ToUpper(string(line))]
		}
		text = rest
	}
	return false
}
