package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/query"
)

// Rulebook is what the catalogue says about rules, by id, as far as findings are asked for by it. It is never changed.
type Rulebook map[string]RuleFacts

// RuleFacts is what is known about one rule.
type RuleFacts struct {
	Title    string
	Controls map[string][]string // framework id to control ids
}

// FindingSearch is who looks for what. A query with a branch asks about findings and their status on it; any other about those that the
// default branches have or had, with their status there.
type FindingSearch struct {
	Scope access.Scope
	Query *query.Query // nil asks for everything
	Me    ID           // who asks, for assignee:me
	Rules Rulebook
}

// search is a FindingSearch on columns that are held still.
type search struct {
	FindingSearch
	store *Store
	c     *columns
	now   time.Time // to the minute: what is computed from it is kept that long
	view  *branchView
	all   rowSet // the rows of the scope and the view
	key   string // of scope and view, in questions to the answers
}

// branchView is which findings are there and what their status is, by default or on the branches of a query.
type branchView struct {
	key    string
	rows   rowSet
	status [len(statusOf)]rowSet
}

// code returns the status code of a row in the view.
func (v *branchView) code(row int) uint8 {
	for code := range v.status {
		if v.status[code].has(row) {
			return uint8(code)
		}
	}
	return codeFixed
}

// maxPresence is the most rows of presence that a query may read.
const maxPresence = 2_000_000

// open prepares a search. Call done when it is not used any more.
func (s *Store) open(ctx context.Context, f FindingSearch) (e *search, done func(), err error) {
	if !f.Scope.Somewhere() {
		return nil, nil, Refuse(NotFound, "there are no findings that you may see")
	}
	if f.Query == nil {
		f.Query = &query.Query{}
	}
	c, done, err := s.columnsOf(ctx, ID(f.Scope.Organisation))
	if err != nil {
		return nil, nil, err
	}
	e = &search{FindingSearch: f, store: s, c: c, now: s.Now().Truncate(time.Minute)}
	if err := e.look(ctx); err != nil {
		done()
		return nil, nil, err
	}
	return e, done, nil
}

// look finds the view and what of it is in scope.
func (e *search) look(ctx context.Context) error {
	var terms []string
	for i := range e.Query.Terms {
		if t := &e.Query.Terms[i]; t.Key == "branch" && !t.Not {
			terms = append(terms, t.String())
		}
	}
	key := strings.Join(terms, " ")
	var err error
	e.view, err = cached(&e.c.cache, "view "+key, func(v *branchView) int { return 4 * 8 * len(v.rows) }, func() (*branchView, error) {
		if len(terms) == 0 {
			return e.defaultView(key), nil
		}
		return e.branchView(ctx, key)
	})
	if err != nil {
		return err
	}
	e.key = fmt.Sprintf("%q %v %d %v", key, e.Scope.All, e.Scope.Repository, e.Scope.Teams)
	e.all, err = cached(&e.c.cache, "all "+e.key, sizeOfRows, func() (rowSet, error) {
		rows := slices.Clone(e.view.rows)
		if !e.Scope.All {
			rows.and(e.codes(colTeam, func(id string) bool { return slices.Contains(e.Scope.Teams, int64(idOf([]byte(id)))) }))
		}
		if e.Scope.Repository != 0 {
			rows.and(e.codes(colRepository, func(id string) bool { return idOf([]byte(id)) == ID(e.Scope.Repository) }))
		}
		return rows, nil
	})
	return err
}

// codes is the set of rows whose text is accepted.
func (e *search) codes(col textColumn, accept func(text string) bool) rowSet {
	return rowsWhere(e.c.codes[col], e.c.dicts[col].match(accept))
}

// live are the rows of repositories that are there, of those that a table by repository marks.
func (e *search) live(marked []bool) rowSet {
	rows := rowsWhere(e.c.codes[colRepository], marked)
	for row, gone := range e.c.gone {
		if gone {
			rows[row>>6] &^= 1 << (row & 63)
		}
	}
	return rows
}

