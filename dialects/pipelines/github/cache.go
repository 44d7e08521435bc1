package github

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/document"
)

// caching are the inputs that make an action restore a cache, and whether it does without them.
//
// Sources: the README of each action. setup-go caches by default since version 4.
var caching = map[string]struct {
	input    string
	byItself bool
}{
	"actions/cache":            {"", true},
	"actions/setup-node":       {"cache", false},
	"actions/setup-python":     {"cache", false},
	"actions/setup-java":       {"cache", false},
	"actions/setup-dotnet":     {"cache", false},
	"actions/setup-go":         {"cache", true},
	"ruby/setup-ruby":          {"bundler-cache", false},
	"swatinem/rust-cache":      {"", true},
	"gradle/actions":           {"cache-disabled", true},
	"docker/build-push-action": {"cache-from", false},
}

// releases reports whether a workflow makes what others will run: it is started by a release, or by a tag alone.
func (m *model) releases() bool {
	if m.trigger("release") != nil {
		return true
	}
	t := m.trigger("push")
	return t != nil && t.config.Get("tags") != nil && t.config.Get("branches") == nil && t.config.Get("branches-ignore") == nil
}

// restoresCache names the action that brings files of a cache into a release: any branch's run may have written them.
func (e *evaluation) restoresCache(s *step) notes {
	c, known := caching[s.uses.repo]
	if !known || s.uses.kind != "action" || !e.model.releases() || s.uses.repo == "actions/cache" && s.uses.path == "save" {
		return nil
	}
	place := s.uses.at
	if m := s.node.Member("uses"); m != nil {
		place = m.Range
	}
	if look := s.input("lookup-only"); look != nil && strings.EqualFold(textOf(look.Value), "true") {
		return nil
	}
	if c.input == "" {
		return notes{{s.uses.repo, place}}
	}
	m := s.input(c.input)
	switch {
	case m == nil && !c.byItself:
		return nil
	case m == nil:
		if v, ok := parseVersion(s.uses.version); s.uses.repo == "actions/setup-go" && ok && !v.atLeast(4, 0, 0) {
			return nil
		}
		return notes{{s.uses.repo, place}}
	case m.Value.Kind == document.Scalar && slices.Contains([]string{"", "false"}, strings.ToLower(textOf(m.Value))) != (c.input == "cache-disabled"):
		return nil
	case s.uses.repo == "docker/build-push-action" && !strings.Contains(m.Value.Text, "type=gha"):
		return nil
	case strings.Contains(m.Value.Text, "${{"):
		return nil // it depends
	}
	return notes{{s.uses.repo, m.Range}}
}
