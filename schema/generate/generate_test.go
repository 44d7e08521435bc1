package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKept holds each table that is kept by hand against its JSON: who edits one must make the other.
func TestKept(t *testing.T) {
	for _, name := range kept {
		written, err := readKept(name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		want, err := encode(written)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", "data", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: run go run ./schema/generate: %s", name, diff)
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	for name, text := range map[string]string{
		"flags": `{"a": {"b": ["x", "string"]}}`,
		"type":  `{"a": {"b": ["o", "text"]}}`,
		"elem":  `{"a": {"b": ["o", "list(text)"]}}`,
		"deep":  `{"a": {"b": ["o", "list", {"c": ["o", "set(x)"]}]}}`,
	} {
		var types map[string]attributes
		if err := json.Unmarshal([]byte(text), &types); err != nil {
			t.Fatal(err)
		}
		if out, err := encode(types); err == nil {
			t.Errorf("%s: no error, wrote %s", name, out)
		}
	}
}

func TestTypings(t *testing.T) {
	cs := make(classes)
	cs.read(`
export class ThingRuleOutputReference extends cdktf.ComplexObject {
  public constructor(terraformResource: cdktf.IInterpolatingParent, terraformAttribute: string) {
    super(terraformResource, terraformAttribute, complexObjectIsFromSet, complexObjectIndex);
  }
  // port - computed: false, optional: false, required: true
  private _port?: number; 
  public get port() {
    return this.getNumberAttribute('port');
  }
}
export class ThingRuleList extends cdktf.ComplexList {
}
export class ThingOptionsOutputReference extends cdktf.ComplexObject {
    super(terraformResource, terraformAttribute, false, 0);
  // encrypted - computed: true, optional: true, required: false
  private _encrypted?: boolean | cdktf.IResolvable; 
  public get encrypted() {
    return this.getBooleanAttribute('encrypted');
  }
}
export class ThingTimeoutsOutputReference extends cdktf.ComplexObject {
    super(terraformResource, terraformAttribute, false);
}
export class DataThing extends cdktf.TerraformDataSource {
  public static readonly tfResourceType = "cloud_thing";
  // names - computed: false, optional: true, required: false
  private _names?: string[]; 
  public get names() {
    return cdktf.Fn.tolist(this.getListAttribute('names'));
  }
  // ports - computed: true, optional: false, required: false
  public get ports() {
    return cdktf.Token.asNumberList(cdktf.Fn.tolist(this.getNumberListAttribute('ports')));
  }
  // tags - computed: false, optional: true, required: false
  private _tags?: { [key: string]: string }; 
  public get tags() {
    return this.getStringMapAttribute('tags');
  }
  // labels - computed: true, optional: false, required: false
  private _labels = new cdktf.StringMap(this, "labels");
  public get labels() {
    return this._labels;
  }
  // rule - computed: false, optional: true, required: false
  private _rule = new ThingRuleList(this, "rule", true);
  // options - computed: false, optional: true, required: false
  private _options = new ThingOptionsOutputReference(this, "options");
  // timeouts - computed: false, optional: true, required: false
  private _timeouts = new ThingTimeoutsOutputReference(this, "timeouts");
}
`)
	c := cs["DataThing"]
	if c == nil || c.resource != "data.cloud_thing" {
		t.Fatalf("the resource is %+v", c)
	}
	got, err := cs.attributes(c).encode()
	if err != nil {
		t.Fatal(err)
	}
	want := "labels=cms,names=ots,options=o1{encrypted=bb},ports=ctn,rule=oT{port=rn},tags=oms,timeouts=oS{}"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProviderSource(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("internal/services/box/registration.go", `package box
func (r Registration) SupportedResources() map[string]*pluginsdk.Resource {
	return map[string]*pluginsdk.Resource{"cloud_box": resourceBox()}
}`)
	write("internal/services/box/box.go", `package box
import (
	"`+azurermModule+`/internal/helpers"
	"elsewhere.example/sdk"
)
const tier = "Basic"
func resourceBox() *pluginsdk.Resource {
	resource := &pluginsdk.Resource{
		Schema: map[string]*pluginsdk.Schema{
			"tier":    {Type: pluginsdk.TypeString, Optional: true, Default: tier},
			"kind":    {Optional: true, Default: string(sdk.KindPlain)},
			"days":    helpers.Days(7),
			"plain":   {Optional: true},
			"gone":    {Optional: true, Default: true},
			"unsure":  {Optional: true, Default: true},
			"altered": {Optional: true, Default: true},
			"block": {Optional: true, Computed: true, Elem: &pluginsdk.Resource{Schema: map[string]*pluginsdk.Schema{
				"limit": {Optional: true, Default: -1},
			}}},
		},
	}
	delete(resource.Schema, "gone")
	resource.Schema["added"] = &pluginsdk.Schema{Optional: true, Default: !true}
	resource.Schema["altered"].Default = false
	if old() {
		resource.Schema["unsure"] = &pluginsdk.Schema{Optional: true, Default: false}
	}
	return resource
}`)
	write("internal/services/box/lid.go", `package box
type LidResource struct{}
func (LidResource) ResourceType() string { return "cloud_lid" }
func (r LidResource) Create() sdk.ResourceFunc { return sdk.ResourceFunc{} }
func (r LidResource) Arguments() map[string]*pluginsdk.Schema { return r.shared() }
func (r LidResource) shared() map[string]*pluginsdk.Schema {
	return map[string]*pluginsdk.Schema{"open": {Optional: true, Default: true}}
}
type LidDataSource struct{}
func (LidDataSource) ResourceType() string { return "cloud_lid_data" }
func (r LidDataSource) Arguments() map[string]*pluginsdk.Schema { return map[string]*pluginsdk.Schema{} }
type LoopResource struct{}
func (LoopResource) ResourceType() string { return "cloud_loop" }
func (r LoopResource) Create() sdk.ResourceFunc { return sdk.ResourceFunc{} }
func (r LoopResource) Arguments() map[string]*pluginsdk.Schema { return r.Arguments() }`)
	write("internal/helpers/helpers.go", `package helpers
func Days(n int) *pluginsdk.Schema { return &pluginsdk.Schema{Optional: true, Default: n} }`)

	found, err := newProviderSource(root).resources()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for typ, r := range found {
		for path, d := range flatten(r.attributes, "") {
			got[typ+"."+path] = d.value
		}
	}
	want := map[string]any{
		"cloud_box.tier": "Basic", "cloud_box.kind": nil, "cloud_box.days": 7.0, "cloud_box.block.limit": -1.0,
		"cloud_box.added": false, "cloud_lid.open": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !found["cloud_box"].attributes["block"].computed {
		t.Error("the block is not known to be computed")
	}
}

func TestChangedDefaults(t *testing.T) {
	guide := filepath.Join(t.TempDir(), "guide.md")
	text := "### `azurerm_box`\n\n* The `lid.open` property now defaults to `true`.\n* The `size` property is now Required.\n"
	if err := os.WriteFile(guide, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := changedDefaults(guide)
	if err != nil {
		t.Fatal(err)
	}
	if !got["azurerm_box.open"] || got["azurerm_box.size"] {
		t.Errorf("got %v", got)
	}
}

func TestPageDefault(t *testing.T) {
	p := page{
		"* `one` - (Optional) Of this. Defaults to `A`.",
		"* `two` - (Optional) Here. Defaults to `A`.",
		"* `two` - (Optional) There. Defaults to `B`.",
		"* `three` - (Optional) Here. Defaults to `A`.",
		"* `three` - (Optional) There.",
	}
	got := map[string]any{}
	for _, name := range []string{"one", "two", "three", "four"} {
		got[name] = p.defaultOf(name)
	}
	want := map[string]any{"one": "A", "two": nil, "three": nil, "four": nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
