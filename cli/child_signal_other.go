//go:build !unix

package cli

import "os"

// notifySpent does nothing: processor time is not counted here.
func notifySpent(chan<- os.Signal) {}
