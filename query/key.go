package query

import (
	"slices"
	"strings"
)

// Kind is what the values of a key are.
type Kind uint8

// The kinds.
const (
	Name   Kind = iota // any text; * stands for any part of it
	Path               // a path: a file, a directory with all that is in it, or a glob
	Word               // one of Key.Values
	Level              // one of Key.Values, in their order: >= and the like compare
	Moment             // a day, 2026-01-31, or a time, 2026-01-31T12:00:00Z; compares
	Span               // a length of time, 30d; compares
)

// Key is something that can be asked for.
type Key struct {
	Name    string
	Aliases []string
	Kind    Kind
	Values  []string // of Word and Level all there are; of others those with a meaning of their own
	Doc     string   // one sentence
	Example string   // a term
}

// keys is the one table of what can be asked; docs/findings.md is checked against it.
var keys = []Key{
	{"severity", nil, Level, []string{"info", "low", "medium", "high", "critical"}, "How bad it is, after your organisation's changes of severities.", "severity:>=high"},
	{"status", nil, Word, []string{"open", "muted", "fixed"}, "Open, muted by somebody, or fixed: on the default branch, or on the branch that is asked for.", "-status:fixed"},
	{"verdict", []string{"outcome"}, Word, []string{"fail", "undecided"}, "Whether the rule fails, or could not be decided because an input is missing.", "verdict:fail"},
	{"rule", nil, Name, nil, "Id of the rule.", "rule:aws-s3-*"},
	{"category", nil, Name, nil, "What the rule is about.", "category:encryption"},
	{"framework", nil, Name, nil, "A compliance framework that the rule serves.", "framework:cis-aws-3.0.0"},
	{"control", nil, Name, nil, "A control that the rule serves, alone or with its framework.", "control:cis-aws-3.0.0/2.1.1"},
	{"provider", nil, Name, nil, "Provider of the resource.", "provider:aws"},
	{"type", []string{"resource-type"}, Name, nil, "Type of the resource, in Terraform's words.", "type:aws_s3_bucket"},
	{"address", []string{"resource"}, Name, nil, "Address of the resource.", "address:module.logs.*"},
	{"dialect", nil, Name, nil, "Language of the file.", "dialect:kubernetes"},
	{"file", []string{"path"}, Path, nil, "Path in the repository: a file, a directory with everything in it, or a glob in which * stays within a directory and ** does not.", "file:modules/**"},
	{"unit", nil, Path, nil, "Directory of what is evaluated together: a root module, a chart.", "unit:live/prod"},
	{"repo", []string{"repository"}, Name, nil, "Name of the repository.", "repo:payments"},
	{"branch", nil, Name, nil, "Findings on this branch, with their status there. Without it the default branches are asked; branch:* asks all.", "branch:release-*"},
	{"team", nil, Name, []string{"none"}, "Team that owns it.", "team:platform"},
	{"assignee", nil, Name, []string{"me", "none"}, "Who it is assigned to, by address of mail.", "assignee:me"},
	{"author", nil, Name, nil, "Who introduced it, as git names the author.", "author:ada*"},
	{"commit", nil, Name, nil, "Commit that introduced it.", "commit:4f2a*"},
	{"reason", nil, Word, []string{"false-positive", "risk-accepted", "pending-fix", "no-fix", "duplicate", "other", "code", "excluded", "rule-off"}, "Why it is muted; code when the repository itself suppresses it, excluded when its settings leave it out of the scan, rule-off when the rule is switched off.", "reason:risk-accepted"},
	{"tag", nil, Name, nil, "Effective tag of the resource: its key, or key and value.", "tag:Compliance=PCI-DSS"},
	{"has", nil, Word, []string{"fix", "assignee", "team", "mute", "expiry"}, "Whether it has a proved fix, somebody assigned, a team, a mute, a mute that ends.", "has:fix"},
	{"is", nil, Word, []string{"new", "expiring"}, "First seen within seven days; muted, with a mute that ends within seven days.", "is:new"},
	{"age", nil, Span, nil, "Time since it was first seen: h, d, w, m (30 days) or y.", "age:>30d"},
	{"first-seen", nil, Moment, nil, "When it was first seen, in UTC.", "first-seen:<2026-01-01"},
	{"last-seen", nil, Moment, nil, "When a scan last had it.", "last-seen:>=2026-01-01"},
	{"fixed", []string{"fixed-at"}, Moment, nil, "When it was fixed.", "fixed:>2026-01-01"},
	{"introduced", nil, Moment, nil, "When the commit that introduced it was made.", "introduced:>=2026-01-01"},
	{"message", nil, Name, nil, "What the finding says, all of it; use words without a key to search in it.", `message:*public*`},
	{"id", nil, Name, nil, "Id of the finding.", "id:1x9k2m"},
}

// Keys returns everything that can be asked for.
func Keys() []Key { return slices.Clone(keys) }

// keyOf finds a key by its name or alias, in any case and with _ or -.
func keyOf(name string) *Key {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	for i := range keys {
		if keys[i].Name == name || slices.Contains(keys[i].Aliases, name) {
			return &keys[i]
		}
	}
	return nil
}

// nearest returns the name that differs least, or "" when none is near.
func nearest(name string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		if d := distance(name, n); d < least && d < len(name) {
			best, least = n, d
		}
	}
	return best
}

// distance counts the bytes to insert, remove or change between two short words.
func distance(a, b string) int {
	if len(a) > 32 || len(b) > 32 {
		return 32
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
