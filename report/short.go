package report

import (
	"bufio"
	"cmp"
	"io"
	"strings"

	"plumbline.dev/plumbline/finding"
)

// writeShort writes one line per finding and per problem, in the form that editors and grep understand:
// path:line:column: severity rule message [address with sets of inputs].
func writeShort(w io.Writer, in Input) error {
	out := bufio.NewWriter(w)
	p := palette(in.Colour)
	line := func(f *finding.Finding, what string) {
		out.WriteString(p.link(cmp.Or(spot(&in, f.Location), Visible(f.Resource.Unit))) + ": ")
		out.WriteString(p.severity(f.Severity, what+f.Severity.String()) + " " + p.bold(Visible(f.Rule)) + " " + Visible(f.Message))
		tail := Visible(f.Resource.Address)
		if len(f.Resource.Variants) > 0 {
			tail += " with " + Visible(strings.Join(f.Resource.Variants, ", "))
		}
		out.WriteString(p.dim(" ["+tail+"]") + "\n")
	}
	for _, f := range open(in.Report) {
		line(f, "")
	}
	for _, f := range in.strict() {
		line(f, "undecided ")
	}
	for _, b := range in.Report.Problems {
		out.WriteString(p.link(cmp.Or(spot(&in, b.Location), Visible(cmp.Or(b.Unit, in.Report.Root)))) + ": ")
		out.WriteString(p.warn("problem") + " " + string(b.Kind) + " " + Visible(b.Message) + "\n")
	}
	if in.Older+in.Apart > 0 {
		out.WriteString(p.dim(in.against()) + "\n")
	}
	return out.Flush()
}
