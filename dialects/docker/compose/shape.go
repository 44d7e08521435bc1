package compose

import (
	"slices"
	"strconv"
	"strings"

	"plumbline.dev/plumbline/document"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// shape is what an attribute is, whichever way it is written. schema/generate/compose.json says the same to rules.
type shape struct {
	kind   shapeKind
	fields map[string]shape // of anObject
	item   *shape           // of aList
}

type shapeKind uint8

const (
	anything   shapeKind = iota // as it is written
	aText                       // numbers and booleans too are texts
	aTruth                      // also when a variable gives it
	aNumber                     //
	texts                       // a list of texts
	textMap                     // a mapping to texts
	anObject                    // a mapping with known members
	aList                       // a list of items with one shape
	capability                  // a list of capabilities: NET_ADMIN for CAP_net_admin
	security                    // security_opt: a mapping in the place of a list of NAME:value
)

func objects(fields map[string]shape) shape {
	return shape{kind: aList, item: &shape{kind: anObject, fields: fields}}
}

func object(fields map[string]shape) shape { return shape{kind: anObject, fields: fields} }

var (
	word   = shape{kind: aText}
	truth  = shape{kind: aTruth}
	number = shape{kind: aNumber}
	many   = shape{kind: texts}
	pairs  = shape{kind: textMap}
	dyn    = shape{}
)

var mounts = objects(map[string]shape{"gid": word, "mode": word, "source": word, "target": word, "uid": word})

var resourceLimits = object(map[string]shape{"cpus": word, "devices": dyn, "memory": word, "pids": number})

// serviceShape is the attributes of a service: https://docs.docker.com/reference/compose-file/services/
var serviceShape = map[string]shape{
	"annotations": pairs, "attach": truth, "blkio_config": dyn,
	"build": object(map[string]shape{
		"additional_contexts": pairs, "args": pairs, "cache_from": many, "cache_to": many, "context": word, "dockerfile": word,
		"dockerfile_inline": word, "entitlements": many, "extra_hosts": dyn, "isolation": word, "labels": pairs, "network": word,
		"no_cache": truth, "platforms": many, "privileged": truth, "pull": truth, "secrets": mounts, "shm_size": word, "ssh": dyn,
		"tags": many, "target": word, "ulimits": dyn,
	}),
	"cap_add": {kind: capability}, "cap_drop": {kind: capability}, "cgroup": word, "cgroup_parent": word, "command": dyn,
	"configs": mounts, "container_name": word, "cpu_count": number, "cpu_percent": number, "cpu_period": word, "cpu_quota": word,
	"cpu_rt_period": word, "cpu_rt_runtime": word, "cpu_shares": number, "cpus": word, "cpuset": word, "credential_spec": dyn,
	"depends_on": dyn,
	"deploy": object(map[string]shape{
		"endpoint_mode": word, "labels": pairs, "mode": word, "placement": dyn, "replicas": number,
		"resources": object(map[string]shape{"limits": resourceLimits, "reservations": resourceLimits}),
		"restart_policy": object(map[string]shape{
			"condition": word, "delay": word, "max_attempts": number, "window": word,
		}),
		"rollback_config": dyn, "update_config": dyn,
	}),
	"develop": dyn, "device_cgroup_rules": many,
	"devices": objects(map[string]shape{"permissions": word, "source": word, "target": word}),
	"dns":     many, "dns_opt": many, "dns_search": many, "domainname": word, "driver_opts": pairs, "entrypoint": dyn,
	"env_file":    objects(map[string]shape{"format": word, "path": word, "required": truth}),
	"environment": pairs, "expose": many, "external_links": many, "extra_hosts": dyn, "gpus": dyn, "group_add": many,
	"healthcheck": object(map[string]shape{
		"disable": truth, "interval": word, "retries": number, "start_interval": word, "start_period": word, "test": dyn, "timeout": word,
	}),
	"hostname": word, "image": word, "init": truth, "ipc": word, "isolation": word, "label_file": many, "labels": pairs, "links": many,
	"logging":     object(map[string]shape{"driver": word, "options": pairs}),
	"mac_address": word, "mem_limit": word, "mem_reservation": word, "mem_swappiness": number, "memswap_limit": word, "models": dyn,
	"network_mode": word, "networks": dyn, "oom_kill_disable": truth, "oom_score_adj": number, "pid": word, "pids_limit": number,
	"platform": word,
	"ports": objects(map[string]shape{
		"app_protocol": word, "host_ip": word, "mode": word, "name": word, "protocol": word, "published": number, "published_end": number,
		"target": number, "target_end": number,
	}),
	"post_start": dyn, "pre_stop": dyn, "privileged": truth, "profiles": many, "pull_policy": word, "read_only": truth, "restart": word,
	"runtime": word, "scale": number, "secrets": mounts, "security_opt": {kind: security}, "shm_size": word, "stdin_open": truth,
	"stop_grace_period": word, "stop_signal": word, "storage_opt": pairs, "sysctls": pairs, "tmpfs": many, "tty": truth, "ulimits": dyn,
	"use_api_socket": truth, "user": word, "userns_mode": word, "uts": word,
	"volumes": objects(map[string]shape{
		"bind":        object(map[string]shape{"create_host_path": truth, "propagation": word, "recursive": word, "selinux": word}),
		"consistency": word, "image": object(map[string]shape{"subpath": word}), "read_only": truth, "source": word, "target": word,
		"tmpfs": object(map[string]shape{"mode": word, "size": word}), "type": word,
		"volume": object(map[string]shape{"labels": pairs, "nocopy": truth, "subpath": word}),
	}),
	"volumes_from": many, "working_dir": word,
}

// sectionShapes are the attributes of what is declared beside services.
var sectionShapes = map[string]map[string]shape{
	"volumes": {"driver": word, "driver_opts": pairs, "external": truth, "labels": pairs, "name": word},
	"networks": {
		"attachable": truth, "driver": word, "driver_opts": pairs, "enable_ipv4": truth, "enable_ipv6": truth, "external": truth, "internal": truth,
		"ipam": dyn, "labels": pairs, "name": word,
	},
	"secrets": {
		"content": word, "driver": word, "driver_opts": pairs, "environment": word, "external": truth, "file": word, "labels": pairs,
		"name": word, "template_driver": word,
	},
	"configs": {
		"content": word, "environment": word, "external": truth, "file": word, "labels": pairs, "name": word, "template_driver": word,
	},
}

// shaper makes values of nodes.
type shaper struct {
	problem func(kind source.ProblemKind, at source.Range, message string)
	name    string // of what is shaped, for problems: services.web
}

func (s *shaper) bad(n *node, path, want string) value.Value {
	s.problem(source.Invalid, n.at, s.name+"."+path+" must be "+want)
	return value.Value{Kind: value.Unknown, Range: n.at}
}

// body makes the object of a mapping: only what its shape names.
func (s *shaper) body(n *node, path string, fields map[string]shape) value.Value {
	v := value.Value{Kind: value.Object, Range: n.at, Open: n.more}
	for _, f := range n.fields {
		want, known := fields[f.name]
		if !known || f.reset {
			continue
		}
		v.Fields = append(v.Fields, value.Field{Name: f.name, Value: s.value(f.node, strings.TrimPrefix(path+"."+f.name, "."), want)})
	}
	return v
}

// value makes the value of a node.
func (s *shaper) value(n *node, path string, want shape) value.Value {
	switch {
	case n.opaque:
		return value.Value{Kind: value.Unknown, Range: n.at}
	case n.null:
		return value.Value{Kind: value.Null, Range: n.at}
	}
	switch want.kind {
	case anything:
		return n.value()
	case aText, aTruth, aNumber:
		if n.kind != document.Scalar {
			return s.bad(n, path, "a single value")
		}
		return s.scalar(n, path, want.kind)
	case texts, aList, capability, security:
		if n.kind != document.Sequence {
			if n.kind == document.Scalar && n.text.hasHole() {
				return value.Value{Kind: value.Unknown, Given: true, Range: n.at}
			}
			return s.bad(n, path, "a list")
		}
		return s.list(n, path, want)
	case textMap, anObject:
		if n.kind != document.Mapping {
			return s.bad(n, path, "a mapping")
		}
		if want.kind == anObject {
			return s.body(n, path, want.fields)
		}
		v := value.Value{Kind: value.Object, Range: n.at, Open: n.more}
		for _, f := range n.fields {
			if !f.reset {
				v.Fields = append(v.Fields, value.Field{Name: f.name, Value: s.value(f.node, path+"."+f.name, word)})
			}
		}
		return v
	}
	return value.Value{Kind: value.Unknown, Range: n.at}
}

func (s *shaper) scalar(n *node, path string, want shapeKind) value.Value {
	v := n.text.value(n.at)
	if v.Kind == value.Unknown || want == aText {
		if want != aText {
			v.Text, v.Ending = "", ""
		}
		return v
	}
	text := strings.TrimSpace(v.Text)
	if want == aTruth {
		switch strings.ToLower(text) {
		case "true", "yes", "y", "on":
			return value.Value{Kind: value.Bool, Bool: true, Given: v.Given, Range: n.at}
		case "false", "no", "n", "off":
			return value.Value{Kind: value.Bool, Given: v.Given, Range: n.at}
		}
		return s.bad(n, path, "true or false")
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	if err != nil {
		return s.bad(n, path, "a number")
	}
	out := value.Value{Kind: value.Number, Number: f, Given: v.Given, Range: n.at}
	if exact := strconv.FormatFloat(f, 'f', -1, 64); len(text) > 15 && exact != text {
		out.Text = text
	}
	return out
}

func (s *shaper) list(n *node, path string, want shape) value.Value {
	if want.kind == security {
		return s.security(n)
	}
	v := value.Value{Kind: value.List, Range: n.at, Items: make([]value.Value, 0, len(n.items))}
	item := word
	if want.kind == aList {
		item = *want.item
	}
	for i, c := range n.items {
		if c.reset {
			continue
		}
		x := s.value(c, path+"["+strconv.Itoa(i)+"]", item)
		if want.kind == capability && x.Kind == value.String {
			x.Text = strings.TrimPrefix(strings.ToUpper(x.Text), "CAP_")
		}
		v.Items = append(v.Items, x)
	}
	return v
}

// securityNames are the options that come at most once, with a value; the other ones are under other.
var securityNames = []string{"apparmor", "credentialspec", "no_new_privileges", "seccomp", "systempaths"}

// security makes an object of security_opt. The last of two with one name counts.
func (s *shaper) security(n *node) value.Value {
	v := value.Value{Kind: value.Object, Range: n.at}
	var other []value.Value
	for _, item := range n.items {
		if item.kind != document.Scalar || item.null || item.opaque {
			v.Open = true
			continue
		}
		name, rest, known := securityOption(item.text)
		switch {
		case !known: // a variable says which it is
			v.Open = true
		case name == "":
			other = append(other, item.text.value(item.at))
		default:
			x := rest.value(item.at)
			if name == "no_new_privileges" {
				switch x.Text {
				case "", "true":
					if x.Kind == value.String {
						x = value.Value{Kind: value.Bool, Bool: true, Given: x.Given, Range: item.at}
					}
				case "false":
					x = value.Value{Kind: value.Bool, Given: x.Given, Range: item.at}
				}
			}
			i, there := slices.BinarySearchFunc(v.Fields, name, func(f value.Field, name string) int { return strings.Compare(f.Name, name) })
			if there {
				v.Fields[i].Value = x
			} else {
				v.Fields = slices.Insert(v.Fields, i, value.Field{Name: name, Value: x})
			}
		}
	}
	if other != nil {
		i, _ := slices.BinarySearchFunc(v.Fields, "other", func(f value.Field, name string) int { return strings.Compare(f.Name, name) })
		v.Fields = slices.Insert(v.Fields, i, value.Field{Name: "other", Value: value.Value{Kind: value.List, Items: other, Range: n.at}})
	}
	return v
}

// securityOption splits NAME:value or NAME=value. The name is empty for options that may come more than once, and not known when a
// variable gives it.
func securityOption(w words) (name string, rest words, known bool) {
	text := w.begin()
	i := strings.IndexAny(text, ":=")
	if i < 0 {
		if w.hasHole() {
			return "", nil, false
		}
		i = len(text)
	} else if _, after, ok := w.cut(text[i]); ok {
		rest = after
	}
	if rest == nil {
		rest = literal("")
	}
	name = strings.ReplaceAll(text[:i], "-", "_")
	if !slices.Contains(securityNames, name) {
		return "", nil, true
	}
	return name, rest, true
}

// value is a node as it is written: numbers and booleans where they stand without quotes.
func (n *node) value() value.Value {
	if n.opaque {
		return value.Value{Kind: value.Unknown, Range: n.at}
	}
	if n.null {
		return value.Value{Kind: value.Null, Range: n.at}
	}
	switch n.kind {
	case document.Sequence:
		v := value.Value{Kind: value.List, Range: n.at, Items: make([]value.Value, 0, len(n.items))}
		for _, item := range n.items {
			if !item.reset {
				v.Items = append(v.Items, item.value())
			}
		}
		return v
	case document.Mapping:
		v := value.Value{Kind: value.Object, Range: n.at, Open: n.more}
		for _, f := range n.fields {
			if !f.reset {
				v.Fields = append(v.Fields, value.Field{Name: f.name, Value: f.value()})
			}
		}
		return v
	}
	v := n.text.value(n.at)
	if v.Kind == value.String && n.plain {
		given := v.Given
		v = document.ReadPlain(v.Text, false)
		v.Given, v.Range = given, n.at
	}
	return v
}
