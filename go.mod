module plumbline.dev/plumbline

go 1.26.0

require (
	cel.dev/cel-go v0.33.2 // expressions of rules: parser, macros, type checker
	github.com/hashicorp/hcl/v2 v2.25.0 // Terraform's language
	github.com/zclconf/go-cty v1.19.0 // Terraform's values
	github.com/zclconf/go-cty-yaml v1.2.0 // yamlencode and yamldecode as Terraform has them
	go.yaml.in/yaml/v3 v3.0.6 // settings and front matter, with positions
	golang.org/x/term v0.47.0 // whether a stream is a terminal, and its width
	golang.org/x/text v0.31.0 // encodings for textencodebase64, width of characters
)

// Tests only.
require (
	github.com/google/go-cmp v0.7.0 // differences in tests
	github.com/rogpeppe/go-internal v1.16.0 // sessions of the command line as tests, txtar
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // our reports and settings against their schemas
	github.com/yuin/goldmark v1.8.7 // what hostile text does to the markdown report
)

require (
	cel.dev/expr v0.25.1 // indirect
	github.com/BurntSushi/toml v1.4.1-0.20240526193622-a339e1f7089c // indirect
	github.com/agext/levenshtein v1.2.1 // indirect
	github.com/antlr4-go/antlr/v4 v4.13.1 // indirect
	github.com/apparentlymart/go-textseg/v15 v15.0.0 // indirect
	github.com/apparentlymart/go-textseg/v17 v17.0.1 // indirect
	github.com/mitchellh/go-wordwrap v1.0.1 // indirect
	golang.org/x/exp v0.0.0-20240823005443-9b4947da3948 // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20240826202546-f6391c0de4c7 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20240826202546-f6391c0de4c7 // indirect
	google.golang.org/protobuf v1.36.10 // indirect
	honnef.co/go/tools v0.8.2 // indirect
)

tool honnef.co/go/tools/cmd/staticcheck
