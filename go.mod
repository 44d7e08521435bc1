module plumbline.dev/plumbline

go 1.26.8

require (
	cel.dev/cel-go v0.33.2 // expressions of rules: parser, macros, type checker
	github.com/BurntSushi/toml v1.6.0 // toToml and fromToml of Helm templates
	github.com/Masterminds/semver/v3 v3.5.0 // versions that charts ask for
	github.com/Masterminds/sprig/v3 v3.3.0 // functions of Helm templates
	github.com/alexedwards/scs/v2 v2.9.0 // sessions of signed-in people
	github.com/coreos/go-oidc/v3 v3.21.0 // signing in through OpenID Connect; identity tokens of CI
	github.com/danielgtaylor/huma/v2 v2.37.2 // the API and its OpenAPI document from Go types
	github.com/go-webauthn/webauthn v0.18.2 // passkeys
	github.com/gobwas/glob v0.2.3 // .Files.Glob of Helm templates
	github.com/hashicorp/hcl/v2 v2.25.0 // Terraform's language
	github.com/jackc/pgx/v5 v5.12.0 // PostgreSQL
	github.com/klauspost/compress v1.20.3 // zstd of stored reports
	github.com/pquerna/otp v1.5.0 // one-time codes of authenticator apps
	github.com/pressly/goose/v3 v3.29.0 // migrations
	github.com/prometheus/client_golang v1.25.0 // metrics
	github.com/rhysd/actionlint v1.7.12 // expressions of GitHub Actions
	github.com/riverqueue/river v0.47.0 // jobs, kept in our own database
	github.com/riverqueue/river/riverdriver/riverpgxv5 v0.47.0 // jobs on PostgreSQL
	github.com/riverqueue/river/riverdriver/riversqlite v0.47.0 // jobs on SQLite
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // values of charts against their schemas; in tests, our reports and settings against theirs
	github.com/uptrace/bun v1.3.0 // one SQL code base for both databases
	github.com/uptrace/bun/dialect/pgdialect v1.3.0 // its PostgreSQL
	github.com/uptrace/bun/dialect/sqlitedialect v1.3.0 // its SQLite
	github.com/zclconf/go-cty v1.19.0 // Terraform's values
	github.com/zclconf/go-cty-yaml v1.2.0 // yamlencode and yamldecode as Terraform has them
	go.yaml.in/yaml/v3 v3.0.6 // settings and front matter, with positions
	golang.org/x/crypto v0.58.0 // Argon2 for passwords, ChaCha20-Poly1305 for secrets at rest
	golang.org/x/mod v0.42.0 // the Merkle log of the audit and its signed checkpoints
	golang.org/x/oauth2 v0.37.0 // the code flow of OpenID Connect
	golang.org/x/sys v0.49.0 // Landlock and seccomp around the process that scans for the server
	golang.org/x/term v0.47.0 // whether a stream is a terminal, and its width
	golang.org/x/text v0.43.0 // encodings for textencodebase64, width of characters
	golang.org/x/time v0.16.0 // rate limits
	golang.org/x/tools v0.52.0 // files in memory as a tree: migrations in the words of SQLite
	modernc.org/sqlite v1.60.1 // SQLite without C
	mvdan.cc/sh/v3 v3.14.1 // the parser of shell scripts
	sigs.k8s.io/kustomize/api v0.21.1 // builds kustomizations
	sigs.k8s.io/kustomize/kyaml v0.21.1 // the file system that kustomizations are built on
	sigs.k8s.io/yaml v1.6.0 // toYaml and fromYaml of Helm templates, byte for byte
)

// Tests only.
require (
	github.com/getkin/kin-openapi v0.152.0 // our OpenAPI document is valid, and our answers follow it
	github.com/google/go-cmp v0.7.0 // differences in tests
	github.com/moby/buildkit v0.34.2 // its parser of Dockerfiles, which ours is compared with
	github.com/oauth2-proxy/mockoidc v0.0.0-20240214162133-caebfff84d25 // an OpenID provider to sign in with
	github.com/rogpeppe/go-internal v1.16.0 // sessions of the command line as tests, txtar
	github.com/yuin/goldmark v1.8.7 // what hostile text does to the markdown report
	pgregory.net/rapid v1.3.0 // properties of the life of findings
)

