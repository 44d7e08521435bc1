package translate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// conditionTable has rows that hold under a condition, and parts.
const conditionTable = `
X.Y/accounts = azurerm_storage_account
    Ref: id
    identity: identity when .type != None
        type: type
    name: name | after "st-"
    /blobs/default.soft: blob_properties.delete_retention_policy when .on = true
        days: days
    /files/default.days: share_properties.retention_policy.days
    soft: share_properties.retention_policy
        days: days
`

// TestConditions carries what a condition lets through, and makes the condition hold on the way back.
func TestConditions(t *testing.T) {
	table := tableOf(t, conditionTable)
	for name, c := range map[string]struct {
		body value.Value
		want string
	}{
		"holds":             {obj("identity", obj("type", "SystemAssigned")), `{identity: {type: "SystemAssigned"}}`},
		"does not":          {obj("identity", obj("type", "None")), `{}`},
		"nobody knows":      {obj("identity", obj("type", isUnknown())), `{identity: ?}`},
		"nothing is said":   {obj("/blobs/default", obj("soft", obj("days", 3))), `{}`},
		"is on":             {obj("/blobs/default", obj("soft", obj("days", 3, "on", true))), `{blob_properties: {delete_retention_policy: {days: 3}}}`},
		"a part goes first": {obj("soft", obj("days", 1), "/files/default", obj("days", 2)), `{share_properties: {retention_policy: {days: 2}}}`},
		"begins so":         {obj("name", "st-a"), `{name: "a"}`},
		"begins otherwise":  {obj("name", "a"), `{}`},
	} {
		made := table.Resources(&Native{Type: "X.Y/accounts", Address: "X", Body: c.body})
		if diff := cmp.Diff(c.want, showAll(&made[0].Body)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	set := func(p string, v any) []resource.Change {
		return []resource.Change{{Op: resource.Set, Path: path(t, p), Value: of(v)}}
	}
	for name, c := range map[string]struct {
		body    value.Value
		changes []resource.Change
		want    string
	}{
		"made to hold":         {obj("/blobs/default", obj("soft", obj("on", false))), set("blob_properties.delete_retention_policy.days", 7), "set [\"/blobs/default\"].soft.on true\nset [\"/blobs/default\"].soft.days 7"},
		"holds already":        {obj("/blobs/default", obj("soft", obj("on", true))), set("blob_properties.delete_retention_policy.days", 7), `set ["/blobs/default"].soft.days 7`},
		"decided by the wish":  {obj("identity", obj("type", "None")), set("identity.type", "SystemAssigned"), `set identity.type "SystemAssigned"`},
		"no part is made":      {obj(), set("share_properties.retention_policy.days", 7), `set soft.days 7`},
		"what made it changes": {obj("soft", obj("days", 1), "/files/default", obj("a", "b")), set("share_properties.retention_policy.days", 7), `set soft.days 7`},
		"the part made it":     {obj("soft", obj(), "/files/default", obj("days", 2)), set("share_properties.retention_policy.days", 7), `set ["/files/default"].days 7`},
		"begins as it must":    {obj("name", "st-a"), set("name", "b"), `set name "st-b"`},
	} {
		made := table.Resources(&Native{Type: "X.Y/accounts", Address: "X", Body: c.body})
		wishes, err := table.Back(made[0], c.changes)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, wishText(wishes)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, c := range []struct{ part, name, want string }{{"blobs", "Default", "/blobs/default"}, {"files", "default", "/files/default"}, {"files", "other", ""}, {"queues", "default", ""}} {
		if got := table.Part("X.Y/accounts", c.part, c.name); got != c.want {
			t.Errorf("part %s/%s is %q", c.part, c.name, got)
		}
	}
}
