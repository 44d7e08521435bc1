package rule

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/seal"
	"plumbline.dev/plumbline/value"
)

// A report is read by more people than the code, and kept longer. What a rule calls a secret must not be in it.

// Hidden stands where a secret would.
const Hidden = "(hidden)"

// secretsCategory is the category of the rules whose evidence is secrets.
const secretsCategory = "secrets"

// AboutSecrets reports whether what a rule looks at is secrets, whatever their attributes are called.
func (r *Rule) AboutSecrets() bool { return r.Category == secretsCategory }

// NamesSecret reports whether a path leads to something that is named like a secret: master_password,
// environment.variables["DB_PASSWORD"].
func NamesSecret(path value.Path) bool {
	for _, s := range path {
		if secretName(s.Name) {
			return true
		}
	}
	return false
}

// naming are attributes that say which secret or what kind of thing is meant, in every dialect that has them, and never hold a
// secret: without them a report could not say what it is about.
var naming = []string{"name", "kind", "type", "module", "secrets_used", "secret_dumps", "static_credentials", "injects_secret", "unredacted_secrets"}

// namesOnly reports whether a path leads to an attribute that is naming.
func namesOnly(path value.Path) bool {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i].Name != "" {
			return slices.Contains(naming, path[i].Name)
		}
	}
	return false
}

// Conceal returns what may be shown of the value at a path: texts that stand under the name of a secret, or that look like
// one, are Hidden. With all, every text is that does not only name something.
func Conceal(path value.Path, v *value.Value, all bool) value.Value {
	return conceal(v, (all || NamesSecret(path)) && !namesOnly(path))
}

func conceal(v *value.Value, all bool) value.Value {
	out := *v
	switch v.Kind {
	case value.String, value.Unknown:
		if v.Document != nil {
			document := conceal(v.Document, all)
			out.Document = &document
		}
		hides := v.Document != nil && !out.Document.Equal(v.Document)
		if n, ok := parseJSON(v.Text); ok && v.Kind == value.String && v.Document == nil {
			inner := conceal(n, all)
			hides = !inner.Equal(n)
		}
		if v.Text != "" && (all || hides || looksSecret(v.Text) || len(seal.Spans(v.Text)) > 0) {
			if v.Kind == value.String {
				return value.Value{Kind: value.String, Text: Hidden, Sensitive: v.Sensitive, Range: v.Range}
			}
			out.Text, out.Ending = Hidden, "" // what is known of it
		}
	case value.List:
		out.Items = make([]value.Value, len(v.Items))
		for i := range v.Items {
			out.Items[i] = conceal(&v.Items[i], all)
		}
	case value.Object:
		out.Fields = make([]value.Field, len(v.Fields))
		label, _ := scalarText(v.Field("name")) // {name = "DB_PASSWORD", value = "…"}
		if label == "" {
			label, _ = scalarText(v.Field("key"))
		}
		for i, f := range v.Fields {
			secret := secretName(f.Name) || strings.EqualFold(f.Name, "value") && secretName(label)
			out.Fields[i] = value.Field{Name: f.Name, Value: conceal(&v.Fields[i].Value, all || secret)}
		}
	}
	return out
}

var (
	quoted = lazy(`"(?:[^"\\]|\\.)+"`)
	// keyMaterial is a line of a private key or a certificate.
	keyMaterial = lazy(`^\s*[A-Za-z0-9+/=]{60,}\s*$`)
	blockHeader = lazy(`^\s*[A-Za-z_]\w*(?:\s+(?:"[^"]*"|\w+))*\s*\{\s*$`)
	// escaped is what is assigned to a name in JSON that stands in a text: "{\"password\":\"x\"}".
	escaped = lazy(`([A-Za-z0-9_.-]+)\\"\s*[:=]\s*\\"([^"\\]{4,})`)
	// pair is how lists of variables are written in one line: {name: DB_PASSWORD, value: x}. nameLine is the first half of the same in two.
	pair     = lazy(`(?i)\b(?:name|key)["']?\s*[:=]\s*["']?([A-Za-z0-9_.-]+)["']?\s*,\s*["']?value["']?\s*[:=]\s*["']?([^\s"',{}]{4,})`)
	nameLine = lazy(`(?i)^[\s{-]*["']?(?:name|key)["']?\s*[:=]\s*["']?([A-Za-z0-9_.-]+)["']?,?\s*$`)
	// account is what curl and its like are given to sign in with: -u name:password.
	account = lazy(`(?:^|[\s"'])(?:-u|--user|--proxy-user)[ =]?["']?[^\s:"'=]+:([^\s"'${}]{4,})`)
	dotted  = lazy(`^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[[^\]]*\])+$`)
)