require (
	cel.dev/expr v0.25.1 // indirect
	dario.cat/mergo v1.0.1 // indirect
	github.com/Masterminds/goutils v1.1.1 // indirect
	github.com/agext/levenshtein v1.2.3 // indirect
	github.com/antlr4-go/antlr/v4 v4.13.1 // indirect
	github.com/apparentlymart/go-textseg/v15 v15.0.0 // indirect
	github.com/apparentlymart/go-textseg/v17 v17.0.1 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/blang/semver/v4 v4.0.0 // indirect
	github.com/bmatcuk/doublestar/v4 v4.10.0 // indirect
	github.com/boombuler/barcode v1.0.1-0.20190219062509-6c824513bacc // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/clipperhouse/uax29/v2 v2.7.0 // indirect
	github.com/containerd/typeurl/v2 v2.3.0 // indirect
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/fatih/color v1.19.0 // indirect
	github.com/fxamacker/cbor/v2 v2.9.4 // indirect
	github.com/go-errors/errors v1.4.2 // indirect
	github.com/go-jose/go-jose/v3 v3.0.1 // indirect
	github.com/go-jose/go-jose/v4 v4.1.4 // indirect
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
	github.com/go-viper/mapstructure/v2 v2.5.0 // indirect
	github.com/go-webauthn/x v0.3.1 // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/google/gnostic-models v0.6.9 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/huandu/xstrings v1.5.0 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/jinzhu/inflection v1.0.0 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/mattn/go-runewidth v0.0.21 // indirect
	github.com/mattn/go-shellwords v1.0.12 // indirect
	github.com/mfridman/interpolate v0.0.2 // indirect
	github.com/mitchellh/copystructure v1.2.0 // indirect
	github.com/mitchellh/go-wordwrap v1.0.1 // indirect
	github.com/mitchellh/reflectwalk v1.0.2 // indirect
	github.com/monochromegane/go-gitignore v0.0.0-20200626010858-205db1a8cc00 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/oasdiff/yaml v0.1.1 // indirect
	github.com/oasdiff/yaml3 v0.0.14 // indirect
	github.com/philhofer/fwd v1.2.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/planetscale/vtprotobuf v0.6.1-0.20240319094008-0393e58bdf10 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/puzpuzpuz/xsync/v3 v3.5.1 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/riverqueue/river/riverdriver v0.47.0 // indirect
	github.com/riverqueue/river/rivershared v0.47.0 // indirect
	github.com/riverqueue/river/rivertype v0.47.0 // indirect
	github.com/robfig/cron/v3 v3.0.1 // indirect
	github.com/sethvargo/go-retry v0.5.0 // indirect
	github.com/shopspring/decimal v1.5.0 // indirect
	github.com/spf13/cast v1.7.0 // indirect
	github.com/tidwall/gjson v1.19.0 // indirect
	github.com/tidwall/match v1.2.0 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/sjson v1.2.5 // indirect
	github.com/tinylib/msgp v1.6.4 // indirect
	github.com/tmthrgd/go-hex v0.0.0-20190904060850-447a3041c3bc // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	github.com/xlab/treeprint v1.2.0 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	go.yaml.in/yaml/v2 v2.4.4 // indirect
	go.yaml.in/yaml/v4 v4.0.0-rc.3 // indirect
	golang.org/x/exp v0.0.0-20261014143641-f0251eb4aa3e // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/sync v0.24.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20261005182115-fad411399dd8 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261005182115-fad411399dd8 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	gopkg.in/evanphx/json-patch.v4 v4.13.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
	honnef.co/go/tools v0.8.2 // indirect
	k8s.io/kube-openapi v0.0.0-20241212222426-2c72e554b1e7 // indirect
	modernc.org/libc v1.78.0 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)

tool honnef.co/go/tools/cmd/staticcheck
