package chart

import "strings"

// mostSchema is how many schemas one may be made of, once each reference is followed.
const mostSchema = 5_000_000

// weigher counts the schemas that one is made of when each reference inside of the document is followed. One that refers to
// itself counts once.
type weigher struct {
	document any
	known    map[string]int // of what references lead to; -1 while it is counted
}

func (w *weigher) of(v any) int {
	n := 1
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			n = min(n+w.of(e), mostSchema+1)
		}
		if ref, ok := v["$ref"].(string); ok && strings.HasPrefix(ref, "#") {
			n = min(n+w.behind(ref), mostSchema+1)
		}
	case []any:
		for _, e := range v {
			n = min(n+w.of(e), mostSchema+1)
		}
	}
	return n
}

func (w *weigher) behind(ref string) int {
	if n, ok := w.known[ref]; ok {
		return max(n, 0)
	}
	w.known[ref] = -1
	at := w.document
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(ref, "#"), "/"), "/") {
		if t, ok := at.(map[string]any); ok && part != "" {
			at = t[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		}
	}
	n := w.of(at)
	w.known[ref] = n
	return n
}
