package translate

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/value"
)

// published is what a dialect's own makers say of its types: see schema/generate/published.go for the form.
type published map[string]map[string]string

// readPublished returns nil when there is nothing to hold a dialect's table against.
func readPublished(t *testing.T, dialect string) published {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "schema", "testdata", dialect+".txt.gz"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out := published{}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		columns := strings.Split(lines.Text(), "\t")
		members := make(map[string]string, len(columns)-1)
		for _, c := range columns[1:] {
			name, typ, _ := strings.Cut(c, ":")
			members[name] = typ
		}
		out[columns[0]] = members
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for typ, members := range otherVersions {
		if out[typ] != nil {
			maps.Copy(out[typ], members)
		}
	}
	return out
}

// covers reports whether the types of the service that a type is of are published: Microsoft.Storage, amazon.aws, AWS::S3.
// What expands into others, as AWS::Serverless does, is published by nobody.
func (p published) covers(typ string) bool {
	if slices.ContainsFunc(apart, func(begin string) bool { return strings.HasPrefix(typ, begin) }) {
		return false
	}
	service := typ[:strings.LastIndexByte(typ, '.')+1]
	if before, _, ok := strings.Cut(typ, "/"); ok {
		service = before + "/"
	} else if i := strings.LastIndex(typ, "::"); i > 0 {
		service = typ[:i+2]
	}
	for known := range p {
		if len(known) > len(service) && strings.EqualFold(known[:len(service)], service) {
			return true
		}
	}
	return false
}

// apart are the types that the makers publish elsewhere than the rest of their service.
var apart = []string{"Microsoft.Network/frontDoors", "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies", "Microsoft.DBforMariaDB/", "Microsoft.Authorization/locks",
	"Microsoft.Insights/diagnosticSettings", "Microsoft.RecoveryServices/vaults/backupFabrics/", "Microsoft.Security/securityContacts"}

// partsByName are the parts whose name says what they have, where the makers publish one of all the names.
var partsByName = []string{"/config/logs", "/config/authsettings", "/config/authsettingsV2", "/sqlVulnerabilityAssessments/default"}

// otherVersions are properties that a type has in other versions of its API than the published one: newer, older, previews.
var otherVersions = map[string]map[string]string{
	"Microsoft.Automation/automationAccounts#properties":                   {"publicNetworkAccess": "boolean", "disableLocalAuth": "boolean", "encryption": "any"},
	"Microsoft.EventHub/namespaces#properties":                             {"minimumTlsVersion": "string", "publicNetworkAccess": "string"},
	"Microsoft.ServiceBus/namespaces#properties":                           {"minimumTlsVersion": "string", "publicNetworkAccess": "string", "premiumMessagingPartitions": "number"},
	"Microsoft.Cache/redis#properties":                                     {"disableAccessKeyAuthentication": "boolean"},
	"Microsoft.ContainerRegistry/registries#properties":                    {"anonymousPullEnabled": "boolean"},
	"Microsoft.DBforPostgreSQL/flexibleServers#properties":                 {"authConfig": "any", "dataEncryption": "any"},
	"Microsoft.DocumentDB/databaseAccounts#properties":                     {"ipRangeFilter": "string"},
	"Microsoft.Sql/servers/databases/transparentDataEncryption#properties": {"state": "string"},
}

// everywhere is what a dialect allows on resources of every type beside their properties.
var everywhere = map[string]map[string]string{
	"cloudformation": {"DeletionPolicy": "string", "UpdateReplacePolicy": "string", "DependsOn": "any", "Condition": "string", "Metadata": "json", "CreationPolicy": "json", "UpdatePolicy": "json"},
	"arm":            {"name": "string", "location": "string", "tags": "{string}", "zones": "[string]", "scope": "string", "parent": "any", "kind": "string", "identity": "any", "sku": "any", "plan": "any"},
}

// sides splits a type that is one of several.
func sides(typ string) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(typ) {
		switch typ[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '/':
			if depth == 0 {
				out, from = append(out, typ[from:i]), i+1
			}
		}
	}
	return append(out, typ[from:])
}

// step returns the type behind a step into a type of the resource type root; false when there is none.
func (p published) step(root, typ string, s schema.NameStep) (string, bool) {
	for _, side := range sides(typ) {
		base, _, _ := strings.Cut(side, "(")
		switch {
		case base == "json" || base == "any":
			return "any", true
		case s.Name != "" && strings.HasPrefix(side, "#"):
			ok := true
			found := ""
			for _, name := range append([]string{s.Name}, s.Aliases...) {
				typ, has := p[root+side][name]
				ok = ok && has
				if found == "" {
					found = typ
				}
			}
			if ok {
				return found, true
			}
		case s.Name != "" && strings.HasPrefix(side, "{"):
			return side[1 : len(side)-1], true
		case s.Map && strings.HasPrefix(side, "{"):
			return side[1 : len(side)-1], true
		case s.Name == "" && !s.Map && strings.HasPrefix(side, "["):
			item := side[1 : len(side)-1]
			if s.Key != "" {
				if _, ok := p.step(root, item, schema.NameStep{Name: s.Key}); !ok {
					continue
				}
			}
			return item, true
		}
	}
	return "", false
}

// example makes the n-th value of a type; false when there is no such value.
func (p published) example(typ string, n int) (value.Value, bool) {
	side := sides(typ)[0]
	base, allowed, _ := strings.Cut(side, "(")
	if allowed != "" {
		all := strings.Split(strings.TrimSuffix(allowed, ")"), "|")
		if n >= len(all) {
			return value.Value{}, false
		}
		switch base {
		case "boolean":
			return of(all[n] == "true"), true
		case "number":
			v, ok := number(all[n])
			return v, ok
		}
		return text(all[n]), true
	}
	switch {
	case base == "boolean":
		return of(n == 0), n < 2
	case base == "number":
		return of(7 + n), true
	case base == "json", base == "any":
		return obj("K", "v"+strconv.Itoa(n)), true
	case strings.HasPrefix(side, "["):
		item, ok := p.example(side[1:len(side)-1], n)
		return list(item), ok
	case strings.HasPrefix(side, "{"):
		item, ok := p.example(side[1:len(side)-1], n)
		return obj("k", item), ok
	case strings.HasPrefix(side, "#"):
		return obj(), n == 0
	}
	return text("word" + strconv.Itoa(n)), true
}
