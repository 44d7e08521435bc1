package scan

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/source"
)

// found makes a finding from id, twin and address; what is "" stays empty.
func found(id, twin, address string) finding.Finding {
	return finding.Finding{ID: id, Twin: twin, Rule: "r", Outcome: finding.Fail, Path: "acl", Resource: finding.Resource{Address: address}}
}

func at(f finding.Finding, path string) finding.Finding {
	f.Path = path
	return f
}

func undecided(f finding.Finding) finding.Finding {
	f.Outcome = finding.Undecided
	return f
}

func TestMatch(t *testing.T) {
	type list = []finding.Finding
	tests := map[string]struct {
		before, after list
		added, gone   []string // addresses
		moved         []string // old>new
	}{
		"nothing":                 {},
		"all new":                 {after: list{found("1", "t", "a")}, added: []string{"a"}},
		"all gone":                {before: list{found("1", "t", "a")}, gone: []string{"a"}},
		"same":                    {before: list{found("1", "t", "a")}, after: list{found("1", "t", "a")}},
		"same id, changed block":  {before: list{found("1", "t", "a")}, after: list{found("1", "u", "a")}},
		"renamed":                 {before: list{found("1", "t", "a")}, after: list{found("2", "t", "b")}, moved: []string{"a>b"}},
		"renamed and changed":     {before: list{found("1", "t", "a")}, after: list{found("2", "u", "b")}, added: []string{"b"}, gone: []string{"a"}},
		"copied":                  {before: list{found("1", "t", "a")}, after: list{found("1", "t", "a"), found("2", "t", "b")}, added: []string{"b"}},
		"copied and renamed":      {before: list{found("1", "t", "a")}, after: list{found("2", "t", "b"), found("3", "t", "c")}, added: []string{"b", "c"}, gone: []string{"a"}},
		"two made one":            {before: list{found("1", "t", "a"), found("2", "t", "b")}, after: list{found("3", "t", "c")}, added: []string{"c"}, gone: []string{"a", "b"}},
		"both of two renamed":     {before: list{found("1", "t", "a"), found("2", "t", "b")}, after: list{found("3", "t", "c"), found("4", "t", "d")}, added: []string{"c", "d"}, gone: []string{"a", "b"}},
		"one of two renamed":      {before: list{found("1", "t", "a"), found("2", "t", "b")}, after: list{found("1", "t", "a"), found("4", "t", "d")}, moved: []string{"b>d"}},
		"swapped order":           {before: list{found("1", "t", "a"), found("2", "u", "b")}, after: list{found("2", "u", "b"), found("1", "t", "a")}},
		"instances renamed":       {before: list{found("1", "t", "a[0]"), found("2", "t", "a[1]")}, after: list{found("3", "t", "b[0]"), found("4", "t", "b[1]")}, moved: []string{"a[0]>b[0]", "a[1]>b[1]"}},
		"instance added":          {before: list{found("1", "t", "a[0]")}, after: list{found("1", "t", "a[0]"), found("2", "t", "a[1]")}, added: []string{"a[1]"}},
		"renamed and grown":       {before: list{found("1", "t", "a[0]")}, after: list{found("3", "t", "b[0]"), found("4", "t", "b[1]")}, added: []string{"b[1]"}, moved: []string{"a[0]>b[0]"}},
		"count introduced":        {before: list{found("1", "t", "a")}, after: list{found("3", "t", "a[0]")}, moved: []string{"a>a[0]"}},
		"count of two introduced": {before: list{found("1", "t", "a")}, after: list{found("3", "t", "a[0]"), found("4", "t", "a[1]")}, added: []string{"a[0]", "a[1]"}, gone: []string{"a"}},
		"key renamed":             {before: list{found("1", "t", `a["x"]`), found("2", "t", `a["y"]`)}, after: list{found("1", "t", `a["x"]`), found("3", "t", `a["z"]`)}, moved: []string{`a["y"]>a["z"]`}},
		"two attributes renamed": {before: list{at(found("1", "t", "a"), "p"), at(found("2", "t", "a"), "q")},
			after: list{at(found("3", "t", "b"), "q"), at(found("4", "t", "b"), "p")}, moved: []string{"a>b", "a>b"}},
		"one of two attributes left": {before: list{at(found("1", "t", "a"), "p"), at(found("2", "t", "a"), "q")},
			after: list{at(found("3", "t", "b"), "q"), at(found("4", "t", "b"), "r")}, added: []string{"b"}, gone: []string{"a"}, moved: []string{"a>b"}},
		"attribute changed its path": {before: list{at(found("1", "t", "a"), "p[0]")}, after: list{at(found("2", "t", "a"), "p[1]")}, moved: []string{"a>a"}},
		"module renamed":             {before: list{found("1", "t", `module.m["k"].a`)}, after: list{found("2", "t", `module.n["k"].a`)}, moved: []string{`module.m["k"].a>module.n["k"].a`}},
		"without twin":               {before: list{found("1", "", "a")}, after: list{found("2", "", "b")}, added: []string{"b"}, gone: []string{"a"}},
		"without id":                 {before: list{found("", "t", "a")}, after: list{found("", "u", "b")}, added: []string{"b"}, gone: []string{"a"}},
		"undecided became fail":      {before: list{undecided(found("1", "t", "a"))}, after: list{found("1", "t", "a")}, added: []string{"a"}, gone: []string{"a"}},
		"fail and undecided kept":    {before: list{undecided(found("1", "t", "a")), found("1", "t", "a")}, after: list{found("1", "t", "a"), undecided(found("1", "t", "a"))}},
		"same id twice, one more":    {before: list{found("1", "t", "a")}, after: list{found("1", "u", "a"), found("1", "t", "a")}, added: []string{"a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			added, gone, moved := Match(tt.before, tt.after)
			addresses := func(list []finding.Finding) (out []string) {
				for _, f := range list {
					out = append(out, f.Resource.Address)
				}
				return out
			}
			var moves []string
			for _, m := range moved {
				moves = append(moves, m.Old.Resource.Address+">"+m.New.Resource.Address)
			}
			if diff := cmp.Diff(tt.added, addresses(added)); diff != "" {
				t.Errorf("added (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.gone, addresses(gone)); diff != "" {
				t.Errorf("gone (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.moved, moves); diff != "" {
				t.Errorf("moved (-want +got):\n%s", diff)
			}
			if len(tt.before)-len(gone) != len(tt.after)-len(added) {
				t.Error("not one to one")
			}
		})
	}
}

func TestMatchPrefersEqualText(t *testing.T) {
	a, b := found("1", "t", "a"), found("1", "u", "a")
	added, _, _ := Match([]finding.Finding{a}, []finding.Finding{b, a})
	if len(added) != 1 || added[0].Twin != "u" {
		t.Errorf("added %v", added)
	}
}

func TestSpot(t *testing.T) {
	tests := map[string]string{
		"a.b":                     "p",
		"a.b[0]":                  "p[0]",
		`module.m["k"].a.b[1]`:    `p["k"][1]`,
		`a["x]\"["].b["a"]`:       `p["x]\"["]["a"]`,
		`module.m[0].a["a.b[0]"]`: `p[0]["a.b[0]"]`,
	}
	for address, want := range tests {
		if got := finding.Spot("p", address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

// estate makes findings of many shapes: several instances of one block, several attributes, several units.
func estate(r *rand.Rand) []finding.Finding {
	var out []finding.Finding
	for block := range 1 + r.IntN(8) {
		unit := fmt.Sprintf("unit%d", r.IntN(2))
		text := fmt.Sprintf("text %d", r.IntN(4)) // blocks with the same text are common
		for instance := range 1 + r.IntN(3) {
			address := fmt.Sprintf("aws_x.b%d[%d]", block, instance)
			for attribute := range 1 + r.IntN(2) {
				path := fmt.Sprintf("p%d", attribute)
				start := r.IntN(10_000)
				out = append(out, finding.Finding{
					ID: finding.Identify("rule", unit, address, path), Twin: finding.Twin("rule", text), Rule: "rule",
					Outcome: finding.Fail + finding.Outcome(r.IntN(2)), Path: path,
					Resource: finding.Resource{Address: address, Unit: unit},
					Location: finding.Location{Range: source.Range{File: unit + "/main.tf", Start: start, End: start + 5}},
				})
			}
		}
	}
	return out
}

// TestLineMovesLoseNothing moves lines, renames files, and changes order and even the text of blocks.
func TestLineMovesLoseNothing(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		before := estate(r)
		baseline := NewBaseline(before)
		after := append([]finding.Finding{}, before...)
		for i := range after {
			f := &after[i]
			f.Location.File = fmt.Sprintf("file%d.tf", r.IntN(3))
			f.Location.Start += r.IntN(1000)
			f.Location.End = f.Location.Start + 9
			if r.IntN(4) == 0 {
				f.Twin = finding.Twin("rule", fmt.Sprint("edited ", r.IntN(3)))
			}
		}
		r.Shuffle(len(after), func(i, j int) { after[i], after[j] = after[j], after[i] })
		if added, gone, moved := Match(before, after); len(added)+len(gone)+len(moved) != 0 {
			t.Fatalf("seed %d: %d added, %d gone, %d moved", seed, len(added), len(gone), len(moved))
		}
		fresh := finding.Finding{ID: "new", Twin: before[0].Twin, Rule: "rule", Outcome: finding.Fail, Resource: finding.Resource{Address: "aws_x.new"}}
		entryOf, used := baseline.accept(append(after, fresh))
		for i, e := range entryOf[:len(after)] {
			if e < 0 || baseline.Entries[e].ID != after[i].ID {
				t.Fatalf("seed %d: %s lost its entry", seed, after[i].Resource.Address)
			}
		}
		if entryOf[len(after)] >= 0 {
			t.Fatalf("seed %d: a new finding hid behind the baseline", seed)
		}
		for i := range used {
			if !used[i] {
				t.Fatalf("seed %d: entry %d counts as unused", seed, i)
			}
		}
	}
}

// TestMatchIsOneToOne holds for any renames.
func TestMatchIsOneToOne(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 2))
		before, after := estate(r), estate(r)
		from := finding.Pair(keysOf(before), keysOf(after))
		seen := map[int]bool{}
		for i, o := range from {
			if o < 0 {
				continue
			}
			if seen[o] {
				t.Fatalf("seed %d: %d is given twice", seed, o)
			}
			seen[o] = true
			if before[o].Outcome != after[i].Outcome || before[o].ID != after[i].ID && before[o].Twin != after[i].Twin {
				t.Fatalf("seed %d: %v and %v have nothing in common", seed, before[o], after[i])
			}
		}
	}
}
