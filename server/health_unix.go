//go:build linux || darwin

package server

import (
	"fmt"
	"syscall"
)

// freeBytes is how much an ordinary user may still write to the disk of a directory.
func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
