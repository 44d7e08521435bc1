package azure

import (
	"errors"
	"strings"

	"plumbline.dev/plumbline/value"
)

// The identity of a resource is a text of which the template seldom knows all:
// /subscriptions/{…}/resourceGroups/{…}/providers/Microsoft.Storage/storageAccounts/{name}. Its pieces are kept, so that it is
// an edge to the resource when it stands in another's properties (deployment.go).

const symbolReference = "reference" // the state of the resource that its argument names, Ending: which part

func subscriptionPath(id *value.Value) value.Value {
	if id == nil {
		s := symbol("subscription", "subscriptionId")
		s.Given, s.NotNull = true, true
		id = &s
	}
	return joined(text("/subscriptions/"), *id)
}

func groupPath(subscription, name *value.Value) value.Value {
	if name == nil {
		s := symbol("resourceGroup", "name")
		s.Given, s.NotNull = true, true
		name = &s
	}
	return joined(subscriptionPath(subscription), text("/resourceGroups/"), *name)
}

func subscription(functions, []value.Value) (value.Value, error) {
	return known("subscription", value.Field{Name: "id", Value: subscriptionPath(nil)}), nil
}

func resourceGroup(functions, []value.Value) (value.Value, error) {
	return known("resourceGroup", value.Field{Name: "id", Value: groupPath(nil, nil)}), nil
}

// known makes the result of a function of which one member is known: the other members are symbols.
func known(name string, f value.Field) value.Value {
	fields := []value.Field{f}
	for _, member := range surroundings[name] {
		s := symbol(name, member)
		s.Given, s.NotNull = true, true
		fields = append(fields, value.Field{Name: member, Value: s})
	}
	out := object(fields)
	out.Open = true
	return out
}

// surroundings are the members of what is known about where a template is deployed.
var surroundings = map[string][]string{
	"subscription":  {"subscriptionId", "tenantId", "displayName"},
	"resourceGroup": {"name", "location", "type", "managedBy"},
}

// segments splits the arguments of resourceId at the type: what stands before it, the type, the names.
func segments(args []value.Value, before int) (front []value.Value, typ string, names []value.Value, ok bool, err error) {
	for i := range args {
		if i > before {
			break
		}
		a := &args[i]
		if a.Kind == value.Unknown && a.Text == "" || a.Kind == value.Unknown && !strings.Contains(a.Text, "/") {
			continue
		}
		if a.Kind != value.String {
			return nil, "", nil, false, nil
		}
		if !strings.Contains(a.Text, "/") {
			continue
		}
		typ, names = strings.Trim(a.Text, "/"), args[i+1:]
		// A name may hold several segments itself, or be unknown: only what is plainly wrong is.
		if len(names) == 0 || len(names) > strings.Count(typ, "/") {
			return nil, "", nil, false, errors.New("wants a name for each part of " + typ)
		}
		return args[:i], typ, names, true, nil
	}
	return nil, "", nil, false, nil
}

// providerPath writes /providers/Microsoft.Network/virtualNetworks/v/subnets/s.
func providerPath(typ string, names []value.Value) value.Value {
	parts := strings.Split(typ, "/")
	out := []value.Value{text("/providers/" + parts[0])}
	for i, p := range parts[1:] {
		if i < len(names) {
			out = append(out, text("/"+p+"/"), names[i])
		}
	}
	return joined(out...)
}

func resourceID(_ functions, args []value.Value) (value.Value, error) {
	front, typ, names, ok, err := segments(args, 2)
	if !ok {
		return symbol("resourceId", "", args...), err
	}
	var base value.Value
	switch len(front) {
	case 0:
		base = groupPath(nil, nil)
	case 1: // a group, unless it looks like a subscription
		if isGUID(front[0].Text) {
			base = subscriptionPath(&front[0])
		} else {
			base = groupPath(nil, &front[0])
		}
	default:
		base = groupPath(&front[0], &front[1])
	}
	return joined(base, providerPath(typ, names)), nil
}

func isGUID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-'
}

func subscriptionResourceID(_ functions, args []value.Value) (value.Value, error) {
	front, typ, names, ok, err := segments(args, 1)
	if !ok {
		return symbol("subscriptionResourceId", "", args...), err
	}
	base := subscriptionPath(nil)
	if len(front) > 0 {
		base = subscriptionPath(&front[0])
	}
	return joined(base, providerPath(typ, names)), nil
}

func tenantResourceID(_ functions, args []value.Value) (value.Value, error) {
	_, typ, names, ok, err := segments(args, 0)
	if !ok {
		return symbol("tenantResourceId", "", args...), err
	}
	return providerPath(typ, names), nil
}

func managementGroupResourceID(_ functions, args []value.Value) (value.Value, error) {
	front, typ, names, ok, err := segments(args, 1)
	if !ok {
		return symbol("managementGroupResourceId", "", args...), err
	}
	group := symbol("managementGroup", "name")
	if len(front) > 0 {
		group = front[0]
	}
	return joined(text("/providers/Microsoft.Management/managementGroups/"), group, providerPath(typ, names)), nil
}

func extensionResourceID(_ functions, args []value.Value) (value.Value, error) {
	_, typ, names, ok, err := segments(args[1:], 0)
	if !ok {
		return symbol("extensionResourceId", "", args...), err
	}
	return joined(args[0], providerPath(typ, names)), nil
}

// named is the type and the name in an identity, in lower case; the name with a slash between its parts and with symbols as
// key writes them.
type named struct{ typ, name string }

// identity reads the resource that a text is the identity of. It reports false for every other text.
func identity(v *value.Value) (named, bool) {
	if v.Kind != value.String && v.Kind != value.Unknown {
		return named{}, false
	}
	k, ok := key(v)
	if !ok {
		return named{}, false
	}
	at := strings.LastIndex(strings.ToLower(k), "/providers/")
	if at < 0 || v.Kind == value.String && !strings.HasPrefix(k, "/") {
		return named{}, false
	}
	parts := strings.Split(strings.ToLower(k[at+len("/providers/"):]), "/")
	if len(parts) < 3 || len(parts)%2 == 0 {
		return named{}, false
	}
	typ, name := parts[0], ""
	for i := 1; i < len(parts); i += 2 {
		typ += "/" + parts[i]
		if i > 1 {
			name += "/"
		}
		name += parts[i+1]
	}
	return named{typ, name}, true
}

// parent returns the resource that this one is a part of; false for one of the first rank.
func (n named) parent() (named, bool) {
	t, m := strings.LastIndexByte(n.typ, '/'), strings.LastIndexByte(n.name, '/')
	if t < 0 || m < 0 || strings.Count(n.typ, "/") < 2 {
		return named{}, false
	}
	return named{n.typ[:t], n.name[:m]}, true
}
