package finding

import "testing"

// TestIdentity pins the recipes: baselines and reports of users hold these ids. A change needs a new version in front.
func TestIdentity(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"a finding", Identify("aws-rds-public", "envs/prod", "module.db[\"a\"].aws_db_instance.this[0]", "publicly_accessible"), "1-5d4a031f0d91de879f84"},
		{"of the resource as a whole", Identify("aws-s3-no-access-block", ".", "aws_s3_bucket.logs", ""), "1-17146bc5ff3af377c105"},
		{"parts do not run together", Identify("a", "b", "cd", ""), "1-5488667f924d5469cb4e"},
		{"parts do not run together", Identify("a", "bc", "d", ""), "1-d11836f4d02b852d4633"},
		{"a block", Twin("aws-rds-public", "{\n  publicly_accessible = true\n}"), "1-4e30f3ce3f2b98cb0aa9"},
		{"a block in another layout", Twin("aws-rds-public", "{ publicly_accessible =   true }"), "1-4e30f3ce3f2b98cb0aa9"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
}

func TestSeverityText(t *testing.T) {
	for s := Info; s <= Critical; s++ {
		text, err := s.MarshalText()
		var back Severity
		if err != nil || back.UnmarshalText(text) != nil || back != s {
			t.Errorf("%s became %s", s, back)
		}
	}
	var s Severity
	for _, bad := range []string{"", "High", "worst"} {
		if s.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q was taken for a severity", bad)
		}
	}
}

func TestOutcomeText(t *testing.T) {
	for o := Pass; o <= Undecided; o++ {
		text, err := o.MarshalText()
		var back Outcome
		if err != nil || back.UnmarshalText(text) != nil || back != o {
			t.Errorf("%s became %s", o, back)
		}
	}
}
