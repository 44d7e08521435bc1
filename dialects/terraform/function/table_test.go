package function

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// evaluate returns the value of an expression that may use the functions of o and the given variables.
func evaluate(t *testing.T, o Options, src string, vars map[string]cty.Value) (cty.Value, error) {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(src), "expression", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	v, diags := expr.Value(&hcl.EvalContext{Functions: Table(o), Variables: vars})
	if diags.HasErrors() {
		return v, diags
	}
	return v, nil
}

// terraformFunctions are the names that `terraform metadata functions` of version 1.11 lists.
const terraformFunctions = `abs abspath alltrue anytrue base64decode base64encode base64gzip base64sha256 base64sha512
basename bcrypt can ceil chomp chunklist cidrhost cidrnetmask cidrsubnet cidrsubnets coalesce coalescelist compact concat
contains csvdecode dirname distinct element endswith ephemeralasnull file filebase64 filebase64sha256 filebase64sha512
fileexists filemd5 fileset filesha1 filesha256 filesha512 flatten floor format formatdate formatlist indent index
issensitive join jsondecode jsonencode keys length log lookup lower matchkeys max md5 merge min nonsensitive one parseint
pathexpand plantimestamp pow range regex regexall replace reverse rsadecrypt sensitive setintersection setproduct
setsubtract setunion sha1 sha256 sha512 signum slice sort split startswith strcontains strrev substr sum templatefile
templatestring textdecodebase64 textencodebase64 timeadd timecmp timestamp title tobool tolist tomap tonumber toset
tostring transpose trim trimprefix trimspace trimsuffix try upper urlencode uuid uuidv5 values yamldecode yamlencode zipmap`

const tofuFunctions = `base64gunzip cidrcontains urldecode`

