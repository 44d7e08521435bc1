package azure

import (
	"strings"
	"testing"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
	"plumbline.dev/plumbline/value"
)

// bicepSuite is what dialecttest knows of Bicep.
func bicepSuite() dialecttest.Suite {
	return dialecttest.Suite{
		New:      func(s *schema.Set) dialect.Dialect { return NewBicep(s) },
		Suppress: commentedOut,
		Samples:  []dialecttest.Sample{bicepAccount, bicepModules, bicepParams},
	}
}

// commentedOut writes a directive in a line of its own above a resource.
func commentedOut(f *source.File, r *resource.Resource, directive string) []source.Edit {
	line := f.Line(f.Position(r.Range.Start).Line)
	text := f.Text(line)
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	return []source.Edit{{Range: source.Range{File: f.Path, Start: line.Start, End: line.Start}, Text: indent + "// " + directive + "\n"}}
}

func bicepSet(path string, v value.Value) resource.Change {
	p, ok := value.ParsePath(path)
	if !ok {
		panic(path)
	}
	return resource.Change{Op: resource.Set, Path: p, Value: v}
}

const bicepAccountText = `targetScope = 'resourceGroup'

@description('The name')
param accountName string

@allowed([
  'TLS1_0'
  'TLS1_2'
])
param tls string = 'TLS1_0'
param shared bool = true
@secure()
param password string

var acls = {
  bypass: 'AzureServices' // of the platform
  defaultAction: 'Allow'
}

@description('''
It's the account
''')
resource account 'Microsoft.Storage/storageAccounts@2023-01-01' = {
  name: accountName
  location: resourceGroup().location
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' } /* beside */
  properties: {
    minimumTlsVersion: tls
    allowBlobPublicAccess: true
    // shared keys
    allowSharedKeyAccess: shared
    isSftpEnabled: shared ? true : false
    networkAcls: acls
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource logs 'containers' = {
      name: toLower('LOGS')
      properties: {
        publicAccess: 'Blob'
        metadata: union({ a: 'b' }, {})
      }
    }
  }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = [for i in range(0, 2): if (i < 5) {
  name: 'kv-${i}'
  location: account.location
  tags: { account: account.id }
  properties: {
    enablePurgeProtection: account.properties.allowBlobPublicAccess
  }
}]

output key string = account.listKeys().keys[0].value
output id string = account::blobs::logs.id
`

