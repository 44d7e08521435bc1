package helmoracle

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/strvals"

	"plumbline.dev/plumbline/chart"
)

// TestSet compares what --set means.
func TestSet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "b", "ab", ".", ".", "=", "=", ",", "[0]", "[1]", "{", "}", "1", "0", "07", "true", "null", `\`, `\,`, " "}
	same, refused := 0, 0
	for range 200_000 {
		text := "a"
		for range 1 + random.IntN(12) {
			text += pieces[random.IntN(len(pieces))]
		}
		if strings.Contains(text, "[") && strings.HasSuffix(text, "=") {
			continue // Helm takes the end for an error there, and drops the lists on the way
		}
		theirs := map[string]any{}
		err := strvals.ParseInto(text, theirs)
		ours := chart.Values{}
		all, own := chart.ReadAssignments(text)
		for _, a := range all {
			if own == nil {
				own = ours.Set(a)
			}
		}
		if err != nil || own != nil {
			refused++
			if err != nil && own == nil {
				t.Fatalf("%q: Helm refuses it (%v), ours makes %v", text, err, ours)
			}
			continue // ours also refuses what Helm takes by accident: names that are empty
		}
		same++
		if diff := cmp.Diff(theirs, map[string]any(ours)); diff != "" {
			t.Fatalf("%q (-Helm +ours):\n%s", text, diff)
		}
	}
	t.Logf("%d alike, %d refused", same, refused)
}
