package terraform

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// registry is modules in memory, as a downloader offers them.
type registry struct {
	mu    sync.Mutex
	asked []dialect.ModuleSource
}

func (r *registry) fetch(_ context.Context, m dialect.ModuleSource) (string, *source.Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, m)
	switch m.Source {
	case "acme/vpc/aws":
		return dialect.ModuleDir + "/1a2b", nil
	case "git::https://example.com/deep.git//modules/one":
		return dialect.ModuleDir + "/3c4d/modules/one", nil
	case "acme/wrong/aws":
		return "elsewhere", nil
	}
	return "", &source.Problem{Kind: source.Unresolved, Message: "the host example.com is not allowed"}
}

// TestModules_fetched evaluates modules that are not in the tree, the packages that they come with, and what becomes of those
// that cannot be had.
func TestModules_fetched(t *testing.T) {
	tree := fstest.MapFS{
		"live/main.tf": {Data: []byte(`
variable "v" { default = "~> 1.0" }
module "vpc" {
  source  = "acme/vpc/aws"
  version = var.v
  open    = true
}
module "deep" {
  source = "git::https://example.com/deep.git//modules/one"
}
module "not" {
  source = "git::https://example.com/not.git"
  b      = module.vpc.id
}
module "wrong" {
  source = "acme/wrong/aws"
}
`)},
		dialect.ModuleDir + "/1a2b/main.tf": {Data: []byte(`
variable "open" {}
resource "aws_db_instance" "db" { publicly_accessible = var.open }
output "id" { value = aws_db_instance.db.id }
`)},
		dialect.ModuleDir + "/3c4d/modules/one/main.tf": {Data: []byte(`
module "two" { source = "../two" }
module "out" { source = "../../../1a2b" }
`)},
		dialect.ModuleDir + "/3c4d/modules/two/main.tf": {Data: []byte(`resource "aws_ebs_volume" "v" {}`)},
	}
	reader := &source.Reader{FS: tree}
	r := &registry{}
	w := &dialect.Workspace{FS: tree, Read: reader.Read, Modules: r.fetch}
	e, problems := New(schema.Load()).Open(context.Background(), w, []string{"live/main.tf"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	u := evaluateAll(t, e)["live:"]
	var deployed []string
	for _, a := range addresses(u.Graph) {
		if strings.Contains(a, ".aws_") {
			deployed = append(deployed, a)
		}
	}
	if diff := cmp.Diff([]string{"module.deep.module.two.aws_ebs_volume.v", "module.vpc.aws_db_instance.db"}, deployed); diff != "" {
		t.Error(diff)
	}
	var messages []string
	for _, p := range u.Problems {
		messages = append(messages, string(p.Kind)+" "+p.Range.File+" "+p.Message)
	}
	want := []string{
		"unresolved " + dialect.ModuleDir + "/3c4d/modules/one/main.tf module.out: its source ../../../1a2b leaves the package that it was fetched with",
		"unresolved live/main.tf module.not: the host example.com is not allowed",
		"bug live/main.tf module.wrong was fetched to elsewhere, which is not below " + dialect.ModuleDir,
	}
	if diff := cmp.Diff(want, messages); diff != "" {
		t.Error(diff)
	}
	if len(u.Graph.Missing) != 3 {
		t.Errorf("missing are %v", u.Graph.Missing)
	}
	vpc := dialect.ModuleSource{Source: "acme/vpc/aws", Version: "~> 1.0", Root: "live"}
	if len(r.asked) != 4 || !slices.Contains(r.asked, vpc) {
		t.Errorf("it was asked for %v", r.asked)
	}
	db := u.Graph.ByAddress("module.vpc.aws_db_instance.db")
	if len(db.Calls) != 1 || db.Calls[0].Range.File != "live/main.tf" || !db.Body.Field("publicly_accessible").Bool {
		t.Errorf("the resource is %+v", db)
	}
	path := value.Path{{Name: "publicly_accessible"}}
	lowered, err := u.Edit(db, []resource.Change{{Op: resource.Set, Path: path, Value: value.Value{Kind: value.Bool}}})
	if err != nil || len(lowered.Edits) != 1 || lowered.Edits[0].Range.File != "live/main.tf" {
		t.Errorf("the value is given by the call, and edited there: %v %v", lowered, err)
	}
	path[0].Name = "storage_encrypted"
	_, err = u.Edit(db, []resource.Change{{Op: resource.Set, Path: path, Value: value.Value{Kind: value.Bool, Bool: true}}})
	if err == nil || !strings.Contains(err.Error(), "not this repository's") {
		t.Errorf("the error is %v", err)
	}
}
