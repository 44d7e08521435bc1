package store

import (
	"context"
	"slices"
)

// exportChunk is how many rows an export reads at once.
const exportChunk = 2000

// exportRows is how many rows an export has at most, whose ids are kept while it runs.
const exportRows = 5_000_000

// ExportFindings hands every finding that fits to a function, in the order of a list, some at a time. The order and the selection are those
// of the beginning; a finding that changes meanwhile is told as it is when its turn comes, one that goes is left out. It returns how many
// there were.
func (s *Store) ExportFindings(ctx context.Context, f FindingSearch, sorting string, some func([]FindingRow) error) (int, error) {
	e, done, err := s.open(ctx, f)
	if err != nil {
		return 0, err
	}
	ids, view, names, err := e.sorted(ctx, sorting)
	done()
	if err != nil {
		return 0, err
	}
	told := 0
	for start := 0; start < len(ids); start += exportChunk {
		part := ids[start:min(start+exportChunk, len(ids))]
		rows, err := s.findingRows(ctx, s.DB, ID(f.Scope.Organisation), part)
		if err != nil {
			return told, err
		}
		list := make([]FindingRow, 0, len(part))
		for i, id := range part {
			if row, ok := rows[id]; ok {
				item := row.item(names, f.Rules)
				if view != nil {
					item.Status = statusOf[view[start+i]]
				}
				list = append(list, item)
			}
		}
		if err := some(list); err != nil {
			return told, err
		}
		told += len(list)
	}
	return told, nil
}

// sorted returns the ids of everything that fits, in order; status are the codes of the view, nil when the rows have them.
func (e *search) sorted(ctx context.Context, sorting string) (ids []ID, status []uint8, names namesOf, err error) {
	rows, err := e.matched(ctx, "")
	if err != nil {
		return nil, nil, names, err
	}
	o, err := e.order(sorting)
	if err != nil {
		return nil, nil, names, err
	}
	total := rows.count()
	if total > exportRows {
		return nil, nil, names, Refuse(Limited, "%d findings fit, and one file holds %d: narrow the query", total, exportRows)
	}
	list := make([]uint32, 0, total)
	rows.each(func(row int) { list = append(list, uint32(row)) })
	slices.SortFunc(list, func(a, b uint32) int {
		return o.at(int(a), e.c.ids[a]).compare(o.at(int(b), e.c.ids[b]))
	})
	ids = make([]ID, total)
	if e.view.key != "" {
		status = make([]uint8, total)
	}
	for i, row := range list {
		ids[i] = e.c.ids[row]
		if status != nil {
			status[i] = e.view.code(int(row))
		}
	}
	return ids, status, e.names(), nil
}
