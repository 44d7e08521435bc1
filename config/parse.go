package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// layer is one settings file. The overlays change the settings of the folders above into those of its own folder.
type layer struct {
	file     string
	overlays []func(*Settings)
	ignores  []*Ignore
	run      Run
	runKeys  []*yaml.Node // keys that hold for a whole run
	names    []name
}

// name is a word that Check looks up.
type name struct {
	kind nameKind
	text string
	at   *yaml.Node
}

type nameKind uint8

const (
	ruleName nameKind = iota
	frameworkName
	formatName
)

// reader reads one settings file and collects its mistakes.
type reader struct {
	file     string
	folder   string
	source   source.File
	layer    *layer
	mistakes Errors
}

func parse(file string, text []byte) (*layer, Errors) {
	r := &reader{file: file, folder: path.Dir(file), source: source.File{Path: file, Bytes: text}, layer: &layer{file: file}}
	if root := r.document(text); root != nil {
		r.settings(root)
	}
	sortErrors(r.mistakes)
	return r.layer, r.mistakes
}

func sortErrors(e Errors) {
	slices.SortStableFunc(e, func(a, b Error) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
}

func (r *reader) fail(at *yaml.Node, format string, args ...any) {
	r.mistakes = append(r.mistakes, Error{r.file, max(at.Line, 1), max(at.Column, 1), fmt.Sprintf(format, args...)})
}

// lazy compiles a pattern when it is first needed: most scans have few settings or none.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

var yamlLine = lazy(`^yaml: (?:line (\d+): )?`)

// document returns the one mapping of the file, or nil when there is none.
func (r *reader) document(text []byte) *yaml.Node {
	if !utf8.Valid(text) {
		r.fail(&yaml.Node{}, "the settings are not UTF-8")
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	err := decoder.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		line := 1
		found := yamlLine().FindStringSubmatch(err.Error())
		if found != nil && found[1] != "" {
			line, _ = strconv.Atoi(found[1])
		}
		r.fail(&yaml.Node{Line: line}, "the settings are not YAML: %s", yamlLine().ReplaceAllString(err.Error(), ""))
		return nil
	}
	if more := new(yaml.Node); !errors.Is(decoder.Decode(more), io.EOF) {
		r.fail(&yaml.Node{Line: max(more.Line, doc.Line)}, "the settings hold more than one YAML document")
		return nil
	}
	root := doc.Content[0]
	if isNull(root) || r.refusesAlias(root) {
		return nil
	}
	return root
}

// refusesAlias says that anchors have no place in settings: a few of them can stand for gigabytes.
func (r *reader) refusesAlias(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode {
		r.fail(n, "YAML aliases are not allowed in settings: write the value out")
		return true
	}
	return slices.ContainsFunc(n.Content, r.refusesAlias)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return strconv.Quote(clip(n.Value))
}

// clip keeps hostile values from filling messages.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= 80 {
		return s
	}
	return string([]rune(s)[:79]) + "…"
}

// field reads the value of one key.
type field func(key, value *yaml.Node)

// fields reads a map whose keys are known.
func (r *reader) fields(n *yaml.Node, what string, known map[string]field) {
	r.entries(n, what, func(key, value *yaml.Node) {
		if read := known[key.Value]; read != nil {
			read(key, value)
			return
		}
		names := make([]string, 0, len(known))
		for k := range known {
			names = append(names, k)
		}
		slices.Sort(names)
		if near := Nearest(key.Value, names); near != "" {
			r.fail(key, "%s has no key %q: did you mean %q?", what, clip(key.Value), near)
			return
		}
		r.fail(key, "%s has no key %q: it can have %s", what, clip(key.Value), strings.Join(names, ", "))
	})
}

// entries reads a map whose keys are the user's.
func (r *reader) entries(n *yaml.Node, what string, read field) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s must be a map, not %s", what, describe(n))
		return
	}
	if len(n.Content) > 2*maxEntries {
		r.fail(n, "%s has more than %d entries", what, maxEntries)
		return
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch line, twice := lines[key.Value]; {
		case key.Kind != yaml.ScalarNode || isNull(key):
			r.fail(key, "a key of %s must be a word, not %s", what, describe(key))
		case twice:
			r.fail(key, "%s has the key %q twice: the first is on line %d", what, clip(key.Value), line)
		default:
			lines[key.Value] = key.Line
			read(key, n.Content[i+1])
		}
	}
}

// items reads a list; where one is allowed, a single text stands for a list of one.
func (r *reader) items(n *yaml.Node, what string, single bool, read func(*yaml.Node)) {
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) > maxEntries:
		r.fail(n, "%s has more than %d entries", what, maxEntries)
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			read(item)
		}
	case single && n.Kind == yaml.ScalarNode && !isNull(n):
		read(n)
	case single:
		r.fail(n, "%s must be a text or a list of texts, not %s", what, describe(n))
	default:
		r.fail(n, "%s must be a list, not %s", what, describe(n))
	}
}

// text reads one line of text that is not empty.
func (r *reader) text(n *yaml.Node, what string) (string, bool) {
	switch {
	case n.Kind != yaml.ScalarNode || isNull(n):
		r.fail(n, "%s must be a text, not %s", what, describe(n))
	case n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp":
		r.fail(n, "%s must be a text, not %s: put it in quotes", what, n.Value)
	case strings.TrimSpace(n.Value) == "":
		r.fail(n, "%s is empty", what)
	case hasControl(strings.TrimSuffix(n.Value, "\n")):
		r.fail(n, "%s must be one line without control characters", what)
	default:
		return strings.TrimSpace(n.Value), true
	}
	return "", false
}

