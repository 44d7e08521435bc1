//go:build !linux || (!amd64 && !arm64)

package cli

import (
	"runtime/debug"

	"plumbline.dev/plumbline/jobs"
)

// confine does what there is on this system: the program's own limits of memory. It takes away no files, no network and no
// calls, and lists nothing, so that whoever runs the server sees it.
func confine(_ string, l jobs.ChildLimits) ([]string, error) {
	debug.SetMemoryLimit(l.Memory * 3 / 4)
	debug.SetMaxStack(int(min(l.Memory/4, 512<<20)))
	return nil, nil
}
