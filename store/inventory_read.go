package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"plumbline.dev/plumbline/access"
	"plumbline.dev/plumbline/query"
)

// Resource is a resource of the inventory.
type Resource struct {
	ID         ID            `json:"id"`
	Repository FindingRef    `json:"repository"`
	Unit       string        `json:"unit" doc:"directory of what is evaluated together"`
	Variant    string        `json:"variant" doc:"set of inputs; empty when there is but one"`
	Address    string        `json:"address"`
	Type       string        `json:"type"`
	Native     string        `json:"native" doc:"the dialect's own word for the type where it is another one"`
	Name       string        `json:"name"`
	Provider   string        `json:"provider"`
	Dialect    string        `json:"dialect"`
	Module     string        `json:"module"`
	File       string        `json:"file"`
	Line       int           `json:"line"`
	Maybe      bool          `json:"maybe" doc:"it may be there zero or more times"`
	Within     string        `json:"within" doc:"address of the resource that it is a part of"`
	Exposed    string        `json:"exposed" doc:"why it can be reached from the internet; empty when nothing says so"`
	Tags       []ResourceTag `json:"tags" doc:"effective ones, by key"`
	Open       Numbered      `json:"open" doc:"open fails on it"`
}

// ResourceQuery says which resources are wanted; what is empty does not narrow.
type ResourceQuery struct {
	Text       string // in the address, whatever the case
	Type       string
	Provider   string
	Dialect    string
	Repository ID
	Tag        string // key, or key=value
	Without    string // key of a tag that is not there, among types that have tags
	Untagged   bool   // no tag at all, among types that have tags
	Exposed    bool
	Cursor     string
	Limit      int
}

// seenResources is the condition on resource x and its repository r that a scope sees it.
func seenResources(scope access.Scope) (string, []any) {
	text, args := seenRepositories(scope)
	if !scope.All {
		text, args = text+" AND x.team IN (?)", append(args, bun.List(scope.Teams))
	}
	return text, args
}

// taggable is the condition that a resource is of a type that has tags: somebody tagged one in the organisation.
const taggable = "x.type IN (SELECT DISTINCT y.type FROM resource y WHERE y.organisation = x.organisation AND y.tags > 0)"

const fromResources = " FROM resource x JOIN repository r ON r.id = x.repository WHERE "

// where is the condition of a query.
func (q *ResourceQuery) where(scope access.Scope) (string, []any) {
	text, args := seenResources(scope)
	and := func(condition string, values ...any) { text, args = text+" AND "+condition, append(args, values...) }
	for _, c := range []struct{ column, value string }{{"x.type", q.Type}, {"x.provider", q.Provider}, {"x.dialect", q.Dialect}} {
		if c.value != "" {
			and(c.column+" = ?", c.value)
		}
	}
	if q.Repository != 0 {
		and("x.repository = ?", q.Repository)
	}
	if q.Text != "" {
		and(`lower(x.address) LIKE ? ESCAPE '\'`, "%"+strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(q.Text))+"%")
	}
	if key, value, both := strings.Cut(q.Tag, "="); both {
		and("EXISTS (SELECT 1 FROM resource_tag g WHERE g.resource = x.id AND g.key = ? AND g.value = ?)", key, value)
	} else if key != "" {
		and("EXISTS (SELECT 1 FROM resource_tag g WHERE g.resource = x.id AND g.key = ?)", key)
	}
	if q.Without != "" {
		and("NOT EXISTS (SELECT 1 FROM resource_tag g WHERE g.resource = x.id AND g.key = ?) AND "+taggable, q.Without)
	}
	if q.Untagged {
		and("x.tags = 0 AND " + taggable)
	}
	if q.Exposed {
		and("x.exposed <> ''")
	}
	return text, args
}

const resourceColumns = "x.id, x.unit, x.variant, x.address, x.type, x.native, x.name, x.provider, x.dialect, x.module, x.file, x.line, x.maybe, x.part_of, x.exposed, r.id, r.name"