// flagged is the set of rows with a flag.
func (e *search) flagged(flag uint8) rowSet {
	var marked [256]bool
	for v := range marked {
		marked[v] = uint8(v)&flag != 0
	}
	return rowsWhere(e.c.flags, marked[:])
}

// everywhere marks every repository.
func (e *search) everywhere() []bool {
	return e.c.dicts[colRepository].match(func(string) bool { return true })
}

// defaultView has what the default branches have or had; of repositories without a default branch it has everything.
func (e *search) defaultView(key string) *branchView {
	rows := e.live(e.everywhere())
	onDefault := e.flagged(flagDefault)
	onDefault.or(e.codes(colRepository, func(id string) bool { return e.c.repositories[idOf([]byte(id))].branch == "" }))
	rows.and(onDefault)
	return e.withStatus(key, rows)
}

// withStatus gives rows the status that they have on their own.
func (e *search) withStatus(key string, rows rowSet) *branchView {
	v := &branchView{key: key, rows: rows}
	for code := range v.status {
		var marked [256]bool
		marked[code] = true
		v.status[code] = rowsWhere(e.c.status, marked[:])
		v.status[code].and(rows)
	}
	return v
}

// branchView has what the branches of the query have or had. With several terms a finding has to be on a branch of each; its status is
// the worst of all of these branches: open before fixed.
func (e *search) branchView(ctx context.Context, key string) (*branchView, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	size := len(e.c.ids)
	there, open := rowSet(nil), newRowSet(size)
	for i := range e.Query.Terms {
		t := &e.Query.Terms[i]
		if t.Key != "branch" || t.Not {
			continue
		}
		if slices.ContainsFunc(t.Values, func(v query.Value) bool { return v.Wild && v.Text == "*" }) {
			v := e.withStatus(key, e.live(e.everywhere()))
			v.status[codeOpen].or(v.status[codeMuted])
			open.or(v.status[codeOpen])
			there = merge(there, v.rows)
			continue
		}
		rows, openThere, err := e.present(ctx, t)
		if err != nil {
			return nil, err
		}
		open.or(openThere)
		there = merge(there, rows)
	}
	there.and(e.live(e.everywhere()))
	v := &branchView{key: key, rows: there}
	muted := e.codes(colReason, func(reason string) bool { return reason != "" })
	open.and(there)
	v.status[codeMuted] = slices.Clone(open)
	v.status[codeMuted].and(muted)
	v.status[codeOpen] = slices.Clone(open)
	v.status[codeOpen].not(muted)
	v.status[codeFixed] = slices.Clone(there)
	v.status[codeFixed].not(open)
	return v, nil
}

// merge keeps what is in both; nil is everything.
func merge(a, b rowSet) rowSet {
	if a == nil {
		return b
	}
	a.and(b)
	return a
}

