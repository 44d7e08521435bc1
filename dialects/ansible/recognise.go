package ansible

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// kind says what a file of a project is.
type kind uint8

const (
	nothing kind = iota
	playbook
	tasks
	variables
	inventoryINI
	inventoryYAML
	settings     // ansible.cfg
	requirements // of ansible-galaxy
	meta         // of a role
)

// maxRecognised bounds how many lines of a file are looked at.
const maxRecognised = 4000

// recognise says what a file is, from its path and, where that leaves it open, from the keys at its top.
func recognise(name string, content func() []byte) kind {
	base := path.Base(name)
	if base == "ansible.cfg" || base == ".ansible.cfg" {
		return settings
	}
	ext := strings.ToLower(path.Ext(base))
	isYAML := ext == ".yml" || ext == ".yaml"
	parts := strings.Split(path.Dir(name), "/")
	in := func(dir string) bool { return slices.Contains(parts, dir) }
	if (in("group_vars") || in("host_vars")) && (isYAML || ext == "" || ext == ".json") {
		return variables
	}
	if !isYAML {
		inventoryDir := in("inventory") || in("inventories") || in("hosts")
		if base == "hosts" || base == "inventory" || ext == ".ini" && (inventoryDir || base == "hosts.ini" || base == "inventory.ini") || ext == "" && inventoryDir {
			if looksINI(content()) {
				return inventoryINI
			}
		}
		return nothing
	}
	if in("templates") || in("files") {
		return nothing
	}
	dir := parts[len(parts)-1]
	role := len(parts) >= 2 && (parts[len(parts)-2] != "" && slices.Contains(parts[:len(parts)-1], "roles"))
	text := content()
	if text == nil {
		return nothing
	}
	top := look(text)
	if top.list {
		return ofList(base, dir, role, &top)
	}
	if top.has("apiVersion") && top.has("kind") || top.has("AWSTemplateFormatVersion") || top.has("$schema") {
		return nothing
	}
	switch {
	case base == "requirements.yml" || base == "requirements.yaml":
		if top.has("roles") || top.has("collections") {
			return requirements
		}
	case (dir == "defaults" || dir == "vars") && (role || strings.TrimSuffix(base, path.Ext(base)) == "main"):
		return variables
	case dir == "meta" && strings.TrimSuffix(base, path.Ext(base)) == "main" && (top.has("galaxy_info") || top.has("dependencies")):
		return meta
	}
	inventory := in("inventory") || in("inventories") || slices.Contains([]string{"hosts", "inventory"}, strings.TrimSuffix(base, path.Ext(base)))
	if inventory && !top.has("plugin") && (top.has("all") || top.groups) {
		return inventoryYAML
	}
	return nothing
}

// ofList says what a file is whose top is a list.
func ofList(base, dir string, role bool, top *top) kind {
	if top.has("hosts") || top.has("import_playbook") || top.has("ansible.builtin.import_playbook") {
		return playbook
	}
	if (base == "requirements.yml" || base == "requirements.yaml") && (top.has("src") || top.has("name")) {
		return requirements
	}
	full, known := false, false
	for key := range top.keys {
		if strings.HasPrefix(key, "ansible.builtin.") || strings.Count(key, ".") == 2 && modules()[key[strings.LastIndexByte(key, '.')+1:]] != "" {
			full = true
		}
		switch key {
		case "include_tasks", "import_tasks", "include_role", "import_role", "set_fact", "block":
			full = full || key != "block"
			known = true
		case "register", "notify", "when", "become", "loop", "action", "local_action", "no_log", "delegate_to", "include", "include_vars":
			known = true
		}
		known = known || isModule(key) || strings.HasPrefix(key, "with_")
	}
	if full || known && (dir == "tasks" || dir == "handlers") || known && role && top.has("name") {
		return tasks
	}
	return nothing
}

// top is what stands at the top of a YAML file.
type top struct {
	list   bool            // it is a list; keys are those of its items
	keys   map[string]bool // at the top, or of the items
	groups bool            // the word hosts or children is a key below the top
}

func (t *top) has(key string) bool { return t.keys[key] }

// look reads the keys at the top of a file line by line, without parsing it.
func look(text []byte) top {
	t := top{keys: map[string]bool{}}
	first, indent, n := true, -1, 0
	for len(text) > 0 && n < maxRecognised {
		n++
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		trimmed := bytes.TrimLeft(line, " ")
		if len(trimmed) == 0 || trimmed[0] == '#' || trimmed[0] == '\r' || bytes.HasPrefix(trimmed, []byte("---")) || trimmed[0] == '%' || bytes.HasPrefix(trimmed, []byte("\xef\xbb\xbf---")) {
			continue
		}
		at := len(line) - len(trimmed)
		if trimmed[0] == '-' && (len(trimmed) == 1 || trimmed[1] == ' ' || trimmed[1] == '\r') {
			if first {
				t.list, first = true, false
				indent = at
			}
			if t.list && at == indent {
				if inner := bytes.TrimLeft(trimmed[1:], " "); len(inner) > 0 {
					t.key(inner)
				}
			}
			continue
		}
		if first {
			indent, first = at, false
		}
		switch {
		case t.list && at > indent && at <= indent+4 && at == t.column(line, indent):
			t.key(trimmed)
		case !t.list && at == indent:
			t.key(trimmed)
		case !t.list && (bytes.HasPrefix(trimmed, []byte("hosts:")) || bytes.HasPrefix(trimmed, []byte("children:"))):
			t.groups = true
		}
	}
	return t
}

// column returns where the keys of a list's items stand that do not follow the dash: two behind it, as everybody writes, or
// where the line itself begins when it stands at most four behind.
func (t *top) column(line []byte, indent int) int {
	at := len(line) - len(bytes.TrimLeft(line, " "))
	if at == indent+2 || at == indent+4 {
		return at
	}
	return -1
}

func (t *top) key(line []byte) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 || i+1 < len(line) && line[i+1] != ' ' && line[i+1] != '\r' && line[i+1] != '\t' {
		return
	}
	t.keys[string(bytes.Trim(line[:i], `"' `))] = true
}

// looksINI reports whether a text is an inventory: it has groups in brackets, or connection variables.
func looksINI(text []byte) bool {
	n := 0
	for line := range bytes.Lines(text) {
		if n++; n > maxRecognised {
			break
		}
		line = bytes.TrimSpace(line)
		if len(line) > 2 && line[0] == '[' && line[len(line)-1] == ']' || bytes.Contains(line, []byte(" ansible_host=")) || bytes.Contains(line, []byte(" ansible_connection=")) {
			return true
		}
	}
	return false
}
