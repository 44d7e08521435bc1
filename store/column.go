package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"
)

// The columns hold what people filter, count and sort findings by, for one organisation, in memory: a finding is a row, a text is a
// number of a dictionary. They follow the database by organisation.revision: whoever uses them first brings them up to date,
// under a lock, and everything computed from them is kept until the next change.

// textColumn is a column of texts.
type textColumn int

// The columns of texts. Repositories, teams and people are the text of their ids.
const (
	colRule textColumn = iota
	colCategory
	colProvider
	colDialect
	colType
	colUnit
	colFile
	colAddress
	colMessage
	colRepository
	colTeam
	colAssignee
	colReason
	colAuthor
	colCommit
	textColumns
)

// timeColumn is a column of times, in seconds since 1970; 0 is never.
type timeColumn int

// The columns of times.
const (
	colFirst timeColumn = iota
	colLast
	colFixed
	colIntroduced
	colUntil
	timeColumns
)

// The flags of a row.
const (
	flagUndecided = 1 << iota
	flagFix
	flagDefault
)

// The numbers of statuses in columns.
const (
	codeOpen uint8 = iota
	codeMuted
	codeFixed
)

var statusOf = [...]Status{StatusOpen, StatusMuted, StatusFixed}

// columns are the findings of one organisation.
type columns struct {
	mu           sync.RWMutex // of everything below but used and cache
	organisation ID
	loaded       bool
	revision     int64
	named        time.Time

	ids      []ID       // by row
	sorted   int        // so many of ids, from the first, are in their order
	late     map[ID]int // the rows after those
	gone     []bool     // rows of repositories that are not there any more, by row
	severity []uint8
	status   []uint8
	flags    []uint8
	codes    [textColumns][]uint32
	dicts    [textColumns]dict
	times    [timeColumns][]uint32

	repositories map[ID]namedRepository
	teams        map[ID]string
	people       map[ID]string // address of mail

	used     atomic.Int64 // nanoseconds
	cache    answers
	branches branchNames
}

type namedRepository struct {
	name    string
	branch  string // the default one, "" when there is none yet
	removed bool
}

// columnCache holds the columns of the organisations that were used last.
type columnCache struct {
	mu  sync.Mutex
	all map[ID]*columns

	evidence evidenceCache // what scans covered, beside the findings
}

// maxColumns bounds the memory of all columns together, in bytes: those that were not used for longest go. One organisation may be
// larger; it is then the only one.
const maxColumns = 2 << 30

// columnsOf returns the columns of an organisation as the database has them now. Call done when they are not used any more.
func (s *Store) columnsOf(ctx context.Context, organisation ID) (c *columns, done func(), err error) {
	s.columns.mu.Lock()
	if s.columns.all == nil {
		s.columns.all = map[ID]*columns{}
	}
	c = s.columns.all[organisation]
	if c == nil {
		c = &columns{organisation: organisation}
		s.columns.all[organisation] = c
	}
	s.columns.mu.Unlock()
	c.used.Store(s.Now().UnixNano())

	var revision, forgotten int64
	if err := s.DB.NewRaw("SELECT coalesce(max(revision), -1), coalesce(max(forgotten), 0) FROM organisation WHERE id = ?", organisation).Scan(ctx, &revision, &forgotten); err != nil {
		return nil, nil, fmt.Errorf("read the revision of the findings: %w", err)
	}
	if revision < 0 {
		return nil, nil, Refuse(NotFound, "there is no such organisation")
	}
	c.mu.RLock()
	if c.loaded && c.revision >= revision && s.Now().Sub(c.named) < namesAge {
		return c, c.mu.RUnlock, nil
	}
	deleted := c.loaded && c.revision < forgotten
	c.mu.RUnlock()
	if deleted {
		c.forget(forgotten)
	}
	if err := s.refresh(ctx, c, revision); err != nil {
		return nil, nil, err
	}
	c.mu.RLock()
	return c, c.mu.RUnlock, nil
}

// searched are the columns that words without a key are looked for in.
var searched = [...]textColumn{colMessage, colAddress, colFile, colRule}

