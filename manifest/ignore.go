package manifest

import (
	"bytes"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// ignoreAnnotation says which rules an object does not need to follow, as a comment would: "rule,rule until=2030-01-31 reason", one such
// line for each reason. Further ones have something behind: plumbline.dev/ignore.1.
const ignoreAnnotation = "plumbline.dev/ignore"

// annotationWords are what the names of such annotations hold.
var annotationWords = [...][]byte{[]byte("plumbline.dev/"), []byte("checkov.io/"), []byte("bridgecrew.io/"), []byte("cortex.io/")}

// MayIgnore reports whether a file may hold annotations that say something of rules.
func MayIgnore(text []byte) bool {
	return slices.ContainsFunc(annotationWords[:], func(w []byte) bool { return bytes.Contains(text, w) })
}

// Ignores returns what annotations say of rules, as the comments that would say the same. Those of an object speak of all of it, those
// of a template of its pod and the containers.
func Ignores(o *Object) []dialect.Comment {
	out := ignores(o.Body.Field("metadata"), o.Range)
	version, _ := o.Body.Field("apiVersion").Word()
	kind, _ := o.Body.Field("kind").Word()
	if at, ok := podIn(groupOf(version), kind); ok && len(at) > 0 {
		template := o.Body.At(at)
		if about := template.Range; !about.IsZero() {
			out = append(out, ignores(template.Field("metadata"), about)...)
		}
	}
	return out
}

// IgnoresOf returns what annotations of several objects say of rules, each once, where both the annotation and what it speaks of
// are text of the tree.
func IgnoresOf(objects []Object) []dialect.Comment {
	var out []dialect.Comment
	for i := range objects {
		for _, c := range Ignores(&objects[i]) {
			if c.Range.Start < c.Range.End && c.About.Start < c.About.End && !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

func ignores(metadata *value.Value, about source.Range) []dialect.Comment {
	var out []dialect.Comment
	annotations := metadata.Field("annotations")
	for i := range annotations.Fields {
		f := &annotations.Fields[i]
		if f.Value.Kind != value.String || f.Value.Range.IsZero() {
			continue
		}
		for _, said := range saying(f.Name, f.Value.Text) {
			out = append(out, dialect.Comment{Range: f.Value.Range, Text: said, Target: about, Block: about, About: about})
		}
	}
	return out
}

// saying returns what an annotation says as comments say it.
func saying(name, text string) []string {
	var out []string
	if rest, ok := strings.CutPrefix(name, ignoreAnnotation); ok && (rest == "" || rest[0] == '.' || rest[0] == '-') {
		for line := range strings.Lines(text) {
			if line = strings.Join(strings.Fields(line), " "); line != "" {
				out = append(out, "plumbline:ignore "+line)
			}
		}
		return out
	}
	for _, scanner := range [...]string{"checkov.io/skip", "bridgecrew.io/skip", "cortex.io/skip"} {
		if strings.Contains(name, scanner) {
			id, reason, _ := strings.Cut(text, "=")
			if id = strings.TrimSpace(id); id != "" {
				out = append(out, "checkov:skip="+id+":"+strings.Join(strings.Fields(reason), " "))
			}
			break
		}
	}
	return out
}
