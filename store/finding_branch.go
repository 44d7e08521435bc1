package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/query"
)

// branchView is which findings are there and what their status is, by default or on the branches of a query.
type branchView struct {
	followed
	c      *columns
	key    string
	status [len(statusOf)]rowSet
}

func (*branchView) order() int { return 0 }

// follow is followed.follow with the status.
func (v *branchView) follow(changed []int, size int) bool {
	if !v.followed.follow(changed, size) {
		return false
	}
	for code := range v.status {
		v.status[code] = v.status[code].grow(size)
		for _, row := range changed {
			v.status[code].set(row, v.rows.has(row) && v.c.status[row] == uint8(code))
		}
	}
	return true
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

// defaultView has what the default branches have or had; of repositories without a default branch it has everything.
func (e *search) defaultView(key string) *branchView {
	rows := e.live()
	onDefault := e.anyOf(e.flagged(flagDefault), e.codes(colRepository, func(id string) bool { return e.c.repositories[idOf([]byte(id))].branch == "" }))
	rows.and(onDefault.rows)
	v := e.withStatus(key, rows)
	c := e.c
	v.test = func(row int) bool { return !c.gone[row] && onDefault.test(row) }
	return v
}

// withStatus gives rows the status that they have on their own.
func (e *search) withStatus(key string, rows rowSet) *branchView {
	v := &branchView{followed: followed{rows: rows}, c: e.c, key: key}
	for code := range v.status {
		v.status[code] = newRowSet(len(e.c.ids))
	}
	rows.each(func(row int) { v.status[e.c.status[row]].put(row) })
	return v
}

// branchView has what the branches of the query have or had. With several terms a finding has to be on a branch of each; its status is
// the worst of all of these branches: open before fixed.
func (e *search) branchView(ctx context.Context, key string) (*branchView, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	size := len(e.c.ids)
	there, open, excluded := rowSet(nil), newRowSet(size), newRowSet(size)
	for i := range e.Query.Terms {
		t := &e.Query.Terms[i]
		if t.Key != "branch" || t.Not {
			continue
		}
		if slices.ContainsFunc(t.Values, func(v query.Value) bool { return v.Wild && v.Text == "*" }) {
			v := e.withStatus(key, e.live())
			v.status[codeOpen].or(v.status[codeMuted])
			open.or(v.status[codeOpen])
			there = merge(there, v.rows)
			continue
		}
		on, err := e.present(ctx, t)
		if err != nil {
			return nil, err
		}
		open.or(on.open)
		excluded.or(on.excluded)
		there = merge(there, on.rows)
	}
	there.and(e.live())
	v := &branchView{followed: followed{rows: there}, c: e.c, key: key}
	// A mute is the finding's, but for what settings leave out: they may do so on one branch and not on another one.
	muted := e.codes(colReason, func(reason string) bool { return reason != "" && reason != string(Excluded) }).rows
	excluded.and(there)
	excluded.not(open)
	open.and(there)
	v.status[codeMuted] = slices.Clone(open)
	v.status[codeMuted].and(muted)
	v.status[codeOpen] = slices.Clone(open)
	v.status[codeOpen].not(muted)
	v.status[codeMuted].or(excluded)
	v.status[codeFixed] = slices.Clone(there)
	v.status[codeFixed].not(open)
	v.status[codeFixed].not(excluded)
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

// presences is which findings are or were on some branches, which of them are detected there, muted or not, and which settings leave out.
type presences struct{ rows, open, excluded rowSet }

// present reads what is on the branches that a term names.
func (e *search) present(ctx context.Context, t *query.Term) (*presences, error) {
	open, excluded := newRowSet(len(e.c.ids)), newRowSet(len(e.c.ids))
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
		return nil, fmt.Errorf("read branches: %w", err)
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
	there := e.codes(colRepository, func(id string) bool { return defaults[idOf([]byte(id))] }).rows
	there.and(e.flagged(flagDefault).rows)
	own := e.withStatus("", there)
	open.or(own.status[codeOpen])
	open.or(own.status[codeMuted])
	excluded.or(own.status[codeMuted])
	excluded.and(e.codes(colReason, func(reason string) bool { return reason == string(Excluded) }).rows)
	open.not(excluded)
	there = slices.Clone(there)
	read := 0
	for part := range slices.Chunk(others, 500) {
		rows, err := e.store.DB.QueryContext(ctx, "SELECT finding, state FROM presence WHERE branch IN (?)", bun.List(part))
		if err != nil {
			return nil, fmt.Errorf("read what is on branches: %w", err)
		}
		for rows.Next() {
			var id ID
			var state string
			if err := rows.Scan(&id, &state); err != nil {
				rows.Close()
				return nil, fmt.Errorf("read what is on branches: %w", err)
			}
			if read++; read > maxPresence {
				rows.Close()
				return nil, Refuse(Limited, "%s means branches with more than %d findings together: name fewer branches", t, maxPresence)
			}
			if row, ok := e.c.row(id); ok {
				there.put(row)
				switch state {
				case string(StatusOpen):
					open.put(row)
				case string(Excluded):
					excluded.put(row)
				}
			}
		}
		if err := rows.Err(); err != nil {
			return nil, fmt.Errorf("read what is on branches: %w", err)
		}
		rows.Close()
	}
	return &presences{there, open, excluded}, nil
}