// namesAge is how old names of repositories, teams and people may be.
const namesAge = 5 * time.Second

// refresh brings columns up to a revision. What others wait for does not end with the one who began it.
func (s *Store) refresh(ctx context.Context, c *columns, revision int64) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded && c.revision >= revision && s.Now().Sub(c.named) < namesAge {
		return nil
	}
	first := !c.loaded
	var changed []int
	newer := first || c.revision < revision
	if newer {
		if changed, err = s.readRows(ctx, c, revision); err != nil {
			c.clear()
			return err
		}
	}
	renamed, err := s.readNames(ctx, c)
	if err != nil {
		c.clear()
		return err
	}
	if newer {
		for _, col := range searched {
			c.dicts[col].fold()
		}
	}
	switch {
	case first || renamed || len(changed) > fewRows:
		c.dropRemoved()
		c.cache.clear()
	case newer:
		for _, row := range changed {
			c.gone[row] = !c.there(row)
		}
		c.cache.follow(changed, len(c.ids))
	}
	if first {
		s.columns.evict(c)
	}
	return nil
}

// fewRows is how many changed rows answers follow one by one; after more it is cheaper to begin again.
const fewRows = 10_000

// clear forgets everything, so that the next one reads it again.
func (c *columns) clear() {
	c.loaded, c.ids, c.late, c.gone, c.severity, c.status, c.flags = false, nil, nil, nil, nil, nil, nil
	c.codes, c.dicts, c.times = [textColumns][]uint32{}, [textColumns]dict{}, [timeColumns][]uint32{}
	c.sorted, c.revision = 0, 0
	c.cache.clear()
}

// forget clears columns of before a revision: rows were deleted then (see Retention), which leaves nothing to follow.
func (c *columns) forget(revision int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded && c.revision < revision {
		c.clear()
	}
}

// forget makes the next use read everything again: a row was there that the database does not have.
func (s *Store) forget(organisation ID) {
	s.columns.mu.Lock()
	delete(s.columns.all, organisation)
	s.columns.mu.Unlock()
}

// evict lets the columns go that were not used for longest, until the rest fits; keep stays.
func (cc *columnCache) evict(keep *columns) {
	cc.mu.Lock()
	defer cc.mu.Unlock()
	for {
		total := keep.size() // its lock is held
		var oldest *columns
		for _, c := range cc.all {
			if c == keep || !c.mu.TryRLock() {
				continue
			}
			total += c.size()
			c.mu.RUnlock()
			if oldest == nil || c.used.Load() < oldest.used.Load() {
				oldest = c
			}
		}
		if oldest == nil || total <= maxColumns {
			return
		}
		delete(cc.all, oldest.organisation)
	}
}

// size is the memory of the columns in bytes, without what was computed from them.
func (c *columns) size() int {
	n := 8*cap(c.ids) + 24*len(c.late) + cap(c.gone) + cap(c.severity) + cap(c.status) + cap(c.flags)
	for i := range c.codes {
		n += 4*cap(c.codes[i]) + c.dicts[i].size()
	}
	for i := range c.times {
		n += 4 * cap(c.times[i])
	}
	return n
}

// row returns the row of a finding.
func (c *columns) row(id ID) (int, bool) {
	if row, ok := c.late[id]; ok {
		return row, true
	}
	return slices.BinarySearch(c.ids[:c.sorted], id)
}

