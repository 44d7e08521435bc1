package rule

import (
	"bytes"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"

	"plumbline.dev/plumbline/value"
)

// credential is a format of secrets that can be told by looks.
type credential struct {
	mark    string // a part that every one of them has, looked for first because that is cheap; lower case
	pattern func() *regexp.Regexp
}

// lazy compiles a pattern when it is first needed: starting the program must cost nothing.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// credentials are formats that hardly anything else has. Their owners publish most of them so that scanners find them.
var credentials = []credential{
	{"-----begin", lazy(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----`)},
	{"akia", lazy(`\bAKIA[A-Z2-7]{16}\b`)},
	{"asia", lazy(`\bASIA[A-Z2-7]{16}\b`)},
	{"ghp_", lazy(`\bghp_[A-Za-z0-9]{36}`)},
	{"gho_", lazy(`\bgho_[A-Za-z0-9]{36}`)},
	{"ghu_", lazy(`\bghu_[A-Za-z0-9]{36}`)},
	{"ghs_", lazy(`\bghs_[A-Za-z0-9]{36}`)},
	{"ghr_", lazy(`\bghr_[A-Za-z0-9]{36}`)},
	{"github_pat_", lazy(`\bgithub_pat_[A-Za-z0-9_]{60,}`)},
	{"glpat-", lazy(`\bglpat-[A-Za-z0-9_-]{20,}`)},
	{"xox", lazy(`\bxox[abeoprs]-[A-Za-z0-9-]{20,}`)},
	{"hooks.slack.com", lazy(`https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{40,}`)},
	{"_live_", lazy(`\b[rs]k_live_[A-Za-z0-9]{20,}`)},
	{"aiza", lazy(`\bAIza[A-Za-z0-9_-]{35}\b`)},
	{"gocspx-", lazy(`\bGOCSPX-[A-Za-z0-9_-]{28}\b`)},
	{"\"private_key\"", lazy(`"private_key"\s*:\s*"-----BEGIN`)},
	{"accountkey=", lazy(`(?i)AccountKey=[A-Za-z0-9+/]{80,}={0,2}`)},
	{"sharedaccesskey=", lazy(`(?i)SharedAccessKey=[A-Za-z0-9+/]{40,}={0,2}`)},
	{"q~", lazy(`(?:^|[^A-Za-z0-9_~.-])[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?:$|[^A-Za-z0-9_~.-])`)},
	{"npm_", lazy(`\bnpm_[A-Za-z0-9]{36}\b`)},
	{"pypi-", lazy(`\bpypi-AgE[A-Za-z0-9_-]{50,}`)},
	{"sg.", lazy(`\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b`)},
	{"dckr_pat_", lazy(`\bdckr_pat_[A-Za-z0-9_-]{27}`)},
	{"dop_v1_", lazy(`\bdop_v1_[a-f0-9]{64}\b`)},
	{"hvs.", lazy(`\bhvs\.[A-Za-z0-9_-]{24,}`)},
	{".atlasv1.", lazy(`\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}`)},
	{"sk-", lazy(`\bsk-(?:proj-|ant-)[A-Za-z0-9_-]{32,}`)},
	{"dapi", lazy(`\bdapi[a-f0-9]{32}\b`)},
	{"nrak-", lazy(`\bNRAK-[A-Z0-9]{27}\b`)},
	{"shpat_", lazy(`\bshpat_[a-fA-F0-9]{32}\b`)},
	{"-us", lazy(`\b[a-f0-9]{32}-us\d{1,2}\b`)},
	{"://", lazy(`\b[a-z][a-z0-9+.-]*://[^\s/:@"'${}<>]*:[^\s/:@"'${}<>]{6,}@[^\s/"']+`)},
}

// awsSecret is an AWS secret key, which looks like any 40 characters of base64: it counts beside its name only.
var awsSecret = lazy(`(?i)aws.{0,20}(?:secret|key).{0,20}['"=:\s]+([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)`)

// assigned finds what is assigned to a name in a line of a text: DB_PASSWORD=hunter2hunter, password: 'x'. What stands on the next line
// is no value but what a mapping of that name has in it.
var assigned = lazy(`(?i)([a-z0-9_.-]*(?:passwd|password|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)[a-z0-9_-]*)["']?[ \t]*(?:=|:)[ \t]*("[^"\n]{4,}"|'[^'\n]{4,}'|[^\s"',;&|<>()]{4,})`)

// looksSecret reports whether a text is, or has in it, a credential.
func looksSecret(s string) bool {
	if len(s) < 8 {
		return false
	}
	lower := strings.ToLower(s)
	for i := range credentials {
		if !strings.Contains(lower, credentials[i].mark) {
			continue
		}
		for _, found := range credentials[i].pattern().FindAllString(s, 10) {
			if !placeholder(found) {
				return true
			}
		}
	}
	if strings.Contains(lower, "aws") {
		if m := awsSecret().FindStringSubmatch(s); m != nil && entropy(m[1]) > 4 && !placeholder(m[1]) {
			return true
		}
	}
	if len(s) > 12 && strings.ContainsAny(s, "=:") {
		for _, m := range assigned().FindAllStringSubmatch(s, 50) {
			if secretName(m[1]) && assignedSecret(strings.Trim(m[2], `"'`)) {
				return true
			}
		}
	}
	return false
}

// beginsSecret reports whether a text of which only the beginning is known has a secret in it, whatever follows.
func beginsSecret(prefix string) bool {
	end := strings.LastIndexAny(prefix, " \t\r\n\"'") // what stands at the end may go on
	return end > 0 && looksSecret(prefix[:end])
}

// assignedSecret reports whether a text that is assigned to the name of a secret is one: not a placeholder, not a reference
// to where the secret is kept, and not a word.
func assignedSecret(s string) bool {
	if len(s) < 8 || placeholder(s) || reference(s) {
		return false
	}
	return kindsOfCharacters(s) >= 2 && entropy(s) >= min(3, 0.7*math.Log2(float64(len(s))))
}

// passwordName reports whether a name is that of a password, which people choose: it need not look random.
func passwordName(name string) bool {
	if !secretName(name) {
		return false
	}
	return slices.ContainsFunc(wordsOf(name), func(w string) bool {
		return strings.HasSuffix(w, "password") || strings.HasSuffix(w, "passwd") || w == "passphrase" || w == "pwd"
	})
}

// passwordText reports whether a text that is assigned to the name of a password is one, and not the name under which it is
// kept elsewhere.
func passwordText(s string) bool {
	return len(s) >= 8 && !placeholder(s) && !reference(s) && !secretName(s) && !strings.ContainsAny(s, " /") && entropy(s) >= 2
}

// secretWords are the words of names of secrets.
var secretWords = []string{
	"password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "secretkey", "privatekey", "credential",
	"credentials", "pwd", "authkey", "encryptionkey", "signingkey", "connectionstring", "clientsecret", "masterkey",
}

// harmlessWords are the words that make a name with a secretWord one of something else: password_length, secret_arn.
var harmlessWords = []string{
	"arn", "length", "policy", "rotation", "id", "ids", "name", "names", "path", "file", "enabled", "enable", "type", "ttl", "expiry", "expiration",
	"expires", "days", "age", "version", "url", "uri", "endpoint", "ref", "key_id", "reset", "required", "requirements", "parameter", "min", "max",
	"format", "validity", "lifetime", "hash", "algorithm", "location", "store", "manager", "provider", "engine", "from", "wo_version", "symbols",
	"limit", "limits", "count", "size", "public", "header", "issuer", "audience", "dimension", "period", "units", "role", "region",
}

// namingWords are the words that make a name that ends with secret that of an object which holds one: existingSecret.
var namingWords = []string{"existing", "pull", "tls"}

// secretStems are parts of which each of the secretWords has one.
var secretStems = []string{"pass", "secret", "token", "key", "credential", "pwd", "string"}

// hasStem reports whether a name has a part that every name of a secret has. Of every path of a report it is asked, and of nearly all
// the answer is no: it must cost nothing.
func hasStem(name string) bool {
	var buffer [64]byte
	letters := buffer[:0]
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			letters = append(letters, c|0x20)
		case c >= 'a' && c <= 'z':
			letters = append(letters, c)
		}
	}
	for _, stem := range secretStems {
		if bytes.Contains(letters, []byte(stem)) {
			return true
		}
	}
	return false
}

