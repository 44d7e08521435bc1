package function

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"plumbline.dev/plumbline/internal/golden"
)

// The oracle is Terraform itself: testdata/answers.json holds what it says to each line of testdata/expressions.txt, as the
// value of an output in a plan of testdata/module. With a terraform or tofu binary at hand it is asked again.

// answer is what an expression comes to. An unknown at any depth is {"unknown": true}.
type answer struct {
	Type  any  `json:"type,omitempty"` // as in Terraform's JSON; only of values that are wholly known
	Value any  `json:"value"`
	Error bool `json:"error,omitempty"`
}

func expressions(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/expressions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if seen[line] {
			t.Errorf("%s stands there twice", line)
		}
		seen[line] = true
		out = append(out, line)
	}
	return out
}

func recorded(t *testing.T) map[string]answer {
	t.Helper()
	b, err := os.ReadFile("testdata/answers.json")
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]answer{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// This one comes first, so that with -update the other one sees the new answers.
func TestTable_binary(t *testing.T) {
	if testing.Short() {
		t.Skip("asks the binary for every answer")
	}
	binary := ""
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			binary = path
			break
		}
	}
	if binary == "" {
		t.Skip("neither terraform nor tofu is on the PATH")
	}
	list := expressions(t)
	answers := askBinary(t, binary, list)
	if version, err := exec.Command(binary, "version").Output(); err != nil || !strings.HasPrefix(string(version), "Terraform v1.11.") {
		// Versions differ, in ways that are theirs to decide: they are worth a look, not a failure.
		t.Logf("answers that differ from those of Terraform 1.11:\n%s", cmp.Diff(recorded(t), answers))
		return
	}
	var b bytes.Buffer
	b.WriteString("{\n")
	for i, expr := range list {
		fmt.Fprintf(&b, "%s: %s", marshal(t, expr), marshal(t, answers[expr]))
		if i < len(list)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	golden.Equal(t, "testdata/answers.json", b.Bytes())
}

// differences are the expressions that are answered otherwise on purpose, with the reason.
var differences = map[string]string{
	`format("%v %v %v", true, null, [1, "a"])`:        newer,
	`format("%s", null)`:                              newer,
	`formatlist("%s", null)`:                          newer,
	`formatlist("%v-%s", null, ["a"])`:                newer,
	`contains([null], null)`:                          newer,
	`contains(["a", null], null)`:                     newer,
	`contains(["a"], tostring(null))`:                 newer,
	`contains(["a", tostring(null)], tostring(null))`: newer,
	`contains(tolist(["a", null]), null)`:             newer,
	`element(["a", "b", "c"], -1)`:                    newer,
	`tonumber("-0")`:                                  newer,
	`cidrhost("::ffff:10.0.0.0/120", 1)`:              mapped,
	`cidrsubnet("::ffff:10.0.0.0/104", 8, 3)`:         mapped,
	`cidrsubnet("10.0.0.0/8", 8, -1)`:                 negative,
	`cidrsubnet("10.0.0.0/8", -1, 0)`:                 negative,
	`cidrsubnet("11.0.0.0/8", -1, 0)`:                 negative,
	`cidrsubnet("11.0.0.0/8", -1, 1)`:                 negative,
	`cidrsubnet("10.0.0.0/8", -9, 0)`:                 negative,
	`cidrsubnet("10.0.0.0/8", -8, 0)`:                 negative,
	`cidrsubnet("fd00::/8", 8, -1)`:                   negative,
	`fileset(".", "{d,t}*/{b,sub/e}.txt")`:            malformed,
	`fileset(".", "nothing/{")`:                       malformed,
	`fileset(".", "*.{txt")`:                          malformed,
	`fileset(".", "dir/{b,{c,d}}.*")`:                 "braces within braces work",
	`fileset("dir*", "b.txt")`:                        "the directory is taken literally",
}

const (
	newer     = "newer versions of Terraform, with newer libraries, answer as we do"
	mapped    = "Terraform takes IPv4 in IPv6 for IPv4 halfway, and what comes out is not in the network"
	negative  = "Terraform answers with a network outside of the given one"
	malformed = "a malformed pattern is an error, whether or not a name is compared with it"
)

