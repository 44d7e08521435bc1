package report

import (
	"bufio"
	"cmp"
	"io"
)

// writeShort writes one line per finding and per problem, in the form that editors and grep understand:
// path:line:column: severity rule message [address].
func writeShort(w io.Writer, in Input) error {
	out := bufio.NewWriter(w)
	p := palette(in.Colour)
	for _, f := range open(in.Report) {
		out.WriteString(p.link(cmp.Or(spot(&in, f.Location), Visible(f.Resource.Unit))) + ": ")
		out.WriteString(p.severity(f.Severity, f.Severity.String()) + " " + p.bold(Visible(f.Rule)) + " " + Visible(f.Message))
		out.WriteString(p.dim(" ["+Visible(f.Resource.Address)+"]") + "\n")
	}
	for _, b := range in.Report.Problems {
		out.WriteString(p.link(cmp.Or(spot(&in, b.Location), Visible(cmp.Or(b.Unit, in.Report.Root)))) + ": ")
		out.WriteString(p.warn("problem") + " " + string(b.Kind) + " " + Visible(b.Message) + "\n")
	}
	return out.Flush()
}
