package dockerfile

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/source"
)

// TestHostile holds that no file takes long, and that what ends early is one problem.
func TestHostile(t *testing.T) {
	var doubling strings.Builder
	doubling.WriteString("FROM scratch\nENV A0=aaaaaaaaaaaaaaaa\n")
	for i := range 200 {
		n := string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		doubling.WriteString("ENV A0=$A0$A0 " + n + "=$A0\n")
	}
	for _, c := range []struct {
		name, text string
		problems   int // at least one, when more are meant
	}{
		{"stages", strings.Repeat("FROM a\nRUN b\n", 6_000), 1},
		{"stages that stand on each other", "FROM a AS s0\n" + chain(3_000), 1},
		{"instructions", "FROM a\n" + strings.Repeat("RUN b\n", 30_000), 1},
		{"a long line", "FROM a\nRUN " + strings.Repeat("echo a && ", 300_000) + "b\n", 0},
		{"a long word", "FROM a\nCOPY " + strings.Repeat("a", 2_000_000) + " b\n", 0},
		{"many words", "FROM a\nEXPOSE " + strings.Repeat("80 ", 200_000) + "\n", 0},
		{"continued lines", "FROM a\nRUN a" + strings.Repeat(" \\\n b", 300_000) + "\n", 0},
		{"comments between", "FROM a\nRUN a \\\n" + strings.Repeat("# c\n", 300_000) + " b\n", 0},
		{"brackets", "FROM a\nRUN " + strings.Repeat("$(", 200_000) + "\n", 0},
		{"variables in variables", "FROM a\nUSER " + strings.Repeat("${A:-", 100_000) + "\n", 0},
		{"closed variables in variables", "FROM scratch\nUSER " + strings.Repeat("${A:-", 20_000) + strings.Repeat("}", 20_000) + "\n", 0},
		{"variables that double", doubling.String(), 0},
		{"one variable often", "FROM scratch\nENV A=" + strings.Repeat("a", 60_000) + "\nUSER " + strings.Repeat("$A", 100_000) + "\n", 0},
		{"here-documents", "FROM a\nRUN " + strings.Repeat("<<A ", 50_000) + "\n", 2},
		{"JSON", "FROM a\nCMD [" + strings.Repeat(`"a",`, 200_000) + `"a"]` + "\n", 0},
		{"triggers", "FROM a\n" + strings.Repeat("ONBUILD ", 100_000) + "RUN x\n", 0},
		{"flags", "FROM a\nRUN " + strings.Repeat("--mount=type=cache,target=/a ", 20_000) + "x\n", 0},
		{"names of the same kind", "FROM a\n" + strings.Repeat("RUN apt-get install -y curl\n", 15_000), 0},
		{"commands", "FROM a\n" + strings.Repeat("CMD a\n", 10_000), 0},
		{"installations", "FROM a\nRUN " + strings.Repeat("apt-get install a; ", 10_000) + "\n", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &source.File{Path: "Dockerfile", Bytes: []byte(c.text)}
			w := &dialect.Workspace{Read: func(string) (*source.File, *source.Problem) { return f, nil }}
			start := time.Now()
			e, _ := dockerfile{}.Open(context.Background(), w, []string{"Dockerfile"})
			u := e.Evaluate(context.Background(), dialect.UnitName{Dir: "Dockerfile"})
			e.Comments("Dockerfile")
			if d := time.Since(start); d > 8*time.Second && !testing.Short() { // with the race detector it means nothing
				t.Errorf("it takes %v", d)
			} else if testing.Verbose() {
				t.Logf("%v, %d resources", d, len(u.Graph.Resources))
			}
			if n := len(u.Problems); c.problems < 2 && n != c.problems || c.problems > 1 && n == 0 {
				t.Errorf("%d problems, want %d: %.300v", n, c.problems, u.Problems)
			}
		})
	}
}

func chain(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("FROM s" + strconv.Itoa(i) + " AS s" + strconv.Itoa(i+1) + "\nUSER $X\n")
	}
	return b.String()
}
