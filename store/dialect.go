package store

import (
	"strings"

	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
)

// Neither engine keeps a NUL in a text, and a query with one fails. Texts come from repositories and requests: in the database a NUL is
// U+FFFD, like other bytes that are no characters, so that it is seen and nothing fails.

type (
	sqliteDialect   struct{ *sqlitedialect.Dialect }
	postgresDialect struct{ *pgdialect.Dialect }
)

func withoutNUL(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

func (d sqliteDialect) AppendString(b []byte, s string) []byte {
	return d.Dialect.AppendString(b, withoutNUL(s))
}

func (d postgresDialect) AppendString(b []byte, s string) []byte {
	return d.Dialect.AppendString(b, withoutNUL(s))
}