// present reads which findings are or were on the branches that a term names, and which are open there, muted or not.
func (e *search) present(ctx context.Context, t *query.Term) (there, open rowSet, err error) {
	there, open = newRowSet(len(e.c.ids)), newRowSet(len(e.c.ids))
	var branches []struct {
		ID         ID
		Name       string
		Repository ID
		IsDefault  bool
	}
	sql, args := "SELECT b.id, b.name, b.repository, b.is_default FROM branch b JOIN repository r ON r.id = b.repository WHERE r.organisation = ? AND b.removed_at = 0", []any{e.Scope.Organisation}
	if !slices.ContainsFunc(t.Values, func(v query.Value) bool { return v.Wild }) {
		var names []string
		for _, v := range t.Values {
			names = append(names, v.Text)
		}
		sql, args = sql+" AND b.name IN (?)", append(args, bun.List(names))
	}
	if err := e.store.DB.NewRaw(sql, args...).Scan(ctx, &branches); err != nil {
		return nil, nil, fmt.Errorf("read branches: %w", err)
	}
	defaults := map[ID]bool{} // repositories whose default branch is meant
	var others []ID
	for _, b := range branches {
		switch {
		case !slices.ContainsFunc(t.Values, func(v query.Value) bool { return v.Match(b.Name) }):
		case b.IsDefault:
			defaults[b.Repository] = true
		default:
			others = append(others, b.ID)
		}
	}
	there = e.codes(colRepository, func(id string) bool { return defaults[idOf([]byte(id))] })
	there.and(e.flagged(flagDefault))
	own := e.withStatus("", there)
	open.or(own.status[codeOpen])
	open.or(own.status[codeMuted])
	there = slices.Clone(there)
	read := 0
	for part := range slices.Chunk(others, 500) {
		rows, err := e.store.DB.QueryContext(ctx, "SELECT finding, state FROM presence WHERE branch IN (?)", bun.List(part))
		if err != nil {
			return nil, nil, fmt.Errorf("read what is on branches: %w", err)
		}
		for rows.Next() {
			var id ID
			var state string
			if err := rows.Scan(&id, &state); err != nil {
				rows.Close()
				return nil, nil, fmt.Errorf("read what is on branches: %w", err)
			}
			if read++; read > maxPresence {
				rows.Close()
				return nil, nil, Refuse(Limited, "%s means branches with more than %d findings together: name fewer branches", t, maxPresence)
			}
			if row, ok := e.c.row(id); ok {
				there.put(row)
				if state == string(StatusOpen) {
					open.put(row)
				}
			}
		}
		if err := rows.Err(); err != nil {
			return nil, nil, fmt.Errorf("read what is on branches: %w", err)
		}
		rows.Close()
	}
	return there, open, nil
}

// matched is the set of rows that fit the query, without the terms of a key; "" leaves none out.
func (e *search) matched(ctx context.Context, without string) (rowSet, error) {
	q := e.Query
	if without != "" {
		q = q.Without(without)
	}
	return cached(&e.c.cache, e.question("match", q.String()), sizeOfRows, func() (rowSet, error) {
		rows := slices.Clone(e.all)
		for i := range q.Terms {
			t := &q.Terms[i]
			if t.Key == "branch" && !t.Not {
				continue // the view is about it
			}
			fits, err := e.term(ctx, t)
			if err != nil {
				return nil, err
			}
			if t.Not {
				rows.not(fits)
			} else {
				rows.and(fits)
			}
		}
		return rows, nil
	})
}

// question names something that depends on the scope, the view, the time, who asks and more.
func (e *search) question(what, more string) string {
	return fmt.Sprintf("%s %d %d %s %s", what, e.now.Unix()/60, e.Me, e.key, more)
}

// term is the set of rows that fit a term, as if it were not negated, anywhere in the organisation.
func (e *search) term(ctx context.Context, t *query.Term) (rowSet, error) {
	positive := *t
	positive.Not = false
	key := "term " + positive.String()
	switch t.Key {
	case "status":
		key += " " + e.view.key
	case "assignee":
		key += fmt.Sprint(" ", e.Me)
	case "is", "age":
		key += fmt.Sprint(" ", e.now.Unix()/60)
	}
	return cached(&e.c.cache, key, sizeOfRows, func() (rowSet, error) { return e.evaluate(ctx, t) })
}

// columnOfKey are the keys that are a column of texts.
var columnOfKey = map[string]textColumn{"rule": colRule, "category": colCategory, "provider": colProvider, "dialect": colDialect, "type": colType,
	"address": colAddress, "author": colAuthor, "commit": colCommit, "reason": colReason, "message": colMessage}

// momentColumn are the keys that are a column of times.
var momentColumn = map[string]timeColumn{"first-seen": colFirst, "last-seen": colLast, "fixed": colFixed, "introduced": colIntroduced}

