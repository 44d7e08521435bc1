package store

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/query"
)

// GroupKeys are what findings can be grouped by. A resource is its address in its repository and unit.
var GroupKeys = []string{"rule", "repo", "team", "file", "resource", "severity", "category", "type", "provider", "assignee"}

// FindingGroup is the findings that have something in common.
type FindingGroup struct {
	Value      string         `json:"value"`
	Label      string         `json:"label,omitempty" doc:"for people, where it is another text"`
	Count      int            `json:"count"`
	Severities map[string]int `json:"severities" doc:"how many of each severity; none of those that are not there"`
	Worst      string         `json:"worst"`
	Term       string         `json:"term" doc:"the terms of a query that ask for it"`
}

// FindingGroups is one page of groups.
type FindingGroups struct {
	Items []FindingGroup `json:"items" doc:"the largest first"`
	Total int            `json:"total" doc:"groups on all pages"`
	Next  string         `json:"next" doc:"cursor of the next page; empty on the last one"`
}

// group is a FindingGroup while it is counted.
type group struct {
	key    [3]uint32 // codes; of resources address, repository, unit
	count  int
	levels [finding.Critical + 1]int
}

// Groups returns one page of the groups of the findings that fit.
func (s *Store) Groups(ctx context.Context, f FindingSearch, by string, p PageOf) (*FindingGroups, error) {
	if !slices.Contains(GroupKeys, by) {
		return nil, Refuse(Invalid, "findings cannot be grouped by %q: use %s", by, strings.Join(GroupKeys, ", "))
	}
	e, done, err := s.open(ctx, f)
	if err != nil {
		return nil, err
	}
	defer done()
	rows, err := e.matched(ctx, "")
	if err != nil {
		return nil, err
	}
	all, err := cached(&e.c.cache, e.question("groups", by+" "+e.Query.String()), func(g []group) int { return 80 * len(g) }, func() ([]group, error) { return e.groups(rows, by), nil })
	if err != nil {
		return nil, err
	}
	var at, last groupCursor
	if p.Cursor != "" {
		raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
		if err != nil || json.Unmarshal(raw, &at) != nil || at.By != by {
			return nil, Refuse(Invalid, "the cursor is not one of this list: begin again without it")
		}
	}
	out := &FindingGroups{Items: []FindingGroup{}, Total: len(all)}
	start := 0
	if p.Cursor != "" {
		start, _ = slices.BinarySearchFunc(all, at.Count, func(g group, count int) int { return count - g.count })
	}
	for start < len(all) {
		end := start
		for end < len(all) && all[end].count == all[start].count {
			end++
		}
		run := slices.Clone(all[start:end]) // of one size: only those that are shown are brought in the order of their texts
		texts := make(map[[3]uint32]string, len(run))
		for i := range run {
			texts[run[i].key] = e.groupText(by, &run[i])
		}
		slices.SortFunc(run, func(a, b group) int { return strings.Compare(texts[a.key], texts[b.key]) })
		for i := range run {
			text := texts[run[i].key]
			if p.Cursor != "" && run[i].count == at.Count && text <= at.Text {
				continue
			}
			if len(out.Items) == p.Limit {
				out.Next = last.String()
				return out, nil
			}
			out.Items = append(out.Items, e.describe(by, &run[i]))
			last = groupCursor{by, run[i].count, text}
		}
		start = end
	}
	return out, nil
}

// groupCursor is behind a group.
type groupCursor struct {
	By    string `json:"b"`
	Count int    `json:"c"`
	Text  string `json:"t"`
}

func (g groupCursor) String() string {
	text, _ := json.Marshal(g) // plain fields
	return base64.RawURLEncoding.EncodeToString(text)
}

// groupColumn is the column of each key, resource and severity apart.
var groupColumn = map[string]textColumn{"rule": colRule, "repo": colRepository, "team": colTeam, "file": colFile, "category": colCategory, "type": colType, "provider": colProvider, "assignee": colAssignee}

// groups counts, and sorts the largest first.
func (e *search) groups(rows rowSet, by string) []group {
	var out []group
	switch by {
	case "severity":
		levels := [finding.Critical + 1]int{}
		rows.each(func(row int) { levels[min(e.c.severity[row], uint8(finding.Critical))]++ })
		for s, n := range levels {
			if n > 0 {
				g := group{key: [3]uint32{uint32(s)}, count: n}
				g.levels[s] = n
				out = append(out, g)
			}
		}
	case "resource":
		at := map[[3]uint32]int{}
		rows.each(func(row int) {
			key := [3]uint32{e.c.codes[colAddress][row], e.c.codes[colRepository][row], e.c.codes[colUnit][row]}
			i, ok := at[key]
			if !ok {
				i = len(out)
				at[key] = i
				out = append(out, group{key: key})
			}
			out[i].count++
			out[i].levels[min(e.c.severity[row], uint8(finding.Critical))]++
		})
	default:
		codes := e.c.codes[groupColumn[by]]
		counts := make([]group, len(e.c.dicts[groupColumn[by]].ends))
		rows.each(func(row int) {
			g := &counts[codes[row]]
			g.count++
			g.levels[min(e.c.severity[row], uint8(finding.Critical))]++
		})
		for code := range counts {
			if counts[code].count > 0 {
				counts[code].key[0] = uint32(code)
				out = append(out, counts[code])
			}
		}
	}
	slices.SortFunc(out, func(a, b group) int { return cmp.Or(b.count-a.count, slices.Compare(a.key[:], b.key[:])) })
	return out
}

// groupText tells groups of one size apart and gives them an order.
func (e *search) groupText(by string, g *group) string {
	switch by {
	case "severity":
		return fmt.Sprint(5 - g.key[0])
	case "resource":
		return e.textOf(colAddress, g.key[0]) + "\x00" + e.textOf(colRepository, g.key[1]) + "\x00" + e.textOf(colUnit, g.key[2])
	}
	return e.textOf(groupColumn[by], g.key[0]) + "\x00" + string(e.c.dicts[groupColumn[by]].of(g.key[0]))
}

// describe makes a group for people.
func (e *search) describe(by string, g *group) FindingGroup {
	out := FindingGroup{Count: g.count, Severities: map[string]int{}}
	for s := finding.Critical; s >= finding.Info; s-- {
		if n := g.levels[s]; n > 0 {
			out.Severities[s.String()] = n
			if out.Worst == "" {
				out.Worst = s.String()
			}
		}
	}
	switch by {
	case "severity":
		out.Value = finding.Severity(g.key[0]).String()
	case "resource":
		out.Value = e.textOf(colAddress, g.key[0])
		repo, unit := e.textOf(colRepository, g.key[1]), e.textOf(colUnit, g.key[2])
		out.Label = repo + ": " + out.Value
		q := query.Query{Terms: []query.Term{query.Exactly("address", out.Value), query.Exactly("repo", repo)}}
		if unit != "" {
			q.Terms = append(q.Terms, query.Exactly("unit", unit))
		}
		out.Term = q.String()
		return out
	default:
		out.Value = e.textOf(groupColumn[by], g.key[0])
		if (by == "team" || by == "assignee") && string(e.c.dicts[groupColumn[by]].of(g.key[0])) == "0" {
			out.Value = "none"
		}
		if by == "rule" {
			out.Label = e.Rules[out.Value].Title
		}
	}
	t := query.Exactly(by, out.Value)
	out.Term = t.String()
	return out
}