func (s *Store) scanResources(ctx context.Context, query string, args []any) ([]Resource, error) {
	rows, err := s.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list resources: %w", err)
	}
	defer rows.Close()
	list := []Resource{}
	for rows.Next() {
		x := Resource{Tags: []ResourceTag{}}
		var maybe int64
		if err := rows.Scan(&x.ID, &x.Unit, &x.Variant, &x.Address, &x.Type, &x.Native, &x.Name, &x.Provider, &x.Dialect, &x.Module, &x.File, &x.Line, &maybe, &x.Within, &x.Exposed, &x.Repository.ID, &x.Repository.Name); err != nil {
			return nil, fmt.Errorf("list resources: %w", err)
		}
		x.Maybe = maybe != 0
		list = append(list, x)
	}
	return list, rows.Err()
}

// Resources lists resources by type and in the order in which they came. next is the cursor of the page after, "" on the last one.
func (s *Store) Resources(ctx context.Context, scope access.Scope, q ResourceQuery) (list []Resource, next string, err error) {
	where, args := q.where(scope)
	if q.Cursor != "" {
		var at struct {
			Type string
			ID   ID
		}
		text, err := base64.RawURLEncoding.DecodeString(q.Cursor)
		if err == nil {
			err = json.Unmarshal(text, &at)
		}
		if err != nil {
			return nil, "", Refuse(Invalid, "The cursor is not one of this list.")
		}
		where, args = where+" AND (x.type > ? OR x.type = ? AND x.id > ?)", append(args, at.Type, at.Type, at.ID)
	}
	list, err = s.scanResources(ctx, "SELECT "+resourceColumns+fromResources+where+" ORDER BY x.type, x.id LIMIT ?", append(args, q.Limit+1))
	if err != nil {
		return nil, "", err
	}
	if len(list) > q.Limit {
		list = list[:q.Limit]
		last := list[len(list)-1]
		text, err := json.Marshal(map[string]any{"Type": last.Type, "ID": last.ID})
		if err != nil {
			return nil, "", err
		}
		next = base64.RawURLEncoding.EncodeToString(text)
	}
	return list, next, s.describeResources(ctx, scope, list)
}

// Resource returns one resource that a scope sees.
func (s *Store) Resource(ctx context.Context, scope access.Scope, id ID) (*Resource, error) {
	where, args := seenResources(scope)
	list, err := s.scanResources(ctx, "SELECT "+resourceColumns+fromResources+where+" AND x.id = ?", append(args, id))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, Refuse(NotFound, "There is no such resource here. The inventory is made anew by each scan: it may have changed.")
	}
	return &list[0], s.describeResources(ctx, scope, list)
}

// describeResources adds tags and counts of findings.
func (s *Store) describeResources(ctx context.Context, scope access.Scope, list []Resource) error {
	at := make(map[ID]int, len(list))
	ids := make([]ID, 0, len(list))
	for i := range list {
		at[list[i].ID] = i
		ids = append(ids, list[i].ID)
	}
	for part := range slices.Chunk(ids, 500) {
		rows, err := s.DB.QueryContext(ctx, "SELECT resource, key, value, known, origin, file, line FROM resource_tag WHERE resource IN (?) ORDER BY resource, key", bun.List(part))
		if err != nil {
			return fmt.Errorf("read tags: %w", err)
		}
		for rows.Next() {
			var id ID
			var t ResourceTag
			var known int64
			if err := rows.Scan(&id, &t.Key, &t.Value, &known, &t.Origin, &t.File, &t.Line); err != nil {
				rows.Close()
				return fmt.Errorf("read tags: %w", err)
			}
			t.Known = known != 0
			list[at[id]].Tags = append(list[at[id]].Tags, t)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return fmt.Errorf("read tags: %w", err)
		}
	}
	places := make([]ResourcePlace, len(list))
	for i, x := range list {
		places[i] = ResourcePlace{x.Repository.ID, x.Unit, x.Address}
	}
	counts, err := s.OpenOn(ctx, scope, places)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Open = Numbered{counts[i], FindingsOn(list[i].Repository.Name, places[i])}
	}
	return nil
}

