// Package schema knows the resource types of the clouds: names, types and flags of their attributes, the effective value
// of an attribute that was not written, and which attribute names another resource.
//
// The knowledge is data: sorted text in the folder data, embedded, found by binary search and decoded type by type when
// asked for, so that starting the program costs nothing. Folder generate makes the tables that are not kept by hand.
package schema

import (
	"iter"
	"slices"
	"strings"
	"sync"
)

// Nesting says whether an attribute is a plain value or holds attributes of its own, and how often it occurs.
type Nesting uint8

// The nestings. The evaluated body holds One and Single as objects, List and Unordered as lists of objects.
const (
	None      Nesting = iota // a plain attribute
	One                      // a block that occurs at most once; a list of one element in references: x.block[0].attr
	List                     // a block that may repeat, or a computed list of objects
	Unordered                // the same without order: a set
	Single                   // an object, in references too: x.timeouts.create
)

var nestingNames = [...]string{"none", "one", "list", "set", "single"}

func (n Nesting) String() string { return nestingNames[n] }

// Attribute is an attribute or a block of a resource type. Optional and Computed together: the cloud chooses when nothing
// is written. Computed alone: it cannot be written.
type Attribute struct {
	Name                         string
	Required, Optional, Computed bool
	Type                         Type        // of blocks: object, list(object) or set(object)
	Nesting                      Nesting     // None for plain attributes
	Attributes                   []Attribute // of blocks, sorted by name; shared, never to be changed
}

// Attribute returns the attribute of that name in a block, or nil.
func (a *Attribute) Attribute(name string) *Attribute { return lookup(a.Attributes, name) }

// Resource is a resource type.
type Resource struct {
	Name       string      // aws_s3_bucket, data.aws_ami, provider.aws, variable, backend.s3
	Attributes []Attribute // sorted by name; shared, never to be changed
}

// Attribute returns the attribute of that name, or nil.
func (r *Resource) Attribute(name string) *Attribute { return lookup(r.Attributes, name) }

// At returns the attribute that the names lead to, through blocks of any nesting, or nil. Without names it returns nil.
func (r *Resource) At(path ...string) *Attribute {
	attributes := r.Attributes
	var a *Attribute
	for _, name := range path {
		if a = lookup(attributes, name); a == nil {
			return nil
		}
		attributes = a.Attributes
	}
	return a
}

func lookup(attributes []Attribute, name string) *Attribute {
	i, ok := slices.BinarySearchFunc(attributes, name, func(a Attribute, n string) int { return strings.Compare(a.Name, n) })
	if !ok {
		return nil
	}
	return &attributes[i]
}

// Set is every resource type that is known, with defaults and links. Make it with Load. It may be used by several
// goroutines.
type Set struct {
	mu        sync.RWMutex
	resources map[string]*Resource
	defaults  map[string]map[string]pair
	links     map[string][]Link
	names     map[string]*Names
}

// Load returns the embedded tables. It reads nothing yet and costs next to nothing; what is decoded later is remembered by
// the Set that it returns.
func Load() *Set {
	return &Set{
		resources: make(map[string]*Resource),
		defaults:  make(map[string]map[string]pair),
		links:     make(map[string][]Link),
		names:     make(map[string]*Names),
	}
}

// Resource returns the type of that name, or nil when it is unknown. Data sources are "data.aws_ami".
func (s *Set) Resource(name string) *Resource {
	s.mu.RLock()
	r := s.resources[name]
	s.mu.RUnlock()
	if r != nil {
		return r
	}
	for _, t := range types {
		for key, text := range t.rows(name) {
			r = &Resource{Name: key, Attributes: decode(text)}
		}
	}
	for key, text := range table(versions).rows(name) {
		if more := decode(text); r == nil {
			r = &Resource{Name: key, Attributes: more}
		} else {
			r.Attributes = merge(r.Attributes, more)
		}
	}
	if r == nil {
		return nil // not remembered: names come from input, and there is no end to them
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.resources[name]; known != nil {
		return known
	}
	s.resources[r.Name] = r
	return r
}

// Types yields the names of all types, sorted within each provider; types that providers gave up come last.
func (s *Set) Types() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, t := range types {
			for name := range t.all() {
				if !yield(name) {
					return
				}
			}
		}
		for name := range table(versions).all() {
			if !tabulated(name) && !yield(name) {
				return
			}
		}
	}
}

// tabulated says whether one of the tables of types has the name.
func tabulated(name string) bool {
	for _, t := range types {
		for range t.rows(name) {
			return true
		}
	}
	return false
}

// Suggest returns the known type nearest to a misspelt name, or "" when none is near. It looks at every name.
func (s *Set) Suggest(name string) string {
	best, bound := "", max(1, len(name)/4)+1
	for t := range s.Types() {
		if d := distance(name, t, bound); d < bound {
			best, bound = t, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that lead from a to b; it gives up with
// bound when they are not fewer than that.
func distance(a, b string, bound int) int {
	if len(a)-len(b) >= bound || len(b)-len(a) >= bound {
		return bound
	}
	before, last, now := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		now[0] = i + 1
		least := now[0]
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			now[j+1] = min(now[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
			least = min(least, now[j+1])
		}
		if least >= bound {
			return bound
		}
		before, last, now = last, now, before
	}
	return last[len(b)]
}
