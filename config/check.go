package config

import (
	"fmt"
	"slices"
	"strings"
)

// Known tells Check which names exist. Each function answers whether a name does, and if not which one was probably
// meant; "" for no idea. A function that is nil accepts every name.
type Known struct {
	Rule      func(name string) (ok bool, suggestion string) // ids, aliases, and globs that match a rule
	Framework func(name string) (ok bool, suggestion string)
	Format    func(name string) (ok bool, suggestion string)
}

// Check looks up the names in all files that were read. It stands apart from Load because some rules may come from the
// folders that the settings name. The error is an Errors, or nil.
func (c *Config) Check(known Known) error {
	var files []*layer
	for _, l := range c.layers {
		files = append(files, l)
	}
	slices.SortFunc(files, func(a, b *layer) int { return strings.Compare(a.file, b.file) })
	lookups := [...]struct {
		what string
		find func(string) (bool, string)
	}{
		ruleName:      {"rule", known.Rule},
		frameworkName: {"framework", known.Framework},
		formatName:    {"report format", known.Format},
	}
	var mistakes Errors
	for _, l := range files {
		for _, n := range l.names {
			lookup := lookups[n.kind]
			if lookup.find == nil || n.kind == ruleName && n.text == "*" {
				continue
			}
			ok, near := lookup.find(n.text)
			if ok {
				continue
			}
			message := fmt.Sprintf("there is no %s %q", lookup.what, n.text)
			if near != "" {
				message += fmt.Sprintf(": did you mean %q?", near)
			}
			mistakes = append(mistakes, Error{l.file, n.at.Line, n.at.Column, message})
		}
	}
	if len(mistakes) > 0 {
		return mistakes
	}
	return nil
}
