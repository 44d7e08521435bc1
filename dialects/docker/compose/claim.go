package compose

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// role is what a file may be, by its name.
type role uint8

const (
	otherFile    role = iota
	baseFile          // compose.yaml and the other names that Compose looks for
	overrideFile      // compose.override.yaml and the others that it takes by itself
	dockerFile        // docker-compose.prod.yml: nothing else is named so
	namedFile         // compose.prod.yaml, compose-dev.yml
	anyFile           // any other YAML
)

// baseNames and overrideNames are the names that Compose looks for, the first that is there first.
var (
	baseNames     = []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"}
	overrideNames = []string{"compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"}
)

// roleOf tells by its name what a file may be.
func roleOf(p string) role {
	base := path.Base(p)
	ext := path.Ext(base)
	if ext != ".yaml" && ext != ".yml" {
		return otherFile
	}
	switch name := strings.TrimSuffix(base, ext); {
	case slices.Contains(baseNames, base):
		return baseFile
	case slices.Contains(overrideNames, base):
		return overrideFile
	case strings.HasPrefix(name, "docker-compose.") || strings.HasPrefix(name, "docker-compose-") || strings.HasPrefix(name, "docker-compose_"):
		return dockerFile
	case strings.HasPrefix(name, "compose.") || strings.HasPrefix(name, "compose-") || strings.HasPrefix(name, "compose_"):
		return namedFile
	}
	return anyFile
}

// variantOf is the name that a file gives to its variant: prod of docker-compose.prod.yml.
func variantOf(p string) string {
	base := path.Base(p)
	name := strings.TrimSuffix(base, path.Ext(base))
	for _, prefix := range [...]string{"docker-compose", "compose"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && len(rest) > 1 && strings.ContainsRune(".-_", rune(rest[0])) {
			return rest[1:]
		}
	}
	return name
}

// isEnvFile reports whether a file's name is that of a file of variables.
func isEnvFile(p string) bool {
	base := path.Base(p)
	return base == ".env" || strings.HasPrefix(base, ".env.") || path.Ext(base) == ".env"
}

// topLevel are the keys that a Compose file may have.
var topLevel = []string{"version", "name", "services", "volumes", "networks", "secrets", "configs", "include", "models"}

// isCompose reports whether a file that may be anything is a Compose file: it has no key at the top that Compose does not know,
// and under services a mapping whose members have an image or a build. It looks at the lines.
func isCompose(content []byte) bool {
	if !bytes.Contains(content, []byte("services:")) {
		return false
	}
	inServices, member, found := false, 0, false
	for line := range bytes.Lines(content) {
		line = bytes.TrimRight(line, " \t\r\n")
		trimmed := bytes.TrimLeft(line, " ")
		if len(trimmed) == 0 || trimmed[0] == '#' || bytes.Equal(line, []byte("---")) {
			continue
		}
		indent := len(line) - len(trimmed)
		if indent == 0 {
			key, _, ok := bytes.Cut(line, []byte(":"))
			name := string(bytes.Trim(key, `"'`))
			if !ok || !slices.Contains(topLevel, name) && !strings.HasPrefix(name, "x-") {
				return false
			}
			inServices, member = name == "services", 0
			continue
		}
		if !inServices {
			continue
		}
		if member == 0 {
			if trimmed[0] == '-' {
				return false
			}
			member = indent
		}
		if indent > member && (bytes.HasPrefix(trimmed, []byte("image:")) || bytes.HasPrefix(trimmed, []byte("build:"))) {
			found = true
		}
	}
	return found
}

// hasCompose reports whether a file that is named like a Compose file has one of its sections.
func hasCompose(content []byte) bool {
	for line := range bytes.Lines(content) {
		for _, word := range [...]string{"services:", "include:", "networks:", "volumes:", `"services":`} {
			if bytes.HasPrefix(line, []byte(word)) {
				return true
			}
		}
	}
	return false
}