// ResourcePlace names a resource for findings, which know nothing of variants.
type ResourcePlace struct {
	Repository ID
	Unit       string
	Address    string
}

// FindingsOn is the query that lists the open fails on a resource.
func FindingsOn(repository string, p ResourcePlace) string {
	q := query.Query{Terms: []query.Term{query.Exactly("repo", repository), query.Exactly("address", p.Address), query.Exactly("unit", cmp.Or(p.Unit, ".")), query.Exactly("status", "open"), query.Exactly("verdict", "fail")}}
	return q.String()
}

// OpenOn counts the open fails on resources, in their order. As the query unit: does, a unit has what lies below it too.
func (s *Store) OpenOn(ctx context.Context, scope access.Scope, places []ResourcePlace) ([]int, error) {
	e, done, err := s.open(ctx, FindingSearch{Scope: scope})
	if err != nil {
		return nil, err
	}
	defer done()
	marked := make([]bool, len(e.c.dicts[colAddress].ends))
	for _, p := range places {
		if code, ok := e.c.dicts[colAddress].find([]byte(p.Address)); ok {
			marked[code] = true
		}
	}
	rows := rowsWhere(e.c.codes[colAddress], marked)
	rows.and(e.all)
	rows.and(e.view.status[codeOpen])
	counts := make(map[ResourcePlace]map[string]int)
	rows.each(func(row int) {
		if e.c.flags[row]&flagUndecided != 0 {
			return
		}
		at := ResourcePlace{Repository: idOf(e.c.dicts[colRepository].of(e.c.codes[colRepository][row])), Address: string(e.c.dicts[colAddress].of(e.c.codes[colAddress][row]))}
		if counts[at] == nil {
			counts[at] = make(map[string]int)
		}
		counts[at][string(e.c.dicts[colUnit].of(e.c.codes[colUnit][row]))]++
	})
	out := make([]int, len(places))
	for i, p := range places {
		unit := query.Value{Text: cmp.Or(p.Unit, ".")}
		for at, n := range counts[ResourcePlace{Repository: p.Repository, Address: p.Address}] {
			if unit.MatchPath(at) {
				out[i] += n
			}
		}
	}
	return out, nil
}

// ResourceFacets counts what a query of resources lists.
type ResourceFacets struct {
	Total        int             `json:"total"`
	Exposed      int             `json:"exposed"`
	Taggable     int             `json:"taggable" doc:"of types of which at least one resource of the organisation has a tag"`
	Untagged     int             `json:"untagged" doc:"of these, those without any tag"`
	Types        []ResourceFacet `json:"types" doc:"the most frequent 50"`
	Providers    []ResourceFacet `json:"providers"`
	Dialects     []ResourceFacet `json:"dialects"`
	Repositories []ResourceFacet `json:"repositories" doc:"the most frequent 50"`
	Tags         []ResourceFacet `json:"tags" doc:"keys of tags: how many resources have each; the most frequent 50"`
}

// ResourceFacet is a value with how many resources have it.
type ResourceFacet struct {
	Value string `json:"value" doc:"an id of repositories"`
	Label string `json:"label" doc:"for people"`
	Count int    `json:"count"`
}

