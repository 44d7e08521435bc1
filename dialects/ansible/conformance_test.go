package ansible

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

func at(s string) value.Path {
	p, ok := value.ParsePath(s)
	if !ok {
		panic(s)
	}
	return p
}

func setTo(path string, v value.Value) []resource.Change {
	return []resource.Change{{Op: resource.Set, Path: at(path), Value: v}}
}

func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

func truly(b bool) value.Value { return value.Value{Kind: value.Bool, Bool: b} }

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name: "playbook",
			Files: map[string]string{
				"site.yml": `---
# The shop.
- name: Shop
  hosts: localhost
  vars:
    acl: public-read # for the web
  tasks:
    - name: Logs # of everything
      amazon.aws.s3_bucket:
        name: acme-logs
        acl: "{{ acl }}"
        policy: "{{ policy }}"
      register: logs

    # short
    - s3_bucket: name=acme-data acl=public-read
    - name: Disks
      file:
        path: "/srv/{{ item }}"
        state: directory
      loop:
        - a
        - b
    - name: Account
      user: {name: deploy, password: "{{ hash }}"}
    - name: Key
      amazon.aws.rds_instance:
        id: orders
        vpc_security_group_ids: ["{{ group.group_id }}"]
        kms_key_id: "{{ key }}"
`,
			},
			Addresses: []string{
				`play["Shop"]`, `play["Shop"].var.acl`, `play["Shop"].task["Logs"]`, `play["Shop"].s3_bucket["Logs"]`, `play["Shop"].s3_bucket["Logs"].policy`,
				`play["Shop"].task["s3_bucket acme-data"]`, `play["Shop"].s3_bucket["s3_bucket acme-data"]`,
				`play["Shop"].task["Disks"]["a"]`, `play["Shop"].task["Disks"]["b"]`, `play["Shop"].task["Account"]`,
				`play["Shop"].task["Key"]`, `play["Shop"].rds_instance["Key"]`,
			},
			Values: []dialecttest.Value{
				{Address: `play["Shop"].s3_bucket["Logs"]`, Path: "bucket", Show: `"acme-logs"`},
				{Address: `play["Shop"].s3_bucket["Logs"]`, Path: "acl", Show: `"public-read"`, At: `"{{ acl }}"`},
				{Address: `play["Shop"].s3_bucket["s3_bucket acme-data"]`, Path: "acl", Show: `"public-read"`, At: "acl=public-read"},
				{Address: `play["Shop"].task["Disks"]["a"]`, Path: "args.path", Show: `"/srv/a"`, At: "/srv/{{ item }}"},
				{Address: `play["Shop"].task["Account"]`, Path: "args.password", At: "{{ hash }}", Wait: "hash"},
				{Address: `play["Shop"].rds_instance["Key"]`, Path: "kms_key_id", At: "{{ key }}", Wait: "key"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "set", Address: `play["Shop"].task["Account"]`, Changes: setTo("no_log", truly(true))},
				{Name: "change at its origin", Address: `play["Shop"].s3_bucket["Logs"]`, Changes: setTo("acl", text("private"))},
				{Name: "short form", Address: `play["Shop"].s3_bucket["s3_bucket acme-data"]`, Changes: setTo("acl", text("private"))},
				{Name: "short form, one more", Address: `play["Shop"].s3_bucket["s3_bucket acme-data"]`, Changes: setTo("force_destroy", truly(true))},
				{Name: "in a loop", Address: `play["Shop"].task["Disks"]["a"]`, Changes: setTo("args.mode", text("0755")), Shared: []string{`play["Shop"].task["Disks"]["b"]`}},
				{Name: "in braces", Address: `play["Shop"].task["Account"]`, Changes: setTo("args.shell", text("/bin/false"))},
				{Name: "remove", Address: `play["Shop"].s3_bucket["s3_bucket acme-data"]`, Changes: []resource.Change{{Op: resource.Remove, Path: at("acl")}}},
				{Name: "remove a block's line", Address: `play["Shop"].rds_instance["Key"]`, Changes: []resource.Change{{Op: resource.Remove, Path: at("kms_key_id")}}},
			},
		},
		{
			Name: "roles",
			Files: map[string]string{
				"play.yml": `- hosts: web
  become: true
  roles:
    - role: base
      motd: hello
  tasks:
    - name: More
      include_tasks: more.yml
      vars:
        where: /etc/more
`,
				"more.yml": `- name: Write
  copy:
    content: x
    dest: "{{ where }}"
`,
				"roles/base/tasks/main.yml": `- name: Message
  copy:
    content: "{{ motd }}"
    dest: "{{ base_dir }}/motd"
    mode: "{{ base_mode }}"
`,
				"roles/base/defaults/main.yml": `base_dir: /etc # where
motd: none
`,
				"group_vars/all.yml": `# of all
base_mode: "0644"
`,
			},
			Addresses: []string{
				`play["web"]`, `play["web"].role.base.task["Message"]`, `play["web"].tasks.more.task["Write"]`, "var.base_dir", "var.motd", "var.base_mode",
			},
			Values: []dialecttest.Value{
				{Address: `play["web"].role.base.task["Message"]`, Path: "args.content", Show: `"hello"`, At: "{{ motd }}"},
				{Address: `play["web"].role.base.task["Message"]`, Path: "args.dest", Show: `"/etc/motd"`, At: "{{ base_dir }}/motd"},
				{Address: `play["web"].role.base.task["Message"]`, Path: "args.mode", Show: `"0644"`, At: "{{ base_mode }}"},
				{Address: `play["web"].tasks.more.task["Write"]`, Path: "args.dest", Show: `"/etc/more"`, At: "{{ where }}"},
				{Address: `play["web"].tasks.more.task["Write"]`, Path: "become", Show: "true", At: "become: true"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "set", Address: `play["web"].tasks.more.task["Write"]`, Changes: setTo("args.mode", text("0600"))},
				{Name: "change in another file", Address: `play["web"].role.base.task["Message"]`, Changes: setTo("args.mode", text("0600"))},
				{Name: "change what an expression makes", Address: `play["web"].role.base.task["Message"]`, Changes: setTo("args.dest", text("/etc/issue"))},
			},
		},
		{
			Name: "settings",
			Files: map[string]string{
				"ansible.cfg": `[defaults]
inventory = hosts
; not for long
host_key_checking = False

[galaxy]
server = http://galaxy.example.com
`,
				"hosts": `[db]
db1 ansible_host=10.0.0.1

[db:vars]
port=5432
`,
				"requirements.yml": `roles:
  - name: base # ours
    src: https://git.example.com/base.git
`,
			},
			Addresses: []string{"config", `host["db1"]`, `host["db1"].var.ansible_host`, `group["db"].var.port`, `role["base"]`},
			Values: []dialecttest.Value{
				{Address: "config", Path: "defaults.host_key_checking", Show: "false", At: "host_key_checking = False"},
				{Address: `host["db1"]`, Path: "address", Show: `"10.0.0.1"`, At: "db1 ansible_host"},
				{Address: `role["base"]`, Path: "src", Show: `"https://git.example.com/base.git"`, At: "src:"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "change", Address: "config", Changes: setTo("defaults.host_key_checking", truly(true))},
				{Name: "add", Address: "config", Changes: setTo("defaults.no_log", truly(true))},
				{Name: "add a section", Address: "config", Changes: setTo("ssh_connection.pipelining", truly(true))},
				{Name: "remove", Address: "config", Changes: []resource.Change{{Op: resource.Remove, Path: at("galaxy.server")}}},
				{Name: "pin", Address: `role["base"]`, Changes: setTo("version", text("v1.2"))},
				{Name: "inventory", Address: `group["db"].var.port`, Changes: setTo("value", text("1")), Refused: true},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }
