package modules

import (
	"errors"
	"fmt"

	"plumbline.dev/plumbline/outbound"
)

// Hosts says what may be reached.
type Hosts = outbound.Hosts

// ParseHosts reads the list of --modules-hosts, see outbound.Parse.
func ParseHosts(list []string) (Hosts, error) { return outbound.Parse(list, "--modules-hosts") }

// problemError is why a module cannot be had, in words for people; it holds no secrets.
type problemError struct {
	text  string
	limit bool // a budget ended the work
}

func (e *problemError) Error() string { return e.text }

func failure(format string, args ...any) error {
	return &problemError{text: fmt.Sprintf(format, args...)}
}

func exceeded(format string, args ...any) error {
	return &problemError{text: fmt.Sprintf(format, args...), limit: true}
}

// plain returns the reason of an error without the address that it happened at: a query may hold a signature.
func plain(err error) error {
	if p, ok := errors.AsType[*problemError](err); ok {
		return p
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
