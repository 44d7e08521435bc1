package rule

import "strings"

var listFunctions = []function{
	{
		Function: Function{
			Name:       "join",
			Signatures: []string{"list(string).join(string) -> string"},
			Doc:        "The elements of a list with a separator between them.",
			Example:    `["a", "b"].join("-") == "a-b"`,
		},
		call: func(_ *frame, args []val) val {
			switch {
			case args[0].kind == null:
				return texts("")
			case args[0].kind != list || args[1].kind == unknown || !args[0].fixed():
				return val{kind: unknown, notNull: true}
			}
			var parts []string
			for i := range args[0].size() {
				x := args[0].item(i)
				if x.kind == unknown {
					return val{kind: unknown, notNull: true}
				}
				parts = append(parts, x.print())
			}
			return texts(strings.Join(parts, args[1].text))
		},
	},
	{
		Function: Function{
			Name:       "flatten",
			Signatures: []string{"list(list(A)).flatten() -> list(A)"},
			Doc:        "The elements of the lists in a list.",
			Example:    `[["a"], ["b", "c"]].flatten().size() == 3`,
		},
		call: func(f *frame, args []val) val {
			v := &args[0]
			switch v.kind {
			case null:
				return computed(nil)
			case unknown:
				return unsure
			case list:
			default:
				return *v
			}
			out := val{kind: list, seq: &sequence{open: v.open()}, at: f.within(v.at)}
			for i := range v.size() {
				f.step()
				inner := f.child(v, i)
				if inner.kind == unknown || inner.open() || inner.maybe && inner.kind != list {
					out.seq.open, out.seq.why = true, inner.at
				}
				if inner.kind != list {
					continue
				}
				for j := range inner.size() {
					x := f.child(&inner, j)
					x.maybe = x.maybe || inner.maybe
					out.seq.items = append(out.seq.items, x)
				}
			}
			return out
		},
	},
	{
		Function: Function{
			Name:       "address",
			Signatures: []string{"address() -> string"},
			Doc:        "The address of the resource.",
			Example:    `address() != ""`,
		},
		call: func(f *frame, _ []val) val { return texts(f.this.Address) },
	},
	{
		Function: Function{
			Name:       "linkedBy",
			Signatures: []string{"linkedBy(string) -> resources"},
			Doc:        "The resources whose attribute of that name refers to this one, by type: linkedBy(\"bucket\").aws_s3_bucket_logging leaves out those that only have this as their target_bucket.",
			Example:    `linkedBy("bucket").aws_s3_bucket_logging.size() == 0`,
		},
		call: func(*frame, []val) val { return fails("a type must follow linkedBy(…)") }, // compiled by gather
	},
	{
		Function: Function{
			Name:       "target",
			Signatures: []string{"target(dyn) -> resources"},
			Doc:        "The resources that an attribute refers to, by type: target(this.kms_key_id).aws_kms_key is a list. It is empty when the attribute names something outside, and undecided when nobody knows what it names.",
			Example:    `target(this.bucket).aws_s3_bucket.all(b, b.bucket != "")`,
		},
		call: func(*frame, []val) val { return fails("a type must follow target(…)") }, // compiled by gather
	},
}
