package seal

import (
	"strings"
	"testing"

	"plumbline.dev/plumbline/internal/canary"
)

// TestRedact: no form of secret survives, wherever in a text it stands, and what is around it does.
func TestRedact(t *testing.T) {
	all := canary.All("x1")
	if len(all) < 40 {
		t.Fatalf("%d canaries", len(all))
	}
	for _, c := range all {
		for _, around := range []string{"%s", "before %s after", "fetch: \"%s\": refused", "before\n%s\nafter"} {
			got := Redact(strings.Replace(around, "%s", c.Text, 1))
			if strings.Contains(got, c.Part) || strings.Contains(got, c.Part[len(c.Part)/2:]) {
				t.Errorf("%s: %q is in %q", c.Kind, c.Part, got)
			}
			if strings.HasPrefix(around, "before") && !strings.HasPrefix(got, "before") {
				t.Errorf("%s: what stood before is gone: %q", c.Kind, got)
			}
		}
	}
}

// TestRedact_plain: ordinary lines of a log stay as they are.
func TestRedact_plain(t *testing.T) {
	for _, text := range []string{
		"GET /api/findings 200", "scan of payments/infra at 0123456789abcdef0123456789abcdef01234567 took 1.2s",
		"ssh://git@git.example.com/a.git", "https://git.example.com/a.git?page=2", "aws_s3_bucket.logs has no server_side_encryption",
		"basic rules", "sk-1", "the key of the state", "2026-11-22T17:00:00.000Z", "arn:aws:iam::123456789012:role/reader",
	} {
		if got := Redact(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := Redact(strings.Repeat("a", MaxRedacted+1000)); len(got) > MaxRedacted+100 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestSecretName(t *testing.T) {
	for name, want := range map[string]bool{"password": true, "DB_PASSWORD": true, "Authorization": true, "set-cookie": true, "token": true, "client-secret": true,
		"token_id": false, "tokens": false, "secrets": false, "name": false, "key": false, "session_id": false, "sessionToken": true} {
		if SecretName(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

// TestRedact_permission: what a policy allows is no secret, although its name ends like one.
func TestRedact_permission(t *testing.T) {
	const text = `"Action": ["secretsmanager:GetSecretValue", "s3:GetObject"]`
	if got := Redact(text); got != text {
		t.Error(got)
	}
}

// TestSpans leaves alone what Redact only suspects.
func TestSpans(t *testing.T) {
	for _, c := range canary.All("spans") {
		if spans := Spans("x " + c.Text + " y"); len(spans) == 0 != strings.Contains("json yaml libpq", c.Kind) {
			t.Errorf("%s: %v", c.Kind, spans)
		}
	}
	for _, text := range []string{"", "password = var.password", "https://${var.user}:${var.password}@example.com", "ssh://git@example.com/x", "basic authentication", "the high gloss"} {
		if spans := Spans(text); spans != nil {
			t.Errorf("%q: %v", text, spans)
		}
	}
}

// TestRedact_nested: what is named like a secret can be a name itself.
func TestRedact_nested(t *testing.T) {
	for text, want := range map[string]string{
		"X-Secret:[dbPassword: hunter2hunter2]":       "X-Secret:[dbPassword: [hidden]]",
		"X-Secret:[aws_secret_access_key = hunter22]": "X-Secret:[aws_secret_access_key = [hidden]]",
		"X-Secret:[hunter2]":                          "X-Secret:[hidden]]",
		"password=mysecret, token: mytoken":           "password=[hidden], token: [hidden]",
	} {
		if got := Redact(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
