package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"plumbline.dev/plumbline/query"
)

// View is a search that somebody saved.
type View struct {
	ID        ID     `json:"id"`
	Name      string `json:"name"`
	Own       bool   `json:"own" doc:"made by the caller, who alone may change it"`
	Shared    bool   `json:"shared" doc:"everybody in the organisation sees it"`
	Query     string `json:"query"`
	Settings  string `json:"settings" doc:"JSON of the interface: columns, sorting, grouping"`
	ChangedAt Millis `json:"changedAt"`
}

// maxViews bounds the views of a person.
const maxViews = 200

// noView is the answer about views that are not there, or are others'.
var noView = &Fault{NotFound, "there is no such view, or it is somebody else's"}

// Views returns the person's own views and those that others share, by name.
func (s *Store) Views(ctx context.Context, organisation, person ID) ([]View, error) {
	var list []struct {
		ID        ID
		Name      string
		Person    ID
		Shared    bool
		Query     string
		Settings  string
		ChangedAt Millis
	}
	if err := s.DB.NewRaw("SELECT id, name, person, shared, query, settings, changed_at FROM saved_view WHERE organisation = ? AND (person = ? OR shared = 1) ORDER BY name, id LIMIT 1000", organisation, person).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read views: %w", err)
	}
	out := make([]View, 0, len(list))
	for _, v := range list {
		out = append(out, View{v.ID, v.Name, v.Person == person, v.Shared, v.Query, v.Settings, v.ChangedAt})
	}
	return out, nil
}

// check refuses views that make no sense, and brings the query into its printed form.
func (v *View) check() error {
	var err error
	if v.Name, err = Name(v.Name); err != nil {
		return err
	}
	if len(v.Settings) > 16<<10 || v.Settings != "" && !json.Valid([]byte(v.Settings)) {
		return Refuse(Invalid, "the settings of a view are JSON of at most 16 KiB")
	}
	q, err := query.Parse(v.Query)
	if err != nil {
		return Refuse(Invalid, "the query of the view is not right: %s", err)
	}
	v.Query = q.String()
	return nil
}

// SaveView makes a view of a person, or changes their own when it has an id.
func (tx *Tx) SaveView(ctx context.Context, organisation, person ID, v View) (*View, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	v.Own, v.ChangedAt = true, tx.Now
	var taken, count int
	if err := tx.NewRaw("SELECT count(*), coalesce(sum(CASE WHEN name = ? AND id <> ? THEN 1 ELSE 0 END), 0) FROM saved_view WHERE organisation = ? AND person = ?", v.Name, v.ID, organisation, person).Scan(ctx, &count, &taken); err != nil {
		return nil, fmt.Errorf("read views: %w", err)
	}
	if taken > 0 {
		return nil, Refuse(Conflict, "you have a view of that name: choose another one, or change that one")
	}
	if v.ID == 0 {
		if count >= maxViews {
			return nil, Refuse(Limited, "you have %d views: remove some", count)
		}
		v.ID = tx.Store.NewID()
		_, err := tx.NewRaw("INSERT INTO saved_view (id, organisation, person, name, shared, query, settings, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			v.ID, organisation, person, v.Name, bit(v.Shared), v.Query, v.Settings, tx.Now, tx.Now).Exec(ctx)
		if err != nil {
			return nil, fmt.Errorf("save a view: %w", err)
		}
		return &v, nil
	}
	result, err := tx.NewRaw("UPDATE saved_view SET name = ?, shared = ?, query = ?, settings = ?, changed_at = ? WHERE id = ? AND organisation = ? AND person = ?",
		v.Name, bit(v.Shared), v.Query, v.Settings, tx.Now, v.ID, organisation, person).Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("save a view: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return nil, errors.Join(noView, err)
	}
	return &v, nil
}

// RemoveView removes a view of a person and returns its name.
func (tx *Tx) RemoveView(ctx context.Context, organisation, person, id ID) (name string, err error) {
	err = tx.NewRaw("DELETE FROM saved_view WHERE id = ? AND organisation = ? AND person = ? RETURNING name", id, organisation, person).Scan(ctx, &name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", noView
	}
	if err != nil {
		return "", fmt.Errorf("remove a view: %w", err)
	}
	return name, nil
}

// bit is a boolean as tables have it.
func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
