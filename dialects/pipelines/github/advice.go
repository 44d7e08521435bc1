package github

import (
	_ "embed" // the table is a string in the binary
	"strconv"
	"strings"
	"sync"

	"plumbline.dev/plumbline/dialects/pipelines"
	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
)

// actionsTable says what is known of published actions. Its head tells where each row comes from.
//
//go:embed actions.tsv
var actionsTable string

// advice is one row of the table.
type advice struct {
	kind   string // vulnerable, archived, node12, node16
	action string // owner/name, in lower case
	ranges []bounds
	commit string // the only one that is concerned; empty where versions are
	text   string
}

// bounds are the versions from one (included) to another (not included); the zero of the latter is none.
type bounds struct{ from, to version }

type version struct {
	major, minor, patch int
	floating            int // parts that were not written: v4 stands for the newest of 4
}

// table reads the rows, by action.
var table = sync.OnceValue(func() map[string][]advice {
	out := map[string][]advice{}
	for line := range strings.Lines(actionsTable) {
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || len(cells) < 4 {
			continue
		}
		a := advice{kind: cells[0], action: cells[1], text: cells[3]}
		if a.commit, _ = strings.CutPrefix(cells[2], "commit "); a.commit == cells[2] {
			a.commit = ""
		} else {
			cells[2] = ">=0"
		}
		for part := range strings.SplitSeq(cells[2], " or ") {
			var b bounds
			for _, word := range strings.Fields(part) {
				if v, ok := parseVersion(strings.TrimLeft(word, "<>=")); ok {
					if strings.HasPrefix(word, "<") {
						b.to = v
					} else {
						b.from = v
					}
				}
			}
			a.ranges = append(a.ranges, b)
		}
		out[a.action] = append(out[a.action], a)
	}
	return out
})

// parseVersion reads v4, v4.1 and v4.1.2, with or without the v.
func parseVersion(s string) (version, bool) {
	s = strings.TrimPrefix(s, "v")
	s, _, _ = strings.Cut(s, "-")
	s, _, _ = strings.Cut(s, "+")
	parts := strings.Split(s, ".")
	if len(parts) > 3 || s == "" {
		return version{}, false
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 || v > 1_000_000 {
			return version{}, false
		}
		n[i] = v
	}
	return version{n[0], n[1], n[2], 3 - len(parts)}, true
}

// newest is the newest version that a floating one can mean.
func (v version) newest() version {
	const many = 1 << 30
	if v.floating > 0 {
		v.patch = many
	}
	if v.floating > 1 {
		v.minor = many
	}
	return v
}

func (v version) atLeast(major, minor, patch int) bool {
	w := v.newest()
	switch {
	case w.major != major:
		return w.major > major
	case w.minor != minor:
		return w.minor > minor
	}
	return w.patch >= patch
}

func (b bounds) has(v version) bool {
	if !v.atLeast(b.from.major, b.from.minor, b.from.patch) {
		return false
	}
	return b.to == version{} || !v.atLeast(b.to.major, b.to.minor, b.to.patch)
}

// setAdvice adds what is known of the action that a step or job uses.
func setAdvice(body *pipelines.Body, u use, place source.Range) {
	if u.kind != "action" {
		return
	}
	v, versioned := parseVersion(u.version)
	said := map[string]bool{}
	for _, a := range table()[u.repo] {
		applies := false
		for _, b := range a.ranges {
			applies = applies || (b == bounds{}) || versioned && b.has(v)
		}
		attribute := map[string]string{"vulnerable": "vulnerability", "archived": "archived", "node12": "old_runtime", "node16": "old_runtime"}[a.kind]
		if a.commit != "" {
			applies = strings.EqualFold(a.commit, u.ref)
		}
		if !applies || said[attribute] || attribute == "old_runtime" && (said["archived"] || said["vulnerability"]) {
			continue
		}
		said[attribute] = true
		text := a.text
		if attribute == "old_runtime" {
			text = a.kind
		}
		body.Set(attribute, pipelines.String(text, place))
	}
}

// oldRuntime names the runtime of an action of one's own that GitHub has removed, or is about to:
// https://github.blog/changelog/2024-09-25-end-of-life-for-actions-node16/
func oldRuntime(runs *document.Node) notes {
	m := runs.Member("using")
	if m == nil {
		return nil
	}
	if t := textOf(m.Value); t == "node12" || t == "node16" {
		return notes{{t, m.Range}}
	}
	return nil
}

// cutDocker returns the image of docker://image.
func cutDocker(s string) (string, bool) { return strings.CutPrefix(s, "docker://") }
