package rule

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// Verdict is what a rule says of one resource.
type Verdict struct {
	Outcome finding.Outcome // the zero when Err is set

	// Idle says that the verdict is no evidence, because the rule is not about this resource: a bucket that holds no trail's logs
	// passes what is asked of one that does. A pass is idle also when nobody knows what the rule is about. No page fails
	// what it says it is not about; a test sees to that.
	Idle bool

	// Witnesses are the attributes that decided, of a pass as of a fail. The last is where a finding stands: what the rule
	// asks for first, or the innermost condition of what it forbids. Of an undecided verdict they are the unknown attributes
	// that kept it open. There are none when no attribute took part.
	Witnesses []Witness

	Err error // the rule could not be judged: its fault, or ours
}

// Witness is an attribute that took part in a verdict. The attribute may be absent; value.Nearest finds its place.
type Witness struct {
	Resource *resource.Resource
	Path     value.Path // empty for the resource as a whole
}

// Program is a rule compiled for a resource type. It may be used by several goroutines.
type Program struct {
	Rule *Rule
	Type string // the type that `this` has; empty when the expression does not know it

	eval   eval
	about  eval // nil when the rule is about every resource of the type
	set    *schema.Set
	frames *sync.Pool
}

// maxSteps bounds the work of one judgement: elements looked at and functions called.
const maxSteps = 5_000_000

var errBudget = errors.New("the expression did not end within its budget of steps")

// Judge judges one resource of a graph. It does not look at r.Maybe: what the verdict means for a resource that may not
// exist is the caller's to say.
func (p *Program) Judge(g *resource.Graph, r *resource.Resource) (v Verdict) {
	f := p.frames.Get().(*frame)
	f.graph, f.this = g, r
	f.self = place{res: r}
	defer func() {
		if x := recover(); x != nil {
			if err, ok := x.(error); ok && errors.Is(err, errBudget) {
				v = Verdict{Err: fmt.Errorf("rule %s on %s: %w", p.Rule.ID, r.Address, err)}
				return // the frame is dropped: what it holds may be half done
			}
			v = Verdict{Err: fmt.Errorf("rule %s on %s: bug: %v", p.Rule.ID, r.Address, x)}
		}
	}()
	out := p.eval(f)
	switch out.truth() {
	case yes:
		v.Outcome = finding.Pass
	case no:
		v.Outcome = finding.Fail
	case open:
		v.Outcome = finding.Undecided
	default:
		message := out.text
		if out.kind != failure {
			message = "the expression is not a bool"
		}
		v.Err = fmt.Errorf("rule %s on %s: %s", p.Rule.ID, r.Address, message)
	}
	if v.Err == nil {
		v.Witnesses = f.witnesses(v.Outcome)
	}
	if v.Err == nil && p.about != nil {
		about := p.about(f)
		switch about.truth() {
		case yes:
		case no:
			v.Idle = true
		case open:
			v.Idle = v.Outcome == finding.Pass
		default:
			v = Verdict{Err: fmt.Errorf("rule %s on %s: what it is about: %s", p.Rule.ID, r.Address, about.text)}
		}
	}
	f.reset()
	p.frames.Put(f)
	return v
}

// eval evaluates a compiled expression.
type eval func(*frame) val

// frame is the memory of one judgement.
type frame struct {
	program *Program
	graph   *resource.Graph
	this    *resource.Resource
	self    place // the body of this
	vars    []val // of the comprehensions, by slot
	args    []val // of function calls
	seen    []sighting
	places  []place // a slab; places in it are pointed to
	steps   int
	joins   map[string]val // linked.<type>, all.<type>: made once in a judgement
	tags    *val
	index   *index // of the last graph; a frame comes back for the next resource of the same one
}

// sighting is a value that was looked at.
type sighting struct {
	at      *place
	unknown bool
}

func (f *frame) reset() {
	clear(f.vars)
	clear(f.places) // what was seen points into it; the rest of f.args and f.seen is overwritten soon
	f.args, f.seen, f.places = f.args[:0], f.seen[:0], f.places[:0]
	f.graph, f.this, f.self, f.steps, f.tags = nil, nil, place{}, 0, nil
	clear(f.joins)
}

