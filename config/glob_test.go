package config

import (
	"strings"
	"testing"
	"time"
)

func TestGlob(t *testing.T) {
	tests := []struct {
		folder, pattern, path string
		inside, exact         bool
	}{
		{".", "*.tf", "a.tf", true, true},
		{".", "*.tf", "x/y/a.tf", true, true},
		{".", "*.tf", "a.tfvars", false, false},
		{".", "/*.tf", "a.tf", true, true},
		{".", "/*.tf", "x/a.tf", false, false},
		{".", "./a.tf", "x/a.tf", false, false},
		{".", "envs", "envs/a/b.tf", true, false},
		{".", "envs/", "x/envs/a", true, false},
		{".", "envs/*", "envs/a/b.tf", true, false},
		{".", "envs/*", "envs/a", true, true},
		{".", "envs/*", "envs", false, false},
		{".", "envs/**", "envs", false, false},
		{".", "envs/**", "envs/a/b", true, true},
		{".", "**/envs/**", "envs/a", true, true},
		{".", "**/envs", "a/b/envs", true, true},
		{".", "a/**/b", "a/b", true, true},
		{".", "a/**/b", "a/x/y/b", true, true},
		{".", "a/**/b", "a/x/y/b/c", true, false},
		{".", "a/**/b/**/c", "a/b/b/x/c", true, true},
		{".", "a/**/b/c", "a/b/x/b/c", true, true},
		{".", "a/**/b/c", "a/b/x/c", false, false},
		{".", "**", "a", true, true},
		{".", "**", ".", true, true},
		{".", ".", ".", true, true},
		{".", ".", "a/b", true, false},
		{".", "?.tf", "é.tf", true, true},
		{".", "[id]/a", "[id]/a", true, true},
		{".", "[id]/a", "i/a", false, false},
		{"sub", "a", "sub/x/a", true, true},
		{"sub", "a", "a", false, false},
		{"sub", "/a", "sub/a/b", true, false},
		{"sub", "/a", "subs/a", false, false},
		{"sub", ".", "sub", true, true},
		{"sub", "*", "sub", false, false},
		{"sub", "*", "sub/a/b", true, true},
	}
	for _, tt := range tests {
		g, err := NewGlob(tt.folder, tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if got := g.Match(tt.path); got != tt.inside {
			t.Errorf("%s in %s: Match(%s) = %v", tt.pattern, tt.folder, tt.path, got)
		}
		if got := g.MatchExactly(tt.path); got != tt.exact {
			t.Errorf("%s in %s: MatchExactly(%s) = %v", tt.pattern, tt.folder, tt.path, got)
		}
	}
}

// TestMatchSegments compares with the definition, which tries everything.
func TestMatchSegments(t *testing.T) {
	var define func(pattern, names []string, inside bool) bool
	define = func(pattern, names []string, inside bool) bool {
		switch {
		case len(pattern) == 0:
			return len(names) == 0 || inside
		case pattern[0] == "**" && len(pattern) == 1:
			return len(names) > 0
		case pattern[0] == "**":
			return define(pattern[1:], names, inside) || len(names) > 0 && define(pattern, names[1:], inside)
		}
		return len(names) > 0 && wildcard(pattern[0], names[0]) && define(pattern[1:], names[1:], inside)
	}
	alphabet := []string{"a", "b", "**"}
	var patterns, paths [][]string
	var grow func(word []string, letters int, into *[][]string)
	grow = func(word []string, letters int, into *[][]string) {
		if len(word) > 0 {
			*into = append(*into, strings.Split(strings.Join(word, "/"), "/"))
		}
		if len(word) < 5 {
			for _, l := range alphabet[:letters] {
				grow(append(word, l), letters, into)
			}
		}
	}
	grow(nil, 3, &patterns)
	grow(nil, 2, &paths)
	for _, p := range patterns {
		if len(p) == 1 && p[0] == "**" {
			continue // stands for the folder itself as well
		}
		for _, n := range paths {
			for _, inside := range []bool{false, true} {
				if got, want := matchSegments(p, n, inside), define(p, n, inside); got != want {
					t.Fatalf("%v on %v, inside %v: got %v", p, n, inside, got)
				}
			}
		}
	}
}

func TestMatchRule(t *testing.T) {
	tests := []struct {
		pattern string
		want    bool
	}{
		{"aws-s3-public-acl", true},
		{"AWS-S3-Public-ACL", true},
		{"aws-s3-*", true},
		{"*", true},
		{"ckv_aws_20", true},
		{"CKV_AWS_2", false},
		{"CKV_AWS_*", true},
		{"AVD-AWS-0092", true},
		{"avd-aws-0092", true},
		{"AWS-0092", true},
		{"38C5EE0D-7F22-4260-AB72-5073048DF100", true},
		{"aws-s3", false},
		{"aws-??-public-acl", true},
		{"", false},
	}
	for _, tt := range tests {
		if got := MatchRule(tt.pattern, "aws-s3-public-acl", "CKV_AWS_20", "AWS-0092", "38c5ee0d-7f22-4260-ab72-5073048df100"); got != tt.want {
			t.Errorf("%s: got %v", tt.pattern, got)
		}
	}
	if !MatchRule("aws-0092", "x", "AVD-AWS-0092") {
		t.Error("the prefix counts when it stands in the alias")
	}
}

func TestMatchAddress(t *testing.T) {
	const address = `module.web["a.b]"].aws_s3_bucket.logs[0]`
	tests := map[string]bool{
		address:                           true,
		"module.web.aws_s3_bucket.logs":   true,
		`module.web["a.b]"]`:              true,
		"module.web":                      true,
		"module.we":                       false,
		"module":                          false,
		`module.web["a`:                   false,
		`module.web["*"].*`:               true,
		"*.aws_s3_bucket.*":               true,
		"*.logs[0]":                       true,
		"*.logs[1]":                       false,
		"*.logs":                          true,
		"aws_s3_bucket.logs":              false,
		"module.web.aws_s3_bucket.logs.x": false,
		"module.*.aws_s3_bucket.log?":     true,
	}
	for pattern, want := range tests {
		if got := MatchAddress(pattern, address); got != want {
			t.Errorf("%s: got %v", pattern, got)
		}
	}
}

func TestGlobsAreCheap(t *testing.T) {
	start := time.Now()
	g, err := NewGlob(".", strings.Repeat("**/a*a*a*/", 90)+"b")
	if err != nil {
		t.Fatal(err)
	}
	if g.Match(strings.Repeat(strings.Repeat("a", 50)+"/", 1000) + "c") {
		t.Error("matched")
	}
	if MatchRule(strings.Repeat("a*", 90)+"b", strings.Repeat("a", 10_000)) {
		t.Error("matched")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"threshold", "rules", "aws-s3-public-acl", "aws-s3-public-policy"}
	tests := map[string]string{
		"treshold":          "threshold",
		"ruels":             "rules",
		"Rules":             "rules",
		"aws-s3-public-alc": "aws-s3-public-acl",
		"s3-public-acl":     "aws-s3-public-acl",
		"x":                 "",
		"":                  "",
		"something-else":    "",
	}
	for wrong, want := range tests {
		if got := Nearest(wrong, words); got != want {
			t.Errorf("%s: got %q", wrong, got)
		}
	}
}