// ResourceFacets counts the resources that fit a query, its cursor and limit aside.
func (s *Store) ResourceFacets(ctx context.Context, scope access.Scope, q ResourceQuery) (*ResourceFacets, error) {
	where, args := q.where(scope)
	out := &ResourceFacets{}
	err := s.DB.NewRaw("SELECT count(*), coalesce(sum(CASE WHEN x.exposed <> '' THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN "+taggable+" THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN x.tags = 0 AND "+taggable+" THEN 1 ELSE 0 END), 0)"+fromResources+where, args...).
		Scan(ctx, &out.Total, &out.Exposed, &out.Taggable, &out.Untagged)
	if err != nil {
		return nil, fmt.Errorf("count resources: %w", err)
	}
	for _, f := range []struct {
		into          *[]ResourceFacet
		value, label  string
		more, present string
	}{
		{&out.Types, "x.type", "x.type", "", ""}, {&out.Providers, "x.provider", "x.provider", "", " AND x.provider <> ''"}, {&out.Dialects, "x.dialect", "x.dialect", "", ""},
		{&out.Repositories, "x.repository", "r.name", "", ""}, {&out.Tags, "g.key", "g.key", " JOIN resource_tag g ON g.resource = x.id", ""},
	} {
		from := strings.Replace(fromResources, " WHERE ", f.more+" WHERE ", 1)
		rows, err := s.DB.QueryContext(ctx, "SELECT "+f.value+", "+f.label+", count(*)"+from+where+f.present+" GROUP BY "+f.value+", "+f.label+" ORDER BY 3 DESC, 2 LIMIT 50", args...)
		if err != nil {
			return nil, fmt.Errorf("count resources: %w", err)
		}
		*f.into = []ResourceFacet{}
		for rows.Next() {
			var one ResourceFacet
			var id ID
			value := any(&one.Value)
			if f.value == "x.repository" {
				value = &id
			}
			if err := rows.Scan(value, &one.Label, &one.Count); err != nil {
				rows.Close()
				return nil, fmt.Errorf("count resources: %w", err)
			}
			if id != 0 {
				one.Value = id.String()
			}
			*f.into = append(*f.into, one)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, fmt.Errorf("count resources: %w", err)
		}
	}
	return out, nil
}

// SnapshotOf is a repository's snapshot without its resources.
type SnapshotOf struct {
	Repository FindingRef
	SHA        string
	At         Millis
	Cut        bool
	Edges      []ResourceEdge
}

// Snapshots returns the snapshots that a scope sees, of one repository when it is not 0, by the name of the repository; at most limit of them.
func (s *Store) Snapshots(ctx context.Context, scope access.Scope, repository ID, limit int) ([]SnapshotOf, error) {
	where, args := seenRepositories(scope)
	if repository != 0 {
		where, args = where+" AND r.id = ?", append(args, repository)
	}
	rows, err := s.DB.QueryContext(ctx, "SELECT r.id, r.name, n.sha, n.made_at, n.edges, n.cut FROM snapshot n JOIN repository r ON r.id = n.repository WHERE "+where+" ORDER BY r.name LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("read snapshots: %w", err)
	}
	var out []SnapshotOf
	var refs []string
	for rows.Next() {
		var n SnapshotOf
		var edges string
		var cut int64
		if err := rows.Scan(&n.Repository.ID, &n.Repository.Name, &n.SHA, &n.At, &edges, &cut); err != nil {
			rows.Close()
			return nil, fmt.Errorf("read snapshots: %w", err)
		}
		n.Cut = cut != 0
		out, refs = append(out, n), append(refs, edges)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read snapshots: %w", err)
	}
	for i, ref := range refs {
		if ref == "" {
			continue
		}
		text, err := s.Blob(ctx, ref)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &out[i].Edges); err != nil {
			return nil, fmt.Errorf("read the references of resources: %w", err)
		}
	}
	return out, nil
}

// GraphResources lists what graphs need of resources, without tags and findings: of one repository when it is not 0; at most limit of
// them, and whether there are more.
func (s *Store) GraphResources(ctx context.Context, scope access.Scope, repository ID, limit int) (list []Resource, more bool, err error) {
	q := ResourceQuery{Repository: repository}
	where, args := q.where(scope)
	list, err = s.scanResources(ctx, "SELECT "+resourceColumns+fromResources+where+" ORDER BY r.name, x.unit, x.id LIMIT ?", append(args, limit+1))
	if len(list) > limit {
		return list[:limit], true, err
	}
	return list, false, err
}
