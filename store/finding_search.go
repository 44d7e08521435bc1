package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// FindingSorts are the orders of lists of findings. Each has its natural direction; - in front turns it round.
var FindingSorts = []string{"severity", "first-seen", "last-seen", "fixed", "rule", "file", "repo"}

// FindingPage is one page of a list.
type FindingPage struct {
	Items []FindingRow `json:"items"`
	Total int          `json:"total" doc:"of all pages"`
	Next  string       `json:"next" doc:"cursor of the next page; empty on the last one"`
}

// PageOf says which page of a list is wanted.
type PageOf struct {
	Sort   string // one of FindingSorts, perhaps with - in front; "" is severity
	Cursor string // of the page before; "" for the first
	Limit  int
}

// findingPlace is where a row stands in an order: smaller comes first.
type findingPlace struct {
	key uint64
	id  uint64
}

func (p findingPlace) compare(o findingPlace) int {
	return cmp.Or(cmp.Compare(p.key, o.key), cmp.Compare(p.id, o.id))
}

// order is how a list is sorted. Rows with the same key are sorted by id, the newest first.
type order struct {
	name    string
	reverse bool
	key     func(row int) uint64
	texts   textColumn // whose ranks are the keys, when ranks is not nil
	ranks   []uint32
}

// at is the place of a row.
func (o *order) at(row int, id ID) findingPlace {
	p := findingPlace{o.key(row), ^uint64(id)}
	if o.reverse {
		p.key = ^p.key
	}
	return p
}

// cursor is a place that stays right when rows and ranks change.
type cursor struct {
	Sort string `json:"s"`
	Key  uint64 `json:"k,omitempty"`
	Text string `json:"t,omitempty"` // instead of Key, of orders by a text
	ID   ID     `json:"i"`
}

// order returns how the rows are sorted. The keys are of now: places must not be kept for longer than the columns are held.
func (e *search) order(sorting string) (*order, error) {
	o := &order{name: strings.TrimPrefix(sorting, "-"), reverse: strings.HasPrefix(sorting, "-")}
	c := e.c
	newest := func(col timeColumn) func(int) uint64 {
		return func(row int) uint64 { return ^uint64(0) - uint64(c.times[col][row]) }
	}
	switch o.name {
	case "", "severity":
		o.name = "severity"
		o.key = func(row int) uint64 { return ^(uint64(c.severity[row])<<32 | uint64(c.times[colLast][row])) }
	case "first-seen":
		o.key = newest(colFirst)
	case "last-seen":
		o.key = newest(colLast)
	case "fixed":
		o.key = newest(colFixed)
	case "rule", "file", "repo":
		o.texts = map[string]textColumn{"rule": colRule, "file": colFile, "repo": colRepository}[o.name]
		var err error
		o.ranks, err = cached(&c.cache, "ranks "+o.name, func(r []uint32) int { return 4 * len(r) }, func() ([]uint32, error) {
			if o.texts != colRepository {
				return c.dicts[o.texts].ranks(), nil
			}
			return e.repositoryRanks(), nil
		})
		if err != nil {
			return nil, err
		}
		codes := c.codes[o.texts]
		o.key = func(row int) uint64 { return uint64(o.ranks[codes[row]]) }
	default:
		return nil, Refuse(Invalid, "findings cannot be sorted by %q: use one of %s, with - in front to turn it round", sorting, strings.Join(FindingSorts, ", "))
	}
	return o, nil
}

// repositoryRanks are the places of repositories in the order of their names.
func (e *search) repositoryRanks() []uint32 {
	d := &e.c.dicts[colRepository]
	codes := make([]uint32, len(d.ends))
	for i := range codes {
		codes[i] = uint32(i)
	}
	slices.SortFunc(codes, func(a, b uint32) int { return strings.Compare(e.textOf(colRepository, a), e.textOf(colRepository, b)) })
	out := make([]uint32, len(codes))
	for rank, code := range codes {
		out[code] = uint32(rank)
	}
	return out
}

// textOf is the text of a code as people know it: names in place of ids.
func (e *search) textOf(col textColumn, code uint32) string {
	text := string(e.c.dicts[col].of(code))
	switch col {
	case colRepository:
		return e.c.repositories[idOf([]byte(text))].name
	case colTeam:
		return e.c.teams[idOf([]byte(text))]
	case colAssignee:
		return e.c.people[idOf([]byte(text))]
	}
	return text
}

// cursorOf is the cursor behind a row.
func (e *search) cursorOf(o *order, row int) string {
	at := cursor{Sort: o.name, ID: e.c.ids[row]}
	if o.reverse {
		at.Sort = "-" + at.Sort
	}
	if o.ranks != nil {
		at.Text = e.textOf(o.texts, e.c.codes[o.texts][row])
	} else {
		at.Key = o.key(row)
	}
	text, _ := json.Marshal(at) // plain fields
	return base64.RawURLEncoding.EncodeToString(text)
}

