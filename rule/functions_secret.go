package rule

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/value"
)

// inCode makes a predicate of texts in the code, false for null, for what comes from outside and for what nobody wrote and the
// cloud chooses.
func inCode(fn func(string) val) func(*frame, []val) val {
	ofText := onText(fn, isFalse)
	return func(f *frame, args []val) val {
		if args[0].given || args[0].unset {
			return isFalse
		}
		return ofText(f, args)
	}
}

var secretFunctions = []function{
	{
		Function: Function{
			Name:       "secret.looksLike",
			Signatures: []string{"secret.looksLike(string) -> bool"},
			Doc: "Whether a text is, or has in it, a credential: a known format (keys of AWS, Google, Azure, private keys, tokens of GitHub, GitLab, Slack, Stripe, …), " +
				"a password in an address, or a random text assigned to a name like password. Placeholders and references are none.",
			Example: `secret.looksLike("-----BEGIN RSA PRIVATE KEY-----") && !secret.looksLike("password = changeme")`,
		},
		call: func(_ *frame, args []val) val {
			v := &args[0]
			switch {
			case v.given && v.kind == unknown:
				return decided(beginsSecret(v.text)).val()
			case v.given:
				return isFalse
			}
			switch v.kind {
			case text:
				return decided(looksSecret(v.text)).val()
			case unknown:
				return open.orYes(beginsSecret(v.text)).val()
			}
			return isFalse
		},
	},
	{
		Function: Function{
			Name:       "secret.name",
			Signatures: []string{"secret.name(string) -> bool"},
			Doc:        "Whether a name is that of a secret: db_password is, password_length and secret_arn are not.",
			Example:    `secret.name("DB_PASSWORD") && !secret.name("password_length")`,
		},
		call: onText(func(s string) val { return decided(secretName(s)).val() }, isFalse),
	},
	{
		Function: Function{
			Name:       "secret.assigned",
			Signatures: []string{"secret.assigned(string) -> bool"},
			Doc:        "Whether a text that stands where a secret is expected is one: not empty, not a placeholder, not a reference to where the secret is kept, not a plain word.",
			Example:    `secret.assigned("correct-Horse-7-battery") && !secret.assigned("changeme") && !secret.assigned("${DB_PASSWORD}")`,
		},
		call: inCode(func(s string) val { return decided(assignedSecret(s)).val() }),
	},
	{
		Function: Function{
			Name:       "secret.written",
			Signatures: []string{"secret.written(string) -> bool"},
			Doc:        "Whether a text where nothing but a secret can stand is in the code: not empty, not given by who runs the program, not made by a provider or read from a store.",
			Example:    `secret.written("hunter2") && !secret.written("") && !secret.written("{{resolve:secretsmanager:orders}}")`,
		},
		call: inCode(func(s string) val { return decided(s != "" && !strings.HasPrefix(s, "{{resolve:")).val() }),
	},
	{
		Function: Function{
			Name:       "secret.marked",
			Signatures: []string{"secret.marked(dyn) -> bool"},
			Doc:        "Whether a value that was written is made of something that the code itself calls a secret: a sensitive variable, a parameter with NoEcho or @secure(), a key that listKeys returns.",
			Example:    `!secret.marked("plain")`,
		},
		call: func(f *frame, args []val) val { return f.markedSecret(&args[0]) },
	},
	{
		Function: Function{
			Name:       "secret.inUse",
			Signatures: []string{"secret.inUse(string, string) -> bool"},
			Doc: "Whether a value (second) that a running program gets under a name (first) is a secret. What secret.within finds is, and so is a weak password, " +
				"because it is the one in force; references, what stands for a value to come, and values encrypted by SOPS are none.",
			Example: `secret.inUse("MYSQL_ROOT_PASSWORD", "root") && !secret.inUse("MYSQL_ROOT_PASSWORD_FILE", "/run/secrets/root") && !secret.inUse("DB_PASSWORD", "changeme")`,
		},
		call: func(_ *frame, args []val) val {
			name, v := &args[0], &args[1]
			switch {
			case v.given && v.kind == unknown:
				return decided(beginsSecret(v.text)).val()
			case v.kind == unknown:
				return open.orYes(beginsSecret(v.text)).val()
			case v.given || v.kind != text:
				return isFalse
			case name.kind == unknown:
				return open.orYes(secretInUse("", v.text)).val()
			}
			return decided(secretInUse(name.text, v.text)).val()
		},
	},
	{
		Function: Function{
			Name:       "secret.within",
			Signatures: []string{"secret.within(dyn) -> bool"},
			Doc:        "Whether a value holds a secret anywhere in it: a text that looks like one, or a random text assigned to a name like password, also as {name: \"DB_PASSWORD\", value: …}.",
			Example:    `secret.within({"DB_PASSWORD": "correct-Horse-7-battery"}) && !secret.within({"DB_PASSWORD": "changeme"})`,
		},
		call: func(_ *frame, args []val) val { return secretWithin("", nodeOf(&args[0])).val() },
	},
}

// markedSecret reports whether what stands at the place of v, or a part of it, is marked as sensitive. Marks are known when the
// value is not: an unknown one without a mark is no secret, unless nobody knows what was written.
func (f *frame) markedSecret(v *val) val {
	if v.at == nil {
		if v.kind == unknown {
			return unsure
		}
		return isFalse
	}
	res := v.at.root()
	if res == nil {
		res = f.this
	}
	n := res.Body.At(v.at.path())
	if v.kind == unknown && !n.Sensitive && n.Range.IsZero() {
		return val{kind: unknown, at: v.at}
	}
	return decided(marked(n)).val()
}

// marked reports whether v is sensitive, or has something in it that is.
func marked(v *value.Value) bool {
	return v.Sensitive || slices.ContainsFunc(v.Items, func(i value.Value) bool { return marked(&i) }) ||
		slices.ContainsFunc(v.Fields, func(f value.Field) bool { return marked(&f.Value) })
}
