package report

import "plumbline.dev/plumbline/finding"

// palette wraps text in escape sequences when it is true, and returns it as it is when false.
type palette bool

func (p palette) wrap(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p palette) bold(s string) string    { return p.wrap("1", s) }
func (p palette) dim(s string) string     { return p.wrap("2", s) }
func (p palette) link(s string) string    { return p.wrap("36", s) }
func (p palette) added(s string) string   { return p.wrap("32", s) }
func (p palette) removed(s string) string { return p.wrap("31", s) }
func (p palette) warn(s string) string    { return p.wrap("1;33", s) }
func (p palette) good(s string) string    { return p.wrap("1;32", s) }

// severity colours s as things of that severity are; only the sixteen colours that every theme of a terminal sets.
func (p palette) severity(v finding.Severity, s string) string {
	return p.wrap([...]string{"", "2", "1;34", "1;33", "1;31", "1;97;41"}[v], s)
}
