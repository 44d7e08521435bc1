package azure

import (
	"fmt"
	"strings"
	"testing"
)

// TestModulesThatMultiply holds that files of which each calls the next ten times end in a problem, and soon.
func TestModulesThatMultiply(t *testing.T) {
	files := map[string]string{"m8.bicep": "output x string = 'x'\n"}
	for i := range 8 {
		var b strings.Builder
		for n := range 10 {
			fmt.Fprintf(&b, "module m%d 'm%d.bicep' = {\n  name: 'm%d'\n}\n", n, i+1, n)
		}
		files[fmt.Sprintf("m%d.bicep", i)] = b.String()
	}
	_, units := bicepUnits(t, files)
	limited := 0
	for _, u := range units {
		for _, p := range u.Problems {
			if strings.Contains(p.Message, "modules are called") {
				limited++
			} else {
				t.Errorf("%s", p.Message)
			}
		}
	}
	if limited != 1 {
		t.Errorf("%d problems of the limit in %d units", limited, len(units))
	}
}
