package store

// Forget makes the next question read the columns of an organisation anew, as another process would.
func Forget(s *Store, organisation ID) { s.forget(organisation) }
