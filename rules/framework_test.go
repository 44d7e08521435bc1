package rules

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

// controlID says what the ids of a framework look like.
var controlID = map[string]*regexp.Regexp{
	"cis-aws-3.0.0":           regexp.MustCompile(`^[1-5](\.[1-9]\d?){1,2}$`),
	"cis-azure-3.0.0":         regexp.MustCompile(`^([2-9]|10)(\.[1-9]\d?){1,3}$`),
	"cis-gcp-3.0.0":           regexp.MustCompile(`^[1-8](\.[1-9]\d?){1,2}$`),
	"cis-aks-1.5.0":           regexp.MustCompile(`^[2-5](\.[1-9]\d?){2}$`),
	"cis-docker-1.6.0":        regexp.MustCompile(`^[45]\.[1-9]\d?$`),
	"cis-eks-1.5.0":           regexp.MustCompile(`^[2-5](\.[1-9]\d?){2}$`),
	"cis-gke-1.6.0":           regexp.MustCompile(`^[245](\.[1-9]\d?){2}$`),
	"cis-kubernetes-1.9":      regexp.MustCompile(`^[1-5](\.[1-9]\d?){1,2}$`),
	"nsa-cisa-kubernetes-1.2": regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`),
	"pss-baseline":            regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`),
	"pss-restricted":          regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`),
	"hipaa":                   regexp.MustCompile(`^164\.(308|310|312)\([a-e]\)(\(\d\)(\([ivx]+\)(\([A-E]\))?)?)?$`),
	"nist-800-53-r5":          regexp.MustCompile(`^[A-Z]{2}-[1-9]\d?(\([1-9]\d?\))?$`),
	"pci-dss-4.0.1":           regexp.MustCompile(`^([1-9]|1[0-2])(\.[1-9]\d?){2,4}$`),
	"soc2":                    regexp.MustCompile(`^(CC|A|C|PI)[1-9]\.[1-9]$`),
}

func TestFrameworks(t *testing.T) {
	all := Frameworks()
	if len(all) != len(controlID) {
		t.Errorf("%d frameworks, want %d", len(all), len(controlID))
	}
	for _, f := range all {
		form := controlID[f.ID]
		if form == nil {
			t.Errorf("%s: this test does not know what its ids look like", f.ID)
			continue
		}
		if f.Name == "" || f.Version == "" || !strings.HasPrefix(f.Source, "https://") {
			t.Errorf("%s: the head lacks name, version or source", f.ID)
		}
		if _, err := fs.Stat(tables, path.Join("frameworks", f.ID+".tsv")); err != nil {
			t.Errorf("%s: its file is not named for it", f.ID)
		}
		for _, c := range f.Controls {
			if !form.MatchString(c.ID) {
				t.Errorf("%s: %q is not the id of a control", f.ID, c.ID)
			}
			if len(c.Title) > 80 || strings.HasSuffix(c.Title, ".") || strings.Contains(c.Title, "Ensure") {
				t.Errorf("%s %s: the title %q is not short and our own", f.ID, c.ID, c.Title)
			}
		}
	}
}

// The sizes are pinned so that a lost line shows.
func TestFrameworkSizes(t *testing.T) {
	for id, want := range map[string]int{"cis-aws-3.0.0": 62, "soc2": 43, "cis-gcp-3.0.0": 85, "cis-kubernetes-1.9": 129,
		"cis-eks-1.5.0": 44, "cis-aks-1.5.0": 38, "cis-gke-1.6.0": 32, "nsa-cisa-kubernetes-1.2": 28} {
		if got := len(FrameworkOf(id).Controls); got != want {
			t.Errorf("%s has %d controls, want %d", id, got, want)
		}
	}
}

func TestFrameworkOf(t *testing.T) {
	if f := FrameworkOf("no-such-framework"); f != nil {
		t.Errorf("got %v for a framework that does not exist", f.ID)
	}
	c, ok := FrameworkOf("hipaa").Control("164.312(a)(2)(iv)")
	if !ok || c.Title != "Encryption at rest" {
		t.Errorf("got %q, %v", c, ok)
	}
	for _, c := range []struct{ framework, control, want string }{
		{"soc2", "CC8.1", "Controlled changes"},
		{"soc2", "CC8.2", ""},
		{"no-such-framework", "CC8.1", ""},
	} {
		if got := ControlTitle(c.framework, c.control); got != c.want {
			t.Errorf("%s %s is %q, want %q", c.framework, c.control, got, c.want)
		}
	}
}

func TestParseFrameworkRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no controls":       "id\tx\n",
		"unknown head":      "id\tx\ncolour\tred\n\n1\tOne\n",
		"head twice":        "id\tx\nid\ty\n\n1\tOne\n",
		"control twice":     "id\tx\n\n1\tOne\n1\tTwo\n",
		"control untitled":  "id\tx\n\n1\n",
		"one tab too many":  "id\tx\n\n1\tOne\tTwo\n",
		"head without text": "id\n\n1\tOne\n",
	} {
		if _, err := parseFramework(text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