// texts reads a list of texts.
func (r *reader) texts(n *yaml.Node, what string, single bool) []string {
	list := []string{}
	r.items(n, what, single, func(item *yaml.Node) {
		if s, ok := r.text(item, "an entry of "+what); ok {
			list = append(list, s)
		}
	})
	return list
}

// names reads a list of words that Check looks up.
func (r *reader) names(n *yaml.Node, what string, kind nameKind) []string {
	list := []string{}
	r.items(n, what, true, func(item *yaml.Node) {
		if s, ok := r.text(item, "an entry of "+what); ok && (kind != ruleName || r.rulePattern(item, s)) {
			list = append(list, s)
			r.layer.names = append(r.layer.names, name{kind, s, item})
		}
	})
	return list
}

var rulePattern = lazy(`^[A-Za-z0-9_.*?-]{1,200}$`)

func (r *reader) rulePattern(n *yaml.Node, s string) bool {
	if !rulePattern().MatchString(s) {
		r.fail(n, "%q is not the name of a rule: names are letters, digits, - and _, with * and ? in globs", clip(s))
		return false
	}
	return true
}

func (r *reader) globs(n *yaml.Node, what string, single bool) []Glob {
	list := []Glob{}
	r.items(n, what, single, func(item *yaml.Node) {
		if s, ok := r.text(item, "an entry of "+what); ok {
			if g, err := NewGlob(r.folder, s); err != nil {
				r.fail(item, "%s: %v", what, err)
			} else {
				list = append(list, g)
			}
		}
	})
	return list
}

// inTree reads a path that must stay in the tree, relative to the folder of the settings file, and returns it relative to
// the root. Git's own folder is out of bounds: settings could otherwise have its hooks overwritten.
func (r *reader) inTree(n *yaml.Node, what string) (string, bool) {
	s, ok := r.text(n, what)
	if !ok {
		return "", false
	}
	return r.pathInTree(n, what, s)
}

var drive = lazy(`^[A-Za-z]:`)

func (r *reader) pathInTree(n *yaml.Node, what, s string) (string, bool) {
	joined := path.Join(r.folder, s)
	parts := strings.Split(s, "/")
	switch {
	case strings.Contains(s, `\`):
		r.fail(n, `%s: paths are written with /, not with \`, what)
	case strings.HasPrefix(s, "/") || drive().MatchString(s):
		r.fail(n, "%s: %q must be relative to the folder of the settings", what, clip(s))
	case slices.Contains(parts, ".."):
		r.fail(n, "%s: %q must lie in the folder of the settings", what, clip(s))
	case slices.ContainsFunc(parts, func(p string) bool { return strings.EqualFold(p, ".git") }):
		r.fail(n, "%s: %q lies in Git's own folder", what, clip(s))
	default:
		return joined, true
	}
	return "", false
}

// choice reads one of a few words.
func (r *reader) choice(n *yaml.Node, what string, words ...string) (string, bool) {
	if n.Kind == yaml.ScalarNode && slices.Contains(words, n.Value) {
		return n.Value, true
	}
	list := words[len(words)-1]
	if rest := words[:len(words)-1]; len(rest) > 0 {
		list = strings.Join(rest, ", ") + " or " + list
	}
	if n.Kind == yaml.ScalarNode {
		if near := Nearest(n.Value, words); near != "" {
			r.fail(n, "%s cannot be %s: did you mean %s? It can be %s", what, describe(n), near, list)
			return "", false
		}
	}
	r.fail(n, "%s cannot be %s: it can be %s", what, describe(n), list)
	return "", false
}

var severityWords = []string{"critical", "high", "medium", "low", "info"}

func severityOf(word string) finding.Severity {
	var s finding.Severity
	if s.UnmarshalText([]byte(word)) != nil {
		return 0
	}
	return s
}

// location returns where a list item or value is written, for suppressions.
func (r *reader) location(n *yaml.Node) finding.Location {
	from, to := extent(n)
	start, end := r.offset(from), r.offset(to)
	return finding.Location{
		Range: source.Range{File: r.file, Start: start, End: end},
		From:  from,
		To:    to,
	}
}

func (r *reader) offset(p source.Position) int {
	line := r.source.Line(p.Line)
	at := line.Start
	for range p.Column - 1 {
		if at >= line.End {
			break
		}
		_, size := utf8.DecodeRune(r.source.Bytes[at:])
		at += size
	}
	return at
}

// extent returns the positions of the first and after the last character of a node; of scalars with quotes or several
// lines only their start is certain, which is then both.
func extent(n *yaml.Node) (from, to source.Position) {
	from = source.Position{Line: n.Line, Column: n.Column}
	last := n
	for len(last.Content) > 0 {
		last = last.Content[len(last.Content)-1]
	}
	to = source.Position{Line: last.Line, Column: last.Column}
	if last.Kind == yaml.ScalarNode && last.Style == 0 {
		to.Column += utf8.RuneCountInString(last.Value)
	}
	return from, to
}

// date reads a day.
func (r *reader) date(n *yaml.Node, what string) (time.Time, bool) {
	if n.Kind == yaml.ScalarNode {
		if day, err := time.Parse(time.DateOnly, n.Value); err == nil {
			return day, true
		}
	}
	r.fail(n, "%s cannot be %s: write a day as YYYY-MM-DD", what, describe(n))
	return time.Time{}, false
}
