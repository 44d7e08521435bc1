module plumbline.dev/plumbline

go 1.26.8

require (
	cel.dev/cel-go v0.33.2 // expressions of rules: parser, macros, type checker
	github.com/BurntSushi/toml v1.6.0 // toToml and fromToml of Helm templates
	github.com/Masterminds/semver/v3 v3.5.0 // versions that charts ask for
	github.com/Masterminds/sprig/v3 v3.3.0 // functions of Helm templates
	github.com/gobwas/glob v0.2.3 // .Files.Glob of Helm templates
	github.com/hashicorp/hcl/v2 v2.25.0 // Terraform's language
	github.com/rhysd/actionlint v1.7.12 // expressions of GitHub Actions
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // values of charts against their schemas; in tests, our reports and settings against theirs
	github.com/zclconf/go-cty v1.19.0 // Terraform's values
	github.com/zclconf/go-cty-yaml v1.2.0 // yamlencode and yamldecode as Terraform has them
	go.yaml.in/yaml/v3 v3.0.6 // settings and front matter, with positions
	golang.org/x/term v0.47.0 // whether a stream is a terminal, and its width
	golang.org/x/text v0.42.0 // encodings for textencodebase64, width of characters
	mvdan.cc/sh/v3 v3.14.1 // the parser of shell scripts
	sigs.k8s.io/kustomize/api v0.21.1 // builds kustomizations
	sigs.k8s.io/kustomize/kyaml v0.21.1 // the file system that kustomizations are built on
	sigs.k8s.io/yaml v1.6.0 // toYaml and fromYaml of Helm templates, byte for byte
)

// Tests only.
require (
	github.com/google/go-cmp v0.7.0 // differences in tests
	github.com/moby/buildkit v0.34.2 // its parser of Dockerfiles, which ours is compared with
	github.com/rogpeppe/go-internal v1.16.0 // sessions of the command line as tests, txtar
	github.com/yuin/goldmark v1.8.7 // what hostile text does to the markdown report
)

require (
	cel.dev/expr v0.25.1 // indirect
	dario.cat/mergo v1.0.1 // indirect
	github.com/Masterminds/goutils v1.1.1 // indirect
	github.com/agext/levenshtein v1.2.3 // indirect
	github.com/antlr4-go/antlr/v4 v4.13.1 // indirect
	github.com/apparentlymart/go-textseg/v15 v15.0.0 // indirect
	github.com/apparentlymart/go-textseg/v17 v17.0.1 // indirect
	github.com/blang/semver/v4 v4.0.0 // indirect
	github.com/bmatcuk/doublestar/v4 v4.10.0 // indirect
	github.com/clipperhouse/uax29/v2 v2.7.0 // indirect
	github.com/containerd/typeurl/v2 v2.3.0 // indirect
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/fatih/color v1.19.0 // indirect
	github.com/go-errors/errors v1.4.2 // indirect
	github.com/go-openapi/jsonpointer v1.0.0 // indirect
	github.com/go-openapi/jsonreference v1.0.0 // indirect
	github.com/go-openapi/swag v0.28.0 // indirect
	github.com/go-openapi/swag/cmdutils v0.28.0 // indirect
	github.com/go-openapi/swag/conv v0.28.0 // indirect
	github.com/go-openapi/swag/fileutils v0.28.0 // indirect
	github.com/go-openapi/swag/jsonutils v0.28.0 // indirect
	github.com/go-openapi/swag/loading v0.28.0 // indirect
	github.com/go-openapi/swag/mangling v0.28.0 // indirect
	github.com/go-openapi/swag/netutils v0.28.0 // indirect
	github.com/go-openapi/swag/pools v0.28.0 // indirect
	github.com/go-openapi/swag/stringutils v0.28.0 // indirect
	github.com/go-openapi/swag/typeutils v0.28.0 // indirect
	github.com/go-openapi/swag/yamlutils v0.28.0 // indirect
	github.com/google/gnostic-models v0.6.9 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/huandu/xstrings v1.5.0 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/mattn/go-runewidth v0.0.21 // indirect
	github.com/mattn/go-shellwords v1.0.12 // indirect
	github.com/mitchellh/copystructure v1.2.0 // indirect
	github.com/mitchellh/go-wordwrap v1.0.1 // indirect
	github.com/mitchellh/reflectwalk v1.0.2 // indirect
	github.com/monochromegane/go-gitignore v0.0.0-20200626010858-205db1a8cc00 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/planetscale/vtprotobuf v0.6.1-0.20240319094008-0393e58bdf10 // indirect
	github.com/robfig/cron/v3 v3.0.1 // indirect
	github.com/shopspring/decimal v1.4.0 // indirect
	github.com/spf13/cast v1.7.0 // indirect
	github.com/xlab/treeprint v1.2.0 // indirect
	go.yaml.in/yaml/v2 v2.4.2 // indirect
	go.yaml.in/yaml/v4 v4.0.0-rc.3 // indirect
	golang.org/x/crypto v0.57.0 // indirect
	golang.org/x/exp v0.0.0-20260603202125-055de637280b // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20260825221802-da73d73af1c5 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260825221802-da73d73af1c5 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	gopkg.in/evanphx/json-patch.v4 v4.13.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
	honnef.co/go/tools v0.8.2 // indirect
	k8s.io/kube-openapi v0.0.0-20241212222426-2c72e554b1e7 // indirect
)

tool honnef.co/go/tools/cmd/staticcheck
