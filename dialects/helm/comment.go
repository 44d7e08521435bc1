package helm

import "plumbline.dev/plumbline/dialect"

// Comments is filled in below.
func (e *estate) Comments(p string) []dialect.Comment { return nil }
