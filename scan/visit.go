package scan

import (
	"context"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// Visited is what Visit met besides units.
type Visited struct {
	Problems []finding.Problem
	Files    func(path string) *source.File // a file that was read, nil when it was not
}

// Visit evaluates every unit that was asked for, judges nothing, and hands the units to visit one after the other. Rules may be nil.
func Visit(ctx context.Context, o Options, visit func(*dialect.Unit) error) (*Visited, error) {
	s, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	var problems []unitProblem
	read := make(map[string]bool)
	for i, e := range s.estates {
		for _, name := range s.unitsOf(i) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			u := e.Evaluate(ctx, name)
			if !s.holds(name, u.Reads) {
				continue
			}
			for _, f := range u.Reads.Files {
				read[f] = true
			}
			for _, p := range u.Problems {
				problems = append(problems, unitProblem{p, name.Dir})
			}
			if err := visit(u); err != nil {
				return nil, err
			}
		}
	}
	problems = append(s.about(s.problems, func(file string) bool { return read[file] }), problems...)
	return &Visited{Problems: s.places(problems), Files: s.file}, nil
}