func TestTable_names(t *testing.T) {
	var want, got []string
	for _, name := range strings.Fields(terraformFunctions + " " + tofuFunctions) {
		want = append(want, name, "core::"+name)
	}
	for name := range Table(Options{}) {
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// calls has one call of every function whose answer depends on an argument; m is replaced by a marked value.
var calls = map[string]struct {
	src string
	m   cty.Value
}{
	"abs":              {`abs(m)`, cty.NumberIntVal(-1)},
	"abspath":          {`abspath(m)`, cty.StringVal("/a")},
	"alltrue":          {`alltrue([m])`, cty.True},
	"anytrue":          {`anytrue([m])`, cty.True},
	"base64decode":     {`base64decode(m)`, cty.StringVal("aGk=")},
	"base64encode":     {`base64encode(m)`, cty.StringVal("hi")},
	"base64gunzip":     {`base64gunzip(base64gzip(m))`, cty.StringVal("hi")},
	"base64gzip":       {`base64gzip(m)`, cty.StringVal("hi")},
	"base64sha256":     {`base64sha256(m)`, cty.StringVal("hi")},
	"base64sha512":     {`base64sha512(m)`, cty.StringVal("hi")},
	"basename":         {`basename(m)`, cty.StringVal("a/b")},
	"bcrypt":           {`bcrypt(m)`, cty.StringVal("hi")},
	"can":              {`can(m)`, cty.UnknownVal(cty.String)},
	"ceil":             {`ceil(m)`, cty.NumberFloatVal(1.5)},
	"chomp":            {`chomp(m)`, cty.StringVal("a\n")},
	"chunklist":        {`chunklist([m], 1)`, cty.StringVal("a")},
	"cidrcontains":     {`cidrcontains(m, "10.0.0.1")`, cty.StringVal("10.0.0.0/8")},
	"cidrhost":         {`cidrhost(m, 1)`, cty.StringVal("10.0.0.0/8")},
	"cidrnetmask":      {`cidrnetmask(m)`, cty.StringVal("10.0.0.0/8")},
	"cidrsubnet":       {`cidrsubnet(m, 8, 1)`, cty.StringVal("10.0.0.0/8")},
	"cidrsubnets":      {`cidrsubnets(m, 8)`, cty.StringVal("10.0.0.0/8")},
	"coalesce":         {`coalesce(m, "b")`, cty.StringVal("a")},
	"coalescelist":     {`coalescelist([m])`, cty.StringVal("a")},
	"compact":          {`compact([m])`, cty.StringVal("a")},
	"concat":           {`concat([m], ["b"])`, cty.StringVal("a")},
	"contains":         {`contains([m], "b")`, cty.StringVal("a")},
	"csvdecode":        {`csvdecode(m)`, cty.StringVal("a\n1\n")},
	"dirname":          {`dirname(m)`, cty.StringVal("a/b")},
	"distinct":         {`distinct([m])`, cty.StringVal("a")},
	"element":          {`element([m], 0)`, cty.StringVal("a")},
	"endswith":         {`endswith(m, "a")`, cty.StringVal("a")},
	"ephemeralasnull":  {`ephemeralasnull(m)`, cty.StringVal("a")},
	"file":             {`file(m)`, cty.StringVal("a.txt")},
	"filebase64":       {`filebase64(m)`, cty.StringVal("a.txt")},
	"filebase64sha256": {`filebase64sha256(m)`, cty.StringVal("a.txt")},
	"filebase64sha512": {`filebase64sha512(m)`, cty.StringVal("a.txt")},
	"fileexists":       {`fileexists(m)`, cty.StringVal("a.txt")},
	"filemd5":          {`filemd5(m)`, cty.StringVal("a.txt")},
	"fileset":          {`fileset(m, "*")`, cty.StringVal(".")},
	"filesha1":         {`filesha1(m)`, cty.StringVal("a.txt")},
	"filesha256":       {`filesha256(m)`, cty.StringVal("a.txt")},
	"filesha512":       {`filesha512(m)`, cty.StringVal("a.txt")},
	"flatten":          {`flatten([[m]])`, cty.StringVal("a")},
	"floor":            {`floor(m)`, cty.NumberFloatVal(1.5)},
	"format":           {`format("%s", m)`, cty.StringVal("a")},
	"formatdate":       {`formatdate("YYYY", m)`, cty.StringVal("2018-01-02T23:12:01Z")},
	"formatlist":       {`formatlist("%s", [m])`, cty.StringVal("a")},
	"indent":           {`indent(1, m)`, cty.StringVal("a")},
	"index":            {`index([m], "a")`, cty.StringVal("a")},
	"issensitive":      {`issensitive(m)`, cty.StringVal("a")},
	"join":             {`join(",", [m])`, cty.StringVal("a")},
	"jsondecode":       {`jsondecode(m)`, cty.StringVal("[1]")},
	"jsonencode":       {`jsonencode({a = m})`, cty.StringVal("a")},
	"keys":             {`keys(m)`, cty.ObjectVal(map[string]cty.Value{"a": cty.True})},
	"length":           {`length(m)`, cty.StringVal("a")},
	"log":              {`log(m, 2)`, cty.NumberIntVal(8)},
	"lookup":           {`lookup({a = m}, "a")`, cty.StringVal("a")},
	"lower":            {`lower(m)`, cty.StringVal("A")},
	"matchkeys":        {`matchkeys([m], ["a"], ["a"])`, cty.StringVal("a")},
	"max":              {`max(m, 1)`, cty.NumberIntVal(2)},
	"md5":              {`md5(m)`, cty.StringVal("a")},
	"merge":            {`merge({a = m}, {b = 1})`, cty.StringVal("a")},
	"min":              {`min(m, 1)`, cty.NumberIntVal(2)},
	"nonsensitive":     {`nonsensitive(sensitive(m))`, cty.StringVal("a")},
	"one":              {`one([m])`, cty.StringVal("a")},
	"parseint":         {`parseint(m, 10)`, cty.StringVal("1")},
	"pathexpand":       {`pathexpand(m)`, cty.StringVal("~/a")},
	"pow":              {`pow(m, 2)`, cty.NumberIntVal(2)},
	"range":            {`range(m)`, cty.NumberIntVal(2)},
	"regex":            {`regex("a", m)`, cty.StringVal("a")},
	"regexall":         {`regexall("a", m)`, cty.StringVal("a")},
	"replace":          {`replace(m, "/a/", "b")`, cty.StringVal("a")},
	"reverse":          {`reverse([m])`, cty.StringVal("a")},
	"rsadecrypt":       {`rsadecrypt(m, "x")`, cty.UnknownVal(cty.String)},
	"sensitive":        {`sensitive(m)`, cty.StringVal("a")},
	"setintersection":  {`setintersection([m], ["a"])`, cty.StringVal("a")},
	"setproduct":       {`setproduct([m], ["a"])`, cty.StringVal("a")},
	"setsubtract":      {`setsubtract([m], ["b"])`, cty.StringVal("a")},
	"setunion":         {`setunion([m], ["b"])`, cty.StringVal("a")},
	"sha1":             {`sha1(m)`, cty.StringVal("a")},
	"sha256":           {`sha256(m)`, cty.StringVal("a")},
	"sha512":           {`sha512(m)`, cty.StringVal("a")},
	"signum":           {`signum(m)`, cty.NumberIntVal(2)},
	"slice":            {`slice([m], 0, 1)`, cty.StringVal("a")},
	"sort":             {`sort([m])`, cty.StringVal("a")},
	"split":            {`split(",", m)`, cty.StringVal("a,b")},
	"startswith":       {`startswith(m, "a")`, cty.StringVal("a")},
	"strcontains":      {`strcontains(m, "a")`, cty.StringVal("a")},
	"strrev":           {`strrev(m)`, cty.StringVal("ab")},
	"substr":           {`substr(m, 0, 1)`, cty.StringVal("ab")},
	"sum":              {`sum([m])`, cty.NumberIntVal(1)},
	"templatefile":     {`templatefile("t.tpl", {x = m})`, cty.StringVal("a")},
	"templatestring":   {`templatestring("x $${x}", {x = m})`, cty.StringVal("a")},
	"textdecodebase64": {`textdecodebase64(m, "UTF-8")`, cty.StringVal("aGk=")},
	"textencodebase64": {`textencodebase64(m, "UTF-8")`, cty.StringVal("hi")},
	"timeadd":          {`timeadd(m, "1h")`, cty.StringVal("2018-01-02T23:12:01Z")},
	"timecmp":          {`timecmp(m, m)`, cty.StringVal("2018-01-02T23:12:01Z")},
	"title":            {`title(m)`, cty.StringVal("a")},
	"tobool":           {`tobool(m)`, cty.StringVal("true")},
	"tolist":           {`tolist([m])`, cty.StringVal("a")},
	"tomap":            {`tomap({a = m})`, cty.StringVal("a")},
	"tonumber":         {`tonumber(m)`, cty.StringVal("1")},
	"toset":            {`toset([m])`, cty.StringVal("a")},
	"tostring":         {`tostring(m)`, cty.NumberIntVal(1)},
	"transpose":        {`transpose({a = [m]})`, cty.StringVal("a")},
	"trim":             {`trim(m, "a")`, cty.StringVal("ab")},
	"trimprefix":       {`trimprefix(m, "a")`, cty.StringVal("ab")},
	"trimspace":        {`trimspace(m)`, cty.StringVal("ab ")},
	"trimsuffix":       {`trimsuffix(m, "b")`, cty.StringVal("ab")},
	"try":              {`try(m, "b")`, cty.StringVal("ab")},
	"upper":            {`upper(m)`, cty.StringVal("ab")},
	"urldecode":        {`urldecode(m)`, cty.StringVal("a%20b")},
	"urlencode":        {`urlencode(m)`, cty.StringVal("a b")},
	"uuidv5":           {`uuidv5("dns", m)`, cty.StringVal("a")},
	"values":           {`values({a = m})`, cty.StringVal("a")},
	"yamldecode":       {`yamldecode(m)`, cty.StringVal("a: 1")},
	"yamlencode":       {`yamlencode([m])`, cty.StringVal("a")},
	"zipmap":           {`zipmap(["a"], [m])`, cty.StringVal("a")},
}

// A mark that means nothing here is on the result or in it, whether the argument is known or not.
func TestTable_marks(t *testing.T) {
	type origin struct{ address string }
	from := origin{"var.x"}
	o := Options{FS: fstest.MapFS{
		"a.txt": {Data: []byte("hello")},
		"t.tpl": {Data: []byte("%{ for i in [1] }${upper(x)}%{ endfor }")},
	}}
	for name := range Table(o) {
		if _, ok := calls[name]; !ok && !strings.HasPrefix(name, "core::") && !slices.Contains([]string{"timestamp", "plantimestamp", "uuid"}, name) {
			t.Errorf("no call of %s", name)
		}
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			for what, m := range map[string]cty.Value{
				"known":   call.m,
				"unknown": cty.UnknownVal(call.m.Type()),
				"dynamic": cty.DynamicVal,
			} {
				v, err := evaluate(t, o, call.src, map[string]cty.Value{"m": m.Mark(from)})
				if err != nil {
					t.Errorf("%s: %v", what, err)
					continue
				}
				if _, marks := v.UnmarkDeep(); !hasMark(marks, from) {
					t.Errorf("%s: %#v has lost the mark", what, v)
				}
			}
		})
	}
}

