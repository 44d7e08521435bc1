package rules

import _ "embed"

// prepared is what rule.Prepare made of the pages. A page that was added or changed since is read from its text.
//
//go:embed prepared.bin
var prepared string

// Prepared returns what rule.Prepare made of the pages when the generated files were last written.
func Prepared() string { return prepared }
