package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite "modernc.org/sqlite"
)

// Outage is why the database cannot do what it is asked, whatever that is.
type Outage string

// The outages.
const (
	Gone Outage = "gone" // not reached, stopping, starting, or locked by somebody else
	Full Outage = "full" // there is no room on its disk
)

// primary codes of SQLite's results.
const (
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteReadOnly = 8
	sqliteIO       = 10
	sqliteFull     = 13
	sqliteCantOpen = 14
)

// OutageOf tells whether an error is the surroundings' and not the request's: "" when it is not.
func OutageOf(err error) Outage {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return Full
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqliteFull:
			return Full
		case sqliteBusy, sqliteLocked, sqliteReadOnly, sqliteIO, sqliteCantOpen:
			return Gone
		}
		return ""
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case e.Code == "53100":
			return Full
		case strings.HasPrefix(e.Code, "08"), strings.HasPrefix(e.Code, "53"), strings.HasPrefix(e.Code, "57P"), strings.HasPrefix(e.Code, "58"), e.Code == "25006":
			return Gone // connections, resources, an administrator's stop, the system, read only
		}
		return ""
	}
	var network net.Error
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return Gone
	}
	return ""
}
