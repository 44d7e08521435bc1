package config

import "strings"

// Nearest returns the word that was most likely meant: the one that the fewest letters have to be changed, added, dropped
// or swapped for, if they are at most a third of its length. Without such a word it returns "". The first of equals wins.
func Nearest(wrong string, words []string) string {
	if len(wrong) > 100 {
		return ""
	}
	wrong = strings.ToLower(wrong)
	best, least := "", 0
	for _, word := range words {
		limit := max(1, (min(len(word), len(wrong))+1)/3)
		if gap := len(word) - len(wrong); max(gap, -gap) > limit {
			continue
		}
		if d := distance(wrong, strings.ToLower(word)); d <= limit && (best == "" || d < least) {
			best, least = word, d
		}
	}
	return best
}

// distance counts the single-byte edits between two words; the swap of two neighbours is one.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
