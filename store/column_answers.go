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
}

// maxAnswers bounds the memory of the answers of one organisation, in bytes; beyond it all of them go.
const maxAnswers = 96 << 20

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
		if a.size += size(value) + len(question) + 100; a.size > maxAnswers {
			a.all, a.size = nil, 0
		}
	})
	if e.err != nil {
		var none T
		return none, e.err
	}
	return e.value.(T), nil
}

func sizeOfRows(r rowSet) int { return 8 * len(r) }
