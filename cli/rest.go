package cli

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The program lets garbage grow, because a scan is over before it matters. A process that stays gives back what a burst of work left
// behind once it has been calm for a while.
const (
	restLook  = 10 * time.Second
	restCalm  = 4 << 20  // bytes made between two looks: health checks and polling are less
	restWorth = 16 << 20 // bytes made since memory was given back
)

// rest gives memory back to the system whenever there is little to do, until the context ends.
func rest(ctx context.Context) {
	made := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	look := time.NewTicker(restLook)
	defer look.Stop()
	var before, given uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		metrics.Read(made)
		now := made[0].Value.Uint64()
		if now-before < restCalm && now-given > restWorth {
			debug.FreeOSMemory()
			given = now
		}
		before = now
	}
}
