// Package fix turns wishes into proved changes of text. The dialect lowers a wish to edits; here the edits are tried out in
// memory, and a fix is offered only when it went through five gates:
//
//  1. The files parse and evaluate: no problem is there that was not there before.
//  2. The finding became a pass. It is not undecided, and not gone because its resource is.
//  3. No other verdict became a fail, in any unit that reads an edited file, new resources fail no rule, and no fail is gone
//     that somebody suppressed: it was meant to be so. (A pass may become undecided: versioning that is switched on asks
//     for MFA delete, of which a template says nothing.)
//  4. In the evaluated resources nothing changed but what was declared: the wished attributes, the companions, and what
//     shares the text that was edited, which the fix names.
//  5. Wishing again changes nothing more. (That all other bytes stay is the nature of an edit.)
//
// Trying out costs an evaluation of the units that read an edited file, so that many fixes are tried at once; batch.go says
// why each of them then holds alone.
package fix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// Key names a verdict inside a unit.
type Key struct {
	Rule    string
	Address string
}

// Verdicts are what the rules say about a unit.
type Verdicts map[Key]finding.Outcome

// Prover proves fixes in one estate. Its fields are set by the maker; it belongs to one goroutine.
type Prover struct {
	Estate   dialect.Estate
	Units    []*dialect.Unit                // every unit of the estate, evaluated
	File     func(path string) *source.File // the content that the estate was opened with; nil when it cannot be read
	Judge    func(u *dialect.Unit) Verdicts // judges a unit with every rule that is on
	Rules    func(typ string) []*rule.Rule  // the rules on a resource type
	Problems []source.Problem               // met when the estate was opened

	// Suppressed returns where somebody decided that a fail shall stay, and "" for one that may go; nil means that all may.
	Suppressed func(u *dialect.Unit, key Key) string

	verdicts map[*dialect.Unit]Verdicts // judged before any fix
	problems map[*dialect.Unit]map[string]int
	words    map[*rule.Rule]words
	reachAll []*rule.Rule
	trials   int // evaluations of units
	work     int // resources in them
}

// Wish is what shall be mended: a finding and the changes that its rule wishes for.
type Wish struct {
	Unit    *dialect.Unit
	Key     Key
	Changes []resource.Change

	also []value.Path // what the dialect says changes with it
}

// Fix is a change of text that mends one or more findings. It is proved when Err is nil after Prove.
type Fix struct {
	Wishes []Wish        // what it mends; several when instances, callers or sets of inputs share the text
	Title  string        // what is wished, in the words of the dialect
	Edits  []source.Edit // by file and position
	Shared []string      // addresses of other resources that change too, sorted; before Prove those that might
	Err    error         // why it is not offered
}

// Lower makes fixes of wishes. Wishes for one finding under several sets of inputs become one fix, and so do wishes that
// are lowered to the same edits. A wish that cannot be lowered is a fix with an error.
func Lower(wishes []Wish) []*Fix {
	var fixes []*Fix
	byFinding := make(map[string]*Fix)
	for _, w := range wishes {
		id := w.Unit.Name.Dir + "\x00" + w.Key.Rule + "\x00" + w.Key.Address
		f := byFinding[id]
		if f == nil {
			f = &Fix{}
			byFinding[id] = f
			fixes = append(fixes, f)
		}
		f.Wishes = append(f.Wishes, w)
		if f.Err != nil {
			continue
		}
		lowered, err := lower(w)
		switch {
		case err != nil:
			f.Err = err
		case len(lowered.Edits) == 0:
			f.Err = fmt.Errorf("%s already has what %s wishes for", w.Key.Address, w.Key.Rule)
		default:
			f.Shared = append(f.Shared, lowered.Shared...)
			f.Wishes[len(f.Wishes)-1].also = lowered.Also
			f.Title = lowered.Title
			f.Err = f.join(lowered.Edits)
		}
	}
	byEdits := make(map[string]*Fix)
	out := fixes[:0]
	for _, f := range fixes {
		if f.Err == nil {
			key := f.key()
			if same := byEdits[key]; same != nil {
				same.Wishes = append(same.Wishes, f.Wishes...)
				same.Shared = append(same.Shared, f.Shared...)
				continue
			}
			byEdits[key] = f
		}
		out = append(out, f)
	}
	for _, f := range out {
		f.Title = title(f)
	}
	return out
}

func lower(w Wish) (dialect.Lowered, error) {
	r := w.Unit.Graph.ByAddress(w.Key.Address)
	if r == nil {
		return dialect.Lowered{}, fmt.Errorf("there is no %s", w.Key.Address)
	}
	return w.Unit.Edit(r, w.Changes)
}

// join adds edits. The same edit twice is one; different edits of one place contradict each other.
func (f *Fix) join(edits []source.Edit) error {
	for _, e := range edits {
		if slices.Contains(f.Edits, e) {
			continue
		}
		for _, have := range f.Edits {
			if have.Range.Overlaps(e.Range) && have.Range.Start != have.Range.End {
				return fmt.Errorf("the sets of inputs would need different changes at one place of %s", e.Range.File)
			}
		}
		f.Edits = append(f.Edits, e)
	}
	slices.SortStableFunc(f.Edits, func(a, b source.Edit) int {
		return cmp.Or(cmp.Compare(a.Range.File, b.Range.File), cmp.Compare(a.Range.Start, b.Range.Start))
	})
	return nil
}

func (f *Fix) key() string {
	var b strings.Builder
	for _, e := range f.Edits {
		fmt.Fprintf(&b, "%s\x00%d\x00%d\x00%s\x00", e.Range.File, e.Range.Start, e.Range.End, e.Text)
	}
	return b.String()
}

// target returns the resource that a wish is about.
func (w *Wish) target() *resource.Resource { return w.Unit.Graph.ByAddress(w.Key.Address) }

// elsewhere reports whether some edit is outside of the declarations of the targets.
func (f *Fix) elsewhere() (file string, is bool) {
	for _, e := range f.Edits {
		if !slices.ContainsFunc(f.Wishes, func(w Wish) bool { return w.touches(e.Range) }) {
			return e.Range.File, true
		}
	}
	return "", false
}

// touches reports whether an edit is in the target's declaration, or writes a companion right behind it.
func (w *Wish) touches(r source.Range) bool {
	t := w.target()
	if t == nil {
		return false
	}
	return t.Range.Contains(r) || w.creates() && r.Start == r.End && r.File == t.Range.File
}

func (w *Wish) creates() bool {
	return slices.ContainsFunc(w.Changes, func(c resource.Change) bool { return c.Op == resource.Create })
}

// title says what a fix does, in one line.
func title(f *Fix) string {
	var parts []string
	for _, c := range f.Wishes[0].Changes {
		switch c.Op {
		case resource.Set:
			text := value.Show(&c.Value)
			if len(text) > 60 {
				parts = append(parts, "set "+c.Path.String())
			} else {
				parts = append(parts, "set "+c.Path.String()+" to "+text)
			}
		case resource.Create:
			if slices.ContainsFunc(f.Edits, func(e source.Edit) bool { return strings.Contains(e.Text, c.New.Type) }) {
				parts = append(parts, "create "+c.New.Type)
			} else {
				parts = append(parts, "complete "+c.New.Type)
			}
		default:
			parts = append(parts, string(c.Op)+" "+c.Path.String())
		}
	}
	text := cmp.Or(f.Title, strings.Join(parts, ", "))
	if file, is := f.elsewhere(); is {
		text += " where it is written, in " + file
	}
	return text
}