func hasMark(marks cty.ValueMarks, m any) bool {
	_, ok := marks[m]
	return ok
}

func TestTable_ephemeral(t *testing.T) {
	vars := map[string]cty.Value{"e": cty.StringVal("x").Mark(EphemeralMark).Mark("other")}
	v, err := evaluate(t, Options{}, `ephemeralasnull({a = e, b = "y"})`, vars)
	if err != nil {
		t.Fatal(err)
	}
	a := v.GetAttr("a")
	if !a.HasMark("other") || a.HasMark(EphemeralMark) {
		t.Errorf("a has marks %v", a)
	}
	if a, _ = a.Unmark(); !a.RawEquals(cty.NullVal(cty.String)) {
		t.Errorf("a is %#v", a)
	}
	if b := v.GetAttr("b"); !b.RawEquals(cty.StringVal("y")) {
		t.Errorf("b is %#v", b)
	}
}

// What OpenTofu has and Terraform has not, and what differs between machines or runs.
func TestTable_values(t *testing.T) {
	unknown := cty.UnknownVal(cty.String).RefineNotNull()
	tests := map[string]cty.Value{
		`base64gunzip(base64gzip("hällo"))`:                                   cty.StringVal("hällo"),
		`urldecode("a%20b+c%2F")`:                                             cty.StringVal("a b c/"),
		`cidrcontains("192.168.0.0/16", "192.168.1.1")`:                       cty.True,
		`cidrcontains("192.168.2.0/20", "192.168.15.0/24")`:                   cty.True,
		`cidrcontains("192.168.2.0/20", "192.168.16.0/24")`:                   cty.False,
		`cidrcontains("192.168.16.0/24", "192.168.0.0/16")`:                   cty.False,
		`cidrcontains("fd00::/8", "fd12::1")`:                                 cty.True,
		`cidrcontains("10.0.0.0/8", "10.0.0.0/8")`:                            cty.True,
		`templatestring("a $${b} %%{ if c }d%%{ endif }", {b = 1, c = true})`: cty.StringVal("a 1 d"),
		`templatestring("$${b}", {b = 1})`:                                    cty.StringVal("1"),
		`core::upper("a")`:                                                    cty.StringVal("A"),
		`timestamp()`:                                                         unknown,
		`plantimestamp()`:                                                     unknown,
		`uuid()`:                                                              unknown,
		`bcrypt("x", 5)`:                                                      unknown,
		`abspath("x")`:                                                        unknown,
		`abspath("/x/../y")`:                                                  cty.StringVal("/y"),
		`pathexpand("~/.ssh")`:                                                unknown,
		`pathexpand("x/y")`:                                                   cty.StringVal("x/y"),
		`try(regex("a", "b"), try(tonumber("x"), "end"))`:                     cty.StringVal("end"),
	}
	for src, want := range tests {
		t.Run(src, func(t *testing.T) {
			got, err := evaluate(t, Options{}, src, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !got.RawEquals(want) {
				t.Errorf("got %#v, want %#v", got, want)
			}
		})
	}
}

func TestTable_errors(t *testing.T) {
	tests := map[string]string{
		`base64gunzip("aGk=")`:                  "gunzip",
		`urldecode("%zz")`:                      "URL",
		`cidrcontains("10.0.0.0/8", "fd00::1")`: "family",
		`cidrcontains("10.0.0.0/8", "x")`:       "invalid IP address",
		`templatestring("$${b}", {})`:           `vars map does not contain key "b"`,
		`templatestring("x", "y")`:              "must be a map",
		`templatestring("$${upper(null)}", {})`: "must not be null",
		`file("x")`:                             "no files are at hand",
		`rsadecrypt("aGk=", "x")`:               "no key found",
		`try(tonumber("x"), tonumber("y"))`:     "no expression succeeded",
	}
	for src, want := range tests {
		t.Run(src, func(t *testing.T) {
			v, err := evaluate(t, Options{}, src, nil)
			if err == nil {
				t.Fatalf("%#v", v)
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		})
	}
}

func TestFiles_root(t *testing.T) {
	tree := fstest.MapFS{
		"envs/prod/a.txt":      {Data: []byte("prod")},
		"modules/web/b.txt":    {Data: []byte("web")},
		"modules/web/t.tpl":    {Data: []byte("${file(\"a.txt\")}")},
		"envs/prod/pipe":       {Mode: fs.ModeNamedPipe},
		"envs/prod/large.txt":  {Data: make([]byte, 100)},
		"envs/prod/latin1.txt": {Data: []byte{0xe9}},
	}
	var seen, listed []string
	o := Options{
		FS: tree, Root: "envs/prod", ValueBytes: 99,
		Seen:   func(p string) { seen = append(seen, p) },
		Listed: func(p string) { listed = append(listed, p) },
	}
	values := map[string]cty.Value{
		`file("a.txt")`:                               cty.StringVal("prod"),
		`file("../../modules/web/b.txt")`:             cty.StringVal("web"),
		`templatefile("../../modules/web/t.tpl", {})`: cty.StringVal("prod"),
		`fileset("../../modules/web", "*.txt")`:       cty.SetVal([]cty.Value{cty.StringVal("b.txt")}),
		`fileset(".", "../../modules/**/b*")`:         cty.SetVal([]cty.Value{cty.StringVal("../../modules/web/b.txt")}),
		`fileexists("nothing")`:                       cty.False,
	}
	for src, want := range values {
		got, err := evaluate(t, o, src, nil)
		if err != nil {
			t.Errorf("%s: %v", src, err)
		} else if !got.RawEquals(want) {
			t.Errorf("%s: got %#v, want %#v", src, got, want)
		}
	}
	slices.Sort(seen)
	if diff := cmp.Diff([]string{"envs/prod/a.txt", "envs/prod/nothing", "modules/web/b.txt", "modules/web/t.tpl"}, slices.Compact(seen)); diff != "" {
		t.Errorf("seen: %s", diff)
	}
	slices.Sort(listed)
	if diff := cmp.Diff([]string{"modules", "modules/web"}, slices.Compact(listed)); diff != "" {
		t.Errorf("listed: %s", diff)
	}
	for src, want := range map[string]string{
		`file("../../../etc/passwd")`:     `"../../../etc/passwd" is outside of the tree`,
		`file("/etc/passwd")`:             `"/etc/passwd" is outside of the tree`,
		`file("~/.ssh/id_rsa")`:           `"~/.ssh/id_rsa" is outside of the tree`,
		`fileexists("../../..")`:          "is outside of the tree",
		`fileset("/etc", "*")`:            "is outside of the tree",
		`fileset(".", "../../../*")`:      "is outside of the tree",
		`filesha256("/etc/passwd")`:       "is outside of the tree",
		`templatefile("/etc/passwd", {})`: "is outside of the tree",
		`file("pipe")`:                    `"pipe" is not a regular file`,
		`filemd5("pipe")`:                 `"pipe" is not a regular file`,
		`fileexists("pipe")`:              `"pipe" is not a regular file`,
		`file("large.txt")`:               `"large.txt" has more than 99 bytes`,
		`filebase64("large.txt")`:         `"large.txt" has more than 99 bytes`,
		`file("latin1.txt")`:              `"latin1.txt" are not valid UTF-8`,
		`file("nothing")`:                 `no file exists at "nothing"`,
		`file(".")`:                       `"." is a directory`,
	} {
		v, err := evaluate(t, o, src, nil)
		if err == nil {
			t.Errorf("%s: got %#v", src, v)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q does not say %q", src, err, want)
		}
	}
}

func TestFiles_read(t *testing.T) {
	o := Options{Read: func(p string) ([]byte, error) {
		if p != "a.txt" {
			return nil, &fs.PathError{Op: "open", Path: "/home/someone/" + p, Err: fs.ErrNotExist}
		}
		return []byte("hello"), nil
	}}
	for src, want := range map[string]cty.Value{
		`file("a.txt")`:       cty.StringVal("hello"),
		`filebase64("a.txt")`: cty.StringVal("aGVsbG8="),
		`fileexists("a.txt")`: cty.True,
		`fileexists("b.txt")`: cty.False,
	} {
		if got, err := evaluate(t, o, src, nil); err != nil || !got.RawEquals(want) {
			t.Errorf("%s: got %#v, %v", src, got, err)
		}
	}
	if _, err := evaluate(t, o, `file("b.txt")`, nil); err == nil || strings.Contains(err.Error(), "someone") {
		t.Errorf("the error is %v", err)
	}
}

// Links are followed as far as the tree lets them: os.Root does not let them out.
func TestFiles_links(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"tree/sub", "outside"} {
		if err := os.MkdirAll(dir+"/"+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"tree/sub/a.txt", "outside/secret.txt"} {
		if err := os.WriteFile(dir+"/"+f, []byte(f), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"tree/in": "sub", "tree/out": "../outside", "tree/secret.txt": "../outside/secret.txt",
		"tree/sub/round": "..", "tree/sub/about": "..",
	} {
		if err := os.Symlink(to, dir+"/"+link); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir + "/tree")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	o := Options{FS: root.FS(), Elements: 5000}
	if v, err := evaluate(t, o, `file("in/a.txt")`, nil); err != nil || !v.RawEquals(cty.StringVal("tree/sub/a.txt")) {
		t.Errorf("got %#v, %v", v, err)
	}
	for _, src := range []string{`file("out/secret.txt")`, `file("secret.txt")`, `fileexists("out/secret.txt")`} {
		if v, err := evaluate(t, o, src, nil); err == nil {
			t.Errorf("%s: got %#v", src, v)
		}
	}
	if v, err := evaluate(t, o, `fileset(".", "*/*.txt")`, nil); err != nil ||
		!v.RawEquals(cty.SetVal([]cty.Value{cty.StringVal("in/a.txt"), cty.StringVal("sub/a.txt")})) {
		t.Errorf("got %#v, %v", v, err)
	}
	if v, err := evaluate(t, o, `fileset(".", "**")`, nil); err == nil {
		t.Errorf("circles of links ended in %d files", v.LengthInt()) // the count of entries is to end them
	}
}
