package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A scan lives for a fraction of a second, so most of what it throws away need never be collected. tuneMemory lets garbage
// grow to a fixed allowance, whatever the heap is: a small scan is hardly collected at all, and a large one takes not much
// more than what it holds.
const (
	allowance  = 96 << 20 // bytes of garbage
	minPercent = 40
	maxPercent = 800
)

// tuneMemory sets the target of the next collection, now and after each one.
func tuneMemory() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var tune func()
	tune = func() {
		metrics.Read(live)
		percent := 100 * allowance / max(live[0].Value.Uint64(), 1)
		debug.SetGCPercent(int(min(max(percent, minPercent), maxPercent)))
		// The cleanup of an unreachable object runs after the next collection.
		runtime.AddCleanup(new(*int), func(int) { tune() }, 0)
	}
	debug.SetGCPercent(maxPercent)
	tune()
}
