package terraform

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// residentMemory returns how many bytes the process holds, 0 where that is not known.
func residentMemory() int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize()
}

// many writes n times what each gives, one behind the other.
func many(n int, each func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(each(i))
	}
	return b.String()
}

// TestBudgets evaluates inputs whose size or work explodes. Each must end within seconds and a bounded memory, and those
// with a kind must say so in one problem of it.
func TestBudgets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	data := func(e string) string { return "resource \"terraform_data\" \"x\" {\n  input = " + e + "\n}\n" }
	locals := func(lines ...string) string {
		return "locals {\n  " + strings.Join(lines, "\n  ") + "\n}\n" + data("local.x")
	}
	for name, c := range map[string]struct {
		files func() map[string]string
		kind  source.ProblemKind
	}{
		"number literals": {func() map[string]string {
			return map[string]string{"a.tf": locals("x = 1e999999999"), "b/b.tf": locals(`x = "${1e50000000}"`), "c/c.tf": locals("x = 1" + repeat("0", 100_000)),
				"d/d.tf.json": `{"locals": {"x": 1e999999999}, "resource": {"terraform_data": {"x": {"input": "${local.x}"}}}}`,
				"e/e.tf":      "variable \"x\" {}\n" + data("\"${var.x}\""), "e/terraform.tfvars": "x = 1e999999999",
				"f/e.tf": "variable \"x\" {}\n" + data("\"${var.x}\""), "f/terraform.tfvars.json": `{"x": 1e999999999}`}
		}, source.Limit},
		"numbers by operators": {func() map[string]string {
			return map[string]string{"a.tf": locals("a = 1e4096", "x = \"${"+repeat("local.a*", 900)+"1}\"")}
		}, source.Invalid},
		"numbers by squares": {func() map[string]string {
			return map[string]string{"a.tf": "locals {\n a0 = 10\n" + many(60, func(i int) string { return fmt.Sprintf("a%d = local.a%d * local.a%d\n", i+1, i, i) }) + "}\n" + data("\"${local.a60}\"")}
		}, source.Invalid},
		"numbers of text": {func() map[string]string {
			return map[string]string{"a.tf": "variable \"n\" {\n  type = number\n  default = \"1e999999999\"\n}\n" +
				locals(`a = tonumber("1e99999999")`, `b = "1e99999999" * 1`, `c = -"1e99999999"`, `d = [1]["1e99999999"]`, `e = abs("1e99999999")`,
					`f = jsondecode("1e99999999")`, `g = yamldecode("1e99999999")`, `h = pow(10, 99999999)`, `i = parseint("`+repeat("9", 50_000)+`", 10)`,
					`j = templatestring("$`+`${upper(1e99999999)}", {})`, `k = [1].1e99999999`,
					`x = [try("${local.a}", 0), try("${local.b}", 0), try("${local.c}", 0), try("${local.d}", 0), try("${local.e}", 0), try("${local.f}", 0), try("${local.g}", 0), try("${local.h}", 0), try("${local.i}", 0), "${var.n}"]`) +
				"resource \"aws_ebs_volume\" \"v\" {\n  size = \"1e999999999\"\n  availability_zone = aws_ebs_volume.w.size\n}\nresource \"aws_ebs_volume\" \"w\" {\n  size = \"1e999999999\"\n  availability_zone = \"a\"\n}\n"}
		}, ""},
		"digits of four megabytes": {func() map[string]string {
			digits := repeat("9", 4_000_000)
			return map[string]string{"a.tf": "variable \"n\" {\n  type = list(number)\n  default = [\"" + digits + "\"]\n}\n" + locals(`a = "`+digits+`"`, `b = local.a * 1`, `c = [1][local.a]`, `d = max(local.a, 1)`, `x = [local.b, local.c, local.d, var.n]`)}
		}, source.Invalid},
		"loops in loops of text": {func() map[string]string {
			return map[string]string{"a.tf": locals(`x = [for i in range(1000): [for j in range(1000): [for k in range(1000): "%{for l in range(1000)}x%{endfor}"]]]`)}
		}, source.Limit},
		"loops with large bodies": {func() map[string]string {
			return map[string]string{"a.tf": locals(`x = [for i in range(1000): [for j in range(1000): [` + repeat("1,", 1000) + `]]]`)}
		}, source.Limit},
		"loops that search": {func() map[string]string {
			return map[string]string{"a.tf": locals(`a = [for i in range(1000): [for j in range(90): "k${i}-${j}"]]`, `b = flatten(local.a)`, `x = [for i in range(1000): [for j in range(1000): contains(local.b, "no")]]`)}
		}, source.Limit},
		"many large locals": {func() map[string]string {
			return map[string]string{"a.tf": "locals {\n" + many(500, func(i int) string { return fmt.Sprintf("l%d = [for i in range(150): range(1000)]\n", i) }) + "}\n" +
				data("["+many(500, func(i int) string { return fmt.Sprintf("local.l%d, ", i) })+"]")}
		}, source.Limit},
		"much text": {func() map[string]string {
			return map[string]string{"a.tf": "locals {\n s = \"" + repeat("x", 3_000_000) + "\"\n" + many(1000, func(i int) string { return fmt.Sprintf("l%d = \"${local.s}%d\"\n", i, i) }) + "}\n" +
				many(1000, func(i int) string { return fmt.Sprintf("output \"o%d\" {\n  value = local.l%d\n}\n", i, i) })}
		}, source.Limit},
		"count and each too large": {func() map[string]string {
			return map[string]string{"a.tf": "resource \"terraform_data\" \"x\" {\n  count = 1000000\n}\nresource \"terraform_data\" \"y\" {\n  for_each = toset(flatten([for i in range(100): [for j in range(999): \"k${i}-${j}\"]]))\n  input = terraform_data.y\n}\n"}
		}, source.Limit},
		"all instances of themselves": {func() map[string]string {
			return map[string]string{"a.tf": "resource \"terraform_data\" \"y\" {\n  for_each = toset([for i in range(1000): \"k${i}\"])\n  input = terraform_data.y\n}\nresource \"aws_instance\" \"z\" {\n  count = 1000\n  tags = { for k, v in aws_instance.z : k => v.id }\n}\n"}
		}, ""},
		"all instances of others": {func() map[string]string {
			return map[string]string{"a.tf": "resource \"aws_instance\" \"y\" {\n  count = 2000\n}\nresource \"aws_instance\" \"z\" {\n  count = 2000\n  user_data = jsonencode(aws_instance.y)\n}\n"}
		}, source.Limit},
		"instances times modules": {func() map[string]string {
			files := map[string]string{"m5/a.tf": data("1")}
			for i := range 5 {
				files[fmt.Sprintf("m%d/a.tf", i)] = fmt.Sprintf("module \"m\" {\n  source = \"../m%d\"\n  count = 2000\n}\n", i+1)
			}
			return files
		}, source.Limit},
		"many resources": {func() map[string]string {
			return map[string]string{"a.tf": many(80_000, func(i int) string { return fmt.Sprintf("resource \"terraform_data\" \"r%d\" {\n  input = 1\n}\n", i) })}
		}, source.Limit},
		"many resources of a type": {func() map[string]string {
			return map[string]string{"a.tf": many(30_000, func(i int) string {
				return fmt.Sprintf("resource \"aws_instance\" \"r%d\" {\n  ami = \"x\"\n  subnet_id = \"y\"\n}\n", i)
			})}
		}, ""},
		"chain of locals": {func() map[string]string {
			return map[string]string{"a.tf": "locals {\n  a0 = 1\n" + many(100_000, func(i int) string { return fmt.Sprintf("  a%d = local.a%d\n", i+1, i) }) + "}\n" + data("local.a100000")}
		}, source.Limit},
		"chain of modules and outputs": {func() map[string]string {
			return map[string]string{"a.tf": many(5000, func(i int) string {
				return fmt.Sprintf("module \"m%d\" {\n  source = \"./m\"\n  x = module.m%d.x\n}\n", i+1, i)
			}), "m/m.tf": "variable \"x\" {}\noutput \"x\" {\n  value = var.x\n}\n"}
		}, source.Limit},
		"many calls of a module": {func() map[string]string {
			return map[string]string{"a.tf": many(50_000, func(i int) string { return fmt.Sprintf("module \"m%d\" {\n  source = \"./m\"\n}\n", i) }), "m/m.tf": data("1")}
		}, source.Limit},
		"many variables": {func() map[string]string {
			return map[string]string{"a.tf": many(20_000, func(i int) string { return fmt.Sprintf("variable \"v%d\" {\n  type = string\n}\n", i) })}
		}, ""},
		"one long line": {func() map[string]string {
			return map[string]string{"a.tf": "locals { x = [" + repeat("\"aaaaaaaaaaaaaaaaaaaaaaaa\",", 260_000) + "] }\n"}
		}, ""},
		"one long line of signs": {func() map[string]string {
			return map[string]string{"a.tf": "locals { x = [" + repeat("1,", 3_500_000) + "] }\n"}
		}, source.Limit},
		"junk": {func() map[string]string {
			return map[string]string{"a.tf": repeat("`'^;", 1_500_000)}
		}, source.Limit},
		"large dynamic block": {func() map[string]string {
			return map[string]string{"a.tf": "resource \"aws_security_group\" \"x\" {\n  dynamic \"ingress\" {\n    for_each = flatten([for i in range(80): range(999)])\n    content {\n      from_port = ingress.value\n    }\n  }\n}\n"}
		}, source.Limit},
		"dynamic blocks in dynamic blocks": {func() map[string]string {
			return map[string]string{"a.tf": "resource \"aws_security_group\" \"x\" {\n" + repeat("dynamic \"ingress\" {\n for_each = range(1000)\n content {\n", 6) + repeat("}\n}\n", 6) + "}\n"}
		}, source.Limit},
		"regex": {func() map[string]string {
			return map[string]string{"a.tf": locals(`s = "`+repeat("a", 4_000_000)+`"`, `x = [for i in range(1000): regexall("(a|aa)+$", local.s)]`)}
		}, ""},
		"regexes on little": {func() map[string]string {
			return map[string]string{"a.tf": locals(`p = "(${join("|", [for i in range(900): "a{1,9}${i}"])})"`, `x = [for i in range(1000): [for j in range(1000): regexall(local.p, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]]`)}
		}, source.Limit},
		"trim": {func() map[string]string {
			return map[string]string{"a.tf": locals(`s = "`+repeat("ä", 1_500_000)+`"`, `x = trim(local.s, "${local.s}ö")`)}
		}, source.Invalid},
		"gzip": {func() map[string]string {
			return map[string]string{"a.tf": locals(`s = "`+repeat("abcdefgh", 400_000)+`"`, `x = [for i in range(1000): sha256(base64gzip(local.s))]`)}
		}, source.Limit},
		"template in itself": {func() map[string]string {
			return map[string]string{"a.tf": locals(`x = templatefile("t.tpl", {})`), "t.tpl": many(10, func(int) string { return `${templatefile("t.tpl", {})}` })}
		}, source.Unresolved},
		"depth times depth": {func() map[string]string {
			deep := repeat("[", 240) + repeat("]", 240)
			return map[string]string{"a.tf": "locals {\n  a0 = jsondecode(\"" + deep + "\")\n" + many(300, func(i int) string {
				return fmt.Sprintf("  a%d = %slocal.a%d%s\n", i+1, repeat("[", 240), i, repeat("]", 240))
			}) + "}\n" + data("local.a300")}
		}, source.Limit},
		"merges": {func() map[string]string {
			return map[string]string{"a.tf": "locals {\n  m0 = {for i in range(1000): \"k${i}\" => i}\n" + many(2000, func(i int) string {
				return fmt.Sprintf("  m%d = merge(local.m0, {for k, v in local.m0: \"%d-${k}\" => flatten([v, [v]])})\n", i+1, i)
			}) + "}\n" + many(2000, func(i int) string {
				return fmt.Sprintf("output \"o%d\" {\n  value = local.m%d\n}\n", i, i+1)
			})}
		}, source.Limit},
		"operators": {func() map[string]string {
			return map[string]string{"a.tf": locals("x = "+repeat("(1+", 249)+"1"+repeat(")", 249), "y = "+repeat("("+repeat("1+", 500), 240)+"1"+repeat(")", 240))}
		}, source.Limit},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for file, text := range c.files() {
				tree[file] = &fstest.MapFile{Data: []byte(text)}
			}
			paths := claimed(t, tree)
			before, most := residentMemory(), 0
			var problems []source.Problem
			finished := make(chan bool)
			start := time.Now()
			go func() {
				defer close(finished)
				estate, met := New(schema.Load()).Open(context.Background(), treeWorkspace(tree), paths)
				problems = append(problems, met...)
				for _, n := range estate.Units() {
					problems = append(problems, estate.Evaluate(context.Background(), n).Problems...)
				}
			}()
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for running := true; running; {
				select {
				case <-finished:
					running = false
				case <-tick.C:
					most = max(most, residentMemory()-before)
					if time.Since(start) > 180*time.Second { // five on a machine of its own; CI shares its cores
						t.Fatalf("not finished after %s", time.Since(start))
					}
				}
			}
			t.Logf("%s, %d MB", time.Since(start).Round(time.Millisecond), most>>20)
			if most > 700<<20 {
				t.Errorf("it took %d MB", most>>20)
			}
			kinds := map[source.ProblemKind]int{}
			for _, p := range problems {
				if kinds[p.Kind]++; p.Kind == source.Bug || kinds[p.Kind] < 4 {
					t.Logf("%s %s:%d %.160s", p.Kind, p.Range.File, p.Range.Start, p.Message)
				}
			}
			if kinds[source.Bug] > 0 || c.kind != "" && kinds[c.kind] == 0 {
				t.Errorf("problems %v, want one of kind %q", kinds, c.kind)
			}
			if n := kinds[source.Limit]; n > 400 {
				t.Errorf("%d problems about limits", n)
			}
		})
	}
}