var bicepAccount = dialecttest.Sample{
	Name:  "account",
	Files: map[string]string{"main.bicep": bicepAccountText},
	Addresses: []string{
		"account", "account::blobs::logs", "output.id", "output.key", "param.accountName", "param.password", "param.shared", "param.tls",
		"vault[0]", "vault[1]",
	},
	UnixOnly: true, // the text in three quotes
	Values: []dialecttest.Value{
		{Address: "account", Path: "min_tls_version", Show: `"TLS1_0"`, At: "minimumTlsVersion: tls"},
		{Address: "account", Path: "allow_nested_items_to_be_public", Show: "true", At: "allowBlobPublicAccess: true"},
		{Address: "account", Path: "network_rules", Show: `{"bypass": ["AzureServices"], "default_action": "Allow"}`, At: "networkAcls: acls"},
		{Address: "account", Path: "sftp_enabled", Show: "true", At: "isSftpEnabled: shared ? true : false"},
		{Address: "account", Path: "name", Wait: "param.accountName", At: "name: accountName"},
		{Address: "account", Path: "location", Wait: "resourceGroup()", At: "location: resourceGroup().location"},
		{Address: "account::blobs::logs", Path: "name", Show: `"logs"`, At: "name: toLower('LOGS')"},
		{Address: "vault[1]", Path: "name", Show: `"kv-1"`, At: "name: 'kv-${i}'"},
		{Address: "vault[0]", Path: "purge_protection_enabled", Show: "true", At: "enablePurgeProtection: account.properties.allowBlobPublicAccess"},
	},
	Wishes: []dialecttest.Wish{
		{
			Name: "a literal", Address: "account",
			Changes: []resource.Change{bicepSet("allow_nested_items_to_be_public", boolean(false))},
			Shared:  []string{"vault[0]", "vault[1]"},
			Want:    map[string]string{"main.bicep": strings.Replace(bicepAccountText, "allowBlobPublicAccess: true", "allowBlobPublicAccess: false", 1)},
		},
		{
			Name: "the default of a parameter", Address: "account",
			Changes: []resource.Change{bicepSet("min_tls_version", text("TLS1_2"))},
			Want:    map[string]string{"main.bicep": strings.Replace(bicepAccountText, "param tls string = 'TLS1_0'", "param tls string = 'TLS1_2'", 1)},
		},
		{
			Name: "what the parameter does not take", Address: "account",
			Changes: []resource.Change{bicepSet("min_tls_version", text("TLS1_3"))},
			Want:    map[string]string{"main.bicep": strings.Replace(bicepAccountText, "minimumTlsVersion: tls", "minimumTlsVersion: 'TLS1_3'", 1)},
		},
		{
			Name: "a conditional", Address: "account",
			Changes: []resource.Change{bicepSet("sftp_enabled", boolean(false))},
			Want:    map[string]string{"main.bicep": strings.Replace(bicepAccountText, "shared ? true : false", "false", 1)},
		},
		{
			Name: "a member of a variable", Address: "account",
			Changes: []resource.Change{bicepSet("network_rules.default_action", text("Deny"))},
			Want:    map[string]string{"main.bicep": strings.Replace(bicepAccountText, "defaultAction: 'Allow'", "defaultAction: 'Deny'", 1)},
		},
		{
			Name: "something new", Address: "account",
			Changes: []resource.Change{bicepSet("infrastructure_encryption_enabled", boolean(true)), bicepSet("https_traffic_only_enabled", boolean(true))},
			Want: map[string]string{"main.bicep": strings.Replace(bicepAccountText, "    networkAcls: acls\n", `    networkAcls: acls
    encryption: {
      requireInfrastructureEncryption: true
    }
    supportsHttpsTrafficOnly: true
`, 1)},
		},
		{
			Name: "in a line", Address: "vault[0]",
			Changes: []resource.Change{bicepSet("tags.owner", text("it's me"))},
			Shared:  []string{"vault[1]"},
			Want:    map[string]string{"main.bicep": strings.Replace(bicepAccountText, "{ account: account.id }", `{ account: account.id, owner: 'it\'s me' }`, 1)},
		},
		{
			Name: "nested", Address: "account::blobs::logs",
			Changes: []resource.Change{bicepSet("container_access_type", text("private"))},
			Want:    map[string]string{"main.bicep": strings.Replace(bicepAccountText, "publicAccess: 'Blob'", "publicAccess: 'None'", 1)},
		},
		{
			Name: "over an expression", Address: "account::blobs::logs",
			Changes: []resource.Change{bicepSet("metadata.owner", text("me"))},
			Want:    map[string]string{"main.bicep": strings.Replace(bicepAccountText, "union({ a: 'b' }, {})", "union(union({ a: 'b' }, {}), {\n          owner: 'me'\n        })", 1)},
		},
		{
			Name: "what is so", Address: "account",
			Changes: []resource.Change{bicepSet("allow_nested_items_to_be_public", boolean(true))},
		},
		{
			Name: "gone", Address: "account",
			Changes: []resource.Change{{Op: resource.Remove, Path: value.Path{{Name: "sftp_enabled"}}}},
			Want:    map[string]string{"main.bicep": strings.Replace(bicepAccountText, "    isSftpEnabled: shared ? true : false\n", "", 1)},
		},
	},
}

