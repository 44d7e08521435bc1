package source

import (
	"testing"
	"testing/fstest"
)

// Text in UTF-16 is recognised by what it says, and refused with what to do about it.
func TestReader_utf16(t *testing.T) {
	tests := []struct {
		name, content string
		head          string // what it is recognised by
		refused       bool
	}{
		{"little endian", "\xff\xfea\x00:\x00\xe9\x00", "a:é", true},
		{"big endian", "\xfe\xff\x00a\x00:\x00\xe9", "a:é", true},
		{"without a mark", "a\x00:\x00 \x00b\x00", "a: b", true},
		{"big endian without a mark", "\x00a\x00:\x00 \x00b", "a: b", true},
		{"half a unit at the end", "\xff\xfea\x00:\x00\xe9", "a:", true},
		{"only a mark", "\xff\xfe", "", true},
		{"UTF-8", "a: é", "a: é", false},
		{"UTF-8 with a mark", "\xef\xbb\xbfa", "\xef\xbb\xbfa", false},
		{"a NUL", "ab\x00cd", "ab\x00cd", false},
		{"short", "a\x00", "a\x00", false},
		{"another encoding", "a: \xe9", "a: \xe9", true},
		{"empty", "", "", false},
	}
	for _, c := range tests {
		r := &Reader{FS: fstest.MapFS{"a": {Data: []byte(c.content)}}}
		if got := string(r.Head("a")); got != c.head {
			t.Errorf("%s: head %q, want %q", c.name, got, c.head)
		}
		_, problem := r.Read("a")
		if (problem != nil) != c.refused {
			t.Errorf("%s: problem %v, want one: %v", c.name, problem, c.refused)
		}
	}
	r := &Reader{FS: fstest.MapFS{"a": {Data: []byte("\xff\xfea\x00")}}}
	if _, problem := r.Read("a"); problem == nil || problem.Kind != Unreadable || problem.Message != "the file is in UTF-16; save it as UTF-8" {
		t.Errorf("problem %+v", problem)
	}
}
