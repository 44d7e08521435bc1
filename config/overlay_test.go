package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOverlay(t *testing.T) {
	for _, c := range []struct{ name, below, above, want, wrong string }{
		{name: "nothing"},
		{name: "one of them", below: "version: 1\nthreshold: high\n", want: "version: 1\nthreshold: high\n"},
		{name: "the other", above: "threshold: low\n", want: "threshold: low\n"},
		{name: "a value", below: "threshold: high\nundecided: hide\n", above: "threshold: low\n", want: "threshold: low\nundecided: hide\n"},
		{name: "nothing after a key", below: "threshold: high\n", above: "threshold:\n", want: "threshold: high\n"},
		{name: "rules by name", below: "rules:\n  a: off\n  b: low\n", above: "rules: {b: high, c: info}\n", want: "rules:\n  a: off\n  b: high\n  c: info\n"},
		{name: "lists that replace", below: "select: [a, b]\n", above: "select: [c]\n", want: "select: [c]\n"},
		{name: "lists that gather", below: "paths:\n  exclude: [a]\n", above: "paths:\n  exclude: b\n", want: "paths:\n  exclude:\n    - a\n    - b\n"},
		{name: "ignore", below: "ignore:\n  - rules: a\n    reason: x\n", above: "ignore:\n  - rules: b\n", want: "ignore:\n  - rules: a\n    reason: x\n  - rules: b\n"},
		{name: "no YAML", below: "a: [", wrong: "YAML"},
		{name: "no map", above: "- a", wrong: "line 1: settings are keys"},
		{name: "an alias", below: "a: &x [b]\nc: *x\n", wrong: "aliases"},
	} {
		got, err := Overlay([]byte(c.below), []byte(c.above))
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: %v, want an error with %q", c.name, err, c.wrong)
			}
			continue
		}
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%s", c.name, err, cmp.Diff(c.want, string(got)))
		}
	}
}

func TestEntries(t *testing.T) {
	got, err := Entries([]byte("version: 1\nrules:\n  aws-s3-unversioned: off # no\n  x: {severity: high}\nselect:\n  - a\n  - b\nignore:\n  - rules: a\n    reason: |\n      two\n      lines\nthreshold:\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{[]string{"rules", "aws-s3-unversioned"}, "off", 3}, {[]string{"rules", "x", "severity"}, "high", 4}, {[]string{"select"}, "[a, b]", 6},
		{[]string{"ignore"}, `[{rules: a, reason: "two\nlines\n"}]`, 9},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
