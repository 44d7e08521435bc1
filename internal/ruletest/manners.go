package ruletest

import (
	"slices"
	"strings"
	"unicode/utf8"

	"plumbline.dev/plumbline/rule"
)

// minWhy is how many characters an explanation has at least: about three sentences.
const minWhy = 200

// manners tests what makes a page worth reading, beyond what Parse demands.
func (t *tester) manners() {
	r := t.rule
	if n := utf8.RuneCountInString(r.Why); n < minWhy {
		t.fail(0, "the why has %d characters: tell in at least %d what can happen, what the fix changes and when to ignore it", n, minWhy)
	}
	for _, word := range strings.Split(r.ID, "-") {
		if slices.Contains([]string{"ensure", "should", "must", "check"}, word) {
			t.fail(0, "the id has the word %q: say what is wrong, so that \"ignore %s\" reads well", word, r.ID)
		}
	}
	for _, s := range []struct{ name, text string }{{"title", r.Title}, {"message", r.Message}} {
		first, _, _ := strings.Cut(strings.ToLower(s.text), " ")
		if first == "ensure" || strings.Contains(strings.ToLower(s.text), " should ") {
			t.fail(0, "the %s says what should be: say what is wrong", s.name)
		}
		if strings.HasSuffix(s.text, ".") {
			t.fail(0, "the %s ends with a full stop", s.name)
		}
	}
	if t.Control != nil {
		for framework, ids := range r.Controls {
			for _, id := range ids {
				if !t.Control(framework, id) {
					t.fail(0, "there is no control %s in the framework %s", id, framework)
				}
			}
		}
	}
	for _, section := range []rule.Section{rule.Flagged, rule.NotFlagged} {
		if !slices.ContainsFunc(r.Examples, func(e rule.Example) bool { return e.Section == section }) {
			t.fail(0, "there is no example under %s", section)
		}
	}
	fixed := slices.ContainsFunc(r.Examples, func(e rule.Example) bool { return e.Section == rule.Fixed })
	if fixed && len(r.Fix) == 0 {
		t.fail(0, "there is an example under %s, but the rule has no fix", rule.Fixed)
	}
	if !fixed && len(r.Fix) > 0 {
		t.fail(0, "the rule has a fix, but there is no example under %s", rule.Fixed)
	}
}
