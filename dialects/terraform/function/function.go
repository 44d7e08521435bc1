// Package function is the functions of the Terraform language, those of OpenTofu included.
//
// They give what Terraform's own give, with three differences that a scan needs. Functions whose answer differs between
// runs or machines (timestamp, uuid, bcrypt, abspath, a path with a home directory) answer unknown. File functions see
// only the tree that is scanned. And whatever the input, a function ends: strings, element counts, nesting and loops are
// bounded, and beyond the bounds there is an error in place of a hang.
//
// The package knows nothing of modules, resources or scopes.
package function

import (
	"io/fs"
	"maps"

	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// mark is the type of the marks below, so that no other package's marks can equal them.
type mark string

// The marks of the language. Every other mark on an argument flows into the result and means nothing here.
const (
	SensitiveMark = mark("sensitive") // set by sensitive(), taken off by nonsensitive()
	EphemeralMark = mark("ephemeral") // values that ephemeralasnull() turns into null
)

// Options says what the functions may see and how much they may make.
type Options struct {
	FS         fs.FS                             // the tree; nil when no file may be read
	Read       func(path string) ([]byte, error) // reads a text file of the tree; nil: FS is used
	Root       string                            // directory of the root module in the tree, to which relative paths are joined; "" is "."
	Anchor     string                            // an absolute path that stands for the root of the tree: /repository; "" for none
	ValueBytes int                               // most bytes of text that a function takes or makes; 0 is 4 MiB
	Elements   int                               // most elements, counted at any depth, that a function takes or makes; 0 is 100,000
	Seen       func(path string)                 // called for every file that is looked at, existing or not; may be nil
	Listed     func(path string)                 // called for every directory that is listed; may be nil
	Charge     func(steps int)                   // called before work is done, with how much; it may panic to stop it; may be nil
}

func (o Options) withDefaults() Options {
	if o.Root == "" {
		o.Root = "."
	}
	if o.ValueBytes == 0 {
		o.ValueBytes = 4 << 20
	}
	if o.Elements == 0 {
		o.Elements = 100_000
	}
	return o
}

// Table returns the functions by name, each also under its core:: name. The functions are as safe for use by several
// goroutines as the callbacks of o are.
func Table(o Options) map[string]function.Function {
	t := Pure(o)
	maps.Copy(t, Rooted(o, maps.Clone(t)))
	return t
}

// Pure returns the functions that read no file, so that those who evaluate from several directories make them once.
func Pure(o Options) map[string]function.Function {
	l := o.withDefaults().limits()
	t := pure(l)
	for name, f := range t {
		t[name] = l.bound(f, l.guard(name))
	}
	// These two see their arguments unevaluated, so that there is nothing to weigh; what is evaluated inside is bounded.
	t["try"] = tryFunc
	t["can"] = canFunc
	return qualified(t)
}

// Rooted returns the functions that read files. Rest is what Pure returned: templates may call it.
func Rooted(o Options, rest map[string]function.Function) map[string]function.Function {
	o = o.withDefaults()
	l := o.limits()
	t := files(o)
	for name, f := range t {
		t[name] = l.bound(f, l.guard(name))
	}
	all := maps.Clone(t)
	maps.Copy(all, templates(o, func() map[string]function.Function {
		inner := maps.Clone(rest)
		maps.Copy(inner, qualified(t))
		return inner
	}, 0))
	return qualified(all)
}

// qualified adds the core:: names.
func qualified(t map[string]function.Function) map[string]function.Function {
	out := make(map[string]function.Function, 2*len(t))
	for name, f := range t {
		out[name] = f
		out["core::"+name] = f
	}
	return out
}

// pure returns the functions that need no file.
func pure(l limits) map[string]function.Function {
	return map[string]function.Function{
		"abs":              stdlib.AbsoluteFunc,
		"abspath":          absPathFunc,
		"alltrue":          allTrueFunc,
		"anytrue":          anyTrueFunc,
		"base64decode":     base64DecodeFunc,
		"base64encode":     base64EncodeFunc,
		"base64gunzip":     base64Gunzip(l.bytes),
		"base64gzip":       base64GzipFunc,
		"base64sha256":     base64SHA256Func,
		"base64sha512":     base64SHA512Func,
		"basename":         baseNameFunc,
		"bcrypt":           bcryptFunc,
		"ceil":             stdlib.CeilFunc,
		"chomp":            stdlib.ChompFunc,
		"chunklist":        stdlib.ChunklistFunc,
		"cidrcontains":     cidrContainsFunc,
		"cidrhost":         cidrHostFunc,
		"cidrnetmask":      cidrNetmaskFunc,
		"cidrsubnet":       cidrSubnetFunc,
		"cidrsubnets":      cidrSubnetsFunc,
		"coalesce":         coalesceFunc,
		"coalescelist":     stdlib.CoalesceListFunc,
		"compact":          stdlib.CompactFunc,
		"concat":           stdlib.ConcatFunc,
		"contains":         stdlib.ContainsFunc,
		"csvdecode":        stdlib.CSVDecodeFunc,
		"dirname":          dirNameFunc,
		"distinct":         distinctFunc,
		"element":          stdlib.ElementFunc,
		"endswith":         endsWithFunc,
		"ephemeralasnull":  ephemeralAsNullFunc,
		"flatten":          stdlib.FlattenFunc,
		"floor":            stdlib.FloorFunc,
		"format":           stdlib.FormatFunc,
		"formatdate":       stdlib.FormatDateFunc,
		"formatlist":       stdlib.FormatListFunc,
		"indent":           stdlib.IndentFunc,
		"index":            indexFunc,
		"issensitive":      isSensitiveFunc,
		"join":             stdlib.JoinFunc,
		"jsondecode":       stdlib.JSONDecodeFunc,
		"jsonencode":       stdlib.JSONEncodeFunc,
		"keys":             stdlib.KeysFunc,
		"length":           lengthFunc,
		"log":              stdlib.LogFunc,
		"lookup":           lookupFunc,
		"lower":            stdlib.LowerFunc,
		"matchkeys":        matchKeysFunc,
		"max":              stdlib.MaxFunc,
		"md5":              md5Func,
		"merge":            stdlib.MergeFunc,
		"min":              stdlib.MinFunc,
		"nonsensitive":     nonsensitiveFunc,
		"one":              oneFunc,
		"parseint":         stdlib.ParseIntFunc,
		"pathexpand":       pathExpandFunc,
		"plantimestamp":    timestampFunc,
		"pow":              stdlib.PowFunc,
		"range":            stdlib.RangeFunc,
		"regex":            stdlib.RegexFunc,
		"regexall":         stdlib.RegexAllFunc,
		"replace":          replace(l.bytes),
		"reverse":          stdlib.ReverseListFunc,
		"rsadecrypt":       rsaDecryptFunc,
		"sensitive":        sensitiveFunc,
		"setintersection":  stdlib.SetIntersectionFunc,
		"setproduct":       stdlib.SetProductFunc,
		"setsubtract":      stdlib.SetSubtractFunc,
		"setunion":         stdlib.SetUnionFunc,
		"sha1":             sha1Func,
		"sha256":           sha256Func,
		"sha512":           sha512Func,
		"signum":           stdlib.SignumFunc,
		"slice":            stdlib.SliceFunc,
		"sort":             stdlib.SortFunc,
		"split":            stdlib.SplitFunc,
		"startswith":       startsWithFunc,
		"strcontains":      strContainsFunc,
		"strrev":           stdlib.ReverseFunc,
		"substr":           stdlib.SubstrFunc,
		"sum":              sumFunc,
		"textdecodebase64": textDecodeBase64Func,
		"textencodebase64": textEncodeBase64Func,
		"timeadd":          stdlib.TimeAddFunc,
		"timecmp":          timeCmpFunc,
		"timestamp":        timestampFunc,
		"title":            stdlib.TitleFunc,
		"tobool":           conversionFunc(cty.Bool),
		"tolist":           conversionFunc(cty.List(cty.DynamicPseudoType)),
		"tomap":            conversionFunc(cty.Map(cty.DynamicPseudoType)),
		"tonumber":         conversionFunc(cty.Number),
		"toset":            conversionFunc(cty.Set(cty.DynamicPseudoType)),
		"tostring":         conversionFunc(cty.String),
		"transpose":        transposeFunc,
		"trim":             stdlib.TrimFunc,
		"trimprefix":       stdlib.TrimPrefixFunc,
		"trimspace":        stdlib.TrimSpaceFunc,
		"trimsuffix":       stdlib.TrimSuffixFunc,
		"upper":            stdlib.UpperFunc,
		"urldecode":        urlDecodeFunc,
		"urlencode":        urlEncodeFunc,
		"uuid":             uuidFunc,
		"uuidv5":           uuidV5Func,
		"values":           stdlib.ValuesFunc,
		"yamldecode":       ctyyaml.YAMLDecodeFunc,
		"yamlencode":       ctyyaml.YAMLEncodeFunc,
		"zipmap":           stdlib.ZipmapFunc,
	}
}

// notNull is the refinement of results that are never null, whatever the unknown arguments turn out to be.
func notNull(b *cty.RefinementBuilder) *cty.RefinementBuilder { return b.NotNull() }

// textFunc makes a function of one string to one string.
func textFunc(param string, f func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: param, Type: cty.String}},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			out, err := f(args[0].AsString())
			if err != nil {
				return cty.UnknownVal(cty.String), function.NewArgError(0, err)
			}
			return cty.StringVal(out), nil
		},
	})
}
