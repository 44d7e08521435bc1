package ansible

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// tree is files by name, written one after another behind lines like "-- name --".
func tree(s string) fstest.MapFS {
	out := fstest.MapFS{}
	name := "site.yml"
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out[name] = &fstest.MapFile{Data: []byte(b.String())}
		}
		b.Reset()
	}
	for line := range strings.Lines(s) {
		if rest, ok := strings.CutPrefix(line, "-- "); ok {
			flush()
			name = strings.TrimSuffix(strings.TrimSpace(rest), " --")
			continue
		}
		b.WriteString(line)
	}
	flush()
	return out
}

// evaluated evaluates every unit of a tree.
func evaluated(t *testing.T, s string, vars ...dialect.Var) (*resource.Graph, []source.Problem, []dialect.UnitName) {
	t.Helper()
	files := tree(s)
	reader := &source.Reader{FS: files}
	d := New(schema.Load())
	w := &dialect.Workspace{FS: files, Read: reader.Read, Vars: vars, Env: func(string) (string, bool) { return "", false }}
	paths, _ := source.Walk(files, ".")
	paths = slices.DeleteFunc(paths, func(p string) bool { return !d.Claims(p, func() []byte { return reader.Head(p) }) })
	e, problems := d.Open(context.Background(), w, paths)
	var all []*resource.Resource
	for _, name := range e.Units() {
		u := e.Evaluate(context.Background(), name)
		problems = append(problems, u.Problems...)
		all = append(all, u.Graph.Resources...)
	}
	return resource.NewGraph(all, nil), problems, e.Units()
}

// told evaluates a tree and lists what its debug tasks say, in order of address: "address: message".
func told(t *testing.T, s string, vars ...dialect.Var) []string {
	t.Helper()
	g, problems, _ := evaluated(t, s, vars...)
	for _, p := range problems {
		t.Errorf("%s problem in %s: %s", p.Kind, p.Range.File, p.Message)
	}
	var out []string
	for _, r := range g.Resources {
		if r.Type != taskType || !strings.HasSuffix(r.Native, ".debug") {
			continue
		}
		v := r.Body.Field("args").Field("msg")
		text := value.Show(v)
		if v.Kind == value.Unknown {
			text = "?"
		}
		if r.Maybe {
			text += " maybe"
		}
		name := r.Address
		if cut := strings.Index(name, "."); cut >= 0 {
			name = name[cut+1:]
		}
		out = append(out, name+": "+text)
	}
	return out
}

