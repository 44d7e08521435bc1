package github

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
)

// open evaluates a tree of workflows.
func open(t testing.TB, files map[string]string) (units []*dialect.Unit, problems []source.Problem) {
	t.Helper()
	tree := fstest.MapFS{}
	d := New(nil)
	var claimed []string
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		if d.Claims(name, func() []byte { return []byte(text) }) {
			claimed = append(claimed, name)
		}
	}
	reader := &source.Reader{FS: fs.FS(tree)}
	e, problems := d.Open(context.Background(), &dialect.Workspace{FS: tree, Read: reader.Read}, claimed)
	for _, name := range e.Units() {
		u := e.Evaluate(context.Background(), name)
		units = append(units, u)
		problems = append(problems, u.Problems...)
	}
	return units, problems
}

func workflowWith(step string) string {
	return "on: issues\npermissions: {}\njobs:\n  a:\n    runs-on: x\n    steps:\n      - id: s\n" + step
}

// TestHostile holds that input which nobody writes by accident ends in at most one problem, soon, and that the rest is judged.
func TestHostile(t *testing.T) {
	deep := func(open, inner, shut string) string {
		return workflowWith("        run: echo ${{ " + strings.Repeat(open, 10_000) + inner + strings.Repeat(shut, 10_000) + " }}\n        env: {A: \"${{ " + strings.Repeat(open, 10_000) + inner + strings.Repeat(shut, 10_000) + " }}\"}\n")
	}
	var chain, fan strings.Builder
	for i := range 1_000 {
		fmt.Fprintf(&chain, "      - id: s%d\n        env: {V: \"${{ steps.s%d.outputs.v }}\"}\n        run: echo \"v=$V\" >> \"$GITHUB_OUTPUT\"\n", i, i+1)
		fmt.Fprintf(&fan, "  j%d:\n    needs: [j%d]\n    runs-on: x\n    outputs: {v: \"${{ needs.j%d.outputs.v }}${{ needs.j%d.outputs.v }}\"}\n    steps: [{run: \"echo ${{ needs.j%d.outputs.v }}\"}]\n", i, (i+1)%1000, (i+1)%1000, (i+2)%1000, (i+1)%1000)
	}
	for _, test := range []struct {
		name, text string
		problems   int
		resources  int // at least
	}{
		{"brackets", deep("(", "1", ")"), 1, 3},
		{"calls", deep("format('{0}', ", "1", ")"), 1, 3},
		{"indexes", deep("github[", "'a'", "]"), 1, 3},
		{"not", workflowWith("        run: echo ${{ " + strings.Repeat("!", 20_000) + "true }}\n"), 0, 3},
		{"operators", workflowWith("        run: echo ${{ " + strings.Repeat("a && ", 4_000) + "true }}\n"), 0, 3},
		{"a long expression", workflowWith("        run: echo ${{ '" + strings.Repeat("a", 100_000) + "' }}\n"), 1, 3},
		{"no end", workflowWith("        run: echo " + strings.Repeat("${{ ", 20_000) + "\n"), 0, 3},
		{"many", workflowWith("        run: echo " + strings.Repeat("${{ github.event.issue.title }} ", 20_000) + "\n"), 0, 3},
		{"here-documents", workflowWith("        run: |\n" + strings.Repeat("          cat <<E${{ github.event.issue.title }}\n", 2_000)), 0, 3},
		{"outputs of outputs", workflowWith("        run: make\n") + chain.String(), 0, 2_000},
		{"jobs in a circle", "on: push\npermissions: {}\njobs:\n" + fan.String(), 0, 2_000},
		{"on is a boolean", "true: push\njobs: {a: {runs-on: x, steps: [{run: make}]}}\n", 0, 3},
		{"a list", "- on: push\n- jobs: {}\n", 0, 0},
		{"other kinds", "on: {push: [1, {}], 3: 4}\npermissions: [a]\nenv: text\njobs: {a: {runs-on: {group: [], labels: 4}, strategy: 3, container: [], services: 4, needs: {}, steps: {a: b}, secrets: 3, env: [], if: {}, permissions: 7}, b: [], c: {steps: [4, [], {run: [], with: 3, env: [], uses: {}, if: []}]}}\n", 0, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			units, problems := open(t, map[string]string{".github/workflows/a.yml": test.text})
			if took := time.Since(start); took > 5*time.Second && !testing.Short() { // with the race detector it means nothing
				t.Errorf("it takes %s", took)
			}
			if len(problems) != test.problems {
				t.Errorf("there are %d problems, want %d: %.300v", len(problems), test.problems, problems)
			}
			n := 0
			for _, u := range units {
				n += len(u.Graph.Resources)
			}
			if n < test.resources {
				t.Errorf("there are %d resources, want %d", n, test.resources)
			}
		})
	}
}

