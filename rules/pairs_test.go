package rules_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/docker/compose"
	"plumbline.dev/plumbline/dialects/docker/dockerfile"
	"plumbline.dev/plumbline/dialects/kubernetes"
	"plumbline.dev/plumbline/dialects/pipelines/github"
	"plumbline.dev/plumbline/dialects/pipelines/gitlab"
	"plumbline.dev/plumbline/finding"
	"plumbline.dev/plumbline/rule"
	"plumbline.dev/plumbline/rules"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
)

// Pairs are the measure of precision: a hardened estate gives nothing at all, and each weakening of it, one at a time, gives
// the finding that it should and no other. What should be comes from the documentation that the weakening names, and was
// written down before anybody saw what the program says. testdata/pairs/README.md has the form of the tables.

// weakening is a row of a table: what is changed in the hardened estate, and what is to be found then.
type weakening struct {
	line   int
	source string // the documentation that says so
	kinds  string // the kinds of workload that it is tried on: all of them, "-Job" for all but Job, or those named
	change string
	wants  []want // none where the change weakens nothing

	unmended string // why a fix is not offered here although the rule has one; "" when it must be
}

// want is a finding that is to be there.
type want struct{ rule, where, path string }

// bench is what all pairs share: the catalogue is compiled once.
type bench struct {
	catalogue *rule.Catalogue
	dialects  []dialect.Dialect
}

func newBench(t *testing.T) *bench {
	t.Helper()
	set := schema.Load()
	catalogue, err := rule.Load(set, rules.Pages())
	if err != nil {
		t.Fatal(err)
	}
	return &bench{catalogue, []dialect.Dialect{compose.New(set), kubernetes.New(set), dockerfile.New(set), github.New(set), gitlab.New(set)}}
}

// weakenings reads a table of testdata/pairs.
func weakenings(t *testing.T, name string) []weakening {
	t.Helper()
	text, err := os.ReadFile("testdata/pairs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []weakening
	seen := make(map[string]int)
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "\x00"), "|")
		if len(cells) < 3 || len(cells) > 7 {
			t.Fatalf("%s:%d has %d columns", name, i+1, len(cells))
		}
		for j := range 7 {
			if j < len(cells) {
				cells[j] = strings.ReplaceAll(strings.TrimSpace(cells[j]), "\x00", "|")
			} else {
				cells = append(cells, "")
			}
		}
		if (cells[3] == "") != (cells[4] == "") {
			t.Fatalf("%s:%d has a rule without a place, or a place without a rule", name, i+1)
		}
		var wants []want
		if cells[3] != "" {
			for _, where := range strings.Split(cells[4], ", ") {
				wants = append(wants, want{cells[3], where, cells[5]})
			}
		}
		if cells[0] == `"` {
			out[len(out)-1].wants = append(out[len(out)-1].wants, wants...)
			continue
		}
		w := weakening{line: i + 1, source: cells[0], kinds: cells[1], change: cells[2], wants: wants, unmended: cells[6]}
		if before := seen[w.kinds+w.change]; before > 0 {
			t.Errorf("%s:%d is line %d again", name, w.line, before)
		}
		seen[w.kinds+w.change] = w.line
		out = append(out, w)
	}
	return out
}

// of reports whether the weakening is tried on a kind of workload.
func (w weakening) of(kind string) bool {
	words := strings.Fields(w.kinds)
	if slices.Contains(words, "-"+kind) {
		return false
	}
	return !slices.ContainsFunc(words, func(word string) bool { return word[0] != '-' }) || slices.Contains(words, kind)
}

// verdicts is all that a scan says, a line each: what there is to find and what could not be judged.
func (b *bench) verdicts(t *testing.T, files map[string]string) []string {
	t.Helper()
	result, err := scan.Run(t.Context(), b.options(files))
	if err != nil {
		t.Fatal(err)
	}
	return said(result.Report)
}

func (b *bench) options(files map[string]string) scan.Options {
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return scan.Options{FS: tree, Dialects: b.dialects, Rules: b.catalogue, Jobs: 1}
}

func said(r *finding.Report) []string {
	out := []string{}
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s on %s at %s", f.Rule, f.Resource.Address, f.Path))
	}
	for _, f := range r.Undecided {
		out = append(out, fmt.Sprintf("undecided: %s on %s at %s", f.Rule, f.Resource.Address, f.Path))
	}
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("problem: %s:%d: %s", p.Location.File, p.Location.From.Line, p.Message))
	}
	slices.Sort(out)
	return out
}

