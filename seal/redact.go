package seal

import (
	"regexp"
	"strings"
	"sync"
)

// Hidden stands where a secret was.
const Hidden = "[hidden]"

// MaxRedacted is the longest text in bytes that Redact looks at; of a longer one it keeps the beginning.
const MaxRedacted = 256 << 10

// lazily compiles an expression when it is first used: most commands of the program hide nothing.
func lazily(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// tokens are secrets that can be told by their form alone.
var tokens = lazily(strings.Join([]string{
	`-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)`,
	`PRIVATE\+KEY\+[^\s"']+`,             // keys of signed notes: the audit log's
	`AGE-SECRET-KEY-1[A-Z0-9]+`,          // age
	`\bplb_[A-Za-z0-9_.-]{8,}`,           // our own
	`\bgh[a-z]_[A-Za-z0-9_.-]{10,}`,      // GitHub; those of apps hold a JWT since 2026
	`\bgithub_pat_[A-Za-z0-9_]{10,}`,     // GitHub, fine-grained
	`\bgl[a-z]{2,5}-[A-Za-z0-9_.-]{16,}`, // GitLab: glpat, gldt, glrt, glcbt, gloas …
	`\bGR1348941[A-Za-z0-9_-]{20}`,       // GitLab runners, old
	`\bxox[a-z]-[A-Za-z0-9-]{8,}`,        // Slack
	`\bxapp-[A-Za-z0-9-]{8,}`,            // Slack apps
	`hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]+`,
	`\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b`,                        // AWS
	`\bAIza[0-9A-Za-z_-]{30,}`,                                       // Google
	`\bya29\.[0-9A-Za-z_.-]{16,}`,                                    // Google OAuth
	`\bGOCSPX-[0-9A-Za-z_-]{16,}`,                                    // Google clients
	`\bsk-[A-Za-z0-9_-]{20,}`,                                        // OpenAI, Anthropic
	`\b[srp]k_(?:live|test)_[A-Za-z0-9]{10,}`,                        // Stripe
	`\bwhsec_[A-Za-z0-9+/=]{16,}`,                                    // signing secrets of webhooks
	`\bnpm_[A-Za-z0-9]{20,}`,                                         // npm
	`\bpypi-[A-Za-z0-9_-]{20,}`,                                      // PyPI
	`\bdckr_pat_[A-Za-z0-9_-]{16,}`,                                  // Docker Hub
	`\bdo[por]_v1_[a-f0-9]{32,}`,                                     // DigitalOcean
	`\bhv[sbr]\.[A-Za-z0-9_-]{16,}`,                                  // Vault
	`\b[A-Za-z0-9]{10,}\.atlasv1\.[A-Za-z0-9_-]{20,}`,                // HCP Terraform
	`\bATATT[A-Za-z0-9_=-]{20,}`,                                     // Atlassian
	`\bATBB[A-Za-z0-9]{20,}`,                                         // Bitbucket
	`\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`,                   // SendGrid
	`\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{20,}`,                          // Shopify
	`\blin_api_[A-Za-z0-9]{20,}`,                                     // Linear
	`\bdapi[a-f0-9]{32}`,                                             // Databricks
	`\bNRAK-[A-Z0-9]{20,}`,                                           // New Relic
	`\bglsa_[A-Za-z0-9_]{20,}`,                                       // Grafana
	`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*`, // JWT
}, "|"))

// named are values that a name before them gives away. The name stays.
var named = lazily(`(?i)((?:[a-z0-9_.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|credential|authorization|cookie|session|otp|totp)[a-z0-9_-]*|\bpwd|[?&;](?:code|state|sig|signature|key|auth))\\?["']?(?:\s*[:=]\s*|\s*=>\s*)(?:(?:bearer|basic|token|digest|negotiate)\s+)?)(\\?"(?:[^"\\]|\\[^"])+\\?"|'[^']+'|[^\s"'&,;}\]]{3,})`)

// schemes are credentials of HTTP.
var schemes = lazily(`(?i)\b(bearer|basic|negotiate|digest)\s+[A-Za-z0-9._~+/=-]{8,}`)

// userinfo is what stands before the host of an address.
var userinfo = lazily(`([A-Za-z][A-Za-z0-9+.-]*://)([^/\s@"'<>]+)@`)

// Redact hides what looks like a secret in a text: tokens of the known forms, private keys, credentials of HTTP and in addresses,
// and values behind names such as password. It hides too much rather than too little; it cannot hide what looks like any other
// word, so nobody may rely on it to log secrets.
func Redact(text string) string {
	cut := ""
	if len(text) > MaxRedacted {
		text, cut = text[:MaxRedacted], "… (cut)"
	}
	text = tokens().ReplaceAllString(text, Hidden)
	text = userinfo().ReplaceAllStringFunc(text, func(s string) string {
		m := userinfo().FindStringSubmatch(s)
		if !strings.Contains(m[2], ":") && len(m[2]) <= 16 && m[2] != Hidden {
			return s // ssh://git@host: the name of an account
		}
		return m[1] + Hidden + "@"
	})
	text = schemes().ReplaceAllString(text, "$1 "+Hidden)
	text = named().ReplaceAllString(text, "${1}"+Hidden)
	return text + cut
}

// secretNames are parts of names whose values are secrets.
var secretNames = []string{"password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "accesskey", "access_key", "privatekey", "private_key",
	"credential", "authorization", "cookie", "session", "otp", "signature"}

// SecretName reports whether a value with that name is a secret, whatever it looks like. Numbers and counts of such things
// (token_id, tokens) are none.
func SecretName(name string) bool {
	n := strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	for _, end := range []string{"id", "_ids", "_kind", "_name", "_count", "_at", "tokens", "sessions", "secrets", "credentials", "cookies"} {
		if strings.HasSuffix(n, end) {
			return false
		}
	}
	for _, part := range secretNames {
		if strings.Contains(n, part) {
			return true
		}
	}
	return false
}