// SecretSpans returns the parts of a line of source text that are not to be shown: what is assigned to the name of a secret,
// and what looks like one. With all it is every quoted text, except in the head of a block and before a colon.
func SecretSpans(line string, all bool) [][2]int {
	var spans [][2]int
	if kindsOfCharacters(line) >= 3 && keyMaterial().MatchString(line) {
		return [][2]int{{0, len(line)}}
	}
	for _, m := range assigned().FindAllStringSubmatchIndex(line, -1) {
		text := line[m[4]:m[5]]
		switch bare := strings.Trim(text, `"'`); {
		case !secretName(line[m[2]:m[3]]), strings.HasPrefix(bare, "${") && strings.HasSuffix(bare, "}"), strings.HasPrefix(bare, "{{") && strings.HasSuffix(bare, "}}"):
		case bare != text:
			spans = append(spans, [2]int{m[4] + 1, m[5] - 1})
		case !strings.HasPrefix(line[m[5]:], "(") && hidden(line[m[2]:m[3]], text, ""):
			spans = append(spans, [2]int{m[4], m[5]})
		}
	}
	for _, m := range escaped().FindAllStringSubmatchIndex(line, -1) {
		if secretName(line[m[2]:m[3]]) {
			spans = append(spans, [2]int{m[4], m[5]})
		}
	}
	for _, m := range pair().FindAllStringSubmatchIndex(line, -1) {
		if secretName(line[m[2]:m[3]]) {
			spans = append(spans, [2]int{m[4], m[5]})
		}
	}
	for _, m := range account().FindAllStringSubmatchIndex(line, -1) {
		spans = append(spans, [2]int{m[2], m[3]})
	}
	spans = append(spans, seal.Spans(line)...)
	lower := strings.ToLower(line)
	for i := range credentials {
		if strings.Contains(lower, credentials[i].mark) {
			for _, m := range credentials[i].pattern().FindAllStringIndex(line, -1) {
				spans = append(spans, [2]int{m[0], m[1]})
			}
		}
	}
	if all && !blockHeader().MatchString(line) {
		for _, m := range quoted().FindAllStringIndex(line, -1) {
			if !strings.HasPrefix(strings.TrimLeft(line[m[1]:], " \t"), ":") {
				spans = append(spans, [2]int{m[0] + 1, m[1] - 1})
			}
		}
	}
	return spans
}

// MaskedLines returns lines that follow each other without what SpansAt finds in them.
func MaskedLines(lines []string, all bool) []string {
	out, text := make([]string, len(lines)), LinesOf(lines)
	for i, line := range lines {
		out[i] = Without(line, SpansAt(text, i, all))
	}
	return out
}

// Without returns a line with Hidden in the place of each span. Spans are in order and apart from each other.
func Without(line string, spans [][2]int) string {
	if len(spans) == 0 {
		return line
	}
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(line[at:s[0]])
		b.WriteString(Hidden)
		at = s[1]
	}
	b.WriteString(line[at:])
	return b.String()
}

// Masked returns a text of several lines, code or words about code, without what looks like a secret.
func Masked(text string) string {
	return strings.Join(MaskedLines(strings.Split(text, "\n"), false), "\n")
}