// try judges a weakened estate, and when asked to mends it again if the rule says how.
func (b *bench) try(t *testing.T, w weakening, files map[string]string, address func(string) string, mend bool) {
	t.Helper()
	want := []string{}
	fixes := mend && len(w.wants) > 0
	for _, f := range w.wants {
		want = append(want, fmt.Sprintf("%s on %s at %s", f.rule, address(f.where), f.path))
		ru := b.catalogue.Rule(f.rule)
		if ru == nil {
			t.Fatalf("there is no rule %s", f.rule)
		}
		fixes = fixes && len(ru.Fix) > 0
	}
	slices.Sort(want)
	if !fixes {
		if diff := cmp.Diff(want, b.verdicts(t, files)); diff != "" {
			t.Errorf("%s\n(-want +got):\n%s", w.change, diff)
		}
		return
	}
	mending, err := scan.Mend(t.Context(), b.options(files), func(finding.Finding) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, said(mending.Report)); diff != "" {
		t.Errorf("%s\n(-want +got):\n%s", w.change, diff)
		return
	}
	switch {
	case len(mending.Left) > 0 && w.unmended == "":
		t.Errorf("%s\nis not mended: %s", w.change, mending.Left[0].Reason)
	case len(mending.Left) == 0 && w.unmended != "":
		t.Errorf("%s\nis mended, although %s", w.change, w.unmended)
	}
	if len(mending.Left) > 0 {
		return
	}
	mended := maps.Clone(files)
	for _, change := range mending.Files {
		mended[change.After.Path] = string(change.After.Bytes)
	}
	if left := b.verdicts(t, mended); len(left) > 0 {
		t.Errorf("%s\nsays after its fix:\n%s", w.change, strings.Join(left, "\n"))
	}
}

// kinds are the kinds of workloads, each with what makes it one around the pod.
var kinds = []struct {
	kind string
	text string // everything but the pod
	pod  string // where the pod belongs; "" when the pod is the object
}{
	{"Pod", "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}}", ""},
	{"Deployment", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {replicas: 3, selector: {matchLabels: {app.kubernetes.io/name: web}}}}", "spec.template"},
	{"StatefulSet", "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web, namespace: shop}, spec: {replicas: 3, serviceName: web-peers, selector: {matchLabels: {app.kubernetes.io/name: web}}}}", "spec.template"},
	{"DaemonSet", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: web, namespace: shop}, spec: {selector: {matchLabels: {app.kubernetes.io/name: web}}}}", "spec.template"},
	{"ReplicaSet", "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web, namespace: shop}, spec: {replicas: 3, selector: {matchLabels: {app.kubernetes.io/name: web}}}}", "spec.template"},
	{"ReplicationController", "{apiVersion: v1, kind: ReplicationController, metadata: {name: web, namespace: shop}, spec: {replicas: 3, selector: {app.kubernetes.io/name: web}}}", "spec.template"},
	{"Job", "{apiVersion: batch/v1, kind: Job, metadata: {name: web, namespace: shop}, spec: {backoffLimit: 2, ttlSecondsAfterFinished: 3600}}", "spec.template"},
	{"CronJob", `{apiVersion: batch/v1, kind: CronJob, metadata: {name: web, namespace: shop}, spec: {schedule: "0 4 * * *", concurrencyPolicy: Forbid, startingDeadlineSeconds: 300, jobTemplate: {spec: {backoffLimit: 2}}}}`, "spec.jobTemplate.spec.template"},
}

// hardened is the hardened estate with a workload of one kind.
func hardened(t *testing.T, kind string) *estate {
	t.Helper()
	e := readEstate(t, "kubernetes.yaml")
	for _, k := range kinds {
		if k.kind != kind {
			continue
		}
		workload, pod := parse(t, k.text)[0], parse(t, read(t, "pod.yaml"))[0]
		if kind == "Job" || kind == "CronJob" {
			set(t, pod, "spec.restartPolicy", parse(t, "Never")[0])
		}
		for i := 0; i < len(pod.Content); i += 2 {
			key := pod.Content[i].Value
			if k.pod == "" && key == "metadata" {
				key += ".labels"
				set(t, workload, key, pod.Content[i+1].Content[1])
				continue
			}
			set(t, workload, strings.Trim(k.pod+"."+key, "."), pod.Content[i+1])
		}
		last := len(e.objects)
		e.objects = append(e.objects, workload)
		within := func(p string) place { return place{last, strings.Trim(k.pod+"."+p, ".")} }
		e.names["workload"], e.names["pod"] = place{last, ""}, within("")
		e.names["setup"], e.names["proxy"], e.names["app"] = within("spec.initContainers[0]"), within("spec.initContainers[1]"), within("spec.containers[0]")
	}
	return e
}

