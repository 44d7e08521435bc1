package report

import (
	"cmp"
	"slices"
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// same is what instances of one declaration have in common when they break a rule for the same reason.
type same struct {
	rule, message, path string
	at                  source.Range
	address             string // only when there is no place
	suppressed          bool
}

// group is one finding for people: the findings of all instances and units that one piece of text causes.
type group struct {
	*finding.Finding // the first of them
	all              []*finding.Finding
}

// grouped joins findings that say the same of the same text, in order of their first.
func grouped(fs []*finding.Finding) []*group {
	var out []*group
	index := make(map[same]*group, len(fs))
	for _, f := range fs {
		k := same{rule: f.Rule, message: f.Message, path: f.Path, at: f.Location.Range, suppressed: f.Suppression != nil}
		if f.Location.IsZero() {
			k.address = f.Resource.Address
		}
		g := index[k]
		if g == nil {
			g = &group{Finding: f}
			index[k] = g
			out = append(out, g)
		}
		g.all = append(g.all, f)
	}
	return out
}

// block is the findings of one declaration in one file.
type block struct {
	name   string
	groups []*group
}

// section is the findings of one file.
type section struct {
	file   string // empty for findings without a place
	blocks []*block
	count  int // of findings, instances included
}

// sections orders findings for reading: by file, then by declaration in the order of the file, then worst first.
func sections(fs []*finding.Finding) []*section {
	var out []*section
	byFile := make(map[string]*section)
	type declaration struct {
		file string // of the findings
		at   source.Range
		name string // when the declaration has no place
	}
	blocks := make(map[declaration]*block)
	for _, g := range grouped(fs) {
		s := byFile[g.Location.File]
		if s == nil {
			s = &section{file: g.Location.File}
			byFile[s.file] = s
			out = append(out, s)
		}
		d := declaration{file: s.file, at: g.Resource.Range.Range}
		if d.at.IsZero() {
			d.name = g.Resource.Address
		}
		b := blocks[d]
		if b == nil {
			b = &block{}
			blocks[d] = b
			s.blocks = append(s.blocks, b)
		}
		b.groups = append(b.groups, g)
		s.count += len(g.all)
	}
	slices.SortFunc(out, func(a, b *section) int {
		if (a.file == "") != (b.file == "") {
			return len(b.file) - len(a.file) // the ones without a file last
		}
		return strings.Compare(a.file, b.file)
	})
	for _, s := range out {
		for _, b := range s.blocks {
			b.name = b.title()
			slices.SortStableFunc(b.groups, func(x, y *group) int {
				return cmp.Or(cmp.Compare(y.Severity, x.Severity), cmp.Compare(x.Location.Start, y.Location.Start), strings.Compare(x.Rule, y.Rule))
			})
		}
		slices.SortStableFunc(s.blocks, func(a, b *block) int { return cmp.Compare(a.start(s.file), b.start(s.file)) })
	}
	return out
}

// start is where the block's declaration begins, or its first finding when the declaration is in another file.
func (b *block) start(file string) int {
	if r := b.groups[0].Resource.Range; r.File == file {
		return r.Start
	}
	first := b.groups[0].Location.Start
	for _, g := range b.groups {
		first = min(first, g.Location.Start)
	}
	return first
}

// title is the address when there is but one, else what the addresses of all instances have in common.
func (b *block) title() string {
	name := b.groups[0].Resource.Address
	for _, g := range b.groups {
		for _, f := range g.all {
			if f.Resource.Address != name {
				return declared(name)
			}
		}
	}
	return name
}

// declared strips module calls and the instance key from a Terraform address: what stands in the file of the module.
func declared(address string) string {
	parts := splitAddress(address)
	for len(parts) > 2 && parts[0] == "module" {
		parts = parts[2:]
	}
	last := parts[len(parts)-1]
	if i := strings.IndexByte(last, '['); i > 0 {
		parts[len(parts)-1] = last[:i]
	}
	return strings.Join(parts, ".")
}

// splitAddress cuts an address at the dots that are not inside of an instance key.
func splitAddress(address string) []string {
	var parts []string
	start, quoted, depth := 0, false, 0
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && depth > 0:
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == '.' && depth == 0:
			parts = append(parts, address[start:i])
			start = i + 1
		}
	}
	return append(parts, address[start:])
}