// secretName reports whether a name is that of a secret: db_password is, password_length and secret_arn are not.
func secretName(name string) bool {
	if !hasStem(name) {
		return false
	}
	words := wordsOf(name)
	if len(words) == 0 || words[len(words)-1] == "secret" && slices.ContainsFunc(words, func(w string) bool { return slices.Contains(namingWords, w) }) {
		return false
	}
	joined := strings.Join(words, "")
	is := false
	for _, w := range secretWords {
		for i := range words {
			if words[i] == w || i+1 < len(words) && words[i]+words[i+1] == w {
				is = true
			}
		}
		is = is || strings.HasSuffix(joined, w) && len(w) >= 8
	}
	if !is {
		return false
	}
	last := words[len(words)-1]
	for _, w := range harmlessWords {
		if last == w {
			return false
		}
	}
	return true
}

// wordsOf splits dbPassword, DB_PASSWORD and db-password into lower-case words.
func wordsOf(name string) []string {
	var words []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			words = append(words, strings.ToLower(b.String()))
			b.Reset()
		}
	}
	wasLower := false
	for _, r := range name {
		upper := r >= 'A' && r <= 'Z'
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || upper:
			if upper && wasLower {
				flush()
			}
			b.WriteRune(r)
		default:
			flush()
		}
		wasLower = !upper
	}
	flush()
	return words
}

