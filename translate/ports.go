package translate

import (
	"slices"
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// ports finishes the rules of Ansible's ec2_security_group: the option ports of a rule is a list of ports and ranges like
// 8000-8100, and each of them makes a rule. It stands before from_port and to_port.
// https://docs.ansible.com/ansible/latest/collections/amazon/aws/ec2_security_group_module.html
func ports(n *Native, made []*resource.Resource) []*resource.Resource {
	body := &made[0].Body
	for native, attribute := range map[string]string{"rules": "ingress", "rules_egress": "egress", "egress_rules": "egress"} {
		rules, blocks := n.Body.Field(native), body.Field(attribute)
		if rules.Kind != value.List || blocks.Kind != value.List || len(blocks.Items) != len(rules.Items) {
			continue
		}
		var more []value.Value
		for i := range rules.Items {
			listed := rules.Items[i].Field("ports")
			if !listed.IsSet() {
				continue
			}
			each := []value.Value{*listed}
			if listed.Kind == value.List {
				each = listed.Items
			}
			for j := range each {
				from, to := portRange(&each[j])
				block := blocks.Items[i]
				block.Fields = slices.Clone(block.Fields)
				block.Maybe = block.Maybe || each[j].Maybe
				set(&block, "from_port", from)
				set(&block, "to_port", to)
				if j == 0 {
					blocks.Items[i] = block
				} else {
					more = append(more, block)
				}
			}
		}
		blocks.Items = append(blocks.Items, more...)
	}
	return made
}

// portRange reads 22, "22" and 8000-8100.
func portRange(v *value.Value) (from, to value.Value) {
	if v.Kind == value.String {
		first, last, two := strings.Cut(v.Text, "-")
		if !two {
			last = first
		}
		var known bool
		if from, known = number(strings.TrimSpace(first)); known {
			if to, known = number(strings.TrimSpace(last)); known {
				from.Range, to.Range = v.Range, v.Range
				return from, to
			}
		}
	}
	if v.Kind == value.Number {
		return *v, *v
	}
	nobody := value.Value{Kind: value.Unknown, Range: v.Range}
	return nobody, nobody
}
