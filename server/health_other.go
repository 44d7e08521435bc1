//go:build !linux && !darwin

package server

import "math"

// freeBytes is not known on this system: it counts as enough.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }
