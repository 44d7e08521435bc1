package store

import (
	"context"
	"fmt"
	"path"
	"strings"
)

// owners decides which team owns a file: the first ownership that speaks of it does.
type owners []ownership

type ownership struct {
	Team       ID
	Repository ID // 0 for any
	Path       string
}

// owners reads who owns what in an organisation.
func (tx *Tx) owners(ctx context.Context, organisation ID) (owners, error) {
	var list owners
	if err := tx.NewRaw("SELECT team, coalesce(repository, 0) AS repository, path FROM ownership WHERE organisation = ? ORDER BY position, id", organisation).Scan(ctx, &list); err != nil {
		return nil, fmt.Errorf("read who owns what: %w", err)
	}
	return list, nil
}

// of returns the team that owns a file, 0 for nobody.
func (o owners) of(repository ID, file string) ID {
	for _, one := range o {
		if (one.Repository == 0 || one.Repository == repository) && ownsPath(one.Path, file) {
			return one.Team
		}
	}
	return 0
}

// ownsPath tells whether a glob speaks of a file: * and ? stay within a segment, ** is any number of segments, and what matches a
// folder speaks of everything below it. "" is everything; a glob without a slash matches at any depth.
func ownsPath(glob, file string) bool {
	glob = strings.Trim(glob, "/")
	if glob == "" {
		return true
	}
	pattern := strings.Split(glob, "/")
	if len(pattern) == 1 {
		pattern = []string{"**", glob}
	}
	return ownsSegments(pattern, strings.Split(file, "/"))
}

func ownsSegments(pattern, names []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for len(pattern) > 1 && pattern[1] == "**" {
				pattern = pattern[1:]
			}
			for i := range len(names) + 1 {
				if ownsSegments(pattern[1:], names[i:]) {
					return true
				}
			}
			return false
		}
		if len(names) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], names[0]); err != nil || !ok {
			return false
		}
		pattern, names = pattern[1:], names[1:]
	}
	return true
}