func TestVariables(t *testing.T) {
	tests := []struct {
		name, tree string
		vars       []dialect.Var
		want       []string
	}{
		{name: "strength", tree: `
- hosts: web
  vars: {b: play, c: play, d: play, e: play}
  vars_files: [more.yml]
  roles: [r]
-- more.yml --
c: file
d: file
e: file
-- group_vars/all.yml --
a: all
b: all
-- roles/r/defaults/main.yml --
a: default
z: default
-- roles/r/vars/main.yml --
d: role
e: role
-- roles/r/tasks/main.yml --
- debug: msg="{{ z }} {{ a }} {{ b }} {{ c }} {{ d }}"
- name: own
  vars: {d: task, e: task}
  debug: {msg: "{{ d }} {{ e }}"}
- include_tasks: in.yml
-- roles/r/tasks/in.yml --
- set_fact: {d: fact}
- name: after
  debug: {msg: "{{ d }} {{ e }}"}
`, vars: []dialect.Var{{Name: "e", Value: "outside"}}, want: []string{
			`role.r.task["debug"]: "default all play file role"`, `role.r.task["own"]: "task outside"`, `role.r.tasks.in.task["after"]: "fact outside"`,
		}},
		{name: "groups", tree: `
- hosts: web
  tasks:
    - debug: {msg: "{{ a }} {{ b }} {{ h }} {{ x }}"}
- hosts: web,db
  tasks:
    - {name: both, debug: {msg: "{{ a }}"}}
    - {name: same, debug: {msg: "{{ same }}"}}
- hosts: db
  tasks:
    - {name: parent, debug: {msg: "{{ a }} {{ p }}"}}
-- hosts --
[web]
w1 h=ini

[db]
d[1:2]

[prod:children]
db

[web:vars]
x=1
-- group_vars/all.yml --
a: all
b: all
-- group_vars/web.yml --
a: web
same: one
-- group_vars/db/main.yml --
same: one
-- group_vars/prod.yml --
p: prod
a: prod
-- host_vars/w1.yml --
b: host
`, want: []string{`task["parent"]: "prod prod"`, `task["debug"]: "web host ini 1"`, `task["both"]: ?`, `task["same"]: "one"`}},
		{name: "an inventory in YAML", tree: `
- hosts: all
  tasks:
    - debug: {msg: "{{ a }} {{ b }}"}
-- inventory/hosts.yml --
all:
  vars: {a: all}
  children:
    web:
      hosts:
        w1: {b: one}
-- inventory/group_vars/web.yml --
a: web
`, want: []string{`task["debug"]: "web one"`}},
		{name: "lazy, and in circles", tree: `
- hosts: localhost
  vars: {a: "{{ b }}", b: "{{ c }}", x: "{{ y }}", y: "{{ x }}", secret: !vault "x", raw: !unsafe "{{ b }}"}
  tasks:
    - debug: {msg: "{{ a }}"}
      vars: {c: 1}
    - {name: circle, debug: {msg: "{{ x }}"}}
    - {name: vault, debug: {msg: "{{ secret }}"}}
    - {name: unsafe, debug: {msg: "{{ raw }}"}}
`, want: []string{`task["circle"]: ?`, `task["debug"]: 1`, `task["unsafe"]: "{{ b }}"`, `task["vault"]: ?`}},
		{name: "params of roles", tree: `
- hosts: localhost
  roles:
    - {role: r, a: param}
    - {role: r, vars: {a: vars}}
  tasks:
    - include_role: {name: r}
      vars: {a: included}
-- roles/r/defaults/main.yml --
a: default
-- roles/r/tasks/main.yml --
- debug: msg={{ a }}
`, want: []string{`role.r.task["debug"]: "param"`, `role.r.task["debug"]#2: "vars"`, `role.r.task["debug"]#3: "included"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, told(t, tt.tree, tt.vars...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTasks(t *testing.T) {
	tests := []struct {
		name, tree string
		want       []string
	}{
		{"conditions", `
- hosts: localhost
  vars: {on: true, off: no, text: "yes"}
  tasks:
    - {name: a, debug: {msg: x}, when: on}
    - {name: b, debug: {msg: x}, when: off}
    - {name: c, debug: {msg: x}, when: nobody_knows}
    - {name: d, debug: {msg: x}, when: [on, "not off"]}
    - {name: e, debug: {msg: x}, when: [off, nobody_knows]}
    - {name: f, debug: {msg: x}, when: text | bool}
    - {name: g, debug: {msg: x}, when: "'a' in ['b']"}
    - block:
        - {name: h, debug: {msg: x}}
      when: off
    - block:
        - {name: i, debug: {msg: x}}
      rescue:
        - {name: j, debug: {msg: x}}
      when: ansible_os_family == "Debian"
`, []string{`task["a"]: "x"`, `task["c"]: "x" maybe`, `task["d"]: "x"`, `task["f"]: "x"`, `task["i"]: "x" maybe`, `task["j"]: "x" maybe`}},
		{"loops", `
- hosts: localhost
  vars:
    list: [1, 2]
    users: {ada: {id: 1}, bob: {id: 2}}
  tasks:
    - {name: a, debug: {msg: "{{ item }}"}, loop: [x, y]}
    - {name: b, debug: {msg: "{{ item }}"}, with_items: "{{ list }}"}
    - {name: c, debug: {msg: "{{ item.key }} {{ item.value.id }}"}, with_dict: "{{ users }}"}
    - {name: d, debug: {msg: "{{ u.name }}"}, loop: [{name: x}], loop_control: {loop_var: u}}
    - {name: e, debug: {msg: "{{ item }}"}, loop: "{{ nobody_knows }}"}
    - {name: f, debug: {msg: "{{ item }}"}, with_items: [a, [b, c]]}
    - {name: g, debug: {msg: "{{ item }}"}, loop: [1, 2, 3], when: item > 2}
    - {name: h, debug: {msg: same}, loop: [1, 2, 3]}
    - {name: i, debug: {msg: "{{ item[0] }}{{ item[1] }}"}, with_nested: [[a], [b, c]]}
    - {name: j, debug: {msg: "{{ item }}"}, loop: []}
`, []string{
			`task["a"]["x"]: "x"`, `task["a"]["y"]: "y"`, `task["b"][0]: 1`, `task["b"][1]: 2`, `task["c"]["ada"]: "ada 1"`, `task["c"]["bob"]: "bob 2"`,
			`task["d"]["x"]: "x"`, `task["e"][*]: ? maybe`, `task["f"]["a"]: "a"`, `task["f"]["b"]: "b"`, `task["f"]["c"]: "c"`, `task["g"][2]: 3`,
			`task["h"][0]: "same"`, `task["i"][0]: "ab"`, `task["i"][1]: "ac"`,
		}},
		{"ways to call a module", `
- hosts: localhost
  tasks:
    - {name: a, action: debug msg=x}
    - {name: b, local_action: {module: debug, msg: x}}
    - {name: c, ansible.builtin.debug: {msg: x}}
    - {name: d, debug: "", args: {msg: x}}
    - {name: e, debug: {}}
  module_defaults:
    debug: {msg: default}
`, []string{`task["a"]: "x"`, `task["b"]: "x"`, `task["c"]: "x"`, `task["d"]: "x"`, `task["e"]: "default"`}},
		{"includes", `
- hosts: localhost
  tasks:
    - include_tasks: one.yml
      vars: {v: 1}
    - include_tasks: {file: one.yml}
      loop: [x, y]
      vars: {v: "{{ item }}"}
    - include_tasks: "on-{{ ansible_os_family }}.yml"
  handlers:
    - {name: handler, debug: {msg: x}}
-- one.yml --
- debug: {msg: "{{ v }}"}
-- on-Debian.yml --
- debug: {msg: deb}
-- on-RedHat.yml --
- debug: {msg: rpm}
`, []string{
			`task["handler"]: "x"`, `tasks.on-Debian.task["debug"]: "deb" maybe`, `tasks.on-RedHat.task["debug"]: "rpm" maybe`,
			`tasks.one.task["debug"]: 1`, `tasks.one["x"].task["debug"]: "x"`, `tasks.one["y"].task["debug"]: "y"`,
		}},
		{"facts", `
- hosts: localhost
  tasks:
    - set_fact: {a: 1, b: "{{ nobody_knows }}"}
    - {name: a, debug: {msg: "{{ a }} {{ b }}"}}
    - command: uptime
      register: up
    - {name: up, debug: {msg: "{{ up.stdout }}"}}
- hosts: localhost
  tasks:
    - {name: kept, debug: {msg: "{{ a }}"}}
`, []string{`task["kept"]: 1`, `task["a"]: ?`, `task["up"]: ?`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, told(t, tt.tree)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCloud(t *testing.T) {
	g, _, _ := evaluated(t, `
- hosts: localhost
  collections: [amazon.aws]
  tasks:
    - {name: group, ec2_group: {name: web}, register: group}
    - {name: groups, amazon.aws.ec2_security_group: {name: "{{ item }}"}, loop: [a, b], register: groups}
    - name: web
      community.aws.ec2_instance:
        security_groups: ["{{ group.group_id }}", "{{ groups.results[0].group_id }}"]
    - {name: gone, s3_bucket: {name: x, state: absent}}
    - {name: perhaps, s3_bucket: {name: x, state: "{{ state }}"}}
`)
	var got []string
	for _, r := range g.Resources {
		if strings.HasPrefix(r.Type, "ansible_") {
			continue
		}
		line := r.Type + " " + r.Address
		if r.Maybe {
			line += " maybe"
		}
		for _, ref := range r.Refs {
			line += " " + ref.Path.String() + "=" + ref.Target + "." + ref.Attribute
		}
		got = append(got, line)
	}
	want := []string{
		`aws_instance play["localhost"].ec2_instance["web"] vpc_security_group_ids[0]=play["localhost"].ec2_security_group["group"].id vpc_security_group_ids[1]=play["localhost"].ec2_security_group["groups"].id`,
		`aws_security_group play["localhost"].ec2_security_group["group"]`,
		`aws_security_group play["localhost"].ec2_security_group["groups"]["a"]`,
		`aws_security_group play["localhost"].ec2_security_group["groups"]["b"]`,
		`aws_s3_bucket play["localhost"].s3_bucket["perhaps"] maybe`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProblems(t *testing.T) {
	_, problems, _ := evaluated(t, `
- hosts: web
  roles: [gone]
  vars_files: [gone.yml]
  tasks:
    - include_tasks: a.yml
    - include_tasks: gone-too.yml
- import_playbook: gone-as-well.yml
- import_playbook: site.yml
-- a.yml --
- include_tasks: a.yml
-- roles/x/tasks/main.yml --
- include_role: {name: x}
-- broken/site.yml --
- hosts: [
-- group_vars/all.yml --
$ANSIBLE_VAULT;1.1;AES256
6231
`)
	var got []string
	for _, p := range problems {
		message, _, _ := strings.Cut(p.Message, ";")
		message, _, _ = strings.Cut(message, ":")
		got = append(got, string(p.Kind)+" "+p.Range.File+" "+message)
	}
	slices.Sort(got)
	want := []string{
		"invalid a.yml the file a.yml includes itself in a circle",
		"invalid broken/site.yml",
		"invalid roles/x/tasks/main.yml the role x includes itself in a circle",
		"invalid site.yml the playbook site.yml is imported in a circle",
		"unresolved site.yml the file of variables gone.yml is not there",
		"unresolved site.yml the playbook gone-as-well.yml is not there",
		"unresolved site.yml the role gone is not in the tree",
		"unresolved site.yml the tasks gone-too.yml that are included here are not there",
	}
	for i := range got {
		if strings.HasPrefix(got[i], "invalid broken/site.yml") {
			got[i] = "invalid broken/site.yml"
		}
	}
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnits(t *testing.T) {
	_, _, units := evaluated(t, `
- hosts: all
  roles: [used]
-- used-by-site.yml --
- import_playbook: site.yml
-- roles/used/tasks/main.yml --
- debug:
-- roles/used/defaults/main.yml --
a: 1
-- roles/alone/tasks/main.yml --
- import_tasks: more.yml
-- roles/alone/tasks/more.yml --
- debug:
-- roles/alone/tasks/never.yml --
- debug:
-- roles/alone/meta/main.yml --
dependencies: [dep]
-- roles/dep/tasks/main.yml --
- debug:
-- ansible.cfg --
[defaults]
-- requirements.yml --
roles: [x]
`)
	var got []string
	for _, u := range units {
		got = append(got, u.Dir)
	}
	want := []string{"ansible.cfg", "requirements.yml", "roles/alone", "roles/alone/tasks/never.yml", "roles/used/defaults/main.yml", "used-by-site.yml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestClaims(t *testing.T) {
	tests := []struct {
		path, text string
		want       kind
	}{
		{"site.yml", "---\n# x\n- name: x\n  hosts: all\n", playbook},
		{"x/deploy.yaml", "- import_playbook: a.yml\n", playbook},
		{"site.yml", "- hosts: all\r\n  tasks: []\r\n", playbook},
		{"roles/a/tasks/main.yml", "- name: x\n  copy:\n    src: x\n", tasks},
		{"tasks/setup.yml", "- name: x\n  when: y\n  command: z\n", tasks},
		{"x/y.yml", "- name: x\n  ansible.builtin.copy:\n    src: x\n", tasks},
		{"roles/a/defaults/main.yml", "a: 1\n", variables},
		{"group_vars/all", "a: 1\n", variables},
		{"group_vars/all/vault.yml", "$ANSIBLE_VAULT;1.1;AES256\n", variables},
		{"requirements.yml", "collections:\n  - x.y\n", requirements},
		{"ansible.cfg", "", settings},
		{"hosts", "[web]\na\n", inventoryINI},
		{"inventory/prod.yml", "all:\n  hosts:\n    a:\n", inventoryYAML},
		{"deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\n", nothing},
		{"tasks/pod.yaml", "apiVersion: v1\nkind: Pod\n", nothing},
		{"requirements.yaml", "dependencies:\n  - name: x\n", nothing},
		{"chart/templates/x.yaml", "- hosts: {{ .Values.x }}\n", nothing},
		{"docker-compose.yml", "services:\n  a:\n    image: x\n", nothing},
		{".github/workflows/ci.yml", "on: push\njobs:\n  a:\n    steps:\n      - name: x\n        run: y\n", nothing},
		{".pre-commit-hooks.yaml", "- id: x\n  name: x\n  entry: y\n", nothing},
		{"template.yaml", "AWSTemplateFormatVersion: x\nResources:\n", nothing},
		{"data/files.yml", "- name: x\n  file: y\n", nothing},
		{"pipelines/tasks/build.yml", "steps:\n  - script: x\n", nothing},
		{"vars/main.json", "{}", nothing},
		{"etc/hosts", "127.0.0.1 localhost\n", nothing},
		{"inventory/aws_ec2.yml", "plugin: aws_ec2\n", nothing},
	}
	for _, tt := range tests {
		if got := recognise(tt.path, func() []byte { return []byte(tt.text) }); got != tt.want {
			t.Errorf("%s is %d, want %d", tt.path, got, tt.want)
		}
	}
	if recognise("x.yml", func() []byte { return nil }) != nothing {
		t.Error("a file that cannot be read is claimed")
	}
}

// TestBombs holds that what grows with each name it is given ends in a problem, soon.
func TestBombs(t *testing.T) {
	var doubled strings.Builder
	doubled.WriteString("- hosts: localhost\n  vars:\n    a0: [1, 1, 1, 1]\n")
	for i := range 30 {
		fmt.Fprintf(&doubled, "    a%d: [\"{{ a%d }}\", \"{{ a%d }}\"]\n", i+1, i, i)
	}
	doubled.WriteString("  tasks:\n    - {debug: {msg: \"{{ a30 }}\"}}\n")
	loops := "- hosts: localhost\n  tasks:\n    - {include_tasks: a.yml, loop: \"{{ range(2000) | list }}\"}\n" +
		"-- a.yml --\n- {include_tasks: b.yml, loop: \"{{ range(2000) | list }}\"}\n-- b.yml --\n- {debug: {msg: x}, when: false, loop: \"{{ range(2000) | list }}\"}\n"
	for name, text := range map[string]string{"doubled": doubled.String(), "loops": loops} {
		start := time.Now()
		_, problems, _ := evaluated(t, text)
		if !slices.ContainsFunc(problems, func(p source.Problem) bool { return p.Kind == source.Limit }) {
			t.Errorf("%s: no limit is told of", name)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}
