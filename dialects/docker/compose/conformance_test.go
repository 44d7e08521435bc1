package compose

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

func setTo(p string, v value.Value) resource.Change {
	return resource.Change{Op: resource.Set, Path: at(p), Value: v}
}

func gone(p string) resource.Change { return resource.Change{Op: resource.Remove, Path: at(p)} }

func truly(b bool) value.Value  { return value.Value{Kind: value.Bool, Bool: b} }
func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
func list(all ...string) value.Value {
	v := value.Value{Kind: value.List}
	for _, s := range all {
		v.Items = append(v.Items, text(s))
	}
	return v
}

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name: "project",
			Files: map[string]string{"compose.yaml": `name: shop
services:
  # the shop
  web:
    image: nginx:${TAG}
    privileged: true # it needs that
    ports:
      - "8080:80"
      - 127.0.0.1:9000-9001:9000-9001/udp
      - target: 443
        published: "8443"
    volumes:
      - data:/var/lib/data
      - /etc/ssl:/ssl:shared
      - type: bind
        source: ./conf
        target: /conf
        bind: {propagation: slave}
    environment:
      - LEVEL=info
      - TOKEN
    security_opt:
      - apparmor:web
    depends_on: [db]
    cap_add: [net_admin]
  db:
    build: ./db
    pid: host
    environment: {POSTGRES_DB: shop, POSTGRES_USER: "${DB_USER:-shop}"}
    deploy:
      resources:
        limits: {cpus: '0.50', memory: 50M}
    secrets:
      - password
volumes:
  data:
networks:
  default:
    internal: true
secrets:
  password:
    file: ./password.txt
configs:
  web: {content: "x"}
`},
			Addresses: []string{"project", "services.web", "services.db", "volumes.data", "networks.default", "secrets.password", "configs.web"},
			Values: []dialecttest.Value{
				{Address: "project", Path: "name", Show: `"shop"`},
				{Address: "services.web", Path: "privileged", Show: "true", At: "privileged: true"},
				{Address: "services.web", Path: "image", At: "nginx:${TAG}", Wait: "TAG"},
				{Address: "services.web", Path: "ports[0].published", Show: "8080", At: `"8080:80"`},
				{Address: "services.web", Path: "ports[1].host_ip", Show: `"127.0.0.1"`},
				{Address: "services.web", Path: "ports[1].published_end", Show: "9001", At: "127.0.0.1:9000-9001:9000-9001/udp"},
				{Address: "services.web", Path: "ports[2].published", Show: "8443", At: "published"},
				{Address: "services.web", Path: "volumes[0].type", Show: `"volume"`, At: "data:/var/lib/data"},
				{Address: "services.web", Path: "volumes[1].bind.propagation", Show: `"shared"`, At: "/etc/ssl:/ssl:shared"},
				{Address: "services.web", Path: "volumes[2].bind.propagation", Show: `"slave"`},
				{Address: "services.web", Path: "environment.LEVEL", Show: `"info"`, At: "LEVEL=info"},
				{Address: "services.web", Path: "environment.TOKEN", At: "TOKEN", Wait: "TOKEN"},
				{Address: "services.web", Path: "cap_add", Show: `["NET_ADMIN"]`, At: "net_admin"},
				{Address: "services.web", Path: "security_opt.apparmor", Show: `"web"`},
				{Address: "services.db", Path: "build.context", Show: `"./db"`},
				{Address: "services.db", Path: "environment.POSTGRES_USER", Show: `"shop"`, At: "${DB_USER:-shop}"},
				{Address: "services.db", Path: "deploy.resources.limits.cpus", Show: `"0.50"`, At: "0.50"},
				{Address: "services.db", Path: "secrets[0].source", Show: `"password"`, At: "password"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "remove", Address: "services.web", Changes: []resource.Change{gone("privileged")}, Comment: true},
				{Name: "false", Address: "services.web", Changes: []resource.Change{setTo("privileged", truly(false))}},
				{Name: "short port", Address: "services.web", Changes: []resource.Change{setTo("ports[0].host_ip", text("127.0.0.1"))}},
				{Name: "long port", Address: "services.web", Changes: []resource.Change{setTo("ports[2].host_ip", text("::1"))}},
				{Name: "short mount", Address: "services.web", Changes: []resource.Change{setTo("volumes[0].read_only", truly(true))}},
				{Name: "options of mounts", Address: "services.web", Changes: []resource.Change{gone("volumes.bind.propagation")}},
				{Name: "option", Address: "services.web", Changes: []resource.Change{setTo("security_opt.no_new_privileges", truly(true))}},
				{Name: "only option", Address: "services.web", Changes: []resource.Change{gone("security_opt.apparmor")}},
				{Name: "first option", Address: "services.db", Changes: []resource.Change{setTo("security_opt.no_new_privileges", truly(true))}},
				{Name: "list", Address: "services.web", Changes: []resource.Change{setTo("cap_drop", list("ALL"))}},
				{Name: "variable in a list", Address: "services.web", Changes: []resource.Change{setTo("environment.LEVEL", text("$debug"))}},
				{Name: "new variable in a list", Address: "services.web", Changes: []resource.Change{setTo("environment.MORE", text("a b"))}},
				{Name: "variable in a mapping", Address: "services.db", Changes: []resource.Change{setTo("environment.POSTGRES_DB", text("${x}"))}},
				{Name: "deep", Address: "services.db", Changes: []resource.Change{setTo("deploy.resources.limits.pids", value.Value{Kind: value.Number, Number: 100})}},
				{Name: "deep and new", Address: "services.web", Changes: []resource.Change{setTo("deploy.resources.limits.pids", value.Value{Kind: value.Number, Number: 100})}},
				{Name: "build", Address: "services.db", Changes: []resource.Change{setTo("build.dockerfile", text("Dockerfile.db"))}},
				{Name: "network", Address: "networks.default", Changes: []resource.Change{setTo("internal", truly(false))}},
				{Name: "empty volume", Address: "volumes.data", Changes: []resource.Change{setTo("driver", text("local"))}},
				{Name: "name", Address: "services.web", Changes: []resource.Change{setTo("name", text("w"))}, Refused: true},
				{Name: "create", Address: "services.web", Changes: []resource.Change{{Op: resource.Create, New: &resource.Companion{Type: "compose_volume"}}}, Refused: true},
			},
		},
		{
			Name: "files",
			Files: map[string]string{
				"compose.yaml": `include:
  - path: db/compose.yaml
x-common: &common
  cap_drop: [ALL]
  privileged: true
services:
  web:
    <<: *common
    extends: {file: common.yml, service: base}
    image: web
    ports: ["80:80"]
  job:
    <<: *common
    image: job
    deploy: &deploy
      resources: {limits: {memory: 1G}}
  late:
    extends: job
    image: late
    deploy: *deploy
`,
				"compose.override.yaml": "services:\n  web:\n    ports: [\"443:443\", \"80:80\"]\n    read_only: true\n",
				"docker-compose.prod.yml": `services:
  web:
    restart: always
    ports: !override ["8443:443"]
    privileged: !reset
`,
				"common.yml":      "services:\n  base:\n    image: base\n    init: true\n    pid: host\n    env_file: web.env\n",
				"db/compose.yaml": "services:\n  db:\n    image: postgres:${PG:-16}\n    environment: {POSTGRES_PASSWORD: \"${PW}\"}\n",
				"db/.env":         "PG=17 # new\nPW='secret'\n",
				"web.env":         "A=1\nB=${A}2\n",
			},
			Addresses: []string{
				"project", "services.web", "services.job", "services.late", "services.db",
				"prod: project", "prod: services.web", "prod: services.job", "prod: services.late", "prod: services.db",
			},
			Values: []dialecttest.Value{
				{Address: "services.web", Path: "init", Show: "true", At: "init: true"},
				{Address: "services.web", Path: "read_only", Show: "true", At: "read_only"},
				{Address: "services.web", Path: "privileged", Show: "true", At: "privileged: true"},
				{Address: "services.web", Path: "ports[1].published", Show: "443", At: "443:443"},
				{Address: "services.web", Path: "environment.B", Show: `"12"`, At: "B=${A}2"},
				{Address: "services.late", Path: "deploy.resources.limits.memory", Show: `"1G"`, At: "memory"},
				{Address: "prod: services.web", Path: "ports[0].target", Show: "443", At: "8443:443"},
				{Address: "prod: services.web", Path: "privileged", Show: "(not set)", At: ""},
				{Address: "services.db", Path: "image", Show: `"postgres:17"`, At: "${PG:-16}"},
				{Address: "services.db", Path: "environment.POSTGRES_PASSWORD", Show: `"secret"`, At: "${PW}"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "extended", Address: "services.web", Changes: []resource.Change{gone("pid")}, Shared: []string{"services.web"}},
				{Name: "merged", Address: "services.job", Changes: []resource.Change{gone("privileged")}, Shared: []string{"services.job", "services.late", "services.web"}},
				{Name: "beside what is merged", Address: "services.late", Changes: []resource.Change{setTo("privileged", truly(false))}, Shared: []string{"services.job", "services.late"}},
				{Name: "overridden", Address: "services.web", Changes: []resource.Change{setTo("read_only", truly(false))}},
				{Name: "new", Address: "services.web", Changes: []resource.Change{setTo("tty", truly(true))}, Shared: []string{"services.web"}},
				{Name: "variant", Address: "prod: services.web", Changes: []resource.Change{setTo("restart", text("no"))}},
				{Name: "included", Address: "services.db", Changes: []resource.Change{setTo("image", text("postgres:18"))}, Shared: []string{"services.db"}},
				{Name: "anchor", Address: "services.late", Changes: []resource.Change{setTo("deploy.resources.limits.memory", text("2G"))}, Shared: []string{"services.job", "services.late"}},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }
