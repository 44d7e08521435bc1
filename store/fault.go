package store

import "fmt"

// FaultKind is why something is refused. The API turns each into one status of HTTP.
type FaultKind string

// The kinds of faults.
const (
	Invalid   FaultKind = "invalid"   // what was asked makes no sense
	Forbidden FaultKind = "forbidden" // seen, but not to be changed by this one
	NotFound  FaultKind = "not-found" // not there, or outside of the scope: nobody learns which
	Conflict  FaultKind = "conflict"  // not as things are now
	Limited   FaultKind = "limited"   // too much or too often
)

// Fault is a refusal whose text is for the person who asked: what, where, and what to do.
type Fault struct {
	Kind FaultKind
	Text string
}

func (f *Fault) Error() string { return f.Text }

// Refuse makes a Fault.
func Refuse(kind FaultKind, format string, args ...any) error {
	return &Fault{kind, fmt.Sprintf(format, args...)}
}
