package manifest

import (
	"strings"

	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

// condition is one thing that a step of a path asks of the elements of a list, as selectors of CSS do of attributes:
//
//	verbs["create|update"]                             the elements that are one of the words
//	add["!=CHOWN|KILL"]                                those that are none of them
//	rules["resources=secrets&resourceNames="]          those of which a field is one of the words, or has it as an element; nothing: without the field
//	volumes["hostPath.path$=docker.sock"]              those of which it ends so; ^= begins so
type condition struct {
	field value.Path // empty: the element itself
	op    string
	words []string
}

var comparisons = [...]string{"!=", "^=", "$=", "="}

// conditions reads a step; nil for one that is no more than words.
func conditions(step string) []condition {
	if !strings.Contains(step, "=") {
		return nil
	}
	var out []condition
	for term := range strings.SplitSeq(step, "&") {
		for _, op := range comparisons {
			name, words, ok := strings.Cut(term, op)
			if !ok {
				continue
			}
			field, valid := value.ParsePath(name)
			if !valid {
				return nil
			}
			out = append(out, condition{field, op, strings.Split(words, "|")})
			break
		}
	}
	return out
}

// of reports whether an element is as the condition says. What is not known is not.
func (c *condition) of(element *value.Value) bool {
	v := element.At(c.field)
	is := func(word string) bool {
		for _, w := range c.words {
			switch {
			case c.op == "^=" && strings.HasPrefix(word, w), c.op == "$=" && strings.HasSuffix(word, w), word == w:
				return true
			}
		}
		return false
	}
	if v.Kind == value.List && len(v.Items) > 0 {
		found := false
		for i := range v.Items {
			word, known := v.Items[i].Word()
			if !known && c.op == "!=" {
				return false
			}
			found = found || known && is(word)
		}
		return found == (c.op != "!=") && (c.op != "!=" || !v.Open)
	}
	word, known := v.Word()
	switch {
	case v.Open || v.Kind == value.Unknown:
		return false
	case !known && v.Kind == value.Object && len(v.Fields) > 0:
		return c.op == "!="
	}
	return is(word) == (c.op != "!=")
}

// chosen reports whether a step means an element of a list.
func chosen(element *value.Value, step string, conditions []condition) bool {
	for i := range conditions {
		if !conditions[i].of(element) {
			return false
		}
	}
	if len(conditions) > 0 {
		return true
	}
	word, known := element.Word()
	name := element.Field("name").Text
	for w := range strings.SplitSeq(step, "|") {
		if known && word == w || w == name && name != "" {
			return true
		}
	}
	return false
}

// owners are lists without which what they are in means something else: a rule of a role is refused, and an entry of a network policy lets
// everybody through. With their last element goes the element of the outer list that they are in.
var owners = map[string][]string{
	"k8s_role":           {"rules.verbs", "rules.resources", "rules.apiGroups", "rules.nonResourceURLs"},
	"k8s_cluster_role":   {"rules.verbs", "rules.resources", "rules.apiGroups", "rules.nonResourceURLs"},
	"k8s_network_policy": {"spec.ingress.from", "spec.egress.to"},
}

// withOwners returns the places to remove, with an owner instead of all elements of its list.
func withOwners(r *resource.Resource, places []value.Path) []value.Path {
	lists := owners[r.Type]
	if lists == nil {
		return places
	}
	count := make(map[string]int) // by list
	for _, p := range places {
		count[p[:len(p)-1].String()]++
	}
	var out []value.Path
	gone := make(map[string]bool)
	for _, p := range places {
		list := p[:len(p)-1]
		v := r.Body.At(list)
		if v.Kind != value.List || v.Open || count[list.String()] < len(v.Items) || !isOneOf(plain(list), lists...) {
			out = append(out, p)
			continue
		}
		if owner := list[:len(list)-1]; !gone[owner.String()] {
			gone[owner.String()] = true
			out = append(out, owner)
		}
	}
	return out
}

// demanded are lists that may be empty in Kubernetes and in Terraform must not,
// https://registry.terraform.io/providers/hashicorp/kubernetes/latest/docs/resources/role_v1.
var demanded = map[string]string{"k8s_role": "rules", "k8s_role_binding": "subjects", "k8s_cluster_role_binding": "subjects"}

// emptied names the list that would be left without an element and must have one; empty when there is none.
func (l *lowering) emptied(places []value.Path) string {
	list := demanded[l.Type]
	if list == "" || l.part.Object.Dialect != "terraform" {
		return ""
	}
	n := 0
	for _, p := range places {
		if len(p) == 2 && p[0].Name == list {
			n++
		}
	}
	if n > 0 && n == len(l.Body.Field(list).Items) {
		return list
	}
	return ""
}

// plain is a path without the numbers of elements.
func plain(p value.Path) string {
	var names value.Path
	for _, s := range p {
		if s.Name != "" {
			names = append(names, s)
		}
	}
	return names.String()
}

// unmount removes the mounts of a volume that is removed: the API server refuses a pod with a mount of what it does not have.
func (l *lowering) unmount(c *resource.Change) {
	if c.Op != resource.Remove || l.part.pod == nil || l.Type != "k8s_pod" || len(c.Path) != 3 || plain(c.Path) != "spec.volumes" {
		return
	}
	volume := l.Body.At(c.Path).Field("name").Text
	if volume == "" {
		return
	}
	for _, container := range l.part.pod.containers {
		part, ok := container.Handle.(*Part)
		if !ok {
			continue
		}
		mounts := container.Body.Field("volumeMounts")
		for i := range mounts.Items {
			if mounts.Items[i].Field("name").Text == volume {
				l.wish(resource.Remove, path(part.At, "volumeMounts", i), value.Value{})
			}
		}
	}
}