// step counts work against the budget.
func (f *frame) step() {
	if f.steps++; f.steps > maxSteps {
		panic(errBudget)
	}
}

// below makes the place that steps lead to from parent; nil when parent is.
func (f *frame) below(parent *place, steps value.Path) *place {
	if parent == nil || parent.opaque || len(steps) == 0 {
		return parent
	}
	if len(f.places) == cap(f.places) {
		f.places = make([]place, 0, 64) // the full one lives on in what points to it
	}
	f.places = append(f.places, place{parent: parent, steps: steps})
	return &f.places[len(f.places)-1]
}

// within makes the place of something computed from what stands at parent, whose parts have no places of their own.
func (f *frame) within(parent *place) *place {
	if parent == nil || parent.opaque {
		return parent
	}
	p := f.below(parent, nowhere)
	p.steps, p.opaque = nil, true
	return p
}

// nowhere stands for the steps of a place that has none of its own.
var nowhere = value.Path{{}}

// indexes are the steps into lists, shared by all paths.
var indexes = func() value.Path {
	p := make(value.Path, 256)
	for i := range p {
		p[i].Index = i
	}
	return p
}()

// element makes the place of element i.
func (f *frame) element(parent *place, i int) *place {
	if parent == nil || parent.opaque {
		return parent
	}
	if i < len(indexes) {
		return f.below(parent, indexes[i:i+1:i+1])
	}
	return f.below(parent, value.Path{{Index: i}})
}

// see records that v was looked at to decide something.
func (f *frame) see(v *val) {
	if v.at != nil {
		f.seen = append(f.seen, sighting{at: v.at, unknown: v.kind == unknown})
	}
}

// await records that a decision waits for what stands at p.
func (f *frame) await(p *place) {
	if p != nil {
		f.seen = append(f.seen, sighting{at: p, unknown: true})
	}
}

// awaitIn records the unknown parts of v that a decision waits for.
func (f *frame) awaitIn(v *val) {
	switch {
	case v.kind == unknown:
		f.await(v.at)
	case v.kind != list && v.kind != object:
	default:
		before := len(f.seen)
		for i := range v.size() {
			if len(f.seen)-before >= maxAwaited {
				return
			}
			x := f.child(v, i)
			if x.maybe {
				f.await(x.at)
			}
			f.awaitIn(&x)
		}
		if v.open() {
			if v.seq != nil && v.seq.why != nil {
				f.await(v.seq.why)
			} else {
				f.await(v.at)
			}
		}
	}
}

// maxAwaited bounds how many unknown parts of one value are named.
const maxAwaited = 8

// child returns element i of a list, or the value of key i of an object, with its place.
func (f *frame) child(v *val, i int) val {
	var x val
	switch {
	case v.seq != nil:
		x = v.seq.items[i]
	case v.kind == object:
		x = view(&v.node.Fields[i].Value, nil)
	default:
		x = v.item(i)
	}
	if x.at == nil && v.at != nil {
		if v.kind == object {
			x.at = f.below(v.at, value.Path{{Name: v.key(i)}})
		} else {
			x.at = f.element(v.at, i)
		}
	}
	return x
}

// witnesses turns what was seen into the witnesses of a verdict.
func (f *frame) witnesses(o finding.Outcome) []Witness {
	var out []Witness
	known := slices.ContainsFunc(f.seen, func(s sighting) bool { return !s.unknown })
	for _, s := range f.seen {
		if s.unknown != (o == finding.Undecided) && (known || o == finding.Undecided) {
			continue // what is known decides, and what is unknown keeps open
		}
		w := Witness{Resource: s.at.root(), Path: s.at.path()}
		if i := slices.IndexFunc(out, w.same); i >= 0 {
			out = slices.Delete(out, i, i+1) // its last place counts
		}
		out = append(out, w)
	}
	return out
}

func (w Witness) same(o Witness) bool {
	return w.Resource == o.Resource && slices.Equal(w.Path, o.Path)
}
