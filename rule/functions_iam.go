package rule

import "plumbline.dev/plumbline/value"

var iamFunctions = []function{
	{
		Function: Function{
			Name:       "iam.statements",
			Signatures: []string{"iam.statements(dyn) -> list(iam.Statement)"},
			Doc: "The statements of an IAM policy document (text, a document with unknown parts, aws_iam_policy_document, or a list of these), each with sid, effect, " +
				"actions, not_actions, resources, not_resources, principals and not_principals ({type, id}) and conditions ({test, variable, values}).",
			Example: `iam.statements("{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"}}").exists(s, "s3:*" in s.actions)`,
		},
		call: func(f *frame, args []val) val {
			v := &args[0]
			if v.kind == unknown && v.node == nil {
				return val{kind: unknown, at: v.at}
			}
			return view(statements(nodeOf(v)), f.within(v.at))
		},
	},
	{
		Function: Function{
			Name:       "iam.public",
			Signatures: []string{"iam.public(iam.Statement) -> bool"},
			Doc: "Whether a statement allows something to everybody: its principal is *, or everybody but some, and no condition narrows it to an account, " +
				"an organisation, a network or a resource.",
			Example: `iam.statements("{\"Statement\": {\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"s3:GetObject\"}}").exists(s, iam.public(s))`,
		},
		call: onStatement(public),
	},
	{
		Function: Function{
			Name:       "iam.admin",
			Signatures: []string{"iam.admin(iam.Statement) -> bool"},
			Doc:        "Whether a statement allows every action on every resource.",
			Example:    `iam.statements("{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": [\"*\"]}}").exists(s, iam.admin(s))`,
		},
		call: onStatement(admin),
	},
	{
		Function: Function{
			Name:       "iam.allows",
			Signatures: []string{"iam.allows(iam.Statement, string) -> bool"},
			Doc: "Whether a statement allows an action, by name or wildcard or because it is not among its NotAction, on whatever resource and under whatever condition. " +
				"An action with a * is allowed when all that it stands for is.",
			Example: `iam.statements("{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"iam:*\", \"Resource\": \"*\"}}").exists(s, iam.allows(s, "iam:PassRole"))`,
		},
		call: func(_ *frame, args []val) val {
			switch {
			case args[0].kind == unknown || args[1].kind == unknown:
				return unsure
			case args[0].kind != object || args[1].kind != text:
				return isFalse
			}
			return allows(nodeOf(&args[0]), args[1].text).val()
		},
	},
	{
		Function: Function{
			Name:       "iam.matches",
			Signatures: []string{"iam.matches(string, string) -> bool"},
			Doc:        "Whether a pattern of a policy (first) covers an action or ARN (second): * stands for any text, ? for one character, case does not matter.",
			Example:    `iam.matches("s3:Get*", "s3:GetObject")`,
		},
		call: func(_ *frame, args []val) val {
			switch {
			case args[0].kind == null || args[1].kind == null:
				return isFalse
			case args[1].kind != text:
				return unsure
			}
			return actionMatches(nodeOf(&args[0]), args[1].text).val()
		},
	},
}

// onStatement makes a predicate of a statement.
func onStatement(fn func(*value.Value) verdict) func(*frame, []val) val {
	return func(_ *frame, args []val) val {
		switch args[0].kind {
		case unknown:
			return unsure
		case object:
			return fn(nodeOf(&args[0])).val()
		}
		return isFalse
	}
}
