package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Rules of this file: rows by the thousand go past bun, which writes values into the text of a statement: a prepared statement of
// many rows on SQLite, COPY on PostgreSQL. Names of tables and columns are constants of the callers.

// sqliteRows is how many rows one statement of SQLite inserts: more is not faster.
const sqliteRows = 40

// insert adds rows. Values are int64, string and []byte, or types whose kind is one of these.
func (tx *Tx) insert(ctx context.Context, table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	if tx.PGX != nil {
		for i := range rows {
			plain(rows[i])
		}
		if _, err := tx.PGX.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows)); err != nil {
			return fmt.Errorf("add rows to %s: %w", table, err)
		}
		return nil
	}
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",") + ")"
	text := func(n int) string {
		return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " + strings.TrimSuffix(strings.Repeat(one+",", n), ",")
	}
	var many *sql.Stmt
	args := make([]any, 0, sqliteRows*len(columns))
	for len(rows) > 0 {
		n := min(len(rows), sqliteRows)
		args = args[:0]
		for _, row := range rows[:n] {
			args = append(args, plain(row)...)
		}
		rows = rows[n:]
		var err error
		if n < sqliteRows {
			_, err = tx.SQL.ExecContext(ctx, text(n), args...)
		} else {
			if many == nil {
				if many, err = tx.SQL.PrepareContext(ctx, text(n)); err != nil {
					return fmt.Errorf("add rows to %s: %w", table, err)
				}
				defer many.Close()
			}
			_, err = many.ExecContext(ctx, args...)
		}
		if err != nil {
			return fmt.Errorf("add rows to %s: %w", table, err)
		}
	}
	return nil
}

// each runs one statement, with ? for its values, for many rows of values.
func (tx *Tx) each(ctx context.Context, query string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	if tx.PGX != nil {
		query = numbered(query)
		batch := &pgx.Batch{}
		for _, row := range rows {
			batch.Queue(query, plain(row)...)
		}
		if err := tx.PGX.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("change %d rows: %w", len(rows), err)
		}
		return nil
	}
	statement, err := tx.SQL.PrepareContext(ctx, query)
	if err != nil {
		return fmt.Errorf("change rows: %w", err)
	}
	defer statement.Close()
	for _, row := range rows {
		if _, err := statement.ExecContext(ctx, plain(row)...); err != nil {
			return fmt.Errorf("change rows: %w", err)
		}
	}
	return nil
}

// numbered writes $1, $2, … for the question marks of a query.
func numbered(query string) string {
	var b strings.Builder
	n := 0
	for _, c := range query {
		if c == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// plain replaces our own types with what both drivers take.
func plain(row []any) []any {
	for i, v := range row {
		switch v := v.(type) {
		case ID:
			row[i] = int64(v)
		case Millis:
			row[i] = int64(v)
		case Status:
			row[i] = string(v)
		case Reason:
			row[i] = string(v)
		case int:
			row[i] = int64(v)
		case bool:
			row[i] = int64(0)
			if v {
				row[i] = int64(1)
			}
		}
	}
	return row
}