// placeOf reads a cursor; everything behind the place is on the next page.
func (e *search) placeOf(o *order, text string) (findingPlace, error) {
	wrong := Refuse(Invalid, "the cursor is not one of this list: begin again without it")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return findingPlace{}, wrong
	}
	var at cursor
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&at); err != nil || strings.TrimPrefix(at.Sort, "-") != o.name || strings.HasPrefix(at.Sort, "-") != o.reverse || at.ID < 0 {
		return findingPlace{}, wrong
	}
	p := findingPlace{at.Key, ^uint64(at.ID)}
	if o.ranks != nil {
		// The first text that is not before the cursor's. When that itself is gone, the page begins with what comes behind it.
		byRank := make([]uint32, len(o.ranks))
		for code, rank := range o.ranks {
			byRank[rank] = uint32(code)
		}
		n := sort.Search(len(byRank), func(i int) bool { return e.textOf(o.texts, byRank[i]) >= at.Text })
		p.key = uint64(n)
		if n == len(byRank) || e.textOf(o.texts, byRank[n]) != at.Text {
			if o.reverse {
				p.key, p.id = uint64(n), ^uint64(0) // behind all of rank n: the next are those of n-1
			} else {
				p.id = 0 // before all of rank n
			}
		}
	}
	if o.reverse {
		p.key = ^p.key
	}
	return p, nil
}

// first returns the rows that come first behind a place, in order, at most limit of them; more tells whether there are more.
func (e *search) first(rows rowSet, o *order, after *findingPlace, limit int) (out []int, more bool) {
	type candidate struct {
		findingPlace
		row int
	}
	list := make([]candidate, 0, 4*(limit+1))
	worst := findingPlace{^uint64(0), ^uint64(0)}
	full := false
	cut := func() {
		slices.SortFunc(list, func(a, b candidate) int { return a.compare(b.findingPlace) })
		if len(list) > limit+1 {
			list = list[:limit+1]
			worst, full = list[limit].findingPlace, true
		}
	}
	rows.each(func(row int) {
		p := o.at(row, e.c.ids[row])
		if full && p.compare(worst) >= 0 || after != nil && p.compare(*after) <= 0 {
			return
		}
		if list = append(list, candidate{p, row}); len(list) == cap(list) {
			cut()
		}
	})
	cut()
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	for _, c := range list {
		out = append(out, c.row)
	}
	return out, more
}

// page is one page of rows.
type page struct {
	ids    []ID
	status []Status // in the view
	total  int
	next   string
}

// page finds the rows of a page.
func (e *search) page(ctx context.Context, p PageOf) (*page, error) {
	rows, err := e.matched(ctx, "")
	if err != nil {
		return nil, err
	}
	return cached(&e.c.cache, e.question("page", fmt.Sprintf("%s %s %d %s", p.Sort, p.Cursor, p.Limit, e.Query)), func(p *page) int { return 24*len(p.ids) + 100 }, func() (*page, error) {
		o, err := e.order(p.Sort)
		if err != nil {
			return nil, err
		}
		var after *findingPlace
		if p.Cursor != "" {
			at, err := e.placeOf(o, p.Cursor)
			if err != nil {
				return nil, err
			}
			after = &at
		}
		out := &page{total: rows.count()}
		list, more := e.first(rows, o, after, p.Limit)
		for _, row := range list {
			out.ids = append(out.ids, e.c.ids[row])
			out.status = append(out.status, statusOf[e.view.code(row)])
		}
		if more {
			out.next = e.cursorOf(o, list[len(list)-1])
		}
		return out, nil
	})
}

// Findings returns one page of the findings that fit.
func (s *Store) Findings(ctx context.Context, f FindingSearch, p PageOf) (*FindingPage, error) {
	e, done, err := s.open(ctx, f)
	if err != nil {
		return nil, err
	}
	found, err := e.page(ctx, p)
	names := e.names()
	done()
	if err != nil {
		return nil, err
	}
	rows, err := s.findingRows(ctx, s.DB, ID(f.Scope.Organisation), found.ids)
	if err != nil {
		return nil, err
	}
	out := &FindingPage{Items: make([]FindingRow, 0, len(rows)), Total: found.total, Next: found.next}
	for i, id := range found.ids {
		row, ok := rows[id]
		if !ok { // it went without a trace: the columns are not right any more
			s.forget(ID(f.Scope.Organisation))
			continue
		}
		item := row.item(names, f.Rules)
		item.Status = found.status[i]
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// CountFindings is how many findings fit.
func (s *Store) CountFindings(ctx context.Context, f FindingSearch) (int, error) {
	e, done, err := s.open(ctx, f)
	if err != nil {
		return 0, err
	}
	defer done()
	rows, err := e.matched(ctx, "")
	if err != nil {
		return 0, err
	}
	return rows.count(), nil
}

// FindingIDs returns the ids of what fits, in no order, at most limit of them, and how many fit.
func (s *Store) FindingIDs(ctx context.Context, f FindingSearch, limit int) (ids []ID, total int, err error) {
	e, done, err := s.open(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	rows, err := e.matched(ctx, "")
	if err != nil {
		return nil, 0, err
	}
	total = rows.count()
	ids = make([]ID, 0, min(total, limit))
	rows.each(func(row int) {
		if len(ids) < limit {
			ids = append(ids, e.c.ids[row])
		}
	})
	return ids, total, nil
}
