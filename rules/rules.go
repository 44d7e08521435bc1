// Package rules is the catalogue: a Markdown page per rule in a folder per provider, and the compliance frameworks whose
// controls the rules serve. It is data; package rule gives it meaning.
//
// A page is named for its rule: aws/aws-s3-public-acl.md. To add a rule, add a page; to add a framework, add a table to the
// folder frameworks.
package rules

import (
	"embed"
	"io/fs"
)

//go:embed */*.md
var pages embed.FS

// Pages returns the tree of pages: provider/rule-id.md.
func Pages() fs.FS { return pages }
