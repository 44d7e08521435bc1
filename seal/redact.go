package seal

import (
	"regexp"
	"slices"
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

// marks are parts of which every token has one. They are looked for first, because that costs little: hardly a text has any.
var marks = []string{"-----BEGIN", "PRIVATE+KEY+", "AGE-SECRET", "plb_", "gh", "github_pat_", "gl", "GR1348941", "xox", "xapp-", "hooks.slack.com", "AKIA", "ASIA", "ABIA", "ACCA", "AIza", "ya29.",
	"GOCSPX-", "sk-", "k_", "whsec_", "npm_", "pypi-", "dckr_pat_", "_v1_", "hvs.", "hvb.", "hvr.", ".atlasv1.", "ATATT", "ATBB", "SG.", "shp", "lin_api_", "dapi", "NRAK-", "eyJ"}

// marked reports whether a text can have a token in it.
func marked(text string) bool {
	return slices.ContainsFunc(marks, func(m string) bool { return strings.Contains(text, m) })
}

// spelled are secrets that what stands before them gives away with hardly a doubt, in code too: the last group is the secret.
var spelled = []struct {
	mark string // in lower case
	form func() *regexp.Regexp
}{
	{"bearer", lazily(`(?i)\bbearer\s+([A-Za-z0-9._~+/=-]{20,})`)},
	{"basic", lazily(`(?i)\bbasic\s+([A-Za-z0-9._~+/=-]{20,})`)},
	{"negotiate", lazily(`(?i)\bnegotiate\s+([A-Za-z0-9._~+/=-]{20,})`)},
	{"cookie", lazily(`(?i)\b(?:set-)?cookie["']?\s*:\s*([^\s"'{}\[\],]{16,})`)},
	{"authorization", lazily(`(?i)\b(?:proxy-)?authorization["']?\s*:\s*([^\s"'{}\[\],]{16,})`)},
	{"=", lazily(`(?i)[?&;](?:code|sig|signature|key|token|access_token|id_token)=([^\s"'&<>${}]{16,})`)},
	{"secret", lazily(`(?i)\baws_?secret_?(?:access_?)?key["']?\s*[:=]\s*["']?([A-Za-z0-9/+]{40})`)},
}

// Spans returns the parts of a text, in order and apart from each other, that can be told to be secrets by their form, or by what
// stands around them with hardly a doubt. Unlike Redact it leaves alone what only a name before it makes suspicious: it is for code,
// where references stand behind such names.
func Spans(text string) [][2]int {
	var all [][2]int
	if marked(text) {
		for _, m := range tokens().FindAllStringIndex(text, -1) {
			all = append(all, [2]int{m[0], m[1]})
		}
	}
	if strings.Contains(text, "://") {
		for _, m := range userinfo().FindAllStringSubmatchIndex(text, -1) {
			if who := text[m[4]:m[5]]; (strings.Contains(who, ":") || len(who) > 16) && !strings.ContainsAny(who, "${}") {
				all = append(all, [2]int{m[4], m[5]})
			}
		}
	}
	lower := strings.ToLower(text)
	for _, f := range spelled {
		if strings.Contains(lower, f.mark) {
			for _, m := range f.form().FindAllStringSubmatchIndex(text, -1) {
				all = append(all, [2]int{m[2], m[3]})
			}
		}
	}
	slices.SortFunc(all, func(a, b [2]int) int { return a[0] - b[0] })
	out := all[:0]
	for _, s := range all {
		if n := len(out); n > 0 && s[0] <= out[n-1][1] {
			out[n-1][1] = max(out[n-1][1], s[1])
			continue
		}
		out = append(out, s)
	}
	return out
}

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
	if marked(text) {
		text = tokens().ReplaceAllString(text, Hidden)
	}
	text = userinfo().ReplaceAllStringFunc(text, func(s string) string {
		m := userinfo().FindStringSubmatch(s)
		if !strings.Contains(m[2], ":") && len(m[2]) <= 16 && m[2] != Hidden {
			return s // ssh://git@host: the name of an account
		}
		return m[1] + Hidden + "@"
	})
	text = schemes().ReplaceAllString(text, "$1 "+Hidden)
	return withoutNamed(text) + cut
}

// withoutNamed hides values behind names. Where a value is a name itself, of what stands behind it (X-Secret:[dbPassword: hunter2]), that
// is hidden.
func withoutNamed(text string) string {
	var b strings.Builder
	done := 0
	for from := 0; ; {
		m := named().FindStringSubmatchIndex(text[from:])
		if m == nil {
			b.WriteString(text[done:])
			return b.String()
		}
		begin, end := from+m[4], from+m[5]
		value, behind := text[begin:end], strings.TrimLeft(text[end:], " \t")
		if bare := strings.Trim(value, "[{(:="); len(bare) > 0 && SecretName(bare) && (strings.HasSuffix(value, ":") || strings.HasSuffix(value, "=") || strings.HasPrefix(behind, ":") || strings.HasPrefix(behind, "=")) {
			from = begin
			continue
		}
		if from = end; strings.HasSuffix(strings.ToLower(text[:begin]), "secretsmanager:") {
			continue // secretsmanager:GetSecretValue is a permission
		}
		b.WriteString(text[done:begin] + Hidden)
		done = end
	}
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