var placeholderForm = lazy(`(?i)change[_-]?me|replace|example|placeholder|your[_-]|<[^>]+>|\{\{|\$\{|\$\(|%\(|^\$|x{4,}|\*{3,}|\.{3,}|dummy|insert|sample|todo|fixme|redacted|not[_-]?set|^(?:none|null|nil|undefined|empty|test|testing|secret|password|string|true|false|default|foo|bar|foobar|changeit|unset)$|0{8,}|1234567|abcdef`)

// placeholder reports whether a text stands where a secret is to be put.
func placeholder(s string) bool {
	return s == "" || placeholderForm().MatchString(s) || single(s)
}

// single reports whether a text is one character over and over.
func single(s string) bool { return strings.Trim(s, s[:1]) == "" }

var referenceForm = lazy(`(?i)^(?:arn:aws|https?://|projects/[^/]+/secrets/|@microsoft\.keyvault|vault:|ssm:|secretsmanager:|sm://|op://|awskms://|file:|/run/secrets/|\{?resolve:|var\.|local\.|data\.|module\.|env\.|process\.env|os\.environ|getenv|\$|~?/|\.{1,2}/)`)

// reference reports whether a text says where a secret is kept.
func reference(s string) bool { return referenceForm().MatchString(s) }

// standInForm are texts in the place of a secret that somebody else puts there, and switches with a name like one.
var standInForm = lazy(`(?i)change[_-]?(?:me|it)|replace|placeholder|example|dummy|sample|your[_-]|insert|redacted|todo|fixme|xxx|\*{3}|\.{3}|not[_-]?set|` +
	`[\s$<>{}]|^(?:none|null|nil|undefined|empty|unset|true|false|yes|no|on|off|enabled?|disabled?|required|optional)$`)

// secretInUse reports whether a text that a program gets under a name is a secret. Unlike elsewhere, a weak password counts: it
// is no example but what the program asks for.
func secretInUse(name, s string) bool {
	switch {
	case strings.HasPrefix(s, "ENC["): // encrypted by SOPS
		return false
	case looksSecret(s) || secretName(name) && assignedSecret(s):
		return true
	}
	return passwordName(name) && len(s) >= 3 && !standInForm().MatchString(s) && !reference(s) &&
		(!secretName(s) || strings.EqualFold(s, "password") || strings.EqualFold(s, "secret"))
}

// entropy is Shannon's, in bits per character.
func entropy(s string) float64 {
	counts := map[rune]int{}
	n := 0
	for _, r := range s {
		counts[r]++
		n++
	}
	bits := 0.0
	for _, c := range counts {
		p := float64(c) / float64(n)
		bits -= p * math.Log2(p)
	}
	return bits
}

// kindsOfCharacters counts lower case, upper case, digits and the rest; what joins words does not count.
func kindsOfCharacters(s string) int {
	lower, upper, digit, other := 0, 0, 0, 0
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z':
			lower = 1
		case r >= 'A' && r <= 'Z':
			upper = 1
		case r >= '0' && r <= '9':
			digit = 1
		case strings.ContainsRune("-_./: ", r):
		default:
			other = 1
		}
	}
	return lower + upper + digit + other
}

// secretWithin asks whether a value holds a secret anywhere: a text with a known format, or a text that is assigned to the
// name of a secret. Unknown texts are never secrets that stand in the code: they come from elsewhere. But what of them
// becomes known may be one, so they leave it open.
func secretWithin(name string, v *value.Value) verdict {
	if v.Given && v.Kind != value.Unknown {
		return no
	}
	switch v.Kind {
	case value.Unknown:
		if v.Document != nil {
			return secretWithin(name, v.Document)
		}
		if v.Given {
			return decided(beginsSecret(v.Text))
		}
		return open.orYes(beginsSecret(v.Text))
	case value.String:
		return decided(looksSecret(v.Text) || secretName(name) && assignedSecret(v.Text) || passwordName(name) && passwordText(v.Text))
	case value.List:
		t := no.or(v.Open)
		for i := range v.Items {
			switch secretWithin(name, &v.Items[i]) {
			case yes:
				return yes
			case open:
				t = open
			}
		}
		return t
	case value.Object:
		t := no.or(v.Open)
		// {name = "DB_PASSWORD", value = "…"} is how lists of variables are written.
		label, _ := scalarText(v.Field("name"))
		if key, ok := scalarText(v.Field("key")); ok && label == "" {
			label = key
		}
		for i := range v.Fields {
			name := v.Fields[i].Name
			if strings.EqualFold(name, "value") && label != "" {
				name = label
			}
			switch secretWithin(name, &v.Fields[i].Value) {
			case yes:
				return yes
			case open:
				t = open
			}
		}
		return t
	}
	return no
}