// readRows reads the rows that changed since the columns' revision, and returns which; nil the first time.
func (s *Store) readRows(ctx context.Context, c *columns, revision int64) (changed []int, err error) {
	query := columnsQuery + " WHERE organisation = ? AND revision > ? ORDER BY id"
	args := []any{c.organisation, c.revision}
	if !c.loaded {
		var n int
		if err := s.DB.NewRaw("SELECT count(*) FROM finding WHERE organisation = ?", c.organisation).Scan(ctx, &n); err != nil {
			return nil, fmt.Errorf("count the findings: %w", err)
		}
		c.grow(n + n/16)
		query, args = columnsQuery+" WHERE organisation = ? ORDER BY id", args[:1]
	}
	rows, err := s.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	defer rows.Close()
	r := newRowReader()
	for rows.Next() {
		if err := rows.Scan(r.into...); err != nil {
			return nil, fmt.Errorf("read findings: %w", err)
		}
		if row := c.take(r); c.loaded {
			changed = append(changed, row)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	if !c.loaded {
		c.loaded, c.sorted = true, len(c.ids)
	}
	c.revision = revision
	return changed, nil
}

// columnsQuery reads what take takes.
const columnsQuery = `SELECT id, severity, status, outcome, has_fix, on_default, first_seen_at, last_seen_at, fixed_at, introduced_at, mute_until,
	repository, team, assignee, rule, category, provider, dialect, resource_type, unit, file, address, message, mute_reason, introduced_author, introduced_sha FROM finding`

// columnsText are the columns of texts in columnsQuery, after those of ids.
var columnsText = [...]textColumn{colRule, colCategory, colProvider, colDialect, colType, colUnit, colFile, colAddress, colMessage, colReason, colAuthor, colCommit}

// grow makes room for rows.
func (c *columns) grow(rows int) {
	c.ids, c.gone, c.severity = slices.Grow(c.ids, rows), slices.Grow(c.gone, rows), slices.Grow(c.severity, rows)
	c.status, c.flags = slices.Grow(c.status, rows), slices.Grow(c.flags, rows)
	for i := range c.codes {
		c.codes[i] = slices.Grow(c.codes[i], rows)
	}
	for i := range c.times {
		c.times[i] = slices.Grow(c.times[i], rows)
	}
}

// rowReader is where the driver puts a row.
type rowReader struct {
	id                       ID
	severity, fix, onDefault int64
	status, outcome          sql.RawBytes
	times                    [timeColumns]int64
	refs                     [3]int64
	texts                    [len(columnsText)]sql.RawBytes
	into                     []any
}

func newRowReader() *rowReader {
	r := &rowReader{}
	r.into = []any{&r.id, &r.severity, &r.status, &r.outcome, &r.fix, &r.onDefault}
	for i := range r.times {
		r.into = append(r.into, &r.times[i])
	}
	for i := range r.refs {
		r.into = append(r.into, &r.refs[i])
	}
	for i := range r.texts {
		r.into = append(r.into, &r.texts[i])
	}
	return r
}

// take adds or replaces the row that was read, and returns its number. During the first load, in the order of ids, all are new.
func (c *columns) take(r *rowReader) (row int) {
	known := false
	if c.loaded {
		row, known = c.row(r.id)
	}
	if !known {
		row = c.append(r.id)
	}
	c.severity[row] = uint8(r.severity)
	c.status[row] = codeOpen
	for code, s := range statusOf {
		if string(r.status) == string(s) {
			c.status[row] = uint8(code)
		}
	}
	c.flags[row] = 0
	if string(r.outcome) == "undecided" {
		c.flags[row] |= flagUndecided
	}
	if r.fix != 0 {
		c.flags[row] |= flagFix
	}
	if r.onDefault != 0 {
		c.flags[row] |= flagDefault
	}
	for i, t := range r.times {
		c.times[i][row] = seconds(Millis(t))
	}
	var buffer [24]byte
	for i, col := range [...]textColumn{colRepository, colTeam, colAssignee} {
		c.codes[col][row] = c.dicts[col].add(strconv.AppendInt(buffer[:0], r.refs[i], 36))
	}
	for i, col := range columnsText {
		c.codes[col][row] = c.dicts[col].add(r.texts[i])
	}
	return row
}

// append makes an empty row at the end.
func (c *columns) append(id ID) int {
	row := len(c.ids)
	if c.loaded { // ids of several processes need not come in their order
		if c.late == nil {
			c.late = map[ID]int{}
		}
		c.late[id] = row
	}
	c.ids = append(c.ids, id)
	c.gone = append(c.gone, false)
	c.severity, c.status, c.flags = append(c.severity, 0), append(c.status, 0), append(c.flags, 0)
	for i := range c.codes {
		c.codes[i] = append(c.codes[i], 0)
	}
	for i := range c.times {
		c.times[i] = append(c.times[i], 0)
	}
	return row
}

// seconds is a time in a column. A time that is no 32 bits of seconds is the nearest that is.
func seconds(t Millis) uint32 { return uint32(min(max(int64(t)/1000, 0), 1<<32-1)) }

// dropRemoved marks the rows of repositories that are not there any more.
func (c *columns) dropRemoved() {
	d := &c.dicts[colRepository]
	gone := make([]bool, len(d.ends))
	for code := range gone {
		r, ok := c.repositories[idOf(d.of(uint32(code)))]
		gone[code] = !ok || r.removed
	}
	for row, code := range c.codes[colRepository] {
		c.gone[row] = gone[code]
	}
}

// there tells whether the repository of a row is there.
func (c *columns) there(row int) bool {
	r, ok := c.repositories[idOf(c.dicts[colRepository].of(c.codes[colRepository][row]))]
	return ok && !r.removed
}

// idOf reads an id as dictionaries have it.
func idOf(text []byte) ID {
	n, _ := strconv.ParseInt(string(text), 36, 64)
	return ID(n)
}

// readNames reads the names of repositories, teams and people, and tells whether any changed.
func (s *Store) readNames(ctx context.Context, c *columns) (changed bool, err error) {
	var repositories []struct {
		ID            ID
		Name          string
		DefaultBranch string
		State         string
	}
	if err := s.DB.NewRaw("SELECT id, name, default_branch, state FROM repository WHERE organisation = ?", c.organisation).Scan(ctx, &repositories); err != nil {
		return false, fmt.Errorf("read the names of repositories: %w", err)
	}
	names := make(map[ID]namedRepository, len(repositories))
	for _, r := range repositories {
		names[r.ID] = namedRepository{r.Name, r.DefaultBranch, r.State == "removed"}
	}
	type named struct {
		ID   ID
		Name string
	}
	var teams, people []named
	if err := s.DB.NewRaw("SELECT id, name FROM team WHERE organisation = ?", c.organisation).Scan(ctx, &teams); err != nil {
		return false, fmt.Errorf("read the names of teams: %w", err)
	}
	var assigned []ID
	for code := range c.dicts[colAssignee].ends {
		assigned = append(assigned, idOf(c.dicts[colAssignee].of(uint32(code))))
	}
	for part := range slices.Chunk(assigned, 1000) {
		var some []named
		if err := s.DB.NewRaw("SELECT id, email AS name FROM person WHERE id IN (?)", bun.List(part)).Scan(ctx, &some); err != nil {
			return false, fmt.Errorf("read the names of people: %w", err)
		}
		people = append(people, some...)
	}
	teamNames, peopleNames := map[ID]string{}, map[ID]string{}
	for _, t := range teams {
		teamNames[t.ID] = t.Name
	}
	for _, p := range people {
		peopleNames[p.ID] = p.Name
	}
	changed = !maps.Equal(names, c.repositories) || !maps.Equal(teamNames, c.teams) || !maps.Equal(peopleNames, c.people)
	c.repositories, c.teams, c.people, c.named = names, teamNames, peopleNames, s.Now()
	return changed, nil
}

// Columns says what the columns of an organisation take, for metrics: rows and bytes. It reads them when nobody has.
func (s *Store) Columns(ctx context.Context, organisation ID) (rows, bytes int, err error) {
	c, done, err := s.columnsOf(ctx, organisation)
	if err != nil {
		return 0, 0, err
	}
	defer done()
	return len(c.ids), c.size(), nil
}

// Warm reads the columns of every organisation, so that the first one who looks does not wait.
func (s *Store) Warm(ctx context.Context) error {
	var all []ID
	if err := s.DB.NewRaw("SELECT id FROM organisation ORDER BY id").Scan(ctx, &all); err != nil {
		return fmt.Errorf("read the organisations: %w", err)
	}
	for _, id := range all {
		if _, _, err := s.Columns(ctx, id); err != nil {
			return err
		}
	}
	runtime.GC() // what reading left behind is much more than the columns
	return nil
}
