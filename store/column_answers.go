package store

import "sync"

// answers keeps what was computed from columns until they change. Several who ask for the same wait for one who computes it.
type answers struct {
	mu   sync.Mutex
	all  map[string]*answer
	size int
}

type answer struct {
	once  sync.Once
	value any
	err   error
	size  int
}

// maxAnswers bounds the memory of the answers of one organisation, in bytes; beyond it all of them go.
const maxAnswers = 96 << 20

// follower is an answer that need not be forgotten when few rows change. Those of a lower order are asked first.
type follower interface {
	order() int
	follow(changed []int, size int) bool
}

// follow keeps the answers that can follow a change of some rows, and forgets the others. Nobody may ask meanwhile.
func (a *answers) follow(changed []int, size int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for order := range 3 {
		for question, e := range a.all {
			f, ok := e.value.(follower)
			if ok && f.order() != order {
				continue
			}
			if !ok || !f.follow(changed, size) {
				delete(a.all, question)
				a.size -= e.size
			}
		}
	}
}

func (a *answers) clear() {
	a.mu.Lock()
	a.all, a.size = nil, 0
	a.mu.Unlock()
}

// cached returns the answer to a question, and computes it when nobody has; size estimates its bytes. Answers are shared and must not be changed.
func cached[T any](a *answers, question string, size func(T) int, compute func() (T, error)) (T, error) {
	a.mu.Lock()
	e := a.all[question]
	if e == nil {
		e = &answer{}
		if a.all == nil {
			a.all = map[string]*answer{}
		}
		a.all[question] = e
	}
	a.mu.Unlock()
	e.once.Do(func() {
		value, err := compute()
		e.value, e.err = value, err
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.all[question] != e {
			return
		}
		if err != nil { // of one who gave up, perhaps: the next one tries again
			delete(a.all, question)
			return
		}
		e.size = size(value) + len(question) + 100
		if a.size += e.size; a.size > maxAnswers {
			a.all, a.size = nil, 0
		}
	})
	if e.err != nil {
		var none T
		return none, e.err
	}
	return e.value.(T), nil
}

func sizeOfRows(f *rowTerm) int   { return 8 * len(f.rows) }
func sizeOfMatch(f *rowMatch) int { return 8 * len(f.rows) }
