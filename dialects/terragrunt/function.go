package terragrunt

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"plumbline.dev/plumbline/dialects/terraform"
)

// anchor stands for the root of the tree in the absolute paths that functions make: where the tree lies on a machine is
// nobody's business and differs between machines.
const anchor = "/repository"

// absolute writes a path of the tree as Terragrunt's functions do.
func absolute(p string) string { return path.Join(anchor, p) }

// relative returns the path from one directory of the tree to another.
func relative(from, to string) (string, error) {
	rel, err := filepath.Rel(filepath.FromSlash(from), filepath.FromSlash(to))
	return filepath.ToSlash(rel), err
}

// texts makes a function that takes at most most strings and returns one.
func texts(least, most int, f func(args []string) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		VarParam: &function.Parameter{Name: "arguments", Type: cty.String},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) < least || len(args) > most {
				return cty.UnknownVal(cty.String), fmt.Errorf("it takes %d to %d arguments", least, most)
			}
			list := make([]string, len(args))
			for i, v := range args {
				list[i] = v.AsString()
			}
			return f(list)
		},
	})
}

// path0 makes a function that takes nothing and returns a path or name.
func path0(f func() (string, error)) function.Function {
	return texts(0, 0, func([]string) (cty.Value, error) { return asText(f()) })
}

func asText(s string, err error) (cty.Value, error) {
	if err != nil {
		return cty.UnknownVal(cty.String), err
	}
	return cty.StringVal(s), nil
}

// elsewhere makes a function of whatever arguments whose answer is not in the tree.
func elsewhere(t cty.Type, secret bool) function.Function {
	return function.New(&function.Spec{
		VarParam: &function.Parameter{Name: "arguments", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowNull: true, AllowDynamicType: true, AllowMarked: true},
		Type:     function.StaticReturnType(t),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			v := terraform.GivenMark(cty.UnknownVal(t).RefineNotNull())
			if secret {
				v = terraform.SensitiveMark(v)
			}
			return v, nil
		},
	})
}

// list makes a function without arguments that returns a list of words.
func list(words ...string) function.Function {
	values := make([]cty.Value, len(words))
	for i, w := range words {
		values[i] = cty.StringVal(w)
	}
	return function.New(&function.Spec{
		Type: function.StaticReturnType(cty.List(cty.String)),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) { return cty.ListVal(values), nil },
	})
}

// constant are the functions that do not depend on the config.
var constant = map[string]function.Function{
	"run_cmd":                         elsewhere(cty.String, false),
	"sops_decrypt_file":               elsewhere(cty.String, true),
	"get_aws_account_id":              elsewhere(cty.String, false),
	"get_aws_account_alias":           elsewhere(cty.String, false),
	"get_aws_caller_identity_arn":     elsewhere(cty.String, false),
	"get_aws_caller_identity_user_id": elsewhere(cty.String, false),
	"get_platform":                    elsewhere(cty.String, false),
	"get_terraform_command":           elsewhere(cty.String, false),
	"get_terraform_cli_args":          elsewhere(cty.List(cty.String), false),
	"get_working_dir":                 elsewhere(cty.String, false),
	"get_default_retryable_errors":    elsewhere(cty.List(cty.String), false),
	"mark_glob_as_read":               elsewhere(cty.List(cty.String), false),
	"constraint_check":                elsewhere(cty.Bool, false),
	"get_terragrunt_source_cli_flag":  path0(func() (string, error) { return "", nil }),
	"mark_as_read":                    texts(1, 1, func(args []string) (cty.Value, error) { return cty.StringVal(args[0]), nil }),
	"deep_merge":                      deepMergeFunc,

	// The commands that take these arguments: https://terragrunt.gruntwork.io/docs/reference/hcl/functions/
	"get_terraform_commands_that_need_vars":        list("apply", "console", "destroy", "import", "plan", "push", "refresh"),
	"get_terraform_commands_that_need_input":       list("apply", "import", "init", "plan", "refresh"),
	"get_terraform_commands_that_need_locking":     list("apply", "destroy", "import", "init", "plan", "refresh", "taint", "untaint"),
	"get_terraform_commands_that_need_parallelism": list("apply", "plan", "destroy"),
}

var deepMergeFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "maps", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowNull: true, AllowDynamicType: true, AllowMarked: true},
	Type:     function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		out := cty.EmptyObjectVal
		for _, v := range args {
			if plain, _ := v.Unmark(); plain.IsKnown() && !plain.IsNull() && !isMap(plain) {
				return cty.DynamicVal, errors.New("it takes maps")
			}
			out = deepMerge(out, v)
		}
		return out, nil
	},
})

// functionsOf returns the functions as a config sees them.
func functionsOf(c *config) map[string]function.Function {
	r := c.run
	out := map[string]function.Function{
		"find_in_parent_folders": texts(0, 2, func(args []string) (cty.Value, error) {
			name := unitFile
			if len(args) > 0 {
				name = args[0]
			}
			if found, ok := r.upward(c.dir, name); ok {
				return cty.StringVal(absolute(found)), nil
			}
			if len(args) > 1 {
				return cty.StringVal(args[1]), nil
			}
			return cty.UnknownVal(cty.String), fmt.Errorf("there is no %s in the folders above %s", name, c.dir)
		}),
		"path_relative_to_include": texts(0, 1, func(args []string) (cty.Value, error) {
			parent, err := c.parentDir(args)
			if err != nil {
				return cty.UnknownVal(cty.String), err
			}
			return asText(relative(parent, c.dir))
		}),
		"path_relative_from_include": texts(0, 1, func(args []string) (cty.Value, error) {
			parent, err := c.parentDir(args)
			if err != nil {
				return cty.UnknownVal(cty.String), err
			}
			return asText(relative(c.dir, parent))
		}),
		"get_parent_terragrunt_dir": texts(0, 1, func(args []string) (cty.Value, error) {
			parent, err := c.parentDir(args)
			return asText(absolute(parent), err)
		}),
		"get_terragrunt_dir":          path0(func() (string, error) { return absolute(c.dir), nil }),
		"get_original_terragrunt_dir": path0(func() (string, error) { return absolute(r.unit.dir), nil }),
		"get_repo_root":               path0(func() (string, error) { return absolute(r.repository(c.dir)), nil }),
		"get_path_from_repo_root":     path0(func() (string, error) { return relative(r.repository(c.dir), c.dir) }),
		"get_path_to_repo_root":       path0(func() (string, error) { return relative(c.dir, r.repository(c.dir)) }),
		"get_env":                     texts(1, 2, c.env),
		"read_tfvars_file":            texts(1, 1, func(args []string) (cty.Value, error) { return c.readVariables(args[0]) }),
		"read_terragrunt_config":      readConfigFunc(c),
	}
	for name, f := range constant {
		out[name] = f
	}
	return out
}

