package compose

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// TestWrittenForms holds that a wish about the long form is lowered to the form that is written. Each case is a service.
func TestWrittenForms(t *testing.T) {
	whole := func(n float64) value.Value { return value.Value{Kind: value.Number, Number: n} }
	for _, c := range []struct {
		name, before string
		change       resource.Change
		want         string // refused, when it is empty
	}{
		{"address of a port", `ports: ["8080:80"]`, setTo("ports[0].host_ip", text("127.0.0.1")), `ports: ["127.0.0.1:8080:80"]`},
		{"address of a port alone", `ports: [80]`, setTo("ports[0].host_ip", text("127.0.0.1")), `ports: ["127.0.0.1::80"]`},
		{"other address", `ports: ["0.0.0.0:8080:80/udp"]`, setTo("ports[0].host_ip", text("::1")), `ports: ["[::1]:8080:80/udp"]`},
		{"no address", `ports: ["0.0.0.0:8080-8081:80-81"]`, gone("ports[0].host_ip"), `ports: ["8080-8081:80-81"]`},
		{"address of every port", `ports: ["1:1", {target: 2}]`, setTo("ports.host_ip", text("10.0.0.1")), `ports: ["10.0.0.1:1:1", {target: 2, host_ip: "10.0.0.1"}]`},
		{"port of a variable", `ports: ["127.0.0.1:${P:-1}:80"]`, setTo("ports[0].host_ip", text("10.0.0.1")), ""},
		{"port with a default", `ports: ["${P:-81}:80"]`, setTo("ports[0].host_ip", text("10.0.0.1")), `ports: ["10.0.0.1:${P:-81}:80"]`},
		{"name of a port", `ports: ["81:80"]`, setTo("ports[0].name", text("web")), ""},
		{"read only", `volumes: ["aa:/a", "/b:/b:z", "C:\\c:/c"]`, setTo("volumes.read_only", truly(true)), `volumes: ["aa:/a:ro", "/b:/b:z,ro", "C:\\c:/c:ro"]`},
		{"writable", `volumes: ["aa:/a:ro"]`, setTo("volumes[0].read_only", truly(false)), `volumes: ["aa:/a"]`},
		{"read only without a name", `volumes: ["/a"]`, setTo("volumes[0].read_only", truly(true)), ""},
		{"read only with a variable", `volumes: ["${D:-x}:/a"]`, setTo("volumes[0].read_only", truly(true)), `volumes: ["${D:-x}:/a:ro"]`},
		{"propagation", `volumes: ["/a:/a:ro,rshared"]`, gone("volumes.bind.propagation"), `volumes: ["/a:/a:ro"]`},
		{"other source", `volumes: ["/a:/a"]`, setTo("volumes[0].source", text("b")), ""},
		{"option", `security_opt: [seccomp:x]`, setTo("security_opt.no_new_privileges", truly(true)), `security_opt: [seccomp:x, "no-new-privileges:true"]`},
		{"option that is there", `security_opt: ["no-new-privileges:false"]`, setTo("security_opt.no_new_privileges", truly(true)), `security_opt: ["no-new-privileges:true"]`},
		{"one of the options", `security_opt: [seccomp=unconfined, label:x]`, gone("security_opt.seccomp"), `security_opt: [label:x]`},
		{"all options", `security_opt: [label:x]`, setTo("security_opt", value.Value{Kind: value.Object, Fields: []value.Field{{Name: "apparmor", Value: text("x")}}}), ""},
		{"variable in a list", `environment: [A=1, B]`, setTo("environment.B", text("$x")), `environment: [A=1, B=$$x]`},
		{"variable of a list is taken away", `environment: [A=1, B]`, gone("environment.A"), `environment: [B]`},
		{"build", `build: ./x`, setTo("build.target", text("prod")), "build:\n      context: ./x\n      target: prod"},
		{"context", `build: ./x`, setTo("build.context", text("./y")), `build: ./y`},
		{"list of one", `dns: 8.8.8.8`, setTo("dns", list("1.1.1.1")), "dns:\n      - \"1.1.1.1\""},
		{"empty attribute", "deploy:", setTo("deploy.resources.limits.pids", whole(9)), "deploy:\n      resources:\n        limits:\n          pids: 9"},
		{"empty options", "security_opt:", setTo("security_opt.no_new_privileges", truly(true)), "security_opt:\n      - no-new-privileges:true"},
		{"wrong kind", `privileged: true`, setTo("privileged", text("no")), ""},
		{"what is so", `privileged: ${P:-true}`, setTo("privileged", truly(true)), `privileged: ${P:-true}`},
		{"a variable's value", `privileged: ${P:-true}`, setTo("privileged", truly(false)), `privileged: false`},
		{"what does not exist", `privileged: true`, setTo("no_such", truly(false)), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			head := "services:\n  web:\n    image: a\n    "
			got, err := edited(t, head+c.before+"\n", c.change)
			switch {
			case c.want == "" && err == nil:
				t.Errorf("it is not refused but gives\n%s", got)
			case c.want != "" && err != nil:
				t.Errorf("it is refused: %v", err)
			case c.want != "":
				if diff := cmp.Diff(head+c.want+"\n", got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

// edited fulfils a wish about services.web of a file.
func edited(t *testing.T, content string, c resource.Change) (string, error) {
	t.Helper()
	tree := fstest.MapFS{"compose.yaml": &fstest.MapFile{Data: []byte(content)}}
	e, problems := New(nil).Open(context.Background(), &dialect.Workspace{FS: tree, Read: (&source.Reader{FS: tree}).Read}, []string{"compose.yaml"})
	u := e.Evaluate(context.Background(), e.Units()[0])
	if problems = append(problems, u.Problems...); len(problems) > 0 {
		t.Fatalf("%v", problems)
	}
	lowered, err := u.Edit(u.Graph.ByAddress("services.web"), []resource.Change{c})
	if err != nil {
		return "", err
	}
	after, err := source.Apply([]byte(content), lowered.Edits)
	return string(after), err
}

// TestClaims holds which files are taken.
func TestClaims(t *testing.T) {
	service := "services:\n  web:\n    image: a\n"
	for _, c := range []struct {
		path, content string
		want          bool
	}{
		{"compose.yaml", "", true},
		{"a/docker-compose.yml", "", true},
		{"docker-compose.prod.yml", "", true},
		{"docker-compose-dev.yaml", "", true},
		{"compose.override.yaml", "", true},
		{"compose.prod.yaml", service, true},
		{"compose.prod.yaml", "a: b\n", false},
		{"stack.yml", service, true},
		{"stack.yml", "version: '3'\nx-a: &a\n  b: c\n" + service, true},
		{"stack.yml", "services:\n  web:\n    build: .\nvolumes:\n", true},
		{"stack.yml", "services:\n  web:\n    class: A\n", false},
		{"values.yaml", "replicas: 1\n" + service, false},
		{".gitlab-ci.yml", "services:\n  - docker:dind\nimage: a\n", false},
		{"pipeline.yml", "steps:\n  a:\n    image: b\n" + service, false},
		{"compose.json", service, false},
		{"compose.yaml.j2", service, false},
		{"compose.go", service, false},
	} {
		if got := New(nil).Claims(c.path, func() []byte { return []byte(c.content) }); got != c.want {
			t.Errorf("%s with %q: claimed is %v, want %v", c.path, c.content, got, c.want)
		}
	}
}

// TestGiven holds that what does not stand in the code is marked: a variable that who runs it gives, and files that were left out.
func TestGiven(t *testing.T) {
	tree := fstest.MapFS{
		"compose.yaml": &fstest.MapFile{Data: []byte("services:\n  web:\n    image: a\n    env_file: [in.env, out.env]\n    environment: {A: \"${A}\", B: \"${B:-b}\", C: \"x${C}\"}\n")},
		".env":         &fstest.MapFile{Data: []byte("A=1\n")},
		"in.env":       &fstest.MapFile{Data: []byte("IN=1\n")},
		"out.env":      &fstest.MapFile{Data: []byte("OUT=1\n")},
	}
	w := &dialect.Workspace{FS: tree, Read: (&source.Reader{FS: tree}).Read, Vars: []dialect.Var{{Name: "C", Value: "c"}}}
	e, _ := New(nil).Open(context.Background(), w, []string{".env", "compose.yaml", "in.env"})
	u := e.Evaluate(context.Background(), e.Units()[0])
	var got []string
	for _, f := range u.Graph.ByAddress("services.web").Body.Field("environment").Fields {
		if f.Value.Given {
			got = append(got, f.Name)
		}
	}
	if diff := cmp.Diff("C OUT", strings.Join(got, " ")); diff != "" {
		t.Errorf("given (-want +got):\n%s", diff)
	}
}

// TestReferences holds the edges from services to what they use.
func TestReferences(t *testing.T) {
	tree := fstest.MapFS{"compose.yaml": &fstest.MapFile{Data: []byte(`services:
  web:
    image: a
    volumes: [data:/d, {type: bind, source: data, target: /x}]
    secrets: [s]
    configs: [{source: c, target: /c}]
    networks: [n]
    depends_on: [db]
    network_mode: service:db
    build: {context: ., secrets: [s]}
  db: {image: b, links: ["web:w"], volumes_from: [web]}
volumes: {data: }
networks: {n: }
secrets: {s: {file: f}}
configs: {c: {file: f}}
`)}}
	e, _ := New(nil).Open(context.Background(), &dialect.Workspace{FS: tree, Read: (&source.Reader{FS: tree}).Read}, []string{"compose.yaml"})
	u := e.Evaluate(context.Background(), e.Units()[0])
	var got []string
	for _, r := range u.Graph.Resources {
		for _, ref := range r.Refs {
			got = append(got, r.Name+"."+ref.Path.String()+" "+ref.Target)
		}
	}
	want := []string{
		"db.links[0] services.web", "db.volumes_from[0] services.web",
		"web.volumes[0].source volumes.data", "web.secrets[0].source secrets.s", "web.configs[0].source configs.c",
		"web.build.secrets[0].source secrets.s", "web.networks.n networks.n", "web.depends_on.db services.db", "web.network_mode services.db",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