var bicepModules = dialecttest.Sample{
	Name: "modules",
	Files: map[string]string{
		"main.bicep": `import { small, sizeOf } from './shared.bicep'
import * as all from 'shared.bicep'

param https bool?

module stores 'parts/store.bicep' = [for (name, n) in ['a', 'b']: {
  name: 'store-${n}'
  params: {
    name: '${name}${small}'
    https: https ?? false
    level: sizeOf(n)
  }
}]

module vault 'parts/vault.bicep' = if (all.deploy) {
  name: 'vault'
  params: {
    account: stores[1].outputs.id
    ...{ purge: false }
  }
}

module far 'br/public:avm/res/network/private-endpoint:0.11.1' = {
  name: 'far'
  params: { target: vault.outputs.id }
}
`,
		"shared.bicep": `@export()
var small = toLower('XS')

@export()
var deploy = true

@export()
func sizeOf(n int) string => n == 0 ? 'Cool' : 'Hot'
`,
		"parts/store.bicep": `param name string
param https bool = true
param level string

resource store 'Microsoft.Storage/storageAccounts@2023-01-01' = {
  name: name
  properties: {
    supportsHttpsTrafficOnly: https
    accessTier: level
  }
}

output id string = store.id
`,
		"parts/vault.bicep": `param account string
param purge bool

resource kv 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv'
  tags: { account: account }
  properties: {
    enablePurgeProtection: purge
  }
}

output id string = kv.id
`,
	},
	Addresses: []string{
		"module.stores[0].output.id", "module.stores[0].param.https", "module.stores[0].param.level", "module.stores[0].param.name", "module.stores[0].store",
		"module.stores[1].output.id", "module.stores[1].param.https", "module.stores[1].param.level", "module.stores[1].param.name", "module.stores[1].store",
		"module.vault.kv", "module.vault.output.id", "module.vault.param.account", "module.vault.param.purge", "param.https",
	},
	Values: []dialecttest.Value{
		{Address: "module.stores[0].store", Path: "name", Show: `"axs"`, At: "name: name"},
		{Address: "module.stores[0].store", Path: "access_tier", Show: `"Cool"`, At: "accessTier: level"},
		{Address: "module.stores[1].store", Path: "access_tier", Show: `"Hot"`, At: "accessTier: level"},
		{Address: "module.stores[1].store", Path: "https_traffic_only_enabled", Show: "false", At: "supportsHttpsTrafficOnly: https"},
		{Address: "module.vault.kv", Path: "purge_protection_enabled", Show: "false", At: "enablePurgeProtection: purge"},
		{Address: "module.vault.kv", Path: "tags.account", Wait: "resourceGroup()", At: "account: account"},
	},
	Wishes: []dialecttest.Wish{
		{
			Name: "where the caller says it", Address: "module.stores[0].store",
			Changes: []resource.Change{bicepSet("https_traffic_only_enabled", boolean(true))},
			Shared:  []string{"module.stores[1].store"},
		},
		{
			Name: "where a function says it", Address: "module.stores[0].store",
			Changes: []resource.Change{bicepSet("access_tier", text("Premium"))},
			Shared:  []string{"module.stores[1].store"},
		},
		{
			Name: "in a spread", Address: "module.vault.kv",
			Changes: []resource.Change{bicepSet("purge_protection_enabled", boolean(true))},
		},
	},
}

var bicepParams = dialecttest.Sample{
	Name: "parameters",
	Files: map[string]string{
		"main.bicep": `param tls 'TLS1_0' | 'TLS1_2'
param names string[]

resource stores 'Microsoft.Storage/storageAccounts@2023-01-01' = [for name in names: {
  name: name
  properties: {
    minimumTlsVersion: tls
  }
}]
`,
		"main.dev.bicepparam": `using './main.bicep'

var lowest = 'TLS1_0'
param tls = lowest
param names = [
  readEnvironmentVariable('NAME')
]
`,
		"main.prod.parameters.json": `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "tls": { "value": "TLS1_0" },
    "names": { "value": ["x", "y"] }
  }
}
`,
	},
	Addresses: []string{
		"dev: param.names", "dev: param.tls", "dev: stores[0]",
		"prod: param.names", "prod: param.tls", "prod: stores[0]", "prod: stores[1]",
	},
	Values: []dialecttest.Value{
		{Address: "dev: stores[0]", Path: "min_tls_version", Show: `"TLS1_0"`, At: "minimumTlsVersion: tls"},
		{Address: "dev: stores[0]", Path: "name", Wait: "readEnvironmentVariable()", At: "name: name"},
		{Address: "prod: stores[1]", Path: "name", Show: `"y"`, At: "name: name"},
	},
	Wishes: []dialecttest.Wish{
		{
			Name: "in the file of parameters", Address: "dev: stores[0]",
			Changes: []resource.Change{bicepSet("min_tls_version", text("TLS1_2"))},
		},
		{
			Name: "in JSON", Address: "prod: stores[0]",
			Changes: []resource.Change{bicepSet("min_tls_version", text("TLS1_2"))},
			Shared:  []string{"stores[1]"},
		},
	},
}

func TestBicepConformance(t *testing.T) { dialecttest.Run(t, bicepSuite()) }

func FuzzBicepEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, bicepSuite()) }

func FuzzBicepEdit(f *testing.F) { dialecttest.FuzzEdit(f, bicepSuite()) }
