//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// notifySpent tells when the processor time of the process is used up.
func notifySpent(spent chan<- os.Signal) { signal.Notify(spent, syscall.SIGXCPU) }
