package source_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/source"
)

func TestNewProblems(t *testing.T) {
	at := func(kind source.ProblemKind, file string, start int, message string) source.Problem {
		return source.Problem{Kind: kind, Range: source.Range{File: file, Start: start, End: start}, Message: message}
	}
	before := []source.Problem{at(source.Invalid, "a", 1, "bad"), at(source.Limit, "a", 2, "long")}
	now := []source.Problem{
		at(source.Invalid, "a", 7, "bad"), // it has only moved
		at(source.Invalid, "a", 2, "long"),
		at(source.Invalid, "b", 1, "bad"),
		at(source.Invalid, "a", 1, "worse"),
	}
	if diff := cmp.Diff(now[1:], source.NewProblems(now, before)); diff != "" {
		t.Error(diff)
	}
}