// TestCircle holds that workflows and actions which call each other end.
func TestCircle(t *testing.T) {
	call := func(to string) string {
		return "on: [push, workflow_call]\npermissions: {}\njobs:\n  a:\n    uses: ./.github/workflows/" + to + "\n    with: {x: \"${{ inputs.x }}\"}\n"
	}
	units, problems := open(t, map[string]string{
		".github/workflows/a.yml":      call("b.yml"),
		".github/workflows/b.yml":      call("a.yml"),
		".github/actions/a/action.yml": "name: a\ndescription: a\ninputs: {x: {}}\nruns:\n  using: composite\n  steps:\n    - uses: ./.github/actions/a\n      with: {x: \"${{ inputs.x }}\"}\n    - run: echo ${{ inputs.x }}\n      shell: bash\n",
		".github/workflows/c.yml":      "on: push\njobs: {a: {uses: ../../../../etc/passwd}}\n",
	})
	if len(problems) > 0 || len(units) != 4 {
		t.Errorf("%d units, problems %v", len(units), problems)
	}
}

// find returns a resource of the only unit.
func find(t *testing.T, units []*dialect.Unit, address string) *resource.Resource {
	t.Helper()
	for _, u := range units {
		if r := u.Graph.ByAddress(address); r != nil {
			return r
		}
	}
	t.Fatalf("there is no %s", address)
	return nil
}

// TestOrigin holds who decides on the text of expressions, event by event.
func TestOrigin(t *testing.T) {
	for _, test := range []struct{ on, expression, want string }{
		{"issues", "github.event.issue.title", "outsider"},
		{"issues", "GitHub.Event['issue'].TITLE", "outsider"},
		{"issues", "github['event']['issue']['body']", "outsider"},
		{"issues", "format('{0}', github.event.issue.title)", "outsider"},
		{"issues", "toJSON(github.event)", "outsider"},
		{"issues", "toJSON(github)", "outsider"},
		{"issues", "github.event.issue.title || 'x'", "outsider"},
		{"issues", "github.event.issue.title && 'x' || 'y'", "safe"},
		{"issues", "github.event.issue.title == 'x'", "safe"},
		{"issues", "contains(github.event.issue.title, 'x')", "safe"},
		{"issues", "!github.event.issue.title", "safe"},
		{"issues", "github.event.issue.number", "safe"},
		{"issues", "github.event.issue.user.login", "safe"},
		{"issues", "github.event.issue.labels.*.name", "run"},
		{"push", "github.event.issue.title", "safe"},
		{"push", "github.head_ref", "safe"},
		{"pull_request", "github.head_ref", "outsider"},
		{"pull_request", "github.event.pull_request.head.sha", "safe"},
		{"pull_request", "github.event.pull_request.head.repo.full_name", "safe"},
		{"push", "github.event.commits.*.message", "outsider"},
		{"push", "github.event.commits[0].author.name", "outsider"},
		{"push", "join(github.event.commits.*.message, ',')", "outsider"},
		{"push", "github.event.head_commit.id", "safe"},
		{"push", "github.sha", "safe"},
		{"push", "github.ref_name", "run"},
		{"push", "secrets.X", "secret"},
		{"push", "github.token", "secret"},
		{"push", "vars.X", "run"},
		{"push", "runner.os", "safe"},
		{"push", "hashFiles('**/go.sum')", "safe"},
		{"push", "steps.s.outcome", "safe"},
		{"push", "steps.other.outputs.x", "run"},
		{"push", "fromJSON(secrets.X).y", "secret"},
		{"workflow_run", "github.event.workflow_run.head_branch", "outsider"},
		{"workflow_run", "github.event.workflow_run.id", "safe"},
		{"repository_dispatch", "github.event.client_payload.x", "input"},
		{"workflow_dispatch", "github.event.inputs.x", "input"},
		{"{workflow_dispatch: {inputs: {x: {type: boolean}}}}", "inputs.x", "safe"},
		{"{workflow_dispatch: {inputs: {x: {type: string}}}}", "inputs.x", "input"},
		{"[discussion_comment]", "github.event.comment.body", "outsider"},
		{"gollum", "github.event.pages[0].page_name", "outsider"},
	} {
		units, problems := open(t, map[string]string{".github/workflows/a.yml": strings.Replace(workflowWith("        run: |\n          echo ${{ "+test.expression+" }}\n"), "on: issues", "on: "+test.on, 1)})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		got := find(t, units, "jobs.a.s").Body.Field("expressions").Items
		if len(got) != 1 || got[0].Field("origin").Text != test.want {
			t.Errorf("on %s, %s is of %v, want %s", test.on, test.expression, got[0].Field("origin").Text, test.want)
		}
	}
}
