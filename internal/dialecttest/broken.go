package dialecttest

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline.dev/plumbline/dialect"
)

// patience is how long a file may take at most: what grows with the square of a file takes longer. On a quiet machine, without the
// race detector, each takes less than two seconds.
const patience = 20 * time.Second

// checkBroken breaks each file of a sample in many ways: no panic, no hang, ranges still lie in the files, and what is in other
// folders is still there.
func checkBroken(t *testing.T, d dialect.Dialect, s *Sample) {
	names := slices.Sorted(maps.Keys(s.Files))
	for _, name := range names {
		text := s.Files[name]
		step := max(1, len(text)/40)
		for cut := 0; cut < len(text); cut += step {
			tryBroken(t, d, s, name, fmt.Sprintf("%s cut at %d", name, cut), text[:cut])
		}
		for _, c := range breakages(text) {
			tryBroken(t, d, s, name, name+" with "+c.name, c.text)
			if name == names[0] {
				besideBroken(t, d, s, name, c)
			}
			if t.Failed() {
				return
			}
		}
	}
	hostileNames(t, d, s, names)
}

// breakage is a file that is not as it should be.
type breakage struct{ name, text string }

func breakages(text string) []breakage {
	half := text[:len(text)/2]
	half = half[:strings.LastIndexByte(half, '\n')+1]
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := range 12 {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), ", "))
	}
	stairs := &strings.Builder{}
	for i := range 3000 {
		stairs.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return []breakage{
		{"nothing", ""},
		{"a byte order mark", "\ufeff" + text},
		{"a NUL in the middle", half + "\x00" + text[len(half):]},
		{"NULs", strings.Repeat("\x00", 1000)},
		{"bytes that are no text", half + "\xff\xfe\xc3" + text[len(half):]},
		{"brackets behind it", text + "\n" + strings.Repeat("[", 100_000)},
		{"brackets before it", strings.Repeat("{", 100_000) + text},
		{"braces in it", half + "x: " + strings.Repeat("{a: ", 100_000) + "\n" + text[len(half):]},
		{"dashes", text + "\n" + strings.Repeat("- ", 100_000) + "x\n"},
		{"question marks", text + "\n" + strings.Repeat("? ", 100_000) + "x\n"},
		{"stairs", text + "\n" + stairs.String()},
		{"an alias bomb", text + "\n" + bomb},
		{"an anchor in itself", text + "\nloop: &loop\n  <<: *loop\n  again: [*loop]\n"},
		{"expressions nested deeply", text + "\nx = " + strings.Repeat("(", 50_000) + "1" + strings.Repeat(")", 50_000) + "\n"},
		{"interpolations nested deeply", text + "\nx: \"" + strings.Repeat("${", 50_000) + "\"\n"},
		{"interpolations in braces nested deeply", text + "\ny: \"" + strings.Repeat("{{", 50_000) + "\"\n"},
		{"a long line", text + "\nx: \"" + strings.Repeat("a ", 1<<20) + "\"\n"},
		{"everything twice", text + "\n" + text},
		{"too many bytes", text + "\n" + strings.Repeat("# a line that says nothing\n", 9<<20/27)},
		{"tabs", strings.ReplaceAll(text, "  ", "\t")},
		{"quotes taken out", strings.NewReplacer("\"", "", "'", "").Replace(text)},
		{"colons taken out", strings.ReplaceAll(text, ":", "")},
		{"lines backwards", backwards(text)},
	}
}

func backwards(text string) string {
	lines := strings.Split(text, "\n")
	slices.Reverse(lines)
	return strings.Join(lines, "\n")
}

// tryBroken puts a text in the place of a file.
func tryBroken(t *testing.T, d dialect.Dialect, s *Sample, name, what, text string) {
	t.Helper()
	files := maps.Clone(s.Files)
	files[name] = text
	defer func() {
		t.Helper()
		if p := recover(); p != nil {
			t.Errorf("%s: a panic: %v", what, p)
		}
	}()
	took := patience
	var e *estate
	for range 2 { // the machine may be busy
		start := time.Now()
		e = open(d, files)
		if took = min(took, time.Since(start)); took < patience {
			break
		}
	}
	if took >= patience {
		t.Errorf("%s: it takes more than %s", what, patience)
	}
	if !t.Failed() {
		if checkEstate(t, e); t.Failed() {
			t.Logf("that was %s", what)
		}
	}
}

// besideBroken puts a broken file into a folder beside the sample, whose resources must stay.
func besideBroken(t *testing.T, d dialect.Dialect, s *Sample, name string, b breakage) {
	t.Helper()
	files := maps.Clone(s.Files)
	files[path.Join("zz-broken", path.Base(name))] = b.text
	defer func() {
		t.Helper()
		if p := recover(); p != nil {
			t.Errorf("%s beside the sample: a panic: %v", b.name, p)
		}
	}()
	got := open(d, files).names()
	for _, want := range s.Addresses {
		if !slices.Contains(got, want) {
			t.Errorf("%s with %s beside the sample: %s is not there any more; there are %q", name, b.name, want, got)
			return
		}
	}
}

// hostileNames puts the sample into folders, and its files under names, that nobody expects.
func hostileNames(t *testing.T, d dialect.Dialect, s *Sample, names []string) {
	t.Helper()
	for _, dir := range []string{"a b", "-rf", "x\ny", "ä'\"`$(x)", "%s%d", "[a]*?", "..a", "a\\b", strings.Repeat("d/", 100) + "e"} {
		files := make(map[string]string)
		for _, name := range names {
			files[path.Join(dir, name)] = s.Files[name]
			ext := path.Ext(name)
			files[path.Join(dir, "more", dir+ext)] = s.Files[name]
		}
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("in a folder %q: a panic: %v", dir, p)
				}
			}()
			checkEstate(t, open(d, files))
		}()
	}
}