// upward looks for a file or folder in the folders above a directory.
func (r *run) upward(dir, name string) (string, bool) {
	for dir != "." && dir != "/" {
		dir = path.Dir(dir)
		p := path.Join(dir, name)
		if _, ok := r.Exists(r.estate.real(p)); ok {
			return p, true
		}
	}
	return "", false
}

// repository returns the directory of the tree that is the root of the repository: the nearest one that holds .git, or the
// root of the tree, which then lies in one.
func (r *run) repository(dir string) string {
	for d := dir; ; d = path.Dir(d) {
		if _, ok := r.Exists(path.Join(d, ".git")); ok || d == "." {
			return d
		}
	}
}

// parentDir returns the directory of what includes c is about: of c itself when it is included, else of what the label
// names.
func (c *config) parentDir(args []string) (string, error) {
	if c.child != nil {
		return path.Dir(c.file), nil
	}
	all := c.including()
	for _, i := range all {
		if len(args) == 0 && len(all) == 1 || len(args) == 1 && i.label == args[0] {
			if i.config == nil {
				return "", errors.New("what is included is not at hand")
			}
			return path.Dir(i.config.file), nil
		}
	}
	switch {
	case len(args) == 1:
		return "", fmt.Errorf("there is no include %q", args[0])
	case len(all) > 1:
		return "", errors.New("there are several includes: it takes the label of one")
	}
	return c.dir, nil
}

// env is get_env.
func (c *config) env(args []string) (cty.Value, error) {
	if v, ok := c.run.Env(args[0]); ok {
		return terraform.GivenMark(cty.StringVal(v)), nil
	}
	if len(args) == 2 {
		return cty.StringVal(args[1]), nil
	}
	return terraform.GivenMark(cty.UnknownVal(cty.String).RefineNotNull()), nil
}

// readVariables is read_tfvars_file: the variables of a file as JSON.
func (c *config) readVariables(p string) (cty.Value, error) {
	file, ok := c.run.resolve(c.dir, p)
	if !ok {
		return cty.UnknownVal(cty.String), errors.New("the file leaves the tree that is scanned")
	}
	if dir, there := c.run.Exists(file); !there || dir {
		return cty.UnknownVal(cty.String), fmt.Errorf("there is no file %s", file)
	}
	body := c.run.Text(file)
	if body == nil {
		return cty.UnknownVal(cty.String), fmt.Errorf("%s cannot be read", file)
	}
	values := map[string]cty.Value{}
	for name, a := range body.Attributes {
		values[name] = c.run.Value(a.Expr, nil)
	}
	return stdlib.JSONEncode(cty.ObjectVal(values))
}

// readConfigFunc is read_terragrunt_config.
func readConfigFunc(c *config) function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "path", Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowNull: true, AllowDynamicType: true, AllowMarked: true},
		Type:     function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) > 2 {
				return cty.DynamicVal, errors.New("it takes one or two arguments")
			}
			v, err := c.readConfig(args[0].AsString())
			if errors.Is(err, errMissing) && len(args) == 2 {
				return args[1], nil
			}
			return v, err
		},
	})
}

var errMissing = errors.New("there is no such file")

func (c *config) readConfig(p string) (cty.Value, error) {
	r := c.run
	at, ok := place(c.dir, p)
	file := r.estate.real(at)
	if !ok {
		return cty.DynamicVal, errors.New("the file leaves the tree that is scanned")
	}
	if dir, there := r.Exists(file); !there || dir {
		return cty.DynamicVal, fmt.Errorf("%s: %w", file, errMissing)
	}
	if r.reading[file] {
		return cty.DynamicVal, fmt.Errorf("%s is read while it is evaluated: the files read each other in a circle", file)
	}
	read := r.read[file]
	if read == nil {
		if read = r.newConfig(file, path.Dir(at), nil); read == nil {
			return cty.DynamicVal, fmt.Errorf("%s cannot be read", file)
		}
		read.values = c.values
		r.read[file], r.met[file] = read, true
	}
	if read.whole == cty.NilVal {
		r.reading[file] = true
		read.whole = read.object()
		delete(r.reading, file)
	}
	return read.whole, nil
}

// place returns the path of the tree that a text names for a config in dir, and whether it lies in the tree.
func place(dir, p string) (string, bool) {
	p = strings.ReplaceAll(p, `\`, "/")
	if path.IsAbs(p) {
		p = path.Clean(p)
		if p == anchor {
			return ".", true
		}
		rest, ok := strings.CutPrefix(p, anchor+"/")
		return rest, ok
	}
	if strings.HasPrefix(p, "~") {
		return "", false
	}
	at := path.Join(dir, p)
	return at, at != ".." && !strings.HasPrefix(at, "../")
}