func TestTable_recordedAnswers(t *testing.T) {
	want := recorded(t)
	list := expressions(t)
	if len(want) != len(list) {
		t.Errorf("%d answers for %d expressions: run with -update", len(want), len(list))
	}
	ctx := moduleContext(t)
	for _, expr := range list {
		t.Run(expr, func(t *testing.T) {
			w, ok := want[expr]
			if !ok {
				t.Fatal("no recorded answer: run with -update")
			}
			got := ask(t, ctx, expr)
			same := cmp.Equal(w, got)
			if why, ok := differences[expr]; ok {
				if same {
					t.Errorf("answered as Terraform does, although it should not be: %s", why)
				}
				return
			}
			if !same {
				t.Error(cmp.Diff(w, got))
			}
		})
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// infinity finds the outputs of which Terraform says that they are infinite. It can compute with them but put them nowhere,
// which is as good as an error.
var infinity = regexp.MustCompile(`output value "e(\d+)": cannot serialize infinity`)

// askBinary plans a module with an output for each expression, leaving out those that the plan before called an error,
// until there is none.
func askBinary(t *testing.T, binary string, list []string) map[string]answer {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/module")); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) ([]byte, error) {
		cmd := exec.Command(binary, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
		return cmd.Output()
	}
	if out, err := run("init", "-input=false"); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	plan := filepath.Join(t.TempDir(), "plan") // elsewhere, so that no fileset() sees it
	const lines = 4                            // of an output
	main, err := os.ReadFile("testdata/module/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	declared := string(main)
	first := 1 + strings.Count(declared, "\n") // line of the first output
	answers := map[string]answer{}
	left := list
	for {
		var b strings.Builder
		for i, expr := range left {
			fmt.Fprintf(&b, "output \"e%d\" {\n  value = [%s]\n  sensitive = true\n}\n", i, expr)
		}
		// They follow what the module declares: a file of their own would be found by fileset().
		if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(declared+b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		out, planErr := run("plan", "-input=false", "-refresh=false", "-lock=false", "-json", "-out="+plan)
		bad := map[int]bool{}
		for line := range bytes.Lines(out) {
			var m struct {
				Diagnostic struct {
					Severity string
					Summary  string
					Detail   string
					Range    struct {
						Filename string
						Start    struct{ Line int }
					}
				}
			}
			if json.Unmarshal(line, &m) == nil && m.Diagnostic.Severity == "error" {
				if infinite := infinity.FindAllStringSubmatch(m.Diagnostic.Detail, -1); infinite != nil {
					for _, name := range infinite {
						i, _ := strconv.Atoi(name[1])
						bad[i] = true
					}
					continue
				}
				if m.Diagnostic.Range.Filename != "main.tf" || m.Diagnostic.Range.Start.Line < first {
					t.Fatalf("plan: %s", line)
				}
				bad[(m.Diagnostic.Range.Start.Line-first)/lines] = true
			}
		}
		if planErr == nil {
			break
		}
		if len(bad) == 0 {
			t.Fatalf("plan: %v\n%s", planErr, out)
		}
		var good []string
		for i, expr := range left {
			if bad[i] {
				answers[expr] = answer{Error: true}
			} else {
				good = append(good, expr)
			}
		}
		left = good
	}
	out, err := run("show", "-json", plan)
	if err != nil {
		t.Fatalf("show: %v\n%s", err, out)
	}
	var shown struct {
		PlannedValues struct {
			Outputs map[string]struct {
				Type []any
			}
		} `json:"planned_values"`
		OutputChanges map[string]struct {
			After        []any
			AfterUnknown any `json:"after_unknown"`
		} `json:"output_changes"`
	}
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	if err := d.Decode(&shown); err != nil {
		t.Fatal(err)
	}
	for i, expr := range left {
		name := fmt.Sprintf("e%d", i)
		change, ok := shown.OutputChanges[name]
		if !ok {
			t.Fatalf("no answer to %s", expr)
		}
		var after any
		if change.After != nil {
			after = change.After
		}
		value, known := withUnknown(after, change.AfterUnknown)
		a := answer{Value: value.([]any)[0]}
		if typ := shown.PlannedValues.Outputs[name].Type; known && len(typ) == 2 {
			a.Type = typ[1].([]any)[0]
		}
		answers[expr] = a
	}
	return answers
}

// withUnknown puts {"unknown": true} where unknown says so, and reports whether it nowhere did.
func withUnknown(after, unknown any) (any, bool) {
	switch u := unknown.(type) {
	case bool:
		if u {
			return map[string]any{"unknown": true}, false
		}
	case []any:
		list, _ := after.([]any)
		known := true
		for i := range u {
			if i >= len(list) {
				list = append(list, nil)
			}
			v, k := withUnknown(list[i], u[i])
			list[i], known = v, known && k
		}
		return list, known
	case map[string]any:
		object, _ := after.(map[string]any)
		if object == nil {
			object = map[string]any{}
		}
		known := true
		for key := range u {
			v, k := withUnknown(object[key], u[key])
			object[key], known = v, known && k
		}
		return object, known
	}
	return after, true
}

// moduleContext is the scope of testdata/module, its locals evaluated in the order they are written.
func moduleContext(t *testing.T) *hcl.EvalContext {
	t.Helper()
	unknown := cty.UnknownVal(cty.String).RefineNotNull()
	ctx := &hcl.EvalContext{
		Functions: Table(Options{FS: os.DirFS("testdata/module")}),
		Variables: map[string]cty.Value{
			"terraform_data": cty.ObjectVal(map[string]cty.Value{"u": cty.ObjectVal(map[string]cty.Value{"id": unknown})}),
			"path":           cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal("."), "root": cty.StringVal(".")}),
		},
	}
	src, err := os.ReadFile("testdata/module/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	f, diags := hclsyntax.ParseConfig(src, "main.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	locals := map[string]cty.Value{}
	for _, block := range f.Body.(*hclsyntax.Body).Blocks {
		if block.Type != "locals" {
			continue
		}
		attrs := make([]*hclsyntax.Attribute, 0, len(block.Body.Attributes))
		for _, a := range block.Body.Attributes {
			attrs = append(attrs, a)
		}
		for range attrs { // as often as there are any, whatever the order
			for _, a := range attrs {
				ctx.Variables["local"] = cty.ObjectVal(locals)
				if v, diags := a.Expr.Value(ctx); !diags.HasErrors() {
					locals[a.Name] = v
				}
			}
		}
		if len(locals) != len(attrs) {
			t.Fatalf("%d of %d locals could be evaluated", len(locals), len(attrs))
		}
		ctx.Variables["local"] = cty.ObjectVal(locals)
	}
	return ctx
}

func ask(t *testing.T, ctx *hcl.EvalContext, src string) answer {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(src), "expression", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	v, diags := expr.Value(ctx)
	if diags.HasErrors() {
		return answer{Error: true}
	}
	v, _ = v.UnmarkDeep()
	if hasInfinity(v) {
		return answer{Error: true} // see infinity
	}
	a := answer{Value: plain(t, v)}
	if v.IsWhollyKnown() {
		b, err := ctyjson.MarshalType(v.Type())
		if err != nil {
			t.Fatal(err)
		}
		a.Type = decode(t, b)
	}
	return a
}

// plain turns a value into what encoding/json makes of its JSON.
func plain(t *testing.T, v cty.Value) any {
	t.Helper()
	switch typ := v.Type(); {
	case !v.IsKnown():
		return map[string]any{"unknown": true}
	case v.IsNull():
		return nil
	case typ.IsObjectType() || typ.IsMapType():
		out := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			key, e := it.Element()
			out[key.AsString()] = plain(t, e)
		}
		return out
	case typ.IsTupleType() || typ.IsListType() || typ.IsSetType():
		out := []any{}
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			out = append(out, plain(t, e))
		}
		return out
	}
	b, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, b)
}

func hasInfinity(v cty.Value) bool {
	found := false
	_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		found = found || v.Type() == cty.Number && v.IsKnown() && !v.IsNull() && v.AsBigFloat().IsInf()
		return true, nil
	})
	return found
}

func decode(t *testing.T, b []byte) any {
	t.Helper()
	var out any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
