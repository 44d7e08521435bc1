package compose

import (
	"slices"

	"plumbline.dev/plumbline/document"
)

// merge puts one file's version of something over another's, as https://docs.docker.com/reference/compose-file/merge/ says: mappings
// are merged, sequences appended, everything else replaced. Both are in the long form, so that most exceptions have been dealt with. Path is where they
// stand, from the section on. Own says that new attributes belong to the upper one: it extends the lower.
func (l *loader) merge(lower, upper *node, path []string, own bool) *node {
	switch {
	case lower == nil:
		return upper
	case upper == nil:
		return lower
	case lower.reset, upper.reset, upper.alone, lower.opaque, upper.opaque:
		return over(lower, upper)
	case upper.null:
		return lower
	case lower.null || lower.kind != upper.kind || upper.kind == document.Scalar || replaced(path):
		return over(lower, upper)
	}
	if !l.charge(1+len(lower.fields)+len(lower.items)+len(upper.fields)+len(upper.items), upper.at) {
		return upper
	}
	if upper.kind == document.Sequence {
		return appended(lower, upper, path)
	}
	if isLogging(path) {
		a, okA := lower.get("driver").scalar()
		b, okB := upper.get("driver").scalar()
		if okA && okB && a != b {
			return over(lower, upper)
		}
	}
	out := *lower
	if own {
		out = *upper
	}
	out.before = append(lower.places(), upper.places()...)
	out.more = lower.more || upper.more
	out.fields = make([]field, 0, len(lower.fields)+len(upper.fields))
	i, j := 0, 0
	for i < len(lower.fields) || j < len(upper.fields) {
		switch {
		case j == len(upper.fields) || i < len(lower.fields) && lower.fields[i].name < upper.fields[j].name:
			out.fields = append(out.fields, lower.fields[i])
			i++
		case i == len(lower.fields) || upper.fields[j].name < lower.fields[i].name:
			out.fields = append(out.fields, upper.fields[j])
			j++
		default:
			name := upper.fields[j].name
			out.fields = append(out.fields, field{name, l.merge(lower.fields[i].node, upper.fields[j].node, append(path[:len(path):len(path)], name), own)})
			i, j = i+1, j+1
		}
	}
	return &out
}

// over is the upper node in the place of the lower one.
func over(lower, upper *node) *node {
	out := *upper
	out.before = append(lower.places(), upper.places()...)
	return &out
}

// replaced reports whether what stands at a path is never merged: the commands of a shell.
func replaced(path []string) bool {
	if len(path) < 3 || path[0] != "services" {
		return false
	}
	switch path[2] {
	case "command", "entrypoint":
		return len(path) == 3
	case "healthcheck":
		return len(path) == 4 && path[3] == "test"
	}
	return false
}

func isLogging(path []string) bool {
	return len(path) == 3 && path[0] == "services" && path[2] == "logging"
}

// appended is two sequences in a row. Of entries that stand for the same thing the upper one stays, in the place of the lower.
func appended(lower, upper *node, path []string) *node {
	out := *lower
	out.before = append(lower.places(), upper.places()...)
	out.items = slices.Clone(lower.items)
	index := make(map[string]int, len(lower.items))
	for i, item := range lower.items {
		if key := uniqueKey(item, path); key != "" {
			index[key] = i
		}
	}
	for _, item := range upper.items {
		key := uniqueKey(item, path)
		if i, ok := index[key]; ok && key != "" {
			out.items[i] = over(out.items[i], item)
			continue
		}
		if key != "" {
			index[key] = len(out.items)
		}
		out.items = append(out.items, item)
	}
	return &out
}

// uniqueKey is what may come only once in a sequence: the place in the container of what is mounted, a published port, a text.
// Empty when it is not known.
func uniqueKey(n *node, path []string) string {
	if n.kind == document.Scalar {
		text, _ := n.scalar()
		return text
	}
	if len(path) != 3 || path[0] != "services" || n.kind != document.Mapping {
		return ""
	}
	part := func(name, standard string) (string, bool) {
		f := n.get(name)
		if f == nil {
			return standard, true
		}
		return f.scalar()
	}
	switch path[2] {
	case "volumes", "devices":
		target, _ := part("target", "")
		return target
	case "secrets", "configs":
		target, ok := part("target", "")
		if ok && target == "" {
			target, _ = part("source", "")
		}
		return target
	case "env_file":
		text, _ := part("path", "")
		return text
	case "ports":
		key := ""
		for _, p := range [...][2]string{{"host_ip", "0.0.0.0"}, {"published", ""}, {"target", ""}, {"protocol", "tcp"}} {
			text, ok := part(p[0], p[1])
			if !ok {
				return ""
			}
			key += text + "/"
		}
		return key
	}
	return ""
}
