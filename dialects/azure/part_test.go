package azure

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

const (
	accountOnly = `{"type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-05-01", "name": "[parameters('n')]", "properties": {}}`
	blobs       = `{"type": "Microsoft.Storage/storageAccounts/blobServices", "apiVersion": "2023-05-01", "name": "[concat(parameters('n'), '/default')]", "properties": {"deleteRetentionPolicy": {"enabled": true, "days": 3}}}`
	nInput      = `"parameters": {"n": {"type": "string"}}`
)

// TestParts reads what Azure has as a resource of its own as the attribute that it is in Terraform, with its place.
func TestParts(t *testing.T) {
	text := templateOf("["+accountOnly+",\n"+blobs+"]", nInput)
	u := unitOf(t, text)
	noProblems(t, u)
	address := "Microsoft.Storage/storageAccounts/{n}"
	days := get1(t, u, address, "blob_properties.delete_retention_policy.days")
	if value.Show(days) != "3" || text[days.Range.Start:days.Range.End] != `"days": 3` {
		t.Errorf("%s at %q", value.Show(days), text[days.Range.Start:days.Range.End])
	}
	for _, r := range u.Graph.Resources {
		if strings.HasSuffix(r.Native, "/blobServices") {
			t.Errorf("%s is a resource of its own, too", r.Address)
		}
	}
	user := `{"type": "A.B/user", "apiVersion": "1", "name": "u", "properties": {"of": "[resourceId('Microsoft.Storage/storageAccounts/blobServices', parameters('n'), 'default')]"}}`
	u = unitOf(t, templateOf("["+accountOnly+",\n"+blobs+",\n"+user+"]", nInput))
	if diff := cmp.Diff([]string{"properties.of -> " + address + " "}, refsOf(t, u, "A.B/user/u")); diff != "" {
		t.Error(diff)
	}
	perhaps := strings.Replace(blobs, `"properties"`, `"condition": "[parameters('c')]", "properties"`, 1)
	u = unitOf(t, templateOf("["+accountOnly+",\n"+perhaps+"]", `"parameters": {"n": {"type": "string"}, "c": {"type": "bool"}}`))
	if v := get1(t, u, address, "blob_properties"); v.Kind != value.Unknown {
		t.Errorf("what may be there is %s", value.Show(v))
	}
	alone := unitOf(t, templateOf("["+blobs+"]", nInput))
	if len(alone.Graph.ByType("Microsoft.Storage/storageAccounts/blobServices")) != 1 {
		t.Error("without what it is a part of it is not there")
	}
}

// TestEditsOfParts changes the part where there is one, and makes it where there is none.
func TestEditsOfParts(t *testing.T) {
	change := resource.Change{Op: resource.Set, Path: value.Path{{Name: "blob_properties"}, {Name: "delete_retention_policy"}, {Name: "days"}},
		Value: value.Value{Kind: value.Number, Number: 7}}
	for name, c := range map[string]struct{ resources, want string }{
		"there":   {accountOnly + ",\n" + blobs, `"days": 7}`},
		"off":     {accountOnly + ",\n" + strings.Replace(blobs, `{"enabled": true, "days": 3}`, `{"enabled": false}`, 1), `{"enabled": true, "days": 7}`},
		"missing": {accountOnly, `[concat(parameters('n'), '/', 'default')]`},
	} {
		t.Run(name, func(t *testing.T) {
			text := templateOf("["+c.resources+"]", nInput)
			u := unitOf(t, text)
			r := u.Graph.ByAddress("Microsoft.Storage/storageAccounts/{n}")
			lowered, err := u.Edit(r, []resource.Change{change})
			if err != nil {
				t.Fatal(err)
			}
			after, err := source.Apply([]byte(text), lowered.Edits)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(after), c.want) {
				t.Errorf("no %s in\n%s", c.want, after)
			}
			again := unitOf(t, string(after))
			r = again.Graph.ByAddress("Microsoft.Storage/storageAccounts/{n}")
			if diff := cmp.Diff("7", value.Show(r.Body.At(change.Path))); diff != "" {
				t.Error(diff)
			}
			if twice, err := again.Edit(r, []resource.Change{change}); err != nil || len(twice.Edits) > 0 {
				t.Errorf("again: %v %v", twice.Edits, err)
			}
		})
	}
}

// TestNearest finds, of several that are the same to Azure, the one of the deployment that asks.
func TestNearest(t *testing.T) {
	resources := []*deployed{
		{address: "a", typ: "X.Y/z", name: text("n"), module: "module.m[0]"},
		{address: "b", typ: "X.Y/z", name: text("N"), module: "module.m[1]"},
		{address: "c", typ: "X.Y/z", name: text("n"), module: "module.m[0].module.k", existing: true},
		{address: "d", typ: "X.Y/z", name: text("o"), existing: true},
	}
	x := newAddresses(resources)
	for _, c := range []struct{ name, module, want string }{
		{"n", "module.m[0].module.k", "module.m[0].a"},
		{"n", "module.m[1].module.k", "module.m[1].b"},
		{"n", "", "module.m[1].b"},
		{"o", "module.m[0]", "d"},
		{"p", "module.m[0]", ""},
	} {
		if got := x.nearest(named{"x.y/z", c.name}, c.module); got != c.want {
			t.Errorf("%s from %s is %s, not %s", c.name, c.module, got, c.want)
		}
	}
}
