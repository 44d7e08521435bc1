package rule

import (
	"strings"
	"testing"

	"plumbline.dev/plumbline/value"
)

func TestConceal(t *testing.T) {
	text := func(s string) value.Value { return value.Value{Kind: value.String, Text: s} }
	object := func(name string, v value.Value) value.Value {
		return value.Value{Kind: value.Object, Fields: []value.Field{{Name: name, Value: v}}}
	}
	variable := value.Value{Kind: value.Object, Fields: []value.Field{{Name: "name", Value: text("DB_PASSWORD")}, {Name: "value", Value: text("SuperSecret123")}}}
	begun := value.Value{Kind: value.Unknown, Text: "SuperSecret123"}
	whole := object("password", text("SuperSecret123"))
	tests := map[string]struct {
		path value.Path
		v    value.Value
		all  bool
		want string
	}{
		"by its name":        {value.Path{{Name: "master_password"}}, text("SuperSecret123"), false, `"(hidden)"`},
		"a name within":      {nil, object("DB_PASSWORD", text("SuperSecret123")), false, `{"DB_PASSWORD": "(hidden)"}`},
		"a name beside":      {nil, variable, false, `{"name": "DB_PASSWORD", "value": "(hidden)"}`},
		"by its looks":       {value.Path{{Name: "user_data"}}, text("password=SuperSecret123"), false, `"(hidden)"`},
		"all":                {value.Path{{Name: "value"}}, text("SuperSecret123"), true, `"(hidden)"`},
		"which it is":        {value.Path{{Name: "variables"}, {Name: "name"}}, text("DB_PASSWORD"), true, `"DB_PASSWORD"`},
		"which they are":     {value.Path{{Name: "static_credentials"}, {Index: 1}}, text("aws-access-key-id"), true, `"aws-access-key-id"`},
		"a name that is one": {value.Path{{Name: "name"}}, text("password=SuperSecret123"), true, `"(hidden)"`},
		"a beginning":        {value.Path{{Name: "password"}}, begun, false, `"(hidden)"+(unknown)`},
		"within a document":  {nil, value.Value{Kind: value.String, Text: `{"password":"SuperSecret123"}`, Document: &whole}, false, `"(hidden)"`},
		"within a text":      {nil, text(`[{"name":"DB_PASSWORD","value":"pw"}]`), false, `"(hidden)"`},
		"in a list":          {value.Path{{Name: "passwords"}, {Name: "password"}}, value.Value{Kind: value.List, Items: []value.Value{text("SuperSecret123")}}, false, `["(hidden)"]`},
		"nothing to hide":    {value.Path{{Name: "engine"}}, text("postgres"), false, `"postgres"`},
		"no text":            {value.Path{{Name: "password"}}, value.Value{}, false, `(not set)`},
		"a harmless name":    {value.Path{{Name: "password_length"}}, text("12"), false, `"12"`},
		"a switch of a name": {value.Path{{Name: "password"}}, value.Value{Kind: value.Bool, Bool: true}, false, `true`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Conceal(tt.path, &tt.v, tt.all)
			if s := value.Show(&got); s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
		})
	}
}

func TestSecretSpans(t *testing.T) {
	tests := []struct {
		line string
		all  bool
		want string // with # for what is hidden
	}{
		{`  password = "SuperSecret123"`, false, `  password = "##############"`},
		{`  password = "pw"`, true, `  password = "##"`},
		{`  password = var.password`, true, `  password = var.password`},
		{`  password = random_password.db2.result`, false, `  password = random_password.db2.result`},
		{`  password = "${var.password}"`, false, `  password = "${var.password}"`},
		{`  engine = "postgres"`, false, `  engine = "postgres"`},
		{`  value = "SuperSecret123"`, true, `  value = "##############"`},
		{`  "value": "SuperSecret123"`, true, `  "value": "##############"`},
		{`resource "aws_db_instance" "db" {`, true, `resource "aws_db_instance" "db" {`},
		{`{name: DB_PASSWORD, value: "hunter2"}`, false, `{name: DB_PASSWORD, value: "#######"}`},
		{`{name: REGION, value: "eu-west-1"}`, false, `{name: REGION, value: "eu-west-1"}`},
		{`  default = "{\"client_secret\":\"hunter2\"}"`, false, `  default = "{\"client_secret\":\"#######\"}"`},
		{`# curl -H 'Authorization: Basic dXNlcjpodW50ZXIyaHVudGVyMg=='`, false, `# curl -H 'Authorization: Basic ############################'`},
		{`# basic authentication is not enough`, false, `# basic authentication is not enough`},
		{`Action = "secretsmanager:GetSecretValue"`, false, `Action = "secretsmanager:GetSecretValue"`},
		{`export DB_PASSWORD=SuperSecret123`, false, `export DB_PASSWORD=##############`},
	}
	for _, tt := range tests {
		got := []byte(tt.line)
		for _, s := range SecretSpans(tt.line, tt.all) {
			copy(got[s[0]:s[1]], strings.Repeat("#", s[1]-s[0]))
		}
		if string(got) != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// TestMaskedLines hides values whose names stand in the line before.
func TestMaskedLines(t *testing.T) {
	for in, want := range map[string]string{
		"- name: API_TOKEN\n  value: hunter2":                           "- name: API_TOKEN\n  value: (hidden)",
		"- name: API_TOKEN\n  value: \"hunter2\"":                       "- name: API_TOKEN\n  value: \"(hidden)\"",
		"{\n\"name\": \"DB_PASSWORD\",\n\"value\": \"hunter2\"\n}":      "{\n\"name\": \"DB_PASSWORD\",\n\"value\": \"(hidden)\"\n}",
		"- name: REGION\n  value: eu-west-1":                            "- name: REGION\n  value: eu-west-1",
		"name = \"DB_PASSWORD\"\nvalue = var.password":                  "name = \"DB_PASSWORD\"\nvalue = var.password",
		"a sk_live_4eC39HqLyjWDarjtT1zdp7dc b\n-- AKIAQYLPMN5HFIQR7XYA": "a (hidden) b\n-- (hidden)",
	} {
		if got := Masked(in); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}
