package scan

import (
	"regexp"
	"slices"
	"strings"

	"plumbline.dev/plumbline/config"
)

// RuleName is a rule with the ids it has in other scanners.
type RuleName struct {
	ID      string
	Aliases []string
}

// RuleNames answers what the names that people write for rules mean.
type RuleNames struct {
	list []RuleName
	memo map[lookup][]string
}

type lookup struct {
	scanner scanner
	text    string
}

// NewRuleNames makes an index of the rules there are. It is not safe for use by several goroutines.
func NewRuleNames(list []RuleName) *RuleNames {
	return &RuleNames{list: list, memo: make(map[lookup][]string)}
}

// Resolve returns the ids of the rules that an id, alias or glob means, in the order of the list.
func (n *RuleNames) Resolve(text string) []string { return n.resolve(plumbline, text) }

// Known reports whether a name, alias or glob means a rule, and otherwise which name was probably meant. It has the form
// that config.Known wants.
func (n *RuleNames) Known(text string) (ok bool, suggestion string) {
	if len(n.Resolve(text)) > 0 {
		return true, ""
	}
	var ids, aliases []string
	for _, r := range n.list {
		ids = append(ids, r.ID)
		aliases = append(aliases, r.Aliases...)
	}
	if near := config.Nearest(text, ids); near != "" {
		return false, near
	}
	// Ids of other scanners differ by their numbers only, so a neighbour is no help unless letters or marks are wrong.
	for _, alias := range aliases {
		if letters(alias) == letters(text) {
			return false, alias
		}
	}
	return false, ""
}

// letters leaves out what people get wrong in ids such as CKV_AWS_20.
func letters(alias string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(alias))
}

// scanner is whose ids a suppression uses.
type scanner uint8

const (
	plumbline scanner = iota
	checkov
	trivy
	kics
)

// The shapes of the ids of other scanners, by which aliases are told apart.
var aliasShapes = map[scanner]*regexp.Regexp{
	checkov: regexp.MustCompile(`^(CKV\d?|BC|CUSTOM)_`),
	trivy:   regexp.MustCompile(`^(AVD-)?[A-Z]+-\d{4}$`),
	kics:    regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`),
}

// resolve returns the ids of the rules that a name means. Names in another scanner's comments mean only its own ids, so
// that its "everything" is what it would have found, not all that we find.
func (n *RuleNames) resolve(s scanner, text string) []string {
	key := lookup{s, text}
	if ids, ok := n.memo[key]; ok {
		return ids
	}
	ids := []string{}
	shape := aliasShapes[s]
	for _, r := range n.list {
		if s == plumbline {
			if config.MatchRule(text, r.ID, r.Aliases...) {
				ids = append(ids, r.ID)
			}
			continue
		}
		if slices.ContainsFunc(r.Aliases, func(a string) bool {
			return shape.MatchString(a) && (s != checkov || !strings.ContainsAny(text, "*?")) && config.MatchRule(text, a)
		}) {
			ids = append(ids, r.ID)
		}
	}
	n.memo[key] = ids
	return ids
}
