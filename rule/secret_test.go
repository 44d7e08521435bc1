package rule

import (
	"strings"
	"testing"
)

func TestSecretInUse(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"MYSQL_ROOT_PASSWORD", "root", true},
		{"MYSQL_ROOT_PASSWORD", "password", true},
		{"db-passwd", "1234", true},
		{"API_TOKEN", "mZ8vQ1kT4xW7rB2nY5cJ9hL3pD6sF0gA", true},
		{"QUEUE", "amqp://orders:9f8e7d6c5b4a@queue:5672", true},
		{"application.properties", "spring.datasource.password=Winter-2026-orders", true},
		{"app.yaml", "token:\n  secretRef: app-token-1\n", false},
		{"existingSecret", "orders-db-credentials2", false},
		{"MYSQL_ROOT_PASSWORD", "", false},
		{"MYSQL_ROOT_PASSWORD", "ab", false},
		{"MYSQL_ROOT_PASSWORD", "changeme", false},
		{"MYSQL_ROOT_PASSWORD", "CHANGE_ME", false},
		{"MYSQL_ROOT_PASSWORD", "$(SHARED)", false},
		{"MYSQL_ROOT_PASSWORD", "${SHARED}", false},
		{"MYSQL_ROOT_PASSWORD", "{{ vault.root }}", false},
		{"MYSQL_ROOT_PASSWORD", "<path:secret/data/db#root>", false},
		{"MYSQL_ROOT_PASSWORD", "vault:secret/data/db#root", false},
		{"MYSQL_ROOT_PASSWORD", "/run/secrets/root", false},
		{"MYSQL_ROOT_PASSWORD", "db-root-password", false}, // the name under which it is kept
		{"MYSQL_ROOT_PASSWORD", "ENC[AES256_GCM,data:4r8vXw==,iv:mZ8vQ1kT4xW7,tag:x,type:str]", false},
		{"MYSQL_ROOT_PASSWORD_FILE", "root.txt", false},
		{"ALLOW_EMPTY_PASSWORD", "yes", false},
		{"MYSQL_RANDOM_ROOT_PASSWORD", "1", false},
		{"API_TOKEN", "root", false}, // a token is random, or it is none
		{"DB_USER", "root", false},
	} {
		if got := secretInUse(c.name, c.value); got != c.want {
			t.Errorf("%s = %q: got %t, want %t", c.name, c.value, got, c.want)
		}
	}
}

func TestStems(t *testing.T) {
	for _, word := range secretWords {
		for _, name := range []string{word, strings.ToUpper("db_" + word), "x" + word + "1", word[:2] + "_" + word[2:]} {
			if !hasStem(name) {
				t.Errorf("%s has no stem", name)
			}
		}
	}
	if hasStem("metadata") {
		t.Error("metadata has a stem")
	}
}
