package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

type (
	sqlConn   = driver.Conn
	sqlDriver = driver.Driver
)

// ID names a row. Later rows have larger ids. To people and in the API it is a short text. The zero is no row.
type ID int64

// String returns the text of the API: thirteen characters or fewer, digits and lower-case letters.
func (id ID) String() string { return strconv.FormatInt(int64(id), 36) }

// MarshalText writes the text of the API.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the text of the API.
func (id *ID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 36, 64)
	if err != nil || n < 0 {
		return errors.New("not an id")
	}
	*id = ID(n)
	return nil
}

// Millis is a time: milliseconds since 1970 in UTC. The zero is never.
type Millis int64

// MillisOf returns t as the database keeps it; the zero time is never.
func MillisOf(t time.Time) Millis {
	if t.IsZero() {
		return 0
	}
	return Millis(t.UnixMilli())
}

// Time returns it as a time.Time in UTC, the zero time for never.
func (m Millis) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

// MarshalText writes RFC 3339 with milliseconds, nothing for never.
func (m Millis) MarshalText() ([]byte, error) {
	if m == 0 {
		return nil, nil
	}
	return m.Time().AppendFormat(nil, "2006-01-02T15:04:05.000Z"), nil
}

// UnmarshalText reads RFC 3339, or nothing for never.
func (m *Millis) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*m = 0
		return nil
	}
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is not a time: write 2027-01-31T12:00:00Z", text)
	}
	*m = MillisOf(t)
	return nil
}

// ids makes ids: 41 bits of milliseconds since 2024, ten bits of the process, twelve of a counter. More than 4,096 in a
// millisecond borrow from the next ones, and a clock that goes back does not make an id twice.
type ids struct {
	mu   sync.Mutex
	node int64
	last int64 // milliseconds and counter of the last one
}

var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

func (g *ids) next(now time.Time) ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = max(g.last+1, (now.UnixMilli()-epoch)<<12)
	return ID(g.last>>12<<22 | g.node<<12 | g.last&0xfff)
}

// NewID returns an id that no row of the database has.
func (s *Store) NewID() ID { return s.ids.next(s.Now()) }

// register makes the row of this process: its number keeps ids of different processes apart.
func (s *Store) register(ctx context.Context, kind string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return s.Quiet(ctx, func(ctx context.Context, tx *Tx) error {
		err := tx.NewRaw("INSERT INTO process (kind, host, started_at, seen_at) VALUES (?, ?, ?, ?) RETURNING id", kind, host, tx.Now, tx.Now).Scan(ctx, &s.process)
		if err != nil {
			return fmt.Errorf("register the process: %w", err)
		}
		s.ids.node = s.process & 0x3ff
		return nil
	})
}

// Time returns when an id was made, about: ids made in a hurry lie some milliseconds ahead.
func (id ID) Time() time.Time { return time.UnixMilli(int64(id)>>22 + epoch).UTC() }
