package azure

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/source"
)

// Comments returns the comments of a file in order.
func (e *bicepEstate) Comments(path string) []dialect.Comment {
	f := e.files[path]
	if f == nil {
		e.found.mu.Lock()
		f = e.found.files[path]
		e.found.mu.Unlock()
	}
	if f == nil || len(f.tree.Comments) == 0 {
		return nil
	}
	all, blocks := f.constructs()
	out := make([]dialect.Comment, len(f.tree.Comments))
	line := func(offset int) int { return f.source.Position(offset).Line }
	for i, s := range slices.Backward(f.tree.Comments) {
		c := dialect.Comment{Range: f.at(s), Text: commentText(string(f.source.Bytes[s.Start:s.End])), Alone: f.startsLine(s.Start)}
		after, _ := slices.BinarySearchFunc(blocks, s.Start+1, func(b bicep.Span, at int) int { return b.Start - at })
		if after > 0 && blocks[after-1].Contains(s) {
			c.Block = f.at(blocks[after-1])
		}
		switch next := line(s.End) + 1; {
		case !c.Alone:
			c.Target = f.beside(all, s)
		case i+1 < len(out) && out[i+1].Alone && line(out[i+1].Range.Start) == next:
			c.Target = out[i+1].Target
		default:
			c.Target = f.startingOn(all, f.source.Line(next))
		}
		out[i] = c
	}
	return out
}

// commentText takes the marks off a comment.
func commentText(s string) string {
	if inner, ok := strings.CutPrefix(s, "/*"); ok {
		return strings.TrimSpace(strings.TrimLeft(strings.TrimSuffix(inner, "*/"), "*"))
	}
	return strings.TrimSpace(strings.TrimLeft(s, "/"))
}

// startsLine reports whether only white space stands before the offset on its line.
func (f *bicepFile) startsLine(offset int) bool {
	before := strings.TrimRight(string(f.source.Bytes[f.lineStart(offset):offset]), " \t")
	return before == "" || before == "\ufeff"
}

func (f *bicepFile) lineStart(offset int) int {
	return f.source.Line(f.source.Position(offset).Line).Start
}

// constructs returns everything that a comment can belong to, by place and the larger first, and the declarations.
func (f *bicepFile) constructs() (all, declarations []bicep.Span) {
	add := func(s bicep.Span) { all = append(all, s) }
	var expr func(e bicep.Expr)
	declaration := func(d *bicep.Declaration) {
		add(d.Whole())
		for _, x := range d.Decorators {
			add(x.Span)
		}
		if len(d.Decorators) > 0 {
			add(d.Span)
		}
		expr(d.Value)
	}
	expr = func(e bicep.Expr) {
		switch x := e.(type) {
		case *bicep.Object:
			for _, m := range x.Members {
				add(m.Span)
				expr(m.Value)
			}
			for _, d := range x.Resources {
				declaration(d)
			}
		case *bicep.Array:
			for _, i := range x.Items {
				add(i.Extent())
				expr(i)
			}
		case *bicep.Spread:
			expr(x.Value)
		case *bicep.For:
			expr(x.Body)
		case *bicep.If:
			expr(x.Body)
		case *bicep.Paren:
			expr(x.Value)
		case *bicep.NotNull:
			expr(x.Value)
		case *bicep.Conditional:
			expr(x.Then)
			expr(x.Else)
		case *bicep.Lambda:
			expr(x.Body)
		case *bicep.Call:
			for _, a := range x.Args {
				expr(a)
			}
		}
	}
	for _, d := range f.tree.Declarations {
		declarations = append(declarations, d.Whole())
		declaration(d)
	}
	slices.SortFunc(all, func(a, b bicep.Span) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return b.End - a.End
	})
	return all, declarations
}

// startingOn returns the outermost construct that starts on a line; the zero Range when there is none.
func (f *bicepFile) startingOn(all []bicep.Span, line source.Range) source.Range {
	i, _ := slices.BinarySearchFunc(all, line.Start, func(s bicep.Span, start int) int { return s.Start - start })
	if !line.IsZero() && i < len(all) && all[i].Start <= line.End {
		return f.at(all[i])
	}
	return source.Range{}
}

// beside returns what a comment at the end of a line belongs to: what starts on the line, else the smallest construct that
// the line lies in.
func (f *bicepFile) beside(all []bicep.Span, comment bicep.Span) source.Range {
	line := f.source.Line(f.source.Position(comment.Start).Line)
	if r := f.startingOn(all, line); !r.IsZero() && r.Start < comment.Start {
		return r
	}
	var best source.Range
	for _, s := range all {
		if s.Start > line.Start {
			break
		}
		if s.End > line.Start && (best.IsZero() || s.End-s.Start <= best.End-best.Start) {
			best = f.at(s)
		}
	}
	return best
}