func (e *search) evaluate(ctx context.Context, t *query.Term) (rowSet, error) {
	any := func(match func(v query.Value) bool) bool { return slices.ContainsFunc(t.Values, match) }
	if col, ok := columnOfKey[t.Key]; ok {
		return e.codes(col, func(text string) bool { return text != "" && any(func(v query.Value) bool { return v.Match(text) }) }), nil
	}
	if col, ok := momentColumn[t.Key]; ok {
		return e.moment(col, t), nil
	}
	switch t.Key {
	case "":
		return e.containing(t.Values[0].Text), nil
	case "file", "unit":
		col := colFile
		if t.Key == "unit" {
			col = colUnit
		}
		return e.codes(col, func(text string) bool { return any(func(v query.Value) bool { return v.MatchPath(text) }) }), nil
	case "severity":
		return rowsWhere(e.c.severity, severitiesOf(t)), nil
	case "status":
		out := newRowSet(len(e.c.ids))
		for code, status := range statusOf {
			if any(func(v query.Value) bool { return v.Text == string(status) }) {
				out.or(e.view.status[code])
			}
		}
		return out, nil
	case "verdict":
		var marked [256]bool
		for v := range marked {
			word := finding.Fail
			if v&flagUndecided != 0 {
				word = finding.Undecided
			}
			marked[v] = any(func(v query.Value) bool { return v.Text == word.String() })
		}
		return rowsWhere(e.c.flags, marked[:]), nil
	case "repo":
		return e.codes(colRepository, func(id string) bool {
			return any(func(v query.Value) bool { return v.Match(e.c.repositories[idOf([]byte(id))].name) })
		}), nil
	case "team":
		return e.codes(colTeam, func(id string) bool {
			return any(func(v query.Value) bool {
				return id == "0" && v.Text == "none" || id != "0" && v.Match(e.c.teams[idOf([]byte(id))])
			})
		}), nil
	case "assignee":
		return e.codes(colAssignee, func(id string) bool {
			return any(func(v query.Value) bool {
				who := idOf([]byte(id))
				return who == 0 && v.Text == "none" || who != 0 && (v.Text == "me" && who == e.Me || v.Match(e.c.people[who]))
			})
		}), nil
	case "framework", "control":
		return e.codes(colRule, func(rule string) bool { return any(func(v query.Value) bool { return e.Rules[rule].serves(t.Key, v) }) }), nil
	case "tag":
		return e.tagged(ctx, t)
	case "branch": // a negated one: what is there now
		_, open, err := e.present(ctx, t)
		return open, err
	case "has", "is":
		out := newRowSet(len(e.c.ids))
		for _, v := range t.Values {
			out.or(e.word(v.Text))
		}
		return out, nil
	case "age":
		length, _ := t.Values[0].Span()
		limit := max(seconds(MillisOf(e.now.Add(-length))), 1)
		switch t.Op {
		case query.More:
			return rowsFrom(e.c.times[colFirst], 1, limit-1), nil
		case query.AtLeast:
			return rowsFrom(e.c.times[colFirst], 1, limit), nil
		case query.Less:
			return rowsFrom(e.c.times[colFirst], limit+1, math.MaxUint32), nil
		}
		return rowsFrom(e.c.times[colFirst], limit, math.MaxUint32), nil
	case "id":
		out := newRowSet(len(e.c.ids))
		for _, v := range t.Values {
			var id ID
			if id.UnmarshalText([]byte(v.Text)) == nil {
				if row, ok := e.c.row(id); ok {
					out.put(row)
				}
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("nobody looks for %s", t.Key)
}

// serves tells whether a rule serves a framework or a control.
func (r RuleFacts) serves(key string, v query.Value) bool {
	for framework, controls := range r.Controls {
		if key == "framework" {
			if v.Match(framework) {
				return true
			}
			continue
		}
		for _, c := range controls {
			if v.Match(c) || v.Match(framework+"/"+c) {
				return true
			}
		}
	}
	return false
}

// severitiesOf marks the severities that a term means.
func severitiesOf(t *query.Term) []bool {
	marked := make([]bool, 256)
	for _, v := range t.Values {
		var is finding.Severity
		if is.UnmarshalText([]byte(v.Text)) != nil {
			continue
		}
		for s := finding.Info; s <= finding.Critical; s++ {
			switch t.Op {
			case query.Is:
				marked[s] = marked[s] || s == is
			case query.Less:
				marked[s] = s < is
			case query.AtMost:
				marked[s] = s <= is
			case query.More:
				marked[s] = s > is
			case query.AtLeast:
				marked[s] = s >= is
			}
		}
	}
	return marked
}

// moment compares a time, which must be there.
func (e *search) moment(col timeColumn, t *query.Term) rowSet {
	out := newRowSet(len(e.c.ids))
	for _, v := range t.Values {
		from, to, _ := v.Day()
		first, last := seconds(MillisOf(from)), seconds(MillisOf(to))
		switch t.Op {
		case query.Is:
		case query.Less:
			first, last = 1, max(first, 1)-1
		case query.AtMost:
			first = 1
		case query.More:
			first, last = last+1, math.MaxUint32
		case query.AtLeast:
			last = math.MaxUint32
		}
		if last > 0 {
			out.or(rowsFrom(e.c.times[col], max(first, 1), last))
		}
	}
	return out
}

// soon is how far what is new lies back and what is expiring lies ahead.
const soon = 7 * 24 * time.Hour

// word is the set of rows that a word of has: or is: means.
func (e *search) word(word string) rowSet {
	now := e.now
	switch word {
	case "fix":
		return e.flagged(flagFix)
	case "assignee":
		return e.codes(colAssignee, func(id string) bool { return id != "0" })
	case "team":
		return e.codes(colTeam, func(id string) bool { return id != "0" })
	case "mute":
		return e.codes(colReason, func(reason string) bool { return reason != "" })
	case "expiry":
		return rowsFrom(e.c.times[colUntil], 1, math.MaxUint32)
	case "new":
		return rowsFrom(e.c.times[colFirst], seconds(MillisOf(now.Add(-soon))), math.MaxUint32)
	case "expiring":
		return rowsFrom(e.c.times[colUntil], 1, seconds(MillisOf(now.Add(soon))))
	}
	return newRowSet(len(e.c.ids))
}

// containing is the set of rows with a text in the message, the address, the file, or the id or title of the rule.
func (e *search) containing(text string) rowSet {
	part := []byte(lowerASCII(text))
	out := newRowSet(len(e.c.ids))
	for _, col := range searched {
		d := &e.c.dicts[col]
		found := make([]bool, len(d.ends))
		d.containing(part, found)
		if col == colRule {
			for code := range found {
				found[code] = found[code] || strings.Contains(lowerASCII(e.Rules[string(d.of(uint32(code)))].Title), string(part))
			}
		}
		if slices.Contains(found, true) {
			out.or(rowsWhere(e.c.codes[col], found))
		}
	}
	return out
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// tagged reads which findings are on resources with a tag.
func (e *search) tagged(ctx context.Context, t *query.Term) (rowSet, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	out := newRowSet(len(e.c.ids))
	rows, err := e.store.DB.QueryContext(ctx, "SELECT DISTINCT key, value FROM finding_tag WHERE organisation = ?", e.Scope.Organisation)
	if err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	defer rows.Close()
	type tag struct{ key, value string }
	var fits []tag
	for rows.Next() {
		var g tag
		if err := rows.Scan(&g.key, &g.value); err != nil {
			return nil, fmt.Errorf("read tags: %w", err)
		}
		if slices.ContainsFunc(t.Values, func(v query.Value) bool {
			return v.Match(g.key+"="+g.value) || !strings.Contains(v.Text, "=") && v.Match(g.key)
		}) {
			fits = append(fits, g)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	if len(fits) > 1000 {
		return nil, Refuse(Limited, "%s means more than 1000 tags: write more of it", t)
	}
	for _, g := range fits {
		var ids []ID
		if err := e.store.DB.NewRaw("SELECT finding FROM finding_tag WHERE organisation = ? AND key = ? AND value = ?", e.Scope.Organisation, g.key, g.value).Scan(ctx, &ids); err != nil {
			return nil, fmt.Errorf("read tags: %w", err)
		}
		for _, id := range ids {
			if row, ok := e.c.row(id); ok {
				out.put(row)
			}
		}
	}
	return out, nil
}
