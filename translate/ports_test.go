package translate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// TestPorts holds that every port and range of a rule of a security group makes a rule.
func TestPorts(t *testing.T) {
	unknown := value.Value{Kind: value.Unknown}
	for _, test := range []struct {
		name  string
		ports value.Value
		want  []string
	}{
		{"one", of(22), []string{"22-22"}},
		{"a text", text("22"), []string{"22-22"}},
		{"several", list(of(22), text("443"), text("8000-8100")), []string{"22-22", "443-443", "8000-8100"}},
		{"unknown", unknown, []string{"(unknown)-(unknown)"}},
		{"one unknown", list(unknown, of(22)), []string{"(unknown)-(unknown)", "22-22"}},
		{"no ports", text("ssh"), []string{"(unknown)-(unknown)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := New(schema.Load(), "ansible")
			body := obj("rules", list(obj("ports", test.ports, "cidr_ip", text("0.0.0.0/0"))))
			made := table.Resources(&Native{Type: "amazon.aws.ec2_security_group", Address: "X", Name: "X", Body: body})
			var got []string
			for _, rule := range made[0].Body.Field("ingress").Items {
				if cidr := rule.Field("cidr_blocks"); cidr.Kind != value.List || cidr.Items[0].Text != "0.0.0.0/0" {
					t.Errorf("cidr_blocks: %s", value.Show(cidr))
				}
				got = append(got, value.Show(rule.Field("from_port"))+"-"+value.Show(rule.Field("to_port")))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
