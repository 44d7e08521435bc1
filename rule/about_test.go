package rule

import (
	"strings"
	"testing"
	"testing/fstest"

	"plumbline.dev/plumbline/resource"
)

// What is said of what a rule is not about is idle, a pass also when nobody knows. The prepared page says
// the same as its text.
func TestAbout(t *testing.T) {
	pages := fstest.MapFS{
		"a-one.md": pageOf("a-one", "custom", "this.ok", "schema: none\nabout: this.list.exists(x, x == 'me')\n"),
		"a-two.md": pageOf("a-two", "[custom, other]", "this.ok", "schema: none\nabout: {other: this.mine}\n"),
	}
	code, err := Prepare(pages)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := Load(testSet, pages)
	if err != nil {
		t.Fatal(err)
	}
	ready := NewCatalogue(testSet)
	if err := ready.AddPrepared(pages, string(code)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ typ, rule, body, want string }{
		{"custom", "a-one", `{"ok": true, "list": ["me"]}`, "pass"},
		{"custom", "a-one", `{"ok": true, "list": ["you"]}`, "idle pass"},
		{"custom", "a-one", `{"ok": true, "list": {"?": ""}}`, "idle pass"},
		{"custom", "a-one", `{"ok": false, "list": ["you"]}`, "idle fail"},
		{"custom", "a-one", `{"ok": {"?": ""}, "list": {"?": ""}}`, "undecided"},
		{"custom", "a-two", `{"ok": true}`, "pass"},
		{"other", "a-two", `{"ok": true, "mine": true}`, "pass"},
		{"other", "a-two", `{"ok": true}`, "idle pass"},
	} {
		for name, catalogue := range map[string]*Catalogue{"text": fresh, "prepared": ready} {
			for _, p := range catalogue.For(c.typ) {
				if p.Rule.ID != c.rule {
					continue
				}
				r := &resource.Resource{Address: "x.this", Type: c.typ, Body: body(t, c.body)}
				g := resource.NewGraph([]*resource.Resource{r}, nil)
				v := p.Judge(g, r)
				got := v.Outcome.String()
				if v.Idle {
					got = "idle " + got
				}
				if got != c.want || v.Err != nil {
					t.Errorf("%s, %s on %s %s: %s %v, want %s", name, c.rule, c.typ, c.body, got, v.Err, c.want)
				}
			}
		}
	}
	if problems := ready.Problems(); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestAboutMistakes(t *testing.T) {
	for _, c := range []struct{ about, want string }{
		{"about: this.acll == 'x'", "about: require, column"},
		{"about: size(this.acl)", "must be a bool"},
		{"about: {aws_s3_bukket: this.acl == 'x'}", "about says something of aws_s3_bukket, but the rule is not on it"},
		{"about:", "about must have a value"},
	} {
		catalogue, err := Load(testSet, fstest.MapFS{"a-one.md": pageOf("a-one", "[aws_s3_bucket]", "this.acl != null", c.about+"\n")})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, p := range catalogue.Check() {
			found = found || strings.Contains(p.Message, c.want)
		}
		if !found {
			t.Errorf("%s: %v", c.about, catalogue.Problems())
		}
	}
}