// addresses says what the places of a table are called when the workload is of one kind.
func addresses(kind string) func(string) string {
	own := map[string]string{
		"workload": "", "pod": " pod", "app": " container app", "setup": " init container setup", "proxy": " init container proxy",
		"debug": " ephemeral container debug",
	}
	if kind == "Pod" {
		own["pod"] = ""
	}
	return func(where string) string {
		if rest, ok := own[where]; ok {
			return "shop/" + kind + "/web" + rest
		}
		return where
	}
}

// TestHardenedWorkloads judges the hardened estate with each kind of workload, and each of its weakenings.
func TestHardenedWorkloads(t *testing.T) {
	b := newBench(t)
	table := weakenings(t, "pods.txt")
	for i, k := range kinds {
		t.Run(k.kind, func(t *testing.T) {
			if said := b.verdicts(t, map[string]string{"estate.yaml": hardened(t, k.kind).text(t)}); len(said) > 0 {
				t.Fatalf("the hardened estate says:\n%s", strings.Join(said, "\n"))
			}
			for _, w := range table {
				// A pod stands in one of three places; the kinds that have it where a Deployment has try half of the table each.
				twin := k.pod == "spec.template" && k.kind != "Deployment"
				if !w.of(k.kind) || twin && w.kinds == "" && (w.line+i)%2 == 0 {
					continue
				}
				t.Run(strconv.Itoa(w.line), func(t *testing.T) {
					mend := k.kind == "Deployment" || (w.line+i)%8 == 0 // what a fix writes does not depend on the kind: a sample is enough
					e := hardened(t, k.kind)
					e.weaken(t, w.change)
					b.try(t, w, map[string]string{"estate.yaml": e.text(t)}, addresses(k.kind), mend)
				})
			}
		})
	}
}

// TestWeakenedObjects judges the weakenings of what stands around the workload.
func TestWeakenedObjects(t *testing.T) {
	b := newBench(t)
	for _, w := range weakenings(t, "objects.txt") {
		t.Run(strconv.Itoa(w.line), func(t *testing.T) {
			e := hardened(t, "Deployment")
			e.weaken(t, w.change)
			b.try(t, w, map[string]string{"estate.yaml": e.text(t)}, addresses("Deployment"), true)
		})
	}
}

// TestWeakenedFiles judges hardened files of other dialects, and each of their weakenings.
func TestWeakenedFiles(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ estate, table, file string }{
		{"compose.yaml", "compose.txt", "compose.yaml"},
		{"github-actions.yaml", "github-actions.txt", ".github/workflows/ci.yaml"},
		{"gitlab-ci.yaml", "gitlab-ci.txt", ".gitlab-ci.yml"},
		{"Dockerfile", "dockerfile.txt", "Dockerfile"},
	} {
		t.Run(c.estate, func(t *testing.T) {
			hardened := read(t, c.estate)
			if said := b.verdicts(t, map[string]string{c.file: hardened}); len(said) > 0 {
				t.Fatalf("the hardened estate says:\n%s", strings.Join(said, "\n"))
			}
			for _, w := range weakenings(t, c.table) {
				t.Run(strconv.Itoa(w.line), func(t *testing.T) {
					var text string
					if c.file == "Dockerfile" {
						text = replaced(t, hardened, w.change)
					} else {
						e := readEstate(t, c.estate)
						e.weaken(t, w.change)
						text = e.text(t)
					}
					b.try(t, w, map[string]string{c.file: text}, func(where string) string { return where }, true)
				})
			}
		})
	}
}

// replaced does what a change of text says: "TEXT" => "TEXT", the first of which stands there once.
func replaced(t *testing.T, text, change string) string {
	t.Helper()
	before, after, _ := strings.Cut(change, " => ")
	from, err := strconv.Unquote(before)
	to, err2 := strconv.Unquote(after)
	if err != nil || err2 != nil || strings.Count(text, from) != 1 {
		t.Fatalf("%q is no change: %v, %v, %d times there", change, err, err2, strings.Count(text, from))
	}
	return strings.Replace(text, from, to, 1)
}
